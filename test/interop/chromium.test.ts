// A real browser call on both engines: two peer connections of Chromium that may use relay candidates only, through the server.
import type { Browser } from 'playwright-core'
import t from 'tap'
import { launchBrowser, openPage } from '../support/browser.js'
import { ENGINES, MAIN_ENGINE } from '../support/engines.js'
import { peerOrSkip } from '../support/peers.js'
import { type CallResult, testCall } from '../support/relay-call.js'
import { type ServerProcess, startServerOn } from '../support/server-process.js'

const USER = 'turnuser'
const PASSWORD = 'cisco'
const SERVER_ARGS = [
  ...['--realm', 'turnuser', '--user', `${USER}:${PASSWORD}`],
  // The browser's two sides reach each other's relays on this machine.
  ...['--allow-peer', '127.0.0.0/8', '--relay-ip', '127.0.0.1', '--min-port', '22000', '--max-port', '22499'],
]

/** Codes for a wrong password: RFC 8489 §9.2.4, and what an Expressway says. */
const PROFILES = {
  dgram: { profile: 'expressway-x8.9', code: 431 },
  native: { profile: 'rfc', code: 401 },
}

const isLong = process.env.TURND_TEST_LONG === '1'
const FULL = { messageCount: 200, mediaSeconds: isLong ? 60 : 5 }
/** Of the engine that most machines run on; the other one gets the full size in the long run. */
const SHORT = isLong ? FULL : { messageCount: 100, mediaSeconds: 2 }
const CALL_MILLISECONDS_MAX = 60_000 + FULL.mediaSeconds * 1000

t.setTimeout(4 * CALL_MILLISECONDS_MAX)

const withoutChromium = peerOrSkip('chromium')

/** Its start takes longer than the shorter tests: each has a profile of its own in it. */
let browser: Browser
t.before(async () => {
  if (withoutChromium === false) browser = await launchBrowser(t)
})

for (const engine of ENGINES) {
  const skip = withoutChromium || engine.skip
  const size = engine === MAIN_ENGINE ? FULL : SHORT

  const { code, profile } = PROFILES[engine.name]
  const on = `${engine.name} engine, profile ${profile}`
  const args = [...SERVER_ARGS, '--profile', profile]

  t.test(`a call between two Chromium peer connections, relay only, ${on}`, { skip }, async (t) => {
    const server = await startServerOn(t, engine, args)
    const page = await openPage(t, 'relay-call.html', { browser })
    const options = { server: iceServer(server, PASSWORD), ...size }
    const call = (await page.call('relayCall', options, CALL_MILLISECONDS_MAX)) as CallResult

    testCall(t, call, options, 'udp')

    t.test('nobody was refused', async (t) => {
      t.same(server.linesOf('refusal'), [])
      t.ok(server.linesOf('allocation').length >= 2, 'an allocation was logged for each side')
    })
  })

  t.test(`a wrong password in Chromium, ${on}`, { skip }, async (t) => {
    const server = await startServerOn(t, engine, args)
    const page = await openPage(t, 'relay-call.html', { browser })
    const { errors, candidates } = (await page.call('gather', { server: iceServer(server, 'wrong') }, 60_000)) as {
      errors: { errorCode: number }[]
      candidates: string[]
    }

    t.test(`is an icecandidateerror with errorCode ${code} and no candidate`, async (t) => {
      t.ok(errors.length > 0, 'there was an icecandidateerror')
      for (const { errorCode } of errors) t.equal(errorCode, code)
      t.same(candidates, [])
    })

    t.test('is a line in the log that says which user and why', async (t) => {
      const line = await server.waitForLog(({ event }) => event === 'refusal')
      t.match(line, { reason: 'bad-password', user: USER, code })
    })
  })
}

function iceServer(server: ServerProcess, password: string) {
  return { uri: `turn:127.0.0.1:${server.port()}?transport=udp`, username: USER, password }
}
