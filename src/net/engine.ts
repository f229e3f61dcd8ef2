// The contract of the relay engines: the only owners of UDP sockets, of clients (over UDP or DTLS) and of relays. `dgram` runs everywhere.
import type { ListenSpec } from '../config/listen-spec.js'
import type { TransportAddress } from '../stun/address.js'
import type { TurnCore } from '../turn/core.js'
import type { FiveTuple } from '../turn/five-tuple.js'
import type { TurnOutput } from '../turn/output.js'
import type { ListenerScheme } from './listen-targets.js'

/** One bound listener socket. */
export interface Listener {
  readonly scheme: ListenerScheme
  /** The address that is bound, with the real port; `host` is set. */
  readonly address: TransportAddress
}

/** Other listeners, opened already or known to be there: what remains to be done cannot fail. */
export interface ListenerChange {
  /** As they will be, a wildcard as each local address. */
  readonly listeners: readonly Listener[]
  /** Ports that will be open on every local address. */
  readonly wildcardPorts: readonly number[]
  /** Is this the id, in 5-tuples, of one that goes? */
  isRemoved(listenerId: number): boolean
  /** The new ones serve. Those that go are closed: nobody has an allocation by them any more. */
  commit(): void
  abandon(): void
}

/** Whom the frames of clients go to: the core, or what stands before it (net/dtls). */
export interface ClientHandler {
  handleClientFrame(client: FiveTuple, bytes: Uint8Array, start: number, end: number): number
}

/** Whom the datagrams of peers go to: the core, or what stands before it (server/worker/tap.ts). */
export interface PeerHandler {
  handlePeerDatagram(relayId: number, peer: TransportAddress, bytes: Uint8Array, start: number, end: number): number
}

/** What tells who is at a socket, and where else its datagrams go. */
export interface Tappable {
  /** Frames of clients and datagrams of peers go there from now on. */
  handTo(clients: ClientHandler, peers: PeerHandler): void
  /** Where a client of this listener has come to; null if it is closed. */
  localAddressOf(listenerId: number): TransportAddress | null
  /** The listener of datagrams that has this transport address, or -1. */
  findListener(address: TransportAddress): number
}

export interface RelayEngine extends TurnOutput, Tappable {
  readonly name: 'dgram' | 'native'
  readonly supportsDontFragment: boolean
  readonly listeners: readonly Listener[]
  /** Since start, by COUNTER_ index (counters.ts). */
  readonly counters: Float64Array

  /**
   * Binds the listeners of these schemes (UDP's, unless told otherwise), a wildcard as one socket per local address. All or none: on a TurndError nothing stays
   * open.
   */
  openListeners(specs: readonly ListenSpec[], schemes?: readonly ListenerScheme[]): Promise<void>

  /** Datagrams of peers go to this core from now on, those of clients to `clients`, and time ticks for it. */
  start(core: TurnCore, clients?: ClientHandler): void

  /** Closes the listeners and stops the clock; relays are closed by the core. */
  stop(): Promise<void>
}
