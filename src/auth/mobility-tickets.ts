// Mobility tickets (RFC 8016 §3.3): what a client shows from another address to go on with its allocation. 32 characters of base64url, which are
// one block of AES-256 and 8 bytes of an HMAC over it:
//
//   block   worker 1 │ flags 1 │ turn 2 │ allocation 6 │ tag of the user's name 6        encrypted: it tells nobody anything
//
// A block holds each value once, so that no two tickets are alike, and the same one can be written again instead of being kept. All workers, and the
// next process with the same state directory, have the same keys. Coturn's client takes no more than 32 characters, and none that is 0.
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

/** Characters. */
export const MOBILITY_TICKET_LENGTH = 32
/** Exclusive bound of a ticket's turn: then it is 0 again. */
export const TICKET_TURN_COUNT = 0x10000

const BLOCK_LENGTH = 16
const MAC_LENGTH = 8
const TAG_LENGTH = 6
const TAG_START = BLOCK_LENGTH - TAG_LENGTH
const FLAG_STREAMS = 1

/** What a ticket says. */
export interface MobilityTicket {
  /** Whose core has the allocation, and whether that is one of clients over streams. */
  readonly worker: number
  readonly isOfStreams: boolean
  /** 48 bits: the allocation's number at that worker. */
  readonly allocation: number
  /** Which of its tickets. */
  readonly turn: number
}

export class MobilityTickets {
  readonly #cipherKey: Buffer
  readonly #macKey: Buffer
  readonly #tagKey: Buffer

  /** @param secret what keeps nonces: from it come keys that are good for nothing else */
  constructor(secret: Uint8Array) {
    const keys = Buffer.from(hkdfSync('sha256', secret, '', 'turnd mobility ticket', 96))
    this.#cipherKey = keys.subarray(0, 32)
    this.#macKey = keys.subarray(32, 64)
    this.#tagKey = keys.subarray(64)
  }

  /** The ticket's text: the same for the same values. */
  write({ allocation, isOfStreams, turn, worker }: MobilityTicket, username: string): string {
    const plain = Buffer.alloc(BLOCK_LENGTH)
    plain[0] = worker
    plain[1] = isOfStreams ? FLAG_STREAMS : 0
    plain.writeUInt16BE(turn, 2)
    plain.writeUIntBE(allocation, 4, 6)
    this.#tagOf(username).copy(plain, TAG_START)
    const cipher = createCipheriv('aes-256-ecb', this.#cipherKey, null).setAutoPadding(false)
    const block = Buffer.concat([cipher.update(plain), cipher.final()])
    return Buffer.concat([block, this.#macOf(block)]).toString('base64url')
  }

  /**
   * Null for what this server has not written.
   * @param username who shows it: `isTheirs` tells whether a user of that name got it, as far as 48 bits do
   */
  read(ticket: Uint8Array, username: string): (MobilityTicket & { readonly isTheirs: boolean }) | null {
    if (ticket.length !== MOBILITY_TICKET_LENGTH) return null
    const bytes = Buffer.from(Buffer.from(ticket).toString('latin1'), 'base64url')
    if (bytes.length !== BLOCK_LENGTH + MAC_LENGTH) return null
    const block = bytes.subarray(0, BLOCK_LENGTH)
    if (!timingSafeEqual(this.#macOf(block), bytes.subarray(BLOCK_LENGTH))) return null
    const decipher = createDecipheriv('aes-256-ecb', this.#cipherKey, null).setAutoPadding(false)
    const plain = Buffer.concat([decipher.update(block), decipher.final()])
    return {
      worker: plain[0],
      isOfStreams: (plain[1] & FLAG_STREAMS) !== 0,
      turn: plain.readUInt16BE(2),
      allocation: plain.readUIntBE(4, 6),
      isTheirs: timingSafeEqual(this.#tagOf(username), plain.subarray(TAG_START)),
    }
  }

  #macOf(block: Buffer): Buffer {
    return createHmac('sha256', this.#macKey).update(block).digest().subarray(0, MAC_LENGTH)
  }

  #tagOf(username: string): Buffer {
    return createHmac('sha256', this.#tagKey).update(username).digest().subarray(0, TAG_LENGTH)
  }
}
