// The requirements and what judges them, as test/conformance has them, compiled: for scripts/test.mjs and scripts/conformance.mjs, which
// build first.
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const proof = '../build/test/conformance/proof'

export async function readRows() {
  const { REQUIREMENTS } = await import('../build/test/conformance/requirements/registry.js')
  const { testResults } = await import(`${proof}/test-titles.js`)
  const { Run, SUITE_FILES, namedTest, sourceOf } = await import(`${proof}/verdict.js`)
  const exists = (path) => existsSync(join(root, path))
  return { lists: REQUIREMENTS, testResults, Run, SUITE_FILES, namedTest, sourceOf, exists }
}

/** Rows of requirements that name a test which the run should have had, a sentence each. */
export async function missingTests(tap) {
  const { lists, testResults, Run } = await readRows()
  const run = new Run(testResults(tap))
  return lists.flatMap(({ name, rows }) =>
    rows.flatMap((row) => {
      const verdict = run.judge(row)
      if (verdict.state !== 'missing') return []
      const missing = verdict.problems.filter((problem) => problem.startsWith('no test'))
      return missing.map((problem) => `${name} §${row.section} ("${row.requirement}"): ${problem}`)
    }),
  )
}
