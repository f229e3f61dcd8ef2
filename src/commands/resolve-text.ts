// What `turnd resolve` prints: the steps of a walk, the addresses at its end, and one sentence where there are none.
import type { QueryOutcome } from '../client/discovery/dns-source.js'
import type { Discovery } from '../client/discovery/server-discovery.js'
import type { Candidate, WalkStep } from '../client/discovery/walk.js'
import { formatAddressPort } from '../config/ip-address.js'

const OUTCOMES: Readonly<Record<QueryOutcome, string>> = {
  found: '',
  'no-record': 'none',
  'no-name': 'none: the name does not exist (NXDOMAIN)',
  'server-failure': 'the DNS server failed (SERVFAIL)',
  refused: 'the DNS server refuses to answer (REFUSED)',
  timeout: 'no answer from the DNS server',
  unreachable: 'nothing listens where the DNS server should be',
  malformed: 'an answer that cannot be read',
  'bad-name': 'not asked: it is no name of the DNS',
  'given-up': 'not asked any more: the time is over',
}

export const MECHANISMS: Readonly<Record<Discovery['mechanism'], string>> = {
  'service-resolution': 'by service resolution (NAPTR)',
  'dns-sd': 'by DNS service discovery',
  anycast: 'by anycast, if the network has such a server',
}

export function stepLines(steps: readonly WalkStep[]): string[] {
  return steps.flatMap((step) => {
    if (step.kind === 'note') return [`${step.isFault ? 'wrong: ' : ''}${step.text}`]
    const head = `  ${step.type.padEnd(5)} ${step.name}`
    if (step.records.length === 0) return [`${head}: ${OUTCOMES[step.outcome]}`]
    const cut = step.cutCount > 0 ? [`        … and ${step.cutCount} more, which are not looked at`] : []
    return [head, ...step.records.map((record) => `        ${record}`), ...cut]
  })
}

export function candidateLines(candidates: readonly Candidate[]): string[] {
  const cells = candidates.map(({ address, host, port, priority, serverName, transport, weight }, index) => {
    const ranks = priority === null ? '' : `priority ${priority}, weight ${weight}`
    const certificate = serverName === null ? '' : `certificate for ${serverName}`
    const about = [host === address ? '' : host, ranks, certificate].filter((text) => text !== '')
    return [`${index + 1}`, transport.toUpperCase(), formatAddressPort(address, port), about.join(', ')]
  })
  const widths = [0, 1, 2].map((column) => Math.max(0, ...cells.map((row) => row[column].length)))
  return cells.map(([number, transport, place, about]) =>
    `  ${number.padStart(widths[0])}  ${transport.padEnd(widths[1])}  ${place.padEnd(widths[2])}  ${about}`.trimEnd(),
  )
}

/** Why there is nothing to try: the worst that happened to a question comes first, since it hides the rest. */
export function whyNothing(name: string, steps: readonly WalkStep[], servers: readonly string[]): string {
  const outcomes = steps.flatMap((step) => (step.kind === 'query' ? [step.outcome] : []))
  const server = servers.length === 1 ? `the DNS server ${servers[0]}` : `the DNS servers ${servers.join(', ')}`
  const has = (outcome: QueryOutcome) => outcomes.includes(outcome)
  if (has('unreachable')) return `nothing listens at ${server}: nothing is known of ${name}`
  if (has('timeout')) return `no answer from ${server}: nothing is known of ${name}`
  if (has('given-up')) return `the time was over before ${name} was resolved: give more with --timeout`
  if (has('server-failure')) {
    return `${server} failed (SERVFAIL) when asked for ${name}: its zone, its DNSSEC, or the servers of its zone are broken`
  }
  if (has('refused')) return `${server} refuses to answer for ${name}: ask one that does, with --server`
  if (has('malformed')) return `what ${server} answers for ${name} cannot be read`
  const fault = steps.find((step) => step.kind === 'note' && step.isFault)
  if (fault !== undefined && fault.kind === 'note') return `no address to try: ${fault.text}`
  if (outcomes.length > 0 && outcomes.every((outcome) => outcome === 'no-name')) {
    return `${name} does not exist (NXDOMAIN)`
  }
  return `${name} has no record that leads to an address: turnd dns prints those that a server needs`
}
