// The options of `npm run lab` as its run takes them; scripts/lab-options.mjs reads them, which needs no build.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { projectRoot } from '../support/project-root.js'
import { WAYS, type Way } from './calls.js'

export interface LabOptions {
  readonly ways: readonly Way[]
  /** Leave it up until Ctrl-C. */
  readonly isKept: boolean
  /** Where the ladders are drawn once more; null: nowhere. */
  readonly svgFile: string | null
}

interface OptionsScript {
  readonly CALL_NAMES: readonly string[]
  readLabOptions(argv: readonly string[]): Omit<LabOptions, 'ways'> & { readonly callNames: readonly string[] }
}

const script: OptionsScript = await import(pathToFileURL(join(projectRoot, 'scripts/lab-options.mjs')).href)
const names = WAYS.map(({ name }) => name)
if (names.join() !== script.CALL_NAMES.join())
  throw new Error(`scripts/lab-options.mjs has the calls ${script.CALL_NAMES}, test/lab/calls.ts ${names}`)

/** --help, and arguments that are wrong, end the process. */
export function readLabOptions(argv: readonly string[]): LabOptions {
  const { callNames, ...others } = script.readLabOptions(argv)
  return { ...others, ways: WAYS.filter(({ name }) => callNames.includes(name)) }
}
