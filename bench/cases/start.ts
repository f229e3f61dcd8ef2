// How long a server takes from spawn to its first answer to a Binding request, on one core.
import type { BenchContext } from '../context.js'
import { waitForQuiet } from '../quiet.js'
import type { Report } from '../report.js'
import type { ServerName } from '../servers/commands.js'
import { spreadOf } from '../statistics.js'

const START_COUNT = 8
const TARGET_MS = 400

export async function runStart(context: BenchContext): Promise<Report> {
  const times = new Map<ServerName, number[]>()
  for (let start = 0; start < START_COUNT; start++) {
    for (const command of context.commands()) {
      await waitForQuiet(context)
      const server = await context.startServer(command)
      await server.stop()
      // The first one brings the files into memory.
      if (start > 0) times.set(command.name, [...(times.get(command.name) ?? []), server.startMilliseconds])
    }
  }
  const spreads = [...times].map(([name, values]) => ({ name, ...spreadOf(values) }))
  for (const { name, median } of spreads) context.progress(`start: ${name} ${median.toFixed(0)} ms`)
  const own = spreadOf(times.get('turnd') ?? [])
  return {
    sections: [
      {
        text: `Milliseconds from spawn to the first answer, of ${START_COUNT - 1} starts:`,
        table: {
          head: ['server', 'median', 'fastest', 'slowest'],
          rows: spreads.map(({ name, low, median, high }) => [name, ...[median, low, high].map((ms) => ms.toFixed(0))]),
        },
      },
    ],
    data: Object.fromEntries(times),
    ratios: [],
    targets: [
      {
        what: 'start to first answer',
        target: `< ${TARGET_MS} ms`,
        measured: `${own.median.toFixed(0)} ms (${own.low.toFixed(0)}–${own.high.toFixed(0)})`,
        isMet: own.median < TARGET_MS,
      },
    ],
  }
}
