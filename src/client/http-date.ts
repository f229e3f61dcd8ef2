// What time it is at a server, by the Date of an HTTP answer over TLS (RFC 9110 §6.6.1): where TURN and a web server share a port, one asks the other's.
import { connect } from 'node:tls'
import { CLIENT_HTTP_HEAD_LENGTH_MAX } from '../limits/clients.js'

/**
 * The server's clock minus this machine's in seconds, to a second or two; null if it gives no such answer in time. Whose certificate it is does
 * not matter: nothing is told to it.
 */
export function httpDateOffsetSeconds(host: string, port: number, timeoutMilliseconds: number): Promise<number | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
    const finish = (offset: number | null) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(offset)
    }
    const timer = setTimeout(() => finish(null), timeoutMilliseconds)
    let text = ''
    socket.once('secureConnect', () => {
      const name = host.includes(':') ? `[${host}]` : host
      socket.write(`HEAD / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`)
    })
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (text.includes('\r\n\r\n') || text.length > CLIENT_HTTP_HEAD_LENGTH_MAX) finish(offsetIn(text))
    })
    socket.once('end', () => finish(offsetIn(text)))
    socket.on('error', () => finish(null))
  })
}

function offsetIn(head: string): number | null {
  const [, date] = /^HTTP\/1\.[01] \d[\s\S]*?\r\nDate: ([^\r\n]+)\r\n/i.exec(head) ?? []
  const time = date === undefined ? Number.NaN : Date.parse(date)
  return Number.isNaN(time) ? null : Math.round((time - Date.now()) / 1000)
}
