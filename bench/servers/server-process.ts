// A server under test as a process, pinned to one core.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CLASS_REQUEST, METHOD_BINDING } from '../../src/stun/constants.js'
import { MessageWriter } from '../../src/stun/writer.js'
import { undoAtExit } from '../leftovers.js'
import { type ServerCommand, type ServerName, stateDirOf } from './commands.js'
import { addressesBeyondLoopback } from './proc-files.js'

const START_TIMEOUT_MS = 10_000
const PROBE_INTERVAL_MS = 1
const STOP_TIMEOUT_MS = 5000

export class ServerProcess {
  readonly name: ServerName
  readonly pid: number
  readonly port: number
  /** Where it listens for TLS, if its command says so. */
  readonly tlsPort: number
  /** Milliseconds from spawn to the first answer to a Binding request. */
  startMilliseconds = 0
  readonly #child: ChildProcess
  readonly #directory: string
  readonly #forget: () => void

  private constructor(name: ServerName, port: number, tlsPort: number, child: ChildProcess, directory: string) {
    this.name = name
    this.pid = child.pid ?? 0
    this.port = port
    this.tlsPort = tlsPort
    this.#child = child
    this.#directory = directory
    this.#forget = undoAtExit(() => {
      child.kill('SIGKILL')
      rmSync(directory, { recursive: true, force: true })
    })
  }

  /** Starts the server and waits until it answers a Binding request. Throws with its output if it does not. */
  static async start(command: ServerCommand, core: number): Promise<ServerProcess> {
    const directory = mkdtempSync(join(tmpdir(), 'turnd-bench-'))
    const port = await freePort()
    const tlsPort = await freeTcpPort()
    const output = openSync(join(directory, 'output'), 'w')
    const spawned = performance.now()
    const args = ['-c', String(core), ...command.program, ...command.arguments(port, directory, tlsPort)]
    const child = spawn('taskset', args, {
      stdio: ['ignore', output, output],
      cwd: directory,
    })
    closeSync(output)
    child.once('error', () => {})
    const server = new ServerProcess(command.name, port, tlsPort, child, directory)
    const answered = child.pid === undefined ? 0 : await firstAnswer(port, child)
    if (answered === 0) {
      const text = server.output().slice(-2000)
      await server.stop()
      throw new Error(`${command.name} did not start: ${command.program.join(' ')}\n${text}`)
    }
    server.startMilliseconds = answered - spawned
    const exposed = addressesBeyondLoopback(server.pid)
    if (exposed.length > 0) {
      await server.stop()
      throw new Error(`${command.name} listens beyond loopback: ${exposed.join(', ')}`)
    }
    return server
  }

  /** Of turnd. */
  get stateDir(): string {
    return stateDirOf(this.#directory)
  }

  /** What it has logged so far. */
  output(): string {
    return readFileSync(join(this.#directory, 'output'), 'utf8')
  }

  /** The engine that turnd says it has: it may not be the one that was asked for. Null for other servers. */
  engine(): string | null {
    return /"event":"ready".*?"engine":"(\w+)"/.exec(this.output())?.[1] ?? null
  }

  async stop(): Promise<void> {
    const child = this.#child
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      const force = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
      await exited
      clearTimeout(force)
    }
    rmSync(this.#directory, { recursive: true, force: true })
    this.#forget()
  }
}

/** A UDP port of 127.0.0.1 that was free a moment ago. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return port
}

/** A TCP port of 127.0.0.1 that was free a moment ago. */
async function freeTcpPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Sends Binding requests until one is answered. Returns when that was, or 0 if the process ends or the time is over. */
async function firstAnswer(port: number, child: ChildProcess): Promise<number> {
  const socket = createSocket('udp4')
  const request = new Uint8Array(20)
  new MessageWriter().begin(request, 0, CLASS_REQUEST, METHOD_BINDING, randomBytes(12), 0)
  let answered = 0
  socket.on('message', () => {
    answered ||= performance.now()
  })
  const end = performance.now() + START_TIMEOUT_MS
  while (answered === 0 && performance.now() < end && child.exitCode === null && child.signalCode === null) {
    socket.send(request, port, '127.0.0.1')
    await new Promise((resolve) => setTimeout(resolve, PROBE_INTERVAL_MS))
  }
  socket.close()
  return answered
}
