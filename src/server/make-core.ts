// The protocol core of one server: settings and addresses become its policy, its ports and its limits.
import { Authenticator } from '../auth/authenticator.js'
import type { CredentialStore } from '../auth/credentials.js'
import type { Settings } from '../config/settings.js'
import { monotonicSeconds } from '../net/clock.js'
import type { RelayEngine } from '../net/engine.js'
import { localAddresses } from '../net/local-addresses.js'
import { CHANNEL_NUMBER_MAX, CHANNEL_NUMBER_MAX_RFC5766 } from '../stun/constants.js'
import { TurnCore } from '../turn/core.js'
import type { TurnObserver } from '../turn/output.js'
import { PeerPolicy } from '../turn/peer-policy.js'
import type { RelayHost } from '../turn/relay-host.js'
import { RelayPorts } from '../turn/relay-ports.js'
import { CryptoRandom } from './crypto-random.js'
import { ownSockets } from './own-sockets.js'

interface Parts {
  /** Its listeners are open: their addresses are forbidden as peers. */
  readonly engine: RelayEngine
  readonly observer: TurnObserver
  readonly relayHosts: readonly RelayHost[]
  readonly stores: readonly CredentialStore[]
  readonly nonceSecret: Uint8Array
}

export function makeCore(settings: Settings, { engine, observer, relayHosts, stores, nonceSecret }: Parts): TurnCore {
  const random = new CryptoRandom()
  const relayPorts = new RelayPorts(relayHosts.length, settings.minPort, settings.maxPort, random)
  const policy = new PeerPolicy({
    rules: [...settings.allowPeer, ...settings.denyPeer],
    relayHosts,
    relayPorts,
    ownSockets: ownSockets(engine.listeners, relayHosts, settings.adminListen),
    localHosts: localAddresses(),
    nat64Prefixes: settings.nat64Prefix,
  })
  return new TurnCore({
    output: engine,
    observer,
    authenticator: new Authenticator({ realm: settings.realm, stores, nonceSecret }),
    policy,
    relayHosts,
    relayPorts,
    random,
    maxAllocations: settings.maxAllocations,
    userQuota: settings.userQuota,
    monotonicStartSeconds: monotonicSeconds(),
    permissionCountMax: settings.permissionsMax,
    channelCountMax: settings.channelsMax,
    channelNumberMax: settings.channelRange === 'rfc5766' ? CHANNEL_NUMBER_MAX_RFC5766 : CHANNEL_NUMBER_MAX,
    supportsDontFragment: engine.supportsDontFragment,
  })
}
