// What several workers share: relays reach each other, tokens hold, and limits count, whichever worker a client is on. The kernel decides that
// by the client's address and port, so that with CLIENT_COUNT clients all on one worker is one run in 2^19.
import type { Test } from 'tap'
import { ATTRIBUTE_RESERVATION_TOKEN } from '../../src/stun/constants.js'
import type { TurnClient } from '../support/turn-client.js'
import { UdpPeer } from '../support/udp-peer.js'
import { BOB, type Suite } from './suite.js'

const CLIENT_COUNT = 20
const CHANNEL = 0x4000
const ROUND_COUNT = 10
const isLong = process.env.TURND_TEST_LONG === '1'

export function workers(t: Test, suite: Suite): void {
  const skip = suite.transport.workerCount < 2 && 'this engine has one thread'

  t.test('workers', { skip }, async (t) => {
    t.test('relays of all reach each other, and only while they live', async (t) => {
      const server = await suite.startServer(t, { hasAllWorkers: true, allowPeer: [] })
      const clients = await allocateAll(t, suite, server)
      await suite.allocationCountIs(t, server, CLIENT_COUNT)
      const next = (index: number) => clients[(index + 1) % CLIENT_COUNT]
      const previous = (index: number) => clients[(index + CLIENT_COUNT - 1) % CLIENT_COUNT]
      for (const [index, client] of clients.entries()) {
        t.equal((await client.bindChannel(CHANNEL, next(index).relay)).code, 0)
        t.equal((await client.createPermission(previous(index).relay)).code, 0)
      }
      for (let round = 0; round < ROUND_COUNT; round++) {
        for (const [index, client] of clients.entries()) client.sendChannelData(CHANNEL, `${round} of ${index}`)
      }
      for (const [index, client] of clients.entries()) {
        const from = (index + CLIENT_COUNT - 1) % CLIENT_COUNT
        for (let round = 0; round < ROUND_COUNT; round++) {
          t.match(await client.nextData(), { text: `${round} of ${from}`, peer: clients[from].relay.toString() })
        }
      }
      const [gone, ...others] = clients
      const relay = gone.relay
      t.equal((await gone.refresh({ lifetimeSeconds: 0 })).code, 0)
      // The last one has a channel to it, which still leads nowhere.
      for (const other of others.slice(0, -1)) t.equal((await other.bindChannel(CHANNEL + 1, relay)).code, 403)
      const heir = await UdpPeer.open(t, '127.0.0.1', relay.port)
      for (const other of others) other.sendTo(relay, 'to the heir')
      others[others.length - 1].sendChannelData(CHANNEL, 'to the heir')
      for (const other of others) await other.settle()
      t.same(await heir.receivedSoFar(), [])
    })

    t.test('tokens of each hold on all (RFC 8656 §7.2)', async (t) => {
      const server = await suite.sharedServer()
      for (let round = 0; round < CLIENT_COUNT / 2; round++) {
        const rtp = await suite.connect(t, server)
        const token = (await rtp.allocate({ evenPort: 'pair' })).value(ATTRIBUTE_RESERVATION_TOKEN)
        t.equal((await (await suite.connect(t, server, BOB)).allocate({ token })).code, 508, 'another user')
        const rtcp = await suite.connect(t, server)
        t.equal((await rtcp.allocate({ token })).code, 0)
        t.equal(rtcp.relay.port, rtp.relay.port + 1)
        t.equal((await (await suite.connect(t, server)).allocate({ token })).code, 508, 'used')
      }
    })

    for (const [what, options, code] of [
      ['the licence', { maxAllocations: 7 }, 508],
      ['the quota of a user', { userQuota: 7 }, 486],
      ['relay ports', { portCount: 7 }, 508],
    ] as const) {
      // Workers for streams count in the same tables: one of the three shows that they do, where time is short.
      if (!isLong && suite.transport.isStream && what !== 'the licence') continue
      t.test(
        `${what}: exactly 7 of ${CLIENT_COUNT} requests at once, and what is given back counts again`,
        async (t) => {
          const server = await suite.startServer(t, { hasAllWorkers: true, ...options })
          const clients = await Promise.all(Array.from({ length: CLIENT_COUNT }, () => suite.connect(t, server)))
          for (const client of clients) await client.learnChallenge()
          for (let round = 0; round < 3; round++) {
            const answers = await Promise.all(clients.map((client) => client.allocate()))
            const codes = answers.map((answer) => answer.code)
            t.same(
              codes.filter((value) => value !== 0),
              Array(CLIENT_COUNT - 7).fill(code),
            )
            await suite.allocationCountIs(t, server, 7)
            const holders = clients.filter((_, index) => codes[index] === 0)
            t.equal(new Set(holders.map(({ relay }) => relay.port)).size, 7)
            await Promise.all(holders.map((client) => client.refresh({ lifetimeSeconds: 0 })))
            await suite.allocationCountIs(t, server, 0)
          }
        },
      )
    }
  })
}

async function allocateAll(t: Test, suite: Suite, server: Parameters<Suite['connect']>[1]): Promise<TurnClient[]> {
  const clients: TurnClient[] = []
  for (let index = 0; index < CLIENT_COUNT; index++) clients.push(await suite.allocate(t, server))
  return clients
}
