// The web server behind port 443 while it is attacked: it says what it was asked for, never answers under /silent, and does not stop under /endless.

import { once } from 'node:events'
import { createServer, request, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Ground } from '../ground.js'
import { HOST } from '../ground.js'
import { UPSTREAM } from './stream-shared.js'

const BLOCK = Buffer.alloc(64 * 1024, 'x')

export class Upstream {
  /** Paths of requests, in order; of the few last ones. */
  readonly paths = new Set<string>()
  connectionCount = 0
  readonly #sockets = new Set<Socket>()

  static async open(ground: Ground): Promise<Upstream> {
    const upstream = new Upstream()
    const server = createServer((incoming, response) => {
      const path = incoming.url ?? ''
      upstream.paths.add(path)
      incoming.resume()
      if (path.startsWith('/silent')) return
      if (path.startsWith('/endless')) writeOn(response)
      else response.end('here')
    })
    // Nobody answers a request for a WebSocket.
    server.on('upgrade', (_request, socket) => socket.on('error', () => {}))
    server.on('connection', (socket) => {
      upstream.connectionCount++
      upstream.#sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => upstream.#sockets.delete(socket))
    })
    server.listen(UPSTREAM.port, UPSTREAM.host)
    await once(server, 'listening')
    ground.teardown(() => {
      for (const socket of upstream.#sockets) socket.destroy()
      server.close()
    })
    return upstream
  }
}

function writeOn(response: ServerResponse): void {
  response.on('error', () => {})
  const go = () => {
    while (!response.destroyed && response.write(BLOCK));
  }
  response.on('drain', go)
  go()
}

/** The status of a page of the upstream, asked for as a browser would. @param from an address of 127.0.0.0/8 */
export async function statusOfPage(ground: Ground, from: string): Promise<number> {
  const outgoing = request({ host: HOST, port: ground.port('tls'), localAddress: from, path: '/page', agent: false })
  const answered = once(outgoing, 'response')
  outgoing.setTimeout(10_000, () => outgoing.destroy(new Error('no page within 10 s')))
  outgoing.end()
  const [response] = await answered
  response.resume()
  return response.statusCode
}
