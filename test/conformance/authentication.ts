import type { Test } from 'tap'
import {
  ATTRIBUTE_NONCE,
  ATTRIBUTE_PASSWORD_ALGORITHMS,
  ATTRIBUTE_REALM,
  ATTRIBUTE_USERNAME,
  ATTRIBUTE_XOR_PEER_ADDRESS,
  METHOD_ALLOCATE,
  METHOD_CHANNEL_BIND,
  METHOD_CREATE_PERMISSION,
  METHOD_REFRESH,
  PASSWORD_ALGORITHM_MD5,
  PASSWORD_ALGORITHM_SHA256,
} from '../../src/stun/constants.js'
import type { RequestOptions } from '../support/turn-client.js'
import { addressOf } from '../support/udp-peer.js'
import { AUTHENTIC, refreshCode, refused } from './refused.js'
import { ALICE, BOB, REALM, type Suite } from './suite.js'

const COOKIE_WITH_BOTH_FEATURES = 'obMatJos2wAAA'
const COOKIE_WITHOUT_FEATURES = 'obMatJos2AAAA'
const CHALLENGE_LENGTH_MAX = 98
const FORGED = 'x'.repeat(28)

export function authentication(t: Test, suite: Suite): void {
  t.test('the challenge', async (t) => {
    const server = await suite.sharedServer()
    const methods = [METHOD_ALLOCATE, METHOD_REFRESH, METHOD_CREATE_PERMISSION, METHOD_CHANNEL_BIND]

    t.test(
      'answers a request without integrity with 401, REALM, NONCE and PASSWORD-ALGORITHMS (RFC 8489 §9.2.4)',
      async (t) => {
        for (const method of methods) {
          const client = await suite.connect(t, server)
          const answer = await client.exchange(client.message(method, () => {}, { integrity: 'none' }))
          t.equal(answer.code, 401)
          t.equal(answer.text(ATTRIBUTE_REALM), REALM)
          t.match(answer.text(ATTRIBUTE_NONCE), new RegExp(`^${COOKIE_WITH_BOTH_FEATURES}.{15}$`))
          t.same(answer.uint16s(ATTRIBUTE_PASSWORD_ALGORITHMS), [
            PASSWORD_ALGORITHM_SHA256,
            0,
            PASSWORD_ALGORITHM_MD5,
            0,
          ])
          t.equal(answer.integrity(null), 'none')
        }
      },
    )

    t.test(`has at most ${CHALLENGE_LENGTH_MAX} bytes, and no words for strangers`, async (t) => {
      const client = await suite.connect(t, server)
      const answer = await client.learnChallenge()
      t.ok(answer.bytes.length <= CHALLENGE_LENGTH_MAX, `${answer.bytes.length} bytes`)
      t.equal(answer.reasonPhrase, '')
    })

    t.test('comes before anything else is said of the request (RFC 8656 §5)', async (t) => {
      const client = await suite.connect(t, server)
      for (const method of methods) {
        // Refresh without an allocation, ChannelBind without a channel, an unknown required attribute.
        const message = client.message(method, (writer) => writer.writeEmpty(0x7f01), { integrity: 'none' })
        t.equal((await client.exchange(message)).code, 401)
      }
    })
  })

  t.test('a request with integrity', async (t) => {
    const server = await suite.sharedServer()

    t.test('without USERNAME, REALM or NONCE is answered with 400 and no challenge (RFC 8489 §9.2.4)', async (t) => {
      const client = await suite.connect(t, server)
      for (const missing of [{ username: null }, { realm: null }, { nonce: null }]) {
        const answer = await client.request(METHOD_ALLOCATE, () => {}, { ...missing, password: ALICE.password })
        t.equal(answer.code, 400, Object.keys(missing).join())
        t.same(
          [ATTRIBUTE_REALM, ATTRIBUTE_NONCE].filter((type) => answer.has(type)),
          [],
        )
      }
    })

    t.test('of an unknown user and with a wrong password get the same 401 (RFC 8489 §9.2.4)', async (t) => {
      const client = await suite.connect(t, server)
      const transactionId = Buffer.from('transaction.')
      const answers: Buffer[] = []
      for (const wrong of [{ username: 'mallory' }, { password: 'wrong' }, { realm: 'elsewhere' }]) {
        const answer = await client.request(METHOD_ALLOCATE, () => {}, { ...wrong, transactionId })
        t.equal(answer.code, 401)
        // The time in the nonce may pass a second.
        const nonce = Buffer.from(answer.text(ATTRIBUTE_NONCE))
        const bytes = Buffer.from(answer.bytes)
        answers.push(bytes.fill(0, bytes.indexOf(nonce), bytes.indexOf(nonce) + nonce.length))
      }
      t.same(answers[1], answers[0])
      t.same(answers[2], answers[0])
    })

    t.test('tells the operator, not the client, who it was and why', async (t) => {
      const client = await suite.connect(t, server)
      const expectations = [
        [{ username: 'mallory' }, 'unknown-user', 'mallory'],
        [{ password: 'wrong' }, 'bad-password', 'alice'],
        [{ realm: 'elsewhere' }, 'wrong-realm', 'alice'],
        [{ nonce: FORGED }, 'stale-nonce', 'alice'],
        [{ nonce: null }, 'missing-attribute', 'alice'],
      ] as const
      for (const [options, reason, user] of expectations) {
        const { answer, refusal } = await refused(suite, server, client, reason, options)
        t.match(refusal, {
          reason,
          user,
          code: answer.code,
          source: client.localAddress.toString(),
          method: 'Allocate',
        })
      }
    })

    t.test('with a nonce that is not valid gets 438 and one that is (RFC 8489 §9.2.4)', async (t) => {
      const client = await suite.connect(t, server)
      const other = await suite.connect(t, server)
      await other.learnChallenge()
      await client.learnChallenge()
      const own = client.challenge.nonce
      const invalid = [
        FORGED,
        '',
        own.slice(0, -1),
        `${own}A`,
        `${own.slice(0, -1)}${own.endsWith('A') ? 'B' : 'A'}`,
        own.replace(COOKIE_WITH_BOTH_FEATURES, COOKIE_WITHOUT_FEATURES),
        other.challenge.nonce,
      ]
      for (const nonce of invalid) {
        const answer = await client.request(METHOD_REFRESH, () => {}, { nonce })
        t.equal(answer.code, 438, `nonce '${nonce}'`)
        t.equal(answer.text(ATTRIBUTE_REALM), REALM)
        client.takeChallenge(answer)
        t.equal(await refreshCode(client), AUTHENTIC)
      }
    })

    t.test('of an unknown user is refused for that, whatever its nonce (RFC 8489 §9.2.4)', async (t) => {
      const client = await suite.connect(t, server)
      t.equal(await refreshCode(client, { username: 'mallory', nonce: FORGED }), 401)
      t.equal(await refreshCode(client, { password: 'wrong', nonce: FORGED }), 401)
    })

    t.test('with unknown required attributes gets 420 once it is authentic (RFC 8489 §9.2.4, §6.3.1)', async (t) => {
      const client = await suite.connect(t, server)
      const unknown = (options: RequestOptions) =>
        client.request(METHOD_REFRESH, (writer) => writer.writeEmpty(0x7f01), options)
      t.equal((await unknown({ password: 'wrong' })).code, 401)
      t.equal((await unknown({})).code, 420)
    })

    t.test('ignores what an attacker adds behind MESSAGE-INTEGRITY (RFC 8489 §14.5)', async (t) => {
      const client = await suite.connect(t, server)
      for (const integrity of ['sha1', 'sha256'] as const) {
        t.equal(
          await refreshCode(client, { integrity, afterIntegrity: (writer) => writer.writeEmpty(0x7f01) }),
          AUTHENTIC,
        )
      }
    })

    t.test('counts the first of duplicated attributes (RFC 8489 §14)', async (t) => {
      const client = await suite.connect(t, server)
      const withFirst = async (username: string) => {
        const answer = await client.request(METHOD_REFRESH, (writer) => writer.writeText(ATTRIBUTE_USERNAME, username))
        return answer.code
      }
      t.equal(await withFirst(ALICE.username), AUTHENTIC)
      t.equal(await withFirst('mallory'), 401)
    })
  })

  t.test('another user on the same allocation gets 441 (RFC 8656 §5)', async (t) => {
    const server = await suite.sharedServer()
    const client = await suite.allocate(t, server)
    const peer = addressOf('127.0.0.1', 9)
    const requests = {
      Refresh: METHOD_REFRESH,
      CreatePermission: METHOD_CREATE_PERMISSION,
      ChannelBind: METHOD_CHANNEL_BIND,
    }
    for (const [name, method] of Object.entries(requests)) {
      const answer = await client.request(
        method,
        (writer) => writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peer),
        BOB,
      )
      t.equal(answer.code, 441, name)
    }
    t.equal((await client.allocate({}, BOB)).code, 437)
    t.equal((await client.refresh()).code, 0, 'it is still there for its own user')
  })
}
