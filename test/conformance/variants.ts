// Every way of authenticating that RFC 8489 §9.2 has, one by one: how the user is named, which key, which integrity attribute, with FINGERPRINT or
// without; each right, and wrong in one thing after the other. And every way of talking a client or the server down to something weaker (§9.2.1).
// One client and one allocation serve the whole table.
import type { Test } from 'tap'
import {
  ATTRIBUTE_FINGERPRINT,
  ATTRIBUTE_MESSAGE_INTEGRITY,
  ATTRIBUTE_MESSAGE_INTEGRITY_SHA256,
  ATTRIBUTE_NONCE,
  ATTRIBUTE_PASSWORD_ALGORITHM,
  ATTRIBUTE_PASSWORD_ALGORITHMS,
  ATTRIBUTE_REALM,
  ATTRIBUTE_USERHASH,
  ATTRIBUTE_USERNAME,
  METHOD_ALLOCATE,
  METHOD_REFRESH,
  PASSWORD_ALGORITHM_MD5,
  PASSWORD_ALGORITHM_SHA256,
} from '../../src/stun/constants.js'
import type { MessageWriter } from '../../src/stun/writer.js'
import type { ReceivedMessage } from '../support/received-message.js'
import { type Describe, type ExchangeResult, MODERN, type RequestOptions } from '../support/turn-client.js'
import { AUTHENTIC, refreshCode } from './refused.js'
import { ALICE, type Suite } from './suite.js'

interface Variant {
  readonly name: string
  readonly options: RequestOptions
  /** Of the answers: the client's own. */
  readonly integrity: 'sha1' | 'sha256'
}

const IDENTITIES = { USERNAME: {}, USERHASH: { isAnonymous: true } }
const ALGORITHMS = {
  'no algorithm': {},
  MD5: { algorithm: PASSWORD_ALGORITHM_MD5 },
  'SHA-256': { algorithm: PASSWORD_ALGORITHM_SHA256 },
}
const INTEGRITIES: Readonly<Record<string, RequestOptions>> = {
  'MESSAGE-INTEGRITY': { integrity: 'sha1' },
  ...Object.fromEntries(
    [32, 28, 24, 20, 16].map((length) => [
      `MESSAGE-INTEGRITY-SHA256 of ${length}`,
      { integrity: 'sha256', sha256Length: length } as const,
    ]),
  ),
  'both attributes': { integrity: 'both' },
}
const FINGERPRINTS = { '': {}, ', FINGERPRINT': { hasFingerprint: true } }

const VARIANTS: readonly Variant[] = Object.entries(IDENTITIES).flatMap(([identity, one]) =>
  Object.entries(ALGORITHMS).flatMap(([algorithm, two]) =>
    Object.entries(INTEGRITIES).flatMap(([integrity, three]) =>
      Object.entries(FINGERPRINTS).map(([fingerprint, four]) => ({
        name: `${identity}, ${algorithm}, ${integrity}${fingerprint}`,
        options: { ...one, ...two, ...three, ...four },
        integrity: three.integrity === 'sha1' ? 'sha1' : 'sha256',
      })),
    ),
  ),
)
/** What is wrong in a request by itself is judged the same whatever stands behind it: in short runs each attribute is there once. */
const WRONGED = process.env.TURND_TEST_LONG === '1' ? VARIANTS : VARIANTS.filter(isPlain)

const INTEGRITY_TYPES = [ATTRIBUTE_MESSAGE_INTEGRITY, ATTRIBUTE_MESSAGE_INTEGRITY_SHA256]
/** What no answer to an authentic request repeats (RFC 8489 §9.2.4). */
const CREDENTIAL_TYPES = [ATTRIBUTE_USERNAME, ATTRIBUTE_USERHASH, ATTRIBUTE_REALM, ATTRIBUTE_NONCE]
const CHALLENGE_TYPES = [ATTRIBUTE_REALM, ATTRIBUTE_NONCE, ATTRIBUTE_PASSWORD_ALGORITHMS]
const CHALLENGE_LENGTH_MAX = 98
const [MD5, SHA256] = [PASSWORD_ALGORITHM_MD5, PASSWORD_ALGORITHM_SHA256]

export function variants(t: Test, suite: Suite): void {
  t.test('every variant of the long-term mechanism', async (t) => {
    const server = await suite.sharedServer()
    const client = await suite.allocate(t, server)
    const refresh = (options: RequestOptions, describe: Describe = () => {}) =>
      client.requestWithIntegrity(METHOD_REFRESH, describe, options)

    t.test(`all ${VARIANTS.length} are served, and answered in kind (RFC 8489 §9.2.4, §9.2.5)`, async (t) => {
      const faults: string[] = []
      for (const variant of VARIANTS) faults.push(...authenticFaults(variant, 0, await refresh(variant.options)))
      t.same(faults, [])
    })

    t.test('an error of what the request asks is answered in kind too (RFC 8489 §9.2.4)', async (t) => {
      const faults: string[] = []
      for (const variant of WRONGED) {
        const result = await refresh(variant.options, (writer) => writer.writeEmpty(0x7f01))
        faults.push(...authenticFaults(variant, 420, result))
      }
      t.same(faults, [])
    })

    t.test('with a wrong password or an unknown name: 401, a challenge, and no integrity', async (t) => {
      const faults: string[] = []
      for (const variant of WRONGED) {
        for (const wrong of [{ password: 'wrong' }, { username: 'mallory' }]) {
          faults.push(...refusalFaults(variant, 401, CHALLENGE_TYPES, await refresh({ ...variant.options, ...wrong })))
        }
      }
      t.same(faults, [])
    })

    t.test('with a nonce that is not valid: 438, a challenge, and no integrity', async (t) => {
      const { nonce } = client.challenge
      // Each feature bit cleared, both, and no cookie at all; what else can be wrong with one is in test/auth/nonce.test.ts.
      const stale = ['gAAA', 'QAAA', 'AAAA'].map((bits) => nonce.replace('wAAA', bits))
      stale.push('x'.repeat(28), nonce.slice(13).padEnd(28, 'A'))
      const faults: string[] = []
      for (const variant of WRONGED) {
        for (const invalid of stale) {
          faults.push(
            ...refusalFaults(variant, 438, CHALLENGE_TYPES, await refresh({ ...variant.options, nonce: invalid })),
          )
        }
      }
      t.same(faults, [])
    })

    t.test('without REALM or NONCE, or with a changed list: 400, and neither challenge nor integrity', async (t) => {
      const faults: string[] = []
      for (const variant of WRONGED) {
        for (const wrong of [{ realm: null }, { nonce: null }, { algorithms: [MD5, SHA256] }]) {
          faults.push(...refusalFaults(variant, 400, [], await refresh({ ...variant.options, ...wrong })))
        }
      }
      t.same(faults, [])
    })

    t.test('are the same allocation’s: it is there after all of it, for the user whoever named it', async (t) => {
      t.equal((await client.allocate({}, { ...MODERN, isAnonymous: true })).code, 437)
      t.equal((await client.refresh({ lifetimeSeconds: 0 }, { ...MODERN, isAnonymous: true })).code, 0)
      t.equal(await refreshCode(client), AUTHENTIC, 'and it has gone')
    })
  })

  bidDowns(t, suite)
}

function bidDowns(t: Test, suite: Suite): void {
  t.test('an offer that was tampered with is refused with 400 (RFC 8489 §9.2.1, §9.2.4)', async (t) => {
    const server = await suite.sharedServer()
    const client = await suite.connect(t, server, MODERN)
    await client.learnChallenge()
    const offered = Uint8Array.of(0, 2, 0, 0, 0, 1, 0, 0)
    const parameters = Uint8Array.of(0, 2, 0, 4, 1, 2, 3, 4)
    const list = (value: Uint8Array, algorithm: Uint8Array = Uint8Array.of(0, SHA256, 0, 0)): Describe => {
      return (writer) =>
        writer.writeBytes(ATTRIBUTE_PASSWORD_ALGORITHMS, value).writeBytes(ATTRIBUTE_PASSWORD_ALGORITHM, algorithm)
    }
    /** Each by itself. What is written by hand stands alone: the client adds neither attribute then, and signs with the key that it would have. */
    const attempts: Readonly<Record<string, RequestOptions | Describe>> = {
      'the list removed': { algorithms: null },
      'the choice removed': (writer) => writer.writeBytes(ATTRIBUTE_PASSWORD_ALGORITHMS, offered),
      'MD5 chosen, and the list removed': { algorithm: MD5, algorithms: null },
      'the list cut to MD5': { algorithm: MD5, algorithms: [MD5] },
      'SHA-256 chosen from a list of MD5': { algorithms: [MD5] },
      'the list cut to SHA-256': { algorithms: [SHA256] },
      'the list in another order': { algorithms: [MD5, SHA256] },
      'an algorithm twice': { algorithms: [SHA256, MD5, MD5] },
      'one more algorithm': { algorithms: [SHA256, MD5, 3] },
      'an empty list': list(new Uint8Array(0)),
      'a list with parameters': list(Uint8Array.of(0, 2, 0, 4, 1, 2, 3, 4, 0, 1, 0, 0)),
      'a list with one byte of parameters, padded': list(Uint8Array.of(0, 2, 0, 1, 9, 0, 0, 0, 0, 1, 0, 0)),
      'a list whose padding is not zero': list(Uint8Array.of(0, 2, 0, 1, 9, 9, 9, 9, 0, 1, 0, 0)),
      'a list that breaks off': list(Uint8Array.of(0, 2, 0, 0, 0, 1)),
      'an algorithm that nobody offered': { algorithm: 3 },
      'an algorithm with parameters': list(offered, parameters),
      'an algorithm with a length, and no parameters': list(offered, Uint8Array.of(0, 2, 0, 1)),
      'an algorithm with bytes behind it': list(offered, Uint8Array.of(0, 2, 0, 0, 0)),
      'an algorithm that breaks off': list(offered, Uint8Array.of(0, 2)),
      'a changed list before the right one': (writer) => {
        list(Uint8Array.of(0, 1, 0, 0))(writer)
        list(offered)(writer)
      },
    }
    const faults: string[] = []
    for (const [name, attempt] of Object.entries(attempts)) {
      const isByHand = typeof attempt === 'function'
      const options = isByHand ? { algorithm: null, algorithms: null } : attempt
      const describe: Describe = isByHand ? attempt : () => {}
      for (const identity of [{}, { username: 'mallory' }, { nonce: 'x'.repeat(28) }]) {
        const result = await client.requestWithIntegrity(METHOD_REFRESH, describe, { ...options, ...identity })
        const variant = { name: `${name}, ${Object.keys(identity)}`, options, integrity: 'sha256' } as const
        faults.push(...refusalFaults(variant, 400, [], result))
      }
    }
    t.same(faults, [])
    t.equal(await refreshCode(client), AUTHENTIC, 'the offer as it came')
  })

  t.test('a key or a MAC of the weaker kind does not stand for the stronger one (RFC 8489 §9.2.4)', async (t) => {
    const server = await suite.sharedServer()
    const client = await suite.connect(t, server, MODERN)
    await client.learnChallenge()
    const md5Key = client.key({ algorithm: MD5 })
    const sha256Key = client.key()
    const begin = (writer: MessageWriter): MessageWriter => {
      writer.writeText(ATTRIBUTE_USERNAME, ALICE.username).writeText(ATTRIBUTE_REALM, client.challenge.realm)
      return writer.writeText(ATTRIBUTE_NONCE, client.challenge.nonce)
    }
    const choose = (writer: MessageWriter): MessageWriter => {
      begin(writer).writePasswordAlgorithms([SHA256, MD5])
      return writer.writeUint32(ATTRIBUTE_PASSWORD_ALGORITHM, SHA256 << 16)
    }
    const attempts: Readonly<Record<string, readonly [code: number, describe: Describe]>> = {
      'SHA-256 chosen, the key of MD5': [401, (writer) => choose(writer).writeMessageIntegritySha256(md5Key)],
      'nothing chosen, the key of SHA-256': [401, (writer) => begin(writer).writeMessageIntegrity(sha256Key)],
      'two MACs, the stronger one made with the key of MD5': [
        401,
        (writer) => choose(writer).writeMessageIntegrity(sha256Key).writeMessageIntegritySha256(md5Key),
      ],
      'the stronger MAC stripped, the weaker one made with the key of MD5': [
        401,
        (writer) => choose(writer).writeMessageIntegrity(md5Key),
      ],
      'the only MAC stripped': [401, choose],
      'two MACs, both right': [
        AUTHENTIC,
        (writer) => choose(writer).writeMessageIntegrity(sha256Key).writeMessageIntegritySha256(sha256Key),
      ],
    }
    for (const [name, [code, describe]] of Object.entries(attempts)) {
      const message = client.message(METHOD_REFRESH, describe, { integrity: 'none' })
      t.equal((await client.exchange(message)).code, code, name)
    }
  })

  t.test('a MAC is of its own length: one that was cut on the way is wrong (RFC 8489 §14.6)', async (t) => {
    const server = await suite.sharedServer()
    const client = await suite.connect(t, server, MODERN)
    await client.learnChallenge()
    for (const kept of [28, 24, 20, 16]) {
      const whole = Buffer.from(client.message(METHOD_REFRESH, () => {}))
      const cut = whole.subarray(0, whole.length - (32 - kept))
      cut.writeUInt16BE(cut.length - 20, 2)
      cut.writeUInt16BE(kept, cut.length - kept - 2)
      t.equal((await client.exchange(cut)).code, 401, `${kept} bytes`)
    }
  })

  t.test('who is refused gets no more bytes for it than security.md allows', async (t) => {
    const server = await suite.sharedServer()
    const client = await suite.connect(t, server, { ...MODERN, hasFingerprint: true })
    await client.learnChallenge()
    for (const wrong of [{ integrity: 'none' }, { password: 'wrong' }, { nonce: 'x' }, { algorithms: null }] as const) {
      const { bytes, code } = await client.request(METHOD_ALLOCATE, () => {}, wrong)
      t.ok(bytes.length <= CHALLENGE_LENGTH_MAX, `${code}: ${bytes.length} bytes`)
    }
  })
}

/** What is wrong with the answer to an authentic request: the code, the client's variant and no other, FINGERPRINT if the client has it. */
function authenticFaults({ integrity, name, options }: Variant, code: number, result: ExchangeResult): string[] {
  const { answer } = result
  const faults: string[] = []
  if (answer.code !== code) faults.push(`${name}: ${answer.code}`)
  if (result.integrity !== integrity) faults.push(`${name}: answered with ${result.integrity}`)
  if (present(answer, INTEGRITY_TYPES).length !== 1) faults.push(`${name}: two integrity attributes`)
  if (answer.has(ATTRIBUTE_FINGERPRINT) !== (options.hasFingerprint === true)) faults.push(`${name}: FINGERPRINT`)
  if (present(answer, CREDENTIAL_TYPES).length > 0) faults.push(`${name}: credentials in the answer`)
  return faults
}

/** The same of a refusal: the code, of the credentials these alone, and no integrity. */
function refusalFaults({ name }: Variant, code: number, types: readonly number[], result: ExchangeResult): string[] {
  const { answer } = result
  const faults: string[] = []
  if (answer.code !== code) faults.push(`${name}: ${answer.code}`)
  if (result.integrity !== 'none') faults.push(`${name}: refused with ${result.integrity}`)
  const shown = present(answer, [...CREDENTIAL_TYPES, ATTRIBUTE_PASSWORD_ALGORITHMS])
  if (shown.join() !== types.join()) faults.push(`${name}: attributes ${shown.join()}`)
  return faults
}

function present(answer: ReceivedMessage, types: readonly number[]): number[] {
  return types.filter((type) => answer.has(type))
}

/** Named algorithms and names either way, with one MAC of each kind, and no FINGERPRINT. */
function isPlain({ options }: Variant): boolean {
  const { hasFingerprint, integrity, sha256Length } = options
  return hasFingerprint !== true && (integrity !== 'sha256' || sha256Length === 16)
}
