// `npm test`: installs the peers of the interop tests, builds dist/, compiles the tests into build/ and runs them with tap.
// Arguments go to tap; a test may be named by its source (`npm test -- test/stun/message.test.ts`, or a folder).
// `--long` (npm run test:long) sets TURND_TEST_LONG=1, which selects the long variants in the test files.
// Leaves build/test-results.tap (everything) and build/test-results.json (the totals, read by .ci/run).
import { spawn } from 'node:child_process'
import { createWriteStream, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { TapResults } from './tap-results.mjs'

const root = resolve(import.meta.dirname, '..')
const binaries = join(root, 'node_modules', '.bin')
const resultsTap = join(root, 'build', 'test-results.tap')
const resultsJson = join(root, 'build', 'test-results.json')

const isLong = process.argv.includes('--long') || process.env.TURND_TEST_LONG === '1'
const tapArguments = process.argv
  .slice(2)
  .filter((argument) => argument !== '--long')
  .map(compiledName)

// A test that hangs is ended by tap's own timeout; these are the bounds of the whole run.
const RUN_MINUTES_MAX = isLong ? 360 : 30
const FILE_SECONDS_MAX = isLong ? 3600 : 300

const environment = {
  ...process.env,
  PATH: `${binaries}${delimiter}${process.env.PATH}`,
  ...(isLong ? { TURND_TEST_LONG: '1' } : {}),
}

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

const isPrepared =
  (await step('peers', 'bash', ['scripts/install-peers.sh'])) &&
  (await step('build dist/', 'tsc', ['-p', 'tsconfig.build.json'])) &&
  (await step('compile the tests', 'tsc', ['-p', 'tsconfig.json'])) &&
  (await prepareTap())
process.exitCode = isPrepared ? await runTests() : 1

/** Runs one step, its output shown as it comes; true when it succeeded. */
async function step(title, command, args) {
  const start = Date.now()
  console.log(`── ${title}`)
  const code = await run(command, args, 'inherit', () => {})
  console.log(`   ${code === 0 ? 'done' : `failed with code ${code}`} in ${secondsSince(start)} s`)
  return code === 0
}

// tap compiles its set of plugins once; it cannot do so and use them in the same run.
async function prepareTap() {
  removeStaleTests()
  const plugins = join('.tap', 'plugins', 'package.json')
  const inputs = ['.taprc', 'package-lock.json']
  const isCurrent = existsSync(plugins) && inputs.every((file) => statSync(file).mtimeMs < statSync(plugins).mtimeMs)
  return isCurrent || step('prepare tap', 'tap', ['build'])
}

// A compiled test whose source is gone must not run.
function removeStaleTests() {
  for (const name of readdirSync('build/test', { recursive: true })) {
    const isStale = name.endsWith('.test.js') && !existsSync(join('test', name.replace(/\.js$/, '.ts')))
    if (isStale) rmSync(join('build', 'test', name))
  }
}

async function runTests() {
  const start = Date.now()
  console.log(`── tests${isLong ? ' (long)' : ''}`)
  const results = new TapResults((line) => console.log(line))
  const file = createWriteStream(resultsTap)
  const args = ['--reporter=tap', `--timeout=${FILE_SECONDS_MAX}`, ...tapArguments]
  const code = await run('tap', args, ['inherit', 'pipe', 'inherit'], (chunk) => {
    file.write(chunk)
    results.write(chunk)
  })
  file.end()
  results.end()
  const { totals } = results
  const exitCode = code === 0 && totals.failed > 0 ? 1 : code
  writeFileSync(resultsJson, `${JSON.stringify({ exitCode, seconds: secondsSince(start), ...totals }, null, 2)}\n`)
  for (const { name, reason } of totals.skips) console.log(`   skipped: ${name}: ${reason}`)
  console.log(
    `   ${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped in ${secondsSince(start)} s` +
      (code === 0 ? '' : ` (tap's exit code: ${code})`),
  )
  return exitCode
}

/** Resolves with the exit code (128 for an end by a signal, 127 when the command cannot be started). */
function run(command, args, stdio, onOutput) {
  return new Promise((done) => {
    // A process group of its own: tap does not pass signals on to the test files that it runs.
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

function compiledName(argument) {
  if (!/^(\.\/)?test\//.test(argument)) return argument
  return join('build', argument.replace(/\.ts$/, '.js'))
}

function secondsSince(start) {
  return Math.round((Date.now() - start) / 100) / 10
}
