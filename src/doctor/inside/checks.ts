// The checks of this machine, causes first.
import type { Check } from '../check.js'
import { alternates } from './alternates.js'
import { certificate } from './certificate.js'
import { configuration } from './configuration.js'
import { httpUpstream } from './http-upstream.js'
import { listeners } from './listeners.js'
import { localFirewall } from './local-firewall.js'
import { peerRules } from './peer-rules.js'
import { redis } from './redis.js'
import { relayAddresses } from './relay-addresses.js'
import { relayPorts } from './relay-ports.js'
import type { InsideScene } from './scene.js'
import { stateDirectory } from './state-directory.js'
import { buffers, conntrack, openFiles } from './system-limits.js'
import { users } from './users.js'
import { webhook } from './webhook.js'

export const INSIDE_CHECKS: readonly Check<InsideScene>[] = [
  configuration,
  listeners,
  relayAddresses,
  relayPorts,
  localFirewall,
  users,
  redis,
  webhook,
  certificate,
  httpUpstream,
  alternates,
  peerRules,
  stateDirectory,
  openFiles,
  buffers,
  conntrack,
]
