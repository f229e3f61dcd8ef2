// Getting in and staying in: login by password and by link, errors in words, the end of a session, a connection that is lost and comes back.
import t from 'tap'
import { launchBrowser } from '../support/browser.js'
import { peerOrSkip } from '../support/peers.js'
import { ADMIN, openGate, openStage, openTab } from './page-stage.js'

t.setTimeout(240_000)

t.test('the page', { skip: peerOrSkip('chromium') }, async (t) => {
  const browser = await launchBrowser(t)
  const stage = await openStage(t, 50)

  t.test('asks for name and password, says what is wrong, and goes where one wanted to be', async (t) => {
    const tab = await openTab(t, browser, stage)
    await tab.load('#users')
    await tab.logIn(ADMIN.user, 'wrong')
    const alert = tab.page.getByRole('alert').filter({ hasText: 'no admin user' })
    await alert.waitFor()
    await tab.logIn(ADMIN.user, ADMIN.password)
    await tab.shown('users')
    t.equal(new URL(tab.page.url()).hash, '#users')
    await tab.logOut()
    await tab.page.reload()
    await tab.page.getByRole('heading', { name: 'Log in' }).waitFor()
    t.same(
      tab.errors.filter((text) => !text.includes('401')),
      [],
      'nothing else went wrong',
    )
  })

  t.test('takes a login link, whose token stays neither in the address nor in the history', async (t) => {
    const tab = await openTab(t, browser, stage)
    const link = stage.server.loginLink()
    await tab.page.goto(link)
    await tab.shown('overview')
    t.equal(new URL(tab.page.url()).hash, '')
    await tab.open('listeners')
    await tab.page.goBack()
    t.notMatch(tab.page.url(), /login/)
    await tab.logOut()
    await tab.page.goto('about:blank')
    await tab.page.goto(link)
    await tab.page.getByRole('alert').filter({ hasText: 'login link was used' }).waitFor()
  })

  t.test('asks again when the session is over, and stays where it was', async (t) => {
    const tab = await openTab(t, browser, stage)
    await tab.load('#refusals?user=alice')
    await tab.logIn(ADMIN.user, ADMIN.password)
    await tab.shown('refusals')
    await tab.page.context().clearCookies()
    await tab.page.getByRole('alert').filter({ hasText: 'Your session has ended' }).waitFor()
    await tab.logIn(ADMIN.user, ADMIN.password)
    await tab.shown('refusals')
    t.equal(await tab.page.getByLabel('User', { exact: true }).inputValue(), 'alice')
  })

  t.test('says that the connection is lost, and comes back by itself', async (t) => {
    const gate = await openGate(t, stage.server)
    // Through the gate: a session is of the port that the browser uses.
    const tab = await openTab(t, browser, stage)
    await tab.page.goto(stage.server.loginLink().replace(stage.server.url, gate.url))
    await tab.shown('overview')
    await tab.page.locator('[data-state]').filter({ hasText: 'Active' }).waitFor()
    await gate.shut()
    await tab.page.getByRole('alert').filter({ hasText: 'connection to the server is lost' }).waitFor()
    t.equal(await tab.page.locator('[data-state]').textContent(), 'No connection')
    await gate.open()
    await tab.page.getByRole('alert').filter({ hasText: 'lost' }).waitFor({ state: 'detached' })
    await tab.page.locator('[data-state]').filter({ hasText: 'Active' }).waitFor()
  })
})
