// Two clients of one server: relay to relay behind static NAT, clients behind relays, and loops.
import t from 'tap'
import * as stun from '../../src/stun/constants.js'
import * as drops from '../../src/turn/drop-reasons.js'
import { BOB, type CoreClient, Received, requestUdp } from '../support/core-client.js'
import { CoreHarness, PEER } from '../support/core-harness.js'
import { addressOf, atPort } from '../support/turn-address.js'

const PUBLIC = '203.0.113.1'
const PRIVATE = '10.0.0.1'
const DATA = Buffer.from('hairpin')

interface Call {
  readonly harness: CoreHarness
  readonly alice: CoreClient
  readonly bob: CoreClient
  /** What the clients are told: PUBLIC and a port each. */
  readonly aliceRelayed: string
  readonly bobRelayed: string
}

/** @param relayHost as --external-ip has it */
function call(relayHost = `${PUBLIC}/${PRIVATE}`): Call {
  const harness = new CoreHarness({
    relayHosts: [relayHost],
    ownSockets: [`${PRIVATE}:3478`, `${PUBLIC}:3478`],
    localHosts: [PRIVATE, '127.0.0.1'],
  })
  const alice = harness.client()
  const bob = harness.client({ user: BOB })
  const [aliceRelayed] = alice.allocate().relayed
  const [bobRelayed] = bob.allocate().relayed
  harness.output.take()
  return { harness, alice, bob, aliceRelayed, bobRelayed }
}

/** Carries the last datagram to a peer across: it arrives at the relay that is bound there, from the sender's bound address. */
function deliver({ harness }: Call, from: CoreClient, to: CoreClient): number {
  const sent = harness.output.of('to-peer').at(-1)
  if (sent === undefined) throw new Error('nothing was sent')
  const target = harness.relayOf(to)
  if (sent.peer !== target.address.toString()) throw new Error(`${sent.peer} is not the bound ${target.address}`)
  return harness.peerSends(target.id, harness.relayOf(from).address.toString(), sent.payload)
}

for (const [name, relayHost, host] of [
  ['behind static NAT', `${PUBLIC}/${PRIVATE}`, PRIVATE],
  ['without NAT', PUBLIC, PUBLIC],
] as const) {
  t.test(`two clients ${name}`, async (t) => {
    t.test('reach each other over Send and Data, by the addresses that they were told', async (t) => {
      const world = call(relayHost)
      const { harness, alice, bob, aliceRelayed, bobRelayed } = world
      t.equal(addressOf(bobRelayed).toString().split(':')[0], PUBLIC)
      t.equal(alice.createPermission(bobRelayed).code, 0)
      t.equal(bob.createPermission(aliceRelayed).code, 0)
      t.equal(alice.sendIndication(bobRelayed, DATA), 0)
      t.match(harness.output.of('to-peer').at(-1), {
        peer: `${host}:${addressOf(bobRelayed).port}`,
        host,
        payload: DATA,
      })
      const first = harness.output.effects.length
      t.equal(deliver(world, alice, bob), 0)
      const [indication] = bob.messagesSince(first)
      t.same(indication.addresses(stun.ATTRIBUTE_XOR_PEER_ADDRESS), [aliceRelayed], 'named as the client knows it')
      t.same(Buffer.from(indication.value(stun.ATTRIBUTE_DATA)), DATA)
      t.equal(bob.sendIndication(aliceRelayed, DATA), 0)
      t.equal(deliver(world, bob, alice), 0)
    })

    t.test('reach each other over channels', async (t) => {
      const world = call(relayHost)
      const { harness, alice, bob, aliceRelayed, bobRelayed } = world
      t.equal(alice.channelBind(0x4000, bobRelayed).code, 0)
      t.equal(bob.channelBind(0x4001, aliceRelayed).code, 0)
      t.equal(alice.channelData(0x4000, DATA), 0)
      t.equal(deliver(world, alice, bob), 0)
      t.match(harness.output.effects.at(-1), { kind: 'channel-data', channelNumber: 0x4001, payload: DATA })
    })

    t.test('need permissions like anybody', async (t) => {
      const world = call(relayHost)
      const { alice, bob, aliceRelayed, bobRelayed } = world
      t.equal(alice.sendIndication(bobRelayed, DATA), drops.DROP_NO_PERMISSION)
      alice.createPermission(bobRelayed)
      t.equal(alice.sendIndication(bobRelayed, DATA), 0)
      t.equal(deliver(world, alice, bob), drops.DROP_NO_PERMISSION)
      bob.createPermission(aliceRelayed)
      t.equal(deliver(world, alice, bob), 0)
    })

    t.test('reach nothing but live relays of others there', async (t) => {
      const { harness, alice, aliceRelayed, bobRelayed, bob } = call(relayHost)
      alice.createPermission(bobRelayed)
      harness.output.take()
      const { port } = addressOf(bobRelayed)
      const dead = port === 24_000 ? 24_001 : 24_000
      for (const each of [dead, 3478, 22, 23_999, 30_000, addressOf(aliceRelayed).port]) {
        t.equal(alice.sendIndication(atPort(bobRelayed, each), DATA), drops.DROP_PEER_FORBIDDEN, String(each))
        t.equal(alice.channelBind(0x4000, atPort(bobRelayed, each)).code, 403, String(each))
      }
      t.same(harness.output.of('to-peer'), [])
      bob.refresh(0)
      t.equal(alice.sendIndication(bobRelayed, DATA), drops.DROP_PEER_FORBIDDEN, 'the relay has gone')
      t.equal(alice.createPermission(bobRelayed).code, 403)
      t.equal(alice.channelBind(0x4000, bobRelayed).code, 403)
      t.same(harness.output.of('to-peer'), [])
    })

    t.test('a bound channel is silent while the other relay is gone', async (t) => {
      const { harness, alice, bob, bobRelayed } = call(relayHost)
      alice.channelBind(0x4000, bobRelayed)
      t.equal(alice.channelData(0x4000, DATA), 0)
      bob.refresh(0)
      t.equal(alice.channelData(0x4000, DATA), drops.DROP_PEER_FORBIDDEN)
      t.equal(harness.output.of('to-peer').length, 1)
    })
  })
}

t.test('a peer that is no client of ours', async (t) => {
  t.test('behind the same PRIVATE address is no relay, and forbidden', async (t) => {
    const { harness, alice, bobRelayed } = call()
    alice.createPermission(bobRelayed)
    t.not(harness.peerSends(harness.relayOf(alice).id, `${PRIVATE}:5000`, DATA), 0)
  })

  t.test('is sent to directly, and named as it is', async (t) => {
    const { harness, alice } = call()
    alice.createPermission(PEER)
    alice.sendIndication(PEER, DATA)
    t.match(harness.output.of('to-peer').at(-1), { peer: PEER })
    const first = harness.output.effects.length
    harness.peerSends(harness.relayOf(alice).id, PEER, DATA)
    t.same(alice.messagesSince(first)[0].addresses(stun.ATTRIBUTE_XOR_PEER_ADDRESS), [PEER])
  })
})

t.test('a relay loop: A’s peer is B’s relay and B’s is A’s (security.md)', async (t) => {
  t.test('is impossible: one packet makes one delivery, to a client', async (t) => {
    const world = call()
    const { harness, alice, bob, aliceRelayed, bobRelayed } = world
    alice.channelBind(0x4000, bobRelayed)
    bob.channelBind(0x4000, aliceRelayed)
    harness.output.take()
    alice.channelData(0x4000, DATA)
    deliver(world, alice, bob)
    t.same(
      harness.output.take().map(({ kind }) => kind),
      ['to-peer', 'channel-data'],
    )
  })

  t.test('to one’s own relay is forbidden on every path', async (t) => {
    const { harness, alice, bobRelayed, aliceRelayed } = call()
    t.equal(alice.channelBind(0x4000, aliceRelayed).code, 403)
    t.equal(alice.channelBind(0x4000, atPort(PRIVATE, addressOf(aliceRelayed).port)).code, 403)
    // The permission is by address, and is good for the other client's relay.
    t.equal(alice.createPermission(bobRelayed).code, 0)
    t.equal(alice.sendIndication(aliceRelayed, DATA), drops.DROP_PEER_FORBIDDEN)
    const own = harness.relayOf(alice)
    t.equal(harness.peerSends(own.id, own.address.toString(), DATA), drops.DROP_PEER_FORBIDDEN)
    t.equal(harness.peerSends(own.id, own.advertised.toString(), DATA), drops.DROP_PEER_FORBIDDEN)
    t.same(harness.output.of('to-peer'), [])
  })

  t.test('alone on the server, one’s own address gets no permission', async (t) => {
    const harness = new CoreHarness()
    const client = harness.client()
    const [relayed] = client.allocate().relayed
    t.equal(client.createPermission(relayed).code, 403)
  })
})

t.test('a client behind a relay of this server does not exist (security.md)', async (t) => {
  for (const side of ['bound', 'advertised'] as const) {
    t.test(`by its ${side} address: no answer to anything`, async (t) => {
      const { harness, alice } = call()
      const relay = harness.relayOf(alice)
      const address = (side === 'bound' ? relay.address : relay.advertised).toString()
      const nested = harness.client({ address })
      for (const method of [
        stun.METHOD_BINDING,
        stun.METHOD_ALLOCATE,
        stun.METHOD_REFRESH,
        stun.METHOD_CREATE_PERMISSION,
        stun.METHOD_CHANNEL_BIND,
      ]) {
        for (const options of [{ integrity: 'none' as const }, { nonce: 'x' }]) {
          t.equal(nested.request(method, requestUdp, options), null)
          t.equal(nested.drop, drops.DROP_NESTED_CLIENT)
          t.match(harness.observer.refusals.at(-1), { reason: 'nested-client', code: 0, method, client: address })
        }
      }
      t.equal(nested.sendIndication(PEER, DATA), drops.DROP_NO_ALLOCATION)
      t.equal(nested.channelData(0x4000, DATA), drops.DROP_NO_ALLOCATION)
      t.same(harness.output.take(), [])
      alice.refresh(0)
      t.equal(nested.ask(stun.METHOD_BINDING, () => {}, { integrity: 'none' }).code, 0, 'the relay has gone')
    })
  }

  t.test('even a whole Allocate through one’s own relay reaches nothing', async (t) => {
    const { harness, alice } = call()
    // The listener is no peer in the first place; this is what would arrive if it were.
    t.equal(alice.createPermission(`${PRIVATE}:3478`).code, 0, 'Bob’s relay is on this address')
    t.equal(alice.sendIndication(`${PRIVATE}:3478`, DATA), drops.DROP_PEER_FORBIDDEN)
    t.equal(alice.sendIndication(`${PUBLIC}:3478`, DATA), drops.DROP_NO_PERMISSION)
    t.equal(alice.channelBind(0x4000, `${PUBLIC}:3478`).code, 403)
    const nested = harness.client({ address: harness.relayOf(alice).address.toString() })
    const id = new Uint8Array(12)
    nested.request(stun.METHOD_ALLOCATE, requestUdp, { integrity: 'none', transactionId: id })
    t.same(harness.output.of('to-peer'), [])
    t.equal(harness.core.allocations.size, 2)
    t.notOk(
      harness.output.of('message').some(({ bytes }) => Buffer.compare(new Received(bytes).transactionId, id) === 0),
    )
  })
})
