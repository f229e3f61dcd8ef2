// Third-party authorization (RFC 7635) through the core: challenges, requests with tokens and without, lifetimes, and whose an allocation is.
import t from 'tap'
import { userhash } from '../../src/auth/credentials.js'
import * as stun from '../../src/stun/constants.js'
import { MessageWriter } from '../../src/stun/writer.js'
import {
  macKeyOf,
  NORTH,
  SERVER_NAME,
  SOUTH,
  STRANGER,
  TokenClock,
  type TokenWish,
  tokenOf,
} from '../support/access-token.js'
import { ALICE, type CoreClient, REALM, type Write } from '../support/core-client.js'
import { CoreHarness, type CoreHarnessOptions, PEER } from '../support/core-harness.js'
import { keyOf as userKey } from '../support/request-encoder.js'
import { addressOf } from '../support/turn-address.js'

const UDP: Write = (writer) => writer.writeUint32(stun.ATTRIBUTE_REQUESTED_TRANSPORT, 17 << 24)

function begin(options: CoreHarnessOptions = {}) {
  const clock = new TokenClock()
  const harness = new CoreHarness({ tokens: clock.tokens(REALM), ...options })
  /** Both clocks. */
  const pass = (seconds: number) => {
    clock.seconds += seconds
    harness.advanceSeconds(seconds)
  }
  const client = (wish: TokenWish = {}, more: Parameters<CoreHarness['client']>[0] = {}) => {
    const made = harness.client(more)
    become(made, wish)
    return made
  }
  return { clock, harness, pass, client }
}

/** From now on the client has this token. */
function become(client: CoreClient, { key = NORTH, macKey = macKeyOf(7) }: TokenWish): void {
  client.user = { username: key.kid, password: '' }
  client.key = macKey
}

function withToken(wish: TokenWish = {}, write: Write = () => {}): Write {
  return (writer) => {
    write(writer)
    writer.writeBytes(stun.ATTRIBUTE_ACCESS_TOKEN, tokenOf(wish))
  }
}

const allocate = (client: CoreClient, wish: TokenWish = {}, more: Write = () => {}) =>
  client.ask(
    stun.METHOD_ALLOCATE,
    withToken(wish, (writer) => more(UDP(writer) as never)),
  )

const refresh = (client: CoreClient, wish: TokenWish = {}) => client.ask(stun.METHOD_REFRESH, withToken(wish))

const permit = (client: CoreClient, more: Write = () => {}) =>
  client.ask(stun.METHOD_CREATE_PERMISSION, (writer) => {
    writer.writeXorAddress(stun.ATTRIBUTE_XOR_PEER_ADDRESS, addressOf(PEER))
    more(writer)
  })

const lastReason = ({ observer }: CoreHarness) => observer.refusals.at(-1)?.reason

t.test('a server with OAuth keys', async (t) => {
  t.test('names itself in every challenge, and in none without keys (RFC 7635 §6.1)', async (t) => {
    const { client } = begin()
    const answer = client().challenge()
    t.equal(answer.text(stun.ATTRIBUTE_THIRD_PARTY_AUTHORIZATION), SERVER_NAME)
    const without = new CoreHarness().client().challenge()
    t.notOk(without.has(stun.ATTRIBUTE_THIRD_PARTY_AUTHORIZATION))
    t.equal(answer.bytes.length, without.bytes.length + 4 + 16, 'it is as much longer as the name is')
  })

  t.test('lets in who has a token, and answers with its key (RFC 7635 §7)', async (t) => {
    for (const [integrity, key] of [
      ['sha1', NORTH],
      ['sha256', NORTH],
      ['sha1', SOUTH],
    ] as const) {
      const { client, harness } = begin()
      const one = client({ key }, { integrity })
      const answer = allocate(one, { key })
      t.equal(answer.code, 0, `${key.kid} by ${integrity}`)
      t.match(harness.allocationOf(one), { username: key.kid, account: /^(north|south)#[0-9a-f]{16}$/ })
    }
  })

  t.test('and who keys with 16 bytes of it, as coturn does', async (t) => {
    const { client } = begin()
    const one = client({ macKey: macKeyOf(7, 16) })
    t.equal(allocate(one).code, 0)
    t.equal(permit(one).code, 0)
    const other = client({ macKey: macKeyOf(7, 15) })
    t.equal(allocate(other).code, 401)
  })

  t.test('knows the key of a kid that comes as USERHASH (RFC 8489 §14.4)', async (t) => {
    const { client } = begin()
    const one = client()
    one.challenge()
    const answer = one.exchange(anonymous(one, tokenOf()))
    t.equal(answer?.code, 0)
  })

  t.test('lets long-term users in beside tokens', async (t) => {
    const { harness } = begin()
    t.equal(harness.client().ask(stun.METHOD_ALLOCATE, UDP).code, 0)
  })

  t.test('refuses with the same bytes whatever is wrong with a token, and says why in the log', async (t) => {
    const { client, harness, clock } = begin()
    clock.seconds += 10_000
    const wrong: [reason: string, wish: TokenWish, sent?: TokenWish][] = [
      ['unknown-oauth-key', { key: STRANGER, timestampSeconds: clock.seconds }],
      ['bad-token', { timestampSeconds: clock.seconds, serverName: 'elsewhere' }],
      ['bad-token', { timestampSeconds: clock.seconds }, { macKey: macKeyOf(8) }],
      ['expired-token', {}],
      ['bad-password', {}],
    ]
    const texts = wrong.map(([reason, wish, sent]) => {
      const one = client({ ...wish, ...sent }, { address: '198.51.100.7:50000' })
      if (reason === 'bad-password') {
        one.user = ALICE
        one.challenge()
        one.request(stun.METHOD_ALLOCATE, UDP)
      } else allocate(one, wish)
      t.equal(lastReason(harness), reason)
      return Buffer.from(one.messagesSince(0).at(-1)?.bytes ?? []).toString('hex', 20)
    })
    t.equal(new Set(texts).size, 1)
  })

  t.test('takes ACCESS-TOKEN for an unknown attribute when it has no keys (RFC 7635 §7)', async (t) => {
    const harness = new CoreHarness()
    const one = harness.client()
    become(one, {})
    const answer = allocate(one)
    t.equal(answer.code, 420)
    t.same(answer.unknownAttributes, [stun.ATTRIBUTE_ACCESS_TOKEN])
    t.notOk(answer.view.messageIntegrityStart >= 0, 'nobody has proved anything')
    const user = harness.client()
    t.equal(user.ask(stun.METHOD_ALLOCATE, withToken({}, UDP)).code, 420, 'also of a user')
  })

  t.test('challenges a token without integrity', async (t) => {
    const { client } = begin()
    const answer = client().ask(stun.METHOD_ALLOCATE, withToken({}, UDP), { integrity: 'none' })
    t.equal(answer.code, 401)
    t.ok(answer.has(stun.ATTRIBUTE_NONCE))
  })
})

t.test('the time of a token', async (t) => {
  t.test('is its lifetime and 5 seconds, before and after its timestamp (RFC 7635 §7)', async (t) => {
    const { client, clock } = begin()
    const now = clock.seconds
    const codeOf = (age: number) => {
      clock.seconds = now
      return allocate(client(), { timestampSeconds: now - age, lifetimeSeconds: 60 }).code
    }
    t.same([0, 60, 64, -60, -64].map(codeOf), [0, 0, 0, 0, 0])
    t.same([65, 66, 3600, -65, -3600].map(codeOf), [401, 401, 401, 401, 401])
  })

  t.test('is told with the refusal', async (t) => {
    const { client, harness } = begin()
    allocate(client(), { timestampSeconds: new TokenClock().seconds - 7200 })
    t.match(harness.observer.refusals.at(-1), { reason: 'expired-token', overdueSeconds: 3600 })
    allocate(client(), { timestampSeconds: new TokenClock().seconds + 7200 })
    t.match(harness.observer.refusals.at(-1), { reason: 'expired-token', overdueSeconds: -7200 })
  })

  t.test('of a key ends tokens made with it, and begins', async (t) => {
    const clock = new TokenClock()
    const old = { ...NORTH, notBeforeSeconds: clock.seconds - 100, lifetimeSeconds: 60 }
    const coming = { ...SOUTH, notBeforeSeconds: clock.seconds + 100 }
    const { client, harness } = begin({ tokens: clock.tokens(REALM, [old, coming]) })
    allocate(client())
    t.match(harness.observer.refusals.at(-1), { reason: 'expired-oauth-key', overdueSeconds: 40 })
    allocate(client({ key: SOUTH }), { key: SOUTH })
    t.match(harness.observer.refusals.at(-1), { reason: 'expired-oauth-key', overdueSeconds: -100 })
    clock.seconds += 95
    t.equal(allocate(client({ key: SOUTH }), { key: SOUTH }).code, 0)
    // As with tokens, for the same clocks.
    const ending = (seconds: number) => [{ ...NORTH, notBeforeSeconds: clock.seconds - seconds, lifetimeSeconds: 60 }]
    for (const [seconds, code] of [
      [64, 0],
      [65, 401],
    ]) {
      const stage = begin({ tokens: clock.tokens(REALM, ending(seconds)) })
      const wish = { timestampSeconds: clock.seconds }
      t.equal(allocate(stage.client(wish), wish).code, code, `${seconds - 60} s after its end`)
    }
  })

  t.test('caps what Allocate and Refresh grant (RFC 7635 §9)', async (t) => {
    const { client, harness, pass } = begin()
    const one = client()
    const wish = { lifetimeSeconds: 100 }
    t.equal(allocate(one, wish).lifetime, 100, 'no more than the token has')
    pass(30)
    t.equal(refresh(one, wish).lifetime, 75, 'what is left, and 5 seconds')
    t.equal(one.ask(stun.METHOD_REFRESH).lifetime, 75, 'without a token too')
    pass(74)
    t.ok(harness.allocationOf(one))
    pass(2)
    t.equal(harness.core.allocations.size, 0, 'the allocation has gone with it')
  })

  t.test('leaves longer tokens to the usual bounds', async (t) => {
    const { client } = begin()
    const one = client()
    t.equal(allocate(one, { lifetimeSeconds: 86_400 }).lifetime, 600)
    t.equal(one.ask(stun.METHOD_REFRESH, (writer) => writer.writeUint32(stun.ATTRIBUTE_LIFETIME, 0)).lifetime, 0)
  })

  t.test('grants a second at least', async (t) => {
    const { client, clock } = begin()
    t.equal(allocate(client(), { timestampSeconds: clock.seconds - 64.5, lifetimeSeconds: 60 }).lifetime, 1)
  })
})

t.test('an allocation made with a token', async (t) => {
  t.test('takes requests without one, made with its key (RFC 7635 §9)', async (t) => {
    const { client, harness } = begin()
    const one = client()
    allocate(one)
    t.equal(permit(one).code, 0)
    t.equal(permit(one, (writer) => writer.writeBytes(stun.ATTRIBUTE_ACCESS_TOKEN, tokenOf())).code, 0, 'or with it')
    become(one, { macKey: macKeyOf(9) })
    t.equal(permit(one).code, 401)
    t.equal(lastReason(harness), 'bad-token')
  })

  t.test('goes on with a new token, of another key, from a Refresh on', async (t) => {
    const { client, harness, pass } = begin()
    const one = client()
    allocate(one, { lifetimeSeconds: 300 })
    const { account } = harness.allocationOf(one)
    pass(200)
    const next = { key: SOUTH, macKey: macKeyOf(9), timestampSeconds: new TokenClock().seconds + 200 }
    become(one, next)
    t.equal(refresh(one, next).lifetime, 600)
    t.equal(permit(one).code, 0, 'its requests are keyed by it')
    become(one, {})
    t.equal(permit(one).code, 0, 'what was on its way with the former key is let in')
    pass(200)
    t.equal(permit(one).code, 401, 'as long as that token lives')
    t.equal(harness.allocationOf(one).account, account, 'it counts for whom it has counted')
  })

  t.test('is nobody else to use: another token or user is refused with 441', async (t) => {
    const { client, harness } = begin()
    const one = client()
    allocate(one)
    const other = { key: SOUTH, macKey: macKeyOf(9) }
    become(one, other)
    t.equal(permit(one, (writer) => writer.writeBytes(stun.ATTRIBUTE_ACCESS_TOKEN, tokenOf(other))).code, 441)
    become(one, {})
    one.user = ALICE
    one.key = userKey(ALICE, 'sha1')
    t.equal(permit(one).code, 441)
    t.equal(one.ask(stun.METHOD_REFRESH).code, 441)
    t.equal(lastReason(harness), 'wrong-credentials')
  })

  t.test("is no user's, and a user's is none of a token's, whatever the names", async (t) => {
    const north = { username: 'north', password: 'correct horse' }
    const { harness } = begin({ users: [north] })
    const user = harness.client({ user: north })
    t.equal(user.ask(stun.METHOD_ALLOCATE, UDP).code, 0)
    user.key = macKeyOf(7)
    t.equal(refresh(user).code, 441)
  })

  t.test('is answered again when its Allocate comes again', async (t) => {
    const { client } = begin()
    const one = client()
    const first = allocate(one)
    t.same(one.retransmit()?.relayed, first.relayed)
  })

  t.test('counts for whoever has its mac key, not for all of a key', async (t) => {
    const { client } = begin({ userQuota: 1 })
    t.equal(allocate(client()).code, 0)
    t.equal(allocate(client()).code, 486)
    const other = { macKey: macKeyOf(9) }
    t.equal(allocate(client(other), other).code, 0)
  })

  t.test('reserves a port that any token may claim, for whom it counts then (RFC 8656 §7.2)', async (t) => {
    const { client, harness } = begin({ userQuota: 2 })
    const reserve: Write = (writer) => writer.writeUint8(stun.ATTRIBUTE_EVEN_PORT, 0x80)
    const one = client()
    const reservation = allocate(one, {}, reserve).value(stun.ATTRIBUTE_RESERVATION_TOKEN)
    const claim: Write = (writer) => writer.writeBytes(stun.ATTRIBUTE_RESERVATION_TOKEN, reservation)
    const user = harness.client({ user: ALICE })
    t.equal(user.ask(stun.METHOD_ALLOCATE, (writer) => claim(UDP(writer) as never)).code, 508, 'no user may')
    const other = { key: SOUTH, macKey: macKeyOf(9) }
    const two = client(other)
    t.equal(allocate(two, other, claim).code, 0)
    const accounts = [one, two].map((each) => harness.allocationOf(each).account)
    t.same(
      accounts.map((account) => harness.core.quotas.heldBy(account)),
      [1, 1],
    )
    two.ask(stun.METHOD_REFRESH, (writer) => writer.writeUint32(stun.ATTRIBUTE_LIFETIME, 0))
    t.same(
      accounts.map((account) => harness.core.quotas.heldBy(account)),
      [1, 0],
    )
    t.equal(harness.core.quotas.held, 1)
  })

  t.test('lives as long as its token when the key is taken out', async (t) => {
    const { client, harness } = begin()
    const one = client()
    allocate(one)
    harness.core.authenticator.tokens.setKeys([SOUTH])
    t.equal(permit(one).code, 0)
    t.equal(refresh(one).code, 401, 'its token is no good any more')
    t.equal(lastReason(harness), 'unknown-oauth-key')
    harness.core.authenticator.tokens.setKeys([])
    t.equal(permit(one).code, 0)
    t.equal(refresh(one).code, 420)
  })
})

/** An Allocate of a client that hides its name. */
function anonymous(client: CoreClient, token: Uint8Array): Uint8Array {
  const hash = Buffer.from(userhash(client.user.username, REALM), 'hex')
  const named = client.encode(stun.METHOD_ALLOCATE, (writer) => UDP(writer))
  const id = named.slice(8, 20)
  const writer = new MessageWriter().begin(new Uint8Array(512), 0, stun.CLASS_REQUEST, stun.METHOD_ALLOCATE, id, 0)
  UDP(writer)
  writer.writeBytes(stun.ATTRIBUTE_ACCESS_TOKEN, token).writeBytes(stun.ATTRIBUTE_USERHASH, hash)
  writer.writeText(stun.ATTRIBUTE_REALM, REALM).writeText(stun.ATTRIBUTE_NONCE, client.nonce)
  writer.writeMessageIntegrity(client.key)
  return writer.bytes.slice(0, writer.finish())
}
