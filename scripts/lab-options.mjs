// The options of `npm run lab`, and its --help: plain JavaScript, for they are read before anything is installed or built.
import { accessSync, closeSync, constants, existsSync, openSync, realpathSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'

/** Of the calls in test/lab/calls.ts, which is not built yet; test/lab/run-options.ts sees to it that they are the same. */
export const CALL_NAMES = ['udp', 'tcp', 'tls']

const USAGE = `Usage: npm run lab -- [options]

Brings up the double-domain deployment in network namespaces, makes its calls with Chromium, draws what
happened on the wires, and takes everything down. Needs root. docs/lab.md tells what it shows.

  --call NAME     ${CALL_NAMES.join(', ')}: this call only; again for more. Default: all of them
  --svg FILE      draw the ladders into this file as well
  --keep          leave it up until Ctrl-C, and print how to get into it
  --help          this text

Exit code: 0 all calls were as they should be; 1 one was not, or the lab failed; 2 bad arguments.`

/** What the arguments ask for. --help, and arguments that are wrong, are answered here, and end the process. */
export function readLabOptions(argv) {
  const values = parse(argv)
  if (values.help) {
    console.log(USAGE)
    process.exit(0)
  }
  const { call: callNames = CALL_NAMES, keep: isKept, svg: svgFile = null } = values
  const unknown = callNames.find((name) => !CALL_NAMES.includes(name))
  if (unknown !== undefined) refuse(`--call ${unknown}: give one of ${CALL_NAMES.join(', ')}`)
  const obstacle = svgFile === null ? null : obstacleTo(svgFile)
  if (obstacle !== null) refuse(`--svg ${svgFile}: ${obstacle}`)
  return { callNames, isKept, svgFile }
}

function parse(args) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        call: { type: 'string', multiple: true },
        svg: { type: 'string' },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    return values
  } catch (error) {
    const [sentence] = error.message.split(/\.\s/)
    refuse(`${sentence}: --help lists the options`)
  }
}

/** Why the file cannot be written, or null: better said now than after all calls. */
function obstacleTo(file) {
  if (file === '') return 'give the name of a file'
  const directory = dirname(file)
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory())
    return `there is no folder ${directory}; make it, or name a file in another one`
  if (existsSync(file) && statSync(file).isDirectory()) return 'this is a folder; give the name of a file'
  try {
    if (existsSync(file)) accessSync(file, constants.W_OK)
    else makeAndRemove(file)
    return null
  } catch (error) {
    return `it cannot be written there (${error.code}); name a file in another folder`
  }
}

/** Root may do what permissions forbid, but not what the file system does: only trying it tells. */
function makeAndRemove(file) {
  closeSync(openSync(file, 'a'))
  rmSync(realpathSync(file))
}

function refuse(sentence) {
  console.error(sentence)
  process.exit(2)
}
