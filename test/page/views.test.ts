// Every view with everything that can be pressed in it, over the real admin server: what is shown is what the server says, what is pressed reaches it.
import { readFile } from 'node:fs/promises'
import type { Locator } from 'playwright-core'
import t from 'tap'
import { launchBrowser } from '../support/browser.js'
import { peerOrSkip } from '../support/peers.js'
import { HOSTILE_NAME } from './busy-administered.js'
import { ADMIN, openLoggedIn, openStage, openTab } from './page-stage.js'

t.setTimeout(240_000)

const textsOf = (cells: Locator) => cells.allTextContents().then((texts) => texts.map((text) => text.trim()))

t.test('the page', { skip: peerOrSkip('chromium') }, async (t) => {
  const browser = await launchBrowser(t)
  const stage = await openStage(t, 300)
  const { administered } = stage
  const tab = await openLoggedIn(t, browser, stage, { permissions: ['clipboard-read', 'clipboard-write'] })
  const { page } = tab

  t.test('shows the status block in the words of an Expressway', async (t) => {
    await tab.open('overview')
    t.match(await tab.statusBlock(), {
      Status: 'Active',
      'Listening address 1': '172.16.85.168 3478',
      'Listening address 2': '192.168.245.61 3478',
      'Number of active TURN clients': '300',
      'Number of active TURN relays (connected via TCP)': String(administered.status().relays.tcp),
      'Number of active TURN relays (connected via UDP)': String(administered.status().relays.udp),
    })
  })

  t.test('shows the licence, and alarms with what to do, the worst first', async (t) => {
    t.match(await page.getByRole('meter').getAttribute('aria-valuetext'), '300 of 1,800 relays')
    t.equal(await tab.alarms.first().getAttribute('data-alarm'), 'certificate-expired')
    t.match(await tab.alarms.nth(1).textContent(), /Warning\s+30007: Nearly all.*Raise --max-allocations/s)
  })

  t.test('draws charts that go on, with the values under the cursor', async (t) => {
    const now = page.locator('.chart', { hasText: 'Bit rate' }).locator('td.now').first()
    t.match(await now.textContent(), /Mbit\/s$/)
    await page.locator('[data-chart="bits"]').focus()
    await page.keyboard.press('Home')
    const heads = page.locator('.chart th.now')
    t.match(await textsOf(heads), Array(6).fill(/^\d\d:\d\d:\d\d$/), 'one cursor for all charts')
    t.match(await tab.notice.textContent(), /In .*Mbit\/s, Out .*Mbit\/s/)
    await page.keyboard.press('Escape')
    t.same(await textsOf(heads), Array(6).fill('Now'))
    await page.locator('[data-chart="cpu"] .u-over').hover()
    t.match(await textsOf(heads), Array(6).fill(/^\d\d:/), 'by pointer as well')
    await page.getByRole('heading', { name: 'Traffic and load' }).hover()
    await page.locator('[data-range="day"]').click()
    t.match(page.url(), /#overview\?range=day$/)
    await page.locator('[data-range="day"][aria-pressed="true"]').waitFor()
    await page.locator('[data-range="recent"]').click()
    const before = await now.textContent()
    await now.filter({ hasNotText: before ?? '' }).waitFor()
  })

  t.test('opens a client, with what hangs on it', async (t) => {
    await tab.open('clients')
    await tab.search(administered.clientRows[0].client, /^1 of 300/)
    const panel = await tab.openClient('0-1')
    t.match(page.url(), /#clients\/0-1\?search=/)
    t.match(await textsOf(panel.locator('[data-table="permissions"] td')), ['203.0.113.7', /min/])
    t.match(await textsOf(panel.locator('[data-table="channels"] td')), ['0x4000', '203.0.113.7:5000', /min/])
    t.same(await textsOf(panel.locator('[data-block="requests"] dd')), ['5', '4', '1'])
    await panel.locator('[data-table="counters"]', { hasText: 'kbit/s' }).waitFor()
  })

  t.test('captures a client or a relay: size grows, stop, download, remove', async (t) => {
    const panel = page.locator('[data-client="0-1"]')
    await tab.action('capture', panel).click()
    await tab.dialog.getByLabel('For at most (seconds)').fill('30')
    await tab.confirm()
    t.match(administered.calls.at(-1), ['startCapture', { client: '0-1', seconds: 30, bytes: 16_000_000 }])
    const row = panel.locator('[data-capture="c1"]')
    await row
      .filter({ hasText: 'Recording' })
      .filter({ hasText: /\d+ kB/ })
      .waitFor()
    const download = page.waitForEvent('download')
    await tab.action('download', row).click()
    const file = await readFile(await (await download).path())
    t.same([...file.subarray(0, 4)], [0x0a, 0x0d, 0x0d, 0x0a], 'pcapng')
    await tab.action('stop', row).click()
    await row.filter({ hasText: 'Ended' }).waitFor()
    await tab.action('remove', row).click()
    await tab.confirm()
    await row.waitFor({ state: 'detached' })
    await tab.action('capture-relay', panel).click()
    await tab.confirm()
    t.match(administered.calls.at(-1), ['startCapture', { relay: '198.51.100.10:24000' }])
  })

  t.test('kicks a client when that is confirmed, and not before', async (t) => {
    const panel = page.locator('[data-client="0-1"]')
    await tab.action('kick', panel).click()
    await page.keyboard.press('Escape')
    t.equal(administered.clientRows.length, 300)
    await tab.action('kick', panel).click()
    await tab.confirm()
    await panel.getByText('This client is gone').waitFor()
    t.equal(administered.clientRows.length, 299)
    await tab.action('close', panel).click()
    await page.locator('[data-found]').filter({ hasText: '0 of 299' }).waitFor()
  })

  t.test('says why calls fail and what to do, and marks what is new', async (t) => {
    await tab.open('refusals')
    const group = page.locator('[data-reason="bad-password"]')
    t.match(await group.textContent(), /message integrity does not match.*Set the same password/s)
    t.match(await page.locator('[data-block="drops"]').textContent(), /no-permission\s*18,211/)
    await tab.open('overview')
    administered.refuse('licence', 'newcomer', '203.0.113.99')
    await tab.open('refusals')
    await page.locator('tr.new').filter({ hasText: 'newcomer' }).getByText('new', { exact: true }).waitFor()
    t.equal(await page.locator('tr.new').count(), 1)
  })

  t.test('filters refusals by user, source, reason and time', async (t) => {
    const rows = page.locator('.entries tbody tr')
    await page.getByLabel('User', { exact: true }).fill('alcie')
    await page.locator('[data-reason]').nth(1).waitFor({ state: 'detached' })
    t.match(await textsOf(rows), [/alcie/])
    await page.getByText('Who got through').waitFor()
    await tab.action('clear').click()
    await page.locator('[name="reason"]').selectOption('licence')
    await page.locator('[data-reason="unknown-user"]').waitFor({ state: 'detached' })
    t.match(page.url(), /reason=licence/)
    await page.locator('[name="since"]').selectOption('600')
    await page.getByText('cmsweb').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: '203.0.113.99' }).click()
    t.equal(await page.getByLabel('Source').inputValue(), '203.0.113.99')
    await page.getByLabel('Source').fill('nowhere')
    await page.getByRole('alert').filter({ hasText: 'neither an IP address' }).waitFor()
  })

  t.test('lists listeners, with how long their certificates last', async (t) => {
    await tab.open('listeners')
    const rows = page.locator('[data-table="listeners"] tbody tr')
    t.match(await textsOf(rows), [
      /UDP/,
      /TCP/,
      /in the clear/,
      /211 days left/,
      /9 days left: renew soon/,
      /Expired 2 days ago/,
    ])
  })

  t.test('adds a user, and shows a password that was made up once', async (t) => {
    await tab.open('users')
    await tab.action('add').click()
    await tab.dialog.getByLabel('Name').fill('zoe')
    await tab.confirm()
    await tab.dialog.locator('[data-secret]', { hasText: 'made-up-here' }).waitFor()
    await tab.action('copy', tab.dialog).click()
    t.equal(await tab.evaluate('navigator.clipboard.readText()'), 'made-up-here')
    await tab.confirm()
    await page.locator('[data-user="zoe"]').waitFor()
    t.equal(await page.locator('[data-secret]').count(), 0, 'it is nowhere any more')
    await tab.action('add').click()
    await tab.dialog.getByLabel('Name').fill('zoe')
    await tab.confirm()
    await page.getByRole('alert').filter({ hasText: 'choose another name' }).waitFor()
  })

  t.test('asks before one shuts oneself out', async (t) => {
    const own = await openTab(t, browser, stage)
    await own.load('#users')
    await own.logIn(ADMIN.user, ADMIN.password)
    await own.shown('users')
    await own.action('toggle', own.page.locator(`[data-user="${ADMIN.user}"]`)).click()
    t.match(await own.dialog.textContent(), /Disable yourself\?.*your session ends/s)
    await own.page.keyboard.press('Escape')
    t.not(administered.adminStamp(ADMIN.user), null)
  })

  t.test('disables, enables, renews and removes users, and says of which it cannot', async (t) => {
    const row = page.locator('[data-user="zoe"]')
    await tab.action('toggle', row).click()
    await row.filter({ hasText: 'Disabled' }).waitFor()
    await tab.action('toggle', row).click()
    await row.filter({ hasText: 'Enabled' }).waitFor()
    await tab.action('password', row).click()
    await tab.dialog.getByLabel('Password').fill('given')
    await tab.confirm()
    await tab.notice.filter({ hasText: 'zoe has a new password' }).waitFor()
    t.same(administered.calls.at(-1), ['changeUser', 'zoe', 'turn', { password: 'given' }])
    await tab.action('remove', row).click()
    await tab.confirm()
    await row.waitFor({ state: 'detached' })
    t.match(
      await page.locator('[data-user="turnuser"]').textContent(),
      /Given to the server as an option: .* then reload, or restart/,
    )
    t.equal(await tab.action('remove', page.locator('[data-user="turnuser"]')).count(), 0)
  })

  t.test('shows what a reload would change, then does it', async (t) => {
    await tab.open('operations')
    t.equal(await tab.action('apply').isDisabled(), true)
    await tab.action('dry-run').click()
    await page.locator('[data-result="dry-run"]').waitFor()
    const changes = page.locator('[data-table="changes"] tbody tr')
    t.match(await textsOf(changes), [
      /--max-bps\s*0\s*2000000\s*now/,
      /--allow-peer/,
      /users file/,
      /--realm.*after a restart/s,
    ])
    t.same(administered.calls.at(-1), ['reload', true])
    await tab.action('apply').click()
    await page.locator('[data-result="applied"]').waitFor()
    t.same(administered.calls.at(-1), ['reload', false])
  })

  t.test('says why a reload failed, and that nothing was changed', async (t) => {
    administered.reloadErrors = ['--max-bps many is no number: give bits per second']
    await tab.action('dry-run').click()
    const result = page.locator('[data-result="failed"]')
    await result.waitFor()
    t.match(await result.textContent(), /Nothing was changed.*--max-bps many is no number/s)
    t.equal(await tab.action('apply').isDisabled(), true)
  })

  t.test('has the documents for machines', async (t) => {
    for (const name of ['OpenAPI document', 'Metrics']) {
      const path = await page.getByRole('link', { name }).getAttribute('href')
      t.equal((await page.request.get(`${tab.url}${path}`)).status(), 200, name)
    }
  })

  t.test('shows hostile names as the text that they are', async (t) => {
    await tab.open('clients')
    await tab.search('<img', /^1 of 299/)
    t.ok((await tab.clientRows.first().textContent())?.includes(HOSTILE_NAME), 'in the table')
    const panel = await tab.openClient((await tab.clientRows.first().getAttribute('data-id')) ?? '')
    t.equal(await panel.getByRole('heading').first().textContent(), HOSTILE_NAME, 'where it is opened')
    await tab.action('kick', panel).click()
    t.ok((await tab.dialog.textContent())?.includes(HOSTILE_NAME), 'in a dialog')
    await page.keyboard.press('Escape')
    await tab.open('refusals')
    await page.getByRole('button', { name: HOSTILE_NAME }).click()
    t.equal(await page.getByLabel('User', { exact: true }).inputValue(), HOSTILE_NAME, 'in a filter')
    await tab.open('users')
    t.equal(await page.getByText(HOSTILE_NAME, { exact: true }).count(), 1, 'in the list of users')
    t.equal(await tab.evaluate('window.isHacked === undefined'), true)
    await tab.open('operations')
  })

  t.test('had no error, and nothing that its policy forbids', async (t) => {
    // What failed on purpose: a name twice, a filter that is none, a client that is gone.
    t.same(
      tab.errors.filter((text) => !/status of (?:400|404|409)/.test(text)),
      [],
    )
  })

  t.test('drains when that is confirmed, and says that the server has gone', async (t) => {
    await tab.action('drain').click()
    await tab.dialog.getByLabel('Stop after at most (seconds)').fill('5')
    await tab.confirm()
    await page.locator('[data-state]').filter({ hasText: 'Draining' }).waitFor()
    t.same(administered.calls.at(-1), ['drain', 5])
    t.equal(await tab.action('drain').isDisabled(), true)
    await stage.server.close()
    await page.getByRole('alert').filter({ hasText: 'was draining and is gone' }).waitFor()
  })
})
