// One slice of a comparison: a fresh load generator against one running server, and what it found.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Load, SliceOptions, SliceResult } from './generator.js'
import { type ServerProcess, USER } from './server-process.js'

export interface Cores {
  readonly server: number
  readonly generator: number
}

export interface Slice extends SliceResult {
  readonly server: string
  readonly packetsPerSecond: number
  readonly packetsPerCpuSecond: number
  /** Busy time of the server's core that was not the server's, as a share of the slice: a disturbed machine. */
  readonly disturbance: number
}

const WARM_UP_SECONDS = 0.7
const GENERATOR = fileURLToPath(new URL('./generator.js', import.meta.url))

export async function runSlice(server: ServerProcess, load: Load, seconds: number, cores: Cores): Promise<Slice> {
  const options: SliceOptions = {
    ...load,
    serverPort: server.port,
    serverPid: server.pid,
    serverCore: cores.server,
    user: USER,
    warmUpSeconds: WARM_UP_SECONDS,
    seconds,
  }
  const result = await runGenerator(options, cores.generator)
  return {
    server: server.name,
    ...result,
    packetsPerSecond: result.delivered / result.seconds,
    packetsPerCpuSecond: result.delivered / result.serverCpuSeconds,
    disturbance: Math.max(0, (result.coreBusySeconds - result.serverCpuSeconds) / result.seconds),
  }
}

function runGenerator(options: SliceOptions, core: number): Promise<SliceResult> {
  const args = ['-c', String(core), process.execPath, GENERATOR, JSON.stringify(options)]
  return new Promise((resolve, reject) => {
    const child = spawn('taskset', args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(text) as SliceResult)
      else reject(new Error(`the load generator ended with exit code ${code}`))
    })
  })
}
