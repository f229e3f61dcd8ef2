// What a case of the bench has to say: tables for people, data for programs, bars for the chart, rows for the table of targets.
import type { Spread } from './statistics.js'
import type { Table } from './table.js'

/** One server as a multiple of another. */
export interface Multiple extends Spread {
  /** Other programs used the bench's cores in every round. */
  readonly isDisturbed: boolean
}

/** How many times better turnd is than coturn, whatever "better" means for this row: above 1 turnd is ahead. */
export interface Ratio extends Multiple {
  readonly name: string
  /** null: measured, but not promised. */
  readonly target: number | null
}

/** A row of the table of targets. */
export interface TargetRow {
  readonly what: string
  readonly target: string
  readonly measured: string
  readonly isMet: boolean
}

export interface Section {
  readonly text: string
  readonly table: Table | null
}

export interface Report {
  readonly sections: readonly Section[]
  readonly data: unknown
  readonly ratios: readonly Ratio[]
  readonly targets: readonly TargetRow[]
}

export function targetTable(rows: readonly TargetRow[]): Table {
  return {
    head: ['what', 'target', 'measured', 'met'],
    rows: rows.map((row) => [row.what, row.target, row.measured, row.isMet ? 'yes' : 'NO']),
  }
}

/** The row for a ratio that has a target. */
export function ratioTarget(ratio: Ratio, detail = ''): TargetRow[] {
  if (ratio.target === null) return []
  return [
    {
      what: ratio.name,
      target: `≥ ${ratio.target} × coturn`,
      measured: `${formatRatio(ratio)}${detail}`,
      isMet: ratio.median >= ratio.target,
    },
  ]
}

/** 4.31 × (4.02–4.55) */
export function formatRatio({ low, median, high, isDisturbed }: Multiple): string {
  return `${median.toFixed(2)} × (${low.toFixed(2)}–${high.toFixed(2)})${isDisturbed ? ' disturbed' : ''}`
}
