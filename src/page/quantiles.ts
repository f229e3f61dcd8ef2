// What round trips and samples come to: median, 95th percentile, least, mean and most. Pure.

/** The value below which `fraction` of them lie (nearest rank); NaN of none. */
export function quantile(values: readonly number[], fraction: number): number {
  if (values.length === 0) return Number.NaN
  const sorted = [...values].sort((a, b) => a - b)
  const rank = Math.ceil(fraction * sorted.length)
  return sorted[Math.min(sorted.length, Math.max(1, rank)) - 1]
}

export interface Summary {
  readonly last: number
  readonly least: number
  readonly mean: number
  readonly most: number
}

/** Of those that are numbers; null of none. */
export function summary(values: readonly (number | null | undefined)[]): Summary | null {
  let least = Number.POSITIVE_INFINITY
  let most = Number.NEGATIVE_INFINITY
  let sum = 0
  let number = 0
  let last = 0
  for (const value of values) {
    if (value === null || value === undefined || !Number.isFinite(value)) continue
    if (value < least) least = value
    if (value > most) most = value
    sum += value
    number++
    last = value
  }
  return number === 0 ? null : { last, least, mean: sum / number, most }
}
