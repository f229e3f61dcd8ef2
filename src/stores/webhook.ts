// The web service of --auth-webhook as a store of users: a POST for each look-up, over connections that are kept for a moment. What it may answer is
// docs/webhook.md. Loaded when the option is given.
import { type ClientRequest, Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { OutsideAnswer, OutsideQuery, OutsideStore } from '../auth/outside-store.js'
import { USERNAME_LENGTH_MAX } from '../limits/messages.js'
import {
  WEBHOOK_CONNECTION_COUNT_MAX,
  WEBHOOK_HEAD_BYTES_MAX,
  WEBHOOK_IDLE_COUNT_MAX,
  WEBHOOK_IDLE_MILLISECONDS_MAX,
} from '../limits/webhook.js'
import { hostAddress } from '../stun/address.js'
import { answerOf, type WebhookResponse } from './webhook-answer.js'
import { exchange, StaleConnection } from './webhook-exchange.js'
import { lateText } from './webhook-failure.js'
import type { WebhookOptions } from './webhook-options.js'

export class WebhookStore implements OutsideStore {
  readonly name: string
  readonly #options: WebhookOptions
  readonly #url: URL
  readonly #isSecure: boolean
  readonly #tls: { readonly ca?: string; readonly servername: string; readonly rejectUnauthorized: true }
  readonly #agent: HttpAgent
  readonly #requests = new Set<ClientRequest>()
  #isClosed = false

  constructor(options: WebhookOptions) {
    const { ca, url } = options
    this.name = `--auth-webhook ${url}`
    this.#options = options
    this.#url = new URL(url)
    this.#isSecure = this.#url.protocol === 'https:'
    const host = this.#url.hostname.replace(/^\[(.*)\]$/, '$1')
    // Said here, since an environment variable of Node's could say otherwise: certificates are always verified.
    const verified = { rejectUnauthorized: true as const, servername: hostAddress(host) === null ? host : '' }
    this.#tls = ca === null ? verified : { ...verified, ca }
    const Agent = this.#isSecure ? HttpsAgent : HttpAgent
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: WEBHOOK_CONNECTION_COUNT_MAX,
      maxFreeSockets: WEBHOOK_IDLE_COUNT_MAX,
      timeout: WEBHOOK_IDLE_MILLISECONDS_MAX,
      scheduling: 'lifo',
    })
  }

  async lookup(query: OutsideQuery, signal: AbortSignal): Promise<OutsideAnswer> {
    // Nobody's: a request with it could not have come (RFC 8489 §14.3).
    if (Buffer.byteLength(query.username) > USERNAME_LENGTH_MAX) return { kind: 'unknown' }
    const body = this.#bodyOf(query)
    const response = await this.#ask(body, signal, false).catch((error) => {
      if (error instanceof StaleConnection) return this.#ask(body, signal, true)
      throw error
    })
    return answerOf(response, query)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const request of this.#requests) request.destroy()
    this.#agent.destroy()
  }

  #bodyOf({ realm, source, username }: OutsideQuery): Buffer {
    const { server } = this.#options
    return Buffer.from(JSON.stringify({ user: username, realm, source, ...(server === null ? {} : { server }) }))
  }

  async #ask(body: Buffer, signal: AbortSignal, isFresh: boolean): Promise<WebhookResponse> {
    if (this.#isClosed) throw new Error('this server does not ask the service any more')
    if (signal.aborted) throw new Error(lateText('connecting'))
    const request = this.#start(body, isFresh)
    return exchange(request, { signal, isSecure: this.#isSecure, tokenFile: this.#options.tokenFile })
  }

  #start(body: Buffer, isFresh: boolean): ClientRequest {
    const { token, userAgent } = this.#options
    const headers = {
      Accept: 'application/json',
      'Accept-Encoding': 'identity',
      'Content-Type': 'application/json',
      'Content-Length': body.length,
      'User-Agent': userAgent,
      ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
    }
    const agent = isFresh ? (false as const) : this.#agent
    const options = { method: 'POST', headers, agent, maxHeaderSize: WEBHOOK_HEAD_BYTES_MAX }
    const request = this.#isSecure
      ? httpsRequest(this.#url, { ...options, ...this.#tls })
      : httpRequest(this.#url, options)
    this.#requests.add(request)
    request.once('close', () => this.#requests.delete(request))
    request.end(body)
    return request
  }
}
