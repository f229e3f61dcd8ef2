import { join } from 'node:path'
import t, { type Test } from 'tap'
import { loadOAuthKeys } from '../../src/auth/oauth-keys-file.js'
import { OAUTH_KEY_COUNT_MAX } from '../../src/limits/oauth.js'

const REALM = 'octavio.com'
const [KEY_16, KEY_32, KEY_33] = [16, 32, 33].map((length) => Buffer.alloc(length, 'k').toString('base64'))

function load(t: Test, text: string) {
  return loadOAuthKeys(join(t.testdir({ keys: text }), 'keys'), REALM)
}

t.test('the file of OAuth keys', async (t) => {
  t.test("has a key a line, by coturn's names and IANA's", async (t) => {
    const keys = load(
      t,
      [
        '# keys of two authorization servers',
        '',
        `north A256GCM ${KEY_32} 1900000000 86400`,
        `union  a128gcm\t${KEY_16}`,
        `east AEAD_AES_256_GCM ${KEY_33} 0 0 ${REALM}`,
        `west AEAD_AES_128_GCM ${KEY_32} 1900000000 0`,
      ].join('\r\n'),
    )
    const [k16, k32] = [new Uint8Array(16).fill(107), new Uint8Array(32).fill(107)]
    t.same(keys, [
      { kid: 'north', key: k32, notBeforeSeconds: 1_900_000_000, lifetimeSeconds: 86_400 },
      { kid: 'union', key: k16, notBeforeSeconds: 0, lifetimeSeconds: 0 },
      // What is longer than the algorithm takes is cut, as coturn does.
      { kid: 'east', key: k32, notBeforeSeconds: 0, lifetimeSeconds: 0 },
      { kid: 'west', key: k16, notBeforeSeconds: 1_900_000_000, lifetimeSeconds: 0 },
    ])
  })

  t.test('takes base64 of URLs, with or without its padding', async (t) => {
    const key = Buffer.alloc(32, 0xff)
    const [known] = load(t, `north A256GCM ${key.toString('base64url')}`)
    t.same(known.key, new Uint8Array(key))
  })

  t.test('says what is wrong, in which line and of which key, and never shows it', async (t) => {
    const wrong: [line: string, message: RegExp][] = [
      ['north', /the key has 1 words on its line: write KID ALGORITHM KEY/],
      [`north ${KEY_32} A256GCM`, /the key has no algorithm that is known/],
      [`${KEY_32} north A256GCM`, /the key has no algorithm that is known/],
      [`${KEY_32} A256GCM north`, /the key is of \d bytes, and its algorithm takes 32/],
      [`${KEY_16} A128GCM north`, /the key is of \d bytes, and its algorithm takes 16/],
      [`no\0rth A256GCM ${KEY_32}`, /has an id that is no text of UTF-8, or has control characters in it/],
      [`north A512GCM ${KEY_32}`, /the key has no algorithm that is known/],
      [`north A256GCM ${KEY_16}`, /the key "north" is of 16 bytes, and its algorithm takes 32/],
      [`north A256GCM ${KEY_32.replace('a', '!')}`, /the key "north" is no base64/],
      [`north A256GCM ${KEY_32.repeat(20).replaceAll('=', '')}`, /the key "north" is no base64 of a key/],
      [`north A256GCM ${KEY_32} yesterday`, /the key "north" has a NOT-BEFORE that is no number/],
      [`north A256GCM ${KEY_32} 1900000000 1h`, /the key "north" has a LIFETIME that is no number/],
      [`north A256GCM 0 0 ${KEY_32}`, /the key "north" has a LIFETIME that is no number/],
      [`north A256GCM ${KEY_32} 0 3600`, /the key "north" has a lifetime that begins at no time/],
      [
        `north A256GCM ${KEY_32} 0 0 north.gov`,
        /the key "north" is of another realm than this server's, "octavio.com"/,
      ],
      [`${'n'.repeat(129)} A256GCM ${KEY_32}`, /has an id of more than 128 bytes/],
      [`south A256GCM ${KEY_32}`, /the key "south" is there twice/],
    ]
    for (const [line, message] of wrong) {
      t.throws(() => load(t, `south A256GCM ${KEY_32}\n${line}\n`), { code: 'TURND_ERR_SECRET_FILE', message }, line)
      try {
        load(t, `south A256GCM ${KEY_32}\n${line}\n`)
      } catch (error) {
        t.match((error as Error).message, /^--oauth-keys .*, line 2: /)
        t.notMatch((error as Error).message, /a2tra2/)
      }
    }
  })

  t.test('holds a key, and not too many', async (t) => {
    const lines = (count: number) =>
      Array.from({ length: count }, (_, index) => `k${index} A256GCM ${KEY_32}`).join('\n')
    t.throws(() => load(t, '# none\n'), { message: /holds no key: write a line KID ALGORITHM KEY/ })
    t.equal(load(t, lines(OAUTH_KEY_COUNT_MAX)).length, OAUTH_KEY_COUNT_MAX)
    t.throws(() => load(t, lines(OAUTH_KEY_COUNT_MAX + 1)), {
      message: /holds 65 keys: leave out old ones, 64 are the most/,
    })
    t.throws(() => loadOAuthKeys('/nowhere/keys', REALM), { code: 'TURND_ERR_SECRET_FILE', message: /no such file/i })
  })
})
