// What an answer of the web service of --auth-webhook means. Pure: the status, the type and the bytes in, an answer out, or an Error with one
// sentence about what is wrong with it. It is the operator's service, and it is not believed beyond its contract (docs/webhook.md).
import { STATUS_CODES } from 'node:http'
import { md5Key, opaquePart } from '../auth/credentials.js'
import type { OutsideAnswer, OutsideQuery } from '../auth/outside-store.js'
import { printable } from '../config/printable.js'
import { LOOKUP_TTL_SECONDS_MAX, STORE_TEXT_LENGTH_MAX } from '../limits/outside.js'
import { WEBHOOK_ANSWER_LEVEL_COUNT_MAX } from '../limits/webhook.js'
import { escapeControls } from '../log/escape.js'

export interface WebhookResponse {
  readonly status: number
  /** '' if it tells none. */
  readonly contentType: string
  readonly body: Uint8Array
}

type Fields = Readonly<Record<string, unknown>>

/** Does an answer of this status say something about the user, by its body? All others are failures. */
export function isAboutUser(status: number): boolean {
  return status === 200 || status === 403 || status === 404
}

/** @param tokenFile of --auth-webhook-token-file; null without. @param location of the answer's header; '' without */
export function failedStatusText(status: number, tokenFile: string | null, location: string): string {
  const said = `the service answered ${statusText(status)}`
  if (status === 401) {
    return tokenFile === null
      ? `${said}: it wants a token, which --auth-webhook-token-file names a file of`
      : `${said}: it does not accept the token of --auth-webhook-token-file ${printable(tokenFile)}`
  }
  if (status >= 300 && status < 400) {
    const target = URL.canParse(location) ? new URL(location) : null
    const where = target === null ? '' : ` to ${printable(target.origin + target.pathname)}`
    return `${said}, a redirect${where}, which is not followed: give the address where it is in the end`
  }
  return said
}

/** `response` is about the user. Throws an Error. */
export function answerOf(response: WebhookResponse, query: OutsideQuery): OutsideAnswer {
  const { body, status } = response
  if (status === 404 && body.length === 0) return { kind: 'unknown' }
  const fields = fieldsOf(response)
  checkAskedFor(fields, 'user', query.username)
  checkAskedFor(fields, 'realm', query.realm)
  const told = ['key', 'password', 'refused'].filter((name) => isThere(fields[name]))
  if (told.length > 1) throw new Error(`the service answered with both "${told[0]}" and "${told[1]}"`)
  if (told[0] === 'refused') {
    if (typeof fields.refused !== 'string') throw new Error('the service answered with a "refused" that is no text')
    return { kind: 'refused', detail: shown(fields.refused.trim()) || 'without a reason' }
  }
  if (status === 200) return foundIn(fields, told[0], query)
  if (told.length > 0) throw new Error(`the service answered ${statusText(status)} with a "${told[0]}"`)
  if (status === 404) return { kind: 'unknown' }
  throw new Error(`the service answered ${statusText(status)} without "refused" and a reason`)
}

function foundIn(fields: Fields, told: string | undefined, { realm, username }: OutsideQuery): OutsideAnswer {
  if (told === undefined) throw new Error('the service answered without "key", "password" and "refused"')
  const freshSeconds = freshSecondsOf(fields.ttl)
  const value = fields[told]
  if (typeof value !== 'string') throw new Error(`the service answered with a "${told}" that is no text`)
  if (told === 'key') {
    if (!/^[0-9a-f]{32}$/i.test(value)) {
      throw new Error(`the service answered with a "key" of ${value.length} characters: it takes 32 hex digits`)
    }
    return { kind: 'found', md5Key: Buffer.from(value, 'hex'), freshSeconds }
  }
  // The name as it came: clients make their keys of what they send, prepared or not.
  return { kind: 'found', md5Key: md5Key(username, prepared('the realm', realm), prepared('it', value)), freshSeconds }
}

/** Never shows the text: it may be a password. */
function prepared(part: string, text: string): string {
  try {
    return opaquePart(part, text)
  } catch (error) {
    throw new Error(`the service answered with a "password" that cannot be one: ${(error as Error).message}`)
  }
}

function freshSecondsOf(ttl: unknown): number | null {
  if (!isThere(ttl)) return null
  if (typeof ttl !== 'number' || !(ttl >= 0))
    throw new Error('the service answered with a "ttl" that is no number of seconds')
  return Math.min(ttl, LOOKUP_TTL_SECONDS_MAX)
}

/** Throws an Error unless the body is an object of JSON. What is in it is never shown: it may be a key. */
function fieldsOf({ body, contentType, status }: WebhookResponse): Fields {
  const said = `the service answered ${statusText(status)}`
  const type = contentType.split(';', 1)[0].trim().toLowerCase()
  if (type !== 'application/json') {
    const what = type === '' ? 'without a content type' : `with ${shown(type)}`
    const hint =
      status === 404 ? ', as web servers do where nothing is: is the path right?' : ': it takes application/json'
    throw new Error(`${said} ${what}${hint}`)
  }
  const value = parsed(body)
  if (value === undefined) throw new Error(`${said} with what is no JSON`)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${said} with JSON that is no object`)
  if (isDeeper(value, WEBHOOK_ANSWER_LEVEL_COUNT_MAX)) throw new Error(`${said} with JSON that is nested too deeply`)
  return value as Fields
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    return undefined
  }
}

function isDeeper(value: unknown, depthMax: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return depthMax === 0 || Object.values(value).some((member) => isDeeper(member, depthMax - 1))
}

/** An answer may say whom it is about, and then it must be whom it was asked for: a service that mixes up its answers would let in the wrong one. */
function checkAskedFor(fields: Fields, name: 'user' | 'realm', asked: string): void {
  const told = fields[name]
  if (!isThere(told) || told === asked) return
  const which = typeof told === 'string' ? `of "${name}" ${printable(shown(told))}` : `with a "${name}" that is no text`
  throw new Error(`the service answered ${which}, and was asked for ${printable(shown(asked))}`)
}

/** Languages that have a member for everything write null for what they have not. */
function isThere(value: unknown): boolean {
  return value !== undefined && value !== null
}

/** Text of the service's, short, in one line, and without half characters. */
function shown(text: string): string {
  const short = text.length > STORE_TEXT_LENGTH_MAX ? `${text.slice(0, STORE_TEXT_LENGTH_MAX)}…` : text
  return escapeControls(short.replace(/\p{Surrogate}/gu, '\ufffd'))
}

/** With our own words: those of the service may be anything. */
function statusText(status: number): string {
  const phrase = STATUS_CODES[status]
  return phrase === undefined ? String(status) : `${status} (${phrase})`
}
