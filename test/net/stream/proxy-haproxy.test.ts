// A real proxy in front: what Debian's haproxy sends with send-proxy and send-proxy-v2 is decoded to the address of its client.
import { type AddressInfo, connect, createServer } from 'node:net'
import t, { type Test } from 'tap'
import { decodeProxyHeader, ProxyHeader } from '../../../src/net/stream/proxy-protocol.js'
import { startHaproxy } from '../../support/haproxy.js'
import { before, listen } from '../../support/http-stage.js'
import { peerOrSkip } from '../../support/peers.js'

t.setTimeout(240_000)

interface Received {
  readonly told: string
  readonly rest: string
}

/** A server that decodes the header of each connection, and tells what came. */
async function startServer(t: Test): Promise<{ port: number; received: Received[]; next(): Promise<Received> }> {
  const received: Received[] = []
  let notify: (() => void) | null = null
  const server = createServer((socket) => {
    let bytes = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk])
    })
    socket.on('end', () => {
      const header = new ProxyHeader()
      const length = decodeProxyHeader(bytes, 0, bytes.length, header)
      const told = length <= 0 ? `result ${length}` : header.isLocal ? 'local' : header.source.toString()
      received.push({ told, rest: bytes.subarray(Math.max(length, 0)).toString() })
      socket.end()
      notify?.()
    })
  })
  const port = await listen(server)
  t.teardown(() => server.close())
  const next = async () => {
    if (received.length === 0) {
      await before(
        new Promise<void>((resolve) => {
          notify = resolve
        }),
        'a connection through haproxy',
      )
    }
    return received.shift() as Received
  }
  return { port, received, next }
}

/** Connects, tries again while nobody listens yet, sends `text` and ends. Returns the client's address as the proxy sees it. */
async function send(host: string, port: number, text: string): Promise<string> {
  for (;;) {
    const socket = connect({ host, port })
    const isConnected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
    if (isConnected) {
      const { address, port: ownPort } = socket.address() as AddressInfo
      socket.end(text)
      return host.includes(':') ? `[${address}]:${ownPort}` : `${address}:${ownPort}`
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

for (const option of ['send-proxy', 'send-proxy-v2', 'send-proxy-v2 proxy-v2-options unique-id,crc32c']) {
  t.test(`haproxy with ${option}`, { skip: peerOrSkip('haproxy', 'IPv6 loopback') }, async (t) => {
    const server = await startServer(t)
    const port = await startHaproxy(t, option, server.port)
    for (const host of ['127.0.0.1', '::1']) {
      const client = await before(send(host, port, 'what follows'), 'haproxy to listen')
      t.same(await server.next(), { told: client, rest: 'what follows' })
    }
  })
}

t.test(
  'the health checks of haproxy are its own connections',
  { skip: peerOrSkip('haproxy', 'IPv6 loopback') },
  async (t) => {
    const server = await startServer(t)
    await startHaproxy(t, 'send-proxy-v2 check check-send-proxy inter 200', server.port)
    t.match(await server.next(), { told: 'local', rest: '' })
  },
)
