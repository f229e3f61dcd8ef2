// What `turnd why` prints for people: a server's report (server/why.ts) in plain words, the most recent first. Who, how often, since when;
// why; what to do.

import type { WhyAllocations, WhyDrop, WhyFilter, WhyRefusal, WhyReport } from '../admin/schema/why.js'
import { nearestName } from '../config/nearest-name.js'
import { CONNECTION_REFUSALS } from '../log/connection-refusals.js'
import { isRedirection } from '../log/refusals.js'
import { aboutUntold, isNameless, isOfAll, isRefusal, untoldLines } from './why-untold.js'

/** Of one reason; --json has the others. */
const LINES_OF_REASON_MAX = 10
const ALLOCATION_LINES_MAX = 10
const ADDRESSES_SHOWN_MAX = 8

/** Binding requests and first challenges are neither refusals nor anybody's. */
const NOBODY_CAME = [
  'If the client says that it tried, look at DNS, firewalls and port forwarding, and at the address and port that it is told.',
  'Others have reached this server. Whoever gets no answers asks again without a name: then packets arrive, but look at the way back.',
]

const ASK_AGAIN = 'Ask again when the client has tried once more; the log may tell as well.'

/** The lines, whose text from the network has still to be escaped. */
export function whyLines(report: WhyReport, filter: WhyFilter): string[] {
  const sections = [
    [aboutServer(report)],
    aboutRefusals(report, filter),
    aboutConnections(report, filter),
    aboutDrops(report, filter),
    aboutNothing(report, filter),
    aboutAllocations(report, filter),
    aboutTimes(report, filter),
    aboutOthers(report, filter),
  ]
  return sections.filter((lines) => lines.length > 0).flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]))
}

function aboutServer(report: WhyReport): string {
  const { allocationCount, engine, pid, startTime } = report
  const started = `started ${ago(report, startTime)} (${seconds(startTime)})`
  const count = counted(allocationCount, 'allocation')
  return `turnd, process ${pid} (${engine === null ? 'not started yet' : `${engine} engine`}), ${started}, has ${count} now. ${listening(report)}`
}

function listening({ listening }: WhyReport): string {
  if (listening.length === 0) return 'It listens on nothing.'
  const more = listening.length > ADDRESSES_SHOWN_MAX ? ` and ${listening.length - ADDRESSES_SHOWN_MAX} more` : ''
  return `It listens on ${listening.slice(0, ADDRESSES_SHOWN_MAX).join(', ')}${more}.`
}

function aboutRefusals(report: WhyReport, filter: WhyFilter): string[] {
  const refusals = report.refusals.filter(({ reason }) => isRefusal(reason))
  return byReason(refusals, report, filter, (refusal) => {
    const { code, detail, method, peer, port, reason, source, user } = refusal
    const who = user === '' ? `${source}` : `${JSON.stringify(user)} from ${source}`
    const what = peer === '' ? method : `${method}${isRedirection(reason) ? ', sent' : ''} to ${peer}`
    const answer = code === 0 ? 'no answer' : code
    return `${times(refusal)}  ${who} (last port ${port}): ${what} → ${answer}${detail === '' ? '' : ` (${detail})`}`
  })
}

function aboutConnections(report: WhyReport, filter: WhyFilter): string[] {
  const refusals = report.refusals.filter(({ reason }) => Object.hasOwn(CONNECTION_REFUSALS, reason))
  const lines = byReason(
    refusals,
    report,
    filter,
    (refusal) => `${times(refusal)}  ${refusal.source} (last port ${refusal.port})${afterColon(refusal.detail)}`,
  )
  return lines.length === 0 ? [] : ['Connections that were closed before they asked TURN for anything:', '', ...lines]
}

function afterColon(text: string): string {
  return text === '' ? '' : `: ${text}`
}

/** Grouped, in the order of the most recent of each group. */
function byReason(
  refusals: readonly WhyRefusal[],
  report: WhyReport,
  filter: WhyFilter,
  describe: (one: WhyRefusal) => string,
): string[] {
  const groups = new Map<string, WhyRefusal[]>()
  for (const refusal of refusals) groups.set(refusal.reason, [...(groups.get(refusal.reason) ?? []), refusal])
  return [...groups].flatMap(([reason, group], index) => {
    const [{ meaning, remedy }] = group
    const shown = group.slice(0, LINES_OF_REASON_MAX)
    const lines = shown.flatMap((one) => [
      `  ${describe(one)}`,
      `  ${' '.repeat(times(one).length + 2)}${when(report, one)}`,
    ])
    const rest = group.length - shown.length
    if (rest > 0) lines.push(`  and ${rest} more, which --json has`)
    // Elsewhere they are others', or of before: aboutOthers() tells of them.
    const undescribed = isOfAll(filter) ? (report.undescribed[reason] ?? 0) : 0
    if (undescribed > 0) {
      const were = undescribed === 1 ? 'was' : 'were'
      lines.push(`  and ${counted(undescribed, 'refusal')} that ${were} only counted: there were too many`)
    }
    return [...(index === 0 ? [] : ['']), `${reason}: ${meaning}`, ...lines, `  What to do: ${remedy}`]
  })
}

/** They are counted for all clients together, so whoever asks for one does not see them. */
function aboutDrops(report: WhyReport, filter: WhyFilter): string[] {
  const samples = report.refusals.filter(({ reason }) => isNameless(reason))
  const isAsked = filter.source === undefined && filter.user === undefined
  const drops = report.drops.filter(({ reason }) => isAsked || samples.some((one) => one.reason === reason))
  if (drops.length === 0) return []
  const lines = drops.flatMap(({ count, meaning, reason, remedy }: WhyDrop) => [
    `  ${times({ count })}  ${reason}: ${meaning}`,
    ...samples
      .filter((sample) => sample.reason === reason)
      .slice(0, LINES_OF_REASON_MAX)
      .map(
        (sample) =>
          `          among them ${sample.source} (last port ${sample.port}), last ${ago(report, sample.lastTime)}`,
      ),
    `          What to do: ${remedy}`,
  ])
  return ['Dropped without an answer since the start, of all clients together:', '', ...lines]
}

function aboutNothing(report: WhyReport, filter: WhyFilter): string[] {
  const { allocations, drops, packetsReceived, refusals } = report
  if (refusals.length > 0) return []
  const { reason, source, user } = filter
  const isOfSomebody = user !== undefined || source !== undefined
  if (reason !== undefined && !isOfSomebody && drops.length > 0) return []
  const untold = untoldLines(report, filter)
  if (untold.length > 0) return [notRemembered(report, filter), ...untold, ASK_AGAIN]
  if (reason !== undefined) return [`${reason} has not happened${of(filter)} ${span(report, filter)}.`]
  const lines = [`Nothing was refused${of(filter)} ${span(report, filter)}.`]
  if (allocations.length > 0) return lines
  if (packetsReceived === 0) {
    return [
      ...lines,
      `Not one packet has reached this server: look at DNS, firewalls and port forwarding for where it listens.`,
    ]
  }
  if (!isOfSomebody) return lines
  const what =
    user === undefined
      ? `No request from ${source} was refused or led to an allocation`
      : `No request that names ${JSON.stringify(user)} has reached this server`
  return [`${what} ${span(report, filter)}.`, ...NOBODY_CAME]
}

function notRemembered(report: WhyReport, filter: WhyFilter): string {
  const what = filter.reason ?? (report.allocations.length > 0 ? 'refusal' : 'refusal and no allocation')
  return `This server remembers no ${what}${of(filter)} ${span(report, filter)}.`
}

function aboutAllocations(report: WhyReport, filter: WhyFilter): string[] {
  const isAsked = filter.user !== undefined || filter.source !== undefined || report.refusals.length === 0
  if (!isAsked || filter.reason !== undefined) return []
  return report.allocations
    .slice(0, ALLOCATION_LINES_MAX)
    .flatMap((one) => [gotThrough(report, one), ...flow(report, one)])
}

function gotThrough(
  report: WhyReport,
  { count, firstTime, lastTime, liveCount, source, user }: WhyAllocations,
): string {
  const last = `last ${ago(report, lastTime)}`
  const since = count === 1 ? ago(report, lastTime) : `since ${ago(report, firstTime)}, ${last}`
  return `${JSON.stringify(user)} from ${source} got ${counted(count, 'allocation')} ${since}; ${liveCount} of them now.`
}

/** What became of those that have ended: refused or not, what people miss is media. */
function flow({ relayPorts }: WhyReport, { endedCount, packetsFromClient, packetsToClient }: WhyAllocations): string[] {
  if (endedCount === 0) return []
  const packets = `${counted(packetsFromClient, 'packet')} to peers and ${packetsToClient} back`
  const line = `  ${endedCount === 1 ? 'The one that has ended' : `Those ${endedCount} that have ended`} relayed ${packets}.`
  if (packetsToClient > 0) return [line]
  if (packetsFromClient === 0) {
    const them = endedCount === 1 ? 'it' : 'them'
    return [line, `  Nothing was sent through ${them}: the call found another way, or was never answered.`]
  }
  return [
    line,
    `  Nothing came back: let the firewall pass UDP between peers and ports ${relayPorts.min}-${relayPorts.max} of the relay address, both ways.`,
  ]
}

/** Where a name has expired, or all is asked for. */
function aboutTimes({ notes, refusals }: WhyReport, filter: WhyFilter): string[] {
  const isAsked = isOfAll(filter) || refusals.some(({ reason }) => reason === 'expired-credential')
  return isAsked ? [...notes] : []
}

/** What a filter has left out, where it may be what is looked for. */
function aboutOthers(report: WhyReport, filter: WhyFilter): string[] {
  const lines: string[] = []
  const { leftOutCount, others, unknownUsers } = report
  const similar = filter.user === undefined ? null : nearestName(filter.user, unknownUsers)
  if (similar !== null) {
    lines.push(
      `Somebody was refused as ${JSON.stringify(similar)}, which no user is called: is that the name on the client?`,
    )
  }
  if (leftOutCount > 0) {
    const entries = leftOutCount === 1 ? '1 entry' : `${leftOutCount} entries`
    lines.push(`${entries} did not fit: narrow it down with --reason or --since.`)
  }
  lines.push(...aboutUntold(report, filter))
  const list = Object.entries(others).map(([reason, count]) => `${reason} ${count}`)
  if (list.length > 0) lines.push(`Refusals of others: ${list.join(', ')}.`)
  return lines
}

function when(report: WhyReport, { count, firstTime, lastTime }: WhyRefusal): string {
  const last = `${ago(report, lastTime)} (${seconds(lastTime)})`
  return count === 1 ? last : `last ${last}, first ${ago(report, firstTime)} (${seconds(firstTime)})`
}

function times({ count }: { readonly count: number }): string {
  return count === 1 ? 'once' : `${count} times`
}

function of({ source, user }: WhyFilter): string {
  const parts = [user === undefined ? '' : ` of ${JSON.stringify(user)}`, source === undefined ? '' : ` from ${source}`]
  return parts.join('')
}

function span(report: WhyReport, { sinceSeconds }: WhyFilter): string {
  if (sinceSeconds === undefined) return `since the start ${ago(report, report.startTime)}`
  return `in the last ${duration(sinceSeconds)}`
}

function ago({ time }: WhyReport, then: string): string {
  return `${duration(Math.max(0, Math.round((Date.parse(time) - Date.parse(then)) / 1000)))} ago`
}

/** The largest unit of which there are at least two. */
function duration(seconds: number): string {
  if (seconds < 120) return counted(seconds, 'second')
  if (seconds < 7200) return counted(Math.round(seconds / 60), 'minute')
  if (seconds < 172_800) return counted(Math.round(seconds / 3600), 'hour')
  return counted(Math.round(seconds / 86_400), 'day')
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** Without milliseconds, which nobody reads. */
function seconds(time: string): string {
  return time.replace(/\.\d+Z$/, 'Z')
}
