// The record and handshake headers of DTLS 1.2 (RFC 6347 §4.1, §4.2.2).
//
//   record     | type 1 | version 2 | epoch 2 | sequence 6 | length 2 |
//   handshake                                                         | type 1 | length 3 | message_seq 2 | offset 3 | fragment length 3 |

export const RECORD_HEADER_LENGTH = 13
export const HANDSHAKE_HEADER_LENGTH = 12
export const VERSION_AT = 1
export const EPOCH_AT = 3
const LENGTH_AT = 11

export const RECORD_HANDSHAKE = 22
export const HANDSHAKE_CLIENT_HELLO = 1
export const HANDSHAKE_HELLO_VERIFY_REQUEST = 3
/** 254 is 1's complement of 1: every version of DTLS so far begins with it. */
export const VERSION_MAJOR = 254

/** The longest content of a record (RFC 6347 §4.1), and what OpenSSL grants to its encryption. */
export const PLAINTEXT_LENGTH_MAX = 16_384
export const RECORD_LENGTH_MAX = RECORD_HEADER_LENGTH + PLAINTEXT_LENGTH_MAX + 320

/**
 * The explicit nonce and the tag of AES-GCM, the only cipher that is offered (RFC 5288 §3). OpenSSL drops a forged record without a word, as it
 * should, unless it is shorter than that: such a record is the end of the session, and anybody could send it.
 */
const ENCRYPTED_LENGTH_MIN = 24

/** The types of TLS records: RFC 7983 gives 20–63 to DTLS. */
const TYPE_MIN = 20
const TYPE_MAX = 63

export function readUint16(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1]
}

export function readUint24(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2]
}

/** The end of the record at `start`, or 0 if there is no whole one. */
export function recordEnd(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < RECORD_HEADER_LENGTH) return 0
  const type = bytes[start]
  if (type < TYPE_MIN || type > TYPE_MAX || bytes[start + VERSION_AT] !== VERSION_MAJOR) return 0
  const next = start + RECORD_HEADER_LENGTH + readUint16(bytes, start + LENGTH_AT)
  return next > end ? 0 : next
}

/** Is all of it records as a client writes them, which OpenSSL may see? */
export function areRecords(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start
  while (at < end) {
    const next = recordEnd(bytes, at, end)
    const isEncrypted = readUint16(bytes, at + EPOCH_AT) !== 0
    if (next === 0 || (isEncrypted && next - at < RECORD_HEADER_LENGTH + ENCRYPTED_LENGTH_MIN)) return false
    at = next
  }
  return start < end
}

/** The end of those of these records that come before the first encrypted one. */
export function clearEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end && readUint16(bytes, at + EPOCH_AT) === 0) at = recordEnd(bytes, at, end)
  return at
}

/** How many of these records are encrypted. */
export function encryptedCount(bytes: Uint8Array, start: number, end: number): number {
  let count = 0
  for (let at = start; at < end; at = recordEnd(bytes, at, end)) if (readUint16(bytes, at + EPOCH_AT) !== 0) count++
  return count
}

/** Of consecutive whole records: the end of those that fit into one datagram of `lengthMax` bytes, of the first one at least. */
export function datagramEnd(bytes: Uint8Array, start: number, end: number, lengthMax: number): number {
  let last = start
  for (let next = recordEnd(bytes, start, end); next !== 0; next = recordEnd(bytes, next, end)) {
    if (last !== start && next - start > lengthMax) break
    last = next
  }
  return last
}
