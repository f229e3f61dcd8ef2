// Captures in a table: how they go, and to stop, download and remove them. Of one client, or all.
import { html, type TemplateResult } from 'lit-html'
import type { Capture } from '../admin/schema/operations.js'
import { bytes, count, duration } from './format.js'
import type { Host } from './host.js'
import { badge, emptyNote, problemNote, timeAgo } from './parts.js'
import { Poll } from './poll.js'

const REFRESH_MILLISECONDS = 1500
const END_REASONS: Readonly<Record<string, string>> = {
  stopped: 'stopped',
  time: 'its time was over',
  size: 'it was full',
  'client-gone': 'the client went',
}

export class CaptureList {
  readonly #host: Host
  readonly #concerns: (target: string) => boolean
  readonly #empty: string
  readonly #poll: Poll
  #captures: readonly Capture[] | null = null
  #problem: unknown = null

  /** @param concerns whether a capture's target, in words, belongs in this list */
  constructor(host: Host, concerns: (target: string) => boolean, empty = 'None.') {
    this.#empty = empty
    this.#host = host
    this.#concerns = concerns
    this.#poll = new Poll(REFRESH_MILLISECONDS, () => this.#load())
  }

  show(): void {
    this.#poll.start()
  }

  hide(): void {
    this.#poll.stop()
  }

  refresh(): void {
    this.#poll.now()
  }

  render(): TemplateResult {
    if (this.#problem !== null) return problemNote(this.#problem)
    if (this.#captures === null) return emptyNote('Asking the server…')
    const captures = this.#captures.filter(({ target }) => this.#concerns(target))
    if (captures.length === 0) return emptyNote(this.#empty)
    return html`<div class="scroll-x"><table class="stack" data-table="captures" aria-label="Captures"><thead><tr>
      <th scope="col">What</th><th scope="col">State</th>
      <th scope="col" class="number">Packets</th><th scope="col" class="number">Size</th>
        <th scope="col"><span class="hidden-text">Actions</span></th></tr></thead>
      <tbody>${captures.map((capture) => this.#row(capture))}</tbody></table></div>`
  }

  async #load(): Promise<void> {
    try {
      this.#captures = await this.#host.api.captures()
      this.#problem = null
    } catch (error) {
      this.#problem = error
    }
    this.#host.refresh()
  }

  #row(capture: Capture): TemplateResult {
    const { bytes: size, bytesMax, endTime, id, lostPackets, packets, target } = capture
    const stop = html`<button type="button" class="small" data-action="stop"
      aria-label=${`Stop the capture of ${target}`} @click=${() => this.#stop(capture)}>Stop</button>`
    const remove = html`<button type="button" class="small danger" data-action="remove"
      aria-label=${`Remove the capture of ${target}`} @click=${() => this.#remove(capture)}>Remove</button>`
    return html`<tr data-capture=${id}>
      <td data-label="What" class="wrap">${target}</td>
      <td data-label="State">${this.#state(capture)}</td>
      <td data-label="Packets" class="number">${count(packets)}${
        lostPackets > 0 ? html`<p class="quiet">${count(lostPackets)} missed</p>` : ''
      }</td>
      <td data-label="Size" class="number"><span title=${`of at most ${bytes(bytesMax)}`}>${bytes(size)}</span></td>
      <td><div class="buttons end">
        <a class="button small" data-action="download" href=${this.#host.api.captureUrl(id)}
          download=${`turnd-${id}.pcapng`} aria-label=${`Download the capture of ${target}`}>Download</a>
        ${endTime === null ? stop : remove}</div></td>
    </tr>`
  }

  #state({ endReason, endTime, secondsMax, startTime }: Capture): TemplateResult {
    const now = this.#host.now()
    if (endTime !== null)
      return html`<span>Ended ${timeAgo(endTime, now)}: ${END_REASONS[endReason] ?? endReason}</span>`
    const left = secondsMax - (now - Date.parse(startTime)) / 1000
    return html`${badge('accent', 'Recording')} <span class="quiet nowrap">${duration(left)} left</span>`
  }

  async #stop({ id, target }: Capture): Promise<void> {
    await this.#do(() => this.#host.api.stopCapture(id), `The capture of ${target} was stopped.`)
  }

  async #remove({ id, target }: Capture): Promise<void> {
    const isSure = await this.#host.dialogs.confirm({
      title: 'Remove this capture?',
      text: `What was recorded of ${target} is deleted on the server. Download it first if it is still needed.`,
      action: 'Remove',
      isDangerous: true,
    })
    if (isSure) await this.#do(() => this.#host.api.removeCapture(id), `The capture of ${target} was removed.`)
  }

  async #do(action: () => Promise<void>, done: string): Promise<void> {
    try {
      await action()
      this.#host.announce(done)
    } catch (error) {
      this.#host.report(error)
    }
    this.#poll.now()
  }
}
