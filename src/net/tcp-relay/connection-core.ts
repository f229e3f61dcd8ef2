// What the sockets of TCP relays tell the core, and ask it; TurnCore is one.
import type { TransportAddress } from '../../stun/address.js'

export interface ConnectionCore {
  handleRelayOpened(relayId: number): void
  handleRelayFailed(relayId: number, inUse: boolean): void
  /** A peer has connected to a relay. Returns the CONNECTION-ID, or 0: close it. */
  handlePeerConnection(relayId: number, peer: TransportAddress, handle: number): number
  handlePeerConnected(connectionId: number, handle: number): void
  handlePeerConnectFailed(connectionId: number): void
  handleDataConnectionEnded(connectionId: number): void
  /** May these bytes of a bound pair pass now? `direction` is FROM_CLIENT or TO_CLIENT. */
  admitConnectionData(connectionId: number, direction: number, length: number): boolean
}
