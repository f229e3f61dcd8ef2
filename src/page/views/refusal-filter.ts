// The filter of the refusals: user, source, reason and time, kept in the URL.
import { html, type TemplateResult } from 'lit-html'
import type { WhyFilter, WhyReport } from '../../admin/schema/why.js'
import type { Host } from '../host.js'

const TYPING_MILLISECONDS = 300
const TIMES: readonly { readonly seconds: string; readonly label: string }[] = [
  { seconds: '', label: 'Since the start' },
  { seconds: '600', label: 'Last 10 minutes' },
  { seconds: '3600', label: 'Last hour' },
  { seconds: '86400', label: 'Last day' },
]

export class RefusalFilter {
  readonly #host: Host
  readonly #reasons = new Set<string>()
  #query: WhyFilter = {}
  #typing: ReturnType<typeof setTimeout> | undefined

  constructor(host: Host) {
    this.#host = host
  }

  get query(): WhyFilter {
    return this.#query
  }

  get isActive(): boolean {
    return Object.keys(this.#query).length > 0
  }

  show({ reason = '', since = '', source = '', user = '' }: Readonly<Record<string, string>>): void {
    const sinceSeconds = Number(since)
    this.#query = {
      ...(user === '' ? {} : { user }),
      ...(source === '' ? {} : { source }),
      ...(reason === '' ? {} : { reason }),
      ...(sinceSeconds > 0 ? { sinceSeconds } : {}),
    }
  }

  render(report: WhyReport | null): TemplateResult {
    const { reason = '', sinceSeconds = 0, source = '', user = '' } = this.#query
    for (const name of Object.keys(report?.totals ?? {})) this.#reasons.add(name)
    for (const drop of report?.drops ?? []) this.#reasons.add(drop.reason)
    if (reason !== '') this.#reasons.add(reason)
    const clear = () => this.#host.go({ query: {} })
    const clearButton = html`<button type="button" data-action="clear" @click=${clear}>Clear</button>`
    return html`<form class="filter card" role="search" aria-label="Filter refusals"
      @submit=${(event: Event) => event.preventDefault()}>
      <label class="field">User<input name="user" .value=${user} @input=${this.#typed('user')} /></label>
      <label class="field">Source<input name="source" placeholder="Address or CIDR block" .value=${source}
        @input=${this.#typed('source')} /></label>
      <label class="field">Reason<select name="reason" @change=${this.#chosen('reason')}>
        <option value="" ?selected=${reason === ''}>Any</option>
        ${[...this.#reasons].sort().map((name) => html`<option value=${name} ?selected=${name === reason}>${name}</option>`)}
      </select></label>
      <label class="field">Time<select name="since" @change=${this.#chosen('since')}>
        ${TIMES.map(({ label, seconds }) => html`<option value=${seconds} ?selected=${Number(seconds) === sinceSeconds}>${label}</option>`)}
      </select></label>
      ${this.isActive ? clearButton : ''}
    </form>`
  }

  #chosen(name: string): (event: Event) => void {
    return ({ target }) => this.#set(name, (target as HTMLSelectElement).value)
  }

  #typed(name: string): (event: Event) => void {
    return ({ target }) => {
      clearTimeout(this.#typing)
      this.#typing = setTimeout(() => this.#set(name, (target as HTMLInputElement).value.trim()), TYPING_MILLISECONDS)
    }
  }

  #set(name: string, value: string): void {
    this.#host.go({ query: { ...this.#host.route.query, [name]: value } }, true)
  }
}
