// TURN REST credentials as web services hand them out, for TurnClient. Used by tests of packages and examples.
import { createHmac } from 'node:crypto'

const LIFETIME_SECONDS = 86_400

/** @param suffix what stands behind the time; without it the time alone is the name */
export function restCredential(secret: string, suffix?: string): { username: string; password: string } {
  const expiry = Math.floor(Date.now() / 1000) + LIFETIME_SECONDS
  const username = suffix === undefined ? String(expiry) : `${expiry}:${suffix}`
  return { username, password: createHmac('sha1', secret).update(username).digest('base64') }
}
