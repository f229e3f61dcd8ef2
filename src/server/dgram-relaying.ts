// Relaying with the dgram engine: UDP clients in this thread, and one stream worker where there are listeners for it.
import type { CertificateMaterial } from '../auth/certificate-file.js'
import { TurndError } from '../config/errors.js'
import { isWildcardHost, type ListenSpec } from '../config/listen-spec.js'
import { DgramEngine } from '../net/dgram/dgram-engine.js'
import type { Listener } from '../net/engine.js'
import { hasListeners, STREAM_SCHEMES } from '../net/listen-targets.js'
import { ConnectionCap } from '../net/stream/connection-cap.js'
import type { TransportAddress } from '../stun/address.js'
import type { Alternate } from '../turn/alternates.js'
import { allocateSharedTables, type SharedTables } from '../turn/shared-tables.js'
import { InProcess } from './in-process.js'
import { type OwnSockets, ownSockets } from './own-sockets.js'
import { type Listening, listenText, type PoolPlan } from './pool-plan.js'
import type { CaptureSink, PreparedRelaying, Relaying, RelayingChange, RelayingParts } from './relaying.js'
import { startPool } from './start-pool.js'
import { Statistics, type Totals, totalsOf } from './statistics.js'
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

/** The stream worker opens its listeners itself. */
interface OwnListening extends Listening {
  readonly specs: readonly ListenSpec[]
  /** Those in this thread. */
  readonly otherListeners: readonly Listener[]
}

/** Opens the listeners, and relays. Throws TurndError, with nothing left open. */
export async function relayByDgram(parts: RelayingParts): Promise<Relaying> {
  const { relayHosts, settings } = parts
  const { listen, maxPort, minPort } = settings
  const statistics = new Statistics()
  const engine = new DgramEngine({ counters: statistics.engine })
  await engine.openListeners(listen)
  const tables = allocateSharedTables({
    ...{ relayHostCount: relayHosts.length, minPort, maxPort, workerCount: WORKER_COUNT },
  })
  try {
    const pool = streamPool(parts, engine.listeners, tables)
    await startPool(pool)
    return new DgramRelaying(engine, parts, pool, tables, statistics)
  } catch (error) {
    await engine.stop()
    throw error
  }
}

function streamPool(
  parts: RelayingParts,
  otherListeners: readonly Listener[],
  tables: SharedTables,
): WorkerPool<OwnListening> {
  const { adminListen } = parts.settings
  const ownListeners = ({ otherListeners: others, specs }: OwnListening): OwnListeners => ({
    // A successor listens where its predecessor did.
    ...{ kind: 'own', specs: withPorts(specs, pool.listeners), otherListeners: others, adminListen },
  })
  const plan: PoolPlan<OwnListening> = {
    engine: 'dgram',
    workers: [
      {
        ...STREAM_WORKER,
        isForUdp: false,
        isNeeded: ({ specs }) => hasListeners(specs, STREAM_SCHEMES),
        sockets: () => [],
        start: (listening, dynamic) => ({ ...dynamic, sockets: ownListeners(listening) }),
      },
    ],
    firstIndex: STREAM_INDEX,
    tables,
    connectionCap: ConnectionCap.allocate(WORKER_COUNT),
    calls: NO_CALLS,
    listening: listeningOf(parts, parts.settings.listen, otherListeners),
    prepareListening: null,
    closeSockets: () => {},
  }
  const pool: WorkerPool<OwnListening> = new WorkerPool(parts, plan)
  return pool
}

function listeningOf(
  { relayHosts, settings }: RelayingParts,
  specs: readonly ListenSpec[],
  otherListeners: readonly Listener[],
): OwnListening {
  const others = ownSockets(otherListeners, [], relayHosts, settings.adminListen)
  return { specs, otherListeners, listeners: [], ownSockets: others }
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
class DgramRelaying implements Relaying {
  readonly engine = 'dgram'
  readonly workerCount = 1
  readonly #engine: DgramEngine
  readonly #parts: RelayingParts
  readonly #inProcess: InProcess
  readonly #pool: WorkerPool<OwnListening>
  readonly #both: readonly Omit<Relaying, 'prepare'>[]
  #listen: readonly ListenSpec[]

  constructor(
    engine: DgramEngine,
    parts: RelayingParts,
    pool: WorkerPool<OwnListening>,
    tables: SharedTables,
    statistics: Statistics,
  ) {
    this.#engine = engine
    this.#parts = parts
    this.#pool = pool
    this.#listen = parts.settings.listen
    const sockets = this.#ownSockets([...engine.listeners, ...pool.listeners])
    this.#inProcess = new InProcess(engine, parts, sockets, { tables, workerIndex: IN_PROCESS_INDEX }, statistics)
    this.#both = [this.#inProcess, pool]
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

  isRelaying(): boolean {
    return true
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

  setAlternates(alternates: readonly Alternate[]): void {
    for (const relaying of this.#both) relaying.setAlternates(alternates)
  }

  setCertificate(certificate: CertificateMaterial): void {
    this.#pool.setCertificate(certificate)
  }

  async prepare(change: RelayingChange, isDryRun: boolean): Promise<PreparedRelaying> {
    const { listen } = change.settings
    refuseReplacement(this.#listen, listen)
    const isOther = listenText(this.#listen) !== listenText(listen)
    const places = isOther ? await this.#engine.prepareListeners(listen) : null
    try {
      const others = places?.listeners ?? this.#engine.listeners
      const prepared = await this.#pool.prepare(change, isDryRun, listeningOf(this.#parts, listen, others))
      const listeners = [...others, ...prepared.listeners]
      return {
        endingCount: prepared.endingCount + this.#inProcess.endingCount(places),
        listeners,
        commit: async (final) => {
          // In this thread first: what a listener of the other kind leaves is free before that one is told.
          this.#inProcess.commit({ ...change, ...final }, places, this.#ownSockets(listeners))
          this.#listen = listen
          await prepared.commit(final)
        },
        abandon: async () => {
          places?.abandon()
          await prepared.abandon()
        },
      }
    } catch (error) {
      places?.abandon()
      throw error
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#both.map((relaying) => relaying.stop()))
  }

  #ownSockets(listeners: readonly Listener[]): OwnSockets {
    return ownSockets(listeners, [], this.#parts.relayHosts, this.#parts.settings.adminListen)
  }
}

/**
 * Two sockets of this engine cannot have one port, not even while one comes and the other goes. Throws TurndError. The native engine's can.
 */
function refuseReplacement(from: readonly ListenSpec[], to: readonly ListenSpec[]): void {
  const before = from.flatMap(socketsOf)
  const after = to.flatMap(socketsOf)
  const removed = before.filter((socket) => !after.some((each) => isSame(each, socket)))
  for (const socket of after) {
    const rival = before.some((each) => isSame(each, socket))
      ? undefined
      : removed.find((each) => replaces(socket, each))
    if (rival === undefined) continue
    throw new TurndError(
      'TURND_ERR_ADDRESS_IN_USE',
      `--listen ${socket.text}: its port is that of --listen ${rival.text}, which is closed only when this one is open; with the ` +
        'dgram engine remove the old one in one reload, and add the new one in another',
    )
  }
}

/** Without a scheme an option is two. */
function socketsOf(spec: ListenSpec): ListenSpec[] {
  return spec.scheme === 'any'
    ? [
        { ...spec, scheme: 'udp' },
        { ...spec, scheme: 'tcp' },
      ]
    : [spec]
}

function isSame(one: ListenSpec, other: ListenSpec): boolean {
  return one.scheme === other.scheme && one.host === other.host && one.port === other.port
}

function replaces(added: ListenSpec, removed: ListenSpec): boolean {
  if (added.port !== removed.port || added.port === 0) return false
  const isStream = ({ scheme }: ListenSpec) => scheme === 'tcp' || scheme === 'tls'
  if (isStream(added) !== isStream(removed)) return false
  // Of datagrams each local address has a socket of its own, whatever the option was: it stays.
  if (added.scheme === removed.scheme && !isStream(added)) return false
  const hosts = [added.host, removed.host]
  return hosts[0] === hosts[1] || hosts.some(isWildcardHost)
}
