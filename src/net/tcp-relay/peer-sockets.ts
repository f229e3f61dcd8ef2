// The contract of what makes the sockets of TCP relays (RFC 6062), and gives each connection to a peer a handle: by file descriptors
// (native-peer-sockets.ts) or with Node's own means (node-peer-sockets.ts).
import type { Socket } from 'node:net'
import { parseHost, TransportAddress } from '../../stun/address.js'

/** News of a listener. None comes within a call, nor after close(). */
export interface ListenerEvents {
  opened(): void
  /** It is closed, and nothing else will come. @param inUse somebody else has the port */
  failed(inUse: boolean): void
  /** A peer has connected. Nothing is read. The handle is the receiver's: it is taken or closed. */
  accepted(peer: TransportAddress, handle: number): void
}

/** One of the two comes once. Neither comes within a call, nor after close(). */
export interface ConnectEvents {
  /** Nothing is read. The handle is the receiver's: it is taken or closed. */
  connected(handle: number): void
  failed(): void
}

/** A connection that is being opened. */
export interface Connecting {
  close(): void
}

export interface PeerListener {
  /** Opens a connection from the listener's own address and port; only while it is open. */
  connect(peer: TransportAddress, events: ConnectEvents): Connecting
  /** Connections that were accepted, and those that are being opened, live on. */
  close(): void
}

export interface PeerSockets {
  /** @param address with a port; valid during the call only */
  openListener(address: TransportAddress, events: ListenerEvents): PeerListener
  /** The handle's connection as a socket of this thread; null if that fails. Either way the handle is no more. */
  take(handle: number): Socket | null
  /** Closes the handle's connection. */
  close(handle: number): void
}

/** Whom a socket is connected with; null if it is so no longer, or over an address that has a zone. */
export function peerOf(socket: Socket): TransportAddress | null {
  const { remoteAddress, remotePort } = socket
  const peer = new TransportAddress()
  if (remoteAddress === undefined || remotePort === undefined) return null
  if (!parseHost(remoteAddress, peer, remotePort)) return null
  peer.host = remoteAddress
  return peer
}

/** An error needs a listener; the event that follows it, `close`, is enough to know. */
export function ignoreError(): void {}
