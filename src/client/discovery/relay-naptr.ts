// NAPTR records of TURN servers: the S-NAPTR application (RFC 3958) with the service tag RELAY and a protocol tag for each transport (RFC 5928 §6,
// RFC 7350 for DTLS).
import type { TransportKind } from '../turn-uri.js'
import type { NaptrRecord } from './dns-source.js'

export const RELAY_SERVICE = 'RELAY'
export const PROTOCOL_TAGS: Readonly<Record<TransportKind, string>> = {
  udp: 'turn.udp',
  tcp: 'turn.tcp',
  tls: 'turn.tls',
  dtls: 'turn.dtls',
}

/** What to do with a record that matches: ask for NAPTR, SRV or address records of its replacement. null: no S-NAPTR record. */
export type NaptrFlag = 'next' | 'srv' | 'address'

export function flagOf({ flags, regexp, replacement }: NaptrRecord): NaptrFlag | null {
  // RFC 3958 §2.2.3, §6.2: no regular expressions; what stands there is for another application.
  if (regexp !== '' || replacement === '' || replacement === '.') return null
  switch (flags.toLowerCase()) {
    case '':
      return 'next'
    case 's':
      return 'srv'
    case 'a':
      return 'address'
  }
  return null
}

/** For a TURN server, whatever its transports. Tags do not differ in case. */
export function isRelay({ service }: NaptrRecord): boolean {
  return service.split(':')[0].toUpperCase() === RELAY_SERVICE
}

export function isFor(record: NaptrRecord, transport: TransportKind): boolean {
  const [, ...tags] = record.service.toLowerCase().split(':')
  return isRelay(record) && tags.includes(PROTOCOL_TAGS[transport])
}

/** In the order in which they are tried (RFC 3958 §2.2.1). */
export function sortNaptr(records: readonly NaptrRecord[]): NaptrRecord[] {
  return [...records].sort((a, b) => a.order - b.order || a.preference - b.preference)
}

/**
 * The transports that the first set of records names, in the order to try them (RFC 5928 §3 step 4): as they rank there, and where they rank alike
 * as the application would have them.
 */
export function rankTransports(first: readonly NaptrRecord[], transports: readonly TransportKind[]): TransportKind[] {
  const sorted = sortNaptr(first)
  const ranks = transports.map((transport) => {
    const record = sorted.find((each) => isFor(each, transport))
    return { transport, record }
  })
  return ranks
    .filter(({ record }) => record !== undefined)
    .sort((a, b) => a.record!.order - b.record!.order || a.record!.preference - b.record!.preference)
    .map(({ transport }) => transport)
}
