// `npm run conformance`: runs the tests that the requirements of test/conformance/requirements name, and prints the requirements, document by
// document, passed and open; --write writes docs/conformance.md. Exit code 0: nothing failed, 1: something did, 2: wrong arguments.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

const HELP = `npm run conformance -- [OPTIONS]

Runs the tests that show what the RFCs ask of turnd, and prints a row for each
requirement: what it is, and whether it is shown (✓), failed (✗), skipped on this
machine (–) or open (o), with the reason.

  --last        run nothing: take the results of the last run (npm test)
  --long        the suite with all of its parts over every transport on both engines
  --write       write docs/conformance.md as well
  --rows        run nothing: write the rows of now into docs/conformance.md, with
                the results that it has
  --of NAME     one document alone, and the tests of that: rfc8656, rest-api, …
  --open        run nothing: the open requirements alone
  --help        this

On two processors the tests take about five minutes, with --long about six.
Exit code: 0 nothing failed, 1 something did, 2 wrong arguments.`

const root = resolve(import.meta.dirname, '..')
const pagePath = join(root, 'docs', 'conformance.md')
const resultsTap = join(root, 'build', 'test-results.tap')

process.chdir(root)
const options = readOptions()
if (options.help) {
  console.log(HELP)
} else {
  process.exitCode = await main()
}

function readOptions() {
  const flag = { type: 'boolean', default: false }
  const known = { last: flag, long: flag, write: flag, rows: flag, open: flag, help: flag, of: { type: 'string' } }
  try {
    const { values } = parseArgs({ options: known })
    if (values.open && (values.write || values.long)) throw new Error('--open runs nothing: it takes --of alone')
    if (values.write && values.of !== undefined) throw new Error('--write is for all documents, without --of')
    return values
  } catch (error) {
    console.error(`${error.message.split('\n')[0]} (npm run conformance -- --help)`)
    process.exit(2)
  }
}

async function main() {
  if (spawnSync('npm', ['run', '--silent', 'compile'], { stdio: 'inherit' }).status !== 0) return 1
  const rows = await import('./conformance-rows.mjs').then(({ readRows }) => readRows())
  const pages = await import('../build/test/conformance/proof/page.js')
  const { formatLists, formatOpen } = await import('../build/test/conformance/proof/report.js')
  const rowRules = await import('../build/test/conformance/proof/faults.js')
  if (options.of !== undefined && !rows.lists.some(({ name }) => name === options.of)) {
    console.error(`there is no document ${options.of}: name one of ${rows.lists.map(({ name }) => name).join(', ')}`)
    return 2
  }
  const wrong = rowRules.rowFaults(rows.lists, rows.exists)
  if (wrong.length > 0) {
    for (const fault of wrong) console.error(fault)
    return 1
  }
  if (options.rows) {
    const before = pages.pageBefore(existsSync(pagePath) ? readFileSync(pagePath, 'utf8') : '')
    writePage(pages.conformancePage(rows.lists, { ...before, exists: rows.exists }))
    return 0
  }
  const lists = rows.lists.filter(({ name }) => options.of === undefined || name === options.of)
  if (options.open) {
    console.log(formatOpen(lists))
    return 0
  }
  const taps = options.last ? lastResults() : runTests(lists, rows)
  if (taps.length === 0) return 1
  const run = new rows.Run(taps.flatMap(rows.testResults))
  const verdicts = new Map(rows.lists.flatMap((list) => list.rows.map((row) => [row, run.judge(row)])))
  console.log(formatLists(lists, verdicts))
  if (options.write) {
    const resultsOf = (_, row) => pages.resultsOf(verdicts.get(row))
    writePage(pages.conformancePage(rows.lists, { origin: origin(), resultsOf, exists: rows.exists }))
  }
  // A run that broke has shown nothing.
  const faults = options.last ? ['failed', 'missing'] : ['failed', 'missing', 'not run']
  return lists.some((list) => list.rows.some((row) => faults.includes(verdicts.get(row).state))) ? 1 : 0
}

function lastResults() {
  if (existsSync(resultsTap)) return [readFileSync(resultsTap, 'utf8')]
  console.error('build/test-results.tap is not there: there was no run yet (npm test)')
  return []
}

/** By the runner of all tests, so that they get the machine as they do there. */
function runTests(lists, { namedTest, sourceOf, exists, SUITE_FILES }) {
  const tests = lists.flatMap(({ rows }) => rows).flatMap((row) => row.tests)
  const named = new Set(tests.map((test) => sourceOf(namedTest(test), exists)))
  const others = [...named].filter((path) => path.endsWith('.test.ts') && !SUITE_FILES.includes(path)).sort()
  // Sections of the suite are no test files: the suite runs them.
  const suite = [...named].some((path) => !path.endsWith('.test.ts')) ? SUITE_FILES : []
  if (!options.long || suite.length === 0) return [tapOf([...others, ...suite])]
  return [tapOf(others), tapOf(suite, '--long')]
}

function tapOf(files, ...args) {
  if (files.length === 0) return ''
  // What failed is in the rows.
  spawnSync(process.execPath, ['scripts/test.mjs', ...args, ...files], { stdio: 'inherit' })
  return existsSync(resultsTap) ? readFileSync(resultsTap, 'utf8') : ''
}

function origin() {
  const date = (options.last ? statSync(resultsTap).mtime : new Date()).toISOString().slice(0, 10)
  const what = options.long ? 'the suite in its long form' : 'the suite in its short form'
  return `${date}, on Node ${process.versions.node} and Linux ${release().split('-')[0]}, ${what}.`
}

function writePage(text) {
  writeFileSync(pagePath, text)
  console.log(`wrote ${pagePath}`)
}
