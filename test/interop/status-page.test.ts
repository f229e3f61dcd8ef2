// The status page of a real server that works: coturn's client fills it over UDP and TCP while Debian's Chromium uses the page as an operator does.
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Locator } from 'playwright-core'
import t, { type Test } from 'tap'
import { PageDriver } from '../page/page-driver.js'
import { launchBrowser } from '../support/browser.js'
import { testCertificate } from '../support/certificate.js'
import { connectUdp } from '../support/client-transport.js'
import { MAIN_ENGINE } from '../support/engines.js'
import { peerOrSkip } from '../support/peers.js'
import { onProcessEnd } from '../support/process-end.js'
import { projectRoot } from '../support/project-root.js'
import { type ServerProcess, startServerOn } from '../support/server-process.js'
import { TurnClient } from '../support/turn-client.js'

const STEP_MILLISECONDS_MAX = 60_000
const CALL_MILLISECONDS_MAX = 60_000
const LOAD_SECONDS = 90
const { cert, certPath, keyPath } = testCertificate()

t.setTimeout(240_000)

const skip = peerOrSkip('chromium', 'turnutils_uclient', 'tshark') || MAIN_ENGINE.skip

t.test('the status page of a real server under load', { skip }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'turnd-page-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const config = join(directory, 'turnd.json')
  const configure = (options: object) => writeFileSync(config, JSON.stringify({ realm: 'page', ...options }))
  configure({ 'max-allocations': 100 })
  const state = join(directory, 'state')
  const args = [
    ...['--config', config, '--user', 'turnuser:cisco', '--admin-listen', '127.0.0.1:0'],
    ...['--relay-ip', '127.0.0.1', '--allow-peer', '127.0.0.0/8', '--min-port', '21000', '--max-port', '21499'],
    ...['--listen', '127.0.0.1:0', '--listen', 'tls:127.0.0.1:0', '--cert', certPath, '--key', keyPath],
    // coturn's client binds channels of the older range.
    ...['--channel-range', 'rfc5766', '--drain-timeout', '1'],
  ]
  const server = await startServerOn(t, MAIN_ENGINE, args, { stateDirectory: state })
  startLoad(t, server.port(), ['-m', '8'])
  startLoad(t, server.port('', 'tcp'), ['-t', '-m', '4'])
  const { driver, errors } = await openPage(t, state)

  t.test('shows the status block in Expressway’s words, with the numbers of now', async (t) => {
    const words = 'Number of active TURN relays (connected via UDP)'
    await driver.page.locator('[data-block="status"]').getByText(words).waitFor()
    await until(async () => Number((await driver.statusBlock())[words]) >= 8)
    const block = await driver.statusBlock()
    t.equal(block.Status, 'Active')
    t.match(block['Listening address 1'], /^127\.0\.0\.1 \d+$/)
    t.ok(Number(block['Number of active TURN relays (connected via TCP)']) >= 4)
    t.ok(Number(block['Number of active TURN clients']) >= 12)
    await driver.page.getByText(/\d+ of 100 relays/).waitFor()
  })

  t.test('draws what is relayed', async (t) => {
    await driver.page.locator('.uplot canvas').first().waitFor()
    const text = await textOf(driver.page.locator('main'))
    t.match(text, /[1-9][\d.,]* [kM]bit\/s/)
  })

  t.test('lists the clients, and opens one with its relay, permissions, channels and counters', async (t) => {
    await driver.open('clients')
    await driver.search('turnuser', /\d+/)
    await driver.clientRows.nth(11).waitFor()
    await driver.sortBy('bytesToClient')
    await driver.page.locator('[data-column="bytesToClient"][aria-sort="descending"]').waitFor()
    await until(async () => / [kM]B/.test(await textOf(driver.clientRows.first())))
    // Alone in the table it stays where it is clicked.
    const address = /127\.0\.0\.1:\d+/.exec(await textOf(driver.clientRows.first()))?.[0] ?? ''
    await driver.search(address, /^1 of/)
    const id = (await driver.clientRows.first().getAttribute('data-id')) ?? ''
    const panel = await driver.openClient(id)
    const text = await textOf(panel)
    t.match(text, /127\.0\.0\.1:21\d{3}/)
    t.match(text, /0x[4-7][0-9A-Fa-f]{3}/)
    t.match(text, /Requests received/i)
  })

  t.test('records a client’s packets into a file that tshark reads', async (t) => {
    await driver.action('capture').click()
    await driver.confirm()
    const row = driver.page.locator('[data-capture]').first()
    const packets = row.locator('[data-label="Packets"]')
    await until(async () => Number((await textOf(packets)).replaceAll(',', '')) > 20)
    await driver.action('stop', row).click()
    const download = driver.page.waitForEvent('download')
    await driver.action('download', row).click()
    const path = join(directory, 'client.pcapng')
    await (await download).saveAs(path)
    t.ok(tshark(path, 'stun.channel').length > 0, 'ChannelData is dissected')
    // What users send may look like any protocol, and like a mistake in it.
    t.same(tshark(path, '_ws.malformed', 'frame.protocols').filter(isOurs), [])
    await driver.action('remove', row).click()
    await driver.confirm()
    await driver.page.locator('[data-capture]').waitFor({ state: 'detached' })
  })

  t.test('kicks a client', async (t) => {
    await driver.action('kick').click()
    await driver.confirm()
    await server.waitForLog(({ cause, event }) => event === 'allocation-deleted' && cause === 'kicked')
    t.pass('its allocation has ended')
  })

  t.test('says who was refused, why, and what to do', async (t) => {
    t.equal(await allocate(t, server, 'turnuser', 'wrong'), 401)
    await driver.open('refusals')
    const entry = driver.page.locator('[data-reason="bad-password"]').first()
    t.match(await textOf(entry), /set the same password/i)
  })

  t.test('names the certificate of the TLS listener', async (t) => {
    await driver.open('listeners')
    t.match(await textOf(driver.page.locator('main')), /turn\.test[\s\S]*(29|30) days/)
  })

  t.test('adds a user, who may log in at once, and disables it', async (t) => {
    await driver.open('users')
    await driver.action('add').click()
    await driver.dialog.getByLabel('Name').fill('bob')
    await driver.confirm()
    const password = (await textOf(driver.dialog.locator('code'))).trim()
    await driver.page.keyboard.press('Escape')
    t.equal(await allocate(t, server, 'bob', password), 0)
    await driver.page.getByRole('button', { name: 'Disable bob' }).click()
    await driver.page.getByRole('button', { name: 'Enable bob' }).waitFor()
    t.equal(await allocate(t, server, 'bob', password), 401)
    await server.waitForLog(({ reason }) => reason === 'disabled-user')
  })

  t.test('calls itself from the browser over UDP, TCP and TLS', async (t) => {
    await driver.open('test')
    const results = await driver.runBrowserTest(CALL_MILLISECONDS_MAX)
    for (const [transport, { stage, text }] of Object.entries(results)) t.equal(stage, 'done', `${transport}: ${text}`)
    t.equal(Object.keys(results).length, 3)
  })

  t.test('reloads: shows what would change, then applies it', async (t) => {
    configure({ 'max-allocations': 150 })
    await driver.open('operations')
    await driver.action('dry-run').click()
    const row = driver.page.getByRole('row', { name: /--max-allocations/ })
    t.match(await textOf(row), /100[\s\S]*150/)
    await driver.action('apply').click()
    await server.waitForLog(({ event }) => event === 'reload')
    await driver.open('overview')
    await driver.page.getByText(/\d+ of 150 relays/).waitFor()
  })

  t.test('drains, and the process ends', async (t) => {
    await driver.open('operations')
    await driver.action('drain').click()
    await driver.dialog.getByRole('spinbutton').fill('1')
    await driver.confirm()
    t.equal(await server.waitForExit(STEP_MILLISECONDS_MAX), 0)
    await driver.page.getByRole('alert').first().waitFor()
  })

  // The connection is lost at the end, which browsers call an error.
  t.same(
    errors.filter((error) => !/Failed to load resource|ERR_/.test(error)),
    [],
  )
})

/** Logged in by the link of `turnd login`, on the overview. */
async function openPage(t: Test, state: string): Promise<{ driver: PageDriver; errors: string[] }> {
  const turnd = join(projectRoot, 'dist', 'turnd.js')
  const link = execFileSync(process.execPath, [turnd, 'login', '--state-dir', state], { encoding: 'utf8' }).trim()
  const browser = await launchBrowser(t, cert)
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, ignoreHTTPSErrors: true })
  context.setDefaultTimeout(STEP_MILLISECONDS_MAX)
  const page = await context.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  await page.goto(link)
  const driver = new PageDriver(page, new URL(link).origin)
  await driver.shown('overview')
  return { driver, errors }
}

/** Pairs of clients that send each other messages until the test ends. */
function startLoad(t: Test, port: number, flags: readonly string[]): void {
  const messages = ['-n', String(LOAD_SECONDS * 50), '-z', '20', '-l', '300']
  const target = ['-p', String(port), '127.0.0.1']
  const client = spawn('turnutils_uclient', ['-u', 'turnuser', '-w', 'cisco', '-y', ...flags, ...messages, ...target], {
    stdio: 'ignore',
  })
  const forget = onProcessEnd(() => client.kill('SIGKILL'))
  t.teardown(() => {
    client.kill('SIGKILL')
    forget()
  })
}

/** The code of the answer to an Allocate; 0 for a success. */
async function allocate(t: Test, server: ServerProcess, username: string, password: string): Promise<number> {
  const client = TurnClient.on(t, await connectUdp('127.0.0.1', server.port()), { username, password })
  return (await client.allocate()).code
}

async function textOf(place: Locator): Promise<string> {
  return (await place.textContent()) ?? ''
}

/** Of protocols such as `raw:ip:udp:stun`: whether the last one is of a capture itself. */
function isOurs(protocols: string): boolean {
  return /(?:^|:)(?:raw|ip|ipv6|udp|tcp|stun|turnchannel)(?::_ws\.malformed)?$/.test(protocols)
}

/** A field of the packets that match. */
function tshark(path: string, filter: string, field = 'frame.number'): string[] {
  const args = ['-r', path, '-Y', filter, '-T', 'fields', '-e', field]
  return execFileSync('tshark', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    .split('\n')
    .filter((line) => line !== '')
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + STEP_MILLISECONDS_MAX
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error('it did not come true in time')
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
