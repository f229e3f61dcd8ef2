// From a name to transport addresses: by SRV records and the addresses of their targets (RFC 2782), or by the addresses of the name itself. The
// last steps of every way.
import { DEFAULT_PORTS, protocolOf, type TransportKind } from '../turn-uri.js'
import { orderSrv } from './srv-order.js'
import type { Candidate, Walk } from './walk.js'

/** Where the walk began, and for what. */
export interface WalkGoal {
  /** A name or an IP address, of the URI. */
  readonly host: string
  readonly kind: 'turn' | 'stun'
}

export function isSecure(transport: TransportKind): boolean {
  return transport === 'tls' || transport === 'dtls'
}

/** RFC 8489 §18.7, RFC 8656 §20. */
export function defaultPort(transport: TransportKind): number {
  return isSecure(transport) ? DEFAULT_PORTS.turns : DEFAULT_PORTS.turn
}

/** `_turns._tcp`: of TLS over TCP, and DTLS over UDP. */
export function serviceLabels(kind: WalkGoal['kind'], transport: TransportKind): string {
  return `_${kind}${isSecure(transport) ? 's' : ''}._${protocolOf(transport)}`
}

/** @param port null: the default one of the transport */
export function candidateOf(
  { host: serverName }: WalkGoal,
  transport: TransportKind,
  place: { host: string; address: string; port: number | null },
  ranks: { priority: number; weight: number } | null = null,
): Candidate {
  return {
    transport,
    address: place.address,
    port: place.port ?? defaultPort(transport),
    host: place.host,
    serverName: isSecure(transport) ? serverName : null,
    priority: ranks?.priority ?? null,
    weight: ranks?.weight ?? null,
  }
}

/** By the addresses of a name. */
export async function byAddress(
  goal: WalkGoal,
  transport: TransportKind,
  name: string,
  port: number | null,
  walk: Walk,
): Promise<Candidate[]> {
  const addresses = await walk.addresses(name)
  return addresses.map((address) => candidateOf(goal, transport, { host: name, address, port }))
}

/** null: there are no SRV records, or nobody knows. Else what they lead to, which may be nothing. */
export async function bySrv(
  goal: WalkGoal,
  transport: TransportKind,
  name: string,
  walk: Walk,
): Promise<Candidate[] | null> {
  const { records } = await walk.ask('SRV', name)
  if (records.length === 0) return null
  if (records.length === 1 && isRoot(records[0].name)) {
    walk.note(`${name} says that the service is not offered: its target is "." (RFC 2782)`)
    return []
  }
  const candidates: Candidate[] = []
  for (const record of orderSrv(records, walk.options.random)) {
    if (isRoot(record.name) || record.port === 0) {
      walk.fault(`${name} leads nowhere: a record without ${record.port === 0 ? 'a port' : 'a target'} is left out`)
      continue
    }
    const addresses = await walk.addresses(record.name)
    if (addresses.length === 0) walk.fault(`${name} leads to ${record.name}, which has no address`)
    const place = (address: string) => ({ host: record.name, address, port: record.port })
    candidates.push(...addresses.map((address) => candidateOf(goal, transport, place(address), record)))
  }
  return candidates
}

/** SRV records of the host, and without them its own addresses with the default port (RFC 5928 §3 steps 3 and 5, RFC 8489 §8). */
export async function bySrvOrAddress(goal: WalkGoal, transport: TransportKind, walk: Walk): Promise<Candidate[]> {
  const name = `${serviceLabels(goal.kind, transport)}.${goal.host}`
  const found = await bySrv(goal, transport, name, walk)
  if (found !== null) return found
  walk.note(
    `no SRV record for ${transport.toUpperCase()}: the addresses of ${goal.host} with port ${defaultPort(transport)}`,
  )
  return byAddress(goal, transport, goal.host, null, walk)
}

function isRoot(name: string): boolean {
  return name === '' || name === '.'
}
