// A request of a simulated client, and how it becomes bytes. The model remembers every one: what arrives is judged by what was sent.
import { md5Key, sha256Key } from '../../src/auth/credentials.js'
import * as stun from '../../src/stun/constants.js'
import { MessageWriter } from '../../src/stun/writer.js'
import { FiveTuple } from '../../src/turn/five-tuple.js'
import { REALM, requestUdp, writePeers } from '../support/core-client.js'
import { addressOf } from '../support/turn-address.js'
import { keyOf } from './address-text.js'
import { USERS } from './scenario.js'

export interface RequestWish {
  readonly method: number
  readonly peers?: readonly string[]
  readonly channelNumber?: number
  /** -1: no LIFETIME. */
  readonly lifetimeSeconds?: number
  readonly family?: 0 | 4 | 6
  /** ADDITIONAL-ADDRESS-FAMILY IPv6. */
  readonly isDual?: boolean
  readonly evenPort?: 'no' | 'alone' | 'and-next'
  /** In hexadecimal; '' for none. */
  readonly token?: string
  readonly hasCredential?: boolean
}

export interface Identity {
  readonly username: string
  readonly password: string
  readonly integrity: 'sha1' | 'sha256'
  readonly fingerprint: boolean
}

export interface SentRequest extends Required<RequestWish> {
  /** 5-tuple and transaction id. */
  readonly id: string
  readonly key: string
  readonly client: FiveTuple
  readonly username: string
  readonly isUser: boolean
  readonly nonce: string
  readonly integrityKey: Uint8Array
  readonly integrity: 'sha1' | 'sha256'
  readonly fingerprint: boolean
  readonly bytes: Uint8Array
}

const REQUEST_LENGTH_MAX = 1024
const keys = new Map<string, Uint8Array>()

export function makeRequest(
  fiveTuple: FiveTuple,
  transactionId: Uint8Array,
  identity: Identity,
  nonce: string,
  wish: RequestWish,
): SentRequest {
  const whole: Required<RequestWish> = {
    peers: [],
    channelNumber: 0,
    lifetimeSeconds: -1,
    family: 0,
    isDual: false,
    evenPort: 'no',
    token: '',
    hasCredential: true,
    ...wish,
  }
  const { username, password, integrity } = identity
  const integrityKey = keyOfIdentity(identity)
  const client = new FiveTuple().copyFrom(fiveTuple)
  const key = keyOf(client)
  return {
    ...whole,
    id: `${key} ${Buffer.from(transactionId).toString('hex')}`,
    ...{ key, client, username, nonce, integrityKey, integrity, fingerprint: identity.fingerprint },
    isUser: USERS.some((user) => user.username === username && user.password === password),
    bytes: encode(whole, transactionId, identity, nonce, integrityKey),
  }
}

/** Keys are cached: hashing passwords would take most of the run. */
function keyOfIdentity({ username, password, integrity }: Identity): Uint8Array {
  const name = `${username}:${password}:${integrity}`
  let key = keys.get(name)
  if (key === undefined) {
    key = (integrity === 'sha256' ? sha256Key : md5Key)(username, REALM, password)
    keys.set(name, key)
  }
  return key
}

function encode(
  wish: Required<RequestWish>,
  transactionId: Uint8Array,
  identity: Identity,
  nonce: string,
  key: Uint8Array,
): Uint8Array {
  const writer = new MessageWriter()
  writer.begin(new Uint8Array(REQUEST_LENGTH_MAX), 0, stun.CLASS_REQUEST, wish.method, transactionId, 0)
  writeWish(writer, wish)
  if (wish.hasCredential) {
    writer.writeText(stun.ATTRIBUTE_USERNAME, identity.username).writeText(stun.ATTRIBUTE_REALM, REALM)
    writer.writeText(stun.ATTRIBUTE_NONCE, nonce)
    if (identity.integrity === 'sha256') {
      writer.writePasswordAlgorithms([stun.PASSWORD_ALGORITHM_SHA256, stun.PASSWORD_ALGORITHM_MD5])
      writer.writeUint32(stun.ATTRIBUTE_PASSWORD_ALGORITHM, stun.PASSWORD_ALGORITHM_SHA256 << 16)
      writer.writeMessageIntegritySha256(key)
    } else {
      writer.writeMessageIntegrity(key)
    }
  }
  if (identity.fingerprint) writer.writeFingerprint()
  return writer.bytes.slice(0, writer.finish())
}

function writeWish(writer: MessageWriter, wish: Required<RequestWish>): void {
  if (wish.method === stun.METHOD_ALLOCATE) requestUdp(writer)
  if (wish.method === stun.METHOD_CHANNEL_BIND) {
    writer.writeUint32(stun.ATTRIBUTE_CHANNEL_NUMBER, wish.channelNumber << 16)
  }
  writePeers(writer, wish.peers.map(addressOf))
  if (wish.lifetimeSeconds >= 0) writer.writeUint32(stun.ATTRIBUTE_LIFETIME, wish.lifetimeSeconds)
  if (wish.family !== 0) writer.writeFamily(stun.ATTRIBUTE_REQUESTED_ADDRESS_FAMILY, wish.family)
  if (wish.isDual) writer.writeFamily(stun.ATTRIBUTE_ADDITIONAL_ADDRESS_FAMILY, 6)
  if (wish.evenPort !== 'no') {
    writer.writeUint8(stun.ATTRIBUTE_EVEN_PORT, wish.evenPort === 'and-next' ? 0x80 : 0)
  }
  if (wish.token !== '') writer.writeBytes(stun.ATTRIBUTE_RESERVATION_TOKEN, Buffer.from(wish.token, 'hex'))
}
