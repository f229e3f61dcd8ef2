// What happened, said once: read out to whoever does not see it, shown for a while to whoever does.
import { html, type TemplateResult } from 'lit-html'

const SHOWN_MILLISECONDS = 6000
/** What went wrong stays longer. */
const PROBLEM_SHOWN_MILLISECONDS = 15_000

export class Notices {
  readonly #refresh: () => void
  #text = ''
  #isProblem = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(refresh: () => void) {
    this.#refresh = refresh
  }

  show(text: string, isProblem: boolean): void {
    clearTimeout(this.#timer)
    this.#text = text
    this.#isProblem = isProblem
    this.#timer = setTimeout(() => this.#hide(), isProblem ? PROBLEM_SHOWN_MILLISECONDS : SHOWN_MILLISECONDS)
    this.#refresh()
  }

  /** The regions are always there: readers watch only what was there before. */
  render(): TemplateResult {
    const close = html`<button type="button" class="small" aria-label="Close this notice"
      @click=${() => this.#hide()}>✕</button>`
    const body = (isProblem: boolean) =>
      this.#text === '' || this.#isProblem !== isProblem
        ? ''
        : html`<div class="notice ${isProblem ? 'bad' : ''}"><span>${this.#text}</span>${close}</div>`
    return html`<div class="notices"><div role="status" aria-live="polite">${body(false)}</div><div role="alert">${body(true)}</div></div>`
  }

  #hide(): void {
    clearTimeout(this.#timer)
    this.#text = ''
    this.#refresh()
  }
}
