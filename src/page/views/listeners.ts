// Listeners: where clients come in, and the certificates that they are shown.
import { html, type TemplateResult } from 'lit-html'
import type { CertificateFacts, Listener } from '../../admin/schema/status.js'
import { absolute, counted, hostAndPort } from '../format.js'
import type { Host, View } from '../host.js'
import { badge, emptyNote, type Tone } from '../parts.js'

/** As the server warns of it. */
const DAYS_WARNING = 14
const DAYS_CRITICAL = 3

export class Listeners implements View {
  readonly name = 'listeners'
  readonly title = 'Listeners'
  readonly #host: Host

  constructor(host: Host) {
    this.#host = host
  }

  show(): void {}

  hide(): void {}

  render(): TemplateResult {
    const { status } = this.#host
    return html`
      <div class="section-head"><h1>Listeners</h1></div>
      ${status === null ? emptyNote('Asking the server…') : table(status.listeners)}`
  }
}

function table(listeners: readonly Listener[]): TemplateResult {
  if (listeners.length === 0) return html`<div class="card">${emptyNote('The server listens nowhere.')}</div>`
  return html`<div class="card scroll-x"><table class="stack" aria-label="Listeners" data-table="listeners">
    <thead><tr><th scope="col">Via</th><th scope="col">Address</th>
      <th scope="col">Certificate names</th><th scope="col">Expires</th><th scope="col">Issued to</th></tr></thead>
    <tbody>${listeners.map(row)}</tbody></table></div>`
}

function row({ certificate, host, port, scheme }: Listener): TemplateResult {
  return html`<tr><td data-label="Via">${badge('accent', scheme.toUpperCase())}</td>
    <td data-label="Address" class="nowrap">${hostAndPort(host, port)}</td>
    ${
      certificate === null
        ? html`<td data-label="Certificate" colspan="3"
      class="quiet">none: clients come in the clear</td>`
        : certificateCells(certificate)
    }</tr>`
}

function certificateCells({ daysLeft, fingerprint256, names, subject, validToTime }: CertificateFacts): TemplateResult {
  const [tone, words] = expiry(daysLeft)
  return html`<td data-label="Names" class="wrap">${names.join(', ')}</td>
    <td data-label="Expires"><span title=${absolute(Date.parse(validToTime))}>${badge(tone, words)}</span> <span class="quiet nowrap">${validToTime.slice(0, 10)}</span></td>
    <td data-label="Issued to" class="wrap" title=${`SHA-256 ${fingerprint256}`}>${subject}</td>`
}

function expiry(daysLeft: number): [Tone, string] {
  if (daysLeft < 0) return ['critical', `Expired ${counted(-daysLeft, 'day')} ago`]
  const left = `${counted(daysLeft, 'day')} left`
  if (daysLeft <= DAYS_CRITICAL) return ['critical', `${left}: renew now`]
  if (daysLeft <= DAYS_WARNING) return ['warning', `${left}: renew soon`]
  return ['ok', left]
}
