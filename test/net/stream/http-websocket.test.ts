import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import t, { type Test } from 'tap'
import {
  closedPort,
  closeOf,
  exchange,
  listen,
  RawClient,
  startEntry,
  startRawUpstream,
  until,
} from '../../support/http-stage.js'
import { acceptOf } from '../../support/websocket-echo.js'

t.setTimeout(240_000)

const KEY = randomBytes(16).toString('base64')

const ask = (lines: readonly string[] = []) =>
  [
    ...['GET /socket?a=b HTTP/1.1', 'Host: web.example.org', 'Connection: keep-alive, Upgrade', 'Upgrade: websocket'],
    ...['Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${KEY}`, ...lines, '', ''],
  ].join('\r\n')

/** An upstream that takes WebSockets and sends back every byte. */
async function startEcho(t: Test) {
  const sockets: Duplex[] = []
  const asked: IncomingMessage[] = []
  const server = createServer()
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    asked.push(request)
    sockets.push(socket)
    socket.on('error', () => {})
    const accept = acceptOf(request.headers['sec-websocket-key'] ?? '')
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    )
    socket.write(head)
    socket.pipe(socket)
  })
  const port = await listen(server)
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const stage = await startEntry(t, `http://127.0.0.1:${port}`)
  return { ...stage, sockets, asked }
}

t.test('a WebSocket', async (t) => {
  const { port, asked, sockets, entry, warnings, greeted } = await startEcho(t)

  t.test('is opened at the upstream, with who the client is', async (t) => {
    const client = new RawClient(port)
    client.write(ask(['X-Forwarded-For: 10.0.0.1', 'Origin: https://web.example.org']))
    await client.until('\r\n\r\n')
    t.match(client.received, /^HTTP\/1\.1 101 Switching Protocols\r\n/)
    t.ok(client.received.includes(acceptOf(KEY)))
    t.match(asked[0], {
      url: '/socket?a=b',
      headers: {
        host: 'web.example.org',
        origin: 'https://web.example.org',
        connection: 'Upgrade',
        upgrade: 'websocket',
        'x-forwarded-for': '203.0.113.7',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': 'web.example.org',
      },
    })
    t.equal(greeted.count, 1)
    client.socket.destroy()
    await closeOf(sockets[0])
  })

  t.test('carries bytes both ways, those behind the request first', async () => {
    const client = new RawClient(port)
    client.write(`${ask()}first`)
    await client.until('first')
    for (const word of ['second', 'third']) {
      client.write(word)
      await client.until(word)
    }
    client.received = ''
    client.write('x'.repeat(2_000_000))
    await until(() => client.received.length === 2_000_000, 'all of 2 MB')
    client.socket.destroy()
    await until(() => entry.connectionCount === 0, 'no connection')
  })

  t.test('ends with either side', async (t) => {
    for (const leave of ['end', 'destroy'] as const) {
      const count = sockets.length
      const one = new RawClient(port)
      one.write(ask())
      await one.until('\r\n\r\n')
      one.socket[leave]()
      await closeOf(sockets[count])
      await one.end()
      const other = new RawClient(port)
      other.write(ask())
      await other.until('\r\n\r\n')
      sockets[count + 1][leave]()
      await other.end()
    }
    await until(() => entry.connectionCount === 0, 'no connection')
    t.same(warnings, [])
  })

  t.test('ends when the entry does', async (t) => {
    const client = new RawClient(port)
    client.write(ask())
    await client.until('\r\n\r\n')
    const upstream = sockets[sockets.length - 1]
    await entry.close()
    await client.end()
    await closeOf(upstream)
    t.equal(entry.connectionCount, 0)
  })
})

t.test('a request for a WebSocket', async (t) => {
  t.test('that the upstream refuses gets its answer, and is no way to send it more', async (t) => {
    const received: string[] = []
    const { origin } = await startRawUpstream(t, (socket) =>
      socket.on('data', (bytes) => {
        received.push(bytes.toString())
        socket.write(
          'HTTP/1.1 426 Upgrade Required\r\nContent-Length: 3\r\nX-Own: 1\r\nKeep-Alive: timeout=5\r\n\r\nno\n',
        )
      }),
    )
    const { port, entry } = await startEntry(t, origin)
    const answer = await exchange(port, `${ask()}GET /secret HTTP/1.1\r\nHost: a\r\n\r\n`)
    t.match(answer, /^HTTP\/1\.1 426 Upgrade Required\r\n/)
    t.match(answer, /x-own: 1/i)
    t.match(answer, /\r\n\r\nno\n$/)
    t.equal(received.length, 1)
    t.notMatch(received[0], /secret/)
    await until(() => entry.connectionCount === 0, 'no connection')
  })

  t.test('gets 502 from an upstream that is down or closes, and warns', async (t) => {
    const down = await startEntry(t, `http://127.0.0.1:${await closedPort()}`)
    t.match(await exchange(down.port, ask()), /^HTTP\/1\.1 502 Bad Gateway\r\n.*\r\n\r\nThe web server .*\n$/s)
    t.equal(down.warnings.length, 1)
    const { origin } = await startRawUpstream(t, (socket) => socket.once('data', () => socket.destroy()))
    const closing = await startEntry(t, origin)
    t.match(await exchange(closing.port, ask()), /^HTTP\/1\.1 502 /)
    await until(() => down.entry.connectionCount + closing.entry.connectionCount === 0, 'no connection')
  })

  t.test('is taken back when the client goes away', async (t) => {
    for (const leave of ['destroy', 'end', 'resetAndDestroy'] as const) {
      const asked: Duplex[] = []
      const { origin } = await startRawUpstream(t, (socket) => socket.once('data', () => asked.push(socket)))
      const { port, entry, warnings } = await startEntry(t, origin)
      const client = new RawClient(port)
      client.write(ask())
      await until(() => asked.length === 1, 'the request at the upstream')
      client.socket[leave]()
      asked[0].resume()
      await closeOf(asked[0])
      await until(() => entry.connectionCount === 0, 'no connection')
      t.same(warnings, [], leave)
    }
  })

  t.test('with a body is refused: two servers would see two ends of it', async (t) => {
    const { port, asked } = await startEcho(t)
    t.match(await exchange(port, `${ask(['Content-Length: 5'])}12345`), /^HTTP\/1\.1 400 /)
    t.match(await exchange(port, `${ask(['Transfer-Encoding: chunked'])}0\r\n\r\n`), /^HTTP\/1\.1 400 /)
    t.equal(asked.length, 0)
    const client = new RawClient(port)
    client.write(ask(['Content-Length: 0']))
    await client.until('HTTP/1.1 101 ')
    client.socket.destroy()
  })

  t.test('and no other upgrade is passed on', async (t) => {
    const { port, asked } = await startEcho(t)
    const start = 'Host: a\r\nConnection: Upgrade\r\nUpgrade:'
    t.match(await exchange(port, `GET / HTTP/1.1\r\n${start} h2c\r\n\r\n`), /^HTTP\/1\.1 501 /)
    t.match(await exchange(port, `POST / HTTP/1.1\r\n${start} websocket\r\n\r\n`), /^HTTP\/1\.1 501 /)
    t.equal(asked.length, 0)
  })
})
