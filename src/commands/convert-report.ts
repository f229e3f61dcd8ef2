// The table of `turnd convert`: what became of each option of the other server's file, in words.
import {
  type ImportNote,
  type ImportReport,
  type ImportVerdict,
  importSummary,
  linesText,
} from '../config/import-report.js'

/** What needs the operator comes first; within one verdict, the order of the file. */
const VERDICTS: readonly (readonly [ImportVerdict, string])[] = [
  ['needed', 'needs you'],
  ['unknown', 'unknown'],
  ['ignored', 'ignored'],
  ['same', 'default here already'],
  ['applied', 'applied'],
]

/** Ends with a line break. */
export function convertReport(report: ImportReport, warnings: readonly string[]): string {
  const lines = [importSummary(report), '']
  const rows = VERDICTS.flatMap(([verdict, title]) => rowsOf(report.notes, verdict, title))
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column].length), 0))
  for (const row of rows)
    lines.push(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
  const notes = [...report.remarks, ...warnings]
  if (notes.length > 0) lines.push('', ...notes.map((text) => `note: ${text}`))
  return `${lines.join('\n')}\n`
}

function rowsOf(notes: readonly ImportNote[], verdict: ImportVerdict, title: string): string[][] {
  return notes
    .filter((note) => note.verdict === verdict)
    .map(({ lines, option, text }) => [title, option, linesText(lines), text])
}
