// Writes STUN requests as clients do, with their credentials and integrity. Used by every client of the core's tests.
import { md5Key, sha256Key } from '../../src/auth/credentials.js'
import * as stun from '../../src/stun/constants.js'
import { MessageWriter } from '../../src/stun/writer.js'

export const REALM = 'example.org'

export interface User {
  readonly username: string
  readonly password: string
}

export type IntegrityVariant = 'sha1' | 'sha256'

/** Who asks. With 'sha256' also PASSWORD-ALGORITHM is SHA-256, as with clients of RFC 8489. */
export interface RequestCredential {
  readonly username: string
  readonly key: Uint8Array
  readonly nonce: string
  readonly integrity: IntegrityVariant
}

export type Write = (writer: MessageWriter) => unknown

const REQUEST_LENGTH_MAX = 8192
const scratch = new Uint8Array(REQUEST_LENGTH_MAX)
const messageWriter = new MessageWriter()

/** @param credential null: no USERNAME and so on, and no integrity */
export function encodeRequest(
  method: number,
  transactionId: Uint8Array,
  write: Write,
  credential: RequestCredential | null,
  fingerprint: boolean,
): Uint8Array {
  const writer = messageWriter.begin(scratch, 0, stun.CLASS_REQUEST, method, transactionId, 0)
  write(writer)
  if (credential !== null) {
    writer.writeText(stun.ATTRIBUTE_USERNAME, credential.username).writeText(stun.ATTRIBUTE_REALM, REALM)
    writer.writeText(stun.ATTRIBUTE_NONCE, credential.nonce)
    if (credential.integrity === 'sha256') {
      writer.writePasswordAlgorithms([stun.PASSWORD_ALGORITHM_SHA256, stun.PASSWORD_ALGORITHM_MD5])
      writer.writeUint32(stun.ATTRIBUTE_PASSWORD_ALGORITHM, stun.PASSWORD_ALGORITHM_SHA256 << 16)
      writer.writeMessageIntegritySha256(credential.key)
    } else {
      writer.writeMessageIntegrity(credential.key)
    }
  }
  if (fingerprint) writer.writeFingerprint()
  return scratch.slice(0, writer.finish())
}

/** The key of a user's requests. */
export function keyOf(user: User, integrity: IntegrityVariant): Uint8Array {
  return (integrity === 'sha256' ? sha256Key : md5Key)(user.username, REALM, user.password)
}
