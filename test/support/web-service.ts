// Web services of the tests' own, for --auth-webhook: over HTTP, over TLS, and of raw bytes. On loopback, and gone when the test ends.
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createNetServer, type Socket } from 'node:net'
import type { Closing } from './closing.js'
import { listen } from './http-stage.js'

export interface Asked {
  readonly body: Readonly<Record<string, unknown>>
  readonly headers: IncomingMessage['headers']
  readonly method: string
  readonly path: string
}

/** Answers one request, or leaves it without an answer. */
export type Answering = (response: ServerResponse, asked: Asked) => void

export interface WebService {
  readonly url: string
  readonly port: number
  /** Requests in the order in which they came, whole. */
  readonly asked: Asked[]
  readonly sockets: ReadonlySet<Socket>
  /** Connections so far. */
  readonly counts: { connections: number }
  /** May be changed while it runs. */
  answering: Answering
}

/** @param tls the certificate of one over TLS */
export async function startWebService(
  t: Closing,
  answering: Answering,
  tls: { readonly cert: string; readonly key: string } | null = null,
): Promise<WebService> {
  const sockets = new Set<Socket>()
  const asked: Asked[] = []
  const counts = { connections: 0 }
  const handle: RequestListener = (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { headers, method = '', url: path = '' } = request
      const one = { headers, method, path, body: JSON.parse(Buffer.concat(chunks).toString()) }
      asked.push(one)
      service.answering(response, one)
    })
  }
  const server: Server = tls === null ? createServer(handle) : createTlsServer({ ...tls }, handle)
  server.on('connection', (socket) => {
    counts.connections++
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  })
  const port = await listen(server)
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http${tls === null ? '' : 's'}://127.0.0.1:${port}/turn`
  const service: WebService = { url, port, asked, sockets, counts, answering }
  return service
}

/** One that says its bytes as soon as a request comes, or none for ''. */
export async function startRawService(t: Closing, onRequest: (socket: Socket) => void): Promise<WebService> {
  const sockets = new Set<Socket>()
  const counts = { connections: 0 }
  const server = createNetServer((socket) => {
    counts.connections++
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    socket.once('data', () => onRequest(socket))
  })
  const port = await listen(server)
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { url: `http://127.0.0.1:${port}/turn`, port, asked: [], sockets, counts, answering: () => {} }
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}
