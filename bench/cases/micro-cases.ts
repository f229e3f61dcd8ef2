// The benches inside one process: the core without sockets, and the codec.

import type { BenchContext } from '../context.js'
import { microTable, runMicroBench } from '../micro.js'
import { waitForQuiet } from '../quiet.js'
import type { Report, TargetRow } from '../report.js'
import { formatCount } from '../table.js'

const CORE_PER_SECOND_MIN = 5_000_000
const HEAP_BYTES_MAX = 1

export async function runCodec(context: BenchContext): Promise<Report> {
  return run(context, 'codec')
}

export async function runCore(context: BenchContext): Promise<Report> {
  return run(context, 'core')
}

async function run(context: BenchContext, name: 'codec' | 'core'): Promise<Report> {
  const { seconds } = context.options
  await waitForQuiet(context)
  context.progress(`${name}: each operation for ${seconds} s`)
  const measurements = await runMicroBench(name, seconds)
  const promised =
    name === 'core' ? measurements.filter((measurement) => measurement.name.startsWith('ChannelData')) : []
  return {
    sections: [{ text: '', table: microTable(measurements) }],
    data: measurements,
    ratios: [],
    targets: promised.map(
      (measurement): TargetRow => ({
        what: `core alone: ${measurement.name}`,
        target: '≥ 5 million/s, < 1 byte of heap per packet',
        measured: `${formatCount(measurement.operationsPerSecond)}/s, ${measurement.heapBytesPerOperation.toFixed(2)} bytes`,
        isMet:
          measurement.operationsPerSecond >= CORE_PER_SECOND_MIN && measurement.heapBytesPerOperation < HEAP_BYTES_MAX,
      }),
    ),
  }
}
