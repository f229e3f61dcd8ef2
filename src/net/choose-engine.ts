// Which relay engine this machine can run, found once at start: native where koffi loads and the self-test passes over
// loopback, step by step down to dgram. The self-test (native/self-test.ts) pokes at the C library with raw addresses, so it
// runs in a child process: whatever happens to it, the server starts.

import { execFile } from 'node:child_process'
import { endianness } from 'node:os'
import { TurndError } from '../config/errors.js'
import { programFile } from '../config/program-files.js'
import { SELF_TEST_MILLISECONDS_MAX, SELF_TEST_OUTPUT_BYTES_MAX } from '../limits/engines.js'

/** What the kernel does for the native engine. Without either it still batches calls. */
export interface Offloads {
  /** UDP_GRO: a burst of one flow arrives as one datagram. */
  readonly gro: boolean
  /** UDP_SEGMENT: a burst to one destination leaves as one datagram. */
  readonly gso: boolean
}

/** `reason` is a sentence for the log that says what was not possible; empty when all is well, or nothing better was wanted. */
export type EngineChoice =
  | { readonly engine: 'native'; readonly offloads: Offloads; readonly reason: string }
  | { readonly engine: 'dgram'; readonly reason: string }

/** What the self-test found. `problem` says why there is no native engine, or what an offload lacks; empty if nothing. */
export interface SelfTestResult {
  readonly ok: boolean
  readonly gro: boolean
  readonly gso: boolean
  readonly problem: string
}

const SELF_TEST = "the native engine's self-test"
const SELF_TEST_PATH = programFile('net/native/self-test.js')
const LATE = `${SELF_TEST} did not end within ${SELF_TEST_MILLISECONDS_MAX / 1000} seconds`
/** All that the child gets: what Node needs to start and to find koffi, and the switch that makes a step fail in tests. */
const SELF_TEST_VARIABLES = ['LD_LIBRARY_PATH', 'NODE_PATH', 'TURND_SELF_TEST_FAIL']
/** Set in the child. Where process.execPath is not Node but an application with Node inside, the child is that application. */
const SELF_TEST_MARK = 'TURND_SELF_TEST'

/** Throws a TurndError with TURND_ERR_ENGINE when `native` is demanded and impossible. */
export async function chooseEngine(
  wanted: 'auto' | 'native' | 'dgram',
  environment: NodeJS.ProcessEnv = process.env,
): Promise<EngineChoice> {
  if (wanted === 'dgram') return { engine: 'dgram', reason: '' }
  const unsupported = unsupportedReason(process.platform, process.arch, endianness())
  const result = unsupported === null ? await selfTestOnce(environment) : failed(unsupported)
  if (result.ok) return { engine: 'native', offloads: { gro: result.gro, gso: result.gso }, reason: result.problem }
  if (wanted === 'auto') return { engine: 'dgram', reason: result.problem }
  throw new TurndError(
    'TURND_ERR_ENGINE',
    `--engine native is not possible on this machine: ${result.problem}; mend that, or choose --engine auto or dgram`,
  )
}

/** Why the native engine does not exist for such a machine, or null. */
export function unsupportedReason(platform: string, architecture: string, byteOrder: 'LE' | 'BE'): string | null {
  if (platform !== 'linux') return `the native engine needs Linux, and this is ${platform}`
  if ((architecture !== 'x64' && architecture !== 'arm64') || byteOrder !== 'LE') {
    return `the native engine needs an x86-64 or little-endian arm64 processor, and this is ${architecture} (${byteOrder})`
  }
  return null
}

/** Self-tests that have passed, or go on, by the environment that the child gets: for programs that start several servers. */
const selfTests = new Map<string, Promise<SelfTestResult>>()

/** The self-test's result. One that failed is found anew each time: what was missing may be there later. */
async function selfTestOnce(environment: NodeJS.ProcessEnv): Promise<SelfTestResult> {
  if (environment[SELF_TEST_MARK] !== undefined) {
    return failed(`the self-test cannot be started by ${process.execPath}, which is not Node`)
  }
  const env: NodeJS.ProcessEnv = { [SELF_TEST_MARK]: '1' }
  for (const name of SELF_TEST_VARIABLES) {
    if (environment[name] !== undefined) env[name] = environment[name]
  }
  const key = JSON.stringify(env)
  const test = selfTests.get(key) ?? runSelfTest(env)
  selfTests.set(key, test)
  const result = await test
  if (result.problem !== '') selfTests.delete(key)
  return result
}

/** Runs the self-test in a child process. Never rejects: whatever goes wrong there is a result. */
function runSelfTest(env: NodeJS.ProcessEnv): Promise<SelfTestResult> {
  return new Promise((resolve) => {
    const options = {
      env,
      timeout: SELF_TEST_MILLISECONDS_MAX,
      // A child that hangs in the kernel's hands does not run handlers of milder signals.
      killSignal: 'SIGKILL',
      maxBuffer: SELF_TEST_OUTPUT_BYTES_MAX,
    } as const
    const startedAt = performance.now()
    try {
      const child = execFile(process.execPath, [SELF_TEST_PATH], options, (error, stdout) => {
        // At the deadline Node drops what an ended child has printed and was not read yet, and reports no error.
        const isDropped = error === null && stdout === '' && performance.now() - startedAt >= SELF_TEST_MILLISECONDS_MAX
        if (isDropped) resolve(failed(LATE))
        else resolve(error === null ? parseResult(stdout) : failed(endOf(error)))
      })
      child.stdin?.on('error', () => {}).end()
    } catch (error) {
      resolve(failed(`${SELF_TEST} could not be started: ${(error as Error).message}`))
    }
  })
}

function failed(problem: string): SelfTestResult {
  return { ok: false, gro: false, gso: false, problem }
}

/** How a child ended that did not end well. */
function endOf(error: Error & { code?: number | string | null; killed?: boolean; signal?: string | null }): string {
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return `${SELF_TEST} printed without end`
  if (error.killed) return LATE
  if (error.signal) return `${SELF_TEST} crashed with ${error.signal}`
  if (typeof error.code === 'number') return `${SELF_TEST} ended with code ${error.code}`
  return `${SELF_TEST} could not be started: ${error.message}`
}

/** One line of JSON; anything else means that something wrote over the child's memory, or that another program answered. */
export function parseResult(output: string): SelfTestResult {
  try {
    const { ok, gro, gso, problem } = JSON.parse(output) as Record<string, unknown>
    if (
      typeof ok === 'boolean' &&
      typeof gro === 'boolean' &&
      typeof gso === 'boolean' &&
      typeof problem === 'string'
    ) {
      return { ok, gro, gso, problem }
    }
  } catch {
    // Said below.
  }
  return failed(`${SELF_TEST} printed something else than its result`)
}
