// Where clients elsewhere reach the listeners of a configuration: a place is a transport and a port, and the public addresses behind which they are.
import type { TransportKind } from '../client/turn-uri.js'
import type { ExternalIp } from '../config/external-ip.js'
import { familyOf } from '../config/ip-address.js'
import { isWildcardHost, type ListenSpec } from '../config/listen-spec.js'
import type { Settings } from '../config/settings.js'
import { scopeOf } from '../doctor/address-scope.js'

export interface ListenPlace {
  readonly transport: TransportKind
  readonly port: number
  /** As text, each once; at least one. */
  readonly addresses: readonly string[]
}

export interface AddressSources {
  /** Given for the purpose: they stand for every listener of their family. Empty: what follows. */
  readonly given: readonly string[]
  /** Of this machine's interfaces, for wildcards. */
  readonly local: readonly string[]
}

export interface ListenPlaces {
  readonly places: readonly ListenPlace[]
  /** Addresses of listeners that nobody elsewhere reaches, and ports that are not known. */
  readonly useless: readonly string[]
}

export function listenPlaces(settings: Pick<Settings, 'listen' | 'externalIp'>, sources: AddressSources): ListenPlaces {
  const byPlace = new Map<string, { transport: TransportKind; port: number; addresses: Set<string> }>()
  const useless = new Set<string>()
  for (const spec of settings.listen) {
    const { isReached, isNot } = addressesOf(spec, settings.externalIp, sources)
    for (const address of isNot) useless.add(address)
    if (spec.port === 0) useless.add(`${spec.text}, whose port is not known before it starts`)
    if (spec.port === 0 || isReached.length === 0) continue
    for (const transport of transportsOf(spec)) {
      const key = `${transport} ${spec.port}`
      const place = byPlace.get(key) ?? { transport, port: spec.port, addresses: new Set() }
      for (const address of isReached) place.addresses.add(address)
      byPlace.set(key, place)
    }
  }
  return {
    places: [...byPlace.values()].map((place) => ({ ...place, addresses: [...place.addresses] })),
    useless: [...useless],
  }
}

function transportsOf({ scheme }: ListenSpec): readonly TransportKind[] {
  return scheme === 'any' ? ['udp', 'tcp'] : [scheme]
}

function addressesOf(
  { host }: ListenSpec,
  externalIps: readonly ExternalIp[],
  { given, local }: AddressSources,
): { isReached: string[]; isNot: string[] } {
  const isOfFamily = (address: string) =>
    host === '*' || familyOf(address) === familyOf(host === '0.0.0.0' ? '0.0.0.0' : host)
  if (given.length > 0) return { isReached: given.filter(isOfFamily), isNot: [] }
  const bound = isWildcardHost(host) ? local.filter(isOfFamily) : [host]
  const outside = isWildcardHost(host)
    ? externalIps.map(({ publicHost }) => publicHost).filter(isOfFamily)
    : externalIps.filter((each) => standsFor(each, host)).map(({ publicHost }) => publicHost)
  const all = new Set([...outside, ...bound])
  const isPublic = (address: string) => scopeOf(address) === 'public'
  return {
    isReached: [...all].filter(isPublic),
    isNot: [...all].filter((address) => !isPublic(address)),
  }
}

/** Without a private side it is that of the relay address, which a listener shares on most machines. */
function standsFor({ privateHost, publicHost }: ExternalIp, host: string): boolean {
  if (privateHost !== null) return privateHost === host
  return familyOf(publicHost) === familyOf(host) && scopeOf(host) === 'private'
}
