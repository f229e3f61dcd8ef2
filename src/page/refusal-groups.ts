// Refusals by reason: those of one reason share meaning and remedy, and are told once. Pure.
import type { WhyRefusal } from '../admin/schema/why.js'

export interface RefusalGroup {
  readonly reason: string
  readonly meaning: string
  readonly remedy: string
  readonly count: number
  /** The one that happened last first. */
  readonly entries: readonly WhyRefusal[]
}

/** The reason that happened last first. */
export function groupRefusals(refusals: readonly WhyRefusal[]): RefusalGroup[] {
  const byReason = new Map<string, WhyRefusal[]>()
  for (const refusal of refusals) {
    const entries = byReason.get(refusal.reason)
    if (entries === undefined) byReason.set(refusal.reason, [refusal])
    else entries.push(refusal)
  }
  const groups = [...byReason.values()].map((entries) => {
    const { meaning, reason, remedy } = entries[0]
    const sorted = entries.sort((a, b) => Date.parse(b.lastTime) - Date.parse(a.lastTime))
    return { reason, meaning, remedy, count: sum(entries), entries: sorted }
  })
  return groups.sort((a, b) => Date.parse(b.entries[0].lastTime) - Date.parse(a.entries[0].lastTime))
}

function sum(entries: readonly WhyRefusal[]): number {
  return entries.reduce((total, { count }) => total + count, 0)
}
