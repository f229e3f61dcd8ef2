// What a run of the tests says of the requirements: each row is judged by the results of the tests that it names.
import type { Requirement } from '../requirements/requirement.js'
import type { Outcome, TestResult } from './test-titles.js'

/** `missing`: its file was run, and no such test was in it. `not run`: a file that it names was not. */
export type State = 'passed' | 'failed' | 'skipped' | 'open' | 'missing' | 'not run'

/** Of a row with one engine over one transport, or with all else (`other`). */
export interface Cell {
  readonly outcome: Outcome
  readonly reason: string
}

export interface Verdict {
  readonly row: Requirement
  readonly state: State
  /** By `native UDP`, or `other`: what came out there, the worst of several. Absent: no test of the row was there. */
  readonly cells: ReadonlyMap<string, Cell>
  /** Tests that are missing, failed, or skipped with the reason: a sentence each. */
  readonly problems: readonly string[]
}

export const ENGINE_NAMES = ['native', 'dgram'] as const
export const TRANSPORT_NAMES = ['UDP', 'TCP', 'TLS', 'DTLS'] as const
export const OTHER = 'other'
/** The files of the suite, `native-udp` and so on. */
export const SUITE_FILES: readonly string[] = ENGINE_NAMES.flatMap((engine) =>
  TRANSPORT_NAMES.map((transport) => `test/conformance/${engine}-${transport.toLowerCase()}.test.ts`),
)
const SUITE_TITLE = /^conformance of the (\w+) engine over (\w+)(?: without \w+)?$/
const SEPARATOR = ' > '

/** What a row names. */
export interface NamedTest {
  /** `turn/allocate` */
  readonly file: string
  readonly titles: readonly string[]
}

export function namedTest(text: string): NamedTest {
  const [file, ...titles] = text.split(SEPARATOR)
  return { file, titles }
}

/** The source of a named file: a section of the suite, or a test file. */
export function sourceOf({ file }: NamedTest, exists: (path: string) => boolean): string | null {
  const paths = [`test/${file}.test.ts`, ...(file.startsWith('conformance/') ? [`test/${file}.ts`] : [])]
  return paths.find(exists) ?? null
}

/** The results of a run, ready to be asked for tests by name. */
export class Run {
  /** By file; those of the suite by its sections' titles, with the column. */
  readonly #byFile = new Map<string, TestResult[]>()
  readonly #suite: { readonly column: string; readonly result: TestResult }[] = []
  /** All files of the suite were in it: what was not seen does not exist. */
  readonly #hasWholeSuite: boolean

  constructor(results: readonly TestResult[]) {
    for (const result of results) {
      const known = this.#byFile.get(result.file)
      if (known === undefined) this.#byFile.set(result.file, [result])
      else known.push(result)
      const [, engine, transport] = SUITE_TITLE.exec(result.titles[0] ?? '') ?? []
      if (engine === undefined) continue
      const inSuite = { ...result, titles: result.titles.slice(1) }
      this.#suite.push({ column: `${engine} ${transport}`, result: inSuite })
    }
    this.#hasWholeSuite = SUITE_FILES.every((file) => this.#byFile.has(file))
  }

  judge(row: Requirement): Verdict {
    const cells = new Map<string, Cell>()
    const problems: string[] = []
    const states = new Set<State>()
    for (const text of row.tests) {
      const found = this.#find(namedTest(text))
      for (const { column, result } of found.matches) cells.set(column, worse(cells.get(column), result))
      states.add(found.state)
      if (found.state === 'missing') problems.push(`no test is named ${text}`)
      if (found.state === 'failed') problems.push(`failed: ${text}`)
      if (found.state === 'skipped') problems.push(`skipped (${found.matches[0].result.reason}): ${text}`)
    }
    return { row, state: row.isOpen ? 'open' : stateOf(states), cells, problems }
  }

  #find(test: NamedTest): { state: State; matches: { column: string; result: TestResult }[] } {
    const single = this.#byFile.get(`test/${test.file}.test.ts`)
    const isSection = single === undefined && test.file.startsWith('conformance/')
    const all = isSection ? this.#suite : (single ?? []).map((result) => ({ column: OTHER, result }))
    const wasRun = isSection ? this.#hasWholeSuite : single !== undefined
    const matches = matching(all, test.titles)
    if (matches.length === 0) return { state: wasRun ? 'missing' : 'not run', matches }
    const outcomes = new Set(matches.map(({ result }) => result.outcome))
    const state = outcomes.has('failed') ? 'failed' : outcomes.has('passed') ? 'passed' : 'skipped'
    return { state, matches }
  }
}

/** The worst of what its tests came to. */
function stateOf(states: ReadonlySet<State>): State {
  const order: readonly State[] = ['missing', 'failed', 'not run', 'skipped']
  return order.find((state) => states.has(state)) ?? 'passed'
}

function worse(known: Cell | undefined, { outcome, reason }: TestResult): Cell {
  const rank = { failed: 0, passed: 1, skipped: 2 }
  return known !== undefined && rank[known.outcome] <= rank[outcome] ? known : { outcome, reason }
}

type Placed = { readonly column: string; readonly result: TestResult }

/** Those of these titles; else those whose titles begin so; with them the skipped groups that would have had them. */
function matching(all: readonly Placed[], titles: readonly string[]): Placed[] {
  const ofLength = all.filter(({ result }) => result.titles.length === titles.length)
  const exact = ofLength.filter(({ result }) => titles.every((title, i) => result.titles[i] === title))
  const found =
    exact.length > 0
      ? exact
      : ofLength.filter(({ result }) => titles.every((title, i) => begins(result.titles[i], title)))
  const skippedAbove = all.filter(
    ({ result }) =>
      result.outcome === 'skipped' &&
      result.titles.length < titles.length &&
      result.titles.every((title, i) => begins(title, titles[i])),
  )
  return [...found, ...skippedAbove]
}

/** At the end of a word. */
function begins(title: string, beginning: string): boolean {
  return title.startsWith(beginning) && !/^\w/.test(title.slice(beginning.length))
}
