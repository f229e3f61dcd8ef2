// What the profiles of an Expressway answer otherwise, and that strangers learn and gain nothing by it. `rfc` is every other test.
import t from 'tap'
import { userhash } from '../../src/auth/credentials.js'
import { profileTraits } from '../../src/config/profile.js'
import { USERNAME_LENGTH_MAX } from '../../src/limits/messages.js'
import * as stun from '../../src/stun/constants.js'
import { MessageWriter } from '../../src/stun/writer.js'
import { TRANSPORT_TCP } from '../../src/turn/five-tuple.js'
import { changeLimits } from '../../src/turn/reconfigure.js'
import { ALICE, type CoreClient, type CoreClientOptions, type Received } from '../support/core-client.js'
import { CoreHarness, type CoreHarnessOptions } from '../support/core-harness.js'
import { REALM, type User } from '../support/request-encoder.js'

const WRONG = { ...ALICE, password: 'wrong' }
/** As long as "alice". */
const NOBODY = { username: 'nobdy', password: 'wrong' }
const EXPRESSWAYS = ['expressway-x8.9', 'expressway-x12.6'] as const
const ECHO = [stun.ATTRIBUTE_ERROR_CODE, stun.ATTRIBUTE_USERNAME, stun.ATTRIBUTE_REALM, stun.ATTRIBUTE_NONCE]
/** ERROR-CODE with its phrase has 32 bytes; instead of it the request has 24 of MESSAGE-INTEGRITY, or 20 of a truncated SHA-256. */
const LONGER_BY_MAX = 12

function stageOf(profile: Parameters<typeof profileTraits>[0], options: CoreHarnessOptions = {}) {
  const harness = new CoreHarness({ traits: profileTraits(profile), ...options })
  /** The answer to a Refresh, which has the fewest attributes of its own. */
  const refresh = (user: User, client: CoreClientOptions = {}) => {
    const asking = harness.client({ user, ...client })
    return { client: asking, answer: asking.ask(stun.METHOD_REFRESH) }
  }
  return { harness, refresh }
}

/** A Refresh with the client's key and a nonce of the server's, as whoever it says it is; its integrity as short as can be, if asked. */
function askAs(client: CoreClient, name: (writer: MessageWriter) => unknown, realm: string, isShort = false): Received {
  client.challenge()
  const writer = new MessageWriter()
  writer.begin(new Uint8Array(1024), 0, stun.CLASS_REQUEST, stun.METHOD_REFRESH, new Uint8Array(12).fill(9), 0)
  name(writer)
  writer.writeText(stun.ATTRIBUTE_REALM, realm).writeText(stun.ATTRIBUTE_NONCE, client.nonce)
  if (isShort) writer.writeMessageIntegritySha256(client.key, 16)
  else writer.writeMessageIntegrity(client.key)
  const answer = client.exchange(writer.bytes.slice(0, writer.finish()))
  if (answer === null) throw new Error(`no answer, drop reason ${client.drop}`)
  return answer
}

/** All but the transaction id, the nonce and the name. */
function shapeOf(answer: Received): unknown {
  return { code: answer.code, length: answer.bytes.length, types: answer.types, start: answer.bytes.slice(0, 4) }
}

for (const profile of EXPRESSWAYS) {
  t.test(profile, async (t) => {
    t.test('answers a wrong password with 431, and what the request said of itself (RFC 3489 §11.2.9)', async (t) => {
      const { harness, refresh } = stageOf(profile)
      const { answer, client } = refresh(WRONG)
      t.equal(answer.code, 431)
      t.same(answer.types, ECHO)
      t.equal(answer.text(stun.ATTRIBUTE_USERNAME), 'alice')
      t.equal(answer.text(stun.ATTRIBUTE_REALM), REALM)
      t.equal(answer.text(stun.ATTRIBUTE_NONCE), client.nonce)
      t.match(Buffer.from(answer.bytes).toString('latin1'), /Integrity Check Failure/)
      t.equal(answer.view.messageIntegrityStart, -1, 'by nobody’s key')
      t.equal(harness.observer.lastRefusal(), 'bad-password 431')
    })

    t.test('answers an unknown user alike: nobody finds out names', async (t) => {
      const { harness, refresh } = stageOf(profile)
      for (const client of [{}, { integrity: 'sha256' }, { fingerprint: true }] as const) {
        const wrong = refresh(WRONG, client).answer
        const unknown = refresh(NOBODY, client).answer
        t.equal(harness.observer.lastRefusal(), 'unknown-user 431')
        t.same(shapeOf(unknown), shapeOf(wrong))
      }
    })

    t.test('answers a USERHASH with that hash, and never with the name behind it', async (t) => {
      const { harness } = stageOf(profile)
      const answers = [WRONG, NOBODY].map((user) => {
        const client = harness.client({ user })
        const hash = Buffer.from(userhash(user.username, REALM), 'hex')
        return askAs(client, (writer) => writer.writeBytes(stun.ATTRIBUTE_USERHASH, hash), REALM)
      })
      for (const answer of answers) {
        t.same(answer.types, [
          stun.ATTRIBUTE_ERROR_CODE,
          stun.ATTRIBUTE_USERHASH,
          stun.ATTRIBUTE_REALM,
          stun.ATTRIBUTE_NONCE,
        ])
        t.notMatch(Buffer.from(answer.bytes).toString('latin1'), /alice/)
      }
      t.same(shapeOf(answers[0]), shapeOf(answers[1]))
    })

    t.test('says 431 only to who has a nonce of ours for that address: others get the challenge', async (t) => {
      const { harness } = stageOf(profile)
      const foreign = harness.client({ user: WRONG })
      foreign.challenge()
      const thief = harness.client({ user: WRONG })
      for (const nonce of ['made up', 'x'.repeat(500), foreign.nonce]) {
        const answer = thief.ask(stun.METHOD_REFRESH, () => {}, { nonce })
        t.equal(answer.code, 401)
        t.notOk(answer.has(stun.ATTRIBUTE_USERNAME), 'nothing of a forged request is sent to its victim')
        t.ok(answer.bytes.length <= 100, `${answer.bytes.length} bytes`)
      }
      t.equal(harness.client().ask(stun.METHOD_REFRESH, () => {}, { nonce: 'made up' }).code, 438, 'with the right key')
    })

    t.test(`is never longer than the request by more than ${LONGER_BY_MAX} bytes`, async (t) => {
      const { harness } = stageOf(profile)
      for (const length of [1, 5, 100, USERNAME_LENGTH_MAX]) {
        for (const isShort of [false, true]) {
          const client = harness.client({ user: WRONG })
          const name = (writer: MessageWriter) => writer.writeText(stun.ATTRIBUTE_USERNAME, 'x'.repeat(length))
          const answer = askAs(client, name, REALM, isShort)
          t.equal(answer.code, 431)
          t.equal(answer.bytes.length - client.lastRequest.length, isShort ? LONGER_BY_MAX : 8)
        }
      }
    })

    t.test('counts it as a failure: past the budget there is silence', async (t) => {
      const { harness } = stageOf(profile, { unauthenticatedRate: 0 })
      const client = harness.client({ user: WRONG, transport: TRANSPORT_TCP })
      let answered = 0
      for (let index = 0; index < 300; index++) if (client.request(stun.METHOD_REFRESH) !== null) answered++
      t.equal(answered, 200)
    })

    t.test('lets in who has the password, and tells a stale nonce and a wrong realm as RFC 8489 does', async (t) => {
      const { harness } = stageOf(profile)
      const client = harness.client()
      t.equal(client.allocate().code, 0)
      harness.advanceSeconds(700)
      t.equal(client.refresh().code, 438)
      const stray = harness.client({ user: WRONG })
      const named = (writer: MessageWriter) => writer.writeText(stun.ATTRIBUTE_USERNAME, 'alice')
      const answer = askAs(stray, named, 'elsewhere')
      t.equal(answer.code, 401)
      t.equal(harness.observer.lastRefusal(), 'wrong-realm 401')
    })

    t.test('has 508 for what is above the licence', async (t) => {
      const { harness } = stageOf(profile, { maxAllocations: 1 })
      t.equal(harness.client().allocate().code, 0)
      t.equal(harness.client().allocate().code, 508)
      t.equal(harness.observer.lastRefusal(), 'licence 508')
    })
  })
}

t.test('a Binding without credentials', async (t) => {
  const bindingOf = (client: CoreClient) => client.ask(stun.METHOD_BINDING, () => {}, { integrity: 'none' })

  t.test('is answered as ever in rfc and expressway-x8.9', async (t) => {
    for (const profile of ['rfc', 'expressway-x8.9'] as const) {
      const answer = bindingOf(stageOf(profile).harness.client())
      t.same([answer.code, answer.bytes.length], [0, 32])
    }
  })

  t.test('is challenged in expressway-x12.6, and answered with them', async (t) => {
    const { harness } = stageOf('expressway-x12.6')
    const client = harness.client()
    const challenge = bindingOf(client)
    t.equal(challenge.code, 401)
    t.ok(challenge.bytes.length <= 98, `${challenge.bytes.length} bytes`)
    t.same(harness.observer.refusals, [], 'which is no refusal')
    const answer = client.ask(stun.METHOD_BINDING)
    t.equal(answer.code, 0)
    t.same(answer.addresses(stun.ATTRIBUTE_XOR_MAPPED_ADDRESS), [client.address.toString()])
    t.ok(client.isProtected(answer))
    t.equal(harness.client({ user: WRONG }).ask(stun.METHOD_BINDING).code, 431)
  })

  t.test('is limited there as it is elsewhere: nobody mirrors a flood', async (t) => {
    const { harness } = stageOf('expressway-x12.6', { unauthenticatedRate: 2 })
    const client = harness.client()
    const answers = Array.from({ length: 100 }, () =>
      client.request(stun.METHOD_BINDING, () => {}, { integrity: 'none' }),
    )
    t.equal(answers.filter((answer) => answer !== null).length, 20)
  })

  t.test('indications are heard and not answered in any profile', async (t) => {
    const { harness } = stageOf('expressway-x12.6')
    t.equal(harness.client().indication(stun.METHOD_BINDING), 0)
    t.same(harness.output.effects, [])
  })
})

t.test('another profile holds for the next request', async (t) => {
  const { harness, refresh } = stageOf('rfc')
  t.equal(refresh(WRONG).answer.code, 401)
  const limits = {
    ...{ maxAllocations: 1800, userQuota: 0, permissionCountMax: 128, channelCountMax: 128, channelNumberMax: 0x4fff },
    ...{ allowsTcpRelays: true, maxBps: 0, userMaxBps: 0, unauthenticatedRate: 0, limitsLoopback: false },
    ...{ discoveryPairs: [], answersLegacyBinding: false },
    ...{ allowsMobility: false, lookupWaitSeconds: 3, alternateAbovePercent: 100 },
  }
  changeLimits(harness.core, { ...limits, traits: profileTraits('expressway-x8.9') })
  t.equal(refresh(WRONG).answer.code, 431)
  changeLimits(harness.core, { ...limits, traits: profileTraits('rfc') })
  t.equal(refresh(WRONG).answer.code, 401)
})
