// The front door of the protocol core. No socket, timer, thread, clock or file: bytes and the time come in, effects go out.
//
//   ┌ How to drive it ───────────────────────────────────────────────────────────────────────────────────────────┐
//   │ 1. Construct it with an output (an engine) and an observer (log, counters). Neither may call back at once.  │
//   │ 2. For each frame of a client: handleClientFrame. For each datagram at a relay socket: handlePeerDatagram.  │
//   │ 3. For each output.openRelay: handleRelayOpened or handleRelayFailed, later, unless closeRelay came first.  │
//   │ 4. When a stream connection has closed: handleClientClosed.                                                 │
//   │ 5. At least ten times a second, never backwards: tick(now), in 10 ms ticks since the construction.          │
//   └─────────────────────────────────────────────────────────────────────────────────────────────────────────────┘
//
// Network input never throws: it is answered, relayed, or dropped with a DROP_ reason. The core is never re-entered.
import type { Authenticator } from '../auth/authenticator.js'
import type { TransportAddress } from '../stun/address.js'
import {
  ATTRIBUTE_DONT_FRAGMENT,
  CHANNEL_NUMBER_MAX,
  CLASS_INDICATION,
  CLASS_REQUEST,
  ERROR_ALLOCATION_MISMATCH,
  ERROR_UNKNOWN_ATTRIBUTE,
  ERROR_WRONG_CREDENTIALS,
  METHOD_ALLOCATE,
  METHOD_BINDING,
  METHOD_CHANNEL_BIND,
  METHOD_CREATE_PERMISSION,
  METHOD_REFRESH,
  METHOD_SEND,
} from '../stun/constants.js'
import { isFingerprintValid } from '../stun/integrity.js'
import { DECODE_OK, decodeMessage, type MessageView } from '../stun/message.js'
import { handleAllocate } from './allocate.js'
import { type Allocation, type Relay, TICKS_PER_SECOND } from './allocation.js'
import { handleBinding } from './binding.js'
import { handleChannelBind } from './channel-bind.js'
import { handleCreatePermission } from './create-permission.js'
import {
  DROP_BAD_FINGERPRINT,
  DROP_NAMES,
  DROP_NESTED_CLIENT,
  DROP_NONE,
  DROP_NOT_STUN,
  DROP_UNEXPECTED_CLASS,
  DROP_UNKNOWN_METHOD,
  dropOfDecode,
} from './drop-reasons.js'
import { ExpiryWheel } from './expiry.js'
import type { FiveTuple } from './five-tuple.js'
import { FiveTupleTable } from './five-tuple-table.js'
import {
  deleteAllocation,
  deleteRelay,
  expireReservation,
  handleRelayFailed,
  handleRelayOpened,
  type Opening,
} from './lifecycle.js'
import type { DeletionCause, RandomSource, TurnObserver, TurnOutput } from './output.js'
import type { PeerPolicy } from './peer-policy.js'
import { Quotas } from './quotas.js'
import { handleRefresh } from './refresh.js'
import { RelayScratch, relayChannelData, relayDatagram, relaySend } from './relay.js'
import type { RelayHost } from './relay-host.js'
import type { RelayPorts } from './relay-ports.js'
import { RelayTable } from './relay-table.js'
import { Request } from './request.js'
import { Reservations } from './reservations.js'
import { Responder, respondChallenge, respondError } from './respond.js'
import { isUnderstood } from './understood-attributes.js'

export interface TurnCoreOptions {
  readonly output: TurnOutput
  readonly observer: TurnObserver
  readonly authenticator: Authenticator
  readonly policy: PeerPolicy
  readonly relayHosts: readonly RelayHost[]
  readonly relayPorts: RelayPorts
  readonly random: RandomSource
  /** The relay licence: allocations and reservations of all users. */
  readonly maxAllocations: number
  /** Allocations and reservations of one user; 0 for no limit. */
  readonly userQuota: number
  /** CLOCK_MONOTONIC in seconds at tick 0: nonces outlive a restart of the process. */
  readonly monotonicStartSeconds: number
  /** Permissions and channels of one allocation. */
  readonly permissionCountMax: number
  readonly channelCountMax: number
  readonly channelNumberMax?: number
  /** Can the engine set the DF bit? If not, DONT-FRAGMENT is an unknown attribute (RFC 8656 §7.2 step 4). */
  readonly supportsDontFragment: boolean
}

export class TurnCore {
  readonly output: TurnOutput
  readonly observer: TurnObserver
  readonly authenticator: Authenticator
  readonly policy: PeerPolicy
  readonly relayHosts: readonly RelayHost[]
  readonly relayPorts: RelayPorts
  readonly random: RandomSource
  readonly quotas: Quotas
  readonly permissionCountMax: number
  readonly channelCountMax: number
  readonly channelNumberMax: number
  readonly supportsDontFragment: boolean
  readonly allocations = new FiveTupleTable()
  readonly relays = new RelayTable()
  readonly openings = new Map<Allocation, Opening>()
  readonly reservations = new Reservations()
  readonly expiry = new ExpiryWheel()
  readonly responder = new Responder()
  readonly relayScratch = new RelayScratch()
  /** Dropped frames and datagrams, by DROP_ reason. */
  readonly drops = new Float64Array(DROP_NAMES.length)
  /** Ticks of 10 ms. */
  now = 0
  isDraining = false
  readonly #monotonicStartSeconds: number
  readonly #request = new Request()
  readonly #relayHostIndexes: Readonly<Record<4 | 6, readonly number[]>>
  readonly #onRelayExpired = (relay: Relay) => deleteRelay(this, relay, 'expired')

  constructor(options: TurnCoreOptions) {
    this.output = options.output
    this.observer = options.observer
    this.authenticator = options.authenticator
    this.policy = options.policy
    this.relayHosts = options.relayHosts
    this.relayPorts = options.relayPorts
    this.random = options.random
    this.quotas = new Quotas(options.maxAllocations, options.userQuota)
    this.permissionCountMax = options.permissionCountMax
    this.channelCountMax = options.channelCountMax
    this.channelNumberMax = options.channelNumberMax ?? CHANNEL_NUMBER_MAX
    this.supportsDontFragment = options.supportsDontFragment
    this.#monotonicStartSeconds = options.monotonicStartSeconds
    this.#relayHostIndexes = { 4: indexesOfFamily(options.relayHosts, 4), 6: indexesOfFamily(options.relayHosts, 6) }
  }

  /** One datagram, or one frame of a stream, of a client. Returns 0 or the DROP_ reason. The bytes may be kept by the output. */
  handleClientFrame(client: FiveTuple, bytes: Uint8Array, start: number, end: number): number {
    const firstByte = end > start ? bytes[start] : 0xff
    let drop = DROP_NOT_STUN
    // RFC 7983: 0–63 STUN, 64–127 ChannelData.
    if (firstByte < 0x40) drop = this.#handleMessage(client, bytes, start, end)
    else if (firstByte < 0x80) drop = relayChannelData(this, client, bytes, start, end)
    if (drop !== DROP_NONE) this.drops[drop]++
    return drop
  }

  /** One datagram at a relay socket, with its source (an object of the engine's). Returns 0 or the DROP_ reason. */
  handlePeerDatagram(relayId: number, peer: TransportAddress, bytes: Uint8Array, start: number, end: number): number {
    const drop = relayDatagram(this, relayId, peer, bytes, start, end)
    if (drop !== DROP_NONE) this.drops[drop]++
    return drop
  }

  handleRelayOpened(relayId: number): void {
    handleRelayOpened(this, relayId)
  }

  /** @param inUse another socket holds the port: another one is tried; otherwise the operating system refuses sockets */
  handleRelayFailed(relayId: number, inUse: boolean): void {
    handleRelayFailed(this, relayId, inUse)
  }

  handleClientClosed(client: FiveTuple): void {
    const allocation = this.allocations.find(client)
    if (allocation !== null) deleteAllocation(this, allocation, 'client-closed')
  }

  /** The time, in ticks of 10 ms since the construction; never less than before. */
  tick(now: number): void {
    this.now = now
    this.expiry.advance(now, this.#onRelayExpired)
    for (const reservation of this.reservations.expire(now)) expireReservation(this, reservation)
  }

  /** From now on no new allocations: 508. Everything else goes on. */
  drain(): void {
    this.isDraining = true
  }

  /** Deletes every allocation and closes its sockets. */
  deleteAllAllocations(cause: DeletionCause): void {
    for (const allocation of [...this.allocations.values()]) deleteAllocation(this, allocation, cause)
  }

  monotonicSeconds(): number {
    return this.#monotonicStartSeconds + Math.floor(this.now / TICKS_PER_SECOND)
  }

  relayHostIndexesOf(family: 4 | 6): readonly number[] {
    return this.#relayHostIndexes[family]
  }

  /** Has the message a comprehension-required attribute that this server does not understand? */
  hasUnknownRequired(message: MessageView): boolean {
    for (let index = 0; index < message.attributeCount; index++) {
      if (!isUnderstood(message.attributeTypes[index])) return true
    }
    return false
  }

  #handleMessage(client: FiveTuple, bytes: Uint8Array, start: number, end: number): number {
    const request = this.#request
    const { message } = request
    const result = decodeMessage(message, bytes, start, end)
    if (result !== DECODE_OK) return dropOfDecode(result)
    if (message.fingerprintStart >= 0 && !isFingerprintValid(message)) return DROP_BAD_FINGERPRINT
    if (message.messageClass === CLASS_REQUEST) return this.#handleRequest(client, request)
    if (message.messageClass !== CLASS_INDICATION) return DROP_UNEXPECTED_CLASS
    if (message.method === METHOD_SEND) return relaySend(this, client, message)
    // Binding indications keep NAT bindings alive; that they arrived is all (RFC 8489 §7.3.2).
    return message.method === METHOD_BINDING ? DROP_NONE : DROP_UNEXPECTED_CLASS
  }

  #handleRequest(client: FiveTuple, request: Request): number {
    const { method } = request.message
    if (!isRequestMethod(method)) return DROP_UNKNOWN_METHOD
    request.begin(client)
    request.allocation = this.allocations.find(client)
    // A client behind a relay of ours could multiply its own traffic: it does not exist.
    if (request.allocation === null && this.policy.isLiveRelay(client.client)) {
      this.observer.refused('nested-client', 0, method, '', client.client, null)
      return DROP_NESTED_CLIENT
    }
    if (method !== METHOD_BINDING && !this.#authenticate(request)) return DROP_NONE
    if (this.#refuseUnknownRequired(request)) return DROP_NONE
    if (method === METHOD_BINDING) {
      handleBinding(this, request)
      return DROP_NONE
    }
    if (method === METHOD_ALLOCATE) return handleAllocate(this, request)
    this.#handleAllocationRequest(request)
    return DROP_NONE
  }

  /** RFC 8489 §9.2.4. Answers and returns false unless the request is authentic. */
  #authenticate(request: Request): boolean {
    const { exchange, message } = request
    const { authenticator } = this
    const allocationUsername = request.allocation?.username ?? null
    const code = authenticator.authenticate(
      message,
      exchange.client.client,
      this.monotonicSeconds(),
      allocationUsername,
    )
    exchange.username = authenticator.username
    if (code === 0) {
      exchange.key = authenticator.key
      exchange.integrity = authenticator.integrity
      return true
    }
    if (authenticator.reason === null) respondChallenge(this, exchange)
    else respondError(this, exchange, code, authenticator.reason)
    return false
  }

  /** RFC 8489 §6.3.1: 420 with every attribute that is required and unknown. */
  #refuseUnknownRequired({ exchange, message }: Request): boolean {
    if (!this.hasUnknownRequired(message)) return false
    const unknown = message.unknownRequired(
      (type) => isUnderstood(type) && (type !== ATTRIBUTE_DONT_FRAGMENT || this.supportsDontFragment),
    )
    respondError(this, exchange, ERROR_UNKNOWN_ATTRIBUTE, 'unknown-attribute', null, unknown)
    return true
  }

  /** Requests about an allocation: it must exist and be of the same user (RFC 8656 §5). */
  #handleAllocationRequest(request: Request): void {
    const { allocation, exchange, message } = request
    if (allocation === null || allocation.isOpening) {
      respondError(this, exchange, ERROR_ALLOCATION_MISMATCH, 'no-allocation')
    } else if (allocation.username !== exchange.username) {
      respondError(this, exchange, ERROR_WRONG_CREDENTIALS, 'wrong-credentials')
    } else if (message.method === METHOD_REFRESH) {
      handleRefresh(this, request, allocation)
    } else if (message.method === METHOD_CREATE_PERMISSION) {
      handleCreatePermission(this, request, allocation)
    } else {
      handleChannelBind(this, request, allocation)
    }
  }
}

function isRequestMethod(method: number): boolean {
  return (
    method === METHOD_BINDING ||
    method === METHOD_ALLOCATE ||
    method === METHOD_REFRESH ||
    method === METHOD_CREATE_PERMISSION ||
    method === METHOD_CHANNEL_BIND
  )
}

function indexesOfFamily(hosts: readonly RelayHost[], family: 4 | 6): number[] {
  return hosts.flatMap((host, index) => (host.address.family === family ? [index] : []))
}
