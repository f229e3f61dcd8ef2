// The server's events: a sample and its status each second. When they stop, it connects again by itself, after a while that grows with every failure.
import type { Sample, Status } from '../admin/schema/status.js'

const RETRY_MILLISECONDS_MIN = 500
const RETRY_MILLISECONDS_MAX = 15_000
/** Samples come once a second: a connection that is silent for so long is dead, whatever TCP thinks. */
const SILENCE_MILLISECONDS_MAX = 8000

export interface LiveEvents {
  onSample(sample: Sample): void
  onStatus(status: Status): void
  /** The stream stands, or again. */
  onOpen(): void
  /** It does not: tried again in so many milliseconds. */
  onLost(retryMilliseconds: number): void
}

export class Live {
  readonly #url: string
  readonly #events: LiveEvents
  #source: EventSource | null = null
  #retry: ReturnType<typeof setTimeout> | undefined
  #watchdog: ReturnType<typeof setTimeout> | undefined
  #failures = 0
  #isStarted = false

  constructor(url: string, events: LiveEvents) {
    this.#url = url
    this.#events = events
  }

  start(): void {
    this.stop()
    this.#failures = 0
    this.#isStarted = true
    this.#open()
  }

  /** Also while it waits for the next try. */
  get isStarted(): boolean {
    return this.#isStarted
  }

  stop(): void {
    this.#isStarted = false
    clearTimeout(this.#retry)
    clearTimeout(this.#watchdog)
    this.#source?.close()
    this.#source = null
  }

  /** Does not wait for the next try. */
  retryNow(): void {
    if (this.#source !== null || !this.#isStarted) return
    clearTimeout(this.#retry)
    this.#open()
  }

  #open(): void {
    const source = new EventSource(this.#url)
    this.#source = source
    this.#watch()
    source.addEventListener('open', () => {
      this.#failures = 0
      this.#watch()
      this.#events.onOpen()
    })
    source.addEventListener('sample', ({ data }) => {
      this.#watch()
      this.#events.onSample(JSON.parse(data) as Sample)
    })
    source.addEventListener('status', ({ data }) => this.#events.onStatus(JSON.parse(data) as Status))
    source.addEventListener('error', () => this.#lose())
  }

  #watch(): void {
    clearTimeout(this.#watchdog)
    this.#watchdog = setTimeout(() => this.#lose(), SILENCE_MILLISECONDS_MAX)
  }

  #lose(): void {
    if (this.#source === null) return
    this.stop()
    this.#isStarted = true
    const delay = Math.min(RETRY_MILLISECONDS_MAX, RETRY_MILLISECONDS_MIN * 2 ** this.#failures)
    this.#failures++
    // Pages that lost the same server do not all come back in the same moment.
    const jittered = Math.round(delay * (0.75 + Math.random() / 2))
    this.#retry = setTimeout(() => this.#open(), jittered)
    this.#events.onLost(jittered)
  }
}
