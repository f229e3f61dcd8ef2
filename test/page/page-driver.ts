// The status page as a person uses it, for tests: log in, open a view, look for a client, answer a dialog. It knows the page's marks, so that tests
// need not.
import type { Locator, Page } from 'playwright-core'

export type ViewName = 'overview' | 'clients' | 'refusals' | 'listeners' | 'users' | 'test' | 'operations'

export const VIEWS: readonly ViewName[] = [
  'overview',
  'clients',
  'refusals',
  'listeners',
  'users',
  'test',
  'operations',
]

export class PageDriver {
  readonly page: Page
  /** Of the server, without a path. */
  readonly url: string

  constructor(page: Page, url: string) {
    this.page = page
    this.url = url
  }

  /** Loads the page. @param hash such as `#clients` */
  async load(hash = ''): Promise<void> {
    await this.page.goto(`${this.url}/${hash}`)
  }

  /** On the form that is shown. */
  async logIn(user: string, password: string): Promise<void> {
    await this.page.getByLabel('User', { exact: true }).fill(user)
    await this.page.getByLabel('Password', { exact: true }).fill(password)
    await this.page.getByRole('button', { name: 'Log in' }).click()
  }

  async logOut(): Promise<void> {
    await this.action('logout').click()
    await this.page.getByRole('heading', { name: 'Log in' }).waitFor()
  }

  /** By its link in the navigation. */
  async open(view: ViewName): Promise<void> {
    await this.page.locator(`nav a[href="#${view}"]`).click()
    await this.shown(view)
  }

  /** Resolves when the view is on and has what it shows. */
  async shown(view: ViewName): Promise<void> {
    await this.page.locator(`nav a[href="#${view}"][aria-current="page"]`).waitFor()
    await this.page.locator('main').getByText('Asking the server…').first().waitFor({ state: 'hidden' })
  }

  /** A button or link by what it does. */
  action(name: string, within: Locator | Page = this.page): Locator {
    return within.locator(`[data-action="${name}"]`)
  }

  get dialog(): Locator {
    return this.page.locator('dialog[open]')
  }

  /** Presses the button that does it. */
  async confirm(): Promise<void> {
    await this.action('confirm', this.dialog).click()
  }

  /** What the page says about what happened last. */
  get notice(): Locator {
    return this.page.locator('.notices .notice')
  }

  get alarms(): Locator {
    return this.page.locator('[data-alarm]')
  }

  /** The status block, by its words. */
  async statusBlock(): Promise<Record<string, string>> {
    const block = this.page.locator('[data-block="status"]')
    const [names, values] = await Promise.all([
      block.locator('dt').allInnerTexts(),
      block.locator('dd').allInnerTexts(),
    ])
    return Object.fromEntries(names.map((name, index) => [name, values[index]]))
  }

  /** The rows of the clients' table that the page has now. */
  get clientRows(): Locator {
    return this.page.locator('.grid tbody tr[data-id]')
  }

  /** Waits until so many clients are said to match. */
  async search(text: string, found: RegExp): Promise<void> {
    await this.page.getByLabel('Search user or address').fill(text)
    await this.page.locator('[data-found]').filter({ hasText: found }).waitFor()
  }

  async sortBy(key: string): Promise<void> {
    await this.page.locator(`.grid [data-sort="${key}"]`).click()
  }

  async openClient(id: string): Promise<Locator> {
    await this.page.locator(`.grid tr[data-id="${id}"]`).click()
    const panel = this.page.locator(`[data-client="${id}"]`)
    await panel.locator('[data-table="counters"]').waitFor()
    return panel
  }

  /** Presses the button of the browser test, and waits until it is over. @returns the text of each result by its URI */
  async runBrowserTest(milliseconds: number): Promise<Record<string, { stage: string; text: string }>> {
    const form = this.page.locator('form[data-run]')
    const run = Number(await form.getAttribute('data-run')) + 1
    await this.action('start').click()
    await this.page.locator(`[data-run="${run}"][data-state="over"]`).waitFor({ timeout: milliseconds })
    const results: Record<string, { stage: string; text: string }> = {}
    for (const card of await this.page.locator('.result').all()) {
      const [uri, stage, text] = [card.getAttribute('data-uri'), card.getAttribute('data-stage'), card.textContent()]
      results[(await uri) ?? ''] = { stage: (await stage) ?? '', text: (await text) ?? '' }
    }
    return results
  }

  /** On a page that knows nothing of `document`. */
  async evaluate<Value>(expression: string): Promise<Value> {
    return (await this.page.evaluate(expression)) as Value
  }

  /** By how much the page is wider than the window: 0 where nobody has to scroll sideways. */
  overflow(): Promise<number> {
    return this.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
  }
}
