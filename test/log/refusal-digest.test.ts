// The digest of refusals: what is one entry, and that its bounds hold in such a way that strangers do not push out whom an operator looks for.

import t from 'tap'
import {
  DIGEST_ENTRY_COUNT_MAX,
  DIGEST_ENTRY_OF_SOURCE_COUNT_MAX,
  DIGEST_SILENCE_SECONDS_MAX,
  REFUSAL_TEXT_LENGTH_MAX,
} from '../../src/limits/reports.js'
import { type DigestEntry, type Happening, RefusalDigest, splitAddress } from '../../src/log/refusal-digest.js'

const HAPPENING: Happening = {
  ...{ timeMs: 1000, reason: 'bad-password', source: '192.0.2.7:5000' },
  ...{ user: 'turnuser', method: 'Allocate', code: 401 },
}

const stranger = (index: number): Happening => ({
  ...HAPPENING,
  reason: 'unknown-user',
  user: `stranger${index}`,
  source: `198.51.${index >> 8}.${index & 0xff}:5000`,
})

const find = (digest: RefusalDigest, user: string): DigestEntry | undefined =>
  digest.entries().find((entry) => entry.user === user)

t.test('an entry', async (t) => {
  t.test('sums up what one user was refused from one address, whatever its port', async (t) => {
    const digest = new RefusalDigest()
    digest.record(HAPPENING)
    digest.record({ ...HAPPENING, timeMs: 2000, source: '192.0.2.7:5001', method: 'Refresh' })
    t.same(digest.entries(), [
      {
        ...{ reason: 'bad-password', user: 'turnuser', source: '192.0.2.7', port: 5001, peer: '' },
        ...{ method: 'Refresh', code: 401, detail: '', count: 2, firstTimeMs: 1000, lastTimeMs: 2000 },
      },
    ])
  })

  t.test('is another one for another reason, user, address or peer', async (t) => {
    const digest = new RefusalDigest()
    const peerPolicy = { ...HAPPENING, reason: 'peer-policy', peer: '10.0.0.1:80' } as const
    const others: Happening[] = [
      HAPPENING,
      { ...HAPPENING, reason: 'stale-nonce' },
      { ...HAPPENING, user: 'alice' },
      { ...HAPPENING, source: '[2001:db8::1]:5000' },
      peerPolicy,
      { ...peerPolicy, peer: '10.0.0.2:80' },
    ]
    for (const other of others) digest.record(other)
    digest.record({ ...peerPolicy, peer: '10.0.0.1:81' })
    t.equal(digest.entries().length, others.length)
    t.match(
      digest.entries().find(({ count }) => count === 2),
      { peer: '10.0.0.1:81' },
      'the last port of a peer',
    )
  })

  t.test('has the beginning of a long name, and no name is taken for another entry', async (t) => {
    const digest = new RefusalDigest()
    const cut = 'x'.repeat(REFUSAL_TEXT_LENGTH_MAX)
    digest.record({ ...HAPPENING, user: `${cut}y` })
    digest.record({ ...HAPPENING, user: `${cut}z` })
    t.match(digest.entries(), [{ user: cut, count: 2 }])
    digest.record({ ...HAPPENING, peer: '10.0.0.1:80', user: 'b' })
    digest.record({ ...HAPPENING, peer: '', user: '10.0.0.1 b' })
    t.equal(digest.entries().length, 3)
  })
})

t.test('its bounds', async (t) => {
  t.test('a flood of strangers makes room for itself, and touches no other reason', async (t) => {
    const digest = new RefusalDigest()
    digest.record(HAPPENING)
    for (let index = 0; index < 10_000; index++) digest.record(stranger(index))
    t.match(find(digest, 'turnuser'), { count: 1 })
    t.equal(digest.entries().length, 1 + DIGEST_ENTRY_COUNT_MAX)
    t.ok(find(digest, 'stranger9999'))
    t.same(
      [...digest.forgotten()],
      [
        ['bad-password', { entries: 0, count: 0 }],
        ['unknown-user', { entries: 10_000 - DIGEST_ENTRY_COUNT_MAX, count: 10_000 - DIGEST_ENTRY_COUNT_MAX }],
      ],
    )
  })

  t.test('who comes again stays, however many others come once', async (t) => {
    const digest = new RefusalDigest()
    const mistyped = { ...HAPPENING, reason: 'unknown-user', user: 'turnusr' } as const
    digest.record(mistyped)
    digest.record(mistyped)
    for (let index = 0; index < 10_000; index++) digest.record(stranger(index))
    digest.record(mistyped)
    t.match(find(digest, 'turnusr'), { count: 3 })
  })

  t.test('of those who come again, the one that was seen least recently goes', async (t) => {
    const digest = new RefusalDigest()
    const twice = (index: number) => {
      digest.record(stranger(index))
      digest.record(stranger(index))
    }
    for (let index = 0; index < DIGEST_ENTRY_COUNT_MAX; index++) twice(index)
    digest.record(stranger(0))
    twice(DIGEST_ENTRY_COUNT_MAX)
    t.ok(find(digest, 'stranger0'))
    t.notOk(find(digest, 'stranger1'))
    t.match(digest.forgotten().get('unknown-user'), { entries: 1, count: 2 })
  })

  for (const [floodOf, sourceOf] of [
    ['the same address', () => '192.0.2.7:5000'],
    ['four other addresses', (index: number) => `198.51.100.${index % 4}:5000`],
    ['any address', (index: number) => `198.51.${index >> 8}.${index & 0xff}:5000`],
  ] as const) {
    t.test(`names that come less often than one, from ${floodOf}, do not push it out`, async (t) => {
      const digest = new RefusalDigest()
      const mistyped = { ...HAPPENING, reason: 'unknown-user', user: 'turnusr' } as const
      const happen = (happening: Happening, count: number) => {
        for (let time = 0; time < count; time++) digest.record(happening)
      }
      happen(mistyped, 14)
      for (let index = 0; index < 1000; index++) happen({ ...stranger(index), source: sourceOf(index) }, 13)
      t.match(find(digest, 'turnusr'), { count: 14 })
      t.equal(digest.forgotten().get('unknown-user')?.count, 13 * (1001 - digest.entries().length))
      // As many as the digest has room for, as often each: then the oldest one goes.
      for (let index = 0; index < DIGEST_ENTRY_COUNT_MAX; index++) {
        happen({ ...stranger(index), user: `as often ${index}`, source: sourceOf(index) }, 15)
      }
      t.notOk(find(digest, 'turnusr'))
    })
  }

  t.test(
    `who was silent for ${DIGEST_SILENCE_SECONDS_MAX} s makes room for who comes now, however often it came`,
    async (t) => {
      const digest = new RefusalDigest()
      const twice = (index: number, timeMs: number) => {
        digest.record({ ...stranger(index), timeMs })
        digest.record({ ...stranger(index), timeMs })
      }
      const often = { ...HAPPENING, reason: 'unknown-user', user: 'often' } as const
      for (let time = 0; time < 100; time++) digest.record({ ...often, timeMs: 1000 })
      const laterMs = 1000 + DIGEST_SILENCE_SECONDS_MAX * 1000
      for (let index = 0; index < DIGEST_ENTRY_COUNT_MAX; index++) twice(index, laterMs)
      t.ok(find(digest, 'often'), 'not longer than that')
      t.notOk(find(digest, 'stranger0'))
      twice(DIGEST_ENTRY_COUNT_MAX, laterMs + 1)
      t.notOk(find(digest, 'often'))
      t.ok(find(digest, 'stranger1'))
    },
  )

  for (const [of, source] of [
    ['an IPv4 address', () => '192.0.2.1:5000'],
    ['an IPv6 /64', (index: number) => `[2001:db8:1:2:3:4:5:${index.toString(16)}]:5000`],
    ['an IPv6 /64 with zeros', (index: number) => `[2001:db8::${(index + 1).toString(16)}:0:0:1]:5000`],
  ] as const) {
    t.test(`one source, ${of}, has a share and no more`, async (t) => {
      const digest = new RefusalDigest()
      digest.record({ ...HAPPENING, user: 'turnuser' })
      for (let index = 0; index < 1000; index++)
        digest.record({ ...HAPPENING, user: `name${index}`, source: source(index) })
      t.ok(find(digest, 'turnuser'), 'others keep their place')
      t.equal(digest.entries().length, 1 + DIGEST_ENTRY_OF_SOURCE_COUNT_MAX)
      t.ok(find(digest, 'name999'))
    })
  }
})

t.test('an address', async (t) => {
  t.same(splitAddress('192.0.2.1:5000'), { host: '192.0.2.1', port: 5000 })
  t.same(splitAddress('[2001:db8::1]:5000'), { host: '2001:db8::1', port: 5000 })
  t.same(splitAddress(''), { host: '', port: 0 })
})
