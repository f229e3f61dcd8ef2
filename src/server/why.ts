// Why a call failed, as one document: what was refused, to whom, how often, what was dropped, and who got through. Made by TurnServer.why,
// which the library offers and `turnd why` asks for over the control socket; so it is plain JSON, and small however much has happened.

import type { WhyAllocations, WhyDrop, WhyFilter, WhyRefusal, WhyReport } from '../admin/schema/why.js'
import { parseRestName } from '../auth/rest-name.js'
import { TurndError } from '../config/errors.js'
import type { ParsedSettings } from '../config/settings.js'
import { WHY_ALLOCATION_COUNT_MAX, WHY_ENTRY_COUNT_MAX } from '../limits/reports.js'
import type { AllocationDigestEntry } from '../log/allocation-digest.js'
import { CONNECTION_REFUSAL_NAMES, CONNECTION_REFUSALS } from '../log/connection-refusals.js'
import { DROP_REASONS, type DropReason } from '../log/drops.js'
import type { DigestEntry, DigestReason } from '../log/refusal-digest.js'
import { REFUSAL_REASON_NAMES, REFUSAL_REASONS } from '../log/refusals.js'
import {
  COUNTER_PACKETS_RECEIVED,
  COUNTER_SEND_QUEUE_DROPS,
  COUNTER_SOCKET_ERRORS,
  COUNTER_STALLED_DROPS,
} from '../net/counters.js'
import { hostAddress } from '../stun/address.js'
import { type Cidr, cidrContains, parseCidr } from '../stun/cidr.js'
import { DROP_NAMES } from '../turn/drop-reasons.js'
import type { Relaying } from './relaying.js'
import type { Reporter } from './reporter.js'
import { occurred } from './server-counters.js'
import { type Totals, totalsOf } from './statistics.js'

export type { WhyFilter, WhyReport } from '../admin/schema/why.js'

/** Whose report it is. */
export interface WhyServer {
  readonly parsed: Pick<ParsedSettings, 'settings' | 'given'>
  /** null before the start and after the end. */
  readonly running: { readonly relaying: Relaying; readonly startTimeMs: number } | null
  readonly reporter: Reporter
}

/** Throws TurndError if the filter makes no sense. */
export function whyReport({ parsed, reporter, running }: WhyServer, filter: WhyFilter): WhyReport {
  const { given, settings } = parsed
  const timeMs = Date.now()
  const totals = running?.relaying.totals() ?? totalsOf([])
  const happened = { ...occurred(REFUSAL_REASON_NAMES, totals.refusals), ...connectionsOf(totals.connectionRefusals) }
  const isAsked = (reason: string) => filter.reason === undefined || reason === filter.reason
  const asked = (counts: Record<string, number>) =>
    Object.fromEntries(Object.entries(counts).filter(([reason]) => isAsked(reason)))
  return {
    pid: process.pid,
    startTime: iso(running?.startTimeMs ?? timeMs),
    time: iso(timeMs),
    engine: running?.relaying.engine ?? null,
    listening: running?.relaying.listeners.map(({ address, scheme }) => `${scheme}:${address}`) ?? [],
    relayPorts: { min: settings.minPort, max: settings.maxPort },
    allocationCount: running?.relaying.allocationCount() ?? 0,
    packetsReceived: totals.engine[COUNTER_PACKETS_RECEIVED],
    ...digested(reporter, filter, settings.authSecretSeparator, timeMs),
    notes: reporter.restAges.notes(given.has('authSecretLifetime') ? settings.authSecretLifetime : null, timeMs),
    totals: asked(happened),
    undescribed: asked(undescribed(totals, happened, reporter)),
    drops: dropsOf(totals).filter(({ reason }) => isAsked(reason)),
  }
}

/** What of the digests matches, and what of them does not. */
function digested({ allocationDigest, refusalDigest }: Reporter, filter: WhyFilter, separator: string, timeMs: number) {
  const { entriesMax = WHY_ENTRY_COUNT_MAX, sinceSeconds = Number.POSITIVE_INFINITY } = filter
  const matches = matcherOf(filter, separator)
  const sinceMs = timeMs - sinceSeconds * 1000
  const recent = refusalDigest.entries().filter(({ lastTimeMs }) => lastTimeMs >= sinceMs)
  const ofReason = recent.filter(({ reason }) => filter.reason === undefined || reason === filter.reason)
  const found = ofReason.filter(matches).sort((a, b) => b.lastTimeMs - a.lastTimeMs || b.count - a.count)
  const shown = found.slice(0, Math.max(0, Math.min(entriesMax, WHY_ENTRY_COUNT_MAX)))
  const unknownUsers = recent.filter((entry) => entry.reason === 'unknown-user' && !matches(entry))
  const allocations = allocationDigest.entries().filter((entry) => entry.lastTimeMs >= sinceMs || entry.liveCount > 0)
  return {
    refusals: shown.map(describeRefusal),
    leftOutCount: found.length - shown.length,
    others: countsOf(ofReason.filter((entry) => !matches(entry))),
    unknownUsers: filter.user === undefined ? [] : [...new Set(unknownUsers.map(({ user }) => user))],
    allocations: allocations.filter(matches).slice(0, WHY_ALLOCATION_COUNT_MAX).map(describeAllocations),
    allocationEntriesForgotten: allocationDigest.forgottenCount,
  }
}

/** Is there such a reason, of whatever kind? */
export function isReason(text: string): boolean {
  return [REFUSAL_REASONS, CONNECTION_REFUSALS, DROP_REASONS].some((catalogue) => Object.hasOwn(catalogue, text))
}

function matcherOf({ entriesMax = 0, reason, sinceSeconds = 0, source, user }: WhyFilter, separator: string) {
  // Whoever comes over the socket or the library may give anything: NaN is no number either.
  if (!(sinceSeconds >= 0)) throw filterError(`sinceSeconds is ${sinceSeconds}: give a number of seconds from 0 on`)
  if (!(entriesMax >= 0)) throw filterError(`entriesMax is ${entriesMax}: give a number of entries from 0 on`)
  if (reason !== undefined && !isReason(reason)) throw filterError(`there is no reason ${JSON.stringify(reason)}`)
  const cidr: Cidr | null = source === undefined ? null : parseCidr(source)
  if (source !== undefined && cidr === null) {
    throw filterError(`${JSON.stringify(source)} is neither an IP address nor a CIDR block`)
  }
  return (entry: { readonly user: string; readonly source: string }): boolean => {
    if (user !== undefined && entry.user !== user && parseRestName(entry.user, separator)?.account !== user)
      return false
    if (cidr === null) return true
    const address = hostAddress(entry.source)
    return address !== null && cidrContains(cidr, address)
  }
}

function filterError(message: string): TurndError {
  return new TurndError('TURND_ERR_OPTION', message)
}

function describeRefusal(entry: DigestEntry): WhyRefusal {
  const { firstTimeMs, lastTimeMs, ...rest } = entry
  return { ...rest, firstTime: iso(firstTimeMs), lastTime: iso(lastTimeMs), ...wordsOf(entry.reason) }
}

function describeAllocations({ firstTimeMs, lastTimeMs, ...rest }: AllocationDigestEntry): WhyAllocations {
  return { ...rest, firstTime: iso(firstTimeMs), lastTime: iso(lastTimeMs) }
}

function wordsOf(reason: DigestReason): { readonly meaning: string; readonly remedy: string } {
  return { ...DROP_REASONS, ...CONNECTION_REFUSALS, ...REFUSAL_REASONS }[reason]
}

function countsOf(entries: readonly DigestEntry[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { count, reason } of entries) counts[reason] = (counts[reason] ?? 0) + count
  return counts
}

/** Held back by workers, forgotten by the digest; and, after reports were lost, whatever has no entry. */
function undescribed(totals: Totals, happened: Record<string, number>, { refusalDigest }: Reporter) {
  const { connectionsHeldBack, heldBack, reportsLost } = totals
  const counts = { ...occurred(REFUSAL_REASON_NAMES, heldBack), ...connectionsOf(connectionsHeldBack) }
  for (const [reason, { count }] of refusalDigest.forgotten()) {
    if (count > 0) counts[reason] = (counts[reason] ?? 0) + count
  }
  if (reportsLost === 0) return counts
  const described = countsOf(refusalDigest.entries())
  for (const [reason, count] of Object.entries(happened)) {
    const rest = count - (described[reason] ?? 0)
    if (rest > 0) counts[reason] = rest
  }
  return counts
}

function connectionsOf(counts: Float64Array): Record<string, number> {
  return occurred(CONNECTION_REFUSAL_NAMES, counts)
}

/** What engines count under names of their own is told with the rest. */
function dropsOf({ drops, engine }: Totals): WhyDrop[] {
  const counts: Record<string, number> = {
    ...occurred(DROP_NAMES, drops),
    'send-queue': engine[COUNTER_SEND_QUEUE_DROPS],
    'stalled-client': engine[COUNTER_STALLED_DROPS],
    'socket-error': engine[COUNTER_SOCKET_ERRORS],
  }
  return (Object.keys(DROP_REASONS) as DropReason[])
    .filter((reason) => counts[reason] > 0)
    .map((reason) => ({ reason, count: counts[reason], ...DROP_REASONS[reason] }))
    .sort((a, b) => b.count - a.count)
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString()
}
