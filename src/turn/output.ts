// The two faces that the core calls: effects (TurnOutput, an engine) and news (TurnObserver, logs and counters).
import type { UnansweredReason } from '../log/drops.js'
import type { RefusalReason } from '../log/refusals.js'
import type { TransportAddress } from '../stun/address.js'
import type { Allocation, Relay } from './allocation.js'
import type { FiveTuple } from './five-tuple.js'
import type { Exchange } from './request.js'

/**
 * The effects of the core, carried out by an engine. A call must not call the core synchronously.
 * Bytes of messages and headers belong to the core and are valid during the call only: copy what is queued.
 * A payload is the range of the buffer that the engine handed in, which the engine may keep as long as it likes.
 * FiveTuple and TransportAddress arguments are valid during the call only.
 */
export interface TurnOutput {
  /** A STUN message to the client. */
  sendToClient(client: FiveTuple, bytes: Uint8Array, start: number, end: number): void
  /** A Data indication: the header (everything before the payload), the payload, and zeros up to a multiple of 4. */
  sendDataIndication(
    client: FiveTuple,
    header: Uint8Array,
    headerEnd: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void
  /** A payload in ChannelData framing (RFC 8656 §12.4); padded to 4 over streams. */
  sendChannelData(client: FiveTuple, channelNumber: number, bytes: Uint8Array, start: number, end: number): void
  /**
   * A payload to a peer, from the relayed transport address. `peer.host` is its textual IP address.
   * @param dontFragment set the DF bit (RFC 8656 §14.1); only ever true when the core's supportsDontFragment is
   */
  sendToPeer(
    relayId: number,
    peer: TransportAddress,
    bytes: Uint8Array,
    start: number,
    end: number,
    dontFragment: boolean,
  ): void
  /** Bind a UDP socket to `address`; answered by handleRelayOpened or handleRelayFailed, later. */
  openRelay(relayId: number, address: TransportAddress): void
  /** Close it at once; also while it is opening, which then needs no answer. */
  closeRelay(relayId: number): void
  /** Close a stream connection; nothing over UDP. */
  closeClient(client: FiveTuple): void
}

/**
 * The effects of RFC 6062, carried out where clients come over streams; the rules are those of TurnOutput. A peer's TCP connection has two
 * names: its CONNECTION-ID, the core's, one of a kind among all workers; and a handle, the engine's, a small positive integer by
 * which ANY worker can take the connection over, since the client's data connection may have reached another worker than its control
 * connection. Nothing is read from a connection until it is bound.
 */
export interface ConnectionOutput {
  /** Listen for TCP connections on `address`; answered by handleRelayOpened or handleRelayFailed, later. */
  openTcpRelay(relayId: number, address: TransportAddress): void
  /** Close the listener at once, and give up the connections that are being opened from it; also while it is opening. */
  closeTcpRelay(relayId: number): void
  /**
   * Open a TCP connection from the relayed transport address to a peer (RFC 6062 §5.2); `peer.host` is set. Answered by
   * handlePeerConnected or handlePeerConnectFailed, later, unless closePeerConnection or closeTcpRelay came first.
   */
  connectPeer(connectionId: number, relayId: number, peer: TransportAddress): void
  /** Close a peer's connection that is not bound; `handle` is 0 while it is being opened. */
  closePeerConnection(connectionId: number, handle: number): void
  /**
   * After the answer that was just sent, the bytes of this client connection (those that follow the request in what was received
   * already, too) and of the peer's connection are each other's, unframed, with back-pressure and half-close. When both are closed,
   * for whatever reason: handleDataConnectionEnded, later, exactly once.
   */
  bindPeerConnection(client: FiveTuple, connectionId: number, handle: number): void
  /** Close both sides of a bound pair at once: its allocation has gone. */
  closeDataConnection(connectionId: number): void
}

/** What another worker needs to answer an authentic Refresh with a ticket of its own: plain data. */
export interface ForwardedMove extends Pick<Exchange, 'username' | 'account' | 'key' | 'integrity' | 'session'> {
  /** The Refresh, as it came. */
  readonly bytes: Uint8Array
}

/** Mobile clients over UDP (RFC 8016) whose datagrams come to another worker than the one that has their allocation. */
export interface MoveOutput {
  /** Can a client of this listener be another worker's? */
  reaches(client: FiveTuple): boolean
  /** Hands its Refresh to the worker that the ticket names; false: there are too many of them now. Both are valid during the call only. */
  forward(workerIndex: number, exchange: Exchange, bytes: Uint8Array): boolean
  /** From now on its datagrams come to this worker, by a listener whose id `client` is given. False: there is no socket for it. */
  openWay(client: FiveTuple): boolean
  /** It is needed no longer, if this is the id of such a listener. What was sent to its client still leaves. */
  closeWay(listenerId: number): void
}

/** The server's own transport addresses, of answers that tell them, or leave from another one (RFC 5780, RFC 3489). An engine's. */
export interface ServerAddresses {
  /** Where this client has come to, not to be kept or changed; null: it is not open any more. */
  localAddressOf(client: FiveTuple): TransportAddress | null
  /** The listener of UDP clients that has this transport address: its id, or -1. */
  findListener(address: TransportAddress): number
}

/** Asks the outside stores for a user; answered by handleVerdict, later, or never. */
export interface UserLookup {
  /**
   * @param client who named the user; valid during the call only
   * @param mayBeRemembered what they have said to others will do, if it is fresh
   */
  lookUp(username: string, client: TransportAddress, mayBeRemembered: boolean): void
}

export type DeletionCause = 'refresh' | 'expired' | 'client-closed' | 'kicked' | 'listener-removed' | 'stopped'

/** What happened, for people. Called per request at most, never per packet; must not call the core. */
export interface TurnObserver {
  allocationCreated(allocation: Allocation): void
  allocationDeleted(allocation: Allocation, cause: DeletionCause): void
  /** A mobile client goes on from another 5-tuple (RFC 8016): the allocation's is the new one. `from` is valid during the call only. */
  allocationMoved(allocation: Allocation, from: FiveTuple): void
  /** One of two relays of a dual allocation has gone; the allocation lives on. */
  relayDeleted(relay: Relay, cause: DeletionCause): void
  /**
   * `code` is the STUN error code, or 0 if there was no answer; `peer` is null where none is involved; `overdueSeconds` is of an access
   * token or its key that does not hold now, else 0 or absent.
   */
  refused(
    reason: RefusalReason,
    code: number,
    method: number,
    username: string,
    client: TransportAddress,
    peer: TransportAddress | null,
    overdueSeconds?: number,
  ): void
  /** A source that gets no answers now. One of them in a second is told for each reason: all are in the drops. */
  unanswered(reason: UnansweredReason, client: TransportAddress): void
}

/** The core's only source of randomness (ports, tokens); 32 unpredictable bits as an unsigned integer. */
export interface RandomSource {
  nextUint32(): number
}
