// What GET /api/v1/refusals answers, as far as the page shows it: the report of `turnd why`. Times are ISO 8601.

export interface WhyQuery {
  readonly user?: string
  readonly source?: string
  readonly reason?: string
  readonly sinceSeconds?: number
}

export interface WhyRefusal {
  readonly reason: string
  readonly user: string
  readonly source: string
  readonly port: number
  readonly peer: string
  readonly method: string
  readonly code: number
  readonly count: number
  readonly firstTime: string
  readonly lastTime: string
  readonly meaning: string
  readonly remedy: string
}

export interface WhyDrop {
  readonly reason: string
  readonly count: number
  readonly meaning: string
  readonly remedy: string
}

export interface WhyAllocations {
  readonly user: string
  readonly source: string
  readonly count: number
  readonly liveCount: number
  readonly firstTime: string
  readonly lastTime: string
  readonly endedCount: number
  readonly packetsFromClient: number
  readonly packetsToClient: number
}

export interface WhyReport {
  readonly time: string
  readonly startTime: string
  readonly refusals: readonly WhyRefusal[]
  readonly leftOutCount: number
  readonly others: Readonly<Record<string, number>>
  readonly unknownUsers: readonly string[]
  readonly totals: Readonly<Record<string, number>>
  readonly undescribed: Readonly<Record<string, number>>
  readonly drops: readonly WhyDrop[]
  readonly allocations: readonly WhyAllocations[]
}

/** The refusals of one reason, which share meaning and remedy. */
export interface RefusalGroup {
  readonly reason: string
  readonly meaning: string
  readonly remedy: string
  readonly count: number
  readonly entries: readonly WhyRefusal[]
}

/** By reason, the one that happened last first, as its entries are. */
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
