// What attacks over streams have in common: one kind of server, so that in short they share one, with all clients on one stream worker.
import type { Attack } from '../attack.js'

/** Where the web server behind port 443 is, while there is one: no other test listens there. */
export const UPSTREAM = { host: '127.88.0.1', port: 8_088 } as const
/** Addresses that a PROXY header is believed from. */
export const TRUSTED_PROXY = '127.99.0.1'

export const STREAM_SERVER = {
  schemes: ['tcp', 'tls', 'dtls'],
  usesOwnNetwork: true,
  serverArgs: [
    ...['--http-upstream', `http://${UPSTREAM.host}:${UPSTREAM.port}`],
    ...['--proxy-protocol-from', `${TRUSTED_PROXY}/32`, '--stream-workers', '1'],
  ],
} as const satisfies Partial<Attack>

const KIBIBYTE = 1024
export const MEBIBYTE = 1024 * KIBIBYTE
/** Node's objects for a connection, and V8's room for many that come and go. */
export const BREATHING_BYTES = 48 * MEBIBYTE

/** Rules of attacks that open connections: so many of them at a time, of so many KiB each. */
export function memoryOf(connectionCount: number, kibibytesEach: number): NonNullable<Attack['rules']> {
  return {
    growthBytesMax: BREATHING_BYTES + connectionCount * kibibytesEach * KIBIBYTE,
    remainingBytesMax: BREATHING_BYTES + (connectionCount * kibibytesEach * KIBIBYTE) / 2,
  }
}
