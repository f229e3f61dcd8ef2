import t from 'tap'
import { redisServer } from '../../src/config/redis-server.js'
import { messageOf, parse, refusal } from './refusals.js'

t.test('--redis', async (t) => {
  t.test('takes the URL of a server', async (t) => {
    const rows: [text: string, shown: string, more: object][] = [
      ['redis://127.0.0.1', 'redis://127.0.0.1:6379/0', { host: '127.0.0.1', port: 6379, database: 0, isTls: false }],
      ['redis://127.0.0.1/', 'redis://127.0.0.1:6379/0', { username: null, password: null, path: null }],
      ['REDISS://Redis.Example.org:65535/15', 'rediss://Redis.Example.org:65535/15', { isTls: true, database: 15 }],
      ['redis://[2001:db8::1]:1/2', 'redis://[2001:db8::1]:1/2', { host: '2001:db8::1', port: 1 }],
      ['redis://turn:pw@h', 'redis://turn@h:6379/0', { username: 'turn', password: 'pw' }],
      ['redis://:pw@h', 'redis://h:6379/0', { username: null, password: 'pw' }],
      ['redis://turn@h', 'redis://turn@h:6379/0', { username: 'turn', password: null }],
      ['redis://:a@b/c:d?e#f@h:1', 'redis://h:1/0', { password: 'a@b/c:d?e#f', host: 'h' }],
      ['redis://a%40b:%25%2f@h', 'redis://a%40b@h:6379/0', { username: 'a@b', password: '%/' }],
      ['unix:/run/redis.sock', 'unix:/run/redis.sock', { path: '/run/redis.sock', host: null, database: 0 }],
      ['unix:///run/redis.sock?db=3', 'unix:/run/redis.sock?db=3', { path: '/run/redis.sock', database: 3 }],
    ]
    for (const [text, shown, more] of rows) t.match(redisServer.parse(text), { shown, ...more }, text)
  })

  t.test('says what is wrong with anything else, and shows nothing of it', async (t) => {
    const rows: [text: string, reason: RegExp][] = [
      ['', /: give a URL such as redis:\/\/127\.0\.0\.1:6379\/0$/],
      ['hunter2:6379', /: give a URL such as/],
      ['http://hunter2', /: give a URL such as/],
      ['redis:hunter2', /: give a URL such as/],
      ['redis://', /: its host is a name or an IP address, IPv6 in brackets$/],
      ['redis://:hunter2', /: its host is/],
      ['redis://:hunter2@', /: its host is/],
      ['redis://hunter2!', /: its host is/],
      ['redis://2001:db8::1', /: its port is a number from 1 to 65535$/],
      ['redis://[192.0.2.1]', /: its host is/],
      ['redis://h:0', /: its port is/],
      ['redis://h:65536', /: its port is/],
      ['redis://h:', /: its port is/],
      ['redis://h:hunter2', /: its port is/],
      ['redis://h/one', /: its database is a number such as 0$/],
      ['redis://h/1/2', /: its database is/],
      ['redis://h/2147483648', /: its database is/],
      ['redis://h?db=hunter2', /: leave out the \? or # and what follows$/],
      ['redis://:hunter%@h', /: its user and password have % as %25/],
      ['redis://:hunter%0a@h', /: its user and password have % as %25, and nothing that cannot be typed$/],
      ['redis://h\n', /^has a control character/],
      ['unix:hunter2', /^is not unix:\/PATH\[\?db=DB\]: give the path of the socket/],
      ['unix:/run/', /^is not unix:/],
      ['unix:/run/redis.sock?db=x', /^is not unix:\/PATH\[\?db=DB\]: its database is a number/],
    ]
    for (const [text, reason] of rows) {
      const message = messageOf(() => redisServer.parse(text))
      t.match(message, reason, text)
      t.notMatch(message, /hunter/)
    }
    t.match(refusal({ argv: ['--redis', 'redis://:hunter2@h/x'] }).message, /^--redis: the value is not redis/)
  })

  t.test('has one password, and companions that are for it', async (t) => {
    const warnings = (line: string) => parse({ argv: line.split(' ') }).warnings
    t.equal(
      refusal({ argv: '--redis redis://:hunter2@h --redis-password-file pw'.split(' ') }).message,
      '--redis-password-file pw and the password in --redis are two: leave one of them out',
    )
    t.same(warnings('--redis redis://turn@h --redis-password-file pw'), [])
    t.same(warnings('--redis-password-file pw'), [
      '--redis-password-file pw has no effect: it is for a server, such as --redis redis://HOST',
    ])
    const unasked = '--redis-ca ca.pem has no effect: it is for a server over TLS, such as --redis rediss://HOST'
    t.same(warnings('--redis-ca ca.pem'), [unasked])
    t.same(warnings('--redis-ca ca.pem --redis redis://h'), [unasked])
    t.same(warnings('--redis-ca ca.pem --redis rediss://h'), [])
  })
})
