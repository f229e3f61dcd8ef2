import { BlockList } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import { formatHost, hostAddress, TransportAddress } from '../../src/stun/address.js'
import { type Cidr, cidrContains, parseCidr } from '../../src/stun/cidr.js'

function cidr(text: string): Cidr {
  const parsed = parseCidr(text)
  if (parsed === null) throw new Error(`not a CIDR block: ${text}`)
  return parsed
}

function contains(block: string, host: string): boolean {
  return cidrContains(cidr(block), hostAddress(host) as TransportAddress)
}

t.test('parseCidr', async (t) => {
  t.test('clears the host bits', async (t) => {
    for (const [text, host, prefixLength] of [
      ['10.1.2.3/8', '10.0.0.0', 8],
      ['192.0.2.255/31', '192.0.2.254', 31],
      ['192.0.2.1/0', '0.0.0.0', 0],
      ['192.0.2.1/32', '192.0.2.1', 32],
      ['2001:db8::ffff/32', '2001:db8::', 32],
      ['2001:db8:ffff::1/33', '2001:db8:8000::', 33],
      ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/95', 'ffff:ffff:ffff:ffff:ffff:fffe::', 95],
      ['2001:db8::1/0', '::', 0],
      ['2001:db8::1/128', '2001:db8::1', 128],
    ] as const) {
      const block = cidr(text)
      t.equal(formatHost(block.address), host, text)
      t.equal(block.prefixLength, prefixLength)
    }
  })

  t.test('takes a bare address for /32 or /128', async (t) => {
    t.equal(cidr('192.0.2.1').prefixLength, 32)
    t.equal(cidr('::1').prefixLength, 128)
  })

  t.test('refuses prefixes that are too long, missing or no number, and what is no address', async (t) => {
    for (const text of [
      '192.0.2.0/33',
      '::/129',
      '192.0.2.0/',
      '192.0.2.0/-1',
      '192.0.2.0/+8',
      '192.0.2.0/8.0',
      '192.0.2.0/ 8',
      '192.0.2.0/8 ',
      '192.0.2.0/8/8',
      '192.0.2.0/0008',
      '192.0.2.0/1e1',
      '192.0.2/24',
      '/8',
      '',
      '[::1]/128',
      '10.0.0.0/255.0.0.0',
    ]) {
      t.equal(parseCidr(text), null, text)
    }
  })
})

t.test('cidrContains', async (t) => {
  t.test('holds for the first and last address of a block, and not for its neighbours', async (t) => {
    for (const [block, before, first, last, after] of [
      ['10.0.0.0/8', '9.255.255.255', '10.0.0.0', '10.255.255.255', '11.0.0.0'],
      ['172.16.0.0/12', '172.15.255.255', '172.16.0.0', '172.31.255.255', '172.32.0.0'],
      ['192.0.2.8/31', '192.0.2.7', '192.0.2.8', '192.0.2.9', '192.0.2.10'],
      ['192.0.2.8/32', '192.0.2.7', '192.0.2.8', '192.0.2.8', '192.0.2.9'],
      ['128.0.0.0/1', '127.255.255.255', '128.0.0.0', '255.255.255.255', '0.0.0.0'],
      ['2000::/3', '1fff:ffff::', '2000::', '3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '4000::'],
      ['2001:db8::/32', '2001:db7:ffff::', '2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', '2001:db9::'],
      ['2001:db8::/33', '2001:db7:ffff::', '2001:db8::', '2001:db8:7fff:ffff:ffff:ffff:ffff:ffff', '2001:db8:8000::'],
      ['64:ff9b::/96', '64:ff9a::', '64:ff9b::', '64:ff9b::ffff:ffff', '64:ff9b::1:0:0'],
      ['::1/128', '::', '::1', '::1', '::2'],
    ] as const) {
      t.same(
        [before, first, last, after].map((host) => contains(block, host)),
        [false, true, true, false],
        block,
      )
    }
  })

  t.test('/0 holds for every address of its family, and for no other', async (t) => {
    for (const host of ['0.0.0.0', '127.0.0.1', '255.255.255.255']) {
      t.equal(contains('0.0.0.0/0', host), true)
      t.equal(contains('::/0', host), false)
    }
    for (const host of ['::', '::1', '::ffff:127.0.0.1', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff']) {
      t.equal(contains('::/0', host), true)
      t.equal(contains('0.0.0.0/0', host), false)
    }
  })

  t.test('/128 differs by every single bit', async (t) => {
    const block = cidr('2001:db8::1')
    for (let bit = 0; bit < 128; bit++) {
      const other = block.address.clone()
      const flip = 1 << (bit & 31)
      if (bit < 32) other.word0 ^= flip
      else if (bit < 64) other.word1 ^= flip
      else if (bit < 96) other.word2 ^= flip
      else other.word3 ^= flip
      t.equal(cidrContains(block, other), false, `bit ${bit}`)
    }
  })

  t.test('agrees with node:net for every prefix length', async (t) => {
    const words = fc.array(fc.constantFrom(0, -1, 0x0a000001, 0x20010db8), { minLength: 4, maxLength: 4 })
    const arbitraryAddress = fc.tuple(fc.boolean(), words).map(([isIPv6, list]) => {
      const into = new TransportAddress()
      return isIPv6 ? into.setIPv6(list[0], list[1], list[2], list[3], 0) : into.setIPv4(list[0], 0)
    })
    fc.assert(
      fc.property(arbitraryAddress, arbitraryAddress, fc.integer({ min: 0, max: 128 }), (block, host, length) => {
        if (block.family !== host.family) return true
        const prefixLength = block.family === 4 ? length % 33 : length
        const family = block.family === 4 ? 'ipv4' : 'ipv6'
        const list = new BlockList()
        list.addSubnet(formatHost(block), prefixLength, family)
        return (
          contains(`${formatHost(block)}/${prefixLength}`, formatHost(host)) === list.check(formatHost(host), family)
        )
      }),
      { numRuns: 3000 },
    )
    t.pass()
  })
})
