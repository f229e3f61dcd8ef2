// What times in TURN REST names tell: by how much a refused one has expired, and whether clocks differ, as far as that is known.
import t from 'tap'
import { REST_AGE_COUNT_MAX, REST_AGE_SECONDS } from '../../src/limits/reports.js'
import type { Refusal } from '../../src/log/refusals.js'
import { RestAges, restDetail } from '../../src/server/rest-ages.js'
import { settingsOf } from './settings.js'

const NOW = Date.parse('2026-11-28T04:00:00Z')
const SECONDS = NOW / 1000
const LIFETIME = 3600

t.test('the detail of a refusal', async (t) => {
  const detail = (user: string, more: Partial<Refusal> = {}, options = {}) => {
    const refusal = { timeMs: NOW, reason: 'expired-credential', code: 401, method: 'Allocate', source: '', peer: '' }
    return restDetail({ ...refusal, user, ...more } as Refusal, settingsOf(options))
  }

  t.test('says by how much an expired name is too old, by which clock', async (t) => {
    const clock = "by this server's clock (2026-11-28T04:00:00Z)"
    t.equal(detail(`${SECONDS - 11_520}:alice`), `expired 3 h 12 min ago ${clock}`)
    t.equal(detail(`${SECONDS - 2}`), `expired 2 s ago ${clock}`)
    t.equal(detail(`alice|${SECONDS - 90_000}`, {}, { authSecretSeparator: '|' }), `expired 1 d 1 h ago ${clock}`)
  })

  t.test('says how far ahead one lies that lives too long', async (t) => {
    const options = { authSecretLifetimeMax: 7200 }
    t.equal(
      detail(`${SECONDS + 86_400}:alice`, { reason: 'too-long-lived' }, options),
      "it holds for 1 d more by this server's clock (2026-11-28T04:00:00Z), and 2 h are allowed",
    )
  })

  t.test('is empty for other reasons', async (t) => {
    t.equal(detail(`${SECONDS - 2}:alice`, { reason: 'bad-password' }), '')
    t.equal(detail('alice'), '')
  })
})

t.test('the ages of names', async (t) => {
  /** Names of so many users whose issuer is so many seconds ahead. */
  const agesOf = (userCount: number, ahead: number, hesitation = 5) => {
    const ages = new RestAges()
    for (let user = 0; user < userCount; user++) {
      ages.note(`${SECONDS + LIFETIME + ahead - hesitation * (user + 1)}:user${user}`, ':', NOW)
    }
    return ages
  }

  t.test('are facts alone where nobody has said how long names live', async (t) => {
    t.same(agesOf(6, -7500).notes(null, NOW), [
      'TURN REST names of 6 users in the last hour held for 0 s more when they were first used.',
    ])
    t.same(agesOf(2, 0).notes(null, NOW), [
      'TURN REST names of 2 users in the last hour held for 59 min 50 s to 59 min 55 s more when they were first used.',
    ])
    t.same(new RestAges().notes(LIFETIME, NOW), [])
  })

  t.test('tell of clocks that differ: names of one user that live too long, or of several that come old', async (t) => {
    const [, ahead] = agesOf(1, 7500).notes(LIFETIME, NOW)
    t.match(
      ahead,
      /^They hold 2 h 4 min longer than --auth-secret-lifetime says: the clocks of this machine and of the/,
    )
    const [, behind] = agesOf(5, -1800).notes(LIFETIME, NOW)
    t.match(behind, /^Even the freshest of them was 30 min 5 s older than it should be .*: the clocks of this machine/)
  })

  t.test('tell of none where it is not known: few users, small differences, one fresh name', async (t) => {
    t.equal(agesOf(4, -1800).notes(LIFETIME, NOW).length, 1)
    t.equal(agesOf(20, -60).notes(LIFETIME, NOW).length, 1)
    t.equal(agesOf(1, 100).notes(LIFETIME, NOW).length, 1)
    const mixed = agesOf(20, -1800)
    mixed.note(`${SECONDS + LIFETIME}:fresh`, ':', NOW)
    t.equal(mixed.notes(LIFETIME, NOW).length, 1)
  })

  t.test('are of the first use, within an hour, and bounded', async (t) => {
    const ages = new RestAges()
    ages.note(`${SECONDS + LIFETIME}:alice`, ':', NOW)
    ages.note(`${SECONDS + LIFETIME}:alice`, ':', NOW + 600_000)
    t.match(ages.notes(null, NOW), [/held for 1 h more/])
    t.same(ages.notes(null, NOW + REST_AGE_SECONDS * 1000 + 1), [])
    ages.note('alice', ':', NOW)
    for (let user = 0; user < REST_AGE_COUNT_MAX + 5; user++) ages.note(`${SECONDS + 60}:user${user}`, ':', NOW)
    t.match(ages.notes(null, NOW), [new RegExp(`of ${REST_AGE_COUNT_MAX} users`)])
  })
})
