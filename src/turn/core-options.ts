// What it takes to make a TurnCore: its faces, its tables, its limits. The server's assembly and the tests fill this in.
import type { Authenticator } from '../auth/authenticator.js'
import type { CoreRuleOptions } from './core-rules.js'
import type { FiveTuple } from './five-tuple.js'
import type { MobilityOptions } from './mobility.js'
import type { ConnectionOutput, RandomSource, ServerAddresses, TurnObserver, TurnOutput, UserLookup } from './output.js'
import type { PeerPolicy } from './peer-policy.js'
import type { RelayHost } from './relay-host.js'
import type { RelayPorts } from './relay-ports.js'
import type { SharedTables } from './shared-tables.js'

export interface TurnCoreOptions extends CoreRuleOptions {
  readonly output: TurnOutput
  /** Absent where no client comes over a stream: no TCP relays then. */
  readonly connectionOutput?: ConnectionOutput
  /** Absent: nobody is told of them. */
  readonly serverAddresses?: ServerAddresses
  readonly observer: TurnObserver
  readonly authenticator: Authenticator
  readonly policy: PeerPolicy
  readonly relayHosts: readonly RelayHost[]
  readonly relayPorts: RelayPorts
  readonly random: RandomSource
  /** The relay licence: allocations and reservations of all users. */
  readonly maxAllocations: number
  /** Allocations and reservations of one user; 0 for no limit. */
  readonly userQuota: number
  /**
   * CLOCK_MONOTONIC in seconds at tick 0: nonces outlive a restart of the process, and workers agree on when a reservation expires, as
   * exactly as the fraction tells.
   */
  readonly monotonicStartSeconds: number
  /** Can the engine set the DF bit? If not, DONT-FRAGMENT is an unknown attribute (RFC 8656 §7.2 step 4). */
  readonly supportsDontFragment: boolean
  /** Absent: no client may ever move (RFC 8016). Whether any may now is one of the rules. */
  readonly mobility?: MobilityOptions
  /** What the workers of one server share, and which of them this is (`relayPorts` lies in `tables.ports`). Absent: own tables, worker 0. */
  readonly tables?: SharedTables
  readonly workerIndex?: number
  /** Bits of payload a second, each direction by itself, of one allocation, and of all allocations of one user; 0 or absent: no limit. */
  readonly maxBps?: number
  readonly userMaxBps?: number
  /** Answers a second to a source that has proved nothing, and with it the failure budget: answer-limits.ts. Absent: neither. */
  readonly unauthenticatedRate?: number
  /** Do these two hold for loopback too? */
  readonly limitsLoopback?: boolean
  /** The port of this server that a client uses, 0 if that is not known; absent: it never is. */
  readonly localPortOf?: (client: FiveTuple) => number
  /** Where users of outside stores are asked for; absent: there is no such store, and never will be. */
  readonly userLookup?: UserLookup
  /** Where dropped frames and datagrams are counted, by DROP_ reason; shared memory, so that others may read it. Own if absent. */
  readonly drops?: Float64Array
}
