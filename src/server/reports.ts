// What a core has to tell, as plain data: it may come from another thread. Made by CoreObserver, read by the Reporter.
import type { ConnectionRefusal, Misdirection } from '../log/connection-refusals.js'
import type { UnansweredReason } from '../log/drops.js'
import type { Refusal, RefusalReason } from '../log/refusals.js'
import type { Allocation } from '../turn/allocation.js'
import { TRANSPORT_NAMES, type TransportName } from '../turn/five-tuple.js'
import type { DeletionCause } from '../turn/output.js'

/** What the server's listeners learn of an allocation. Addresses are textual transport addresses. */
export interface AllocationInfo {
  readonly user: string
  readonly client: string
  /** As the client sees them: one, or IPv4 and IPv6. */
  readonly relayed: readonly string[]
  readonly lifetimeSeconds: number
}

/** How the client reaches the server, and what it relays to peers. */
export interface AllocationWays {
  readonly transport: TransportName
  readonly relayTransport: 'udp' | 'tcp'
}

export function waysOf({ fiveTuple, isTcp }: Allocation): AllocationWays {
  return { transport: TRANSPORT_NAMES[fiveTuple.transport], relayTransport: isTcp ? 'tcp' : 'udp' }
}

/** Payload that an allocation has relayed, and how long. */
export interface AllocationUse {
  readonly durationSeconds: number
  readonly packetsFromClient: number
  readonly bytesFromClient: number
  readonly packetsToClient: number
  readonly bytesToClient: number
}

export type Report =
  | { readonly kind: 'allocation'; readonly info: AllocationInfo; readonly ways: AllocationWays }
  | {
      readonly kind: 'allocation-deleted'
      readonly info: AllocationInfo
      readonly ways: AllocationWays
      readonly cause: DeletionCause
      readonly use: AllocationUse
    }
  /** Of the new address and way; `from` is where its client was. */
  | {
      readonly kind: 'allocation-moved'
      readonly info: AllocationInfo
      readonly ways: AllocationWays
      readonly from: string
    }
  | {
      readonly kind: 'relay-deleted'
      readonly user: string
      readonly client: string
      readonly relayed: string
      readonly cause: DeletionCause
    }
  | { readonly kind: 'refusal'; readonly refusal: Refusal }
  | {
      readonly kind: 'connection-refused'
      readonly timeMs: number
      readonly reason: ConnectionRefusal
      readonly source: string
      /** Of `http-host` alone. */
      readonly asked?: Misdirection
    }
  /** One of many: floods are told of once a second. */
  | { readonly kind: 'unanswered'; readonly timeMs: number; readonly reason: UnansweredReason; readonly source: string }

/** Where reports go. */
export interface ReportSink {
  report(report: Report): void
  /** Is there room for the report of a refusal of this client now? Asked once for each, before the report is made. */
  admitsRefusal(reason: RefusalReason, client: string, timeMs: number): boolean
  /** The same of connections, with room of its own: whoever scans ports does not hide who is refused. */
  admitsConnectionRefusal(client: string, timeMs: number): boolean
}
