// What became of a file of another server, option by option: taken over, the same here anyway, ignored and why, or something that the operator
// has to do. Made by the readers of such files; shown by the log at the start and by `turnd convert`.
import { printablePath } from './printable.js'

/**
 * - `applied`: an option of ours has it
 * - `same`: we do so by default, or it asks for nothing
 * - `ignored`: it has no counterpart, and nobody need do anything
 * - `needed`: it is not taken over, and the operator has to do something
 * - `unknown`: no option of that server
 */
export type ImportVerdict = 'applied' | 'same' | 'ignored' | 'needed' | 'unknown'

export interface ImportNote {
  readonly verdict: ImportVerdict
  /** The option of the other server, without its value. */
  readonly option: string
  /** Of the file, counted from 1; ascending. Empty for what the file does not say. */
  readonly lines: readonly number[]
  /** Our options for `applied`; a reason, or what to do, for the others. */
  readonly text: string
}

export interface ImportReport {
  readonly path: string
  /** A line of the file is in one of them. */
  readonly notes: readonly ImportNote[]
  /** Where this server differs from what the file leaves unsaid: a sentence each. */
  readonly remarks: readonly string[]
  /** Values of --listen that the other server has by default alone: left out where they are impossible. */
  readonly optionalListeners: readonly string[]
}

/** How many lines have this verdict. */
export function lineCountOf({ notes }: ImportReport, verdict: ImportVerdict): number {
  return notes.filter((note) => note.verdict === verdict).reduce((sum, { lines }) => sum + lines.length, 0)
}

/** `read 37 options of turnserver.conf: 21 applied, 3 by default here already, 13 ignored; 2 things need you`. */
export function importSummary(report: ImportReport): string {
  const count = (verdict: ImportVerdict) => lineCountOf(report, verdict)
  const unknown = count('unknown')
  const ignored = count('ignored') + count('needed')
  const needed = count('needed') + report.notes.filter(({ lines }) => lines.length === 0).length
  const total = report.notes.reduce((sum, { lines }) => sum + lines.length, 0)
  const parts = [`${count('applied')} applied`, `${count('same')} by default here already`, `${ignored} ignored`]
  if (unknown > 0) parts.push(`${unknown} unknown`)
  const rest = needed === 0 ? '' : `; ${needed} ${needed === 1 ? 'thing needs' : 'things need'} you`
  const options = total === 1 ? '1 option' : `${total} options`
  return `read ${options} of ${printablePath(report.path)}: ${parts.join(', ')}${rest}`
}

/** `line 3`, `lines 3, 4`, `lines 3, 4, 5 and 12 more`; '' for none. */
export function linesText(lines: readonly number[]): string {
  if (lines.length === 0) return ''
  const shown = lines.slice(0, LINE_COUNT_SHOWN).join(', ')
  const rest = lines.length > LINE_COUNT_SHOWN ? ` and ${lines.length - LINE_COUNT_SHOWN} more` : ''
  return `${lines.length === 1 ? 'line' : 'lines'} ${shown}${rest}`
}

const LINE_COUNT_SHOWN = 4
