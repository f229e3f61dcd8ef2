// Judges what comes back on one connection of the fuzzer, frame by frame: whether a server may say that, to this client, at this length.
import {
  ATTRIBUTE_XOR_MAPPED_ADDRESS,
  CLASS_ERROR,
  CLASS_INDICATION,
  CLASS_REQUEST,
  CLASS_SUCCESS,
  METHOD_BINDING,
  METHOD_CONNECTION_ATTEMPT,
  METHOD_DATA,
} from '../../../src/stun/constants.js'
import {
  isFingerprintValid,
  isMessageIntegritySha256Valid,
  isMessageIntegrityValid,
} from '../../../src/stun/integrity.js'
import { DECODE_OK, decodeMessage, MessageView } from '../../../src/stun/message.js'
import { challengeLengthMax } from '../../support/answer-bounds.js'
import type { Depth } from './depth.js'
import type { Transcript } from './transcript.js'

/** What the unpermitted peer says; it may come back on no connection. */
export const FORBIDDEN_TEXT = 'from the peer whom nobody permits'

/** Requests of one method with one transaction id. */
interface SentRequest {
  /** Of the longest. */
  length: number
  /** Sent, and not answered. */
  count: number
}

export interface JudgeOptions {
  readonly transcript: Transcript
  readonly depth: Depth
  readonly report: (problem: string, transcript: Transcript) => void
  /** Who has no credentials gets little, and no data. */
  readonly isStranger: boolean
  /** Over UDP an answer may go to somebody else. */
  readonly isDatagrams: boolean
}

export class Judge {
  /** Keys of the user by which successes are signed. */
  keys: readonly Uint8Array[] = []
  readonly #options: JudgeOptions
  readonly #view = new MessageView()
  readonly #requests = new Map<string, SentRequest>()
  #lastMapped = ''

  constructor(options: JudgeOptions) {
    this.#options = options
  }

  get transcript(): Transcript {
    return this.#options.transcript
  }

  /** The address that the last success of a Binding told, in hex, as it came; '' before that. */
  get lastMapped(): string {
    return this.#lastMapped
  }

  report(problem: string): void {
    this.#options.report(problem, this.transcript)
  }

  /** A frame or a datagram on its way. */
  sent(bytes: Uint8Array): void {
    this.#options.depth.add('sent')
    const view = this.#view
    if (decodeMessage(view, bytes, 0, bytes.length) !== DECODE_OK || view.messageClass !== CLASS_REQUEST) return
    const id = idOf(bytes, view.method)
    const known = this.#requests.get(id)
    if (known === undefined) this.#requests.set(id, { length: bytes.length, count: 1 })
    else {
      known.length = Math.max(known.length, bytes.length)
      known.count++
    }
  }

  /** Whether it is something that a server may say; what is not has been reported. */
  received(frame: Uint8Array): boolean {
    const problem = this.#problemOf(frame)
    if (problem === null) return true
    this.report(`${problem}: ${Buffer.from(frame).toString('hex').slice(0, 400)}`)
    return false
  }

  #problemOf(frame: Uint8Array): string | null {
    const { depth, isStranger } = this.#options
    if (Buffer.from(frame).includes(FORBIDDEN_TEXT)) return 'data of a peer that is not permitted'
    if (frame.length > 0 && frame[0] >> 6 === 1) {
      depth.add('returned')
      return isStranger ? 'ChannelData to a stranger' : null
    }
    const view = this.#view
    const result = decodeMessage(view, frame, 0, frame.length)
    if (result !== DECODE_OK) return `not STUN (${result})`
    if (view.fingerprintStart >= 0 && !isFingerprintValid(view)) return 'a wrong FINGERPRINT'
    if (view.messageClass === CLASS_REQUEST) return 'a request'
    if (view.messageClass !== CLASS_INDICATION) return this.#problemOfAnswer(frame)
    depth.add('returned')
    if (view.method !== METHOD_DATA && view.method !== METHOD_CONNECTION_ATTEMPT) return 'an indication of no server'
    return isStranger ? 'an indication to a stranger' : null
  }

  #problemOfAnswer(frame: Uint8Array): string | null {
    const { depth, isDatagrams, isStranger } = this.#options
    const view = this.#view
    const request = this.#requests.get(idOf(frame, view.method))
    if (request === undefined || request.count === 0) return 'an answer to nobody’s request'
    request.count--
    depth.add('answered')
    const hasIntegrity = view.messageIntegrityStart >= 0 || view.messageIntegritySha256Start >= 0
    if (hasIntegrity && !this.#isSigned()) return 'an answer with a wrong integrity'
    if (view.messageClass === CLASS_SUCCESS) return this.#problemOfSuccess(frame, hasIntegrity)
    if (view.messageClass === CLASS_ERROR) depth.add(hasIntegrity ? 'refused' : 'challenged')
    const isTooLong = isDatagrams && !hasIntegrity && frame.length > challengeLengthMax(request.length)
    if (isTooLong) return `${frame.length} bytes to a stranger for ${request.length}`
    return isStranger && hasIntegrity ? 'an answer with integrity to a stranger' : null
  }

  #problemOfSuccess(frame: Uint8Array, hasIntegrity: boolean): string | null {
    const view = this.#view
    if (view.method === METHOD_BINDING) {
      this.#lastMapped = Buffer.from(view.readBytes(view.find(ATTRIBUTE_XOR_MAPPED_ADDRESS))).toString('hex')
      return frame.length <= 52 || hasIntegrity ? null : `${frame.length} bytes of a Binding`
    }
    if (!hasIntegrity || this.#options.isStranger) return 'a success without a right password'
    this.#options.depth.add('succeeded')
    return null
  }

  #isSigned(): boolean {
    const view = this.#view
    const isValid = view.messageIntegritySha256Start >= 0 ? isMessageIntegritySha256Valid : isMessageIntegrityValid
    return this.keys.some((key) => isValid(view, key))
  }
}

function idOf(message: Uint8Array, method: number): string {
  return `${method} ${Buffer.from(message).toString('hex', 8, 20)}`
}
