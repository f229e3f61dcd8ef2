// 1,500 connections that trickle, stop in the middle or say nothing, and 300 half-open TLS handshakes: newcomers are served at once, the others
// are closed in time. And the cap of connections without an allocation that one address may have.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { UNALLOCATED_CONNECTION_OF_SOURCE_COUNT_MAX } from '../../src/limits/streams.js'
import { until } from '../command/until.js'
import { ENGINES_IN_TIME } from '../support/engines.js'
import { residentBytes } from '../support/process-memory.js'
import type { ServerProcess } from '../support/server-process.js'
import { streamTransport } from '../support/stream-client.js'
import { allocateBy, HOST, type Scheme, startStreamServer, stoppedCounters, USER } from '../support/stream-server.js'
import { TurnClient } from '../support/turn-client.js'
import { Crowd, HALF_OPEN_COUNT, makeOffenders, SLOW_COUNT } from './offenders.js'

const MIN_PORT = 18_000
const PORT_COUNT = 100

const SCHEMES = ['tcp', 'tls', 'udp'] as const
/** From a newcomer's first byte to its allocation: they take some ms. */
const NEWCOMER_MILLISECONDS_MAX = process.env.TURND_TEST_LONG === '1' ? 1_000 : 5_000
/** Others may meet another process's load on this machine. */
const NEWCOMER_SHARE_MIN = 0.5
/** The deadline is 10 s, looked at twice a second; the rest is for a busy machine. */
const LIFE_MILLISECONDS_MAX = 30_000
const LIFE_MILLISECONDS_MIN = 9_900
/** Whoever has to wait for the slow ones waits until they are closed. */
const NEWCOMER_MILLISECONDS_WORST = LIFE_MILLISECONDS_MIN
/** A connection of Node is a few KiB, one that has begun TLS some tens. */
const MEMORY_BYTES_MAX = (SLOW_COUNT + HALF_OPEN_COUNT) * 64 * 1024

const CAPPED_SOURCE = '127.9.9.9'
const CAPPED_COUNT = 400

t.setTimeout(240_000)

for (const engine of ENGINES_IN_TIME) {
  t.test(`slow connections, ${engine.name} engine`, { skip: engine.skip }, async (t) => {
    t.test('cost newcomers nothing, and are closed in time', async (t) => {
      const server = await startStreamServer(t, engine, MIN_PORT, PORT_COUNT)
      await outlast(t, server)
    })
    t.test('of one address are held up to its cap', async (t) => {
      const server = await startStreamServer(t, engine, MIN_PORT, PORT_COUNT)
      await fillUp(t, server)
    })
  })
}

async function outlast(t: Test, server: ServerProcess): Promise<void> {
  // Whatever a first client brings into memory is there.
  for (const scheme of SCHEMES) await newcomer(t, server, scheme)
  const memoryBefore = residentBytes(server.pid)
  const crowd = new Crowd()
  t.teardown(() => crowd.close())
  const offenders = await makeOffenders(server.port('', 'tcp'), server.port('', 'tls'))
  await crowd.add(offenders)
  t.equal(crowd.heldCount, offenders.length, 'all are connected, and none was refused')

  const waits: Record<Scheme, number[]> = { udp: [], tcp: [], tls: [] }
  let memoryMax = 0
  while (crowd.heldCount > offenders.length / 2) {
    for (const scheme of SCHEMES) waits[scheme].push(await newcomer(t, server, scheme))
    memoryMax = Math.max(memoryMax, residentBytes(server.pid))
  }
  for (const scheme of SCHEMES) {
    const worst = Math.max(...waits[scheme])
    const count = waits[scheme].length
    const inTime = waits[scheme].filter((milliseconds) => milliseconds < NEWCOMER_MILLISECONDS_MAX).length
    const text = `${count} newcomers over ${scheme}: ${median(waits[scheme]).toFixed(1)} ms, ${worst.toFixed(0)} ms at most`
    t.ok(inTime >= NEWCOMER_SHARE_MIN * count && worst < NEWCOMER_MILLISECONDS_WORST, text)
    t.comment(text)
  }
  t.ok(memoryMax - memoryBefore < MEMORY_BYTES_MAX, `${(memoryMax - memoryBefore) >> 20} MiB more`)

  await until(() => crowd.heldCount === 0, 'all are closed', LIFE_MILLISECONDS_MAX)
  const [shortest, longest] = [Math.min(...crowd.lives), Math.max(...crowd.lives)]
  t.ok(longest < LIFE_MILLISECONDS_MAX, `the last one was closed after ${Math.round(longest)} ms`)
  t.ok(shortest > LIFE_MILLISECONDS_MIN, `the first one was closed after ${Math.round(shortest)} ms`)
  const { connectionsRefused, connectionsTimedOut, handshakesFailed } = await stoppedCounters(server)
  t.same(
    { connectionsRefused, connectionsTimedOut, handshakesFailed },
    { connectionsRefused: 0, connectionsTimedOut: offenders.length, handshakesFailed: HALF_OPEN_COUNT },
  )
  t.comment(
    `${(memoryMax - memoryBefore) >> 20} MiB more; closed after ${Math.round(shortest)} to ${Math.round(longest)} ms`,
  )
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]
}

/** Milliseconds until it has an allocation, which is ended again. */
async function newcomer(t: Test, server: ServerProcess, scheme: Scheme): Promise<number> {
  const start = performance.now()
  const client = await allocateBy(t, scheme, server)
  const milliseconds = performance.now() - start
  await client.refresh({ lifetimeSeconds: 0 })
  await client.transport.close()
  return milliseconds
}

async function fillUp(t: Test, server: ServerProcess): Promise<void> {
  const port = server.port('', 'tcp')
  const sockets: Socket[] = []
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
  })
  const open = (): Socket => {
    const socket = connect({ host: HOST, port, localAddress: CAPPED_SOURCE }).on('error', () => {})
    // Its end is seen when it is read.
    socket.resume()
    sockets.push(socket)
    return socket
  }
  for (let index = 0; index < CAPPED_COUNT; index++) open()
  const refusedCount = CAPPED_COUNT - UNALLOCATED_CONNECTION_OF_SOURCE_COUNT_MAX
  const held = () => sockets.filter((socket) => !socket.destroyed)
  await until(() => held().length <= UNALLOCATED_CONNECTION_OF_SOURCE_COUNT_MAX, `${refusedCount} are refused`)
  // A round trip on the same listener: had more been refused, it would show now.
  await newcomer(t, server, 'tcp')
  t.equal(held().length, UNALLOCATED_CONNECTION_OF_SOURCE_COUNT_MAX)

  const isRefused = async () => {
    const socket = open()
    await new Promise((resolve) => socket.once('close', resolve))
    return true
  }
  t.ok(await isRefused(), 'one more is refused')
  const [first, second] = held().map((socket) => new TurnClient(streamTransport(socket), USER))
  t.equal((await first.binding()).code, 0, 'those that are held are served')
  t.equal((await second.allocate()).code, 0)
  const newcomerOfSource = open()
  await once(newcomerOfSource, 'connect')
  const third = new TurnClient(streamTransport(newcomerOfSource), USER)
  t.equal((await third.binding()).code, 0, 'who has an allocation leaves its place to another one')
  t.ok(await isRefused(), 'and to one only')
  t.equal((await stoppedCounters(server)).connectionsRefused, refusedCount + 2)
}
