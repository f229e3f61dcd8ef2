// Asks again and again while somebody looks: never twice at once, and not while the page is hidden.

export class Poll {
  readonly #milliseconds: number
  readonly #task: () => Promise<void>
  #timer: ReturnType<typeof setTimeout> | undefined
  #isStarted = false
  #isRunning = false
  #isAskedAgain = false
  readonly #onVisible = () => {
    if (!document.hidden) this.now()
  }

  /** @param task must not reject */
  constructor(milliseconds: number, task: () => Promise<void>) {
    this.#milliseconds = milliseconds
    this.#task = task
  }

  start(): void {
    if (!this.#isStarted) document.addEventListener('visibilitychange', this.#onVisible)
    this.#isStarted = true
    this.now()
  }

  stop(): void {
    this.#isStarted = false
    clearTimeout(this.#timer)
    document.removeEventListener('visibilitychange', this.#onVisible)
  }

  /** At once, or as soon as what runs is done: what it knows may be too old. */
  now(): void {
    if (!this.#isStarted) return
    if (this.#isRunning) this.#isAskedAgain = true
    else void this.#run()
  }

  async #run(): Promise<void> {
    clearTimeout(this.#timer)
    this.#isRunning = true
    this.#isAskedAgain = false
    await this.#task()
    this.#isRunning = false
    if (!this.#isStarted || document.hidden) return
    if (this.#isAskedAgain) void this.#run()
    else this.#timer = setTimeout(() => void this.#run(), this.#milliseconds)
  }
}
