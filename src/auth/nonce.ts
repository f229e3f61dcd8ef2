// Stateless nonces (RFC 8489 §9.2): nothing is stored for a client that has not authenticated.
// A nonce is 28 characters: `obMatJos2` · 4 of the security feature bits · 4 of the time · 11 of an HMAC over those, the realm and
// the client's transport address. It holds for about ten minutes, for this client's transport address, and across restarts.

import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import { NONCE_LIFETIME_SECONDS } from '../limits/turn.js'
import type { TransportAddress } from '../stun/address.js'
import { NONCE_COOKIE } from '../stun/constants.js'

export const NONCE_LENGTH = 28

const TIME_START = 13
const TIME_END = 17
/** 66 bits: nobody guesses that against one server within a nonce's lifetime, and the 401 stays small. */
const HMAC_TEXT_LENGTH = 11
/** Time is a 24-bit number of seconds: it wraps every 194 days, far beyond any lifetime. */
const TIME_MASK = 0xffffff

export class NonceMint {
  /** The 24 security feature bits, bit 0 the most significant. Nonces minted with other bits are no longer valid. */
  featureBits: number
  readonly #key: KeyObject
  readonly #lifetimeSeconds: number
  /** What the HMAC covers: bits (3), realm, client family (1), IP address (16) and port (2), time (3). */
  readonly #input: Buffer
  readonly #clientStart: number

  constructor(secret: Uint8Array, realm: string, featureBits: number, lifetimeSeconds = NONCE_LIFETIME_SECONDS) {
    this.featureBits = featureBits
    this.#key = createSecretKey(secret)
    this.#lifetimeSeconds = lifetimeSeconds
    const realmBytes = Buffer.from(realm)
    this.#clientStart = 3 + realmBytes.length
    this.#input = Buffer.alloc(this.#clientStart + 22)
    realmBytes.copy(this.#input, 3)
  }

  /** A nonce for this client, 28 characters of base64. */
  mint(client: TransportAddress, monotonicSeconds: number): string {
    return this.#text(client, monotonicSeconds & TIME_MASK)
  }

  /** Whether this server minted the nonce for this client, with today's feature bits, within the lifetime, and not in the future. */
  check(nonce: Uint8Array, client: TransportAddress, monotonicSeconds: number): boolean {
    if (nonce.length !== NONCE_LENGTH) return false
    const time = readBase64Word(nonce, TIME_START, TIME_END)
    // A time ahead of now shows as an age of almost 2^24.
    const age = (monotonicSeconds - time) & TIME_MASK
    if (age > this.#lifetimeSeconds) return false
    return timingSafeEqual(Buffer.from(this.#text(client, time), 'latin1'), nonce)
  }

  #text(client: TransportAddress, time: number): string {
    const input = this.#input
    const at = this.#clientStart
    input.writeUIntBE(this.featureBits, 0, 3)
    input[at] = client.family
    input.writeInt32BE(client.word0, at + 1)
    input.writeInt32BE(client.word1, at + 5)
    input.writeInt32BE(client.word2, at + 9)
    input.writeInt32BE(client.word3, at + 13)
    input.writeUInt16BE(client.port, at + 17)
    input.writeUIntBE(time, at + 19, 3)
    const hmac = createHmac('sha256', this.#key).update(input).digest('base64').slice(0, HMAC_TEXT_LENGTH)
    return NONCE_COOKIE + input.toString('base64', 0, 3) + input.toString('base64', at + 19, at + 22) + hmac
  }
}

/** The security feature bits of any nonce, 0 if it does not start with the cookie. Not verified: anyone can write them. */
export function nonceFeatureBits(nonce: Uint8Array): number {
  if (nonce.length < TIME_START) return 0
  for (let index = 0; index < NONCE_COOKIE.length; index++) {
    if (nonce[index] !== NONCE_COOKIE.charCodeAt(index)) return 0
  }
  return readBase64Word(nonce, NONCE_COOKIE.length, TIME_START)
}

/** The 24 bits of four base64 characters. Lenient: the caller compares the whole text. */
function readBase64Word(bytes: Uint8Array, start: number, end: number): number {
  const decoded = Buffer.from(
    Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1'),
    'base64',
  )
  return decoded.length === 3 ? decoded.readUIntBE(0, 3) : 0
}
