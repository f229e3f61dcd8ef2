// What a TurnServer tells and is given, beside its settings.
import type { ParsedSettings } from '../config/settings.js'
import type { Refusal } from '../log/refusals.js'
import type { Listener } from '../net/engine.js'
import type { DeletionCause } from '../turn/output.js'
import type { AllocationInfo } from './reports.js'

export interface TurnServerEvents {
  /** Listening; the same as start() having resolved. */
  ready: []
  allocation: [AllocationInfo]
  allocationDeleted: [AllocationInfo, DeletionCause]
  refusal: [Refusal]
  /** A thread of the native engine has died, and so many allocations with it, which get no allocationDeleted. It is started again. */
  workerDied: [worker: number, allocationCount: number]
  /** A sentence for the operator. */
  warning: [string]
  stopped: []
}

/** Where the server listens. */
export interface ServerAddress {
  readonly transport: Listener['scheme']
  readonly host: string
  readonly port: number
}

/** What a server has beside its sockets. */
export interface ServerHome {
  /** Without one nothing is read from disk or kept on it, and a user must be configured. */
  readonly hasStateDir: boolean
  /** In the state directory, from the start. */
  readonly hasControlSocket: boolean
  /** Where a reload gets the settings from; throws TurndError. Absent: nobody has others. */
  readSettings?(): ParsedSettings
  /** Of its log. Absent: the log is another's. */
  setLogLevel?(parsed: ParsedSettings): void
}
