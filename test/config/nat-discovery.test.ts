// --nat-discovery as the options alone tell of it: what is listened on, and what stops the start.
import t from 'tap'
import { discoveryPorts, isDiscoveryPort, withDiscoveryListeners } from '../../src/config/nat-discovery.js'
import { parse, refusal } from './refusals.js'

const ON = '--nat-discovery'
const TWO = '--listen udp:192.0.2.1 --listen udp:192.0.2.2'
const parseLine = (line: string) => parse({ argv: line.split(' ') })
const listening = (line: string) => {
  const { settings } = parseLine(line)
  const before = settings.listen.length
  return withDiscoveryListeners(settings)
    .listen.slice(before)
    .map(({ text }) => text)
}
const refusalOf = (line: string) => refusal({ argv: line.split(' ') }).message

t.test('--nat-discovery', async (t) => {
  t.test('listens on the port after the first one, wherever that one is, or on another that is given', async (t) => {
    t.same(listening(TWO), [], 'off')
    t.same(listening(`${ON} ${TWO}`), ['udp:192.0.2.1:3479', 'udp:192.0.2.2:3479'])
    t.same(listening(`${ON} ${TWO} --nat-discovery-port 5000`), ['udp:192.0.2.1:5000', 'udp:192.0.2.2:5000'])
    t.same(listening(ON), ['*:3479'], 'for TCP as well, as the default is')
    const both = `${ON} ${TWO} --listen tcp:192.0.2.1 --listen udp:192.0.2.1:443 --listen tls:*:443 --cert c.pem --key k.pem`
    t.same(listening(both), ['udp:192.0.2.1:3479', 'udp:192.0.2.2:3479', 'tcp:192.0.2.1:3479'])
    t.same(listening(`${ON} ${TWO} --listen 192.0.2.1:3479`), ['udp:192.0.2.2:3479'], 'what is there is there')
    t.same(listening(`${ON} --listen [2001:db8::1]:3478 --listen [2001:db8::2]:3478`), [
      '[2001:db8::1]:3479',
      '[2001:db8::2]:3479',
    ])
    t.same(discoveryPorts(parseLine(`${ON} ${TWO} --nat-discovery-port 1`).settings), [3478, 1])
  })

  t.test('says of a port whether it is for discovery alone', async (t) => {
    const { settings } = parseLine(`${ON} ${TWO}`)
    t.same(
      [3478, 3479, 3480].map((port) => isDiscoveryPort(settings, port)),
      [false, true, false],
    )
    t.equal(isDiscoveryPort(parseLine(`${ON} ${TWO} --listen 192.0.2.1:3479`).settings, 3479), false)
    t.equal(isDiscoveryPort(parseLine(TWO).settings, 3479), false)
  })

  t.test('is refused where it cannot be, with what to do', async (t) => {
    const rows: [string, RegExp][] = [
      [
        `${ON} --listen udp:192.0.2.1`,
        /^--nat-discovery needs two addresses .* there is one only: add another .* --listen ADDRESS:3478 --listen OTHER-ADDRESS:3478/,
      ],
      [`${ON} --listen udp:192.0.2.1 --listen udp:[2001:db8::1]`, /needs two addresses of this machine in one family/],
      [`${ON} --listen udp:192.0.2.1 --listen udp:192.0.2.2:5000`, /needs two addresses/],
      [`${ON} --listen tcp:192.0.2.1`, /there is no UDP listener: add --listen udp:ADDRESS:3478/],
      [
        `${ON} --listen udp:192.0.2.1:0 --listen udp:192.0.2.2:0`,
        /needs one port on two addresses: give a port in place of 0/,
      ],
      [
        `${ON} --listen udp:192.0.2.1:65535 --listen udp:192.0.2.2:65535`,
        /no port after 65535 .* --nat-discovery-port 65534/,
      ],
      [
        `${ON} ${TWO} --nat-discovery-port 3478`,
        /needs two ports, and both are 3478: give another, such as --nat-discovery-port 3479/,
      ],
      [
        `${ON} ${TWO} --listen dtls:*:3479 --cert c.pem --key k.pem`,
        /wants port 3479 .* which --listen dtls:\*:3479 has: give --nat-discovery-port 3480/,
      ],
    ]
    for (const [line, pattern] of rows) t.match(refusalOf(line), pattern, line)
  })

  t.test('warns of a port of the relay range, and of one without discovery', async (t) => {
    t.match(parseLine(`${ON} ${TWO} --nat-discovery-port 24000`).warnings, [/24000, lies in the range of relay ports/])
    t.match(parseLine('--nat-discovery-port 3480').warnings, [
      /^--nat-discovery-port 3480 has no effect without --nat-discovery$/,
    ])
    t.same(parseLine(`${ON} ${TWO}`).warnings, [])
  })
})

t.test('coturn’s rfc5780 (--coturn-config)', async (t) => {
  const PATH = '/etc/turnserver.conf'
  const imported = (...lines: string[]) =>
    parse({ argv: ['--coturn-config', PATH], files: { [PATH]: ['realm=example.org', ...lines].join('\n') } }).settings

  t.test('is --nat-discovery where it listens on two addresses of one family, and off elsewhere', async (t) => {
    const two = ['listening-ip=192.0.2.1', 'listening-ip=192.0.2.2']
    t.match(imported('rfc5780', ...two), { natDiscovery: true, natDiscoveryPort: null })
    t.match(imported('rfc5780', ...two, 'alt-listening-port=5000'), { natDiscovery: true, natDiscoveryPort: 5000 })
    t.match(imported('rfc5780', ...two, 'alt-listening-port=0'), { natDiscovery: true, natDiscoveryPort: null })
    t.match(imported('rfc5780', 'listening-ip=192.0.2.1', 'alt-listening-port=5000'), {
      natDiscovery: false,
      natDiscoveryPort: null,
    })
    t.match(imported('rfc5780', 'listening-ip=192.0.2.1', 'listening-ip=2001:db8::1'), { natDiscovery: false })
    t.match(imported(...two), { natDiscovery: false })
    t.match(imported('rfc3489-compatibility'), { rfc3489: true })
  })
})
