// The sockets of relays: opened within the call, and reported to the core when its own call is over.
import { FAMILY_IPV6, type TransportAddress } from '../../stun/address.js'
import type { TurnCore } from '../../turn/core.js'
import { RELAY_COUNT_MAX } from '../../turn/relay-table.js'
import type { Offloads } from '../choose-engine.js'
import type { Arena } from './arena.js'
import { EADDRINUSE } from './layout.js'
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
  /** By slot of the relay id: 1 while its packets carry the DF bit. */
  readonly #dontFragment = new Uint8Array(RELAY_COUNT_MAX)
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
    this.#openedIds.push(relayId)
    this.#openedErrnos.push(fd < 0 ? this.#sockets.errno : 0)
    if (fd < 0) return
    this.#heldFds[slot] = fd + 1
    this.#dontFragment[slot] = 0
    this.#sources.openRelay(relayId, fd, address.family === FAMILY_IPV6)
    this.#poller.addRelay(fd, relayId)
  }

  /** What it had to send must have left. */
  close(relayId: number): void {
    const source = this.#sources.ofRelay(relayId)
    this.#libc.close(this.#sources.fds[source])
    this.#sources.closeRelay(relayId)
    this.#heldFds[source] = 0
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

  /** Do packets of this source carry the DF bit? */
  isDontFragment(source: number): boolean {
    return this.#dontFragment[source] === 1
  }

  setDontFragment(source: number, isOn: boolean): void {
    this.#sockets.setDontFragment(this.#sources.fds[source], this.#sources.isIPv6[source] === 1, isOn)
    this.#dontFragment[source] = isOn ? 1 : 0
  }
}
