// Access tokens as authorization servers make them (RFC 7635 §6.2): what a client brings and cannot read. Opened for the server, sealed for
// tests of it.
//
//   nonce length (2) · nonce · encrypted [ key length (2) · mac key · timestamp (8) · lifetime (4) ] · tag (16)
//
// The server name is associated data: a token for another server of the same authorization server does not open here.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import {
  TOKEN_LENGTH_MAX,
  TOKEN_LENGTH_MIN,
  TOKEN_MAC_KEY_BYTES_MAX,
  TOKEN_MAC_KEY_BYTES_MIN,
  TOKEN_NONCE_BYTES,
  TOKEN_TAG_BYTES,
} from '../limits/oauth.js'

/** Plain data: workers get it posted. */
export interface OAuthKey {
  readonly kid: string
  /** 16 bytes for AES-128-GCM, 32 for AES-256-GCM. */
  readonly key: Uint8Array
  /** Wall time in seconds from which it holds; 0: since ever. */
  readonly notBeforeSeconds: number
  /** For how many seconds then; 0: without end. */
  readonly lifetimeSeconds: number
}

export interface AccessToken {
  /** The key of MESSAGE-INTEGRITY, as it is: no password is behind it. */
  readonly macKey: Uint8Array
  /** Wall time, with its fraction. */
  readonly timestampSeconds: number
  readonly lifetimeSeconds: number
}

export function isExpired({ lifetimeSeconds, notBeforeSeconds }: OAuthKey, wallSeconds: number): boolean {
  return lifetimeSeconds > 0 && wallSeconds >= notBeforeSeconds + lifetimeSeconds
}

/** Of the timestamp's last 16 bits (RFC 7635 §6.2). */
const FRACTIONS_PER_SECOND = 64_000
const LENGTH_BYTES = 2
const NONCE_END = LENGTH_BYTES + TOKEN_NONCE_BYTES
const TIMES_BYTES = 12

/** Null for what is no token, or none of this key and server. */
export function openToken(bytes: Uint8Array, key: Uint8Array, serverName: Uint8Array): AccessToken | null {
  if (bytes.length < TOKEN_LENGTH_MIN || bytes.length > TOKEN_LENGTH_MAX) return null
  if (((bytes[0] << 8) | bytes[1]) !== TOKEN_NONCE_BYTES) return null
  const tagStart = bytes.length - TOKEN_TAG_BYTES
  const decipher = createDecipheriv(cipherOf(key), key, bytes.subarray(LENGTH_BYTES, NONCE_END), TAG)
  decipher.setAAD(serverName)
  decipher.setAuthTag(bytes.subarray(tagStart))
  // Of a stream cipher all is here at once; it is nothing before the tag has proved it.
  const block = decipher.update(bytes.subarray(NONCE_END, tagStart))
  try {
    decipher.final()
  } catch {
    return null
  }
  return readBlock(block)
}

/** @param nonce 12 bytes, never the same twice with one key */
export function sealToken(
  { lifetimeSeconds, macKey, timestampSeconds }: AccessToken,
  key: Uint8Array,
  serverName: Uint8Array,
  nonce: Uint8Array = randomBytes(TOKEN_NONCE_BYTES),
): Buffer {
  const block = Buffer.alloc(LENGTH_BYTES + macKey.length + TIMES_BYTES)
  block.writeUInt16BE(macKey.length)
  block.set(macKey, LENGTH_BYTES)
  const at = LENGTH_BYTES + macKey.length
  const seconds = Math.floor(timestampSeconds)
  block.writeUIntBE(seconds, at, 6)
  block.writeUInt16BE(Math.floor((timestampSeconds - seconds) * FRACTIONS_PER_SECOND), at + 6)
  block.writeUInt32BE(lifetimeSeconds, at + 8)
  const cipher = createCipheriv(cipherOf(key), key, nonce, TAG)
  cipher.setAAD(serverName)
  const encrypted = Buffer.concat([cipher.update(block), cipher.final()])
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt16BE(nonce.length)
  return Buffer.concat([length, nonce, encrypted, cipher.getAuthTag()])
}

const TAG = { authTagLength: TOKEN_TAG_BYTES }

function cipherOf(key: Uint8Array): 'aes-128-gcm' | 'aes-256-gcm' {
  return key.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm'
}

/** It is authentic; whoever made it may still have made another shape of it. */
function readBlock(block: Buffer): AccessToken | null {
  const macKeyLength = block.readUInt16BE()
  if (macKeyLength < TOKEN_MAC_KEY_BYTES_MIN || macKeyLength > TOKEN_MAC_KEY_BYTES_MAX) return null
  const at = LENGTH_BYTES + macKeyLength
  if (block.length !== at + TIMES_BYTES) return null
  return {
    macKey: block.subarray(LENGTH_BYTES, at),
    timestampSeconds: block.readUIntBE(at, 6) + block.readUInt16BE(at + 6) / FRACTIONS_PER_SECOND,
    lifetimeSeconds: block.readUInt32BE(at + 8),
  }
}
