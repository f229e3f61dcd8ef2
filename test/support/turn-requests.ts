// What a request of the tests' client says: its credentials, right or wrong in a chosen way, and the attributes of an Allocate.
import {
  ATTRIBUTE_ADDITIONAL_ADDRESS_FAMILY,
  ATTRIBUTE_DONT_FRAGMENT,
  ATTRIBUTE_EVEN_PORT,
  ATTRIBUTE_LIFETIME,
  ATTRIBUTE_REQUESTED_ADDRESS_FAMILY,
  ATTRIBUTE_REQUESTED_TRANSPORT,
  ATTRIBUTE_RESERVATION_TOKEN,
  PASSWORD_ALGORITHM_SHA256,
  TRANSPORT_PROTOCOL_UDP,
} from '../../src/stun/constants.js'
import type { MessageWriter } from '../../src/stun/writer.js'

export type Describe = (writer: MessageWriter) => void

/** How a request is authenticated. What is not given is as a client of RFC 5389 does it; null leaves an attribute out. */
export interface RequestOptions {
  readonly username?: string | null
  readonly password?: string
  /** Instead of what the password makes. */
  readonly key?: Uint8Array
  /** ACCESS-TOKEN (RFC 7635). */
  readonly accessToken?: Uint8Array
  /** In place of USERNAME. */
  readonly isAnonymous?: boolean
  readonly realm?: string | null
  readonly nonce?: string | null
  /** PASSWORD-ALGORITHM, which also decides the key. */
  readonly algorithm?: number | null
  /** PASSWORD-ALGORITHMS; the server's list if there is an algorithm. */
  readonly algorithms?: readonly number[] | null
  readonly integrity?: 'none' | 'sha1' | 'sha256' | 'both'
  readonly sha256Length?: number
  /** The password behind the weaker one of two integrity attributes. */
  readonly sha1Password?: string
  readonly hasFingerprint?: boolean
  readonly transactionId?: Uint8Array
  /** Attributes that an attacker added behind the integrity. */
  readonly afterIntegrity?: Describe
}

/** A client of RFC 8489 that takes the strongest of everything. */
export const MODERN: RequestOptions = { algorithm: PASSWORD_ALGORITHM_SHA256, integrity: 'sha256' }

export interface AllocateOptions {
  /** REQUESTED-TRANSPORT; null leaves it out. */
  readonly protocol?: number | null
  readonly lifetimeSeconds?: number
  /** 4 and 6 are the families; any other number is an unknown code. */
  readonly family?: number
  readonly additionalFamily?: number
  /** EVEN-PORT, with or without R. */
  readonly evenPort?: 'even' | 'pair'
  readonly token?: Uint8Array
  readonly dontFragment?: boolean
  readonly extra?: Describe
}

/** Data from a peer, by a Data indication (channelNumber is 0) or ChannelData (peer is ''). */

/** The attributes of an Allocate. */
export function describeAllocate(writer: MessageWriter, options: AllocateOptions = {}): void {
  const { additionalFamily, dontFragment, evenPort, extra, family, lifetimeSeconds, protocol, token } = options
  if (protocol !== null) {
    writer.writeUint32(ATTRIBUTE_REQUESTED_TRANSPORT, (protocol ?? TRANSPORT_PROTOCOL_UDP) << 24)
  }
  if (lifetimeSeconds !== undefined) writer.writeUint32(ATTRIBUTE_LIFETIME, lifetimeSeconds)
  if (family !== undefined) writeFamily(writer, ATTRIBUTE_REQUESTED_ADDRESS_FAMILY, family)
  if (additionalFamily !== undefined) writeFamily(writer, ATTRIBUTE_ADDITIONAL_ADDRESS_FAMILY, additionalFamily)
  if (evenPort !== undefined) writer.writeUint8(ATTRIBUTE_EVEN_PORT, evenPort === 'pair' ? 0x80 : 0)
  if (token !== undefined) writer.writeBytes(ATTRIBUTE_RESERVATION_TOKEN, token)
  if (dontFragment === true) writer.writeEmpty(ATTRIBUTE_DONT_FRAGMENT)
  if (extra !== undefined) extra(writer)
}

/** @param family 4 and 6 are the families; any other number is an unknown code */
export function writeFamily(writer: MessageWriter, type: number, family: number): void {
  const code = family === 4 ? 1 : family === 6 ? 2 : family
  writer.writeUint32(type, code << 24)
}
