// How many files and sockets this process may have open, and which of them clients get: all but the last few. The kernel gives the lowest free
// descriptor, so its number tells how many are left without counting. What would take one of the last is refused (508 for a relay, a reset for a
// connection); they are for what the server opens itself: a new certificate, the users file, the successor of a worker.
//
// At the limit itself a listener cannot even refuse: its connections stay in the kernel's queue, and the event loop comes back for them at once, for ever.
import { RESERVED_DESCRIPTOR_COUNT_MAX, RESERVED_DESCRIPTOR_PERCENT_MAX } from '../limits/engines.js'
import { openFileLimit } from './open-file-limit.js'

/** Of this thread, which asks once: at the limit nothing can be read any more. */
let knownEnd = 0

/** The lowest descriptor that is not for clients; Infinity where there is no limit, or nobody tells it (proc(5)). */
export function clientDescriptorEnd(): number {
  if (knownEnd === 0) knownEnd = endOf(openFileLimit())
  return knownEnd
}

function endOf(limit: number): number {
  return limit - Math.min(RESERVED_DESCRIPTOR_COUNT_MAX, Math.floor((limit * RESERVED_DESCRIPTOR_PERCENT_MAX) / 100))
}

interface Handle {
  readonly fd?: number
}

/** The file descriptor of a TCP socket or server; -1 without one. Node keeps it in a field that it does not document, and has since its beginnings. */
export function descriptorOf(socket: object): number {
  const { _handle } = socket as { readonly _handle?: Handle | null }
  return _handle?.fd ?? -1
}

/** The same of a socket of node:dgram, which has it behind a symbol, and warns whoever asks for the field. */
export function datagramDescriptorOf(socket: object): number {
  const symbol = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol')
  if (symbol === undefined) return -1
  const state = (socket as Record<symbol, { readonly handle?: Handle | null } | undefined>)[symbol]
  return state?.handle?.fd ?? -1
}
