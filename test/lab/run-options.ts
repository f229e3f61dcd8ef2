// The options of `npm run lab`, and its --help.
import { parseArgs } from 'node:util'
import { WAYS, type Way } from './calls.js'

export interface LabOptions {
  readonly ways: readonly Way[]
  /** Leave it up until Ctrl-C. */
  readonly isKept: boolean
  /** Where the ladders are drawn once more; null: nowhere. */
  readonly svgFile: string | null
}

const names = WAYS.map(({ name }) => name)

const USAGE = `Usage: npm run lab -- [options]

Brings up the double-domain deployment in network namespaces, makes its calls with Chromium, draws what
happened on the wires, and takes everything down. Needs root. docs/lab.md tells what it shows.

  --call NAME     ${names.join(', ')}: this call only; again for more. Default: all of them
  --svg FILE      draw the ladders into this file as well
  --keep          leave it up until Ctrl-C, and print how to get into it
  --help          this text

Exit code: 0 all calls were as they should be; 1 one was not, or the lab failed; 2 bad arguments.`

/** null for --help, which is printed. Throws an Error with a sentence. */
export function readLabOptions(argv: readonly string[]): LabOptions | null {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      call: { type: 'string', multiple: true },
      svg: { type: 'string' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    console.log(USAGE)
    return null
  }
  const { call: asked = names } = values
  const unknown = asked.find((name) => !names.some((known) => known === name))
  if (unknown !== undefined) throw new Error(`--call ${unknown}: give one of ${names.join(', ')}`)
  return { ways: WAYS.filter(({ name }) => asked.includes(name)), isKept: values.keep, svgFile: values.svg ?? null }
}
