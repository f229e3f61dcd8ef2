// The web server behind --http-upstream: it answers everything, and looks whether it is told only what turnd tells.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { echoWebSockets } from '../../support/websocket-echo.js'
import type { Depth } from './depth.js'

export const UPSTREAM_TEXT = 'the page of the upstream'
const NEVER_PASSED_ON = ['forwarded', 'proxy', 'x_forwarded_for', 'te', 'proxy-authorization', 'keep-alive']
const CLIENT = /^(127\.|203\.0\.113\.|2a00::|::)/

export class FuzzUpstream {
  readonly origin: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
    this.origin = `http://127.0.0.1:${(server.address() as { port: number }).port}`
    server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  static async open(depth: Depth, report: (problem: string) => void): Promise<FuzzUpstream> {
    const look = (request: IncomingMessage) => {
      depth.add('upstream')
      const problem = problemOf(request)
      if (problem !== null)
        report(`the upstream was sent ${problem}: ${JSON.stringify(request.rawHeaders).slice(0, 400)}`)
    }
    const server = createServer((request, response) => {
      look(request)
      request.on('error', () => {})
      request.resume()
      response.end(UPSTREAM_TEXT)
    })
    // What turnd passes on is HTTP, whatever it was sent.
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      if (error.code?.startsWith('HPE_') && error.code !== 'HPE_INVALID_EOF_STATE')
        report(`the upstream was sent no HTTP: ${error.code}`)
      socket.destroy()
    })
    echoWebSockets(server, look)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new FuzzUpstream(server)
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}

function problemOf({ headers, rawHeaders, url = '' }: IncomingMessage): string | null {
  const names = rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase())
  const told = names.filter((name) => name === 'x-forwarded-for').length
  if (told !== 1 || !CLIENT.test(String(headers['x-forwarded-for']))) return 'another client’s address'
  const forbidden = NEVER_PASSED_ON.find((name) => names.includes(name))
  if (forbidden !== undefined) return `the header ${forbidden}`
  if (names.filter((name) => name === 'host').length > 1) return 'two hosts'
  return url.startsWith('/') ? null : `the target ${url}`
}
