// What judges the requirements, and the rows themselves. That the tests which they name exist is checked when they run (scripts/test.mjs).
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../support/project-root.js'
import { REQUIREMENTS } from '../requirements/registry.js'
import { must, open, type Requirement, type RequirementList, rfc } from '../requirements/requirement.js'
import { pageFaults, rowFaults } from './faults.js'
import { conformancePage, type Page, pageBefore, resultsOf } from './page.js'
import { formatLists } from './report.js'
import { testResults } from './test-titles.js'
import { Run, SUITE_FILES } from './verdict.js'

const exists = (path: string) => existsSync(join(projectRoot, path))

const subtest = (name: string, inside: readonly string[], end = 'ok') => [
  `# Subtest: ${name}`,
  ...inside.map((line) => `    ${line}`),
  `    1..${inside.filter((line) => /^(?:not )?ok/.test(line)).length}`,
  `${end} 1 - ${name} # time=1ms`,
]
const tapOf = (files: Readonly<Record<string, readonly string[]>>) => {
  const lines = Object.entries(files).flatMap(([file, inside]) =>
    subtest(`build/${file.replace('.ts', '.js')}`, inside),
  )
  return `TAP version 14\n${lines.join('\n').replace(/^ok 1 - build/gm, 'ok 1 - build')}\n1..${Object.keys(files).length}\n`
}
const runOf = (files: Readonly<Record<string, readonly string[]>>) => new Run(testResults(tapOf(files)))

/** A run of the suite in which every engine and transport has the same tests, but for those that are given by `engine-transport`. */
const suiteOf = (inside: readonly string[], others: Readonly<Record<string, readonly string[]>> = {}) =>
  Object.fromEntries(
    SUITE_FILES.map((file) => {
      const [, engine, transport] = /(\w+)-(\w+)\.test/.exec(file)!
      const title = `conformance of the ${engine} engine over ${transport.toUpperCase()}`
      return [file, subtest(title, others[`${engine}-${transport}`] ?? inside)]
    }),
  )

const PASSES = ['ok 1 - should be equal']
const FAILS = ['not ok 1 - should be equal']

t.test('a row is', async (t) => {
  const turn = { 'test/turn/a.test.ts': [...subtest('Refresh', subtest('is capped at 3600 (RFC 8656 §8.2)', PASSES))] }

  t.test('passed by the title of its test, whole or cut behind a word', async (t) => {
    for (const name of [
      'turn/a',
      'turn/a > Refresh',
      'turn/a > Refresh > is capped',
      'turn/a > Refresh > is capped at 3600',
    ]) {
      t.equal(runOf(turn).judge(must('8', 'x.', [name])).state, 'passed', name)
    }
  })
  t.test('missing when its file ran and has no such test', async (t) => {
    for (const name of ['turn/a > Refresh > is cap', 'turn/a > is capped', 'turn/a > Refresh > is capped > at all']) {
      const { state, problems } = runOf(turn).judge(must('8', 'x.', ['turn/a > Refresh', name]))
      t.equal(state, 'missing', name)
      t.same(problems, [`no test is named ${name}`])
    }
  })
  t.test('not run when its file was not', async (t) => {
    t.equal(runOf(turn).judge(must('8', 'x.', ['turn/a > Refresh', 'turn/b'])).state, 'not run')
  })
  t.test('failed when one of its tests is, whatever others say', async (t) => {
    const files = { 'test/turn/a.test.ts': [...subtest('one', FAILS, 'not ok'), ...subtest('two', PASSES)] }
    const { state, problems } = runOf(files).judge(must('8', 'x.', ['turn/a > one', 'turn/a > two']))
    t.equal(state, 'failed')
    t.same(problems, ['failed: turn/a > one'])
    t.equal(runOf(files).judge(must('8', 'x.', ['turn/a > two'])).state, 'passed')
  })
  t.test('skipped when its test is, or the group that would have it, or all of a group', async (t) => {
    const files = {
      'test/turn/a.test.ts': subtest('group', ['ok 1 - one # SKIP no root', 'ok 2 - two # SKIP no root']),
    }
    for (const name of ['turn/a > group > one', 'turn/a > group > one > of these', 'turn/a > group']) {
      const { state, problems } = runOf(files).judge(must('8', 'x.', [name]))
      t.equal(state, 'skipped', name)
      t.same(problems, [`skipped (no root): ${name}`])
    }
  })
  t.test('open whatever ran', async (t) =>
    t.equal(runOf({}).judge(open('MAY', '8', 'x.', 'nobody asks')).state, 'open'),
  )
  t.test('judged by titles with signs that TAP escapes', async (t) => {
    const files = { 'test/turn/a.test.ts': subtest('room \\# 1', subtest('has \\# 2', PASSES)) }
    t.equal(runOf(files).judge(must('8', 'x.', ['turn/a > room # 1 > has # 2'])).state, 'passed')
  })
})

t.test('a row of the suite', async (t) => {
  const row = must('8', 'Refresh works.', ['conformance/refresh > Refresh > works'])
  const refresh = subtest('Refresh', subtest('works (RFC 8656 §8)', PASSES))
  const broken = subtest('Refresh', subtest('works (RFC 8656 §8)', FAILS, 'not ok'), 'not ok')
  const skipped = subtest('Refresh', ['ok 1 - works (RFC 8656 §8) # SKIP no DTLS'])

  t.test('has a column for each engine and transport, and what is not run in one is no fault', async (t) => {
    const verdict = runOf(suiteOf(refresh, { 'dgram-tls': subtest('other', PASSES), 'dgram-dtls': skipped })).judge(row)
    t.equal(verdict.state, 'passed')
    t.same(resultsOf(verdict), ['', '✓ UDP TCP TLS DTLS', '✓ UDP TCP<br>○ TLS<br>– DTLS (no DTLS)'])
  })
  t.test('fails by one column', async (t) => {
    const verdict = runOf(suiteOf(refresh, { 'native-tls': broken })).judge(row)
    t.equal(verdict.state, 'failed')
    t.same(resultsOf(verdict), ['', '✓ UDP TCP DTLS<br>✗ TLS', '✓ UDP TCP TLS DTLS'])
  })
  t.test('is missing when the whole suite ran without it, and not run when a part did', async (t) => {
    const without = suiteOf(subtest('other', PASSES))
    t.equal(runOf(without).judge(row).state, 'missing')
    const { [SUITE_FILES[0]]: first } = without
    t.equal(runOf({ [SUITE_FILES[0]]: first }).judge(row).state, 'not run')
  })
})

t.test('the page', async (t) => {
  const passed = must('7.2', 'Ports are random.', ['turn/a > ports'], 'on Linux')
  const gap = open('MAY', '9', 'Peers may sing.', 'nobody listens')
  const list = (...rows: Requirement[]): RequirementList => rfc(8656, 'TURN', rows)
  const page: Page = {
    origin: 'today.',
    resultsOf: (_, row) => [row.isOpen ? 'open' : '✓', '', ''],
    exists: () => true,
  }
  const text = conformancePage([list(passed, gap)], page)

  t.test('counts, links and explains', async (t) => {
    t.match(text, '| [RFC 8656: TURN](#rfc-8656-turn) | 2 | 1 | 1 |  |  |  |')
    t.match(
      text,
      '| [§7.2](https://www.rfc-editor.org/rfc/rfc8656#section-7.2) | MUST | Ports are random. *Limit: on Linux.* | ✓ |  |  | `test/turn/a.test.ts`: ports |',
    )
    t.match(text, '- §9, MAY: Peers may sing. *nobody listens.*')
  })
  t.test('keeps the results of rows that are as they were', async (t) => {
    const changed = must('7.2', 'Ports are even.', ['turn/a'])
    const after = conformancePage([list(passed, changed)], { ...pageBefore(text), exists: () => true })
    t.match(after, 'Results of today.')
    t.match(after, '| Ports are random. *Limit: on Linux.* | ✓ |')
    t.match(after, '| Ports are even. | not run yet |')
  })
  t.test('must have the rows of now', async (t) => {
    const faultsOf = (...rows: Requirement[]) => pageFaults([list(...rows)], text, () => true)
    t.same(faultsOf(passed, gap), [])
    t.match(faultsOf(passed, gap, must('10', 'More.', ['turn/a'])), [/^docs\/conformance.md lacks the row: .*More\./])
    t.match(faultsOf(passed), [/no longer there: .*Peers may sing/])
    t.match(faultsOf(gap, passed), [/another order/])
  })
})

t.test('the rows', async (t) => {
  const faultsOf = (...rows: Requirement[]) => rowFaults([rfc(8656, 'TURN', rows)], exists)
  const file = 'conformance/refresh'

  t.test('are told what is wrong with them', async (t) => {
    const rowless = { ...must('8', 'A.', [file]), tests: [] }
    t.match(faultsOf(rowless), [/has no test: name one, or say why it is open/])
    t.match(faultsOf(open('MAY', '8', 'A.', '')), [/is open: say why/])
    t.match(faultsOf(must('8', 'A.', ['turn/nothing > x'])), [/names turn\/nothing > x, and there is no such file/])
    t.match(faultsOf(must('8', 'A|B.', [file])), [/table/])
    t.match(faultsOf(must('8', 'A', [file])), [/no sentence/])
    t.match(faultsOf(must('8', 'A.', [file]), must('8', 'A.', [file])), [/twice/])
  })
  t.test('have tests in files that exist, or a reason', async (t) => t.same(rowFaults(REQUIREMENTS, exists), []))
  t.test('stand in docs/conformance.md', async (t) => {
    t.same(pageFaults(REQUIREMENTS, readFileSync(join(projectRoot, 'docs/conformance.md'), 'utf8'), exists), [])
  })
})

t.test('the report has a line for each row, and its sums', async (t) => {
  const rows = [
    must('7.2', 'Ports are random.', ['turn/a > ports']),
    open('MAY', '9', 'Peers may sing.', 'nobody listens'),
  ]
  const run = runOf({ 'test/turn/a.test.ts': subtest('ports', PASSES) })
  const verdicts = new Map(rows.map((row) => [row, run.judge(row)]))
  const heading = '2 requirements, 1 passed, 1 open'
  const peers = '  o §9 MAY  Peers may sing.\n      open: nobody listens'
  t.equal(
    formatLists([rfc(8656, 'TURN', rows)], verdicts),
    `RFC 8656: TURN: ${heading}\n  ✓ §7.2 MUST  Ports are random.\n${peers}\n\nAll: ${heading}`,
  )
  t.equal(
    formatLists([rfc(8656, 'TURN', rows)], verdicts, { isOpenAlone: true }),
    `RFC 8656: TURN: ${heading}\n${peers}\n\nAll: ${heading}`,
  )
})
