// Requests as clients of every kind make them, and the answers of an authenticator, for the tests of this folder.
import { Authenticator } from '../../src/auth/authenticator.js'
import type { CredentialStore } from '../../src/auth/credentials.js'
import { StaticUsers } from '../../src/auth/static-users.js'
import { TransportAddress } from '../../src/stun/address.js'
import {
  ATTRIBUTE_NONCE,
  ATTRIBUTE_PASSWORD_ALGORITHM,
  ATTRIBUTE_PASSWORD_ALGORITHMS,
  ATTRIBUTE_REALM,
  ATTRIBUTE_USERHASH,
  ATTRIBUTE_USERNAME,
  CLASS_ERROR,
  CLASS_REQUEST,
  METHOD_ALLOCATE,
} from '../../src/stun/constants.js'
import { decodeMessage, MessageView } from '../../src/stun/message.js'
import { MessageWriter } from '../../src/stun/writer.js'

export const REALM = 'turnuser'
export const USER = 'alice'
export const PASSWORD = 'correct horse'
export const NOW = 1_000_000
export const CLIENT = new TransportAddress().setIPv4(0xc0000201, 50_000)
export const ALGORITHM_MD5 = Uint8Array.of(0, 1, 0, 0)
export const ALGORITHM_SHA256 = Uint8Array.of(0, 2, 0, 0)
/** PASSWORD-ALGORITHMS as the server sends it. */
export const ALGORITHM_LIST = Uint8Array.of(0, 2, 0, 0, 0, 1, 0, 0)

const TRANSACTION_ID = Uint8Array.from({ length: 12 }, (_, index) => index)

export type Attribute = readonly [type: number, value: Uint8Array | string]
export type IntegrityKind = 'none' | 'sha1' | 'sha256' | 'both'

/** The attributes of a request; what is undefined is left out. */
export interface Request {
  username?: Uint8Array | string | undefined
  userhash?: Uint8Array | undefined
  realm?: Uint8Array | string | undefined
  nonce?: Uint8Array | string | undefined
  algorithm?: Uint8Array | undefined
  algorithms?: Uint8Array | undefined
  /** Before and after those above. */
  before?: readonly Attribute[]
  after?: readonly Attribute[]
  integrity?: IntegrityKind
  sha256Length?: number
  /** The key of the weaker attribute when there are both; `key` if absent. */
  sha1Key?: Uint8Array
  key: Uint8Array
}

/** A decoded Allocate request. */
export function makeRequest(request: Request): MessageView {
  const writer = new MessageWriter().begin(new Uint8Array(4096), 0, CLASS_REQUEST, METHOD_ALLOCATE, TRANSACTION_ID, 0)
  const standard: (readonly [number, Uint8Array | string | undefined])[] = [
    [ATTRIBUTE_USERNAME, request.username],
    [ATTRIBUTE_USERHASH, request.userhash],
    [ATTRIBUTE_REALM, request.realm],
    [ATTRIBUTE_NONCE, request.nonce],
    [ATTRIBUTE_PASSWORD_ALGORITHM, request.algorithm],
    [ATTRIBUTE_PASSWORD_ALGORITHMS, request.algorithms],
  ]
  for (const [type, value] of [...(request.before ?? []), ...standard, ...(request.after ?? [])]) {
    if (value !== undefined) writer.writeBytes(type, typeof value === 'string' ? Buffer.from(value) : value)
  }
  const kind = request.integrity ?? 'sha1'
  if (kind === 'sha1' || kind === 'both') writer.writeMessageIntegrity(request.sha1Key ?? request.key)
  if (kind === 'sha256' || kind === 'both') writer.writeMessageIntegritySha256(request.key, request.sha256Length ?? 32)
  return decoded(writer.bytes, writer.finish())
}

export function decoded(bytes: Uint8Array, end: number): MessageView {
  const view = new MessageView()
  const result = decodeMessage(view, bytes, 0, end)
  if (result !== 0) throw new Error(`the test's message does not decode: ${result}`)
  return view
}

/** The bytes of the answer that carries this error code, as the turn layer writes it. */
export function errorAnswer(authenticator: Authenticator, code: number, client = CLIENT, now = NOW): Uint8Array {
  const writer = new MessageWriter().begin(new Uint8Array(4096), 0, CLASS_ERROR, METHOD_ALLOCATE, TRANSACTION_ID, 0)
  writer.writeErrorCode(code)
  authenticator.writeChallenge(writer, client, now)
  return writer.bytes.slice(0, writer.finish())
}

export interface Challenge {
  readonly realm: string
  readonly nonce: string
  /** The value of PASSWORD-ALGORITHMS, or null if it was not offered. */
  readonly algorithms: Uint8Array | null
}

/** What a client learns from a 401 or 438. */
export function challengeOf(authenticator: Authenticator, client = CLIENT, now = NOW): Challenge {
  const bytes = errorAnswer(authenticator, 401, client, now)
  const view = decoded(bytes, bytes.length)
  const algorithms = view.find(ATTRIBUTE_PASSWORD_ALGORITHMS)
  return {
    realm: view.readText(view.find(ATTRIBUTE_REALM)),
    nonce: view.readText(view.find(ATTRIBUTE_NONCE)),
    algorithms: algorithms < 0 ? null : view.readBytes(algorithms).slice(),
  }
}

export function makeAuthenticator(stores: readonly CredentialStore[] = [staticUsers()]): Authenticator {
  return new Authenticator({ realm: REALM, stores, nonceSecret: new Uint8Array(32).fill(7) })
}

export function staticUsers(): StaticUsers {
  return new StaticUsers(REALM, [{ name: USER, password: PASSWORD }])
}
