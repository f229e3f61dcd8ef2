import t from 'tap'
import { codeAndMessage, libraryRefusal, parse, refusal } from './refusals.js'

t.test('options that do not fit each other', async (t) => {
  t.test('are refused with one sentence that names them and their values', async (t) => {
    const rows: [string, string][] = [
      [
        '--min-port 30000 --max-port 29000',
        '--min-port 30000 is above --max-port 29000: give a range such as --min-port 24000 --max-port 29999',
      ],
      [
        '--min-port 30000',
        '--min-port 30000 is above --max-port 29999 (the default): give a range such as --min-port 24000 --max-port 29999',
      ],
      [
        '--max-port 23999',
        '--min-port 24000 (the default) is above --max-port 23999: give a range such as --min-port 24000 --max-port 29999',
      ],
      [
        '--min-port 25000 --max-port 25000',
        '--min-port 25000 and --max-port 25000 are a range of one port: a relay with its pair takes 2, such as in --min-port 24000 --max-port 29999',
      ],
      [
        '--auth-secret-lifetime 7200 --auth-secret-lifetime-max 3600',
        '--auth-secret-lifetime 7200 is more than --auth-secret-lifetime-max 3600, so that every new name would be refused: lower the one or raise the other',
      ],
      [
        '--listen *:3478 --listen :3478',
        '--listen :3478 takes UDP *:3478, which --listen *:3478 has: keep one of them',
      ],
      [
        '--listen udp:192.0.2.1 --listen 192.0.2.1:3478',
        '--listen 192.0.2.1:3478 takes UDP 192.0.2.1:3478, which --listen udp:192.0.2.1 has: keep one of them',
      ],
      [
        '--listen 192.0.2.1 --listen tcp:192.0.2.1',
        '--listen tcp:192.0.2.1 takes TCP 192.0.2.1:3478, which --listen 192.0.2.1 has: keep one of them',
      ],
      [
        '--listen tcp:[::1]:443 --listen tls:[0::1]:443 --cert c.pem --key k.pem',
        '--listen tls:[0::1]:443 takes TCP [::1]:443, which --listen tcp:[::1]:443 has: keep one of them',
      ],
      [
        '--listen dtls:*:443 --listen udp:*:443 --cert c.pem --key k.pem',
        '--listen udp:*:443 takes UDP *:443, which --listen dtls:*:443 has: keep one of them',
      ],
      [
        '--listen tls:192.168.245.61:443 --cert c.pem --key k.pem --admin-listen *:443',
        '--admin-listen *:443 takes TCP port 443, which --listen tls:192.168.245.61:443 has: move the status page to another port, such as --admin-listen *:445',
      ],
      [
        '--listen *:8445 --admin-listen 192.0.2.1:8445',
        '--admin-listen 192.0.2.1:8445 takes TCP port 8445, which --listen *:8445 has: move the status page to another port, such as --admin-listen 192.0.2.1:8446',
      ],
      ['--relay-ip 192.0.2.1 --relay-ip 192.0.2.1', '--relay-ip 192.0.2.1 is given twice: keep one of them'],
      ['--relay-ip fd00::1 --relay-ip fd00:0::1', '--relay-ip fd00:0::1 is given twice: keep one of them'],
      [
        '--external-ip 203.0.113.5/10.0.0.6 --relay-ip 10.0.0.5 --relay-ip fd00::5',
        '--external-ip 203.0.113.5/10.0.0.6 maps 10.0.0.6, which is not a --relay-ip: those are 10.0.0.5, fd00::5',
      ],
      [
        '--external-ip 2001:db8::5 --relay-ip 10.0.0.5',
        '--external-ip 2001:db8::5 has no IPv6 --relay-ip to stand for: give one',
      ],
      [
        '--external-ip 203.0.113.5 --relay-ip fd00::5',
        '--external-ip 203.0.113.5 has no IPv4 --relay-ip to stand for: give one',
      ],
      [
        '--external-ip 203.0.113.5 --relay-ip 10.0.0.5 --relay-ip 10.0.0.6',
        '--external-ip 203.0.113.5 could stand for 10.0.0.5 or 10.0.0.6: give PUBLIC/PRIVATE',
      ],
      [
        '--external-ip 203.0.113.5 --external-ip 203.0.113.6',
        '--external-ip 203.0.113.6 contradicts --external-ip 203.0.113.5: keep one of them',
      ],
      [
        '--external-ip 203.0.113.5/10.0.0.5 --external-ip 203.0.113.6/10.0.0.5',
        '--external-ip 203.0.113.6/10.0.0.5 contradicts --external-ip 203.0.113.5/10.0.0.5: keep one of them',
      ],
      [
        '--external-ip 203.0.113.5/10.0.0.5 --external-ip 203.0.113.5/10.0.0.6',
        '--external-ip 203.0.113.5/10.0.0.6 contradicts --external-ip 203.0.113.5/10.0.0.5: keep one of them',
      ],
      [
        '--external-ip 203.0.113.5/10.0.0.5 --external-ip 203.0.113.6',
        '--external-ip 203.0.113.6 contradicts --external-ip 203.0.113.5/10.0.0.5: keep one of them',
      ],
      ['--user bob:a --user alice:b --user bob:c', '--user bob is given twice: keep one of them'],
      ['--cert c.pem', '--cert c.pem needs --key as well'],
      ['--key k.pem', '--key k.pem needs --cert as well'],
      [
        '--listen *:3478 --listen tls:*:443',
        '--listen tls:*:443 needs a certificate: give --cert FILE --key FILE, or make one with turnd cert --name NAME',
      ],
      [
        '--listen dtls:*',
        '--listen dtls:* needs a certificate: give --cert FILE --key FILE, or make one with turnd cert --name NAME',
      ],
      [
        '--workers 127 --stream-workers 127',
        '--workers 127 and --stream-workers 127 are more than 253 together: give one for each core',
      ],
      [
        '--http-upstream http://localhost:8445 --listen tls:*:443 --cert c.pem --key k.pem',
        '--http-upstream http://localhost:8445 is the status page, by --admin-listen 127.0.0.1:8445, which is for operators: give another',
      ],
    ]
    for (const [line, message] of rows)
      t.same(codeAndMessage(refusal({ argv: line.split(' ') })), { code: 'TURND_ERR_OPTION', message }, line)
  })

  t.test('are accepted at the boundary', async (t) => {
    const lines = [
      '--min-port 24000 --max-port 24001',
      '--min-port 29998',
      '--max-port 24001',
      '--listen *:3478 --listen *:3479',
      '--listen udp:*:3478 --listen tcp:*:3478',
      '--listen udp:*:443 --listen tls:*:443 --cert c.pem --key k.pem',
      '--http-upstream http://10.0.0.9 --listen tls:*:443 --cert c.pem --key k.pem',
      '--http-upstream https://10.0.0.9 --http-upstream-ca ca.pem --listen tls:*:443 --cert c.pem --key k.pem',
      '--listen 127.0.0.1:0 --listen 127.0.0.1:0',
      '--listen 192.0.2.1 --listen 192.0.2.2',
      '--external-ip 203.0.113.5/10.0.0.5',
      '--external-ip 203.0.113.5/10.0.0.5 --relay-ip 10.0.0.5',
      '--external-ip 203.0.113.5 --relay-ip 10.0.0.5 --relay-ip fd00::5',
      '--external-ip 203.0.113.5 --external-ip 2001:db8::5',
      '--external-ip 203.0.113.5/10.0.0.5 --external-ip 203.0.113.6/10.0.0.6 --relay-ip 10.0.0.5 --relay-ip 10.0.0.6',
      '--user bob:a --user Bob:a',
      '--cert c.pem --key k.pem',
      '--workers 127 --stream-workers 126',
      '--workers 253',
      '--stream-workers 253',
    ]
    for (const line of lines) t.doesNotThrow(() => parse({ argv: line.split(' ') }), line)
  })

  t.test('are named in the way of the source that gave each', async (t) => {
    const files = { 'f.json': '{"max-port": 20000}' }
    t.equal(
      refusal({ environment: { TURND_MIN_PORT: '30000', TURND_CONFIG: 'f.json' }, files }).message,
      'TURND_MIN_PORT=30000 is above f.json: "max-port": 20000: give a range such as TURND_MIN_PORT=24000 TURND_MAX_PORT=29999',
    )
    t.equal(
      libraryRefusal({ minPort: 30000 }).message,
      'minPort 30000 is above maxPort 29999 (the default): give a range such as minPort 24000 maxPort 29999',
    )
    t.equal(libraryRefusal({ cert: 'c.pem' }).message, 'cert "c.pem" needs key as well')
    t.equal(
      libraryRefusal({ listen: 'tls:*:443' }).message,
      'listen "tls:*:443" needs a certificate: give cert FILE key FILE, or make one with turnd cert --name NAME',
    )
    t.equal(
      libraryRefusal({ user: ['bob:a', { name: 'bob', password: 'b' }] }).message,
      'user bob is given twice: keep one of them',
    )
    t.equal(refusal({ environment: { TURND_KEY: 'k.pem' } }).message, 'TURND_KEY=k.pem needs TURND_CERT as well')
  })
})

t.test('options that fit, but not as somebody may think', async (t) => {
  const warnings = (line: string) => parse({ argv: line.split(' ') }).warnings

  t.test('warn when the quota of a user is above that of everybody', async (t) => {
    t.same(warnings('--user-quota 1801'), [
      '--user-quota 1801 is above --max-allocations 1800 (the default), which is reached first',
    ])
    t.same(warnings('--user-quota 11 --max-allocations 10'), [
      '--user-quota 11 is above --max-allocations 10, which is reached first',
    ])
    t.same(warnings('--user-quota 1800'), [])
    t.same(warnings('--user-quota 0 --max-allocations 1'), [])
  })

  t.test('warn of an upstream that nobody reaches, and of authorities that nobody asks', async (t) => {
    const tls = '--listen tls:*:443 --cert c.pem --key k.pem'
    const unreached =
      '--http-upstream http://10.0.0.9 has no effect: nobody reaches it without a TLS listener, such as --listen tls:*:443'
    t.same(warnings('--http-upstream http://10.0.0.9'), [unreached])
    t.same(warnings('--http-upstream http://10.0.0.9 --listen dtls:*:443 --cert c.pem --key k.pem'), [unreached])
    t.same(warnings(`--http-upstream http://10.0.0.9 ${tls}`), [])
    const unasked =
      '--http-upstream-ca ca.pem has no effect: it is for an upstream over TLS, such as --http-upstream https://HOST'
    t.same(warnings('--http-upstream-ca ca.pem'), [unasked])
    t.same(warnings(`--http-upstream-ca ca.pem --http-upstream http://10.0.0.9 ${tls}`), [unasked])
    t.same(warnings(`--http-upstream-ca ca.pem --http-upstream https://10.0.0.9 ${tls}`), [])
    t.same(parse({ environment: { TURND_HTTP_UPSTREAM: 'http://10.0.0.9' } }).warnings, [
      'TURND_HTTP_UPSTREAM=http://10.0.0.9 has no effect: nobody reaches it without a TLS listener, such as TURND_LISTEN=tls:*:443',
    ])
  })

  t.test('warn when a listener lies in the range of relay ports', async (t) => {
    const ports = '--min-port 24000 --max-port 25000'
    for (const spec of ['127.0.0.1:24000', 'udp:127.0.0.1:25000']) {
      t.same(warnings(`--listen ${spec} ${ports}`), [
        `--listen ${spec} lies in the range of relay ports, 24000-25000: choose another port`,
      ])
    }
    for (const spec of ['127.0.0.1:23999', '127.0.0.1:25001', '127.0.0.1:0'])
      t.same(warnings(`--listen ${spec} ${ports}`), [])
  })

  t.test('warn when a rule opens loopback', async (t) => {
    for (const rule of [
      '127.0.0.0/8',
      '127.0.0.1',
      '127.0.0.1:443',
      '126.0.0.0/7',
      '0.0.0.0/0',
      '::1',
      '[::1]:443',
      '::/0',
    ]) {
      t.same(warnings(`--allow-peer ${rule}`), [
        `--allow-peer ${rule} opens loopback: clients reach the services of this machine there`,
      ])
      t.same(warnings(`--deny-peer ${rule}`), [])
    }
    for (const rule of ['126.0.0.0/8', '128.0.0.1', '128.0.0.0/1', '::2', '2000::/3'])
      t.same(warnings(`--allow-peer ${rule}`), [])
  })

  t.test('let the profile choose the channel range, unless it is given', async (t) => {
    const range = (line: string) => parse({ argv: line.split(' ') }).settings.channelRange
    t.equal(range('--profile rfc'), 'rfc8656')
    t.equal(range('--profile expressway-x8.9'), 'rfc5766')
    t.equal(range('--profile expressway-x12.6'), 'rfc5766')
    t.equal(range('--profile expressway-x12.6 --channel-range rfc8656'), 'rfc8656')
    t.equal(range('--profile rfc --channel-range rfc5766'), 'rfc5766')
  })
})
