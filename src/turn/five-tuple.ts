// The 5-tuple of a client (RFC 8656 §2): its transport address, and the listener (server address, port, protocol) that it uses.
// Engines keep one scratch FiveTuple per listener and fill it per packet; the core copies it when it makes an allocation.
import { hashTransportAddress, TransportAddress } from '../stun/address.js'

export const TRANSPORT_UDP = 0
export const TRANSPORT_TCP = 1
export const TRANSPORT_TLS = 2
export const TRANSPORT_DTLS = 3
/** By TRANSPORT_. */
export const TRANSPORT_NAMES = ['udp', 'tcp', 'tls', 'dtls'] as const
export type TransportName = (typeof TRANSPORT_NAMES)[number]

export class FiveTuple {
  readonly client = new TransportAddress()
  /** TRANSPORT_*: how the client reaches the server. */
  transport = TRANSPORT_UDP
  /** The engine's number of the listener: server address, port and protocol. */
  listenerId = 0
  /** The engine's number of the stream connection; 0 over UDP. */
  connectionId = 0

  copyFrom(other: FiveTuple): this {
    this.client.copyFrom(other.client)
    this.transport = other.transport
    this.listenerId = other.listenerId
    this.connectionId = other.connectionId
    return this
  }

  equals(other: FiveTuple): boolean {
    return (
      this.client.equals(other.client) &&
      this.listenerId === other.listenerId &&
      this.connectionId === other.connectionId
    )
  }
}

/** Over TCP or TLS, which RFC 6062 asks for. */
export function isOverTcp({ transport }: FiveTuple): boolean {
  return transport === TRANSPORT_TCP || transport === TRANSPORT_TLS
}

/** A 31-bit hash (a non-negative small integer). */
export function hashFiveTuple(fiveTuple: FiveTuple): number {
  const hash = hashTransportAddress(fiveTuple.client) ^ Math.imul(fiveTuple.listenerId + 1, 0x2c1b3c6d)
  return Math.imul(hash ^ fiveTuple.connectionId, 0x297a2d39) & 0x7fffffff
}
