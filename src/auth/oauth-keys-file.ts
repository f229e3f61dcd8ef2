// The file of --oauth-keys: the keys that this server shares with authorization servers (RFC 7635 §4.1), one a line, as coturn's table
// oauth_key has them:
//
//   KID ALGORITHM KEY [NOT-BEFORE [LIFETIME [REALM]]]
//
// The key is base64; times are seconds, 0 for none. Blank lines and lines that begin with # do not count.
import { TurndError } from '../config/errors.js'
import { quoted } from '../config/printable.js'
import { readTextFile } from '../config/read-text-file.js'
import { OAUTH_KEY_BYTES_MAX, OAUTH_KEY_COUNT_MAX, OAUTH_KID_LENGTH_MAX } from '../limits/oauth.js'
import type { OAuthKey } from './oauth-token.js'
import { errorText } from './private-file.js'

/** coturn's names and IANA's (RFC 5116), and the bytes of their keys. */
const KEY_BYTES = new Map([
  ['A128GCM', 16],
  ['A256GCM', 32],
  ['AEAD_AES_128_GCM', 16],
  ['AEAD_AES_256_GCM', 32],
])

const FORM = 'KID ALGORITHM KEY [NOT-BEFORE [LIFETIME [REALM]]]'

/** At least one. Throws TurndError naming the file, the line and the key's id, never its content. */
export function loadOAuthKeys(path: string, realm: string): readonly OAuthKey[] {
  try {
    return parseOAuthKeys(readTextFile(path), realm)
  } catch (error) {
    const text = error instanceof RangeError ? error.message : `: ${errorText(error)}`
    throw new TurndError('TURND_ERR_SECRET_FILE', `--oauth-keys ${path}${text}`, { cause: error })
  }
}

/** Throws a RangeError whose message goes on after the name of the file. */
export function parseOAuthKeys(text: string, realm: string): readonly OAuthKey[] {
  const keys = new Map<string, OAuthKey>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const words = line.trim().split(/\s+/)
    if (words[0] === '' || words[0].startsWith('#')) continue
    try {
      const key = keyOf(words, realm)
      if (keys.has(key.kid)) throw new RangeError('is there twice: leave one of the lines out')
      keys.set(key.kid, key)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      throw new RangeError(`, line ${index + 1}: ${subjectOf(words)} ${error.message}`)
    }
  }
  if (keys.size === 0) throw new RangeError(` holds no key: write a line ${FORM}`)
  if (keys.size > OAUTH_KEY_COUNT_MAX) {
    throw new RangeError(` holds ${keys.size} keys: leave out old ones, ${OAUTH_KEY_COUNT_MAX} are the most`)
  }
  return [...keys.values()]
}

/** Words in another order than this file's may be the key itself, which is in no message: an id is what stands beside an algorithm, and is no key of it. */
function subjectOf([kid, algorithm = '']: readonly string[]): string {
  const keyBytes = KEY_BYTES.get(algorithm.toUpperCase())
  const isId = keyBytes !== undefined && Buffer.from(kid, 'base64').length < keyBytes
  return isId ? `the key ${quoted(kid)}` : 'the key'
}

/** Throws a RangeError whose message goes on after the key's id, and quotes nothing that may be a key. */
function keyOf(words: readonly string[], realm: string): OAuthKey {
  const [kid, algorithm = '', encoded = '', notBefore = '0', lifetime = '0', ofRealm = realm] = words
  if (Buffer.byteLength(kid) > OAUTH_KID_LENGTH_MAX) {
    throw new RangeError(`has an id of more than ${OAUTH_KID_LENGTH_MAX} bytes`)
  }
  if (/[\p{Cc}\ufffd]/u.test(kid))
    throw new RangeError('has an id that is no text of UTF-8, or has control characters in it')
  if (words.length < 3 || words.length > 6) {
    throw new RangeError(`has ${words.length} words on its line: write ${FORM}`)
  }
  const keyBytes = KEY_BYTES.get(algorithm.toUpperCase())
  if (keyBytes === undefined) {
    throw new RangeError(`has no algorithm that is known, as its second word: write ${FORM} with A256GCM or A128GCM`)
  }
  const [notBeforeSeconds, lifetimeSeconds] = [secondsOf('NOT-BEFORE', notBefore), secondsOf('LIFETIME', lifetime)]
  if (lifetimeSeconds > 0 && notBeforeSeconds === 0) {
    throw new RangeError('has a lifetime that begins at no time: give NOT-BEFORE in seconds since 1970')
  }
  if (ofRealm !== realm) {
    throw new RangeError(`is of another realm than this server's, ${quoted(realm)}: leave it out`)
  }
  return { kid, key: keyBytesOf(encoded, keyBytes), notBeforeSeconds, lifetimeSeconds }
}

/** What is longer than the algorithm takes is cut: coturn's own test keys are, and authorization servers know them so. */
function keyBytesOf(encoded: string, keyBytes: number): Uint8Array {
  const isBase64 = /^[A-Za-z0-9+/_-]+={0,2}$/.test(encoded)
  const decoded = Buffer.from(encoded, 'base64')
  if (!isBase64 || decoded.length > OAUTH_KEY_BYTES_MAX) throw new RangeError('is no base64 of a key')
  if (decoded.length < keyBytes) {
    throw new RangeError(`is of ${decoded.length} bytes, and its algorithm takes ${keyBytes}`)
  }
  return new Uint8Array(decoded.subarray(0, keyBytes))
}

function secondsOf(name: string, text: string): number {
  if (!/^\d{1,12}$/.test(text)) throw new RangeError(`has a ${name} that is no number: give whole seconds, 0 for none`)
  return Number(text)
}
