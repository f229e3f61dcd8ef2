// Operations: reload the configuration (first what it would change), drain, captures, and where machines find the same.
import { html, type TemplateResult } from 'lit-html'
import type { ReloadResult, SettingChange } from '../../admin/schema/operations.js'
import { CaptureList } from '../capture-list.js'
import { counted, sentence } from '../format.js'
import type { Host, View } from '../host.js'
import { badge, emptyNote } from '../parts.js'

const DRAIN_SECONDS_DEFAULT = 30
const DRAIN_SECONDS_MAX = 86_400

export class Operations implements View {
  readonly name = 'operations'
  readonly title = 'Operations'
  readonly #host: Host
  readonly #captures: CaptureList
  #result: ReloadResult | null = null
  #isBusy = false

  constructor(host: Host) {
    this.#host = host
    this.#captures = new CaptureList(host, () => true, 'None. Open a client to start one.')
  }

  show(): void {
    this.#captures.show()
  }

  hide(): void {
    this.#captures.hide()
    this.#result = null
  }

  render(): TemplateResult {
    return html`
      <div class="section-head"><h1>Operations</h1></div>
      <div class="columns">${this.#reloadCard()}${this.#drainCard()}</div>
      <section class="card" aria-labelledby="captures-title">
        <h2 id="captures-title">Captures</h2>${this.#captures.render()}</section>
      <section class="card" aria-labelledby="machines-title"><h2 id="machines-title">For machines</h2>
        <p><a href="/api/v1/openapi.json">OpenAPI document</a> of everything that this page does · <a href="/metrics">Metrics</a> for Prometheus</p></section>`
  }

  #reloadCard(): TemplateResult {
    const result = this.#result
    const isWorthApplying =
      result !== null && !result.applied && result.errors.length === 0 && result.changes.length > 0
    return html`<section class="card" aria-labelledby="reload-title" data-block="reload"><h2 id="reload-title">Reload</h2>
      <p>Reads configuration, users and certificates again. Clients stay connected; what needs a restart is told and left as it is.</p>
      <div class="buttons">
        <button type="button" data-action="dry-run" ?disabled=${this.#isBusy}
          @click=${() => this.#reload(true)}>Show what would change</button>
        <button type="button" class="primary" data-action="apply" ?disabled=${this.#isBusy || !isWorthApplying}
          @click=${() => this.#reload(false)}>Apply</button>
      </div>
      <div aria-live="polite">${result === null ? '' : reloadResult(result)}</div>
    </section>`
  }

  #drainCard(): TemplateResult {
    const { status } = this.#host
    const isDraining = status?.status === 'Draining'
    return html`<section class="card" aria-labelledby="drain-title" data-block="drain">
      <h2 id="drain-title">Drain and stop</h2>
      <p>New calls are sent away, calls that run go on until they end or the time is over; then the server stops. What starts it again (systemd, for example) is not this page.</p>
      ${isDraining ? html`<p>${badge('warning', 'Draining')} ${counted(status.activeClients, 'client')} left. The server stops when all have gone, or the time is over.</p>` : ''}
      <div class="buttons">
        <button type="button" class="danger" data-action="drain" ?disabled=${isDraining}
          @click=${() => this.#drain()}>Drain…</button></div>
    </section>`
  }

  async #reload(isDryRun: boolean): Promise<void> {
    this.#isBusy = true
    this.#host.refresh()
    try {
      this.#result = await this.#host.api.reload(isDryRun)
    } catch (error) {
      this.#result = null
      this.#host.report(error)
    }
    this.#isBusy = false
    this.#host.refresh()
  }

  async #drain(): Promise<void> {
    const data = await this.#host.dialogs.ask({
      title: 'Drain and stop the server?',
      body: html`<p>No new call gets a relay from now on, and it cannot be taken back. This page loses the server when it stops.</p>
        <label class="field">Stop after at most (seconds)<input name="seconds" type="number" required
          min="0" max=${DRAIN_SECONDS_MAX} .value=${String(DRAIN_SECONDS_DEFAULT)} autofocus /></label>`,
      action: 'Drain',
      isDangerous: true,
    })
    if (data === null) return
    try {
      await this.#host.api.drain(Number(data.get('seconds')))
      this.#host.announce('The server is draining.')
    } catch (error) {
      this.#host.report(error)
    }
  }
}

function reloadResult({ applied, changes, errors, warnings }: ReloadResult): TemplateResult {
  const head =
    errors.length > 0
      ? html`<p>${badge('critical', 'Failed')} Nothing was changed; what was before is in force.</p>`
      : applied
        ? html`<p>${badge('ok', 'Applied')} ${counted(changes.length, 'change')}.</p>`
        : html`<p>${badge('accent', 'Not applied yet')} ${counted(changes.length, 'change')}.</p>`
  return html`<div data-result=${errors.length > 0 ? 'failed' : applied ? 'applied' : 'dry-run'}>${head}
    ${lines('problem', errors)}${lines('warned', warnings)}
    ${changes.length === 0 ? (errors.length > 0 ? '' : emptyNote('Nothing differs from what is in force.')) : changesTable(changes)}</div>`
}

function lines(kind: string, texts: readonly string[]): TemplateResult | string {
  return texts.length === 0 ? '' : html`<ul class=${kind}>${texts.map((text) => html`<li>${sentence(text)}</li>`)}</ul>`
}

function changesTable(changes: readonly SettingChange[]): TemplateResult {
  return html`<div class="scroll-x"><table class="stack wordy" aria-label="Changes" data-table="changes"><thead><tr>
    <th scope="col">Option</th><th scope="col">From</th><th scope="col">To</th>
    <th scope="col">Effect</th><th scope="col">Note</th></tr></thead><tbody>${changes.map(
      ({ effect, from, name, note, to }) => html`<tr><th scope="row" class="nowrap">${name}</th>
        <td data-label="From" class="wrap">${from === '' ? '–' : from}</td>
        <td data-label="To" class="wrap">${to === '' ? '–' : to}</td>
        <td data-label="Effect">${effect === 'live' ? badge('ok', 'now') : badge('warning', 'after a restart')}</td>
          <td data-label="Note">${note}</td></tr>`,
    )}</tbody></table></div>`
}
