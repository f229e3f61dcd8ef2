// What drives a stream worker: an engine for its relays and its DTLS listeners, and the loop in which all of it happens. With the native engine
// (native-stream-driver.ts), or with the dgram engine (dgram-stream-driver.ts).
import type { ClientHandler, Listener, ListenerChange, Tappable } from '../../net/engine.js'
import type { StreamListeners } from '../../net/stream/stream-listeners.js'
import type { PeerSockets } from '../../net/tcp-relay/peer-sockets.js'
import type { TurnCore } from '../../turn/core.js'
import type { TurnOutput } from '../../turn/output.js'
import type { StreamWorkerStart } from './messages.js'

/** Of relays, and of the listeners of DTLS. */
export type StreamEngine = TurnOutput & Tappable & { readonly supportsDontFragment: boolean }

export interface StreamDriver {
  readonly engine: StreamEngine
  readonly peerSockets: PeerSockets
  /** CLOCK_MONOTONIC at tick 0 of the core's time. */
  readonly monotonicStartSeconds: number
  /** DTLS listeners that it has opened itself. */
  readonly listeners: readonly Listener[]

  /** Opens the listeners, TCP's as well. Throws TurndError. */
  openListeners(streams: StreamListeners): Promise<void>

  /** Opens other listeners beside the present ones. Throws TurndError, with nothing new left open. */
  prepareListeners(streams: StreamListeners, sockets: StreamWorkerStart['sockets']): Promise<ListenerChange>

  /** Datagrams of DTLS clients go there from now on. */
  setClients(clients: ClientHandler): void

  /**
   * Relays for this core from now on, and ticks it. `advance` is called at least 20 times a second, and soon after anything has happened.
   * @param clients gets the datagrams of DTLS clients
   */
  run(core: TurnCore, clients: ClientHandler, advance: () => void): Promise<void>

  /** Something is to be sent: `advance` is called at the end of this turn. */
  requestAdvance(): void

  /** What is queued leaves; `advance` is not called any more. */
  stop(): Promise<void>
}

/** One of DTLS and one of TCP: all or none. */
export function together(one: ListenerChange, other: ListenerChange): ListenerChange {
  return {
    listeners: [...one.listeners, ...other.listeners],
    wildcardPorts: [...one.wildcardPorts, ...other.wildcardPorts],
    isRemoved: (listenerId) => one.isRemoved(listenerId) || other.isRemoved(listenerId),
    commit: () => {
      one.commit()
      other.commit()
    },
    abandon: () => {
      one.abandon()
      other.abandon()
    },
  }
}
