// Tables as text: aligned for a terminal, and the same lines are valid Markdown for docs/performance.md.

export interface Table {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** The first column is text, the others are numbers and stand to the right. */
export function formatTable(table: Table): string {
  const lines = [table.head, ...table.rows]
  const widths = table.head.map((_, column) => Math.max(3, ...lines.map((line) => line[column].length)))
  const row = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join(' | ')} |`
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  return [row(table.head), rule, ...table.rows.map(row)].join('\n')
}

/** 1234567 → 1,234,567 */
export function formatCount(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** 0.054 → 5 % */
export function formatPercent(share: number, digits = 0): string {
  return `${(share * 100).toFixed(digits)} %`
}
