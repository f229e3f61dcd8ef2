// The protocol core of one thread: settings and addresses become its policy, its ports and its limits.
import { AccessTokens } from '../auth/access-tokens.js'
import { Authenticator } from '../auth/authenticator.js'
import type { CredentialStore } from '../auth/credentials.js'
import { MobilityTickets } from '../auth/mobility-tickets.js'
import type { OAuthKey } from '../auth/oauth-token.js'
import { OutsideCredentials } from '../auth/outside-credentials.js'
import type { RestSecrets } from '../auth/rest-secrets.js'
import type { PeerRule } from '../config/peer-rule.js'
import { profileTraits } from '../config/profile.js'
import { PARKED_EXTRA_SECONDS } from '../limits/outside.js'
import type { Tappable } from '../net/engine.js'
import { CHANNEL_NUMBER_MAX, CHANNEL_NUMBER_MAX_RFC5766 } from '../stun/constants.js'
import { TurnCore } from '../turn/core.js'
import type { FiveTuple } from '../turn/five-tuple.js'
import type {
  ConnectionOutput,
  MoveOutput,
  ServerAddresses,
  TurnObserver,
  TurnOutput,
  UserLookup,
} from '../turn/output.js'
import { PeerPolicy } from '../turn/peer-policy.js'
import { type CoreLimits, changeLimits, changePolicy } from '../turn/reconfigure.js'
import type { RelayHost } from '../turn/relay-host.js'
import { RelayPorts } from '../turn/relay-ports.js'
import type { SharedTables } from '../turn/shared-tables.js'
import type { CoreSettings } from './core-settings.js'
import { CryptoRandom } from './crypto-random.js'
import type { OwnSockets } from './own-sockets.js'
import { type ChangedSecrets, restRulesOf } from './users-snapshot.js'

export interface CoreParts {
  readonly settings: CoreSettings
  /** CLOCK_MONOTONIC at tick 0 of the clock that will tick for the core. */
  readonly monotonicStartSeconds: number
  readonly output: TurnOutput
  readonly serverAddresses: ServerAddresses
  readonly supportsDontFragment: boolean
  readonly observer: TurnObserver
  readonly relayHosts: readonly RelayHost[]
  readonly ownSockets: OwnSockets
  readonly localHosts: OwnSockets['addresses']
  readonly stores: readonly CredentialStore[]
  /** Of the outside stores; 0 without any. */
  readonly outsideId: number
  /** Of third-party authorization; none without. */
  readonly oauthKeys: readonly OAuthKey[]
  readonly userLookup: UserLookup
  readonly nonceSecret: Uint8Array
  /** The port of this server that a client uses; 0 if that is not known. */
  readonly localPortOf: (client: FiveTuple) => number
  /** Where drops are counted. */
  readonly drops: Float64Array
  /** With other threads' cores. */
  readonly shared: { readonly tables: SharedTables; readonly workerIndex: number }
  /** Where clients come over streams. */
  readonly connectionOutput?: ConnectionOutput
  /** Where clients over UDP may be another worker's (RFC 8016). */
  readonly moveOutput?: MoveOutput
}

/** Who may log in from now on. */
export interface CoreUsers {
  /** But those with TURN REST names, who are asked for after them. */
  readonly stores: readonly CredentialStore[]
  readonly outsideId: number
}

/**
 * Other settings for a core that runs.
 * @param restSecrets the core's
 * @param users null: the same ones
 */
export function changeCore(
  core: TurnCore,
  restSecrets: RestSecrets,
  settings: CoreSettings,
  { addresses, wildcardPorts }: OwnSockets,
  users: CoreUsers | null,
): void {
  changeLimits(core, limitsOf(settings))
  core.alternates.list = settings.alternates
  core.policy.setOwnSockets(addresses, wildcardPorts)
  changePolicy(core, { rules: rulesOf(settings), nat64Prefixes: settings.nat64Prefix })
  restSecrets.setRules(restRulesOf(settings))
  const { authenticator } = core
  authenticator.tokens.setServerName(serverNameOf(settings))
  if (users !== null) {
    authenticator.setStores([...users.stores, restSecrets])
    // What others have said is forgotten.
    if (users.outsideId !== (authenticator.outside?.id ?? 0)) {
      authenticator.outside = outsideOf(users.outsideId, settings)
      core.lookups?.forgetAsked()
    }
  }
  if (authenticator.outside !== null) authenticator.outside.outageSeconds = settings.lookupOutage
}

/** Those that have become others. */
export function changeSecrets(
  core: TurnCore,
  restSecrets: RestSecrets,
  { oauthKeys, restSecrets: secrets }: ChangedSecrets,
): void {
  if (secrets !== undefined) restSecrets.setSecrets(secrets)
  if (oauthKeys !== undefined) core.authenticator.tokens.setKeys(oauthKeys)
}

export function makeCore(parts: CoreParts): TurnCore {
  const { drops, nonceSecret, observer, output, relayHosts, settings, shared, stores, supportsDontFragment } = parts
  const outside = outsideOf(parts.outsideId, settings)
  const { maxPort, minPort } = settings
  const random = new CryptoRandom()
  const tokens = new AccessTokens(settings.realm, serverNameOf(settings), () => Date.now() / 1000)
  tokens.setKeys(parts.oauthKeys)
  const { tables, workerIndex } = shared
  const relayPorts = new RelayPorts(relayHosts.length, minPort, maxPort, random, workerIndex, tables.ports)
  const policy = new PeerPolicy({
    rules: rulesOf(settings),
    relayHosts,
    relayPorts,
    ownSockets: parts.ownSockets.addresses,
    wildcardPorts: parts.ownSockets.wildcardPorts,
    localHosts: parts.localHosts,
    nat64Prefixes: settings.nat64Prefix,
  })
  const core = new TurnCore({
    output,
    serverAddresses: parts.serverAddresses,
    observer,
    authenticator: new Authenticator({ realm: settings.realm, stores, nonceSecret, outside, tokens }),
    policy,
    relayHosts,
    relayPorts,
    random,
    ...limitsOf(settings),
    userLookup: parts.userLookup,
    monotonicStartSeconds: parts.monotonicStartSeconds,
    supportsDontFragment,
    localPortOf: parts.localPortOf,
    drops,
    ...shared,
    mobility: {
      tickets: new MobilityTickets(nonceSecret),
      workerIndex,
      isOfStreams: parts.connectionOutput !== undefined,
      output: parts.moveOutput,
    },
    ...(parts.connectionOutput === undefined ? {} : { connectionOutput: parts.connectionOutput }),
  })
  core.alternates.list = settings.alternates
  return core
}

/** Those of an engine for UDP clients. */
export function serverAddressesOf(engine: Tappable): ServerAddresses {
  return {
    localAddressOf: ({ listenerId }) => engine.localAddressOf(listenerId),
    findListener: (address) => engine.findListener(address),
  }
}

function rulesOf({ allowPeer, denyPeer }: CoreSettings): readonly PeerRule[] {
  return [...allowPeer, ...denyPeer]
}

function limitsOf(settings: CoreSettings): CoreLimits {
  return {
    maxAllocations: settings.maxAllocations,
    userQuota: settings.userQuota,
    permissionCountMax: settings.permissionsMax,
    channelCountMax: settings.channelsMax,
    channelNumberMax: settings.channelRange === 'rfc5766' ? CHANNEL_NUMBER_MAX_RFC5766 : CHANNEL_NUMBER_MAX,
    allowsTcpRelays: !settings.noTcpRelay,
    allowsMobility: settings.mobility,
    maxBps: settings.maxBps,
    userMaxBps: settings.userMaxBps,
    unauthenticatedRate: settings.unauthenticatedRate,
    limitsLoopback: settings.limitsLoopback,
    traits: profileTraits(settings.profile),
    lookupWaitSeconds: settings.lookupTimeout + PARKED_EXTRA_SECONDS,
    discoveryPairs: settings.discoveryPairs,
    answersLegacyBinding: settings.rfc3489,
    alternateAbovePercent: settings.alternateAbove,
  }
}

/** As coturn has it: the realm, unless it is given. */
function serverNameOf({ oauthServerName, realm }: CoreSettings): string {
  return oauthServerName ?? realm
}

function outsideOf(id: number, { lookupOutage }: CoreSettings): OutsideCredentials | null {
  return id === 0 ? null : new OutsideCredentials(id, lookupOutage)
}
