// Rows "unauthenticated floods" and "reflection": what is no request gets no answer at all, whatever it is.
import { randomBytes, randomFillSync } from 'node:crypto'
import {
  ATTRIBUTE_DATA,
  ATTRIBUTE_XOR_PEER_ADDRESS,
  CLASS_ERROR,
  CLASS_INDICATION,
  CLASS_REQUEST,
  CLASS_SUCCESS,
  METHOD_ALLOCATE,
  METHOD_BINDING,
  METHOD_DATA,
  METHOD_SEND,
} from '../../../src/stun/constants.js'
import { withoutKoffi } from '../../support/engines.js'
import { addressOf } from '../../support/udp-peer.js'
import type { Attack, AttackReport } from '../attack.js'
import { bindingRequest, filling, messageOf } from '../datagrams.js'
import { type Fill, Flood, floodReport, manySources } from '../flood.js'
import { type Ground, HOST } from '../ground.js'

const PER_SECOND = 15_000
const MEBIBYTE = 1024 * 1024
/** Bytes of an oversized datagram: they, and not their number, are what is offered. */
const OVERSIZED_LENGTH = 60_000
const OVERSIZED_PER_SECOND = 1_000
const PEER = addressOf(HOST, 9)

async function silent(ground: Ground, fill: Fill, perSecond: number, slotLength = 2_048): Promise<AttackReport> {
  const flood = new Flood(ground, ground.port(), slotLength)
  const plan = { perSecond, milliseconds: ground.milliseconds, source: manySources }
  const { milliseconds } = await flood.run({ ...plan, fill })
  return { ...floodReport(milliseconds, flood), repliesMax: 0, failures: [] }
}

/** Each of these in turn. */
function taking(fills: readonly Fill[]): Fill {
  return (slot, index) => fills[index % fills.length](slot, index)
}

function noise(lengthMax: number): Fill {
  return (slot, index) => {
    const length = index % lengthMax
    randomFillSync(slot, 0, length)
    // Neither a Binding request by chance, nor ChannelData, which has its own attack.
    slot[0] |= 0x80
    return length
  }
}

/** A Binding request that ends too early, or says that it is longer or shorter than it is. */
const truncated: Fill = (slot, index) => {
  bindingWithAttributes.copy(slot)
  return index % bindingWithAttributes.length
}

const lying: Fill = (slot, index) => {
  bindingWithAttributes.copy(slot)
  slot.writeUInt16BE(4 * ((index % 0x3ff0) + 11), 2)
  return bindingWithAttributes.length
}

const wrongFingerprint: Fill = (slot) => {
  fingerprinted.copy(slot)
  randomFillSync(slot, 8, 12)
  return fingerprinted.length
}

const bindingWithAttributes = messageOf(METHOD_BINDING, CLASS_REQUEST, (writer) => {
  writer.writeText(0x8022, 'an attribute of 32 bytes, in all.')
})
const fingerprinted = messageOf(METHOD_BINDING, CLASS_REQUEST, (writer) => void writer.writeFingerprint())

const oversized: Fill = (slot) => {
  bindingRequest().copy(slot)
  slot.writeUInt16BE(OVERSIZED_LENGTH - 20, 2)
  return OVERSIZED_LENGTH
}

const channelData: Fill = (slot, index) => {
  slot.writeUInt16BE(0x4000 + (index % 0x1000))
  slot.writeUInt16BE(100, 2)
  return 104
}

const sendIndication = filling(
  messageOf(METHOD_SEND, CLASS_INDICATION, (writer) => {
    writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, PEER)
    writer.writeBytes(ATTRIBUTE_DATA, randomBytes(100))
  }),
)

/** Of all classes and methods, those that are no request. */
const noRequests: readonly Fill[] = [CLASS_INDICATION, CLASS_SUCCESS, CLASS_ERROR]
  .flatMap((messageClass) =>
    [METHOD_BINDING, METHOD_ALLOCATE, METHOD_DATA, 0x0fff].map((method) => messageOf(method, messageClass, () => {})),
  )
  .map(filling)

export const SILENCE: readonly Attack[] = [
  {
    name: 'garbage',
    title: 'noise, truncated messages, false lengths, wrong fingerprints',
    threat: 'unauthenticated floods',
    seconds: 5,
    shortSeconds: 0.3,
    skip: withoutKoffi,
    drops: ['not-stun', 'malformed', 'bad-fingerprint'],
    run: (ground) => silent(ground, taking([noise(1_400), truncated, lying, wrongFingerprint]), PER_SECOND),
  },
  {
    name: 'oversized',
    title: 'datagrams of 60,000 bytes',
    // Memory that each worker reserves for datagrams of any length at its start becomes resident: 256 slots of 64 KiB.
    rules: { growthBytesMax: 48 * MEBIBYTE, remainingBytesMax: 48 * MEBIBYTE },
    threat: 'unauthenticated floods',
    seconds: 4,
    shortSeconds: 0.3,
    skip: withoutKoffi,
    run: (ground) => silent(ground, oversized, OVERSIZED_PER_SECOND, OVERSIZED_LENGTH),
  },
  {
    name: 'stray-data',
    title: 'ChannelData and Send indications without an allocation',
    threat: 'reflection',
    seconds: 5,
    shortSeconds: 0.3,
    skip: withoutKoffi,
    drops: ['no-allocation'],
    run: (ground) => silent(ground, taking([channelData, sendIndication]), PER_SECOND),
  },
  {
    name: 'indications',
    title: 'indications and answers that nobody asked for',
    threat: 'reflection',
    seconds: 5,
    shortSeconds: 0.3,
    skip: withoutKoffi,
    drops: ['unexpected-class'],
    run: (ground) => silent(ground, taking(noRequests), PER_SECOND),
  },
]
