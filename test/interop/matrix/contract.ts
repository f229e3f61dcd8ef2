// What a client of the matrix is: each has a file in clients/ that keeps this contract, and says of every transport whether the client has it.
import type { Closing } from '../../support/closing.js'
import type { EngineUnderTest } from '../../support/engines.js'
import type { Peer } from '../../support/peers.js'

/** From the client to the server; relays are UDP. */
export type Transport = 'udp' | 'tcp' | 'tls' | 'dtls'
export const TRANSPORTS: readonly Transport[] = ['udp', 'tcp', 'tls', 'dtls']

export type Family = 'IPv4' | 'IPv6'
export const FAMILIES: readonly Family[] = ['IPv4', 'IPv6']

/** How many messages go each way. */
export const MESSAGE_COUNT = 100

/** Where a client stands to a transport. */
export type Support =
  | { readonly kind: 'has' }
  /** There is nothing to try. */
  | { readonly kind: 'none'; readonly why: string }
  /** It is tried, and must fail with an error that shows the reason. */
  | { readonly kind: 'fails'; readonly why: string; readonly shows: RegExp }

export const HAS: Support = { kind: 'has' }

/** The server, and who to be. */
export interface Target {
  readonly transport: Transport
  readonly family: Family
  /** 127.0.0.1 or ::1. */
  readonly host: string
  readonly port: number
  /** Such as `turns:127.0.0.1:40001?transport=tcp`. */
  readonly uri: string
  readonly user: string
  readonly password: string
  /** The authority that signed the server's certificate: a file, PEM. The certificate is for turn.test and the loopback addresses. */
  readonly authorityPath: string
  /** That certificate itself, PEM. */
  readonly certificate: string
}

/** What a client says of its call, in which both sides may use relays only. */
export interface CallReport {
  /** Messages of both sides together. */
  readonly sent: number
  /** Those of them that arrived, unchanged and in order. */
  readonly received: number
  /** The types of the candidates of the pair in use, such as `relay`. */
  readonly local: string
  readonly remote: string
}

export interface MatrixClient {
  /** Of its file, and for --client. */
  readonly id: string
  /** For people. */
  readonly name: string
  /** By what it is driven, and what its call is. */
  readonly how: string
  readonly needs: readonly Peer[]
  /** The same for both families, or for each. */
  readonly supports: Readonly<Record<Transport, Support | Readonly<Record<Family, Support>>>>
  /** What those who use it with this server should know. */
  readonly remarks: readonly string[]
  /** From the program itself wherever it tells. */
  version(): Promise<string>
  /** Calls through the target, or rejects with why not; what it starts ends with `t`. */
  call(target: Target, t: Closing): Promise<CallReport>
}

export interface Cell {
  readonly client: MatrixClient
  readonly engine: EngineUnderTest
  readonly transport: Transport
  readonly family: Family
}

export interface Outcome {
  readonly cell: Cell
  /** `none` and `explained` have their reason in the client's file; `failed` has none. */
  readonly verdict: 'passed' | 'none' | 'explained' | 'failed'
  readonly why: string
}

export function supportOf({ client, transport, family }: Pick<Cell, 'client' | 'transport' | 'family'>): Support {
  const support = client.supports[transport]
  return 'kind' in support ? support : support[family]
}

/** For --list, progress and messages. */
export function nameOf({ client, engine, transport, family }: Cell): string {
  return `${client.name}, ${transport.toUpperCase()} over ${family}, ${engine.name} engine`
}
