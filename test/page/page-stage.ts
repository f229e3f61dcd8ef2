// The page in a browser, served by the real admin server over a busy one that is made up. Used by the page's tests.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { type AdminServer, openAdminServer } from '../../src/admin/admin-server.js'
import { parseAdminListen } from '../../src/config/listen-spec.js'
import { silentLogger } from '../../src/log/logger.js'
import { ADMIN } from '../admin/support/fake-administered.js'
import type { Closing } from '../support/closing.js'
import { BusyAdministered } from './busy-administered.js'
import { PageDriver } from './page-driver.js'

/** Nothing that these tests wait for takes longer, on a machine that has other things to do. */
const STEP_MILLISECONDS_MAX = 60_000
const TICK_MILLISECONDS = 1000

export interface Stage {
  readonly administered: BusyAdministered
  readonly server: AdminServer
}

export async function openStage(t: Closing, clientCount: number, port = 0): Promise<Stage> {
  const administered = new BusyAdministered(clientCount)
  const server = await serve(administered, port)
  t.teardown(() => server.close())
  const timer = setInterval(() => administered.tick(), TICK_MILLISECONDS)
  t.teardown(() => clearInterval(timer))
  return { administered, server }
}

export function serve(administered: BusyAdministered, port: number): Promise<AdminServer> {
  const listen = parseAdminListen(`127.0.0.1:${port}`)
  if (listen === null) throw new Error('no address')
  const nothing = { publicNames: [], certificate: null, metricsTokens: [] }
  return openAdminServer({ administered, listen, ...nothing, logger: silentLogger(), warn: () => {} })
}

export interface Tab extends PageDriver {
  /** What went wrong in the page: exceptions, and what its policy forbade. */
  readonly errors: readonly string[]
}

/** A tab with cookies of its own. */
export async function openTab(
  t: Closing,
  browser: Browser,
  { server }: Pick<Stage, 'server'>,
  options: BrowserContextOptions = {},
): Promise<Tab> {
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, ...options })
  t.teardown(() => context.close())
  context.setDefaultTimeout(STEP_MILLISECONDS_MAX)
  const page = await context.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  return Object.assign(new PageDriver(page, server.url), { errors })
}

/** The same, logged in by a link, on a view. */
export async function openLoggedIn(
  t: Closing,
  browser: Browser,
  stage: Pick<Stage, 'server'>,
  options: BrowserContextOptions = {},
): Promise<Tab> {
  const tab = await openTab(t, browser, stage, options)
  await tab.page.goto(stage.server.loginLink())
  await tab.shown('overview')
  return tab
}

export { ADMIN }

/** A way to the server that can be shut: what a network does that fails. */
export interface Gate {
  readonly url: string
  shut(): Promise<void>
  open(): Promise<void>
}

export async function openGate(t: Closing, server: AdminServer): Promise<Gate> {
  const sockets = new Set<Socket>()
  const gate = createServer((socket) => {
    const onward = connect(server.address.port, server.address.host)
    for (const side of [socket, onward]) {
      sockets.add(side)
      side.on('error', () => {})
      side.on('close', () => {
        sockets.delete(side)
        socket.destroy()
        onward.destroy()
      })
    }
    socket.pipe(onward).pipe(socket)
  })
  let port = 0
  const open = async () => {
    gate.listen(port, '127.0.0.1')
    await once(gate, 'listening')
    port = (gate.address() as AddressInfo).port
  }
  const shut = async () => {
    const isClosed = once(gate, 'close')
    gate.close()
    for (const socket of sockets) socket.destroy()
    await isClosed
  }
  await open()
  t.teardown(() => (gate.listening ? shut() : undefined))
  return { url: `http://127.0.0.1:${port}`, shut, open }
}
