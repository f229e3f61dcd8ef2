// What the benches inside one process (codec, core) share: their child process, its arguments and its report.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Measurement } from './measure.js'
import { formatCount, type Table } from './table.js'

/** A G.711 packet of 20 ms with RTP's header: the usual voice packet. */
export const PAYLOAD_LENGTH = 172

// Large enough for the garbage of a measured chunk, so that collections do not hide allocations.
const NODE_OPTIONS = ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64']

/** In the child: how long each operation may run. */
export function secondsOfChild(): number {
  return Number(process.argv[2])
}

/** In the child: the results, for runMicroBench. */
export function reportFromChild(measurements: readonly Measurement[]): void {
  process.stdout.write(JSON.stringify(measurements))
}

/** Runs build/bench/NAME.js in a process of its own and returns what it measured. */
export function runMicroBench(name: string, seconds: number): Promise<Measurement[]> {
  const script = fileURLToPath(new URL(`./${name}.js`, import.meta.url))
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...NODE_OPTIONS, script, String(seconds)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(text) as Measurement[])
      else reject(new Error(`bench ${name} ended with exit code ${code}`))
    })
  })
}

export function microTable(measurements: readonly Measurement[]): Table {
  return {
    head: ['operation', 'per second', 'ns each', 'heap bytes each', 'retained bytes each'],
    rows: measurements.map((measurement) => [
      measurement.name,
      formatCount(measurement.operationsPerSecond),
      (1e9 / measurement.operationsPerSecond).toFixed(0),
      measurement.heapBytesPerOperation.toFixed(2),
      measurement.retainedBytesPerOperation.toFixed(3),
    ]),
  }
}
