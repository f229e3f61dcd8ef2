// Bench of src/stun: decoding what a server receives most, per second and in bytes of heap. Run by run.ts in a process of its own.
import { randomBytes } from 'node:crypto'
import { TransportAddress } from '../src/stun/address.js'
import { readChannelDataLength, readChannelNumber, writeChannelDataHeader } from '../src/stun/channel-data.js'
import {
  ATTRIBUTE_DATA,
  ATTRIBUTE_NONCE,
  ATTRIBUTE_REALM,
  ATTRIBUTE_REQUESTED_TRANSPORT,
  ATTRIBUTE_SOFTWARE,
  ATTRIBUTE_USERNAME,
  ATTRIBUTE_XOR_MAPPED_ADDRESS,
  ATTRIBUTE_XOR_PEER_ADDRESS,
  CLASS_INDICATION,
  CLASS_REQUEST,
  CLASS_SUCCESS,
  METHOD_ALLOCATE,
  METHOD_BINDING,
  METHOD_SEND,
  TRANSPORT_PROTOCOL_UDP,
} from '../src/stun/constants.js'
import { isMessageIntegrityValid } from '../src/stun/integrity.js'
import { decodeMessage, MessageView } from '../src/stun/message.js'
import { MessageWriter } from '../src/stun/writer.js'
import { measure } from './measure.js'
import { PAYLOAD_LENGTH, reportFromChild, secondsOfChild } from './micro.js'

const seconds = secondsOfChild()
const transactionId = randomBytes(12)
const key = randomBytes(16)
const peer = new TransportAddress().setIPv4(0xc0000201, 49_152)
const view = new MessageView()
const writer = new MessageWriter()

const allocateRequest = message((w) => {
  w.begin(w.bytes, 0, CLASS_REQUEST, METHOD_ALLOCATE, transactionId, 0)
  w.writeUint32(ATTRIBUTE_REQUESTED_TRANSPORT, TRANSPORT_PROTOCOL_UDP << 24)
  w.writeText(ATTRIBUTE_SOFTWARE, 'a typical client')
  w.writeText(ATTRIBUTE_USERNAME, 'turnuser').writeText(ATTRIBUTE_REALM, 'turnuser')
  w.writeText(ATTRIBUTE_NONCE, 'obMatJos2gAAAABCDefghijklmno').writeMessageIntegrity(key).writeFingerprint()
})
const sendIndication = message((w) => {
  w.begin(w.bytes, 0, CLASS_INDICATION, METHOD_SEND, transactionId, 0)
  w.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peer).writeBytes(ATTRIBUTE_DATA, randomBytes(PAYLOAD_LENGTH))
})
const channelData = new Uint8Array(4 + PAYLOAD_LENGTH)
writeChannelDataHeader(channelData, 0, 0x4001, PAYLOAD_LENGTH)

function message(write: (writer: MessageWriter) => void): Uint8Array {
  const into = new MessageWriter()
  into.bytes = new Uint8Array(1024)
  write(into)
  return into.bytes.subarray(0, into.finish())
}

function decode(bytes: Uint8Array): (count: number) => number {
  return (count) => {
    let sum = 0
    for (let run = 0; run < count; run++) sum += decodeMessage(view, bytes, 0, bytes.length) + view.attributeCount
    return sum
  }
}

function decodeChannelDataHeader(count: number): number {
  let sum = 0
  for (let run = 0; run < count; run++) {
    channelData[1] = run & 0xff
    sum += readChannelNumber(channelData, 0) + readChannelDataLength(channelData, 0)
  }
  return sum
}

const answer = new Uint8Array(1024)

function writeBindingResponse(count: number): number {
  let sum = 0
  for (let run = 0; run < count; run++) {
    writer.begin(answer, 0, CLASS_SUCCESS, METHOD_BINDING, transactionId, 0)
    sum += writer.writeXorAddress(ATTRIBUTE_XOR_MAPPED_ADDRESS, peer).finish()
  }
  return sum
}

function checkIntegrity(count: number): number {
  decodeMessage(view, allocateRequest, 0, allocateRequest.length)
  let valid = 0
  for (let run = 0; run < count; run++) if (isMessageIntegrityValid(view, key)) valid++
  return valid
}

reportFromChild([
  measure(
    'decode an Allocate request (7 attributes, with integrity and fingerprint)',
    seconds,
    decode(allocateRequest),
  ),
  measure(`decode a Send indication of ${PAYLOAD_LENGTH} bytes`, seconds, decode(sendIndication)),
  measure('read a ChannelData header', seconds, decodeChannelDataHeader),
  measure('write a Binding response', seconds, writeBindingResponse),
  measure('verify the MESSAGE-INTEGRITY of the Allocate request', seconds, checkIntegrity),
])
