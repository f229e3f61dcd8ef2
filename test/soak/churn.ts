// The churn: a server whose clients come and go a million times, and what of it is left afterwards. First some thousand cycles to warm up (V8 compiles,
// tables grow to what so many clients at once need), then a look; the cycles; then all that was left to expire does, and the second look.
//
// The caller is in a network where the range of relay ports is free. Used by churn.test.ts and run-churn.ts.
import { setTimeout as delay } from 'node:timers/promises'
import { openKernel } from '../../bench/generator/kernel.js'
import { cpuTime } from '../../bench/servers/proc-files.js'
import { until } from '../command/until.js'
import { testCertificate } from '../support/certificate.js'
import type { EngineUnderTest } from '../support/engines.js'
import { ServerProcess } from '../support/server-process.js'
import { ChurnCycles, CYCLES_PER_CLIENT, type CycleCounts } from './churn-cycles.js'
import { ChurnStreams, type StreamCounts } from './churn-streams.js'
import { holdsNoMore } from './churn-verdict.js'
import { Crowd } from './crowd.js'
import { type Dialogue, SOAK_REALM, SOAK_USER, SoakClient } from './dialogue.js'
import { Insight, type OutsideView, outsideView } from './insight.js'
import type { ThreadInsight } from './insight-questions.js'
import { Lanes } from './lanes.js'

export interface ChurnOptions {
  readonly engine: EngineUnderTest
  /** Cycles by the transport of their clients, after as many of `warmUp`. */
  readonly udp: number
  readonly tcp: number
  readonly tls: number
  readonly warmUp: { readonly udp: number; readonly tcp: number; readonly tls: number }
  /** Over UDP at the same time. */
  readonly laneCount: number
  readonly maxAllocations: number
  readonly minPort: number
  readonly portCount: number
  readonly progress: (line: string) => void
}

/** The server at one moment. */
export interface Look {
  readonly outside: OutsideView
  readonly threads: Readonly<Record<string, ThreadInsight>>
}

export interface ChurnReport {
  /** Of the cycles after the warm-up, with the time of processors that they took. */
  readonly seconds: number
  readonly serverCpuSeconds: number
  readonly loadCpuSeconds: number
  readonly udp: CycleCounts
  readonly streams: StreamCounts
  readonly retransmissions: number
  readonly before: Look
  /** The largest of everything, seen now and then. */
  readonly peak: Look
  readonly after: Look
  /** Allocations that were granted in a row at the end, up to the refusal with `refusalCode`. */
  readonly licence: { readonly granted: number; readonly refusalCode: number }
  /** Lines of the server's log, and allocations that were granted to clients. */
  readonly logged: { readonly created: number; readonly deleted: number }
  readonly granted: number
}

/** Longer than a lifetime (600 s) and a reservation (30 s). */
const TRAVEL_MILLISECONDS = 700_000
/** What is measured is not this: the machine may be busy. */
const READY_MILLISECONDS_MAX = 60_000
const SETTLING_MILLISECONDS_MAX = 20_000
const SETTLING_INTERVAL_MILLISECONDS = 250
const OUTSIDE_INTERVAL_MILLISECONDS = 500
const INSIDE_INTERVAL_MILLISECONDS = 5_000
const PROGRESS_INTERVAL_MILLISECONDS = 10_000
/** 127.192.0.0/16: clients that are no cycle's. */
const LICENCE_HOST = (127 << 24) | (192 << 16)
const LICENCE_LANES = 64

export async function churn(options: ChurnOptions): Promise<ChurnReport> {
  const run = new Churn(options)
  try {
    return await run.run()
  } finally {
    await run.close()
  }
}

class Churn {
  readonly #options: ChurnOptions
  readonly #insight = new Insight()
  readonly #kernel = openKernel()
  readonly #clients = new Crowd(this.#kernel)
  readonly #cycles = new ChurnCycles(this.#kernel)
  readonly #server: ServerProcess
  readonly #logged = { created: 0, deleted: 0 }
  #streams: ChurnStreams | null = null
  #retransmissions = 0
  #peak: Look | null = null
  #latest: Look['threads'] = {}
  #warmUpCount = 0

  constructor(options: ChurnOptions) {
    this.#options = options
    this.#server = new ServerProcess([...options.engine.args, ...serverArguments(options)], {
      ...this.#insight.serverOptions,
      keepsLine: (text) => this.#keepsLine(text),
    })
  }

  async run(): Promise<ChurnReport> {
    const { progress, tcp, tls, udp, warmUp } = this.#options
    await this.#server.waitUntilReady(READY_MILLISECONDS_MAX)
    this.#streams = await ChurnStreams.open(this.#server)
    // The first look takes longest.
    await Promise.all([this.#go(warmUp.udp, warmUp.tcp, warmUp.tls), this.#insight.threads('look')])
    const before = await this.#settle()
    progress(`warmed up with ${warmUp.udp + warmUp.tcp + warmUp.tls} cycles`)
    this.#peak = before
    this.#warmUpCount = this.#cycles.endedCount + this.#streams.endedCount
    const [start, serverCpu, loadCpu] = [performance.now(), cpuSeconds(this.#server.pid), cpuSeconds(process.pid)]
    await this.#watchWhile(this.#go(udp, tcp, tls), start)
    const seconds = (performance.now() - start) / 1000
    const serverCpuSeconds = cpuSeconds(this.#server.pid) - serverCpu
    const loadCpuSeconds = cpuSeconds(process.pid) - loadCpu
    const after = await this.#settle(before)
    const licence = await this.#tryLicence()
    await this.#server.stop()
    return {
      ...{ seconds, serverCpuSeconds, loadCpuSeconds },
      udp: this.#cycles.counts,
      streams: this.#streams.counts,
      retransmissions: this.#retransmissions,
      before,
      peak: this.#peak,
      after,
      licence,
      logged: { ...this.#logged },
      granted: this.#cycles.allocationCount + this.#streams.allocationCount + licence.granted,
    }
  }

  async close(): Promise<void> {
    await this.#server.stop()
    this.#streams?.close()
    this.#clients.close()
    this.#cycles.close()
  }

  async #go(udp: number, tcp: number, tls: number): Promise<void> {
    let left = Math.ceil(udp / CYCLES_PER_CLIENT)
    const { laneCount } = this.#options
    await Promise.all([
      this.#carry(laneCount, () => (left-- > 0 ? this.#cycles.next() : null)),
      this.#streams?.run({ tcp, tls }),
    ])
  }

  async #carry(laneCount: number, next: () => Dialogue | null): Promise<void> {
    const lanes = new Lanes({
      ...{ clients: this.#clients, serverPort: this.#server.port(), laneCount, next },
      aside: () => this.#cycles.answerAsPeers(),
    })
    await lanes.run()
    this.#retransmissions += lanes.retransmissionCount
  }

  /**
   * Lets expire what is there, and looks until nothing more is closed: until there is no more than before, or no less than at the last look. A file of
   * the server's log, and the connection that asked it, are open for a moment longer. What does not close is seen.
   */
  async #settle(before: Look | null = null): Promise<Look> {
    await this.#insight.travel(TRAVEL_MILLISECONDS)
    const end = performance.now() + SETTLING_MILLISECONDS_MAX
    let last = before
    for (;;) {
      const look = { outside: this.#outside(), threads: await this.#insight.threads('collect') }
      const isAtRest =
        last !== null &&
        look.outside.relaySockets === 0 &&
        holdsNoMore(look, last) &&
        (before !== null || holdsNoMore(last, look))
      if (isAtRest || performance.now() > end) return look
      last = before ?? look
      await delay(SETTLING_INTERVAL_MILLISECONDS)
    }
  }

  #outside(): OutsideView {
    const { minPort, portCount } = this.#options
    return outsideView(this.#server.pid, minPort, minPort + portCount - 1)
  }

  /** Looks at the server now and then, and says how far it is. */
  async #watchWhile(work: Promise<void>, start: number): Promise<void> {
    let progressAt = start
    let insideAt = Number.NEGATIVE_INFINITY
    let isLooking = false
    const look = () => {
      const outside = this.#outside()
      this.#peak = peakOf(this.#peak as Look, { outside, threads: {} })
      const now = performance.now()
      if (now - progressAt > PROGRESS_INTERVAL_MILLISECONDS) {
        progressAt = now
        this.#options.progress(this.#progressLine((now - start) / 1000))
      }
      if (isLooking || now - insideAt < INSIDE_INTERVAL_MILLISECONDS) return
      isLooking = true
      insideAt = now
      void this.#insight.threads('look').then((threads) => {
        this.#peak = peakOf(this.#peak as Look, { outside, threads })
        this.#latest = threads
        isLooking = false
      })
    }
    const timer = setInterval(look, OUTSIDE_INTERVAL_MILLISECONDS)
    await work.finally(() => clearInterval(timer))
    await until(() => !isLooking, 'the last look has been answered')
  }

  #progressLine(seconds: number): string {
    const { files, relaySockets, residentBytes } = this.#outside()
    const count = this.#cycles.endedCount + (this.#streams?.endedCount ?? 0) - this.#warmUpCount
    const heap = Object.values(this.#latest).reduce((sum, { heapBytes }) => sum + heapBytes, 0)
    return (
      `${seconds.toFixed(0)} s: ${count} cycles, ${Math.round(count / seconds)}/s; ${relaySockets} relay sockets, ${files} files, ` +
      `RSS ${(residentBytes / 1e6).toFixed(0)} MB, heaps ${(heap / 1e6).toFixed(0)} MB`
    )
  }

  /** Allocates until the server refuses, and gives everything back. */
  async #tryLicence(): Promise<ChurnReport['licence']> {
    const { maxAllocations } = this.#options
    const clients = Array.from({ length: maxAllocations + 1 }, (_, index) => new SoakClient(LICENCE_HOST + index))
    const codes: number[] = []
    function* allocate(client: SoakClient): Dialogue {
      codes.push(yield* client.allocate())
    }
    let next = 0
    await this.#carry(LICENCE_LANES, () => (next < clients.length ? allocate(clients[next++]) : null))
    const granted = codes.filter((code) => code === 0).length
    return { granted, refusalCode: codes.find((code) => code !== 0) ?? 0 }
  }

  #keepsLine(text: string): boolean {
    if (text.includes('"event":"allocation"')) this.#logged.created++
    else if (text.includes('"event":"allocation-deleted"')) this.#logged.deleted++
    else return true
    return false
  }
}

function cpuSeconds(pid: number): number {
  const { systemSeconds, userSeconds } = cpuTime(pid)
  return userSeconds + systemSeconds
}

function serverArguments({ maxAllocations, minPort, portCount }: ChurnOptions): string[] {
  const { certPath, keyPath } = testCertificate()
  return [
    ...['udp', 'tcp', 'tls'].flatMap((scheme) => ['--listen', `${scheme}:127.0.0.1:0`]),
    ...['--cert', certPath, '--key', keyPath, '--realm', SOAK_REALM],
    ...['--user', `${SOAK_USER.username}:${SOAK_USER.password}`, '--allow-peer', '127.0.0.0/8', '--allow-peer', '::1'],
    ...['--relay-ip', '127.0.0.1', '--relay-ip', '::1', '--max-allocations', String(maxAllocations)],
    ...['--min-port', String(minPort), '--max-port', String(minPort + portCount - 1)],
  ]
}

function peakOf(one: Look, two: Look): Look {
  const names = new Set([...Object.keys(one.threads), ...Object.keys(two.threads)])
  return {
    outside: largest(one.outside, two.outside) as OutsideView,
    threads: Object.fromEntries([...names].map((name) => [name, largest(one.threads[name], two.threads[name])])),
  } as Look
}

/** Of numbers, and of records of them. */
function largest(one: unknown, two: unknown): unknown {
  if (typeof one === 'number' && typeof two === 'number') return Math.max(one, two)
  if (typeof one !== 'object' || one === null) return two ?? one
  if (typeof two !== 'object' || two === null) return one
  const names = new Set([...Object.keys(one), ...Object.keys(two)])
  const of = (value: object, name: string) => (value as Record<string, unknown>)[name]
  return Object.fromEntries([...names].map((name) => [name, largest(of(one, name), of(two, name))]))
}
