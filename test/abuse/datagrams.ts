// Datagrams of floods: STUN messages written once, whose transaction id changes with each.
import { randomBytes, randomFillSync } from 'node:crypto'
import { CLASS_REQUEST, METHOD_ALLOCATE, METHOD_BINDING } from '../../src/stun/constants.js'
import { MessageWriter } from '../../src/stun/writer.js'
import { type Describe, describeAllocate } from '../support/turn-requests.js'
import type { Fill } from './flood.js'

const LENGTH_MAX = 2_048
const TRANSACTION_ID_START = 8
const TRANSACTION_ID_END = 20

export function messageOf(method: number, messageClass: number, describe: Describe): Buffer {
  const writer = new MessageWriter().begin(new Uint8Array(LENGTH_MAX), 0, messageClass, method, randomBytes(12), 0)
  describe(writer)
  return Buffer.from(writer.bytes.slice(0, writer.finish()))
}

/** The message with another transaction id each time. */
export function filling(message: Buffer): Fill {
  return (slot) => {
    message.copy(slot)
    randomFillSync(slot, TRANSACTION_ID_START, TRANSACTION_ID_END - TRANSACTION_ID_START)
    return message.length
  }
}

/** 20 bytes. */
export function bindingRequest(): Buffer {
  return messageOf(METHOD_BINDING, CLASS_REQUEST, () => {})
}

/** The smallest Allocate: 28 bytes. */
export function allocateRequest(): Buffer {
  return messageOf(METHOD_ALLOCATE, CLASS_REQUEST, describeAllocate)
}
