import t from 'tap'
import { NOTICE_COUNT_MAX, NOTICE_SECONDS, WORKER_DEATH_ALARM_SECONDS } from '../../src/limits/reports.js'
import { type AlarmFacts, Alarms } from '../../src/server/alarms.js'

const QUIET: AlarmFacts = {
  profile: 'rfc',
  licenceUsed: 0,
  licenceLimit: 1000,
  relayPortCount: 6000,
  engineReason: '',
  nobodyText: '',
  certificateWarnings: [],
  isCertificateExpired: false,
  storeProblems: [],
  alternateProblems: [],
  hasPort443: false,
}

/** Alarms, and what they told: `raised licence-reached`. */
function makeAlarms(): { alarms: Alarms; told: string[] } {
  const told: string[] = []
  return { alarms: new Alarms((change, { id }) => void told.push(`${change} ${id}`)), told }
}

t.test('Alarms', async (t) => {
  t.test('names each user store that does not answer, until it does', async (t) => {
    const { alarms, told } = makeAlarms()
    const name = '--redis redis://127.0.0.1:6379/0'
    alarms.look({ ...QUIET, storeProblems: [{ name, problem: 'connection refused' }] })
    t.match(alarms.current(), [{ severity: 'critical', text: `${name} fails: connection refused` }])
    alarms.look(QUIET)
    t.same(told, ['raised user-store-down-1', 'cleared user-store-down-1'])
  })

  t.test('has none while all is well', async (t) => {
    const { alarms, told } = makeAlarms()
    alarms.look(QUIET, 0)
    t.same(alarms.current(), [])
    t.same(told, [])
  })

  t.test('says once that the licence comes to its end, and once that it has', async (t) => {
    const { alarms, told } = makeAlarms()
    const look = (licenceUsed: number, at: number) => alarms.look({ ...QUIET, licenceUsed }, at * 1000)
    look(899, 1)
    t.same(told, [])
    look(900, 2)
    look(901, 3)
    t.same(told, ['raised licence-approaching'])
    t.match(alarms.current(), [
      {
        severity: 'warning',
        text: /^901 of the 1000 /,
        remedy: /--max-allocations/,
        raisedTime: '1970-01-01T00:00:02.000Z',
      },
    ])
    look(1000, 4)
    t.same(told.splice(0), ['raised licence-approaching', 'cleared licence-approaching', 'raised licence-reached'])
    t.match(alarms.current(), [{ severity: 'critical', text: /new ones are refused$/ }])
  })

  t.test('does not flicker at its threshold', async (t) => {
    const { alarms, told } = makeAlarms()
    for (const licenceUsed of [900, 899, 900, 850, 849]) alarms.look({ ...QUIET, licenceUsed }, 0)
    t.same(told, ['raised licence-approaching', 'cleared licence-approaching'])
  })

  t.test('speaks of ports where they are fewer than the licence allows relays, and only there', async (t) => {
    const { alarms, told } = makeAlarms()
    alarms.look({ ...QUIET, licenceUsed: 100, relayPortCount: 1000 }, 0)
    t.same(told, [])
    alarms.look({ ...QUIET, licenceUsed: 95, relayPortCount: 100 }, 0)
    t.same(told, ['raised relay-ports-approaching'])
    t.match(alarms.current(), [{ remedy: /--min-port/ }])
  })

  t.test('puts what is critical first', async (t) => {
    const { alarms } = makeAlarms()
    alarms.look({ ...QUIET, engineReason: 'koffi is not there', nobodyText: 'nobody can log in' }, 0)
    t.same(
      alarms.current().map(({ id }) => id),
      ['no-users', 'engine'],
    )
  })

  t.test('makes a certificate that has expired critical', async (t) => {
    const { alarms } = makeAlarms()
    alarms.look({ ...QUIET, certificateWarnings: ['it expires in 3 days: renew it'] }, 0)
    t.match(alarms.current(), [{ id: 'certificate-1', severity: 'warning' }])
    alarms.look({ ...QUIET, certificateWarnings: ['it expired 1 day ago: renew it'], isCertificateExpired: true }, 0)
    t.match(alarms.current(), [{ id: 'certificate-1', severity: 'critical', text: /^it expired/ }])
  })

  t.test('shows the death of a worker for a while', async (t) => {
    const { alarms } = makeAlarms()
    alarms.workerDied({ worker: 1, allocationCount: 12, isForStreams: true }, 0)
    alarms.look(QUIET, 1000)
    t.match(alarms.current(), [{ id: 'worker-died', text: /^worker 1 died .* 12 allocations/ }])
    alarms.look(QUIET, WORKER_DEATH_ALARM_SECONDS * 1000)
    t.same(alarms.current(), [])
  })

  t.test('has the numbers of an Expressway in its profiles, and none in rfc', async (t) => {
    const look = (facts: Partial<AlarmFacts>, isStreamWorkerDead = false) => {
      return (['rfc', 'expressway-x8.9', 'expressway-x12.6'] as const).map((profile) => {
        const { alarms } = makeAlarms()
        if (isStreamWorkerDead) alarms.workerDied({ worker: 1, allocationCount: 12, isForStreams: true }, 0)
        alarms.look({ ...QUIET, ...facts, profile }, 0)
        t.equal(alarms.current().length, 1)
        return alarms.current()[0].number
      })
    }
    const narrow = { relayPortCount: 100 }
    t.same(look({ ...narrow, licenceUsed: 95 }), [null, 30005, 30005], 'the physical limit comes near')
    t.same(look({ licenceUsed: 950 }), [null, 30007, 30007], 'the licensed one')
    t.same(look({ ...narrow, licenceUsed: 100 }), [null, 30021, 30021], 'the physical limit is reached')
    t.same(look({ licenceUsed: 1000 }), [null, 30024, 30024], 'the licensed one')
    t.same(look({ licenceLimit: 0 }), [null, 30011, 30011], 'there is no licence')
    t.same(look({ hasPort443: true }, true), [null, 25027, 25027], 'port 443 has lost its worker')
    t.same(look({ hasPort443: false }, true), [null, null, null], 'another port has')
    t.same(look({ engineReason: 'koffi is not there' }), [null, null, null], 'an Expressway has no such alarm')
  })

  t.test('shows a warning that is a condition now once', async (t) => {
    const { alarms } = makeAlarms()
    alarms.warned('nobody can log in', true, 0)
    alarms.look({ ...QUIET, nobodyText: 'nobody can log in' }, 0)
    t.match(alarms.current(), [{ id: 'no-users' }])
    t.equal(alarms.current().length, 1)
    alarms.look(QUIET, 1000)
    t.same(alarms.current(), [], 'and not at all when it is over')
  })

  t.test('shows warnings: those of the start for good, later ones for a while, the latest of many', async (t) => {
    const { alarms } = makeAlarms()
    alarms.warned('no default route', true, 0)
    alarms.warned('the users file is broken', false, 0)
    alarms.warned('the users file is broken', false, 5000)
    alarms.look(QUIET, NOTICE_SECONDS * 1000)
    t.same(
      alarms.current().map(({ text }) => text),
      ['no default route', 'the users file is broken'],
    )
    alarms.look(QUIET, 5000 + NOTICE_SECONDS * 1000)
    t.same(
      alarms.current().map(({ text }) => text),
      ['no default route'],
    )
    for (let index = 0; index < NOTICE_COUNT_MAX + 5; index++) alarms.warned(`warning ${index}`, false, 0)
    t.equal(alarms.current().length, NOTICE_COUNT_MAX)
    t.match(alarms.current().at(-1), { text: `warning ${NOTICE_COUNT_MAX + 4}` })
  })
})
