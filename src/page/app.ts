// The page as a whole: session, navigation, connection to the server, and which view is on. Made once, by page.ts.
import { html, render, type TemplateResult } from 'lit-html'
import type { Session } from '../admin/schema/operations.js'
import type { Status } from '../admin/schema/status.js'
import { Api } from './api.js'
import { Dialogs } from './dialogs.js'
import type { Host, View } from './host.js'
import { Live } from './live.js'
import { Notices } from './notices.js'
import { ApiProblem, textOf } from './problem.js'
import { formatRoute, loginTokenOf, parseRoute, type Route } from './router.js'
import { SampleColumns } from './sample-columns.js'
import { footer, header, lostBanner } from './shell.js'
import { BrowserTest } from './views/browser-test.js'
import { Clients } from './views/clients.js'
import { Listeners } from './views/listeners.js'
import { Login } from './views/login.js'
import { Operations } from './views/operations.js'
import { Overview } from './views/overview.js'
import { Refusals } from './views/refusals.js'
import { Users } from './views/users.js'

const RECENT_SECONDS = 600
/** A browser has few connections to one server, and each tab that follows it holds one: those that nobody sees let go. */
const HIDDEN_MILLISECONDS_MAX = 60_000
const SESSION_OVER = 'Your session has ended. Log in to go on where you were.'

export class App implements Host {
  readonly api = new Api()
  readonly dialogs = new Dialogs()
  readonly samples = new SampleColumns(RECENT_SECONDS)
  status: Status | null = null
  route: Route
  readonly #root: HTMLElement
  readonly #notices = new Notices(() => this.refresh())
  readonly #overview = new Overview(this)
  readonly #views: readonly View[]
  readonly #login: Login
  readonly #live: Live
  /** undefined: nobody knows yet; null: nobody is logged in. */
  #session: Session | null | undefined
  #shown: View | null = null
  /** When the next try is, while there is no connection. */
  #retryMs: number | null = null
  #clockOffsetMs = 0
  #isDrawAsked = false
  #hiding: ReturnType<typeof setTimeout> | undefined

  constructor(root: HTMLElement) {
    this.#root = root
    this.#views = [
      this.#overview,
      new Clients(this),
      new Refusals(this),
      new Listeners(this),
      new Users(this),
      new BrowserTest(this),
      new Operations(this),
    ]
    this.route = this.#known(parseRoute(location.hash))
    this.#login = new Login(
      this.api,
      () => this.refresh(),
      (session) => this.#enter(session),
    )
    this.#live = new Live(this.api.eventsUrl, {
      onSample: (sample) => {
        this.samples.append(sample)
        this.#overview.update()
        this.refresh()
      },
      onStatus: (status) => {
        this.status = status
        this.#clockOffsetMs = Date.parse(status.time) - Date.now()
        this.refresh()
      },
      onOpen: () => this.#connected(),
      onLost: (milliseconds) => this.#lost(milliseconds),
    })
    this.api.onSessionOver = () => this.#leave(SESSION_OVER)
  }

  async start(): Promise<void> {
    addEventListener('hashchange', () => this.#routeChanged())
    addEventListener('online', () => this.#live.retryNow())
    document.addEventListener('visibilitychange', () => this.#visibilityChanged())
    document.body.append(this.dialogs.element)
    const token = loginTokenOf(location.hash)
    if (token !== null) {
      // Before anything else: it must stay neither in the address bar nor in the history.
      history.replaceState(null, '', location.pathname + location.search)
      this.route = this.#known(parseRoute(''))
      this.#session = null
      await this.#login.logIn({ loginToken: token })
      return
    }
    try {
      this.#enter(await this.api.session())
    } catch (error) {
      this.#session = null
      if (!(error instanceof ApiProblem && error.status === 401)) this.#login.explain(textOf(error))
      this.refresh()
    }
  }

  get user(): string {
    return this.#session?.user ?? ''
  }

  now(): number {
    return Date.now() + this.#clockOffsetMs
  }

  refresh(): void {
    if (this.#isDrawAsked) return
    this.#isDrawAsked = true
    requestAnimationFrame(() => {
      this.#isDrawAsked = false
      render(this.#page(), this.#root)
    })
  }

  announce(text: string): void {
    this.#notices.show(text, false)
  }

  report(error: unknown): void {
    this.#notices.show(textOf(error), true)
  }

  go(change: Partial<Route>, isReplacing = false): void {
    const next = { ...this.route, ...change }
    const hash = formatRoute(next)
    if (hash === formatRoute(this.route)) return
    if (isReplacing) history.replaceState(null, '', hash)
    else history.pushState(null, '', hash)
    this.#routeChanged()
  }

  #known(route: Route): Route {
    return this.#views.some(({ name }) => name === route.view)
      ? route
      : { view: this.#views[0].name, item: '', query: {} }
  }

  #routeChanged(): void {
    this.route = this.#known(parseRoute(location.hash))
    this.#showView()
  }

  #showView(): void {
    if (!this.#session) {
      this.refresh()
      return
    }
    const view = this.#views.find(({ name }) => name === this.route.view) ?? this.#views[0]
    const isOther = view !== this.#shown
    if (isOther) this.#shown?.hide()
    this.#shown = view
    document.title = `${view.title} – turnd`
    view.show(this.route)
    if (isOther) scrollTo(0, 0)
    this.refresh()
    requestAnimationFrame(showCurrentLink)
  }

  #enter(session: Session): void {
    this.#session = session
    this.#login.explain('')
    this.#showView()
    this.#live.start()
  }

  #leave(reason: string): void {
    if (this.#session === null) return
    this.#session = null
    this.#retryMs = null
    this.#login.explain(reason)
    this.#live.stop()
    this.#shown?.hide()
    this.#shown = null
    this.dialogs.close()
    this.refresh()
  }

  async #logOut(): Promise<void> {
    try {
      await this.api.logout()
      this.#leave('')
    } catch (error) {
      this.report(error)
    }
  }

  #visibilityChanged(): void {
    clearTimeout(this.#hiding)
    if (document.hidden) this.#hiding = setTimeout(() => this.#live.stop(), HIDDEN_MILLISECONDS_MAX)
    else if (this.#session && !this.#live.isStarted) this.#live.start()
  }

  async #connected(): Promise<void> {
    const wasLost = this.#retryMs !== null
    this.#retryMs = null
    if (wasLost) this.announce('Connected again.')
    try {
      this.samples.load(await this.api.history('recent'))
      this.#overview.update()
    } catch (error) {
      this.report(error)
    }
    this.refresh()
  }

  #lost(milliseconds: number): void {
    this.#retryMs = performance.now() + milliseconds
    this.refresh()
    // The stream says only that it ended: an answer tells whether it was the session.
    this.api.session().catch((error) => {
      if (error instanceof ApiProblem && error.status === 401) this.#leave(SESSION_OVER)
    })
  }

  #page(): TemplateResult {
    const session = this.#session
    const isLost = this.#retryMs !== null
    return html`
      ${header({ session, views: this.#views, shown: this.#shown, status: this.status, isLost, logOut: () => this.#logOut(), refresh: () => this.refresh() })}
      ${isLost ? lostBanner(this.status?.status === 'Draining', () => this.#live.retryNow()) : ''}
      <main id="main" tabindex="-1">${this.#main()}</main>
      ${footer(this.status)}
      ${this.#notices.render()}`
  }

  #main(): TemplateResult | string {
    if (this.#session === undefined) return ''
    return this.#session === null ? this.#login.render() : (this.#shown?.render() ?? '')
  }
}

/** On a narrow page the navigation scrolls. */
function showCurrentLink(): void {
  document.querySelector('nav [aria-current="page"]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
}
