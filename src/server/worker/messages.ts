// What the main thread and a worker say to each other. All of it is plain data: classes do not survive the way (revive.ts).
import type { CertificateMaterial } from '../../auth/certificate-file.js'
import type { CredentialChanges } from '../../auth/credential-table.js'
import type { OutsideVerdict } from '../../auth/outside-credentials.js'
import type { ListenAddress, ListenSpec } from '../../config/listen-spec.js'
import type { Offloads } from '../../net/choose-engine.js'
import type { Listener } from '../../net/engine.js'
import type { AdoptedListener } from '../../net/native/listener-sockets.js'
import type { TransportAddress } from '../../stun/address.js'
import type { Alternate } from '../../turn/alternates.js'
import type { RelayHost } from '../../turn/relay-host.js'
import type { SharedTables } from '../../turn/shared-tables.js'
import type { CoreSettings } from '../core-settings.js'
import type { OutsideQuestion } from '../outside-users.js'
import type { OwnSockets } from '../own-sockets.js'
import type { Report } from '../reports.js'
import type { StreamSettings } from '../stream-settings.js'
import type { ChangedSecrets, UsersChange, UsersSnapshot } from '../users-snapshot.js'
import type { CapturedPackets } from './capture-records.js'
import type { PostedMove } from './moves.js'
import type { Answer, AnyQuestion } from './questions.js'

/** All that a worker is started with; it reads no file and no environment. */
export interface WorkerStart {
  readonly workerIndex: number
  readonly settings: CoreSettings
  readonly relayHosts: readonly RelayHost[]
  readonly ownSockets: OwnSockets
  readonly localHosts: readonly TransportAddress[]
  readonly users: UsersSnapshot
  readonly nonceSecret: Uint8Array
  readonly tables: SharedTables
  /** Memory of a Statistics. */
  readonly statistics: SharedArrayBuffer
  /** Memory for the engine's heldFds: what the main thread closes when the worker has ended, however it ended. */
  readonly heldFds: SharedArrayBuffer
  readonly isDraining: boolean
}

/** Of a worker for clients over UDP. */
export interface UdpWorkerStart extends WorkerStart {
  readonly listeners: readonly AdoptedListener[]
  readonly offloads: Offloads
}

/** Of a worker for clients over TCP, TLS and DTLS. */
export interface StreamWorkerStart extends WorkerStart {
  readonly streams: StreamSettings
  /** null: no TLS and no DTLS. */
  readonly certificate: CertificateMaterial | null
  readonly ticketKeys: Uint8Array
  readonly sockets: AdoptedSockets | OwnListeners
}

/** With the native engine: the main thread has opened the listeners. */
export interface AdoptedSockets {
  readonly kind: 'adopted'
  /** All of them stay the main thread's. */
  readonly tcp: readonly AdoptedListener[]
  readonly dtls: readonly AdoptedListener[]
  readonly offloads: Offloads
}

/** With the dgram engine: the worker opens them itself, and says in its ready message where. */
export interface OwnListeners {
  readonly kind: 'own'
  readonly specs: readonly ListenSpec[]
  /** Of this server's other threads: no client may reach them through a relay, as little as the worker's own. */
  readonly otherListeners: readonly Listener[]
  readonly adminListen: ListenAddress | null
}

/** What a reload changes of what a worker was started with. */
export interface WorkerChange extends Pick<WorkerStart, 'settings' | 'ownSockets'> {
  /** null: the same users. */
  readonly users: UsersChange | null
}

export interface UdpWorkerChange extends WorkerChange, Pick<UdpWorkerStart, 'listeners'> {}

export interface StreamWorkerChange
  extends WorkerChange,
    Pick<StreamWorkerStart, 'streams' | 'certificate' | 'sockets'> {}

/** To a worker. After posting one the main thread raises WORD_COMMANDS and wakes it. */
export type Command =
  | { readonly kind: 'drain' }
  | { readonly kind: 'stop' }
  | { readonly kind: 'local-hosts'; readonly hosts: readonly TransportAddress[] }
  /** Other servers, as far as they are known by now. */
  | { readonly kind: 'alternates'; readonly alternates: readonly Alternate[] }
  /** The users file has changed. Answered by a message of the same kind. */
  | { readonly kind: 'users'; readonly changes: CredentialChanges }
  /** TURN REST secrets, or keys of third-party authorization, from now on. Answered by a message of the same kind. */
  | { readonly kind: 'secrets'; readonly changed: ChangedSecrets }
  /** Answers a message `look-up`. */
  | { readonly kind: 'verdict'; readonly verdict: OutsideVerdict }
  /** A Refresh that names it, from another worker. Not answered. */
  | { readonly kind: 'move'; readonly move: PostedMove }
  /** Handshakes use it from now on. */
  | { readonly kind: 'certificate'; readonly certificate: CertificateMaterial }
  /** Of TLS session tickets, from now on. */
  | { readonly kind: 'ticket-keys'; readonly ticketKeys: Uint8Array }
  /** Answered with as many messages as the answer has parts. */
  | { readonly kind: 'ask'; readonly id: number; readonly question: AnyQuestion }
  /** For tests: die (crash-hook.ts). */
  | { readonly kind: 'crash' }

/** From a worker. */
export type WorkerMessage =
  /** It relays; `listeners` are those that it has opened itself. */
  | { readonly kind: 'ready'; readonly listeners: readonly Listener[] }
  /** It cannot start, for a reason that is the operator's to mend: a TurndError's code and sentence. It ends then. */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'draining' }
  /** The oldest change of the users file that was not answered is known. */
  | { readonly kind: 'users' }
  /** The same of the secrets. */
  | { readonly kind: 'secrets' }
  | { readonly kind: 'reports'; readonly reports: readonly Report[] }
  /** An outside store is to be asked for a user. */
  | { readonly kind: 'look-up'; readonly question: OutsideQuestion }
  /** For the worker of this index. */
  | { readonly kind: 'move'; readonly worker: number; readonly move: PostedMove }
  | Answer
  | CapturedPackets
  /** A sentence for the operator. */
  | { readonly kind: 'warning'; readonly text: string }
