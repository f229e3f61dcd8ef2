// The table of docs/metrics.md from src/admin/metrics.ts; the rest of the page is written by hand. Used by docs.mjs and by test/admin/metrics.test.ts.

const BEGIN = '<!-- Written by `npm run docs` from src/admin/metrics.ts: do not edit. -->'
const END = '<!-- The end of what is written. -->'

/** @param text the page; @param metrics the table. Returns the page with the table as it is now */
export function metricsPage(text, metrics) {
  const [start, end] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (start < 0 || end < start)
    throw new Error(`docs/metrics.md has no place for the table, from "${BEGIN}" to "${END}"`)
  const rows = metrics.map(({ help, labels, name, type }) => {
    const told = Object.entries(labels).map(([label, meaning]) => `\`${label}\`: ${meaning}`)
    return `| \`${name}\` | ${type} | ${told.join('; ')} | ${help} |`
  })
  const table = [BEGIN, '', '| metric | type | labels | what it is |', '|---|---|---|---|', ...rows, '', END]
  return `${text.slice(0, start)}${table.join('\n')}${text.slice(end + END.length)}`
}
