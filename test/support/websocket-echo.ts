// WebSockets at an http.Server of a test: every text message goes back (RFC 6455). Only what a browser sends for short messages.
import { createHash } from 'node:crypto'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'

const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const TEXT = 0x81
const CLOSE = 0x88
/** Longer messages have a longer header, which is not written here. */
const LENGTH_MAX = 125
const MASKED_HEADER_LENGTH = 6

/** @param onOpened called with the request of each WebSocket */
export function echoWebSockets(server: Server, onOpened: (request: IncomingMessage) => void): void {
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const key = request.headers['sec-websocket-key'] ?? ''
    const lines = [
      'HTTP/1.1 101 Switching Protocols',
      ...['Connection: Upgrade', 'Upgrade: websocket', `Sec-WebSocket-Accept: ${acceptOf(key)}`],
    ]
    socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    onOpened(request)
    let received: Buffer = head
    socket.on('error', () => {})
    socket.on('data', (bytes: Buffer) => {
      received = echoFrames(Buffer.concat([received, bytes]), socket)
    })
  })
}

/** The value of Sec-WebSocket-Accept (RFC 6455 §4.2.2). */
export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}${ACCEPT_SUFFIX}`).digest('base64')
}

/** Answers the whole frames in `bytes`; returns what is left. */
function echoFrames(bytes: Buffer, socket: Duplex): Buffer {
  let rest = bytes
  while (rest.length >= MASKED_HEADER_LENGTH) {
    const length = rest[1] & 0x7f
    if (length > LENGTH_MAX) throw new Error('the message is longer than this echo takes')
    const end = MASKED_HEADER_LENGTH + length
    if (rest.length < end) break
    const mask = rest.subarray(2, MASKED_HEADER_LENGTH)
    const payload = rest.subarray(MASKED_HEADER_LENGTH, end).map((byte, index) => byte ^ mask[index % 4])
    if (rest[0] === TEXT || rest[0] === CLOSE) socket.write(Buffer.concat([Uint8Array.of(rest[0], length), payload]))
    if (rest[0] === CLOSE) socket.end()
    rest = rest.subarray(end)
  }
  return rest
}
