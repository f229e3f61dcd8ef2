import fc from 'fast-check'
import t from 'tap'
import { parseAdminListen, parseListenSpec } from '../../src/config/listen-spec.js'
import { messageOf } from './refusals.js'

const FORM = 'is not [udp:|tcp:|tls:|dtls:]ADDRESS:PORT'

t.test('--listen', async (t) => {
  t.test('takes every short and bracketed form', async (t) => {
    const rows: [string, string, string, number][] = [
      ['192.0.2.1:3479', 'any', '192.0.2.1', 3479],
      ['192.0.2.1', 'any', '192.0.2.1', 3478],
      ['[2001:DB8::1]:3479', 'any', '2001:db8::1', 3479],
      ['[::1]', 'any', '::1', 3478],
      ['::1', 'any', '::1', 3478],
      ['::', 'any', '::', 3478],
      ['2001:db8:0:0:0:0:0:1', 'any', '2001:db8::1', 3478],
      ['2001:db8::a:b', 'any', '2001:db8::a:b', 3478],
      ['fd00::', 'any', 'fd00::', 3478],
      ['cafe:1::2a', 'any', 'cafe:1::2a', 3478],
      ['*', 'any', '*', 3478],
      ['*:3479', 'any', '*', 3479],
      [':3479', 'any', '*', 3479],
      ['0.0.0.0:3478', 'any', '0.0.0.0', 3478],
      ['[::]:3478', 'any', '::', 3478],
      ['udp:192.0.2.1:3479', 'udp', '192.0.2.1', 3479],
      ['UDP:*', 'udp', '*', 3478],
      ['udp::3479', 'udp', '*', 3479],
      ['udp:::1', 'udp', '::1', 3478],
      ['tcp:[::1]:443', 'tcp', '::1', 443],
      ['tls:192.0.2.1', 'tls', '192.0.2.1', 5349],
      ['dtls:*', 'dtls', '*', 5349],
      ['tls:*:443', 'tls', '*', 443],
      ['127.0.0.1:0', 'any', '127.0.0.1', 0],
      ['127.0.0.1:65535', 'any', '127.0.0.1', 65535],
    ]
    for (const [text, scheme, host, port] of rows) t.same(parseListenSpec(text), { scheme, host, port, text }, text)
  })

  t.test('says what is wrong with anything else', async (t) => {
    const rows: [string, string][] = [
      ['', 'the address is missing, write *:3478 for every local address'],
      ['tls:', 'the address is missing, write *:5349 for every local address'],
      ['nonsense', 'nonsense is a host name, give an IP address'],
      ['localhost:3478', 'localhost is a host name, give an IP address'],
      ['turn.example.org:3478', 'turn.example.org is a host name, give an IP address'],
      ['udp:localhost', 'localhost is a host name, give an IP address'],
      ['cafe:1', 'cafe is a host name, give an IP address'],
      ['3478', 'write :3478 for a port on every local address'],
      ['udp:3478', 'write :3478 for a port on every local address'],
      ['192.0.2.1:', 'the port is missing, give a number from 1 to 65535, or 0 for any free one'],
      ['192.0.2.1:65536', '65536 is not a port, give a number from 1 to 65535, or 0 for any free one'],
      ['192.0.2.1:-1', '-1 is not a port, give a number from 1 to 65535, or 0 for any free one'],
      ['192.0.2.1:http', 'http is not a port, give a number from 1 to 65535, or 0 for any free one'],
      ['192.0.2.256', '192.0.2.256 is not an IPv4 address'],
      ['192.0.2:3478', '192.0.2 is not an IPv4 address'],
      ['192.0.2.0/24:3478', '192.0.2.0/24 has a prefix length, give one address'],
      ['::1:3478', 'an IPv6 address with a port needs brackets, write [::1]:3478 or [::1:3478]'],
      [':::3478', 'an IPv6 address with a port needs brackets, write [::]:3478'],
      ['2001:db8:0:0:0:0:0:1:3478', 'an IPv6 address with a port needs brackets, write [2001:db8:0:0:0:0:0:1]:3478'],
      ['[::1]3478', '[::1]3478 is not an IPv6 address'],
      ['[::g]:3478', '::g is not an IPv6 address'],
      ['[127.0.0.1]:3478', 'brackets are for IPv6 addresses'],
      ['[fe80::1%eth0]:3478', 'fe80::1%eth0 has a zone, which is not supported'],
      ['[::ffff:127.0.0.1]:3478', '::ffff:127.0.0.1 is an IPv4 address in IPv6 form, write 127.0.0.1'],
      ['224.0.0.1:3478', '224.0.0.1 is a multicast address, give an address of this machine'],
      ['[ff02::1]:3478', 'ff02::1 is a multicast address, give an address of this machine'],
      ['255.255.255.255:3478', '255.255.255.255 is the broadcast address, give an address of this machine'],
      ['sctp:192.0.2.1:3478', 'sctp: is not a scheme, give udp:, tcp:, tls: or dtls:'],
      ['turn:192.0.2.1', 'turn: is not a scheme, give udp:, tcp:, tls: or dtls:'],
      ['192.0.2.1 :3478', '"192.0.2.1 " is not an IP address'],
    ]
    for (const [text, reason] of rows)
      t.equal(
        messageOf(() => parseListenSpec(text)),
        `${FORM}: ${reason}`,
        text,
      )
  })

  t.test('reads back every IPv4 address and port, with and without a scheme', async () => {
    const scheme = fc.constantFrom('', 'udp:', 'tcp:', 'tls:', 'dtls:')
    fc.assert(
      fc.property(scheme, fc.ipV4(), fc.integer({ min: 0, max: 65535 }), (prefix, host, port) => {
        fc.pre(Number(host.split('.')[0]) < 224)
        const spec = parseListenSpec(`${prefix}${host}:${port}`)
        return spec.host === host && spec.port === port && spec.scheme === (prefix === '' ? 'any' : prefix.slice(0, -1))
      }),
    )
  })

  t.test('gives a listener or a ValueProblem for any text', async (t) => {
    const piece = fc.constantFrom(
      'udp:',
      'tls:',
      '[',
      ']',
      ':',
      '::',
      '*',
      '.',
      '1',
      '192.0.2.1',
      'fd00',
      '3478',
      '/',
      '%',
      ' ',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((pieces) => pieces.join('')),
        ),
        (text) => {
          try {
            const { host, port } = parseListenSpec(text)
            return host !== '' && Number.isInteger(port)
          } catch (error) {
            return error instanceof Error && error.name === 'ValueProblem'
          }
        },
      ),
      { numRuns: 1000 },
    )
    t.pass()
  })
})

t.test('--admin-listen', async (t) => {
  t.test('takes an address, a port, or none', async (t) => {
    t.same(parseAdminListen('192.0.2.1:80'), { host: '192.0.2.1', port: 80, text: '192.0.2.1:80' })
    t.same(parseAdminListen('[::1]'), { host: '::1', port: 8445, text: '[::1]' })
    t.same(parseAdminListen(':9000'), { host: '*', port: 9000, text: ':9000' })
    t.equal(parseAdminListen('none'), null)
  })

  t.test('has no scheme', async (t) => {
    t.equal(
      messageOf(() => parseAdminListen('tcp:127.0.0.1:80')),
      'is neither ADDRESS:PORT nor none: tcp:127.0.0.1:80 is not an IPv6 address',
    )
  })
})
