// The front door of the protocol core. No socket, timer, thread, clock or file: bytes and the time come in, effects go out.
//
//   ┌ How to drive it ───────────────────────────────────────────────────────────────────────────────────────────┐
//   │ 1. Construct it with an output (an engine) and an observer (log, counters). Neither may call back at once.  │
//   │ 2. For each frame of a client: handleClientFrame. For each datagram at a relay socket: handlePeerDatagram;  │
//   │    for each ICMP error that reaches one: handlePeerIcmp.                                                    │
//   │ 3. For each output.openRelay: handleRelayOpened or handleRelayFailed, later, unless closeRelay came first.  │
//   │ 4. When a stream connection has closed: handleClientClosed; nothing for one that became a data connection.  │
//   │ 5. At least ten times a second, never backwards: tick(now), in 10 ms ticks since the construction.          │
//   │ With a userLookup: for each lookUp handleVerdict, later, or never.                                           │
//   │ With a connectionOutput (TCP relays, RFC 6062), also:                                                       │
//   │ 6. openTcpRelay is answered like openRelay. For a connection that a peer makes: handlePeerConnection.       │
//   │ 7. For each connectPeer: handlePeerConnected or handlePeerConnectFailed, later, unless it was closed first. │
//   │ 8. For each bindPeerConnection: admitConnectionData for what is to pass, handleDataConnectionEnded once.    │
//   └─────────────────────────────────────────────────────────────────────────────────────────────────────────────┘
//
// Network input never throws: it is answered, relayed, or dropped with a DROP_ reason. The core is never re-entered.
import type { Authenticator } from '../auth/authenticator.js'
import type { OutsideVerdict } from '../auth/outside-credentials.js'
import type { TransportAddress } from '../stun/address.js'
import { CLASS_INDICATION, CLASS_REQUEST, METHOD_BINDING, METHOD_SEND } from '../stun/constants.js'
import { isFingerprintValid } from '../stun/integrity.js'
import { DECODE_OK, decodeMessage, type MessageView } from '../stun/message.js'
import { type Allocation, type Relay, TICKS_PER_SECOND } from './allocation.js'
import { Alternates } from './alternates.js'
import { AnswerGate } from './answer-gate.js'
import { BandwidthLimits } from './bandwidth-limits.js'
import { handlePeerConnected, handlePeerConnectFailed, respondFailed } from './connect.js'
import { handlePeerConnection } from './connection-attempt.js'
import { Connections } from './connections.js'
import type { TurnCoreOptions } from './core-options.js'
import { type CoreRules, coreRules } from './core-rules.js'
import { openTables } from './core-tables.js'
import { CredentialLookups, type ParkedRequest } from './credential-lookups.js'
import { DROP_BAD_FINGERPRINT, DROP_NAMES, DROP_NONE, DROP_NOT_STUN, DROP_UNEXPECTED_CLASS } from './drop-reasons.js'
import { ExpiryWheel } from './expiry.js'
import type { FiveTuple } from './five-tuple.js'
import { FiveTupleTable } from './five-tuple-table.js'
import { handleUndecoded } from './legacy-binding.js'
import { deleteAllocation, deleteRelay, handleRelayFailed, handleRelayOpened, type Opening } from './lifecycle.js'
import { Mobility } from './mobility.js'
import { handleClientGone, handleForwardedMove } from './move.js'
import type { DeletionCause, ForwardedMove, RandomSource, ServerAddresses, TurnObserver, TurnOutput } from './output.js'
import type { PeerConnection } from './peer-connections.js'
import { relayIcmp } from './peer-icmp.js'
import type { PeerPolicy } from './peer-policy.js'
import type { Quotas } from './quotas.js'
import { RelayScratch, relayChannelData, relayDatagram, relaySend } from './relay.js'
import type { RelayHost } from './relay-host.js'
import type { RelayPorts } from './relay-ports.js'
import { RelayTable } from './relay-table.js'
import { Request } from './request.js'
import { handleLateRequest, handleRequest } from './requests.js'
import type { Reservations } from './reservations.js'
import { Responder } from './respond.js'
import { isUnderstood } from './understood-attributes.js'

export class TurnCore {
  /** The engine, or what stands between them while packets are recorded. */
  output: TurnOutput
  /** Null where no client comes over a stream. */
  readonly connections: Connections | null
  /** Null where no outside store can be. */
  readonly lookups: CredentialLookups | null
  /** Null: nobody is told of them. */
  readonly serverAddresses: ServerAddresses | null
  readonly observer: TurnObserver
  readonly authenticator: Authenticator
  readonly policy: PeerPolicy
  readonly relayHosts: readonly RelayHost[]
  readonly relayPorts: RelayPorts
  readonly random: RandomSource
  readonly quotas: Quotas
  readonly bandwidthLimits: BandwidthLimits
  rules: CoreRules
  readonly mobility: Mobility | null
  readonly alternates: Alternates
  readonly supportsDontFragment: boolean
  readonly allocations = new FiveTupleTable()
  readonly relays = new RelayTable()
  readonly openings = new Map<Allocation, Opening>()
  readonly reservations: Reservations
  readonly expiry = new ExpiryWheel()
  readonly responder = new Responder()
  readonly relayScratch = new RelayScratch()
  /** Dropped frames and datagrams, by DROP_ reason. */
  readonly drops: Float64Array
  /** Ticks of 10 ms. */
  now = 0
  isDraining = false
  readonly #monotonicStartTicks: number
  readonly answerGate: AnswerGate
  readonly #request = new Request()
  readonly #relayHostIndexes: Readonly<Record<4 | 6, readonly number[]>>
  readonly #onConnectTimeout = (connection: PeerConnection) => respondFailed(this, connection)
  readonly #onRelayExpired = (relay: Relay) => deleteRelay(this, relay, 'expired')

  constructor(options: TurnCoreOptions) {
    this.output = options.output
    this.serverAddresses = options.serverAddresses ?? null
    this.observer = options.observer
    this.authenticator = options.authenticator
    this.policy = options.policy
    this.relayHosts = options.relayHosts
    this.relayPorts = options.relayPorts
    this.random = options.random
    const { quotas, reservations, answerLimits, connectionTable, hash } = openTables(options)
    this.quotas = quotas
    this.reservations = reservations
    this.answerGate = new AnswerGate(answerLimits, options.observer)
    this.#monotonicStartTicks = Math.round(options.monotonicStartSeconds * TICKS_PER_SECOND)
    const { maxBps = 0, userMaxBps = 0 } = options
    this.bandwidthLimits = new BandwidthLimits(maxBps, userMaxBps, this.#monotonicStartTicks, quotas, this.random)
    const { connectionOutput } = options
    this.connections =
      connectionOutput === undefined
        ? null
        : new Connections(connectionOutput, connectionTable, hash, this.bandwidthLimits, this.random)
    this.rules = coreRules(options)
    this.mobility = options.mobility === undefined ? null : new Mobility(options.mobility, this.random)
    this.alternates = new Alternates(options.localPortOf ?? (() => 0))
    this.lookups = options.userLookup === undefined ? null : new CredentialLookups(options.userLookup)
    this.supportsDontFragment = options.supportsDontFragment
    this.drops = options.drops ?? new Float64Array(DROP_NAMES.length)
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

  /**
   * An ICMP error for a datagram that a relay socket had sent to `peer` (an object of the engine's). The client learns of it
   * (RFC 8656 §11.5). Returns 0 or the DROP_ reason.
   * @param icmpType the type of ICMP for IPv4 peers, of ICMPv6 for IPv6 peers
   * @param errorData the MTU of the next hop, where the error tells it
   */
  handlePeerIcmp(
    relayId: number,
    peer: TransportAddress,
    icmpType: number,
    icmpCode: number,
    errorData: number,
  ): number {
    const drop = relayIcmp(this, relayId, peer, icmpType, icmpCode, errorData)
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

  /**
   * A TCP connection from `peer` (an object of the engine's) was accepted on a TCP relay. Returns its CONNECTION-ID, under which it
   * waits to be bound; or 0: it is to be closed.
   * @param handle the engine's name for it, above 0
   */
  handlePeerConnection(relayId: number, peer: TransportAddress, handle: number): number {
    return handlePeerConnection(this, relayId, peer, handle)
  }

  handlePeerConnected(connectionId: number, handle: number): void {
    handlePeerConnected(this, connectionId, handle)
  }

  handlePeerConnectFailed(connectionId: number): void {
    handlePeerConnectFailed(this, connectionId)
  }

  /** Both sides of a bound pair are closed. */
  handleDataConnectionEnded(connectionId: number): void {
    this.connections?.data.end(connectionId)
  }

  /**
   * May this many bytes pass a bound pair now? They are counted then. If not, they are to be held back, and asked for again later.
   * @param direction FROM_CLIENT or TO_CLIENT
   */
  admitConnectionData(connectionId: number, direction: number, length: number): boolean {
    return this.connections === null || this.connections.data.admit(connectionId, direction, length, this.now)
  }

  /** Has the client an allocation, or one that is being opened? */
  hasAllocation(client: FiveTuple): boolean {
    return this.allocations.find(client) !== null || (this.mobility !== null && this.mobility.findWay(client) !== null)
  }

  handleClientClosed(client: FiveTuple): void {
    this.lookups?.discard(client)
    handleClientGone(this, client)
  }

  /** A Refresh whose ticket names this core (RFC 8016), from the one that received it, for this client of the engine's. */
  handleForwardedMove(client: FiveTuple, move: ForwardedMove): void {
    const drop = handleForwardedMove(this, this.#request, client, move)
    if (drop !== DROP_NONE) this.drops[drop]++
  }

  /** What the outside stores say of a user: requests that wait for it go on. */
  handleVerdict(verdict: OutsideVerdict): void {
    const isHeard = this.authenticator.outside?.take(verdict, this.monotonicSeconds()) ?? false
    for (const parked of this.lookups?.takeOf(verdict.username, isHeard) ?? []) this.#resume(parked, false)
  }

  /** The time, in ticks of 10 ms since the construction; never less than before. */
  tick(now: number): void {
    this.now = now
    this.expiry.advance(now, this.#onRelayExpired)
    this.reservations.expire(this.monotonicTicks())
    if (this.lookups !== null) for (const late of this.lookups.takeLate(now)) this.#resume(late, true)
    if (this.connections === null) return
    this.connections.peers.tick(now, this.#onConnectTimeout)
    this.connections.data.tick()
  }

  /** From now on no new allocations: 300 where there is another server, else 508. Everything else goes on. */
  drain(): void {
    this.isDraining = true
  }

  /** Deletes every allocation and closes its sockets. */
  deleteAllAllocations(cause: DeletionCause): void {
    for (const allocation of [...this.allocations.values()]) deleteAllocation(this, allocation, cause)
  }

  /** CLOCK_MONOTONIC in ticks: the same for all workers. */
  monotonicTicks(): number {
    return this.#monotonicStartTicks + this.now
  }

  monotonicSeconds(): number {
    return Math.floor(this.monotonicTicks() / TICKS_PER_SECOND)
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

  /** @param isLate nobody has said anything of its user */
  #resume({ bytes, client, deadlineAt, lookupCount }: ParkedRequest, isLate: boolean): void {
    const request = this.#request
    // It has been decoded before.
    decodeMessage(request.message, bytes, 0, bytes.length)
    request.begin(client)
    const drop = (isLate ? handleLateRequest : handleRequest)(this, request, deadlineAt, lookupCount)
    if (drop !== DROP_NONE) this.drops[drop]++
  }

  #handleMessage(client: FiveTuple, bytes: Uint8Array, start: number, end: number): number {
    const request = this.#request
    const { message } = request
    const result = decodeMessage(message, bytes, start, end)
    if (result !== DECODE_OK) return handleUndecoded(this, request, client, result)
    if (message.fingerprintStart >= 0 && !isFingerprintValid(message)) return DROP_BAD_FINGERPRINT
    if (message.messageClass === CLASS_REQUEST) {
      request.begin(client)
      return handleRequest(this, request, this.now + this.rules.lookupWaitTicks, 0)
    }
    if (message.messageClass !== CLASS_INDICATION) return DROP_UNEXPECTED_CLASS
    if (message.method === METHOD_SEND) return relaySend(this, client, message)
    // Binding indications keep NAT bindings alive; that they arrived is all (RFC 8489 §7.3.2).
    return message.method === METHOD_BINDING ? DROP_NONE : DROP_UNEXPECTED_CLASS
  }
}

function indexesOfFamily(hosts: readonly RelayHost[], family: 4 | 6): number[] {
  return hosts.flatMap((host, index) => (host.address.family === family ? [index] : []))
}
