// Reserved relay ports (EVEN-PORT with R=1, RFC 8656 §7.2): a token is good for one Allocate of the same user, on any worker. Each
// holds its port and a place in the quota of its owner, the worker that made it; who claims it takes both over, and any worker lets go
// of what has expired.
import type { KeyedHash } from './keyed-hash.js'
import type { RandomSource } from './output.js'
import type { Quotas } from './quotas.js'
import type { RelayPorts } from './relay-ports.js'
import { ACCOUNT, HOST_INDEX, OWNER, PORT, type ReservationList } from './reservation-list.js'
import type { SharedLock } from './shared-lock.js'

export const RESERVATION_TOKEN_LENGTH = 8

export interface Reservation {
  readonly hostIndex: number
  readonly port: number
}

export class Reservations {
  readonly #list: ReservationList
  readonly #quotas: Quotas
  readonly #relayPorts: RelayPorts
  readonly #lock: SharedLock
  readonly #hash: KeyedHash
  readonly #workerIndex: number

  constructor(
    list: ReservationList,
    quotas: Quotas,
    relayPorts: RelayPorts,
    lock: SharedLock,
    hash: KeyedHash,
    workerIndex: number,
  ) {
    this.#list = list
    this.#quotas = quotas
    this.#relayPorts = relayPorts
    this.#lock = lock
    this.#hash = hash
    this.#workerIndex = workerIndex
  }

  /** Of all workers. */
  get size(): number {
    return this.#list.size
  }

  /**
   * Reserves a port that this worker has claimed as reserved, with a place that it holds for the account. Returns the token.
   * @param expiresAt ticks of CLOCK_MONOTONIC, as all times here: workers started at different moments
   * @param owner who may claim it
   */
  add(
    account: string,
    hostIndex: number,
    port: number,
    expiresAt: number,
    random: RandomSource,
    owner = account,
  ): Uint8Array {
    const token = new Uint8Array(RESERVATION_TOKEN_LENGTH)
    const view = new DataView(token.buffer)
    view.setInt32(0, random.nextUint32())
    view.setInt32(4, random.nextUint32())
    const claim = [view.getInt32(0), view.getInt32(4), ...this.#hashOf(owner)]
    const words = [...claim, hostIndex, port, this.#workerIndex, ...this.#hashOf(account)]
    this.#lock.hold(() => this.#list.add(words, expiresAt))
    return token
  }

  /** Takes the reservation out, if the token is known, not expired, and of this owner. Its place is then this worker's and this account's. */
  claim(token: Uint8Array, account: string, now: number, owner = account): Reservation | null {
    const view = new DataView(token.buffer, token.byteOffset, RESERVATION_TOKEN_LENGTH)
    const wanted = [view.getInt32(0), view.getInt32(4), ...this.#hashOf(owner)]
    const [low, high] = this.#hashOf(account)
    return this.#lock.hold(() => this.#claim(wanted, low, high, now))
  }

  /** Lets go of what has expired, whoever made it: ports and places become free. */
  expire(now: number): void {
    if (this.#list.size > 0 && now >= this.#list.nextExpiry) this.#lock.hold(() => this.#expireAll(now))
  }

  #hashOf(text: string): [low: number, high: number] {
    const { low, high } = this.#hash.hashText(text)
    return [low, high]
  }

  #claim(wanted: readonly number[], toLow: number, toHigh: number, now: number): Reservation | null {
    const list = this.#list
    const index = list.find(wanted)
    if (index < 0 || list.expiresAt(index) <= now) return null
    const reservation = { hostIndex: list.word(index, HOST_INDEX), port: list.word(index, PORT) }
    const owner = list.word(index, OWNER)
    // In this order: who dies in between costs a place at most, and never makes one.
    list.setWord(index, OWNER, this.#workerIndex)
    const [low, high] = [list.word(index, ACCOUNT), list.word(index, ACCOUNT + 1)]
    const isHeld = this.#quotas.adoptLocked(low, high, owner)
    list.remove(index)
    if (isHeld && (low !== toLow || high !== toHigh)) this.#quotas.moveLocked(low, high, toLow, toHigh, now)
    return isHeld ? reservation : null
  }

  #expireAll(now: number): void {
    const list = this.#list
    let nextExpiry = Number.POSITIVE_INFINITY
    for (let index = list.size - 1; index >= 0; index--) {
      if (list.expiresAt(index) <= now) this.#expire(index)
      else nextExpiry = Math.min(nextExpiry, list.expiresAt(index))
    }
    list.nextExpiry = nextExpiry
  }

  /** Out of the list first: who dies in between has let go of nothing that somebody may have again. */
  #expire(index: number): void {
    const list = this.#list
    const [low, high] = [list.word(index, ACCOUNT), list.word(index, ACCOUNT + 1)]
    const [hostIndex, port] = [list.word(index, HOST_INDEX), list.word(index, PORT)]
    const owner = list.word(index, OWNER)
    list.remove(index)
    this.#relayPorts.release(hostIndex, port)
    this.#quotas.giveLocked(low, high, owner)
  }
}
