// The names of TURN REST credentials (draft-uberti-behave-turn-rest-00 §2.2): `timestamp:user` or `timestamp`, where the timestamp is the wall
// time in seconds until which the name holds. `user:timestamp` is understood as well, because coturn does and services issue it.

/** More digits would not be an exact number, and no clock gets there. */
const DIGITS = /^\d{1,15}$/

/** A number below is no time of today (it is before September 2001) but somebody's extension, such as 1001. */
const TIMESTAMP_MIN = 1_000_000_000

export interface RestName {
  /** Wall time in seconds until which it holds. */
  readonly expirySeconds: number
  /** The user part: whose quotas the name counts for; the whole name if it has none. */
  readonly account: string
}

/** Null for a name that is none. */
export function parseRestName(username: string, separator: string): RestName | null {
  const end = username.indexOf(separator)
  if (end < 0) return nameOf(username, '', username)
  const [before, after] = [username.slice(0, end), username.slice(end + separator.length)]
  // By the part before alone, whatever follows: `1001:1800000000` is the extension's own name.
  return DIGITS.test(before) ? nameOf(before, after, username) : nameOf(after, before, username)
}

/** The name that holds until then. @param user '' for one without a user part */
export function makeRestName(expirySeconds: number, user: string, separator: string): string {
  return user === '' ? String(expirySeconds) : `${expirySeconds}${separator}${user}`
}

function nameOf(timestamp: string, user: string, username: string): RestName | null {
  if (!DIGITS.test(timestamp)) return null
  const expirySeconds = Number(timestamp)
  return expirySeconds < TIMESTAMP_MIN ? null : { expirySeconds, account: user === '' ? username : user }
}
