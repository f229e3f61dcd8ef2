// Attacks of clients over TCP, TLS, DTLS and HTTP, and on TCP relays.
import type { Attack } from '../attack.js'

export const STREAM_ATTACKS: readonly Attack[] = []
