// A server that is drained sends new clients to another one (--alternate): Debian's Chromium and coturn's client end up there, and who has a call
// on the one that is drained keeps it. In networks of their own: browsers do not follow to loopback.
import t, { type Test } from 'tap'
import { type BrowserPage, launchBrowser, readPage } from '../support/browser.js'
import { testCertificate } from '../support/certificate.js'
import { withDeadline } from '../support/deadline.js'
import { MAIN_ENGINE } from '../support/engines.js'
import { connectNamespaces, createNamespace, type NetworkNamespace, withoutCables } from '../support/namespace.js'
import { peerOrSkip } from '../support/peers.js'
import { type CallResult, testCall } from '../support/relay-call.js'
import { type ServerProcess, startServerOn } from '../support/server-process.js'
import { UCLIENT_PASSWORD, UCLIENT_USER } from '../support/uclient.js'
import { uclientLosesNothing } from '../support/uclient-load.js'

const [HERE, THERE] = ['10.77.0.2', '10.77.0.3']
const [PORT, TLS_PORT] = [3478, 5349]
const CALL_MILLISECONDS_MAX = 90_000
const SIZE = { messageCount: 100, mediaSeconds: 1 }

t.setTimeout(4 * CALL_MILLISECONDS_MAX)

const skip = withoutCables() || peerOrSkip('chromium') || peerOrSkip('turnutils_uclient')

t.test(`a server that is drained, with another one beside it, ${MAIN_ENGINE.name} engine`, { skip }, async (t) => {
  const [servers, clients] = [createNamespace(t, [], 'servers'), createNamespace(t, [], 'clients')]
  const ends = [
    { namespace: servers, addresses: [`${HERE}/24`, `${THERE}/24`] },
    { namespace: clients, addresses: ['10.77.0.1/24'] },
  ] as const
  connectNamespaces(...ends, 1500)
  const [here, there, page] = await Promise.all([
    start(t, servers, HERE, ['--alternate', THERE, '--drain-timeout', '300']),
    start(t, servers, THERE),
    openPage(t, clients),
  ])
  await page.call('beginCall', { server: iceServer('turn', 'udp') }, CALL_MILLISECONDS_MAX)
  t.ok(here.linesOf('allocation').length >= 2, 'a call has begun on the one that will be drained')
  process.kill(here.pid, 'SIGTERM')
  await here.waitForLog(({ event }) => event === 'draining')

  t.test('Chromium calls through the other one', async (t) => {
    const options = { server: iceServer('turn', 'udp'), ...SIZE }
    testCall(t, (await page.call('relayCall', options, CALL_MILLISECONDS_MAX)) as CallResult, options, 'udp')
    t.ok(there.linesOf('allocation').length >= 2, 'both sides have an allocation there')
  })

  for (const [scheme, transport] of [
    ['turn', 'tcp'],
    ['turns', 'tcp'],
  ] as const) {
    t.test(`and follows over ${scheme}:…?transport=${transport}`, async (t) => {
      const server = iceServer(scheme, transport)
      const { candidates } = (await page.call('gather', { server }, CALL_MILLISECONDS_MAX)) as { candidates: string[] }
      t.match(candidates, [new RegExp(` ${THERE.replaceAll('.', '\\.')} \\d+ typ relay`)])
    })
  }

  for (const [name, flags] of [
    ['UDP', []],
    ['TCP', ['-t']],
  ] as const) {
    t.test(`coturn’s client goes there over ${name}, and loses nothing`, async (t) => {
      await uclientLosesNothing(t, there, {
        ...{ host: HERE, port: PORT, user: UCLIENT_USER, password: UCLIENT_PASSWORD, prefix: clients.prefix },
        ...{ flags: ['-y', '-c', ...flags], messages: 20, clients: 2, length: 200 },
      })
    })
  }

  t.test('the call that had begun loses nothing', async (t) => {
    const call = (await page.call('finishCall', SIZE, CALL_MILLISECONDS_MAX)) as CallResult
    testCall(t, call, { server: iceServer('turn', 'udp'), ...SIZE }, 'udp')
    t.equal(call.packetsLost, 0)
  })

  t.test('the log says who was sent where', async (t) => {
    const sent = here.linesOf('refusal')
    t.ok(sent.length > 0)
    for (const line of sent) t.match(line, { reason: 'redirected-draining', code: 300, peer: new RegExp(`^${THERE}:`) })
  })
})

function start(
  t: Test,
  { prefix }: NetworkNamespace,
  host: string,
  args: readonly string[] = [],
): Promise<ServerProcess> {
  const { certPath, keyPath } = testCertificate()
  const all = [
    ...['--listen', `${host}:${PORT}`, '--listen', `tls:${host}:${TLS_PORT}`, '--cert', certPath, '--key', keyPath],
    ...['--realm', 'turnuser', '--user', `${UCLIENT_USER}:${UCLIENT_PASSWORD}`, '--channel-range', 'rfc5766'],
    ...['--relay-ip', host, '--allow-peer', '10.77.0.0/24', '--min-port', '24000', '--max-port', '24999'],
    ...['--stream-workers', '1', ...args],
  ]
  return startServerOn(t, MAIN_ENGINE, all, { prefix })
}

/** The page needs a secure origin, and no server: the browser gets it from here. */
async function openPage(t: Test, { prefix }: NetworkNamespace): Promise<BrowserPage> {
  const browser = await launchBrowser(t, testCertificate().cert, prefix)
  const tab = await browser.newPage()
  const body = await readPage('relay-call.html')
  await tab.route('http://localhost/', (route) => route.fulfill({ body, contentType: 'text/html; charset=utf-8' }))
  await tab.goto('http://localhost/')
  return {
    call: (name, argument, milliseconds) =>
      withDeadline(tab.evaluate(`${name}(${JSON.stringify(argument)})`), milliseconds, () => `${name} in the browser`),
  }
}

function iceServer(scheme: 'turn' | 'turns', transport: 'udp' | 'tcp') {
  const port = scheme === 'turn' ? PORT : TLS_PORT
  return { uri: `${scheme}:${HERE}:${port}?transport=${transport}`, username: UCLIENT_USER, password: UCLIENT_PASSWORD }
}
