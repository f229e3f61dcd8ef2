// What ClientStreams is given.
import type { Socket } from 'node:net'
import type { ConnectionRefusal } from '../../log/connection-refusals.js'
import type { TransportAddress } from '../../stun/address.js'
import type { Cidr } from '../../stun/cidr.js'
import type { TurnCore } from '../../turn/core.js'
import type { ConnectionCap } from './connection-cap.js'
import type { HttpTaker } from './entrance.js'

/** What the connections need of a core. */
export type StreamCore = Pick<TurnCore, 'handleClientFrame' | 'handleClientClosed' | 'hasAllocation'>

export interface ClientStreamsOptions {
  /** By COUNTER_ index. */
  readonly counters: Float64Array
  /** Connections without an allocation, per address. */
  readonly unauthenticated: ConnectionCap
  /** Proxies that must tell the client's address. */
  readonly proxyProtocolFrom: readonly Cidr[]
  /** Who answers HTTP on tls: listeners; null: nobody. */
  readonly http: HttpTaker | null
  /** 48 secret bytes, the same for all workers. */
  readonly ticketKeys: Uint8Array
  /**
   * A data connection of RFC 6062 leaves: the paused stream, and what was received behind the request. null: the client is gone.
   * Never called while the core runs.
   */
  readonly onBound: (connectionId: number, handle: number, stream: Socket | null, rest: Uint8Array) => void
  /** A connection was closed for what it did, or did not do; `client` is valid during the call only. */
  readonly onRefused?: (reason: ConnectionRefusal, client: TransportAddress) => void
  /** The first frame of this turn was gathered: call flush() later in it. */
  readonly onGathered?: () => void
  /** Milliseconds of a clock that never goes back; performance.now() if absent. */
  readonly now?: () => number
  /** All connections of this worker, those of them without an allocation, and the memory of their queues: limits/streams.ts if absent. */
  readonly connectionCountMax?: number
  readonly unallocatedCountMax?: number
  readonly queueMemoryBytesMax?: number
}
