// The way of a worker's reports: whoever reads of an allocation finds it counted.
import type { ReportSink } from '../reports.js'

/** @param countAllocations called before each report leaves */
export function countingSink(sink: ReportSink, countAllocations: () => void): ReportSink {
  return {
    report: (report) => {
      countAllocations()
      sink.report(report)
    },
    admitsRefusal: (reason, client, timeMs) => sink.admitsRefusal(reason, client, timeMs),
    admitsConnectionRefusal: (client, timeMs) => sink.admitsConnectionRefusal(client, timeMs),
  }
}
