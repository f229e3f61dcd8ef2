import { isIP, isIPv4, isIPv6 } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import {
  FAMILY_IPV4,
  FAMILY_IPV6,
  FAMILY_NONE,
  formatHost,
  hashHost,
  hashTransportAddress,
  hostAddress,
  parseHost,
  parseIPv4Word,
  parseTransportAddress,
  TransportAddress,
} from '../../src/stun/address.js'

function address(text: string, port = 0): TransportAddress {
  const parsed = hostAddress(text, port)
  if (parsed === null) throw new Error(`not an address: ${text}`)
  return parsed
}

const arbitraryIPv6 = fc
  .array(fc.oneof(fc.constant(0), fc.integer()), { minLength: 4, maxLength: 4 })
  .map((words) => new TransportAddress().setIPv6(words[0], words[1], words[2], words[3], 0))

t.test('parseIPv4Word', async (t) => {
  t.test('parses the ends of every octet', async (t) => {
    t.equal(parseIPv4Word('0.0.0.0'), 0)
    t.equal(parseIPv4Word('255.255.255.255'), -1)
    t.equal(parseIPv4Word('192.0.2.1'), 0xc0000201 | 0)
    t.equal(parseIPv4Word('1.2.3.4'), 0x01020304)
  })

  t.test('refuses everything that other readers take differently', async (t) => {
    for (const text of [
      '',
      '.',
      '1',
      '1.2.3',
      '1.2.3.',
      '.1.2.3.4',
      '1.2.3.4.',
      '1.2.3.4.5',
      '1..2.3',
      '256.0.0.1',
      '1.2.3.256',
      '1.2.3.999999999999',
      '01.2.3.4',
      '1.2.3.00',
      '0x1.2.3.4',
      '1.2.3.4 ',
      ' 1.2.3.4',
      '1.2.3.-4',
      '+1.2.3.4',
      '1.2.3.4/8',
      '1.2.3.٤',
    ]) {
      t.equal(Number.isNaN(parseIPv4Word(text)), true, text)
    }
  })
})

t.test('parseHost', async (t) => {
  t.test('parses the textual forms of IPv6 (RFC 4291 §2.2)', async (t) => {
    for (const [text, canonical] of [
      ['2001:DB8:0:0:8:800:200C:417A', '2001:db8::8:800:200c:417a'],
      ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
      ['::', '::'],
      ['::1', '::1'],
      ['1::', '1::'],
      ['1::8', '1::8'],
      ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
      ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
      ['::13.1.68.3', '::d01:4403'],
      ['::ffff:129.144.52.38', '::ffff:129.144.52.38'],
      ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
      ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
    ] as const) {
      t.equal(formatHost(address(text)), canonical, text)
    }
  })

  t.test('refuses what is no IPv6 address', async (t) => {
    for (const text of [
      ':',
      ':::',
      '1::2::3',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '1:2:3:4:5:6:7:8::',
      '::1:2:3:4:5:6:7:8',
      ':1:2:3:4:5:6:7:8',
      '1:2:3:4:5:6:7:8:',
      '12345::',
      'g::',
      '::1%eth0',
      '[::1]',
      '::1/64',
      ' ::1',
      '::1 ',
      '::1.2.3',
      '::1.2.3.4.5',
      '::1.2.3.4:5',
      '1.2.3.4::',
      '1:2:3:4:5:6:7:1.2.3.4',
      '::01.2.3.4',
      '-1::',
    ]) {
      t.equal(hostAddress(text), null, text)
    }
  })

  t.test('leaves the address as it was when it refuses', async (t) => {
    const into = address('192.0.2.1', 5)
    t.equal(parseHost('1.2.3', into, 9), false)
    t.equal(parseHost('1:2', into, 9), false)
    t.equal(into.toString(), '192.0.2.1:5')
  })

  t.test('agrees with node:net on strings made of an address’s characters', async (t) => {
    const arbitraryText = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'0125:.af'), maxLength: 20 }),
      fc.ipV4(),
      fc.ipV6(),
      fc.ipV6().map((text) => text.replace(/:[0-9a-f]*/, '')),
    )
    fc.assert(
      fc.property(arbitraryText, (text) => {
        const parsed = hostAddress(text)
        return (parsed === null ? 0 : parsed.family) === isIP(text)
      }),
      { numRuns: 5000 },
    )
    t.pass()
  })
})

t.test('formatHost', async (t) => {
  t.test('writes RFC 5952: lower case, no leading zeros, the longest and first run of zeros as ::', async (t) => {
    for (const [text, canonical] of [
      ['2001:0DB8::0001', '2001:db8::1'],
      ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
      ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
      ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
      ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
      ['0:0:1:0:0:0:0:0', '0:0:1::'],
      ['0:1:0:1:0:1:0:1', '0:1:0:1:0:1:0:1'],
      ['ABCD:EF01:2345:6789:ABCD:EF01:2345:6789', 'abcd:ef01:2345:6789:abcd:ef01:2345:6789'],
    ] as const) {
      t.equal(formatHost(address(text)), canonical, text)
    }
  })

  t.test('writes IPv4 and mapped IPv4 in dotted decimal (RFC 5952 §5)', async (t) => {
    t.equal(formatHost(address('0.0.0.0')), '0.0.0.0')
    t.equal(formatHost(address('255.255.255.255')), '255.255.255.255')
    t.equal(formatHost(address('::ffff:c000:201')), '::ffff:192.0.2.1')
    t.equal(formatHost(address('::fffe:c000:201')), '::fffe:c000:201')
  })

  t.test('is read back as the same address, and node:net accepts it', async (t) => {
    fc.assert(
      fc.property(arbitraryIPv6, (expected) => {
        const text = formatHost(expected)
        return isIPv6(text) && address(text).equals(expected)
      }),
      { numRuns: 2000 },
    )
    fc.assert(
      fc.property(fc.integer(), (word) => {
        const expected = new TransportAddress().setIPv4(word, 0)
        const text = formatHost(expected)
        return isIPv4(text) && address(text).equals(expected)
      }),
      { numRuns: 2000 },
    )
    t.pass()
  })
})

t.test('parseTransportAddress', async (t) => {
  t.test('reads what toString writes', async (t) => {
    for (const text of ['192.0.2.1:0', '192.0.2.1:65535', '[2001:db8::1]:3478', '[::]:1', '[::ffff:192.0.2.1]:443']) {
      t.equal(parseTransportAddress(text)?.toString(), text)
    }
  })

  t.test('refuses what names no address and port', async (t) => {
    const hosts = [
      '',
      '192.0.2.1',
      '192.0.2.1:',
      ':3478',
      '192.0.2.1:65536',
      '192.0.2.1:-1',
      '192.0.2.1:034780',
      '192.0.2:1',
    ]
    const others = [
      '2001:db8::1:3478',
      '[2001:db8::1]',
      '[192.0.2.1]:1',
      '[2001:db8::1%eth0]:1',
      'turn.test:1',
      ' 192.0.2.1:1',
    ]
    for (const text of [...hosts, ...others]) t.equal(parseTransportAddress(text), null, text)
  })
})

t.test('TransportAddress', async (t) => {
  t.test('writes IPv6 in brackets before the port', async (t) => {
    t.equal(address('192.0.2.1', 3478).toString(), '192.0.2.1:3478')
    t.equal(address('2001:db8::1', 65535).toString(), '[2001:db8::1]:65535')
  })

  t.test('compares host and port, or the host alone', async (t) => {
    const base = address('2001:db8::1', 1000)
    t.equal(base.equals(address('2001:db8::1', 1000)), true)
    t.equal(base.equals(address('2001:db8::1', 1001)), false)
    t.equal(base.equalsHost(address('2001:db8::1', 1001)), true)
    for (const other of ['2001:db9::1', '2001:db8:1::1', '2001:db8::1:0:1', '2001:db8::2']) {
      t.equal(base.equalsHost(address(other, 1000)), false, other)
    }
  })

  t.test('an IPv4 address is not the IPv6 address with the same first word', async (t) => {
    t.equal(address('32.1.13.184').equalsHost(address('2001:db8::')), false)
  })

  t.test('forgets the IPv6 words and the host text when an IPv4 address is set', async (t) => {
    const reused = address('2001:db8::1', 1)
    reused.host = '2001:db8::1'
    reused.setIPv4(0xc0000201, 2)
    t.equal(reused.equals(address('192.0.2.1', 2)), true)
    t.equal(reused.host, '')
    t.equal(reused.family, FAMILY_IPV4)
    reused.host = '192.0.2.1'
    t.equal(reused.setIPv6(1, 2, 3, 4, 5).host, '')
    t.equal(reused.family, FAMILY_IPV6)
  })

  t.test('a clone is equal and independent', async (t) => {
    const original = address('2001:db8::1', 7)
    original.host = 'x'
    const copy = original.clone()
    t.equal(copy.equals(original), true)
    t.equal(copy.host, 'x')
    copy.port = 8
    t.equal(original.port, 7)
    t.equal(new TransportAddress().family, FAMILY_NONE)
  })
})

t.test('hashes', async (t) => {
  t.test('are non-negative 31-bit integers, equal for equal addresses', async (t) => {
    fc.assert(
      fc.property(arbitraryIPv6, fc.integer({ min: 0, max: 65535 }), (one, port) => {
        one.port = port
        const [host, whole] = [hashHost(one), hashTransportAddress(one)]
        const inRange = [host, whole].every((hash) => Number.isInteger(hash) && hash >= 0 && hash <= 0x7fffffff)
        return inRange && hashHost(one.clone()) === host && hashTransportAddress(one.clone()) === whole
      }),
      { numRuns: 1000 },
    )
    t.pass()
  })

  t.test('hashHost does not depend on the port, hashTransportAddress does', async (t) => {
    const [one, other] = [address('192.0.2.1', 1), address('192.0.2.1', 2)]
    t.equal(hashHost(one), hashHost(other))
    t.not(hashTransportAddress(one), hashTransportAddress(other))
  })

  /** The fullest of 4,096 buckets, by the low bits. 16,384 keys make 4 a bucket; chance alone gives about 14. */
  function fullestBucket(addresses: Iterable<TransportAddress>, hash = hashTransportAddress): number {
    const buckets = new Uint32Array(4096)
    for (const each of addresses) buckets[hash(each) & 4095]++
    return Math.max(...buckets)
  }

  function* keys(make: (index: number) => TransportAddress): Iterable<TransportAddress> {
    for (let index = 0; index < 16_384; index++) yield make(index)
  }

  t.test('spread the ports of one address', async (t) => {
    const into = new TransportAddress()
    t.ok(fullestBucket(keys((index) => into.setIPv4(0x0a000001, 1024 + index))) < 20, 'consecutive')
    t.ok(fullestBucket(keys((index) => into.setIPv4(0x0a000001, 16_000 + 2 * index))) < 20, 'even')
  })

  t.test('spread hosts that differ in any part of the address', async (t) => {
    const into = new TransportAddress()
    for (const hash of [hashHost, hashTransportAddress]) {
      for (const shift of [0, 4, 8, 10, 12, 16]) {
        const fullest = [
          fullestBucket(
            keys((index) => into.setIPv4(0x0a000001 ^ (index << shift), 3478)),
            hash,
          ),
          fullestBucket(
            keys((index) => into.setIPv6(0x20010db8, index << shift, 0, 1, 3478)),
            hash,
          ),
          fullestBucket(
            keys((index) => into.setIPv6(0x20010db8, 0, 0, index << shift, 3478)),
            hash,
          ),
        ]
        t.ok(Math.max(...fullest) < 20, `${hash.name}, shift ${shift}: ${fullest.join()}`)
      }
    }
  })
})
