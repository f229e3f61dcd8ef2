// What `npm run conformance` prints: a heading with the sums for each document, and a line for each of its requirements.
import type { Requirement, RequirementList } from '../requirements/requirement.js'
import type { State, Verdict } from './verdict.js'

const MARKS: Readonly<Record<State, string>> = {
  passed: '✓',
  failed: '✗',
  missing: '✗',
  skipped: '–',
  open: 'o',
  'not run': '?',
}
const STATES: readonly State[] = ['passed', 'open', 'failed', 'missing', 'skipped', 'not run']

type Verdicts = ReadonlyMap<Requirement, Verdict>

export function formatLists(lists: readonly RequirementList[], verdicts: Verdicts): string {
  const parts = lists.map((list) => {
    const own = list.rows.map((row) => verdicts.get(row)!)
    return [headingOf(list.title, own), ...own.flatMap(lines)].join('\n')
  })
  const all = lists.flatMap((list) => list.rows.map((row) => verdicts.get(row)!))
  return `${[...parts, headingOf('All', all)].join('\n\n')}`
}

/** The open ones: no run closes them, so they are known without one. */
export function formatOpen(lists: readonly RequirementList[]): string {
  const parts = lists.flatMap(({ title, rows }) => {
    const open = rows.filter(({ isOpen }) => isOpen)
    const shown = open.map((row) => lines({ row, state: 'open', cells: new Map(), problems: [] }).join('\n'))
    return open.length === 0 ? [] : [`${title}: ${open.length} of ${rows.length} requirements\n${shown.join('\n')}`]
  })
  const all = lists.flatMap(({ rows }) => rows)
  return [...parts, `Open: ${all.filter(({ isOpen }) => isOpen).length} of ${all.length} requirements`].join('\n\n')
}

function headingOf(title: string, verdicts: readonly Verdict[]): string {
  const sums = STATES.map((state) => ({ state, count: verdicts.filter((verdict) => verdict.state === state).length }))
  const text = sums.filter(({ count }) => count > 0).map(({ state, count }) => `${count} ${state}`)
  return `${title}: ${verdicts.length} requirements${text.length === 0 ? '' : `, ${text.join(', ')}`}`
}

function lines({ row, state, problems }: Verdict): string[] {
  const { section, level, requirement, remark, isOpen } = row
  const head = `  ${MARKS[state]} ${/^\d/.test(section) ? '§' : ''}${section} ${level}  ${requirement}`
  const remarks = remark === null ? [] : [`${isOpen ? 'open' : 'limit'}: ${remark}`]
  return [head, ...[...remarks, ...problems].map((text) => `      ${text}`)]
}
