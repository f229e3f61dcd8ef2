// Relaying with the dgram engine: UDP clients in this thread, and one stream worker where there are listeners for it.
import type { CertificateMaterial } from '../auth/certificate-file.js'
import type { ListenSpec } from '../config/listen-spec.js'
import { DgramEngine } from '../net/dgram/dgram-engine.js'
import type { Listener } from '../net/engine.js'
import { hasListeners, STREAM_SCHEMES } from '../net/listen-targets.js'
import type { TransportAddress } from '../stun/address.js'
import { allocateSharedTables, type SharedTables } from '../turn/shared-tables.js'
import { InProcess } from './in-process.js'
import { type OwnSockets, ownSockets } from './own-sockets.js'
import type { CaptureSink, Relaying, RelayingParts } from './relaying.js'
import { startPool } from './start-pool.js'
import { Statistics, type Totals, totalsOf } from './statistics.js'
import { streamSettings } from './stream-settings.js'
import type { OwnListeners } from './worker/messages.js'
import type { PartOf, Question } from './worker/questions.js'
import { type SlotCalls, STREAM_WORKER } from './worker/worker-slot.js'
import { WorkerPool } from './worker-pool.js'

/** In this process, and the stream worker. */
const WORKER_COUNT = 2
const IN_PROCESS_INDEX = 0
const STREAM_INDEX = 1

/** Its workers hold nothing that Node does not close, and are woken by their messages. */
const NO_CALLS: SlotCalls = { wake() {}, closeAll() {}, close() {}, discardWaiting() {} }

/** Opens the listeners, and relays. Throws TurndError, with nothing left open. */
export async function relayByDgram(parts: RelayingParts): Promise<Relaying> {
  const { relayHosts, settings } = parts
  const { listen, maxAllocations, maxPort, minPort } = settings
  const statistics = new Statistics()
  const engine = new DgramEngine({ counters: statistics.engine })
  await engine.openListeners(listen)
  const tables = allocateSharedTables({
    relayHostCount: relayHosts.length,
    minPort,
    maxPort,
    maxAllocations,
    workerCount: WORKER_COUNT,
  })
  const shared = { tables, workerIndex: IN_PROCESS_INDEX }
  const inProcess = (others: readonly Listener[]) => new InProcess(engine, parts, own(others), shared, statistics)
  const own = (others: readonly Listener[]): OwnSockets =>
    ownSockets([...engine.listeners, ...others], [], relayHosts, settings.adminListen)
  if (!hasListeners(listen, STREAM_SCHEMES)) return inProcess([])
  try {
    const pool = streamPool(parts, engine.listeners, tables)
    await startPool(pool)
    return new Both(inProcess(pool.listeners), pool)
  } catch (error) {
    await engine.stop()
    throw error
  }
}

function streamPool(parts: RelayingParts, otherListeners: readonly Listener[], tables: SharedTables): WorkerPool {
  const { adminListen, listen } = parts.settings
  const streams = streamSettings(parts.settings, parts.httpUpstreamCa, WORKER_COUNT)
  const sockets: OwnListeners = { kind: 'own', specs: listen, otherListeners, adminListen }
  const pool: WorkerPool = new WorkerPool(parts, {
    engine: 'dgram',
    workers: [
      {
        ...STREAM_WORKER,
        sockets: [],
        // A successor listens where its predecessor did.
        start: (dynamic) => ({
          streams,
          ...dynamic,
          sockets: { ...sockets, specs: withPorts(listen, pool.listeners) },
        }),
      },
    ],
    firstIndex: STREAM_INDEX,
    udpWorkerCount: 0,
    tables,
    connectionCap: streams.connectionCap,
    calls: NO_CALLS,
    listeners: [],
    ownSockets: ownSockets(otherListeners, [], parts.relayHosts, adminListen),
    closeSockets: () => {},
  })
  return pool
}

/** Ephemeral ports as they were found. */
function withPorts(specs: readonly ListenSpec[], listeners: readonly Listener[]): readonly ListenSpec[] {
  const isFor = (spec: ListenSpec, { address, scheme }: Listener) =>
    (scheme === spec.scheme || (scheme === 'tcp' && spec.scheme === 'any')) && address.host === spec.host
  return specs.map((spec) => {
    const listener = spec.port === 0 ? listeners.find((one) => isFor(spec, one)) : undefined
    return listener === undefined ? spec : { ...spec, port: listener.address.port }
  })
}

/** UDP clients here, those over streams in the pool. */
class Both implements Relaying {
  readonly engine = 'dgram'
  readonly workerCount = 1
  readonly #inProcess: Relaying
  readonly #pool: WorkerPool
  readonly #both: readonly Relaying[]

  constructor(inProcess: Relaying, pool: WorkerPool) {
    this.#inProcess = inProcess
    this.#pool = pool
    this.#both = [inProcess, pool]
  }

  get listeners(): readonly Listener[] {
    return this.#both.flatMap(({ listeners }) => listeners)
  }

  get captureSink(): CaptureSink | null {
    return this.#pool.captureSink
  }

  set captureSink(sink: CaptureSink | null) {
    for (const relaying of this.#both) relaying.captureSink = sink
  }

  totals(): Totals {
    return totalsOf(this.#both.map((relaying) => relaying.totals()))
  }

  allocationCount(): number {
    return this.#inProcess.allocationCount() + this.#pool.allocationCount()
  }

  async ask<Asked extends Question>(question: Asked, worker?: number): Promise<readonly PartOf<Asked>[]> {
    return (await Promise.all(this.#both.map((relaying) => relaying.ask(question, worker)))).flat()
  }

  async drain(): Promise<void> {
    await Promise.all(this.#both.map((relaying) => relaying.drain()))
  }

  setLocalHosts(hosts: readonly TransportAddress[]): void {
    for (const relaying of this.#both) relaying.setLocalHosts(hosts)
  }

  setCertificate(certificate: CertificateMaterial): void {
    this.#pool.setCertificate(certificate)
  }

  async stop(): Promise<void> {
    await Promise.all(this.#both.map((relaying) => relaying.stop()))
  }
}
