// Says which rules an attack has broken. What everybody is held to stands here; what a single attack promises in Attack.rules and its report.
import type { EngineName } from '../support/engines.js'
import type { Attack, Outcome, Rules } from './attack.js'

const MEGABYTE = 1024 * 1024

export const USUAL_RULES: Rules = {
  lossShareMax: 0.005,
  p99MillisecondsMax: 3_000,
  servesNewcomers: true,
  // V8's heaps breathe by a few megabytes for each thread; a byte for each of 100,000 sources would show as nothing, 100 bytes would.
  growthBytesMax: 10 * MEGABYTE,
  remainingBytesMax: 10 * MEGABYTE,
}

/** Of whoever has the machine to himself, as `npm run abuse` in full asks for: a call that is later than this is disturbed. */
export const IDLE_MACHINE_RULES: Rules = { ...USUAL_RULES, p99MillisecondsMax: 250 }

/**
 * Of attacks whose requests are hashed, answered and logged, and of those with much data, for which node:dgram takes 64 KiB each time that it
 * reads: objects that live for a moment make V8 give their threads' youngest generation up to 16 MiB, once, however long the attack goes on.
 */
export const BUSY_MEMORY_RULES: Pick<Rules, 'growthBytesMax' | 'remainingBytesMax'> = {
  growthBytesMax: 24 * MEGABYTE,
  remainingBytesMax: 24 * MEGABYTE,
}

export function failuresOf(attack: Attack, outcome: Omit<Outcome, 'failures'>, usual: Rules = USUAL_RULES): string[] {
  const rules: Rules = { ...usual, ...attack.rules }
  return [
    ...outcome.report.failures,
    ...repliesFailures(outcome),
    ...flowFailures(rules, outcome),
    ...newcomersFailures(rules, outcome),
    ...memoryFailures(rules, outcome),
  ]
}

/** Of a server that has ended: what the attack must have had dropped, and was not. */
export function dropFailures({ drops = [] }: Attack, counted: Readonly<Record<string, number>>): string[] {
  return drops.filter((name) => !(counted[name] > 0)).map((name) => `the server has counted no drop for "${name}"`)
}

/** The same of what its engine must have counted. */
export function counterFailures(
  { counters = {} }: Attack,
  engine: EngineName,
  counted: Readonly<Record<string, number>>,
): string[] {
  const missing = (counters[engine] ?? []).filter((name) => !(counted[name] > 0))
  return missing.map((name) => `the engine has counted no ${name}`)
}

function repliesFailures({ report }: Omit<Outcome, 'failures'>): string[] {
  const { replies, repliesMax = Number.POSITIVE_INFINITY } = report
  return replies <= repliesMax ? [] : [`${replies} replies, ${Math.floor(repliesMax)} are promised`]
}

function flowFailures({ lossShareMax, p99MillisecondsMax }: Rules, { flow }: Omit<Outcome, 'failures'>): string[] {
  const failures = flow.failures.map((text) => `the innocent: ${text}`)
  if (flow.sent === 0) failures.push('the innocent has sent nothing')
  if (flow.lost > lossShareMax * flow.sent) failures.push(`the innocent has lost ${flow.lost} of ${flow.sent} packets`)
  const { last } = flow
  if (last.sent > 0 && last.lost > last.sent / 2)
    failures.push(`the innocent's call does not go on: ${last.lost} of its last ${last.sent} packets are lost`)
  if (flow.p99 > p99MillisecondsMax) failures.push(`the innocent's packets took ${Math.round(flow.p99)} ms`)
  return failures
}

function newcomersFailures({ servesNewcomers }: Rules, { newcomers }: Omit<Outcome, 'failures'>): string[] {
  const { count, failures, served } = newcomers
  if (count === 0) return ['no newcomer came']
  if (!servesNewcomers || served === count) return []
  return [`${count - served} of ${count} newcomers were not served: ${failures[0]}`]
}

function memoryFailures(rules: Rules, { memory }: Omit<Outcome, 'failures'>): string[] {
  const { after, before, peak } = memory
  const failures: string[] = []
  const more = (bytes: number) => `${((bytes - before) / MEGABYTE).toFixed(1)} MiB more`
  if (peak - before > rules.growthBytesMax) failures.push(`${more(peak)} memory while it lasted`)
  if (after - before > rules.remainingBytesMax) failures.push(`${more(after)} memory afterwards`)
  return failures
}
