import { randomBytes } from 'node:crypto'
import t from 'tap'
import { type AccessToken, openToken, sealToken } from '../../src/auth/oauth-token.js'
import { TOKEN_LENGTH_MAX, TOKEN_LENGTH_MIN } from '../../src/limits/oauth.js'
import { macKeyOf, NORTH, SERVER_NAME, SOUTH, sealBlock, tokenOf } from '../support/access-token.js'

const name = Buffer.from(SERVER_NAME)

// RFC 7635 appendix A.
const VECTOR_NAME = Buffer.from('blackdow.carleon.gov')
const VECTOR_KEY = Buffer.from('HGkj32KJGiuy098sdfaqbNjOiaz71923')
const VECTOR_TOKEN: AccessToken = {
  macKey: Buffer.from('ZksjpweoixXmvn67534m'),
  // The number 92470300704768: these seconds in its first 48 bits, and no fraction.
  timestampSeconds: 1_410_984_813,
  lifetimeSeconds: 3600,
}
const VECTOR_NONCE = Buffer.from('h4j3k2l2n4b5')
const VECTOR_256 = Buffer.from(
  '000c68346a336b326c326e346235617ef134a3d5e44e9a19cc7dc104b0c03d03b2a551d8fdf5cd3b6dca6f10cfb77e5b2ddec84d293a5c50499359f0c2e26f76',
  'hex',
)

t.test('an access token', async (t) => {
  t.test('is that of the RFC, sealed and opened (RFC 7635 appendix A)', async (t) => {
    t.same(sealToken(VECTOR_TOKEN, VECTOR_KEY, VECTOR_NAME, VECTOR_NONCE), VECTOR_256)
    t.same(openToken(VECTOR_256, VECTOR_KEY, VECTOR_NAME), VECTOR_TOKEN)
    const short = VECTOR_KEY.subarray(0, 16)
    const sealed = sealToken(VECTOR_TOKEN, short, VECTOR_NAME, VECTOR_NONCE)
    t.equal(sealed.length, 64)
    t.same(openToken(sealed, short, VECTOR_NAME), VECTOR_TOKEN)
    t.equal(openToken(sealed, VECTOR_KEY, VECTOR_NAME), null, 'with a key of another length it does not open')
  })

  t.test('has a time with fractions of 1/64000 of a second (RFC 7635 §6.2)', async (t) => {
    const opened = openToken(tokenOf({ timestampSeconds: 1_900_000_000.5 }), NORTH.key, name)
    t.equal(opened?.timestampSeconds, 1_900_000_000.5)
  })

  t.test('has a mac key of 20 to 64 bytes', async (t) => {
    for (const length of [20, 32, 64])
      t.equal(openToken(tokenOf({ macKey: macKeyOf(1, length) }), NORTH.key, name)?.macKey.length, length)
    for (const length of [0, 16, 19, 65])
      t.equal(openToken(tokenOf({ macKey: macKeyOf(1, length) }), NORTH.key, name), null)
    t.equal(tokenOf().length, TOKEN_LENGTH_MIN)
    t.equal(tokenOf({ macKey: macKeyOf(1, 64) }).length, TOKEN_LENGTH_MAX)
  })

  t.test('opens with its own key and server name alone', async (t) => {
    t.not(openToken(tokenOf(), NORTH.key, name), null)
    t.equal(openToken(tokenOf({ key: SOUTH }), NORTH.key, name), null)
    t.equal(openToken(tokenOf({ serverName: 'turn.octavio.org' }), NORTH.key, name), null)
    t.equal(openToken(tokenOf(), NORTH.key, Buffer.from('')), null)
  })

  t.test('that is damaged anywhere is none: cut, longer, or with one bit changed', async (t) => {
    const token = tokenOf()
    let openedCount = 0
    const tryIt = (bytes: Uint8Array) => {
      if (openToken(bytes, NORTH.key, name) !== null) openedCount++
    }
    for (let length = 0; length < token.length; length++) tryIt(token.subarray(0, length))
    for (let more = 1; more <= 64; more++) tryIt(Buffer.concat([token, randomBytes(more)]))
    for (let bit = 0; bit < token.length * 8; bit++) {
      const changed = token.slice()
      changed[bit >> 3] ^= 1 << (bit & 7)
      tryIt(changed)
    }
    for (let count = 0; count < 500; count++) tryIt(randomBytes(count % 130))
    t.equal(openedCount, 0)
  })

  t.test('whose lengths lie, however authentic, is none', async (t) => {
    const block = (macKeyLength: number, length: number) => {
      const bytes = Buffer.alloc(length, 1)
      bytes.writeUInt16BE(macKeyLength)
      return openToken(sealBlock(bytes), NORTH.key, name)
    }
    t.not(block(20, 34), null)
    for (const [macKeyLength, length] of [
      [21, 34],
      [20, 35],
      [20, 78],
      [64, 34],
      [0xffff, 34],
      [0, 34],
    ]) {
      t.equal(block(macKeyLength, length), null, `${macKeyLength} in ${length}`)
    }
  })
})
