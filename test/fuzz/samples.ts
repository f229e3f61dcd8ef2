// Good messages to start from: the RFCs' vectors, one message of each kind that a TURN server hears or says, and the files of corpus/ that are
// messages. Inputs of other kinds are in corpus.ts.
import { hostAddress, type TransportAddress } from '../../src/stun/address.js'
import { writeChannelDataHeader } from '../../src/stun/channel-data.js'
import * as stun from '../../src/stun/constants.js'
import { MessageWriter } from '../../src/stun/writer.js'
import { LONG_TERM_MD5_KEY, LONG_TERM_SHA256_KEY } from '../support/vector-keys.js'
import { VECTORS } from '../support/vectors.js'
import { corpusOf } from './corpus.js'

let cached: readonly Uint8Array[] | null = null

export function loadCorpus(): readonly Uint8Array[] {
  cached ??= allMessages()
  return cached
}

function allMessages(): Uint8Array[] {
  const files = corpusOf('stun', 'channel-data')
  return [...VECTORS.map((vector) => vector.bytes), ...turnMessages(), ...files.map(({ bytes }) => bytes)]
}

function turnMessages(): Uint8Array[] {
  const ipv4 = hostAddress('192.0.2.1', 32853) as TransportAddress
  const ipv6 = hostAddress('2001:db8::1', 65535) as TransportAddress
  return [
    message(stun.CLASS_REQUEST, stun.METHOD_ALLOCATE, (writer) =>
      writer
        .writeUint32(stun.ATTRIBUTE_REQUESTED_TRANSPORT, stun.TRANSPORT_PROTOCOL_UDP << 24)
        .writeUint8(stun.ATTRIBUTE_EVEN_PORT, 0x80)
        .writeEmpty(stun.ATTRIBUTE_DONT_FRAGMENT)
        .writeFamily(stun.ATTRIBUTE_REQUESTED_ADDRESS_FAMILY, 6)
        .writeUint32(stun.ATTRIBUTE_LIFETIME, 3600)
        .writeText(stun.ATTRIBUTE_USERNAME, 'turnuser')
        .writeText(stun.ATTRIBUTE_REALM, 'turnuser')
        .writeText(stun.ATTRIBUTE_NONCE, 'obMatJos2wAAAabcd0123456789a')
        .writeMessageIntegrity(LONG_TERM_MD5_KEY)
        .writeMessageIntegritySha256(LONG_TERM_SHA256_KEY, 16)
        .writeFingerprint(),
    ),
    message(stun.CLASS_SUCCESS, stun.METHOD_ALLOCATE, (writer) =>
      writer
        .writeXorAddress(stun.ATTRIBUTE_XOR_RELAYED_ADDRESS, ipv6)
        .writeXorAddress(stun.ATTRIBUTE_XOR_MAPPED_ADDRESS, ipv4)
        .writeAddressErrorCode(6, stun.ERROR_INSUFFICIENT_CAPACITY, 'full')
        .writeMessageIntegrity(LONG_TERM_MD5_KEY),
    ),
    message(stun.CLASS_ERROR, stun.METHOD_ALLOCATE, (writer) =>
      writer
        .writeErrorCode(stun.ERROR_UNKNOWN_ATTRIBUTE, 'Unknown Attribute')
        .writeUnknownAttributes([0x7ffe, 0x7fff, 0x0030])
        .writePasswordAlgorithms([stun.PASSWORD_ALGORITHM_SHA256, stun.PASSWORD_ALGORITHM_MD5]),
    ),
    message(stun.CLASS_REQUEST, stun.METHOD_CREATE_PERMISSION, (writer) =>
      writer
        .writeXorAddress(stun.ATTRIBUTE_XOR_PEER_ADDRESS, ipv4)
        .writeXorAddress(stun.ATTRIBUTE_XOR_PEER_ADDRESS, ipv6)
        .writeMessageIntegritySha256(LONG_TERM_SHA256_KEY),
    ),
    message(stun.CLASS_INDICATION, stun.METHOD_SEND, (writer) =>
      writer
        .writeXorAddress(stun.ATTRIBUTE_XOR_PEER_ADDRESS, ipv4)
        .writeBytes(stun.ATTRIBUTE_DATA, VECTORS[0].bytes)
        .writeFingerprint(),
    ),
    message(stun.CLASS_INDICATION, stun.METHOD_DATA, (writer) =>
      writer.writeAddress(stun.ATTRIBUTE_XOR_PEER_ADDRESS, ipv6).writeIcmp(3, 4, 1400),
    ),
    message(stun.CLASS_REQUEST, stun.METHOD_CONNECT, (writer) =>
      writer.writeXorAddress(stun.ATTRIBUTE_XOR_PEER_ADDRESS, ipv4).writeMessageIntegrity(LONG_TERM_MD5_KEY),
    ),
    message(stun.CLASS_SUCCESS, stun.METHOD_CONNECT, (writer) =>
      writer.writeUint32(stun.ATTRIBUTE_CONNECTION_ID, 0xfedcba98).writeMessageIntegrity(LONG_TERM_MD5_KEY),
    ),
    message(stun.CLASS_REQUEST, stun.METHOD_CONNECTION_BIND, (writer) =>
      writer.writeUint32(stun.ATTRIBUTE_CONNECTION_ID, 0xfedcba98).writeMessageIntegrity(LONG_TERM_MD5_KEY),
    ),
    message(stun.CLASS_INDICATION, stun.METHOD_CONNECTION_ATTEMPT, (writer) =>
      writer.writeUint32(stun.ATTRIBUTE_CONNECTION_ID, 1).writeXorAddress(stun.ATTRIBUTE_XOR_PEER_ADDRESS, ipv6),
    ),
    channelData(0x4000, 0),
    channelData(0x4fff, 173),
  ]
}

function message(messageClass: number, method: number, write: (writer: MessageWriter) => unknown): Uint8Array {
  const bytes = new Uint8Array(1024)
  const writer = new MessageWriter().begin(bytes, 0, messageClass, method, VECTORS[0].bytes, 8)
  write(writer)
  return bytes.slice(0, writer.finish())
}

function channelData(channelNumber: number, length: number): Uint8Array {
  const bytes = new Uint8Array(4 + ((length + 3) & ~3)).fill(0x5a)
  writeChannelDataHeader(bytes, 0, channelNumber, length)
  return bytes
}
