import t from 'tap'
import { profileTraits } from '../../src/config/profile.js'
import { TransportAddress } from '../../src/stun/address.js'
import * as stun from '../../src/stun/constants.js'
import * as drops from '../../src/turn/drop-reasons.js'
import { TRANSPORT_DTLS, TRANSPORT_TCP, TRANSPORT_TLS } from '../../src/turn/five-tuple.js'
import { Received } from '../support/core-client.js'
import type { CoreHarness } from '../support/core-harness.js'
import { discoveryStage, PLACES, PUBLIC_HOSTS, sentFor } from '../support/discovery-stage.js'
import { encodeRequest, type Write } from '../support/request-encoder.js'

const CLIENT = '198.51.100.7:50000'

function binding(harness: CoreHarness, write: Write = () => {}, fingerprint = false): Uint8Array {
  return encodeRequest(stun.METHOD_BINDING, harness.random.nextBytes(12), write, null, fingerprint)
}

const changing =
  (flags: number): Write =>
  (writer) =>
    writer.writeUint32(stun.ATTRIBUTE_CHANGE_REQUEST, flags)
const respondingTo =
  (port: number): Write =>
  (writer) =>
    writer.writeUint32(stun.ATTRIBUTE_RESPONSE_PORT, port * 65_536)
const padded =
  (length: number): Write =>
  (writer) =>
    writer.writeBytes(stun.ATTRIBUTE_PADDING, new Uint8Array(length).fill(7))

/** An address in the clear. */
function plain(answer: Received, type: number): string {
  const address = new TransportAddress()
  return answer.view.readAddress(answer.view.find(type), address) ? String(address) : ''
}

/** The one answer, with where it came from and went to. */
function ask(harness: CoreHarness, request: Uint8Array, client = CLIENT, listenerId = 0, transport?: number) {
  const sent = sentFor(harness, request, client, listenerId, transport)
  if (sent.length !== 1) throw new Error(`${sent.length} answers`)
  const [{ bytes, from, to }] = sent
  return { answer: new Received(bytes), from, to }
}

t.test('NAT behaviour discovery', async (t) => {
  t.test(
    'tells both forms of the client’s address, where the answer comes from, and the other address (RFC 5780 §6.1)',
    async (t) => {
      const harness = discoveryStage()
      for (const [listenerId, place] of PLACES.slice(0, 4).entries()) {
        const { answer, from, to } = ask(harness, binding(harness), CLIENT, listenerId)
        t.same([answer.code, from, to], [0, place, CLIENT])
        t.equal(plain(answer, stun.ATTRIBUTE_MAPPED_ADDRESS), CLIENT)
        t.same(answer.addresses(stun.ATTRIBUTE_XOR_MAPPED_ADDRESS), [CLIENT])
        t.equal(plain(answer, stun.ATTRIBUTE_RESPONSE_ORIGIN), place)
        t.equal(plain(answer, stun.ATTRIBUTE_OTHER_ADDRESS), PLACES[3 - listenerId], 'another address and another port')
        t.equal(answer.bytes.length, 68)
      }
    },
  )

  t.test(
    'CHANGE-REQUEST has it come from the other address, the other port, or both (RFC 5780 §6.1, table 1)',
    async (t) => {
      const harness = discoveryStage()
      for (let asked = 0; asked < 4; asked++) {
        for (const [flags, origin] of [
          [0, asked],
          [stun.CHANGE_REQUEST_IP, asked ^ 1],
          [stun.CHANGE_REQUEST_PORT, asked ^ 2],
          [stun.CHANGE_REQUEST_IP | stun.CHANGE_REQUEST_PORT, asked ^ 3],
        ] as const) {
          const { answer, from, to } = ask(harness, binding(harness, changing(flags)), CLIENT, asked)
          t.same([from, to], [PLACES[origin], CLIENT])
          t.equal(plain(answer, stun.ATTRIBUTE_RESPONSE_ORIGIN), PLACES[origin])
          t.equal(plain(answer, stun.ATTRIBUTE_OTHER_ADDRESS), PLACES[asked ^ 3], 'whatever was asked for')
        }
      }
    },
  )

  t.test(
    'behind static NAT the public addresses are told, and the sockets are those of the private ones',
    async (t) => {
      const harness = discoveryStage({ isTranslated: true })
      const { answer, from } = ask(harness, binding(harness, changing(stun.CHANGE_REQUEST_IP)))
      t.equal(from, PLACES[1])
      t.equal(plain(answer, stun.ATTRIBUTE_RESPONSE_ORIGIN), `${PUBLIC_HOSTS[1]}:3478`)
      t.equal(plain(answer, stun.ATTRIBUTE_OTHER_ADDRESS), `${PUBLIC_HOSTS[1]}:3479`)
    },
  )

  t.test(
    'without it CHANGE-REQUEST, RESPONSE-PORT and PADDING are unknown, and no other address is told (RFC 5780 §6.1)',
    async (t) => {
      const stages: readonly [CoreHarness, number, number?][] = [
        [discoveryStage({ discoveryPairs: [] }), 0],
        [discoveryStage(), 4],
        [discoveryStage({ isForTcp: true }), 0, TRANSPORT_TCP],
        [discoveryStage(), 0, TRANSPORT_TCP],
        [discoveryStage(), 0, TRANSPORT_TLS],
        [discoveryStage(), 0, TRANSPORT_DTLS],
      ]
      for (const [harness, listenerId, transport] of stages) {
        const write: Write = (writer) => {
          padded(8)(writer)
          respondingTo(5000)(writer)
          changing(0)(writer)
        }
        const { answer } = ask(harness, binding(harness, write), CLIENT, listenerId, transport)
        t.equal(answer.code, 420)
        t.same(answer.unknownAttributes, [
          stun.ATTRIBUTE_PADDING,
          stun.ATTRIBUTE_RESPONSE_PORT,
          stun.ATTRIBUTE_CHANGE_REQUEST,
        ])
      }
      for (const [harness, listenerId, transport] of [stages[0], stages[1], stages[3]]) {
        const { answer } = ask(harness, binding(harness), CLIENT, listenerId, transport)
        t.same(answer.types, [stun.ATTRIBUTE_XOR_MAPPED_ADDRESS])
      }
    },
  )

  t.test('over TCP the other address is told where all four are open for it (RFC 5780 §3.1)', async (t) => {
    const harness = discoveryStage({ isForTcp: true })
    const { answer } = ask(harness, binding(harness), CLIENT, 2, TRANSPORT_TCP)
    t.equal(plain(answer, stun.ATTRIBUTE_OTHER_ADDRESS), PLACES[1])
  })

  t.test(
    'what is required and unknown is still refused, and no other method understands these attributes',
    async (t) => {
      const harness = discoveryStage()
      const unknown = ask(
        harness,
        binding(harness, (writer) => writer.writeUint32(0x7fff, 1)),
      ).answer
      t.same([unknown.code, unknown.unknownAttributes], [420, [0x7fff]])
      t.equal(harness.client().ask(stun.METHOD_ALLOCATE, changing(0)).code, 420)
    },
  )

  t.test('CHANGE-REQUEST to a socket that is closed gets 420', async (t) => {
    const harness = discoveryStage({ isAlternateClosed: true })
    const { answer, from } = ask(harness, binding(harness, changing(stun.CHANGE_REQUEST_IP)))
    t.same([answer.code, answer.unknownAttributes, from], [420, [stun.ATTRIBUTE_CHANGE_REQUEST], PLACES[0]])
  })

  t.test('malformed attributes get 400', async (t) => {
    const harness = discoveryStage()
    const writes: Write[] = [
      (writer) => writer.writeBytes(stun.ATTRIBUTE_CHANGE_REQUEST, new Uint8Array(2)),
      (writer) => writer.writeBytes(stun.ATTRIBUTE_CHANGE_REQUEST, new Uint8Array(8)),
      (writer) => writer.writeBytes(stun.ATTRIBUTE_RESPONSE_PORT, new Uint8Array(1)),
      respondingTo(0),
    ]
    for (const write of writes) t.equal(ask(harness, binding(harness, write)).answer.code, 400)
    t.same(new Set(harness.observer.refusals.map(({ reason }) => reason)), new Set(['malformed-attribute']))
  })

  t.test('the profile that wants credentials for Binding wants them for discovery, too', async (t) => {
    const harness = discoveryStage({ traits: profileTraits('expressway-x12.6') })
    t.equal(ask(harness, binding(harness, respondingTo(5000))).answer.code, 401)
    const client = harness.client()
    t.equal(client.ask(stun.METHOD_BINDING, changing(0)).has(stun.ATTRIBUTE_OTHER_ADDRESS), true)
  })
})

t.test('RESPONSE-PORT', async (t) => {
  t.test('has the answer go to that port of the source address, and to no other address (RFC 5780 §7.5)', async (t) => {
    const harness = discoveryStage()
    const { answer, from, to } = ask(harness, binding(harness, respondingTo(40_000)))
    t.same([answer.code, from, to], [0, PLACES[0], '198.51.100.7:40000'])
    t.equal(plain(answer, stun.ATTRIBUTE_MAPPED_ADDRESS), CLIENT, 'which the request came from')
    const short = binding(harness, (writer) => writer.writeUint16(stun.ATTRIBUTE_RESPONSE_PORT, 40_000))
    t.equal(ask(harness, short).to, '198.51.100.7:40000', 'without its padding inside the value, too')
  })

  t.test('goes together with CHANGE-REQUEST', async (t) => {
    const harness = discoveryStage()
    const write: Write = (writer) => {
      respondingTo(65_535)(writer)
      changing(6)(writer)
    }
    const { from, to } = ask(harness, binding(harness, write))
    t.same([from, to], [PLACES[3], '198.51.100.7:65535'])
  })

  t.test('below 1024 is refused with 403, at the port that has asked', async (t) => {
    const harness = discoveryStage()
    for (const port of [1, 53, 1023]) {
      const { answer, to } = ask(harness, binding(harness, respondingTo(port)))
      t.same([answer.code, to], [403, CLIENT])
    }
    t.same(
      harness.observer.refusals.map(({ reason }) => reason),
      ['response-port', 'response-port', 'response-port'],
    )
    t.equal(ask(harness, binding(harness, respondingTo(1024))).to, '198.51.100.7:1024')
    t.equal(
      ask(harness, binding(harness, respondingTo(500)), '198.51.100.7:500').to,
      '198.51.100.7:500',
      'it has asked',
    )
  })

  t.test('with PADDING gets 400 (RFC 5780 §6.1)', async (t) => {
    const harness = discoveryStage()
    const write: Write = (writer) => {
      padded(1000)(writer)
      respondingTo(40_000)(writer)
    }
    const { answer, to } = ask(harness, binding(harness, write))
    t.same([answer.code, to], [400, CLIENT])
  })

  t.test('counts ten times against the limit of answers to strangers', async (t) => {
    const rate = 20
    const burst = 10 * rate
    const harness = discoveryStage({ unauthenticatedRate: rate })
    let count = 0
    for (let sent = 0; sent < burst; sent++) count += sentFor(harness, binding(harness, respondingTo(40_000))).length
    t.equal(count, burst / 10)
    t.equal(harness.core.drops[drops.DROP_REPLY_LIMIT], burst - count)
    t.same(sentFor(harness, binding(harness)), [], 'they have used it up for everything from there')
    harness.advanceSeconds(1)
    count = 0
    for (let sent = 0; sent < burst; sent++) count += sentFor(harness, binding(harness, respondingTo(40_000))).length
    t.equal(count, rate / 10)
    t.equal(sentFor(harness, binding(harness), '198.51.100.8:1').length, 1, 'another source')
  })
})

t.test('PADDING', async (t) => {
  t.test('makes the answer as long as the request, and never longer (RFC 5780 §7.6)', async (t) => {
    const harness = discoveryStage()
    for (const fingerprint of [false, true]) {
      for (const length of [49, 52, 60, 100, 1000, 1500, 1900]) {
        const request = binding(harness, padded(length), fingerprint)
        const { answer } = ask(harness, request)
        t.ok(answer.has(stun.ATTRIBUTE_PADDING))
        t.ok(
          answer.bytes.length <= Math.max(request.length, 80),
          `${request.length} bytes bring ${answer.bytes.length}`,
        )
        if (request.length >= 80) t.equal(answer.bytes.length, request.length)
      }
    }
  })

  t.test('of a little request is empty, and of a huge one bounded', async (t) => {
    const harness = discoveryStage()
    const little = ask(harness, binding(harness, padded(0))).answer
    t.same([little.value(stun.ATTRIBUTE_PADDING).length, little.bytes.length], [0, 72])
    const huge = ask(harness, binding(harness, padded(8000))).answer
    t.equal(huge.bytes.length, 2048)
  })

  t.test('goes together with CHANGE-REQUEST', async (t) => {
    const harness = discoveryStage()
    const write: Write = (writer) => {
      changing(stun.CHANGE_REQUEST_PORT)(writer)
      padded(1500)(writer)
    }
    const { answer, from } = ask(harness, binding(harness, write))
    t.same([from, answer.bytes.length], [PLACES[2], 20 + 8 + 4 + 1500])
  })
})
