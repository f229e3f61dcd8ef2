// The web bridge: the page for guests over plain HTTP, and what the page asks for. It is what stands behind the edge's --http-upstream.
//
//   GET  /                       the page                          GET /guest.js, /guest.css
//   GET  /guest                  whether there are guests at all
//   POST /guest/join             { callId }                        → the call, its TURN servers
//   POST /guest/calls/ID/offer   { sdp }                           → { sdp }
//   POST /guest/calls/ID/candidate { candidate, sdpMid, … }
//   GET  /guest/calls/ID         what the call bridge has counted
//   POST /guest/calls/ID/leave   { reason }
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { projectRoot } from '../../support/project-root.js'
import type { CallBridge } from './call-bridge.js'
import type { CmsOptions } from './options.js'
import { Problem } from './problem.js'
import type { Report } from './report.js'

const PAGE = join(projectRoot, 'test', 'lab', 'cms', 'page')
const FILES: Readonly<Record<string, readonly [string, string]>> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/guest.js': ['guest.js', 'text/javascript; charset=utf-8'],
  '/guest.css': ['guest.css', 'text/css; charset=utf-8'],
}
const BODY_BYTES_MAX = 65_536

export function createWebBridge(options: CmsOptions, callBridge: CallBridge, report: Report): Server {
  const web = new WebBridge(options, callBridge, report)
  return createServer((request, response) => void web.handle(request, response))
}

class WebBridge {
  readonly #options: CmsOptions
  readonly #callBridge: CallBridge
  readonly #report: Report

  constructor(options: CmsOptions, callBridge: CallBridge, report: Report) {
    this.#options = options
    this.#callBridge = callBridge
    this.#report = report
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#isForGuests(request)) {
      response.writeHead(400, { 'content-type': 'text/plain' }).end('bad request\n')
      return
    }
    try {
      const { pathname } = new URL(request.url ?? '/', 'http://guest')
      const file = request.method === 'GET' ? FILES[pathname] : undefined
      if (file === undefined) return answer(response, 200, await this.#ask(request, pathname))
      response.setHeader('content-type', file[1]).setHeader('cache-control', 'no-store')
      response.end(await readFile(join(PAGE, file[0])))
    } catch (error) {
      const status = error instanceof Problem ? error.status : 500
      if (status === 500) this.#report('log', { text: `webbridge: ${(error as Error).message}` })
      answer(response, status, { problem: (error as Error).message })
    }
  }

  /** Guests come by one name, which is the one in their links and in the certificate. */
  #isForGuests(request: IncomingMessage): boolean {
    const host = (request.headers.host ?? '').toLowerCase()
    if (host.replace(/:\d+$/, '') === this.#options.guestName) return true
    const text = `webbridge: bad request for ${JSON.stringify(host)}, guests come by "${this.#options.guestName}"`
    this.#report('log', { text, host, expected: this.#options.guestName, from: sourceOf(request) })
    return false
  }

  async #ask(request: IncomingMessage, pathname: string): Promise<object> {
    const isTrusted = this.#options.isCallBridgeTrusted
    const { icePolicy, connectSeconds } = this.#options
    if (request.method === 'GET' && pathname === '/guest') return { isTrusted, icePolicy, connectSeconds }
    if (!isTrusted)
      throw new Problem(
        503,
        'This web bridge has no call bridge: it does not trust the certificate of the one that asks.',
      )
    const [, id, action = ''] = /^\/guest\/calls\/([0-9a-f-]{36})(?:\/([a-z]+))?$/.exec(pathname) ?? []
    if (request.method === 'GET' && id !== undefined && action === '') return this.#callBridge.describe(id)
    if (request.method !== 'POST') throw new Problem(404, 'There is nothing here.')
    const body = await readJson(request)
    if (pathname === '/guest/join') return this.#callBridge.join(textOf(body, 'callId'), sourceOf(request))
    if (id !== undefined && action === 'offer') return this.#callBridge.offer(id, textOf(body, 'sdp'))
    if (id !== undefined && action === 'candidate') return this.#callBridge.candidate(id, body)
    if (id !== undefined && action === 'leave') return this.#callBridge.leave(id, textOf(body, 'reason'))
    throw new Problem(404, 'There is nothing here.')
  }
}

/** Whom the edge saw. */
function sourceOf({ headers, socket }: IncomingMessage): string {
  const { 'x-forwarded-for': forwarded } = headers
  return (typeof forwarded === 'string' ? forwarded : undefined) ?? socket.remoteAddress ?? ''
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(body))
}

async function readJson(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length
    if (length > BODY_BYTES_MAX) throw new Problem(413, 'The request is too long.')
    parts.push(part)
  }
  try {
    const body: unknown = JSON.parse(Buffer.concat(parts).toString())
    if (typeof body === 'object' && body !== null) return body as Readonly<Record<string, unknown>>
  } catch {
    // Said below.
  }
  throw new Problem(400, 'The body is no JSON object.')
}

function textOf(body: Readonly<Record<string, unknown>>, name: string): string {
  const { [name]: value } = body
  if (typeof value !== 'string') throw new Problem(400, `The request has no ${name}.`)
  return value
}
