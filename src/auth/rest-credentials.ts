// TURN REST credentials that are issued here, by `turnd credentials` and over HTTP, in the shape of the draft (draft-uberti-behave-turn-rest-00
// §2.2) and in that of RTCPeerConnection.
import { USERNAME_LENGTH_MAX } from '../limits/messages.js'
import { REST_LIFETIME_SECONDS_MAX, REST_LIFETIME_SECONDS_MIN } from '../limits/turn.js'
import { makeRestName } from './rest-name.js'
import { hashesOf, type RestHashChoice, restPassword } from './rest-password.js'

export interface IssuedCredentials {
  readonly username: string
  readonly password: string
  /** Seconds. */
  readonly ttl: number
  readonly uris: readonly string[]
  readonly iceServers: readonly {
    readonly urls: readonly string[]
    readonly username: string
    readonly credential: string
  }[]
}

export interface CredentialsWish {
  /** '': nobody's; the name is the time alone. */
  readonly user: string
  readonly ttlSeconds: number
}

export interface IssuingRules {
  readonly separator: string
  readonly hash: RestHashChoice
  /** 0: REST_LIFETIME_SECONDS_MAX. */
  readonly lifetimeSecondsMax: number
}

/** Where the name's time is a few digits longer, a name that is well today is so then. */
const TIMESTAMP_LENGTH_MAX = 15

/** What is wrong with a wish, as the rest of a sentence that begins with what was given; null if nothing is. */
export function wrongUser(user: string): string | null {
  if (/[\u0000-\u001f\u007f-\u009f]/.test(user)) return 'has a control character: give a name without it'
  const lengthMax = USERNAME_LENGTH_MAX - TIMESTAMP_LENGTH_MAX - 1
  return Buffer.byteLength(user) > lengthMax ? `is too long: give a name of at most ${lengthMax} bytes` : null
}

/** Where nobody asks for one. A default of more than is allowed is no reason to issue nothing. */
export function defaultLifetime(lifetimeSeconds: number, { lifetimeSecondsMax }: IssuingRules): number {
  return lifetimeSecondsMax === 0 ? lifetimeSeconds : Math.min(lifetimeSeconds, lifetimeSecondsMax)
}

export function wrongLifetime(ttlSeconds: number, { lifetimeSecondsMax }: IssuingRules): string | null {
  const max = lifetimeSecondsMax === 0 ? REST_LIFETIME_SECONDS_MAX : lifetimeSecondsMax
  if (ttlSeconds >= Math.min(REST_LIFETIME_SECONDS_MIN, max) && ttlSeconds <= max) return null
  const option = lifetimeSecondsMax === 0 ? '' : ' (--auth-secret-lifetime-max)'
  return `is no lifetime: give whole seconds from ${Math.min(REST_LIFETIME_SECONDS_MIN, max)} to ${max}${option}`
}

/** @param secret of which the servers have the same */
export function issueCredentials(
  secret: string,
  { ttlSeconds, user }: CredentialsWish,
  { hash, separator }: IssuingRules,
  wallSeconds: number,
  uris: readonly string[],
): IssuedCredentials {
  const username = makeRestName(Math.floor(wallSeconds) + ttlSeconds, user, separator)
  const password = restPassword(secret, username, hashesOf(hash)[0])
  const iceServers = uris.length === 0 ? [] : [{ urls: uris, username, credential: password }]
  return { username, password, ttl: ttlSeconds, uris, iceServers }
}
