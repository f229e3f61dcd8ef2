// The end of a server that is busy: live media loses nothing until the deadline, over every transport; a second signal, and signals at other times.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { withDeadline } from '../support/deadline.js'
import { ENGINES_IN_TIME, type EngineUnderTest, NATIVE } from '../support/engines.js'
import { projectRoot } from '../support/project-root.js'
import type { ServerProcess } from '../support/server-process.js'
import { USER } from '../support/stream-server.js'
import { TurnClient } from '../support/turn-client.js'
import { openPair } from './data-pair.js'
import { LiveCalls } from './live-calls.js'
import { connectAll, connectOver, startFaultServer, TRANSPORTS } from './stage.js'

const MIN_PORT = 10_500
/** Of each engine. */
const PORT_COUNT = 25
const DRAIN_SECONDS = 4
/** Before the deadline, for a busy machine to see that all has come back. */
const LAST_MILLISECONDS = 750
const STOP_MILLISECONDS_MAX = 60_000

t.setTimeout(240_000)
// Both engines side by side: the deadline is waited for once.
t.jobs = 2

for (const engine of ENGINES_IN_TIME) {
  t.test(`with the ${engine.name} engine`, { skip: engine.skip, buffered: true }, async (t) => {
    t.test('SIGTERM: no newcomers, and no loss before the deadline', (t) => drains(t, engine))
    t.test('a second SIGTERM ends it at once', (t) => stopsAtOnce(t, engine))
    t.test('SIGTERM while it starts', (t) => stopsInItsStart(t, engine))
  })
}

function minPortOf(engine: EngineUnderTest): number {
  return engine === NATIVE ? MIN_PORT : MIN_PORT + PORT_COUNT
}

function start(t: Test, engine: EngineUnderTest, drainSeconds: number): Promise<ServerProcess> {
  return startFaultServer(t, engine, minPortOf(engine), PORT_COUNT, ['--drain-timeout', String(drainSeconds)])
}

async function drains(t: Test, engine: EngineUnderTest): Promise<void> {
  const server = await start(t, engine, DRAIN_SECONDS)
  const calls = await LiveCalls.start(t, await connectAll(server), USER)
  const pair = await openPair(t, server)
  await calls.proceed(5)
  const sinceStart = performance.now()
  process.kill(server.pid, 'SIGTERM')
  await server.waitForLog(({ event }) => event === 'draining')
  for (const transport of TRANSPORTS) {
    const newcomer = TurnClient.on(t, await connectOver(transport, server), USER)
    t.equal((await newcomer.allocate()).code, 508, `a newcomer over ${transport}`)
  }
  process.kill(server.pid, 'SIGHUP')
  await server.waitForLog(({ event }) => event === 'reload')
  let text = ''
  while (performance.now() - sinceStart < DRAIN_SECONDS * 1000 - LAST_MILLISECONDS) {
    text = `after ${performance.now()} ms`
    pair.data.write(text)
    if ((await pair.peer.readText(text.length)) !== text) t.fail('the data connection')
  }
  await calls.endLossless(t)
  t.equal(await server.waitForExit(DRAIN_SECONDS * 1000 + STOP_MILLISECONDS_MAX), 0)
  const seconds = (performance.now() - sinceStart) / 1000
  t.ok(seconds > DRAIN_SECONDS - 0.1, `after ${seconds.toFixed(1)} s`)
  await Promise.all([pair.data.gone(), pair.peer.gone()])
}

async function stopsAtOnce(t: Test, engine: EngineUnderTest): Promise<void> {
  const server = await start(t, engine, 600)
  const calls = await LiveCalls.start(t, await connectAll(server), USER)
  await calls.proceed(1)
  process.kill(server.pid, 'SIGTERM')
  await isSignalled(server, 1)
  process.kill(server.pid, 'SIGTERM')
  t.equal(await server.waitForExit(STOP_MILLISECONDS_MAX), 0)
  t.match(
    server.linesOf('allocation-deleted').map(({ cause }) => cause),
    TRANSPORTS.map(() => 'stopped'),
  )
}

async function isSignalled(server: ServerProcess, count: number): Promise<void> {
  await server.waitForLog(() => server.linesOf('signal').length >= count)
}

/** At some moments of the start, which takes a few hundred milliseconds. */
async function stopsInItsStart(t: Test, engine: EngineUnderTest): Promise<void> {
  const ports = ['--min-port', String(minPortOf(engine)), '--max-port', String(minPortOf(engine) + PORT_COUNT - 1)]
  const args = ['--listen', 'udp:127.0.0.1:0', '--relay-ip', '127.0.0.1', '--user', 'alice:x', '--admin-listen', 'none']
  for (const milliseconds of [150, 300, 450]) {
    const program = join(projectRoot, 'dist', 'turnd.js')
    const command = ['-u', 'NODE_OPTIONS', process.execPath, program, ...engine.args, ...args, ...ports]
    const child = spawn('env', [...command, '--state-dir', t.testdir({})], { stdio: 'pipe' })
    const ended = once(child, 'close')
    setTimeout(() => child.kill('SIGTERM'), milliseconds)
    const [code, signal] = await withDeadline(ended, STOP_MILLISECONDS_MAX, () => 'its end').finally(() =>
      child.kill('SIGKILL'),
    )
    // Before it has a handler, the signal does what it does to every program.
    t.ok(code === 0 || signal === 'SIGTERM', `after ${milliseconds} ms: ${code ?? signal}`)
  }
}
