import t from 'tap'
import { KeyedHash } from '../../src/turn/keyed-hash.js'
import { addressOf } from '../support/turn-address.js'

/** The key of the reference implementation's vectors: the bytes 0 to 7. */
const VECTOR_KEY = [0x03020100, 0x07060504] as const
/** HalfSipHash-2-4-64 of the bytes 0, 1, 2, …, by their number. */
const VECTORS: readonly (readonly [number, string])[] = [
  [0, '218d1f59b9b83cc8'],
  [2, '064f39ef7c50eb57'],
  [4, 'd5e78a175be52ea1'],
  [6, 'ce3e91358aa2bc25'],
  [8, 'edfee820bce4858c'],
  [12, '7bc71f9faef5c799'],
  [16, '7336aad25f7bf3b5'],
  [20, '1bf52b0a6feea7db'],
  [24, '70741045ae3fa6f1'],
]

function hex({ low, high }: KeyedHash): string {
  const bytes = Buffer.alloc(8)
  bytes.writeInt32LE(low, 0)
  bytes.writeInt32LE(high, 4)
  return bytes.toString('hex')
}

t.test('KeyedHash', async (t) => {
  t.test('is HalfSipHash-2-4 with 64 bits, by its reference vectors', async (t) => {
    for (const [length, expected] of VECTORS) {
      const bytes = Buffer.from(Array.from({ length }, (_, index) => index))
      t.equal(hex(new KeyedHash(...VECTOR_KEY).hashText(bytes.toString('utf16le'))), expected, `${length} bytes`)
      if (length % 4 !== 0) continue
      const words = Array.from({ length: length / 4 }, (_, index) => bytes.readInt32LE(index * 4))
      t.equal(hex(new KeyedHash(...VECTOR_KEY).hashWords(words)), expected, `${length} bytes as words`)
    }
  })

  t.test('depends on both halves of the key, and on nothing that came before', async (t) => {
    const hash = new KeyedHash(1, 2)
    const alice = hex(hash.hashText('alice'))
    t.not(hex(hash.hashText('bob')), alice)
    t.equal(hex(hash.hashText('alice')), alice)
    for (const [key0, key1] of [
      [1, 3],
      [3, 2],
    ]) {
      t.not(hex(new KeyedHash(key0, key1).hashText('alice')), alice)
    }
  })

  t.test('tells texts apart that differ in length or in one unit', async (t) => {
    const hash = new KeyedHash(1, 2)
    const texts = ['', '\0', '\0\0', '\0\0\0', 'a', 'a\0', 'ab', 'ba', 'abc', 'abd', 'ab\ud800', 'ab\ud801', 'ab\ufffd']
    t.equal(new Set(texts.map((text) => hex(hash.hashText(text)))).size, texts.length)
  })

  t.test('knows a source by its IPv4 address, or by the /64 of its IPv6 address', async (t) => {
    const hash = new KeyedHash(1, 2)
    const of = (text: string) => hex(hash.hashSource(addressOf(text)))
    t.equal(of('192.0.2.1:1'), of('192.0.2.1:2'), 'whatever the port')
    t.not(of('192.0.2.1:1'), of('192.0.2.2:1'))
    t.equal(of('[2001:db8:1:2::1]:1'), of('[2001:db8:1:2:ffff::]:1'))
    t.not(of('[2001:db8:1:2::1]:1'), of('[2001:db8:1:3::1]:1'))
    t.not(of('[2001:db8:1:2::1]:1'), of('[2001:db9:1:2::1]:1'))
    t.not(of('[102:304::]:1'), of('1.2.3.4:1'), 'families do not meet')
  })

  t.test('spreads neighbours evenly over slots', async (t) => {
    const hash = new KeyedHash(3, 4)
    for (const half of ['low', 'high'] as const) {
      const slots = new Uint32Array(1024)
      for (let host = 0; host < 65_536; host++) {
        hash.hashSource(addressOf(`10.0.${host >> 8}.${host & 255}:1`))
        slots[hash[half] & 1023]++
      }
      // 64 each on average, with a deviation of 8.
      t.ok(Math.max(...slots) < 64 + 6 * 8, `at most ${Math.max(...slots)}`)
      t.ok(Math.min(...slots) > 64 - 6 * 8, `at least ${Math.min(...slots)}`)
    }
  })
})
