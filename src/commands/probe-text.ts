// What `turnd probe` prints: for people aligned tables, the same for every server; for scripts one object.
import { isoSeconds } from '../client/peer-security.js'
import { failureSentence } from '../client/probe/probe-advice.js'
import type { ProbeReport, ProbeStage } from '../client/probe/probe-target.js'
import { wrap } from '../config/help.js'
import { formatAddressPort } from '../config/ip-address.js'
import { PROBE_STRAGGLER_MILLISECONDS } from '../limits/clients.js'

export const STAGES: Readonly<Record<ProbeStage, string>> = {
  connect: 'connecting',
  certificate: 'looking at the certificate',
  binding: 'asking for an answer',
  allocate: 'asking for a relay',
  relay: 'looking for a way through the relay',
  measure: 'measuring',
}

const NOTHING = '–'
const MEASURES = [
  ...['', 'result', 'connect', 'answer', 'RTT min', 'median', 'p95', 'max', 'jitter', 'loss'],
  ...['throughput', 'loss'],
]
const FACTS = ['', 'server', 'seen as', 'relayed address', 'lifetime', 'path', 'peer', 'realm', 'software']
/** Columns of text; others have numbers, which end below one another. */
const TEXT_COLUMNS = ['', 'result', ...FACTS.filter((name) => name !== 'lifetime')]
const JSON_DECIMALS = 3

/** The lines, whose text from the network has still to be escaped. @param columns of the terminal, if it is one */
export function probeLines(reports: readonly ProbeReport[], columns = Number.POSITIVE_INFINITY): string[] {
  const label = labelOf(reports)
  const facts = reports.filter(({ server }) => server !== null).map((report) => [label(report), ...factsOf(report)])
  const sections = [
    fittingTable([MEASURES, ...reports.map((report) => [label(report), ...measuresOf(report)])], columns),
    facts.length === 0 ? [] : fittingTable([FACTS, ...facts], columns),
    ...[
      reports.flatMap((report) => securityLines(report, label(report))),
      reports.flatMap((report) => reachLines(report, label(report))),
      reports.flatMap((report) => lateLines(report, label(report))),
      reports.filter(({ outcome }) => outcome === 'absent').map((report) => absentLine(report, label(report))),
    ].map((sentences) => sentences.flatMap((sentence) => wrap(sentence, columns))),
  ]
  return sections.filter((lines) => lines.length > 0).flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]))
}

/** One sentence for each failure. */
export function failureLines(reports: readonly ProbeReport[]): string[] {
  return reports.filter(({ outcome }) => outcome === 'failed').map(failureSentence)
}

/** As JSON text, in which times are of microseconds. @param problems why some of what was asked for could not be probed */
export function probeJson(reports: readonly ProbeReport[], problems: readonly string[] = []): string {
  const round = (_key: string, value: unknown) => {
    return typeof value === 'number' ? Number(value.toFixed(JSON_DECIMALS)) : value
  }
  return JSON.stringify(probeObject(reports, problems), round, 2)
}

function probeObject(reports: readonly ProbeReport[], problems: readonly string[]): object {
  const isWell = problems.length === 0 && reports.every(({ outcome }) => outcome !== 'failed')
  return { ok: isWell, targets: reports.map(targetObject) }
}

function targetObject(report: ProbeReport): object {
  const { failure, mapped, reach, relayed, security, server, target, ...others } = report
  const error = failure?.error
  return {
    uri: target.uri,
    transport: target.transport,
    ...others,
    server: server?.toString() ?? null,
    mapped: mapped?.toString() ?? null,
    relayed: relayed?.toString() ?? null,
    reach: reach !== null && 'number' in reach ? { forbidden: reach.number } : reach,
    security:
      security === null
        ? null
        : {
            protocol: security.protocol,
            cipher: security.cipher,
            alpn: security.alpn,
            names: security.names,
            validTo: security.certificate?.validTo ?? null,
            problems: security.problems,
          },
    failure:
      failure === null || error === undefined
        ? null
        : {
            stage: failure.stage,
            code: error.code,
            ...('number' in error ? { number: error.number } : {}),
            message: failureSentence(report),
          },
  }
}

function measuresOf(report: ProbeReport): string[] {
  const { bindingMilliseconds, connectMilliseconds, outcome, roundTrips, target, throughput } = report
  const times = roundTrips?.times ?? null
  const rate = throughput === null ? NOTHING : `${megabits(throughput.receivedBitsPerSecond)} Mbit/s`
  return [
    target.isStun && outcome === 'works' ? 'answers' : outcome,
    milliseconds(connectMilliseconds),
    milliseconds(bindingMilliseconds),
    ...[times?.minimum, times?.median, times?.p95, times?.maximum, times?.jitter].map(milliseconds),
    percent(roundTrips?.lossPercent),
    rate,
    percent(throughput?.lossPercent),
  ]
}

function factsOf(report: ProbeReport): string[] {
  const { isRedirected, lifetimeSeconds, mapped, path, realm, relayed, server, software } = report
  return [
    `${server}${isRedirected ? ' (300)' : ''}`,
    mapped?.toString() ?? NOTHING,
    relayed?.toString() ?? NOTHING,
    lifetimeSeconds === null ? NOTHING : `${lifetimeSeconds} s`,
    path ?? NOTHING,
    reachText(report),
    realm || NOTHING,
    software || NOTHING,
  ]
}

function securityLines(report: ProbeReport, label: string): string[] {
  const { security } = report
  if (security === null) return []
  const { certificate, names, problems, protocol } = security
  const until = certificate === null ? '' : ` until ${isoSeconds(Date.parse(certificate.validTo)).replace(/T.*/, '')}`
  const verdict = problems.length === 0 ? 'accepted' : problems.map(({ text }) => text).join('; ')
  return [`${label}: ${protocol}, a certificate for ${names.slice(0, 3).join(', ') || NOTHING}${until}: ${verdict}.`]
}

function reachText({ reach }: ProbeReport): string {
  if (reach === null) return NOTHING
  if ('number' in reach) return String(reach.number)
  if (reach.toPeer) return reach.fromPeer ? 'both ways' : 'to it'
  return reach.fromPeer ? 'from it' : 'no way'
}

/** Two relays of one server meet inside it: a firewall in front of them shows here alone. */
function reachLines({ outcome, reach, relayed }: ProbeReport, label: string): string[] {
  if (outcome === 'failed' || reach === null || 'number' in reach || reach.fromPeer) return []
  const advice =
    'where peers are outside of the server, open its relay ports, and check the address that it tells clients'
  return [`${label}: nothing got from a socket of this machine to the relayed address ${relayed}: ${advice}.`]
}

/** A connection delivers what waits in it, later than anybody can use it. */
function lateLines({ target, throughput }: ProbeReport, label: string): string[] {
  const isStream = target.transport === 'tcp' || target.transport === 'tls'
  if (!isStream || throughput === null || throughput.receivedCount === throughput.sentCount) return []
  const late = `${throughput.sentCount - throughput.receivedCount} of ${throughput.sentCount} packets`
  return [
    `${label}: ${late} had not arrived ${PROBE_STRAGGLER_MILLISECONDS / 1000} s after the last one was sent: what a connection takes is late rather than lost.`,
  ]
}

function absentLine({ failure }: ProbeReport, label: string): string {
  const error = failure?.error
  if (error?.code === 'dtls-unavailable') return `${label}: not tried (${error.message}).`
  return `${label}: not offered, and need not be (${error?.message}).`
}

/** The transport and the port, and the host where there are several. */
function labelOf(reports: readonly ProbeReport[]): (report: ProbeReport) => string {
  const hasOneHost = new Set(reports.map(({ target }) => target.host)).size === 1
  return ({ target: { host, port, transport } }) => {
    return `${transport.toUpperCase()} ${hasOneHost ? port : formatAddressPort(host, port)}`
  }
}

/** Where there is no room for it, it is turned: a line for each of its columns, and as many rows beside one another as fit, one at least. */
function fittingTable(rows: readonly (readonly string[])[], columns: number): string[] {
  const isFitting = (lines: readonly string[]) => lines.every(({ length }) => length <= columns)
  const whole = table(rows)
  if (isFitting(whole)) return whole
  const [head, ...others] = rows
  const lines: string[] = []
  for (let start = 0; start < others.length; ) {
    let count = others.length - start
    while (count > 1 && !isFitting(turnedTable([head, ...others.slice(start, start + count)]))) count--
    if (start > 0) lines.push('')
    lines.push(...turnedTable([head, ...others.slice(start, start + count)]))
    start += count
  }
  return lines
}

function turnedTable(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.map(widestOf)
  return rows[0].map((_, line) => {
    return rows
      .map((cells, column) => cells[line].padEnd(widths[column]))
      .join('  ')
      .trimEnd()
  })
}

function widestOf(cells: readonly string[]): number {
  return Math.max(...cells.map(({ length }) => length))
}

/** Columns as wide as their widest cell. */
function table(rows: readonly (readonly string[])[]): string[] {
  const [head] = rows
  const widths = head.map((_, column) => widestOf(rows.map((row) => row[column])))
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      return TEXT_COLUMNS.includes(head[column]) ? cell.padEnd(widths[column]) : cell.padStart(widths[column])
    })
    return cells.join('  ').trimEnd()
  })
}

function milliseconds(value: number | null | undefined): string {
  if (value === null || value === undefined) return NOTHING
  return `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`
}

function percent(value: number | undefined): string {
  if (value === undefined) return NOTHING
  return value > 0 && value < 0.1 ? '<0.1 %' : `${value.toFixed(1)} %`
}

function megabits(bitsPerSecond: number): string {
  return (bitsPerSecond / 1e6).toFixed(2)
}
