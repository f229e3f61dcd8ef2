import t from 'tap'
import { ICMP_INDICATIONS_PER_SECOND_MAX } from '../../src/limits/turn.js'
import * as stun from '../../src/stun/constants.js'
import { PERMISSION_LIFETIME_TICKS, TICKS_PER_SECOND } from '../../src/turn/allocation.js'
import * as drops from '../../src/turn/drop-reasons.js'
import type { CoreClient } from '../support/core-client.js'
import {
  CoreHarness,
  type CoreHarnessOptions,
  PEER,
  PEER_IPV6,
  SERVER_HOST,
  SERVER_HOST_IPV6,
} from '../support/core-harness.js'
import { addressOf } from '../support/turn-address.js'

const UNREACHABLE = 3
const PORT_UNREACHABLE = 3
const FRAGMENTATION_NEEDED = 4

/** A client with relays of both families, and permissions for PEER and PEER_IPV6. */
function relaying(options: CoreHarnessOptions = {}): {
  harness: CoreHarness
  client: CoreClient
  relayId: number
  relay6Id: number
} {
  const harness = new CoreHarness({ relayHosts: [SERVER_HOST, SERVER_HOST_IPV6], ...options })
  const client = harness.client()
  client.allocate((writer) => writer.writeFamily(stun.ATTRIBUTE_ADDITIONAL_ADDRESS_FAMILY, 6))
  client.createPermission(PEER, PEER_IPV6)
  const relayId = harness.relayOf(client).id
  const relay6Id = harness.relayOf(client, 6).id
  harness.output.take()
  return { harness, client, relayId, relay6Id }
}

/** What the client is told, as `PEER type/code data`; '' if nothing. */
function told(harness: CoreHarness, client: CoreClient): string {
  const indications = client.messagesSince(0)
  harness.output.take()
  if (indications.length === 0) return ''
  const { view, types } = indications[0]
  const peers = indications[0].addresses(stun.ATTRIBUTE_XOR_PEER_ADDRESS)
  if (indications.length > 1 || view.messageClass !== stun.CLASS_INDICATION || view.method !== stun.METHOD_DATA) {
    throw new Error('not one Data indication')
  }
  if (`${types}` !== `${[stun.ATTRIBUTE_XOR_PEER_ADDRESS, stun.ATTRIBUTE_ICMP]}`) throw new Error(`has ${types}`)
  const index = view.find(stun.ATTRIBUTE_ICMP)
  if (view.attributeLengths[index] !== 8 || view.readUint16(index) !== 0) throw new Error('not the form of ICMP')
  const typeAndCode = view.readUint16(index, 2)
  return `${peers} ${typeAndCode >> 9}/${typeAndCode & 0x1ff} ${view.readUint32(index, 4)}`
}

t.test('an ICMP error for a relayed datagram (RFC 8656 §11.5)', async (t) => {
  t.test('becomes a Data indication with XOR-PEER-ADDRESS and ICMP, without DATA', async (t) => {
    const { harness, client, relayId } = relaying()
    t.equal(harness.peerIcmp(relayId, PEER, UNREACHABLE, PORT_UNREACHABLE), drops.DROP_NONE)
    t.equal(told(harness, client), `${PEER} 3/3 0`)
  })

  t.test('is told for the types of the RFC only: 3 and 11 of ICMP, 1, 2 and 3 of ICMPv6', async (t) => {
    const { harness, client, relayId, relay6Id } = relaying()
    const passed = (id: number, peer: string): number[] =>
      Array.from({ length: 256 }, (_, type) => type).filter((type) => {
        const drop = harness.peerIcmp(id, peer, type)
        const isTold = told(harness, client) !== ''
        t.equal(isTold, drop === 0)
        if (drop !== 0 && drop !== drops.DROP_ICMP_TYPE) throw new Error(drops.DROP_NAMES[drop])
        return isTold
      })
    t.same(passed(relayId, PEER), [3, 11])
    t.same(passed(relay6Id, PEER_IPV6), [1, 2, 3])
    t.equal(harness.core.drops[drops.DROP_ICMP_TYPE], 256 - 2 + 256 - 3)
  })

  t.test('brings the MTU of the next hop where there is one, and zeros otherwise (RFC 8656 §18.13)', async (t) => {
    const { harness, client, relayId, relay6Id } = relaying()
    for (const [id, peer, type, code, expected] of [
      [relayId, PEER, UNREACHABLE, FRAGMENTATION_NEEDED, 1400],
      [relayId, PEER, UNREACHABLE, 3, 0],
      [relayId, PEER, UNREACHABLE, 5, 0],
      [relayId, PEER, 11, FRAGMENTATION_NEEDED, 0],
      [relay6Id, PEER_IPV6, 2, 0, 1400],
      [relay6Id, PEER_IPV6, 1, FRAGMENTATION_NEEDED, 0],
      [relay6Id, PEER_IPV6, 3, FRAGMENTATION_NEEDED, 0],
    ] as const) {
      harness.peerIcmp(id, peer, type, code, 1400)
      t.equal(told(harness, client), `${peer} ${type}/${code} ${expected}`)
    }
  })

  t.test('needs a live permission for the address; its port does not matter', async (t) => {
    const { harness, client, relayId } = relaying()
    t.equal(harness.peerIcmp(relayId, '1.2.3.5:6000', UNREACHABLE), drops.DROP_NO_PERMISSION)
    t.equal(harness.peerIcmp(relayId, '1.2.3.4:1', UNREACHABLE), 0)
    t.equal(told(harness, client), '1.2.3.4:1 3/0 0')
    harness.advanceTicks(PERMISSION_LIFETIME_TICKS - 1)
    t.equal(harness.peerIcmp(relayId, PEER, UNREACHABLE), 0)
    harness.advanceTicks(1)
    t.equal(harness.peerIcmp(relayId, PEER, UNREACHABLE), drops.DROP_NO_PERMISSION)
  })

  t.test('of a bound peer is an indication too, and counts as no payload', async (t) => {
    const { harness, client, relayId } = relaying()
    client.channelBind(0x4000, PEER)
    harness.output.take()
    t.equal(harness.peerIcmp(relayId, PEER, UNREACHABLE), 0)
    t.equal(told(harness, client), `${PEER} 3/0 0`)
    t.same([...harness.allocationOf(client).counters], [0, 0, 0, 0])
  })

  t.test('of a relay that is gone, or opening, is dropped', async (t) => {
    const { harness, client, relayId } = relaying()
    harness.openOutcome = () => 'pending'
    const other = harness.client()
    const first = harness.output.effects.length
    other.request(stun.METHOD_ALLOCATE, (writer) =>
      writer.writeUint32(stun.ATTRIBUTE_REQUESTED_TRANSPORT, stun.TRANSPORT_PROTOCOL_UDP << 24),
    )
    const opening = harness.output.effects.slice(first).find((effect) => effect.kind === 'open')
    t.equal(harness.peerIcmp(opening?.relayId ?? -1, PEER, UNREACHABLE), drops.DROP_NO_RELAY)
    client.refresh(0)
    t.equal(harness.peerIcmp(relayId, PEER, UNREACHABLE), drops.DROP_NO_RELAY)
    t.equal(harness.peerIcmp(4711, PEER, UNREACHABLE), drops.DROP_NO_RELAY)
  })

  t.test('of a peer that has become forbidden is dropped', async (t) => {
    const { harness, relayId } = relaying()
    t.equal(harness.peerIcmp(relayId, PEER, UNREACHABLE), 0)
    harness.policy.setLocalHosts([addressOf('1.2.3.4:0')])
    t.equal(harness.peerIcmp(relayId, PEER, UNREACHABLE), drops.DROP_PEER_FORBIDDEN)
  })

  t.test('names another relay of this server by its advertised address', async (t) => {
    const harness = new CoreHarness({ relayHosts: ['5.6.7.8/10.0.0.5'] })
    const [client, other] = [harness.client(), harness.client()]
    client.allocate()
    const [advertised] = other.allocate().relayed
    client.createPermission(advertised)
    harness.output.take()
    const bound = advertised.replace('5.6.7.8', '10.0.0.5')
    t.equal(harness.peerIcmp(harness.relayOf(client).id, bound, UNREACHABLE), 0)
    t.equal(told(harness, client), `${advertised} 3/0 0`)
  })

  t.test('has a transaction id of its own each time', async (t) => {
    const { harness, client, relay6Id } = relaying()
    for (const type of [1, 2]) harness.peerIcmp(relay6Id, PEER_IPV6, type)
    const [a, b] = client.messagesSince(0)
    t.notSame(a.transactionId, b.transactionId)
  })
})

t.test('core.drops', async (t) => {
  t.test('may be memory that others read', async (t) => {
    const shared = new Float64Array(new SharedArrayBuffer(drops.DROP_NAMES.length * Float64Array.BYTES_PER_ELEMENT))
    const harness = new CoreHarness({ drops: shared })
    t.equal(harness.peerIcmp(1, PEER, UNREACHABLE), drops.DROP_NO_RELAY)
    t.equal(shared[drops.DROP_NO_RELAY], 1)
    t.equal(harness.core.drops, shared)
  })

  t.test('is told of 50 times a second for each relay, whatever a peer or a forger does', async (t) => {
    const { harness, relayId, relay6Id } = relaying()
    const tell = (id: number, peer: string, type: number) => harness.peerIcmp(id, peer, type, 0)
    for (let round = 0; round < 2; round++) {
      for (let count = 0; count < ICMP_INDICATIONS_PER_SECOND_MAX; count++) {
        t.equal(tell(relayId, PEER, UNREACHABLE), drops.DROP_NONE)
      }
      t.equal(tell(relayId, PEER, UNREACHABLE), drops.DROP_ICMP_LIMIT)
      t.equal(tell(relay6Id, PEER_IPV6, 1), drops.DROP_NONE, 'another relay has a share of its own')
      harness.advanceTicks(TICKS_PER_SECOND - 1)
      t.equal(tell(relayId, PEER, UNREACHABLE), drops.DROP_ICMP_LIMIT)
      harness.advanceTicks(1)
    }
  })
})
