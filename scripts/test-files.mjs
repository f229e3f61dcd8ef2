// Runs compiled test files, each a process of its own or several small ones in one, and writes the TAP of all to stdout as one stream: a
// file is a subtest.
// Started by scripts/test.mjs with the files, in the process group that it ends when somebody interrupts it.
//
// `tap run` does the same for single files, and loads its recorder of coverage and its mocks into each of them: their hooks cost more
// of the processor than most files here, and nothing uses them.
import { spawn, spawnSync } from 'node:child_process'
import { Parser } from 'tap-parser'
import { withSourcePositions } from './source-positions.mjs'
import { cutTogether } from './together-tap.mjs'

/** Real peers that lose what comes late, and what takes what it can get: one at a time, first, and nothing runs beside them but what computes. */
const QUIET = ['interop', 'soak']
/** What counts every packet: when all others have ended, but for what computes beside it. */
const ALONE = ['abuse/abuse']
/** Those that wait for deadlines and browsers, three at a time: each leaves a processor idle for most of its time. */
const WAITING = [
  ...['abuse/amplification', 'abuse/certificate-reloads', 'abuse/slow-connections', 'abuse/stalled-readers'],
  ...['interop/alternate', 'interop/chromium', 'interop/chromium-443', 'interop/matrix', 'interop/openssl'],
  ...['interop/probe'],
  ...['interop/status-page', 'command/admin-metrics', 'command/cms-status', 'command/engine-fallback'],
  ...['doctor/lab', 'examples/examples', 'packaging/npm-pack'],
  ...['page/accessibility', 'page/browser-test', 'page/clients', 'page/session', 'page/views'],
]
/** No clock, and few sockets: beside all others, on the processors that those leave idle. */
const COMPUTING = ['sim', 'turn', 'stun', 'fuzz', 'auth', 'config', 'log']
/** Of other folders. */
const COMPUTING_TOO = [
  ...['soak/run-options', 'soak/crash-verdict', 'abuse/judge', 'doctor/judgements', 'doctor/firewall-rules'],
  ...['commands/cert', 'commands/convert', 'commands/why', 'limits/page', 'limits/relations', 'net/native/layout'],
  ...['conformance/proof/proof', 'packaging/container', 'page/pure', 'support/random', 'tidy'],
]
/** Of those, what is kept for the time when one file has the machine to itself: it leaves a processor idle. */
const BESIDE_ALONE = ['sim/sim', 'soak/run-options', 'commands/cert', 'tidy']
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
/** Small files, which share a process with others of their folder: its start costs more than what most of them do. */
const TOGETHER = [
  ...['turn', 'stun', 'auth', 'config', 'log', 'limits', 'client', 'commands', 'doctor', 'support'],
  ...['admin', 'server', 'net', 'command'],
]
const TOGETHER_COUNT_MAX = 8
/**
 * Of a folder whose files take longer, since each starts servers: the last process of all is not to be a long one. And of those whose files are
 * over in a moment.
 */
const TOGETHER_COUNTS_MAX = { command: 3, turn: 16, stun: 16, auth: 16, config: 24 }
/** Of those folders, what measures or changes its whole process, and what takes long enough to be begun by itself. */
const BY_ITSELF = [
  ...['turn/allocate-order', 'turn/other-servers', 'turn/shared-lock', 'turn/shared-tables', 'auth/users-file-store'],
  ...['log/log-output', 'commands/user', 'net/choose-engine', 'net/clock', 'net/native/libc'],
  ...['net/dtls/handshake', 'net/dtls/memory', 'net/dtls/peers', 'net/dtls/threads'],
  ...['net/stream/crowd', 'net/stream/stalled-clients'],
  ...['net/tcp-relay/descriptors', 'net/tcp-relay/exhausted', 'net/tcp-relay/flow-memory'],
  ...['server/captures', 'server/certificate-at-start', 'server/client-list', 'server/open-files', 'server/reload'],
  ...['server/reload-listeners', 'server/stop', 'server/stream-workers', 'server/test-users', 'server/user-admin'],
  ...['server/workers', 'admin/connections', 'admin/pcapng', 'admin/prometheus'],
  ...['command/admin-metrics', 'command/cms-status', 'command/engine-fallback'],
]
/** Begun first of the others, since the longest files are here: no processor is idle while the last one runs. */
const FIRST = ['lab', 'conformance', 'server', 'admin', 'net', 'command']
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

const EXIT_CODE = 'exit code'

const [secondsMax, ...files] = process.argv.slice(2)
const waiting = files.filter((file) => isNamed(file, WAITING))
const alone = files.filter((file) => isNamed(file, ALONE))
const computing = files
  .filter((file) => (isIn(file, COMPUTING) && !isNamed(file, TIMED)) || isNamed(file, COMPUTING_TOO))
  .sort(byRank(COMPUTING))
const besideAlone =
  WHEN_IDLE.length === 0 || alone.length === 0 ? [] : computing.filter((file) => isNamed(file, BESIDE_ALONE))
const quiet = files.filter((file) => isIn(file, QUIET) && ![...waiting, ...computing].includes(file))
const others = files
  .filter((file) => ![...waiting, ...alone, ...quiet, ...computing].includes(file))
  .sort(byRank(FIRST))
let testNumber = 0
let isFailed = false

process.stdout.write('TAP version 14\n')
const computingGroups = groupsOf(computing.filter((file) => !besideAlone.includes(file)))
const pool = [...groupsOf(waiting), ...groupsOf(others)]
const computed = runOn(2, computingGroups, WHEN_IDLE)
const quieted = runEach(groupsOf(quiet), PROMPTLY)
// Nothing fills the time any more in which three lanes wait: a fourth one does.
const helped = Promise.all([computed, quieted]).then(() => runEach(pool))
await quieted
// From here on a processor is seldom idle. What computes goes on with what is left of it, and gets the whole of it at the end.
const restOfComputing = WHEN_IDLE.length === 0 ? computingGroups.splice(0) : computingGroups
await runOn(3, pool, [], restOfComputing)
await computed
await helped
await Promise.all([runEach(groupsOf(alone), PROMPTLY), runOn(1, groupsOf(besideAlone), WHEN_IDLE)])
process.stdout.write(`1..${testNumber}\n`)
process.exitCode = isFailed ? 1 : 0

/** When nothing is left of the list, its lanes help with the other one. */
function runOn(laneCount, list, prefix = [], next = []) {
  const runLane = async () => {
    await runEach(list, prefix)
    await runEach(next, prefix)
  }
  return Promise.all(Array.from({ length: laneCount }, runLane))
}

/** One group after the other; several may share a list. The prefix is what runs node. */
async function runEach(groups, prefix = []) {
  for (let group = groups.shift(); group !== undefined; group = groups.shift()) await runGroup(group, prefix)
}

/** What shares a process, in the order of the files. */
function groupsOf(list) {
  const groups = []
  const open = new Map()
  for (const file of list) {
    const folder = TOGETHER.find((name) => isIn(file, [name]) && !isNamed(file, BY_ITSELF))
    let group = open.get(folder)
    if (group === undefined || group.length === (TOGETHER_COUNTS_MAX[folder] ?? TOGETHER_COUNT_MAX)) {
      group = []
      groups.push(group)
      if (folder !== undefined) open.set(folder, group)
    }
    group.push(file)
  }
  return groups
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

/** Writes the subtest of each file when all have ended. */
async function runGroup(group, prefix) {
  const start = performance.now()
  const isTogether = group.length > 1
  const { output, end } = await outputOf(group, prefix)
  const milliseconds = performance.now() - start
  const cut = isTogether ? cutTogether(output) : new Map([[group[0], { tap: output, milliseconds }]])
  const files = []
  for (const file of group) {
    const { tap, milliseconds } = cut.get(file) ?? { tap: '', milliseconds: 0 }
    files.push({ file, tap, milliseconds, results: await resultsOf(tap) })
  }
  // The end of a process says what a failed test has said, or it is that of the last file that it came to.
  const isExplained =
    isTogether && end?.startsWith(EXIT_CODE) && files.some(({ file, results }) => cut.has(file) && !results.ok)
  const last = group.findLast((file) => cut.has(file)) ?? group[0]
  for (const { file, tap, milliseconds, results } of files) {
    const isEmpty = results.count === 0
    const ending = file === last && !isExplained ? end : null
    writeFile(file, tap, milliseconds, results.ok, ending ?? (isEmpty ? 'it has no tests, or was not reached' : null))
  }
}

function writeFile(file, tap, milliseconds, isGood, problem) {
  const isOk = isGood && problem === null
  if (!isOk) isFailed = true
  // A file that gives up ends itself, not the whole run.
  const lines = (tap === '' ? '1..0\n' : tap).replace(/^( *)Bail out!/gm, '$1# Bail out!')
  const subtest = (isOk ? lines : withSourcePositions(lines)).replace(/^(?=.)/gm, '    ').replace(/\n?$/, '\n')
  const point = `${isOk ? 'ok' : 'not ok'} ${++testNumber} - ${file} # time=${milliseconds}ms`
  const diagnostics = problem === null ? '' : `  ---\n  problem: ${JSON.stringify(problem)}\n  ...\n`
  process.stdout.write(`# Subtest: ${file}\n${subtest}${point}\n${diagnostics}\n`)
}

/** What it wrote to stdout, and how it ended if not with exit code 0, else null. */
function outputOf(group, prefix) {
  return new Promise((resolve) => {
    const env = { ...process.env, TAP: '1', TAP_TIMEOUT: secondsMax }
    const [command, ...args] = [...prefix, process.execPath, ...programOf(group)]
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
      (group.length * secondsMax + 30) * 1000,
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
      else if (isLate) resolve({ output, end: `still running after ${group.length * secondsMax + 30} s` })
      else resolve({ output, end: signal === null ? `${EXIT_CODE} ${code}` : `ended by ${signal}` })
    })
  })
}

function programOf(group) {
  return group.length === 1 ? group : ['scripts/test-together.mjs', ...group]
}

function resultsOf(output) {
  return new Promise((resolve) => new Parser(resolve).end(output))
}
