// The page for everybody: axe finds nothing serious in any view, light and dark, wide and narrow; nothing is wider than a phone; all goes by keyboard.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import t, { type Test } from 'tap'
import { launchBrowser } from '../support/browser.js'
import { peerOrSkip } from '../support/peers.js'
import type { PageDriver } from './page-driver.js'
import { VIEWS } from './page-driver.js'
import { ADMIN, openLoggedIn, openStage, openTab } from './page-stage.js'

t.setTimeout(240_000)

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const WIDE = { width: 1360, height: 900 }
const NARROW = { width: 390, height: 844 }

const isLong = process.env.TURND_TEST_LONG === '1'
const DARK_IN_SHORT: readonly string[] = ['overview', 'users', 'a client']

t.test('the page', { skip: peerOrSkip('chromium') }, async (t) => {
  const browser = await launchBrowser(t)
  const stage = await openStage(t, 120)

  t.test('is open to everybody in every view, light and dark, wide and narrow', async (t) => {
    const tab = await openLoggedIn(t, browser, stage, { viewport: WIDE, reducedMotion: 'reduce' })
    await tab.page.evaluate(axe)
    for (const view of VIEWS) {
      await tab.page.setViewportSize(WIDE)
      await tab.open(view)
      await checkEachWay(t, tab, view)
    }
    await tab.open('clients')
    const panel = await tab.openClient((await tab.clientRows.first().getAttribute('data-id')) ?? '')
    await checkEachWay(t, tab, 'a client')
    await tab.action('kick', panel).click()
    await checkEachWay(t, tab, 'a dialog')
    await tab.page.keyboard.press('Escape')
    await tab.action('close').click()
    await tab.open('operations')
    await tab.action('dry-run').click()
    await tab.page.locator('[data-result]').waitFor()
    await checkEachWay(t, tab, 'what a reload would change')
  })

  t.test('is open to everybody before they are in', async (t) => {
    const tab = await openTab(t, browser, stage, { viewport: NARROW })
    await tab.load()
    await tab.page.getByRole('heading', { name: 'Log in' }).waitFor()
    await tab.page.evaluate(axe)
    await check(t, tab, 'login')
  })

  t.test('goes by keyboard alone, from the login to a client and back out', async (t) => {
    const tab = await openTab(t, browser, stage)
    const { keyboard } = tab.page
    const focused = () => tab.evaluate<string>('document.activeElement.textContent.trim()')
    const tabTo = async (text: string) => {
      for (let step = 0; step < 40 && (await focused()) !== text; step++) await keyboard.press('Tab')
      t.equal(await focused(), text)
    }
    await tab.load()
    await tab.page.getByLabel('User', { exact: true }).waitFor()
    await keyboard.press('Tab')
    t.equal(await focused(), 'Skip to the content', 'first of all')
    await keyboard.press('Enter')
    await keyboard.press('Tab')
    await keyboard.type(ADMIN.user)
    await keyboard.press('Tab')
    await keyboard.type(ADMIN.password)
    await keyboard.press('Enter')
    await tab.shown('overview')
    await tabTo('Clients')
    const outline = await tab.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle')
    t.equal(outline, 'solid', 'where one is can be seen')
    await keyboard.press('Enter')
    await tab.shown('clients')
    await tab.clientRows.first().waitFor()
    await tab.page.getByRole('grid').focus()
    await keyboard.press('ArrowDown')
    await keyboard.press('Enter')
    await tab.page.locator('[data-client]').waitFor()
    await tab.page.locator('[data-table="counters"]').waitFor()
    await tabTo('Kick…')
    await keyboard.press('Enter')
    await tab.dialog.waitFor()
    t.equal(await focused(), 'Cancel', 'the harmless one has the focus')
    await keyboard.press('Escape')
    t.equal(await focused(), 'Kick…', 'where one was')
    await keyboard.press('Escape')
    await tab.page.locator('[data-client]').waitFor({ state: 'detached' })
    await tab.action('logout').focus()
    await keyboard.press('Enter')
    await tab.page.getByRole('heading', { name: 'Log in' }).waitFor()
  })

  t.test('has the theme that was chosen, also after it was loaded again', async (t) => {
    const tab = await openLoggedIn(t, browser, stage, { colorScheme: 'light' })
    const background = () => tab.evaluate<string>('getComputedStyle(document.body).backgroundColor')
    const light = await background()
    await tab.action('theme').click()
    await tab.action('theme').filter({ hasText: 'Light' }).click()
    await tab.action('theme').filter({ hasText: 'Dark' }).waitFor()
    t.not(await background(), light)
    const dark = await background()
    await tab.page.reload()
    await tab.shown('overview')
    t.equal(await background(), dark)
  })
})

async function checkEachWay(t: Test, tab: PageDriver, what: string): Promise<void> {
  const { page } = tab
  await page.emulateMedia({ colorScheme: 'light' })
  await check(t, tab, what)
  // The theme changes colours, and nothing else: those that have charts, tables and forms stand for the others where time is short.
  if (isLong || DARK_IN_SHORT.includes(what)) {
    await page.emulateMedia({ colorScheme: 'dark' })
    await check(t, tab, `${what}, dark`, ['color-contrast'])
  }
  await page.setViewportSize(NARROW)
  await check(t, tab, `${what}, narrow`, ['scrollable-region-focusable', 'target-size', 'link-in-text-block'])
  await page.setViewportSize(WIDE)
}

/** Contrast, names, roles, and that nobody scrolls sideways. @param rules of axe; none means all */
async function check(t: Test, tab: PageDriver, what: string, rules: readonly string[] = []): Promise<void> {
  const options = { resultTypes: ['violations'], ...(rules.length === 0 ? {} : { runOnly: rules }) }
  const violations = await tab.evaluate<
    string[]
  >(`axe.run(document, ${JSON.stringify(options)}).then(({ violations }) =>
    violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => id + ': ' + nodes.map(({ html, any }) => html.slice(0, 160) + ' ' + (any[0]?.message ?? '')).join(' | ')))`)
  t.same(violations, [], `${what}: nothing serious`)
  t.equal(await tab.overflow(), 0, `${what}: not wider than the window`)
}
