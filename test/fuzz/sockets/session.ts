// A conversation of a client with valid credentials: an allocation, and then what no decent client says, signed. Every move is made from the
// seed before it is sent; only nonces, relays, tokens and connection ids are the server’s.

import type { TransportAddress } from '../../../src/stun/address.js'
import {
  ATTRIBUTE_NONCE,
  METHOD_ALLOCATE,
  METHOD_REFRESH,
  PASSWORD_ALGORITHM_SHA256,
} from '../../../src/stun/constants.js'
import { frameLength } from '../../../src/stun/framing.js'
import type { ClientTransport } from '../../support/client-transport.js'
import type { SeededRandom } from '../../support/random.js'
import type { ReceivedMessage } from '../../support/received-message.js'
import {
  type AllocateOptions,
  type Describe,
  describeAllocate,
  MODERN,
  type RequestOptions,
  TurnClient,
} from '../../support/turn-client.js'
import type { Attribute } from '../attributes.js'
import { connectJudged, isOver, type Scheme } from './connections.js'
import type { Judge } from './judge.js'
import { MALLORY, type SocketsStage } from './stage.js'
import { Transcript } from './transcript.js'

/** A request that is not answered is sent again, as clients do (RFC 8489 §6.2.1): a busy machine may lose datagrams. */
const TRY_COUNT = 3
const TRY_MILLISECONDS = 2_000
export const CHANNEL = 0x4000

export const CREDENTIALS: readonly RequestOptions[] = [
  {},
  MODERN,
  { ...MODERN, isAnonymous: true },
  { ...MODERN, sha256Length: 16 },
  { ...MODERN, integrity: 'both' },
  { algorithm: PASSWORD_ALGORITHM_SHA256, integrity: 'sha1' },
]

const STREAM_FRAME_LENGTH_MAX = 65_539

/** ChannelData without its padding, or a message. */
function isWholeFrame(frame: Uint8Array): boolean {
  const length = frameLength(frame, 0, frame.length, STREAM_FRAME_LENGTH_MAX, false)
  return length > 0 && length === ((frame.length + 3) & ~3)
}

export class Session {
  readonly stage: SocketsStage
  readonly client: TurnClient
  readonly scheme: Scheme
  readonly random: SeededRandom
  readonly tokens: Uint8Array[] = []
  /** Where the fuzzed allocation is relayed, as long as it is known. */
  relay: TransportAddress | null = null

  private constructor(stage: SocketsStage, client: TurnClient, scheme: Scheme, random: SeededRandom) {
    this.stage = stage
    this.client = client
    this.scheme = scheme
    this.random = random
  }

  static async open(
    stage: SocketsStage,
    scheme: Scheme,
    random: SeededRandom,
    about = 'a client with credentials',
  ): Promise<Session> {
    const transcript = new Transcript('stun', `${about}, over ${scheme}`, scheme === 'udp' || scheme === 'dtls')
    const judge = stage.judge(transcript, { isStranger: false, isDatagrams: scheme === 'udp' })
    const client = new TurnClient(await connectJudged(stage, judge, scheme, random), MALLORY)
    const session = new Session(stage, client, scheme, random)
    await session.#learnChallenge(judge)
    return session
  }

  get transport(): ClientTransport {
    return this.client.transport
  }

  /** The server has closed the connection, as it may. */
  get isOver(): boolean {
    return isOver(this.transport)
  }

  /** A request that must be answered while the connection is open; null if it is not. */
  async ask(method: number, describe: Describe, options: RequestOptions = {}): Promise<ReceivedMessage | null> {
    const request = this.client.message(method, describe, { transactionId: this.random.nextBytes(12), ...options })
    for (let attempt = 1; !this.isOver; attempt++) {
      try {
        return await this.client.exchange(request, TRY_MILLISECONDS)
      } catch (error) {
        if (attempt === TRY_COUNT && !this.isOver) throw error
      }
    }
    return null
  }

  async allocate(options: AllocateOptions = {}): Promise<void> {
    const answer = await this.ask(METHOD_ALLOCATE, (writer) => describeAllocate(writer, options))
    if (answer === null || answer.code !== 0) return
    this.relay = answer.address(0x0016)
  }

  /** Signs these attributes, whatever they say, and sends them as a request of this method. */
  sendSigned(method: number, attributes: readonly Attribute[], options: RequestOptions = {}): void {
    if (this.isOver) return
    const write: Describe = (writer) => {
      for (const [type, value] of attributes) writer.writeBytes(type, value)
    }
    this.transport.send(this.client.message(method, write, { transactionId: this.random.nextBytes(12), ...options }))
  }

  /** In a stream only what is a whole frame: behind anything else nobody knows where the next one begins, and nothing more is answered. */
  sendFrame(frame: Uint8Array): void {
    const isStream = this.scheme === 'tcp' || this.scheme === 'tls'
    if (this.isOver || (isStream && !isWholeFrame(frame))) return
    this.transport.send(frame)
  }

  /** What was sent before has been dealt with when this resolves. */
  async settle(): Promise<void> {
    await this.ask(0x001, () => {}, { integrity: 'none' })
    for (const frame of this.client.inbox.takeAll()) this.#learn(frame)
  }

  /** Gives everything back: over UDP nobody notices that a client has gone. */
  async close(): Promise<void> {
    if (this.scheme === 'udp') {
      await this.settle()
      await this.ask(METHOD_REFRESH, (writer) => writer.writeUint32(0x000d, 0))
    }
    await this.transport.close()
  }

  async #learnChallenge(judge: Judge): Promise<void> {
    const answer = await this.ask(METHOD_ALLOCATE, describeAllocate, { integrity: 'none' })
    if (answer === null) throw new Error('the connection was closed before anything was sent')
    if (answer.code !== 401 || !answer.has(ATTRIBUTE_NONCE)) throw new Error(`the challenge is a ${answer.code}`)
    this.client.takeChallenge(answer)
    judge.keys = [this.client.key(), this.client.key(MODERN)]
  }

  /** Answers that nobody waits for may hold what later requests name. */
  #learn(frame: Buffer): void {
    if (frame.length < 20 || frame[0] !== 0x01 || frame[1] !== 0x03) return
    for (let at = 20; at + 4 <= frame.length; at += 4 + ((frame.readUInt16BE(at + 2) + 3) & ~3)) {
      if (frame.readUInt16BE(at) === 0x0022) this.tokens.push(frame.subarray(at + 4, at + 12))
    }
  }
}
