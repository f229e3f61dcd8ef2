// Attacks over UDP, and on what every client has: allocations, permissions, channels, peers.
import type { Attack } from '../attack.js'
import { CAPS } from './caps.js'
import { EXHAUSTION } from './exhaustion.js'
import { FORBIDDEN } from './forbidden-peers.js'
import { GUESSING } from './guessing.js'
import { LOG_FLOOD } from './log-flood.js'
import { LOOPS } from './loops.js'
import { OVERLOAD } from './overload.js'
import { RELAY_FLOODS } from './relay-floods.js'
import { SILENCE } from './silence.js'
import { UNAUTHENTICATED_FLOODS } from './unauthenticated-floods.js'

export const DATAGRAM_ATTACKS: readonly Attack[] = [
  ...FORBIDDEN,
  ...LOOPS,
  ...UNAUTHENTICATED_FLOODS,
  ...SILENCE,
  ...OVERLOAD,
  ...GUESSING,
  ...RELAY_FLOODS,
  ...CAPS,
  ...EXHAUSTION,
  ...LOG_FLOOD,
]
