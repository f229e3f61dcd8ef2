// An allocation (RFC 8656 §2.2) and what hangs on it: relays, permissions, channel bindings.
//
//   Allocation ─┬─ relay4, relay6         one relayed transport address each, with its own lifetime (dual allocation)
//               ├─ permissions            by peer IP address ──► Permission ──► its ChannelBindings by peer port
//               └─ channels               by channel number  ──► ChannelBinding
// Data from the client finds its binding by number; data from a peer finds the permission by address, then the binding by port.
import { NO_SESSIONS, type TokenSessions } from '../auth/token-session.js'
import { CHANNEL_LIFETIME_SECONDS, PERMISSION_LIFETIME_SECONDS } from '../limits/turn.js'
import { FAMILY_IPV4, formatHost, hashHost, type TransportAddress } from '../stun/address.js'
import type { Bandwidth } from './bandwidth.js'
import { FiveTuple } from './five-tuple.js'
import type { Mobile } from './mobility.js'
import { ChannelBinding, Permission } from './permission.js'

/** Times are core ticks (10 ms). */
export const TICKS_PER_SECOND = 100
export const PERMISSION_LIFETIME_TICKS = PERMISSION_LIFETIME_SECONDS * TICKS_PER_SECOND
export const CHANNEL_LIFETIME_TICKS = CHANNEL_LIFETIME_SECONDS * TICKS_PER_SECOND

export const RELAY_OPENING = 0
export const RELAY_LIVE = 1
export const RELAY_CLOSED = 2
/** Live, but a listener for TCP: to what relays datagrams there is no relay in any other state than RELAY_LIVE. */
export const RELAY_LISTENING = 3

/** One relayed transport address. `address` is what the socket binds, `advertised` what the client is told. */
export class Relay {
  readonly id: number
  readonly allocation: Allocation
  readonly hostIndex: number
  readonly address: TransportAddress
  readonly advertised: TransportAddress
  state = RELAY_OPENING
  /** Sockets tried so far: a port may be in use by a stranger. */
  attemptCount = 1
  expiresAt = 0
  /** In the second that began at this tick its client was told of so many ICMP errors. */
  icmpSecondStart = 0
  icmpCount = 0
  /** The expiry wheel's own: the second in which it looks at this relay next (-1: not in the wheel), and its neighbours. */
  wheelSecond = -1
  wheelNext: Relay | null = null
  wheelPrevious: Relay | null = null

  constructor(
    id: number,
    allocation: Allocation,
    hostIndex: number,
    address: TransportAddress,
    advertised: TransportAddress,
  ) {
    this.id = id
    this.allocation = allocation
    this.hostIndex = hostIndex
    this.address = address
    this.advertised = advertised
  }

  /** A listener for TCP connections (RFC 6062), not a UDP socket. */
  get isTcp(): boolean {
    return this.allocation.isTcp
  }
}

/** Indices into Allocation.counters. */
export const COUNTER_PACKETS_FROM_CLIENT = 0
export const COUNTER_BYTES_FROM_CLIENT = 1
export const COUNTER_PACKETS_TO_CLIENT = 2
export const COUNTER_BYTES_TO_CLIENT = 3

/** What it has until its first permission, without which nothing is relayed and counted, and its first channel. */
const NO_CHANNELS: ReadonlyMap<number, ChannelBinding> = new Map()
const NO_PERMISSIONS: ReadonlyMap<number, Permission> = new Map()
const NO_COUNTERS = new Float64Array(4)

export class Allocation {
  readonly fiveTuple: FiveTuple
  readonly username: string
  /** Whose quotas and bandwidth it counts for: the user name, or its user part. */
  account: string
  /** Access tokens of its client, the newest first (RFC 7635); none: it is a user's. */
  sessions: TokenSessions = NO_SESSIONS
  readonly createdAt: number
  /** Its relay is one for TCP (RFC 6062); it has one only. */
  readonly isTcp: boolean
  relay4: Relay | null = null
  relay6: Relay | null = null
  /** True until the Allocate request is answered. */
  isOpening = true
  isDeleted = false
  /** What the Allocate answer said, to say it again: seconds, and the token of a reserved port (8 bytes). */
  lifetimeSeconds = 0
  reservationToken: Uint8Array | null = null
  /** The family that a dual allocation did not get, and its error code (ADDRESS-ERROR-CODE); 0 if none. */
  failedFamily: 0 | 4 | 6 = 0
  failedFamilyCode = 0
  permissionCount = 0
  /** Null if nothing limits it. */
  bandwidth: Bandwidth | null = null
  /** Payload packets and bytes, by COUNTER_ index. */
  counters = NO_COUNTERS
  /** Requests of its 5-tuple, the Allocate that made it included, and their answers. */
  requestsReceived = 1
  successResponsesSent = 0
  errorResponsesSent = 0
  /** Null unless its client may come from elsewhere (RFC 8016). */
  mobile: Mobile | null = null
  #channels = NO_CHANNELS as Map<number, ChannelBinding>
  #permissions = NO_PERMISSIONS as Map<number, Permission>
  /** The Allocate request's transaction id as words, without the objects of a byte array. */
  readonly #transactionId0: number
  readonly #transactionId1: number
  readonly #transactionId2: number

  constructor(fiveTuple: FiveTuple, username: string, createdAt: number, transactionId: Uint8Array, isTcp = false) {
    this.fiveTuple = new FiveTuple().copyFrom(fiveTuple)
    this.username = username
    this.account = username
    this.createdAt = createdAt
    this.isTcp = isTcp
    this.#transactionId0 = wordAt(transactionId, 0)
    this.#transactionId1 = wordAt(transactionId, 4)
    this.#transactionId2 = wordAt(transactionId, 8)
  }

  /** Is this the Allocate request's transaction id, which gets the same answer again (RFC 8656 §7.2 step 2)? */
  isOfTransaction(bytes: Uint8Array, start: number): boolean {
    return (
      this.#transactionId0 === wordAt(bytes, start) &&
      this.#transactionId1 === wordAt(bytes, start + 4) &&
      this.#transactionId2 === wordAt(bytes, start + 8)
    )
  }

  /** By channel number. */
  get channels(): ReadonlyMap<number, ChannelBinding> {
    return this.#channels
  }

  /** By hash of the peer's IP address. */
  get permissions(): ReadonlyMap<number, Permission> {
    return this.#permissions
  }

  relays(): Relay[] {
    return [this.relay4, this.relay6].filter((relay): relay is Relay => relay !== null)
  }

  relayOfFamily(family: number): Relay | null {
    return family === FAMILY_IPV4 ? this.relay4 : this.relay6
  }

  /** The permission for this IP address, live or expired, or null. */
  findPermission(peer: TransportAddress): Permission | null {
    let permission = this.#permissions.get(hashHost(peer)) ?? null
    while (permission !== null && !permission.address.equalsHost(peer)) permission = permission.nextSameHash
    return permission
  }

  installPermission(peer: TransportAddress, now: number): Permission {
    let permission = this.findPermission(peer)
    if (permission === null) {
      if (this.#permissions === NO_PERMISSIONS) this.#permissions = new Map()
      if (this.counters === NO_COUNTERS) this.counters = new Float64Array(4)
      const address = peer.clone()
      address.port = 0
      address.host = formatHost(peer)
      permission = new Permission(address)
      const hash = hashHost(peer)
      permission.nextSameHash = this.#permissions.get(hash) ?? null
      this.#permissions.set(hash, permission)
      this.permissionCount++
    }
    permission.expiresAt = now + PERMISSION_LIFETIME_TICKS
    return permission
  }

  /** The binding of this peer transport address, live or expired, or null. */
  findChannel(permission: Permission, port: number): ChannelBinding | null {
    let channel = permission.firstChannel
    while (channel !== null && channel.peer.port !== port) channel = channel.nextOfPermission
    return channel
  }

  addChannel(channelNumber: number, permission: Permission, port: number): ChannelBinding {
    const channel = new ChannelBinding(channelNumber, permission, port)
    channel.nextOfPermission = permission.firstChannel
    permission.firstChannel = channel
    if (this.#channels === NO_CHANNELS) this.#channels = new Map()
    this.#channels.set(channelNumber, channel)
    return channel
  }

  removeChannel(channel: ChannelBinding): void {
    this.#channels.delete(channel.channelNumber)
    const permission = channel.permission
    if (permission.firstChannel === channel) {
      permission.firstChannel = channel.nextOfPermission
      return
    }
    let previous = permission.firstChannel
    while (previous !== null && previous.nextOfPermission !== channel) previous = previous.nextOfPermission
    if (previous !== null) previous.nextOfPermission = channel.nextOfPermission
  }

  /** Payload of a data connection, which is counted when it ends. Streams have no packets. */
  addConnectionBytes(fromClient: number, toClient: number): void {
    if (this.counters === NO_COUNTERS) this.counters = new Float64Array(4)
    this.counters[COUNTER_BYTES_FROM_CLIENT] += fromClient
    this.counters[COUNTER_BYTES_TO_CLIENT] += toClient
  }

  /** Forgets expired channel bindings, and expired permissions that no binding needs. */
  forgetExpired(now: number): void {
    for (const channel of this.#channels.values()) if (channel.expiresAt <= now) this.removeChannel(channel)
    for (const first of this.#permissions.values()) {
      for (let permission: Permission | null = first; permission !== null; permission = permission.nextSameHash) {
        if (permission.expiresAt <= now && permission.firstChannel === null) this.#removePermission(permission)
      }
    }
  }

  /** Forgets every permission and channel of one family (RFC 8656 §8.1: deleting one of two relays). */
  forgetFamily(family: number): void {
    for (const channel of this.#channels.values()) if (channel.peer.family === family) this.removeChannel(channel)
    for (const first of this.#permissions.values()) {
      for (let permission: Permission | null = first; permission !== null; permission = permission.nextSameHash) {
        if (permission.address.family === family) this.#removePermission(permission)
      }
    }
  }

  #removePermission(permission: Permission): void {
    const hash = hashHost(permission.address)
    const first = this.#permissions.get(hash) ?? null
    this.permissionCount--
    if (first === permission) {
      if (permission.nextSameHash === null) this.#permissions.delete(hash)
      else this.#permissions.set(hash, permission.nextSameHash)
      return
    }
    let previous = first
    while (previous !== null && previous.nextSameHash !== permission) previous = previous.nextSameHash
    if (previous !== null) previous.nextSameHash = permission.nextSameHash
  }

  *liveChannels(now: number): IterableIterator<ChannelBinding> {
    for (const channel of this.#channels.values()) if (channel.expiresAt > now) yield channel
  }

  /** The same, for pages and reports. */
  *livePermissions(now: number): IterableIterator<Permission> {
    for (const first of this.#permissions.values()) {
      for (let permission: Permission | null = first; permission !== null; permission = permission.nextSameHash) {
        if (permission.expiresAt > now) yield permission
      }
    }
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]
}
