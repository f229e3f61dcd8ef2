// The addresses that relays are opened on: --relay-ip or the default routes, with the public side of --external-ip.
import { TurndError } from '../config/errors.js'
import type { ExternalIp } from '../config/external-ip.js'
import type { Settings } from '../config/settings.js'
import { canBind } from '../net/dgram/can-bind.js'
import { defaultRouteSource } from '../net/local-addresses.js'
import { formatHost, hostAddress, type TransportAddress } from '../stun/address.js'
import type { RelayHost } from '../turn/relay-host.js'

/** At least one host. Throws TurndError if an address is not of this machine; `onWarning` gets sentences. */
export async function resolveRelayHosts(
  settings: Settings,
  onWarning: (text: string) => void,
): Promise<readonly RelayHost[]> {
  const addresses = settings.relayIp.length > 0 ? settings.relayIp.map(namedAddress) : await defaultAddresses(onWarning)
  for (const address of addresses) await checkBindable(address)
  const hosts = addresses.map((address) => ({ address, advertised: advertisedFor(address, settings.externalIp) }))
  for (const externalIp of settings.externalIp) checkUsed(externalIp, hosts)
  return hosts
}

function namedAddress(text: string): TransportAddress {
  const address = hostAddress(text)
  if (address === null) throw new TurndError('TURND_ERR_OPTION', `--relay-ip ${text} is not an IP address`)
  address.host = formatHost(address)
  return address
}

async function defaultAddresses(onWarning: (text: string) => void): Promise<TransportAddress[]> {
  const sources = await Promise.all([defaultRouteSource(4), defaultRouteSource(6)])
  const addresses = sources.filter((address) => address !== null)
  if (addresses.length > 0) return addresses
  const loopbacks: TransportAddress[] = []
  for (const host of ['127.0.0.1', '::1']) {
    const address = namedAddress(host)
    if (await canBind(address)) loopbacks.push(address)
  }
  onWarning(
    'this machine has no default route, so relays are opened on loopback and reach nobody else: give --relay-ip ADDRESS',
  )
  return loopbacks
}

async function checkBindable(address: TransportAddress): Promise<void> {
  if (await canBind(address)) return
  throw new TurndError(
    'TURND_ERR_ADDRESS_NOT_AVAILABLE',
    `--relay-ip ${address.host} is not an address of this machine; behind static NAT give the private address here ` +
      'and --external-ip PUBLIC/PRIVATE',
  )
}

function advertisedFor(address: TransportAddress, externalIps: readonly ExternalIp[]): TransportAddress {
  for (const { publicHost, privateHost } of externalIps) {
    const isMapped =
      privateHost === address.host || (privateHost === null && namedAddress(publicHost).family === address.family)
    if (isMapped) return namedAddress(publicHost)
  }
  return address
}

/** An --external-ip whose private side is no relay address would silently do nothing. */
function checkUsed({ publicHost, text }: ExternalIp, hosts: readonly RelayHost[]): void {
  if (hosts.some(({ advertised }) => advertised.host === publicHost)) return
  const relayIps = hosts.map(({ address }) => address.host).join(', ')
  throw new TurndError(
    'TURND_ERR_OPTION',
    `--external-ip ${text} stands for no relay address (those are ${relayIps}): give --relay-ip with its private side`,
  )
}
