// Debian's Chromium, driven by playwright-core, with one of the pages of test/interop/pages/. Used by the interop tests.
import { createHash, X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { temporaryDirectory } from './certificate.js'
import type { Closing } from './closing.js'
import { withDeadline } from './deadline.js'
import { findCommand } from './peers.js'
import { projectRoot } from './project-root.js'

const LAUNCH_MILLISECONDS_MAX = 60_000

const FLAGS = [
  // Tests may run as root in a container.
  ...['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  // Nothing but the call: no QUIC, no look-ups, updates or accounts in the background.
  ...[
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
  // A camera and a microphone that need no hardware and no question.
  ...[
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
    '--autoplay-policy=no-user-gesture-required',
  ],
  // The TURN server is on 127.0.0.1, and the machine may have no other network.
  '--allow-loopback-in-peer-connection',
]

export interface BrowserPage {
  /** Calls a function of the page with a JSON argument, resolves with its JSON result. */
  call(name: string, argument: unknown, milliseconds: number): Promise<unknown>
}

/**
 * A fresh profile on `page` of test/interop/pages/, in this browser or in one of its own; it goes with `t`.
 * @param trusted as for openUrl, of a browser of its own
 */
export async function openPage(
  t: Closing,
  page: string,
  { browser, trusted = null }: { browser?: Browser; trusted?: string | null } = {},
): Promise<BrowserPage> {
  return openTab(t, browser ?? (await launchBrowser(t, trusted)), await servePage(t, page))
}

/**
 * Starts a browser with a fresh profile on a page that somebody serves; it ends, and the profile goes, with `t`.
 * @param trusted a certificate (PEM) that the browser trusts for everything, TURN over TLS too, as if an authority had signed it
 */
export async function openUrl(t: Closing, url: string, trusted: string | null = null): Promise<BrowserPage> {
  return openTab(t, await launchBrowser(t, trusted), url)
}

async function openTab(t: Closing, browser: Browser, url: string): Promise<BrowserPage> {
  const tab = await browser.newPage()
  t.teardown(() => tab.close())
  await tab.goto(url, { timeout: LAUNCH_MILLISECONDS_MAX })
  return {
    call: (name, argument, milliseconds) =>
      withDeadline(tab.evaluate(`${name}(${JSON.stringify(argument)})`), milliseconds, () => `${name} in the browser`),
  }
}

/**
 * A browser with a fresh profile, which ends with `t`.
 * @param trusted as for openUrl
 * @param prefix what it is run by, such as `ip netns exec NAME`
 */
export async function launchBrowser(
  t: Closing,
  trusted: string | null = null,
  prefix: readonly string[] = [],
): Promise<Browser> {
  const chromiumPath = findCommand('chromium') ?? 'chromium'
  const browser = await chromium.launch({
    executablePath: prefix.length === 0 ? chromiumPath : writeLauncher([...prefix, chromiumPath]),
    args: trusted === null ? FLAGS : [...FLAGS, `--ignore-certificate-errors-spki-list=${keyHash(trusted)}`],
    timeout: LAUNCH_MILLISECONDS_MAX,
    // Without tap's instrumentation, and no proxy between the browser and 127.0.0.1.
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/tmp' },
  })
  t.teardown(() => browser.close())
  return browser
}

/** A script that becomes this command: playwright-core starts a file, and its own arguments follow. */
function writeLauncher(command: readonly string[]): string {
  const path = join(temporaryDirectory(), 'chromium')
  writeFileSync(path, `#!/bin/sh\nexec ${command.join(' ')} "$@"\n`, { mode: 0o700 })
  return path
}

/** How the flag names a certificate: by its key. It works in a fresh profile alone, which is what the browser has here. */
function keyHash(certificate: string): string {
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(key).digest('base64')
}

/** A page of test/interop/pages/. */
export function readPage(page: string): Promise<Buffer> {
  return readFile(join(projectRoot, 'test', 'interop', 'pages', page))
}

/** Its URL: camera and microphone are only given to a secure context, which http://127.0.0.1 is and a file is not. */
export async function servePage(t: Closing, page: string): Promise<string> {
  const html = await readPage(page)
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8').end(html)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}
