// What the log says of a file of another server that options were taken from: a line for each option that is not taken over, one for each
// difference that the file leaves unsaid, and one for the whole. What needs the operator is a warning.
import { type ImportNote, type ImportReport, importSummary, linesText } from '../config/import-report.js'
import type { Logger } from '../log/logger.js'

/** @param before what has been said already, before a reload: it is not said again */
export function logImport(logger: Logger, report: ImportReport | undefined, before?: ImportReport): void {
  if (report === undefined || JSON.stringify(report) === JSON.stringify(before)) return
  for (const note of report.notes) logNote(logger, report, note)
  for (const why of report.remarks) logger.info({ event: 'import', file: report.path, why }, why)
  logger.info({ event: 'import', file: report.path }, importSummary(report))
}

function logNote(logger: Logger, { path }: ImportReport, { lines, option, text, verdict }: ImportNote): void {
  // Taken over: the whole is counted.
  if (verdict === 'applied' || verdict === 'same') return
  const fields = { event: 'import', file: path, lines, option, what: verdict, why: text }
  const place = lines.length === 0 ? path : `${path} ${linesText(lines)}`
  const said = `${place}: ${option}: ${text}`
  if (verdict === 'ignored') logger.info(fields, said)
  else logger.warn(fields, said)
}
