// The long-term credential mechanism (RFC 8489 §9.2): the order of 401, 400, 438 and 441, both integrity attributes, password
// algorithms, USERHASH, and the refusals that must look alike.
import { createHmac } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { makeUsersFileLine } from '../../src/auth/users-file.js'
import type { RefusalReason, TurnServer } from '../../src/index.js'
import {
  ATTRIBUTE_MESSAGE_INTEGRITY,
  ATTRIBUTE_MESSAGE_INTEGRITY_SHA256,
  ATTRIBUTE_NONCE,
  ATTRIBUTE_PASSWORD_ALGORITHM,
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
import {
  type Describe,
  describeAllocate,
  MODERN,
  type RequestOptions,
  type TurnClient,
} from '../support/turn-client.js'
import { addressOf } from '../support/udp-peer.js'
import { ALICE, BOB, REALM, type Suite } from './suite.js'

const COOKIE_WITH_BOTH_FEATURES = 'obMatJos2wAAA'
const COOKIE_WITHOUT_FEATURES = 'obMatJos2AAAA'
const CHALLENGE_LENGTH_MAX = 98
/** What a client without an allocation gets for a Refresh that passed authentication. */
const AUTHENTIC = 437

const FORGED = 'x'.repeat(28)

async function refreshCode(client: TurnClient, options: RequestOptions = {}): Promise<number> {
  return (await client.request(METHOD_REFRESH, () => {}, options)).code
}

export function authentication(t: Test, suite: Suite): void {
  t.test('the challenge', async (t) => {
    const server = await suite.startServer(t)
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
    const server = await suite.startServer(t)

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

  t.test('integrity', async (t) => {
    const server = await suite.startServer(t)
    const both = [ATTRIBUTE_MESSAGE_INTEGRITY, ATTRIBUTE_MESSAGE_INTEGRITY_SHA256]

    t.test('success and error answers carry the variant that the client used (RFC 8489 §9.2.5)', async (t) => {
      for (const integrity of ['sha1', 'sha256'] as const) {
        const client = await suite.connect(t, server, { integrity })
        const success = await client.requestWithIntegrity(METHOD_ALLOCATE, describeAllocate)
        t.match(success, { answer: { code: 0 }, integrity })
        t.equal(both.filter((type) => success.answer.has(type)).length, 1)
        t.match(await client.requestWithIntegrity(METHOD_ALLOCATE, describeAllocate), {
          answer: { code: 437 },
          integrity,
        })
        t.match(await client.requestWithIntegrity(METHOD_CHANNEL_BIND, () => {}), { answer: { code: 400 }, integrity })
        t.match(await client.requestWithIntegrity(METHOD_REFRESH, (writer) => writer.writeEmpty(0x7f01)), {
          answer: { code: 420 },
          integrity,
        })
      }
    })

    t.test('MESSAGE-INTEGRITY-SHA256 may be cut to 16 bytes, in steps of 4 (RFC 8489 §14.6)', async (t) => {
      const client = await suite.connect(t, server, { integrity: 'sha256' })
      for (const sha256Length of [16, 20, 24, 28, 32]) t.equal(await refreshCode(client, { sha256Length }), AUTHENTIC)
      for (const sha256Length of [4, 12, 18]) {
        await suite.sendIgnored(
          t,
          client,
          client.message(METHOD_REFRESH, () => {}, { sha256Length }),
        )
      }
    })

    t.test('of two attributes the stronger one decides (RFC 8489 §9.2.4)', async (t) => {
      const client = await suite.connect(t, server, { integrity: 'both' })
      t.match(await client.requestWithIntegrity(METHOD_REFRESH, () => {}), { integrity: 'sha256' })
      t.equal(await refreshCode(client, { sha1Password: 'wrong' }), AUTHENTIC)
      t.equal(await refreshCode(client, { password: 'wrong', sha1Password: ALICE.password }), 401)
    })
  })

  t.test('password algorithms and anonymity', async (t) => {
    const server = await suite.startServer(t)
    const { password } = ALICE

    t.test('a client may choose either algorithm from the list (RFC 8489 §9.2.4)', async (t) => {
      for (const algorithm of [PASSWORD_ALGORITHM_MD5, PASSWORD_ALGORITHM_SHA256]) {
        for (const integrity of ['sha1', 'sha256'] as const) {
          const client = await suite.connect(t, server, { algorithm, integrity })
          t.match(await client.requestWithIntegrity(METHOD_REFRESH, () => {}), {
            answer: { code: AUTHENTIC },
            integrity,
          })
        }
      }
    })

    t.test(
      'one attribute without the other, or a list that was changed, is a bid-down: 400 (RFC 8489 §9.2.4)',
      async (t) => {
        const client = await suite.connect(t, server, MODERN)
        await client.learnChallenge()
        const [sha256, md5] = [PASSWORD_ALGORITHM_SHA256, PASSWORD_ALGORITHM_MD5]
        t.equal(await refreshCode(client, { algorithms: null }), 400)
        t.equal(await refreshCode(client, { algorithm: null, algorithms: [sha256, md5], password }), 400)
        t.equal(await refreshCode(client, { algorithm: md5, algorithms: [md5] }), 400)
        t.equal(await refreshCode(client, { algorithms: [md5, sha256] }), 400)
        t.equal(await refreshCode(client, { algorithms: [sha256, md5, md5] }), 400)
        t.equal(await refreshCode(client, { algorithms: [sha256, md5] }), AUTHENTIC)
      },
    )

    t.test('an algorithm that was not offered gets 400, before the user is looked up (RFC 8489 §9.2.4)', async (t) => {
      const client = await suite.connect(t, server, { algorithm: 3 })
      t.equal(await refreshCode(client), 400)
      t.equal(await refreshCode(client, { username: 'mallory' }), 400)
      const withParameters: Describe = (writer) =>
        writer.writeBytes(ATTRIBUTE_PASSWORD_ALGORITHM, Uint8Array.of(0, 2, 0, 4, 1, 2, 3, 4))
      t.equal(
        (await client.request(METHOD_REFRESH, withParameters, { algorithm: PASSWORD_ALGORITHM_SHA256 })).code,
        400,
      )
    })

    t.test(
      'USERHASH stands for USERNAME; an unknown one is like an unknown user (RFC 8489 §9.2.4, §14.4)',
      async (t) => {
        const client = await suite.connect(t, server, { ...MODERN, isAnonymous: true })
        t.equal((await client.allocate()).code, 0)
        t.equal((await client.refresh()).code, 0)
        t.equal((await client.refresh({}, { isAnonymous: false })).code, 0, 'the same user by name')
        t.equal(await refreshCode(client, { username: 'mallory' }), 401)
        t.equal(await refreshCode(client, { password: 'wrong' }), 401)
      },
    )

    t.test('offers only what every user can be verified with (RFC 8489 §9.2.2)', async (t) => {
      const usersFile = join(t.testdir({}), 'users')
      const { entry } = makeUsersFileLine('carol', REALM, 'md5 only')
      writeFileSync(usersFile, `carol:${REALM}:${Buffer.from(entry?.md5Key ?? []).toString('hex')}\n`)
      const md5Only = await suite.startServer(t, { usersFile })
      const client = await suite.connect(t, md5Only)
      const challenge = await client.learnChallenge()
      t.equal(challenge.has(ATTRIBUTE_PASSWORD_ALGORITHMS), false)
      t.match(challenge.text(ATTRIBUTE_NONCE), /^obMatJos2QAAA/, 'anonymity alone')
      t.equal(await refreshCode(client), AUTHENTIC)
      t.equal(await refreshCode(client, { username: 'carol', password: 'md5 only' }), AUTHENTIC)
      const bidDown = { algorithm: PASSWORD_ALGORITHM_SHA256, algorithms: [PASSWORD_ALGORITHM_SHA256] }
      t.equal(await refreshCode(client, bidDown), 400)
    })
  })

  t.test('names and passwords', async (t) => {
    t.test(
      'are prepared as OpaqueString, so that two spellings are one (RFC 8265 §4.2, RFC 8489 §9.2.2)',
      async (t) => {
        const decomposed = { name: 'Ame\u0301lie', password: 'mot\u00a0de\u3000passe e\u0301' }
        const server = await suite.startServer(t, { user: decomposed })
        const composed = { username: 'Am\u00e9lie', password: 'mot de passe \u00e9' }
        t.equal(await refreshCode(await suite.connect(t, server, composed)), AUTHENTIC)
        t.equal(await refreshCode(await suite.connect(t, server, { ...composed, username: 'Amelie' })), 401)
      },
    )

    t.test('of the TURN REST API hold until their timestamp', async (t) => {
      const server = await suite.startServer(t, { user: [], authSecret: ['old secret', 'north'] })
      const now = Math.floor(Date.now() / 1000)
      const client = await suite.connect(t, server)
      t.equal(await refreshCode(client, restCredential(`${now + 60}:carol`, 'north')), AUTHENTIC)
      t.equal(await refreshCode(client, restCredential(`${now + 60}`, 'old secret')), AUTHENTIC)
      t.equal(await refreshCode(client, restCredential(`${now + 60}:carol`, 'south')), 401)
      const expired = restCredential(`${now - 60}:carol`, 'north')
      const { refusal } = await refused(suite, server, client, 'expired-credential', expired)
      t.match(refusal, { reason: 'expired-credential', code: 401 })
    })
  })

  t.test('another user on the same allocation gets 441 (RFC 8656 §5)', async (t) => {
    const server = await suite.startServer(t)
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

/** Sends an Allocate that is refused for this reason, and waits for the server's event. */
async function refused(
  suite: Suite,
  server: TurnServer,
  client: TurnClient,
  reason: RefusalReason,
  options: RequestOptions,
) {
  const event = suite.refusal(server, client, reason)
  const answer = await client.request(METHOD_ALLOCATE, () => {}, options)
  return { answer, refusal: await event }
}

function restCredential(username: string, secret: string): RequestOptions {
  return { username, password: createHmac('sha1', secret).update(username).digest('base64') }
}
