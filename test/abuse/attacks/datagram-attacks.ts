// Attacks over UDP, and on what every client has: allocations, permissions, channels, peers.
import type { Attack } from '../attack.js'
import { UNAUTHENTICATED_FLOODS } from './unauthenticated-floods.js'

export const DATAGRAM_ATTACKS: readonly Attack[] = [...UNAUTHENTICATED_FLOODS]
