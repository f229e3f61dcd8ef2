// What an open status page and a monitoring system ask of a server, without the browser that would draw it: the stream of events, the list of
// clients as the page refreshes it, refusals, and the API and the metrics once a second. Goes on until standard input ends.
import { askServers } from '../../src/admin/control-client.js'

export interface PageWatcherOptions {
  /** Of the server: its control socket gives a login. */
  readonly stateDir: string
}

export interface PageWatcherResult {
  readonly seconds: number
  readonly requests: number
  readonly events: number
  readonly bytes: number
  /** Answers that were none of 200, and requests that failed. */
  readonly errors: number
  /** The watcher's own CPU time: it may share its core with the generator of packets. */
  readonly cpuSeconds: number
}

/** What is asked how often, in milliseconds: as src/page does it, and twice that for an impatient poller. */
const POLLS = [
  { path: '/api/v1/clients?limit=100&sort=bytesToClient&order=desc', milliseconds: 2000 },
  { path: '/api/v1/refusals', milliseconds: 2000 },
  { path: '/api/v1/captures', milliseconds: 2000 },
  { path: '/api/v1/status', milliseconds: 1000 },
  { path: '/metrics', milliseconds: 1000 },
] as const

export async function watchPage({ stateDir }: PageWatcherOptions): Promise<PageWatcherResult> {
  const { origin, token } = await login(stateDir)
  const watcher = new Watcher(origin, token)
  const start = performance.now()
  await watcher.run(new Promise((resolve) => process.stdin.resume().once('end', resolve)))
  const { system, user } = process.cpuUsage()
  const cpuSeconds = (system + user) / 1e6
  const { bytes, errors, events, requests } = watcher
  return { seconds: (performance.now() - start) / 1000, requests, events, bytes, errors, cpuSeconds }
}

async function login(stateDir: string): Promise<{ origin: string; token: string }> {
  const [answer] = await askServers(stateDir, { command: 'login' })
  if (answer?.kind !== 'result') throw new Error(`no login link: ${JSON.stringify(answer)}`)
  const { link } = answer.result as { link: string }
  const { hash, origin } = new URL(link)
  const response = await fetch(`${origin}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ loginToken: hash.replace('#login=', '') }),
  })
  const { token } = (await response.json()) as { token: string }
  return { origin, token }
}

class Watcher {
  requests = 0
  events = 0
  bytes = 0
  errors = 0
  readonly #origin: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #ending = new AbortController()

  constructor(origin: string, token: string) {
    this.#origin = origin
    this.#headers = { authorization: `Bearer ${token}` }
  }

  async run(end: Promise<unknown>): Promise<void> {
    const timers = POLLS.map(({ milliseconds, path }) => setInterval(() => void this.#poll(path), milliseconds))
    const streamed = this.#stream()
    await end
    for (const timer of timers) clearInterval(timer)
    this.#ending.abort()
    await streamed
  }

  async #poll(path: string): Promise<void> {
    try {
      const response = await fetch(`${this.#origin}${path}`, { headers: this.#headers })
      this.requests++
      this.bytes += (await response.arrayBuffer()).byteLength
      if (response.status !== 200) this.errors++
    } catch {
      this.errors++
    }
  }

  async #stream(): Promise<void> {
    try {
      const { signal } = this.#ending
      const response = await fetch(`${this.#origin}/api/v1/events`, { headers: this.#headers, signal })
      if (response.status !== 200) this.errors++
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        this.bytes += chunk.length
        this.events += Buffer.from(chunk).toString('latin1').split('\nevent:').length - 1
      }
    } catch {
      if (!this.#ending.signal.aborted) this.errors++
    }
  }
}
