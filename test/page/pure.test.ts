// The page's modules that need no browser: what numbers, times and refusals look like, routes, samples, results of the test from a browser.
import t from 'tap'
import {
  type CallResult,
  explain,
  lossOf,
  newResult,
  resultText,
  serverWordsOf,
  skipReason,
  transportOf,
} from '../../src/page/call-result.js'
import { ClientRates } from '../../src/page/client-rates.js'
import * as format from '../../src/page/format.js'
import { quantile, summary } from '../../src/page/quantiles.js'
import { groupRefusals } from '../../src/page/refusal-groups.js'
import { formatRoute, loginTokenOf, parseRoute } from '../../src/page/router.js'
import { SampleColumns } from '../../src/page/sample-columns.js'
import { fakeClient } from '../admin/support/fake-administered.js'
import { BusyAdministered } from './busy-administered.js'
import { madeUpRefusal } from './made-up-refusals.js'

t.test('numbers', async (t) => {
  t.test('have units, and three digits at most', async (t) => {
    t.equal(format.count(1234.4), '1,234')
    t.same([999_999, 3_245_165].map(format.compactCount), ['999,999', '3.25 M'])
    t.equal(format.counted(1, 'relay'), '1 relay')
    t.equal(format.counted(1800, 'relay'), '1,800 relays')
    t.same([0, 999, 999.6, 12_345_678].map(format.bitRate), ['0 bit/s', '999 bit/s', '1.00 kbit/s', '12.3 Mbit/s'])
    t.same([1200, 99_960, 2.5e9].map(format.bytes), ['1.20 kB', '100 kB', '2.50 GB'])
    t.same([0, 1.4, 61_200].map(format.perSecond), ['0/s', '1.40/s', '61.2 k/s'])
    t.same([0, 0.4, 30, 2e8, 40_000].map(format.axisNumber), ['0', '0.4', '30', '200 M', '40 k'])
    t.equal(format.milliseconds(12.34), '12.3 ms')
    t.equal(format.cores(0.417), '0.42 cores')
  })
  t.test('are not all and not nothing unless they are', async (t) => {
    t.same(
      [0, 1, 412, 1799, 1800].map((part) => format.percent(part, 1800)),
      ['0 %', '< 1 %', '23 %', '> 99 %', '100 %'],
    )
    t.equal(format.percent(0, 0), '0 %')
  })
})

t.test('times', async (t) => {
  t.test('last their two largest units', async (t) => {
    t.same([0, 12, 303, 3600, 3661, 273_600].map(format.duration), [
      '0 s',
      '12 s',
      '5 min 3 s',
      '1 h',
      '1 h 1 min',
      '3 d 4 h',
    ])
  })
  t.test('are told from now', async (t) => {
    const ago = (seconds: number) => format.relative(1e12, 1e12 + seconds * 1000)
    t.same([0, 12, 200, 7300, 200_000, -180].map(ago), [
      'now',
      '12 s ago',
      '3 min ago',
      '2 h ago',
      '2 d ago',
      'in 3 min',
    ])
  })
  t.test('are told exactly, with their zone', async (t) => {
    const timeMs = Date.parse('2026-11-27T18:42:04Z')
    t.equal(format.absolute(timeMs, 60), '2026-11-27 19:42:04 (UTC+1)')
    t.equal(format.absolute(timeMs, -210), '2026-11-27 15:12:04 (UTC-3:30)')
    t.equal(format.absolute(timeMs, 0), '2026-11-27 18:42:04 (UTC)')
    t.equal(format.absolute(Number.NaN, 0), 'unknown')
    t.equal(format.clock(timeMs, 0), '18:42:04')
  })
})

t.test('text', async (t) => {
  t.equal(format.hostAndPort('172.16.85.168', 3478), '172.16.85.168 3478')
  t.same(['no user', 'Done.', ''].map(format.sentence), ['No user.', 'Done.', ''])
})

t.test('a route', async (t) => {
  t.test('comes back as it was written', async (t) => {
    const route = { view: 'clients', item: '0-17', query: { search: 'a&b#%', sort: 'user' } }
    t.same(parseRoute(formatRoute(route)), route)
    t.equal(formatRoute({ view: 'users', item: '', query: { search: '' } }), '#users')
    t.same(parseRoute('#clients/%E0%A4%A'), { view: 'clients', item: '%E0%A4%A', query: {} })
  })
  t.test('of a login link is its token', async (t) => {
    t.equal(loginTokenOf('#login=abc-_1'), 'abc-_1')
    t.equal(loginTokenOf('#clients?login=abc'), null)
  })
})

t.test('samples', async (t) => {
  const busy = new BusyAdministered(1)
  t.test('are added at the end, and leave after their span', async (t) => {
    const samples = new SampleColumns(10)
    for (let time = 100; time < 130; time++) samples.append(busy.sampleAt(time))
    samples.append(busy.sampleAt(120))
    t.equal(samples.length, 11)
    t.equal(samples.column('time')[0], 119)
    t.equal(samples.last('bitsSentPerSecond'), busy.sampleAt(129).bitsSentPerSecond)
  })
  t.test('of a server that lacks some are 0', async (t) => {
    const samples = new SampleColumns(10)
    samples.load({ stepSeconds: 1, columns: { time: [1, 2], clients: [3] } })
    t.same(samples.column('clients'), [3, 0])
    t.same(samples.column('cpuCores'), [0, 0])
  })
  t.test('come to a summary', async (t) => {
    t.same(summary([2, 8, null, 5]), { last: 5, least: 2, mean: 5, most: 8 })
    t.equal(summary([]), null)
    t.same([quantile([3, 1, 2], 0.5), quantile([3, 1, 2], 0.95), quantile([], 0.5)], [2, 3, Number.NaN])
  })
})

t.test('rates of a client are told once it was seen twice', async (t) => {
  const rates = new ClientRates()
  const client = fakeClient(1)
  rates.add(client, 0)
  rates.add(client, 1000)
  t.equal(rates.current, null)
  rates.add(
    { ...client, bytesFromClient: client.bytesFromClient + 1000, packetsToClient: client.packetsToClient + 4 },
    2000,
  )
  t.same(rates.current, { bitsFromClient: 4000, packetsFromClient: 0, bitsToClient: 0, packetsToClient: 2 })
})

t.test('refusals are grouped by reason, the last one first', async (t) => {
  const groups = groupRefusals([
    madeUpRefusal('licence', 'a', '192.0.2.1', 3, 30),
    madeUpRefusal('bad-password', 'b', '192.0.2.2', 2, 20),
    madeUpRefusal('licence', 'c', '192.0.2.3', 4, 10),
  ])
  t.same(
    groups.map(({ count, entries, reason }) => [reason, count, entries.map(({ user }) => user)]),
    [
      ['licence', 7, ['c', 'a']],
      ['bad-password', 2, ['b']],
    ],
  )
})

t.test('a test from a browser', async (t) => {
  const failed = (uri: string, code: number, relayed = ''): CallResult => ({
    ...newResult(uri),
    ...{ stage: 'failed', relayed, errors: code === 0 ? [] : [{ code, text: 'x' }] },
  })
  t.test('knows the transport of a URI, and what browsers cannot do', async (t) => {
    const uris = [
      'turn:a?transport=udp',
      'turn:a:1?transport=tcp',
      'turns:a?transport=tcp',
      'turns:a?transport=udp',
      'turn:a',
    ]
    t.same(uris.map(transportOf), ['UDP', 'TCP', 'TLS', 'DTLS', 'UDP'])
    t.same(
      uris.map((uri) => skipReason(uri) !== ''),
      [false, false, false, true, false],
    )
  })
  t.test('says why it failed', async (t) => {
    t.match(explain(failed('turn:a', 401), 'gathering'), /user name or the password/)
    t.match(explain(failed('turn:a', 508), 'gathering'), /no relay left/)
    t.match(explain(failed('turn:a', 701), 'gathering'), /cannot reach the server there: a firewall/)
    t.match(explain(failed('turns:a', 701), 'gathering'), /does not trust its certificate/)
    t.match(explain(failed('turn:a', 0, '192.0.2.1:24000'), 'connecting'), /192\.0\.2\.1:24000.*a firewall or NAT/)
  })
  t.test('takes the server at its word, each reason once', async (t) => {
    const refusals = [
      madeUpRefusal('stale-nonce', 'u', '192.0.2.1', 1, 0),
      madeUpRefusal('bad-password', 'u', '192.0.2.1', 1, 0),
      madeUpRefusal('bad-password', 'u', '192.0.2.2', 1, 0),
    ]
    const words = serverWordsOf(refusals)
    t.equal(words.length, 1)
    t.match(words[0], /^The user exists.*Set the same password.*\(401, bad-password\)$/)
  })
  t.test('can be copied as text', async (t) => {
    const done: CallResult = {
      ...newResult('turn:a?transport=udp'),
      ...{ stage: 'done', relayed: '192.0.2.1:24000', gatherMilliseconds: 31, connectMilliseconds: 88, probesSent: 4 },
      ...{ roundTrips: [1, 2, 3], bitsPerSecond: 5e7 },
    }
    t.equal(lossOf(done), 0.25)
    const text = resultText(
      [done, { ...failed('turn:b', 401), reason: 'Refused.', serverWords: ['Because.'] }],
      'now',
      'u',
    )
    for (const part of [
      'Works: turn:a',
      'median 2.0 ms, p95 3.0 ms; loss 25.0 % (1 of 4)',
      '50.0 Mbit/s',
      'Refused.',
      'the server says: Because.',
      'icecandidateerror 401 x',
    ])
      t.ok(text.includes(part), part)
  })
})
