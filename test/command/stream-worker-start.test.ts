// Stream workers that start while clients come, that cannot start for want of file descriptors, and that are many.
import { execFileSync } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { bindingRequest } from '../net/stream/stream-client.js'
import { testCertificate } from '../support/certificate.js'
import { ENGINES_IN_TIME, NATIVE } from '../support/engines.js'
import { openFileCount, openFileCountAtRest } from '../support/process-memory.js'
import { type ServerProcess, startServerOn } from '../support/server-process.js'
import { HOST, startStreamServer } from '../support/stream-server.js'
import { until } from './until.js'

const MIN_PORT = 19_300
const PORT_COUNT = 100
/** One client each, from the death of a worker until its successor works. */
const ARRIVAL_MILLISECONDS = 5
/** It takes some milliseconds; the rest is for a busy machine, and for a second death. */
const RESTART_MILLISECONDS_MAX = 60_000
const WORKER_COUNT = process.env.TURND_TEST_LONG === '1' ? 8 : 4
/** The server itself has more. */
const FILE_COUNT_LOW = 8
const FILE_COUNT_HIGH = 4096

t.setTimeout(240_000)

for (const engine of ENGINES_IN_TIME) {
  t.test(`clients that come while a stream worker starts, ${engine.name} engine`, { skip: engine.skip }, async (t) => {
    const isNative = engine === NATIVE
    const prefix = ['env', `TURND_TEST_CRASH_WORKER=${isNative ? 2 : 1}`]
    // A second listener of each kind: one is open while the other one is still being opened.
    const listen = ['tcp', 'tls'].flatMap((scheme) => ['--listen', `${scheme}:127.0.0.2:0`])
    const args = [...listen, ...(isNative ? ['--workers', '2', '--stream-workers', '1'] : [])]
    const server = await startStreamServer(t, engine, MIN_PORT, PORT_COUNT, args, { prefix })

    t.test('are answered, or closed', async (t) => {
      const clients = await arriveDuringRestart(t, server, () => {})
      const after = new Arrival(t, server.port(HOST, 'tcp'))
      await until(() => after.wasAnswered, 'the successor answers')
      await until(() => clients.every((client) => client.wasAnswered || client.socket.closed), 'nobody waits for ever')
      if (isNative)
        t.ok(
          clients.some(({ wasAnswered }) => wasAnswered),
          'the kernel kept some for the successor',
        )
      t.equal(server.linesOf('worker-died').length, 1)
    })

    t.test('may reset their connections: that is not the end of the successor', async (t) => {
      // Every other one soon after it came, the others when the successor works.
      const clients = await arriveDuringRestart(t, server, ({ socket }, index) => {
        if (index % 8 < 4) socket.resetAndDestroy()
      })
      for (const { socket } of clients) socket.resetAndDestroy()
      for (const what of ['the successor answers', 'and again']) {
        const after = new Arrival(t, server.port(HOST, 'tcp'))
        await until(() => after.wasAnswered, what)
      }
      t.equal(server.linesOf('worker-died').length, 2, 'as often as the tests let it die')
    })
  })
}

t.test('a stream worker that cannot start again for want of file descriptors', { skip: NATIVE.skip }, async (t) => {
  const prefix = ['env', 'TURND_TEST_CRASH_WORKER=2']
  const args = ['--workers', '2', '--stream-workers', '1']
  const cases = {
    'not for a thread': () => FILE_COUNT_LOW,
    // Those of the one that died are free again.
    'not for all that it opens': (server: ServerProcess) => openFileCount(server.pid),
  }
  for (const [name, limitOf] of Object.entries(cases)) {
    t.test(name, async (t) => {
      const server = await startStreamServer(t, NATIVE, MIN_PORT, PORT_COUNT, args, { prefix })
      const [files, sockets] = [await openFileCountAtRest(server.pid), socketCount(server)]
      limitFiles(server, limitOf(server))
      process.kill(server.pid, 'SIGUSR2')
      await until(() => server.linesOf('worker-died').length >= 2, 'a start has failed', RESTART_MILLISECONDS_MAX)
      t.ok(openFileCount(server.pid) < files, 'it has left nothing open')
      limitFiles(server, FILE_COUNT_HIGH)
      await until(() => server.linesOf('worker-restarted').length > 0, 'it works again', RESTART_MILLISECONDS_MAX)
      const after = new Arrival(t, server.port('', 'tcp'))
      await until(() => after.wasAnswered, 'the successor answers')
      await until(() => socketCount(server) <= sockets && openFileCount(server.pid) <= files, 'all is as before')
      t.equal(await server.stop(), 0)
    })
  }
})

t.test('many stream workers beside no worker for UDP all start, and are told of', { skip: NATIVE.skip }, async (t) => {
  const { certPath, keyPath } = testCertificate()
  const listen = ['--listen', `tls:${HOST}:0`, '--cert', certPath, '--key', keyPath, '--relay-ip', HOST]
  const ports = ['--min-port', String(MIN_PORT), '--max-port', String(MIN_PORT + PORT_COUNT - 1)]
  const args = [...listen, ...ports, '--user', 'alice:hunter2', '--stream-workers', String(WORKER_COUNT)]
  const server = await startServerOn(t, NATIVE, args)
  t.equal(server.ready.workers, WORKER_COUNT)
  t.match(server.linesOf('engine'), [
    { workers: WORKER_COUNT, msg: new RegExp(`^native engine with ${WORKER_COUNT} workers`) },
  ])
})

/** A client that asks as soon as it is connected. */
class Arrival {
  readonly socket: Socket
  wasAnswered = false

  constructor(t: Test, port: number, host = HOST) {
    this.socket = connect(port, host)
    this.socket.on('error', () => {})
    this.socket.once('connect', () => this.socket.write(bindingRequest()))
    this.socket.once('data', () => {
      this.wasAnswered = true
      this.socket.destroy()
    })
    t.teardown(() => this.socket.destroy())
  }
}

/** Lets the worker die; clients come to each of its listeners until its successor works. @param then what each of them does when the next one comes */
async function arriveDuringRestart(
  t: Test,
  server: ServerProcess,
  then: (client: Arrival, index: number) => void,
): Promise<readonly Arrival[]> {
  const restartCount = server.linesOf('worker-restarted').length
  const places = server.ready.listening
    .map((name) => /^(?:tcp|tls):(.+):(\d+)$/.exec(name))
    .filter((place) => place !== null)
  const clients: Arrival[] = []
  process.kill(server.pid, 'SIGUSR2')
  const timer = setInterval(() => {
    const [, host, port] = places[clients.length % places.length]
    clients.push(new Arrival(t, Number(port), host))
    const index = clients.length - 1 - places.length
    if (index >= 0) then(clients[index], index)
  }, ARRIVAL_MILLISECONDS)
  t.teardown(() => clearInterval(timer))
  const isRestarted = () => server.linesOf('worker-restarted').length > restartCount
  await until(isRestarted, 'the successor works', RESTART_MILLISECONDS_MAX)
  clearInterval(timer)
  return clients
}

/** Descriptors are numbers below this one. */
function limitFiles(server: ServerProcess, countMax: number): void {
  execFileSync('prlimit', ['--pid', String(server.pid), `--nofile=${countMax}:${FILE_COUNT_HIGH}`])
}

function socketCount(server: ServerProcess): number {
  const directory = `/proc/${server.pid}/fd`
  return readdirSync(directory).filter((name) => isSocket(join(directory, name))).length
}

function isSocket(path: string): boolean {
  try {
    return readlinkSync(path).startsWith('socket:')
  } catch {
    // Closed since it was listed.
    return false
  }
}
