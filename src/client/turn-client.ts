// A TURN client (RFC 8656) over one transport: requests with the long-term credential mechanism, data both ways.
//
//   ┌ How to use it ─────────────────────────────────────────────────────────────────────────────────────────────┐
//   │ 1. const transport = await openTransport(target, options); new TurnClient(transport, { credentials }).      │
//   │ 2. onData, onFault: set before data may come.                                                               │
//   │ 3. bind(); allocate(); bindChannel() or createPermission(); send(). Each rejects with a ClientError.        │
//   │ 4. close(), always: it gives the allocation back.                                                           │
//   └─────────────────────────────────────────────────────────────────────────────────────────────────────────────┘
//
// Servers may mean it no good: what they send never throws, is bounded, and is ignored when it answers nothing that was asked.
import {
  CLIENT_CHALLENGE_COUNT_MAX,
  CLIENT_CHANNEL_COUNT_MAX,
  CLIENT_CLOSE_MILLISECONDS_MAX,
  CLIENT_REQUEST_LENGTH_MAX,
} from '../limits/clients.js'
import type { TransportAddress } from '../stun/address.js'
import { CHANNEL_DATA_HEADER_LENGTH, writeChannelDataHeader } from '../stun/channel-data.js'
import {
  ATTRIBUTE_CHANNEL_NUMBER,
  ATTRIBUTE_DATA,
  ATTRIBUTE_LIFETIME,
  ATTRIBUTE_XOR_PEER_ADDRESS,
  CLASS_INDICATION,
  CLASS_REQUEST,
  ERROR_STALE_NONCE,
  ERROR_UNAUTHENTICATED,
  METHOD_ALLOCATE,
  METHOD_BINDING,
  METHOD_CHANNEL_BIND,
  METHOD_CREATE_PERMISSION,
  METHOD_REFRESH,
  METHOD_SEND,
  methodName,
} from '../stun/constants.js'
import { MessageWriter } from '../stun/writer.js'
import {
  type AllocateOptions,
  type Allocation,
  type BindingResult,
  describeAllocate,
  errorOf,
  lifetimeOf,
  mappedAddressOf,
  readAllocation,
  softwareOf,
} from './answers.js'
import { Authentication, type Challenge, readChallenge } from './challenge.js'
import type { ClientCredentials } from './client-credentials.js'
import { ClientError } from './client-error.js'
import { Incoming } from './incoming.js'
import { type Exchange, newTransactionId, Transactions, type Verdict } from './transactions.js'
import type { ClientTransport } from './transport.js'

export type { AllocateOptions, Allocation, BindingResult } from './answers.js'

export interface TurnClientOptions {
  /** Without them a server that wants some is an error: `no-credentials`. */
  readonly credentials?: ClientCredentials | null
  /** For each answer; CLIENT_ANSWER_MILLISECONDS_MAX if absent. */
  readonly answerMilliseconds?: number
  /** When it is aborted, whatever waits rejects with `aborted`. close() is still the caller's. */
  readonly signal?: AbortSignal
}

/** What the server has told of itself so far. Its texts are shortened, and still to be escaped by whoever prints them. */
export interface ServerFacts {
  /** SOFTWARE; '' if it tells none. */
  software: string
  /** REALM of its last challenge; '' before one. */
  realm: string
  nonce: string
  /** PASSWORD_ALGORITHM_ numbers that it offers; none before RFC 8489. */
  passwordAlgorithms: readonly number[]
  /** A request without credentials, and what it is answered by anybody's asking: the size of both. null before one. */
  challenge: { readonly requestLength: number; readonly answerLength: number } | null
}

type Describe = (writer: MessageWriter) => void

export class TurnClient {
  readonly transport: ClientTransport
  readonly server: ServerFacts = { software: '', realm: '', nonce: '', passwordAlgorithms: [], challenge: null }
  /** Data of a peer, by ChannelData or a Data indication. The memory is the receiver's. */
  onData: (peer: TransportAddress, data: Uint8Array) => void = () => {}
  /** What ClientTransport's onFault tells; whatever waited has been rejected with it. */
  onFault: (error: ClientError) => void = () => {}
  /** What the last allocate() got; null before it, and after the end. */
  allocation: Allocation | null = null
  readonly #credentials: ClientCredentials | null
  readonly #answerMilliseconds: number | undefined
  readonly #signal: AbortSignal | undefined
  readonly #transactions: Transactions
  readonly #incoming = new Incoming()
  #authentication: Authentication | null = null
  #isClosing = false
  #isClosed = false
  readonly #abort = () => this.#transactions.failAll(new ClientError('aborted', 'given up'))

  constructor(transport: ClientTransport, options: TurnClientOptions = {}) {
    this.transport = transport
    this.#credentials = options.credentials ?? null
    this.#answerMilliseconds = options.answerMilliseconds
    this.#signal = options.signal
    this.#transactions = new Transactions(transport)
    transport.onFrame = (frame) => this.#receive(frame)
    transport.onFault = (error) => {
      this.#transactions.failAll(error)
      this.onFault(error)
    }
    this.#signal?.addEventListener('abort', this.#abort, { once: true })
  }

  // Requests

  /** Binding (RFC 8489 §3), without credentials: where the server sees this client. */
  async bind(): Promise<BindingResult> {
    const exchange = await this.#exchange(METHOD_BINDING, () => {}, null)
    const error = errorOf(exchange.answer)
    if (error !== null) throw error
    return { mapped: mappedAddressOf(exchange.answer), exchange }
  }

  /** Allocate (RFC 8656 §7). A second allocation needs a second client: a 5-tuple has one. */
  async allocate(options: AllocateOptions = {}): Promise<Allocation> {
    const exchange = await this.request(METHOD_ALLOCATE, (writer) => describeAllocate(writer, options))
    this.allocation = readAllocation(exchange)
    return this.allocation
  }

  /** Refresh (RFC 8656 §8). Returns the lifetime that is granted; 0 ends the allocation. */
  async refresh(lifetimeSeconds: number): Promise<number> {
    const { answer } = await this.request(METHOD_REFRESH, (writer) =>
      writer.writeUint32(ATTRIBUTE_LIFETIME, lifetimeSeconds),
    )
    if (lifetimeSeconds === 0) this.allocation = null
    return lifetimeOf(answer)
  }

  /** CreatePermission (RFC 8656 §10) for the IP addresses of these peers. */
  async createPermission(...peers: TransportAddress[]): Promise<void> {
    await this.request(METHOD_CREATE_PERMISSION, (writer) => {
      for (const peer of peers) writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peer)
    })
  }

  /** ChannelBind (RFC 8656 §12): from now on send() takes ChannelData for this peer. Again for the same peer it refreshes the binding. */
  async bindChannel(peer: TransportAddress): Promise<void> {
    const number = this.#incoming.reserveChannel(peer)
    if (number === null) {
      throw new ClientError('no-allocation', `the client has ${CLIENT_CHANNEL_COUNT_MAX} channels, and takes no more`)
    }
    await this.request(METHOD_CHANNEL_BIND, (writer) => {
      writer.writeUint32(ATTRIBUTE_CHANNEL_NUMBER, number << 16)
      writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peer)
    })
    this.#incoming.addChannel(number, peer)
  }

  /**
   * An authenticated request of any method: the first one fetches a challenge. Rejects with a ClientError, a StunError for every error but those
   * that ask for credentials or a newer nonce, as long as those can be given.
   */
  async request(method: number, describe: Describe): Promise<Exchange> {
    if (method !== METHOD_ALLOCATE && this.allocation === null) {
      throw new ClientError('no-allocation', `${methodName(method)} needs an allocation, and there is none`)
    }
    for (let challengeCount = 0; ; challengeCount++) {
      const authentication = this.#authentication
      const exchange = await this.#exchange(method, describe, authentication)
      const error = errorOf(exchange.answer)
      if (error === null) return exchange
      const isStale = error.number === ERROR_STALE_NONCE
      const isFirst = error.number === ERROR_UNAUTHENTICATED && authentication === null
      if (!(isStale || isFirst) || challengeCount >= CLIENT_CHALLENGE_COUNT_MAX) throw error
      const challenge = readChallenge(exchange.answer)
      if (challenge === null) throw new ClientError('bad-answer', `${error.message}, without a realm and a nonce`)
      this.#note(challenge, isFirst ? exchange : null)
      if (this.#credentials === null) {
        throw new ClientError('no-credentials', 'the server wants a user name and a password', { cause: error })
      }
      this.#authentication = new Authentication(this.#credentials, challenge)
    }
  }

  // Data

  /**
   * Data for a peer: ChannelData if it has a channel, else a Send indication (RFC 8656 §11.1), for which it needs a permission. False if it was not
   * sent: there is no allocation, or the transport takes no more.
   */
  send(peer: TransportAddress, data: Uint8Array): boolean {
    if (this.allocation === null || this.#isClosed) return false
    const number = this.#incoming.channelOf(peer)
    return this.transport.send(number === undefined ? sendIndication(peer, data) : channelData(number, data))
  }

  /** Gives the allocation back, if the server answers soon, and closes the transport. Never rejects. */
  async close(): Promise<void> {
    if (this.#isClosing) return
    this.#isClosing = true
    try {
      if (this.allocation !== null) await this.#giveBack()
    } finally {
      this.#isClosed = true
      this.#signal?.removeEventListener('abort', this.#abort)
      this.#transactions.failAll(new ClientError('aborted', 'the client was closed'))
      await this.transport.close()
    }
  }

  async #giveBack(): Promise<void> {
    const late = setTimeout(() => {
      this.#transactions.failAll(new ClientError('no-answer', 'no answer to Refresh'))
    }, CLIENT_CLOSE_MILLISECONDS_MAX)
    // It expires by itself.
    await this.refresh(0).catch(() => {})
    clearTimeout(late)
  }

  async #exchange(method: number, describe: Describe, authentication: Authentication | null): Promise<Exchange> {
    // Who has given up gives the allocation back all the same.
    if (this.#isClosed || (this.#signal?.aborted && !this.#isClosing))
      throw new ClientError('aborted', 'the client is closed')
    const bytes = encode(CLASS_REQUEST, method, (writer) => {
      describe(writer)
      authentication?.write(writer)
    })
    const judge = (answer: Exchange['answer']): Verdict => authentication?.judge(answer) ?? 'taken'
    const answerMilliseconds = this.#answerMilliseconds
    const patience = answerMilliseconds === undefined ? {} : { answerMilliseconds }
    const exchange = await this.#transactions.run({ method, bytes, judge, ...patience })
    this.server.software = softwareOf(exchange.answer) || this.server.software
    return exchange
  }

  #note({ algorithms, nonce, realmText }: Challenge, exchange: Exchange | null): void {
    this.server.realm = realmText
    this.server.nonce = Buffer.from(nonce).toString('latin1')
    this.server.passwordAlgorithms = algorithms
    if (exchange === null) return
    const { answerLength, requestLength } = exchange
    this.server.challenge ??= { requestLength, answerLength }
  }

  #receive(frame: Uint8Array): void {
    if (this.#isClosed) return
    const data = this.#incoming.dataOf(frame)
    if (data !== null) this.onData(data.peer, data.bytes)
    else if (this.#incoming.isAnswer(frame)) this.#transactions.handleAnswer(frame)
  }
}

function channelData(number: number, data: Uint8Array): Uint8Array {
  const frame = new Uint8Array(CHANNEL_DATA_HEADER_LENGTH + data.length)
  writeChannelDataHeader(frame, 0, number, data.length)
  frame.set(data, CHANNEL_DATA_HEADER_LENGTH)
  return frame
}

function sendIndication(peer: TransportAddress, data: Uint8Array): Uint8Array {
  const describe: Describe = (writer) => {
    writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peer).writeBytes(ATTRIBUTE_DATA, data)
  }
  return encode(CLASS_INDICATION, METHOD_SEND, describe, CLIENT_REQUEST_LENGTH_MAX + data.length)
}

function encode(messageClass: number, method: number, describe: Describe, length = CLIENT_REQUEST_LENGTH_MAX) {
  const bytes = new Uint8Array(length)
  const writer = new MessageWriter().begin(bytes, 0, messageClass, method, newTransactionId(), 0)
  describe(writer)
  return bytes.subarray(0, writer.finish())
}
