// What differs between two sets of settings, in words; and that each option is either taken over live or left with a reason.
import t from 'tap'
import { settingsFromObject } from '../../src/config/library-options.js'
import { OPTIONS } from '../../src/config/options.js'
import type { TurnServerOptions } from '../../src/config/settings.js'
import { noted } from '../../src/server/change-notes.js'
import { settingChanges, withLive } from '../../src/server/setting-changes.js'
import { effectOf } from '../../src/server/setting-effects.js'
import { settingsOf } from './settings.js'

const changes = (from: TurnServerOptions, to: TurnServerOptions) => settingChanges(settingsOf(from), settingsOf(to))
const only = (from: TurnServerOptions, to: TurnServerOptions) => {
  const rows = changes(from, to)
  t.equal(rows.length, 1)
  return rows[0]
}

t.test('every option', async (t) => {
  for (const { key, name } of OPTIONS) {
    const { effect, note } = effectOf(key)
    if (effect === 'restart') t.ok(note.length > 10, `--${name} says why it needs a restart`)
  }
})

t.test('settingChanges', async (t) => {
  t.test('has no row for what is only written in another way', async (t) => {
    t.same(changes({ listen: ':3478' }, { listen: '*:3478' }), [])
    t.same(changes({ allowPeer: '10.1.2.3/8' }, { allowPeer: '10.0.0.0/8' }), [])
    t.same(changes({ maxBps: 0 }, {}), [], 'a default that is given')
  })

  t.test('writes values as people do', async (t) => {
    t.match(only({}, { listen: ['udp:*:3478', 'tcp:*:443'] }), { from: '*:3478', to: 'udp:*:3478, tcp:*:443' })
    t.match(only({}, { proxyProtocolFrom: ['10.0.0.0/8', 'fd00::1'] }), { from: 'none', to: '10.0.0.0/8, fd00::1/128' })
    t.match(only({}, { nat64Prefix: '2001:db8:64::/96' }), { to: '2001:db8:64::/96' })
    t.match(only({ usersFile: '/a' }, {}), { from: '/a', to: 'none' })
    t.match(only({}, { workers: 3 }), { from: 'one per core', to: '3', effect: 'restart' })
    t.match(only({}, { adminListen: '127.0.0.1:1' }), { from: '127.0.0.1:8445', to: '127.0.0.1:1' })
    t.match(only({}, { externalIp: '192.0.2.1' }), { from: 'none', to: '192.0.2.1' })
  })

  t.test('counts secrets, and shows none', async (t) => {
    t.match(only({ user: 'a:pass-1' }, { user: ['a:pass-1', 'b:pass-2'] }), { from: '1 user', to: '2 users' })
    t.match(only({ user: 'a:pass-1' }, { user: 'a:pass-2' }), { from: '1 user', to: 'changed' })
    const shown = 'redis://127.0.0.1:6379/2'
    t.match(only({}, { redis: 'redis://:pass-4@127.0.0.1/2' }), { from: 'none', to: shown })
    t.match(only({ redis: shown }, { redis: 'redis://:pass-4@127.0.0.1/2' }), { from: shown, to: 'changed' })
    t.match(only({}, { authSecret: 'pass-3' }), { from: 'no secrets', to: '1 secret' })
    t.notMatch(JSON.stringify(changes({ user: 'a:pass-1' }, { user: 'b:pass-2', authSecret: 'pass-3' })), /pass-/)
  })
})

t.test('withLive takes what can be applied, and leaves the rest', async (t) => {
  const parsed = withLive(settingsFromObject({}), settingsFromObject({ realm: 'x', maxBps: 1, unauthenticatedRate: 9 }))
  t.match(parsed.settings, { realm: 'turnd', maxBps: 1, unauthenticatedRate: 9 })
  t.same([...parsed.given.keys()].sort(), ['maxBps', 'unauthenticatedRate'])
})

t.test('withLive refuses what does not fit together before a restart', async (t) => {
  const httpUpstream = 'https://127.0.0.1:18445'
  const present = settingsFromObject({ adminListen: '127.0.0.1:18445' })
  const wanted = settingsFromObject({ adminListen: '127.0.0.1:19000', httpUpstream })
  t.throws(() => withLive(present, wanted), {
    code: 'TURND_ERR_OPTION',
    message: /^httpUpstream ".*:18445" is the status page, by adminListen 127\.0\.0\.1:18445, which is for operators/,
  })
  t.throws(
    () =>
      withLive(settingsFromObject({}), settingsFromObject({ adminListen: ':1', httpUpstream: 'http://[::1]:8445' })),
    {
      message: /is the status page/,
    },
  )
  t.equal(withLive(settingsFromObject({}), wanted).settings.httpUpstream, httpUpstream)
})

t.test('notes tell what depends on who is there', async (t) => {
  const noteOf = (from: TurnServerOptions, to: TurnServerOptions, endingCount = 0, allocationCount = 0) => {
    const [before, after] = [settingsOf(from), settingsOf(to)]
    return noted(settingChanges(before, after), before, after, { endingCount, allocationCount })[0].note
  }
  const both = { listen: ['udp:*:1', 'tcp:*:1'] }
  t.equal(noteOf({ listen: 'udp:*:1' }, both), 'tcp:*:1 added')
  t.equal(noteOf(both, { listen: 'udp:*:1' }, 1), 'tcp:*:1 removed: 1 client that came over it is disconnected')
  t.equal(
    noteOf(both, { listen: 'udp:*:2' }, 0),
    'udp:*:2 added; udp:*:1, tcp:*:1 removed: 0 clients that came over them are disconnected',
  )
  t.equal(
    noteOf({}, { maxAllocations: 5 }, 0, 9),
    '9 exist and stay: new ones are refused until there are fewer than 5',
  )
  t.equal(noteOf({}, { maxAllocations: 5 }, 0, 5), '')
  t.match(noteOf({ user: ['a:1', 'b:2'] }, { user: ['b:3', 'c:4'] }), /^1 added, 1 removed, 1 with new passwords; /)
})
