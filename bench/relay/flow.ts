// One flow of the load: a client's socket, its allocation on the server, and its frames in the arena.
import { randomBytes } from 'node:crypto'
import { TransportAddress } from '../../src/stun/address.js'
import { CHANNEL_DATA_HEADER_LENGTH, writeChannelDataHeader } from '../../src/stun/channel-data.js'
import { ATTRIBUTE_DATA, ATTRIBUTE_XOR_PEER_ADDRESS, CLASS_INDICATION, METHOD_SEND } from '../../src/stun/constants.js'
import { MessageWriter } from '../../src/stun/writer.js'
import { type ClientUser, TurnClient } from '../turn-client.js'
import type { Arena } from './arena.js'
import { ReceiveBatch } from './batch.js'
import * as libc from './libc.js'
import { PayloadTemplate } from './payload.js'
import { UdpSocket } from './socket.js'

/** In RFC 8656's range, which every server accepts. */
const CHANNEL_NUMBER_FIRST = 0x4000
const FRAME_LENGTH_MAX = 2048
const ANSWER_TIMEOUT_MS = 500
const TRY_COUNT = 6

export type Framing = 'channel' | 'indication'

export class Flow {
  readonly index: number
  readonly channelNumber: number
  readonly socket: UdpSocket
  readonly template: PayloadTemplate
  /** What the client sends: a ChannelData frame or a Send indication, in the arena. */
  readonly frameStart: number
  frameLength = 0
  payloadStart = 0
  /** Where peers reach the client. */
  relayPort = 0
  sequence = 0
  readonly #arena: Arena

  constructor(arena: Arena, index: number, serverPort: number, payloadLength: number) {
    this.#arena = arena
    this.index = index
    this.channelNumber = CHANNEL_NUMBER_FIRST + index
    this.socket = new UdpSocket(arena)
    this.socket.connect(serverPort)
    this.template = new PayloadTemplate(index, payloadLength)
    this.frameStart = arena.reserve(FRAME_LENGTH_MAX)
  }

  /** Allocates, and opens the way to the peer. Returns null, with the socket closed, if the 5-tuple is in use. */
  open(user: ClientUser, framing: Framing, peer: TransportAddress, batch: ReceiveBatch): TurnClient | null {
    const client = new TurnClient((request) => this.#exchange(request, batch), user)
    if (!client.allocate()) {
      this.socket.close()
      return null
    }
    this.relayPort = client.relayedTransportAddress.port
    if (framing === 'channel') client.bindChannel(this.channelNumber, peer)
    else client.createPermission(peer)
    if (framing === 'channel') this.#writeChannelData()
    else this.#writeSendIndication(peer)
    return client
  }

  #writeChannelData(): void {
    const { words } = this.template
    const payloadLength = words.length * 4
    writeChannelDataHeader(this.#arena.bytes, this.frameStart, this.channelNumber, payloadLength)
    this.payloadStart = this.frameStart + CHANNEL_DATA_HEADER_LENGTH
    this.frameLength = CHANNEL_DATA_HEADER_LENGTH + payloadLength
    this.#arena.words.set(words, this.payloadStart >> 2)
  }

  #writeSendIndication(peer: TransportAddress): void {
    const { words } = this.template
    const writer = new MessageWriter()
    writer.begin(this.#arena.bytes, this.frameStart, CLASS_INDICATION, METHOD_SEND, randomBytes(12), 0)
    writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peer)
    this.payloadStart = writer.writeAttributeHeader(ATTRIBUTE_DATA, words.length * 4)
    this.frameLength = writer.finish() - this.frameStart
    this.#arena.words.set(words, this.payloadStart >> 2)
  }

  /** Sends the request, again if it got lost, and waits for the answer with the same transaction id. */
  #exchange(request: Uint8Array, batch: ReceiveBatch): Uint8Array {
    this.#arena.bytes.set(request, this.frameStart)
    for (let attempt = 0; attempt < TRY_COUNT; attempt++) {
      const pointer = this.#arena.pointerAt(this.frameStart)
      libc.must(libc.send(this.socket.fd, pointer, request.length, 0), 'send')
      while (this.socket.waitReadable(ANSWER_TIMEOUT_MS)) {
        const received = batch.receive(this.socket)
        for (let index = 0; index < received; index++) {
          const answer = this.#arena.bytes.slice(batch.start(index), batch.start(index) + batch.length(index))
          if (Buffer.compare(answer.subarray(8, 20), request.subarray(8, 20)) === 0) return answer
        }
      }
    }
    throw new Error(`the server did not answer on port ${this.socket.port}`)
  }
}

/** Opens `count` flows to one peer. Returns them with their clients, for releasing them. */
export function openFlows(
  arena: Arena,
  count: number,
  serverPort: number,
  payloadLength: number,
  user: ClientUser,
  framing: Framing,
  peerPort: number,
): { flows: Flow[]; clients: TurnClient[] } {
  const peer = new TransportAddress().setIPv4(0x7f000001, peerPort)
  const batch = new ReceiveBatch(arena, 4)
  const flows: Flow[] = []
  const clients: TurnClient[] = []
  while (flows.length < count) {
    const flow = new Flow(arena, flows.length, serverPort, payloadLength)
    const client = flow.open(user, framing, peer, batch)
    // coturn still answers 437 for a while after an allocation has been deleted: another port then.
    if (client === null) continue
    flows.push(flow)
    clients.push(client)
  }
  return { flows, clients }
}
