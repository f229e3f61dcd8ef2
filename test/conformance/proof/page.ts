// docs/conformance.md: the rows with what a run says of them. Written anew from a run, or with the rows of now and the results that the page
// has already, so that a new row needs no run of all tests.
import type { Requirement, RequirementList } from '../requirements/requirement.js'
import { type Cell, ENGINE_NAMES, namedTest, OTHER, sourceOf, TRANSPORT_NAMES, type Verdict } from './verdict.js'

/** What stands in the last columns of a row: by other tests, with the native engine, with the dgram engine. */
export type Results = readonly [other: string, native: string, dgram: string]

export interface Page {
  /** When and on what: a sentence. */
  readonly origin: string
  readonly resultsOf: (list: RequirementList, row: Requirement) => Results
  readonly exists: (path: string) => boolean
}

const PASSED = '✓'
const FAILED = '✗'
const SKIPPED = '–'
const ABSENT = '○'
const OPEN = 'open'
const NOT_RUN: Results = ['not run yet', '', '']
const ORIGIN = 'Results of '
/** Of a section or an appendix, before what is said of a step. */
const NUMBER = /^(?:\d+|[A-Z])(?:\.\d+)*(?![\w])/

export function resultsOf({ row, state, cells }: Verdict): Results {
  if (row.isOpen) return [OPEN, '', '']
  if (state === 'missing') return [`${FAILED} a test is missing`, '', '']
  if (state === 'not run') return NOT_RUN
  const other = cells.get(OTHER)
  const isInSuite = [...cells.keys()].some((column) => column !== OTHER)
  const [native, dgram] = ENGINE_NAMES.map((engine) => (isInSuite ? engineCell(engine, cells) : ''))
  return [other === undefined ? '' : `${markOf(other)}${reasonOf(other)}`, native, dgram]
}

function engineCell(engine: string, cells: ReadonlyMap<string, Cell>): string {
  const groups = new Map<string, string[]>()
  for (const transport of TRANSPORT_NAMES) {
    const cell = cells.get(`${engine} ${transport}`)
    const key = `${markOf(cell)}|${reasonOf(cell)}`
    groups.set(key, [...(groups.get(key) ?? []), transport])
  }
  const texts = [...groups].map(([key, transports]) => {
    const [mark, reason] = key.split('|')
    return `${mark} ${transports.join(' ')}${reason}`
  })
  return texts.join('<br>')
}

function markOf(cell: Cell | undefined): string {
  if (cell === undefined) return ABSENT
  return { passed: PASSED, failed: FAILED, skipped: SKIPPED }[cell.outcome]
}

function reasonOf(cell: Cell | undefined): string {
  return cell?.outcome === 'skipped' ? ` (${cell.reason.replaceAll('|', '/')})` : ''
}

/** Of a page that was written before: its results by row, and its origin; a row whose words have changed has none. */
export function pageBefore(text: string): Pick<Page, 'origin' | 'resultsOf'> {
  const known = new Map<string, Results>()
  let title = ''
  for (const line of text.split('\n')) {
    title = /^## (.*)$/.exec(line)?.[1] ?? title
    const [, section, level, requirement, other, native, dgram] = line.split('|').map((cell) => cell.trim())
    if (dgram !== undefined) known.set(keyOf(title, section, level, requirement), [other, native, dgram])
  }
  return {
    origin:
      text
        .split('\n')
        .find((line) => line.startsWith(ORIGIN))
        ?.slice(ORIGIN.length) ?? 'no run yet.',
    resultsOf: (list, row) => {
      if (row.isOpen) return [OPEN, '', '']
      const results = known.get(keyOf(list.title, sectionCell(list, row), row.level, requirementCell(row)))
      return results === undefined || results[0] === OPEN ? NOT_RUN : results
    },
  }
}

function keyOf(...cells: readonly string[]): string {
  return cells.join('|')
}

/** The rows of a page without their results: what must agree with the registry. */
export function rowsOfPage(text: string): string[] {
  const lines = text.split('\n').filter((line) => /^\| [^|]* \| (?:MUST|SHOULD|MAY|turnd) \|/.test(line))
  return lines.map((line) => {
    const cells = line.split('|')
    return [...cells.slice(1, 4), cells[7]].map((cell) => cell.trim()).join(' | ')
  })
}

type Count = { passed: number; failed: number; skipped: number; open: number; other: number }

function countOf(results: readonly Results[]): Count {
  const count = { passed: 0, failed: 0, skipped: 0, open: 0, other: 0 }
  for (const cells of results) {
    const text = cells.join(' ')
    if (cells[0] === OPEN) count.open++
    else if (text.includes(FAILED)) count.failed++
    else if (text.includes(PASSED)) count.passed++
    else if (text.includes(SKIPPED)) count.skipped++
    else count.other++
  }
  return count
}

/** The whole page. */
export function conformancePage(lists: readonly RequirementList[], page: Page): string {
  return `${[HEAD, `${ORIGIN}${page.origin}`, summary(lists, page), openRows(lists), HOW_TO_READ, ...lists.map((list) => section(list, page))].join('\n\n')}\n`
}

const HEAD = `# Conformance

What the RFCs ask of a STUN and TURN server, requirement by requirement, the tests that show it, and what they said. Written by
\`npm run conformance -- --write\` from the rows in \`test/conformance/requirements\`: do not edit it here.`

const HOW_TO_READ = `## How to read the tables

- **other tests**: those that need no engine or transport in particular: the core with a clock of its own, the codec, a whole server, real clients.
- **native**, **dgram**: the conformance suite with a server on that engine, over real sockets, by the client's transport.
- ${PASSED} shown · ${FAILED} failed · ${SKIPPED} does not apply, or this machine could not, with the reason · ${ABSENT} not run there, since the code is that of where it was (\`npm run conformance -- --long\` runs all), or an engine has no such test, as the limit says ·
  an empty cell: the requirement has no test of that kind, and needs none.
- Level is the RFC's word; *turnd* is what this server promises where no RFC says so. *Limit* is what holds with a reservation, *open* what is not done or not shown, and why.
- A requirement without a test does not compile; one whose test has gone fails \`npm test\`.`

function summary(lists: readonly RequirementList[], page: Page): string {
  const lines = lists.map((list) => {
    const count = countOf(list.rows.map((row) => page.resultsOf(list, row)))
    return summaryLine(`[${list.title}](#${anchorOf(list.title)})`, list.rows.length, count)
  })
  const all = lists.flatMap((list) => list.rows.map((row) => page.resultsOf(list, row)))
  const head =
    '| document | requirements | shown | open | failed | not on this machine | not run yet |\n|---|--:|--:|--:|--:|--:|--:|'
  return [head, ...lines, summaryLine('all', all.length, countOf(all))].join('\n')
}

function summaryLine(name: string, length: number, { passed, open, failed, skipped, other }: Count): string {
  return `| ${[name, length, ...[passed, open, failed, skipped, other].map((n) => n || '')].join(' | ')} |`
}

function openRows(lists: readonly RequirementList[]): string {
  const parts = lists.flatMap((list) => {
    const open = list.rows.filter(({ isOpen }) => isOpen)
    const lines = open.map((row) => `- ${sectionText(row)}, ${row.level}: ${row.requirement} *${reasonText(row)}*`)
    return open.length === 0 ? [] : [`[${list.title}](#${anchorOf(list.title)})`, lines.join('\n')]
  })
  return ['## What is open', ...(parts.length === 0 ? ['Nothing.'] : parts)].join('\n\n')
}

function section(list: RequirementList, page: Page): string {
  const head = '| section | level | requirement | other tests | native | dgram | tests |\n|---|---|---|---|---|---|---|'
  const rows = list.rows.map((row) => {
    const cells = [sectionCell(list, row), row.level, requirementCell(row), ...page.resultsOf(list, row)]
    return `| ${[...cells, testsCell(row, page.exists)].join(' | ')} |`
  })
  const source = list.url === null ? '' : `[The text](${list.url}). `
  const note = `${source}${list.note ?? ''}`.trim()
  return [`## ${list.title}`, ...(note === '' ? [] : [note]), [head, ...rows].join('\n')].join('\n\n')
}

function sectionCell(list: RequirementList, row: Requirement): string {
  const number = NUMBER.exec(row.section)?.[0]
  if (number === undefined || !list.url?.includes('/rfc/rfc')) return sectionText(row)
  return `[${sectionText(row)}](${list.url}#${/^\d/.test(number) ? 'section' : 'appendix'}-${number})`
}

function sectionText({ section }: Requirement): string {
  return /^\d/.test(section) ? `§${section}` : section
}

function requirementCell(row: Requirement): string {
  if (row.remark === null) return row.requirement
  return `${row.requirement} *${row.isOpen ? 'Open' : 'Limit'}: ${reasonText(row)}*`
}

function reasonText({ remark }: Requirement): string {
  return `${remark}${remark?.endsWith('.') ? '' : '.'}`
}

/** Files and titles, not links: the npm package has this page and no tests. */
function testsCell({ tests }: Requirement, exists: (path: string) => boolean): string {
  const byFile = new Map<string, string[]>()
  for (const test of tests.map(namedTest)) {
    const path = sourceOf(test, exists) ?? `test/${test.file}.test.ts`
    byFile.set(path, [...(byFile.get(path) ?? []), ...(test.titles.length === 0 ? [] : [test.titles.join(' › ')])])
  }
  const texts = [...byFile].map(([path, titles]) => {
    const text = titles.map((title) => title.replaceAll('|', '/').replaceAll('<', '&lt;')).join('; ')
    return `\`${path}\`${text === '' ? '' : `: ${text}`}`
  })
  return texts.join('<br>')
}

/** What shows Markdown on the web makes it of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}
