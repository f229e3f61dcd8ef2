// The page's test from a browser, against a real server: over each transport a call that is measured, and in words why one fails.
import t, { type Test } from 'tap'
import type { TestCredentials } from '../../src/admin/schema/users.js'
import type { WhyFilter, WhyReport } from '../../src/admin/schema/why.js'
import { createTurnServer, type TurnServer, type TurnServerOptions } from '../../src/index.js'
import { launchBrowser } from '../support/browser.js'
import { testCertificate } from '../support/certificate.js'
import { MAIN_ENGINE } from '../support/engines.js'
import { peerOrSkip } from '../support/peers.js'
import { BusyAdministered } from './busy-administered.js'
import { openLoggedIn, serve, type Tab } from './page-stage.js'

const USER = 'tester'
const PASSWORD = 'of a test'
const CALL_MILLISECONDS_MAX = 30_000
const { cert, certPath, keyPath } = testCertificate()

/** What the page asks is answered by the TURN server that is really there. */
class Administered extends BusyAdministered {
  readonly #server: TurnServer
  uris: string[]

  constructor(server: TurnServer, uris: string[]) {
    super(3)
    this.#server = server
    this.uris = uris
  }

  override async makeTestCredentials(): Promise<TestCredentials> {
    const expiresTime = new Date(Date.now() + 300_000).toISOString()
    return { username: USER, password: PASSWORD, expiresTime, uris: this.uris }
  }

  override status() {
    return { ...super.status(), uris: this.uris }
  }

  override why(filter: WhyFilter): WhyReport {
    return this.#server.why(filter)
  }
}

t.setTimeout(8 * CALL_MILLISECONDS_MAX)

t.test('the test from a browser', { skip: peerOrSkip('chromium') }, async (t) => {
  const server = await startServer(t, {})
  const full = await startServer(t, { maxAllocations: 1 })
  // Over TCP it is the same as over TLS, and takes its time.
  const administered = new Administered(
    server,
    uris(server).filter((uri) => !/^turn:.*tcp$/.test(uri)),
  )
  const page = await serve(administered, 0)
  t.teardown(() => page.close())
  const tab = await openLoggedIn(
    t,
    await launchBrowser(t, cert),
    { server: page },
    { permissions: ['clipboard-read', 'clipboard-write'] },
  )
  await tab.open('test')

  t.test('calls through the server over UDP and TLS, and measures the way', async (t) => {
    await tab.runBrowserTest(2 * CALL_MILLISECONDS_MAX)
    for (const transport of ['UDP', 'TLS']) {
      const card = tab.page.getByRole('region', { name: `Test over ${transport}` })
      t.equal(await card.getAttribute('data-stage'), 'done', `${transport}: ${await card.textContent()}`)
      const [relay, gathered, connected, roundTrip, loss, throughput] = await card.locator('dd').allTextContents()
      t.match(relay, /^127\.0\.0\.1:\d+$/)
      t.match([gathered, connected, roundTrip], [/ms$/, /ms$/, /^median .* ms, p95 .* ms$/])
      t.match(loss, /^(?:0|\d\.\d) % \(\d of 60\)$/)
      t.match(throughput, /Mbit\/s$/)
    }
    const skipped = tab.page.getByRole('region', { name: 'Test over DTLS' })
    t.match(await skipped.textContent(), /Browsers do not speak TURN over DTLS/)
  })

  t.test('is copied as text', async (t) => {
    await tab.action('copy').click()
    await tab.notice.filter({ hasText: 'Copied' }).waitFor()
    const text = await tab.evaluate<string>('navigator.clipboard.readText()')
    t.match(text, /test from a browser, .*, user tester\nWorks: turn:127\.0\.0\.1:\d+\?transport=udp\n {2}relay 127/)
  })

  t.test('says by the server’s word that the password is wrong', async (t) => {
    await tab.page.getByLabel('this one:').check()
    await tab.page.getByLabel('User', { exact: true }).fill(USER)
    await tab.page.getByLabel('Password', { exact: true }).fill('wrong')
    await offered(tab, administered, uris(server).slice(1, 2))
    t.match(await run(t, tab, 'failed'), /refused the user name or the password.*The server says:.*bad-password/s)
    await tab.page.getByRole('link', { name: 'What was refused to this user' }).click()
    await tab.page.locator('[data-reason="bad-password"]').waitFor()
    await tab.open('test')
    await tab.page.getByLabel('one that the server makes').check()
  })

  t.test('says that the licence is used up', async (t) => {
    const words = new Administered(full, uris(full).slice(1, 2))
    administered.uris = words.uris
    administered.why = (filter) => words.why(filter)
    t.match(await run(t, tab, 'failed'), /no relay left.*The server says:.*licence/s)
  })

  t.test('says that nobody is there', async (t) => {
    administered.uris = ['turn:127.0.0.1:1?transport=tcp']
    t.match(await run(t, tab, 'failed'), /cannot reach the server there/)
  })

  t.test('can be cancelled', async (t) => {
    administered.uris = uris(server)
    await tab.action('start').click()
    await tab.page.locator('[data-stage="filling"]').first().waitFor()
    await tab.action('cancel').click()
    await tab.page.locator('[data-stage="cancelled"]').nth(2).waitFor()
    t.equal(await tab.action('start').isEnabled(), true)
  })

  t.same(tab.errors, [], 'nothing went wrong in the page')
})

/** From the start to the end; the test fails if a result is another. */
async function run(t: Test, tab: Tab, stage: string): Promise<string> {
  const results = Object.values(await tab.runBrowserTest(CALL_MILLISECONDS_MAX))
  t.same([...new Set(results.map((result) => result.stage))], [stage])
  return results.map(({ text }) => text).join('\n')
}

/** The page has it with the next event. */
async function offered(tab: Tab, administered: Administered, offeredUris: string[]): Promise<void> {
  administered.uris = offeredUris
  administered.tick()
  await tab.page.locator('form code').nth(offeredUris.length).waitFor({ state: 'detached' })
}

async function startServer(t: Test, options: TurnServerOptions): Promise<TurnServer> {
  const server = createTurnServer({
    ...{ ...MAIN_ENGINE.options, realm: 'turnuser', user: `${USER}:${PASSWORD}`, relayIp: '127.0.0.1', ...options },
    listen: ['udp:127.0.0.1:0', 'tcp:127.0.0.1:0', 'tls:127.0.0.1:0'],
    ...{ cert: certPath, key: keyPath, minPort: 19_500, maxPort: 19_699, drainTimeout: 0 },
  })
  await server.start()
  t.teardown(() => server.stop())
  return server
}

function uris(server: TurnServer): string[] {
  return [...server.uris(), 'turns:127.0.0.1:5349?transport=udp']
}
