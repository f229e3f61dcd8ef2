// The sockets of relays: opened within the call, and reported to the core when its own call is over.
import { RELAY_COUNT_MAX } from '../../limits/turn.js'
import { FAMILY_IPV6, type TransportAddress } from '../../stun/address.js'
import type { TurnCore } from '../../turn/core.js'
import type { Offloads } from '../choose-engine.js'
import { clientDescriptorEnd } from '../descriptor-limit.js'
import type { Arena } from './arena.js'
import { EADDRINUSE, EMFILE } from './layout.js'
import type { Libc } from './libc.js'
import type { Poller } from './poller.js'
import type { SendSources } from './send-sources.js'
import { UdpSockets } from './udp-socket.js'

const RELAY_SLOT_MASK = RELAY_COUNT_MAX - 1

export class RelaySockets {
  readonly #libc: Libc
  readonly #sockets: UdpSockets
  readonly #sources: SendSources
  readonly #poller: Poller
  readonly #offloads: Offloads
  readonly #heldFds: Int32Array
  readonly #descriptorEnd = clientDescriptorEnd()
  /** Relays that were opened since the last report, and the errno of each, or 0. */
  readonly #openedIds: number[] = []
  readonly #openedErrnos: number[] = []

  /** @param heldFds by slot of the relay id: file descriptor + 1, or 0 */
  constructor(libc: Libc, arena: Arena, sources: SendSources, poller: Poller, offloads: Offloads, heldFds: Int32Array) {
    this.#libc = libc
    this.#sockets = new UdpSockets(libc, arena)
    this.#sources = sources
    this.#poller = poller
    this.#offloads = offloads
    this.#heldFds = heldFds
  }

  open(relayId: number, address: TransportAddress): void {
    const slot = relayId & RELAY_SLOT_MASK
    const fd = this.#sockets.openRelay(address, this.#offloads)
    const errno = this.#watch(fd, relayId)
    this.#openedIds.push(relayId)
    this.#openedErrnos.push(errno)
    if (errno !== 0) {
      if (fd >= 0) this.#libc.close(fd)
      return
    }
    this.#heldFds[slot] = fd + 1
    this.#sources.openRelay(relayId, fd, address.family === FAMILY_IPV6)
  }

  /** Returns 0, or why the relay cannot be: the errno of its socket, or of what comes after it. */
  #watch(fd: number, relayId: number): number {
    if (fd < 0) return this.#sockets.errno
    if (fd >= this.#descriptorEnd) return EMFILE
    return this.#poller.addRelay(fd, relayId) ? 0 : this.#libc.errno()
  }

  /** What it had to send must have left. */
  close(relayId: number): void {
    const source = this.#sources.ofRelay(relayId)
    const fd = this.#sources.fds[source]
    this.#sources.closeRelay(relayId)
    // Before the number is free: a thread that is ended in between leaks a socket, instead of having a stranger's closed after it.
    this.#heldFds[source] = 0
    this.#libc.close(fd)
  }

  /** Tells the core of the relays that were opened; it may open others meanwhile. */
  report(core: TurnCore): void {
    for (let index = 0; index < this.#openedIds.length; index++) {
      const errno = this.#openedErrnos[index]
      if (errno === 0) core.handleRelayOpened(this.#openedIds[index])
      else core.handleRelayFailed(this.#openedIds[index], errno === EADDRINUSE)
    }
    this.#openedIds.length = 0
    this.#openedErrnos.length = 0
  }

  setDontFragment(source: number, isOn: boolean): void {
    this.#sockets.setDontFragment(this.#sources.fds[source], this.#sources.isIPv6[source] === 1, isOn)
    this.#sources.dontFragment[source] = isOn ? 1 : 0
  }
}
