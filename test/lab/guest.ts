// A guest: Debian's Chromium on the meeting's page (cms/page), in a network namespace or on this machine. It knows the page's marks, so that tests
// need not.
import type { Browser, Page } from 'playwright-core'
import { launchBrowser } from '../support/browser.js'
import type { Closing } from '../support/closing.js'
import type { CallCount } from './cms/media-count.js'

const PAGE_MILLISECONDS_MAX = 60_000

export type GuestState =
  | 'loading'
  | 'ready'
  | 'joining'
  | 'joined'
  | 'connected'
  | 'failed'
  | 'refused'
  | 'ended'
  | 'closed'

/** What the page knows of its call. */
export interface GuestCall {
  readonly state: GuestState
  /** What the page says is wrong; '' if nothing is. */
  readonly problem: string
  readonly number: number
  /** Its own, as in SDP. */
  readonly candidates: readonly string[]
  /** What the browser could not make a candidate of. */
  readonly errors: readonly { readonly errorCode: number; readonly errorText: string; readonly url: string }[]
  /** The selected pair, by getStats. */
  readonly pair: {
    readonly local: string
    readonly remote: string
    /** The way to the relay: udp, tcp or tls. */
    readonly relayProtocol: string
    readonly localAddress: string
    readonly remoteAddress: string
  } | null
  /** What the browser counts. */
  readonly media: CallCount | null
  /** What the call bridge counts of the same call. */
  readonly bridge: (CallCount & { readonly state: string }) | null
}

export interface GuestOptions {
  readonly url: string
  /** What the browser is run by, such as `ip netns exec outside`. */
  readonly prefix?: readonly string[]
  /** A certificate (PEM) that is trusted whatever it says: openUrl() of support/browser.ts. Without one the browser has its own authorities. */
  readonly trusted?: string | null
  /** One that runs already, of launchBrowser(): the guest is somebody new in it. */
  readonly browser?: Browser
}

export class Guest {
  readonly page: Page
  /** null: others use it too. */
  readonly #browser: Browser | null

  constructor(page: Page, browser: Browser | null) {
    this.#browser = browser
    this.page = page
  }

  /** Opens the page, and resolves when it shows whether one can join; rejects with what is there instead. The browser ends with `t`. */
  static async open(t: Closing, { browser, url, prefix = [], trusted = null }: GuestOptions): Promise<Guest> {
    const running = browser ?? (await launchBrowser(t, trusted, prefix))
    const page = await running.newPage({ viewport: { width: 1180, height: 760 } })
    const guest = new Guest(page, browser === undefined ? running : null)
    try {
      const response = await page.goto(url, { timeout: PAGE_MILLISECONDS_MAX })
      if (!response?.ok()) throw new Error(`${url} answers ${response?.status()}: ${await response?.text()}`)
      await guest.#untilState(['ready', 'closed'], PAGE_MILLISECONDS_MAX)
      return guest
    } catch (error) {
      await guest.close()
      throw error
    }
  }

  /** Types the Call ID and presses Join. Resolves when media flows, or with the problem that the page shows. */
  async join(callId: string, milliseconds = PAGE_MILLISECONDS_MAX): Promise<GuestCall> {
    await this.page.getByLabel('Call ID').fill(callId)
    await this.joinButton.click()
    await this.#untilState(['connected', 'failed', 'refused'], milliseconds)
    return this.call()
  }

  get joinButton() {
    return this.page.getByRole('button', { name: 'Join' })
  }

  /** Resolves when so many frames of video have come back, and audio with them, by both ends' counts. */
  async media(frameCount: number, milliseconds = PAGE_MILLISECONDS_MAX): Promise<GuestCall> {
    const isThere = `(() => {
      const { state, media, bridge, pair } = window.guest
      if (state !== 'connected') throw new Error('the call is ' + state + ': ' + window.guest.problem)
      if (media === null || bridge === null || pair === null) return false
      return [media, bridge].every(({ audio, video }) =>
        [video.sent, video.received].every(({ frames }) => frames >= ${frameCount}) &&
        [audio.sent, audio.received].every(({ packets }) => packets >= ${frameCount}))
    })()`
    await this.page.waitForFunction(isThere, undefined, { timeout: milliseconds })
    return this.call()
  }

  async leave(): Promise<void> {
    await this.page.getByRole('button', { name: 'Leave' }).click()
    await this.#untilState(['ended'], PAGE_MILLISECONDS_MAX)
  }

  async call(): Promise<GuestCall> {
    return (await this.page.evaluate('window.guest')) as GuestCall
  }

  async screenshot(path: string): Promise<void> {
    await this.page.screenshot({ path })
  }

  async close(): Promise<void> {
    // A page of its own has a profile of its own, which goes with it.
    await (this.#browser ?? this.page).close()
  }

  async #untilState(states: readonly GuestState[], milliseconds: number): Promise<void> {
    const selector = states.map((state) => `html[data-state="${state}"]`).join(',')
    await this.page.locator(selector).waitFor({ timeout: milliseconds })
  }
}
