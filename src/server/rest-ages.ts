// What the times in TURN REST names tell: of one that was refused, by how much it has expired; of those that clients use for the first time,
// how long they still hold. A service whose clock differs from this machine's shows there, if it is known how long its names live.
import { parseRestName } from '../auth/rest-name.js'
import type { Settings } from '../config/settings.js'
import {
  REST_AGE_COUNT_MAX,
  REST_AGE_SECONDS,
  REST_CLOCK_SECONDS_MIN,
  REST_CLOCK_USER_COUNT_MIN,
} from '../limits/reports.js'
import type { Refusal } from '../log/refusals.js'
import { spanText } from '../log/spans.js'

export type RestSettings = Pick<Settings, 'authSecretSeparator' | 'authSecretLifetime' | 'authSecretLifetimeMax'>

/** A name that was used for the first time. */
interface Sample {
  readonly account: string
  readonly timeMs: number
  /** Seconds, of then. */
  readonly left: number
}

/** '' for refusals of other reasons. */
export function restDetail({ reason, timeMs, user }: Refusal, settings: RestSettings): string {
  if (reason !== 'expired-credential' && reason !== 'too-long-lived') return ''
  const name = parseRestName(user, settings.authSecretSeparator)
  if (name === null) return ''
  const now = timeMs / 1000
  const clock = `by this server's clock (${clockText(timeMs)})`
  if (reason === 'expired-credential') return `expired ${spanText(now - name.expirySeconds)} ago ${clock}`
  const max = spanText(settings.authSecretLifetimeMax)
  return `it holds for ${spanText(name.expirySeconds - now)} more ${clock}, and ${max} are allowed`
}

/** To the second. */
export function clockText(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/\.\d+Z$/, 'Z')
}

export class RestAges {
  /** By name, oldest first: those of the last hour. */
  readonly #samples = new Map<string, Sample>()

  /** A client got an allocation with this name. */
  note(username: string, separator: string, timeMs: number): void {
    const name = parseRestName(username, separator)
    // A name that is used again, for another allocation, is not new any more.
    if (name === null || this.#samples.has(username)) return
    this.#samples.set(username, { account: name.account, timeMs, left: name.expirySeconds - timeMs / 1000 })
    for (const [known, sample] of this.#samples) {
      const isOld = timeMs - sample.timeMs > REST_AGE_SECONDS * 1000
      if (!isOld && this.#samples.size <= REST_AGE_COUNT_MAX) break
      this.#samples.delete(known)
    }
  }

  /**
   * Sentences for the operator: facts, and what they mean where that is known.
   * @param lifetimeSeconds what the service issues; null: nobody has said so
   */
  notes(lifetimeSeconds: number | null, timeMs: number): string[] {
    const recent = [...this.#samples.values()].filter((one) => timeMs - one.timeMs <= REST_AGE_SECONDS * 1000)
    if (recent.length === 0) return []
    const lefts = recent.map(({ left }) => left)
    const [least, most] = [Math.min(...lefts), Math.max(...lefts)]
    const userCount = new Set(recent.map(({ account }) => account)).size
    const [shortest, longest] = [spanText(least), spanText(most)]
    const span = shortest === longest ? `for ${longest}` : `for ${shortest} to ${longest}`
    const facts = `TURN REST names of ${counted(userCount, 'user')} in the last hour held ${span} more when they were first used.`
    return lifetimeSeconds === null ? [facts] : [facts, ...meaningOf(most - lifetimeSeconds, userCount)]
  }
}

/** @param ahead by how much the freshest name outlives what a fresh one should; below 0 it came old */
function meaningOf(ahead: number, userCount: number): string[] {
  const clocks = 'the clocks of this machine and of the service that issues them differ'
  // One such name is enough: none can live longer than it was given.
  if (ahead > REST_CLOCK_SECONDS_MIN) {
    return [
      `They hold ${spanText(ahead)} longer than --auth-secret-lifetime says: ${clocks}, or it issues them for longer.`,
    ]
  }
  // Whoever uses a name late has an old one: that all do is unlikely when they are several.
  if (-ahead <= REST_CLOCK_SECONDS_MIN || userCount < REST_CLOCK_USER_COUNT_MIN) return []
  return [
    `Even the freshest of them was ${spanText(-ahead)} older than it should be (--auth-secret-lifetime): ${clocks}, or it ` +
      'issues them for a shorter time, or hands out old ones.',
  ]
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
