// Users of outside stores, in a core whose stores the test speaks for: who waits, who does not, and what becomes of them.
import t from 'tap'
import { md5Key } from '../../src/auth/credentials.js'
import type { OutsideVerdict } from '../../src/auth/outside-credentials.js'
import { LOOKUP_REFUSAL_SECONDS_MAX, PARKED_COUNT_MAX, PARKED_OF_SOURCE_COUNT_MAX } from '../../src/limits/outside.js'
import * as stun from '../../src/stun/constants.js'
import { DROP_DUPLICATE_REQUEST, DROP_FAILURE_BUDGET } from '../../src/turn/drop-reasons.js'
import { TRANSPORT_TCP } from '../../src/turn/five-tuple.js'
import { deleteAllocationsOf } from '../../src/turn/reconfigure.js'
import { ALICE, type CoreClient, REALM, type Received, requestUdp } from '../support/core-client.js'
import { CoreHarness, type CoreHarnessOptions, PEER } from '../support/core-harness.js'

const CAROL = { username: 'carol', password: 'of the database' }
const CAROLS_KEY = md5Key(CAROL.username, REALM, CAROL.password)
const FRESH_SECONDS = 60
const FOUND = { outcome: 'found', md5Key: CAROLS_KEY, freshSeconds: FRESH_SECONDS } as const

function stage(options: CoreHarnessOptions = {}) {
  const harness = new CoreHarness({ outageSeconds: 3600, ...options })
  /** What the core sends to this client when the stores have spoken. */
  const say = (client: CoreClient, verdict: Partial<OutsideVerdict> & Pick<OutsideVerdict, 'outcome'>): Received[] => {
    const first = harness.output.effects.length
    harness.core.handleVerdict({
      ...{ id: 1, username: client.user.username, md5Key: null, ageSeconds: 0, freshSeconds: 0 },
      ...verdict,
    })
    harness.settle(first)
    return client.messagesSince(first)
  }
  /** An Allocate without an answer. */
  const knock = (client: CoreClient) => {
    if (client.nonce === '') client.challenge()
    return client.request(stun.METHOD_ALLOCATE, requestUdp)
  }
  const carol = (changes = {}) => harness.client({ user: CAROL, ...changes })
  /** Carol with an allocation. */
  const admitted = () => {
    const client = carol()
    knock(client)
    say(client, FOUND)
    return client
  }
  const reasons = () => harness.observer.refusals.map(({ reason }) => reason)
  return { harness, say, knock, carol, admitted, reasons }
}

t.test('a user whom only an outside store may know', async (t) => {
  t.test('is asked for once, and the request is answered when the store has spoken', async (t) => {
    const { carol, harness, knock, say } = stage()
    const client = carol({ address: '198.51.100.7:50000' })
    t.equal(knock(client), null)
    t.equal(client.drop, 0)
    t.same(harness.lookups, [{ username: 'carol', source: '198.51.100.7:50000', mayBeRemembered: true }])
    t.equal(harness.core.allocations.size, 0)
    const [answer, ...others] = say(client, FOUND)
    t.equal(answer.code, 0)
    t.same(others, [])
    t.ok(client.isProtected(answer))
    t.equal(client.allocate().code, 437, 'the next request of the same user waits for nobody')
    t.equal(harness.lookups.length, 1)
  })

  t.test('is not asked for by a request whose nonce is not valid: 438, and the store hears nothing', async (t) => {
    const { carol, harness, knock } = stage()
    const client = carol()
    client.nonce = 'obMatJos2AAAA'.padEnd(28, 'x')
    t.equal(knock(client)?.code, 438)
    t.same(harness.lookups, [])
  })

  t.test('is offered MD5 alone, and to give a name: no other keys, no userhash', async (t) => {
    const { harness } = stage()
    const client = harness.client({ user: CAROL })
    const challenge = client.challenge()
    t.notOk(challenge.has(stun.ATTRIBUTE_PASSWORD_ALGORITHMS), 'outside stores have MD5 keys')
    t.match(client.nonce, /^obMatJos2AAAA/)
  })

  t.test('gets the same 401 as a wrong password, which costs a look-up too', async (t) => {
    const { admitted, carol, harness, knock, reasons, say } = stage()
    const unknown = harness.client({ user: { username: 'mallory', password: 'guess' } })
    t.equal(knock(unknown), null)
    t.equal(say(unknown, { outcome: 'unknown' })[0].code, 401)
    admitted()
    harness.advanceSeconds(LOOKUP_REFUSAL_SECONDS_MAX)
    const wrong = carol({ user: { ...CAROL, password: 'guess' } })
    t.equal(knock(wrong), null)
    t.equal(say(wrong, FOUND)[0].code, 401)
    t.same(reasons(), ['unknown-user', 'bad-password'])
  })

  t.test('whom the store refuses is told nothing more, and the operator is', async (t) => {
    const { carol, knock, reasons, say } = stage()
    const client = carol()
    knock(client)
    t.equal(say(client, { outcome: 'refused' })[0].code, 401)
    t.same(reasons(), ['refused-by-store'])
  })

  t.test('is not asked for if somebody inside has the name', async (t) => {
    const { harness } = stage()
    t.equal(harness.client({ user: { ...ALICE, password: 'guess' } }).allocate().code, 401)
    t.equal(harness.client().allocate().code, 0)
    t.same(harness.lookups, [])
  })
})

t.test('what a store has said', async (t) => {
  t.test('is good for so long, and then asked for again', async (t) => {
    const { admitted, carol, harness, knock, say } = stage()
    admitted()
    harness.advanceSeconds(FRESH_SECONDS - 1)
    t.equal(knock(carol())?.code, 0, 'to the last second')
    harness.advanceSeconds(1)
    const late = carol()
    t.equal(knock(late), null)
    t.equal(say(late, { outcome: 'unknown' })[0].code, 401, 'removed meanwhile')
  })

  t.test(
    `refuses nobody after ${LOOKUP_REFUSAL_SECONDS_MAX} s: a new user and a new password work at once`,
    async (t) => {
      const { carol, harness, knock, say } = stage()
      const early = carol()
      knock(early)
      say(early, { outcome: 'unknown' })
      harness.advanceSeconds(LOOKUP_REFUSAL_SECONDS_MAX - 1)
      t.equal(knock(early)?.code, 401)
      harness.advanceSeconds(1)
      t.equal(knock(early), null)
      t.equal(say(early, FOUND)[0].code, 0)
      const changed = carol({ user: { ...CAROL, password: 'the new one' } })
      t.equal(knock(changed)?.code, 401)
      harness.advanceSeconds(LOOKUP_REFUSAL_SECONDS_MAX)
      t.equal(knock(changed), null)
      t.equal(say(changed, { ...FOUND, md5Key: md5Key('carol', REALM, 'the new one') })[0].code, 0)
    },
  )

  t.test('may hold for the request that waited for it alone', async (t) => {
    const { carol, harness, knock, say } = stage()
    for (let count = 1; count <= 2; count++) {
      const client = carol()
      t.equal(knock(client), null)
      t.equal(say(client, { ...FOUND, freshSeconds: 0 })[0].code, 0)
      t.equal(harness.lookups.length, count)
    }
  })

  t.test('to others some time ago is asked for anew before it refuses', async (t) => {
    const { carol, harness, knock, say } = stage()
    const client = carol({ user: { ...CAROL, password: 'the new one' } })
    knock(client)
    t.same(say(client, { ...FOUND, ageSeconds: 30 }), [])
    t.match(harness.lookups, [{ mayBeRemembered: true }, { mayBeRemembered: false }])
    t.equal(say(client, { ...FOUND, md5Key: md5Key('carol', REALM, 'the new one') })[0].code, 0)
  })

  t.test('that is old and wrong again is the last word', async (t) => {
    const { carol, harness, knock, say } = stage()
    const client = carol({ user: { ...CAROL, password: 'guess' } })
    knock(client)
    say(client, { ...FOUND, ageSeconds: 30 })
    t.equal(say(client, { ...FOUND, ageSeconds: 30 })[0].code, 401)
    t.equal(harness.lookups.length, 2)
  })

  t.test('of other stores, which there were before, is not heard', async (t) => {
    const { carol, harness, knock, say } = stage()
    const client = carol()
    knock(client)
    t.same(say(client, { ...FOUND, id: 2 }), [])
    t.equal(harness.lookups.length, 2, 'those of now are asked')
    t.same(say(client, { ...FOUND, id: 3 }), [], 'also when they have changed again')
    t.equal(harness.lookups.length, 3)
    t.equal(say(client, FOUND)[0].code, 0)
  })
})

t.test('an allocation that exists', async (t) => {
  t.test('waits for no store: it is asked behind, and the next request knows', async (t) => {
    const { admitted, harness, say } = stage()
    const client = admitted()
    harness.advanceSeconds(FRESH_SECONDS + 1)
    t.equal(client.refresh().code, 0)
    t.equal(client.createPermission(PEER).code, 0)
    t.equal(harness.lookups.length, 2, 'once, until it has answered')
    say(client, { outcome: 'unknown' })
    t.equal(client.refresh().code, 401, 'removed meanwhile')
  })

  t.test('is asked for again when the stores are others, and those of before never answered', async (t) => {
    const { admitted, harness } = stage()
    const client = admitted()
    harness.advanceSeconds(FRESH_SECONDS + 1)
    client.refresh()
    harness.core.lookups?.forgetAsked()
    t.equal(client.refresh().code, 0)
    t.equal(harness.lookups.length, 3)
  })

  t.test('counts each request once, also those that have waited', async (t) => {
    const { admitted, harness, say } = stage()
    const client = admitted()
    say(client, { outcome: 'unknown' })
    harness.advanceSeconds(LOOKUP_REFUSAL_SECONDS_MAX)
    const { requestsReceived } = harness.allocationOf(client)
    t.equal(client.request(stun.METHOD_REFRESH), null)
    t.equal(say(client, FOUND)[0].code, 0)
    t.equal(harness.allocationOf(client).requestsReceived, requestsReceived + 1)
  })
})

t.test('a store that is down', async (t) => {
  t.test('refuses whom nobody knows with 500, at once and without a challenge', async (t) => {
    const { carol, harness, knock, reasons, say } = stage()
    const client = carol()
    knock(client)
    const [answer] = say(client, { outcome: 'down' })
    t.equal(answer.code, 500)
    t.notOk(answer.has(stun.ATTRIBUTE_NONCE))
    t.equal(knock(client)?.code, 500, 'and asks nobody for a second')
    t.equal(harness.lookups.length, 1)
    harness.advanceSeconds(1)
    t.equal(knock(client), null, 'then it is tried again')
    t.equal(say(client, FOUND)[0].code, 0)
    t.same(reasons(), ['store-unavailable', 'store-unavailable'])
  })

  t.test('for one name, as it may be for that one alone, keeps out no other', async (t) => {
    const { carol, harness, knock, say } = stage()
    const client = harness.client({ user: { username: 'a name that breaks it', password: 'x' } })
    knock(client)
    t.equal(say(client, { outcome: 'failed' })[0].code, 500)
    t.equal(knock(client)?.code, 500, 'that one waits for a second')
    const other = carol()
    t.equal(knock(other), null)
    t.equal(say(other, FOUND)[0].code, 0)
  })

  t.test('lets in whom it knew, for so long, and says nothing of a wrong password', async (t) => {
    const { admitted, carol, harness, knock, say } = stage()
    admitted()
    harness.advanceSeconds(3000)
    const client = carol()
    knock(client)
    t.equal(say(client, { outcome: 'down' })[0].code, 0)
    const wrong = carol({ user: { ...CAROL, password: 'guess' } })
    t.equal(knock(wrong)?.code, 500)
    harness.advanceSeconds(601)
    const late = carol()
    knock(late)
    t.equal(say(late, { outcome: 'down' })[0].code, 500)
  })

  t.test('lets in nobody with --lookup-outage 0, but ends no call', async (t) => {
    const { admitted, carol, harness, knock, say } = stage({ outageSeconds: 0 })
    const client = admitted()
    harness.advanceSeconds(FRESH_SECONDS + 1)
    const other = carol()
    knock(other)
    t.equal(say(other, { outcome: 'down' })[0].code, 500)
    t.equal(client.refresh().code, 0)
  })

  t.test('for one name is not down for another one', async (t) => {
    const { carol, harness, knock, say } = stage()
    const dave = harness.client({ user: { username: 'dave', password: 'of the database' } })
    knock(dave)
    t.equal(say(dave, { outcome: 'failed' })[0].code, 500)
    t.equal(knock(dave)?.code, 500, 'asked for once in a second')
    const client = carol()
    t.equal(knock(client), null)
    t.equal(say(client, FOUND)[0].code, 0)
    t.equal(harness.lookups.length, 2)
    harness.advanceSeconds(1)
    t.equal(knock(dave), null)
  })

  t.test('knows whom another worker knew, and is asked for each name that this one does not know', async (t) => {
    const { carol, harness, knock, say } = stage()
    const dave = harness.client({ user: { username: 'dave', password: 'of the database' } })
    knock(dave)
    t.equal(say(dave, { outcome: 'down' })[0].code, 500)
    const client = carol()
    knock(client)
    t.equal(say(client, { ...FOUND, outcome: 'down', ageSeconds: 1000, freshSeconds: 0 })[0].code, 0)
  })
})

t.test('requests that wait', async (t) => {
  t.test('are dropped when they come again, and answered once', async (t) => {
    const { carol, harness, knock, say } = stage()
    const client = carol()
    knock(client)
    t.equal(client.retransmit(), null)
    t.equal(client.drop, DROP_DUPLICATE_REQUEST)
    t.equal(say(client, FOUND).length, 1)
    t.equal(harness.core.lookups?.parkedCount, 0)
  })

  t.test('are all that a client sends meanwhile: over a stream it would send none of them again', async (t) => {
    const { admitted, harness, say } = stage()
    const client = admitted()
    say(client, { outcome: 'unknown' })
    harness.advanceSeconds(LOOKUP_REFUSAL_SECONDS_MAX)
    t.equal(client.request(stun.METHOD_REFRESH), null)
    t.equal(client.request(stun.METHOD_REFRESH), null)
    t.equal(harness.lookups.length, 2)
    t.same(
      say(client, FOUND).map(({ code }) => code),
      [0, 0],
    )
  })

  t.test('are nothing beside a ConnectionBind, after which the connection has no messages', async (t) => {
    const { carol, harness } = stage()
    const client = carol({ transport: TRANSPORT_TCP })
    client.challenge()
    const bind = () => client.request(stun.METHOD_CONNECTION_BIND)
    t.equal(bind(), null)
    t.equal(client.drop, 0)
    t.equal(bind(), null)
    t.equal(client.drop, DROP_DUPLICATE_REQUEST)
    client.request(stun.METHOD_REFRESH)
    t.equal(client.drop, DROP_DUPLICATE_REQUEST)
    t.equal(harness.core.lookups?.parkedCount, 1)
  })

  t.test('are copies: the engine may use its buffer again', async (t) => {
    const { carol, harness, say } = stage()
    const client = carol()
    client.challenge()
    const bytes = client.encode(stun.METHOD_ALLOCATE, requestUdp)
    harness.core.handleClientFrame(client.fiveTuple, bytes, 0, bytes.length)
    bytes.fill(0xff)
    t.equal(say(client, FOUND)[0].code, 0)
  })

  t.test('of one name wait for one look-up, and are all answered', async (t) => {
    const { carol, harness, knock, say } = stage()
    const clients = [carol(), carol(), carol()]
    for (const client of clients) knock(client)
    t.equal(harness.lookups.length, 1)
    const first = harness.output.effects.length
    say(clients[0], FOUND)
    t.same(
      clients.map((client) => client.messagesSince(first).map(({ code }) => code)),
      [[0], [0], [0]],
    )
  })

  t.test('get 500 after three seconds, and their user is asked for anew by the next one', async (t) => {
    const { carol, harness, knock, reasons, say } = stage()
    const client = carol()
    knock(client)
    harness.advanceTicks(299)
    t.equal(harness.core.lookups?.parkedCount, 1)
    const first = harness.output.effects.length
    harness.advanceTicks(1)
    t.same(
      client.messagesSince(first).map(({ code }) => code),
      [500],
    )
    t.same(reasons(), ['store-unavailable'])
    t.equal(knock(client), null)
    t.equal(harness.lookups.length, 2)
    t.equal(say(client, FOUND)[0].code, 0)
  })

  t.test('of users who are known from before go on after three seconds, by what is known', async (t) => {
    const { admitted, carol, harness, knock, reasons } = stage()
    admitted()
    harness.advanceTicks(FRESH_SECONDS * 100 + 100)
    const [right, wrong] = [carol(), carol({ user: { ...CAROL, password: 'guessed' } })]
    t.equal(knock(right), null)
    t.equal(knock(wrong), null)
    const first = harness.output.effects.length
    harness.advanceTicks(300)
    harness.settle(first)
    t.same(
      [right, wrong].map((client) => client.messagesSince(first).map(({ code }) => code)),
      [[0], [500]],
    )
    t.same(reasons(), ['store-unavailable'])
  })

  t.test(
    `are at most ${PARKED_COUNT_MAX}, ${PARKED_OF_SOURCE_COUNT_MAX} of one source: 500 for the next`,
    async (t) => {
      const { harness, knock, reasons } = stage()
      const guesser = (source: number, port: number) =>
        harness.client({
          address: `198.51.100.${source}:${port}`,
          user: { username: `${source}-${port}`, password: 'x' },
        })
      for (let source = 1; source <= PARKED_COUNT_MAX / PARKED_OF_SOURCE_COUNT_MAX; source++) {
        for (let port = 1; port <= PARKED_OF_SOURCE_COUNT_MAX; port++) t.equal(knock(guesser(source, port)), null)
        t.equal(knock(guesser(source, 5000))?.code, 500)
      }
      t.equal(knock(guesser(99, 1))?.code, 500)
      t.equal(harness.core.lookups?.parkedCount, PARKED_COUNT_MAX)
      t.same(new Set(reasons()), new Set(['store-busy']))
    },
  )

  t.test('count an IPv6 /64 as one source', async (t) => {
    const { harness, knock } = stage()
    const guesser = (host: string) =>
      harness.client({ address: `[2a00:1:2:${host}]:1000`, user: { username: host, password: 'x' } })
    for (let count = 0; count < PARKED_OF_SOURCE_COUNT_MAX; count++) knock(guesser(`3::${count.toString(16)}`))
    t.equal(knock(guesser('3::ffff'))?.code, 500)
    t.equal(knock(guesser('4::1')), null)
  })

  t.test('of a client that has gone are forgotten', async (t) => {
    const { carol, harness, knock, say } = stage()
    const client = carol({ transport: TRANSPORT_TCP })
    knock(client)
    harness.core.handleClientClosed(client.fiveTuple)
    t.same(say(client, FOUND), [])
    t.equal(harness.core.allocations.size, 0)
  })

  t.test('of a listener that a reload has closed are forgotten: nobody could use what they would get', async (t) => {
    const { carol, harness, knock, say } = stage()
    const [left, kept] = [carol({ listenerId: 1 }), carol({ listenerId: 2 })]
    knock(left)
    knock(kept)
    deleteAllocationsOf(harness.core, (listenerId) => listenerId === 1)
    t.equal(say(kept, FOUND)[0].code, 0)
    t.equal(harness.core.allocations.size, 1)
  })

  t.test('hold no place in the quota: their user is not proved yet', async (t) => {
    const { carol, knock, say } = stage({ maxAllocations: 1 })
    const [first, second] = [carol(), carol({ user: { ...CAROL, password: 'guess' } })]
    knock(second)
    knock(first)
    t.equal(say(first, FOUND)[0].code, 0)
  })

  t.test('are none of a source that has failed too often', async (t) => {
    const { carol, harness, knock } = stage({ unauthenticatedRate: 0, limitsLoopback: true })
    const address = (port: number) => ({ address: `198.51.100.9:${port}` })
    const wrong = harness.client({ ...address(1), user: { ...ALICE, password: 'guess' } })
    wrong.challenge()
    for (let count = 0; count < 300; count++) wrong.request(stun.METHOD_ALLOCATE, requestUdp)
    const client = carol(address(2))
    t.equal(knock(client), null)
    t.equal(client.drop, DROP_FAILURE_BUDGET)
    t.same(harness.lookups, [])
    harness.advanceSeconds(10)
    knock(client)
    t.equal(harness.lookups.length, 1)
  })

  t.test('are those whose key was right last time, whatever others have sent from their address', async (t) => {
    const { carol, harness, knock, say } = stage({ unauthenticatedRate: 0, limitsLoopback: true })
    const client = carol({ address: '198.51.100.9:1' })
    knock(client)
    say(client, FOUND)
    client.refresh(0)
    harness.advanceSeconds(FRESH_SECONDS)
    const wrong = harness.client({ address: '198.51.100.9:2', user: { ...ALICE, password: 'guess' } })
    wrong.challenge()
    for (let count = 0; count < 300; count++) wrong.request(stun.METHOD_ALLOCATE, requestUdp)
    t.equal(knock(client), null)
    t.equal(harness.lookups.length, 2)
    t.equal(say(client, FOUND)[0].code, 0)
  })
})
