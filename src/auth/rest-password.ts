// How TURN REST passwords are made: base64 of an HMAC of the name, keyed with the secret (draft-uberti-behave-turn-rest-00 §2.2, where it is
// HMAC-SHA1; services that do without SHA-1 use HMAC-SHA256 in the same way).
import { createHmac } from 'node:crypto'

export type RestHash = 'sha1' | 'sha256'

/** The values of --auth-secret-hash: any is both. */
export type RestHashChoice = 'any' | RestHash

/** In the order in which they are tried. */
export function hashesOf(choice: RestHashChoice): readonly RestHash[] {
  return choice === 'any' ? ['sha1', 'sha256'] : [choice]
}

export function restPassword(secret: string, username: string, hash: RestHash): string {
  return createHmac(hash, secret).update(username).digest('base64')
}
