// The results of tests by their titles, out of the TAP of a run (scripts/test-files.mjs): a file is a subtest, and so is every test in it.
import { Parser, type Result } from 'tap-parser'

export type Outcome = 'passed' | 'failed' | 'skipped'

export interface TestResult {
  /** From the project's root: `test/turn/allocate.test.ts`. */
  readonly file: string
  /** From the outermost title to its own; none is the file itself. */
  readonly titles: readonly string[]
  /** A group whose tests were all skipped is skipped. */
  readonly outcome: Outcome
  /** Of a skipped one. */
  readonly reason: string
}

/** Each test after those inside it. */
export function testResults(tap: string): TestResult[] {
  const parser = new Parser()
  const results = followResults(parser)
  parser.end(tap)
  return results
}

/** The same of what somebody else reads with this parser: whole when that ends. */
export function followResults(parser: Parser): TestResult[] {
  const results: TestResult[] = []
  watch(parser, [], results)
  return results
}

/** @returns the outcomes of what is directly inside, as they come */
function watch(parser: Parser, above: readonly string[], results: TestResult[]): TestResult[] {
  const inside: TestResult[] = []
  let insideOfChild: TestResult[] | null = null
  parser.on('child', (child: Parser) => {
    // Unlike the name of a point, this is as TAP has escaped it.
    insideOfChild = watch(child, [...above, child.name.replaceAll('\\#', '#')], results)
  })
  parser.on('assert', (point: Result) => {
    const within = insideOfChild
    insideOfChild = null
    // An assertion has nothing inside it; a test that is skipped has not either.
    if (within === null && !point.skip) return
    const result = resultOf([...above, point.name], point, within ?? [])
    inside.push(result)
    results.push(result)
  })
  return inside
}

function resultOf(path: readonly string[], point: Result, within: readonly TestResult[]): TestResult {
  const [file, ...titles] = path
  const named = { file: sourceOf(file), titles }
  if (point.skip) return { ...named, outcome: 'skipped', reason: String(point.skip) }
  if (!point.ok) return { ...named, outcome: 'failed', reason: '' }
  const isSkipped = within.length > 0 && within.every(({ outcome }) => outcome === 'skipped')
  return { ...named, outcome: isSkipped ? 'skipped' : 'passed', reason: isSkipped ? within[0].reason : '' }
}

function sourceOf(compiled: string): string {
  return compiled.replace(/^build\/(test\/.*)\.js$/, '$1.ts')
}
