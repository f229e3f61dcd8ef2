// How many logins by password may fail: of one source, and of all that are not on this machine. A login that is under way counts as one that failed, so
// that many at once get no more guesses than one after the other.
import {
  ADMIN_SOURCE_COUNT_MAX,
  LOGIN_FAILURES_OF_ALL_PER_MINUTE_MAX,
  LOGIN_FAILURES_PER_MINUTE_MAX,
  LOGIN_PENDING_COUNT_MAX,
} from '../../limits/admin.js'

const MINUTE_MS = 60_000

/** Why an attempt must wait: its source or all together failed too often, or too many are under way. */
export type Refusal = 'source' | 'all' | 'busy'

export class LoginFailures {
  readonly #now: () => number
  /** Times of failures, and of attempts under way, of one source; the one that failed longest ago first. */
  readonly #bySource = new Map<string, number[]>()
  #ofAll: number[] = []
  #pendingCount = 0

  /** @param now in milliseconds, monotonic */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Runs an attempt if there may be one, and counts it unless it succeeds. */
  async attempt(source: string, isLocal: boolean, verify: () => Promise<boolean>): Promise<boolean | Refusal> {
    const since = this.#now() - MINUTE_MS
    const times = (this.#bySource.get(source) ?? []).filter((time) => time > since)
    this.#ofAll = this.#ofAll.filter((time) => time > since)
    if (times.length >= LOGIN_FAILURES_PER_MINUTE_MAX) return 'source'
    if (!isLocal && this.#ofAll.length >= LOGIN_FAILURES_OF_ALL_PER_MINUTE_MAX) return 'all'
    if (this.#pendingCount >= LOGIN_PENDING_COUNT_MAX) return 'busy'
    const time = this.#now()
    this.#count(source, [...times, time], isLocal ? null : time)
    this.#pendingCount++
    try {
      const isRight = await verify()
      if (isRight) this.#forgive(source, time, isLocal)
      return isRight
    } finally {
      this.#pendingCount--
    }
  }

  #count(source: string, times: number[], ofAll: number | null): void {
    this.#bySource.delete(source)
    if (this.#bySource.size >= ADMIN_SOURCE_COUNT_MAX) {
      const [oldest] = this.#bySource.keys()
      this.#bySource.delete(oldest)
    }
    this.#bySource.set(source, times)
    if (ofAll !== null) this.#ofAll.push(ofAll)
  }

  #forgive(source: string, time: number, isLocal: boolean): void {
    removeOnce(this.#bySource.get(source) ?? [], time)
    if (!isLocal) removeOnce(this.#ofAll, time)
  }
}

function removeOnce(times: number[], time: number): void {
  const index = times.indexOf(time)
  if (index >= 0) times.splice(index, 1)
}
