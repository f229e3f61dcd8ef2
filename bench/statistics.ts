// What becomes of repeated measurements.

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** The median of some values, and the smallest and the largest. */
export interface Spread {
  readonly low: number
  readonly median: number
  readonly high: number
}

export function spreadOf(values: readonly number[]): Spread {
  return { low: Math.min(...values), median: median(values), high: Math.max(...values) }
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
