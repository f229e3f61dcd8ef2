// What a pool of workers is made from: which workers there are, and where they listen, now and after a reload.
import type { CertificateMaterial } from '../auth/certificate-file.js'
import type { ListenSpec } from '../config/listen-spec.js'
import type { Listener } from '../net/engine.js'
import type { SharedTables } from '../turn/shared-tables.js'
import type { OwnSockets } from './own-sockets.js'
import type { Relaying } from './relaying.js'
import type { StreamSettings } from './stream-settings.js'
import type { SlotCalls, WorkerKind } from './worker/worker-slot.js'

/** Where a server listens, as far as the main thread has to do with it. */
export interface Listening {
  /** Opened by the main thread; workers may have listeners of their own. */
  readonly listeners: readonly Listener[]
  readonly ownSockets: OwnSockets
}

/** Other places to listen, whose sockets are open beside the present ones. */
export interface PreparedListening<Place extends Listening> {
  readonly listening: Place
  /** Nobody reads from what is left out: it is closed. */
  commit(): void
  /** What was opened is closed. */
  abandon(): void
}

export interface PlannedWorker<Place extends Listening> extends WorkerKind {
  readonly isForUdp: boolean
  /** Has it anything to do? It is started then, and stays. */
  isNeeded(listening: Place): boolean
  /** Sockets of datagrams that it reads and the main thread keeps. */
  sockets(listening: Place): readonly { readonly fd: number }[]
  /** What it is started with beside what all are. */
  start(listening: Place, dynamic: StreamDynamic): object
}

/** Of stream workers: what changes while a server runs. */
export interface StreamDynamic {
  readonly streams: StreamSettings
  /** null: no TLS and no DTLS. */
  readonly certificate: CertificateMaterial | null
  /** A TLS session that began on one worker is resumed on another. */
  readonly ticketKeys: Uint8Array
}

export interface PoolPlan<Place extends Listening> {
  readonly engine: Relaying['engine']
  /** In the order of their numbers, the first of which is `firstIndex`. */
  readonly workers: readonly PlannedWorker<Place>[]
  readonly firstIndex: number
  readonly tables: SharedTables
  /** Memory of the ConnectionCap. */
  readonly connectionCap: SharedArrayBuffer
  readonly calls: SlotCalls
  readonly listening: Place
  /** Throws TurndError, with nothing new left open. null: whoever prepares a change says where to listen. */
  readonly prepareListening: ((present: Place, specs: readonly ListenSpec[]) => PreparedListening<Place>) | null
  closeSockets(): void
}

/** Local addresses of wildcards come and go: where this is the same, nothing is looked at again. */
export function listenText(specs: readonly ListenSpec[]): string {
  return specs.map(({ host, port, scheme }) => `${scheme} ${host} ${port}`).join()
}
