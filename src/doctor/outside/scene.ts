// What checks from outside share: a server by the ways that its URIs name, who the doctor is there, and what is found out once for all of them.
import type { ClientCredentials } from '../../client/client-credentials.js'
import type { PeerSecurity } from '../../client/peer-security.js'
import type { TransportTarget } from '../../client/transport.js'
import type { TurnClient } from '../../client/turn-client.js'
import type { Settings } from '../../config/settings.js'
import type { TransportAddress } from '../../stun/address.js'
import type { ExerciseFacts } from './exercise.js'

export type Identity =
  | ({ readonly kind: 'password' } & ClientCredentials)
  /** Of TURN REST: credentials are made from it. */
  | { readonly kind: 'secret'; readonly secret: string }

/** One transport and port of the server. */
export interface Way extends TransportTarget {
  /** A URI names it; others are tried for comparison. */
  readonly isAsked: boolean
}

export type WayOutcome =
  | 'answers'
  /** Nothing came. */
  | 'silent'
  /** Something said that nobody listens: an RST, or an ICMP error. */
  | 'closed'
  | 'unreachable'
  /** It takes connections, and answers no STUN. */
  | 'mute'
  /** It takes connections, and there is no TLS. */
  | 'no-tls'

export interface WayState {
  readonly way: Way
  readonly outcome: WayOutcome
  /** Of what failed, a sentence. */
  readonly problem: string
  /** The server's, once it is known. */
  readonly address: TransportAddress | null
  readonly security: PeerSecurity | null
}

export interface OutsideScene {
  readonly host: string
  readonly ways: readonly Way[]
  readonly identity: Identity | null
  /** Of the server, if its options were given. */
  readonly settings: Settings | null
  readonly patienceMs: number
  readonly signal: AbortSignal
  /** Each way, tried once. */
  survey(): Promise<readonly WayState[]>
  /** The way that is used for everything else: UDP where it answers. Only where some way answers. */
  mainWay(): Promise<WayState>
  /** A client over that way, which is closed at the end, if not before. Rejects with a ClientError. */
  openClient(credentials: ClientCredentials | null): Promise<TurnClient>
  /** One after the other: a quota may allow few allocations at once. */
  inTurn<Value>(action: () => Promise<Value>): Promise<Value>
  /** The identity's; null without one. */
  credentials(): ClientCredentials | null
  /** Relays in use, once. */
  exercise(): Promise<ExerciseFacts>
}
