// What tests of HTTP beside TURN share: an HttpEntry behind a listener that hands it each connection, an upstream, and clients that write
// bytes of their own. All on loopback, and gone when the test ends.
import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http'
import {
  type AddressInfo,
  connect,
  createServer as createNetServer,
  type Server as NetServer,
  type Socket,
} from 'node:net'
import type { Duplex } from 'node:stream'
import type { Test } from 'tap'
import { misdirectionText } from '../../src/log/connection-refusals.js'
import { HttpEntry } from '../../src/net/stream/http-entry.js'
import type { PageNames } from '../../src/net/stream/http-host.js'
import { hostAddress } from '../../src/stun/address.js'
import { withDeadline } from './deadline.js'

/** Far above what anything here takes on a busy machine. */
const DEADLINE_MILLISECONDS = 60_000

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

export interface EntryStage {
  readonly port: number
  readonly entry: HttpEntry
  readonly warnings: string[]
  /** The clock of the entry, in milliseconds. */
  readonly clock: { now: number }
  /** Connections whose first request was good. */
  readonly greeted: { count: number }
  /** Requests for pages by other names: whose, and what the log says of it. */
  readonly misdirected: (readonly [client: string, text: string])[]
}

interface EntryOptions {
  readonly ca?: string | null
  readonly isSecure?: boolean
  readonly answerMillisecondsMax?: number
  readonly requestCountMax?: number
  readonly requestOfSourceCountMax?: number
  readonly pageNames?: PageNames
  /** The client's address as a PROXY header would tell it. */
  readonly clientHost?: string | (() => string)
}

/** A listener whose connections are all HTTP's. As in the server, the first bytes are read, looked at and put back. */
export async function startEntry(t: Test, upstream: string | null, options: EntryOptions = {}): Promise<EntryStage> {
  const { ca = null, isSecure = false, clientHost = '203.0.113.7', answerMillisecondsMax = 120_000 } = options
  const warnings: string[] = []
  const clock = { now: 0 }
  const greeted = { count: 0 }
  const warn = (text: string) => warnings.push(text)
  const bounds = {
    ...(options.requestCountMax === undefined ? {} : { requestCountMax: options.requestCountMax }),
    ...(options.requestOfSourceCountMax === undefined
      ? {}
      : { requestOfSourceCountMax: options.requestOfSourceCountMax }),
  }
  const { pageNames = { names: [], status: 421 } } = options
  const entry = new HttpEntry({ upstream, ca, pageNames, warn, now: () => clock.now, answerMillisecondsMax, ...bounds })
  const misdirected: [string, string][] = []
  entry.onMisdirected = (client, asked) => void misdirected.push([String(client), misdirectionText(asked)])
  const listener = createNetServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    const client = hostAddress(typeof clientHost === 'string' ? clientHost : clientHost(), 55555)!
    socket.on('error', ignore)
    socket.once('data', (bytes) => {
      socket.pause()
      socket.unshift(bytes)
      entry.accept(socket, client, isSecure, () => greeted.count++)
    })
    socket.resume()
  })
  const port = await listen(listener)
  t.teardown(async () => {
    listener.close()
    await entry.close()
  })
  return { port, entry, warnings, clock, greeted, misdirected }
}

/** A web server that answers by `handler`. */
export async function startUpstream(
  t: Test,
  handler: Handler,
): Promise<{ server: Server; port: number; origin: string }> {
  const server = createServer(handler)
  server.on('connection', (socket) => socket.on('error', ignore))
  const port = await listen(server)
  t.teardown(() => closeServer(server))
  return { server, port, origin: `http://127.0.0.1:${port}` }
}

/** A server of bytes, for upstreams that are not what they should be. */
export async function startRawUpstream(
  t: Test,
  onConnection: (socket: Socket) => void,
): Promise<{ port: number; origin: string }> {
  const sockets = new Set<Socket>()
  const server = createNetServer((socket) => {
    sockets.add(socket)
    socket.on('error', ignore)
    onConnection(socket)
  })
  const port = await listen(server)
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port, origin: `http://127.0.0.1:${port}` }
}

function closeServer(server: Server): void {
  server.closeAllConnections()
  server.close()
}

export async function listen(server: NetServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** A port of loopback on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createNetServer()
  const port = await listen(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

interface AskOptions {
  readonly method?: string
  readonly path?: string
  readonly headers?: Record<string, string>
  readonly body?: string | undefined
}

/** One request on a connection of its own, and the whole answer. */
export function ask(
  port: number,
  { method = 'GET', path = '/', headers = {}, body }: AskOptions = {},
): Promise<Answer> {
  // Node sends a body of DELETE and OPTIONS without saying where it ends.
  const framing = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
  const outgoing = request({ host: '127.0.0.1', port, method, path, headers: { ...headers, ...framing }, agent: false })
  const answered = responseOf(outgoing).then(async (response) => ({
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: await textOf(response),
  }))
  outgoing.end(body)
  return before(answered, `an answer to ${method} ${path}`)
}

export function responseOf(outgoing: ClientRequest): Promise<IncomingMessage> {
  return before(
    new Promise((resolve, reject) => {
      outgoing.once('response', resolve)
      outgoing.once('error', reject)
    }),
    'a response',
  )
}

/** Rejects when the stream is cut. */
export async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString('latin1')
}

/** A client that writes bytes of its own. */
export class RawClient {
  readonly socket: Socket
  received = ''
  readonly closed: Promise<void>

  constructor(port: number) {
    this.socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
    this.socket.on('error', ignore)
    this.socket.on('data', (bytes) => {
      this.received += bytes.toString('latin1')
    })
    this.closed = new Promise((resolve) => {
      this.socket.once('end', () => this.socket.end())
      this.socket.once('close', () => resolve())
    })
  }

  write(text: string): void {
    this.socket.write(text, 'latin1')
  }

  async until(pattern: RegExp | string): Promise<void> {
    const isThere = () => (typeof pattern === 'string' ? this.received.includes(pattern) : pattern.test(this.received))
    const arrived = new Promise<void>((resolve) => {
      const look = () => {
        if (!isThere()) return
        this.socket.off('data', look)
        resolve()
      }
      this.socket.on('data', look)
      look()
    })
    await withDeadline(arrived, DEADLINE_MILLISECONDS, () => `${pattern} in ${JSON.stringify(this.received)}`)
  }

  /** All that was received when the connection is closed. */
  async end(): Promise<string> {
    await withDeadline(this.closed, DEADLINE_MILLISECONDS, () => `closed after ${JSON.stringify(this.received)}`)
    return this.received
  }
}

/** A client that writes `text` and reads until it is closed. */
export async function exchange(port: number, text: string): Promise<string> {
  const client = new RawClient(port)
  client.write(text)
  return client.end()
}

export function before<Value>(promise: Promise<Value>, what: string): Promise<Value> {
  return withDeadline(promise, DEADLINE_MILLISECONDS, () => what)
}

/** Waits until something that has no event of its own is so. */
export async function until(isSo: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + DEADLINE_MILLISECONDS
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`not in time: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

export function closeOf(stream: Duplex | IncomingMessage | ServerResponse): Promise<void> {
  return before(
    new Promise((resolve) => {
      stream.once('error', ignore)
      stream.once('close', () => resolve())
      if (stream.closed) resolve()
    }),
    'closed',
  )
}

function ignore(): void {}
