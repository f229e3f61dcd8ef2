// Prints DNS records: as lines of a zone file (RFC 1035 §5), or as options of dnsmasq.
import type { DnsBlock, DnsRecord } from './dns-records.js'

export interface DnsPrintout {
  /** Lines of a comment, at the top. */
  readonly head: readonly string[]
  readonly blocks: readonly DnsBlock[]
  readonly ttlSeconds: number
}

/** Names are absolute and each record has its TTL, so that the lines may stand anywhere in a zone. */
export function zoneText({ blocks, head, ttlSeconds }: DnsPrintout): string {
  const names = blocks.flatMap(({ records }) => records.map(({ name }) => name.length + 1))
  const width = Math.max(0, ...names)
  const line = (record: DnsRecord) =>
    `${`${record.name}.`.padEnd(width)} ${ttlSeconds} IN ${record.type.padEnd(5)} ${zoneData(record)}`
  return printed(head, blocks, '; ', line)
}

export function dnsmasqText({ blocks, head, ttlSeconds }: DnsPrintout): string {
  return printed([...head, `dnsmasq has one TTL for most of them: local-ttl=${ttlSeconds}`], blocks, '# ', (record) =>
    dnsmasqOption(record, ttlSeconds),
  )
}

function printed(
  head: readonly string[],
  blocks: readonly DnsBlock[],
  mark: string,
  line: (record: DnsRecord) => string,
): string {
  const comment = (text: string) => `${mark}${text}`
  const parts = [
    head.map(comment),
    ...blocks.map(({ about, records }) => [...about.map(comment), ...records.map(line)]),
  ]
  return parts.map((lines) => `${lines.join('\n')}\n`).join('\n')
}

function zoneData(record: DnsRecord): string {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return record.address
    case 'SRV':
      return `${record.priority} ${record.weight} ${record.port} ${record.target}.`
    case 'NAPTR':
      return `${record.order} ${record.preference} "${record.flags}" "${record.service}" "" ${record.replacement}.`
    case 'PTR':
      return `${record.target}.`
    case 'TXT':
      return `"${record.text}"`
  }
}

function dnsmasqOption(record: DnsRecord, ttlSeconds: number): string {
  const { name } = record
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return `host-record=${name},${record.address},${ttlSeconds}`
    case 'SRV':
      return `srv-host=${name},${record.target},${record.port},${record.priority},${record.weight}`
    case 'NAPTR': {
      const { flags, order, preference, replacement, service } = record
      return `naptr-record=${name},${order},${preference},${flags},${service},,${replacement}`
    }
    case 'PTR':
      return `ptr-record=${name},${record.target}`
    case 'TXT':
      return `txt-record=${name},${record.text}`
  }
}
