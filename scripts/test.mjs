// `npm test`: installs the peers of the interop tests, builds dist/, compiles the tests into build/ and runs them (test-files.mjs).
// Arguments name some of them, by file or folder (`npm test -- test/stun/message.test.ts`); none means all.
// `--long` (npm run test:long) sets TURND_TEST_LONG=1, which selects the long variants in the test files.
// A row of test/conformance/requirements whose test was not in a file that ran fails the run (conformance-rows.mjs).
// Leaves build/test-results.tap (everything) and build/test-results.json (the totals, read by .ci/run).
import { spawn } from 'node:child_process'
import { createWriteStream, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, join, relative, resolve } from 'node:path'
import { followRows } from './conformance-rows.mjs'
import { TapResults } from './tap-results.mjs'

const root = resolve(import.meta.dirname, '..')
const binaries = join(root, 'node_modules', '.bin')
const resultsTap = join(root, 'build', 'test-results.tap')
const resultsJson = join(root, 'build', 'test-results.json')

const isLong = process.argv.includes('--long') || process.env.TURND_TEST_LONG === '1'
const named = process.argv.slice(2).filter((argument) => argument !== '--long')

// A test that hangs is ended by its file's bound, which tap keeps; the other one is that of the whole run.
const RUN_MINUTES_MAX = isLong ? 360 : 30
const FILE_SECONDS_MAX = isLong ? 3600 : 300

const environment = {
  ...process.env,
  PATH: `${binaries}${delimiter}${process.env.PATH}`,
  ...(isLong ? { TURND_TEST_LONG: '1' } : {}),
}

const BUILD_BOTH = 'npm run --silent build & npm run --silent compile; code=$?; wait $! && exit $code'

let running = null
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    endRunning(signal)
  })
}

process.chdir(root)
mkdirSync('build', { recursive: true })
rmSync(resultsTap, { force: true })
rmSync(resultsJson, { force: true })

const unknown = named.find((name) => sourceFiles(name).length === 0)
if (unknown !== undefined) {
  console.error(`${unknown} is no test: name files such as test/stun/message.test.ts, or folders such as test/stun`)
  process.exit(2)
}
const isPrepared =
  (await step('peers', 'bash', ['scripts/install-peers.sh'])) &&
  // At the same time: neither keeps two processors busy by itself.
  (await step('build dist/ and the tests', 'bash', ['-c', BUILD_BOTH]))
process.exitCode = isPrepared ? await runTests() : 1

/** Runs one step, its output shown as it comes; true when it succeeded. */
async function step(title, command, args) {
  const start = Date.now()
  console.log(`── ${title}`)
  const code = await run(command, args, 'inherit', () => {})
  console.log(`   ${code === 0 ? 'done' : `failed with code ${code}`} in ${secondsSince(start)} s`)
  return code === 0
}

async function runTests() {
  const start = Date.now()
  console.log(`── tests${isLong ? ' (long)' : ''}`)
  const results = new TapResults((line) => console.log(line))
  const missingTests = await followRows(results.parser)
  const file = createWriteStream(resultsTap)
  const files = [...new Set((named.length === 0 ? ['test'] : named).flatMap(sourceFiles))].sort().map(compiledName)
  const args = ['scripts/test-files.mjs', String(FILE_SECONDS_MAX), ...files]
  const code = await run(process.execPath, args, ['inherit', 'pipe', 'inherit'], (chunk) => {
    file.write(chunk)
    results.write(chunk)
  })
  file.end()
  results.end()
  const { totals } = results
  // A requirement without its test is a failure of the run: nothing else would notice a test that was renamed or has gone.
  const missing = missingTests()
  totals.failed += missing.length
  totals.failures.push(...missing.map((name) => ({ name, details: '(no such test)' })))
  const exitCode = code === 0 && totals.failed > 0 ? 1 : code
  writeFileSync(resultsJson, `${JSON.stringify({ exitCode, seconds: secondsSince(start), ...totals }, null, 2)}\n`)
  for (const { name, reason } of totals.skips) console.log(`   skipped: ${name}: ${reason}`)
  results.repeatFailures()
  console.log(
    `   ${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped in ${secondsSince(start)} s` +
      (code === 0 ? '' : ` (exit code ${code})`),
  )
  return exitCode
}

/** Resolves with the exit code (128 for an end by a signal, 127 when the command cannot be started). */
function run(command, args, stdio, onOutput) {
  return new Promise((done) => {
    // A process group of its own: the test files, and what they start, end with it.
    const child = spawn(command, args, { cwd: root, env: environment, stdio, detached: true })
    running = child
    const deadline = setTimeout(() => {
      console.error(`${command} still runs after ${RUN_MINUTES_MAX} minutes: ending it`)
      endRunning('SIGTERM')
      setTimeout(() => endRunning('SIGKILL'), 10_000).unref()
    }, RUN_MINUTES_MAX * 60_000)
    child.stdout?.setEncoding('utf8').on('data', onOutput)
    child.on('error', (error) => {
      clearTimeout(deadline)
      console.error(`cannot run ${command}: ${error.message}`)
      done(127)
    })
    child.on('close', (code) => {
      clearTimeout(deadline)
      running = null
      done(code ?? 128)
    })
  })
}

function endRunning(signal) {
  try {
    if (running?.pid) process.kill(-running.pid, signal)
  } catch {
    // It has just ended by itself.
  }
}

/** The test files of a name: the source of one, what it is compiled to, or a folder. */
function sourceFiles(name) {
  const source = relative(root, resolve(name))
    .replace(/^build\/(test\b.*)/, '$1')
    .replace(/\.js$/, '.ts')
  if (!/^test(\/|$)/.test(source) || !existsSync(source)) return []
  if (statSync(source).isFile()) return source.endsWith('.test.ts') ? [source] : []
  const inside = readdirSync(source, { recursive: true }).map((file) => join(source, file))
  return inside.filter((file) => file.endsWith('.test.ts'))
}

function compiledName(source) {
  return join('build', source.replace(/\.ts$/, '.js'))
}

function secondsSince(start) {
  return Math.round((Date.now() - start) / 100) / 10
}
