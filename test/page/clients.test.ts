// Six thousand clients in the table: few rows in the page, all of them within reach, by pointer and by keyboard, while the counters move.
import t from 'tap'
import { launchBrowser } from '../support/browser.js'
import { peerOrSkip } from '../support/peers.js'
import { openLoggedIn, openStage } from './page-stage.js'

const CLIENT_COUNT = 6000
const ROW_PIXELS = 32
/** What a window of 900 pixels shows, and what is drawn beyond it. */
const ROW_COUNT_MAX = 60
/** Flung through as nobody scrolls (24,000 pixels a second), at 30 frames a second still. */
const FRAME_MILLISECONDS_MAX = 33
const FRAME_COUNT = 60

t.setTimeout(240_000)

t.test('6,000 clients', { skip: peerOrSkip('chromium') }, async (t) => {
  const browser = await launchBrowser(t)
  const stage = await openStage(t, CLIENT_COUNT)
  const { administered } = stage
  const tab = await openLoggedIn(t, browser, stage)
  const { page } = tab
  const grid = page.getByRole('grid', { name: 'Clients' })
  const row = (index: number) => page.locator(`#row-${index}[data-id]`)
  const selected = page.locator('.grid tr[aria-selected="true"]')
  await tab.open('clients')
  await row(0).waitFor()

  t.test('are as many to a reader, and to the scroll bar', async (t) => {
    t.equal(await grid.getAttribute('aria-rowcount'), String(CLIENT_COUNT + 1))
    const height = await tab.evaluate<number>(`document.querySelector('.grid-scroll').scrollHeight`)
    t.ok(Math.abs(height - (CLIENT_COUNT + 1) * ROW_PIXELS) < 100, `${height} px`)
  })

  t.test('are scrolled through with few rows in the page, and each place has its clients', async (t) => {
    for (const share of [0.1, 0.5, 0.25, 0.93, 1]) {
      const top = Math.round(share * CLIENT_COUNT * ROW_PIXELS)
      await tab.evaluate(`document.querySelector('.grid-scroll').scrollTop = ${top}`)
      const index = Math.min(CLIENT_COUNT - 1, Math.floor(top / ROW_PIXELS) + 2)
      await row(index).waitFor()
      t.equal(await row(index).getAttribute('aria-rowindex'), String(index + 2))
      t.ok((await page.locator('.grid tbody tr').count()) < ROW_COUNT_MAX)
    }
  })

  t.test('are drawn within a frame while one scrolls', async (t) => {
    const devTools = await page.context().newCDPSession(page)
    // The processor's time, since this machine has other things to do.
    await devTools.send('Performance.enable', { timeDomain: 'threadTicks' })
    const busySeconds = async () => {
      const { metrics } = await devTools.send('Performance.getMetrics')
      return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN
    }
    const before = await busySeconds()
    await tab.evaluate(scrollThrough)
    const perFrame = (1000 * ((await busySeconds()) - before)) / FRAME_COUNT
    t.ok(perFrame < FRAME_MILLISECONDS_MAX, `${perFrame.toFixed(1)} ms a frame`)
    t.comment(`${perFrame.toFixed(1)} ms a frame`)
  })

  t.test('keep their place and their selection while they are loaded again', async (t) => {
    await tab.evaluate(`document.querySelector('.grid-scroll').scrollTop = ${3000 * ROW_PIXELS}`)
    await row(3005).click()
    const id = await selected.getAttribute('data-id')
    await tab.action('close').click()
    const loaded = page.waitForResponse((response) => response.url().includes('/api/v1/clients?'))
    await loaded
    t.equal(await tab.evaluate(`document.querySelector('.grid-scroll').scrollTop`), 3000 * ROW_PIXELS)
    await grid.focus()
    const same = page.locator(`[aria-selected="true"][data-id="${id}"]`)
    await page.keyboard.press('ArrowDown')
    await same.waitFor({ state: 'detached' })
    await page.keyboard.press('ArrowUp')
    await same.waitFor()
  })

  t.test('are moved through by keyboard, and opened', async (t) => {
    await grid.focus()
    await page.keyboard.press('Home')
    await page.locator('#row-0[aria-selected="true"]').waitFor()
    await page.keyboard.press('PageDown')
    await page.locator('#row-0[aria-selected="false"]').waitFor({ state: 'attached' })
    const index = Number((await selected.getAttribute('aria-rowindex')) ?? 0) - 2
    t.ok(index > 15, `a page is ${index} rows`)
    await page.keyboard.press('ArrowDown')
    await page.locator(`#row-${index + 1}[aria-selected="true"]`).waitFor()
    t.equal(await grid.getAttribute('aria-activedescendant'), await selected.getAttribute('id'))
    await page.keyboard.press('End')
    await page.locator(`#row-${CLIENT_COUNT - 1}[aria-selected="true"]`).waitFor()
    await page.keyboard.press('Enter')
    await page.locator('[data-client]').waitFor()
    await page.keyboard.press('Escape')
    await page.locator('[data-client]').waitFor({ state: 'detached' })
  })

  t.test('are sorted by the server, each way, and it says so', async (t) => {
    const most = [...administered.clientRows].sort((a, b) => b.packetsToClient - a.packetsToClient)
    await tab.sortBy('packetsToClient')
    await page.locator(`#row-0[data-id="${most[0].id}"]`).waitFor()
    t.equal(await page.locator('[data-column="packetsToClient"]').getAttribute('aria-sort'), 'descending')
    await tab.sortBy('packetsToClient')
    await page.locator(`#row-0[data-id="${most.at(-1)?.id}"]`).waitFor()
    t.equal(await page.locator('[data-column="packetsToClient"]').getAttribute('aria-sort'), 'ascending')
    t.match(page.url(), /sort=packetsToClient&order=asc/)
  })

  t.test('are searched by user and by address, and the link leads there again', async (t) => {
    const { client, id } = administered.clientRows[4321]
    await tab.search(client, /^1 of 6,000/)
    await row(0).waitFor()
    t.equal(await row(0).getAttribute('data-id'), id)
    await tab.search('nobody-of-this-name', /^0 of 6,000/)
    await page.getByText('No client matches “nobody-of-this-name”.').waitFor()
    const link = `${tab.url}/#clients/${id}?search=${encodeURIComponent(client)}`
    await page.goto('about:blank')
    await page.goto(link)
    await page.locator(`[data-client="${id}"]`).waitFor()
    t.equal(await row(0).getAttribute('aria-selected'), 'true')
  })

  t.same(tab.errors, [], 'nothing went wrong')
})

/** In the page: a second of scrolling. */
const scrollThrough = `new Promise((resolve) => {
  const scroll = document.querySelector('.grid-scroll')
  let frames = 0
  const step = () => {
    scroll.scrollTop -= 400
    if (++frames < ${FRAME_COUNT}) requestAnimationFrame(step)
    else resolve()
  }
  requestAnimationFrame(step)
})`
