// What an idle allocation costs in memory: resident bytes of a fresh server before and after 5,000 of them, each with a permission and a
// channel.
import type { BenchContext } from '../context.js'
import { waitForQuiet } from '../quiet.js'
import type { Report } from '../report.js'
import type { ServerName } from '../servers/commands.js'
import { median } from '../statistics.js'
import { formatCount } from '../table.js'
import { runSetUp, type SetUpSlice } from './allocations.js'

const ALLOCATION_COUNT = 5000
const SETTLE_SECONDS = 0.7
const FRESH_SERVER_COUNT = 3
const TARGET_KIB = 10

interface Sample {
  readonly server: ServerName
  readonly beforeMiB: number
  readonly afterMiB: number
  readonly kibPerAllocation: number
}

export async function runMemory(context: BenchContext): Promise<Report> {
  const samples: Sample[] = []
  for (let fresh = 0; fresh < FRESH_SERVER_COUNT; fresh++) {
    for (const command of context.commands()) {
      await waitForQuiet(context)
      const slice = await context.withServers([command], ([server]) => {
        return runSetUp(context, server, ALLOCATION_COUNT, SETTLE_SECONDS)
      })
      const sample = sampleOf(command.name, slice)
      context.progress(`memory: ${command.name} ${sample.kibPerAllocation.toFixed(1)} KiB per allocation`)
      samples.push(sample)
    }
  }
  const each = (name: ServerName, value: (sample: Sample) => number) => {
    return median(samples.filter(({ server }) => server === name).map(value))
  }
  const kib = (name: ServerName) => each(name, (sample) => sample.kibPerAllocation)
  const own = kib('turnd')
  return {
    sections: [
      {
        text: `Resident memory of a fresh process, median of ${FRESH_SERVER_COUNT}:`,
        table: {
          head: [
            'server',
            'before, MiB',
            `with ${formatCount(ALLOCATION_COUNT)} allocations, MiB`,
            'KiB per allocation',
          ],
          rows: context
            .commands()
            .map(({ name }) => [
              name,
              each(name, (sample) => sample.beforeMiB).toFixed(1),
              each(name, (sample) => sample.afterMiB).toFixed(1),
              kib(name).toFixed(1),
            ]),
        },
      },
    ],
    data: samples,
    ratios:
      context.coturn === null ? [] : [{ name: 'memory per idle allocation', ...ratioSpread(samples), target: null }],
    targets: [
      {
        what: 'memory per idle allocation',
        target: `≤ ${TARGET_KIB} KiB`,
        measured: `${own.toFixed(1)} KiB${context.coturn === null ? '' : `, coturn ${kib('coturn').toFixed(1)} KiB`}`,
        isMet: own <= TARGET_KIB,
      },
    ],
  }
}

function sampleOf(server: ServerName, slice: SetUpSlice): Sample {
  const { residentBytesBefore, residentBytesAfter, allocationCount } = slice
  return {
    server,
    beforeMiB: residentBytesBefore / 2 ** 20,
    afterMiB: residentBytesAfter / 2 ** 20,
    kibPerAllocation: (residentBytesAfter - residentBytesBefore) / 1024 / allocationCount,
  }
}

/** coturn's memory as a multiple of turnd's. */
function ratioSpread(samples: readonly Sample[]) {
  const of = (name: ServerName) =>
    samples.filter(({ server }) => server === name).map((sample) => sample.kibPerAllocation)
  const [turnd, coturn] = [of('turnd'), of('coturn')]
  return {
    low: Math.min(...coturn) / Math.max(...turnd),
    median: median(coturn) / median(turnd),
    high: Math.max(...coturn) / Math.min(...turnd),
    isDisturbed: false,
  }
}
