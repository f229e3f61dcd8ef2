// How many: relay ports, the licence (--max-allocations), the quota of a user, permissions and channels of an allocation. Exactly N,
// then a refusal, and what was given back counts again.
import type { Test } from 'tap'
import type { RefusalReason, TurnServer } from '../../src/index.js'
import { ATTRIBUTE_RESERVATION_TOKEN } from '../../src/stun/constants.js'
import type { TurnClient } from '../support/turn-client.js'
import { addressOf } from '../support/udp-peer.js'
import { BOB, type Suite, withoutIPv6 } from './suite.js'

const PORT_COUNT = 10
/** Limits of each allocation: those of other tests do not matter. */
const PER_ALLOCATION = { permissionsMax: 3, channelsMax: 2, portCount: 40 } as const

export function limits(t: Test, suite: Suite): void {
  t.test('limits', async (t) => {
    t.test(`${PORT_COUNT} relay ports are ${PORT_COUNT} allocations, then 508 (RFC 8656 §7.2)`, async (t) => {
      const server = await suite.startServer(t, { portCount: PORT_COUNT })
      const clients = await allocateMany(t, suite, server, PORT_COUNT)
      t.equal(new Set(clients.map(({ relay }) => relay.port)).size, PORT_COUNT, 'all different')
      const late = await suite.connect(t, server)
      t.equal(await refusedAllocate(t, suite, server, late, 'no-relay-port'), 508)
      const port = clients[3].relay.port
      await clients[3].refresh({ lifetimeSeconds: 0 })
      t.equal((await late.allocate()).code, 0)
      t.equal(late.relay.port, port, 'the port that was given back')
    })

    t.test('the licence counts allocations of all users, then 508', async (t) => {
      const server = await suite.startServer(t, { hasAllWorkers: true, maxAllocations: 3 })
      const [first] = await allocateMany(t, suite, server, 3)
      const late = await suite.connect(t, server, BOB)
      t.equal(await refusedAllocate(t, suite, server, late, 'licence'), 508)
      await first.refresh({ lifetimeSeconds: 0 })
      t.equal((await late.allocate()).code, 0)
    })

    t.test('the quota of a user is 486, and touches nobody else (RFC 8656 §7.2)', async (t) => {
      const server = await suite.startServer(t, { userQuota: 2 })
      const [first] = await allocateMany(t, suite, server, 2)
      const late = await suite.connect(t, server)
      t.equal(await refusedAllocate(t, suite, server, late, 'user-quota'), 486)
      t.equal((await (await suite.connect(t, server, BOB)).allocate()).code, 0)
      await first.refresh({ lifetimeSeconds: 0 })
      t.equal((await late.allocate()).code, 0)
    })

    t.test('the quota is looked at before the licence, and an unknown token before both (RFC 8656 §7.2)', async (t) => {
      const server = await suite.startServer(t, { userQuota: 2, maxAllocations: 2 })
      await allocateMany(t, suite, server, 2)
      const late = await suite.connect(t, server)
      t.equal(await refusedAllocate(t, suite, server, late, 'user-quota'), 486)
      t.equal((await late.allocate({ token: Buffer.alloc(8) })).code, 508)
    })

    t.test('a quota of 10 admits exactly 10 of 100 requests at once', async (t) => {
      const server = await suite.startServer(t, { hasAllWorkers: true, userQuota: 10, portCount: 100 })
      const clients: TurnClient[] = []
      for (let index = 0; index < 100; index++) {
        const client = await suite.connect(t, server)
        await client.learnChallenge()
        clients.push(client)
      }
      const answers = await Promise.all(clients.map((client) => client.allocate()))
      const codes = answers.map(({ code }) => code)
      t.equal(codes.filter((code) => code === 0).length, 10)
      t.equal(codes.filter((code) => code === 486).length, 90)
      await suite.allocationCountIs(t, server, 10)
    })

    t.test('a reserved port counts until it is claimed, and a claim costs nothing more', async (t) => {
      const server = await suite.startServer(t, { userQuota: 3 })
      const rtp = await suite.connect(t, server)
      const token = (await rtp.allocate({ evenPort: 'pair' })).value(ATTRIBUTE_RESERVATION_TOKEN)
      t.equal((await (await suite.connect(t, server)).allocate({ evenPort: 'pair' })).code, 486, '2 of 3 are held')
      await allocateMany(t, suite, server, 1)
      const rtcp = await suite.connect(t, server)
      t.equal((await rtcp.allocate()).code, 486)
      t.equal((await rtcp.allocate({ token })).code, 0)
    })

    t.test('a dual allocation counts once', { skip: withoutIPv6 }, async (t) => {
      const server = await suite.startServer(t, { maxAllocations: 1 })
      const client = await suite.allocate(t, server, { additionalFamily: 6 })
      const late = await suite.connect(t, server)
      t.equal(await refusedAllocate(t, suite, server, late, 'licence'), 508)
      await client.refresh({ lifetimeSeconds: 0, family: 4 })
      t.equal(await refusedAllocate(t, suite, server, late, 'licence'), 508, 'half of it is still there')
      await client.refresh({ lifetimeSeconds: 0 })
      t.equal((await late.allocate()).code, 0)
    })

    t.test('permissions of an allocation: N, then 508 for the whole request (RFC 8656 §10.2)', async (t) => {
      const server = await suite.sharedServer(PER_ALLOCATION)
      const client = await suite.allocate(t, server)
      const [one, two, three, four] = [1, 2, 3, 4].map((last) => addressOf(`127.0.0.${last}`, 0))
      t.equal((await client.createPermission(one, two)).code, 0)
      t.equal((await client.createPermission(three, four)).code, 508)
      t.equal((await client.createPermission(three)).code, 0, 'the third is still free')
      t.equal((await client.createPermission(one, two, three)).code, 0, 'those that are there are refreshed')
      t.equal((await client.createPermission(four)).code, 508)
      t.equal((await client.bindChannel(0x4000, addressOf('127.0.0.4', 1000))).code, 508)
      t.equal((await client.bindChannel(0x4000, addressOf('127.0.0.3', 1000))).code, 0)
    })

    t.test('channels of an allocation: N, then 508 (RFC 8656 §12.2)', async (t) => {
      const server = await suite.sharedServer(PER_ALLOCATION)
      const client = await suite.allocate(t, server)
      t.equal((await client.bindChannel(0x4000, addressOf('127.0.0.1', 1000))).code, 0)
      t.equal((await client.bindChannel(0x4001, addressOf('127.0.0.1', 1001))).code, 0)
      t.equal((await client.bindChannel(0x4002, addressOf('127.0.0.1', 1002))).code, 508)
      t.equal((await client.bindChannel(0x4001, addressOf('127.0.0.1', 1001))).code, 0, 'a refresh is not one more')
    })
  })
}

async function allocateMany(t: Test, suite: Suite, server: TurnServer, count: number): Promise<TurnClient[]> {
  const clients: TurnClient[] = []
  for (let index = 0; index < count; index++) clients.push(await suite.allocate(t, server))
  return clients
}

/** The code of an Allocate that is refused for this reason. */
async function refusedAllocate(
  t: Test,
  suite: Suite,
  server: TurnServer,
  client: TurnClient,
  reason: RefusalReason,
): Promise<number> {
  const event = suite.refusal(server, client, reason)
  const { code } = await client.allocate()
  const refusal = await event
  t.match(refusal, { reason, code, method: 'Allocate', user: client.defaults.username ?? '' })
  return code
}
