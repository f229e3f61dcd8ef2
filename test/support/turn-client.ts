// A TURN client of the tests, over any ClientTransport: the 401 dance, every method of RFC 8656, data both ways, and requests
// that are wrong in a chosen way. Each answer's integrity and fingerprint are verified as it arrives.
import { hash, randomBytes } from 'node:crypto'
import { md5Key, sha256Key } from '../../src/auth/credentials.js'
import type { TransportAddress } from '../../src/stun/address.js'
import {
  ATTRIBUTE_ACCESS_TOKEN,
  ATTRIBUTE_CHANNEL_NUMBER,
  ATTRIBUTE_CONNECTION_ID,
  ATTRIBUTE_DATA,
  ATTRIBUTE_LIFETIME,
  ATTRIBUTE_NONCE,
  ATTRIBUTE_PASSWORD_ALGORITHM,
  ATTRIBUTE_PASSWORD_ALGORITHMS,
  ATTRIBUTE_REALM,
  ATTRIBUTE_REQUESTED_ADDRESS_FAMILY,
  ATTRIBUTE_USERHASH,
  ATTRIBUTE_USERNAME,
  ATTRIBUTE_XOR_PEER_ADDRESS,
  ATTRIBUTE_XOR_RELAYED_ADDRESS,
  CLASS_INDICATION,
  CLASS_REQUEST,
  METHOD_ALLOCATE,
  METHOD_BINDING,
  METHOD_CHANNEL_BIND,
  METHOD_CONNECT,
  METHOD_CONNECTION_BIND,
  METHOD_CREATE_PERMISSION,
  METHOD_REFRESH,
  METHOD_SEND,
  PASSWORD_ALGORITHM_MD5,
  PASSWORD_ALGORITHM_SHA256,
} from '../../src/stun/constants.js'
import { MessageWriter } from '../../src/stun/writer.js'
import type { ClientTransport } from './client-transport.js'
import type { Closing } from './closing.js'
import { withDeadline } from './deadline.js'
import { Inbox } from './inbox.js'
import { type IntegrityKind, ReceivedMessage } from './received-message.js'
import {
  type AllocateOptions,
  type Describe,
  describeAllocate,
  type RequestOptions,
  writeFamily,
} from './turn-requests.js'

export { type AllocateOptions, type Describe, describeAllocate, MODERN, type RequestOptions } from './turn-requests.js'

const ANSWER_MILLISECONDS_MAX = 60_000
const MESSAGE_LENGTH_MAX = 65_556

export interface ReceivedData {
  readonly peer: string
  readonly channelNumber: number
  readonly text: string
  readonly frame: Buffer
}

interface Challenge {
  readonly realm: string
  readonly nonce: string
  readonly algorithms: readonly number[]
}

export interface ExchangeResult {
  readonly answer: ReceivedMessage
  readonly integrity: IntegrityKind
}

export class TurnClient {
  readonly transport: ClientTransport
  /** For every request, beneath what a single one says. */
  readonly defaults: RequestOptions
  /** What arrived and is no answer to a request that waits: data, and what should not have come. */
  readonly inbox: Inbox<Buffer>
  /** Relayed transport addresses of the last Allocate. */
  relayed: TransportAddress[] = []
  #challenge: Challenge | null = null
  /** By transaction id, in hex. */
  readonly #pending = new Map<string, (answer: ReceivedMessage) => void>()

  constructor(transport: ClientTransport, defaults: RequestOptions) {
    this.transport = transport
    this.defaults = defaults
    this.inbox = new Inbox(`the client ${transport.localAddress}`)
    transport.receive((frame) => this.#receive(frame))
  }

  /** Closes the transport when `t` ends. */
  static on(t: Closing, transport: ClientTransport, defaults: RequestOptions): TurnClient {
    t.teardown(() => transport.close())
    return new TurnClient(transport, defaults)
  }

  get localAddress(): TransportAddress {
    return this.transport.localAddress
  }

  /** The first relayed transport address. */
  get relay(): TransportAddress {
    const [relay] = this.relayed
    if (relay === undefined) throw new Error('the client has no relayed transport address')
    return relay
  }

  get challenge(): Challenge {
    if (this.#challenge === null) throw new Error('the client has not been challenged')
    return this.#challenge
  }

  // Requests

  binding(describe: Describe = () => {}, options: RequestOptions = {}): Promise<ReceivedMessage> {
    return this.exchange(this.message(METHOD_BINDING, describe, { ...options, integrity: 'none' }))
  }

  async allocate(options: AllocateOptions = {}, requestOptions: RequestOptions = {}): Promise<ReceivedMessage> {
    const answer = await this.request(METHOD_ALLOCATE, (writer) => describeAllocate(writer, options), requestOptions)
    if (answer.code === 0) this.relayed = answer.addresses(ATTRIBUTE_XOR_RELAYED_ADDRESS)
    return answer
  }

  refresh(
    options: { lifetimeSeconds?: number; family?: number } = {},
    request: RequestOptions = {},
  ): Promise<ReceivedMessage> {
    const describe: Describe = (writer) => {
      if (options.lifetimeSeconds !== undefined) writer.writeUint32(ATTRIBUTE_LIFETIME, options.lifetimeSeconds)
      if (options.family !== undefined) writeFamily(writer, ATTRIBUTE_REQUESTED_ADDRESS_FAMILY, options.family)
    }
    return this.request(METHOD_REFRESH, describe, request)
  }

  createPermission(...peers: TransportAddress[]): Promise<ReceivedMessage> {
    return this.request(METHOD_CREATE_PERMISSION, (writer) => {
      for (const peer of peers) writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peer)
    })
  }

  bindChannel(channelNumber: number, peer: TransportAddress): Promise<ReceivedMessage> {
    return this.request(METHOD_CHANNEL_BIND, (writer) => {
      writer.writeUint32(ATTRIBUTE_CHANNEL_NUMBER, channelNumber << 16)
      writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peer)
    })
  }

  /** Connect (RFC 6062 §4.3); the answer has the CONNECTION-ID. */
  connectPeer(peer: TransportAddress): Promise<ReceivedMessage> {
    return this.request(METHOD_CONNECT, (writer) => writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peer))
  }

  /** ConnectionBind (RFC 6062 §4.5): on a connection that has no allocation, and is a data connection if this succeeds. */
  bindConnection(connectionId: number, options: RequestOptions = {}): Promise<ReceivedMessage> {
    const describe: Describe = (writer) => writer.writeUint32(ATTRIBUTE_CONNECTION_ID, connectionId)
    return this.request(METHOD_CONNECTION_BIND, describe, options)
  }

  /** An authenticated request; the first one fetches a challenge. */
  async request(method: number, describe: Describe, options: RequestOptions = {}): Promise<ReceivedMessage> {
    return (await this.requestWithIntegrity(method, describe, options)).answer
  }

  /** The same, with the variant of the answer's integrity. */
  async requestWithIntegrity(
    method: number,
    describe: Describe,
    options: RequestOptions = {},
  ): Promise<ExchangeResult> {
    if (this.#challenge === null) await this.learnChallenge()
    const answer = await this.exchange(this.message(method, describe, options))
    return { answer, integrity: answer.integrity(this.key(options)) }
  }

  /** Takes realm, nonce and algorithms from the 401 of a request without credentials. */
  async learnChallenge(): Promise<ReceivedMessage> {
    const answer = await this.exchange(this.message(METHOD_ALLOCATE, describeAllocate, { integrity: 'none' }))
    if (answer.code !== 401) throw new Error(`a request without credentials was answered with ${answer.code}`)
    this.takeChallenge(answer)
    return answer
  }

  takeChallenge(answer: ReceivedMessage): void {
    const list = answer.has(ATTRIBUTE_PASSWORD_ALGORITHMS) ? answer.uint16s(ATTRIBUTE_PASSWORD_ALGORITHMS) : []
    this.#challenge = {
      realm: answer.text(ATTRIBUTE_REALM),
      nonce: answer.text(ATTRIBUTE_NONCE),
      // Number and length of parameters in turn.
      algorithms: list.filter((_, index) => index % 2 === 0),
    }
  }

  /** Sends a request as it is, and waits for the answer with its transaction id. */
  exchange(request: Uint8Array, milliseconds = ANSWER_MILLISECONDS_MAX): Promise<ReceivedMessage> {
    const transactionId = Buffer.from(request).toString('hex', 8, 20)
    const answer = new Promise<ReceivedMessage>((resolve) => this.#pending.set(transactionId, resolve))
    this.transport.send(request)
    const what = () => `no answer to ${Buffer.from(request).toString('hex')}`
    return withDeadline(answer, milliseconds, what).finally(() => this.#pending.delete(transactionId))
  }

  /** A request of this client: with credentials, unless it says that it has no integrity. */
  message(method: number, describe: Describe, options: RequestOptions = {}): Uint8Array {
    const merged = { ...this.defaults, ...options }
    const writer = begin(CLASS_REQUEST, method, merged.transactionId)
    describe(writer)
    if (merged.integrity !== 'none') this.#writeCredentials(writer, merged)
    if (merged.afterIntegrity !== undefined) merged.afterIntegrity(writer)
    if (merged.hasFingerprint === true) writer.writeFingerprint()
    return writer.bytes.slice(0, writer.finish())
  }

  /** The key of requests with these options. */
  key(options: RequestOptions = {}): Uint8Array {
    const { username, password, algorithm, key } = { ...this.defaults, ...options }
    if (key !== undefined) return key
    return makeKey(algorithm ?? PASSWORD_ALGORITHM_MD5, username ?? '', this.challenge.realm, password ?? '')
  }

  // Data

  /** A Send indication. */
  sendTo(peer: TransportAddress, payload: string | Uint8Array, describe: Describe = () => {}): void {
    this.sendIndication(METHOD_SEND, (writer) => {
      writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peer)
      writer.writeBytes(ATTRIBUTE_DATA, bytesOf(payload))
      describe(writer)
    })
  }

  sendIndication(method: number, describe: Describe): void {
    const writer = begin(CLASS_INDICATION, method)
    describe(writer)
    this.transport.send(writer.bytes.slice(0, writer.finish()))
  }

  /** @param length what the header says, if not the payload's length */
  sendChannelData(channelNumber: number, payload: string | Uint8Array, length?: number): void {
    const bytes = bytesOf(payload)
    const header = Buffer.alloc(4)
    header.writeUInt16BE(channelNumber)
    header.writeUInt16BE(length ?? bytes.length, 2)
    this.transport.send(Buffer.concat([header, bytes]))
  }

  /** The next thing to arrive, which must be data from a peer. */
  async nextData(milliseconds?: number): Promise<ReceivedData> {
    const frame = await this.inbox.next(milliseconds)
    if (frame[0] >= 0x40) {
      const length = frame.readUInt16BE(2)
      return { peer: '', channelNumber: frame.readUInt16BE(), text: frame.toString('latin1', 4, 4 + length), frame }
    }
    const message = new ReceivedMessage(frame)
    if (message.method !== 'Data') throw new Error(`no data, but ${message.method} ${message.code}`)
    const peer = message.address(ATTRIBUTE_XOR_PEER_ADDRESS).toString()
    return { peer, channelNumber: 0, text: message.value(ATTRIBUTE_DATA).toString('latin1'), frame }
  }

  /** The next thing to arrive, which must be a ConnectionAttempt (RFC 6062 §4.4). */
  async nextConnectionAttempt(): Promise<{ readonly connectionId: number; readonly peer: TransportAddress }> {
    const message = new ReceivedMessage(await this.inbox.next())
    if (message.method !== 'ConnectionAttempt') throw new Error(`no attempt, but ${message.method} ${message.code}`)
    return {
      connectionId: message.uint32(ATTRIBUTE_CONNECTION_ID),
      peer: message.address(ATTRIBUTE_XOR_PEER_ADDRESS),
    }
  }

  /** One exchange with the server: what was sent before has been dealt with when this resolves, and what it caused has arrived. */
  async settle(): Promise<void> {
    await this.binding()
  }

  #writeCredentials(writer: MessageWriter, options: RequestOptions): void {
    const { challenge } = this
    const { username, password = '', algorithm, integrity = 'sha1', sha256Length, sha1Password } = options
    const realm = options.realm === undefined ? challenge.realm : options.realm
    const nonce = options.nonce === undefined ? challenge.nonce : options.nonce
    const algorithms = options.algorithms === undefined && algorithm ? challenge.algorithms : options.algorithms
    if (options.accessToken !== undefined) writer.writeBytes(ATTRIBUTE_ACCESS_TOKEN, options.accessToken)
    if (options.isAnonymous === true) {
      writer.writeBytes(ATTRIBUTE_USERHASH, hash('sha256', `${username}:${challenge.realm}`, 'buffer'))
    } else if (username) {
      writer.writeText(ATTRIBUTE_USERNAME, username)
    }
    if (realm !== null) writer.writeText(ATTRIBUTE_REALM, realm)
    if (nonce !== null) writer.writeText(ATTRIBUTE_NONCE, nonce)
    if (algorithm) writer.writeUint32(ATTRIBUTE_PASSWORD_ALGORITHM, algorithm << 16)
    if (algorithms) writer.writePasswordAlgorithms(algorithms)
    const keyOf = (secret: string) => this.key({ ...options, password: secret })
    if (integrity === 'sha1' || integrity === 'both') writer.writeMessageIntegrity(keyOf(sha1Password ?? password))
    if (integrity === 'sha256' || integrity === 'both')
      writer.writeMessageIntegritySha256(keyOf(password), sha256Length)
  }

  #receive(frame: Buffer): void {
    const waiting = frame.length >= 20 && frame[0] < 0x40 ? this.#pending.get(frame.toString('hex', 8, 20)) : undefined
    if (waiting === undefined) {
      this.inbox.put(frame)
      return
    }
    this.#pending.delete(frame.toString('hex', 8, 20))
    waiting(new ReceivedMessage(frame))
  }
}

function begin(messageClass: number, method: number, transactionId: Uint8Array = randomBytes(12)): MessageWriter {
  return new MessageWriter().begin(new Uint8Array(MESSAGE_LENGTH_MAX), 0, messageClass, method, transactionId, 0)
}

function makeKey(algorithm: number, username: string, realm: string, password: string): Uint8Array {
  const make = algorithm === PASSWORD_ALGORITHM_SHA256 ? sha256Key : md5Key
  return make(username, realm, password)
}

function bytesOf(payload: string | Uint8Array): Uint8Array {
  return typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload
}
