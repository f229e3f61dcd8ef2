// Answers of our own to HTTP clients: one line of plain text. Everything else that they get comes from the upstream.

import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { HTTP_LINGER_MILLISECONDS } from '../../limits/http.js'

/** Answers a request. What is left of its body is read and thrown away, so that the next request on the connection is found. */
export function answer(request: IncomingMessage, response: ServerResponse, status: number, text: string): void {
  request.unpipe()
  request.resume()
  const body = `${text}\n`
  const header = { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': Buffer.byteLength(body) }
  // With its phrase: a response keeps one from a try that failed.
  response.writeHead(status, STATUS_CODES[status], header)
  response.end(body)
}

/** Answers on a connection that is no longer, or not yet, the server's, and closes it. */
export function answerAndClose(socket: Duplex, status: number, text: string): void {
  const body = `${text}\n`
  const header = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  socket.end(`${header.join('\r\n')}\r\n\r\n${body}`)
  closeGently(socket)
}

/** Reads and throws away what still comes, until the other side closes too, or for HTTP_LINGER_MILLISECONDS. */
export function closeGently(socket: Duplex): void {
  socket.resume()
  destroyLater(socket)
}

export function destroyLater(socket: Duplex): void {
  const timer = setTimeout(() => socket.destroy(), HTTP_LINGER_MILLISECONDS)
  socket.once('close', () => clearTimeout(timer))
}
