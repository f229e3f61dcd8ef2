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
  /** Peers of successful CreatePermission and ChannelBind requests, the latest last. */
  permitted: string[] = []
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
    this.permitted = []
    this.sent = []
    this.isGone = false
    this.isBlocked = false
    if (this.isStream) this.fiveTuple.connectionId++
  }

  /** A STUN message of the server. Returns the request that it answers, and the answer; null if that is forgotten, or a Data indication. */
  receive(bytes: Uint8Array): { request: SentRequest; answer: Received } | null {
    const answer = new Received(bytes)
    const request = this.sent.find(({ bytes }) => Buffer.compare(bytes.subarray(8, 20), answer.transactionId) === 0)
    if (request === undefined || answer.view.messageClass === stun.CLASS_INDICATION) return null
    if (answer.has(stun.ATTRIBUTE_NONCE)) this.nonce = answer.text(stun.ATTRIBUTE_NONCE)
    if (answer.code === stun.ERROR_ALLOCATION_MISMATCH) {
      this.isBlocked = request.method === stun.METHOD_ALLOCATE
      if (!this.isBlocked) this.relayed = []
    }
    if (answer.code === 0) this.#learn(request, answer)
    return { request, answer }
  }

  #learn(request: SentRequest, answer: Received): void {
    const { method, peers, channelNumber } = request
    if (method === stun.METHOD_REFRESH && request.lifetimeSeconds === 0) {
      this.isBlocked = false
      if (request.family === 0) this.relayed = []
    }
    this.permitted.push(...peers)
    if (method === stun.METHOD_CHANNEL_BIND) this.channels.set(channelNumber, peers[0])
    if (method !== stun.METHOD_ALLOCATE) return
    this.relayed = answer.relayed
    this.permitted = []
    this.channels.clear()
  }
}
