// Positions in compiled files (build/test/X.js:L:C) as those in their sources, for the output of tests that failed. Node could do it
// (--enable-source-maps), which reads the map of every module at its start: a fifth of what a small test file costs.
import { readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const maps = new Map()

/** Both as stacks and as tap's `at:` have them. */
export function withSourcePositions(text) {
  return text
    .replace(
      /(?:file:\/\/)?([\w./@-]*\bbuild\/[\w./@-]+\.js):(\d+):(\d+)/g,
      (compiled, file, line, column) => sourceOf(file, line, column)?.join(':') ?? compiled,
    )
    .replace(
      /fileName: (\S*\bbuild\/\S+\.js)\n( +)lineNumber: (\d+)\n +columnNumber: (\d+)/g,
      (compiled, file, indent, line, column) => {
        const source = sourceOf(file, line, column)
        if (source === null) return compiled
        return `fileName: ${source[0]}\n${indent}lineNumber: ${source[1]}\n${indent}columnNumber: ${source[2]}`
      },
    )
}

/** File, line and column from 1, or null if nothing is known. */
function sourceOf(file, line, column) {
  const path = resolve(file)
  if (!maps.has(path)) maps.set(path, mapOf(path))
  const entry = maps.get(path)?.findEntry(Number(line) - 1, Number(column) - 1)
  if (entry?.originalSource === undefined) return null
  const source = entry.originalSource.startsWith('file:')
    ? fileURLToPath(entry.originalSource)
    : resolve(path, '..', entry.originalSource)
  return [relative('.', source), entry.originalLine + 1, entry.originalColumn + 1]
}

function mapOf(path) {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${path}.map`, 'utf8')))
  } catch {
    return null
  }
}
