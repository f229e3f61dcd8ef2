// Stream workers that start while clients come, that cannot start for want of file descriptors, and that are many.
import { execFileSync } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { bindingRequest } from '../net/stream/stream-client.js'
import { testCertificate } from '../support/certificate.js'
import { ENGINES, NATIVE } from '../support/engines.js'
import { openFileCount } from '../support/process-memory.js'
import { type ServerProcess, startServerOn } from '../support/server-process.js'
import { HOST, startStreamServer } from '../support/stream-server.js'
import { until } from './until.js'

const MIN_PORT = 19_300
const PORT_COUNT = 100
/** One client each, from the death of a worker until its successor works. */
const ARRIVAL_MILLISECONDS = 5
/** It takes some milliseconds; the rest is for a busy machine, and for a second death. */
const RESTART_MILLISECONDS_MAX = 15_000
const WORKER_COUNT = 8

t.setTimeout(120_000)

for (const engine of ENGINES) {
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
      await arriveDuringRestart(t, server, ({ socket }) => socket.resetAndDestroy())
      const after = new Arrival(t, server.port(HOST, 'tcp'))
      await until(() => after.wasAnswered, 'the successor answers')
      t.equal(server.linesOf('worker-died').length, 2, 'as often as the tests let it die')
    })
  })
}

t.test('a stream worker that cannot start again for want of file descriptors', { skip: NATIVE.skip }, async (t) => {
  const prefix = ['env', 'TURND_TEST_CRASH_WORKER=2']
  const args = ['--workers', '2', '--stream-workers', '1']
  for (const spare of [-1, 2, 6, 12]) {
    t.test(`${spare} descriptors more than the server has without it`, async (t) => {
      const server = await startStreamServer(t, NATIVE, MIN_PORT, PORT_COUNT, args, { prefix })
      const [files, sockets] = [openFileCount(server.pid), socketCount(server)]
      // Those of the worker are free again when it has died, and numbers below the limit are what counts.
      limitFiles(server, spare)
      process.kill(server.pid, 'SIGUSR2')
      await until(() => server.linesOf('worker-died').length >= 3, 'two starts have failed', RESTART_MILLISECONDS_MAX)
      t.ok(openFileCount(server.pid) <= files, 'a start that failed has left nothing open')
      execFileSync('prlimit', ['--pid', String(server.pid), '--nofile=4096:4096'])
      await until(() => server.linesOf('worker-restarted').length > 0, 'it works again', RESTART_MILLISECONDS_MAX)
      const after = new Arrival(t, server.port('', 'tcp'))
      await until(() => after.wasAnswered, 'the successor answers')
      t.equal(openFileCount(server.pid), files)
      t.equal(socketCount(server), sockets)
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
  t.match(server.linesOf('engine'), [{ workers: WORKER_COUNT, msg: /^native engine with 8 workers/ }])
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
  then: (client: Arrival) => void,
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
    if (clients.length > places.length) then(clients[clients.length - 1 - places.length])
  }, ARRIVAL_MILLISECONDS)
  t.teardown(() => clearInterval(timer))
  const isRestarted = () => server.linesOf('worker-restarted').length > restartCount
  await until(isRestarted, 'the successor works', RESTART_MILLISECONDS_MAX)
  clearInterval(timer)
  return clients
}

/** Further files can be opened up to this number beyond those that are open. */
function limitFiles(server: ServerProcess, spare: number): void {
  execFileSync('prlimit', ['--pid', String(server.pid), `--nofile=${openFileCount(server.pid) + spare}:4096`])
}

function socketCount(server: ServerProcess): number {
  const directory = `/proc/${server.pid}/fd`
  return readdirSync(directory).filter((name) => readlinkSync(join(directory, name)).startsWith('socket:')).length
}
