// The report of `turnd doctor` as text: faults first, then warnings, then what was not checked and what is well in a line each; at the end the
// diagnosis in one sentence.
import { wrap } from '../config/help.js'
import { escapeControls } from '../log/escape.js'
import type { Finding, Verdict } from './check.js'
import { diagnosisOf, sentenceStart } from './diagnosis.js'

const HEADINGS: Readonly<Record<Verdict, string>> = {
  fault: 'FAULT',
  warning: 'warning',
  'not-checked': 'not checked',
  ok: 'ok',
}
const COLUMNS_MIN = 40
const COLUMNS_MAX = 110
const IDS_SHOWN_MAX = 8
const INDENT = '    '

export interface ReportOptions {
  /** What is well, each in a sentence. */
  readonly isVerbose: boolean
  /** Of the terminal. */
  readonly columns: number
}

/** Ends with a line break. */
export function reportText(findings: readonly Finding[], { columns, isVerbose }: ReportOptions): string {
  const width = Math.min(Math.max(columns || 80, COLUMNS_MIN), COLUMNS_MAX)
  const of = (verdict: Verdict) => findings.filter((finding) => finding.verdict === verdict)
  const lines: string[] = []
  for (const finding of [...of('fault'), ...of('warning')]) lines.push(...entry(finding, width), '')
  if (isVerbose) {
    for (const finding of [...of('not-checked'), ...of('ok')]) lines.push(...entry(finding, width))
    if (of('not-checked').length + of('ok').length > 0) lines.push('')
  } else lines.push(...summary('Not checked', notCheckedText(of('not-checked')), width), ...wellLine(of('ok'), width))
  lines.push(...wrap(diagnosisOf(findings), width))
  return `${lines.map(escapeControls).join('\n')}\n`
}

function entry({ id, remedy, subject, text, verdict }: Finding, width: number): string[] {
  const head = `${HEADINGS[verdict]}  ${id}, ${subject}`
  const body = [text, ...(remedy === '' ? [] : [`→ ${remedy}`])].flatMap((part) =>
    wrap(sentence(part, subject), width - INDENT.length),
  )
  return [head, ...body.map((line) => `${INDENT}${line}`)]
}

/** Checks that one cause keeps from being made are named together. */
function notCheckedText(findings: readonly Finding[]): string {
  const byReason = new Map<string, string[]>()
  for (const { id, text } of findings) byReason.set(text, [...(byReason.get(text) ?? []), id])
  return [...byReason].map(([reason, ids]) => `${someOf([...new Set(ids)])} (${reason})`).join('; ')
}

/** Where one cause keeps everything from being looked at, the first few say it. */
function someOf(ids: readonly string[]): string {
  if (ids.length <= IDS_SHOWN_MAX) return ids.join(', ')
  return `${ids.slice(0, IDS_SHOWN_MAX - 1).join(', ')} and ${ids.length - IDS_SHOWN_MAX + 1} more`
}

function wellLine(findings: readonly Finding[], width: number): string[] {
  const ids = [...new Set(findings.map(({ id }) => id))].join(', ')
  return summary('Well', ids === '' ? '' : `${ids} (--verbose says more)`, width)
}

function summary(heading: string, text: string, width: number): string[] {
  return text === '' ? [] : [...wrap(`${heading}: ${text}.`, width), '']
}

function sentence(text: string, subject: string): string {
  const capital = sentenceStart(text, subject)
  return /[.!?]$/.test(capital) ? capital : `${capital}.`
}
