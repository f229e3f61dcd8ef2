// By what name a page is asked for: the Host of a request beside the names of --http-name. A link with the internal name of a web bridge is
// refused here, where somebody can be told, and not by a web server that knows nothing of the public one.
import type { Duplex } from 'node:stream'
import { REFUSAL_TEXT_LENGTH_MAX } from '../../limits/reports.js'
import type { Misdirection } from '../../log/connection-refusals.js'
import { listed } from '../../log/listed.js'

export interface PageNames {
  /** In lower case; empty: whatever a request asks for. */
  readonly names: readonly string[]
  /** The answer to another one. */
  readonly status: 400 | 421
}

/** null: it is asked for by one of these names. @param host of the request, which may be anything */
export function misdirectionOf(host: string | undefined, { names }: PageNames, socket: Duplex): Misdirection | null {
  if (names.length === 0 || names.includes(hostnameOf(host ?? ''))) return null
  const received = (host ?? '').slice(0, REFUSAL_TEXT_LENGTH_MAX)
  const serverName = serverNameOf(socket).slice(0, REFUSAL_TEXT_LENGTH_MAX)
  return { received, expected: listed(names), serverName: serverName === hostnameOf(received) ? '' : serverName }
}

/** One line for whoever asked. What they sent is not in it. */
export function misdirectedText({ names, status }: PageNames): string {
  const problem = status === 400 ? 'Bad request' : 'Misdirected request'
  return `${problem}: this server has no page of that name, ask for ${listed(names)}.`
}

/** Of `HOST[:PORT]`, in lower case and without brackets. */
export function hostnameOf(host: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d*)?$/.exec(host)
  if (bracketed !== null) return bracketed[1].toLowerCase()
  return host.replace(/:\d*$/, '').toLowerCase().replace(/\.$/, '')
}

/** The name in the client hello (RFC 6066 §3); '' without one, and without TLS. */
function serverNameOf(socket: Duplex): string {
  const { servername } = socket as { readonly servername?: unknown }
  return typeof servername === 'string' ? servername.toLowerCase() : ''
}
