// Third-party authorization (RFC 7635): the file of keys, tokens as clients send them, and what may be in an authentic one.
import { parseOAuthKeys } from '../../../src/auth/oauth-keys-file.js'
import { openToken } from '../../../src/auth/oauth-token.js'
import { OAUTH_KEY_COUNT_MAX } from '../../../src/limits/oauth.js'
import { macKeyOf, NORTH, SERVER_NAME, sealBlock, tokenOf } from '../../support/access-token.js'
import { type BytesCase, ensure, parsedOrRefused, type TextCase } from './parser-case.js'

const REALM = 'example.org'
const KEY = Buffer.alloc(32, 'k').toString('base64')
const KEYS = [
  `north A256GCM ${KEY} 1900000000 60`,
  `south AEAD_AES_128_GCM ${KEY}`,
  '# a comment',
  `x a256gcm ${KEY} 0 0`,
]
const NAME = Buffer.from(SERVER_NAME)
/** Lengths of the key in a block, and of the block. */
const BLOCKS = [20, 32, 64].map((length) =>
  Buffer.concat([Buffer.of(0, length), macKeyOf(1, length), Buffer.alloc(12)]),
)

export function oauthCases(): TextCase[] {
  return [
    {
      name: 'a file of OAuth keys',
      samples: [KEYS.join('\n'), KEYS[0], KEYS.slice(1).join('\r\n')],
      check: (text) => {
        const parsed = parsedOrRefused(() => parseOAuthKeys(text, REALM), RangeError)
        if (parsed === null) return false
        const keys = parsed.value
        ensure(keys.length > 0 && keys.length <= OAUTH_KEY_COUNT_MAX, `${keys.length} keys`)
        for (const { key, kid } of keys) ensure(kid !== '' && (key.length === 16 || key.length === 32), 'no key')
        return true
      },
    },
  ]
}

const NONCE = new Uint8Array(12).fill(9)

export function oauthBytesCases(): BytesCase[] {
  return [
    {
      name: 'an access token',
      // The same in every run.
      samples: [tokenOf({ nonce: NONCE }), tokenOf({ nonce: NONCE, macKey: macKeyOf(1, 64) })],
      check: (bytes) => openToken(bytes, NORTH.key, NAME) !== null,
    },
    {
      name: 'the block of an access token',
      samples: BLOCKS,
      check: (bytes) => {
        const opened = openToken(sealBlock(bytes), NORTH.key, NAME)
        if (opened === null) return false
        ensure(opened.macKey.length >= 20 && opened.macKey.length <= 64, `a key of ${opened.macKey.length} bytes`)
        ensure(bytes.length === 14 + opened.macKey.length, 'bytes that nobody has read')
        ensure(opened.timestampSeconds >= 0 && opened.lifetimeSeconds >= 0, 'a time below zero')
        return true
      },
    },
  ]
}
