import t from 'tap'
import { REFUSAL_TEXT_LENGTH_MAX } from '../../src/limits/reports.js'
import { REFUSAL_REASONS, type Refusal, RefusalRing } from '../../src/log/refusals.js'

function refusal(timeMs: number, more: Partial<Refusal> = {}): Refusal {
  return {
    ...{ timeMs, reason: 'bad-password', code: 401, method: 'Allocate', user: 'alice' },
    ...{ source: '198.51.100.7:50000', peer: '' },
    ...more,
  }
}

function times(list: readonly Refusal[]): number[] {
  return list.map(({ timeMs }) => timeMs)
}

t.test('RefusalRing', async (t) => {
  t.test('is empty at first', async (t) => {
    const ring = new RefusalRing()
    t.same(ring.recent(), [])
  })

  t.test('gives what was recorded, newest first', async (t) => {
    const ring = new RefusalRing(4)
    const first = refusal(1, { reason: 'peer-policy', code: 403, peer: '10.0.0.1:80' })
    ring.record(first)
    ring.record(refusal(2))
    t.same(times(ring.recent()), [2, 1])
    t.same(ring.recent()[1], first)
  })

  t.test('overwrites the oldest when it is full, any number of times round', async (t) => {
    for (const count of [3, 4, 5, 7, 8, 9, 100]) {
      const ring = new RefusalRing(4)
      for (let time = 1; time <= count; time++) ring.record(refusal(time))
      const expected = Array.from({ length: Math.min(count, 4) }, (_, index) => count - index)
      t.same(times(ring.recent()), expected, `${count} recorded`)
    }
  })

  t.test('gives no more than asked for', async (t) => {
    const ring = new RefusalRing(4)
    for (let time = 1; time <= 6; time++) ring.record(refusal(time))
    t.same(times(ring.recent(2)), [6, 5])
    t.same(times(ring.recent(0)), [])
    t.same(times(ring.recent(100)), [6, 5, 4, 3])
  })

  t.test('cuts user names, which come from the network', async (t) => {
    const ring = new RefusalRing()
    ring.record(refusal(1, { user: 'x'.repeat(REFUSAL_TEXT_LENGTH_MAX + 1) }))
    ring.record(refusal(2, { user: 'x'.repeat(REFUSAL_TEXT_LENGTH_MAX) }))
    t.same(
      ring.recent().map(({ user }) => user.length),
      [REFUSAL_TEXT_LENGTH_MAX, REFUSAL_TEXT_LENGTH_MAX],
    )
  })

  t.test('keeps a copy: what was recorded may be changed by its owner', async (t) => {
    const ring = new RefusalRing()
    const entry = refusal(1)
    ring.record(entry)
    entry.user = 'mallory'
    t.equal(ring.recent()[0].user, 'alice')
  })
})

t.test('REFUSAL_REASONS: each has a stable code, a meaning and a remedy that read as sentences', async (t) => {
  for (const [reason, { meaning, remedy }] of Object.entries(REFUSAL_REASONS)) {
    t.match(reason, /^[a-z]+(-[a-z]+)*$/)
    for (const text of [meaning, remedy]) t.match(text, /^\S.{10,}[^.\s]$/, `${reason}: ${text}`)
  }
})
