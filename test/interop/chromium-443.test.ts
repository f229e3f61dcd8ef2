// What port 443 is for, in Debian's Chromium, on both engines (any free port stands for 443): one tls: listener serves a web page over
// HTTPS and its WebSocket from an upstream, and relays calls that reach it by TURN over TCP and over TLS.
import type { IncomingHttpHeaders } from 'node:http'
import t, { type Test } from 'tap'
import { openUrl, readPage } from '../support/browser.js'
import { testCertificate } from '../support/certificate.js'
import { ENGINES_ALONE_IN_TIME, MAIN_ENGINE } from '../support/engines.js'
import { startUpstream } from '../support/http-stage.js'
import { peerOrSkip } from '../support/peers.js'
import { type CallResult, testCall } from '../support/relay-call.js'
import { startServerOn } from '../support/server-process.js'
import { echoWebSockets } from '../support/websocket-echo.js'

const USER = 'turnuser'
const PASSWORD = 'cisco'
const { cert, certPath, keyPath } = testCertificate()
const SERVER_ARGS = [
  ...['--listen', 'tls:127.0.0.1:0', '--cert', certPath, '--key', keyPath],
  ...['--realm', 'turnuser', '--user', `${USER}:${PASSWORD}`],
  // The browser's two sides reach each other's relays on this machine.
  ...['--allow-peer', '127.0.0.0/8', '--relay-ip', '127.0.0.1', '--min-port', '19400', '--max-port', '19499'],
]

const isLong = process.env.TURND_TEST_LONG === '1'
const FULL = { messageCount: 200, mediaSeconds: isLong ? 60 : 3 }
const SHORT = isLong ? FULL : { messageCount: 100, mediaSeconds: 1 }
const CALL_MILLISECONDS_MAX = 60_000 + FULL.mediaSeconds * 1000

/** The port tells plain STUN from TLS: both URIs lead to the same listener. */
const WAYS = [
  { scheme: 'turn', relayProtocol: 'tcp' },
  { scheme: 'turns', relayProtocol: 'tls' },
]

interface Forwarded {
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

t.setTimeout(8 * CALL_MILLISECONDS_MAX)

const withoutChromium = peerOrSkip('chromium')

for (const engine of ENGINES_ALONE_IN_TIME) {
  const skip = withoutChromium || engine.skip

  t.test(`a web page, its WebSocket and its calls on one port, ${engine.name} engine`, { skip }, async (t) => {
    const { origin, forwarded } = await startWebServer(t)
    const server = await startServerOn(t, engine, [...SERVER_ARGS, '--http-upstream', origin])
    const port = server.port('', 'tls')
    const page = await openUrl(t, `https://127.0.0.1:${port}/call`, cert)

    for (const { relayProtocol, scheme } of WAYS) {
      const uri = `${scheme}:127.0.0.1:${port}?transport=tcp`
      const options = {
        server: { uri, username: USER, password: PASSWORD },
        ...(engine.name === MAIN_ENGINE.name ? FULL : SHORT),
      }
      const result = (await page.call('callBesideWebSocket', options, CALL_MILLISECONDS_MAX)) as {
        call: CallResult
        echoes: string[]
      }

      t.test(`a call through ${scheme}:…?transport=tcp, relay only`, async (t) => {
        testCall(t, result.call, options, relayProtocol)
      })

      t.test(`a WebSocket that was open during the call through ${scheme}: answers before and after it`, async (t) => {
        t.same(result.echoes, ['before', 'after'])
      })
    }

    t.test('the web server saw the page and both WebSockets, each for the browser (X-Forwarded-For)', async (t) => {
      t.same(
        forwarded.map(({ url }) => url).filter((url) => url !== '/favicon.ico'),
        ['/call', '/echo', '/echo'],
      )
      for (const { headers, url } of forwarded) {
        const expected = { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https', host: `127.0.0.1:${port}` }
        t.match(headers, expected, url)
      }
    })

    t.test('nobody was refused, and each side of each call had an allocation', async (t) => {
      t.same(server.linesOf('refusal'), [])
      t.ok(server.linesOf('allocation').length >= 2 * WAYS.length)
    })
  })

  t.test(`a certificate that Chromium does not trust, ${engine.name} engine`, { skip }, async (t) => {
    const { origin } = await startWebServer(t)
    const server = await startServerOn(t, engine, SERVER_ARGS)
    const page = await openUrl(t, origin)
    const uri = `turns:127.0.0.1:${server.port('', 'tls')}?transport=tcp`
    const options = { server: { uri, username: USER, password: PASSWORD } }
    const { candidates, errors } = (await page.call('gather', options, CALL_MILLISECONDS_MAX)) as {
      candidates: string[]
      errors: { errorCode: number }[]
    }
    t.same(candidates, [], 'there is no candidate')
    t.ok(errors.length > 0, 'there was an icecandidateerror')
    for (const { errorCode } of errors) t.equal(errorCode, 701)
    t.same(server.linesOf('allocation'), [])
  })
}

/** The web server behind the port: the page at every path, and WebSockets that echo. What it was asked is noted. */
async function startWebServer(t: Test): Promise<{ origin: string; forwarded: Forwarded[] }> {
  const html = await readPage('relay-call.html')
  const forwarded: Forwarded[] = []
  const note = ({ headers, url = '' }: Forwarded | { headers: IncomingHttpHeaders; url?: string | undefined }) =>
    forwarded.push({ headers, url })
  const { origin, server } = await startUpstream(t, (request, response) => {
    note(request)
    response.setHeader('content-type', 'text/html; charset=utf-8').end(html)
  })
  echoWebSockets(server, note)
  return { origin, forwarded }
}
