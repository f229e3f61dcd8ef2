// The servers under test as processes: turnd and coturn, alike configured, on loopback, pinned to one core.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CLASS_REQUEST, METHOD_BINDING } from '../../src/stun/constants.js'
import { MessageWriter } from '../../src/stun/writer.js'
import type { ClientUser } from '../turn-client.js'
import { addressesBeyondLoopback } from './cpu.js'

const REALM = 'bench'
const START_TIMEOUT_MS = 10_000
const PROBE_INTERVAL_MS = 50
const STOP_TIMEOUT_MS = 5000

export const USER: ClientUser = { username: 'bench', password: 'bench' }

export interface ServerCommand {
  readonly name: 'turnd' | 'coturn'
  /** The program and its first arguments. */
  readonly program: readonly string[]
  readonly arguments: (port: number, directory: string) => readonly string[]
}

/** @param script build/src/turnd.js, or that of another build */
export function turndCommand(script: string, engine: string): ServerCommand {
  const user = `${USER.username}:${USER.password}`
  return {
    name: 'turnd',
    program: [process.execPath, script],
    arguments: (port, directory) => [
      ...['--realm', REALM, '--user', user, '--listen', `udp:127.0.0.1:${port}`, '--relay-ip', '127.0.0.1'],
      ...['--allow-peer', '127.0.0.0/8', '--admin-listen', 'none', '--state-dir', join(directory, 'state')],
      ...['--engine', engine],
    ],
  }
}

/** One relay thread, and nothing that turnd does not do here: no TCP, TLS, DTLS, command line or multicast. */
export function coturnCommand(program: string): ServerCommand {
  const user = `${USER.username}:${USER.password}`
  return {
    name: 'coturn',
    program: [program],
    arguments: (port, directory) => [
      ...['-n', '--lt-cred-mech', '-u', user, '-r', REALM, '-L', '127.0.0.1', '-p', String(port), '-E', '127.0.0.1'],
      ...['--allow-loopback-peers', '--relay-threads', '1', '--min-port', '20000', '--max-port', '23999'],
      ...['--no-tcp', '--no-tcp-relay', '--no-tls', '--no-dtls', '--no-cli', '--no-multicast-peers'],
      ...['--pidfile', join(directory, 'pid'), '--log-file', join(directory, 'log'), '--simple-log'],
      ...['--db', join(directory, 'db')],
    ],
  }
}

export class ServerProcess {
  readonly name: string
  readonly pid: number
  readonly port: number
  readonly #child: ChildProcess
  readonly #directory: string

  private constructor(name: string, port: number, child: ChildProcess, directory: string) {
    this.name = name
    this.pid = child.pid as number
    this.port = port
    this.#child = child
    this.#directory = directory
  }

  /** Starts the server and waits until it answers a Binding request. Throws with its output if it does not. */
  static async start(command: ServerCommand, core: number): Promise<ServerProcess> {
    const directory = mkdtempSync(join(tmpdir(), `bench-${command.name}-`))
    const port = await freePort()
    const output = openSync(join(directory, 'output'), 'w')
    const child = spawn('taskset', ['-c', String(core), ...command.program, ...command.arguments(port, directory)], {
      stdio: ['ignore', output, output],
      cwd: directory,
    })
    closeSync(output)
    child.once('error', () => {})
    const server = new ServerProcess(command.name, port, child, directory)
    if (child.pid === undefined || !(await answers(port, child))) {
      const text = readFileSync(join(directory, 'output'), 'utf8').slice(-2000)
      await server.stop()
      throw new Error(`${command.name} did not start: ${command.program.join(' ')}\n${text}`)
    }
    const exposed = addressesBeyondLoopback(server.pid)
    if (exposed.length > 0) {
      await server.stop()
      throw new Error(`${command.name} listens beyond loopback: ${exposed.join(', ')}`)
    }
    return server
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

/** Sends Binding requests until one is answered; false when the process ends or the time is over. */
async function answers(port: number, child: ChildProcess): Promise<boolean> {
  const socket = createSocket('udp4')
  const request = new Uint8Array(20)
  new MessageWriter().begin(request, 0, CLASS_REQUEST, METHOD_BINDING, randomBytes(12), 0)
  let answered = false
  socket.on('message', () => {
    answered = true
  })
  const end = performance.now() + START_TIMEOUT_MS
  while (!answered && performance.now() < end && child.exitCode === null && child.signalCode === null) {
    socket.send(request, port, '127.0.0.1')
    await new Promise((resolve) => setTimeout(resolve, PROBE_INTERVAL_MS))
  }
  socket.close()
  return answered
}
