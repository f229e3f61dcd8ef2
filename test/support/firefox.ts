// Debian's Firefox, driven by puppeteer-core over WebDriver BiDi. Used by the matrix of clients.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, launch } from 'puppeteer-core'
import type { BrowserPage } from './browser.js'
import type { Closing } from './closing.js'
import { withDeadline } from './deadline.js'
import { findCommand } from './peers.js'
import { onProcessEnd } from './process-end.js'

const LAUNCH_MILLISECONDS_MAX = 60_000

/** Of its copies one is enough for a page, and each costs a start. */
const ONE_PROCESS = {
  'dom.ipc.processCount': 1,
  'dom.ipc.processPrelaunch.enabled': false,
  'browser.startup.page': 0,
  'browser.newtabpage.enabled': false,
  'browser.newtabpage.activity-stream.feeds.system.topsites': false,
  'browser.aboutwelcome.enabled': false,
}

const PREFERENCES = {
  ...ONE_PROCESS,
  // The TURN server is on loopback, and the machine may have no other network.
  'media.peerconnection.ice.loopback': true,
  // A camera and a microphone that need no hardware and no question.
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
}

export interface FirefoxOptions {
  /** The file of an authority's certificate (PEM), which this browser trusts beside its own ones. */
  readonly authorityPath: string
  /** What every name is resolved to, in place of asking a resolver. */
  readonly address: string
}

/** Starts a browser with a fresh profile on `url`; it ends, and the profile goes, with `t`. */
export async function openFirefox(t: Closing, url: string, options: FirefoxOptions): Promise<BrowserPage> {
  const aborting = new AbortController()
  // Its processes, from their start on, and then what they write.
  const forgetBrowser = onProcessEnd(() => aborting.abort())
  const profile = mkdtempSync(join(tmpdir(), 'turnd-firefox-'))
  const removeProfile = () => rmSync(profile, { recursive: true, force: true, maxRetries: 10 })
  const forgetProfile = onProcessEnd(removeProfile)
  t.teardown(() => {
    removeProfile()
    forgetProfile()
  })
  trust(profile, options.authorityPath)
  const browser = await launchFirefox(profile, options.address, aborting.signal)
  t.teardown(async () => {
    await browser.close()
    forgetBrowser()
  })
  const tab = await browser.newPage()
  await tab.goto(url, { timeout: LAUNCH_MILLISECONDS_MAX })
  return {
    call: (name, argument, milliseconds) =>
      withDeadline(tab.evaluate(`${name}(${JSON.stringify(argument)})`), milliseconds, () => `${name} in Firefox`),
  }
}

/** In the profile's database: so chain and name are verified as they are everywhere. WebDriver's acceptInsecureCerts would take any certificate. */
function trust(profile: string, authorityPath: string): void {
  const certutil = (...args: string[]) => execFileSync('certutil', [...args, '-d', `sql:${profile}`], { stdio: 'pipe' })
  certutil('-N', '--empty-password')
  certutil('-A', '-n', 'authority of the test', '-t', 'C,,', '-i', authorityPath)
}

function launchFirefox(profile: string, address: string, signal: AbortSignal): Promise<Browser> {
  return launch({
    browser: 'firefox',
    executablePath: findCommand('firefox-esr') ?? 'firefox-esr',
    headless: true,
    userDataDir: profile,
    extraPrefsFirefox: { ...PREFERENCES, 'network.dns.forceResolve': address },
    timeout: LAUNCH_MILLISECONDS_MAX,
    signal,
    // Whoever starts it ends it.
    ...{ handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false },
    // Without tap's instrumentation, and with nothing of the user's home.
    env: { PATH: process.env.PATH ?? '', HOME: profile },
  })
}
