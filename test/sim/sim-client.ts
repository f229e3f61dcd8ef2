// A simulated client: what it believes from the answers that reached it, which may be too little, too late, or of a former life.
import * as stun from '../../src/stun/constants.js'
import { FiveTuple, TRANSPORT_TCP } from '../../src/turn/five-tuple.js'
import { Received } from '../support/core-client.js'
import { addressOf } from '../support/turn-address.js'
import { keyOf } from './address-text.js'
import type { Link, LinkQuality } from './network.js'
import type { Identity, SentRequest } from './sent-request.js'

const REMEMBERED_COUNT_MAX = 12

export class SimClient {
  readonly fiveTuple = new FiveTuple()
  readonly link: Link
  readonly isStream: boolean
  identity: Identity
  nonce = ''
  relayed: string[] = []
  readonly channels = new Map<number, string>()
  /** The latest, to be sent again and to be recognised in answers. */
  sent: SentRequest[] = []
  /** Does not speak any more; a stream client's connection is closed. */
  isGone = false
  /** Asks for its allocation's end next: the 5-tuple is taken by a former life. */
  isBlocked = false

  constructor(address: string, listenerId: number, isStream: boolean, quality: LinkQuality, identity: Identity) {
    this.fiveTuple.client.copyFrom(addressOf(address))
    this.fiveTuple.listenerId = listenerId
    if (isStream) {
      this.fiveTuple.transport = TRANSPORT_TCP
      this.fiveTuple.connectionId = 1
    }
    this.isStream = isStream
    this.link = { ...quality, isStream, lastArrival: 0 }
    this.identity = identity
  }

  get key(): string {
    return keyOf(this.fiveTuple)
  }

  remember(request: SentRequest): void {
    this.sent.push(request)
    if (this.sent.length > REMEMBERED_COUNT_MAX) this.sent.shift()
  }

  /** Starts anew on the same port (a stream client: on a new connection), knowing nothing. */
  restart(identity: Identity): void {
    this.identity = identity
    this.nonce = ''
    this.relayed = []
    this.channels.clear()
    this.sent = []
    this.isGone = false
    this.isBlocked = false
    if (this.isStream) this.fiveTuple.connectionId++
  }

  /** A STUN message of the server. Returns the token that it brought, '' if none. */
  receive(bytes: Uint8Array): string {
    const message = new Received(bytes)
    const request = this.sent.find(({ bytes }) => Buffer.compare(bytes.subarray(8, 20), message.transactionId) === 0)
    if (request === undefined || message.view.messageClass === stun.CLASS_INDICATION) return ''
    if (message.has(stun.ATTRIBUTE_NONCE)) this.nonce = message.text(stun.ATTRIBUTE_NONCE)
    if (message.code === stun.ERROR_ALLOCATION_MISMATCH) {
      this.isBlocked = request.method === stun.METHOD_ALLOCATE
      if (!this.isBlocked) this.relayed = []
    }
    if (message.code !== 0) return ''
    if (request.method === stun.METHOD_REFRESH && request.lifetimeSeconds === 0) {
      this.isBlocked = false
      if (request.family === 0) this.relayed = []
    }
    if (request.method === stun.METHOD_CHANNEL_BIND) this.channels.set(request.channelNumber, request.peers[0])
    if (request.method !== stun.METHOD_ALLOCATE) return ''
    this.relayed = message.relayed
    this.channels.clear()
    if (!message.has(stun.ATTRIBUTE_RESERVATION_TOKEN)) return ''
    return Buffer.from(message.value(stun.ATTRIBUTE_RESERVATION_TOKEN)).toString('hex')
  }
}
