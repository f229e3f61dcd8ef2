import t from 'tap'
import { NONCE_LENGTH, NonceMint, nonceFeatureBits } from '../../src/auth/nonce.js'
import { TransportAddress } from '../../src/stun/address.js'

const SECRET = new Uint8Array(32).fill(1)
const BITS = 0xc00000
const NOW = 100_000
const CLIENT = new TransportAddress().setIPv4(0x0a000001, 5000)
const CLIENT6 = new TransportAddress().setIPv6(0x20010db8, 2, 3, 4, 5000)
const mint = new NonceMint(SECRET, 'r', BITS)
const bytesOf = (nonce: string) => Buffer.from(nonce, 'latin1')
const isValid = (nonce: string, client = CLIENT, now = NOW, by = mint) => by.check(bytesOf(nonce), client, now)

t.test('a nonce', async (t) => {
  t.test('starts with the cookie and the bits, most significant first (RFC 8489 §9.2, §18.1)', async (t) => {
    t.match(mint.mint(CLIENT, NOW), /^obMatJos2wAAA[A-Za-z0-9+/]{15}$/)
    t.match(new NonceMint(SECRET, 'r', 0x800000).mint(CLIENT, NOW), /^obMatJos2gAAA/)
    t.match(new NonceMint(SECRET, 'r', 0).mint(CLIENT, NOW), /^obMatJos2AAAA/)
  })

  t.test('is 28 characters, for every client and time', async (t) => {
    for (const now of [0, 1, NOW, 0xffffff, 0x1000000, 0x7fffffff]) {
      t.equal(mint.mint(CLIENT, now).length, 28)
      t.equal(mint.mint(CLIENT6, now).length, NONCE_LENGTH)
    }
  })

  t.test('is valid for its client, IPv4 and IPv6', async (t) => {
    t.ok(isValid(mint.mint(CLIENT, NOW)))
    t.ok(isValid(mint.mint(CLIENT6, NOW), CLIENT6))
  })

  t.test('is valid for 600 s and not for 601', async (t) => {
    const nonce = mint.mint(CLIENT, NOW)
    t.ok(isValid(nonce, CLIENT, NOW + 600))
    t.notOk(isValid(nonce, CLIENT, NOW + 601))
  })

  t.test('has the lifetime that it was given', async (t) => {
    const short = new NonceMint(SECRET, 'r', BITS, 5)
    const nonce = short.mint(CLIENT, NOW)
    t.ok(isValid(nonce, CLIENT, NOW + 5, short))
    t.notOk(isValid(nonce, CLIENT, NOW + 6, short))
  })

  t.test('is not valid before its time: a time ahead of now is stale', async (t) => {
    const nonce = mint.mint(CLIENT, NOW)
    t.notOk(isValid(nonce, CLIENT, NOW - 1))
    t.notOk(isValid(nonce, CLIENT, NOW - 600))
    t.notOk(isValid(nonce, CLIENT, 0))
  })

  t.test('lives across the wrap of its clock at 2^24 s, and is stale after it', async (t) => {
    const nonce = mint.mint(CLIENT, 0xffffff)
    t.ok(isValid(nonce, CLIENT, 0x1000000))
    t.ok(isValid(nonce, CLIENT, 0xffffff + 600))
    t.notOk(isValid(nonce, CLIENT, 0xffffff + 601))
    t.notOk(isValid(mint.mint(CLIENT, 0x1000000), CLIENT, 0xffffff), 'ahead of now across the wrap')
  })

  t.test('is bound to the IP address and the port (RFC 8489 §9.2.4)', async (t) => {
    const nonce = mint.mint(CLIENT, NOW)
    t.notOk(isValid(nonce, CLIENT.clone().setIPv4(0x0a000002, 5000)))
    t.notOk(isValid(nonce, CLIENT.clone().setIPv4(0x0a000001, 5001)))
    t.notOk(isValid(nonce, CLIENT.clone().setIPv6(0x0a000001, 0, 0, 0, 5000)), 'the same words in the other family')
    const nonce6 = mint.mint(CLIENT6, NOW)
    t.notOk(isValid(nonce6, CLIENT6.clone().setIPv6(0x20010db9, 2, 3, 4, 5000)))
    t.notOk(isValid(nonce6, CLIENT6.clone().setIPv6(0x20010db8, 3, 3, 4, 5000)))
    t.notOk(isValid(nonce6, CLIENT6.clone().setIPv6(0x20010db8, 2, 4, 4, 5000)))
    t.notOk(isValid(nonce6, CLIENT6.clone().setIPv6(0x20010db8, 2, 3, 5, 5000)))
  })

  t.test('is bound to secret, realm and feature bits', async (t) => {
    const nonce = mint.mint(CLIENT, NOW)
    t.ok(isValid(nonce, CLIENT, NOW, new NonceMint(SECRET, 'r', BITS)), 'the same after a restart')
    t.notOk(isValid(nonce, CLIENT, NOW, new NonceMint(new Uint8Array(32), 'r', BITS)))
    t.notOk(isValid(nonce, CLIENT, NOW, new NonceMint(SECRET, 's', BITS)))
    t.notOk(isValid(nonce, CLIENT, NOW, new NonceMint(SECRET, 'r', 0x800000)))
  })

  t.test('is not valid with any character changed', async (t) => {
    const nonce = bytesOf(mint.mint(CLIENT, NOW))
    let changeCount = 0
    for (let index = 0; index < nonce.length; index++) {
      for (let value = 0; value < 256; value++) {
        if (value === nonce[index]) continue
        const changed = Buffer.from(nonce)
        changed[index] = value
        changeCount++
        if (mint.check(changed, CLIENT, NOW)) t.fail(`valid with ${value} at ${index}`)
      }
    }
    t.equal(changeCount, NONCE_LENGTH * 255)
  })

  t.test('is not valid cut, lengthened or empty', async (t) => {
    const nonce = mint.mint(CLIENT, NOW)
    for (let length = 0; length < NONCE_LENGTH; length++) t.notOk(isValid(nonce.slice(0, length)))
    t.notOk(isValid(`${nonce}=`))
    t.notOk(isValid(nonce + nonce))
  })

  t.test('is read from the middle of a larger buffer', async (t) => {
    const nonce = bytesOf(`xx${mint.mint(CLIENT, NOW)}xx`)
    t.ok(mint.check(nonce.subarray(2, 30), CLIENT, NOW))
  })
})

t.test('nonceFeatureBits', async (t) => {
  const cases: [nonce: string, bits: number][] = [
    ['obMatJos2wAAA', 0xc00000],
    ['obMatJos2gAAAxyz', 0x800000],
    ['obMatJos2AAAA', 0],
    ['obMatJos2AAAC//499k954d6OL34oL9FSTvy64sA', 2],
    ['obMatJos2gAA', 0],
    ['obMatJos3gAAA', 0],
    ['', 0],
    ['obMatJos2????xyz', 0],
  ]
  for (const [nonce, bits] of cases) {
    t.test(`${JSON.stringify(nonce)} has the bits 0x${bits.toString(16)}`, async (t) => {
      t.equal(nonceFeatureBits(bytesOf(nonce)), bits)
    })
  }
})
