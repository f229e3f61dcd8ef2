// The wall clock jumps an hour ahead, then two hours back, under a running server: libfaketime makes it so for the server alone. What has a lifetime
// goes by the monotonic clock, which libfaketime is told to leave alone; only names with a timestamp (TURN REST) go by the wall clock, as they must.
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { temporaryDirectory } from '../support/certificate.js'
import { withDeadline } from '../support/deadline.js'
import { ENGINES_IN_TIME, type EngineUnderTest, NATIVE } from '../support/engines.js'
import { FAKETIME_LIBRARIES, findFile, peerOrSkip } from '../support/peers.js'
import type { ServerProcess } from '../support/server-process.js'
import type { StreamTransport } from '../support/stream-client.js'
import { USER } from '../support/stream-server.js'
import { type RequestOptions, TurnClient } from '../support/turn-client.js'
import { UdpPeer } from '../support/udp-peer.js'
import { LiveCalls } from './live-calls.js'
import { connectAll, connectOver, startFaultServer, TRANSPORTS } from './stage.js'

const MIN_PORT = 10_600
const PORT_COUNT = 50
const SECRET = 'rest secret'
const HOUR_SECONDS = 3600
/** A connection without a whole message is closed by then, and the sweep may be late. */
const SILENCE_SECONDS = 10
const LATE_SECONDS_MAX = 30
const MINUTE = 60

t.setTimeout(240_000)
// Both engines side by side: the deadline is waited for once.
t.jobs = 2

class FakeClock {
  readonly #path = join(temporaryDirectory(), 'faketime')

  constructor() {
    this.jumpTo(0)
  }

  get prefix(): string[] {
    const library = findFile(FAKETIME_LIBRARIES) ?? ''
    const variables = [`LD_PRELOAD=${library}`, `FAKETIME_TIMESTAMP_FILE=${this.#path}`]
    // It looks into the file each time; the monotonic clock stays real.
    return ['env', ...variables, 'FAKETIME_NO_CACHE=1', 'DONT_FAKE_MONOTONIC=1', 'FAKETIME_DONT_FAKE_MONOTONIC=1']
  }

  jumpTo(offsetSeconds: number): void {
    writeFileSync(this.#path, `${offsetSeconds < 0 ? '-' : '+'}${Math.abs(offsetSeconds)}\n`)
  }
}

for (const engine of ENGINES_IN_TIME) {
  const skip = engine.skip === false ? peerOrSkip('faketime') : engine.skip
  t.test(`the wall clock jumps, ${engine.name} engine`, { skip, buffered: true }, (t) => jump(t, engine))
}

async function jump(t: Test, engine: EngineUnderTest): Promise<void> {
  const clock = new FakeClock()
  const [secretArgs, options] = [['--auth-secret', SECRET], { prefix: clock.prefix }]
  const minPort = engine === NATIVE ? MIN_PORT : MIN_PORT + PORT_COUNT
  const server = await startFaultServer(t, engine, minPort, PORT_COUNT, secretArgs, options)
  const calls = await LiveCalls.start(t, await connectAll(server), USER)
  const now = Date.now() / 1000
  const rest = await connectRest(t, server, now + MINUTE)
  t.equal((await rest.allocate()).code, 0)
  const waiting = TurnClient.on(t, await connectOver('udp', server), USER)
  await waiting.learnChallenge()
  const peer = await UdpPeer.open(t)
  const permitted = TurnClient.on(t, await connectOver('udp', server), USER)
  t.equal((await permitted.allocate()).code, 0)
  t.equal((await permitted.createPermission(peer.address)).code, 0)

  const silent = (await connectOver('tcp', server)) as StreamTransport
  const closed = once(silent.socket.resume(), 'close')
  const silentSince = performance.now()

  for (const [name, offsetSeconds] of [
    ['an hour ahead', HOUR_SECONDS],
    ['two hours back, an hour behind', -HOUR_SECONDS],
  ] as const) {
    t.test(name, async (t) => {
      clock.jumpTo(offsetSeconds)
      t.test('the log has its time', async (t) => {
        const client = TurnClient.on(t, await connectOver('udp', server), USER)
        t.equal((await client.allocate()).code, 0)
        const source = client.localAddress.toString()
        const { time } = await server.waitForLog((line) => line.event === 'allocation' && line.client === source)
        const seconds = (Date.parse(String(time)) - Date.now()) / 1000 - offsetSeconds
        t.ok(Math.abs(seconds) < MINUTE, `${time}`)
        await client.refresh({ lifetimeSeconds: 0 })
      })
      t.test('calls lose nothing, over no transport', async (t) => {
        await calls.proceed(10)
        await calls.endLossless(t)
        calls.goOn()
        t.same(
          server.linesOf('allocation-deleted').filter(({ client }) => isOneOf(calls, client)),
          [],
        )
      })
      t.test('a nonce of before is still valid, a permission of before still holds', async (t) => {
        t.equal((await waiting.request(0x001, () => {})).code, 0)
        const fresh = await waiting.refresh({ lifetimeSeconds: 0 })
        t.equal(fresh.code, 437, 'not 438')
        peer.send(permitted.relay, 'still permitted')
        t.match(await permitted.nextData(), { text: 'still permitted' })
      })
      t.test('names with a timestamp follow it: over when it says so, though their allocation stays', async (t) => {
        const isAhead = offsetSeconds > 0
        const late = await connectRest(t, server, now + MINUTE)
        t.equal((await late.allocate()).code, isAhead ? 401 : 0)
        const future = await connectRest(t, server, now + HOUR_SECONDS + 5 * MINUTE)
        t.equal((await future.allocate()).code, 0)
        t.equal((await rest.refresh()).code, 0)
        for (const client of [late, future]) await client.refresh({ lifetimeSeconds: 0 })
      })
      t.test('new connections are made, with TLS and DTLS', async (t) => {
        for (const transport of TRANSPORTS) {
          const client = TurnClient.on(t, await connectOver(transport, server), USER)
          t.equal((await client.allocate()).code, 0, transport)
          await client.transport.close()
        }
      })
    })
  }

  t.test('a deadline that went on meanwhile comes when it should', async (t) => {
    await withDeadline(closed, (SILENCE_SECONDS + LATE_SECONDS_MAX) * 1000, () => 'the silent connection is closed')
    const seconds = (performance.now() - silentSince) / 1000
    t.ok(seconds > SILENCE_SECONDS - 1, `after ${seconds.toFixed(1)} s`)
  })

  t.test('at the end everything is still there, and the server ends', async (t) => {
    await calls.endLossless(t)
    t.same(server.linesOf('worker-died'), [])
    t.equal(await server.stop(), 0)
  })
}

/** A client with a TURN REST credential that is good until `expirySeconds` of the wall clock. */
async function connectRest(t: Test, server: ServerProcess, expirySeconds: number): Promise<TurnClient> {
  const username = `${Math.floor(expirySeconds)}:caller`
  const password = createHmac('sha1', SECRET).update(username).digest('base64')
  const user: RequestOptions = { username, password }
  return TurnClient.on(t, await connectOver('udp', server), user)
}

function isOneOf(calls: LiveCalls, client: unknown): boolean {
  return calls.calls.some((call) => call.client.localAddress.toString() === client)
}
