// What an operator sees of clients, and the end of one, whichever transport it came by and whichever worker has it.
import { once } from 'node:events'
import t, { type Test } from 'tap'
import type { Client } from '../../src/admin/schema/clients.js'
import { CLIENT_LIST_MILLISECONDS, CLIENTS_OF_SLICE_COUNT_MAX } from '../../src/limits/reports.js'
import { ClientList, placeOf } from '../../src/server/client-list.js'
import { byTransport } from '../../src/server/statistics.js'
import type { Question } from '../../src/server/worker/questions.js'
import { TRANSPORT_UDP } from '../../src/turn/five-tuple.js'
import { until } from '../command/until.js'
import { DGRAM, ENGINES_IN_TIME, NATIVE } from '../support/engines.js'
import type { StreamTransport } from '../support/stream-client.js'
import type { TurnClient } from '../support/turn-client.js'
import { UdpPeer } from '../support/udp-peer.js'
import { HOST, openStage, type RelayingStage, STAGE_SCHEMES } from './relaying-stage.js'

const OPTIONS = { minPort: 27_000, maxPort: 27_099 }
const CHANNEL = 0x4000
/** An Expressway-E has so many relays at most; each relay address of the many has some of them. */
const MANY = process.env.TURND_TEST_LONG === '1' ? 6_000 : 1_200
const MANY_OPTIONS = { minPort: 27_100, maxPort: 28_899, maxAllocations: MANY + 1, relayIp: manyHosts(4) }
/** Clients that allocate at the same time. */
const LANE_COUNT = 32
const MILLISECONDS_PER_PACKET = 2

t.setTimeout(240_000)

function manyHosts(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `127.0.0.${index + 1}`)
}

async function allocate(t: Test, { connect }: RelayingStage, scheme: Parameters<RelayingStage['connect']>[0]) {
  const client = await connect(scheme)
  t.equal((await client.allocate({ lifetimeSeconds: 900 })).code, 0)
  return client
}

const isOf = (client: TurnClient) => (row: Client) => row.client === client.localAddress.toString()

for (const engine of ENGINES_IN_TIME) {
  t.test(`the clients of a server with the ${engine.name} engine`, { skip: engine.skip }, async (t) => {
    const stage = await openStage(t, engine, OPTIONS)
    const list = new ClientList(stage.relaying)

    for (const scheme of STAGE_SCHEMES) {
      t.test(`over ${scheme} are listed, shown in detail, and sent away`, async (t) => {
        const client = await allocate(t, stage, scheme)
        const peer = await UdpPeer.open(t)
        t.equal((await client.bindChannel(CHANNEL, peer.address)).code, 0)
        client.sendChannelData(CHANNEL, 'six by')
        peer.send((await peer.inbox.next()).source, 'four')
        await client.nextData()
        t.equal((await client.refresh({ lifetimeSeconds: 900 }, { password: 'wrong' })).code, 401)

        const row = (await new ClientList(stage.relaying).clients()).find(isOf(client))
        if (row === undefined) throw new Error('the client is not in the list')
        t.match(row, {
          ...{ user: 'alice', transport: scheme, relayed: [client.relay.toString()], relayTransport: 'udp' },
          ...{ permissionCount: 1, channelCount: 1 },
          ...{ packetsFromClient: 1, bytesFromClient: 6, packetsToClient: 1, bytesToClient: 4 },
        })
        t.ok(Math.abs(Date.parse(row.createdTime) - Date.now()) < 120_000)
        t.ok(row.expiresInSeconds > 780 && row.expiresInSeconds <= 900)

        const detail = await list.client(row.id)
        t.match(detail, {
          ...{ ...row, expiresInSeconds: Number },
          relays: [{ relayed: client.relay.toString(), bound: client.relay.toString() }],
          permissions: [{ peer: HOST }],
          channels: [{ number: '0x4000', peer: peer.address.toString() }],
          // Allocate, ChannelBind, and the Refresh with a wrong password.
          ...{ requestsReceived: 3, successResponsesSent: 2, errorResponsesSent: 1 },
        })

        const { socket } = client.transport as Partial<StreamTransport>
        const closed = socket === undefined ? null : once(socket, 'close')
        t.equal(await list.kick(row.id), true)
        await closed
        t.equal(await list.kick(row.id), false, 'it is gone')
        t.equal(await list.client(row.id), null)
        const deleted = () => stage.reports.find((report) => report.kind === 'allocation-deleted')
        await until(() => deleted() !== undefined, 'its end is reported')
        t.match(stage.reports.splice(0).at(-1), { cause: 'kicked', info: { client: row.client } })
        if (scheme === 'udp') t.equal((await client.refresh()).code, 437, 'a UDP client learns of it when it asks')

        const successor = await allocate(t, stage, scheme)
        t.equal(await list.client(row.id), null, 'an old id is nobody, whoever has the place now')
        await successor.transport.close()
      })
    }

    t.test('are counted by transport, as long as they exist', async (t) => {
      const before = stage.relaying.totals()
      for (const scheme of STAGE_SCHEMES) {
        const { allocations, relays } = stage.relaying.totals()
        const client = await allocate(t, stage, scheme)
        const after = stage.relaying.totals()
        t.equal(byTransport(after.relays)[scheme], byTransport(relays)[scheme] + 1)
        t.equal(byTransport(after.allocations)[scheme], byTransport(allocations)[scheme] + 1)
        t.equal((await client.refresh({ lifetimeSeconds: 0 })).code, 0)
        const ended = () => byTransport(stage.relaying.totals().relays)[scheme] === byTransport(relays)[scheme]
        await until(ended, 'the relay is not counted any more')
      }
      t.equal(before.workerDeaths, 0)
    })

    t.test('that do not exist are nobody, whatever their id is', async (t) => {
      for (const id of ['', '0', '0-', '-1', 'x-1', '99-0', '999-1', '0-999999999999999', '0-1.5', '1-0 ']) {
        t.equal(await list.client(id), null, id)
        t.equal(await list.kick(id), false, id)
      }
    })
  })

  t.test(
    `${MANY} clients on the ${engine.name} engine are listed, and a call goes on`,
    { skip: engine.skip },
    async (t) => {
      const stage = await openStage(t, engine, { ...MANY_OPTIONS, listen: `udp:${HOST}:0` })
      const caller = await allocate(t, stage, 'udp')
      const peer = await UdpPeer.open(t)
      t.equal((await caller.bindChannel(CHANNEL, peer.address)).code, 0)
      let left = MANY
      const lane = async () => {
        while (left > 0) {
          left--
          const client = await stage.connect('udp')
          const { code } = await client.allocate()
          // The kernel may give a port again, with which somebody is known already.
          if (code === 437) left++
          else if (code !== 0) throw new Error(`one of many got ${code}`)
          // Over UDP the allocation stays.
          await client.transport.close()
        }
      }
      await Promise.all(Array.from({ length: LANE_COUNT }, lane))
      let sentCount = 0
      const timer = setInterval(() => caller.sendChannelData(CHANNEL, `packet ${sentCount++}`), MILLISECONDS_PER_PACKET)
      const clients = await new ClientList(stage.relaying).clients()
      clearInterval(timer)
      t.equal(clients.length, MANY + 1)
      t.equal(new Set(clients.map(({ id }) => id)).size, MANY + 1)
      await caller.settle()
      t.equal((await peer.receivedSoFar()).length, sentCount, 'not a packet is lost')
    },
  )
}

t.test('an allocation with two relays counts as two, until one of them is given up', async (t) => {
  const stage = await openStage(t, DGRAM, { ...OPTIONS, listen: `udp:${HOST}:0`, relayIp: [HOST, '::1'] })
  const relayCount = () => stage.relaying.totals().relays[TRANSPORT_UDP]
  const client = await stage.connect('udp')
  t.equal((await client.allocate({ additionalFamily: 6 })).code, 0)
  t.equal(relayCount(), 2)
  const [both] = await new ClientList(stage.relaying).clients()
  t.same(both.relayed, client.relayed.map(String))
  t.equal((await client.refresh({ lifetimeSeconds: 0, family: 4 })).code, 0)
  t.equal(relayCount(), 1)
  const [rest] = await new ClientList(stage.relaying).clients()
  t.same(rest.relayed, both.relayed.slice(1))
  t.equal((await client.refresh({ lifetimeSeconds: 0 })).code, 0)
  t.equal(relayCount(), 0)
})

t.test('a worker that dies', { skip: NATIVE.skip }, async (t) => {
  process.env.TURND_TEST_CRASH_WORKER = '0'
  t.teardown(() => delete process.env.TURND_TEST_CRASH_WORKER)
  const stage = await openStage(t, { ...NATIVE, options: { engine: 'native', workers: 1 } }, OPTIONS)
  const list = new ClientList(stage.relaying)
  await allocate(t, stage, 'udp')
  const [{ id }] = await list.clients()
  process.kill(process.pid, 'SIGUSR2')
  await until(() => stage.deaths.length === 1, 'it has died')
  t.same(byTransport(stage.relaying.totals().relays), { udp: 0, tcp: 0, tls: 0, dtls: 0 })
  t.equal(stage.relaying.totals().workerDeaths, 1)
  await allocate(t, stage, 'udp')
  t.equal(await list.client(id), null, "its successor's first client is not its own")
  const [successor] = await new ClientList(stage.relaying).clients()
  t.not(successor.id, id)
  t.match(await list.client(successor.id), { id: successor.id })
})

t.test('the list', async (t) => {
  const row = { id: '0-0' } as Client
  let now = 0
  let questions: (readonly Client[] | Error)[] = []
  const asked: Question[] = []
  const ask = async (question: Question) => {
    asked.push(question)
    const answer = questions.shift()
    if (answer instanceof Error) throw answer
    return [answer ?? []]
  }
  const list = new ClientList({ ask: ask as never }, () => now)
  t.afterEach(() => void asked.splice(0))

  t.test('is the same for all who ask within two seconds', async (t) => {
    questions = [[row], []]
    const answers = await Promise.all([list.clients(), list.clients()])
    t.equal(answers[0], answers[1])
    now += CLIENT_LIST_MILLISECONDS - 1
    t.equal(await list.clients(), answers[0])
    t.equal(asked.length, 1)
    now += 1
    t.same(await list.clients(), [])
    t.equal(asked.length, 2)
  })

  t.test('is made anew after one was sent away', async (t) => {
    questions = [true as never, [row]]
    t.equal(await list.kick('0-1'), true)
    t.same(await list.clients(), [row])
  })

  t.test('is asked for again after an answer that failed', async (t) => {
    now += CLIENT_LIST_MILLISECONDS
    questions = [new Error('silent'), [row]]
    await t.rejects(list.clients(), { message: 'silent' })
    t.same(await list.clients(), [row])
  })

  t.test('has ids that name a worker and a number', async (t) => {
    t.same(placeOf('12-345'), { worker: 12, number: 345 })
    t.equal(placeOf('12-345-6'), null)
    t.ok(CLIENTS_OF_SLICE_COUNT_MAX < MANY / 2, 'many clients take several slices')
  })
})
