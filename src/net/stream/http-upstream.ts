// The web server of --http-upstream, seen from HttpEntry: passes requests and WebSockets on to it with httpxy (ADR 11), streaming both ways.
// Ours are the header (http-headers.ts), the bounds of time, and the answers when the upstream gives none.

import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, ServerResponse } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { ProxyServer } from 'httpxy'
import {
  HTTP_SILENCE_MILLISECONDS_MAX,
  UPSTREAM_CONNECT_MILLISECONDS_MAX,
  UPSTREAM_IDLE_COUNT_MAX,
  UPSTREAM_IDLE_MILLISECONDS_MAX,
  UPSTREAM_KEEP_ALIVE_MILLISECONDS,
  UPSTREAM_WARNING_MILLISECONDS_MIN,
} from '../../limits/http.js'
import { escapeControls } from '../../log/escape.js'
import { clientDescriptorEnd, descriptorOf } from '../descriptor-limit.js'
import { answer, answerAndClose, closeGently, destroyLater } from './http-answer.js'
import { type ForwardedClient, forwardedResponseHeaders, forwardRequestHeaders, hasBody } from './http-headers.js'

export interface HttpUpstreamOptions {
  /** An origin: http[s]://HOST[:PORT]. */
  readonly origin: string
  /** PEM text of the authorities that may have signed the upstream's certificate; null: the well-known ones. */
  readonly ca: string | null
  warn(text: string): void
  /** Monotonic, in milliseconds. */
  now(): number
  readonly answerMillisecondsMax: number
}

/** A request on its way, by its ServerResponse or (a WebSocket) its connection. */
interface Exchange {
  request: ClientRequest | null
  isAnswered: boolean
  isRetried: boolean
}

class UpstreamTimeout extends Error {}

export class HttpUpstream {
  readonly #origin: string
  readonly #isSecure: boolean
  readonly #warn: (text: string) => void
  readonly #now: () => number
  readonly #answerMillisecondsMax: number
  readonly #target: { protocol: string; hostname: string; host: string; port: number }
  /** For requests that may be sent twice: the upstream may close a waiting connection at the moment when it is used again. */
  readonly #pool: HttpAgent
  /** A new connection for each. */
  readonly #fresh: HttpAgent
  readonly #proxy: ProxyServer
  readonly #exchanges = new WeakMap<ServerResponse | Duplex, Exchange>()
  #warnedAt = Number.NEGATIVE_INFINITY

  constructor({ origin, ca, warn, now, answerMillisecondsMax }: HttpUpstreamOptions) {
    const { protocol, hostname, port } = new URL(origin)
    const host = hostname.replace(/^\[(.*)\]$/, '$1')
    this.#origin = origin
    this.#isSecure = protocol === 'https:'
    this.#warn = warn
    this.#now = now
    this.#answerMillisecondsMax = answerMillisecondsMax
    // Not a URL: httpxy would ask the resolver for an IPv6 address in its brackets.
    this.#target = { protocol, hostname: host, host, port: Number(port) || (this.#isSecure ? 443 : 80) }
    // Node would verify the upstream's certificate for the name in the Host header, which is the client's choice.
    const tls = { servername: isIP(host) === 0 ? host : '', rejectUnauthorized: true, ...(ca === null ? {} : { ca }) }
    const Agent = this.#isSecure ? HttpsAgent : HttpAgent
    const waiting = {
      timeout: UPSTREAM_IDLE_MILLISECONDS_MAX,
      maxFreeSockets: UPSTREAM_IDLE_COUNT_MAX,
      scheduling: 'lifo' as const,
    }
    this.#pool = new Agent({ ...tls, ...waiting, keepAlive: true })
    this.#fresh = new Agent({ ...tls, keepAlive: false })
    this.#proxy = this.#createProxy()
  }

  /** The target of `request` is in origin form. */
  forward(request: IncomingMessage, response: ServerResponse, client: ForwardedClient): void {
    forwardRequestHeaders(request.headers, client)
    this.#exchanges.set(response, { request: null, isAnswered: false, isRetried: false })
    const isRepeatable = (request.method === 'GET' || request.method === 'HEAD') && !hasBody(request.headers)
    this.#send(request, response, isRepeatable ? this.#pool : this.#fresh)
  }

  /** `request` is a GET without a body that asks for a WebSocket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, client: ForwardedClient): void {
    forwardRequestHeaders(request.headers, client)
    request.headers.connection = 'Upgrade'
    request.headers.upgrade = 'websocket'
    this.#exchanges.set(socket, { request: null, isAnswered: false, isRetried: false })
    const options = { target: this.#target, agent: this.#fresh }
    // It is a Socket: client streams are TCP or TLS. What fails is told by the event.
    this.#proxy.ws(request, socket as Socket, options, head).catch(() => {})
  }

  close(): void {
    this.#pool.destroy()
    this.#fresh.destroy()
  }

  #send(request: IncomingMessage, response: ServerResponse, agent: HttpAgent): void {
    const options = { target: this.#target, agent, selfHandleResponse: true }
    this.#proxy.web(request, response, options).catch(() => {})
  }

  #createProxy(): ProxyServer {
    const proxy = new ProxyServer()
    proxy.on('proxyReq', (outgoing, request, response) => this.#handleSent(outgoing, request, response))
    proxy.on('proxyRes', (incoming, request, response) => this.#handleAnswer(incoming, request, response))
    proxy.on('proxyReqWs', (outgoing, _request, socket) => this.#handleUpgradeSent(outgoing, socket))
    proxy.on('open', (upstream) => upstream.setKeepAlive(true, UPSTREAM_KEEP_ALIVE_MILLISECONDS))
    proxy.on('error', (error, request, responseOrSocket) => {
      if (responseOrSocket instanceof ServerResponse && request) this.#fail(error, request, responseOrSocket)
      else if (responseOrSocket) this.#failUpgrade(error, responseOrSocket as Socket)
    })
    return proxy
  }

  /** Called when the request has its connection, which may still be connecting. */
  #handleSent(outgoing: ClientRequest, request: IncomingMessage, response: ServerResponse): void {
    const exchange = this.#exchanges.get(response)
    if (exchange === undefined) return
    exchange.request = outgoing
    leaveLastDescriptors(outgoing)
    this.#limitTime(outgoing)
    // An upstream that changes the protocol without being asked ends the request with neither an answer nor an error.
    outgoing.once('close', () => {
      if (exchange.request !== outgoing || exchange.isAnswered) return
      this.#fail(new Error('the request was not answered'), request, response)
    })
  }

  #limitTime(outgoing: ClientRequest): void {
    if (!outgoing.reusedSocket) {
      const expire = () =>
        outgoing.destroy(new UpstreamTimeout(`no connection in ${UPSTREAM_CONNECT_MILLISECONDS_MAX / 1000} s`))
      const timer = setTimeout(expire, UPSTREAM_CONNECT_MILLISECONDS_MAX)
      const clear = () => clearTimeout(timer)
      outgoing.socket?.once(this.#isSecure ? 'secureConnect' : 'connect', clear)
      outgoing.once('close', clear)
    }
    outgoing.setTimeout(this.#answerMillisecondsMax, () => outgoing.destroy(new UpstreamTimeout('no answer in time')))
    outgoing.once('response', () => outgoing.setTimeout(HTTP_SILENCE_MILLISECONDS_MAX))
  }

  #handleAnswer(incoming: IncomingMessage, request: IncomingMessage, response: ServerResponse): void {
    const exchange = this.#exchanges.get(response)
    if (exchange !== undefined) exchange.isAnswered = true
    if (response.destroyed || response.headersSent) return void incoming.destroy()
    try {
      response.writeHead(incoming.statusCode ?? 0, incoming.statusMessage ?? '', forwardedResponseHeaders(incoming))
    } catch {
      // A status or a reason phrase that our server cannot write.
      incoming.destroy()
      answer(request, response, 502, BAD_GATEWAY)
      return
    }
    // A stream of events begins before its first event. Not flushHeaders(): it writes the header's bytes above 0x7f as UTF-8.
    response.write(NO_BYTES)
    incoming.pipe(response)
  }

  #handleUpgradeSent(outgoing: ClientRequest, socket: Socket): void {
    const exchange = this.#exchanges.get(socket)
    if (exchange === undefined) return
    exchange.request = outgoing
    leaveLastDescriptors(outgoing)
    outgoing.once('socket', () => this.#limitTime(outgoing))
    const abort = () => outgoing.destroy()
    socket.setKeepAlive(true, UPSTREAM_KEEP_ALIVE_MILLISECONDS)
    socket.once('close', abort)
    // Nothing is taken from the stream until the upstream has answered, but Node reads ahead, and so sees that the client has gone.
    socket.once('end', abort)
    outgoing.once('upgrade', (_incoming, upstream) => {
      exchange.isAnswered = true
      socket.off('end', abort)
      tie(socket, upstream)
    })
    outgoing.once('response', () => {
      exchange.isAnswered = true
      socket.off('end', abort)
      socket.once('finish', () => closeGently(socket))
    })
  }

  #fail(error: Error, request: IncomingMessage, response: ServerResponse): void {
    const exchange = this.#exchanges.get(response)
    // The client has gone, which ends the request to the upstream with an error too.
    if (response.destroyed || request.errored !== null) return
    if (response.headersSent) return void response.destroy()
    if (exchange?.request?.reusedSocket && !exchange.isRetried && isReset(error)) {
      exchange.request = null
      exchange.isRetried = true
      this.#send(request, response, this.#fresh)
      return
    }
    if (exchange !== undefined) exchange.isAnswered = true
    this.#warnOfOutage(error)
    if (error instanceof UpstreamTimeout) answer(request, response, 504, GATEWAY_TIMEOUT)
    else answer(request, response, 502, BAD_GATEWAY)
  }

  #failUpgrade(error: Error, socket: Socket): void {
    const exchange = this.#exchanges.get(socket)
    if (socket.destroyed || socket.errored === error || exchange === undefined) return
    if (exchange.isAnswered) return void destroyLater(socket)
    exchange.isAnswered = true
    if (socket.readableEnded) return void socket.destroy()
    this.#warnOfOutage(error)
    if (error instanceof UpstreamTimeout) answerAndClose(socket, 504, GATEWAY_TIMEOUT)
    else answerAndClose(socket, 502, BAD_GATEWAY)
  }

  #warnOfOutage({ message }: Error): void {
    const now = this.#now()
    if (now - this.#warnedAt < UPSTREAM_WARNING_MILLISECONDS_MIN) return
    this.#warnedAt = now
    const reason = escapeControls(message)
    this.#warn(`--http-upstream ${this.#origin} gives no answer to HTTP clients (${reason}); TURN is not affected`)
  }
}

const NO_BYTES = new Uint8Array(0)
const BAD_GATEWAY = 'The web server behind this port is down or gives no answer.'
const GATEWAY_TIMEOUT = 'The web server behind this port gives no answer in time.'

function isReset(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ECONNRESET' || error.code === 'EPIPE'
}

/** Neither side of a WebSocket outlives the other one: pipes pass on an end, but not that a connection is cut. */
function tie(client: Socket, upstream: Duplex): void {
  client.once('end', () => destroyLater(upstream))
  client.once('close', () => upstream.destroy())
  upstream.once('close', () => {
    if (client.writableEnded) closeGently(client)
    else client.destroy()
  })
}

/** The last file descriptors are for what the server itself opens: a request that would take one is answered with 502. */
function leaveLastDescriptors(outgoing: ClientRequest): void {
  const look = (socket: Socket) => {
    if (descriptorOf(socket) >= clientDescriptorEnd()) outgoing.destroy(new Error('the limit of open files is reached'))
  }
  const wait = (socket: Socket) => {
    if (socket.connecting) socket.once('connect', () => look(socket))
  }
  // With a connection of its own already there, the event has been.
  if (outgoing.socket) wait(outgoing.socket)
  else outgoing.once('socket', wait)
}
