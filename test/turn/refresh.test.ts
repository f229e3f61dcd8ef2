import t from 'tap'
import * as stun from '../../src/stun/constants.js'
import { type CoreClient, writePeers } from '../support/core-client.js'
import { CoreHarness, PEER, PEER_IPV6, SERVER_HOST, SERVER_HOST_IPV6 } from '../support/core-harness.js'

const DUAL = { relayHosts: [SERVER_HOST, SERVER_HOST_IPV6] }

function dualAllocation(): { harness: CoreHarness; client: CoreClient } {
  const harness = new CoreHarness(DUAL)
  const client = harness.client()
  client.allocate((writer) => writer.writeFamily(stun.ATTRIBUTE_ADDITIONAL_ADDRESS_FAMILY, 6))
  return { harness, client }
}

t.test('Refresh (RFC 8656 §8.2)', async (t) => {
  for (const [asked, granted] of [
    [undefined, 600],
    [1, 600],
    [599, 600],
    [600, 600],
    [601, 601],
    [3600, 3600],
    [3601, 3600],
    [0xffffffff, 3600],
  ] as const) {
    t.test(`grants ${granted} s for ${asked ?? 'no LIFETIME'}, counted from now`, async (t) => {
      const harness = new CoreHarness()
      const client = harness.client()
      client.allocate()
      harness.advanceSeconds(500)
      const answer = client.refresh(asked)
      t.equal(answer.code, 0)
      t.equal(answer.lifetime, granted)
      t.same(answer.types, [stun.ATTRIBUTE_LIFETIME])
      harness.advanceTicks(granted * 100 - 1)
      t.equal(harness.core.allocations.size, 1)
      harness.advanceTicks(1)
      t.equal(harness.core.allocations.size, 0)
    })
  }

  t.test('shortens a lifetime too', async (t) => {
    const harness = new CoreHarness()
    const client = harness.client()
    client.allocate((writer) => writer.writeUint32(stun.ATTRIBUTE_LIFETIME, 3600))
    client.refresh(600)
    harness.advanceSeconds(600)
    t.equal(harness.core.allocations.size, 0)
  })

  t.test('with LIFETIME 0 closes the socket at once and gives everything back', async (t) => {
    const harness = new CoreHarness()
    const client = harness.client()
    client.allocate()
    client.channelBind(0x4000, PEER)
    const { id } = harness.relayOf(client)
    const answer = client.refresh(0)
    t.equal(answer.code, 0)
    t.equal(answer.lifetime, 0)
    t.ok(client.isProtected(answer))
    t.same(harness.output.of('close'), [{ kind: 'close', relayId: id }])
    t.equal(harness.core.quotas.held, 0)
    t.equal(harness.relayPorts.claimedCount(), 0)
    t.equal(harness.observer.deleted[0].cause, 'refresh')
    t.not(client.channelData(0x4000, Buffer.from('late')), 0)
    t.not(harness.peerSends(id, PEER, Buffer.from('late')), 0)
    t.equal(client.retransmit()?.code, 437, 'a retransmission finds no allocation')
    t.equal(client.refresh(0).code, 437)
  })

  t.test('does not refresh permissions or channels', async (t) => {
    const harness = new CoreHarness()
    const client = harness.client()
    client.allocate()
    client.createPermission(PEER)
    harness.advanceSeconds(299)
    client.refresh()
    t.equal(client.sendIndication(PEER, Buffer.from('in time')), 0)
    harness.advanceSeconds(1)
    t.not(client.sendIndication(PEER, Buffer.from('late')), 0)
  })

  for (const [name, type, length] of [
    ['LIFETIME of 3 bytes', stun.ATTRIBUTE_LIFETIME, 3],
    ['REQUESTED-ADDRESS-FAMILY of 2 bytes', stun.ATTRIBUTE_REQUESTED_ADDRESS_FAMILY, 2],
  ] as const) {
    t.test(`refuses ${name} with 400`, async (t) => {
      const client = new CoreHarness().client()
      client.allocate()
      t.equal(client.ask(stun.METHOD_REFRESH, (writer) => writer.writeBytes(type, new Uint8Array(length))).code, 400)
      t.equal(client.refresh().code, 0)
    })
  }
})

t.test('Refresh with REQUESTED-ADDRESS-FAMILY (RFC 8656 §8.1)', async (t) => {
  t.test('of a family that the allocation lacks gets 443', async (t) => {
    for (const [family, lacking] of [
      [4, 6],
      [6, 4],
    ] as const) {
      const harness = new CoreHarness(DUAL)
      const client = harness.client()
      client.allocate((writer) => writer.writeFamily(stun.ATTRIBUTE_REQUESTED_ADDRESS_FAMILY, family))
      for (const lifetime of [600, 0]) t.equal(client.refresh(lifetime, lacking).code, 443)
      t.equal(harness.observer.lastRefusal(), 'peer-family-mismatch 443')
      t.equal(client.refresh(600, family).code, 0)
    }
  })

  t.test('of an unknown family gets 443', async (t) => {
    const { client } = dualAllocation()
    const answer = client.ask(stun.METHOD_REFRESH, (writer) =>
      writer.writeUint32(stun.ATTRIBUTE_REQUESTED_ADDRESS_FAMILY, 3 << 24),
    )
    t.equal(answer.code, 443)
  })

  t.test('gives each relay of two a lifetime of its own', async (t) => {
    const { harness, client } = dualAllocation()
    t.equal(client.refresh(1200, 6).lifetime, 1200)
    harness.advanceSeconds(600)
    const allocation = harness.allocationOf(client)
    t.equal(allocation.relay4, null, 'IPv4 has expired')
    t.ok(allocation.relay6)
    t.same(
      harness.observer.relaysDeleted.map(({ cause }) => cause),
      ['expired'],
    )
    t.equal(harness.core.quotas.held, 1)
    harness.advanceSeconds(600)
    t.equal(harness.core.allocations.size, 0)
    t.equal(harness.core.quotas.held, 0)
    t.same(
      harness.observer.deleted.map(({ cause }) => cause),
      ['expired'],
    )
  })

  t.test('without a family refreshes both', async (t) => {
    const { harness, client } = dualAllocation()
    client.refresh(1200)
    harness.advanceSeconds(1199)
    t.ok(harness.relayOf(client, 4))
    t.ok(harness.relayOf(client, 6))
    harness.advanceSeconds(1)
    t.equal(harness.core.allocations.size, 0)
    t.same(harness.openSockets(), [])
  })

  t.test('and LIFETIME 0 ends one family, its permissions and channels, and leaves the other', async (t) => {
    const { harness, client } = dualAllocation()
    const ask = () => client.ask(stun.METHOD_CREATE_PERMISSION, (writer) => writePeers(writer, [PEER, PEER_IPV6]))
    ask()
    client.channelBind(0x4000, PEER)
    client.channelBind(0x4001, PEER_IPV6)
    const ipv4 = harness.relayOf(client, 4)
    const answer = client.refresh(0, 4)
    t.equal(answer.code, 0)
    t.equal(answer.lifetime, 0)
    t.same(harness.output.of('close'), [{ kind: 'close', relayId: ipv4.id }])
    t.same(
      harness.observer.relaysDeleted.map(({ relay }) => relay),
      [ipv4],
    )
    t.same(harness.observer.deleted, [])
    t.equal(harness.relayPorts.claimedCount(), 1)
    t.equal(harness.core.quotas.held, 1)
    const allocation = harness.allocationOf(client)
    t.same(
      [...allocation.livePermissions(harness.core.now)].map(({ address }) => address.family),
      [6],
    )
    t.same([...allocation.channels.keys()], [0x4001])
    t.not(client.channelData(0x4000, Buffer.from('4')), 0)
    t.not(client.sendIndication(PEER, Buffer.from('4')), 0)
    t.equal(client.channelData(0x4001, Buffer.from('6')), 0)
    t.equal(ask().code, 443, 'there is no IPv4 any more')
    t.equal(client.refresh(0, 4).code, 443)
    t.equal(client.refresh(0, 6).code, 0)
    t.equal(harness.core.allocations.size, 0)
    t.equal(harness.relayPorts.claimedCount(), 0)
  })

  t.test('and LIFETIME 0 ends one family for good: nothing of it expires later', async (t) => {
    for (const family of [4, 6] as const) {
      const { harness, client } = dualAllocation()
      const other = family === 4 ? 6 : 4
      client.refresh(0, family)
      client.refresh(3600, other)
      harness.advanceSeconds(3599)
      t.ok(harness.relayOf(client, other))
      t.equal(harness.observer.relaysDeleted.length, 1)
      harness.advanceSeconds(1)
      t.equal(harness.core.allocations.size, 0)
    }
  })

  t.test('and LIFETIME 0 without a family ends both', async (t) => {
    const { harness, client } = dualAllocation()
    client.refresh(0)
    t.same(harness.openSockets(), [])
    t.equal(harness.core.allocations.size, 0)
    t.equal(harness.core.quotas.held, 0)
    t.equal(harness.relayPorts.claimedCount(), 0)
  })
})
