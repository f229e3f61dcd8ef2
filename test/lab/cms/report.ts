// What the stand-in tells: one JSON object a line on standard output. Its tests read events, people grep for the texts of `log`.

export type ReportFields = Readonly<Record<string, unknown>>

export type Report = (event: string, fields?: ReportFields) => void

/** @param write takes one line */
export function createReport(write: (line: string) => void): Report {
  return (event, fields = {}) => write(`${JSON.stringify({ time: new Date().toISOString(), event, ...fields })}\n`)
}
