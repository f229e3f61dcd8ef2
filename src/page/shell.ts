// What stands around every view: header with navigation, the banner of a lost connection, footer.
import { html, type TemplateResult } from 'lit-html'
import type { Session } from '../admin/schema/operations.js'
import type { Status } from '../admin/schema/status.js'
import type { View } from './host.js'
import { badge, type Tone } from './parts.js'
import { currentTheme, switchTheme, type Theme } from './theme.js'

export interface HeaderParts {
  readonly session: Session | null | undefined
  readonly views: readonly View[]
  readonly shown: View | null
  readonly status: Status | null
  readonly isLost: boolean
  readonly logOut: () => void
  readonly refresh: () => void
}

const THEME_WORDS: Readonly<Record<Theme, string>> = { system: 'Auto', light: 'Light', dark: 'Dark' }
const STATUS_TONES: Readonly<Record<Status['status'], Tone>> = {
  Active: 'ok',
  Draining: 'warning',
  Inactive: 'critical',
}

export function header(parts: HeaderParts): TemplateResult {
  const { isLost, logOut, refresh, session, status } = parts
  const state = isLost
    ? badge('critical', 'No connection')
    : status === null
      ? ''
      : badge(STATUS_TONES[status.status], status.status)
  const theme = currentTheme()
  const change = () => {
    switchTheme()
    refresh()
  }
  return html`<header class="top">
    <a class="skip" href="#main" @click=${skip}>Skip to the content</a>
    <div class="brand"><img src="favicon.svg" alt="" width="22" height="22" /><strong>turnd</strong>
      ${session ? html`<span class="realm quiet">${status?.realm ?? ''}</span><span data-state>${state}</span>` : ''}</div>
    ${session ? navigation(parts) : ''}
    <div class="account">
      <button type="button" class="small" data-action="theme" aria-label=${`Theme: ${THEME_WORDS[theme]}. Switch`}
        @click=${change}><span aria-hidden="true">◐ </span>${THEME_WORDS[theme]}</button>
      ${
        session
          ? html`<span class="quiet user" title=${session.user}>${session.user}</span>
        <button type="button" class="small" data-action="logout" @click=${logOut}>Log out</button>`
          : ''
      }
    </div>
  </header>`
}

function navigation({ shown, status, views }: HeaderParts): TemplateResult {
  const alarms = status?.alarms.length ?? 0
  const tone = status?.alarms.some(({ severity }) => severity === 'critical') ? 'critical' : 'warning'
  const link = ({ name, title }: View) =>
    html`<a href=${`#${name}`} aria-current=${name === shown?.name ? 'page' : 'false'}>${title}${
      name === 'overview' && alarms > 0
        ? html` <span class=${`count ${tone}`} aria-label=${`${alarms} alarms`}>${alarms}</span>`
        : ''
    }</a>`
  return html`<nav aria-label="Views">${views.map(link)}</nav>`
}

/** The fragment names views: focus moves without it. */
function skip(event: Event): void {
  event.preventDefault()
  document.querySelector<HTMLElement>('#main')?.focus()
}

export function lostBanner(wasDraining: boolean, retry: () => void): TemplateResult {
  const text = wasDraining
    ? 'The server was draining and is gone. When it is started again, this page connects by itself.'
    : 'The connection to the server is lost. What is shown is old; this page connects again by itself.'
  return html`<div class="lost" role="alert"><span>${text}</span>
    <button type="button" class="small" data-action="retry" @click=${retry}>Try now</button></div>`
}

export function footer(status: Status | null): TemplateResult {
  return html`<footer class="quiet">${status === null ? '' : html`turnd ${status.version} · ${status.engine} engine`}</footer>`
}
