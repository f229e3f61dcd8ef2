// System calls that fail now and then for reasons that pass: full queues, no memory, a firewall, no route, signals, ports of strangers, connections that are gone
// before they are accepted. What such a call was about may be lost, no allocation is, and nothing stays behind.
import t, { type Test } from 'tap'
import { METHOD_BINDING } from '../../src/stun/constants.js'
import { until } from '../command/until.js'
import { DGRAM, ENGINES, type EngineUnderTest } from '../support/engines.js'
import { peerOrSkip } from '../support/peers.js'
import { openFileCount, openFileCountAtRest } from '../support/process-memory.js'
import type { ServerProcess } from '../support/server-process.js'
import { USER } from '../support/stream-server.js'
import { TurnClient } from '../support/turn-client.js'
import { LiveCalls, PACKET_LENGTH } from './live-calls.js'
import { connectAll, connectOver, startFaultServer, TRANSPORTS } from './stage.js'
import { type Fault, withFault } from './system-call-faults.js'
import { boundPort, carriedBytes, type TracedCall } from './system-call-traces.js'

const MIN_PORT = 11_200
/** Of each engine. */
const PORT_COUNT = 50
const isLong = process.env.TURND_TEST_LONG === '1'
const RETURNED_COUNT = 10
const NEWCOMER_COUNT = 8
/** For whoever is not accepted while accepting fails. */
const MEANWHILE_MILLISECONDS = 1_000

/** libuv's own send and receive, and the native engine's. */
const SENDS = { dgram: 'sendmsg,sendmmsg,sendto', native: 'sendmmsg' } as const
const RECEIVES = { dgram: 'recvmsg,recvmmsg', native: 'recvmmsg' } as const
const WAITS = 'epoll_wait,epoll_pwait'

interface MediaFault {
  readonly what: 'send' | 'receive' | 'wait'
  readonly errno: string
  /** Nothing may be lost by it. */
  readonly isHarmless: boolean
  readonly isLong?: boolean
}

const MEDIA_FAULTS: readonly MediaFault[] = [
  { what: 'send', errno: 'ENOBUFS', isHarmless: false },
  { what: 'send', errno: 'EPERM', isHarmless: false },
  { what: 'send', errno: 'EINTR', isHarmless: true },
  { what: 'send', errno: 'ENOMEM', isHarmless: false, isLong: true },
  { what: 'send', errno: 'EAGAIN', isHarmless: false, isLong: true },
  { what: 'send', errno: 'ENETUNREACH', isHarmless: false, isLong: true },
  { what: 'send', errno: 'EHOSTUNREACH', isHarmless: false, isLong: true },
  { what: 'receive', errno: 'ENOMEM', isHarmless: true },
  { what: 'receive', errno: 'EINTR', isHarmless: true, isLong: true },
  { what: 'wait', errno: 'EINTR', isHarmless: true },
]

t.setTimeout(isLong ? 600_000 : 240_000)
// Both engines side by side: most of the time is waiting.
t.jobs = 2

for (const engine of ENGINES) {
  const skip = engine.skip === false ? peerOrSkip('strace') : engine.skip
  t.test(`system calls that fail, ${engine.name} engine`, { skip, buffered: true }, (t) => fail(t, engine))
}

/** Of a server that has not gone on: why, if it says so. */
const OUTPUT_LENGTH_SHOWN = 2000

async function fail(t: Test, engine: EngineUnderTest): Promise<void> {
  const server = await startFaultServer(t, engine, engine === DGRAM ? MIN_PORT : MIN_PORT + PORT_COUNT, PORT_COUNT)
  const calls = await LiveCalls.start(t, await connectAll(server), USER)
  for (const fault of MEDIA_FAULTS) {
    if (fault.isLong === true && !isLong) continue
    t.test(`${fault.what}: ${fault.errno}`, (t) =>
      failMedia(t, server, engine, calls, fault).catch((error: unknown) => {
        t.comment(server.output.slice(-OUTPUT_LENGTH_SHOWN))
        throw error
      }),
    )
  }
  const filesBefore = await openFileCountAtRest(server.pid)

  // The first of each thread fails, then every second one: a try may need several.
  t.test('bind: EADDRINUSE costs another try, not the allocation', (t) => bindElsewhere(t, server))
  t.test('socket: ENFILE is 508, and whoever comes later is served', (t) =>
    allocateUnder(t, server, { calls: 'socket', errno: 'ENFILE', when: '1+2' }, [0, 508]),
  )
  t.test('bind: EADDRNOTAVAIL is 508, and whoever comes later is served', (t) =>
    allocateUnder(t, server, { calls: 'bind', errno: 'EADDRNOTAVAIL', when: '1+2' }, [0, 508]),
  )
  for (const errno of isLong ? ['ECONNABORTED', 'EMFILE', 'ENFILE', 'ENOMEM'] : ['ECONNABORTED', 'EMFILE']) {
    t.test(`accept: ${errno} costs nobody but the one who came`, (t) => connectUnder(t, server, errno))
  }

  t.test('nothing stays behind, and no allocation has ended by itself', async (t) => {
    await until(() => openFileCount(server.pid) <= filesBefore, `${filesBefore} open files as before`, 60_000)
    calls.stop()
    for (const { client } of calls.calls) t.equal((await client.refresh()).code, 0)
    const causes = new Set(server.linesOf('allocation-deleted').map(({ cause }) => cause))
    t.ok(!causes.has('expired') && !causes.has('stopped'), [...causes].join())
    t.same(server.linesOf('worker-died'), [])
    t.equal(await server.stop(), 0)
  })
}

async function failMedia(
  t: Test,
  server: ServerProcess,
  engine: EngineUnderTest,
  calls: LiveCalls,
  { errno, isHarmless, what }: MediaFault,
): Promise<void> {
  const name = engine === DGRAM ? 'dgram' : 'native'
  const names = { send: SENDS[name], receive: RECEIVES[name], wait: WAITS }[what]
  const lostCount = () => calls.calls.reduce((sum, call) => sum + call.lostCount, 0)
  const lostBefore = lostCount()
  const traced = await withFault(server.pid, { calls: names, errno, when: '3+7' }, () =>
    calls.proceedAfterLoss(RETURNED_COUNT),
  )
  await calls.proceedAfterLoss(RETURNED_COUNT)
  calls.stop()
  for (const { client } of calls.calls) t.equal((await client.refresh()).code, 0)
  const injected = traced.filter(({ isInjected }) => isInjected)
  // What a call that failed carried may be lost, and nothing else.
  const lostMax = isHarmless ? 0 : injected.reduce((sum, call) => sum + packetsOf(call), 0)
  await until(() => lostCount() - lostBefore <= lostMax, `${lostMax} packets are lost at most`).catch(() => {})
  const lost = lostCount() - lostBefore
  t.ok(
    lost <= lostMax,
    `${lost} packets lost, ${lostMax} may be: ${injected.length} of ${traced.length} calls have failed`,
  )
  calls.goOn()
}

/** Packets of the calls that it was to send, whole or as segments of one message. */
function packetsOf(call: TracedCall): number {
  return Math.floor(carriedBytes(call) / PACKET_LENGTH)
}

/** Each bind that failed is followed by one to another port, in the same thread. */
async function bindElsewhere(t: Test, server: ServerProcess): Promise<void> {
  const traced = await allocateUnder(t, server, { calls: 'bind', errno: 'EADDRINUSE', when: '1+2' }, [0])
  let againCount = 0
  for (const [index, call] of traced.entries()) {
    if (!call.isInjected) continue
    const next = traced.slice(index + 1).find(({ thread }) => thread === call.thread)
    t.not(next, undefined, 'it was tried again')
    if (next !== undefined) t.not(boundPort(next), boundPort(call), `${boundPort(call)}, then ${boundPort(next)}`)
    againCount++
  }
  t.ok(againCount > 0)
}

/** Newcomers over every transport, some of whom may be refused meanwhile, none later. */
async function allocateUnder(
  t: Test,
  server: ServerProcess,
  fault: Fault,
  codes: readonly number[],
): Promise<TracedCall[]> {
  const clients: TurnClient[] = []
  for (let count = 0; count < NEWCOMER_COUNT; count++) {
    const transport = await connectOver(TRANSPORTS[count % TRANSPORTS.length], server)
    clients.push(TurnClient.on(t, transport, USER))
  }
  const seen: number[] = []
  const traced = await withFault(server.pid, fault, async () => {
    for (const client of clients) seen.push((await client.allocate()).code)
  })
  t.same(
    seen.filter((code) => !codes.includes(code)),
    [],
    seen.join(),
  )
  if (codes.includes(508)) t.ok(seen.includes(508), 'some were refused')
  for (const [index, client] of clients.entries()) {
    if (seen[index] !== 0) t.equal((await client.allocate()).code, 0, 'now it is served')
    t.equal((await client.refresh({ lifetimeSeconds: 0 })).code, 0)
  }
  return traced
}

async function connectUnder(t: Test, server: ServerProcess, errno: string): Promise<void> {
  const fault = { calls: 'accept,accept4', errno, when: '1+2' }
  let servedCount = 0
  // It throws if no accept was hit.
  const traced = await withFault(server.pid, fault, async () => {
    const attempts = Array.from({ length: NEWCOMER_COUNT }, async () => {
      const client = TurnClient.on(t, await connectOver('tcp', server), USER)
      await client.exchange(
        client.message(METHOD_BINDING, () => {}, { integrity: 'none' }),
        MEANWHILE_MILLISECONDS,
      )
      servedCount++
    })
    await Promise.allSettled(attempts)
  })
  const injectedCount = traced.filter(({ isInjected }) => isInjected).length
  t.ok(
    injectedCount > 0,
    `${injectedCount} of ${traced.length} accepts have failed; ${servedCount} of ${NEWCOMER_COUNT} were served meanwhile`,
  )
  for (const transport of ['tcp', 'tls'] as const) {
    const late = TurnClient.on(t, await connectOver(transport, server), USER)
    t.equal((await late.allocate()).code, 0, `over ${transport}, once it works again`)
    await late.transport.close()
  }
}
