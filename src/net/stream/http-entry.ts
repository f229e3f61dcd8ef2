// Takes over the connections of a TURN port that turn out to speak HTTP (first-bytes.ts, or ALPN), as the web client and TURN share port 443 on
// an Expressway-E: passes their requests on to --http-upstream, or answers that there is nothing here. A server of node:http that never listens.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import {
  HTTP_CONNECTION_COUNT_MAX,
  HTTP_CONNECTION_OF_SOURCE_COUNT_MAX,
  HTTP_HEAD_BYTES_MAX,
  HTTP_HEAD_MILLISECONDS_MAX,
  HTTP_KEEP_ALIVE_MILLISECONDS_MAX,
  HTTP_PIPELINED_COUNT_MAX,
  HTTP_REQUEST_COUNT_MAX,
  HTTP_REQUEST_MILLISECONDS_MAX,
  HTTP_REQUEST_OF_CONNECTION_COUNT_MAX,
  HTTP_REQUEST_OF_SOURCE_COUNT_MAX,
  HTTP_SILENCE_MILLISECONDS_MAX,
  UPSTREAM_ANSWER_MILLISECONDS_MAX,
} from '../../limits/http.js'
import type { Misdirection } from '../../log/connection-refusals.js'
import { formatHost, type TransportAddress } from '../../stun/address.js'
import { SourceCounts } from '../source-counts.js'
import { answer, answerAndClose } from './http-answer.js'
import { type ForwardedClient, hasBody, originForm } from './http-headers.js'
import { misdirectedText, misdirectionOf, type PageNames } from './http-host.js'
import { HttpUpstream } from './http-upstream.js'

/** How often they are looked at, so that a bound of 10 s ends after 11. */
const CHECK_MILLISECONDS = 1_000

const NOTHING_HERE =
  'This is a TURN server, and it has no pages: with --http-upstream URL it passes requests on to a web server.'

const AMBIGUOUS = 'The request does not say clearly which host it is for.'
const TOO_MANY = 'This server has too many connections: try again later.'
const TOO_MANY_REQUESTS = 'Too many requests wait for their answer: try again later.'
const TOO_MANY_REQUESTS_OF_YOURS = 'Too many requests from your address wait for their answer: try again later.'
const TOO_MANY_OF_YOURS = 'There are too many connections from your address: try again later.'

export interface HttpEntryOptions {
  /** An origin, http[s]://HOST[:PORT]; null: every request is answered with 404. */
  readonly upstream: string | null
  /** PEM text of the authorities that may have signed the upstream's certificate; null: the well-known ones. */
  readonly ca: string | null
  /** What pages of the upstream may be asked for by; any name if absent. */
  readonly pageNames?: PageNames
  /** Called with a sentence when the upstream gives no answer, at most once a minute. */
  warn(text: string): void
  /** Monotonic, in milliseconds. */
  now?(): number
  /** How long the upstream may let a request wait for its answer, while no byte goes either way. */
  readonly answerMillisecondsMax?: number
  /** Requests that wait for their answer, in all and of one source; limits/http.ts if absent. */
  readonly requestCountMax?: number
  readonly requestOfSourceCountMax?: number
}

interface Connection {
  readonly client: ForwardedClient
  onFirstRequest: (() => void) | null
  /** Whom it counts against. */
  readonly source: TransportAddress
  /** Requests that are not answered yet. */
  pendingCount: number
}

export class HttpEntry {
  /** Called for each request for a page by another name, whose connection is closed. */
  onMisdirected: (client: TransportAddress, asked: Misdirection) => void = () => {}
  readonly #upstream: HttpUpstream | null
  readonly #pageNames: PageNames
  readonly #server: Server
  /** Every connection until it is closed, WebSockets too. */
  readonly #connections = new Map<Duplex, Connection>()
  readonly #sources = new SourceCounts()
  /** Requests that are not answered yet, of all connections, and by source. */
  #pendingCount = 0
  readonly #requestCountMax: number
  readonly #requestOfSourceCountMax: number
  readonly #pendingOfSources = new SourceCounts()
  #isClosed = false
  #isRetired = false

  constructor(options: HttpEntryOptions) {
    const {
      upstream,
      ca,
      warn,
      now = () => performance.now(),
      answerMillisecondsMax = UPSTREAM_ANSWER_MILLISECONDS_MAX,
    } = options
    this.#pageNames = options.pageNames ?? { names: [], status: 421 }
    this.#requestCountMax = options.requestCountMax ?? HTTP_REQUEST_COUNT_MAX
    this.#requestOfSourceCountMax = options.requestOfSourceCountMax ?? HTTP_REQUEST_OF_SOURCE_COUNT_MAX
    this.#upstream =
      upstream === null ? null : new HttpUpstream({ origin: upstream, ca, warn, now, answerMillisecondsMax })
    this.#server = createHttpServer()
    this.#server.on('request', (request, response) => this.#handleRequest(request, response))
    // Without a listener, a request for an upgrade is one like any other.
    if (this.#upstream !== null) {
      this.#server.on('upgrade', (request, socket, head) => this.#handleUpgrade(request, socket, head))
    }
  }

  /** HTTP connections that are open. */
  get connectionCount(): number {
    return this.#connections.size
  }

  /**
   * Takes over a connection (a net.Socket or tls.TLSSocket) whose first bytes were put back by unshift(); the caller has removed its own
   * listeners. `client` is copied. `onFirstRequest` is called when the header of a first request is whole and good.
   */
  accept(socket: Duplex, client: TransportAddress, isSecure: boolean, onFirstRequest?: () => void): void {
    // The server takes its own listener off when it hands on a WebSocket; an error without one ends the process.
    socket.on('error', () => {})
    if (this.#isClosed) return void socket.destroy()
    const isFull = this.#connections.size >= HTTP_CONNECTION_COUNT_MAX
    if (isFull || this.#sources.of(client) >= HTTP_CONNECTION_OF_SOURCE_COUNT_MAX) {
      answerAndClose(socket, 503, isFull ? TOO_MANY : TOO_MANY_OF_YOURS)
      return
    }
    const host = formatHost(client)
    // The object is the caller's.
    const source = client.clone()
    const connection: Connection = {
      client: { host, isSecure },
      onFirstRequest: onFirstRequest ?? null,
      source,
      pendingCount: 0,
    }
    this.#connections.set(socket, connection)
    this.#sources.add(source)
    socket.once('close', () => {
      // Answers whose turn never came do not tell of their end.
      while (connection.pendingCount > 0) this.#discount(connection)
      this.#connections.delete(socket)
      this.#sources.remove(source)
      if (this.#isRetired) this.#closeIfIdle()
    })
    // Events and frames are small, and wait for nothing.
    if ('setNoDelay' in socket && typeof socket.setNoDelay === 'function') socket.setNoDelay(true)
    this.#server.emit('connection', socket)
    // A socket that was paused stays so when the server begins to listen to its data.
    socket.resume()
  }

  /** Takes no more connections: those that it has go on, and it closes with the last of them. */
  retire(): void {
    this.#isRetired = true
    this.#closeIfIdle()
  }

  /** Ends every connection at once. */
  async close(): Promise<void> {
    this.#isClosed = true
    const sockets = [...this.#connections.keys()]
    const closed = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)))
    for (const socket of sockets) socket.destroy()
    // It ends the timer of the server.
    this.#server.close()
    await Promise.all(closed)
    this.#upstream?.close()
  }

  #closeIfIdle(): void {
    if (this.#connections.size === 0 && !this.#isClosed) void this.close()
  }

  #handleRequest(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#connections.get(request.socket)
    if (connection === undefined) return void response.destroy()
    greet(connection)
    this.#count(connection, response)
    if (connection.pendingCount > HTTP_PIPELINED_COUNT_MAX) {
      stopParsing(request.socket)
      return void request.socket.destroy()
    }
    if (isAmbiguous(request)) return void answer(request, response, 400, AMBIGUOUS)
    if (this.#upstream === null) {
      response.setHeader('Connection', 'close')
      answer(request, response, 404, NOTHING_HERE)
      return
    }
    // TRACE shows scripts the headers that browsers hide from them.
    if (request.method === 'TRACE') return void answer(request, response, 501, 'TRACE is not passed on.')
    const target = originForm(request.url ?? '', request.headers)
    if (target === null) return void answer(request, response, 400, 'The target of the request is not a path.')
    if (this.#isMisdirected(connection, request)) {
      response.setHeader('Connection', 'close')
      return void answer(request, response, this.#pageNames.status, misdirectedText(this.#pageNames))
    }
    if (this.#pendingCount > this.#requestCountMax) return void answer(request, response, 503, TOO_MANY_REQUESTS)
    if (this.#pendingOfSources.of(connection.source) > this.#requestOfSourceCountMax) {
      return void answer(request, response, 503, TOO_MANY_REQUESTS_OF_YOURS)
    }
    request.url = target
    this.#upstream.forward(request, response, connection.client)
  }

  /** Of a request in origin form. */
  #isMisdirected({ source }: Connection, { headers, socket }: IncomingMessage): boolean {
    const asked = misdirectionOf(headers.host, this.#pageNames, socket)
    if (asked !== null) this.onMisdirected(source, asked)
    return asked !== null
  }

  #count(connection: Connection, response: ServerResponse): void {
    connection.pendingCount++
    this.#pendingCount++
    this.#pendingOfSources.add(connection.source)
    response.once('close', () => this.#discount(connection))
  }

  /** Nothing if its connection has gone before it: then it is discounted. */
  #discount(connection: Connection): void {
    if (connection.pendingCount === 0) return
    connection.pendingCount--
    this.#pendingCount--
    this.#pendingOfSources.remove(connection.source)
  }

  /** `head` is what came behind the request's header. */
  #handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const connection = this.#connections.get(socket)
    if (connection === undefined || this.#upstream === null) return void socket.destroy()
    greet(connection)
    // Its answer would come before those of the requests in front of it.
    if (connection.pendingCount > 0) return void socket.destroy()
    const target = isAmbiguous(request) ? null : originForm(request.url ?? '', request.headers)
    if (request.headers.upgrade?.toLowerCase() !== 'websocket' || request.method !== 'GET') {
      answerAndClose(socket, 501, 'The only upgrade that is passed on is that of GET to websocket.')
    } else if (target === null || hasBody(request.headers)) {
      // What follows would be a body for one server, and frames of the WebSocket for the other.
      answerAndClose(socket, 400, 'A request for a WebSocket names a path and has no body.')
    } else if (this.#isMisdirected(connection, request)) {
      answerAndClose(socket, this.#pageNames.status, misdirectedText(this.#pageNames))
    } else {
      request.url = target
      this.#upstream.upgrade(request, socket, head, connection.client)
    }
  }
}

/** HTTP/0.9, which has no header, and two names of a host (RFC 9112 §3.2): the upstream may understand something else than we do. */
function isAmbiguous({ httpVersionMajor, rawHeaders }: IncomingMessage): boolean {
  let hostCount = 0
  for (let index = 0; index < rawHeaders.length; index += 2) if (rawHeaders[index].toLowerCase() === 'host') hostCount++
  return httpVersionMajor < 1 || hostCount > 1
}

/**
 * Nothing more becomes a request of this connection. Of all that was read with one call, 64 KiB, Node goes on making requests though their
 * connection is destroyed, and each is then aborted with an error: 2,000 take a fifth of a second. The parser's field is not documented; where it is
 * another one day they take that long again.
 */
function stopParsing(socket: Duplex): void {
  const { parser } = socket as unknown as { readonly parser?: { onIncoming: unknown } | null }
  if (parser) parser.onIncoming = () => 0
}

function greet(connection: Connection): void {
  connection.onFirstRequest?.()
  connection.onFirstRequest = null
}

function createHttpServer(): Server {
  const server = createServer({
    // Whatever the command line of node says: a lenient parser lets requests be smuggled past the upstream's.
    insecureHTTPParser: false,
    requireHostHeader: true,
    maxHeaderSize: HTTP_HEAD_BYTES_MAX,
    headersTimeout: HTTP_HEAD_MILLISECONDS_MAX,
    requestTimeout: HTTP_REQUEST_MILLISECONDS_MAX,
    keepAliveTimeout: HTTP_KEEP_ALIVE_MILLISECONDS_MAX,
    connectionsCheckingInterval: CHECK_MILLISECONDS,
  })
  server.maxRequestsPerSocket = HTTP_REQUEST_OF_CONNECTION_COUNT_MAX
  server.timeout = HTTP_SILENCE_MILLISECONDS_MAX
  // Node begins to look after headersTimeout and requestTimeout when the server listens, which this one never does; connections that
  // come before that are not looked after at all.
  server.emit('listening')
  return server
}
