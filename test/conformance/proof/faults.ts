// What can be wrong with the rows themselves, and with a page made of them, before any test is run. Each function returns sentences.
import type { RequirementList } from '../requirements/requirement.js'
import { conformancePage, pageBefore, rowsOfPage } from './page.js'
import { namedTest, sourceOf } from './verdict.js'

type Exists = (path: string) => boolean

export function rowFaults(lists: readonly RequirementList[], exists: Exists): string[] {
  const seen = new Set<string>()
  return lists.flatMap((list) =>
    list.rows.flatMap((row) => {
      const name = `${list.name} §${row.section}: ${row.requirement}`
      const faults: string[] = []
      if (seen.has(name)) faults.push(`${name} stands there twice`)
      seen.add(name)
      if (!row.isOpen && row.tests.length === 0) faults.push(`${name} has no test: name one, or say why it is open`)
      if (row.isOpen && (row.remark ?? '') === '') faults.push(`${name} is open: say why`)
      if (/[|\n]/.test(`${row.requirement}${row.remark ?? ''}${row.section}`)) {
        faults.push(`${name} has a | or a line break, which a table does not carry`)
      }
      if (!row.requirement.endsWith('.')) faults.push(`${name} is no sentence: it ends without a full stop`)
      for (const test of row.tests) {
        if (sourceOf(namedTest(test), exists) === null) faults.push(`${name} names ${test}, and there is no such file`)
      }
      return faults
    }),
  )
}

/** The page must have the rows of now; what their tests said is another matter. */
export function pageFaults(lists: readonly RequirementList[], page: string, exists: Exists): string[] {
  const before = pageBefore(page)
  const expected = rowsOfPage(conformancePage(lists, { ...before, exists }))
  const actual = rowsOfPage(page)
  const known = new Set(actual)
  const wanted = new Set(expected)
  return [
    ...expected.filter((row) => !known.has(row)).map((row) => `docs/conformance.md lacks the row: ${row}`),
    ...actual
      .filter((row) => !wanted.has(row))
      .map((row) => `docs/conformance.md has a row that is no longer there: ${row}`),
    ...(expected.length === actual.length &&
    expected.every((row) => known.has(row)) &&
    expected.join() !== actual.join()
      ? ['docs/conformance.md has its rows in another order']
      : []),
  ].map((fault) => `${fault} (npm run conformance -- --rows)`)
}
