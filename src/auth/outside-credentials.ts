// What one thread knows of users of outside stores: what they said last, and for how long that is good. Kept beside each core, so that a request of
// a known user waits for nobody.
//
//   right key  ─┬─ fresh                       ─► in
//               ├─ older, has an allocation    ─► in, and asked for behind: a call does not wait for a database
//               └─ older                       ─► ask first
//   no or wrong key ─┬─ said at most 5 s ago   ─► refused
//                    └─ older, or never asked  ─► ask first: a new user or password works at once, and an unknown name costs what a known one does
//   a store is down ─┬─ right key, known since --lookup-outage, or has an allocation ─► in
//                    ├─ not known to this thread ─► ask first: another one may know
//                    └─ else                   ─► 500
import {
  LOOKUP_REFUSAL_SECONDS_MAX,
  OUTSIDE_REFUSED_COUNT_MAX,
  OUTSIDE_USER_COUNT_MAX,
  STORE_REST_SECONDS,
} from '../limits/outside.js'
import type { Credential } from './credentials.js'
import { rememberName } from './remembered-names.js'

/** What the stores say of a name, all of them together. Plain data: it is posted to workers. */
export interface OutsideVerdict {
  /** Of the stores. */
  readonly id: number
  readonly username: string
  /** `failed`: who was asked could not say of this name, and whoever could does not know it; `down`: nor of any other one for now. */
  readonly outcome: 'found' | 'unknown' | 'refused' | 'failed' | 'down'
  /** 16 bytes. Of `failed` and `down`: what was known before, if anything. */
  readonly md5Key: Uint8Array | null
  /** How long ago it was said. */
  readonly ageSeconds: number
  /** For how long it is good from now on. */
  readonly freshSeconds: number
}

export type OutsideReason = 'unknown-user' | 'bad-password' | 'refused-by-store'

export interface OutsideUser {
  /** null: not to be let in. */
  readonly credential: Credential | null
  readonly reason: OutsideReason
  readonly saidAt: number
  readonly freshUntil: number
}

/** What is to become of a request. */
export const OUTSIDE_KNOWN = 0
export const OUTSIDE_KNOWN_BUT_OLD = 1
export const OUTSIDE_ASK = 2
export const OUTSIDE_DOWN = 3

/** Questions for one request: what is remembered elsewhere may have been old, and is asked for anew. */
const LOOKUP_COUNT_MAX = 2

export class OutsideCredentials {
  /** Of the stores: others have another one. */
  readonly id: number
  /** Seconds. */
  outageSeconds: number
  /** The least recently used first. */
  readonly #known = new Map<string, OutsideUser>()
  /** The oldest first. */
  readonly #refused = new Map<string, OutsideUser>()
  #downUntil = Number.NEGATIVE_INFINITY
  /** The name of which nobody could say anything last, and until when it is not asked for again. */
  #unsaid = ''
  #unsaidUntil = Number.NEGATIVE_INFINITY

  constructor(id: number, outageSeconds: number) {
    this.id = id
    this.outageSeconds = outageSeconds
  }

  find(username: string): OutsideUser | null {
    return this.#known.get(username) ?? this.#refused.get(username) ?? null
  }

  /**
   * @param isRight the key that is known of this user has verified the request
   * @param lookupCount how often the stores have been asked for the sake of this request
   * @returns one of the OUTSIDE_ constants
   */
  judge(
    username: string,
    isRight: boolean,
    holdsAllocation: boolean,
    monotonicSeconds: number,
    lookupCount: number,
  ): number {
    const user = this.find(username)
    if (user !== null && isRight) this.#touch(username, user)
    const age = user === null ? Number.POSITIVE_INFINITY : monotonicSeconds - user.saidAt
    const isUnsaid = username === this.#unsaid && monotonicSeconds < this.#unsaidUntil
    if (isUnsaid || monotonicSeconds < this.#downUntil) {
      if (isRight && (holdsAllocation || age <= this.outageSeconds)) return OUTSIDE_KNOWN
      // Another thread may know the name from before, and then it says so.
      return isUnsaid || lookupCount > 0 || user !== null ? OUTSIDE_DOWN : OUTSIDE_ASK
    }
    if (lookupCount >= LOOKUP_COUNT_MAX) return OUTSIDE_KNOWN
    if (!isRight) return age < LOOKUP_REFUSAL_SECONDS_MAX ? OUTSIDE_KNOWN : OUTSIDE_ASK
    // What has just been said is good for whoever asked, however short it holds.
    if (lookupCount > 0 || (user !== null && monotonicSeconds < user.freshUntil)) return OUTSIDE_KNOWN
    return holdsAllocation ? OUTSIDE_KNOWN_BUT_OLD : OUTSIDE_ASK
  }

  /** What other stores have said, which there were before, is not heard: false. */
  take({ ageSeconds, freshSeconds, id, md5Key, outcome, username }: OutsideVerdict, monotonicSeconds: number): boolean {
    if (id !== this.id) return false
    const isSaid = outcome !== 'failed' && outcome !== 'down'
    if (isSaid) this.#downUntil = Number.NEGATIVE_INFINITY
    else if (outcome === 'down') this.#downUntil = monotonicSeconds + STORE_REST_SECONDS
    // One failure says nothing of other names: it may be this one that the store cannot answer.
    if (!isSaid) [this.#unsaid, this.#unsaidUntil] = [username, monotonicSeconds + STORE_REST_SECONDS]
    else if (username === this.#unsaid) this.#unsaid = ''
    const saidAt = monotonicSeconds - ageSeconds
    if (md5Key !== null) {
      const credential = { username, md5Key, sha256Key: null }
      const known = { credential, reason: 'bad-password', saidAt, freshUntil: monotonicSeconds + freshSeconds } as const
      this.#refused.delete(username)
      rememberName(this.#known, username, known, OUTSIDE_USER_COUNT_MAX)
    } else if (isSaid) {
      const reason = outcome === 'refused' ? 'refused-by-store' : 'unknown-user'
      this.#known.delete(username)
      rememberName(
        this.#refused,
        username,
        { credential: null, reason, saidAt, freshUntil: saidAt },
        OUTSIDE_REFUSED_COUNT_MAX,
      )
    }
    return true
  }

  /** Nobody has said anything of this name in time. Returns whether the user is known from before: then what is known counts, as it does of a store that is down. */
  noteSilence(username: string, monotonicSeconds: number): boolean {
    if (!this.#known.has(username)) return false
    ;[this.#unsaid, this.#unsaidUntil] = [username, monotonicSeconds + STORE_REST_SECONDS]
    return true
  }

  #touch(username: string, user: OutsideUser): void {
    this.#known.delete(username)
    this.#known.set(username, user)
  }
}
