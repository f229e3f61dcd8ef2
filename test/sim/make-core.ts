// What a simulated core is made of, but for its output and its observer.
import { Authenticator } from '../../src/auth/authenticator.js'
import { StaticUsers } from '../../src/auth/static-users.js'
import type { TurnCoreOptions } from '../../src/turn/core-options.js'
import { RelayPorts } from '../../src/turn/relay-ports.js'
import { REALM } from '../support/core-client.js'
import { policyOf, relayHostOf } from '../support/core-harness.js'
import type { SeededRandom } from '../support/random.js'
import { ALLOW_RULE, type Scenario, USERS } from './scenario.js'

const users = new StaticUsers(
  REALM,
  USERS.map(({ username, password }) => ({ name: username, password })),
)

export function coreOptionsOf(
  scenario: Scenario,
  random: SeededRandom,
): Omit<TurnCoreOptions, 'output' | 'observer' | 'supportsDontFragment'> {
  const { hosts, minPort, maxPort, maxAllocations, userQuota, permissionCountMax, channelCountMax } = scenario
  const relayHosts = hosts.map(({ bound, advertised }) => relayHostOf(`${advertised}/${bound}`))
  const relayPorts = new RelayPorts(hosts.length, minPort, maxPort, random)
  const policy = policyOf(
    {
      allowPeer: [ALLOW_RULE],
      ownSockets: ['10.0.0.1:3478', '5.6.7.8:3478'],
      localHosts: [...hosts.map((host) => host.bound), '127.0.0.1', '::1'],
    },
    relayHosts,
    relayPorts,
  )
  return {
    ...{ policy, relayHosts, relayPorts, random },
    ...{ maxAllocations, userQuota, permissionCountMax, channelCountMax },
    authenticator: new Authenticator({ realm: REALM, stores: [users], nonceSecret: new Uint8Array(32).fill(7) }),
    monotonicStartSeconds: 1_000,
  }
}
