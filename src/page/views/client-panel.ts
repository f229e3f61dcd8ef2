// One client opened: its relays, permissions, channels, counters and rates; kick it, or record what it sends.
import { html, type TemplateResult } from 'lit-html'
import type { ClientDetail } from '../../admin/schema/clients.js'
import { askCapture } from '../capture-dialog.js'
import { CaptureList } from '../capture-list.js'
import { ClientRates } from '../client-rates.js'
import { bitRate, bytes, count, perSecond } from '../format.js'
import type { Host } from '../host.js'
import { badge, emptyNote, problemNote, seconds, timeAgo } from '../parts.js'
import { Poll } from '../poll.js'
import { ApiProblem } from '../problem.js'

const REFRESH_MILLISECONDS = 2000

export interface PanelEvents {
  close(): void
  /** It was kicked: the table is old. */
  gone(): void
}

export class ClientPanel {
  readonly #host: Host
  readonly #events: PanelEvents
  readonly #poll: Poll
  readonly #captures: CaptureList
  #id = ''
  #client: ClientDetail | null = null
  #rates = new ClientRates()
  #isGone = false
  #problem: unknown = null

  constructor(host: Host, events: PanelEvents) {
    this.#host = host
    this.#events = events
    this.#poll = new Poll(REFRESH_MILLISECONDS, () => this.#load())
    this.#captures = new CaptureList(host, (target) => this.#concerns(target))
  }

  get isOpen(): boolean {
    return this.#id !== ''
  }

  /** '' closes it. */
  show(id: string): void {
    if (id === this.#id) return
    this.#id = id
    this.#client = null
    this.#isGone = false
    this.#problem = null
    this.#rates = new ClientRates()
    if (id === '') this.#stop()
    else {
      this.#poll.start()
      this.#captures.show()
    }
  }

  /** As soon as it is there. */
  focus(): void {
    requestAnimationFrame(() => document.querySelector<HTMLElement>('.panel')?.focus())
  }

  hide(): void {
    this.#id = ''
    this.#stop()
  }

  render(): TemplateResult | string {
    if (this.#id === '') return ''
    return html`<aside class="panel card" tabindex="-1" aria-label="Client" data-client=${this.#id}>
      ${this.#client === null ? this.#head('Client', '') : this.#head(this.#client.user, this.#client.client)}
      ${this.#isGone ? html`<p class="warned" role="status">This client is gone: its allocation expired, was deleted or was ended.</p>` : ''}
      ${this.#problem === null ? '' : problemNote(this.#problem)}
      ${this.#client === null ? this.#waiting() : this.#body(this.#client)}
    </aside>`
  }

  #waiting(): TemplateResult | string {
    return this.#isGone || this.#problem !== null ? '' : emptyNote('Asking the server…')
  }

  #stop(): void {
    this.#poll.stop()
    this.#captures.hide()
  }

  async #load(): Promise<void> {
    const id = this.#id
    try {
      const client = await this.#host.api.client(id)
      if (id !== this.#id) return
      this.#client = client
      this.#problem = null
      this.#rates.add(client, performance.now())
    } catch (error) {
      if (id !== this.#id) return
      this.#isGone = error instanceof ApiProblem && error.status === 404
      this.#problem = this.#isGone ? null : error
      if (this.#isGone) this.#poll.stop()
    }
    this.#host.refresh()
  }

  #head(title: string, address: string): TemplateResult {
    return html`<div class="panel-head">
      <div><h2>${title}</h2><p class="quiet">${address}</p></div>
      <button type="button" data-action="close" aria-label="Close this client"
        @click=${() => this.#events.close()}>✕</button>
    </div>`
  }

  #body(client: ClientDetail): TemplateResult {
    const isGone = this.#isGone
    return html`
      <div class="buttons">
        <button type="button" class="primary" data-action="capture" ?disabled=${isGone}
          @click=${() => this.#capture('')}>Capture…</button>
        <button type="button" class="danger" data-action="kick" ?disabled=${isGone}
          @click=${() => this.#kick(client)}>Kick…</button>
      </div>
      <dl class="facts">
        <dt>Connected via</dt><dd>${badge('accent', client.transport.toUpperCase())}</dd>
        <dt>Since</dt><dd>${timeAgo(client.createdTime, this.#host.now())}</dd>
        <dt>Expires in</dt><dd>${seconds(client.expiresInSeconds, 'unless it is refreshed')}</dd>
      </dl>
      ${this.#relays(client)}${this.#counters(client)}${peers('Permissions', 'permissions', client.permissions)}${channels(client)}
      <section aria-labelledby="client-captures"><h3 id="client-captures">Captures</h3>${this.#captures.render()}</section>`
  }

  #relays({ relays, relayTransport }: ClientDetail): TemplateResult {
    return html`<h3 id="client-relays">${relayTransport.toUpperCase()} relays</h3>
      <div class="scroll-x"><table aria-labelledby="client-relays" data-table="relays"><thead><tr>
        <th scope="col">Relayed address</th>
        <th scope="col" class="number">Expires in</th>
          <th scope="col"><span class="hidden-text">Capture</span></th></tr></thead>
        <tbody>${relays.map(
          ({
            bound,
            expiresInSeconds,
            relayed,
          }) => html`<tr><td>${relayed}${bound === relayed ? '' : html`<p class="quiet">bound to ${bound}</p>`}</td>
            <td class="number">${seconds(expiresInSeconds)}</td>
            <td class="number">
              <button type="button" class="small" ?disabled=${this.#isGone} aria-label=${`Capture relay ${relayed}`}
                data-action="capture-relay"
              @click=${() => this.#capture(relayed)}>Capture…</button></td></tr>`,
        )}</tbody></table></div>`
  }

  #counters(client: ClientDetail): TemplateResult {
    const rates = this.#rates.current
    const row = (label: string, packets: number, size: number, rate: string) =>
      html`<tr><th scope="row">${label}</th><td class="number">${count(packets)}</td>
        <td class="number">${bytes(size)}</td><td class="number">${rate}</td></tr>`
    const rateOf = (bits: number, packets: number) => `${bitRate(bits)}, ${perSecond(packets)}`
    const from = rates === null ? '–' : rateOf(rates.bitsFromClient, rates.packetsFromClient)
    const to = rates === null ? '–' : rateOf(rates.bitsToClient, rates.packetsToClient)
    return html`<h3 id="client-counters">Counters</h3>
      <div class="scroll-x"><table aria-labelledby="client-counters" data-table="counters"><thead><tr>
        <th scope="col">Forwarded</th><th scope="col" class="number">Packets</th>
        <th scope="col" class="number">Bytes</th><th scope="col" class="number">Now</th></tr></thead>
        <tbody>${row('From the client', client.packetsFromClient, client.bytesFromClient, from)}
        ${row('To the client', client.packetsToClient, client.bytesToClient, to)}</tbody></table></div>
      <dl class="facts requests" data-block="requests">
        <dt>Requests received</dt><dd>${count(client.requestsReceived)}</dd>
        <dt>Success responses sent</dt><dd>${count(client.successResponsesSent)}</dd>
        <dt>Error responses sent</dt><dd>${count(client.errorResponsesSent)}</dd>
      </dl>`
  }

  /** By its addresses: a capture names what it records in words. */
  #concerns(target: string): boolean {
    const client = this.#client
    if (client === null) return false
    return [client.client, ...client.relays.map(({ relayed }) => relayed)].some((address) =>
      target.split(/[\s,]+/).includes(address),
    )
  }

  async #kick({ client, id, user }: ClientDetail): Promise<void> {
    const isSure = await this.#host.dialogs.confirm({
      title: 'Kick this client?',
      text: html`The allocation of <strong>${user}</strong> at ${client} ends at once, and its call with it. The client may come back: to keep it out, disable its user.`,
      action: 'Kick',
      isDangerous: true,
    })
    if (!isSure) return
    try {
      await this.#host.api.kick(id)
      this.#host.announce(`The allocation of ${user} at ${client} was ended.`)
      this.#poll.now()
      this.#events.gone()
    } catch (error) {
      this.#host.report(error)
    }
  }

  async #capture(relay: string): Promise<void> {
    const client = this.#client
    if (client === null) return
    const isStarted = await askCapture(this.#host, {
      client: client.id,
      words: `${client.client} of ${client.user}`,
      relay,
    })
    if (isStarted) this.#captures.refresh()
  }
}

function peers(title: string, id: string, permissions: ClientDetail['permissions']): TemplateResult {
  return html`<h3 id="client-${id}">${title} <span class="quiet">${count(permissions.length)}</span></h3>
    ${
      permissions.length === 0
        ? emptyNote('None: no peer may send to it.')
        : html`<table aria-labelledby="client-${id}" data-table="permissions"><thead><tr><th scope="col">Peer</th>
          <th scope="col" class="number">Expires in</th></tr></thead>
        <tbody>${permissions.map(
          ({ expiresInSeconds, peer }) => html`<tr><td>${peer}</td>
          <td class="number">${seconds(expiresInSeconds)}</td></tr>`,
        )}</tbody></table>`
    }`
}

function channels({ channels }: ClientDetail): TemplateResult {
  return html`<h3 id="client-channels">Channels <span class="quiet">${count(channels.length)}</span></h3>
    ${
      channels.length === 0
        ? emptyNote('None.')
        : html`<table aria-labelledby="client-channels" data-table="channels"><thead><tr><th scope="col">Number</th>
          <th scope="col">Peer</th><th scope="col" class="number">Expires in</th></tr></thead>
        <tbody>${channels.map(
          ({ expiresInSeconds, number, peer }) => html`<tr><td>${number}</td><td>${peer}</td>
          <td class="number">${seconds(expiresInSeconds)}</td></tr>`,
        )}</tbody></table>`
    }`
}
