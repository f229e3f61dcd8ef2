// How a client gets from a `turn:` or `turns:` URI to transport addresses (RFC 5928 §3, with RFC 7350 for DTLS): step by step, as the RFC numbers them.
//
//   1  an IP address ─────────────────────────► it, and the port or the default one
//   2  a name and a port ─────────────────────► A, AAAA
//   3  a name and a transport ────► SRV ──────► A, AAAA
//   4  a name alone ───► NAPTR ───► SRV ──────► A, AAAA
//   5  the same without NAPTR ────► SRV of each transport ─► A, AAAA
import { DISCOVERY_NAPTR_COUNT_MAX } from '../../limits/clients.js'
import { hostAddress } from '../../stun/address.js'
import { ClientError } from '../client-error.js'
import { formatTurnUri, type TransportKind, type TurnUri, transportOf } from '../turn-uri.js'
import type { NaptrRecord } from './dns-source.js'
import { flagOf, isFor, isRelay, PROTOCOL_TAGS, rankTransports, sortNaptr } from './relay-naptr.js'
import { byAddress, bySrv, bySrvOrAddress, candidateOf, isSecure, type WalkGoal } from './srv-candidates.js'
import { type Candidate, each, type Walk } from './walk.js'

/**
 * In the order in which a client would try them; none if the records lead nowhere.
 * @param transports those of the application, by preference
 * @throws ClientError `bad-uri` if the application has none that the URI asks for
 */
export async function resolveTurn(
  uri: TurnUri,
  transports: readonly TransportKind[],
  walk: Walk,
): Promise<Candidate[]> {
  const goal: WalkGoal = { host: uri.host, kind: 'turn' }
  const usable = usableTransports(uri, transports)
  // TLS where the URI asks for none is for NAPTR records to offer: a port of `turn:` is not one of TLS.
  const direct = uri.scheme === 'turns' ? usable : usable.filter((transport) => !isSecure(transport))
  const address = hostAddress(uri.host)
  if (address !== null) {
    walk.note('an IP address: it is used as it is (RFC 5928 §3 step 1)')
    const place = { host: uri.host, address: uri.host, port: uri.port }
    return direct.map((transport) => candidateOf(goal, transport, place))
  }
  if (uri.port !== null) {
    walk.note('a name with a port: its addresses (RFC 5928 §3 step 2)')
    return each(direct, (transport) => byAddress(goal, transport, uri.host, uri.port, walk))
  }
  if (uri.transport !== null) {
    walk.note('a name with a transport and no port: SRV records (RFC 5928 §3 step 3)')
    return bySrvOrAddress(goal, usable[0], walk)
  }
  walk.note('a name alone: NAPTR records, which say what the domain prefers (RFC 5928 §3 step 4)')
  const found = await byNaptr(goal, usable, walk)
  if (found !== null) return found
  walk.note('no NAPTR record of TURN: SRV records of each transport (RFC 5928 §3 step 5)')
  return each(direct, (transport) => bySrvOrAddress(goal, transport, walk))
}

/** null: there are none for TURN, or nobody knows. Else what they lead to, which may be nothing. */
export async function byNaptr(
  goal: WalkGoal,
  transports: readonly TransportKind[],
  walk: Walk,
): Promise<Candidate[] | null> {
  const { records } = await walk.ask('NAPTR', goal.host)
  const first = records.filter(isRelay)
  if (first.length === 0) return null
  const ranked = rankTransports(first, transports)
  if (ranked.length === 0) {
    const wanted = transports.map((transport) => PROTOCOL_TAGS[transport]).join(', ')
    walk.fault(`the NAPTR records are for other transports than this client has (${wanted}): it stops here`)
  }
  return each(ranked, (transport) => follow({ goal, transport, walk, followed: new Set() }, first, [goal.host]))
}

/** One transport through all records, to all ends: RFC 3958 §2.2.5 forbids to change it on the way. */
interface NaptrWay {
  readonly goal: WalkGoal
  readonly transport: TransportKind
  readonly walk: Walk
  /** Names in lower case whose records have been followed: what comes of them is known, and records that fan out and meet again are many ways. */
  readonly followed: Set<string>
}

async function follow(way: NaptrWay, records: readonly NaptrRecord[], path: readonly string[]): Promise<Candidate[]> {
  const { transport, walk } = way
  const matching = sortNaptr(records).filter((record) => isFor(record, transport))
  if (matching.length === 0) walk.fault(`${path.at(-1)} has no NAPTR record for ${PROTOCOL_TAGS[transport]}`)
  return each(matching, (record) => followOne(way, record, path))
}

async function followOne(way: NaptrWay, record: NaptrRecord, path: readonly string[]): Promise<Candidate[]> {
  const { followed, goal, transport, walk } = way
  const { replacement } = record
  switch (flagOf(record)) {
    case null:
      walk.fault(`the NAPTR record with the flag "${record.flags}" is none of TURN's: it is left out (RFC 3958 §2.2.3)`)
      return []
    case 'address':
      return byAddress(goal, transport, replacement, null, walk)
    case 'srv': {
      const found = await bySrv(goal, transport, replacement, walk)
      if (found === null) walk.fault(`${path.at(-1)} leads to ${replacement}, which has no SRV record`)
      return found ?? []
    }
    case 'next': {
      const name = replacement.toLowerCase()
      if (path.includes(name)) {
        walk.fault(`${path.at(-1)} leads back to ${replacement}: a circle, which is not walked again`)
        return []
      }
      if (path.length > DISCOVERY_NAPTR_COUNT_MAX) {
        walk.fault(`${replacement} is one NAPTR record too far: no more than ${DISCOVERY_NAPTR_COUNT_MAX} are followed`)
        return []
      }
      if (followed.has(name)) return []
      followed.add(name)
      const { records } = await walk.ask('NAPTR', replacement)
      return follow(way, records, [...path, name])
    }
  }
}

/** The checks that stand before step 1, and Table 1, as RFC 7350 has them. */
function usableTransports(uri: TurnUri, transports: readonly TransportKind[]): readonly TransportKind[] {
  const isSecureUri = uri.scheme === 'turns'
  const left = isSecureUri ? transports.filter(isSecure) : transports
  const usable = uri.transport === null ? left : left.filter((transport) => transport === transportOf(uri))
  if (usable.length > 0) return usable
  const wanted = uri.transport === null ? 'TLS or DTLS' : transportOf(uri).toUpperCase()
  throw new ClientError('bad-uri', `${formatTurnUri(uri)} is for ${wanted}, which is none of ${transports.join(', ')}`)
}
