import t from 'tap'
import * as stun from '../../src/stun/constants.js'
import * as drops from '../../src/turn/drop-reasons.js'
import { TRANSPORT_DTLS, TRANSPORT_TCP, TRANSPORT_TLS, TRANSPORT_UDP } from '../../src/turn/five-tuple.js'
import { ALICE, type CoreClient, type CoreClientOptions } from '../support/core-client.js'
import { CoreHarness, type CoreHarnessOptions, PEER } from '../support/core-harness.js'
import { tablesOf } from '../support/shared-stage.js'

const RATE = 20
const BURST = 10 * RATE
const SOURCE = '198.51.100.7'
const WRONG = { username: ALICE.username, password: 'guessed' }

const limited = (options: CoreHarnessOptions = {}) => new CoreHarness({ unauthenticatedRate: RATE, ...options })

/** How many of `count` are answered; each other must be dropped for the reason. */
function answered(count: number, ask: () => boolean, client: CoreClient, reason: number): number {
  let sum = 0
  for (let index = 0; index < count; index++) {
    if (ask()) sum++
    else if (client.drop !== reason) throw new Error(`dropped for ${drops.DROP_NAMES[client.drop]}`)
  }
  return sum
}

function bindings(client: CoreClient, count: number): number {
  const ask = () => client.request(stun.METHOD_BINDING, () => {}, { integrity: 'none' }) !== null
  return answered(count, ask, client, drops.DROP_REPLY_LIMIT)
}

function challenges(client: CoreClient, count: number): number {
  const ask = () => client.request(stun.METHOD_ALLOCATE, () => {}, { integrity: 'none' }) !== null
  return answered(count, ask, client, drops.DROP_REPLY_LIMIT)
}

t.test('the reply limiter', async (t) => {
  t.test('caps unauthenticated answers to one source, and counts what it drops', async (t) => {
    for (const ask of [bindings, challenges]) {
      const harness = limited()
      const client = harness.client({ address: `${SOURCE}:1000` })
      t.equal(ask(client, BURST + 5), BURST)
      t.equal(harness.core.drops[drops.DROP_REPLY_LIMIT], 5)
      harness.advanceSeconds(1)
      t.equal(ask(client, BURST), RATE)
      t.equal(harness.observer.refusals.length, 0)
    }
  })

  t.test('counts all ports of an address and all kinds of answers together, and no other address', async (t) => {
    const harness = limited()
    t.equal(bindings(harness.client({ address: `${SOURCE}:1` }), BURST / 2), BURST / 2)
    t.equal(challenges(harness.client({ address: `${SOURCE}:2` }), BURST), BURST / 2)
    t.equal(bindings(harness.client({ address: `${SOURCE}:3`, listenerId: 4 }), 1), 0)
    t.equal(bindings(harness.client({ address: '198.51.100.8:1' }), BURST + 1), BURST)
  })

  t.test('counts a /64 of IPv6 as one', async (t) => {
    const harness = limited()
    t.equal(bindings(harness.client({ address: '[2a00:1:2:3::1]:1' }), BURST + 1), BURST)
    t.equal(bindings(harness.client({ address: '[2a00:1:2:3:ffff::9]:1' }), 1), 0)
    t.equal(bindings(harness.client({ address: '[2a00:1:2:4::1]:1' }), 1), 1)
  })

  t.test('holds for errors too, but never for who has the right key, whatever the nonce', async (t) => {
    const harness = limited()
    const client = harness.client({ address: `${SOURCE}:1000` })
    const guesser = harness.client({ address: `${SOURCE}:1001`, user: WRONG })
    client.allocate()
    guesser.challenge()
    bindings(client, BURST)
    const unknown = () =>
      client.request(stun.METHOD_BINDING, (writer) => writer.writeEmpty(0x7ffe), { integrity: 'none' }) !== null
    t.equal(answered(1, unknown, client, drops.DROP_REPLY_LIMIT), 0, '420')
    const guess = () => guesser.request(stun.METHOD_REFRESH) !== null
    t.equal(answered(1, guess, guesser, drops.DROP_REPLY_LIMIT), 0, '401')
    t.equal(client.ask(stun.METHOD_REFRESH, () => {}, { nonce: 'made-up' }).code, 438)
    t.equal(client.refresh(600).code, 0)
    t.equal(client.createPermission(PEER).code, 0)
    t.equal(client.channelBind(0x5000, PEER).code, 400)
  })

  t.test('does not end the allocations of a source in whose name others send floods', async (t) => {
    const harness = limited()
    const client = harness.client({ address: `${SOURCE}:1000` })
    client.allocate()
    harness.advanceSeconds(300)
    client.refresh(600)
    harness.advanceSeconds(301)
    challenges(harness.client({ address: `${SOURCE}:1` }), BURST + 1)
    const answer = client.refresh(600)
    t.equal(answer.code, 438, 'nonces are good for 600 s')
    client.nonce = answer.text(stun.ATTRIBUTE_NONCE)
    t.equal(client.refresh(600).code, 0)
  })

  t.test('leaves streams alone, whose source is no forgery', async (t) => {
    const harness = limited()
    bindings(harness.client({ address: `${SOURCE}:1` }), BURST)
    for (const transport of [TRANSPORT_TCP, TRANSPORT_TLS, TRANSPORT_DTLS]) {
      const client = harness.client({ address: `${SOURCE}:2`, transport })
      t.equal(bindings(client, BURST + 1), BURST + 1)
      t.equal(challenges(client, 1), 1)
    }
    t.equal(bindings(harness.client({ address: `${SOURCE}:3`, transport: TRANSPORT_UDP }), 1), 0)
  })

  t.test('exempts loopback unless told not to', async (t) => {
    for (const host of ['127.0.0.1', '127.255.0.9', '[::1]']) {
      t.equal(bindings(limited().client({ address: `${host}:1` }), BURST + 1), BURST + 1, host)
      t.equal(bindings(limited({ limitsLoopback: true }).client({ address: `${host}:1` }), BURST + 1), BURST, host)
    }
    for (const host of ['128.0.0.1', '126.255.255.255', '[::2]', '[1::1]', '[0:1::1]', '[0:0:1::1]']) {
      t.equal(bindings(limited().client({ address: `${host}:1` }), BURST + 1), BURST, host)
    }
  })

  t.test('is off at 0, and without the option', async (t) => {
    for (const harness of [limited({ unauthenticatedRate: 0 }), new CoreHarness()]) {
      t.equal(bindings(harness.client({ address: `${SOURCE}:1` }), 5000), 5000)
    }
  })

  t.test('costs no nonce for an answer that is not sent', async (t) => {
    const harness = limited()
    const client = harness.client({ address: `${SOURCE}:1` })
    challenges(client, BURST)
    harness.core.authenticator.writeChallenge = () => t.fail('a nonce was made')
    t.equal(challenges(client, 5), 0)
  })

  t.test('holds across workers', async (t) => {
    const tables = tablesOf({ workerCount: 2 })
    const [a, b] = [0, 1].map((workerIndex) => limited({ tables, workerIndex, seed: workerIndex + 1 }))
    t.equal(bindings(a.client({ address: `${SOURCE}:1` }), BURST - 1), BURST - 1)
    t.equal(bindings(b.client({ address: `${SOURCE}:2` }), BURST), 1)
  })
})

t.test('the failure budget', async (t) => {
  /** A client whose requests fail at their password. */
  const guesser = (harness: CoreHarness, options: CoreClientOptions = {}) => {
    const client = harness.client({ address: `${SOURCE}:1000`, user: WRONG, ...options })
    client.challenge()
    return client
  }
  const guesses = (client: CoreClient, count: number) =>
    answered(count, () => client.request(stun.METHOD_ALLOCATE) !== null, client, drops.DROP_FAILURE_BUDGET)
  const generous = (options: CoreHarnessOptions = {}) => limited({ unauthenticatedRate: 1_000_000, ...options })

  t.test('answers 200 failures of a source in 10 s, then none, and counts them', async (t) => {
    const harness = generous()
    const client = guesser(harness)
    t.equal(guesses(client, 2000), 200)
    t.equal(harness.core.drops[drops.DROP_FAILURE_BUDGET], 1800)
    t.equal(harness.observer.refusals.length, 200)
    harness.advanceSeconds(10)
    t.equal(guesses(client, 300), 200)
  })

  t.test('never keeps the source from being challenged, or from being served with the right password', async (t) => {
    const harness = generous()
    guesses(guesser(harness), 2000)
    const client = harness.client({ address: `${SOURCE}:1001` })
    t.equal(client.challenge().code, 401)
    t.equal(client.allocate().code, 0)
    t.equal(client.ask(stun.METHOD_REFRESH, () => {}, { nonce: 'made-up' }).code, 438, 'the key was right')
    t.equal(client.createPermission(PEER).code, 0)
  })

  t.test('is of the source, not of the user', async (t) => {
    const harness = generous()
    guesses(guesser(harness), 300)
    t.equal(guesses(guesser(harness, { address: '198.51.100.8:1000' }), 300), 200)
  })

  t.test('counts whatever refuses credentials: unknown users, wrong realms, missing attributes', async (t) => {
    const harness = generous()
    const unknown = guesser(harness, { user: { username: 'mallory', password: 'x' } })
    t.equal(guesses(unknown, 199), 199)
    const half = (client: CoreClient) => {
      const bytes = client.encode(stun.METHOD_ALLOCATE)
      // Another type for USERNAME: the request names nobody.
      const at = Buffer.from(bytes).indexOf(Buffer.from([0x00, 0x06, 0x00, 0x07]))
      bytes[at] = 0xff
      return client.exchange(bytes)
    }
    t.equal(half(unknown)?.code, 400)
    t.equal(half(unknown), null)
    t.equal(guesses(unknown, 1), 0)
  })

  t.test('holds over streams too', async (t) => {
    for (const transport of [TRANSPORT_TCP, TRANSPORT_TLS, TRANSPORT_DTLS]) {
      t.equal(guesses(guesser(generous(), { transport }), 300), 200)
    }
  })

  t.test('exempts loopback unless told not to, and is there where the reply limit is 0', async (t) => {
    const address = '127.0.0.1:1000'
    t.equal(guesses(guesser(generous(), { address }), 300), 300)
    t.equal(guesses(guesser(generous({ limitsLoopback: true }), { address }), 300), 200)
    t.equal(guesses(guesser(limited({ unauthenticatedRate: 0 })), 300), 200)
    t.equal(guesses(guesser(new CoreHarness()), 300), 300, 'none without the option')
  })

  t.test('costs no nonce for an answer that is not sent', async (t) => {
    const harness = generous()
    const client = guesser(harness)
    guesses(client, 200)
    harness.core.authenticator.writeChallenge = () => t.fail('a nonce was made')
    t.equal(guesses(client, 5), 0)
  })
})

t.test('who gets no answers is told once a second, whatever a flood costs', async (t) => {
  const harness = limited()
  const flooder = harness.client({ address: `${SOURCE}:1000` })
  const guesser = harness.client({ address: '198.51.100.8:1000', user: WRONG, transport: TRANSPORT_TCP })
  guesser.challenge()
  const guess = (count: number) => {
    for (let index = 0; index < count; index++) guesser.request(stun.METHOD_ALLOCATE)
  }
  bindings(flooder, BURST)
  guess(200)
  t.same(harness.observer.unansweredSources, [], 'nobody while there is an answer')
  bindings(flooder, 1000)
  guess(1000)
  const both = [`reply-limit ${SOURCE}:1000`, 'failure-budget 198.51.100.8:1000']
  t.same(harness.observer.unansweredSources, both)
  harness.advanceSeconds(1)
  bindings(flooder, 1000)
  guess(1000)
  t.same(harness.observer.unansweredSources, [...both, ...both])
})
