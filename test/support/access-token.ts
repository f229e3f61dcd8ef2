// Access tokens as an authorization server makes them (RFC 7635), and the clock that they are judged by, for the tests of who lets them in.
import { createCipheriv, randomBytes } from 'node:crypto'
import { AccessTokens } from '../../src/auth/access-tokens.js'
import { type AccessToken, type OAuthKey, sealToken } from '../../src/auth/oauth-token.js'

export const SERVER_NAME = 'turn.octavio.com'
/** Some second of today. */
export const WALL_SECONDS = 1_900_000_000

export const NORTH = keyOf('north', 32, 1)
export const SOUTH = keyOf('south', 16, 2)
/** In no file. */
export const STRANGER = keyOf('stranger', 32, 3)

export interface TokenWish extends Partial<AccessToken> {
  readonly key?: OAuthKey
  readonly serverName?: string
  /** 12 bytes; by chance if absent. */
  readonly nonce?: Uint8Array
}

/** 20 bytes, all the same. */
export function macKeyOf(byte: number, length = 20): Uint8Array {
  return new Uint8Array(length).fill(byte)
}

export function tokenOf(wish: TokenWish = {}): Uint8Array {
  const { key = NORTH, lifetimeSeconds = 3600, macKey = macKeyOf(7), serverName = SERVER_NAME } = wish
  const { timestampSeconds = WALL_SECONDS } = wish
  return sealToken({ macKey, timestampSeconds, lifetimeSeconds }, key.key, Buffer.from(serverName), wish.nonce)
}

/** Any block as a token of NORTH: authentic, whatever is in it. */
export function sealBlock(block: Uint8Array): Buffer {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', NORTH.key, nonce)
  cipher.setAAD(Buffer.from(SERVER_NAME))
  const encrypted = Buffer.concat([cipher.update(block), cipher.final()])
  return Buffer.concat([Buffer.of(0, 12), nonce, encrypted, cipher.getAuthTag()])
}

/** The wall clock stands still until a test moves it. */
export class TokenClock {
  seconds = WALL_SECONDS

  tokens(realm: string, keys: readonly OAuthKey[] = [NORTH, SOUTH]): AccessTokens {
    const tokens = new AccessTokens(realm, SERVER_NAME, () => this.seconds)
    tokens.setKeys(keys)
    return tokens
  }
}

function keyOf(kid: string, length: number, byte: number): OAuthKey {
  return { kid, key: new Uint8Array(length).fill(byte), notBeforeSeconds: 0, lifetimeSeconds: 0 }
}
