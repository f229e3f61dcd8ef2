// The TAP of several test files that shared a process (test-together.mjs), cut into that of each (test-files.mjs).

/** The subtest in which a file is imported. */
export function openingOf(file) {
  return `import ${file}`
}

/**
 * Each file's TAP with its milliseconds, as if it had had a process of its own. A file that was not reached has none.
 * @returns {Map<string, { tap: string, milliseconds: number }>}
 */
export function cutTogether(output) {
  const results = new Map()
  for (const part of output.split(/^(?=# Subtest: import build\/)/m).slice(1)) {
    const file = /^# Subtest: import (\S+)/.exec(part)[1]
    // The import is worth a line where it fails.
    const opening = new RegExp(
      `^# Subtest: ${literal(openingOf(file))}\n(?: .*\n)*ok \\d+ - ${literal(openingOf(file))}.*\n`,
    )
    const times = [...part.matchAll(/^(?:not )?ok \d+ .* # time=([\d.]+)ms/gm)]
    const milliseconds = times.reduce((sum, [, time]) => sum + Number(time), 0)
    results.set(file, { tap: numberedAnew(part.replace(opening, '')), milliseconds })
  }
  return results
}

/** The test points of the part count from 1; the plan and the sums of the whole go. */
function numberedAnew(part) {
  let count = 0
  const points = part
    .replace(/^1\.\.\d+.*\n(?:# .*\n)*/m, '')
    .replace(/^((?:not )?ok) \d+/gm, (_, result) => `${result} ${++count}`)
  return `${points}1..${count}\n`
}

function literal(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
