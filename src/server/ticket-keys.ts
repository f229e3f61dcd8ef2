// The keys of TLS session tickets: one set for all workers of a server, in memory only.
import { randomBytes } from 'node:crypto'

/** https://nodejs.org/api/tls.html: 48 bytes. */
const TICKET_KEYS_LENGTH = 48

/** Not a Buffer: of one the whole pool that it lies in would be posted to workers. */
export function newTicketKeys(): Uint8Array {
  return new Uint8Array(randomBytes(TICKET_KEYS_LENGTH))
}
