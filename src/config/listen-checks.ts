// Whether the addresses of --listen, --admin-listen and --http-upstream fit each other: one port has one owner. Each check throws TurndError with one
// sentence. Called by cross-checks.ts.
import { familyOf, formatAddressPort, isLoopbackHost } from './ip-address.js'
import { isWildcardHost, type ListenScheme, type ListenSpec } from './listen-spec.js'
import { fail, type Names } from './setting-names.js'
import type { Settings } from './settings.js'

const HTTPS_PORT = 443
/** Where an Expressway has its web administration while web clients and TURN have port 443; and ours, and the one after it. */
const ADMIN_PORT_BESIDE_HTTPS = 445
const ADMIN_PORT = 8445

/** The transports that a listener takes at its port. */
export const TRANSPORTS: Readonly<Record<ListenScheme, readonly string[]>> = {
  any: ['UDP', 'TCP'],
  udp: ['UDP'],
  tcp: ['TCP'],
  tls: ['TCP'],
  dtls: ['UDP'],
}

export function checkListen({ listen }: Settings, names: Names): void {
  if (listen.length === 0)
    fail(`${names.name('listen', 'listen')} names no address: leave it out for every local address`)
  const holders = new Map<string, number>()
  for (const [index, { scheme, host, port }] of listen.entries()) {
    if (port === 0) continue
    for (const transport of TRANSPORTS[scheme]) {
      const place = `${transport} ${formatAddressPort(host, port)}`
      const holder = holders.get(place)
      if (holder !== undefined) {
        fail(
          `${names.value('listen', index)} takes ${place}, which ${names.value('listen', holder)} has: keep one of them`,
        )
      }
      holders.set(place, index)
      const rival = listen.findIndex((other, earlier) => earlier < index && isRival(other, listen[index], transport))
      if (rival >= 0) {
        fail(
          `${names.value('listen', index)} and ${names.value('listen', rival)} overlap at ${place}: keep one of them`,
        )
      }
    }
  }
}

/** Does one stand for all addresses, that of the other among them, and take something else there? */
function isRival(one: ListenSpec, other: ListenSpec, transport: string): boolean {
  const schemeOf = ({ scheme }: ListenSpec) => (scheme === 'any' ? transport.toLowerCase() : scheme)
  const takesIt = TRANSPORTS[one.scheme].includes(transport)
  if (!takesIt || one.port !== other.port || schemeOf(one) === schemeOf(other)) return false
  return standsFor(one.host, other.host) || standsFor(other.host, one.host)
}

function standsFor(wildcardHost: string, host: string): boolean {
  if (!isWildcardHost(wildcardHost)) return false
  return wildcardHost === '*' || host === '*' || familyOf(wildcardHost) === familyOf(host)
}

/** As on an Expressway, whose web administration leaves port 443 to web clients and TURN. */
export function checkAdminListen({ adminListen, listen }: Settings, names: Names): void {
  // The default one gives way: the server has no status page then, and says so.
  if (adminListen === null || adminListen.port === 0 || !names.has('adminListen')) return
  const { host, port } = adminListen
  const index = listen.findIndex(
    (spec) =>
      TRANSPORTS[spec.scheme].includes('TCP') &&
      spec.port === port &&
      (spec.host === host || standsFor(spec.host, host) || standsFor(host, spec.host)),
  )
  if (index < 0) return
  const other = port === HTTPS_PORT ? ADMIN_PORT_BESIDE_HTTPS : port === ADMIN_PORT ? ADMIN_PORT + 1 : ADMIN_PORT
  const proposed = names.name('adminListen', 'adminListen', formatAddressPort(host, other))
  fail(
    `${names.value('adminListen')} takes TCP port ${port}, which ${names.value('listen', index)} has: move the status page to another port, such as ${proposed}`,
  )
}

/** What comes for a page would come back for ever; and what is for operators is not for everybody. */
export function checkHttpUpstream({ adminListen, httpUpstream, listen }: Settings, names: Names): void {
  if (httpUpstream === null) return
  const { hostname, port, protocol } = new URL(httpUpstream)
  const host = hostname.replace(/^\[|\]$/g, '')
  const upstreamPort = Number(port || (protocol === 'https:' ? 443 : 80))
  const isThisMachine = host === 'localhost' || leadsToLoopback(host)
  const index = listen.findIndex((spec) => {
    const isHost = spec.host === host || (isWildcardHost(spec.host) && isThisMachine)
    return spec.scheme === 'tls' && spec.port === upstreamPort && isHost
  })
  if (index >= 0)
    fail(`${names.value('httpUpstream')} is this server itself, by ${names.value('listen', index)}: give another`)
  if (adminListen === null || adminListen.port !== upstreamPort) return
  if (
    adminListen.host === host ||
    (isThisMachine && (isWildcardHost(adminListen.host) || isLoopbackHost(adminListen.host)))
  ) {
    fail(
      `${names.value('httpUpstream')} is the status page, by ${names.name('adminListen', 'httpUpstream', adminListen.text)}, which is for operators: give another`,
    )
  }
}

/** Of an unspecified address a connection goes to loopback. */
function leadsToLoopback(host: string): boolean {
  return host === '::' || host === '0.0.0.0' || isLoopbackHost(host)
}
