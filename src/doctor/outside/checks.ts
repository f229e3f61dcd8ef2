// The checks from outside, causes first.
import type { Check } from '../check.js'
import { amplification } from './amplification.js'
import { credentials } from './credentials.js'
import { ipv6 } from './ipv6.js'
import { openRelay } from './open-relay.js'
import { peerPolicy } from './peer-policy.js'
import { name, reachable } from './reachable.js'
import { relayChecks } from './relay-checks.js'
import { restSecret } from './rest-secret.js'
import type { OutsideScene } from './scene.js'
import { serverClock } from './server-clock.js'
import { tlsCertificate } from './tls-certificate.js'
import { transports } from './transports.js'

export const OUTSIDE_CHECKS: readonly Check<OutsideScene>[] = [
  name,
  reachable,
  ...transports,
  tlsCertificate,
  restSecret,
  serverClock,
  credentials,
  ...relayChecks,
  openRelay,
  peerPolicy,
  amplification,
  ipv6,
]
