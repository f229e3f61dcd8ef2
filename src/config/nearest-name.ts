// Finds the name that somebody probably meant: for unknown options, keys and variables.
import { OPTIONS, type Option } from './options.js'

/** The name nearest to `given`, or null when none is near enough to be worth a suggestion. */
export function nearestName(given: string, names: readonly string[]): string | null {
  let nearest: string | null = null
  let nearestDistance = Math.max(1, Math.floor(given.length * 0.4)) + 1
  for (const name of names) {
    const distance = isWordPrefix(given, name) ? 1 : editDistance(given, name)
    if (distance < nearestDistance) {
      nearest = name
      nearestDistance = distance
    }
  }
  return nearest
}

/** The option nearest to a name in any spelling (`minprt`, `min_port`, `minPort`, coturn's `total-quota`), or null. */
export function nearestOption(given: string): { option: Option; isCoturnName: boolean } | null {
  const name = given
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replaceAll('_', '-')
    .toLowerCase()
  const ofCoturn = OPTIONS.find((option) => option.name !== name && option.coturn.includes(name))
  if (ofCoturn) return { option: ofCoturn, isCoturnName: true }
  const names = OPTIONS.map((option) => option.name)
  const nearest = nearestName(name, names)
  return nearest === null ? null : { option: OPTIONS[names.indexOf(nearest)], isCoturnName: false }
}

/** One is the other up to a dash: `log` and `log-level`. */
function isWordPrefix(a: string, b: string): boolean {
  return a.startsWith(`${b}-`) || b.startsWith(`${a}-`)
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let previous: number[] = []
  let current = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const next = [row]
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1]
      let cost = Math.min(current[column] + 1, next[column - 1] + 1, current[column - 1] + (isSame ? 0 : 1))
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (isSwap) cost = Math.min(cost, previous[column - 2] + 1)
      next.push(cost)
    }
    previous = current
    current = next
  }
  return current[b.length]
}
