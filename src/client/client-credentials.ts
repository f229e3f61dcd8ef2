// Who a client is: a name and a password, given or made from a TURN REST secret (draft-uberti-behave-turn-rest-00 §2.2).
import { createHmac } from 'node:crypto'

export interface ClientCredentials {
  readonly username: string
  readonly password: string
}

/**
 * The credentials that a web service with this secret would hand out: `EXPIRY:NAME`, or `EXPIRY` for an empty name.
 * @param expirySeconds the wall time at which they expire, in seconds since 1970; in the past it shows what time it is at the server
 */
export function restCredentials(
  secret: string,
  name: string,
  expirySeconds: number,
  separator = ':',
): ClientCredentials {
  const timestamp = String(Math.trunc(expirySeconds))
  const username = name === '' ? timestamp : `${timestamp}${separator}${name}`
  return { username, password: createHmac('sha1', secret).update(username).digest('base64') }
}
