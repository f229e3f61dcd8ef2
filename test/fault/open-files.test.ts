// A server at its limit of open files: relays are refused with 508 and connections are reset, live media loses nothing, and what the server opens for itself
// still works: the users file, a certificate, the successor of a worker.
import { execFileSync } from 'node:child_process'
import { renameSync, writeFileSync } from 'node:fs'
import { connect as connectSocket, type Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { makeUsersFileLine } from '../../src/auth/users-file.js'
import { METHOD_BINDING } from '../../src/stun/constants.js'
import { until } from '../command/until.js'
import { makePair, temporaryDirectory, testCertificate } from '../support/certificate.js'
import { connectUdp } from '../support/client-transport.js'
import { withDeadline } from '../support/deadline.js'
import { ENGINES, type EngineUnderTest, NATIVE } from '../support/engines.js'
import { openFileCount } from '../support/process-memory.js'
import type { LogLine, ServerProcess } from '../support/server-process.js'
import { streamTransport } from '../support/stream-client.js'
import { HOST, USER } from '../support/stream-server.js'
import { type RequestOptions, TurnClient } from '../support/turn-client.js'
import { LiveCalls } from './live-calls.js'
import { connectAll, startFaultServer } from './stage.js'

const MIN_PORT = 10_000
const PORT_COUNT = 400
const OPEN_FILES_MAX = 256
const CONNECTION_COUNT = 150
const BOB = { username: 'bob', password: 'builder' } as const
const VICTIM = 0
const TOLD_MILLISECONDS_MAX = 60_000
const PREFIX = [
  ...['env', `TURND_TEST_CRASH_WORKER=${VICTIM}`],
  ...['sh', '-c', `ulimit -n ${OPEN_FILES_MAX}; exec "$@"`, 'sh'],
]

t.setTimeout(240_000)

/** Longer than any interval in which the server looks at something of the system. */
const EXHAUSTED_MILLISECONDS = 12_000

// Side by side with the others: it only waits.
const exhausted = new Map<EngineUnderTest, { server: ServerProcess; calls: LiveCalls; since: number }>()
t.before(async () => {
  for (const engine of ENGINES.filter(({ skip }) => skip === false)) {
    const server = await startFaultServer(t, engine, MIN_PORT + PORT_COUNT, 50)
    const calls = await LiveCalls.start(t, await connectAll(server), USER)
    execFileSync('prlimit', ['--pid', String(server.pid), '--nofile=8:8'])
    exhausted.set(engine, { server, calls, since: performance.now() })
  }
})

for (const engine of ENGINES) {
  t.test(`at the limit of open files, ${engine.name} engine`, { skip: engine.skip }, (t) => atTheLimit(t, engine))
}

for (const engine of ENGINES) {
  t.test(`with no descriptor left at all, ${engine.name} engine`, { skip: engine.skip }, async (t) => {
    const { calls, server, since } = exhausted.get(engine) as NonNullable<ReturnType<typeof exhausted.get>>
    t.equal(await allocateCode(t, server, USER), 508)
    process.kill(server.pid, 'SIGHUP')
    const reload = await server.waitForLog(({ event }) => event === 'reload')
    t.match(
      reload,
      { applied: false, errors: [/cert\.pem cannot be read: .*open files/] },
      'nothing can be read, which is said',
    )
    await until(
      () => performance.now() - since > EXHAUSTED_MILLISECONDS,
      'every timer has been',
      2 * EXHAUSTED_MILLISECONDS,
    )
    await calls.endLossless(t)
    t.equal(await server.stop(), 0)
  })
}

async function atTheLimit(t: Test, engine: EngineUnderTest): Promise<void> {
  const directory = temporaryDirectory()
  const usersPath = join(directory, 'users')
  const [certPath, keyPath] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
  writeFileSync(usersPath, '')
  writeFileSync(certPath, testCertificate().cert)
  writeFileSync(keyPath, testCertificate().key)
  const args = ['--users-file', usersPath, '--cert', certPath, '--key', keyPath]
  const server = await startFaultServer(t, engine, MIN_PORT, PORT_COUNT, args, { prefix: PREFIX })
  const calls = await LiveCalls.start(t, await connectAll(server), USER)
  const { clients, code } = await allocateToTheLimit(t, server)

  t.test('an Allocate is refused with 508, and the log says why', async (t) => {
    t.equal(code, 508, `after ${clients.length} allocations`)
    t.ok(clients.length > 20)
    t.match(await server.waitForLog(isRefusal('relay-failed')), { code: 508, remedy: /LimitNOFILE/ })
    t.ok(openFileCount(server.pid) < OPEN_FILES_MAX, 'some are left for the server itself')
  })

  t.test('a connection is reset, none is left waiting, and no processor is burnt', async (t) => {
    const sockets = Array.from({ length: CONNECTION_COUNT }, (_, index) => connectFrom(t, server, index))
    const isServed = await withDeadline(
      Promise.all(sockets.map(isAnsweredOrReset)),
      TOLD_MILLISECONDS_MAX,
      () => 'each is answered or reset',
    )
    const servedCount = isServed.filter((is) => is).length
    t.ok(
      servedCount < CONNECTION_COUNT,
      `${servedCount} of ${CONNECTION_COUNT} are served, the others know that they are not`,
    )
    await server.waitForLog(({ event, reason }) => event === 'connection-refused' && reason === 'open-files')
    for (const socket of sockets) socket.destroy()
  })

  t.test('users are read again', async (t) => {
    writeFileSync(`${usersPath}.new`, `${makeUsersFileLine(BOB.username, 'turnd', BOB.password).text}\n`)
    renameSync(`${usersPath}.new`, usersPath)
    // 401 until the file has been read.
    await until(async () => (await allocateCode(t, server, BOB)) === 508, 'bob is known')
  })

  t.test('a new certificate is taken', async (t) => {
    const { certificate, key } = await makePair('turn.test')
    writeFileSync(keyPath, key)
    writeFileSync(certPath, certificate)
    process.kill(server.pid, 'SIGHUP')
    await until(() => server.linesOf('certificate').length === 2, 'it is logged')
    t.same(server.logLines.filter(isComplaint), [])
  })

  t.test('what is given back can be had, and live media has lost nothing', async (t) => {
    await calls.proceed(5)
    const [first] = clients
    t.equal((await first.refresh({ lifetimeSeconds: 0 })).code, 0)
    t.equal(await allocateCode(t, server, USER), 0)
    t.equal(await allocateCode(t, server, USER), 508)
    await calls.endLossless(t)
  })

  t.test(
    'a worker that dies is replaced',
    { skip: engine !== NATIVE && 'only workers for UDP can be lost and missed' },
    async () => {
      process.kill(server.pid, 'SIGUSR2')
      // Whatever it gives back is taken at once.
      const greedy = Array.from({ length: 40 }, () => allocateCode(t, server, USER).catch(() => 0))
      await until(() => server.linesOf('worker-restarted').length === 1, 'its successor works', 60_000)
      await Promise.all(greedy)
    },
  )
}

async function allocateToTheLimit(t: Test, server: ServerProcess): Promise<{ clients: TurnClient[]; code: number }> {
  const clients: TurnClient[] = []
  let code = 0
  while (code === 0 && clients.length < PORT_COUNT) {
    const client = TurnClient.on(t, await connectUdp(HOST, server.port()), USER)
    code = (await client.allocate()).code
    if (code === 0) clients.push(client)
  }
  return { clients, code }
}

async function allocateCode(t: Test, server: ServerProcess, user: RequestOptions): Promise<number> {
  const client = TurnClient.on(t, await connectUdp(HOST, server.port()), user)
  return (await client.allocate()).code
}

/** Connections of several addresses: of one alone too many would be refused as such. */
function connectFrom(t: Test, server: ServerProcess, index: number): Socket {
  const localAddress = `127.40.0.${1 + (index % 8)}`
  const socket = connectSocket({ host: HOST, port: server.port('', 'tcp'), localAddress })
  socket.on('error', () => {})
  t.teardown(() => socket.destroy())
  return socket
}

/** True when a Binding request is answered, false when the connection is closed; neither is a failure. */
function isAnsweredOrReset(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve(false))
    socket.once('connect', () => {
      const client = new TurnClient(streamTransport(socket), USER)
      socket.once('data', () => resolve(true))
      client.transport.send(client.message(METHOD_BINDING, () => {}, { integrity: 'none' }))
    })
  })
}

function isRefusal(reason: string): (line: LogLine) => boolean {
  return (line) => line.event === 'refusal' && line.reason === reason
}

function isComplaint({ event, msg }: LogLine): boolean {
  return event === 'warning' && /stays?$/.test(String(msg))
}
