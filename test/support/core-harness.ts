// A whole TurnCore without sockets and clock: recorded effects, seeded randomness, time that moves when a test says so.
// Relay sockets open, and peers are connected to, at once unless `openOutcome` and `connectOutcome` say otherwise, always after the core
// has returned.
import type { AccessTokens } from '../../src/auth/access-tokens.js'
import { Authenticator } from '../../src/auth/authenticator.js'
import { MobilityTickets } from '../../src/auth/mobility-tickets.js'
import { OutsideCredentials } from '../../src/auth/outside-credentials.js'
import { StaticUsers } from '../../src/auth/static-users.js'
import { parsePeerRule } from '../../src/config/peer-rule.js'
import type { ProtocolTraits } from '../../src/config/profile.js'
import { parseCidr } from '../../src/stun/cidr.js'
import { type Allocation, type Relay, TICKS_PER_SECOND } from '../../src/turn/allocation.js'
import { TurnCore } from '../../src/turn/core.js'
import type { DiscoveryPair } from '../../src/turn/discovery-pairs.js'
import type { MoveOutput, ServerAddresses, UserLookup } from '../../src/turn/output.js'
import { PeerPolicy } from '../../src/turn/peer-policy.js'
import type { RelayHost } from '../../src/turn/relay-host.js'
import { RelayPorts } from '../../src/turn/relay-ports.js'
import type { SharedTables } from '../../src/turn/shared-tables.js'
import { ALICE, BOB, CoreClient, type CoreClientOptions } from './core-client.js'
import { SeededRandom } from './random.js'
import { type Effect, RecordingObserver, RecordingOutput } from './recording-output.js'
import { REALM, type User } from './request-encoder.js'
import { addressOf } from './turn-address.js'

/** The server's own address; relays are opened on it by default. */
export const SERVER_HOST = '192.0.2.1'
export const SERVER_HOST_IPV6 = '2001:db8::1'
/** Peers somewhere on the Internet, which no default rule denies. */
export const PEER = '1.2.3.4:6000'
export const PEER_IPV6 = '[2a00:1450::1]:6000'

/** What becomes of an openRelay; 'pending': the test answers it. */
export type OpenOutcome = 'opened' | 'in-use' | 'refused' | 'pending'

/** What becomes of a connectPeer; 'pending': the test answers it. */
export type ConnectOutcome = 'connected' | 'failed' | 'pending'

export interface CoreHarnessOptions {
  readonly seed?: number
  readonly users?: readonly User[]
  /** Third-party authorization. */
  readonly tokens?: AccessTokens
  /** `ADDRESS`, or `PUBLIC/PRIVATE` as for --external-ip. */
  readonly relayHosts?: readonly string[]
  readonly minPort?: number
  readonly maxPort?: number
  readonly allowPeer?: readonly string[]
  readonly denyPeer?: readonly string[]
  readonly ownSockets?: readonly string[]
  readonly wildcardPorts?: readonly number[]
  readonly localHosts?: readonly string[]
  readonly nat64Prefixes?: readonly string[]
  readonly maxAllocations?: number
  readonly userQuota?: number
  readonly alternateAbovePercent?: number
  readonly permissionCountMax?: number
  readonly channelCountMax?: number
  readonly channelNumberMax?: number
  readonly allowsTcpRelays?: boolean
  readonly traits?: ProtocolTraits
  /** RFC 8016; it is off if absent. */
  readonly allowsMobility?: boolean
  /** Where clients of other workers can come here. */
  readonly moveOutput?: MoveOutput
  /** Of clients over streams: what its tickets say of it. */
  readonly isOfStreams?: boolean
  readonly supportsDontFragment?: boolean
  readonly drops?: Float64Array
  readonly maxBps?: number
  readonly userMaxBps?: number
  readonly unauthenticatedRate?: number
  readonly limitsLoopback?: boolean
  /** There are outside stores, which the test speaks for; how long their users may log in while they are down. */
  readonly outageSeconds?: number
  readonly monotonicStartSeconds?: number
  /** Shared tables, and which of their workers this core is. Relay ports are these tables' then. */
  readonly tables?: SharedTables
  readonly workerIndex?: number
  readonly serverAddresses?: ServerAddresses
  readonly discoveryPairs?: readonly DiscoveryPair[]
  readonly answersLegacyBinding?: boolean
  /** A core of UDP clients only: no TCP relays. */
  readonly isWithoutConnections?: boolean
}

export class CoreHarness {
  readonly output = new RecordingOutput()
  readonly observer = new RecordingObserver()
  readonly random: SeededRandom
  readonly relayPorts: RelayPorts
  readonly policy: PeerPolicy
  readonly core: TurnCore
  /** Asked for each openRelay. */
  openOutcome: (open: Extract<Effect, { kind: 'open' }>) => OpenOutcome = () => 'opened'
  /** Asked for each connectPeer. */
  connectOutcome: (connect: Extract<Effect, { kind: 'connect-peer' }>) => ConnectOutcome = () => 'connected'
  /** Of the peer connections of this engine: each gets the next one. */
  lastHandle = 0
  /** What the core has asked outside stores for. */
  readonly lookups: { readonly username: string; readonly source: string; readonly mayBeRemembered: boolean }[] = []
  readonly #clientHosts = new Map<string, number>()

  constructor(options: CoreHarnessOptions = {}) {
    this.random = new SeededRandom(options.seed ?? 1)
    const relayHosts = (options.relayHosts ?? [SERVER_HOST]).map(relayHostOf)
    const { minPort = 24_000, maxPort = 29_999 } = options
    const { tables, workerIndex = 0 } = options
    this.relayPorts = new RelayPorts(relayHosts.length, minPort, maxPort, this.random, workerIndex, tables?.ports)
    this.policy = policyOf(options, relayHosts, this.relayPorts)
    this.core = new TurnCore({
      output: this.output,
      ...(options.isWithoutConnections === true ? {} : { connectionOutput: this.output }),
      observer: this.observer,
      authenticator: authenticatorOf(options.users ?? [ALICE, BOB], options.outageSeconds, options.tokens),
      ...(options.outageSeconds === undefined ? {} : { userLookup: this.#userLookup(), lookupWaitSeconds: 3 }),
      policy: this.policy,
      relayHosts,
      relayPorts: this.relayPorts,
      random: this.random,
      maxAllocations: options.maxAllocations ?? 1800,
      userQuota: options.userQuota ?? 0,
      monotonicStartSeconds: options.monotonicStartSeconds ?? 1_000,
      permissionCountMax: options.permissionCountMax ?? 128,
      channelCountMax: options.channelCountMax ?? 128,
      supportsDontFragment: options.supportsDontFragment ?? false,
      mobility: {
        tickets: new MobilityTickets(new Uint8Array(32).fill(9)),
        workerIndex,
        isOfStreams: options.isOfStreams ?? false,
        output: options.moveOutput,
      },
      ...given(
        options,
        'allowsMobility',
        'allowsTcpRelays',
        'channelNumberMax',
        'drops',
        'tables',
        'traits',
        'workerIndex',
      ),
      ...given(options, 'serverAddresses', 'discoveryPairs', 'answersLegacyBinding'),
      ...given(options, 'maxBps', 'userMaxBps', 'unauthenticatedRate', 'limitsLoopback', 'alternateAbovePercent'),
    })
  }

  /** A client of the server; each has an address of its own unless one is given. */
  client(options: CoreClientOptions = {}): CoreClient {
    const port = 50_000 + this.#clientHosts.size
    const address = options.address ?? `198.51.100.7:${port}`
    this.#clientHosts.set(address, port)
    return new CoreClient(this, { ...options, address })
  }

  /** Moves the time in one step, which looks at everything that has expired. */
  advanceSeconds(seconds: number): void {
    this.advanceTicks(seconds * TICKS_PER_SECOND)
  }

  advanceTicks(ticks: number): void {
    this.core.tick(this.core.now + ticks)
  }

  /** A datagram at a relay socket. Returns the drop reason. */
  peerSends(relayId: number, source: string, payload: Uint8Array): number {
    return this.core.handlePeerDatagram(relayId, addressOf(source), payload, 0, payload.length)
  }

  /** An ICMP error for a datagram of a relay socket to `peer`. Returns the drop reason. */
  peerIcmp(relayId: number, peer: string, icmpType: number, icmpCode = 0, errorData = 0): number {
    return this.core.handlePeerIcmp(relayId, addressOf(peer), icmpType, icmpCode, errorData)
  }

  /** A peer's TCP connection to a relay. Returns its id, or 0 if it is refused. */
  peerConnects(relayId: number, source: string): number {
    return this.core.handlePeerConnection(relayId, addressOf(source), ++this.lastHandle)
  }

  /** Answers every opening and connecting since the effect at `firstEffect`, and those that follow from the answers. */
  settle(firstEffect: number): void {
    for (let index = firstEffect; index < this.output.effects.length; index++) {
      const effect = this.output.effects[index]
      if (effect.kind === 'connect-peer') this.#settleConnect(effect)
      if (effect.kind !== 'open') continue
      const outcome = this.openOutcome(effect)
      if (outcome === 'opened') this.core.handleRelayOpened(effect.relayId)
      else if (outcome !== 'pending') this.core.handleRelayFailed(effect.relayId, outcome === 'in-use')
    }
  }

  allocationOf(client: CoreClient): Allocation {
    const allocation = this.core.allocations.find(client.fiveTuple)
    if (allocation === null) throw new Error('the client has no allocation')
    return allocation
  }

  relayOf(client: CoreClient, family: 4 | 6 = 4): Relay {
    const relay = this.allocationOf(client).relayOfFamily(family)
    if (relay === null) throw new Error('the allocation has no relay of this family')
    return relay
  }

  /** Relay sockets that the engine has: opened or opening, and not closed. */
  openSockets(): number[] {
    const open = new Set<number>()
    for (const effect of this.output.effects) {
      if (effect.kind === 'open') open.add(effect.relayId)
      else if (effect.kind === 'close') open.delete(effect.relayId)
    }
    return [...open]
  }

  #userLookup(): UserLookup {
    return {
      lookUp: (username, client, mayBeRemembered) =>
        void this.lookups.push({ username, source: String(client), mayBeRemembered }),
    }
  }

  #settleConnect(effect: Extract<Effect, { kind: 'connect-peer' }>): void {
    const outcome = this.connectOutcome(effect)
    if (outcome === 'connected') this.core.handlePeerConnected(effect.connectionId, ++this.lastHandle)
    else if (outcome === 'failed') this.core.handlePeerConnectFailed(effect.connectionId)
  }
}

/** Those of the options that are there at all: an optional one of the core is absent, not undefined. */
function given<Key extends keyof CoreHarnessOptions>(
  options: CoreHarnessOptions,
  ...keys: readonly Key[]
): Pick<CoreHarnessOptions, Key> {
  return Object.fromEntries(keys.filter((key) => key in options).map((key) => [key, options[key]])) as Pick<
    CoreHarnessOptions,
    Key
  >
}

/** A store-backed authenticator of these users, with a fixed secret. */
export function authenticatorOf(users: readonly User[], outageSeconds?: number, tokens?: AccessTokens): Authenticator {
  const list = users.map(({ username, password }) => ({ name: username, password }))
  return new Authenticator({
    realm: REALM,
    stores: [new StaticUsers(REALM, list)],
    nonceSecret: new Uint8Array(32).fill(7),
    outside: outageSeconds === undefined ? null : new OutsideCredentials(1, outageSeconds),
    ...(tokens === undefined ? {} : { tokens }),
  })
}

export function policyOf(
  options: CoreHarnessOptions,
  relayHosts: readonly RelayHost[],
  relayPorts: RelayPorts,
): PeerPolicy {
  return new PeerPolicy({
    rules: [
      ...(options.allowPeer ?? []).map((text) => parsePeerRule(text, true)),
      ...(options.denyPeer ?? []).map((text) => parsePeerRule(text, false)),
    ],
    relayHosts,
    relayPorts,
    wildcardPorts: options.wildcardPorts ?? [],
    ownSockets: (options.ownSockets ?? [`${SERVER_HOST}:3478`]).map(addressOf),
    localHosts: (options.localHosts ?? [SERVER_HOST, '127.0.0.1', '::1']).map(addressOf),
    nat64Prefixes: (options.nat64Prefixes ?? []).map((text) => {
      const cidr = parseCidr(text)
      if (cidr === null) throw new Error(`not a prefix: ${text}`)
      return cidr
    }),
  })
}

export function relayHostOf(text: string): RelayHost {
  const [advertised, address = advertised] = text.split('/')
  return { address: addressOf(address), advertised: addressOf(advertised) }
}
