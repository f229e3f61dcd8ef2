// The two faces that the core calls: effects (TurnOutput, an engine) and news (TurnObserver, logs and counters).
import type { RefusalReason } from '../log/refusals.js'
import type { TransportAddress } from '../stun/address.js'
import type { Allocation, Relay } from './allocation.js'
import type { FiveTuple } from './five-tuple.js'

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

export type DeletionCause = 'refresh' | 'expired' | 'client-closed' | 'stopped'

/** What happened, for people. Called per request at most, never per packet; must not call the core. */
export interface TurnObserver {
  allocationCreated(allocation: Allocation): void
  allocationDeleted(allocation: Allocation, cause: DeletionCause): void
  /** One of two relays of a dual allocation has gone; the allocation lives on. */
  relayDeleted(relay: Relay, cause: DeletionCause): void
  /** `code` is the STUN error code, or 0 if there was no answer; `peer` is null where none is involved. */
  refused(
    reason: RefusalReason,
    code: number,
    method: number,
    username: string,
    client: TransportAddress,
    peer: TransportAddress | null,
  ): void
}

/** The core's only source of randomness (ports, tokens); 32 unpredictable bits as an unsigned integer. */
export interface RandomSource {
  nextUint32(): number
}
