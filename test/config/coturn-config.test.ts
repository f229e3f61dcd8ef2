// --coturn-config: a turnserver.conf as coturn reads it, what becomes of each option, and what stops the start.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import t from 'tap'
import { readConfLines, readSwitch } from '../../src/config/coturn/conf-file.js'
import { importCoturnConfig } from '../../src/config/coturn/coturn-config.js'
import { COTURN_OPTION_GROUPS, COTURN_OPTION_NAMES, findCoturnOption } from '../../src/config/coturn/options.js'
import { type ImportVerdict, importSummary } from '../../src/config/import-report.js'
import { findOption, OPTIONS } from '../../src/config/options.js'
import type { Settings } from '../../src/config/settings.js'
import { hostAddress } from '../../src/stun/address.js'
import { cidrContains } from '../../src/stun/cidr.js'
import { projectRoot } from '../support/project-root.js'
import { parse, refusal, turndErrorOf } from './refusals.js'

const PATH = '/etc/turnserver.conf'

const parseConf = (text: string, argv: readonly string[] = []) =>
  parse({ argv: ['--coturn-config', PATH, ...argv], files: { [PATH]: text } })
const settingsOf = (text: string): Settings => parseConf(text).settings
const reportOf = (text: string) => importCoturnConfig(PATH, text).report
const messageOf = (text: string) => turndErrorOf(() => importCoturnConfig(PATH, text)).message
const textsOf = (values: readonly { readonly text: string }[]) => values.map(({ text }) => text)

/** `same: it is 600`: of the only line, or of the line that is named. */
function verdictOf(text: string, option = readConfLines(text)[0].name): string {
  const note = reportOf(text).notes.find((one) => one.option === option)
  return note === undefined ? 'none' : `${note.verdict}: ${note.text}`
}

const neededOf = (text: string) =>
  reportOf(text)
    .notes.filter(({ lines, verdict }) => verdict === 'needed' && lines.length === 0)
    .map((note) => `${note.option}: ${note.text}`)

t.test('servers that coturn sends everybody to become --alternate, and everybody is sent there', async (t) => {
  const text =
    'alternate-server=192.0.2.2\nalternate-server=[2001:db8::2]:3479\nudp-alternate-server=192.0.2.3:3480\n' +
    'tcp-alternate-server=192.0.2.4\ntls-alternate-server=2001:db8::5'
  const { alternate, alternateAbove } = settingsOf(text)
  t.same(
    alternate.map((server) => server.text),
    [
      ...['192.0.2.2:3478', '[2001:db8::2]:3479', 'udp:192.0.2.3:3480', 'tcp:192.0.2.4:3478'],
      ...['tls:[2001:db8::5]:5349', 'dtls:[2001:db8::5]:5349'],
    ],
  )
  t.equal(alternateAbove, 0)
  t.match(verdictOf('alternate-server=192.0.2.2'), /^applied: --alternate, and --alternate-above 0: every client/)
  t.match(messageOf('alternate-server=0.0.0.0'), /line 1: alternate-server: 0\.0\.0\.0 .* is a wildcard/)
})

t.test('the lines of a turnserver.conf', async (t) => {
  const cases: [string, string, string][] = [
    ['realm=example.org', 'realm', 'example.org'],
    ['  realm example.org  ', 'realm', 'example.org'],
    ['realm\t = \t example.org\r', 'realm', 'example.org'],
    ['realm==example.org', 'realm', 'example.org'],
    ['realm="example.org"', 'realm', 'example.org'],
    ['realm="example.org" \t', 'realm', 'example.org'],
    ['realm="example.org', 'realm', 'example.org'],
    [`realm='example.org'`, 'realm', `'example.org'`],
    ['static-auth-secret=a=b#c "d"', 'static-auth-secret', 'a=b#c "d"'],
    ['fingerprint', 'fingerprint', ''],
    ['user=', 'user', ''],
    ['=x', '', 'x'],
    ['\ufeffrealm=x', 'realm', 'x'],
  ]
  for (const [text, name, value] of cases) {
    t.test(`are told apart as coturn does: ${JSON.stringify(text)}`, async (t) => {
      t.same(readConfLines(text), [{ name, value, line: 1 }])
    })
  }
  t.test('are counted with blank lines and comments', async (t) => {
    t.same(readConfLines('# a\n\n \t\n  # b\nrealm=x\n#realm=y'), [{ name: 'realm', value: 'x', line: 5 }])
  })
  t.test('switch on and off with the words of coturn', async (t) => {
    for (const word of ['', '1', '9', 'yes', 'Y', 'true', 'TRUE', 'on', 'On', 'ON'])
      t.equal(readSwitch(word), true, word)
    for (const word of ['0', 'no', 'N', 'false', 'F', 'off', 'Off', 'OFF']) t.equal(readSwitch(word), false, word)
    for (const word of ['oN', 'maybe', '-1']) t.equal(readSwitch(word), null, word)
  })
})

t.test('the table', async (t) => {
  t.test('names options of ours that there are', async (t) => {
    for (const name of COTURN_OPTION_NAMES) {
      const { fate } = findCoturnOption(name)!
      if (fate.kind === 'option') t.ok(findOption(fate.option), name)
      for (const [, option] of fate.text.matchAll(/--([a-z][a-z0-9-]*)/g)) {
        t.ok(findOption(option) ?? ['admin', 'version'].includes(option), `${name}: --${option}`)
      }
    }
  })

  t.test('has every name that our options say coturn has for them', async (t) => {
    t.same(
      OPTIONS.flatMap(({ coturn }) => coturn).filter((name) => !COTURN_OPTION_NAMES.includes(name)),
      [],
    )
  })

  const HELP = '/usr/share/doc/coturn/README.turnserver.gz'
  const EXAMPLE = '/usr/share/doc/coturn/examples/etc/turnserver.conf'
  const skip = !existsSync(EXAMPLE) && 'coturn is not installed'
  t.test(
    "has every option of Debian's coturn: its manual and its example",
    { skip: skip || !existsSync(HELP) },
    async (t) => {
      const { gunzipSync } = await import('node:zlib')
      const manual = gunzipSync(readFileSync(HELP)).toString()
      const named = [...manual.matchAll(/^(?:-[A-Za-z], )*--([A-Za-z][A-Za-z0-9_-]*)/gm)].map(([, name]) => name)
      const examples = [...readFileSync(EXAMPLE, 'utf8').matchAll(/^#? ?([A-Za-z][A-Za-z0-9_-]*)(?:=.*|)$/gm)]
      t.ok(named.length > 90, `${named.length} options in the manual`)
      t.ok(examples.length > 90, `${examples.length} lines of the example`)
      const unknown = [...named, ...examples.map(([, name]) => name)].filter(
        (name) => !COTURN_OPTION_NAMES.includes(name),
      )
      t.same(unknown, [])
    },
  )

  t.test('is docs/coturn-options.md; if not: npm run docs', async (t) => {
    const script = await import(pathToFileURL(join(projectRoot, 'scripts/coturn-page.mjs')).href)
    t.equal(readFileSync(join(projectRoot, 'docs/coturn-options.md'), 'utf8'), script.coturnPage(COTURN_OPTION_GROUPS))
  })

  t.test('gives every option a verdict, alone and switched off', async (t) => {
    const verdicts: ImportVerdict[] = ['applied', 'same', 'ignored', 'needed']
    for (const name of COTURN_OPTION_NAMES) {
      for (const value of ['', '=0']) {
        try {
          const { notes } = reportOf(`${name}${value}`)
          t.ok(
            notes.some((note) => note.option === name && note.lines.length === 1 && verdicts.includes(note.verdict)),
            name,
          )
        } catch (error) {
          t.match((error as Error).message, /turnserver\.conf line 1: /, name)
        }
      }
    }
  })
})

t.test('listeners', async (t) => {
  const TLS = 'cert=/c.pem\npkey=/k.pem\n'
  const cases: [string, string, string[]][] = [
    ['nothing: every address, UDP and TCP', '', ['*:3478']],
    ['an address and a port', 'listening-ip=10.0.0.5\nlistening-port=80', ['10.0.0.5:80']],
    ['the last port counts', 'listening-port=80\nlistening-port=81', ['*:81']],
    ['IPv6, and an empty one, which is 0.0.0.0', 'listening-ip=::\nlistening-ip=', ['[::]:3478', '0.0.0.0:3478']],
    ['a certificate: TLS and DTLS', TLS, ['*:3478', 'tls:*:5349', 'dtls:*:5349']],
    ['without TLS', `${TLS}no-tls`, ['*:3478', 'dtls:*:5349']],
    ['without DTLS, on port 443', `${TLS}no-dtls\ntls-listening-port=443`, ['*:3478', 'tls:*:443']],
    ['dtls=0 of newer versions', `${TLS}dtls=0`, ['*:3478', 'tls:*:5349']],
    ['no-tls=0 is TLS', `${TLS}no-tls=0\nno-dtls=no`, ['*:3478', 'tls:*:5349', 'dtls:*:5349']],
    ['without UDP', 'no-udp', ['tcp:*:3478']],
    ['without TCP', 'no-tcp=1', ['udp:*:3478']],
    ['TLS alone', `${TLS}no-udp\nno-tcp\nno-dtls`, ['tls:*:5349']],
    [
      'one port for all: plain TCP comes to the TLS listener',
      `${TLS}listening-port=443\ntls-listening-port=443`,
      ['udp:*:443', 'tls:*:443'],
    ],
    ['auxiliary ones', 'aux-server=[::1]:33478\nno-tcp', ['udp:*:3478', 'udp:[::1]:33478']],
    ['that of proxies', 'tcp-proxy-port=5555', ['*:3478', 'tcp:*:5555']],
  ]
  for (const [name, text, expected] of cases) {
    t.test(`are those of coturn: ${name}`, async (t) => t.same(textsOf(settingsOf(text).listen), expected))
  }
  t.test('have a certificate, whose path is relative to the file', async (t) => {
    t.match(settingsOf('cert=tls/c.pem\npkey=/k.pem'), { cert: '/etc/tls/c.pem', key: '/k.pem' })
    t.match(settingsOf('cert=c.pem'), { cert: null })
    t.match(verdictOf('cert=c.pem'), /^needed: without pkey coturn takes turn_server_pkey\.pem where it finds one/)
    t.match(verdictOf('pkey=k.pem'), /^needed: without cert coturn takes turn_server_cert\.pem where it finds one/)
    t.match(verdictOf('tls-listening-port=5349'), /^ignored: .*coturn looks for turn_server_cert\.pem/)
    t.match(settingsOf(`${TLS}no-tls\nno-dtls`), { cert: null, key: null })
  })
  t.test('cannot all be off', async (t) => {
    t.equal(messageOf('no-udp\nno-tcp'), '/etc/turnserver.conf leaves no listener: UDP and TCP are off, and so is TLS')
  })
  t.test(
    'for DTLS are optional where coturn has them by default alone, and no other source names listeners',
    async (t) => {
      const optionalOf = (text: string, ...argv: string[]) => parseConf(text, argv).imported?.optionalListeners
      t.same(optionalOf(TLS), ['dtls:*:5349'])
      t.same(optionalOf(`${TLS}listening-ip=10.0.0.5\nlistening-ip=10.0.0.6`), [
        'dtls:10.0.0.5:5349',
        'dtls:10.0.0.6:5349',
      ])
      t.same(optionalOf(''), [])
      t.same(optionalOf(`${TLS}no-dtls`), [])
      t.same(optionalOf(`${TLS}dtls`), [], 'the file asks for it')
      t.same(optionalOf(`${TLS}no-dtls=0`), [], 'the file asks for it')
      t.same(optionalOf(TLS, '--listen', 'dtls:*:5349'), [], 'somebody else asks for it')
    },
  )
  t.test('have a port before a semicolon, as in coturn 4.6', async (t) => {
    t.same(textsOf(settingsOf('listening-port=3479;').listen), ['*:3479'])
    t.match(settingsOf('min-port=50000;\nmax-port 51000 ;\nuser-quota=12;'), {
      minPort: 50000,
      maxPort: 51000,
      userQuota: 12,
    })
    t.match(
      reportOf('listening-port=3479;').remarks.join('\n'),
      /^line 1 ends with a semicolon: listening-port is 3479,/m,
    )
    t.equal(settingsOf('realm=example.org;').realm, 'example.org;')
    t.match(reportOf('realm=1234;').remarks.join('\n'), /^line 1 ends with a semicolon, which is a part of the value$/m)
    t.match(messageOf('listening-port=x;'), /line 1: listening-port: x; is not a port/)
  })
  t.test('are refused with the file, the line and the reason', async (t) => {
    t.equal(
      messageOf('\nlistening-port=70000'),
      '/etc/turnserver.conf line 2: listening-port: 70000 is not a port: give a whole number from 1 to 65535',
    )
    t.match(
      messageOf('listening-ip=turn.example.org'),
      /line 1: listening-ip: turn\.example\.org is not .* is a host name/,
    )
  })
})

t.test('relays', async (t) => {
  t.test('have the range of ports of coturn', async (t) => {
    t.match(settingsOf(''), { minPort: 49152, maxPort: 65535 })
    t.match(settingsOf('min-port=50000\nmax-port=51000'), { minPort: 50000, maxPort: 51000 })
    t.match(settingsOf('max-port=60000'), { minPort: 49152, maxPort: 60000 })
    t.equal(
      refusal({ argv: ['--coturn-config', PATH], files: { [PATH]: '\nmin-port=60000\nmax-port=50000' } }).message,
      '/etc/turnserver.conf line 2: --min-port 60000 is above /etc/turnserver.conf line 3: --max-port 50000: give a range such as --min-port 24000 --max-port 29999',
    )
  })
  t.test('are where relay-ip says, or where it listens, never on loopback beside another', async (t) => {
    t.same(settingsOf('').relayIp, [])
    t.same(settingsOf('relay-ip=10.0.0.6\nlistening-ip=10.0.0.5').relayIp, ['10.0.0.6'])
    t.same(settingsOf('listening-ip=10.0.0.5\nlistening-ip=127.0.0.1').relayIp, ['10.0.0.5'])
    t.same(settingsOf('listening-ip=127.0.0.1').relayIp, ['127.0.0.1'])
    t.same(settingsOf('listening-ip=0.0.0.0').relayIp, [])
  })
  t.test('are told as external-ip says', async (t) => {
    t.match(settingsOf('external-ip=203.0.113.5').externalIp, [{ publicHost: '203.0.113.5', privateHost: null }])
    const mapped = settingsOf('external-ip=60.70.80.91/10.0.0.5\nexternal-ip=60.70.80.92/10.0.0.6')
    t.match(mapped, {
      relayIp: ['10.0.0.5', '10.0.0.6'],
      externalIp: [{ privateHost: '10.0.0.5' }, { privateHost: '10.0.0.6' }],
    })
    t.equal(
      verdictOf('relay-ip=10.0.0.5\nexternal-ip=60.70.80.91/10.0.0.9', 'external-ip'),
      'ignored: no relay is opened on its private address',
    )
    t.match(settingsOf('external-ip=60.70.80.91\nexternal-ip=60.70.80.92').externalIp, [{ publicHost: '60.70.80.91' }])
    const NAME =
      /line 1: external-ip: turn\.example\.org is a host name, which coturn looks up at its start: write the address that "getent ahosts turn\.example\.org" prints/
    for (const value of ['turn.example.org', 'turn.example.org/10.0.0.5', '203.0.113.5/turn.example.org'])
      t.match(messageOf(`external-ip=${value}`), NAME, value)
    t.match(parseConf('external-ip=turn.example.org', ['--external-ip', '203.0.113.5']).settings.externalIp, [
      { publicHost: '203.0.113.5' },
    ])
  })
  t.test('are told by a plain external-ip where there is one that it can stand for', async (t) => {
    const TWO = 'listening-ip=10.0.0.5\nlistening-ip=10.0.0.6\n'
    const plain = 'external-ip=203.0.113.5'
    t.equal(
      messageOf(TWO + plain),
      '/etc/turnserver.conf line 3: external-ip: coturn tells 203.0.113.5 for 10.0.0.5 and 10.0.0.6 alike, of which it can reach one: keep that one with relay-ip=10.0.0.5, or give external-ip=PUBLIC/PRIVATE for each',
    )
    t.match(parseConf(TWO + plain, ['--relay-ip', '10.0.0.6']).settings, {
      relayIp: ['10.0.0.6'],
      externalIp: [{ publicHost: '203.0.113.5', privateHost: null }],
    })
    t.match(parseConf(TWO + plain, ['--external-ip', '203.0.113.6/10.0.0.6']).settings, {
      externalIp: [{ publicHost: '203.0.113.6' }],
    })
    const mappedOf = (text: string) => settingsOf(text).externalIp.map((one) => one.text)
    t.same(mappedOf(`relay-ip=10.0.0.5\nrelay-ip=127.0.0.1\n${plain}`), ['203.0.113.5/10.0.0.5'])
    t.same(mappedOf(`${TWO}external-ip=203.0.113.6/10.0.0.6\n${plain}`), [
      '203.0.113.6/10.0.0.6',
      '203.0.113.5/10.0.0.5',
    ])
    const ignored = 'ignored: no relay address is left that it could stand for'
    t.equal(verdictOf(`relay-ip=10.0.0.5\nexternal-ip=2001:db8::5`, 'external-ip'), ignored)
    t.equal(reportOf(`external-ip=203.0.113.6/10.0.0.6\n${plain}`).notes.at(-1)?.verdict, 'ignored')
    t.same(mappedOf(`listening-ip=10.0.0.5\nlistening-ip=fd00::5\n${plain}`), ['203.0.113.5'])
  })
})

t.test('peers', async (t) => {
  const rulesOf = (text: string) => {
    const { allowPeer, denyPeer } = settingsOf(text)
    return { allow: textsOf(allowPeer), deny: textsOf(denyPeer) }
  }
  t.test('have ranges as blocks', async (t) => {
    t.same(rulesOf('denied-peer-ip=10.0.0.0-10.255.255.255').deny, ['10.0.0.0/8'])
    t.same(rulesOf('denied-peer-ip=10.0.0.3 - 10.0.0.8').deny, ['10.0.0.3', '10.0.0.4/30', '10.0.0.8'])
    t.same(rulesOf('denied-peer-ip=0.0.0.0-255.255.255.255').deny, ['0.0.0.0/0'])
    t.same(rulesOf('denied-peer-ip=fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff').deny, ['fc00::/7'])
    t.same(rulesOf('denied-peer-ip=::1').deny, ['::1'])
  })
  t.test('of which the allowing one wins, as in coturn', async (t) => {
    // Here the most specific one wins: so a denied one within an allowed one goes.
    t.same(rulesOf('denied-peer-ip=10.0.0.0-10.255.255.255\nallowed-peer-ip=10.1.2.3'), {
      allow: ['10.1.2.3'],
      deny: ['10.0.0.0/8'],
    })
    t.same(rulesOf('denied-peer-ip=10.1.2.3\nallowed-peer-ip=10.0.0.0-10.255.255.255'), {
      allow: ['10.0.0.0/8'],
      deny: [],
    })
  })
  t.test('are judged as coturn judges them, whatever the ranges', async (t) => {
    const range = fc.tuple(fc.nat(31), fc.nat(31)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
    const text =
      (name: string) =>
      ([first, last]: readonly [number, number]) =>
        `${name}=8.8.8.${first}-8.8.8.${last}`
    fc.assert(
      fc.property(fc.array(range, { maxLength: 4 }), fc.array(range, { maxLength: 4 }), (allowed, denied) => {
        const conf = [...allowed.map(text('allowed-peer-ip')), ...denied.map(text('denied-peer-ip'))].join('\n')
        const { allowPeer, denyPeer } = settingsOf(conf)
        // The order of src/turn/peer-policy.ts.
        const rules = [...allowPeer, ...denyPeer].sort(
          (a, b) => b.cidr.prefixLength - a.cidr.prefixLength || Number(a.allow) - Number(b.allow),
        )
        for (let host = 0; host < 32; host++) {
          const isIn = (ranges: readonly (readonly [number, number])[]) =>
            ranges.some(([first, last]) => host >= first && host <= last)
          const rule = rules.find(({ cidr }) => cidrContains(cidr, hostAddress(`8.8.8.${host}`)!))
          if ((rule?.allow ?? true) !== (isIn(allowed) || !isIn(denied))) return false
        }
        return true
      }),
    )
    t.pass()
  })
  t.test('on loopback are allowed by one switch alone', async (t) => {
    const { allow } = rulesOf('allowed-peer-ip=127.0.0.0-128.0.0.0')
    t.same(allow, ['128.0.0.0'])
    t.same(rulesOf('allow-loopback-peers').allow, ['127.0.0.0/8', '::1'])
    t.same(rulesOf('allow-loopback-peers=no').allow, [])
  })
  t.test('which coturn 4.17 refuses whatever is allowed stay refused, and that is said', async (t) => {
    const ALL = 'allowed-peer-ip=0.0.0.0-255.255.255.255\nallowed-peer-ip=::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'
    const isOpen = (host: string) =>
      settingsOf(ALL).allowPeer.some(({ cidr }) => cidrContains(cidr, hostAddress(host)!))
    for (const host of ['169.254.169.254', 'fe80::1', 'febf::1', 'fd00::1', 'fc00::1', 'fec0::1', '127.0.0.1', '::1'])
      t.notOk(isOpen(host), host)
    for (const host of ['169.253.255.255', '169.255.0.0', '8.8.8.8', '10.0.0.1', '2001:4860::1', 'fbff::1'])
      t.ok(isOpen(host), host)
    const remarks = reportOf(ALL).remarks.join('\n')
    t.match(
      remarks,
      /^line 1: peers in 169\.254\.0\.0\/16 stay refused, as in coturn 4\.17: only --allow-peer opens them/m,
    )
    t.match(remarks, /^line 1 opens private networks as well, as in coturn \(10\.0\.0\.0\/8, 172\.16\.0\.0\/12, /m)
    t.match(remarks, /^line 2: peers in fe80::\/10, fc00::\/7, fec0::\/10 stay refused/m)
    t.notMatch(reportOf('allowed-peer-ip=10.0.0.0-10.255.255.255').remarks.join('\n'), /line 1/)
    t.match(
      verdictOf('allowed-peer-ip=169.254.1.1'),
      /^needed: coturn 4\.17 refuses such peers .*--allow-peer 169\.254\.1\.1,/,
    )
    t.same(rulesOf('denied-peer-ip=169.254.0.0-169.254.255.255\nallowed-peer-ip=0.0.0.0-255.255.255.255').deny, [
      '169.254.0.0/16',
    ])
  })
  t.test('in IPv6 form are judged by the IPv4 address anyway', async (t) => {
    const text = 'denied-peer-ip=::ffff:0.0.0.0-::ffff:255.255.255.255'
    t.same(rulesOf(text).deny, [])
    t.equal(verdictOf(text), 'same: peers in this form are judged by their IPv4 address')
  })
  t.test('denied as a block count, which coturn does not understand; allowed ones stop', async (t) => {
    t.same(rulesOf('denied-peer-ip=192.168.0.0/16').deny, ['192.168.0.0/16'])
    t.match(
      reportOf('denied-peer-ip=192.168.0.0/16').remarks.join(),
      /line 1: coturn 4\.6 does not understand 192\.168\.0\.0\/16/,
    )
    t.equal(
      messageOf('allowed-peer-ip=10.0.0.0/8'),
      '/etc/turnserver.conf line 1: allowed-peer-ip: 10.0.0.0/8 is not ADDRESS or ADDRESS-ADDRESS: coturn ignores it, so write 10.0.0.0-10.255.255.255 if that is meant',
    )
    for (const range of ['10.0.0.9-10.0.0.1', '10.0.0.1-::1', '10.0.0.1-', 'private', '1-2-3']) {
      t.match(
        messageOf(`denied-peer-ip=${range}`),
        /line 1: denied-peer-ip: .* is not ADDRESS or ADDRESS-ADDRESS/,
        range,
      )
    }
  })
  t.test('in private networks need a rule: that is said, unless the file denies them too', async (t) => {
    const isSaid = (text: string) => /--allow-peer/.test(reportOf(text).remarks.join())
    t.ok(isSaid(''))
    t.notOk(isSaid('denied-peer-ip=10.0.0.0-10.255.255.255'))
    t.notOk(isSaid('allowed-peer-ip=10.0.0.5'))
  })
})

t.test('users', async (t) => {
  const KEY = '543e1aec5d3614f03141652d6ada51b2'
  t.test('have passwords or keys', async (t) => {
    t.same(settingsOf(`realm=r\nuser=alice:pass:word\nuser = bob: 0x${KEY.toUpperCase()}`).user, [
      { name: 'alice', password: 'pass:word' },
      { name: 'bob', key: KEY },
    ])
  })
  t.test('of OAuth are in a database: how its keys become a file is said, and the server name is taken', async (t) => {
    const text = 'lt-cred-mech\nuser=a:1\noauth\nserver-name=blackdow.carleon.gov'
    t.equal(settingsOf(text).oauthServerName, 'blackdow.carleon.gov')
    t.match(
      verdictOf(text, 'oauth'),
      /^needed: its keys are in a database .*as_rs_alg, ikm_key, .* give --oauth-keys oauth.keys/,
    )
    t.same(parseConf('user=a:1\nserver-name=blackdow.carleon.gov').settings.oauthServerName, null)
  })
  t.test('are there once: the last line counts', async (t) => {
    t.same(settingsOf('user=a:1\nuser=a:2').user, [{ name: 'a', password: '2' }])
  })
  t.test('do not count beside a secret, as in coturn', async (t) => {
    const text = 'user=a:1\nuse-auth-secret\nstatic-auth-secret=north\nstatic-auth-secret=south'
    t.match(settingsOf(text), { user: [], authSecret: ['north', 'south'] })
    t.match(verdictOf(text), /^ignored: coturn has no users beside a secret/)
    t.match(settingsOf('user=a:1\nstatic-auth-secret=north'), { user: [], authSecret: ['north'] })
  })
  t.test('never show a password or a secret', async (t) => {
    for (const text of ['user=hunter2', 'user=alice:0xhunter2', 'user=:hunter2', `user=${'n'.repeat(600)}:hunter2`]) {
      t.notMatch(messageOf(text), /hunter2/, text)
    }
    const { notes } = reportOf(
      'user=a:hunter2\nstatic-auth-secret=hunter2\nhunter2==\ncli-password=hunter2\npkey-pwd=hunter2',
    )
    t.notMatch(JSON.stringify(notes), /hunter2/)
  })
  t.test('have to come from somewhere: what to do is said where the file has none', async (t) => {
    t.match(neededOf('').join(), /^user: coturn relays for everybody with this file/)
    t.match(neededOf('no-auth').join(), /^user: coturn relays for everybody/)
    t.match(neededOf('lt-cred-mech\nrealm=r').join(), /^user: the file has no user, .*sqlite3 .*--users-file users/)
    t.match(
      verdictOf('userdb=/var/lib/turn/turndb'),
      /^needed: its users and secrets are not read: export them with sqlite3/,
    )
    t.match(verdictOf('use-auth-secret'), /^needed: the file has no static-auth-secret/)
    t.match(neededOf(`user=a:0x${KEY}`).join(), /^realm: the file has no realm, and the keys/)
    t.same(neededOf('user=a:b\nrealm=r'), [])
    t.same(neededOf(`user=a:0x${KEY}\nstatic-auth-secret=s`), [], 'users that do not count need no realm')
  })
  t.test('have the separator of the file, of which coturn takes the first character', async (t) => {
    t.equal(verdictOf('rest-api-separator=:'), 'applied: --auth-secret-separator')
    t.equal(settingsOf('rest-api-separator=|x').authSecretSeparator, '|')
    t.match(verdictOf('rest-api-separator=1'), /^needed: the separator is one printable character/)
  })
})

t.test('users in Redis', async (t) => {
  const redisOf = (value: string) => settingsOf(`realm=r\nredis-userdb=${value}`).redis
  t.test('come from the connection string, by each of its names', async (t) => {
    t.match(redisOf('"ip=192.0.2.7 dbname=2 password=p@ss/%w port=6380 connect_timeout=30"'), {
      ...{ shown: 'redis://192.0.2.7:6380/2', host: '192.0.2.7', port: 6380, database: 2, isTls: false },
      ...{ username: null, password: 'p@ss/%w', path: null },
    })
    t.match(redisOf('host=localhost db=3 user=turn passwd=x p=1'), {
      ...{ host: 'localhost', port: 1, database: 3, username: 'turn', password: 'x' },
    })
    t.match(redisOf('hostaddr=::1  secret=x'), { host: '::1', port: 6379, database: 0, password: 'x' })
    t.match(redisOf('dbname=1'), { shown: 'redis://127.0.0.1:6379/1', password: null })
    t.match(redisOf('user=turn'), { username: null, password: null }, 'coturn logs in with a password only')
    t.match(redisOf('redis://turn:x@redis.example.org/4'), { host: 'redis.example.org', password: 'x', database: 4 })
    t.match(verdictOf('redis-userdb=ip=::1'), 'applied: --redis')
  })
  t.test('may be behind TLS, which is always verified', async (t) => {
    const settings = settingsOf('realm=r\nredis-userdb=host=redis.example.org tls=true ca=/etc/ca.pem password=x')
    t.match(settings, { redis: { isTls: true, shown: 'rediss://redis.example.org:6379/0' }, redisCa: '/etc/ca.pem' })
    t.match(verdictOf('redis-userdb=host=a tls=yes ca=b'), 'applied: --redis, --redis-ca')
    t.match(verdictOf('redis-userdb=host=a tls=1 verify=none'), /^needed: the certificate of Redis is always verified/)
    t.match(verdictOf('redis-userdb=host=a tls=1 cert=c clientkey=k'), /^needed: .* no certificate of its own/)
    t.match(verdictOf('redis-userdb=host=192.0.2.1 tls=on sni=b.test'), /^needed: .*: give it as b\.test$/)
    t.match(verdictOf('redis-userdb=host=a tls=1 capath=d'), /^needed: --redis-ca is a file/)
    t.match(verdictOf('redis-userdb=host=a verify=none'), 'applied: --redis', 'without TLS nothing is verified')
  })
  t.test('that coturn could not reach either stop the start, and the password is not shown', async (t) => {
    t.match(
      messageOf('redis-userdb=ip=a password=my hunter2'),
      /line 1: redis-userdb: the value has a part that coturn/,
    )
    t.match(messageOf('redis-userdb=ip=a colour=red'), /has a part colour that coturn does not know/)
    t.match(
      messageOf('redis-userdb=ip=a dbname=two password=hunter2'),
      /redis-userdb: the value .* database is a number/,
    )
    for (const rest of ['password=my hunter2', 'dbname=x password=hunter2', 'ip=[ password=hunter2']) {
      t.notMatch(messageOf(`redis-userdb=${rest}`), /hunter2/)
    }
  })
  t.test('need a realm, and no others; what is not read of them is said', async (t) => {
    t.match(neededOf('redis-userdb=ip=::1\nlt-cred-mech').join(), /^realm: the file has no realm, and what is in Redis/)
    t.same(neededOf('redis-userdb=ip=::1\nlt-cred-mech\nrealm=r'), [])
    const { remarks } = reportOf('redis-userdb=ip=::1\nrealm=r\nuse-auth-secret')
    t.match(
      remarks.join('\n'),
      /\(max-bps, user-quota, .*\) are not read: give --max-bps, --user-quota, --max-allocations/,
    )
    t.match(remarks.join('\n'), /users in Redis can log in beside the secrets/)
    t.match(reportOf('redis-userdb=ip=::1\nrealm=r').remarks.join('\n'), /coturn relays for everybody with this file/)
    t.equal(verdictOf('use-auth-secret\nredis-userdb=ip=::1'), 'same: the secrets are those in Redis')
    t.equal(verdictOf('redis-userdb='), 'ignored: it has no value')
  })
})

t.test('limits and the rest', async (t) => {
  t.test('have our units', async (t) => {
    t.match(settingsOf('max-bps=64000\nuser-quota=12\ntotal-quota=1200'), {
      maxBps: 512000,
      userQuota: 12,
      maxAllocations: 1200,
    })
    t.match(settingsOf('max-bps=0\nuser-quota=0\ntotal-quota=0'), { maxBps: 0, userQuota: 0, maxAllocations: 1800 })
    t.match(verdictOf('bps-capacity=100'), /^needed/)
    t.match(messageOf('user-quota=many'), /line 1: user-quota: many is not a number of allocations/)
  })
  t.test('are taken over where there is an option', async (t) => {
    t.match(settingsOf('relay-threads=0'), { workers: 1 })
    t.match(settingsOf('relay-threads=500'), { workers: 128 })
    t.match(settingsOf('cpus=4\nrelay-threads=3'), { workers: 3 })
    t.match(settingsOf('Verbose'), { logLevel: 'debug' })
    t.match(settingsOf('log-min-level=warning'), { logLevel: 'warn' })
    t.match(settingsOf('rfc5766-channel-numbers'), { channelRange: 'rfc5766' })
    t.match(settingsOf('realm=example.org'), { channelRange: 'rfc5766' }, 'as coturn 4.6, which has no such option')
    t.match(settingsOf('rfc5766-channel-numbers=0'), { channelRange: 'rfc8656' })
    t.match(settingsOf('no-tcp-relay'), { noTcpRelay: true })
    t.match(settingsOf('no-tcp-relay=0'), { noTcpRelay: false })
    t.same(settingsOf('server-name=Turn.example.org').publicName, ['turn.example.org'])
    t.match(verdictOf('server-name=turn'), /^applied/)
    t.match(settingsOf('web-admin\nweb-admin-port=8081').adminListen, { host: '127.0.0.1', port: 8081 })
    t.match(settingsOf('web-admin-port=8081').adminListen, { port: 8445 })
  })
  t.test('are the same, or said to be other', async (t) => {
    t.match(verdictOf('stale-nonce'), /^same: it is 600/)
    t.match(verdictOf('channel-lifetime=600'), /^same/)
    t.match(verdictOf('permission-lifetime=3600'), /^ignored: it is 300 here/)
    t.match(verdictOf('mobility'), /^applied/)
    t.match(verdictOf('no-multicast-peers'), /^same/)
    t.match(verdictOf('no-multicast-peers=0'), /^ignored/)
    t.match(verdictOf('realm='), /^ignored: it has no value/)
    t.match(messageOf('no-multicast-peers=perhaps'), /line 1: no-multicast-peers: "perhaps" is neither on nor off/)
  })
  t.test('of which coturn has none are warned of, with the nearest name', async (t) => {
    t.equal(verdictOf('minport=100'), 'unknown: coturn has no such option: did you mean min-port?')
    t.equal(verdictOf('--no-cli'), 'unknown: coturn has no such option: did you mean no-cli?')
  })
})

t.test('values that cannot be taken are told all at once, in the order of the file', async (t) => {
  t.match(
    messageOf('user-quota=many\nrealm=r\nno-multicast-peers=perhaps'),
    /conf line 1: user-quota: many .*; line 3: no-multicast-peers: "perhaps" is neither on nor off$/,
  )
  t.match(messageOf('user-quota=many\nrealm=r\nmin-port=x'), /conf line 1: user-quota: many .*; line 3: min-port: x /)
  t.match(
    messageOf('min-port=x\nexternal-ip=a.example'),
    /line 1: min-port: x .*; line 2: external-ip: a\.example is a host/,
  )
  t.match(messageOf(Array(11).fill('relay-ip=x').join('\n')), /line 8: .*; and 3 more$/)
})

t.test('a file of something else stops the start', async (t) => {
  const sentence = /^\/etc\/turnserver\.conf is no turnserver\.conf: no line of it is an option of coturn/
  t.match(messageOf('realm=r\n\0\x01'), sentence)
  t.match(messageOf('[Unit]\nDescription=x\n'), sentence)
  t.match(verdictOf('minport=100'), /^unknown/, 'a typing error is one')
  t.equal(reportOf('# nothing\n').notes.filter(({ verdict }) => verdict === 'unknown').length, 0)
})

t.test('the report', async (t) => {
  t.test('asks for nothing, and remarks nothing, that a stronger source answers', async (t) => {
    const said = (text: string, ...argv: string[]) => {
      const { notes, remarks } = parseConf(text, argv).imported!
      return [...notes.filter(({ verdict }) => verdict === 'needed').map((note) => note.text), ...remarks]
    }
    const TLS = 'cert=/c.pem\npkey=/k.pem\n'
    t.equal(said(TLS).length, 7)
    const answers = ['--allow-peer', '10.0.0.5', '--user', 'a:b', '--max-allocations', '900', '--realm', 'r']
    const rest = ['--channel-range', 'rfc8656', '--min-port', '50000', '--max-port', '60000', '--listen', 'tls:*:443']
    t.same(said(TLS, ...answers, ...rest), [])
    t.match(said(TLS, '--max-port', '60000').join(), /the range of relay ports/)
    t.same(said(`${TLS}use-auth-secret`, ...answers, ...rest, '--auth-secret', 'north'), [])
  })
  t.test('keeps the end of a long path', async (t) => {
    const path = `/${'deep/'.repeat(40)}turnserver.conf`
    t.match(importSummary({ ...reportOf(''), path }), /^read 0 options of "….*deep\/turnserver\.conf": /)
    const { message } = turndErrorOf(() => importCoturnConfig(path, 'listening-port=x'))
    t.match(message, /^"….*deep\/turnserver\.conf" line 1: listening-port: x is not a port/)
    t.match(
      refusal({ argv: ['--coturn-config', path] }).message,
      /^--coturn-config "….*deep\/turnserver\.conf" cannot be read/,
    )
    const file = refusal({ argv: ['--config', path], files: { [path]: JSON.stringify({ cert: path }) } }).message
    t.match(file, /^"….*\/turnserver\.conf": "cert": "….*\/turnserver\.conf" needs /)
  })
  t.test('counts the lines of the file', async (t) => {
    const report = reportOf('realm=r\nuser=a:b\nno-cli\nfingerprint\nproc-user=turn\nminport=1\n# end\n')
    t.equal(
      importSummary(report),
      'read 6 options of /etc/turnserver.conf: 2 applied, 1 by default here already, 2 ignored, 1 unknown; 1 thing needs you',
    )
  })
})

t.test('what is said again further down', async (t) => {
  t.test('counts no more, and is told so, where it can be said once', async (t) => {
    for (const name of COTURN_OPTION_NAMES) {
      // Values that each of them takes, or refuses.
      const text = `${name}=1\n${name}=1\n`
      try {
        const { notes } = reportOf(text)
        t.same(notes.flatMap(({ lines }) => lines).sort(), [1, 2], name)
      } catch (error) {
        t.match((error as Error).message, /turnserver\.conf (?:line \d: |leaves no listener)/, name)
      }
    }
    t.match(verdictOf('realm=a\nrealm=b'), /^ignored: a later line says it again/)
    t.match(settingsOf('realm=a\nrealm=b\nrealm='), { realm: 'b' })
    t.match(settingsOf('cert=a\ncert=/b\npkey=/c\nno-tls\nno-tls=0'), {
      cert: '/b',
      listen: [{}, { scheme: 'tls' }, {}],
    })
  })
})

t.test('precedence', async (t) => {
  const files = {
    'turn.conf': 'realm=imported\nmin-port=50000\nuser=a:b',
    'turnd.json': '{"realm": "configured", "coturn-config": "turn.conf"}',
  }
  t.test('the command line, the environment and --config beat the file', async (t) => {
    const { imported, settings } = parse({
      argv: ['--config', 'turnd.json', '--user', 'c:d'],
      environment: { TURND_MIN_PORT: '51000' },
      files,
    })
    t.match(settings, { realm: 'configured', minPort: 51000, maxPort: 65535, user: [{ name: 'c' }] })
    t.equal(imported?.path, 'turn.conf')
  })
  t.test('two files of others exclude each other', async (t) => {
    t.equal(
      refusal({ argv: ['--coturn-config', 'a', '--expressway-config', 'b'] }).message,
      '--coturn-config a and --expressway-config b exclude each other: give one of them',
    )
  })
  t.test('a file that cannot be read stops the start', async (t) => {
    const { code, message } = refusal({ argv: ['--coturn-config', 'nowhere.conf'] })
    t.same(
      { code, message },
      {
        code: 'TURND_ERR_CONFIG_FILE',
        message: '--coturn-config nowhere.conf cannot be read: there is no such file',
      },
    )
  })
})
