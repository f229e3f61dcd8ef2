// The engine for speed: Linux, synchronous, on a thread of its own. Nothing is awaited; a round is one call of poll().
//
//   ┌ A round ──────────────────────────────────────────────────────────────────────────────────────────────────────┐
//   │ 1. epoll_wait: which listeners and relays have something.                                                      │
//   │ 2. For each, recvmmsg into free slots: up to 64 packets a slot where the kernel coalesces them (UDP_GRO).      │
//   │ 3. Each packet goes to the core, which answers with calls of TurnOutput: these only gather what is to be sent. │
//   │ 4. When the slots are used up, and at the end, all of it is sent: one message per run of packets (UDP_SEGMENT),│
//   │    one sendmmsg per socket. Then the slots are free again.                                                     │
//   └────────────────────────────────────────────────────────────────────────────────────────────────────────────────┘
//
// Payloads are never copied: what the core hands to the output is a range of the slot it came in. On the hot path.
import {
  LISTENER_KEPT_SECONDS,
  RECEIVE_SLOT_COUNT,
  RECEIVE_SLOT_FREE_COUNT_MIN,
  RELAY_ERROR_COUNT_MAX,
  RELAY_MESSAGE_COUNT_MAX,
} from '../../limits/engines.js'
import type { TransportAddress } from '../../stun/address.js'
import { TICKS_PER_SECOND } from '../../turn/allocation.js'
import type { TurnCore } from '../../turn/core.js'
import { FiveTuple, TRANSPORT_UDP } from '../../turn/five-tuple.js'
import type { Offloads } from '../choose-engine.js'
import {
  COUNTER_BYTES_RECEIVED,
  COUNTER_COALESCED_RECEIVED,
  COUNTER_ICMP_ERRORS,
  COUNTER_PACKETS_RECEIVED,
  COUNTER_RECEIVE_CALLS,
  COUNTER_SOCKET_ERRORS,
  COUNTER_WAITS,
  newCounters,
} from '../counters.js'
import type { ClientHandler, PeerHandler, Tappable } from '../engine.js'
import type { Arena } from './arena.js'
import { ClientWays } from './client-ways.js'
import { EngineListeners } from './engine-listeners.js'
import { ERROR_QUEUE_LENGTH, ErrorQueue } from './error-queue.js'
import { HELD_EPOLL, HELD_FD_COUNT, HELD_WAKE } from './held-fds.js'
import { EPOLLERR } from './layout.js'
import type { Libc } from './libc.js'
import type { AdoptedSocket } from './listener-sockets.js'
import { NativeOutput } from './native-output.js'
import { POLLER_LENGTH, Poller, READY_LISTENER, READY_RELAY } from './poller.js'
import { ReceiveSlots, receiveSlotsLength } from './receive-slots.js'
import { RelaySockets } from './relay-sockets.js'
import { SEND_QUEUE_LENGTH, SendQueue } from './send-queue.js'
import { SendSources } from './send-sources.js'

/** Messages taken from one socket in a round: a busy one must not starve the others. */
const LISTENER_BUDGET = RECEIVE_SLOT_COUNT
const LISTENERS_KEPT_TICKS = LISTENER_KEPT_SECONDS * TICKS_PER_SECOND

/** Bytes of the arena that an engine needs. */
export const NATIVE_ARENA_LENGTH =
  receiveSlotsLength(RECEIVE_SLOT_COUNT) + SEND_QUEUE_LENGTH + POLLER_LENGTH + ERROR_QUEUE_LENGTH + 1024

export interface NativeEngineOptions {
  readonly libc: Libc
  readonly arena: Arena
  /** At the start: their indexes are the listener ids of 5-tuples, but for wildcards. */
  readonly listeners: readonly AdoptedSocket[]
  readonly offloads: Offloads
  /** By COUNTER_ index; may lie in shared memory. */
  readonly counters?: Float64Array
  /** HELD_FD_COUNT entries, in shared memory: what a thread that dies leaves open (held-fds.ts). */
  readonly heldFds?: Int32Array
}

export class NativeEngine extends NativeOutput implements Tappable {
  readonly name = 'native'
  readonly supportsDontFragment = true
  readonly counters: Float64Array
  readonly listeners: EngineListeners
  /** Of clients that have moved here (RFC 8016). */
  readonly ways: ClientWays
  readonly #heldFds: Int32Array
  readonly #slots: ReceiveSlots
  readonly #poller: Poller
  readonly #errors: ErrorQueue
  readonly #client = new FiveTuple()
  #core: TurnCore | null = null
  #clients: ClientHandler | null = null
  #peers: PeerHandler | null = null
  #nextSlot = 0
  /** When unused local addresses of wildcard listeners were forgotten, in ticks. */
  #listenersKeptAt = Number.NEGATIVE_INFINITY

  constructor(options: NativeEngineOptions) {
    const { arena, libc, listeners, offloads } = options
    const counters = options.counters ?? newCounters()
    const heldFds = options.heldFds ?? new Int32Array(HELD_FD_COUNT)
    const sources = new SendSources()
    const poller = new Poller(libc, arena)
    const queue = new SendQueue(libc, arena, sources, counters, offloads.gso)
    super(arena, sources, queue, new RelaySockets(libc, arena, sources, poller, offloads, heldFds))
    this.counters = counters
    this.#heldFds = heldFds
    this.#poller = poller
    this.#slots = new ReceiveSlots(libc, arena, RECEIVE_SLOT_COUNT)
    this.#errors = new ErrorQueue(libc, arena)
    this.#client.transport = TRANSPORT_UDP
    heldFds[HELD_EPOLL] = poller.fd + 1
    heldFds[HELD_WAKE] = poller.wakeFd + 1
    this.listeners = new EngineListeners(sources, poller)
    this.ways = new ClientWays(libc, arena, this.listeners, offloads, heldFds)
    for (const listener of listeners) this.listeners.add(listener)
  }

  /** Between rounds, when nobody has an allocation by it any more. */
  removeListener(listenerId: number): void {
    this.queue.flush()
    this.listeners.remove(listenerId)
  }

  /** Write 8 bytes (the number 1) to it from another thread, and poll() returns. */
  get wakeFd(): number {
    return this.#poller.wakeFd
  }

  /** Datagrams of peers go to this core, those of clients to `clients`; before the first poll(). */
  attach(core: TurnCore, clients: ClientHandler = core): void {
    this.#core = core
    this.handTo(clients, core)
  }

  handTo(clients: ClientHandler, peers: PeerHandler): void {
    this.#clients = clients
    this.#peers = peers
  }

  localAddressOf(listenerId: number): TransportAddress {
    return this.listeners.localAddressOf(listenerId)
  }

  findListener(address: TransportAddress): number {
    return this.listeners.findAt(address)
  }

  /** From now on poll() also returns when this becomes readable, and leaves it to the caller. */
  watch(fd: number): void {
    this.#poller.addOther(fd)
  }

  /** One round: waits until something happens, or for so long. Returns whether anything did. The caller ticks the core between rounds. */
  poll(timeoutMilliseconds: number): boolean {
    const core = this.#core as TurnCore
    // What the ticks, or a command between rounds, had to send.
    this.#finishRound(core)
    const readyCount = this.#poller.wait(timeoutMilliseconds)
    this.counters[COUNTER_WAITS]++
    this.queue.now = core.now
    for (let ready = 0; ready < readyCount; ready++) {
      this.#poller.read(ready)
      const { id, kind } = this.#poller
      if (kind === READY_LISTENER) this.#receiveClients(core, id)
      else if (kind === READY_RELAY) this.#receivePeers(core, id, this.#poller.events)
    }
    this.#finishRound(core)
    return readyCount > 0
  }

  /** Closes what is the engine's own: relays are closed by the core, listeners by whoever opened them. */
  close(): void {
    this.queue.flush()
    this.#poller.close()
    this.#heldFds.fill(0, HELD_EPOLL)
  }

  /** Tells the core of relays that were opened, and sends everything: afterwards all slots are free. */
  #finishRound(core: TurnCore): void {
    this.relays.report(core)
    this.queue.flush()
    this.ways.closeDue()
    this.#nextSlot = 0
  }

  /** Receives up to `budget` messages into free slots. Returns how many, from #nextSlot on. */
  #receive(fd: number, budget: number): number {
    if (RECEIVE_SLOT_COUNT - this.#nextSlot < RECEIVE_SLOT_FREE_COUNT_MIN) {
      this.queue.flush()
      this.#nextSlot = 0
    }
    const count = Math.min(budget, RECEIVE_SLOT_COUNT - this.#nextSlot)
    const received = this.#slots.receive(fd, this.#nextSlot, count)
    if (received <= 0) return 0
    this.counters[COUNTER_RECEIVE_CALLS]++
    return received
  }

  /** Reads the next slot. Returns false if it holds nothing usable. */
  #take(): boolean {
    const slots = this.#slots
    const isUsable = slots.parse(this.#nextSlot++)
    const length = slots.end - slots.start
    this.isLone = length <= slots.segmentLength
    this.trafficClass = slots.trafficClass
    const count = this.isLone ? 1 : Math.ceil(length / slots.segmentLength)
    this.counters[COUNTER_PACKETS_RECEIVED] += count
    this.counters[COUNTER_BYTES_RECEIVED] += length
    if (count > 1) this.counters[COUNTER_COALESCED_RECEIVED] += count
    if (!isUsable) this.counters[COUNTER_SOCKET_ERRORS]++
    return isUsable
  }

  #receiveClients(core: TurnCore, socket: number): void {
    const { fd, isWildcard } = this.listeners.socketOf(socket)
    const slots = this.#slots
    const client = this.#client
    const clients = this.#clients as ClientHandler
    const only = this.listeners.clientOf(socket)
    const received = this.#receive(fd, LISTENER_BUDGET)
    for (let index = 0; index < received; index++) {
      if (!this.#take()) continue
      // Come before the socket was connected (udp-socket.ts).
      if (only !== null && !only.equals(slots.source)) continue
      client.client.copyFrom(slots.source)
      client.listenerId = isWildcard ? this.#listenerAt(core, socket, slots.local) : socket
      if (client.listenerId < 0) continue
      let start = slots.start
      const { end, segmentLength } = slots
      do {
        const next = Math.min(start + segmentLength, end)
        clients.handleClientFrame(client, this.arena.bytes, start, next)
        start = next
      } while (start < end)
    }
    this.#forgetReceived()
  }

  /** The listener id of the asked address of a wildcard socket, or -1. */
  #listenerAt(core: TurnCore, socket: number, local: TransportAddress): number {
    const listenerId = this.sources.listenerAt(socket, local)
    if (listenerId >= 0) return listenerId
    this.counters[COUNTER_SOCKET_ERRORS]++
    // Somebody on this machine tries all of 127/8, or a whole prefix is local: addresses without an allocation make room, now and then.
    if (core.now - this.#listenersKeptAt >= LISTENERS_KEPT_TICKS) {
      this.#listenersKeptAt = core.now
      this.queue.flush()
      this.sources.keepListeners(usedListeners(core, this.listeners))
    }
    return -1
  }

  #receivePeers(core: TurnCore, relayId: number, events: number): void {
    const source = this.sources.ofRelay(relayId)
    if (source < 0) return
    if ((events & EPOLLERR) !== 0) this.#receiveErrors(core, relayId, source)
    const slots = this.#slots
    const peers = this.#peers as PeerHandler
    const received = this.#receive(this.sources.fds[source], RELAY_MESSAGE_COUNT_MAX)
    for (let index = 0; index < received; index++) {
      if (!this.#take()) continue
      let start = slots.start
      const { end, segmentLength } = slots
      do {
        const next = Math.min(start + segmentLength, end)
        peers.handlePeerDatagram(relayId, slots.source, this.arena.bytes, start, next)
        start = next
      } while (start < end)
    }
    this.#forgetReceived()
  }

  #receiveErrors(core: TurnCore, relayId: number, source: number): void {
    const errors = this.#errors
    for (let count = 0; count < RELAY_ERROR_COUNT_MAX && errors.next(this.sources.fds[source]); count++) {
      if (errors.icmpType === 0) continue
      this.counters[COUNTER_ICMP_ERRORS]++
      core.handlePeerIcmp(relayId, errors.peer, errors.icmpType, errors.icmpCode, errors.errorData)
    }
  }

  /** What the core sends from here on is not about a packet that lies in a slot. */
  #forgetReceived(): void {
    this.isLone = false
    this.trafficClass = 0
  }
}

function usedListeners(core: TurnCore, listeners: EngineListeners): Set<number> {
  const used = new Set<number>()
  for (const { fiveTuple } of core.allocations.values()) used.add(listeners.parentOf(fiveTuple.listenerId))
  for (const { fiveTuple } of core.mobility?.ways() ?? []) used.add(listeners.parentOf(fiveTuple.listenerId))
  return used
}
