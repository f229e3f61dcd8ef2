// What becomes of a message's header between a client of HTTP and the upstream: what concerns one connection alone stays on it
// (RFC 9110 §7.6.1), and who the client is, is told by us and not by the client.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** The client of a connection as the upstream is told it. */
export interface ForwardedClient {
  /** Its IP address in textual form. */
  readonly host: string
  /** It came over TLS. */
  readonly isSecure: boolean
}

const HOP_BY_HOP = [
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authentication-info', 'proxy-authorization'],
  ...['proxy-connection', 'te', 'trailer', 'upgrade'],
]
/** A client must not name these in Connection: without them nobody knows where the body ends, or whose page is asked for. */
const NEVER_NAMED = new Set(['content-length', 'host', 'transfer-encoding'])
/**
 * Headers by which proxies tell the client's address, and `Proxy`, which old CGI programs take for their own setting. Some servers read `_`
 * as `-`, so both count. Via is not added: nginx compresses nothing for a request that has it.
 */
const TOLD_BY_PROXIES =
  /^(?:x-forwarded(?:-.*)?|forwarded|x-real-ip|x-client-ip|x-cluster-client-ip|true-client-ip|proxy)$/

/** Changes the header of a request into the one that the upstream gets. Transfer-Encoding stays: the body is sent on in chunks again. */
export function forwardRequestHeaders(headers: IncomingHttpHeaders, client: ForwardedClient): void {
  for (const name of namedByConnection(headers.connection)) delete headers[name]
  for (const name of HOP_BY_HOP) delete headers[name]
  // Our server has answered it already with 100 Continue, so that the body streams as the upstream takes it.
  delete headers.expect
  for (const name of Object.keys(headers)) if (TOLD_BY_PROXIES.test(name.replaceAll('_', '-'))) delete headers[name]
  headers['x-forwarded-for'] = client.host
  headers['x-forwarded-proto'] = client.isSecure ? 'https' : 'http'
  headers['x-forwarded-port'] = portOf(headers.host, client.isSecure)
  if (headers.host) headers['x-forwarded-host'] = headers.host
}

/**
 * The header of an answer for the client, as names and values in turn, in the upstream's order and letters. Without Transfer-Encoding and
 * Connection: our server chooses them for this client, which may speak HTTP/1.0 or be about to close.
 */
export function forwardedResponseHeaders({ headers, rawHeaders }: IncomingMessage): string[] {
  const dropped = new Set([...HOP_BY_HOP, 'transfer-encoding', ...namedByConnection(headers.connection)])
  const kept: string[] = []
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (!dropped.has(rawHeaders[index].toLowerCase())) kept.push(rawHeaders[index], rawHeaders[index + 1])
  }
  return kept
}

/** Whether a body follows the header. */
export function hasBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0
}

/**
 * The target in origin form (RFC 9112 §3.2.1), or null for one that no web server has. The absolute form is what clients send to a proxy, but
 * servers must take it too, and its authority counts instead of Host (§3.2.2).
 */
export function originForm(target: string, headers: IncomingHttpHeaders): string | null {
  if (target.startsWith('/')) return target
  if (!/^https?:\/\//i.test(target) || !URL.canParse(target)) return null
  const { host, pathname, search } = new URL(target)
  headers.host = host
  return pathname + search
}

function namedByConnection(connection: string | undefined): string[] {
  const names = (connection ?? '').split(',').map((name) => name.trim().toLowerCase())
  return names.filter((name) => name !== '' && !NEVER_NAMED.has(name))
}

/** The port that the client asked for. */
function portOf(host: string | undefined, isSecure: boolean): string {
  return /:([0-9]{1,5})$/.exec(host ?? '')?.[1] ?? (isSecure ? '443' : '80')
}
