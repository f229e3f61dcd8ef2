// Reads the raw TAP of a whole test run: one progress line per test file, the failures in full, and the totals.
// Called by scripts/test.mjs. What is counted are tests, the innermost `t.test`s (or a file without any), not assertions:
// a loop with a thousand assertions is still one test.
import { Parser } from 'tap-parser'

// A property that fails in a loop would bury everything else.
const PRINTED_PER_FILE_MAX = 8
/** At the end of the run: those with their details, and the lines of each. */
const REPEATED_MAX = 12
const REPEATED_LINES_MAX = 20

/**
 * Follows a TAP stream. `write` and `end` feed it; `print` receives the lines for the reader.
 * After `end`, `totals` holds { passed, failed, skipped, todo, files, skips, failures }.
 */
export class TapResults {
  constructor(print) {
    this.totals = { passed: 0, failed: 0, skipped: 0, todo: 0, files: [], skips: [], failures: [] }
    this.print = print
    this.parser = new Parser()
    this.counts = new Map()
    this.printedCount = 0
    this.watch(this.parser, 0)
  }

  write(chunk) {
    this.parser.write(chunk)
  }

  end() {
    this.parser.end()
    const { passed, failed, skipped, todo } = this.countsOf(this.parser)
    Object.assign(this.totals, { passed, failed, skipped, todo })
  }

  countsOf(parser) {
    if (!this.counts.has(parser)) {
      this.counts.set(parser, { passed: 0, failed: 0, skipped: 0, todo: 0, hasSubtests: false, hasFailure: false })
    }
    return this.counts.get(parser)
  }

  watch(parser, depth) {
    const counts = this.countsOf(parser)
    let subtest = null
    parser.on('child', (child) => {
      subtest = child
      counts.hasSubtests = true
      this.watch(child, depth + 1)
    })
    parser.on('assert', (point) => {
      const inner = subtest && this.countsOf(subtest)
      subtest = null
      // A failed subtest repeats the failure of what is inside it: only the innermost is worth printing.
      if (!point.ok && !point.todo && !point.skip) {
        if (!inner?.hasFailure) this.fail(point)
        counts.hasFailure = true
      }
      if (inner) {
        const own = this.close(point, inner)
        for (const kind of ['passed', 'failed', 'skipped', 'todo']) counts[kind] += own[kind]
        if (depth === 0) this.finishFile(point, own)
      } else if (point.skip) {
        this.skip(point, counts)
      } else if (point.todo) {
        counts.todo++
      } else if (!point.ok && depth === 0) {
        counts.failed++
      }
    })
  }

  /** The counts of a subtest, once its closing test point is known. */
  close(point, counts) {
    if (point.skip) {
      // A file without a single test proves nothing: it counts as a failure.
      if (point.skip === 'no tests found') return { passed: 0, failed: 1, skipped: 0, todo: 0 }
      this.skip(point, counts)
    } else if (point.todo) {
      counts.todo++
    } else if (!counts.hasSubtests && counts.skipped === 0) {
      counts[point.ok ? 'passed' : 'failed'] = 1
    } else if (!point.ok && counts.failed === 0) {
      counts.failed = 1
    }
    return counts
  }

  skip(point, counts) {
    counts.skipped++
    this.totals.skips.push({ name: sourceName(point.fullname), reason: String(point.skip) })
  }

  fail(point) {
    const failure = { name: sourceName(point.fullname), details: describe(point.diag) }
    this.totals.failures.push(failure)
    if (++this.printedCount <= PRINTED_PER_FILE_MAX) this.printFailure(failure)
  }

  /** All of them once more, for the end of the run: of a long output, that is what records keep. */
  repeatFailures() {
    for (const failure of this.totals.failures.slice(0, REPEATED_MAX)) this.printFailure(failure, REPEATED_LINES_MAX)
    for (const { name } of this.totals.failures.slice(REPEATED_MAX)) this.print(`  FAILED ${name}`)
  }

  printFailure({ name, details }, lineCountMax = Number.POSITIVE_INFINITY) {
    const lines = details.split('\n')
    const rest = lines.length > lineCountMax ? [`… ${lines.length - lineCountMax} more lines above`] : []
    const shown = [...lines.slice(0, lineCountMax), ...rest].map((line) => `    ${line}`)
    this.print([`  FAILED ${name}`, ...shown].join('\n'))
  }

  finishFile(point, counts) {
    const name = sourceName(point.name)
    const seconds = Math.round(point.time ?? 0) / 1000
    const { passed, failed, skipped, todo } = counts
    this.totals.files.push({ name, seconds, passed, failed, skipped, todo })
    const parts = [`${counts.passed} passed`]
    for (const kind of ['failed', 'skipped', 'todo']) if (counts[kind] > 0) parts.push(`${counts[kind]} ${kind}`)
    const unprintedCount = this.printedCount - PRINTED_PER_FILE_MAX
    if (unprintedCount > 0)
      this.print(`  … and ${unprintedCount} more failures in this file: see build/test-results.tap`)
    this.printedCount = 0
    this.print(`  ${counts.failed > 0 ? 'not ok' : 'ok    '} ${name}: ${parts.join(', ')} (${seconds.toFixed(1)} s)`)
  }
}

function sourceName(fullname) {
  return fullname.replace(/^build\/(test\/\S+)\.js/, '$1.ts')
}

function describe(diag) {
  if (!diag) return '(no details)'
  const lines = []
  if (diag.at?.fileName) lines.push(`at ${diag.at.fileName}:${diag.at.lineNumber}:${diag.at.columnNumber}`)
  for (const [key, value] of Object.entries(diag)) {
    if (['at', 'source', 'stdio', 'cwd', 'args', 'command', 'jobId', 'externalID', 'compare'].includes(key)) continue
    if (value === null || value === '') continue
    lines.push(`${key}: ${typeof value === 'string' ? value.trimEnd() : JSON.stringify(value, null, 2)}`)
  }
  return lines.join('\n')
}
