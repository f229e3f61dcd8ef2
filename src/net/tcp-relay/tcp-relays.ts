// The sockets of RFC 6062: listeners on relayed transport addresses, connections with peers, and client and peer bound to each other. Carries
// out the effects of ConnectionOutput; the core's answers come later, never within a call.
//
//   peer ──► listener ──► handle ──┐
//   peer ◄── connectPeer ► handle ─┴─► bind(handle, client) ──► DataConnection: two flows
//
// A handle outlives the listener and, by file descriptors, may be bound on another thread than it was made on.
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TransportAddress } from '../../stun/address.js'
import { FROM_CLIENT, TO_CLIENT } from '../../turn/bandwidth.js'
import type { ConnectionOutput } from '../../turn/output.js'
import type { ConnectionCore } from './connection-core.js'
import { DataConnection } from './data-connection.js'
import { type Flow, FlowMemory } from './flow.js'
import { type Connecting, ignoreError, type PeerListener, type PeerSockets } from './peer-sockets.js'

/** Between two looks at pairs that may have been idle for too long. */
const SWEEP_MILLISECONDS = 1_000

interface TcpRelay {
  listener: PeerListener | null
  /** Connections that are being opened from it, by CONNECTION-ID. */
  readonly connecting: Map<number, Connecting>
}

export class TcpRelays implements Omit<ConnectionOutput, 'bindPeerConnection'> {
  readonly #sockets: PeerSockets
  readonly #now: () => number
  readonly #relays = new Map<number, TcpRelay>()
  /** The relay of each connection that is being opened. */
  readonly #relayIds = new Map<number, number>()
  readonly #dataConnections = new Map<number, DataConnection>()
  readonly #throttled = new Set<Flow>()
  readonly #memory = new FlowMemory()
  #core: ConnectionCore | null = null
  #sweptAt = 0

  /** @param now milliseconds, from any moment */
  constructor(sockets: PeerSockets, now: () => number = () => performance.now()) {
    this.#sockets = sockets
    this.#now = now
  }

  attach(core: ConnectionCore): void {
    this.#core = core
  }

  openTcpRelay(relayId: number, address: TransportAddress): void {
    const relay: TcpRelay = { listener: null, connecting: new Map() }
    this.#relays.set(relayId, relay)
    relay.listener = this.#sockets.openListener(address, {
      opened: () => this.#core?.handleRelayOpened(relayId),
      failed: (inUse) => {
        this.#relays.delete(relayId)
        this.#core?.handleRelayFailed(relayId, inUse)
      },
      accepted: (peer, handle) => {
        const connectionId = this.#core?.handlePeerConnection(relayId, peer, handle) ?? 0
        if (connectionId === 0) this.#sockets.close(handle)
      },
    })
  }

  closeTcpRelay(relayId: number): void {
    const relay = this.#relays.get(relayId)
    if (relay === undefined) return
    this.#relays.delete(relayId)
    for (const [connectionId, connecting] of relay.connecting) {
      this.#relayIds.delete(connectionId)
      connecting.close()
    }
    relay.listener?.close()
  }

  connectPeer(connectionId: number, relayId: number, peer: TransportAddress): void {
    const relay = this.#relays.get(relayId)
    this.#relayIds.set(connectionId, relayId)
    if (relay === undefined || relay.listener === null) {
      process.nextTick(() => {
        if (this.#relayIds.delete(connectionId)) this.#core?.handlePeerConnectFailed(connectionId)
      })
      return
    }
    const connecting = relay.listener.connect(peer, {
      connected: (handle) => {
        this.#forgetConnecting(connectionId)
        if (this.#core === null) this.#sockets.close(handle)
        else this.#core.handlePeerConnected(connectionId, handle)
      },
      failed: () => {
        this.#forgetConnecting(connectionId)
        this.#core?.handlePeerConnectFailed(connectionId)
      },
    })
    relay.connecting.set(connectionId, connecting)
  }

  closePeerConnection(connectionId: number, handle: number): void {
    if (handle !== 0) this.#sockets.close(handle)
    else this.#forgetConnecting(connectionId)?.close()
  }

  /**
   * Relays between a client's data connection and a peer's connection, until both are closed.
   * @param client paused, and without its former owner's listeners; it belongs to the pair from now on. null: it has gone meanwhile
   * @param rest what the client has sent already, behind its ConnectionBind; valid during the call only
   */
  bind(connectionId: number, handle: number, client: Duplex | null, rest: Uint8Array): void {
    if (client === null) {
      this.#sockets.close(handle)
      this.#endLater(connectionId)
      return
    }
    const peer = this.#sockets.take(handle)
    if (peer === null) {
      this.#closeAlone(connectionId, client)
      return
    }
    const connection = this.#pair(connectionId, peer, client, rest)
    this.#dataConnections.set(connectionId, connection)
  }

  closeDataConnection(connectionId: number): void {
    this.#dataConnections.get(connectionId)?.close()
  }

  /** Called every 50 ms at least: what was held back is asked for again. */
  tick(): void {
    for (const flow of this.#throttled) flow.retry()
    const now = this.#now()
    if (now - this.#sweptAt < SWEEP_MILLISECONDS) return
    this.#sweptAt = now
    for (const connection of this.#dataConnections.values()) connection.closeIfIdle(now)
  }

  /** Closes everything but handles that are not bound: the core closes those. The core is told nothing any more. */
  close(): void {
    this.#core = null
    for (const relayId of [...this.#relays.keys()]) this.closeTcpRelay(relayId)
    for (const connection of this.#dataConnections.values()) connection.close()
  }

  #pair(connectionId: number, peer: Socket, client: Duplex, rest: Uint8Array): DataConnection {
    const admit = (direction: number) => (length: number) =>
      this.#core?.admitConnectionData(connectionId, direction, length) ?? false
    return new DataConnection({
      client,
      peer,
      rest: Uint8Array.from(rest),
      admitFromClient: admit(FROM_CLIENT),
      admitToClient: admit(TO_CLIENT),
      throttled: this.#throttled,
      memory: this.#memory,
      onEnded: () => {
        this.#dataConnections.delete(connectionId)
        this.#core?.handleDataConnectionEnded(connectionId)
      },
    })
  }

  /** The peer's connection could not be had. */
  #closeAlone(connectionId: number, client: Duplex): void {
    client.on('error', ignoreError)
    client.destroy()
    this.#endLater(connectionId)
  }

  #endLater(connectionId: number): void {
    setImmediate(() => this.#core?.handleDataConnectionEnded(connectionId))
  }

  #forgetConnecting(connectionId: number): Connecting | undefined {
    const relayId = this.#relayIds.get(connectionId)
    if (relayId === undefined) return undefined
    this.#relayIds.delete(connectionId)
    const relay = this.#relays.get(relayId)
    const connecting = relay?.connecting.get(connectionId)
    relay?.connecting.delete(connectionId)
    return connecting
  }
}
