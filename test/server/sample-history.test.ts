import t from 'tap'
import { SAMPLE_KEYS } from '../../src/admin/schema/sample-keys.js'
import type { Sample } from '../../src/admin/schema/status.js'
import { SAMPLE_DAY_COUNT, SAMPLE_OF_MINUTE_COUNT, SAMPLE_RECENT_COUNT } from '../../src/limits/reports.js'
import { SampleHistory } from '../../src/server/sample-history.js'

function sampleAt(time: number, value: number): Sample {
  return { ...(Object.fromEntries(SAMPLE_KEYS.map((key) => [key, value])) as Sample), time }
}

function filled(count: number): SampleHistory {
  const history = new SampleHistory()
  for (let time = 1; time <= count; time++) history.add(sampleAt(time, time))
  return history
}

t.test('SampleHistory', async (t) => {
  t.test('is empty at first, with every column', async (t) => {
    const { columns, stepSeconds } = new SampleHistory().of('recent')
    t.equal(stepSeconds, 1)
    t.same(Object.keys(columns), [...SAMPLE_KEYS])
    t.same(columns.clients, [])
  })

  t.test('keeps the latest seconds, oldest first', async (t) => {
    t.same(filled(3).of('recent').columns.time, [1, 2, 3])
    const { time } = filled(SAMPLE_RECENT_COUNT + 2).of('recent').columns
    t.equal(time.length, SAMPLE_RECENT_COUNT)
    t.equal(time[0], 3)
    t.equal(time.at(-1), SAMPLE_RECENT_COUNT + 2)
  })

  t.test('keeps the mean of each whole minute, and of a day no more', async (t) => {
    const minute = filled(2 * SAMPLE_OF_MINUTE_COUNT + 1).of('day')
    t.equal(minute.stepSeconds, SAMPLE_OF_MINUTE_COUNT)
    t.same(minute.columns.time, [60, 120])
    t.same(minute.columns.clients, [30.5, 90.5])
    const { time } = filled((SAMPLE_DAY_COUNT + 1) * SAMPLE_OF_MINUTE_COUNT).of('day').columns
    t.equal(time.length, SAMPLE_DAY_COUNT)
    t.equal(time[0], 120)
  })
})
