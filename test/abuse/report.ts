// Outcomes as people read them: a row of the table for each, valid Markdown that is aligned on a terminal.
import { formatCount, type Table } from '../../bench/table.js'
import type { Outcome } from './attack.js'

const MEBIBYTE = 1024 * 1024

export const OUTCOME_HEAD: readonly string[] = [
  'attack',
  'engine',
  'offered',
  'a second, asked',
  'lost',
  'p50 ms',
  'p99 ms',
  'newcomers',
  'worst ms',
  'RSS MiB before/peak/after',
  'replies',
  'out ÷ in',
  'result',
]

export function outcomeTable(outcomes: readonly Outcome[]): Table {
  return { head: OUTCOME_HEAD, rows: outcomes.map(outcomeRow) }
}

export function outcomeRow(outcome: Outcome): string[] {
  const { attack, engine, flow, memory, newcomers, report } = outcome
  if (outcome.skipped !== null) return [attack, engine, ...Array(10).fill('–'), 'skipped']
  const perSecond = report.milliseconds > 0 ? (report.sent * 1000) / report.milliseconds : 0
  return [
    attack,
    engine,
    `${formatCount(report.sent)} ${report.unit ?? 'packets'}`,
    rateText(perSecond, report.askedPerSecond),
    flow.sent === 0 ? '–' : `${((100 * flow.lost) / flow.sent).toFixed(2)} %`,
    flow.p50.toFixed(1),
    flow.p99.toFixed(1),
    `${newcomers.served} of ${newcomers.count}`,
    formatCount(newcomers.worstMilliseconds),
    [memory.before, memory.peak, memory.after].map((bytes) => (bytes / MEBIBYTE).toFixed(0)).join('/'),
    formatCount(report.replies),
    report.sentBytes === 0 ? '–' : (report.replyBytes / report.sentBytes).toFixed(2),
    outcome.failures.length === 0 ? 'pass' : `FAIL (${outcome.failures.length})`,
  ]
}

function rateText(perSecond: number, asked: number | undefined): string {
  if (asked === undefined) return formatCount(perSecond)
  return `${formatCount(perSecond)}, ${asked === Number.POSITIVE_INFINITY ? 'all' : formatCount(asked)}`
}

/** What a campaign has come to. An attack that was not made has not been withstood. */
export function summaryOf(outcomes: readonly Outcome[]): string {
  const skipped = outcomes.flatMap(({ skipped }) => (skipped === null ? [] : [skipped]))
  const made = outcomes.filter(({ skipped }) => skipped === null)
  const failed = made.filter(({ failures }) => failures.length > 0).length
  const reasons = skipped.length === 0 ? '' : ` (${[...new Set(skipped)].join('; ')})`
  return `${made.length - failed} passed, ${failed} failed, ${skipped.length} skipped${reasons}`
}

/** Why a campaign must not be taken for a success, beside broken rules. @param isCI then whatever is lacking was to be there */
export function skipFailures(outcomes: readonly Outcome[], isCI: boolean): string[] {
  const skipped = outcomes.filter((outcome) => outcome.skipped !== null)
  if (isCI) {
    const lines = skipped.map(
      ({ attack, engine, skipped }) => `${attack}, ${engine}: with CI=true nothing is skipped: ${skipped}`,
    )
    if (lines.length > 0) return lines
  }
  return skipped.length === outcomes.length ? ['no attack was made'] : []
}

/** One line, for progress and for comments of tests. */
export function outcomeLine(outcome: Outcome): string {
  const { flow, memory, newcomers, report } = outcome
  if (outcome.skipped !== null) return `${outcome.attack}, ${outcome.engine}: skipped, ${outcome.skipped}`
  const [, , offered, perSecond] = outcomeRow(outcome)
  const [peak, after] = [memory.peak, memory.after].map((bytes) => ((bytes - memory.before) / MEBIBYTE).toFixed(1))
  const overflow = outcome.overflowCount > 0 ? [`${outcome.overflowCount} found the socket buffers full`] : []
  return [
    `${outcome.attack}, ${outcome.engine}: ${offered}, ${perSecond} a second${report.askedPerSecond === undefined ? '' : ' asked'}`,
    `${flow.lost} of ${flow.sent} lost, p99 ${flow.p99.toFixed(1)} ms`,
    `${newcomers.served} of ${newcomers.count} newcomers, ${Math.round(newcomers.worstMilliseconds)} ms at most`,
    `memory ${peak} MiB more, then ${after} MiB`,
    `${report.replies} replies`,
    ...overflow,
    ...(report.notes ?? []),
    outcome.failures.length === 0 ? 'pass' : `FAIL: ${outcome.failures.join('; ')}`,
  ].join('; ')
}
