// Floods of those who have not authenticated (--unauthenticated-rate): answers to one source are limited, failures have a budget, and neither
// costs anybody with the right credentials anything. Loopback is exempt unless the option is given.
import type { Test } from 'tap'
import type { TurnServer } from '../../src/index.js'
import { METHOD_BINDING, METHOD_REFRESH } from '../../src/stun/constants.js'
import type { TurnClient } from '../support/turn-client.js'
import type { Suite } from './suite.js'

const RATE = 50
/** Answers that may come at once after silence: ten seconds' worth. */
const BURST = 10 * RATE
const FLOODER_COUNT = 8
const FLOOD_COUNT = 6000
/** Challenges of others, from the same address. */
const USER_COUNT = 3
const FAILURE_BUDGET = 200
const FAILURE_WINDOW_SECONDS = 10
const WRONG_COUNT = 2000
const STEP_COUNT = 200
/** A rate that is never reached: the option is given, so that loopback counts, but only failures are limited. */
const ANY_RATE = 1_000_000
const AUTHENTIC = 437

export function strangers(t: Test, suite: Suite): void {
  const { isPlainUdp } = suite.transport
  const skip = !isPlainUdp && 'the limit is for sources that can be forged'

  t.test('a flood of requests without credentials', { skip }, async (t) => {
    const server = await suite.startServer(t, { unauthenticatedRate: RATE })
    const flooders: TurnClient[] = []
    for (let index = 0; index < FLOODER_COUNT; index++) flooders.push(await suite.connect(t, server))
    const user = await suite.allocate(t, server)
    const newcomer = await suite.connect(t, server)
    const elsewhere = await suite.connect(t, server, { from: '127.0.0.2' })

    const start = performance.now()
    const answered = await flood(flooders, user)
    const seconds = (performance.now() - start) / 1000

    t.test('gets burst and rate, and nothing more, on whatever ports it uses', async (t) => {
      const max = BURST + RATE * seconds + FLOODER_COUNT + USER_COUNT
      t.ok(answered <= max, `${answered} of ${FLOOD_COUNT} requests were answered, at most ${Math.ceil(max)} may be`)
      t.ok(answered >= 0.8 * BURST, `${answered} of ${FLOOD_COUNT} requests were answered, ${BURST} may be`)
    })

    t.test('costs a client of the same source nothing: it is known by its credentials', async (t) => {
      for (let round = 0; round < 20; round++) t.equal((await user.refresh()).code, 0)
    })

    t.test('costs another source nothing', async (t) => {
      t.equal((await elsewhere.binding()).code, 0)
      t.equal((await elsewhere.allocate()).code, 0)
    })

    t.test('makes a newcomer of the same source wait, for less than its retransmissions last', async (t) => {
      // A client asks again and again (RFC 8489 §6.2.1); the budget refills with RATE answers a second.
      const request = newcomer.message(METHOD_BINDING, () => {}, { integrity: 'none' })
      t.equal((await untilAnswered(newcomer, request)).code, 0)
    })
  })

  // The budget of failures is for every transport: over a stream what is beyond it goes unanswered too, and the connection stays.
  t.test('wrong credentials', async (t) => {
    const server = await suite.startServer(t, { unauthenticatedRate: ANY_RATE })
    const guesser = await suite.connect(t, server)
    await guesser.learnChallenge()
    const user = await suite.allocate(t, server)

    const start = performance.now()
    const answered = await guess(guesser, user)
    const seconds = (performance.now() - start) / 1000

    t.test('are answered until their budget is used up', async (t) => {
      const max = FAILURE_BUDGET * (1 + (seconds + 1) / FAILURE_WINDOW_SECONDS)
      t.ok(answered <= max, `${answered} of ${WRONG_COUNT} were answered, at most ${max} may be`)
      t.ok(answered >= 0.8 * FAILURE_BUDGET, `${answered} of ${WRONG_COUNT} were answered, ${FAILURE_BUDGET} may be`)
    })

    t.test('do not keep the right ones out, of the same client and of a new one', async (t) => {
      t.equal((await guesser.refresh()).code, AUTHENTIC)
      t.equal((await guesser.allocate()).code, 0)
      t.equal((await (await suite.connect(t, server)).allocate()).code, 0, 'challenges are served')
      t.equal((await user.refresh()).code, 0)
    })
  })

  t.test('loopback is exempt when the option is not given', { skip }, async (t) => {
    const server = await suite.sharedServer()
    const client = await suite.connect(t, server)
    t.equal((await client.allocate()).code, 0)
    const wrong = Array.from({ length: STEP_COUNT }, () =>
      client.request(METHOD_REFRESH, () => {}, { password: 'wrong' }),
    )
    for (const { code } of await Promise.all(wrong)) if (code !== 401) t.fail(`${code}`)
    const more = Array.from({ length: STEP_COUNT }, () =>
      client.request(METHOD_REFRESH, () => {}, { password: 'wrong' }),
    )
    for (const { code } of await Promise.all(more)) if (code !== 401) t.fail(`${code}`)
    await floodIsAnswered(t, server, suite)
  })
}

/** Binding requests of many ports of one address. Returns how many were answered. */
async function flood(flooders: readonly TurnClient[], user: TurnClient): Promise<number> {
  for (let sent = 0; sent < FLOOD_COUNT; sent += STEP_COUNT) {
    for (let index = 0; index < STEP_COUNT; index++) {
      const flooder = flooders[index % flooders.length]
      flooder.transport.send(flooder.message(METHOD_BINDING, () => {}, { integrity: 'none' }))
    }
    // The server has read them by now, on the worker of this client at least, and no socket buffer overflows.
    await user.refresh()
  }
  return flooders.reduce((sum, { inbox }) => sum + inbox.items.length, 0)
}

async function guess(guesser: TurnClient, user: TurnClient): Promise<number> {
  for (let sent = 0; sent < WRONG_COUNT; sent += STEP_COUNT) {
    for (let index = 0; index < STEP_COUNT; index++) {
      guesser.transport.send(guesser.message(METHOD_REFRESH, () => {}, { password: `guess ${sent + index}` }))
    }
    await user.refresh()
    await guesser.settle()
  }
  return guesser.inbox.items.length
}

async function untilAnswered(client: TurnClient, request: Uint8Array) {
  for (let attempt = 0; attempt < 20; attempt++) {
    try {
      return await client.exchange(request, 500)
    } catch {
      // Not answered yet.
    }
  }
  throw new Error('no answer to 20 attempts')
}

async function floodIsAnswered(t: Test, server: TurnServer, suite: Suite): Promise<void> {
  const client = await suite.connect(t, server)
  for (let round = 0; round < 10; round++) {
    const answers = await Promise.all(Array.from({ length: 300 }, () => client.binding()))
    if (answers.some(({ code }) => code !== 0)) t.fail('an answer is an error')
  }
}
