// Test from this browser: over each way that the server offers, a call through it from this very page.
import { html, type TemplateResult } from 'lit-html'
import {
  type CallResult,
  type CallStage,
  isOver,
  lossText,
  newResult,
  resultText,
  STAGE_WORDS,
  serverWordsOf,
  skipReason,
  transportOf,
} from '../call-result.js'
import { type CallServer, testCall } from '../call-test.js'
import { absolute, bitRate, milliseconds } from '../format.js'
import type { Host, View } from '../host.js'
import { badge, copyButton, problemNote, type Tone } from '../parts.js'
import { textOf } from '../problem.js'
import { quantile } from '../quantiles.js'

const STEPS: readonly CallStage[] = ['gathering', 'connecting', 'probing', 'filling']
/** Longer than a test takes: what was refused in it. */
const REFUSALS_SECONDS = 90

export class BrowserTest implements View {
  readonly name = 'test'
  readonly title = 'Browser test'
  readonly #host: Host
  #results: CallResult[] = []
  #isOwnUser = false
  #cancel: AbortController | null = null
  #user = ''
  #startMs = 0
  #runCount = 0
  #problem: unknown = null

  constructor(host: Host) {
    this.#host = host
  }

  show(): void {}

  /** Nobody waits for it any more. */
  hide(): void {
    this.#cancel?.abort()
  }

  render(): TemplateResult {
    return html`
      <div class="section-head"><h1>Test from this browser</h1></div>
      <p class="lead">This browser asks the server for relays over each transport and calls itself through them: what works here works for a caller in the same place.</p>
      ${this.#form()}
      ${this.#problem === null ? '' : problemNote(this.#problem)}
      <div aria-live="polite" class="hidden-text">${this.#spoken()}</div>
      ${
        this.#results.length === 0
          ? ''
          : html`<div class="results">${this.#results.map((result) => this.#card(result))}</div>${this.#after()}`
      }`
  }

  #form(): TemplateResult {
    const isRunning = this.#cancel !== null
    const choose = (isOwn: boolean) => () => {
      this.#isOwnUser = isOwn
      this.#host.refresh()
    }
    return html`<form class="card test-form" data-run=${this.#runCount} data-state=${isRunning ? 'running' : 'over'}
      @submit=${(event: SubmitEvent) => this.#submit(event)} autocomplete="off">
      <fieldset ?disabled=${isRunning}><legend>As which user</legend>
        <label class="choice"><input type="radio" name="who" value="made" .checked=${!this.#isOwnUser}
          @change=${choose(false)} /> one that the server makes for this test</label>
        <label class="choice"><input type="radio" name="who" value="own" .checked=${this.#isOwnUser}
          @change=${choose(true)} /> this one:</label>
        ${this.#isOwnUser ? ownFields() : ''}
      </fieldset>
      <p class="quiet">Over ${(this.#host.status?.uris ?? []).map((uri, index) => html`${index === 0 ? '' : ', '}<code>${uri}</code>`)}</p>
      <div class="buttons">
        <button class="primary" data-action="start"
          ?disabled=${isRunning}>${this.#results.length === 0 ? 'Start the test' : 'Test again'}</button>
        ${
          isRunning
            ? html`<button type="button" data-action="cancel"
          @click=${() => this.#cancel?.abort()}>Cancel</button>`
            : ''
        }
      </div>
    </form>`
  }

  async #submit(event: SubmitEvent): Promise<void> {
    event.preventDefault()
    const data = new FormData(event.target as HTMLFormElement)
    const own = this.#isOwnUser
      ? { username: String(data.get('username')), password: String(data.get('password')) }
      : null
    const cancel = new AbortController()
    this.#cancel = cancel
    this.#problem = null
    this.#results = []
    this.#runCount++
    this.#startMs = this.#host.now()
    this.#host.refresh()
    try {
      const made = own === null ? await this.#host.api.testCredentials() : null
      const server = own ?? made ?? { username: '', password: '' }
      this.#user = server.username
      this.#results = (made?.uris ?? this.#host.status?.uris ?? []).map(newResult)
      if (this.#results.length === 0) throw new Error('The server tells no URI that could be tested.')
      for (const result of this.#results) await this.#testOne(result, server, cancel.signal)
    } catch (error) {
      this.#problem = error
    }
    this.#cancel = null
    this.#host.refresh()
  }

  async #testOne(result: CallResult, server: CallServer, signal: AbortSignal): Promise<void> {
    result.reason = skipReason(result.uri)
    if (signal.aborted) result.stage = 'cancelled'
    else if (result.reason !== '') result.stage = 'skipped'
    else await testCall(result, server, () => this.#host.refresh(), signal)
    if (result.stage === 'failed') await this.#askServer(result)
    this.#host.refresh()
  }

  /** The server knows better than the browser why it said no. */
  async #askServer(result: CallResult): Promise<void> {
    try {
      const { refusals } = await this.#host.api.why({ user: this.#user, sinceSeconds: REFUSALS_SECONDS })
      const ofThisTest = refusals.filter(({ lastTime }) => Date.parse(lastTime) >= this.#startMs - 1000)
      result.serverWords = serverWordsOf(ofThisTest)
    } catch (error) {
      result.serverWords = [textOf(error)]
    }
  }

  #card(result: CallResult): TemplateResult {
    const { errors, reason, serverWords, stage, uri } = result
    const isRunning = !isOver(result) && stage !== 'waiting'
    const tones: Partial<Record<typeof stage, Tone>> = {
      done: 'ok',
      failed: 'critical',
      waiting: 'quiet',
      skipped: 'quiet',
      cancelled: 'warning',
    }
    return html`<section class="card result" aria-label=${`Test over ${transportOf(uri)}`} data-uri=${uri} data-stage=${stage}>
      <div class="reason-head"><h2>${transportOf(uri)}</h2>${badge(tones[stage] ?? 'accent', STAGE_WORDS[stage])}</div>
      <p><code>${uri}</code></p>
      ${
        isRunning
          ? html`<progress aria-label=${STAGE_WORDS[stage]} max="5"
        .value=${STEPS.indexOf(stage) + 1}></progress>`
          : ''
      }
      ${stage === 'waiting' || stage === 'skipped' ? '' : facts(result)}
      ${reason === '' ? '' : html`<p class=${stage === 'failed' ? 'problem' : 'quiet'}>${reason}</p>`}
      ${serverWords.map((words) => html`<p class="server-words"><strong>The server says:</strong> ${words}</p>`)}
      ${
        stage === 'failed'
          ? errors.map(({ code, text }) => html`<p class="quiet">icecandidateerror ${code} ${text}</p>`)
          : ''
      }
    </section>`
  }

  #after(): TemplateResult | string {
    if (this.#cancel !== null) return ''
    return html`<div class="buttons">${copyButton(this.#host, () => resultText(this.#results, absolute(this.#startMs), this.#user), 'Copy the result')}
      <a class="button" href=${`#refusals?user=${encodeURIComponent(this.#user)}`}>What was refused to this user</a></div>`
  }

  #spoken(): string {
    const running = this.#results.find((result) => !isOver(result))
    if (running !== undefined) return `${transportOf(running.uri)}: ${STAGE_WORDS[running.stage]}`
    return this.#results.map(({ stage, uri }) => `${transportOf(uri)}: ${STAGE_WORDS[stage]}`).join('. ')
  }
}

function ownFields(): TemplateResult {
  return html`<div class="fields">
    <label class="field">User<input name="username" required autocapitalize="off" spellcheck="false" /></label>
    <label class="field">Password<input name="password" type="password" required autocomplete="off" /></label></div>`
}

function facts(result: CallResult): TemplateResult {
  const { bitsPerSecond, connectMilliseconds, gatherMilliseconds, relayed, roundTrips } = result
  const none = html`<span class="quiet">–</span>`
  return html`<dl class="facts">
    <dt>Relay</dt><dd>${relayed === '' ? none : relayed}</dd>
    <dt>Relay after</dt><dd>${gatherMilliseconds === null ? none : milliseconds(gatherMilliseconds)}</dd>
    <dt>Call after</dt><dd>${connectMilliseconds === null ? none : milliseconds(connectMilliseconds)}</dd>
    <dt>Round trip</dt>
      <dd>${roundTrips.length === 0 ? none : `median ${milliseconds(quantile(roundTrips, 0.5))}, p95 ${milliseconds(quantile(roundTrips, 0.95))}`}</dd>
    <dt>Loss</dt><dd>${result.probesSent === 0 ? none : lossText(result)}</dd>
    <dt>Throughput</dt><dd>${bitsPerSecond === null ? none : bitRate(bitsPerSecond)}</dd>
  </dl>`
}
