// What the main thread and a worker say to each other. All of it is plain data: classes do not survive the way (revive.ts).
import type { CredentialChanges } from '../../auth/credential-table.js'
import type { Offloads } from '../../net/choose-engine.js'
import type { AdoptedListener } from '../../net/native/listener-sockets.js'
import type { TransportAddress } from '../../stun/address.js'
import type { RelayHost } from '../../turn/relay-host.js'
import type { SharedTables } from '../../turn/shared-tables.js'
import type { CoreSettings } from '../core-settings.js'
import type { OwnSockets } from '../own-sockets.js'
import type { Report } from '../reports.js'
import type { UsersSnapshot } from '../users-snapshot.js'

/** All that a worker is started with; it reads no file and no environment. */
export interface WorkerStart {
  readonly workerIndex: number
  readonly settings: CoreSettings
  readonly relayHosts: readonly RelayHost[]
  readonly ownSockets: OwnSockets
  readonly localHosts: readonly TransportAddress[]
  readonly users: UsersSnapshot
  readonly nonceSecret: Uint8Array
  readonly listeners: readonly AdoptedListener[]
  readonly offloads: Offloads
  readonly tables: SharedTables
  /** Memory of a Statistics. */
  readonly statistics: SharedArrayBuffer
  /** Memory for the engine's heldFds: what the main thread closes when the worker has ended, however it ended. */
  readonly heldFds: SharedArrayBuffer
  readonly isDraining: boolean
}

/** To a worker. After posting one the main thread raises WORD_COMMANDS and wakes it. */
export type Command =
  | { readonly kind: 'drain' }
  | { readonly kind: 'stop' }
  | { readonly kind: 'local-hosts'; readonly hosts: readonly TransportAddress[] }
  /** The users file has changed. */
  | { readonly kind: 'users'; readonly changes: CredentialChanges }
  /** For tests: die (crash-hook.ts). */
  | { readonly kind: 'crash' }

/** From a worker. */
export type WorkerMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'draining' }
  | { readonly kind: 'reports'; readonly reports: readonly Report[] }
