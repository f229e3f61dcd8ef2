// What a TURN client says to set up an allocation: the 401 dance, CreatePermission, ChannelBind (RFC 8656 §7, §9, §11), as
// generators that yield a request and are resumed with its answer. Whoever carries them decides how: one after the other
// (turn-client.ts), or those of thousands of clients side by side (generator/dialogues.ts).
import { randomFillSync } from 'node:crypto'
import { md5Key } from '../src/auth/credentials.js'
import { TransportAddress } from '../src/stun/address.js'
import {
  ATTRIBUTE_CHANNEL_NUMBER,
  ATTRIBUTE_ERROR_CODE,
  ATTRIBUTE_LIFETIME,
  ATTRIBUTE_NONCE,
  ATTRIBUTE_REALM,
  ATTRIBUTE_REQUESTED_TRANSPORT,
  ATTRIBUTE_USERNAME,
  ATTRIBUTE_XOR_PEER_ADDRESS,
  ATTRIBUTE_XOR_RELAYED_ADDRESS,
  CLASS_REQUEST,
  CLASS_SUCCESS,
  ERROR_ALLOCATION_MISMATCH,
  ERROR_UNAUTHENTICATED,
  METHOD_ALLOCATE,
  METHOD_CHANNEL_BIND,
  METHOD_CREATE_PERMISSION,
  METHOD_REFRESH,
  methodName,
  TRANSPORT_PROTOCOL_UDP,
} from '../src/stun/constants.js'
import { DECODE_OK, decodeMessage, MessageView } from '../src/stun/message.js'
import { MessageWriter } from '../src/stun/writer.js'

const LIFETIME_SECONDS = 3600
const REQUEST_LENGTH_MAX = 1024

export interface ClientUser {
  readonly username: string
  readonly password: string
}

/** Yields requests, is resumed with their answers, and returns what came of it. The bytes are good until any dialogue's next step. */
export type Dialogue<Result = void> = Generator<Uint8Array, Result, Uint8Array>

// Between two steps nobody else speaks, so all dialogues share these.
const view = new MessageView()
const writer = new MessageWriter()
const request = new Uint8Array(REQUEST_LENGTH_MAX)
const transactionId = new Uint8Array(12)

export class TurnDialogue {
  /** Where peers reach the client, after allocate(). */
  readonly relayedTransportAddress = new TransportAddress()
  readonly #user: ClientUser
  #key: Uint8Array | null = null
  #realm = ''
  #nonce: Uint8Array = new Uint8Array(0)

  constructor(user: ClientUser) {
    this.#user = user
  }

  /** Returns false if the server has an allocation for this 5-tuple already. */
  *allocate(): Dialogue<boolean> {
    const describe = (writer: MessageWriter) => {
      writer.writeUint32(ATTRIBUTE_REQUESTED_TRANSPORT, TRANSPORT_PROTOCOL_UDP << 24)
      writer.writeUint32(ATTRIBUTE_LIFETIME, LIFETIME_SECONDS)
    }
    const challenge = yield* this.#ask(METHOD_ALLOCATE, describe)
    if (errorCode(challenge) === ERROR_ALLOCATION_MISMATCH) return false
    this.#learnChallenge(challenge)
    const answer = yield* this.#askExpectingSuccess(METHOD_ALLOCATE, describe)
    if (!answer.readXorAddress(answer.find(ATTRIBUTE_XOR_RELAYED_ADDRESS), this.relayedTransportAddress)) {
      throw new Error('Allocate was answered without XOR-RELAYED-ADDRESS')
    }
    return true
  }

  *createPermission(peer: TransportAddress): Dialogue {
    yield* this.#askExpectingSuccess(METHOD_CREATE_PERMISSION, (writer) => {
      writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peer)
    })
  }

  *bindChannel(channelNumber: number, peer: TransportAddress): Dialogue {
    yield* this.#askExpectingSuccess(METHOD_CHANNEL_BIND, (writer) => {
      writer.writeUint32(ATTRIBUTE_CHANNEL_NUMBER, channelNumber << 16)
      writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peer)
    })
  }

  /** Deletes the allocation. */
  *release(): Dialogue {
    yield* this.#askExpectingSuccess(METHOD_REFRESH, (writer) => {
      writer.writeUint32(ATTRIBUTE_LIFETIME, 0)
    })
  }

  #learnChallenge(answer: MessageView): void {
    if (errorCode(answer) !== ERROR_UNAUTHENTICATED) throw new Error(`no 401 to the first Allocate: ${outcome(answer)}`)
    this.#realm = answer.readText(answer.find(ATTRIBUTE_REALM))
    this.#nonce = answer.readBytes(answer.find(ATTRIBUTE_NONCE)).slice()
    this.#key = md5Key(this.#user.username, this.#realm, this.#user.password)
  }

  *#askExpectingSuccess(method: number, describe: (writer: MessageWriter) => void): Dialogue<MessageView> {
    const answer = yield* this.#ask(method, describe)
    if (answer.messageClass !== CLASS_SUCCESS) throw new Error(`${methodName(method)}: ${outcome(answer)}`)
    return answer
  }

  *#ask(method: number, describe: (writer: MessageWriter) => void): Dialogue<MessageView> {
    randomFillSync(transactionId)
    writer.begin(request, 0, CLASS_REQUEST, method, transactionId, 0)
    describe(writer)
    if (this.#key !== null) {
      writer.writeText(ATTRIBUTE_USERNAME, this.#user.username)
      writer.writeText(ATTRIBUTE_REALM, this.#realm)
      writer.writeBytes(ATTRIBUTE_NONCE, this.#nonce)
      writer.writeMessageIntegrity(this.#key)
    }
    const answer = yield request.subarray(0, writer.finish())
    if (decodeMessage(view, answer, 0, answer.length) !== DECODE_OK) {
      throw new Error(`the answer to ${methodName(method)} is no STUN message`)
    }
    return view
  }
}

function errorCode(answer: MessageView): number {
  return answer.readErrorCode(answer.find(ATTRIBUTE_ERROR_CODE))
}

function outcome(answer: MessageView): string {
  return answer.messageClass === CLASS_SUCCESS ? 'success' : `error ${errorCode(answer)}`
}
