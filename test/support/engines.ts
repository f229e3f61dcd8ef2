// The relay engines that the tests of real sockets run on: each such test is written once and registered for both.
// The native engine is an option of the machine: it needs Linux and koffi, and the server works without either.
import { existsSync } from 'node:fs'
import { endianness } from 'node:os'
import { join } from 'node:path'
import { unsupportedReason } from '../../src/net/choose-engine.js'
import { loadKoffi } from '../../src/net/native/koffi.js'
import { openLibc } from '../../src/net/native/libc.js'
import { projectRoot } from './project-root.js'

export type EngineName = 'dgram' | 'native'

export interface EngineUnderTest {
  readonly name: EngineName
  readonly workerCount: number
  /** What asks a server for it, as library options and on the command line. */
  readonly options: { readonly engine: EngineName; readonly workers?: number }
  readonly args: readonly string[]
  /** For tap: false, or why this machine cannot run it. */
  readonly skip: string | false
}

/** Two workers, so that clients of one test meet across workers. */
const NATIVE_WORKER_COUNT = 2

export const DGRAM: EngineUnderTest = {
  name: 'dgram',
  workerCount: 1,
  options: { engine: 'dgram' },
  args: ['--engine', 'dgram'],
  skip: false,
}

export const NATIVE: EngineUnderTest = {
  name: 'native',
  workerCount: NATIVE_WORKER_COUNT,
  options: { engine: 'native', workers: NATIVE_WORKER_COUNT },
  args: ['--engine', 'native', '--workers', String(NATIVE_WORKER_COUNT)],
  skip: withoutKoffi(),
}

export const ENGINES: readonly EngineUnderTest[] = [DGRAM, NATIVE]
/** What --engine auto takes on this machine; it gets the longest tests. */
export const MAIN_ENGINE = NATIVE.skip === false ? NATIVE : DGRAM

/** For tap: false, or why there is no DTLS on either engine. It is OpenSSL's, which is called through koffi. */
export const withoutDtls = withoutKoffi()

/**
 * Why nothing here can call the C library through koffi, or false. A koffi that was left out is a way to run turnd; one that is
 * installed and does not work is a broken machine: with CI=true that throws.
 */
export function withoutKoffi(): string | false {
  const unsupported = unsupportedReason(process.platform, process.arch, endianness())
  if (unsupported !== null) return `no native engine: ${unsupported}`
  try {
    openLibc(loadKoffi())
    return false
  } catch (error) {
    if (!existsSync(join(projectRoot, 'node_modules', 'koffi'))) return 'koffi is not installed (npm install koffi)'
    const reason = `koffi is installed, but does not work: ${(error as Error).message}`
    if (process.env.CI === 'true') throw new Error(reason)
    return reason
  }
}

/** Where both share all but the sockets: the one that most machines run on, where time is short. */
export const ENGINES_IN_TIME: readonly EngineUnderTest[] = process.env.TURND_TEST_LONG === '1' ? ENGINES : [MAIN_ENGINE]

const NATIVE_ALONE: EngineUnderTest = {
  ...NATIVE,
  workerCount: 1,
  options: { engine: 'native', workers: 1 },
  args: ['--engine', 'native', '--workers', '1'],
}

/** The same where nothing is to cross from one worker to another: each costs a quarter of a second of a processor at every start. */
export const ENGINES_ALONE_IN_TIME: readonly EngineUnderTest[] =
  process.env.TURND_TEST_LONG === '1' ? ENGINES : [MAIN_ENGINE === NATIVE ? NATIVE_ALONE : MAIN_ENGINE]
