// A STUN message that a client of the tests received, with the readings that assertions need. Bytes that are no STUN message throw.
import { TransportAddress } from '../../src/stun/address.js'
import {
  ATTRIBUTE_ERROR_CODE,
  ATTRIBUTE_FINGERPRINT,
  ATTRIBUTE_MESSAGE_INTEGRITY,
  ATTRIBUTE_MESSAGE_INTEGRITY_SHA256,
  CLASS_ERROR,
  methodName,
} from '../../src/stun/constants.js'
import { isFingerprintValid, isMessageIntegritySha256Valid, isMessageIntegrityValid } from '../../src/stun/integrity.js'
import { DECODE_OK, decodeMessage, MessageView } from '../../src/stun/message.js'

export type IntegrityKind = 'none' | 'sha1' | 'sha256'

export class ReceivedMessage {
  readonly bytes: Buffer
  readonly #view = new MessageView()

  constructor(bytes: Buffer) {
    this.bytes = bytes
    const result = decodeMessage(this.#view, bytes, 0, bytes.length)
    if (result !== DECODE_OK) throw new Error(`no STUN message (${result}): ${bytes.toString('hex')}`)
    if (this.#view.fingerprintStart >= 0 && !isFingerprintValid(this.#view)) {
      throw new Error(`wrong FINGERPRINT: ${bytes.toString('hex')}`)
    }
  }

  get method(): string {
    return methodName(this.#view.method)
  }

  get messageClass(): number {
    return this.#view.messageClass
  }

  get transactionId(): string {
    return this.bytes.toString('hex', 8, 20)
  }

  /** The error code of an answer, 0 for a success. */
  get code(): number {
    if (this.messageClass !== CLASS_ERROR) return 0
    return this.#view.readErrorCode(this.#view.find(ATTRIBUTE_ERROR_CODE))
  }

  get reasonPhrase(): string {
    return this.value(ATTRIBUTE_ERROR_CODE).toString('utf8', 4)
  }

  /** Every attribute type, integrity and fingerprint included. */
  get types(): number[] {
    const view = this.#view
    const types = Array.from(view.attributeTypes.subarray(0, view.attributeCount))
    if (view.messageIntegrityStart >= 0) types.push(ATTRIBUTE_MESSAGE_INTEGRITY)
    if (view.messageIntegritySha256Start >= 0) types.push(ATTRIBUTE_MESSAGE_INTEGRITY_SHA256)
    if (view.fingerprintStart >= 0) types.push(ATTRIBUTE_FINGERPRINT)
    return types
  }

  has(type: number): boolean {
    return this.types.includes(type)
  }

  value(type: number): Buffer {
    const index = this.#view.find(type)
    if (index < 0) throw new Error(`${this.method} ${this.code} has no attribute 0x${type.toString(16)}`)
    return Buffer.from(this.#view.readBytes(index))
  }

  text(type: number): string {
    return this.value(type).toString('utf8')
  }

  uint32(type: number): number {
    return this.value(type).readUInt32BE()
  }

  /** The 16-bit numbers of a list (UNKNOWN-ATTRIBUTES). */
  uint16s(type: number): number[] {
    const value = this.value(type)
    return Array.from({ length: value.length / 2 }, (_, index) => value.readUInt16BE(index * 2))
  }

  /** Every address of this type, in order (XOR form). */
  addresses(type: number): TransportAddress[] {
    const found: TransportAddress[] = []
    for (let index = this.#view.find(type); index >= 0; index = this.#view.findNext(type, index)) {
      const address = new TransportAddress()
      if (!this.#view.readXorAddress(index, address)) throw new Error(`malformed address in ${this.method}`)
      found.push(address)
    }
    return found
  }

  address(type: number): TransportAddress {
    const [address] = this.addresses(type)
    if (address === undefined) throw new Error(`${this.method} ${this.code} has no address 0x${type.toString(16)}`)
    return address
  }

  /** The variant of its integrity. Throws if it was not made with this key. */
  integrity(key: Uint8Array | null): IntegrityKind {
    const { messageIntegritySha256Start, messageIntegrityStart } = this.#view
    if (messageIntegritySha256Start < 0 && messageIntegrityStart < 0) return 'none'
    const kind = messageIntegritySha256Start >= 0 ? 'sha256' : 'sha1'
    const isValid = kind === 'sha256' ? isMessageIntegritySha256Valid : isMessageIntegrityValid
    if (key === null || !isValid(this.#view, key)) throw new Error(`wrong integrity in ${this.method} ${this.code}`)
    return kind
  }
}
