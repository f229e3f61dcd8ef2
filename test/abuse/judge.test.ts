// The rules themselves: an outcome that breaks one is seen, and one at its bound is not.
import t from 'tap'
import { amplificationFailures, amplificationTable, type Measured, PROBES } from './amplification.js'
import type { Attack, AttackReport, Outcome } from './attack.js'
import { counterFailures, dropFailures, failuresOf, IDLE_MACHINE_RULES, USUAL_RULES } from './judge.js'
import { skipFailures, summaryOf } from './report.js'

const REPORT: AttackReport = { sent: 10, sentBytes: 200, milliseconds: 1, replies: 10, replyBytes: 320, failures: [] }
const ATTACK: Attack = {
  ...{ name: 'a', title: 'an attack', threat: 'reflection', seconds: 1, shortSeconds: 1 },
  run: async () => REPORT,
}
const OUTCOME: Omit<Outcome, 'failures'> = {
  ...{ attack: 'a', title: 'an attack', threat: 'reflection', engine: 'dgram', skipped: null, report: REPORT },
  flow: { sent: 1000, lost: 0, last: { sent: 50, lost: 0 }, p50: 1, p99: 2, failures: [] },
  newcomers: { count: 10, served: 10, worstMilliseconds: 20, failures: [] },
  memory: { before: 100, peak: 100, after: 100 },
  overflowCount: 0,
}

t.test('an outcome', async (t) => {
  t.test('without fault passes', async (t) => t.same(failuresOf(ATTACK, OUTCOME), []))
  t.test('at its bounds passes, beyond them it fails', async (t) => {
    const { growthBytesMax, remainingBytesMax } = USUAL_RULES
    const flow = (lost: number, p99 = 2) => ({ ...OUTCOME, flow: { ...OUTCOME.flow, lost, p99 } })
    t.same(failuresOf(ATTACK, flow(5)), [])
    t.same(failuresOf(ATTACK, flow(6)), ['the innocent has lost 6 of 1000 packets'])
    t.same(failuresOf(ATTACK, flow(0, 3_000)), [])
    t.same(failuresOf(ATTACK, flow(0, 3_001)), ["the innocent's packets took 3001 ms"])
    const memory = (peak: number, after: number) => ({ ...OUTCOME, memory: { before: 0, peak, after } })
    t.same(failuresOf(ATTACK, memory(growthBytesMax, remainingBytesMax)), [])
    t.same(failuresOf(ATTACK, memory(growthBytesMax + 1, 0)), ['10.0 MiB more memory while it lasted'])
    t.same(failuresOf(ATTACK, memory(0, remainingBytesMax + 1)), ['10.0 MiB more memory afterwards'])
    const replies = { ...OUTCOME, report: { ...REPORT, repliesMax: 10 } }
    t.same(failuresOf(ATTACK, replies), [])
    t.same(failuresOf(ATTACK, { ...replies, report: { ...REPORT, repliesMax: 9.9 } }), ['10 replies, 9 are promised'])
  })
  t.test('on an idle machine is held to a quarter of a second', async (t) => {
    const flow = (p99: number) => ({ ...OUTCOME, flow: { ...OUTCOME.flow, p99 } })
    t.same(failuresOf(ATTACK, flow(250), IDLE_MACHINE_RULES), [])
    t.same(failuresOf(ATTACK, flow(251), IDLE_MACHINE_RULES), ["the innocent's packets took 251 ms"])
  })
  t.test('after which the call does not go on fails, whatever may be lost', async (t) => {
    const flow = (lost: number) => ({ ...OUTCOME, flow: { ...OUTCOME.flow, lost: 900, last: { sent: 50, lost } } })
    const attack = { ...ATTACK, rules: { lossShareMax: 1 } }
    t.same(failuresOf(attack, flow(25)), [])
    t.same(failuresOf(attack, flow(26)), ["the innocent's call does not go on: 26 of its last 50 packets are lost"])
  })
  t.test('in which nobody was there to notice fails', async (t) => {
    const flow = { ...OUTCOME.flow, sent: 0 }
    const newcomers = { ...OUTCOME.newcomers, count: 0, served: 0 }
    const failures = ['the innocent has sent nothing', 'no newcomer came']
    t.same(failuresOf(ATTACK, { ...OUTCOME, flow, newcomers }), failures)
  })
  t.test('with newcomers that were not served fails, unless the attack may take their place', async (t) => {
    const newcomers = { ...OUTCOME.newcomers, served: 9, failures: ['udp: not served'] }
    const outcome = { ...OUTCOME, newcomers }
    t.same(failuresOf(ATTACK, outcome), ['1 of 10 newcomers were not served: udp: not served'])
    t.same(failuresOf({ ...ATTACK, rules: { servesNewcomers: false } }, outcome), [])
  })
  t.test('tells what the attack itself and the innocent have found', async (t) => {
    const report = { ...REPORT, failures: ['the canary got something'] }
    const flow = { ...OUTCOME.flow, failures: ['a damaged packet'] }
    t.same(failuresOf(ATTACK, { ...OUTCOME, report, flow }), [
      'the canary got something',
      'the innocent: a damaged packet',
    ])
  })
})

t.test('drops that an attack must have caused are missed', async (t) => {
  const attack = { ...ATTACK, drops: ['reply-limit', 'malformed'] }
  t.same(dropFailures(attack, { 'reply-limit': 1, malformed: 2 }), [])
  t.same(dropFailures(attack, { 'reply-limit': 1, malformed: 0 }), ['the server has counted no drop for "malformed"'])
  t.same(dropFailures(ATTACK, {}), [])
})

t.test('attacks that were not made', async (t) => {
  const made = (failures: string[]): Outcome => ({ ...OUTCOME, failures })
  const skipped = (reason: string): Outcome => ({ ...OUTCOME, skipped: reason, failures: [] })
  const some = [made([]), made(['a rule']), skipped('no koffi'), skipped('no koffi'), skipped('no root')]
  t.equal(summaryOf(some), '1 passed, 1 failed, 3 skipped (no koffi; no root)')
  t.equal(summaryOf([made([])]), '1 passed, 0 failed, 0 skipped')
  t.test('are no failure where something else was', async (t) => t.same(skipFailures(some, false), []))
  t.test('are one where there was nothing else', async (t) => {
    t.same(skipFailures([skipped('no koffi')], false), ['no attack was made'])
    t.same(skipFailures([], false), ['no attack was made'])
  })
  t.test('are one with CI=true', async (t) => {
    t.same(skipFailures([made([])], true), [])
    t.same(skipFailures([made([]), skipped('no koffi')], true), ['a, dgram: with CI=true nothing is skipped: no koffi'])
  })
})

t.test('what an engine must have counted is missed, of that engine', async (t) => {
  const attack: Attack = { ...ATTACK, counters: { native: ['icmpErrors'] } }
  t.same(counterFailures(attack, 'native', { icmpErrors: 1 }), [])
  t.same(counterFailures(attack, 'native', { icmpErrors: 0 }), ['the engine has counted no icmpErrors'])
  t.same(counterFailures(attack, 'native', {}), ['the engine has counted no icmpErrors'])
  t.same(counterFailures(attack, 'dgram', {}), [])
})

t.test('amplification', async (t) => {
  const right = [32, 84, 84, 84, 84, 0, 0, 0, 0, 0]
  const measured = (changes: Readonly<Record<number, number>>, nonceLength = 24): Measured => ({
    ...{ server: 'a server', nonceLength },
    answers: PROBES.map((_, index) => changes[index] ?? right[index]),
  })
  t.test('within every rule passes', async (t) => {
    t.same(amplificationFailures(measured({})), [])
    t.same(amplificationFailures(measured({ 1: 98 })), [], 'a longer nonce')
  })
  t.test('is judged by the rule of each probe', async (t) => {
    const sentences: readonly (readonly [index: number, length: number, sentence: string])[] = [
      [0, 33, 'Binding: 33 bytes for 20, the rule is ≤ 32 bytes, ≤ 1.6 ×'],
      [1, 99, 'Allocate: 99 bytes for 28, the rule is ≤ 98 bytes, ≤ 3.5 ×'],
      [2, 85, 'Allocate, a header alone: 85 bytes for 20, the rule is ≤ 98 bytes, ≤ 4.2 ×'],
      [3, 85, 'Refresh, a header alone: 85 bytes for 20, the rule is ≤ 98 bytes, ≤ 4.2 ×'],
      [4, 99, 'Allocate with false credentials: 99 bytes for 96, the rule is ≤ 98 bytes, ≤ 1.0 ×'],
      ...[5, 6, 7, 8, 9].map((index) => {
        const { bytes, name } = PROBES[index]
        return [index, 20, `${name}: 20 bytes for ${bytes.length}, the rule is no answer`] as const
      }),
    ]
    for (const [index, length, sentence] of sentences)
      t.same(amplificationFailures(measured({ [index]: length })), [sentence])
    for (const index of [0, 1, 2, 3, 4])
      t.same(amplificationFailures(measured({ [index]: 0 })), [`${PROBES[index].name}: no answer`])
    t.same(amplificationFailures(measured({}, 29)), ['the nonce has 29 characters'])
  })
  t.test('is shown beside the rules', async (t) => {
    const lines = amplificationTable([measured({})]).split('\n')
    t.equal(lines.length, 2 + PROBES.length + 1)
    t.match(lines[2], /^\| Binding +\| +20 \| +≤ 32 bytes, ≤ 1\.6 × \| +32 \| +1\.60 \|$/)
    t.match(lines[4], /header alone +\| +20 \| +≤ 98 bytes, ≤ 4\.2 × \| +84 \| +4\.20 \|$/)
  })
})
