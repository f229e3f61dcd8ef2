// A server whose clients are on several threads is one server: users, limits, counters, the log, and its end.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { makeUsersFileLine } from '../../src/auth/users-file.js'
import type { TurnServerOptions } from '../../src/index.js'
import { METHOD_ALLOCATE } from '../../src/stun/constants.js'
import { until } from '../command/until.js'
import { NATIVE } from '../support/engines.js'
import { describeAllocate, type TurnClient } from '../support/turn-client.js'
import { UdpPeer } from '../support/udp-peer.js'
import { allocateOnAll, connectTo, startOnWorkers, USER } from './on-workers.js'

const OPTIONS: TurnServerOptions = { minPort: 31_500, maxPort: 31_599, user: `${USER.username}:${USER.password}` }
const CHANNEL = 0x4000

t.test('a server on workers', { skip: NATIVE.skip }, async (t) => {
  t.test('says so, and what the kernel does for it', async (t) => {
    const { lines } = await startOnWorkers(t, OPTIONS)
    const engine = { engine: 'native', workers: 2, offloads: {} }
    const [chosen, ready] = lines.filter(({ event }) => event !== 'warning')
    t.match(chosen, { event: 'engine', ...engine, msg: /^native engine with 2 workers/ })
    t.match(ready, { event: 'ready', ...engine })
  })

  t.test('counts as one', async (t) => {
    const world = await startOnWorkers(t, OPTIONS)
    const { server } = world
    const clients = await allocateOnAll(t, world)
    t.equal(server.allocationCount(), clients.flat().length)
    const peer = await UdpPeer.open(t)
    for (const client of clients.flat()) {
      t.equal((await client.bindChannel(CHANNEL, peer.address)).code, 0)
      client.sendChannelData(CHANNEL, 'to the peer')
      await peer.inbox.next()
      client.sendChannelData(CHANNEL + 1, 'nowhere')
      await client.settle()
    }
    const count = clients.flat().length
    // Two requests for the allocation, ChannelBind, data, data for nobody, Binding; and four answers and the data.
    const sentCount = () => server.counters().engine.packetsSent
    await until(() => sentCount() >= 5 * count, 'the last answer is counted: that is when it has left')
    t.equal(sentCount(), 5 * count)
    const { drops, engine } = server.counters()
    t.equal(engine.packetsReceived, 6 * count)
    t.same(drops, { 'no-channel': count })
    t.ok(engine.averageReceiveBatch >= 1)
    await server.stop()
    t.match(world.lines.at(-1), {
      event: 'stopped',
      drops: { 'no-channel': count },
      engine: { averageGsoSegments: Number },
    })
  })

  t.test('lets a user in, or out, when the users file changes', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'turnd-workers-'))
    t.teardown(() => rmSync(directory, { recursive: true }))
    const path = join(directory, 'users')
    const write = (...names: string[]) =>
      writeFileSync(path, names.map((name) => `${makeUsersFileLine(name, 'turnd', 'secret').text}\n`).join(''))
    write('alice')
    const world = await startOnWorkers(t, { ...OPTIONS, user: undefined, usersFile: path })
    const clients = (await allocateOnAll(t, world)).map((ofWorker) => ofWorker[0])
    // Whoever has an allocation can ask again in another name: refused with 441 if that user exists, 401 if not.
    const codesFor = (username: string) =>
      Promise.all(clients.map(async (client) => (await client.refresh({}, { username })).code))
    t.same(await codesFor('bob'), [401, 401])
    write('alice', 'bob')
    t.equal(world.server.reload(), true)
    await until(async () => (await codesFor('bob')).join() === '441,441', 'both workers know bob')
    write('bob')
    await until(async () => (await codesFor('alice')).join() === '401,401', 'the file is read by itself')
    t.same(await codesFor('bob'), [441, 441])
  })

  t.test('counts every refusal of a flood, reports a part, and sums up the rest', async (t) => {
    const { lines, server } = await startOnWorkers(t, OPTIONS)
    const clients = await Promise.all(Array.from({ length: 20 }, () => connectTo(t, server)))
    const guess = async (client: TurnClient) => {
      for (let count = 0; count < 50; count++) t.equal((await client.allocate({}, { password: 'wrong' })).code, 401)
    }
    await Promise.all(clients.map(guess))
    t.same(server.counters().refusals, { 'bad-password': 1000 })
    await server.stop()
    const ofEvent = (event: string) => lines.filter((line) => line.event === event)
    const suppressed = ofEvent('refusals-suppressed').reduce((sum, { count }) => sum + Number(count), 0)
    t.equal(ofEvent('refusal').length + suppressed, 1000, 'each has a line, or is in a sum')
    t.match(lines.at(-1), { event: 'stopped', refusals: { 'bad-password': 1000 } })
  })

  t.test('tells of the end of every allocation that it told of, requests that arrive meanwhile included', async (t) => {
    for (let round = 0; round < 5; round++) {
      const world = await startOnWorkers(t, OPTIONS)
      await allocateOnAll(t, world)
      const late = await Promise.all(Array.from({ length: 70 }, () => connectTo(t, world.server)))
      for (const client of late) await client.learnChallenge()
      const requests = late.map((client) => client.message(METHOD_ALLOCATE, describeAllocate))
      const stopped = world.server.stop()
      for (const [index, client] of late.entries()) {
        // The workers stop among these.
        await Promise.resolve()
        client.transport.send(requests[index])
      }
      await stopped
      const clientsOf = (event: string) =>
        world.lines.filter((line) => line.event === event).map(({ client }) => client)
      t.same(new Set(clientsOf('allocation-deleted')), new Set(clientsOf('allocation')))
    }
  })

  t.test('leaves no thread and no file descriptor when it stops, and has told of every allocation', async (t) => {
    const first = await startOnWorkers(t, OPTIONS)
    await first.server.stop()
    const before = resources()
    for (let round = 0; round < 3; round++) await startAndStop(t)
    await until(
      () => resources().threads <= before.threads && resources().files <= before.files,
      'the threads and files have gone',
    )
  })
})

async function startAndStop(t: Test): Promise<void> {
  const world = await startOnWorkers(t, OPTIONS)
  const clients = (await allocateOnAll(t, world)).flat()
  let deletedCount = 0
  world.server.on('allocationDeleted', (_, cause) => {
    if (cause === 'stopped') deletedCount++
  })
  for (const client of clients) await client.transport.close()
  await world.server.stop()
  t.equal(deletedCount, clients.length)
}

/** Of this process: files that are open, and threads. */
function resources(): { files: number; threads: number } {
  return { files: readdirSync('/proc/self/fd').length, threads: readdirSync('/proc/self/task').length }
}
