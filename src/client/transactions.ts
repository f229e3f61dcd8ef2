// Requests that wait for their answers (RFC 8489 §6.2): sent again over UDP and DTLS, matched by transaction id, ended by an answer, a deadline or
// a fault. What matches no request is somebody else's, and ignored.
import { randomBytes } from 'node:crypto'
import {
  CLIENT_ANSWER_MILLISECONDS_MAX,
  CLIENT_PENDING_COUNT_MAX,
  CLIENT_RETRANSMIT_MILLISECONDS,
  CLIENT_TRANSMISSION_COUNT_MAX,
} from '../limits/clients.js'
import { CLASS_ERROR, CLASS_SUCCESS, methodName, TRANSACTION_ID_LENGTH } from '../stun/constants.js'
import { DECODE_OK, decodeMessage, MessageView } from '../stun/message.js'
import { ClientError } from './client-error.js'
import type { ClientTransport } from './transport.js'

/** What becomes of an answer: it is taken, or dropped because its integrity is wrong (RFC 8489 §9.2.5). */
export type Verdict = 'taken' | 'forged'

export interface Request {
  readonly method: number
  readonly bytes: Uint8Array
  readonly judge: (answer: MessageView) => Verdict
  readonly answerMilliseconds?: number
}

/** A request and its answer. */
export interface Exchange {
  readonly answer: MessageView
  readonly requestLength: number
  readonly answerLength: number
  /** From the first transmission, which is what a client waits: too long where that one was lost (`transmissionCount`), and never too short. */
  readonly roundTripMilliseconds: number
  readonly transmissionCount: number
}

interface Pending {
  readonly request: Request
  readonly resolve: (exchange: Exchange) => void
  readonly reject: (error: ClientError) => void
  deadline: NodeJS.Timeout
  retransmission: NodeJS.Timeout | undefined
  transmissionCount: number
  readonly sentAt: number
  forgedCount: number
}

export function newTransactionId(): Uint8Array {
  return randomBytes(TRANSACTION_ID_LENGTH)
}

export class Transactions {
  readonly #transport: ClientTransport
  /** By transaction id, in hex. */
  readonly #pending = new Map<string, Pending>()

  constructor(transport: ClientTransport) {
    this.#transport = transport
  }

  /** Sends the request. Rejects with a ClientError `no-answer`, `wrong-integrity`, or what failAll() is given. */
  run(request: Request): Promise<Exchange> {
    return new Promise((resolve, reject) => {
      if (this.#pending.size >= CLIENT_PENDING_COUNT_MAX) {
        reject(new ClientError('no-answer', `${CLIENT_PENDING_COUNT_MAX} requests wait for an answer already`))
        return
      }
      const id = transactionIdOf(request.bytes)
      const milliseconds = request.answerMilliseconds ?? CLIENT_ANSWER_MILLISECONDS_MAX
      const pending: Pending = {
        ...{ request, resolve, reject, retransmission: undefined, transmissionCount: 0, forgedCount: 0 },
        sentAt: performance.now(),
        deadline: setTimeout(() => this.#expire(id, milliseconds), milliseconds),
      }
      this.#pending.set(id, pending)
      this.#transmit(id, pending)
    })
  }

  /** An answer of the server's: true if a request waits for it. The frame's memory is kept. */
  handleAnswer(frame: Uint8Array): boolean {
    const id = transactionIdOf(frame)
    const pending = this.#pending.get(id)
    if (pending === undefined) return false
    const answer = new MessageView()
    if (decodeMessage(answer, frame, 0, frame.length) !== DECODE_OK) return false
    const isAnswer = answer.messageClass === CLASS_SUCCESS || answer.messageClass === CLASS_ERROR
    if (!isAnswer || answer.method !== pending.request.method) return false
    if (pending.request.judge(answer) === 'forged') {
      pending.forgedCount++
      // Another one may follow over UDP, where anybody can write; over a stream it came from the server.
      if (this.#transport.isReliable) this.#settle(id)?.reject(forged(pending))
      return true
    }
    this.#settle(id)
    pending.resolve({
      answer,
      requestLength: pending.request.bytes.length,
      answerLength: frame.length,
      roundTripMilliseconds: performance.now() - pending.sentAt,
      transmissionCount: pending.transmissionCount,
    })
    return true
  }

  failAll(error: ClientError): void {
    for (const id of [...this.#pending.keys()]) this.#settle(id)?.reject(error)
  }

  #transmit(id: string, pending: Pending): void {
    pending.transmissionCount++
    this.#transport.send(pending.request.bytes)
    // A transport may have the answer at once.
    if (this.#pending.get(id) !== pending) return
    if (this.#transport.isReliable || pending.transmissionCount >= CLIENT_TRANSMISSION_COUNT_MAX) return
    const wait = CLIENT_RETRANSMIT_MILLISECONDS * 2 ** (pending.transmissionCount - 1)
    pending.retransmission = setTimeout(() => this.#transmit(id, pending), wait)
  }

  #expire(id: string, milliseconds: number): void {
    const pending = this.#settle(id)
    if (pending === undefined) return
    if (pending.forgedCount > 0) {
      pending.reject(forged(pending))
      return
    }
    const { method } = pending.request
    const where = `${this.#transport.kind.toUpperCase()} ${this.#transport.remoteAddress}`
    pending.reject(
      new ClientError('no-answer', `${where}: no answer to ${methodName(method)} within ${milliseconds / 1000} s`),
    )
  }

  #settle(id: string): Pending | undefined {
    const pending = this.#pending.get(id)
    if (pending === undefined) return undefined
    this.#pending.delete(id)
    clearTimeout(pending.deadline)
    clearTimeout(pending.retransmission)
    return pending
  }
}

function forged({ request }: Pending): ClientError {
  const sentence = `the answer to ${methodName(request.method)} was not made with the key of this password`
  return new ClientError('wrong-integrity', sentence)
}

function transactionIdOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + 8, TRANSACTION_ID_LENGTH).toString('hex')
}
