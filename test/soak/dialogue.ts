// What clients of the soak say, as generators that yield a frame and are resumed with what it brings about: a request with its answer, ChannelData
// with its echo. Whoever carries them (lanes.ts) sends frames again that get lost.
import { randomBytes } from 'node:crypto'
import { TransportAddress } from '../../src/stun/address.js'
import { writeChannelDataHeader } from '../../src/stun/channel-data.js'
import {
  ATTRIBUTE_CHANNEL_NUMBER,
  ATTRIBUTE_ERROR_CODE,
  ATTRIBUTE_LIFETIME,
  ATTRIBUTE_NONCE,
  ATTRIBUTE_RESERVATION_TOKEN,
  ATTRIBUTE_XOR_PEER_ADDRESS,
  ATTRIBUTE_XOR_RELAYED_ADDRESS,
  CLASS_SUCCESS,
  ERROR_STALE_NONCE,
  ERROR_UNAUTHENTICATED,
  METHOD_ALLOCATE,
  METHOD_CHANNEL_BIND,
  METHOD_CREATE_PERMISSION,
  METHOD_REFRESH,
} from '../../src/stun/constants.js'
import { DECODE_OK, decodeMessage, MessageView } from '../../src/stun/message.js'
import type { MessageWriter } from '../../src/stun/writer.js'
import { encodeRequest, keyOf, REALM, type RequestCredential, type User } from '../support/request-encoder.js'
import { type AllocateOptions, describeAllocate } from '../support/turn-requests.js'

/** A frame and the host that sends it. */
export interface Said {
  readonly host: number
  readonly bytes: Uint8Array
}

/** Yields frames, and returns what came of it. */
export type Dialogue<Result = void> = Generator<Said, Result, Uint8Array>

export const SOAK_USER: User = { username: 'soak', password: 'soak' }
export const SOAK_REALM = REALM
const KEY = keyOf(SOAK_USER, 'sha1')
const CHALLENGE_COUNT_MAX = 4
const TRANSACTION_ID_LENGTH = 12

const transactionId = randomBytes(TRANSACTION_ID_LENGTH)
const answer = new MessageView()

/** One client: its nonce, and the allocation that it has. */
export class SoakClient {
  /** In 127.0.0.0/8, as a word. */
  readonly host: number
  /** IPv4's first. Ports are 0 where the family is not there. */
  readonly relayed = [new TransportAddress(), new TransportAddress()] as const
  token: Uint8Array | null = null
  /** Challenges that it was answered with. */
  challengeCount = 0
  #credential: RequestCredential | null = null

  constructor(host: number) {
    this.host = host
  }

  /** Each returns the error code of the answer, 0 for success. */
  *allocate(options: AllocateOptions = {}): Dialogue<number> {
    const code = yield* this.#ask(METHOD_ALLOCATE, (writer) => describeAllocate(writer, options))
    for (const relayed of this.relayed) relayed.port = 0
    this.token = null
    if (code !== 0) return code
    const first = answer.find(ATTRIBUTE_XOR_RELAYED_ADDRESS)
    for (let index = first; index < answer.attributeCount; index++) {
      if (answer.attributeTypes[index] !== ATTRIBUTE_XOR_RELAYED_ADDRESS) continue
      const address = new TransportAddress()
      answer.readXorAddress(index, address)
      this.relayed[address.family === 4 ? 0 : 1].copyFrom(address)
    }
    const token = answer.find(ATTRIBUTE_RESERVATION_TOKEN)
    if (token >= 0) this.token = answer.readBytes(token).slice()
    return 0
  }

  *createPermission(...peers: readonly TransportAddress[]): Dialogue<number> {
    return yield* this.#ask(METHOD_CREATE_PERMISSION, (writer) => {
      for (const peer of peers) writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peer)
    })
  }

  *bindChannel(channelNumber: number, peer: TransportAddress): Dialogue<number> {
    return yield* this.#ask(METHOD_CHANNEL_BIND, (writer) => {
      writer.writeUint32(ATTRIBUTE_CHANNEL_NUMBER, channelNumber << 16)
      writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peer)
    })
  }

  *refresh(lifetimeSeconds: number): Dialogue<number> {
    return yield* this.#ask(METHOD_REFRESH, (writer) => writer.writeUint32(ATTRIBUTE_LIFETIME, lifetimeSeconds))
  }

  /** Sends ChannelData, and is resumed when the same has come back. */
  *echo(channelNumber: number, payload: Uint8Array): Dialogue {
    yield { host: this.host, bytes: channelData(channelNumber, payload) }
  }

  /** The 401 dance (RFC 8489 §9.2), where there is no nonce or an old one, and the request. */
  *#ask(method: number, write: (writer: MessageWriter) => unknown): Dialogue<number> {
    for (let attempt = 0; attempt < CHALLENGE_COUNT_MAX; attempt++) {
      const request = encodeRequest(method, nextTransactionId(), write, this.#credential, false)
      const bytes = yield { host: this.host, bytes: request }
      if (decodeMessage(answer, bytes, 0, bytes.length) !== DECODE_OK) throw new Error('the answer is no STUN message')
      if (answer.messageClass === CLASS_SUCCESS) return 0
      const code = answer.readErrorCode(answer.find(ATTRIBUTE_ERROR_CODE))
      const isChallenge = code === ERROR_STALE_NONCE || (code === ERROR_UNAUTHENTICATED && this.#credential === null)
      if (!isChallenge) return code
      this.challengeCount++
      const nonce = answer.readText(answer.find(ATTRIBUTE_NONCE))
      this.#credential = { username: SOAK_USER.username, key: KEY, nonce, integrity: 'sha1' }
    }
    throw new Error('the server challenges again and again')
  }
}

export function channelData(channelNumber: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(4 + payload.length)
  writeChannelDataHeader(frame, 0, channelNumber, payload.length)
  frame.set(payload, 4)
  return frame
}

/** Ends a dialogue that must succeed. */
export function* mustSucceed(what: string, dialogue: Dialogue<number>): Dialogue {
  const code = yield* dialogue
  if (code !== 0) throw new Error(`${what} was answered with ${code}`)
}

/** One after the other: unique in this process, and in no other one's. */
function nextTransactionId(): Uint8Array {
  for (let at = TRANSACTION_ID_LENGTH - 1; at >= 0; at--) {
    transactionId[at] = (transactionId[at] + 1) & 0xff
    if (transactionId[at] !== 0) break
  }
  return transactionId
}
