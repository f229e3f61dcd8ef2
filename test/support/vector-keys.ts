// The integrity keys of the sample messages, made here from the RFCs' definitions rather than by src/auth, which is tested with them.
import { createHash } from 'node:crypto'
import { LONG_TERM_PASSWORD, LONG_TERM_REALM, LONG_TERM_USERNAME, SHORT_TERM_PASSWORD } from './vectors.js'

const longTerm = `${LONG_TERM_USERNAME}:${LONG_TERM_REALM}:${LONG_TERM_PASSWORD}`

/** RFC 8489 §9.1.1 */
export const SHORT_TERM_KEY: Uint8Array = Buffer.from(SHORT_TERM_PASSWORD)
/** RFC 8489 §9.2.2, MD5 */
export const LONG_TERM_MD5_KEY: Uint8Array = createHash('md5').update(longTerm).digest()
/** RFC 8489 §9.2.2, SHA-256 */
export const LONG_TERM_SHA256_KEY: Uint8Array = createHash('sha256').update(longTerm).digest()
