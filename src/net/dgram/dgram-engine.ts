// The portable engine: node:dgram sockets on one thread. Correct and simple first; a packet costs one event and one send.
//
//   listener socket ─► core.handleClientFrame ─► sendToPeer ─► relay socket      the received Buffer is sent on as a view
//   relay socket ─► core.handlePeerDatagram ─► sendChannelData ─► listener       header and payload copied into one scratch buffer
//
// Measured (docs/performance.md): a name look-up that answers at once saves 0.4 µs a packet, a send without a callback 0.5 µs; one
// scratch buffer costs no more than a list of views, and makes no garbage. Without a callback node reports no send errors.

import type { RemoteInfo, Socket } from 'node:dgram'
import type { ListenSpec } from '../../config/listen-spec.js'
import {
  DGRAM_RELAY_BUFFER_BYTES,
  LISTENER_QUEUE_BYTES_MAX,
  RELAY_QUEUE_BYTES_MAX,
  SCRATCH_BYTES,
  SCRATCH_PIECE_BYTES,
  TICK_MILLISECONDS_MAX,
} from '../../limits/engines.js'
import { parseHost, parseIPv4Word, TransportAddress } from '../../stun/address.js'
import { CHANNEL_DATA_HEADER_LENGTH, writeChannelDataHeader } from '../../stun/channel-data.js'
import type { TurnCore } from '../../turn/core.js'
import { FiveTuple, TRANSPORT_UDP } from '../../turn/five-tuple.js'
import { TickClock } from '../clock.js'
import {
  COUNTER_BYTES_RECEIVED,
  COUNTER_BYTES_SENT,
  COUNTER_PACKETS_RECEIVED,
  COUNTER_PACKETS_SENT,
  COUNTER_SEND_QUEUE_DROPS,
  COUNTER_SOCKET_ERRORS,
  newCounters,
} from '../counters.js'
import { clientDescriptorEnd, datagramDescriptorOf } from '../descriptor-limit.js'
import type { ClientHandler, Listener, ListenerChange, PeerHandler, RelayEngine } from '../engine.js'
import { UDP_SCHEMES } from '../listen-targets.js'
import { DgramListeners } from './dgram-listeners.js'
import { bindUdpSocket, NODE_DGRAM } from './udp-socket.js'

export interface DgramEngineOptions {
  readonly system?: typeof NODE_DGRAM
  /**
   * What the core sends to peers lies in memory that is used again at once (frames of streams, of DTLS), not in Buffers of this
   * engine's sockets.
   */
  readonly copiesPayloads?: boolean
  /** By COUNTER_ index; may lie in shared memory. */
  readonly counters?: Float64Array
}

export class DgramEngine implements RelayEngine {
  readonly name = 'dgram'
  readonly supportsDontFragment = false
  readonly counters: Float64Array
  readonly #listeners: DgramListeners
  readonly #relaySockets = new Map<number, Socket>()
  /** The core's time: it starts with the engine. */
  readonly clock = new TickClock()
  readonly #system: typeof NODE_DGRAM
  readonly #copiesPayloads: boolean
  readonly #descriptorEnd = clientDescriptorEnd()
  #scratch = Buffer.allocUnsafeSlow(SCRATCH_PIECE_BYTES)
  /** Where the next packet is written: behind those that libuv has queued and will read later. */
  #scratchAt = 0
  #core: TurnCore | null = null
  #clients: ClientHandler | null = null
  #peers: PeerHandler | null = null
  #timer: NodeJS.Timeout | null = null

  constructor({ system = NODE_DGRAM, copiesPayloads = false, counters = newCounters() }: DgramEngineOptions = {}) {
    this.#system = system
    this.#copiesPayloads = copiesPayloads
    this.counters = counters
    this.#listeners = new DgramListeners(system, (listenerId, socket) => this.#receiveClients(listenerId, socket))
  }

  get listeners(): Listener[] {
    return this.#listeners.listeners
  }

  async openListeners(specs: readonly ListenSpec[], schemes = UDP_SCHEMES): Promise<void> {
    const change = await this.prepareListeners(specs, schemes)
    change.commit()
  }

  /** Opens what is new in these options beside what is open. Throws TurndError, with nothing new left open. */
  prepareListeners(specs: readonly ListenSpec[], schemes = UDP_SCHEMES): Promise<ListenerChange> {
    return this.#listeners.prepare(specs, schemes)
  }

  start(core: TurnCore, clients: ClientHandler = core): void {
    this.#core = core
    this.handTo(clients, core)
    this.#timer = setInterval(() => core.tick(this.clock.ticks()), TICK_MILLISECONDS_MAX)
  }

  handTo(clients: ClientHandler, peers: PeerHandler): void {
    this.#clients = clients
    this.#peers = peers
  }

  localAddressOf(listenerId: number): TransportAddress | null {
    return this.#listeners.localAddressOf(listenerId)
  }

  findListener(address: TransportAddress): number {
    return this.#listeners.findAt(address)
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    await this.#listeners.close()
  }

  /** Datagrams of clients go there from now on. */
  setClients(clients: ClientHandler): void {
    this.#clients = clients
  }

  sendToClient(client: FiveTuple, bytes: Uint8Array, start: number, end: number): void {
    this.#scratch.set(bytes.subarray(start, end), this.#scratchAt)
    this.#sendToClient(client, end - start)
  }

  sendDataIndication(
    client: FiveTuple,
    header: Uint8Array,
    headerEnd: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const scratch = this.#scratch
    const at = this.#scratchAt
    const payloadEnd = headerEnd + end - start
    const paddedEnd = (payloadEnd + 3) & ~3
    scratch.set(header.subarray(0, headerEnd), at)
    scratch.set(viewOf(bytes, start, end), at + headerEnd)
    scratch.fill(0, at + payloadEnd, at + paddedEnd)
    this.#sendToClient(client, paddedEnd)
  }

  sendChannelData(client: FiveTuple, channelNumber: number, bytes: Uint8Array, start: number, end: number): void {
    const at = this.#scratchAt
    writeChannelDataHeader(this.#scratch, at, channelNumber, end - start)
    this.#scratch.set(viewOf(bytes, start, end), at + CHANNEL_DATA_HEADER_LENGTH)
    this.#sendToClient(client, CHANNEL_DATA_HEADER_LENGTH + end - start)
  }

  sendToPeer(relayId: number, peer: TransportAddress, bytes: Uint8Array, start: number, end: number): void {
    const socket = this.#relaySockets.get(relayId)
    if (socket === undefined) return
    if (this.#copiesPayloads) {
      this.#scratch.set(viewOf(bytes, start, end), this.#scratchAt)
      this.#sendScratch(socket, end - start, peer, RELAY_QUEUE_BYTES_MAX)
      return
    }
    if (this.#isCongested(socket, end - start, RELAY_QUEUE_BYTES_MAX)) return
    // A received Buffer has memory of its own, so a range of it may wait in libuv's queue.
    socket.send(bytes, start, end - start, peer.port, peer.host)
  }

  openRelay(relayId: number, address: TransportAddress): void {
    const core = this.#core as TurnCore
    const socket = bindUdpSocket(
      address,
      DGRAM_RELAY_BUFFER_BYTES,
      (bound) => {
        // Closed while it was opening: the core has forgotten it.
        if (this.#relaySockets.get(relayId) !== bound) return
        if (datagramDescriptorOf(bound) >= this.#descriptorEnd) {
          this.closeRelay(relayId)
          core.handleRelayFailed(relayId, false)
          return
        }
        this.#receivePeers(relayId, bound)
        core.handleRelayOpened(relayId)
      },
      (error) => {
        if (this.#relaySockets.get(relayId) !== socket) return
        this.closeRelay(relayId)
        core.handleRelayFailed(relayId, error.code === 'EADDRINUSE')
      },
      this.#system,
    )
    this.#relaySockets.set(relayId, socket)
  }

  closeRelay(relayId: number): void {
    const socket = this.#relaySockets.get(relayId)
    this.#relaySockets.delete(relayId)
    socket?.close()
  }

  closeClient(): void {
    // UDP clients have no connection.
  }

  #receiveClients(listenerId: number, socket: Socket): void {
    const fiveTuple = new FiveTuple()
    fiveTuple.transport = TRANSPORT_UDP
    fiveTuple.listenerId = listenerId
    socket.on('error', () => this.counters[COUNTER_SOCKET_ERRORS]++)
    socket.on('message', (bytes, source) => {
      this.counters[COUNTER_PACKETS_RECEIVED]++
      this.counters[COUNTER_BYTES_RECEIVED] += bytes.length
      if (!setAddress(fiveTuple.client, source)) return
      this.#clients?.handleClientFrame(fiveTuple, bytes, 0, bytes.length)
    })
  }

  #receivePeers(relayId: number, socket: Socket): void {
    const peer = new TransportAddress()
    socket.on('error', () => this.counters[COUNTER_SOCKET_ERRORS]++)
    socket.on('message', (bytes, source) => {
      this.counters[COUNTER_PACKETS_RECEIVED]++
      this.counters[COUNTER_BYTES_RECEIVED] += bytes.length
      if (!setAddress(peer, source)) return
      this.#peers?.handlePeerDatagram(relayId, peer, bytes, 0, bytes.length)
    })
  }

  #sendToClient({ client, listenerId }: FiveTuple, length: number): void {
    const socket = this.#listeners.sockets[listenerId]
    if (socket) this.#sendScratch(socket, length, client, LISTENER_QUEUE_BYTES_MAX)
  }

  /** Sends so many bytes of the scratch memory. Without a callback node sends at once, or queues. */
  #sendScratch(socket: Socket, length: number, to: TransportAddress, queueBytesMax: number): void {
    if (this.#isCongested(socket, length, queueBytesMax)) return
    socket.send(this.#scratch, this.#scratchAt, length, to.port, to.host)
    if (socket.getSendQueueCount() === 0) return
    // Queued: libuv reads it later, so the next packet needs other memory.
    this.#scratchAt += length
    if (this.#scratchAt + SCRATCH_BYTES <= SCRATCH_PIECE_BYTES) return
    this.#scratch = Buffer.allocUnsafeSlow(SCRATCH_PIECE_BYTES)
    this.#scratchAt = 0
  }

  /** Counts the packet, as sent or as dropped because the socket's queue is full. */
  #isCongested(socket: Socket, length: number, queueBytesMax: number): boolean {
    if (socket.getSendQueueSize() > queueBytesMax) {
      this.counters[COUNTER_SEND_QUEUE_DROPS]++
      return true
    }
    this.counters[COUNTER_PACKETS_SENT]++
    this.counters[COUNTER_BYTES_SENT] += length
    return false
  }
}

/** The range of a received Buffer, without a copy. */
function viewOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end)
}

/** Fills the scratch address from node's; false for a source that no answer can reach: port 0, a link-local address with a zone. */
function setAddress(address: TransportAddress, source: RemoteInfo): boolean {
  if (source.port === 0) return false
  if (source.family === 'IPv4') {
    address.setIPv4(parseIPv4Word(source.address), source.port)
  } else if (!parseHost(source.address, address, source.port)) {
    return false
  }
  address.host = source.address
  return true
}
