// Overview: the status block in Expressway's words, the licence, alarms, and the charts.
import { html, type TemplateResult } from 'lit-html'
import type { Alarm, HistoryRange, Status, UserStores } from '../../admin/schema/status.js'
import { ChartBoard } from '../chart-board.js'
import { absolute, bitRate, count, counted, duration, hostAndPort, percent, perSecond, sentence } from '../format.js'
import type { Host, View } from '../host.js'
import { badge, emptyNote, type Tone, timeAgo } from '../parts.js'

const RANGES: readonly { readonly range: HistoryRange; readonly label: string }[] = [
  { range: 'recent', label: '10 minutes' },
  { range: 'day', label: '1 day' },
]
const TONES: Readonly<Record<Status['status'], Tone>> = { Active: 'ok', Draining: 'warning', Inactive: 'critical' }

export class Overview implements View {
  readonly name = 'overview'
  readonly title = 'Overview'
  readonly #host: Host
  readonly #board: ChartBoard

  constructor(host: Host) {
    this.#host = host
    this.#board = new ChartBoard(host)
  }

  show(): void {
    this.#board.setRange(this.#host.route.query.range === 'day' ? 'day' : 'recent')
    this.#board.show()
  }

  hide(): void {
    this.#board.hide()
  }

  /** A sample came. */
  update(): void {
    this.#board.update()
  }

  render(): TemplateResult {
    const { status } = this.#host
    return html`
      <h1 class="hidden-text">Overview</h1>
      ${status === null ? emptyNote('Asking the server…') : this.#head(status)}
      <section aria-labelledby="charts-title">
        <div class="section-head">
          <h2 id="charts-title">Traffic and load</h2>
          <div class="segments" role="group" aria-label="Time range of the charts">${RANGES.map((each) => this.#rangeButton(each))}</div>
        </div>
        ${this.#board.element}
      </section>`
  }

  #rangeButton({ label, range }: { range: HistoryRange; label: string }): TemplateResult {
    const choose = () => this.#host.go({ query: range === 'day' ? { range } : {} }, true)
    const isPressed = this.#board.range === range
    return html`<button type="button" data-range=${range} aria-pressed=${isPressed} @click=${choose}>${label}</button>`
  }

  #head(status: Status): TemplateResult {
    return html`
      ${this.#alarms(status.alarms)}
      <div class="tiles">${this.#tiles(status)}</div>
      <div class="columns">${statusBlock(status)}${this.#about(status)}</div>`
  }

  #tiles({ activeClients, alarms, licence }: Status): TemplateResult {
    const { samples } = this.#host
    const share = licence.limit === 0 ? 0 : licence.used / licence.limit
    const isFull = licence.limit > 0 && share >= 1
    const isNearlyFull = alarms.some(({ id }) => id === 'licence-approaching')
    const tone = isFull ? 'critical' : isNearlyFull ? 'warning' : ''
    const use = `${count(licence.used)} of ${counted(licence.limit, 'relay')}`
    const words = isFull ? 'All in use: new calls are refused' : isNearlyFull ? 'Nearly all in use' : ''
    return html`
      <section class="card tile wide" aria-label="Licence">
        <h3>Licence</h3>
        <p class="quiet">${percent(licence.used, licence.limit)} in use${words === '' ? '' : html` · <strong>${words}</strong>`}</p>
        <p class="figure">${use}</p>
        <div class="bar ${tone}" role="meter" aria-label="Licence in use" aria-valuemin="0" aria-valuemax=${licence.limit}
          aria-valuenow=${licence.used} aria-valuetext=${use}>
          <span .style=${`inline-size: ${Math.min(100, share * 100)}%`}></span>
        </div>
      </section>
      ${tile('Clients', count(activeClients), 'with an allocation')}
      ${tile('In', bitRate(samples.last('bitsReceivedPerSecond')), `${perSecond(samples.last('packetsReceivedPerSecond'))} packets`)}
      ${tile('Out', bitRate(samples.last('bitsSentPerSecond')), `${perSecond(samples.last('packetsSentPerSecond'))} packets`)}
      ${tile(
        'Refused',
        count(sum(samples.column('refusalsPerSecond'))),
        html`in ten minutes: <a href="#refusals">why</a>`,
      )}`
  }

  #alarms(alarms: readonly Alarm[]): TemplateResult {
    if (alarms.length === 0) return html`<p class="alarm-none" data-alarms="0">${badge('ok', 'No alarms')}</p>`
    const sorted = [...alarms].sort((a, b) => Number(b.severity === 'critical') - Number(a.severity === 'critical'))
    return html`<section aria-labelledby="alarms-title" data-alarms=${alarms.length}>
      <h2 id="alarms-title" class="hidden-text">${counted(alarms.length, 'alarm')}</h2>
      <ul class="alarms">${sorted.map((alarm) => this.#alarm(alarm))}</ul>
    </section>`
  }

  #alarm({ id, number, raisedTime, remedy, severity, text }: Alarm): TemplateResult {
    return html`<li class="alarm ${severity}" data-alarm=${id}>
      ${badge(severity, severity === 'critical' ? 'Critical' : 'Warning')}
      <div><strong>${number === null ? '' : `${number}: `}${sentence(text)}</strong>${remedy === '' ? '' : html`<p>${sentence(remedy)}</p>`}</div>
      <span class="quiet nowrap">${timeAgo(raisedTime, this.#host.now())}</span>
    </li>`
  }

  #about(status: Status): TemplateResult {
    const { alternates, engine, engineReason, relayAddresses, relayPorts, uris, userStores } = status
    return html`<section class="card" aria-labelledby="server-title">
      <h2 id="server-title">Server</h2>
      <dl class="facts">
        <dt>Version</dt><dd>turnd ${status.version}, process ${status.pid}</dd>
        <dt>Running for</dt><dd title=${absolute(Date.parse(status.startTime))}>${duration(status.uptimeSeconds)}</dd>
        <dt>Realm</dt><dd>${status.realm}</dd>
        <dt>Engine</dt>
          <dd>${engine}, ${counted(status.workerCount, 'worker')}${
            engineReason === '' ? '' : html`<p class="quiet">${engineReason}</p>`
          }</dd>
        <dt>Relay addresses</dt><dd>${relayAddresses.map(relayAddress)}</dd>
        <dt>Relay ports</dt><dd>${relayPorts.min}–${relayPorts.max}</dd>
        ${
          userStores === null
            ? ''
            : html`<dt>User stores</dt><dd>${userStores.stores.map(userStore)}
          <span class="quiet line">${lookupsText(userStores)}</span></dd>`
        }
        ${
          alternates.length === 0
            ? ''
            : html`<dt>Other servers</dt><dd>${alternates.map((one) => html`<code class="line">${one}</code>`)}
          <span class="quiet line">${status.status === 'Draining' ? 'New clients are sent there now' : 'New clients are sent there when this one drains, is full, or has its share'}</span></dd>`
        }
        <dt>URIs</dt><dd>${uris.map((uri) => html`<code class="line">${uri}</code>`)}</dd>
      </dl>
    </section>`
  }
}

function tile(title: string, figure: string, note: TemplateResult | string): TemplateResult {
  return html`<section class="card tile" aria-label=${title}>
    <h3>${title}</h3><p class="figure">${figure}</p><p class="quiet">${note}</p>
  </section>`
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function relayAddress({ address, advertised }: { address: string; advertised: string }): TemplateResult {
  return html`<span class="line">${address === advertised ? address : `${address}, as ${advertised} to clients`}</span>`
}

function userStore({ name, problem }: UserStores['stores'][number]): TemplateResult {
  return html`<span class="line"><code>${name}</code> ${problem === '' ? 'answers' : html`<strong>fails</strong>`}</span>`
}

function lookupsText({ knownUsers, lookups }: UserStores): string {
  const { failed, found, refused, remembered, unknown } = lookups
  const asked = found + unknown + refused + failed
  const known = `${counted(knownUsers, 'user')} remembered`
  return `${known}, asked ${counted(asked, 'time')} (${count(unknown + refused)} refused, ${count(failed)} without an answer), ${count(remembered)} answered from memory`
}

/** Where several schemes share an address and port, Expressway lists it once. */
function statusBlock({ activeClients, listeners, relays, status }: Status): TemplateResult {
  const addresses = [...new Set(listeners.map(({ host, port }) => hostAndPort(host, port)))]
  const relaysOver = (name: string, value: number) =>
    html`<div><dt>Number of active TURN relays (connected via ${name})</dt><dd>${count(value)}</dd></div>`
  return html`<section class="card" aria-labelledby="status-title">
    <h2 id="status-title">TURN server status</h2>
    <dl class="lines" data-block="status">
      <div><dt>Status</dt><dd>${badge(TONES[status], status)}</dd></div>
      ${addresses.map((address, index) => html`<div><dt>Listening address ${index + 1}</dt><dd>${address}</dd></div>`)}
      <div><dt>Number of active TURN clients</dt><dd>${count(activeClients)}</dd></div>
      ${relaysOver('TCP', relays.tcp)}${relaysOver('UDP', relays.udp)}${relaysOver('TLS', relays.tls)}
      ${relays.dtls > 0 ? relaysOver('DTLS', relays.dtls) : ''}
    </dl>
  </section>`
}
