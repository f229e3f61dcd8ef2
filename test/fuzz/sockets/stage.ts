// The stage of the sockets target: the built server as a process of its own with all its listeners, its peers and its upstream, and what is
// known of it from outside. Problems are gathered here, whoever sees them.

import { testCertificate } from '../../support/certificate.js'
import type { EngineUnderTest } from '../../support/engines.js'
import { findFreePorts } from '../../support/free-ports.js'
import { residentBytes } from '../../support/process-memory.js'
import { ServerProcess } from '../../support/server-process.js'
import { Depth } from './depth.js'
import { Judge, type JudgeOptions } from './judge.js'
import { ALLOWED_PEERS, FuzzPeers, type RelayPorts } from './peers.js'
import type { Transcript } from './transcript.js'
import { FuzzUpstream } from './upstream.js'

export const HOST = '127.0.0.1'
/** Connections from here begin with a PROXY header. */
export const PROXY_HOSTS = '127.77.0.0/16'
/** The fuzzer’s own user; what it holds, reservations too, leaves room for others. */
export const MALLORY = { username: 'mallory', password: 'let me in' } as const
export const INNOCENT = { username: 'innocent', password: 'correct horse' } as const
export const REALM = 'turnuser'

const RELAY_PORTS = { first: 22_500, last: 22_999 }
/** So few that several runs find room beside each other. */
const RELAY_PORT_COUNT = 140
const USER_QUOTA = 100
const MEBIBYTE = 1024 * 1024
/** Above what the server had after its first batches: heaps of several threads that grow until they are collected. */
const MEMORY_BYTES_MAX = 256 * MEBIBYTE
const WARM_UP_BATCHES = 20
const ERROR_LEVEL = 50
const START_ATTEMPT_COUNT = 4

export interface Problem {
  readonly text: string
  readonly transcript: Transcript | null
}

export class SocketsStage {
  readonly depth = new Depth()
  readonly problems: Problem[] = []
  readonly server: ServerProcess
  readonly peers: FuzzPeers
  readonly upstream: FuzzUpstream
  readonly relayPorts: RelayPorts
  /** Of the batch that runs. */
  readonly transcripts: Transcript[] = []
  #outputLength = 0
  #batchCount = 0
  #memoryBefore = 0

  private constructor(
    server: ServerProcess,
    peers: FuzzPeers,
    upstream: FuzzUpstream,
    relayPorts: RelayPorts,
    depth: Depth,
  ) {
    this.server = server
    this.peers = peers
    this.upstream = upstream
    this.relayPorts = relayPorts
    this.depth = depth
  }

  static async open(engine: EngineUnderTest): Promise<SocketsStage> {
    const relayPorts = await findFreePorts(RELAY_PORTS, RELAY_PORT_COUNT)
    const depth = new Depth()
    let stage: SocketsStage | null = null
    const report = (text: string) => void stage?.report(text, null)
    const peers = await FuzzPeers.open(relayPorts, depth, report)
    const upstream = await FuzzUpstream.open(depth, report)
    const server = await start([...engine.args, ...argumentsOf(relayPorts, upstream)]).catch(async (error) => {
      await Promise.all([peers.close(), upstream.close()])
      throw error
    })
    stage = new SocketsStage(server, peers, upstream, relayPorts, depth)
    return stage
  }

  report(text: string, transcript: Transcript | null): void {
    this.problems.push({ text, transcript })
  }

  judge(transcript: Transcript, options: Pick<JudgeOptions, 'isStranger' | 'isDatagrams'>): Judge {
    this.transcripts.push(transcript)
    const report = (text: string, of: Transcript) => this.report(text, of)
    return new Judge({ transcript, depth: this.depth, report, ...options })
  }

  /** After each batch: the server lives, its log is in order, its memory bounded. */
  checkServer(): void {
    this.#batchCount++
    if (!isAlive(this.server.pid)) {
      this.report(`the server has ended:\n${this.server.output.slice(-4_000)}`, null)
      return
    }
    this.#checkLog()
    const memory = residentBytes(this.server.pid)
    if (this.#batchCount <= WARM_UP_BATCHES) this.#memoryBefore = Math.max(this.#memoryBefore, memory)
    else if (memory > this.#memoryBefore + MEMORY_BYTES_MAX) {
      this.report(`the server has grown from ${mebibytes(this.#memoryBefore)} to ${mebibytes(memory)}`, null)
    }
  }

  /** In words, for the summary. */
  memory(): string {
    return `RSS ${mebibytes(this.#memoryBefore)} after ${WARM_UP_BATCHES} batches, ${mebibytes(residentBytes(this.server.pid))} at the end`
  }

  async close(): Promise<void> {
    const code = await this.server.stop(10_000)
    if (code !== 0 && this.problems.length === 0) this.report(`the server ended with ${code}`, null)
    await Promise.all([this.peers.close(), this.upstream.close()])
  }

  /** Every line is a JSON object with an event; nothing is an error, and nothing comes on standard error. */
  #checkLog(): void {
    const { output } = this.server
    const end = output.lastIndexOf('\n') + 1
    for (const line of output.slice(this.#outputLength, end).split('\n')) {
      const problem = line === '' ? null : problemOfLine(line)
      if (problem !== null) this.report(`${problem}: ${line.slice(0, 1_000)}`, null)
    }
    this.#outputLength = end
  }
}

/** On a machine that is busy with other things a start may take longer than tests or the server allow: it is tried again. */
async function start(args: readonly string[]): Promise<ServerProcess> {
  for (let attempt = 1; ; attempt++) {
    const server = new ServerProcess(args, {})
    try {
      await server.waitUntilReady()
      return server
    } catch (error) {
      await server.stop()
      if (attempt === START_ATTEMPT_COUNT) throw error
    }
  }
}

function argumentsOf({ maxPort, minPort }: RelayPorts, upstream: FuzzUpstream): string[] {
  const { certPath, keyPath } = testCertificate()
  const listen = ['udp', 'tcp', 'tls', 'dtls'].flatMap((scheme) => ['--listen', `${scheme}:${HOST}:0`])
  const users = [MALLORY, INNOCENT].flatMap(({ password, username }) => ['--user', `${username}:${password}`])
  // Public addresses would be allowed, and nothing may leave this machine.
  const peers = [
    '--allow-peer',
    ALLOWED_PEERS,
    '--deny-peer',
    '0.0.0.0/1',
    '--deny-peer',
    '128.0.0.0/1',
    '--deny-peer',
    '::/0',
  ]
  return [
    ...[...listen, '--cert', certPath, '--key', keyPath, '--http-upstream', upstream.origin],
    ...['--proxy-protocol-from', PROXY_HOSTS, '--realm', REALM, ...users, '--user-quota', String(USER_QUOTA)],
    ...['--relay-ip', HOST, '--min-port', String(minPort), '--max-port', String(maxPort), ...peers],
    ...['--log-level', 'debug'],
  ]
}

function problemOfLine(line: string): string | null {
  let content: unknown
  try {
    content = JSON.parse(line)
  } catch {
    return 'a line that is no JSON'
  }
  if (typeof content !== 'object' || content === null || !('event' in content)) return 'a line without an event'
  if (/[\u0000-\u001f\u007f-\u009f\u202e]/.test(line)) return 'a line with control characters'
  if (content.event === 'worker-died') return 'a worker died'
  return 'level' in content && Number(content.level) >= ERROR_LEVEL ? 'an error' : null
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / MEBIBYTE)} MiB`
}
