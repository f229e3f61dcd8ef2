// What checks from outside share: a server by the ways that its URIs name, who the doctor is there, and what is found out once for all of them.
import type { ClientCredentials } from '../../client/client-credentials.js'
import type { PeerSecurity } from '../../client/peer-security.js'
import type { ClientTransport, TransportTarget } from '../../client/transport.js'
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
  /** By what this machine's own network says. */
  | 'unreachable'
  /** This machine cannot try it: nothing is said of the server. */
  | 'untried'
  /** It takes connections, and answers neither Binding nor Allocate. */
  | 'mute'
  /** It takes connections, and there is no TLS. */
  | 'no-tls'

export interface WayState {
  readonly way: Way
  readonly outcome: WayOutcome
  /** Of what failed, a sentence. */
  readonly problem: string
  /** The server's, of a name one that answers if there is one; null: the name has none. */
  readonly address: TransportAddress | null
  /** Addresses of the name, of another family, where nothing answers though something does at `address`. */
  readonly deafHosts: readonly string[]
  /** Until the first answer; 0 without one. */
  readonly answerMilliseconds: number
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
  /** The host's, as long as patience lasts. Rejects with a ClientError. */
  addresses(): Promise<readonly TransportAddress[]>
  /** Each way, tried once. */
  survey(): Promise<readonly WayState[]>
  /** The way that is used for everything else: UDP where it answers. Only where some way answers. */
  mainWay(): Promise<WayState>
  /** To a way that answers, by the address that does. Rejects with a ClientError. */
  openTransport(state: WayState): Promise<ClientTransport>
  /** A client over the main way, which is closed at the end, if not before. Rejects with a ClientError. */
  openClient(credentials: ClientCredentials | null): Promise<TurnClient>
  /** One after the other: a quota may allow few allocations at once. */
  inTurn<Value>(action: () => Promise<Value>): Promise<Value>
  /** The identity's; null without one. */
  credentials(): ClientCredentials | null
  /** What the server answers to credentials that nobody has, once. Rejects with a ClientError. */
  codeOfStranger(): Promise<number>
  /** Relays in use, once. */
  exercise(): Promise<ExerciseFacts>
}
