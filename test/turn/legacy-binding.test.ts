import t, { type Test } from 'tap'
import { profileTraits } from '../../src/config/profile.js'
import { TransportAddress } from '../../src/stun/address.js'
import * as stun from '../../src/stun/constants.js'
import { decodeLegacyMessage, MessageView } from '../../src/stun/message.js'
import { MessageWriter } from '../../src/stun/writer.js'
import * as drops from '../../src/turn/drop-reasons.js'
import { TRANSPORT_TCP } from '../../src/turn/five-tuple.js'
import type { CoreHarness } from '../support/core-harness.js'
import {
  type DiscoveryStageOptions,
  discoveryStage,
  PLACES,
  PUBLIC_HOSTS,
  sentFor,
} from '../support/discovery-stage.js'
import type { Write } from '../support/request-encoder.js'

const CLIENT = '198.51.100.7:50000'

/** Without discovery, unless told otherwise. */
const legacyStage = (options: DiscoveryStageOptions = {}) =>
  discoveryStage({ answersLegacyBinding: true, discoveryPairs: [], ...options })
const withDiscovery = (options: DiscoveryStageOptions = {}) =>
  discoveryStage({ answersLegacyBinding: true, ...options })

/** With 16 bytes of transaction id. */
function legacy(harness: CoreHarness, write: Write = () => {}, method = stun.METHOD_BINDING): Uint8Array {
  const bytes = new Uint8Array(512)
  const writer = new MessageWriter()
  writer.beginLegacy(bytes, 0, stun.CLASS_REQUEST, method, harness.random.nextBytes(16), 0)
  write(writer)
  return bytes.slice(0, writer.finish())
}

const changing =
  (flags: number): Write =>
  (writer) =>
    writer.writeUint32(stun.ATTRIBUTE_CHANGE_REQUEST, flags)

interface LegacyAnswer {
  readonly from: string
  readonly to: string
  readonly code: number
  readonly types: readonly number[]
  readonly view: MessageView
  readonly length: number
}

function ask(t: Test, harness: CoreHarness, request: Uint8Array, listenerId = 0): LegacyAnswer {
  const sent = sentFor(harness, request, CLIENT, listenerId)
  if (sent.length !== 1) throw new Error(`${sent.length} answers`)
  const [{ bytes, from, to }] = sent
  const view = new MessageView()
  t.equal(decodeLegacyMessage(view, bytes, 0, bytes.length), 0)
  t.same([...bytes.subarray(4, 20)], [...request.subarray(4, 20)], 'the transaction id of 128 bits, as it came')
  const isSuccess = view.messageClass === stun.CLASS_SUCCESS
  const code = isSuccess ? 0 : view.readErrorCode(view.find(stun.ATTRIBUTE_ERROR_CODE))
  const types = [...view.attributeTypes.subarray(0, view.attributeCount)]
  return { from, to, code, types, view, length: bytes.length }
}

function addressAt({ view }: LegacyAnswer, type: number): string {
  const address = new TransportAddress()
  return view.readAddress(view.find(type), address) ? String(address) : ''
}

t.test('Binding of RFC 3489', async (t) => {
  t.test('is dropped unless it is wanted', async (t) => {
    const harness = discoveryStage()
    t.same(sentFor(harness, legacy(harness)), [])
    t.equal(harness.core.drops[drops.DROP_NOT_STUN], 1)
  })

  t.test('is answered with MAPPED-ADDRESS and SOURCE-ADDRESS in the clear (RFC 3489 §8.1)', async (t) => {
    const harness = legacyStage()
    for (const write of [() => {}, changing(0)]) {
      const answer = ask(t, harness, legacy(harness, write))
      t.same([answer.code, answer.from, answer.to], [0, PLACES[0], CLIENT])
      t.same(answer.types, [stun.ATTRIBUTE_MAPPED_ADDRESS, stun.ATTRIBUTE_SOURCE_ADDRESS])
      t.equal(addressAt(answer, stun.ATTRIBUTE_MAPPED_ADDRESS), CLIENT)
      t.equal(addressAt(answer, stun.ATTRIBUTE_SOURCE_ADDRESS), PLACES[0])
      t.equal(answer.length, 44)
    }
    t.same(harness.observer.refusals, [])
  })

  t.test('with static NAT SOURCE-ADDRESS is the public one', async (t) => {
    const harness = legacyStage({ relayHosts: [`${PUBLIC_HOSTS[0]}/192.0.2.1`] })
    t.equal(addressAt(ask(t, harness, legacy(harness)), stun.ATTRIBUTE_SOURCE_ADDRESS), `${PUBLIC_HOSTS[0]}:3478`)
  })

  t.test('with discovery CHANGED-ADDRESS is told, and CHANGE-REQUEST honoured (RFC 3489 §8.1, table 1)', async (t) => {
    const harness = withDiscovery()
    for (const [flags, origin] of [
      [0, 0],
      [stun.CHANGE_REQUEST_IP, 1],
      [stun.CHANGE_REQUEST_PORT, 2],
      [stun.CHANGE_REQUEST_IP | stun.CHANGE_REQUEST_PORT, 3],
    ] as const) {
      const answer = ask(t, harness, legacy(harness, changing(flags)))
      t.same([answer.code, answer.from, answer.to], [0, PLACES[origin], CLIENT])
      t.equal(addressAt(answer, stun.ATTRIBUTE_SOURCE_ADDRESS), PLACES[origin])
      t.equal(addressAt(answer, stun.ATTRIBUTE_CHANGED_ADDRESS), PLACES[3])
      t.equal(answer.length, 56)
    }
  })

  t.test('without discovery CHANGE-REQUEST that asks for something gets 420', async (t) => {
    const harness = legacyStage()
    const answer = ask(t, harness, legacy(harness, changing(stun.CHANGE_REQUEST_PORT)))
    t.equal(answer.code, 420)
  })

  t.test('RESPONSE-ADDRESS is never honoured: 420, to the source (docs/security.md)', async (t) => {
    for (const harness of [legacyStage(), withDiscovery()]) {
      const write: Write = (writer) => writer.writeAddress(stun.ATTRIBUTE_RESPONSE_ADDRESS, harness.client().address)
      const answer = ask(t, harness, legacy(harness, write))
      t.same([answer.code, answer.to], [420, CLIENT])
      const list = answer.view.readBytes(answer.view.find(stun.ATTRIBUTE_UNKNOWN_ATTRIBUTES))
      t.same([...list], [0, 2, 0, 2], 'named twice: the length is a multiple of four (RFC 3489 §11.2.10)')
    }
  })

  t.test('what is known and has no business in a request is ignored; of a password nobody has one', async (t) => {
    const harness = legacyStage()
    const misplaced: Write = (writer) => writer.writeAddress(stun.ATTRIBUTE_MAPPED_ADDRESS, harness.client().address)
    t.equal(ask(t, harness, legacy(harness, misplaced)).code, 0)
    const optional: Write = (writer) => writer.writeUint32(0x8020, 1)
    t.equal(ask(t, harness, legacy(harness, optional)).code, 0)
    const signed: Write = (writer) => writer.writeMessageIntegrity(new Uint8Array(16))
    t.equal(ask(t, harness, legacy(harness, signed)).code, 430)
  })

  t.test('where Binding needs credentials, which these clients cannot give, the answer is 401', async (t) => {
    const harness = withDiscovery({ traits: profileTraits('expressway-x12.6') })
    const answer = ask(t, harness, legacy(harness))
    t.same([answer.code, answer.types], [401, [stun.ATTRIBUTE_ERROR_CODE]])
  })

  t.test('nothing but a whole Binding request over UDP is answered', async (t) => {
    const harness = legacyStage()
    t.same(
      sentFor(
        harness,
        legacy(harness, () => {}, stun.METHOD_SHARED_SECRET),
      ),
      [],
    )
    t.same(
      sentFor(
        harness,
        legacy(harness, () => {}, stun.METHOD_ALLOCATE),
      ),
      [],
    )
    t.same(sentFor(harness, legacy(harness), CLIENT, 0, TRANSPORT_TCP), [])
    const whole = legacy(harness, changing(0))
    for (let length = 0; length < whole.length; length++) t.same(sentFor(harness, whole.slice(0, length)), [])
    const response = legacy(harness)
    response[0] = 1
    t.same(sentFor(harness, response), [], 'an answer of another server: no loops')
  })

  t.test('of a client behind a relay of this server gets nothing, as with every request', async (t) => {
    const harness = legacyStage()
    const owner = harness.client()
    t.equal(owner.allocate().code, 0)
    const relay = harness.relayOf(owner).address.toString()
    t.same(sentFor(harness, legacy(harness), relay), [])
    t.match(harness.observer.refusals.at(-1), { reason: 'nested-client', client: relay })
  })

  t.test('counts against the limit of answers to strangers', async (t) => {
    const harness = legacyStage({ unauthenticatedRate: 20 })
    let count = 0
    for (let sent = 0; sent < 210; sent++) count += sentFor(harness, legacy(harness)).length
    t.equal(count, 200)
    t.equal(harness.core.drops[drops.DROP_REPLY_LIMIT], 10)
  })
})
