import fc from 'fast-check'
import t from 'tap'
import { parseNat64Prefix } from '../../src/config/nat64-prefix.js'
import { parsePeerRule } from '../../src/config/peer-rule.js'
import { formatHost } from '../../src/stun/address.js'
import { messageOf } from './refusals.js'

function summary(text: string) {
  const { cidr, portMin, portMax } = parsePeerRule(text, true)
  return `${formatHost(cidr.address)}/${cidr.prefixLength} ${portMin}-${portMax}`
}

t.test('a peer rule', async (t) => {
  t.test('is an address or a block, with or without ports', async (t) => {
    const rows: [string, string][] = [
      ['10.0.0.0/8', '10.0.0.0/8 0-65535'],
      ['10.0.0.1', '10.0.0.1/32 0-65535'],
      ['10.1.2.3/8', '10.0.0.0/8 0-65535'],
      ['0.0.0.0/0', '0.0.0.0/0 0-65535'],
      ['10.0.0.0/8:5000-6000', '10.0.0.0/8 5000-6000'],
      ['10.0.0.0/8:443', '10.0.0.0/8 443-443'],
      ['10.0.0.1:443', '10.0.0.1/32 443-443'],
      ['10.0.0.1:1-65535', '10.0.0.1/32 1-65535'],
      ['[fd00::/8]:443', 'fd00::/8 443-443'],
      ['[fd00::1]:5000-6000', 'fd00::1/128 5000-6000'],
      ['[fd00::1]', 'fd00::1/128 0-65535'],
      ['fd00::/8', 'fd00::/8 0-65535'],
      ['fd00::1', 'fd00::1/128 0-65535'],
      ['::1', '::1/128 0-65535'],
      ['::/0', '::/0 0-65535'],
      ['[fd00::1:443]', 'fd00::1:443/128 0-65535'],
      ['fd00::1:443/128', 'fd00::1:443/128 0-65535'],
      ['2001:db8:0:0:0:0:0:1', '2001:db8::1/128 0-65535'],
      ['::ffff:0:0/95', '::fffe:0:0/95 0-65535'],
    ]
    for (const [text, expected] of rows) t.equal(summary(text), expected, text)
  })

  t.test('allows or denies, and keeps its text', async (t) => {
    t.match(parsePeerRule('10.0.0.0/8:443', true), { allow: true, text: '10.0.0.0/8:443' })
    t.match(parsePeerRule('10.0.0.0/8:443', false), { allow: false, text: '10.0.0.0/8:443' })
  })

  t.test('says what is wrong with anything else', async (t) => {
    const rows: [string, string][] = [
      ['', 'the address is missing'],
      ['10.0.0.0/33', 'an IPv4 prefix is at most 32 bits'],
      ['10.0.0.0/33:443', 'an IPv4 prefix is at most 32 bits'],
      ['fd00::/129', 'an IPv6 prefix is at most 128 bits'],
      ['[fd00::/129]:443', 'an IPv6 prefix is at most 128 bits'],
      ['10.0.0.0/', 'nothing is not a prefix length'],
      ['10.0.0.0/-1', '-1 is not a prefix length'],
      ['10.0.0.0/255.0.0.0', '255.0.0.0 is not a prefix length'],
      ['10.0.0.0/8/8', '8/8 is not a prefix length'],
      ['10.0.0/8', '10.0.0 is not an IPv4 address'],
      ['10.0.0.256', '10.0.0.256 is not an IPv4 address'],
      ['010.0.0.1', '010.0.0.1 is not an IPv4 address'],
      ['example.org', 'example.org is a host name, give an IP address'],
      ['localhost:443', 'localhost is a host name, give an IP address'],
      ['*', '* is not an IP address'],
      ['10.0.0.1:', 'the port after the colon is missing, write 443 or 5000-6000'],
      ['10.0.0.1:0', 'port 0 is not from 1 to 65535'],
      ['10.0.0.1:65536', 'port 65536 is not from 1 to 65535'],
      ['10.0.0.1:0-5', 'port 0 is not from 1 to 65535'],
      ['10.0.0.1:5-65536', 'port 65536 is not from 1 to 65535'],
      ['10.0.0.1:6000-5000', 'the port range is reversed, write 5000-6000'],
      ['10.0.0.1:5000-', '5000- is not a port or a range, write 443 or 5000-6000'],
      ['10.0.0.1:http', 'http is not a port or a range, write 443 or 5000-6000'],
      ['10.0.0.1:1,2', '1,2 is not a port or a range, write 443 or 5000-6000'],
      ['fd00::/8:443', 'IPv6 with ports needs brackets, write [fd00::/8]:443'],
      ['fd00::1:443', 'IPv6 with ports needs brackets, write [fd00::1]:443 or [fd00::1:443]'],
      ['fd00::1:5000-6000', 'IPv6 with ports needs brackets, write [fd00::1]:5000-6000'],
      ['[fd00::1', 'write IPv6 with ports as [ADDRESS/PREFIX]:PORTS'],
      ['[fd00::]/8:443', 'write IPv6 with ports as [ADDRESS/PREFIX]:PORTS'],
      ['[10.0.0.0/8]:443', 'brackets are for IPv6'],
      ['fe80::1%eth0', 'fe80::1%eth0 has a zone, which is not supported'],
      ['::ffff:10.0.0.0/104', 'IPv4 in IPv6 form matches nothing, write 10.0.0.0/8'],
      ['::ffff:10.0.0.1', 'IPv4 in IPv6 form matches nothing, write 10.0.0.1/32'],
      ['[::ffff:0:0/96]:443', 'IPv4 in IPv6 form matches nothing, write 0.0.0.0/0'],
    ]
    for (const [text, reason] of rows) {
      t.equal(
        messageOf(() => parsePeerRule(text, true)),
        `is not ADDRESS[/PREFIX][:PORTS]: ${reason}`,
        text,
      )
    }
  })

  t.test('reads back every IPv4 block and port range', async () => {
    const port = fc.integer({ min: 1, max: 65535 })
    fc.assert(
      fc.property(fc.ipV4(), fc.integer({ min: 0, max: 32 }), port, port, (host, prefixLength, one, other) => {
        const [low, high] = [Math.min(one, other), Math.max(one, other)]
        const { cidr, portMin, portMax } = parsePeerRule(`${host}/${prefixLength}:${low}-${high}`, false)
        return cidr.prefixLength === prefixLength && portMin === low && portMax === high
      }),
    )
  })

  t.test('reads every IPv6 address in brackets, and never mistakes its end for a port', async () => {
    fc.assert(
      fc.property(fc.ipV6(), fc.integer({ min: 1, max: 65535 }), (host, port) => {
        fc.pre(!/^::ffff:.*\./i.test(host) && !/^(0*:)*:?ffff:/i.test(host))
        const bracketed = parsePeerRule(`[${host}]:${port}`, true)
        if (bracketed.portMin !== port || bracketed.portMax !== port) return false
        try {
          return parsePeerRule(host, true).portMax === 65535
        } catch (error) {
          return error instanceof Error && error.message.includes('needs brackets')
        }
      }),
    )
  })
})

t.test('--nat64-prefix', async (t) => {
  t.test('takes the prefix lengths of RFC 6052 §2.2 and no neighbour of them', async (t) => {
    for (const length of [32, 40, 48, 56, 64, 96]) {
      t.equal(parseNat64Prefix(`2001:db8::/${length}`).prefixLength, length)
      for (const neighbour of [length - 1, length + 1]) {
        t.equal(
          messageOf(() => parseNat64Prefix(`2001:db8::/${neighbour}`)),
          `has a prefix of ${neighbour} bits: RFC 6052 allows 32, 40, 48, 56, 64 or 96`,
        )
      }
    }
  })

  t.test('refuses IPv4, host names and prefixes that are too long', async (t) => {
    for (const [text, reason] of [
      ['10.0.0.0/32', 'give an IPv6 prefix such as 2001:db8:64::/96'],
      ['example.org', 'example.org is a host name, give an IP address'],
      ['2001:db8::/129', 'an IPv6 prefix is at most 128 bits'],
      ['::ffff:0:0/96', 'IPv4 in IPv6 form matches nothing, write 0.0.0.0/0'],
    ]) {
      t.equal(
        messageOf(() => parseNat64Prefix(text)),
        `is not an IPv6 CIDR: ${reason}`,
      )
    }
    t.equal(
      messageOf(() => parseNat64Prefix('2001:db8::1')),
      'has a prefix of 128 bits: RFC 6052 allows 32, 40, 48, 56, 64 or 96',
    )
  })
})
