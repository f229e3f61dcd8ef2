// The crash: a server under so many live allocations is killed (SIGKILL) and started again from the same state directory. What its clients are told, how
// long they are away, and whether anybody gets what is of somebody else, while peers go on sending to where the relays were.
//
// The caller is in a network where the range of relay ports is free. Used by crash.test.ts and run-crash.ts.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openKernel } from '../../bench/generator/kernel.js'
import { testCertificate } from '../support/certificate.js'
import type { EngineUnderTest } from '../support/engines.js'
import { onProcessEnd } from '../support/process-end.js'
import { ServerProcess } from '../support/server-process.js'
import { CrashClients, sharesPeer } from './crash-clients.js'
import { CrashLedger } from './crash-ledger.js'
import { CrashStreams } from './crash-streams.js'
import { type Dialogue, SOAK_REALM, SOAK_USER } from './dialogue.js'
import { Lanes } from './lanes.js'

export interface CrashOptions {
  readonly engine: EngineUnderTest
  /** Live allocations. */
  readonly allocationCount: number
  /** Those of them whose clients come over TCP and TLS. */
  readonly tcp: number
  readonly tls: number
  readonly minPort: number
  readonly portCount: number
  /** Of media before the crash, and after everybody is back. */
  readonly mediaMilliseconds: number
  readonly progress: (line: string) => void
}

export interface CrashReport {
  /** Milliseconds from the start of the second server to its `ready`, and of the first one. */
  readonly restart: number
  readonly firstStart: number
  /** From the kill to `ready`. */
  readonly downtime: number
  /**
   * From `ready` until a client's first payload has come back, in order: of UDP clients, and of those over TCP and TLS. Negative where a
   * listener answers before all of them are open.
   */
  readonly back: { readonly udp: readonly number[]; readonly streams: readonly number[] }
  readonly answers: CrashClients['answers']
  readonly ledger: CrashLedger
  readonly belatedSent: number
  readonly mediaSent: number
  readonly retransmissions: number
  /** Refusals in the second server's log, by reason. */
  readonly refusals: Readonly<Record<string, number>>
  /** Clients that have now a relay port that another one had before; and as many as there would be by chance. */
  readonly reusedPorts: number
  readonly reusedPortsExpected: number
  /** Of those, both of whom share their peer's address. */
  readonly reusedPortsShared: number
}

/** Clients notice, each at a moment of its own, within this time after the crash: by a consent check, a silence, a keep-alive. */
const NOTICE_MILLISECONDS = 1000
/** The time is printed; a busy machine may need longer than this project promises. */
const READY_MILLISECONDS_MAX = 60_000
/** A client that hears nothing says something about once a second, whatever became of what it said before. */
const KEEP_ALIVE_MILLISECONDS = 1000
const PROGRESS_MILLISECONDS = 2000
const OPENING_LANES = 64

export async function crash(options: CrashOptions): Promise<CrashReport> {
  const run = new Crash(options)
  try {
    return await run.run()
  } finally {
    await run.close()
  }
}

class Crash {
  readonly #options: CrashOptions
  readonly #stateDirectory = mkdtempSync(join(tmpdir(), 'turnd-crash-'))
  readonly #ledger = new CrashLedger(sharesPeer)
  readonly #clients: CrashClients
  #server: ServerProcess | null = null
  #streams: CrashStreams | null = null
  #retransmissions = 0

  constructor(options: CrashOptions) {
    const { allocationCount, tcp, tls } = options
    this.#options = options
    this.#clients = new CrashClients(openKernel(), this.#ledger, allocationCount - tcp - tls)
    onProcessEnd(() => rmSync(this.#stateDirectory, { recursive: true, force: true }))
  }

  async run(): Promise<CrashReport> {
    const { progress } = this.#options
    const { milliseconds: firstStart } = await this.#start(
      ['udp', 'tcp', 'tls'].map((scheme) => `${scheme}:127.0.0.1:0`),
    )
    const streams = await this.#open()
    progress(`${this.#options.allocationCount} allocations`)
    await this.#carryFor(this.#options.mediaMilliseconds)
    const before = [...this.#clients.relayPorts(), ...streams.relayPorts()]

    let areStreamsBack = false
    const streamsBack = streams.comeBack().finally(() => {
      areStreamsBack = true
    })
    const killedAt = performance.now()
    const restarted = this.#killAndRestart()
    this.#clients.crash(streams.relayPorts())
    const noticing = this.#carry(
      this.#noticing(killedAt, () => areStreamsBack),
      this.#clients.count,
    )
    const { readyAt, restart } = await restarted
    progress(`ready ${Math.round(readyAt - killedAt)} ms after the kill`)
    const timer = setInterval(() => {
      const backCount = this.#clients.backAt.length + streams.backAt.length
      progress(`${backCount} are back; refused so far: ${JSON.stringify(this.#refusals())}`)
    }, PROGRESS_MILLISECONDS)
    await Promise.all([noticing, streamsBack]).finally(() => clearInterval(timer))
    await this.#carryFor(this.#options.mediaMilliseconds)
    streams.drain()
    await this.#server?.stop()
    return {
      ...{ restart, firstStart, downtime: readyAt - killedAt },
      back: { udp: since(readyAt, this.#clients.backAt), streams: since(readyAt, streams.backAt) },
      ...{ answers: this.#clients.answers, ledger: this.#ledger, retransmissions: this.#retransmissions },
      refusals: this.#refusals(),
      ...{ belatedSent: this.#clients.belatedSent, mediaSent: this.#clients.mediaSent },
      ...this.#reused(before, [...this.#clients.relayPorts(), ...streams.relayPorts()]),
    }
  }

  async close(): Promise<void> {
    await this.#streams?.close()
    await this.#server?.stop()
    this.#clients.close()
    rmSync(this.#stateDirectory, { recursive: true, force: true })
  }

  /** When it was ready, by its own log, and how long that took: this thread may be busy with clients when it reads the line. */
  async #start(listen: readonly string[]): Promise<{ readonly readyAt: number; readonly milliseconds: number }> {
    const { engine, allocationCount, minPort, portCount, tcp, tls } = this.#options
    // Who connects again because an answer took too long is there twice, until the server has seen the end of the first connection.
    const maxAllocations = allocationCount + tcp + tls
    const { certPath, keyPath } = testCertificate()
    const start = performance.now()
    this.#server = new ServerProcess(
      [
        ...[...engine.args, ...listen.flatMap((listener) => ['--listen', listener]), '--realm', SOAK_REALM],
        ...['--user', `${SOAK_USER.username}:${SOAK_USER.password}`, '--cert', certPath, '--key', keyPath],
        ...['--relay-ip', '127.0.0.1', '--allow-peer', '127.0.0.0/8', '--max-allocations', String(maxAllocations)],
        ...['--min-port', String(minPort), '--max-port', String(minPort + portCount - 1)],
      ],
      { stateDirectory: this.#stateDirectory },
    )
    await this.#server.waitUntilReady(READY_MILLISECONDS_MAX)
    const readyAt = performance.now() - (Date.now() - Date.parse(String(this.server.ready.time)))
    return { readyAt, milliseconds: readyAt - start }
  }

  async #open(): Promise<CrashStreams> {
    const { server } = this
    const { tcp, tls } = this.#options
    this.#clients.serverPort = server.port()
    const ports = { tcp: server.port('', 'tcp'), tls: server.port('', 'tls') }
    const peerOf = (client: number) => this.#clients.peerOf(client)
    const streams = new CrashStreams(this.#ledger, this.#clients.count, { tcp, tls }, ports, peerOf)
    this.#streams = streams
    let next = 0
    const opening = () => (next < this.#clients.count ? this.#clients.open(next++) : null)
    await this.#carry(opening, OPENING_LANES)
    // Their peers answer while the lanes of UDP clients turn.
    const opened = streams.open()
    let isOpen = false
    const waiting = this.#carry(() => (isOpen ? null : 'later'), 1)
    await opened.finally(() => {
      isOpen = true
    })
    await waiting
    return streams
  }

  async #killAndRestart(): Promise<{ readonly readyAt: number; readonly restart: number }> {
    const { server } = this
    process.kill(server.pid, 'SIGKILL')
    await server.waitForExit()
    const { milliseconds: restart, readyAt } = await this.#start(server.ready.listening)
    return { readyAt, restart }
  }

  /** Clients come one after the other, over the time of their noticing. Peers answer until those over streams are back, too. */
  #noticing(killedAt: number, areStreamsBack: () => boolean): () => Dialogue | 'later' | null {
    const { count } = this.#clients
    let next = 0
    return () => {
      if (next === count) return areStreamsBack() ? null : 'later'
      const due = killedAt + (next / count) * NOTICE_MILLISECONDS
      return performance.now() >= due ? this.#clients.comeBack(next++) : 'later'
    }
  }

  #carryFor(milliseconds: number): Promise<void> {
    const end = performance.now() + milliseconds
    return this.#carry(() => (performance.now() < end ? 'later' : null), 1)
  }

  async #carry(next: () => Dialogue | 'later' | null, laneCount: number): Promise<void> {
    const lanes = new Lanes({
      ...{ clients: this.#clients.clients, serverPort: this.server.port(), next, laneCount },
      retransmissionMillisecondsMax: KEEP_ALIVE_MILLISECONDS,
      aside: () => this.#clients.exchange(),
      other: (host, bytes) => this.#clients.takeAtClient(host, bytes),
    })
    await lanes.run()
    this.#retransmissions += lanes.retransmissionCount
  }

  #refusals(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const { reason } of this.server.linesOf('refusal')) {
      counts[String(reason)] = (counts[String(reason)] ?? 0) + 1
    }
    return counts
  }

  get server(): ServerProcess {
    if (this.#server === null) throw new Error('there is no server')
    return this.#server
  }

  #reused(before: readonly number[], after: readonly number[]) {
    const { allocationCount, portCount } = this.#options
    const former = new Map(before.map((port, client) => [port, client]))
    const pairs = after.flatMap((port, client) => {
      const other = former.get(port)
      return other === undefined || other === client ? [] : [{ client, other }]
    })
    return {
      reusedPorts: pairs.length,
      reusedPortsExpected: (allocationCount * (allocationCount - 1)) / portCount,
      reusedPortsShared: pairs.filter(({ client, other }) => sharesPeer(client) && sharesPeer(other)).length,
    }
  }
}

function since(start: number, moments: readonly number[]): number[] {
  return moments.map((moment) => Math.round(moment - start)).sort((a, b) => a - b)
}
