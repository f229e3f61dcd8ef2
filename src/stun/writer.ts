// Encodes a STUN message into a buffer of the caller's (RFC 8489 §5, §14), attribute by attribute, in the order of the calls.
// The header's length is right after every call, so integrity and fingerprint can be added at any point. Padding bytes are zero.
// A message that does not fit throws: buffers are sized for the longest answer, so that is a mistake in this program.
import { FAMILY_IPV6, type TransportAddress } from './address.js'
import {
  ADDRESS_FAMILY_IPV4,
  ADDRESS_FAMILY_IPV6,
  ATTRIBUTE_ADDRESS_ERROR_CODE,
  ATTRIBUTE_ERROR_CODE,
  ATTRIBUTE_FINGERPRINT,
  ATTRIBUTE_HEADER_LENGTH,
  ATTRIBUTE_ICMP,
  ATTRIBUTE_MESSAGE_INTEGRITY,
  ATTRIBUTE_MESSAGE_INTEGRITY_SHA256,
  ATTRIBUTE_PASSWORD_ALGORITHMS,
  ATTRIBUTE_UNKNOWN_ATTRIBUTES,
  HEADER_LENGTH,
  MAGIC_COOKIE,
  TRANSACTION_ID_LENGTH,
} from './constants.js'
import {
  fingerprint,
  MESSAGE_INTEGRITY_LENGTH,
  MESSAGE_INTEGRITY_SHA256_LENGTH,
  messageIntegrity,
  messageIntegritySha256,
} from './integrity.js'

const textEncoder = new TextEncoder()

/** Writes one message at a time: `begin`, then attributes, then `finish`. */
export class MessageWriter {
  bytes: Uint8Array = new Uint8Array(0)
  start = 0
  end = 0

  /** Starts a message at `start`; the transaction id is copied from 12 bytes of another message, or of a client's own. */
  begin(
    bytes: Uint8Array,
    start: number,
    messageClass: number,
    method: number,
    transactionIdBytes: Uint8Array,
    transactionIdStart: number,
  ): this {
    if (start + HEADER_LENGTH > bytes.length) throw new RangeError('STUN header does not fit its buffer')
    this.bytes = bytes
    this.start = start
    this.end = start + HEADER_LENGTH
    const classBits = ((messageClass & 2) << 7) | ((messageClass & 1) << 4)
    const methodBits = ((method & 0xf80) << 2) | ((method & 0x070) << 1) | (method & 0x00f)
    this.putUint16(start, methodBits | classBits)
    this.putUint16(start + 2, 0)
    this.putWord(start + 4, MAGIC_COOKIE)
    for (let index = 0; index < TRANSACTION_ID_LENGTH; index++) {
      bytes[start + 8 + index] = transactionIdBytes[transactionIdStart + index]
    }
    return this
  }

  /** Starts a message of RFC 3489 §11.1: the transaction id is 16 bytes of another one. */
  beginLegacy(
    bytes: Uint8Array,
    start: number,
    messageClass: number,
    method: number,
    transactionIdBytes: Uint8Array,
    transactionIdStart: number,
  ): this {
    this.begin(bytes, start, messageClass, method, transactionIdBytes, transactionIdStart + 4)
    for (let index = 0; index < 4; index++) bytes[start + 4 + index] = transactionIdBytes[transactionIdStart + index]
    return this
  }

  /**
   * Writes type, length and zero padding, and moves `end` past the value. Returns where the value goes: the caller puts it there,
   * or has it there already (a payload received with headroom before it).
   */
  writeAttributeHeader(type: number, length: number): number {
    const attributeStart = this.end
    const at = attributeStart + ATTRIBUTE_HEADER_LENGTH
    const next = at + ((length + 3) & ~3)
    if (next > this.bytes.length || next - this.start - HEADER_LENGTH > 0xffff) {
      throw new RangeError(`STUN attribute 0x${type.toString(16)} of ${length} bytes does not fit its message`)
    }
    this.putUint16(attributeStart, type)
    this.putUint16(attributeStart + 2, length)
    for (let offset = at + length; offset < next; offset++) this.bytes[offset] = 0
    this.end = next
    this.putUint16(this.start + 2, next - this.start - HEADER_LENGTH)
    return at
  }

  writeBytes(type: number, source: Uint8Array, sourceStart = 0, sourceEnd = source.length): this {
    const at = this.writeAttributeHeader(type, sourceEnd - sourceStart)
    // A source that is a part of a larger receive buffer costs one small view; a loop wins for what is short.
    if (sourceEnd - sourceStart > 64) this.bytes.set(source.subarray(sourceStart, sourceEnd), at)
    else for (let index = sourceStart; index < sourceEnd; index++) this.bytes[at + index - sourceStart] = source[index]
    return this
  }

  /** A value whose bytes do not matter (PADDING, RFC 5780 §7.6). */
  writeZeros(type: number, length: number): this {
    const at = this.writeAttributeHeader(type, length)
    this.bytes.fill(0, at, at + length)
    return this
  }

  /** Writes text as UTF-8. */
  writeText(type: number, text: string): this {
    return this.writeBytes(type, textEncoder.encode(text))
  }

  /** A value of one byte (EVEN-PORT): length 1 and three bytes of padding. */
  writeUint8(type: number, value: number): this {
    this.bytes[this.writeAttributeHeader(type, 1)] = value
    return this
  }

  writeUint16(type: number, value: number): this {
    this.putUint16(this.writeAttributeHeader(type, 2), value)
    return this
  }

  writeUint32(type: number, value: number): this {
    this.putWord(this.writeAttributeHeader(type, 4), value)
    return this
  }

  /** An attribute without a value (DONT-FRAGMENT). */
  writeEmpty(type: number): this {
    this.writeAttributeHeader(type, 0)
    return this
  }

  /** The form of XOR-MAPPED-ADDRESS (RFC 8489 §14.2). */
  writeXorAddress(type: number, address: TransportAddress): this {
    const at = this.writeAddressHead(type, address, address.port ^ (MAGIC_COOKIE >>> 16))
    this.putWord(at, address.word0 ^ MAGIC_COOKIE)
    if (address.family !== FAMILY_IPV6) return this
    const id = this.start + 8
    this.putWord(at + 4, address.word1 ^ this.wordAt(id))
    this.putWord(at + 8, address.word2 ^ this.wordAt(id + 4))
    this.putWord(at + 12, address.word3 ^ this.wordAt(id + 8))
    return this
  }

  /** The form of MAPPED-ADDRESS (RFC 8489 §14.1). */
  writeAddress(type: number, address: TransportAddress): this {
    const at = this.writeAddressHead(type, address, address.port)
    this.putWord(at, address.word0)
    if (address.family !== FAMILY_IPV6) return this
    this.putWord(at + 4, address.word1)
    this.putWord(at + 8, address.word2)
    this.putWord(at + 12, address.word3)
    return this
  }

  /** ERROR-CODE (RFC 8489 §14.8): `code` is 300–699. */
  writeErrorCode(code: number, reason = ''): this {
    return this.writeError(ATTRIBUTE_ERROR_CODE, 0, code, reason)
  }

  /** ADDRESS-ERROR-CODE (RFC 8656 §18.12): why the allocation has no address of this family. */
  writeAddressErrorCode(family: 4 | 6, code: number, reason = ''): this {
    return this.writeError(ATTRIBUTE_ADDRESS_ERROR_CODE, familyCode(family), code, reason)
  }

  /** UNKNOWN-ATTRIBUTES (RFC 8489 §14.13). */
  writeUnknownAttributes(types: readonly number[]): this {
    const at = this.writeAttributeHeader(ATTRIBUTE_UNKNOWN_ATTRIBUTES, types.length * 2)
    for (let index = 0; index < types.length; index++) this.putUint16(at + index * 2, types[index])
    return this
  }

  /** REQUESTED- and ADDITIONAL-ADDRESS-FAMILY (RFC 8656 §18.6, §18.11): the family's code and three reserved bytes. */
  writeFamily(type: number, family: 4 | 6): this {
    return this.writeUint32(type, familyCode(family) << 24)
  }

  /** PASSWORD-ALGORITHMS (RFC 8489 §14.11); none of the registered algorithms has parameters. */
  writePasswordAlgorithms(algorithms: readonly number[]): this {
    const at = this.writeAttributeHeader(ATTRIBUTE_PASSWORD_ALGORITHMS, algorithms.length * 4)
    for (let index = 0; index < algorithms.length; index++) this.putWord(at + index * 4, algorithms[index] << 16)
    return this
  }

  /** ICMP (RFC 8656 §18.13): 16 reserved bits, 7 of type, 9 of code, 32 of data. */
  writeIcmp(icmpType: number, icmpCode: number, data: number): this {
    const at = this.writeAttributeHeader(ATTRIBUTE_ICMP, 8)
    this.putWord(at, ((icmpType & 0x7f) << 9) | (icmpCode & 0x1ff))
    this.putWord(at + 4, data)
    return this
  }

  writeMessageIntegrity(key: Uint8Array): this {
    const attributeStart = this.end
    const at = this.writeAttributeHeader(ATTRIBUTE_MESSAGE_INTEGRITY, MESSAGE_INTEGRITY_LENGTH)
    this.bytes.set(messageIntegrity(key, this.bytes, this.start, attributeStart), at)
    return this
  }

  /** `length` is 16–32 and a multiple of 4 (RFC 8489 §14.6). */
  writeMessageIntegritySha256(key: Uint8Array, length = MESSAGE_INTEGRITY_SHA256_LENGTH): this {
    const attributeStart = this.end
    const at = this.writeAttributeHeader(ATTRIBUTE_MESSAGE_INTEGRITY_SHA256, length)
    this.bytes.set(messageIntegritySha256(key, this.bytes, this.start, attributeStart, length), at)
    return this
  }

  /** Must be the last attribute (RFC 8489 §14.7). */
  writeFingerprint(): this {
    const attributeStart = this.end
    const at = this.writeAttributeHeader(ATTRIBUTE_FINGERPRINT, 4)
    this.putWord(at, fingerprint(this.bytes, this.start, attributeStart))
    return this
  }

  /**
   * Ends the message with the header of an attribute whose value of `length` bytes, and its padding, the caller sends from elsewhere
   * (DATA of an indication: the payload is never copied). Returns where the header ends.
   */
  finishBeforeValue(type: number, length: number): number {
    const at = this.end
    if (at + ATTRIBUTE_HEADER_LENGTH > this.bytes.length) throw new RangeError('STUN header does not fit its buffer')
    this.putUint16(at, type)
    this.putUint16(at + 2, length)
    this.end = at + ATTRIBUTE_HEADER_LENGTH
    this.putUint16(this.start + 2, this.end + ((length + 3) & ~3) - this.start - HEADER_LENGTH)
    return this.end
  }

  /** Where the message ends. */
  finish(): number {
    return this.end
  }

  /** Header, family and port of an address attribute. Returns where the address goes. */
  private writeAddressHead(type: number, address: TransportAddress, port: number): number {
    const isIPv6 = address.family === FAMILY_IPV6
    const at = this.writeAttributeHeader(type, isIPv6 ? 20 : 8)
    this.bytes[at] = 0
    this.bytes[at + 1] = isIPv6 ? ADDRESS_FAMILY_IPV6 : ADDRESS_FAMILY_IPV4
    this.putUint16(at + 2, port)
    return at + 4
  }

  private writeError(type: number, firstByte: number, code: number, reason: string): this {
    const reasonBytes = textEncoder.encode(reason)
    const at = this.writeAttributeHeader(type, 4 + reasonBytes.length)
    this.bytes[at] = firstByte
    this.bytes[at + 1] = 0
    this.bytes[at + 2] = Math.trunc(code / 100)
    this.bytes[at + 3] = code % 100
    this.bytes.set(reasonBytes, at + 4)
    return this
  }

  private putUint16(at: number, value: number): void {
    this.bytes[at] = value >> 8
    this.bytes[at + 1] = value
  }

  private putWord(at: number, word: number): void {
    this.bytes[at] = word >> 24
    this.bytes[at + 1] = word >> 16
    this.bytes[at + 2] = word >> 8
    this.bytes[at + 3] = word
  }

  private wordAt(at: number): number {
    const bytes = this.bytes
    return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]
  }
}

function familyCode(family: 4 | 6): number {
  return family === 6 ? ADDRESS_FAMILY_IPV6 : ADDRESS_FAMILY_IPV4
}
