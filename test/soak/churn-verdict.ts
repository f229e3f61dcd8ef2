// What a churn has left behind, row by row: before, at the peak and afterwards, and whether that is as it must be.
//
// The bounds. Whatever is counted (files, sockets, ports, allocations, places, timers, handles) must be no more than it was: one thing too many after a million
// cycles is a leak. V8's heap is not that exact: functions are compiled and their types learnt for as long as rare cases come up for the first time,
// half a megabyte in all; so a thread may have HEAP_GROWTH_MAX more, whatever the number of cycles. In a million of them that is a byte or two each, and no
// object is that small; in a few thousand it is less than an allocation with its relay and its permissions. What the process has of memory beyond the heaps moves
// with what V8 and malloc keep for later: that bound finds what neither heaps nor counts show, and only in long runs.
import type { ChurnReport, Look } from './churn.js'
import type { CoreInsight } from './insight-questions.js'

export const HEAP_GROWTH_MAX = 1.5e6
const RESIDENT_GROWTH_MAX = 150e6

export interface Row {
  readonly name: string
  readonly before: string
  readonly peak: string
  readonly after: string
  /** What `after` must be, in words. */
  readonly bound: string
  readonly isHeld: boolean
}

/** What every cycle gives back. */
const COUNTED: readonly { readonly name: string; readonly of: (look: Look) => number }[] = [
  { name: 'open files', of: ({ outside }) => outside.files },
  { name: 'relay sockets, by the kernel', of: ({ outside }) => outside.relaySockets },
  { name: 'relay ports claimed, by the tables', of: shared('claimedPorts') },
  { name: 'allocations', of: summed('allocations') },
  { name: 'allocations being opened', of: summed('openings') },
  { name: 'relays, each in the wheel of expiry', of: summed('relays') },
  { name: 'reservations', of: shared('reservations') },
  { name: 'places of licence and quotas', of: shared('places') },
  { name: 'timers', of: resources((name) => name === 'Timeout') },
  { name: 'handles', of: resources(isHandle) },
]

/** The later one has nothing more of what is counted. */
export function holdsNoMore(later: Look, earlier: Look): boolean {
  return COUNTED.every(({ of }) => of(later) <= of(earlier))
}

export function rowsOf(report: ChurnReport, maxAllocations: number): Row[] {
  const { after, granted, licence, logged } = report
  return [
    ...COUNTED.map(({ name, of }) => counted(report, name, of)),
    ...Object.keys(after.threads).flatMap((name) => [
      memory(report, `heap of ${name}`, (look) => look.threads[name].heapBytes, HEAP_GROWTH_MAX),
      memory(report, `beside the heap of ${name}`, (look) => look.threads[name].externalBytes, HEAP_GROWTH_MAX),
    ]),
    memory(report, 'resident', ({ outside }) => outside.residentBytes, RESIDENT_GROWTH_MAX),
    {
      ...{ name: 'allocations until a refusal', before: '', peak: '' },
      after: `${licence.granted}, then ${licence.refusalCode}`,
      bound: `${maxAllocations}, then 508`,
      isHeld: licence.granted === maxAllocations && licence.refusalCode === 508,
    },
    {
      ...{ name: 'begun and ended, by the log', before: '', peak: '' },
      after: `${logged.created}, ${logged.deleted}`,
      bound: `${granted} each`,
      isHeld: logged.created === granted && logged.deleted === granted,
    },
  ]
}

function counted({ after, before, peak }: ChurnReport, name: string, of: (look: Look) => number): Row {
  const [one, two, three] = [before, peak, after].map(of)
  return { name, before: `${one}`, peak: `${two}`, after: `${three}`, bound: `≤ ${one}`, isHeld: three <= one }
}

function memory(
  { after, before, peak }: ChurnReport,
  name: string,
  of: (look: Look) => number,
  growthMax: number,
): Row {
  const [one, two, three] = [before, peak, after].map(of)
  const isHeld = three <= one + growthMax
  return { name, before: mb(one), peak: mb(two), after: mb(three), bound: `≤ ${mb(one + growthMax)}`, isHeld }
}

/** Of all threads. */
function summed(name: keyof CoreInsight): (look: Look) => number {
  return ({ threads }) => Object.values(threads).reduce((sum, { core }) => sum + (core?.[name] ?? 0), 0)
}

/** In memory that all threads see. */
function shared(name: keyof CoreInsight): (look: Look) => number {
  return ({ threads }) => Math.max(...Object.values(threads).map(({ core }) => core?.[name] ?? 0))
}

function resources(counts: (name: string) => boolean): (look: Look) => number {
  return ({ threads }) =>
    Object.values(threads)
      .flatMap((thread) => Object.entries(thread.resources))
      .reduce((sum, [name, count]) => sum + (counts(name) ? count : 0), 0)
}

/** Sockets and ports of messages. The rest is what is under way at that moment: a line of the log, the next turn of a loop. */
function isHandle(name: string): boolean {
  return /^(?:TCPSocket|TCPServer|UDP|Pipe|TTY)Wrap$|^MessagePort$/.test(name)
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`
}
