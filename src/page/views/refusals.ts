// Why calls fail: what was refused, in plain words and what to do about it, whom it concerns; what was dropped; who got through.
import { html, type TemplateResult } from 'lit-html'
import type { WhyAllocations, WhyDrop, WhyRefusal, WhyReport } from '../../admin/schema/why.js'
import { count, counted, sentence } from '../format.js'
import type { Host, View } from '../host.js'
import { lookedTime, rememberLook } from '../looked-time.js'
import { badge, emptyNote, problemNote, timeAgo, withCode } from '../parts.js'
import { Poll } from '../poll.js'
import { groupRefusals, type RefusalGroup } from '../refusal-groups.js'
import type { Route } from '../router.js'
import { RefusalFilter } from './refusal-filter.js'

const REFRESH_MILLISECONDS = 3000

export class Refusals implements View {
  readonly name = 'refusals'
  readonly title = 'Why calls fail'
  readonly #host: Host
  readonly #filter: RefusalFilter
  readonly #poll: Poll
  #report: WhyReport | null = null
  #problem: unknown = null
  #lookedMs = 0

  constructor(host: Host) {
    this.#host = host
    this.#filter = new RefusalFilter(host)
    this.#poll = new Poll(REFRESH_MILLISECONDS, () => this.#load())
  }

  show({ query }: Route): void {
    this.#filter.show(query)
    if (this.#lookedMs === 0) this.#lookedMs = lookedTime()
    this.#poll.start()
  }

  hide(): void {
    this.#poll.stop()
    this.#lookedMs = 0
  }

  render(): TemplateResult {
    return html`
      <div class="section-head"><h1>Why calls fail</h1>${this.#summary()}</div>
      ${this.#filter.render(this.#report)}
      ${this.#problem === null ? '' : problemNote(this.#problem)}
      ${this.#report === null ? (this.#problem === null ? emptyNote('Asking the server…') : '') : this.#body(this.#report)}`
  }

  async #load(): Promise<void> {
    const asked = this.#filter.query
    try {
      const report = await this.#host.api.why(asked)
      if (asked !== this.#filter.query) return this.#poll.now()
      this.#report = report
      this.#problem = null
      rememberLook(Date.parse(report.time))
    } catch (error) {
      this.#problem = error
    }
    this.#host.refresh()
  }

  #isNew({ lastTime }: WhyRefusal): boolean {
    return this.#lookedMs > 0 && Date.parse(lastTime) > this.#lookedMs
  }

  #summary(): TemplateResult | string {
    if (this.#report === null || this.#lookedMs === 0) return ''
    const news = this.#report.refusals.filter((entry) => this.#isNew(entry)).length
    return html`<p class="quiet" aria-live="polite">${news === 0 ? 'Nothing new since you last looked' : html`${badge('accent', `${count(news)} new`)} since you last looked`}</p>`
  }

  #body(report: WhyReport): TemplateResult {
    const groups = groupRefusals(report.refusals)
    const nothing = this.#filter.isActive
      ? 'Nothing that matches was refused.'
      : 'Nothing was refused since the server started.'
    return html`
      ${groups.length === 0 ? html`<div class="card">${emptyNote(nothing)}</div>` : groups.map((group) => this.#group(group))}
      ${this.#rest(report)}
      ${this.#filter.isActive ? this.#allocations(report.allocations) : ''}
      ${this.#drops(report.drops)}`
  }

  #group({ count: total, entries, meaning, reason, remedy }: RefusalGroup): TemplateResult {
    const id = `reason-${reason}`
    return html`<section class="card reason" aria-labelledby=${id} data-reason=${reason}>
      <div class="reason-head">
        <h2 id=${id}>${sentence(meaning)}</h2>
        <p class="nowrap">${badge('quiet', reason)} <strong>${counted(total, 'time')}</strong></p>
      </div>
      <p class="remedy"><span class="quiet">What to do:</span> ${withCode(sentence(remedy))}</p>
      <div class="scroll-x"><table class="stack entries" aria-labelledby=${id}><thead><tr><th scope="col">User</th>
        <th scope="col">From</th><th scope="col">Peer</th>
        <th scope="col">Request</th><th scope="col" class="number">Times</th><th scope="col">First</th>
          <th scope="col">Last</th></tr></thead>
        <tbody>${entries.map((entry) => this.#entry(entry))}</tbody></table></div>
    </section>`
  }

  #entry(entry: WhyRefusal): TemplateResult {
    const { code, count: times, detail, firstTime, lastTime, method, peer, port, source, user } = entry
    const now = this.#host.now()
    const about = `${method}${code === 0 ? '' : ` ${code}`}`
    const request = [about, detail].filter((text) => text !== '').join(': ')
    const none = html`<span class="quiet">–</span>`
    return html`<tr class=${this.#isNew(entry) ? 'new' : ''}>
      <td data-label="User">${user === '' ? none : this.#filterLink(user, { user })}${this.#isNew(entry) ? html` ${badge('accent', 'new')}` : ''}</td>
      <td data-label="From">${this.#filterLink(source, { source })}<span class="quiet"> ${port === 0 ? '' : port}</span></td>
      <td data-label="Peer">${peer === '' ? none : peer}</td>
      <td data-label="Request">${request === '' ? none : request}</td>
      <td data-label="Times" class="number">${count(times)}</td>
      <td data-label="First" class="nowrap">${timeAgo(firstTime, now)}</td>
        <td data-label="Last" class="nowrap">${timeAgo(lastTime, now)}</td>
    </tr>`
  }

  #filterLink(text: string, query: Record<string, string>): TemplateResult {
    const go = () => this.#host.go({ query: { ...this.#host.route.query, ...query } })
    return html`<button type="button" class="link" title="Show only this" @click=${go}>${text}</button>`
  }

  /** What is not in the list, so that nobody takes the list for everything. */
  #rest({ leftOutCount, notes, others, undescribed, unknownUsers }: WhyReport): TemplateResult | string {
    const lines: (TemplateResult | string)[] = []
    const sum = (counts: Readonly<Record<string, number>>) =>
      Object.values(counts).reduce((total, value) => total + value, 0)
    const list = (counts: Readonly<Record<string, number>>) =>
      Object.entries(counts)
        .map(([reason, value]) => `${reason} ${count(value)}`)
        .join(', ')
    lines.push(...notes)
    if (leftOutCount > 0)
      lines.push(`${counted(leftOutCount, 'more entry', 'more entries')} did not fit: filter to see them.`)
    if (sum(others) > 0) lines.push(`Refused to others, who do not match: ${list(others)}.`)
    if (sum(undescribed) > 0) lines.push(`Counted, but not described (floods, and old entries): ${list(undescribed)}.`)
    if (unknownUsers.length > 0)
      lines.push(html`Unknown names, one may be this user’s, mistyped: <strong>${unknownUsers.join(', ')}</strong>.`)
    return lines.length === 0 ? '' : html`<ul class="notes">${lines.map((line) => html`<li>${line}</li>`)}</ul>`
  }

  #allocations(allocations: readonly WhyAllocations[]): TemplateResult {
    const now = this.#host.now()
    return html`<section class="card" aria-labelledby="through-title"><h2 id="through-title">Who got through</h2>
      ${
        allocations.length === 0
          ? emptyNote('Nobody who matches got an allocation.')
          : html`<div class="scroll-x"><table aria-labelledby="through-title"><thead><tr><th scope="col">User</th>
            <th scope="col">From</th><th scope="col" class="number">Allocations</th>
        <th scope="col" class="number">Live</th><th scope="col">Last</th></tr></thead><tbody>${allocations.map(
          (each) =>
            html`<tr><td>${each.user}</td><td>${each.source}</td><td class="number">${count(each.count)}</td>
              <td class="number">${count(each.liveCount)}</td><td>${timeAgo(each.lastTime, now)}</td></tr>`,
        )}</tbody></table></div>`
      }</section>`
  }

  #drops(drops: readonly WhyDrop[]): TemplateResult {
    return html`<section class="card" aria-labelledby="drops-title" data-block="drops">
      <h2 id="drops-title">Dropped without an answer</h2>
      <p class="quiet">Of all clients together, since the start.</p>
      ${
        drops.length === 0
          ? emptyNote('Nothing was dropped.')
          : html`<div class="scroll-x"><table class="stack wordy" aria-labelledby="drops-title"><thead><tr>
            <th scope="col">Reason</th><th scope="col" class="number">Packets</th><th scope="col">What it means</th>
            <th scope="col">What to do</th></tr></thead>
        <tbody>${drops.map(
          (drop) => html`<tr>
          <td data-label="Reason" class="nowrap">${badge('quiet', drop.reason)}</td>
          <td data-label="Packets" class="number">${count(drop.count)}</td>
          <td data-label="What it means">${sentence(drop.meaning)}</td>
          <td data-label="What to do">${withCode(sentence(drop.remedy))}</td></tr>`,
        )}</tbody></table></div>`
      }</section>`
  }
}
