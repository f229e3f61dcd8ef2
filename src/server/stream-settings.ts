// What stream workers need to know beside a core's settings: plain data, the same for all of them and for their successors.
import { randomBytes } from 'node:crypto'
import type { Settings } from '../config/settings.js'
import { ConnectionCap } from '../net/stream/connection-cap.js'
import type { Cidr } from '../stun/cidr.js'

export interface StreamSettings {
  readonly proxyProtocolFrom: readonly Cidr[]
  readonly httpUpstream: string | null
  /** PEM text; null: the well-known authorities. */
  readonly httpUpstreamCa: string | null
  /** A TLS session that began on one worker is resumed on another. Lost with the process. */
  readonly ticketKeys: Uint8Array
  /** Memory of the ConnectionCap. */
  readonly connectionCap: SharedArrayBuffer
}

/** https://nodejs.org/api/tls.html: 48 bytes. */
const TICKET_KEYS_LENGTH = 48

/** @param workerCount of all kinds: worker numbers are one sequence */
export function streamSettings(
  { httpUpstream, proxyProtocolFrom }: Settings,
  httpUpstreamCa: string | null,
  workerCount: number,
): StreamSettings {
  return {
    proxyProtocolFrom,
    httpUpstream,
    httpUpstreamCa,
    // Of a Buffer the whole pool that it lies in would be posted.
    ticketKeys: new Uint8Array(randomBytes(TICKET_KEYS_LENGTH)),
    connectionCap: ConnectionCap.allocate(workerCount),
  }
}
