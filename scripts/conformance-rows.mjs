// The requirements and what judges them, as test/conformance has them, compiled: for scripts/test.mjs and scripts/conformance.mjs, which
// build first.
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const proof = '../build/test/conformance/proof'

export async function readRows() {
  const { REQUIREMENTS } = await import('../build/test/conformance/requirements/registry.js')
  const { followResults, testResults } = await import(`${proof}/test-titles.js`)
  const { Run, SUITE_FILES, namedTest, sourceOf } = await import(`${proof}/verdict.js`)
  const exists = (path) => existsSync(join(root, path))
  return { lists: REQUIREMENTS, followResults, testResults, Run, SUITE_FILES, namedTest, sourceOf, exists }
}

/**
 * Follows a run that is read with this parser.
 * @returns what, at its end, tells of the rows that name a test which the run should have had, a sentence each
 */
export async function followRows(parser) {
  const { lists, followResults, Run } = await readRows()
  const results = followResults(parser)
  return () => missingTests(lists, new Run(results))
}

function missingTests(lists, run) {
  return lists.flatMap(({ name, rows }) =>
    rows.flatMap((row) => {
      const { state, problems } = run.judge(row)
      if (state !== 'missing') return []
      const missing = problems.filter((problem) => problem.startsWith('no test'))
      return missing.map((problem) => `${name} §${row.section} ("${row.requirement}"): ${problem}`)
    }),
  )
}
