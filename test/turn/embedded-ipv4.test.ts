import fc from 'fast-check'
import t from 'tap'
import { FAMILY_IPV4, TransportAddress } from '../../src/stun/address.js'
import { parseCidr } from '../../src/stun/cidr.js'
import { everyEmbeddedIPv4, NAT64_PREFIX_LENGTHS } from '../../src/turn/embedded-ipv4.js'
import { EMBEDDINGS, nat64Address, OPERATOR_NAT64_PREFIXES } from '../support/embeddings.js'
import { addressOf } from '../support/turn-address.js'

const PREFIXES = OPERATOR_NAT64_PREFIXES.map((text) => parseCidr(text)!)

/** The IPv4 addresses that an address may stand for, as text. */
function embeddedIn(address: TransportAddress, prefixes = PREFIXES): string[] {
  const words: number[] = []
  everyEmbeddedIPv4(address, prefixes, (word) => {
    words.push(word)
    return true
  })
  return words.map((word) => new TransportAddress().setIPv4(word, 0).toString().replace(/:0$/, ''))
}

t.test('everyEmbeddedIPv4', async (t) => {
  for (const { name, embed } of EMBEDDINGS) {
    t.test(`finds the address in ${name}`, async (t) => {
      const words = fc.oneof(
        fc.integer({ min: -0x80000000, max: 0x7fffffff }),
        fc.constantFrom(0x7f000001, -1, 0x0a000001),
      )
      fc.assert(
        fc.property(words, (word) => {
          const address = new TransportAddress().setIPv4(word, 80)
          const plain = address.toString().replace(/:80$/, '')
          return address.family === FAMILY_IPV4 && embeddedIn(embed(address)).includes(plain)
        }),
        { seed: 1 },
      )
      t.pass()
    })
  }

  t.test('says so when an address is refused, in every spelling', async (t) => {
    for (const { name, embed } of EMBEDDINGS) {
      t.equal(
        everyEmbeddedIPv4(embed(addressOf('1.2.3.4:80')), PREFIXES, () => false),
        false,
        name,
      )
      t.equal(
        everyEmbeddedIPv4(embed(addressOf('1.2.3.4:80')), PREFIXES, () => true),
        true,
        name,
      )
    }
    t.equal(
      everyEmbeddedIPv4(addressOf('1.2.3.4:80'), PREFIXES, () => false),
      true,
      'plain IPv4 embeds nothing',
    )
  })

  t.test('finds exactly one in addresses that embed one', async (t) => {
    for (const [text, expected] of [
      ['::ffff:10.1.2.3', '10.1.2.3'],
      ['::10.1.2.3', '10.1.2.3'],
      ['::ffff:0:10.1.2.3', '10.1.2.3'],
      ['64:ff9b::10.1.2.3', '10.1.2.3'],
      ['2002:a01:203::1', '10.1.2.3'],
      ['2a00::5efe:10.1.2.3', '10.1.2.3'],
      ['2a00::200:5efe:10.1.2.3', '10.1.2.3'],
      ['2001:0:101:101:0:fbff:f5fe:fdfc', '10.1.2.3'],
    ]) {
      t.same(embeddedIn(addressOf(text)), [expected], text)
    }
  })

  t.test('follows the table of RFC 6052 §2.4', async (t) => {
    const target = addressOf('192.0.2.33')
    for (const [prefix, text] of [
      ['2001:db8::/32', '2001:db8:c000:221::'],
      ['2001:db8:100::/40', '2001:db8:1c0:2:21::'],
      ['2001:db8:122::/48', '2001:db8:122:c000:2:2100::'],
      ['2001:db8:122:300::/56', '2001:db8:122:3c0:0:221::'],
      ['2001:db8:122:344::/64', '2001:db8:122:344:c0:2:2100::'],
      ['2001:db8:122:344::/96', '2001:db8:122:344::192.0.2.33'],
    ]) {
      t.ok(nat64Address(prefix, target).equalsHost(addressOf(text)), `the test's own encoder, ${prefix}`)
      t.same(embeddedIn(addressOf(text), [parseCidr(prefix)!]), ['192.0.2.33'], prefix)
    }
    t.same(NAT64_PREFIX_LENGTHS, [32, 40, 48, 56, 64, 96])
  })

  t.test('finds none in IPv4, in plain IPv6 and in the loopback address', async (t) => {
    for (const text of ['10.1.2.3', '2a00:1450::1', 'fe80::1', '::1', '2001:db8::10.1.2.3', '2003::', '64:ff9b:2::1']) {
      t.same(embeddedIn(addressOf(text)), [], text)
    }
    t.same(embeddedIn(addressOf('::2')), ['0.0.0.2'], 'only ::1 is the loopback address')
    t.same(embeddedIn(addressOf('2a0a:3200:a01:203::'), []), [], 'a prefix that is not the operator’s')
  })

  t.test('looks at every position in the local-use block, whose prefixes operators cut as they like', async (t) => {
    const seen = embeddedIn(addressOf('64:ff9b:1:a01:2:300:c000:221'))
    for (const expected of ['10.1.2.3', '192.0.2.33']) t.ok(seen.includes(expected), expected)
  })

  t.test('stops at the first that is refused', async (t) => {
    let count = 0
    const isEvery = everyEmbeddedIPv4(addressOf('64:ff9b:1::1'), PREFIXES, () => ++count < 2)
    t.equal(isEvery, false)
    t.equal(count, 2)
  })
})
