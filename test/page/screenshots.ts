// Screenshots of every view, light, dark and narrow, to be looked at: `node build/test/page/screenshots.js DIRECTORY [VIEW…]`.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { launchBrowser } from '../support/browser.js'
import { ClosingList } from '../support/closing.js'
import { VIEWS, type ViewName } from './page-driver.js'
import { openLoggedIn, openStage, openTab } from './page-stage.js'

const [directory = 'build/screenshots', ...named] = process.argv.slice(2)
const views = named.length === 0 ? VIEWS : VIEWS.filter((view) => named.includes(view))
const WIDE = { width: 1360, height: 900 }
const NARROW = { width: 390, height: 844 }

mkdirSync(directory, { recursive: true })
const closing = new ClosingList()
try {
  const stage = await openStage(closing, 6000)
  const browser = await launchBrowser(closing)
  const loggedOut = await openTab(closing, browser, stage)
  await loggedOut.load()
  await loggedOut.page.getByRole('heading', { name: 'Log in' }).waitFor()
  await loggedOut.page.screenshot({ path: join(directory, 'login.png') })
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const viewport of [WIDE, NARROW]) {
      const tab = await openLoggedIn(closing, browser, stage, { colorScheme, viewport })
      for (const view of views) await shoot(tab, view, `${colorScheme}-${viewport.width}`)
      console.log(colorScheme, viewport.width, tab.errors)
      await tab.page.close()
    }
  }
} finally {
  await closing.close()
}

async function shoot(tab: Awaited<ReturnType<typeof openLoggedIn>>, view: ViewName, name: string): Promise<void> {
  await tab.open(view)
  const overflow = await tab.overflow()
  if (overflow > 0) console.log(`${view} ${name} is ${overflow} px too wide`)
  // Live numbers, a chart and its table: what comes with the next sample.
  await tab.page.waitForTimeout(1300)
  await tab.page.screenshot({ path: join(directory, `${view}-${name}.png`), fullPage: view !== 'clients' })
  if (view !== 'clients') return
  await tab.openClient((await tab.clientRows.nth(3).getAttribute('data-id')) ?? '')
  await tab.page.waitForTimeout(2500)
  await tab.page.screenshot({ path: join(directory, `client-${name}.png`) })
  await tab.action('close').click()
}
