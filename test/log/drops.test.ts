import t from 'tap'
import { CONNECTION_REFUSALS } from '../../src/log/connection-refusals.js'
import { DROP_REASONS } from '../../src/log/drops.js'
import { DROP_NAMES } from '../../src/turn/drop-reasons.js'

t.test('every drop of the core has its words', async (t) => {
  for (const name of DROP_NAMES.slice(1)) t.ok(Object.hasOwn(DROP_REASONS, name), name)
})

t.test('drops and refused connections have meanings and remedies that read as sentences', async (t) => {
  for (const [reason, { meaning, remedy }] of Object.entries({ ...DROP_REASONS, ...CONNECTION_REFUSALS })) {
    t.match(reason, /^[a-z]+(-[a-z]+)*$/)
    t.match(meaning, /^\S.{10,}[^.\s]$/, `${reason}: ${meaning}`)
    t.match(remedy, /^\S.{5,}[^.\s]$/, `${reason}: ${remedy}`)
  }
})
