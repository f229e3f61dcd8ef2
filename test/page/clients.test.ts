// Six thousand clients in the table: few rows in the page, all of them within reach, by pointer and by keyboard, while the counters move.
import t from 'tap'
import { launchBrowser } from '../support/browser.js'
import { peerOrSkip } from '../support/peers.js'
import { openLoggedIn, openStage } from './page-stage.js'

const CLIENT_COUNT = 6000
const ROW_PIXELS = 32
/** What a window of 900 pixels shows, and what is drawn beyond it. */
const ROW_COUNT_MAX = 60
/** Of a frame in which the table is drawn: beyond that a scroll stutters. */
const FRAME_MILLISECONDS_MAX = 50

t.setTimeout(60_000)

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
    const frames = await tab.evaluate<number[]>(scrollThrough)
    const slow = frames.filter((milliseconds) => milliseconds > FRAME_MILLISECONDS_MAX)
    t.ok(slow.length <= frames.length / 10, `${slow.length} of ${frames.length} frames took longer: ${slow.join(', ')}`)
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
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowUp')
    t.equal(await selected.getAttribute('data-id'), id)
  })

  t.test('are moved through by keyboard, and opened', async (t) => {
    await grid.focus()
    await page.keyboard.press('Home')
    await page.locator('#row-0[aria-selected="true"]').waitFor()
    await page.keyboard.press('PageDown')
    const page1 = Number((await selected.getAttribute('aria-rowindex')) ?? 0)
    t.ok(page1 > 15, `a page is ${page1} rows`)
    await page.keyboard.press('ArrowDown')
    t.equal(await selected.getAttribute('aria-rowindex'), String(page1 + 1))
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

/** In the page: a second of scrolling, and how long each frame took. */
const scrollThrough = `new Promise((resolve) => {
  const scroll = document.querySelector('.grid-scroll')
  const frames = []
  let last = performance.now()
  const step = (now) => {
    frames.push(Math.round(now - last))
    last = now
    scroll.scrollTop -= 400
    if (frames.length < 60) requestAnimationFrame(step)
    else resolve(frames)
  }
  requestAnimationFrame(step)
})`
