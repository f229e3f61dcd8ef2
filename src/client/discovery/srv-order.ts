// The order in which SRV records are tried (RFC 2782): by priority, and among equals by chance, in proportion to their weights.
import type { SrvRecord } from './dns-source.js'

/** @param random as Math.random: at least 0, below 1 */
export function orderSrv(records: readonly SrvRecord[], random: () => number): SrvRecord[] {
  const priorities = [...new Set(records.map(({ priority }) => priority))].sort((a, b) => a - b)
  return priorities.flatMap((priority) =>
    byWeight(
      records.filter((record) => record.priority === priority),
      random,
    ),
  )
}

/** Those of weight 0 stand first in the sum, so that they have a small chance beside others. */
function byWeight(records: readonly SrvRecord[], random: () => number): SrvRecord[] {
  const rest = [...records].sort((a, b) => Math.sign(a.weight) - Math.sign(b.weight))
  const ordered: SrvRecord[] = []
  while (rest.length > 0) {
    const total = rest.reduce((sum, { weight }) => sum + weight, 0)
    // "A uniform random number between 0 and the sum computed (inclusive)".
    const wanted = Math.floor(random() * (total + 1))
    let sum = 0
    const index = rest.findIndex(({ weight }) => {
      sum += weight
      return sum >= wanted
    })
    ordered.push(...rest.splice(index, 1))
  }
  return ordered
}
