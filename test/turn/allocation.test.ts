import fc from 'fast-check'
import t from 'tap'
import { hashHost, TransportAddress } from '../../src/stun/address.js'
import { Allocation, CHANNEL_LIFETIME_TICKS, PERMISSION_LIFETIME_TICKS } from '../../src/turn/allocation.js'
import { FiveTuple } from '../../src/turn/five-tuple.js'
import { SeededRandom } from '../support/random.js'
import { atPort } from '../support/turn-address.js'

function emptyAllocation(): Allocation {
  return new Allocation(new FiveTuple(), 'alice', 0, new Uint8Array(12))
}

/** Two IP addresses of equal hash. */
function collidingHosts(): TransportAddress[] {
  const random = new SeededRandom(1)
  const byHash = new Map<number, TransportAddress>()
  let pair: TransportAddress[] = []
  for (let count = 0; pair.length === 0; count++) {
    const address = new TransportAddress()
    if (count % 2 === 0) address.setIPv4(random.nextUint32() | 0, 0)
    else address.setIPv6(0x2a000000, random.nextUint32() | 0, random.nextUint32() | 0, random.nextUint32() | 0, 0)
    const other = byHash.get(hashHost(address))
    if (other !== undefined && !other.equalsHost(address)) pair = [other, address]
    byHash.set(hashHost(address), address)
  }
  return pair
}

t.test('permissions of an allocation', async (t) => {
  t.test('are found by IP address, whatever the port, also when hashes collide', async (t) => {
    const [a, b] = collidingHosts()
    t.equal(hashHost(a), hashHost(b), 'the test has its collision')
    for (const [first, second] of [
      [a, b],
      [b, a],
    ]) {
      const allocation = emptyAllocation()
      const one = allocation.installPermission(atPort(first, 5), 0)
      t.equal(allocation.findPermission(second), null)
      const two = allocation.installPermission(second, 100)
      t.not(one, two)
      t.equal(allocation.findPermission(first), one)
      t.equal(allocation.findPermission(atPort(second, 9)), two)
      t.equal(allocation.permissionCount, 2)
      allocation.forgetExpired(PERMISSION_LIFETIME_TICKS)
      t.equal(allocation.findPermission(first), null)
      t.equal(allocation.findPermission(second), two)
      t.equal(allocation.permissionCount, 1)
      allocation.forgetExpired(PERMISSION_LIFETIME_TICKS + 100)
      t.equal(allocation.permissionCount, 0)
      t.equal(allocation.permissions.size, 0)
    }
  })

  t.test('have their textual host, for engines', async (t) => {
    const allocation = emptyAllocation()
    const peer = new TransportAddress().setIPv6(0x2a000000, 0, 0, 1, 77)
    const { address } = allocation.installPermission(peer, 0)
    t.equal(address.host, '2a00::1')
    t.equal(address.port, 0)
  })
})

t.test('permissions and channels of an allocation agree with a model', async (t) => {
  const hosts = [...collidingHosts(), new TransportAddress().setIPv4(1, 0), new TransportAddress().setIPv4(2, 0)]
  const step = fc.record({
    kind: fc.constantFrom('permission', 'channel', 'remove', 'forget', 'family', 'wait'),
    host: fc.nat(hosts.length - 1),
    port: fc.integer({ min: 1, max: 3 }),
    number: fc.integer({ min: 0x4000, max: 0x4005 }),
    ticks: fc.nat(40_000),
    family: fc.constantFrom(4, 6),
  })

  /** What an allocation is, told simply. */
  interface Model {
    readonly permissions: Map<number, number>
    readonly channels: Map<number, { host: number; port: number; expiresAt: number }>
  }

  function isAlike(allocation: Allocation, model: Model, now: number): boolean {
    for (const [index, host] of hosts.entries()) {
      const permission = allocation.findPermission(host)
      if ((permission?.expiresAt ?? null) !== (model.permissions.get(index) ?? null)) return false
      for (const port of [1, 2, 3]) {
        const expected = [...model.channels].find(([, channel]) => channel.host === index && channel.port === port)
        const found = permission === null ? null : allocation.findChannel(permission, port)
        if ((found?.channelNumber ?? null) !== (expected?.[0] ?? null)) return false
      }
    }
    const live = [...allocation.livePermissions(now)].length
    return (
      allocation.permissionCount === model.permissions.size &&
      allocation.channels.size === model.channels.size &&
      live === [...model.permissions.values()].filter((expiresAt) => expiresAt > now).length
    )
  }

  t.test('after any order of steps', async (t) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const allocation = emptyAllocation()
        const model: Model = { permissions: new Map(), channels: new Map() }
        let now = 0
        for (const { kind, host, port, number, ticks, family } of steps) {
          const peer = atPort(hosts[host], port)
          const isTaken =
            model.channels.has(number) || [...model.channels.values()].some((c) => c.host === host && c.port === port)
          if (kind === 'wait') now += ticks
          if (kind === 'permission' || (kind === 'channel' && !isTaken)) {
            const permission = allocation.installPermission(peer, now)
            model.permissions.set(host, now + PERMISSION_LIFETIME_TICKS)
            if (kind === 'channel') {
              const expiresAt = now + CHANNEL_LIFETIME_TICKS
              allocation.addChannel(number, permission, port).expiresAt = expiresAt
              model.channels.set(number, { host, port, expiresAt })
            }
          }
          if (kind === 'remove') {
            const channel = allocation.channels.get(number)
            if (channel !== undefined) allocation.removeChannel(channel)
            model.channels.delete(number)
          }
          if (kind === 'forget') {
            allocation.forgetExpired(now)
            for (const [each, { expiresAt }] of model.channels) if (expiresAt <= now) model.channels.delete(each)
            const needed = new Set([...model.channels.values()].map((channel) => channel.host))
            for (const [each, expiresAt] of model.permissions) {
              if (expiresAt <= now && !needed.has(each)) model.permissions.delete(each)
            }
          }
          if (kind === 'family') {
            allocation.forgetFamily(family)
            for (const [each, channel] of model.channels) {
              if (hosts[channel.host].family === family) model.channels.delete(each)
            }
            for (const each of model.permissions.keys())
              if (hosts[each].family === family) model.permissions.delete(each)
          }
          if (!isAlike(allocation, model, now)) return false
        }
        return true
      }),
      { numRuns: 400, seed: 1 },
    )
    t.pass()
  })
})

t.test('an allocation', async (t) => {
  t.test('counts for itself from its first permission on, and has nothing to count before', async (t) => {
    const [busy, idle] = [emptyAllocation(), emptyAllocation()]
    const peer = new TransportAddress().setIPv4(1, 77)
    const permission = busy.installPermission(peer, 0)
    const { counters } = busy
    busy.counters[0]++
    busy.addChannel(0x4000, permission, 77)
    busy.forgetFamily(4)
    busy.installPermission(peer, 0)
    t.equal(busy.counters, counters, 'its counters stay')
    t.same([...idle.counters, ...emptyAllocation().counters], [0, 0, 0, 0, 0, 0, 0, 0])
    t.same([idle.channels.size, idle.permissions.size, idle.permissionCount], [0, 0, 0])
    idle.forgetExpired(1)
    idle.forgetFamily(6)
    const own = idle.installPermission(peer, 0)
    t.not(idle.counters, counters)
    t.equal(busy.channels.size, 0)
    idle.addChannel(0x4001, own, 77)
    t.equal(busy.channels.size, 0)
    t.same([emptyAllocation().channels.size, emptyAllocation().permissions.size], [0, 0])
  })

  t.test('knows the transaction that made it by all twelve bytes', async (t) => {
    const id = Uint8Array.from({ length: 12 }, (_, index) => 0xf0 + index)
    const allocation = new Allocation(new FiveTuple(), 'alice', 0, id)
    t.equal(allocation.isOfTransaction(Uint8Array.of(9, 9, 9, ...id), 3), true)
    for (let index = 0; index < 12; index++) {
      const other = id.slice()
      other[index] ^= 0x80
      t.equal(allocation.isOfTransaction(other, 0), false, `byte ${index}`)
    }
  })
})
