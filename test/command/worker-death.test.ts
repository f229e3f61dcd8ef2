// A worker that dies takes its own calls along and nothing else: the others lose no packet, it is replaced within a second on the same
// listeners, and what it held is free again.
import t, { type Test } from 'tap'
import { METHOD_ALLOCATE } from '../../src/stun/constants.js'
import { NATIVE } from '../support/engines.js'
import { openFileCount, openFileCountAtRest } from '../support/process-memory.js'
import type { LogLine, ServerProcess } from '../support/server-process.js'
import { describeAllocate, type TurnClient } from '../support/turn-client.js'
import { UdpPeer } from '../support/udp-peer.js'
import { connectClient, startLocalServer } from './local-server.js'
import { until } from './until.js'

const MIN_PORT = 31_600
const PASSWORD = 'hunter2'
const CHANNEL = 0x4000
/** One in 2^11 runs finds none on one of the two workers. */
const CLIENT_COUNT = 12
const VICTIM = 1

/** Where time is short, other tests have the processors as well. */
const isLong = process.env.TURND_TEST_LONG === '1'
const LATE_MILLISECONDS_MAX = isLong ? 500 : 30_000

t.setTimeout(240_000)

interface Call {
  readonly client: TurnClient
  readonly peer: UdpPeer
}

/** A server whose worker 1 dies at SIGUSR2. */
function start(t: Test, args: readonly string[] = []): Promise<ServerProcess> {
  const prefix = ['env', `TURND_TEST_CRASH_WORKER=${VICTIM}`]
  return startLocalServer(t, MIN_PORT, [...NATIVE.args, '--user', `alice:${PASSWORD}`, ...args], [PASSWORD], { prefix })
}

/** Calls by worker. */
async function startCalls(t: Test, server: ServerProcess): Promise<[Call[], Call[]]> {
  const calls: [Call[], Call[]] = [[], []]
  for (let index = 0; index < CLIENT_COUNT; index++) {
    const client = await connectClient(t, server, 'alice', PASSWORD)
    const peer = await UdpPeer.open(t)
    t.equal((await client.allocate()).code, 0)
    t.equal((await client.bindChannel(CHANNEL, peer.address)).code, 0)
    const isItsOwn = (line: LogLine) => line.event === 'allocation' && line.client === client.localAddress.toString()
    const { worker } = await server.waitForLog(isItsOwn)
    calls[Number(worker)].push({ client, peer })
  }
  t.ok(calls[0].length > 0 && calls[1].length > 0, 'both workers have calls')
  return calls
}

/** Lets the victim die, and waits until its successor works. */
async function crash(server: ServerProcess): Promise<void> {
  const restartCount = server.linesOf('worker-restarted').length
  process.kill(server.pid, 'SIGUSR2')
  await until(() => server.linesOf('worker-restarted').length > restartCount, 'the worker works again')
}

const timeOf = (line: LogLine) => Date.parse(String(line.time))

t.test('a worker that dies', { skip: NATIVE.skip }, async (t) => {
  t.test('takes nothing from the others: no packet is lost or late by its restart, and order holds', async (t) => {
    const server = await start(t)
    const [[call], lost] = await startCalls(t, server)
    let isOver = false
    const crashing = crash(server).finally(() => {
      isOver = true
    })
    let sentCount = 0
    // In both directions, a window at a time, for as long as it takes and a while more.
    for (let rest = 20; rest > 0; rest -= isOver ? 1 : 0) {
      const texts = Array.from({ length: 8 }, () => `packet ${sentCount++}`)
      for (const text of texts) call.client.sendChannelData(CHANNEL, text)
      for (const text of texts) t.equal((await call.peer.inbox.next(LATE_MILLISECONDS_MAX)).text, text)
      for (const text of texts) call.peer.send(call.client.relay, text)
      for (const text of texts)
        t.match(await call.client.nextData(LATE_MILLISECONDS_MAX), { text, channelNumber: CHANNEL })
    }
    await crashing
    t.ok(sentCount > 160, `${sentCount} packets each way`)
    t.equal((await call.client.refresh()).code, 0)

    // It is logged with its error, and replaced at once.
    const [died] = server.linesOf('worker-died')
    t.match(died, { level: 50, worker: VICTIM, allocations: lost.length, restartSeconds: 0, stack: /Error: .+\n +at / })
    const [restarted] = server.linesOf('worker-restarted')
    t.match(restarted, { worker: VICTIM })
    const milliseconds = timeOf(restarted) - timeOf(died)
    if (isLong) t.ok(milliseconds < 10_000, `${milliseconds} ms`)
    else t.comment(`${milliseconds} ms, on a machine that may be busy`)
  })

  t.test('leaves no socket, port or place of the licence behind', async (t) => {
    const server = await start(t, ['--max-allocations', String(CLIENT_COUNT)])
    const filesBefore = await openFileCountAtRest(server.pid)
    const [kept, lost] = await startCalls(t, server)
    const perCall = ((await openFileCountAtRest(server.pid)) - filesBefore) / CLIENT_COUNT
    t.ok(perCall >= 1, 'a relay is an open file')
    await crash(server)
    await until(() => openFileCount(server.pid) <= filesBefore + kept.length * perCall, 'its relays are closed')
    for (const { client } of lost) {
      t.equal((await client.refresh()).code, 437, 'its calls are gone')
      t.equal((await client.allocate()).code, 0, 'on the same five-tuple, by the same worker')
      await UdpPeer.open(t, '127.0.0.1', client.relay.port).then(
        () => t.fail('the new relay is not bound'),
        () => {},
      )
    }
    t.equal((await (await connectClient(t, server, 'alice', PASSWORD)).allocate()).code, 508, 'and no more than that')
  })

  t.test('again and again waits before each start, and keeps its counters', async (t) => {
    const server = await start(t)
    await startCalls(t, server)
    for (let count = 0; count < 3; count++) await crash(server)
    t.same(
      server.linesOf('worker-died').map(({ restartSeconds }) => restartSeconds),
      [0, 1, 2],
    )
    t.equal(await server.stop(), 0)
    const [stopped] = server.linesOf('stopped')
    const { packetsReceived } = stopped.engine as Record<string, number>
    // A challenge, an Allocate and a ChannelBind of each.
    t.ok(packetsReceived >= 3 * CLIENT_COUNT, `${packetsReceived} packets`)
  })

  t.test('does not leave its successor requests of long ago', async (t) => {
    const server = await start(t)
    const [, lost] = await startCalls(t, server)
    await crash(server)
    process.kill(server.pid, 'SIGUSR2')
    await until(() => server.linesOf('worker-died').length === 2, 'it dies again, and waits for a second')
    for (const { client } of lost) client.transport.send(client.message(METHOD_ALLOCATE, describeAllocate))
    await until(() => server.linesOf('worker-restarted').length === 2, 'the worker works again')
    // Had the other request made an allocation, this one would be refused with 437.
    for (const { client } of lost) t.equal((await client.allocate()).code, 0)
  })

  t.test('while the server drains is no reason to go on: its successor takes no calls', async (t) => {
    const server = await start(t, ['--drain-timeout', '60'])
    const [kept, [lost]] = await startCalls(t, server)
    process.kill(server.pid, 'SIGTERM')
    await server.waitForLog(({ event }) => event === 'draining')
    await crash(server)
    t.equal((await lost.client.allocate()).code, 508)
    for (const { client } of kept) t.equal((await client.refresh({ lifetimeSeconds: 0 })).code, 0)
    t.equal(await server.waitForExit(), 0)
  })
})

t.test('without the variable of the test hook there is no handler of its signal', { skip: NATIVE.skip }, async (t) => {
  const server = await startLocalServer(t, MIN_PORT, [...NATIVE.args, '--user', `alice:${PASSWORD}`], [PASSWORD])
  process.kill(server.pid, 'SIGUSR2')
  t.equal(await server.waitForExit(), null, 'it does what it does to every program')
})
