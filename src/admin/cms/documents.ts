// The answers of the CMS API: a list, an object, a status, as XML. A field that is not set has no element.
import type { CallBridgeTurnServer } from '../../auth/turn-servers-file.js'
import { formatHost } from '../../stun/address.js'
import type { HostStatus, TurnServerStatus } from './measure.js'
import { COLLECTION, LISTED, OBJECT, SHOWN } from './names.js'
import type { Page } from './parameters.js'
import { element, type XmlElement, xmlDocument } from './xml.js'

export function listDocument(turnServers: readonly CallBridgeTurnServer[], { filter, limit, offset }: Page): string {
  const matching = turnServers.filter(({ clientAddress, serverAddress }) => {
    return [serverAddress, clientAddress].some((address) => address.toLowerCase().includes(filter))
  })
  const shown = matching.slice(offset, offset + limit).map((each) => objectOf(each, LISTED))
  return xmlDocument(element(COLLECTION, shown, { total: matching.length }))
}

export function objectDocument(turnServer: CallBridgeTurnServer): string {
  return xmlDocument(objectOf(turnServer, SHOWN))
}

/** @param allocationCountOf how many allocations the server at an address and port has, as far as this process knows */
export function statusDocument(
  { hosts, status }: TurnServerStatus,
  allocationCountOf: (address: string, port: number) => number,
): string {
  const elements = hosts.map((host) => hostOf(host, allocationCountOf(host.address, host.port)))
  return xmlDocument(element(OBJECT, [element('status', status), ...elements]))
}

function objectOf(turnServer: CallBridgeTurnServer, names: readonly (typeof SHOWN)[number][]): XmlElement {
  const values = { ...turnServer, numRegistrations: 0 }
  const elements = names.flatMap((name) => {
    const value = values[name]
    return value === '' || value === null ? [] : [element(name, value)]
  })
  return element(OBJECT, elements, { id: turnServer.id })
}

function hostOf(host: HostStatus, allocationCount: number): XmlElement {
  const { address, isReachable, mapped, port, roundTripMilliseconds } = host
  const place = [element('address', address), element('portNumber', port), element('reachable', isReachable)]
  if (!isReachable) return element('host', place)
  return element('host', [
    ...place,
    ...(roundTripMilliseconds === null ? [] : [element('roundTripTimeMs', Math.round(roundTripMilliseconds))]),
    ...(mapped === null
      ? []
      : [element('mappedAddress', formatHost(mapped)), element('mappedPortNumber', mapped.port)]),
    element('numAllocations', allocationCount),
  ])
}
