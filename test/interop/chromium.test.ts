// A real browser call on both engines: two peer connections of Chromium that may use relay candidates only, through the server.
import t from 'tap'
import { openPage } from '../support/browser.js'
import { ENGINES, MAIN_ENGINE } from '../support/engines.js'
import { peerOrSkip } from '../support/peers.js'
import { type ServerProcess, startServerOn } from '../support/server-process.js'

const USER = 'turnuser'
const PASSWORD = 'cisco'
const SERVER_ARGS = [
  ...['--realm', 'turnuser', '--user', `${USER}:${PASSWORD}`],
  // The browser's two sides reach each other's relays on this machine.
  ...['--allow-peer', '127.0.0.0/8', '--relay-ip', '127.0.0.1', '--min-port', '22000', '--max-port', '22499'],
]

const isLong = process.env.TURND_TEST_LONG === '1'
const FULL = { messageCount: 200, mediaSeconds: isLong ? 60 : 5 }
/** Of the engine that most machines run on; the other one gets the full size in the long run. */
const SHORT = isLong ? FULL : { messageCount: 100, mediaSeconds: 2 }
const CALL_MILLISECONDS_MAX = 60_000 + FULL.mediaSeconds * 1000

interface MediaSample {
  readonly audioBytes: number
  readonly videoBytes: number
  readonly framesDecoded: number
}

interface CallResult {
  readonly sent: string[]
  readonly received: string[]
  readonly echoes: string[]
  readonly media: MediaSample[]
  readonly pairs: { local: string; remote: string; relayProtocol: string; state: string }[]
  readonly errors: unknown[]
}

t.setTimeout(4 * CALL_MILLISECONDS_MAX)

const withoutChromium = peerOrSkip('chromium')

for (const engine of ENGINES) {
  const skip = withoutChromium || engine.skip
  const { mediaSeconds, messageCount } = engine === MAIN_ENGINE ? FULL : SHORT

  t.test(`a call between two Chromium peer connections, relay only, ${engine.name} engine`, { skip }, async (t) => {
    const server = await startServerOn(t, engine, SERVER_ARGS)
    const page = await openPage(t, 'relay-call.html')
    const options = { server: iceServer(server, PASSWORD), messageCount, mediaSeconds }
    const call = (await page.call('relayCall', options, CALL_MILLISECONDS_MAX)) as CallResult

    t.test(`${messageCount} data-channel messages and their echoes arrive whole and in order`, async (t) => {
      t.equal(call.sent.length, messageCount)
      t.same(call.received, call.sent)
      t.same(
        call.echoes,
        call.sent.map((message) => `echo ${message}`),
      )
    })

    t.test(`${mediaSeconds} s of audio and video keep arriving and are decoded`, async (t) => {
      t.equal(call.media.length, mediaSeconds + 1, 'media arrived and was watched every second')
      for (const [second, later] of call.media.slice(1).entries()) {
        const earlier = call.media[second]
        t.ok(later.audioBytes > earlier.audioBytes, `audio arrived in second ${second + 1}`)
        t.ok(later.videoBytes > earlier.videoBytes, `video arrived in second ${second + 1}`)
        t.ok(later.framesDecoded > earlier.framesDecoded, `video was decoded in second ${second + 1}`)
      }
    })

    t.test('the selected candidate pair is relay to relay on both sides', async (t) => {
      const relayed = { local: 'relay', remote: 'relay', relayProtocol: 'udp', state: 'succeeded' }
      t.same(call.pairs, [relayed, relayed])
    })

    t.test('nobody was refused', async (t) => {
      t.same(call.errors, [])
      t.same(server.linesOf('refusal'), [])
      t.ok(server.linesOf('allocation').length >= 2, 'an allocation was logged for each side')
    })
  })

  t.test(`a wrong password in Chromium, ${engine.name} engine`, { skip }, async (t) => {
    const server = await startServerOn(t, engine, SERVER_ARGS)
    const page = await openPage(t, 'relay-call.html')
    const { errors, candidates } = (await page.call('gather', { server: iceServer(server, 'wrong') }, 60_000)) as {
      errors: { errorCode: number }[]
      candidates: string[]
    }

    t.test('is an icecandidateerror with errorCode 401 and no candidate (RFC 8489 §9.2.4)', async (t) => {
      t.ok(errors.length > 0, 'there was an icecandidateerror')
      for (const { errorCode } of errors) t.equal(errorCode, 401)
      t.same(candidates, [])
    })

    t.test('is a line in the log that says which user and why', async (t) => {
      const line = await server.waitForLog(({ event }) => event === 'refusal')
      t.match(line, { reason: 'bad-password', user: USER, code: 401 })
    })
  })
}

function iceServer(server: ServerProcess, password: string) {
  return { uri: `turn:127.0.0.1:${server.port()}?transport=udp`, username: USER, password }
}
