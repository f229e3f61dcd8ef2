// --expressway-config: the output of xConfiguration of a Cisco Expressway-E, and what becomes of its lines.
import t from 'tap'
import { importExpresswayConfig } from '../../src/config/expressway/expressway-config.js'
import { readXConfiguration } from '../../src/config/expressway/x-configuration.js'
import { importSummary } from '../../src/config/import-report.js'
import type { Settings } from '../../src/config/settings.js'
import { parse, turndErrorOf } from './refusals.js'

const PATH = 'expressway.txt'
/** Two LANs with static NAT, as for web clients of conferences behind it. */
const DEPLOYMENT = `
*c xConfiguration Administration HTTPS Mode: On
*c xConfiguration Ethernet 1 IP V4 Address: "172.16.85.168"
*c xConfiguration Ethernet 1 IP V4 StaticNAT Mode: Off
*c xConfiguration Ethernet 2 IP V4 Address: "192.168.245.61"
*c xConfiguration Ethernet 2 IP V4 StaticNAT Address: "10.88.246.156"
*c xConfiguration Ethernet 2 IP V4 StaticNAT Mode: On
*c xConfiguration IP External Interface: LAN2
*c xConfiguration IPProtocol: IPv4
*c xConfiguration Login User 1 Name: "turnuser"
*c xConfiguration Login User 1 Password: "{cipher}aGlkZGVu"
*c xConfiguration SIP Mode: On
*c xConfiguration Traversal Server TURN Authentication Mode: On
*c xConfiguration Traversal Server TURN Authentication Realm: "turnuser"
*c xConfiguration Traversal Server TURN Authentication Remote Mode: Off
*c xConfiguration Traversal Server TURN Media Port End: 29999
*c xConfiguration Traversal Server TURN Media Port Start: 24000
*c xConfiguration Traversal Server TURN Mode: On
*c xConfiguration Traversal Server TURN Port: 3478
*c xConfiguration Traversal Server TURN PortRangeEnd: 3483
*c xConfiguration Traversal Server TURN PortRangeStart: 3478
*c xConfiguration Traversal Server TURN ProtocolMode: Both
*c xConfiguration Zones DefaultZone SIP TLS Verify Mode: Off
OK
`

const turn = (line: string) => `xConfiguration Traversal Server TURN ${line}\n`
const settingsOf = (text: string): Settings =>
  parse({ argv: ['--expressway-config', PATH], files: { [PATH]: text } }).settings
const reportOf = (text: string) => importExpresswayConfig(PATH, text).report
const messageOf = (text: string) => turndErrorOf(() => importExpresswayConfig(PATH, text)).message
const verdictOf = (text: string, option: string) => {
  const note = reportOf(text).notes.find((one) => one.option === option)
  return `${note?.verdict}: ${note?.text}`
}
const listenOf = (text: string) => settingsOf(text).listen.map((spec) => spec.text)

t.test('lines of xConfiguration', async (t) => {
  for (const text of [
    '*c xConfiguration Traversal Server TURN Authentication Realm: "turnuser"',
    'xConfiguration Traversal Server TURN Authentication Realm: "turnuser"',
    'xconfig Traversal Server TURN Authentication Realm:turnuser\r',
    '*c xConfiguration //Traversal/Server/TURN/Authentication/Realm: turnuser'.replace('//', '/'),
  ]) {
    t.test(`are told apart: ${text}`, async (t) => {
      t.same(readXConfiguration(text).settings, [
        { name: 'Traversal Server TURN Authentication Realm', value: 'turnuser', line: 1 },
      ])
    })
  }
  t.test('may have colons, quotes and nothing in their values; other lines are none', async (t) => {
    const { others, settings } = readXConfiguration(
      'xConfiguration A B: "a: \\"b\\""\nxConfiguration C: ""\nhello\nOK\n',
    )
    t.same(
      settings.map(({ value }) => value),
      ['a: "b"', ''],
    )
    t.same(
      others.map(({ line }) => line),
      [3],
    )
  })
  t.test('need no word before them, where somebody took it away from all', async (t) => {
    const text = '\nTraversal Server TURN Port: "3479"\nSIP Mode: On\n'
    t.same(listenOf(text), ['*:3479'])
    t.equal(verdictOf(text, 'other subsystems'), 'ignored: they are about SIP, not about TURN')
    t.match(verdictOf(turn('Mode: On') + text, 'other lines'), /^needed/)
  })
  t.test('that are no settings need the operator, with their numbers', async (t) => {
    const frame = '[admin@edge ~]$ xConfiguration Traversal Server TURN\n*c/end\n\nOK\n'
    t.equal(verdictOf(turn('Mode: On') + frame, 'other lines'), 'undefined: undefined')
    const text = `Welcome to edge\n${turn('Mode: On')}*c xConfiguration Traversal Server TURN Media Port\nStart: 25000\n${frame}`
    t.match(
      reportOf(text).notes.find(({ option }) => option === 'other lines'),
      { verdict: 'needed', lines: [1, 3, 4], text: /^these are no settings: where a terminal broke a long line/ },
    )
  })
  t.test('whose value a terminal broke in two stop the import', async (t) => {
    const port = 'xConfiguration Traversal Server TURN Media Port Start: 24'
    const sentence = /^expressway\.txt line 1: .*: the value goes on in the next line: a terminal broke it in two/
    t.match(messageOf(`${port}\n000\n`), sentence)
    t.match(messageOf('xConfiguration Traversal Server TURN Port: \r\n3479\r\n'), sentence)
    t.match(messageOf(`${turn('Authentication Realm: "turn')}user"`), sentence)
    t.match(messageOf(`${turn('Media Port Start: 240')}00`), sentence)
    const password = messageOf(`xConfiguration Login User 1 Password: "hunter\n2"\n${turn('Mode: On')}`)
    t.match(password, sentence)
    t.notMatch(password, /hunter/)
    t.match(
      messageOf(`${port}\n\n000\n`),
      /line 1: .*Media Port Start: 24 is below 1024, which no Expressway takes: look whether the line is whole/,
    )
    t.match(messageOf(turn('Media Port End: 1023')), /1023 is below 1024/)
    t.equal(settingsOf(turn('Media Port Start: 1024')).minPort, 1024)
    t.equal(settingsOf(`xConfiguration SIP Thing: "a\nb"\n${port}000`).minPort, 24000, 'another subsystem')
  })
})

t.test('a deployment with two LANs', async (t) => {
  t.test('becomes the same ports, realm and addresses', async (t) => {
    t.match(settingsOf(DEPLOYMENT), {
      ...{ realm: 'turnuser', minPort: 24000, maxPort: 29999, channelRange: 'rfc5766' },
      listen: [{ scheme: 'any', host: '*', port: 3478 }],
      relayIp: ['192.168.245.61'],
      externalIp: [{ publicHost: '10.88.246.156', privateHost: '192.168.245.61' }],
      user: [],
    })
  })
  t.test('has a verdict for every line, one for those of other subsystems', async (t) => {
    const report = reportOf(DEPLOYMENT)
    t.equal(
      importSummary(report),
      'read 22 options of expressway.txt: 9 applied, 5 by default here already, 8 ignored; 3 things need you',
    )
    t.same(
      report.notes.filter(({ option }) => option === 'other subsystems'),
      [
        {
          ...{ verdict: 'ignored', option: 'other subsystems', lines: [2, 12, 23] },
          text: 'they are about Administration, SIP, Zones, not about TURN',
        },
      ],
    )
    t.match(
      verdictOf(DEPLOYMENT, 'Login User 1 Name'),
      /^needed: the password of turnuser cannot be read from the file/,
    )
    t.match(verdictOf(DEPLOYMENT, 'allow-peer'), /^needed: an Expressway relays to private networks/)
    t.notMatch(JSON.stringify(report), /aGlkZGVu/)
  })
})

t.test('the TURN server', async (t) => {
  t.test('has the defaults of an Expressway where the file says nothing', async (t) => {
    t.match(settingsOf(turn('Mode: On')), {
      realm: 'TANDBERG',
      minPort: 24000,
      maxPort: 29999,
      relayIp: [],
      externalIp: [],
    })
    t.same(listenOf(turn('Mode: On')), ['*:3478'])
  })
  t.test('listens as its ports and ProtocolMode say', async (t) => {
    t.same(listenOf(turn('Port: 3480') + turn('ProtocolMode: UDP')), ['udp:*:3480'])
    t.same(listenOf(turn('ProtocolMode: TCP')), ['tcp:*:3478'])
    const large = turn('PortRangeStart: 3478') + turn('PortRangeEnd: 3480')
    t.same(listenOf(large), ['*:3478', '*:3479', '*:3480'])
    t.same(listenOf(large + turn('Port: 3478')), ['*:3478'])
  })
  t.test('beside Port leaves its range to the operator: only a large machine listens there', async (t) => {
    const START = 'Traversal Server TURN PortRangeStart'
    const text = turn('PortRangeStart: 3478') + turn('PortRangeEnd: 3483') + turn('Port: 3478')
    t.match(verdictOf(text, START), /^needed: .* only 3478 is taken over: for a large one give --listen \*:PORT/)
    t.match(verdictOf(text, 'Traversal Server TURN PortRangeEnd'), /^ignored: it belongs to PortRangeStart/)
    t.match(verdictOf(text.replace('3483', '3478'), START), /^same: it is the port/)
    t.match(verdictOf(turn('PortRangeEnd: 3483') + turn('Port: 3478'), 'Traversal Server TURN PortRangeEnd'), /^needed/)
  })
  t.test('that is off, or not in the file, stops the start with a sentence', async (t) => {
    t.match(messageOf(turn('Mode: Off')), /^expressway\.txt line 1: the TURN server of this Expressway is off/)
    t.match(
      messageOf('xConfiguration SIP Mode: On'),
      /^expressway\.txt has no line "xConfiguration Traversal Server TURN …"/,
    )
    t.match(messageOf(''), /has no line/)
  })
  t.test('without authentication, or with credentials of another system, needs the operator', async (t) => {
    t.match(verdictOf(turn('Authentication Mode: Off'), 'Traversal Server TURN Authentication Mode'), /^needed/)
    t.match(
      verdictOf(turn('Authentication Remote Mode: On'), 'Traversal Server TURN Authentication Remote Mode'),
      /^needed/,
    )
  })
  t.test('of later versions is told of, not guessed at', async (t) => {
    const text = turn('Mode: On') + turn('TCP 443 Mode: On') + turn('Port Multiplexing Mode: On') + turn('New Thing: 5')
    t.match(verdictOf(text, 'Traversal Server TURN TCP 443 Mode'), /^needed: give --listen tls:\*:443/)
    t.match(verdictOf(text, 'Traversal Server TURN Port Multiplexing Mode'), /^ignored/)
    t.match(verdictOf(text, 'Traversal Server TURN New Thing'), /^ignored: it has no counterpart here/)
  })
  t.test('has values that are checked, with the line', async (t) => {
    t.match(messageOf(turn('Port: 99999')), /^expressway\.txt line 1: Traversal Server TURN Port: 99999 is not/)
    t.match(messageOf(turn('Mode: Perhaps')), /line 1: Traversal Server TURN Mode: Perhaps is neither On nor Off/)
    t.match(messageOf(turn('ProtocolMode: SCTP')), /SCTP is not Both, UDP or TCP/)
    t.match(messageOf(turn('PortRangeStart: 10') + turn('PortRangeEnd: 9')), /line 2: .* are no range of ports/)
    t.match(messageOf(turn('Media Port Start: x')), /line 1: Traversal Server TURN Media Port Start: x is not a port/)
  })
})

t.test('LANs', async (t) => {
  const lan = (line: string) => `xConfiguration Ethernet ${line}\n`
  t.test('with one address relay there', async (t) => {
    t.same(settingsOf(turn('Mode: On') + lan('1 IP V4 Address: "192.0.2.7"')).relayIp, ['192.0.2.7'])
  })
  t.test('have the external one by its static NAT, where it is not named', async (t) => {
    const text = `${turn('Mode: On')}${lan('1 IP V4 Address: 10.0.0.1')}${lan('2 IP V4 Address: 10.0.1.1')}`
    const nat = `${lan('2 IP V4 StaticNAT Mode: On')}${lan('2 IP V4 StaticNAT Address: 198.51.100.9')}`
    t.same(settingsOf(text).relayIp, ['10.0.0.1'])
    t.match(settingsOf(text + nat), { relayIp: ['10.0.1.1'], externalIp: [{ publicHost: '198.51.100.9' }] })
  })
  t.test('without static NAT are said to have it off', async (t) => {
    const text = `${turn('Mode: On')}${lan('1 IP V4 StaticNAT Mode: Off')}${lan('1 IP V4 StaticNAT Address: 198.51.100.9')}`
    t.equal(verdictOf(text, 'Ethernet 1 IP V4 StaticNAT Mode'), 'same: static NAT is off')
    t.equal(verdictOf(text, 'Ethernet 1 IP V4 StaticNAT Address'), 'ignored: static NAT is off')
    const on = turn('Mode: On') + lan('1 IP V4 StaticNAT Mode: On')
    t.equal(verdictOf(on, 'Ethernet 1 IP V4 StaticNAT Mode'), 'ignored: static NAT is on, without an address')
  })
  t.test('have an IPv6 address where the machine speaks it', async (t) => {
    const text = `${turn('Mode: On')}${lan('1 IP V6 Address: "2001:db8::7"')}`
    t.same(settingsOf(`${text}xConfiguration IPProtocol: Both`).relayIp, ['2001:db8::7'])
    t.same(settingsOf(`${text}xConfiguration IPProtocol: IPv4`).relayIp, [])
  })
})

t.test('what the command line answers is not asked for', async (t) => {
  const answers = ['--allow-peer', '10.1.0.0/16', '--user', 'a:b', '--listen', '*:3478', '--realm', 'r']
  const asked = (...argv: string[]) => {
    const { imported } = parse({ argv: ['--expressway-config', PATH, ...argv], files: { [PATH]: DEPLOYMENT } })
    return imported!.notes.filter(({ verdict }) => verdict === 'needed').map(({ option }) => option)
  }
  t.same(asked(), ['allow-peer', 'Login User 1 Name', 'Traversal Server TURN PortRangeStart'])
  t.same(asked(...answers), ['Login User 1 Name'])
  const short = turn('Mode: On')
  const { imported } = parse({ argv: ['--expressway-config', PATH, ...answers], files: { [PATH]: short } })
  t.same(
    imported!.notes.filter(({ lines }) => lines.length === 0),
    [],
  )
  t.notMatch(imported!.remarks.join(), /--realm/)
})

t.test('local users whose passwords can be read come along', async (t) => {
  const text = `${turn('Mode: On')}xConfiguration Login User 1 Name: "Tuser"\nxConfiguration Login User 1 Password: "pass:word"\n`
  t.same(settingsOf(text).user, [{ name: 'Tuser', password: 'pass:word' }])
  t.notMatch(JSON.stringify(reportOf(text)), /pass:word/)
})
