import fc from 'fast-check'
import t from 'tap'
import { parseExternalIp, parsePublicName, parseRelayIp } from '../../src/config/external-ip.js'
import { messageOf } from './refusals.js'

t.test('--external-ip', async (t) => {
  t.test('takes a public address, and the private one it stands for', async (t) => {
    for (const [text, publicHost, privateHost] of [
      ['203.0.113.5', '203.0.113.5', null],
      ['203.0.113.5/10.0.0.5', '203.0.113.5', '10.0.0.5'],
      ['10.88.246.156/192.168.245.61', '10.88.246.156', '192.168.245.61'],
      ['2001:DB8:0::5/fd00:0::5', '2001:db8::5', 'fd00::5'],
    ] as const) {
      t.same(parseExternalIp(text), { publicHost, privateHost, text })
    }
  })

  t.test('says what is wrong with anything else', async (t) => {
    const rows: [string, string][] = [
      ['', 'the address is missing'],
      ['203.0.113.5/', 'the address is missing'],
      ['/10.0.0.5', 'the address is missing'],
      ['example.org', 'example.org is a host name, give an IP address'],
      ['203.0.113.5/24', 'after the slash comes an address, not a prefix length'],
      ['203.0.113.5/10.0.0.5/24', '10.0.0.5/24 has a prefix length, give one address'],
      ['203.0.113.5/fd00::5', '203.0.113.5 and fd00::5 are of different address families'],
      ['2001:db8::5/10.0.0.5', '2001:db8::5 and 10.0.0.5 are of different address families'],
      ['0.0.0.0', '0.0.0.0 is a wildcard, give the address of one host'],
      ['203.0.113.5/0.0.0.0', '0.0.0.0 is a wildcard, give the address of one host'],
      ['::', ':: is a wildcard, give the address of one host'],
      ['224.0.0.1', '224.0.0.1 is a multicast address, give the address of one host'],
      ['239.255.255.255', '239.255.255.255 is a multicast address, give the address of one host'],
      ['ff0e::1', 'ff0e::1 is a multicast address, give the address of one host'],
      ['255.255.255.255', '255.255.255.255 is the broadcast address, give the address of one host'],
      ['::ffff:203.0.113.5', '::ffff:203.0.113.5 is an IPv4 address in IPv6 form, write 203.0.113.5'],
      ['203.0.113.5:3478', '203.0.113.5:3478 is not an IPv6 address'],
    ]
    for (const [text, reason] of rows) {
      t.equal(
        messageOf(() => parseExternalIp(text)),
        `is not PUBLIC[/PRIVATE]: ${reason}`,
        text,
      )
    }
  })
})

t.test('--relay-ip', async (t) => {
  t.test('takes one address and writes it in canonical form', async (t) => {
    t.equal(parseRelayIp('192.0.2.1'), '192.0.2.1')
    t.equal(parseRelayIp('2001:0DB8::0001'), '2001:db8::1')
    t.equal(parseRelayIp('223.255.255.255'), '223.255.255.255')
  })

  t.test('refuses what no relay can be bound to', async (t) => {
    for (const [text, reason] of [
      ['0.0.0.0', '0.0.0.0 is a wildcard, give the address of one host'],
      ['::', ':: is a wildcard, give the address of one host'],
      ['224.0.0.0', '224.0.0.0 is a multicast address, give the address of one host'],
      ['eth0', 'eth0 is a host name, give an IP address'],
      ['*', '* is not an IP address'],
    ]) {
      t.equal(
        messageOf(() => parseRelayIp(text)),
        `is not a relay address: ${reason}`,
      )
    }
  })
})

t.test('--public-name', async (t) => {
  t.test('takes DNS names in any case', async (t) => {
    t.equal(parsePublicName('Turn.Example.org'), 'turn.example.org')
    t.equal(parsePublicName('vcse.octavio.local'), 'vcse.octavio.local')
    t.equal(parsePublicName('a'), 'a')
    t.equal(parsePublicName('xn--bcher-kva.example'), 'xn--bcher-kva.example')
    t.equal(parsePublicName(`${'a'.repeat(63)}.org`).length, 67)
  })

  t.test('refuses addresses, wildcards and what DNS cannot hold', async (t) => {
    const long = `${`${'a'.repeat(62)}.`.repeat(4)}ab`
    for (const text of [
      '',
      '192.0.2.1',
      '::1',
      '*.example.org',
      'a..b',
      '-a.org',
      'a-.org',
      'a_b.org',
      'bücher.example',
      `${'a'.repeat(64)}.org`,
      long,
    ]) {
      t.equal(
        messageOf(() => parsePublicName(text)),
        'is not a DNS name: give one such as turn.example.org',
        text,
      )
    }
    t.equal(parsePublicName(long.slice(1)).length, 253)
  })

  t.test('takes every domain that there can be', async () => {
    fc.assert(fc.property(fc.domain(), (name) => parsePublicName(name) === name.toLowerCase()))
  })
})
