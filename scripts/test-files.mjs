// Runs compiled test files, each a process of its own, and writes the TAP of all to stdout as one stream: a file is a subtest.
// Started by scripts/test.mjs with the files, in the process group that it ends when somebody interrupts it.
//
// `tap run` does the same for single files, and loads its recorder of coverage and its mocks into each of them: their hooks cost more
// of the processor than most files here, and nothing uses them.
import { spawn } from 'node:child_process'
import { setPriority } from 'node:os'
import { Parser } from 'tap-parser'

/** Real peers that lose what comes late: nothing runs beside them. */
const SILENT = ['interop/haproxy', 'interop/coturn-streams']
/** Those that lose less: nothing runs beside them but what computes. */
const QUIET = ['interop/coturn-client', 'interop/coturn-comparison', 'interop/hairpin']
/** Real peers and real time, and what counts every packet or takes what it can get: one at a time, before all others. */
const ALONE = ['abuse', 'interop', 'soak']
/** Those that wait for deadlines and browsers, three at a time: each leaves a processor idle for most of its time. */
const WAITING = [
  ...['abuse/certificate-reloads', 'abuse/slow-connections', 'abuse/stalled-readers'],
  ...['interop/chromium', 'interop/chromium-443', 'interop/openssl', 'interop/status-page'],
  ...['command/admin-metrics', 'command/engine-fallback'],
  ...['page/accessibility', 'page/browser-test', 'page/clients', 'page/session', 'page/views'],
]
/** No clock, and few sockets: beside all others at the lowest priority, which gets what is left of the processors. */
const COMPUTING = ['sim', 'turn', 'stun', 'fuzz', 'auth', 'config', 'log']
/** Begun first of the others, since the longest files are here: no processor is idle while the last one runs. */
const FIRST = ['conformance', 'server', 'admin', 'net', 'command']
const LOWEST_PRIORITY = 19

/** From the end of a file to the end of its output. */
const HELD_MILLISECONDS_MAX = 5_000

const [secondsMax, ...files] = process.argv.slice(2)
const silent = files.filter((file) => isNamed(file, SILENT))
const quiet = files.filter((file) => isNamed(file, QUIET))
const waiting = files.filter((file) => isNamed(file, WAITING))
const alone = files.filter((file) => isIn(file, ALONE) && ![...silent, ...quiet, ...waiting].includes(file))
const computing = files.filter((file) => isIn(file, COMPUTING)).sort(byRank(COMPUTING))
const others = files
  .filter((file) => !isIn(file, [...ALONE, ...COMPUTING]) && !waiting.includes(file))
  .sort(byRank(FIRST))
let testNumber = 0
let isFailed = false

process.stdout.write('TAP version 14\n')
await runEach(silent)
const computed = runEach(computing, LOWEST_PRIORITY)
await runEach(quiet)
await runOn(3, waiting)
await runEach(alone)
await runOn(3, others)
await computed
process.stdout.write(`1..${testNumber}\n`)
process.exitCode = isFailed ? 1 : 0

function runOn(laneCount, list) {
  return Promise.all(Array.from({ length: laneCount }, () => runEach(list)))
}

/** One after the other; several may share a list. */
async function runEach(list, priority = 0) {
  for (let file = list.shift(); file !== undefined; file = list.shift()) await runFile(file, priority)
}

function isNamed(file, names) {
  return names.some((name) => file === `build/test/${name}.test.js`)
}

function isIn(file, folders) {
  return folders.some((folder) => file.startsWith(`build/test/${folder}/`))
}

/** By the place of a file's folder in the list, then as it is. */
function byRank(folders) {
  const rankOf = (file) => {
    const place = folders.findIndex((folder) => isIn(file, [folder]))
    return place < 0 ? folders.length : place
  }
  return (one, other) => rankOf(one) - rankOf(other)
}

/** Writes the file's subtest when it has ended. */
async function runFile(file, priority) {
  const start = performance.now()
  const { output, end } = await outputOf(file, priority)
  const results = await resultsOf(output)
  const problem = end ?? (results.count === 0 ? 'it has no tests' : null)
  const isOk = results.ok && problem === null
  if (!isOk) isFailed = true
  // A file that gives up ends itself, not the whole run.
  const lines = (output === '' ? '1..0\n' : output).replace(/^( *)Bail out!/gm, '$1# Bail out!')
  const subtest = lines.replace(/^(?=.)/gm, '    ').replace(/\n?$/, '\n')
  const point = `${isOk ? 'ok' : 'not ok'} ${++testNumber} - ${file} # time=${performance.now() - start}ms`
  const diagnostics = problem === null ? '' : `  ---\n  problem: ${JSON.stringify(problem)}\n  ...\n`
  process.stdout.write(`# Subtest: ${file}\n${subtest}${point}\n${diagnostics}\n`)
}

/** What it wrote to stdout, and how it ended if not with exit code 0, else null. */
function outputOf(file, priority) {
  return new Promise((resolve) => {
    const env = { ...process.env, TAP: '1', TAP_TIMEOUT: secondsMax }
    const child = spawn(process.execPath, ['--enable-source-maps', file], { env, stdio: ['ignore', 'pipe', 'inherit'] })
    if (priority !== 0 && child.pid !== undefined) setPriority(child.pid, priority)
    let output = ''
    let isLate = false
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      output += chunk
    })
    // It ends by itself before, and says which test hangs, unless its event loop does.
    const deadline = setTimeout(
      () => {
        isLate = true
        child.kill('SIGKILL')
      },
      (Number(secondsMax) + 30) * 1000,
    )
    // What it has started may hold its output open after its end.
    let isHeld = false
    child.on('exit', () => {
      clearTimeout(deadline)
      setTimeout(() => {
        isHeld = true
        child.stdout.destroy()
      }, HELD_MILLISECONDS_MAX).unref()
    })
    child.on('error', (error) => {
      clearTimeout(deadline)
      resolve({ output, end: error.message })
    })
    child.on('close', (code, signal) => {
      clearTimeout(deadline)
      if (code === 0) resolve({ output, end: isHeld ? 'a process that it started holds its output' : null })
      else if (isLate) resolve({ output, end: `still running after ${secondsMax} s` })
      else resolve({ output, end: signal === null ? `exit code ${code}` : `ended by ${signal}` })
    })
  })
}

function resultsOf(output) {
  return new Promise((resolve) => new Parser(resolve).end(output))
}
