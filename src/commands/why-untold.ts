// What a server's report cannot say whose it was: counted only, dropped before anybody looked, or forgotten. Used by why-text.ts, which denies
// nothing that may be among it.

import type { WhyFilter, WhyReport } from '../admin/schema/why.js'
import { REFUSAL_REASONS } from '../log/refusals.js'

/** What happened, and whose it was nobody knows any more: to deny that it is what is looked for would be a guess. */
export function untoldLines(report: WhyReport, filter: WhyFilter): string[] {
  const { allocationEntriesForgotten, allocations, drops, undescribed } = report
  const isOfSomebody = filter.user !== undefined || filter.source !== undefined
  // Other drops are no request's, unless somebody asks for them.
  const mayBe = drops.filter(({ reason }) => isNameless(reason) || filter.reason !== undefined)
  // A connection that was closed before it asked for anything has named nobody.
  const refused = Object.entries(undescribed).filter(
    ([reason]) => filter.user === undefined || filter.reason !== undefined || isRefusal(reason),
  )
  const counts = [...refused.map(([, count]) => count), ...(isOfSomebody ? mayBe.map(({ count }) => count) : [])]
  const count = counts.reduce((sum, each) => sum + each, 0)
  const lines: string[] = []
  if (count > 0) {
    const were = count === 1 ? '1 refusal or drop was' : `${count} refusals and drops were`
    lines.push(
      `It may have happened all the same: ${were} only counted since the start, of all clients together, and this may be among them.`,
    )
  }
  const isAllocation = isOfSomebody && filter.reason === undefined && allocations.length === 0
  if (isAllocation && allocationEntriesForgotten > 0) {
    const whose = allocationEntriesForgotten === 1 ? 'one client' : `${allocationEntriesForgotten} clients`
    lines.push(`Of ${whose} that got allocations, longest ago, nothing is remembered: there were too many.`)
  }
  return lines
}

/** Counts since the start, of all clients. Where everything is asked for, the groups of their reasons have them, and the drops their own. */
export function aboutUntold({ drops, refusals, undescribed }: WhyReport, filter: WhyFilter): string[] {
  const isTold = (reason: string) => isOfAll(filter) && refusals.some((one) => one.reason === reason)
  const hidden = Object.entries(undescribed).filter(([reason]) => !isTold(reason))
  const lines: string[] = []
  if (hidden.length > 0) {
    const list = hidden.map(([reason, count]) => `${reason} ${count}`).join(', ')
    lines.push(`Only counted since the start, whoever they were of, because there were too many: ${list}.`)
  }
  const nameless = filter.user === undefined ? [] : drops.filter(({ reason }) => isNameless(reason))
  if (nameless.length > 0) {
    const list = nameless.map(({ count, reason }) => `${reason} ${count}`).join(', ')
    lines.push(`Dropped since the start before anybody looked whose they were: ${list}. Ask for the address: --source.`)
  }
  return lines
}

/** Of everybody, since the start. */
export function isOfAll({ sinceSeconds, source, user }: WhyFilter): boolean {
  return sinceSeconds === undefined && source === undefined && user === undefined
}

/** Of a request, which may have named somebody. */
export function isRefusal(reason: string): boolean {
  return Object.hasOwn(REFUSAL_REASONS, reason)
}

/** Requests of somebody that got no answer, and of which no name is kept. */
export function isNameless(reason: string): boolean {
  return reason === 'reply-limit' || reason === 'failure-budget'
}
