// What the server reads of a ClientHello before it knows the client (RFC 6347 §4.2.1). Nothing else is looked at: OpenSSL reads the rest.
//
//   client_version 2 | random 32 | session_id 1 + n | cookie 1 + n | …
import {
  EPOCH_AT,
  HANDSHAKE_CLIENT_HELLO,
  HANDSHAKE_HEADER_LENGTH,
  RECORD_HANDSHAKE,
  RECORD_HEADER_LENGTH,
  readUint16,
  readUint24,
  VERSION_MAJOR,
} from './record.js'

const MESSAGE_LENGTH_AT = RECORD_HEADER_LENGTH + 1
const MESSAGE_SEQUENCE_AT = RECORD_HEADER_LENGTH + 4
const FRAGMENT_OFFSET_AT = RECORD_HEADER_LENGTH + 6
const FRAGMENT_LENGTH_AT = RECORD_HEADER_LENGTH + 9
const BODY_AT = RECORD_HEADER_LENGTH + HANDSHAKE_HEADER_LENGTH
const RANDOM_AT = 2
export const RANDOM_LENGTH = 32
const SESSION_ID_LENGTH_MAX = 32
/** The first ClientHello has 0, the one that answers a HelloVerifyRequest 1. */
const MESSAGE_SEQUENCE_MAX = 1

/** Is the first record in plain text, and a (fragment of a) ClientHello? Whole records only. */
export function isClientHello(bytes: Uint8Array, start: number, end: number): boolean {
  return (
    bytes[start] === RECORD_HANDSHAKE &&
    readUint16(bytes, start + EPOCH_AT) === 0 &&
    end - start >= BODY_AT &&
    bytes[start + RECORD_HEADER_LENGTH] === HANDSHAKE_CLIENT_HELLO
  )
}

/** Is it a fragment that does not hold the beginning? */
export function isLaterFragment(bytes: Uint8Array, start: number): boolean {
  return readUint24(bytes, start + FRAGMENT_OFFSET_AT) !== 0
}

export class ClientHello {
  bytes: Uint8Array = new Uint8Array(0)
  /** Of the record. */
  start = 0
  random = 0
  cookie = 0
  cookieLength = 0

  /**
   * Reads the record [start, end), of which isClientHello is true. The message may go on in other fragments, if this one holds the cookie
   * whole. Returns false if it is no such message.
   */
  decode(bytes: Uint8Array, start: number, end: number): boolean {
    const body = start + BODY_AT
    const fragmentLength = readUint24(bytes, start + FRAGMENT_LENGTH_AT)
    const fragmentEnd = body + fragmentLength
    if (
      fragmentEnd > end ||
      fragmentLength > readUint24(bytes, start + MESSAGE_LENGTH_AT) ||
      isLaterFragment(bytes, start) ||
      readUint16(bytes, start + MESSAGE_SEQUENCE_AT) > MESSAGE_SEQUENCE_MAX
    )
      return false
    const sessionId = body + RANDOM_AT + RANDOM_LENGTH
    if (sessionId >= fragmentEnd || bytes[body] !== VERSION_MAJOR || bytes[sessionId] > SESSION_ID_LENGTH_MAX)
      return false
    const cookie = sessionId + 1 + bytes[sessionId]
    if (cookie >= fragmentEnd || cookie + 1 + bytes[cookie] > fragmentEnd) return false
    this.bytes = bytes
    this.start = start
    this.random = body + RANDOM_AT
    this.cookie = cookie + 1
    this.cookieLength = bytes[cookie]
    return true
  }
}
