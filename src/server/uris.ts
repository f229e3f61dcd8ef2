// The URIs by which clients reach a server (RFC 7065): for the ready line, the banner and the library.
import { formatAddressPort } from '../config/ip-address.js'
import { isWildcardHost } from '../config/listen-spec.js'
import { isDiscoveryPort } from '../config/nat-discovery.js'
import type { Settings } from '../config/settings.js'
import type { Listener } from '../net/engine.js'
import { hostAddress } from '../stun/address.js'
import type { RelayHost } from '../turn/relay-host.js'

/** How a listener's scheme is called in a URI. */
const URI_FORMS: Readonly<Record<Listener['scheme'], readonly [scheme: string, transport: string]>> = {
  udp: ['turn', 'udp'],
  tcp: ['turn', 'tcp'],
  tls: ['turns', 'tcp'],
  dtls: ['turns', 'udp'],
}

/**
 * One for each listener, with the public side of --external-ip where it stands for a listener's address. With public names, one for each
 * name, port and transport instead: certificates hold names, and every listener is behind each of them. The second port of --nat-discovery is left out.
 */
export function turnUris(
  listeners: readonly Listener[],
  relayHosts: readonly RelayHost[],
  settings: Settings,
): string[] {
  const publicNames = settings.publicName
  const known = listeners.filter(({ address }) => !isDiscoveryPort(settings, address.port))
  const uris = known.flatMap(({ address, scheme }) => {
    const [uriScheme, transport] = URI_FORMS[scheme]
    const places =
      publicNames.length > 0
        ? publicNames.map((name) => `${name}:${address.port}`)
        : [String(hostAddress(publicHost(address.host, relayHosts), address.port))]
    return places.map((place) => `${uriScheme}:${place}?transport=${transport}`)
  })
  return [...new Set(uris)]
}

/** Of a server that need not run: what its options tell. Wildcards are known by the public names, or the public sides of --external-ip. */
export function configuredUris({ externalIp, listen, publicName }: Settings): string[] {
  const uris = listen.flatMap(({ host, port, scheme }) => {
    const hosts = isWildcardHost(host)
      ? externalIp.map((mapping) => mapping.publicHost)
      : [publicSide(host, externalIp)]
    const places =
      publicName.length > 0
        ? publicName.map((name) => `${name}:${port}`)
        : hosts.map((each) => formatAddressPort(each, port))
    const forms = scheme === 'any' ? [URI_FORMS.udp, URI_FORMS.tcp] : [URI_FORMS[scheme]]
    if (port === 0) return []
    return forms.flatMap(([uriScheme, transport]) =>
      places.map((place) => `${uriScheme}:${place}?transport=${transport}`),
    )
  })
  return [...new Set(uris)]
}

function publicSide(host: string, externalIp: Settings['externalIp']): string {
  return externalIp.find(({ privateHost }) => privateHost === host)?.publicHost ?? host
}

function publicHost(host: string, relayHosts: readonly RelayHost[]): string {
  return relayHosts.find(({ address }) => address.host === host)?.advertised.host ?? host
}
