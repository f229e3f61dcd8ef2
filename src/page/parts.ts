// Small pieces of markup that several views share: times, badges, empty lists, copying.
import { html, type TemplateResult } from 'lit-html'
import { absolute, duration, relative } from './format.js'
import type { Host } from './host.js'
import { textOf } from './problem.js'

/** `3 min ago`; when exactly, where the pointer rests. */
export function timeAgo(iso: string, now: number): TemplateResult {
  const timeMs = Date.parse(iso)
  return html`<time datetime=${iso} title=${absolute(timeMs)}>${relative(timeMs, now)}</time>`
}

/** What is left of it, or since when it runs: `4 min 12 s`. */
export function seconds(value: number, title = ''): TemplateResult {
  return html`<span class="nowrap" title=${title}>${duration(value)}</span>`
}

export type Tone = 'ok' | 'warning' | 'critical' | 'quiet' | 'accent'

/** Commands between backticks are set as such: `turnd user list`. */
export function withCode(text: string): (TemplateResult | string)[] {
  return text.split('`').map((piece, index) => (index % 2 === 1 ? html`<code>${piece}</code>` : piece))
}

/** Colour and words: never colour alone. */
export function badge(tone: Tone, text: string): TemplateResult {
  return html`<span class="badge ${tone}">${text}</span>`
}

export function emptyNote(text: string): TemplateResult {
  return html`<p class="empty">${text}</p>`
}

/** What could not be loaded, in place of it. */
export function problemNote(error: unknown): TemplateResult {
  return html`<p class="problem" role="alert">${textOf(error)}</p>`
}

export function copyButton(host: Host, text: () => string, label = 'Copy'): TemplateResult {
  const copy = async () => {
    try {
      await copyText(text())
      host.announce('Copied.')
    } catch {
      host.announce('The browser does not let this page copy: select the text and copy it yourself.')
    }
  }
  return html`<button type="button" data-action="copy" @click=${copy}>${label}</button>`
}

/** The clipboard's interface is there in secure contexts alone; a page over plain HTTP has only the old way. */
async function copyText(text: string): Promise<void> {
  try {
    return await navigator.clipboard.writeText(text)
  } catch {
    // Not there, or not allowed.
  }
  const area = document.createElement('textarea')
  area.value = text
  // Inside an open dialog, or what is outside could not be selected.
  const room = document.querySelector('dialog[open]') ?? document.body
  room.append(area)
  area.select()
  const isCopied = document.execCommand('copy')
  area.remove()
  if (!isCopied) throw new Error('not copied')
}
