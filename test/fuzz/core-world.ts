// The stage of core-fuzz.ts: a core with a handful of clients in different states, and what must hold of it whatever bytes come.
import { BlockList } from 'node:net'
import * as stun from '../../src/stun/constants.js'
import { type Allocation, RELAY_LISTENING, RELAY_LIVE } from '../../src/turn/allocation.js'
import { TRANSPORT_TCP, TRANSPORT_TLS } from '../../src/turn/five-tuple.js'
import type { Permission } from '../../src/turn/permission.js'
import { ALICE, BOB, type CoreClient, Received, requestUdp, writePeers } from '../support/core-client.js'
import { CoreHarness, PEER, PEER_IPV6, SERVER_HOST, SERVER_HOST_IPV6 } from '../support/core-harness.js'
import type { Effect } from '../support/recording-output.js'
import { addressOf } from '../support/turn-address.js'
import { CoreConnections } from './core-connections.js'

const PERMISSION_COUNT_MAX = 6
const CHANNEL_COUNT_MAX = 4
const MAX_ALLOCATIONS = 8
const USER_QUOTA = 5
const FORBIDDEN = new BlockList()
for (const block of ['0.0.0.0/8', '10.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '192.168.0.0/16', '224.0.0.0/3']) {
  const [address, prefix] = block.split('/')
  FORBIDDEN.addSubnet(address, Number(prefix))
}

export class CoreWorld {
  readonly harness: CoreHarness
  readonly clients: readonly CoreClient[]
  /** Those that come over TCP or TLS. */
  readonly streamClients: readonly CoreClient[]
  /** Those of them that ask for data connections only. */
  readonly dataClients: readonly CoreClient[]
  readonly connections: CoreConnections
  /** Tokens that the server gave, used or not. */
  readonly tokens: Uint8Array[] = []
  /** Relay sockets: opening or open. */
  readonly sockets = new Set<number>()

  constructor(seed: number) {
    const harness = new CoreHarness({
      ...{ seed, relayHosts: [SERVER_HOST, SERVER_HOST_IPV6], minPort: 24_001, maxPort: 24_016 },
      ...{ permissionCountMax: PERMISSION_COUNT_MAX, channelCountMax: CHANNEL_COUNT_MAX },
      ...{ maxAllocations: MAX_ALLOCATIONS, userQuota: USER_QUOTA, nat64Prefixes: ['2a0a:3200::/32'] },
    })
    const { random } = harness
    harness.openOutcome = () => (random.oneIn(8) ? random.pick(['in-use', 'refused', 'pending']) : 'opened')
    this.harness = harness
    this.connections = new CoreConnections(harness)
    this.dataClients = [
      harness.client({ transport: TRANSPORT_TCP }),
      harness.client({ transport: TRANSPORT_TLS, user: BOB, fingerprint: true }),
    ]
    this.streamClients = [
      harness.client({ transport: TRANSPORT_TCP }),
      harness.client({ transport: TRANSPORT_TCP, user: BOB }),
      harness.client({ transport: TRANSPORT_TLS, integrity: 'sha256', fingerprint: true }),
      ...this.dataClients,
    ]
    this.clients = [
      harness.client(),
      harness.client({ integrity: 'sha256', fingerprint: true }),
      harness.client({ user: BOB, address: '[2a00:1450::7]:50000' }),
      harness.client({ user: BOB, fingerprint: true }),
      // Another user on the 5-tuple of the first.
      harness.client({ user: BOB, address: '198.51.100.7:50000' }),
      harness.client({ user: { ...ALICE, password: 'wrong' } }),
      ...this.streamClients,
    ]
    for (const client of this.clients) client.challenge()
    this.start(this.clients[0])
  }

  /** A whole call's beginning, if the client can have it: an allocation, a channel to PEER, a permission for PEER_IPV6. */
  start(client: CoreClient): void {
    client.challenge()
    client.request(stun.METHOD_ALLOCATE, (writer) => {
      requestUdp(writer).writeFamily(stun.ATTRIBUTE_ADDITIONAL_ADDRESS_FAMILY, 6)
    })
    client.request(stun.METHOD_CHANNEL_BIND, (writer) => {
      writePeers(writer.writeUint32(stun.ATTRIBUTE_CHANNEL_NUMBER, stun.CHANNEL_NUMBER_MIN << 16), [PEER])
    })
    client.request(stun.METHOD_CREATE_PERMISSION, (writer) => writePeers(writer, [PEER_IPV6]))
    this.takeEffects()
  }

  /** The same with a TCP relay: a permission for PEER, and a connection to it. */
  startTcp(client: CoreClient): void {
    client.challenge()
    client.request(stun.METHOD_ALLOCATE, (writer) => {
      writer.writeUint32(stun.ATTRIBUTE_REQUESTED_TRANSPORT, stun.TRANSPORT_PROTOCOL_TCP << 24)
    })
    client.request(stun.METHOD_CREATE_PERMISSION, (writer) => writePeers(writer, [PEER]))
    client.request(stun.METHOD_CONNECT, (writer) => writePeers(writer, [PEER]))
    this.takeEffects()
  }

  /** What the core did since the last call. Sockets are counted, tokens kept. */
  takeEffects(): Effect[] {
    const effects = this.harness.output.take()
    for (const effect of effects) {
      if (effect.kind === 'open') this.sockets.add(effect.relayId)
      else if (effect.kind === 'close' && !this.sockets.delete(effect.relayId)) throw new Error('closed a socket twice')
      else if (effect.kind === 'message') this.#keepToken(effect.bytes)
      this.connections.take(effect)
    }
    // An opening that failed for good leaves no socket, and is not closed.
    for (const id of this.sockets) if (this.harness.core.relays.find(id) === null) this.sockets.delete(id)
    return effects
  }

  /** Throws unless ports, quotas, sockets and tables agree, and every limit holds. */
  check(): void {
    const { core, relayPorts } = this.harness
    const heldByUser = new Map<string, number>()
    const hold = (username: string) => heldByUser.set(username, (heldByUser.get(username) ?? 0) + 1)
    let relayCount = 0
    let reservedNextCount = 0
    for (const allocation of core.allocations.values()) {
      relayCount += this.#checkAllocation(allocation)
      hold(allocation.username)
      if (core.openings.get(allocation)?.plan.reservesNext !== true) continue
      reservedNextCount++
      hold(allocation.username)
    }
    const reservationCount = core.reservations.size
    same('ports', relayPorts.claimedCount(), relayCount + reservedNextCount + reservationCount)
    same('licence', core.quotas.held, core.allocations.size + reservedNextCount + reservationCount)
    same('relays', core.relays.size, relayCount)
    same('sockets', this.sockets.size, relayCount)
    this.connections.check()
    if (core.quotas.held > MAX_ALLOCATIONS) throw new Error(`${core.quotas.held} of ${MAX_ALLOCATIONS} allocations`)
    for (const username of [ALICE.username, BOB.username]) {
      const held = core.quotas.heldBy(username)
      if (held > USER_QUOTA || held < (heldByUser.get(username) ?? 0)) throw new Error(`${username} holds ${held}`)
    }
  }

  /** Throws if a datagram goes where no rule lets it. */
  checkPeer(peer: string): void {
    const { family, port } = addressOf(peer)
    const host = peer.slice(0, peer.lastIndexOf(':'))
    const isForbidden = family === 4 ? FORBIDDEN.check(host) : !/^\[[23]/.test(host)
    if (isForbidden || port === 0) throw new Error(`sent to ${peer}`)
  }

  /** The number of its relays. */
  #checkAllocation(allocation: Allocation): number {
    const { core, relayPorts } = this.harness
    if (core.allocations.find(allocation.fiveTuple) !== allocation) throw new Error('an allocation that is not found')
    if (core.openings.has(allocation) !== allocation.isOpening) throw new Error('opening in one table only')
    const relays = [allocation.relay4, allocation.relay6].filter((relay) => relay !== null)
    for (const relay of relays) {
      if (core.relays.find(relay.id) !== relay) throw new Error('a relay that is not found')
      same(
        'live',
        relayPorts.isLive(relay.hostIndex, relay.address.port),
        [RELAY_LIVE, RELAY_LISTENING].includes(relay.state),
      )
    }
    if (relays.length === 0) throw new Error('an allocation without relays')
    this.#checkPermissions(allocation)
    return relays.length
  }

  #checkPermissions(allocation: Allocation): void {
    let permissionCount = 0
    let channelCount = 0
    for (const first of allocation.permissions.values()) {
      for (let each: Permission | null = first; each !== null; each = each.nextSameHash) {
        permissionCount++
        if (allocation.relayOfFamily(each.address.family) === null) throw new Error('a permission without relay')
        for (let channel = each.firstChannel; channel !== null; channel = channel.nextOfPermission) {
          channelCount++
          if (allocation.channels.get(channel.channelNumber) !== channel) throw new Error('a channel that is not found')
        }
      }
    }
    same('permissions', allocation.permissionCount, permissionCount)
    same('channels', allocation.channels.size, channelCount)
    if (permissionCount > PERMISSION_COUNT_MAX) throw new Error(`${permissionCount} permissions`)
    if (channelCount > CHANNEL_COUNT_MAX) throw new Error(`${channelCount} channels`)
  }

  #keepToken(bytes: Uint8Array): void {
    const received = new Received(bytes)
    if (received.has(stun.ATTRIBUTE_RESERVATION_TOKEN)) {
      this.tokens.push(received.value(stun.ATTRIBUTE_RESERVATION_TOKEN))
    }
  }
}

function same<Value>(name: string, value: Value, expected: Value): void {
  if (value !== expected) throw new Error(`${name}: ${value}, but ${expected} by the other tables`)
}
