// The variants of the long-term credential mechanism (RFC 8489 §9.2): both integrity attributes, password algorithms, USERHASH, and how names and
// passwords are prepared.
import { createHmac } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { makeUsersFileLine } from '../../src/auth/users-file.js'
import type { TurnServer } from '../../src/index.js'
import {
  ATTRIBUTE_MESSAGE_INTEGRITY,
  ATTRIBUTE_MESSAGE_INTEGRITY_SHA256,
  ATTRIBUTE_NONCE,
  ATTRIBUTE_PASSWORD_ALGORITHM,
  ATTRIBUTE_PASSWORD_ALGORITHMS,
  ATTRIBUTE_REALM,
  METHOD_ALLOCATE,
  METHOD_CHANNEL_BIND,
  METHOD_REFRESH,
  PASSWORD_ALGORITHM_MD5,
  PASSWORD_ALGORITHM_SHA256,
} from '../../src/stun/constants.js'
import { until } from '../command/until.js'
import type { ReceivedMessage } from '../support/received-message.js'
import {
  type Describe,
  describeAllocate,
  MODERN,
  type RequestOptions,
  type TurnClient,
} from '../support/turn-client.js'
import { AUTHENTIC, refreshCode, refused } from './refused.js'
import { ALICE, type Suite } from './suite.js'

const CHALLENGE_LENGTH_MAX = 98

export function credentials(t: Test, suite: Suite): void {
  t.test('integrity', async (t) => {
    const server = await suite.sharedServer()
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
    const server = await suite.sharedServer()
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

    t.test(
      'offers what every user can be verified with, while clients are connected too (RFC 8489 §9.2.1)',
      async (t) => {
        // Eight bytes.
        const realm = 'gr\u00f6\u00dfen'
        const usersFile = join(t.testdir({ users: '' }), 'users')
        const server = await suite.startServer(t, { usersFile, realm })
        const client = await suite.connect(t, server, { ...MODERN, isAnonymous: true })
        const offered = await client.learnChallenge()
        t.ok(offered.bytes.length <= CHALLENGE_LENGTH_MAX)
        t.equal(offered.text(ATTRIBUTE_REALM), realm)
        t.match(offered.text(ATTRIBUTE_NONCE), /^obMatJos2wAAA/)
        const allocate = client.message(METHOD_ALLOCATE, describeAllocate)
        t.equal((await client.exchange(allocate)).code, 0)
        t.equal((await client.exchange(allocate)).code, 0, 'a retransmission')

        const { entry } = makeUsersFileLine('carol', realm, 'md5 only')
        writeFileSync(usersFile, `carol:${realm}:${Buffer.from(entry?.md5Key ?? []).toString('hex')}\n`)
        const cut = await learned(server, client)
        t.equal(cut.has(ATTRIBUTE_PASSWORD_ALGORITHMS), false)
        t.match(cut.text(ATTRIBUTE_NONCE), /^obMatJos2QAAA/, 'anonymity alone')
        t.ok(cut.bytes.length <= CHALLENGE_LENGTH_MAX)
        t.equal((await client.exchange(allocate)).code, 438, 'a retransmission with the nonce of before')
        t.equal((await client.refresh()).code, 438, 'whichever algorithm it names')
        client.takeChallenge(cut)
        const plain = { algorithm: null, integrity: 'sha1' } as const
        t.equal((await client.refresh({}, plain)).code, 0, 'the allocation is there, and its user needs no new one')
        const carol = await suite.connect(t, server, { username: 'carol', password: 'md5 only' })
        t.equal(await refreshCode(carol), AUTHENTIC)
        const bidDown = { algorithm: PASSWORD_ALGORITHM_SHA256, algorithms: [PASSWORD_ALGORITHM_SHA256] }
        t.equal(await refreshCode(client, bidDown), 400)

        writeFileSync(usersFile, '')
        const whole = await learned(server, client, plain)
        t.match(whole.text(ATTRIBUTE_NONCE), /^obMatJos2wAAA/)
        client.takeChallenge(whole)
        t.equal((await client.refresh()).code, 0)
      },
    )
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
}

/** Has the server read its users file, and waits for the 438 with which a client learns what it offers now. */
async function learned(server: TurnServer, client: TurnClient, options: RequestOptions = {}): Promise<ReceivedMessage> {
  server.reload()
  let answer = await client.refresh({}, options)
  await until(async () => {
    answer = await client.refresh({}, options)
    return answer.code === 438
  }, 'the worker has the users of the file')
  return answer
}

function restCredential(username: string, secret: string): RequestOptions {
  return { username, password: createHmac('sha1', secret).update(username).digest('base64') }
}
