// What a server tells whoever embeds it: the events of TurnServer, and what comes with them.
import type { Refusal } from '../log/refusals.js'
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
