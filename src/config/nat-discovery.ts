// --nat-discovery (RFC 5780 §6) needs two addresses of one family, each with the same two ports: that of the first UDP listener, and an alternate one,
// which is listened on wherever the first one is. Which two addresses those are is known when local ones are (server/nat-discovery.ts).
import { familyOf, formatAddressPort } from './ip-address.js'
import { isWildcardHost, type ListenSpec } from './listen-spec.js'
import { fail, type Names } from './setting-names.js'
import type { Settings } from './settings.js'

const PORT_MAX = 65_535

type Discovery = Pick<Settings, 'listen' | 'natDiscovery' | 'natDiscoveryPort'>

/** The listeners of the first port, for UDP; none: discovery is off, or there is no UDP listener. */
export function discoverySpecs({ listen, natDiscovery }: Discovery): readonly ListenSpec[] {
  const first = natDiscovery ? listen.find(isForUdp) : undefined
  return first === undefined ? [] : listen.filter((spec) => isForUdp(spec) && spec.port === first.port)
}

/** The first port, and the alternate one; there is a UDP listener. */
export function discoveryPorts(settings: Discovery): readonly [number, number] {
  const [{ port }] = discoverySpecs(settings)
  return [port, settings.natDiscoveryPort ?? port + 1]
}

/** With what is listened on for discovery: the addresses of the first port, at the alternate one, for TCP as well where it is there. */
export function withDiscoveryListeners(settings: Settings): Settings {
  const specs = discoverySpecs(settings)
  if (specs.length === 0) return settings
  const [first, alternate] = discoveryPorts(settings)
  const { listen } = settings
  const pairs = listen.filter(
    ({ port, scheme }) => port === first && (scheme === 'any' || scheme === 'udp' || scheme === 'tcp'),
  )
  const wanted = pairs.map((spec): ListenSpec => {
    const text = `${spec.scheme === 'any' ? '' : `${spec.scheme}:`}${formatAddressPort(spec.host, alternate)}`
    return { scheme: spec.scheme, host: spec.host, port: alternate, text }
  })
  const added = wanted.filter((spec) => !listen.some((other) => covers(other, spec)))
  return { ...settings, listen: [...listen, ...added] }
}

/** Is this port listened on for discovery alone? Clients are not sent there. */
export function isDiscoveryPort(settings: Settings, port: number): boolean {
  if (discoverySpecs(settings).length === 0 || settings.listen.some((spec) => spec.port === port)) return false
  return discoveryPorts(settings)[1] === port
}

/** Throws TurndError where the options alone tell that discovery cannot be. */
export function checkNatDiscovery(settings: Settings, names: Names): void {
  if (!settings.natDiscovery) return
  const shown = names.name('natDiscovery', 'natDiscovery')
  const specs = discoverySpecs(settings)
  const like = 'natDiscovery'
  if (specs.length === 0)
    fail(`${shown} is about UDP, and there is no UDP listener: add ${names.name('listen', like, 'udp:ADDRESS:3478')}`)
  const [first, alternate] = discoveryPorts(settings)
  const other = (port: number) => names.name('natDiscoveryPort', like, String(port))
  if (first === 0) fail(`${shown} needs one port on two addresses: give a port in place of 0 (--listen)`)
  if (alternate > PORT_MAX) fail(`${shown} has no port after ${first} for its alternate one: give ${other(first - 1)}`)
  if (alternate === first)
    fail(`${shown} needs two ports, and both are ${first}: give another, such as ${other(first + 1)}`)
  checkNobodyElse(settings, alternate, shown, other(first + 2), names)
  if (!specs.some(({ host }) => isWildcardHost(host)) && !hasTwo(specs)) fail(twoAddressesText(shown, names, first))
}

export function natDiscoveryWarnings(settings: Settings, names: Names): string[] {
  const { maxPort, minPort, natDiscovery, natDiscoveryPort } = settings
  if (!natDiscovery) {
    if (natDiscoveryPort === null) return []
    return [
      `${names.value('natDiscoveryPort')} has no effect without ${names.name('natDiscovery', 'natDiscoveryPort')}`,
    ]
  }
  const [, alternate] = discoveryPorts(settings)
  if (alternate < minPort || alternate > maxPort) return []
  const other = names.name('natDiscoveryPort', 'natDiscovery', 'PORT')
  return [
    `the second port of ${names.name('natDiscovery', 'natDiscovery')}, ${alternate}, lies in the range of relay ports, ${minPort}-${maxPort}: give another, ${other}`,
  ]
}

/** What to do where there is one address. */
export function twoAddressesText(shown: string, names: Pick<Names, 'name'>, port: number): string {
  const listen = (address: string) => names.name('listen', 'natDiscovery', `${address}:${port}`)
  return (
    `${shown} needs two addresses of this machine in one family, and there is one only: add another to the network interface and give both, ` +
    `${listen('ADDRESS')} ${listen('OTHER-ADDRESS')}; without a second one no test of RFC 5780 is possible`
  )
}

/** A listener of another kind may not have the alternate port. */
function checkNobodyElse(settings: Settings, alternate: number, shown: string, proposed: string, names: Names): void {
  const { adminListen, listen } = settings
  const index = listen.findIndex(({ port, scheme }) => port === alternate && (scheme === 'dtls' || scheme === 'tls'))
  const rival =
    index >= 0 ? names.value('listen', index) : adminListen?.port === alternate ? names.value('adminListen') : null
  if (rival !== null)
    fail(`${shown} wants port ${alternate} as its alternate one, which ${rival} has: give ${proposed}`)
}

function hasTwo(specs: readonly ListenSpec[]): boolean {
  return ([4, 6] as const).some((family) => {
    const hosts = specs.filter(({ host }) => familyOf(host) === family).map(({ host }) => host)
    return new Set(hosts).size > 1
  })
}

function covers(one: ListenSpec, other: ListenSpec): boolean {
  return one.port === other.port && one.host === other.host && (one.scheme === 'any' || one.scheme === other.scheme)
}

function isForUdp({ scheme }: ListenSpec): boolean {
  return scheme === 'any' || scheme === 'udp'
}
