// Runs compiled test files, each a process of its own, and writes the TAP of all to stdout as one stream: a file is a subtest.
// Started by scripts/test.mjs with the files, in the process group that it ends when somebody interrupts it.
//
// `tap run` does the same for single files, and loads its recorder of coverage and its mocks into each of them: their hooks cost more
// of the processor than most files here, and nothing uses them.
import { spawn, spawnSync } from 'node:child_process'
import { Parser } from 'tap-parser'

/** Real peers that lose what comes late: nothing runs beside them but what computes. */
const QUIET = ['haproxy', 'coturn-streams', 'coturn-client', 'coturn-comparison', 'hairpin'].map(
  (name) => `interop/${name}`,
)
/** Real peers and real time, and what counts every packet or takes what it can get: one at a time, before all others. */
const ALONE = ['abuse', 'interop', 'soak']
/** Those that wait for deadlines and browsers, three at a time: each leaves a processor idle for most of its time. */
const WAITING = [
  ...['abuse/certificate-reloads', 'abuse/slow-connections', 'abuse/stalled-readers'],
  ...['interop/chromium', 'interop/chromium-443', 'interop/matrix', 'interop/openssl', 'interop/probe'],
  ...['interop/status-page', 'command/admin-metrics', 'command/engine-fallback'],
  ...['doctor/lab', 'examples/examples', 'packaging/npm-pack'],
  ...['page/accessibility', 'page/browser-test', 'page/clients', 'page/session', 'page/views'],
]
/** No clock, and few sockets: beside all others, on the processors that those leave idle. */
const COMPUTING = ['sim', 'turn', 'stun', 'fuzz', 'auth', 'config', 'log']
/** These have deadlines all the same, which who gets what is left may miss. */
const TIMED = [
  'auth/certificate-files',
  'auth/lock-file',
  'auth/users-file-store',
  'fuzz/run',
  'fuzz/sockets/sockets-fuzz',
  'log/log-output',
  'turn/shared-lock',
  'turn/shared-tables',
]
/** Begun first of the others, since the longest files are here: no processor is idle while the last one runs. */
const FIRST = ['conformance', 'server', 'admin', 'net', 'command']
/**
 * SCHED_IDLE, which Linux takes for an idle processor when it looks for one for another thread. Beside threads of the lowest ordinary
 * priority a thread that wakes up waits for its waker, and packets are lost.
 */
const IDLE = ['chrt', '--idle', '0']
const WHEN_IDLE = spawnSync(IDLE[0], [...IDLE.slice(1), 'true']).status === 0 ? IDLE : []
/** What loses packets that come late, before all else that this machine does: root may. */
const PROMPTLY = process.getuid?.() === 0 ? ['nice', '-n', '-10'] : []

/** From the end of a file to the end of its output. */
const HELD_MILLISECONDS_MAX = 5_000

const [secondsMax, ...files] = process.argv.slice(2)
const quiet = files.filter((file) => isNamed(file, QUIET))
const waiting = files.filter((file) => isNamed(file, WAITING))
const alone = files.filter((file) => isIn(file, ALONE) && ![...quiet, ...waiting].includes(file))
const computing = files.filter((file) => isIn(file, COMPUTING) && !isNamed(file, TIMED)).sort(byRank(COMPUTING))
const others = files
  .filter((file) => !isIn(file, ALONE) && ![...computing, ...waiting].includes(file))
  .sort(byRank(FIRST))
let testNumber = 0
let isFailed = false

process.stdout.write('TAP version 14\n')
const computed = runOn(2, computing, WHEN_IDLE)
await runEach(quiet, PROMPTLY)
await runOn(3, waiting)
await runEach(alone)
// From here on no processor is idle.
others.push(...computing.splice(0))
await runOn(3, others)
await computed
process.stdout.write(`1..${testNumber}\n`)
process.exitCode = isFailed ? 1 : 0

function runOn(laneCount, list, prefix = []) {
  return Promise.all(Array.from({ length: laneCount }, () => runEach(list, prefix)))
}

/** One after the other; several may share a list. The prefix is what runs node. */
async function runEach(list, prefix = []) {
  for (let file = list.shift(); file !== undefined; file = list.shift()) await runFile(file, prefix)
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
async function runFile(file, prefix) {
  const start = performance.now()
  const { output, end } = await outputOf(file, prefix)
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
function outputOf(file, prefix) {
  return new Promise((resolve) => {
    const env = { ...process.env, TAP: '1', TAP_TIMEOUT: secondsMax }
    const [command, ...args] = [...prefix, process.execPath, '--enable-source-maps', file]
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
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
