// The listeners of the native engine: sockets that somebody else has opened, and that may come and go between rounds. Wildcards have a listener id more
// for each local address that was asked (send-sources.ts).
import type { TransportAddress } from '../../stun/address.js'
import type { Arena } from './arena.js'
import type { AdoptedSocket } from './listener-sockets.js'
import { NativeOutput } from './native-output.js'
import type { Poller } from './poller.js'
import type { RelaySockets } from './relay-sockets.js'
import type { SendQueue } from './send-queue.js'
import type { SendSources } from './send-sources.js'

export abstract class NativeListeners extends NativeOutput {
  /** By the listener id of the socket. */
  protected readonly listeners: (AdoptedSocket | null)[] = []
  protected readonly poller: Poller

  constructor(arena: Arena, sources: SendSources, queue: SendQueue, relays: RelaySockets, poller: Poller) {
    super(arena, sources, queue, relays)
    this.poller = poller
  }

  /** Between rounds. False if there is no room for it. */
  addListener(listener: AdoptedSocket): boolean {
    const listenerId = this.sources.addSocket(listener.fd, listener.address.family)
    if (listenerId < 0) return false
    this.listeners[listenerId] = listener
    this.poller.addListener(listener.fd, listenerId)
    return true
  }

  /** Between rounds, when nobody has an allocation by it any more. Whoever has opened it closes it afterwards. */
  removeListener(listenerId: number): void {
    const listener = this.listeners[listenerId]
    if (!listener) return
    this.queue.flush()
    this.poller.remove(listener.fd)
    this.listeners[listenerId] = null
    this.sources.removeSocket(listenerId)
  }

  /** The listener id of the socket with this descriptor, or -1. */
  findListener(fd: number): number {
    for (let listenerId = 0; listenerId < this.listeners.length; listenerId++) {
      if (this.listeners[listenerId]?.fd === fd) return listenerId
    }
    return -1
  }

  /** Is this listener id that of a socket, or of a local address that was asked there? */
  isOfListener(listenerId: number, socket: number): boolean {
    return this.sources.isOfSocket(listenerId, socket)
  }

  /** Descriptors of the sockets of now. */
  listenerFds(): number[] {
    const fds: number[] = []
    for (const listener of this.listeners) if (listener) fds.push(listener.fd)
    return fds
  }

  localAddressOf(listenerId: number): TransportAddress {
    // Whoever asks has a client there, so it is open.
    const { address } = this.listeners[this.sources.socketOf(listenerId)] as AdoptedSocket
    const asked = this.sources.localOf(this.sources.ofListener(listenerId))
    if (asked === null) return address
    const local = asked.clone()
    local.port = address.port
    return local
  }
}
