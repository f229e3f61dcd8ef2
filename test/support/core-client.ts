// A TURN client in front of a CoreHarness: builds requests with src/stun's writer, does the 401 dance, and decodes what comes back.
// It believes nothing: an answer must be to its transaction, decode, and carry the integrity that its request had.
import { TransportAddress } from '../../src/stun/address.js'
import { writeChannelDataHeader } from '../../src/stun/channel-data.js'
import * as stun from '../../src/stun/constants.js'
import { isFingerprintValid, isMessageIntegritySha256Valid, isMessageIntegrityValid } from '../../src/stun/integrity.js'
import { decodeMessage, MessageView } from '../../src/stun/message.js'
import { MessageWriter } from '../../src/stun/writer.js'
import { FiveTuple, TRANSPORT_UDP } from '../../src/turn/five-tuple.js'
import type { CoreHarness } from './core-harness.js'
import { encodeRequest, type IntegrityVariant, keyOf, type User, type Write } from './request-encoder.js'
import { addressOf } from './turn-address.js'

export const ALICE = { username: 'alice', password: 'correct horse' }
export const BOB = { username: 'bob', password: 'battery staple' }

export interface CoreClientOptions {
  /** `HOST:PORT`. */
  readonly address?: string
  readonly listenerId?: number
  /** TRANSPORT_UDP if absent. */
  readonly transport?: number
  readonly user?: User
  /** 'sha256' also uses PASSWORD-ALGORITHM SHA-256, as RFC 8489's own clients do. */
  readonly integrity?: IntegrityVariant
  readonly fingerprint?: boolean
}

export { REALM, type Write } from './request-encoder.js'

export interface RequestOptions {
  /** 'none': no credential at all. */
  readonly integrity?: 'none'
  readonly transactionId?: Uint8Array
  /** Instead of the nonce that the server gave. */
  readonly nonce?: string
}

/** A STUN message to the client. */
export class Received {
  readonly bytes: Uint8Array
  readonly view = new MessageView()

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    const result = decodeMessage(this.view, bytes, 0, bytes.length)
    if (result !== 0) throw new Error(`the core sent what does not decode: ${result}`)
  }

  /** The error code, or 0 for a success. */
  get code(): number {
    if (this.view.messageClass === stun.CLASS_SUCCESS) return 0
    return this.view.readErrorCode(this.view.find(stun.ATTRIBUTE_ERROR_CODE))
  }

  get transactionId(): Uint8Array {
    return this.bytes.slice(8, 20)
  }

  has(type: number): boolean {
    return this.view.has(type)
  }

  text(type: number): string {
    return this.view.readText(this.view.find(type))
  }

  value(type: number): Uint8Array {
    return this.view.readBytes(this.view.find(type)).slice()
  }

  uint32(type: number): number {
    return this.view.readUint32(this.view.find(type))
  }

  get lifetime(): number {
    return this.uint32(stun.ATTRIBUTE_LIFETIME)
  }

  get connectionId(): number {
    return this.uint32(stun.ATTRIBUTE_CONNECTION_ID)
  }

  /** Every address of this type, as text. */
  addresses(type: number): string[] {
    const found: string[] = []
    for (let index = this.view.find(type); index >= 0; index = this.view.findNext(type, index)) {
      const address = new TransportAddress()
      if (!this.view.readXorAddress(index, address)) throw new Error('not an address')
      found.push(address.toString())
    }
    return found
  }

  /** The relayed transport addresses, as text. */
  get relayed(): string[] {
    return this.addresses(stun.ATTRIBUTE_XOR_RELAYED_ADDRESS)
  }

  get unknownAttributes(): number[] {
    const bytes = this.value(stun.ATTRIBUTE_UNKNOWN_ATTRIBUTES)
    return Array.from({ length: bytes.length / 2 }, (_, index) => (bytes[index * 2] << 8) | bytes[index * 2 + 1])
  }

  /** All attribute types in order, the integrity ones not counted. */
  get types(): number[] {
    return [...this.view.attributeTypes.subarray(0, this.view.attributeCount)]
  }
}

export class CoreClient {
  readonly fiveTuple = new FiveTuple()
  user: User
  /** The key of this client's requests. */
  key: Uint8Array
  readonly integrity: IntegrityVariant
  readonly fingerprint: boolean
  nonce = ''
  /** The drop reason of the last frame. */
  drop = 0
  /** The last request. */
  lastRequest: Uint8Array = new Uint8Array(0)
  readonly #harness: CoreHarness

  constructor(harness: CoreHarness, options: CoreClientOptions) {
    this.#harness = harness
    this.fiveTuple.client.copyFrom(addressOf(options.address ?? '198.51.100.7:50000'))
    this.fiveTuple.listenerId = options.listenerId ?? 0
    this.fiveTuple.transport = options.transport ?? TRANSPORT_UDP
    this.user = options.user ?? ALICE
    this.integrity = options.integrity ?? 'sha1'
    this.fingerprint = options.fingerprint ?? false
    this.key = keyOf(this.user, this.integrity)
  }

  get address(): TransportAddress {
    return this.fiveTuple.client
  }

  /** Sends an authenticated request; null if there is no answer. */
  request(method: number, write: Write = () => {}, options: RequestOptions = {}): Received | null {
    if (this.nonce === '' && options.integrity !== 'none' && options.nonce === undefined) this.challenge()
    return this.exchange(this.encode(method, write, options))
  }

  /** Like `request`, for requests that must be answered. */
  ask(method: number, write: Write = () => {}, options: RequestOptions = {}): Received {
    const answer = this.request(method, write, options)
    if (answer === null) throw new Error(`no answer to ${stun.methodName(method)}, drop reason ${this.drop}`)
    return answer
  }

  /** Gets a nonce. */
  challenge(): Received {
    const answer = this.ask(stun.METHOD_ALLOCATE, () => {}, { integrity: 'none' })
    this.nonce = answer.text(stun.ATTRIBUTE_NONCE)
    return answer
  }

  encode(method: number, write: Write = () => {}, options: RequestOptions = {}): Uint8Array {
    const { username } = this.user
    const { integrity, key } = this
    const credential =
      options.integrity === 'none' ? null : { username, key, nonce: options.nonce ?? this.nonce, integrity }
    const transactionId = options.transactionId ?? this.#harness.random.nextBytes(12)
    return encodeRequest(method, transactionId, write, credential, this.fingerprint)
  }

  /** Sends bytes, lets relays open, and returns the one answer of that transaction. */
  exchange(request: Uint8Array): Received | null {
    this.lastRequest = request
    const { effects } = this.#harness.output
    const first = effects.length
    this.send(request)
    const answers = this.messagesSince(first).filter((message) => sameId(message.bytes, request))
    if (answers.length > 1) throw new Error('two answers to one request')
    return answers[0] ?? null
  }

  /** The same bytes again, as a client does when it has heard nothing. */
  retransmit(): Received | null {
    return this.exchange(this.lastRequest)
  }

  send(bytes: Uint8Array): number {
    const first = this.#harness.output.effects.length
    this.drop = this.#harness.core.handleClientFrame(this.fiveTuple, bytes, 0, bytes.length)
    this.#harness.settle(first)
    return this.drop
  }

  /** STUN messages to this client since the effect of this index. */
  messagesSince(firstEffect: number): Received[] {
    return this.#harness.output.effects.slice(firstEffect).flatMap((effect) => {
      return effect.kind === 'message' && effect.client.equals(this.fiveTuple) ? [new Received(effect.bytes)] : []
    })
  }

  // The messages of TURN.

  allocate(write: Write = () => {}): Received {
    return this.ask(stun.METHOD_ALLOCATE, (writer) => {
      requestUdp(writer)
      write(writer)
    })
  }

  // Those of RFC 6062.

  allocateTcp(write: Write = () => {}): Received {
    return this.ask(stun.METHOD_ALLOCATE, (writer) => {
      writer.writeUint32(stun.ATTRIBUTE_REQUESTED_TRANSPORT, stun.TRANSPORT_PROTOCOL_TCP << 24)
      write(writer)
    })
  }

  connect(peer: string | TransportAddress): Received {
    return this.ask(stun.METHOD_CONNECT, (writer) => writePeers(writer, [peer]))
  }

  connectionBind(connectionId: number): Received {
    return this.ask(stun.METHOD_CONNECTION_BIND, (writer) => {
      writer.writeUint32(stun.ATTRIBUTE_CONNECTION_ID, connectionId)
    })
  }

  /** @param lifetimeSeconds no LIFETIME if undefined */
  refresh(lifetimeSeconds?: number, family?: 4 | 6): Received {
    return this.ask(stun.METHOD_REFRESH, (writer) => {
      if (lifetimeSeconds !== undefined) writer.writeUint32(stun.ATTRIBUTE_LIFETIME, lifetimeSeconds)
      if (family !== undefined) writer.writeFamily(stun.ATTRIBUTE_REQUESTED_ADDRESS_FAMILY, family)
    })
  }

  createPermission(...peers: (string | TransportAddress)[]): Received {
    return this.ask(stun.METHOD_CREATE_PERMISSION, (writer) => writePeers(writer, peers))
  }

  channelBind(channelNumber: number, peer: string | TransportAddress): Received {
    return this.ask(stun.METHOD_CHANNEL_BIND, (writer) => {
      writer.writeUint32(stun.ATTRIBUTE_CHANNEL_NUMBER, channelNumber << 16)
      writePeers(writer, [peer])
    })
  }

  /** A Send indication. Returns the drop reason. */
  sendIndication(peer: string | TransportAddress, data: Uint8Array | null, write: Write = () => {}): number {
    return this.indication(stun.METHOD_SEND, (writer) => {
      writePeers(writer, [peer])
      if (data !== null) writer.writeBytes(stun.ATTRIBUTE_DATA, data)
      write(writer)
    })
  }

  indication(method: number, write: Write = () => {}): number {
    const bytes = new Uint8Array(70_000)
    const id = this.#harness.random.nextBytes(12)
    const writer = new MessageWriter().begin(bytes, 0, stun.CLASS_INDICATION, method, id, 0)
    write(writer)
    return this.send(bytes.slice(0, writer.finish()))
  }

  /** ChannelData, padded to 4 bytes if asked. Returns the drop reason. */
  channelData(channelNumber: number, payload: Uint8Array, padding = 0): number {
    const bytes = new Uint8Array(4 + payload.length + padding)
    writeChannelDataHeader(bytes, 0, channelNumber, payload.length)
    bytes.set(payload, 4)
    return this.send(bytes)
  }

  /** Has the message the integrity of this client's variant, and FINGERPRINT exactly if this client sends it? */
  isProtected({ view }: Received): boolean {
    const hasFingerprint = view.fingerprintStart >= 0
    if (hasFingerprint !== this.fingerprint || (hasFingerprint && !isFingerprintValid(view))) return false
    if (this.integrity === 'sha256') {
      return view.messageIntegrityStart < 0 && isMessageIntegritySha256Valid(view, this.key)
    }
    return view.messageIntegritySha256Start < 0 && isMessageIntegrityValid(view, this.key)
  }
}

/** REQUESTED-TRANSPORT UDP. */
export function requestUdp(writer: MessageWriter): MessageWriter {
  return writer.writeUint32(stun.ATTRIBUTE_REQUESTED_TRANSPORT, stun.TRANSPORT_PROTOCOL_UDP << 24)
}

export function writePeers(writer: MessageWriter, peers: readonly (string | TransportAddress)[]): MessageWriter {
  for (const peer of peers) {
    writer.writeXorAddress(stun.ATTRIBUTE_XOR_PEER_ADDRESS, typeof peer === 'string' ? addressOf(peer) : peer)
  }
  return writer
}

function sameId(bytes: Uint8Array, request: Uint8Array): boolean {
  return bytes.subarray(8, 20).every((byte, index) => byte === request[index + 8])
}
