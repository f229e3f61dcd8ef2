import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t from 'tap'
import { HTTP_CONNECTION_OF_SOURCE_COUNT_MAX, HTTP_PIPELINED_COUNT_MAX } from '../../../src/limits/http.js'
import { ask, exchange, RawClient, startEntry, startUpstream, until } from '../../support/http-stage.js'

t.setTimeout(240_000)

t.test('without an upstream', async (t) => {
  const { port, entry, greeted } = await startEntry(t, null)

  t.test('every request gets 404 and one line that says what this is', async (t) => {
    const { status, headers, body } = await ask(port, { path: '/any/page' })
    t.equal(status, 404)
    t.match(headers, { connection: 'close', 'content-type': 'text/plain; charset=utf-8' })
    t.match(body, /^This is a TURN server.*--http-upstream URL.*\n$/)
    t.equal(body.split('\n').length, 2)
    t.equal(greeted.count, 1)
  })

  t.test('HEAD gets it without the line', async (t) => {
    const { status, headers, body } = await ask(port, { method: 'HEAD' })
    t.match({ status, headers, body }, { status: 404, headers: { 'content-length': /^[0-9]+$/ }, body: '' })
  })

  t.test('a request with a body, or for a WebSocket, gets it too', async (t) => {
    t.equal((await ask(port, { method: 'POST', body: 'a=b' })).status, 404)
    t.match(
      await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
      /^HTTP\/1\.1 404 Not Found\r\n/,
    )
  })

  t.test('the connection is closed after it', async (t) => {
    t.match(
      await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'),
      /^HTTP\/1\.1 404/,
    )
    t.equal(entry.connectionCount, 0)
  })
})

t.test('what is not HTTP gets 400 and is closed', async (t) => {
  const { port, greeted } = await startEntry(t, null)
  const rows = [
    'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na',
    'GET / HTTP/1.1\nHost: a\n\n',
    'GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nA\x00: b\r\n\r\n',
    'GET / HTTP/1.1\r\n\r\n',
    'GET / HTTP/1.1x\r\nHost: a\r\n\r\n',
    'GET / HTTP/9.9\r\nHost: a\r\n\r\n',
  ]
  for (const text of rows) t.match(await exchange(port, text), /^HTTP\/1\.1 400 Bad Request\r\n/, JSON.stringify(text))
  t.equal(greeted.count, 0, 'nobody is told of a good request')
})

t.test('a header of more than 16 KiB gets 431', async (t) => {
  const { port } = await startEntry(t, null)
  t.match(await exchange(port, `GET / HTTP/1.1\r\nHost: a\r\nA: ${'a'.repeat(17_000)}\r\n\r\n`), /^HTTP\/1\.1 431 /)
})

t.test('a header that is not whole after 10 s gets 408, with a byte a second or none', async (t) => {
  const { port, entry } = await startEntry(t, null)
  const start = performance.now()
  const silent = new RawClient(port)
  silent.write('GET ')
  const slow = new RawClient(port)
  slow.write('GET / HTTP/1.1\r\nHost: a\r\n')
  const drip = setInterval(() => slow.write('A'), 1_000)
  t.teardown(() => clearInterval(drip))
  await Promise.all([silent.closed, slow.closed])
  const seconds = (performance.now() - start) / 1000
  t.match(silent.received, /^HTTP\/1\.1 408 /)
  t.match(slow.received, /^HTTP\/1\.1 408 /)
  t.ok(seconds >= 9, 'not before')
  t.equal(entry.connectionCount, 0)
})

t.test('a connection of one client', async (t) => {
  const held: (() => void)[] = []
  const { origin } = await startUpstream(t, (request, response) => {
    if (request.url === '/held') held.push(() => response.end('held'))
    else response.end('page')
  })
  const { port } = await startEntry(t, origin)
  const held1 = 'GET /held HTTP/1.1\r\nHost: a\r\n\r\n'

  t.test(`may wait for ${HTTP_PIPELINED_COUNT_MAX} answers at a time, and not for one more`, async (t) => {
    const patient = new RawClient(port)
    patient.write(held1.repeat(HTTP_PIPELINED_COUNT_MAX))
    const count = HTTP_PIPELINED_COUNT_MAX
    await until(() => held.length === count, 'requests at the upstream')
    const greedy = new RawClient(port)
    greedy.write(held1.repeat(count + 1))
    t.equal(await greedy.end(), '')
    for (const release of held.splice(0)) release()
    await patient.until(new RegExp(`(?:HTTP/1\\.1 200 OK[^]*?held[^]*?){${count}}`))
    patient.socket.destroy()
  })

  t.test('that is closed for that makes no more requests of what it has sent at once', async (t) => {
    let requestCount = 0
    const count = (): void => void requestCount++
    subscribe('http.server.request.start', count)
    t.teardown(() => unsubscribe('http.server.request.start', count))
    const greedy = new RawClient(port)
    greedy.write(held1.repeat(2_000))
    t.equal(await greedy.end(), '')
    // The upstream of this test counts as well.
    t.ok(requestCount < 100, `${requestCount} requests`)
    for (const release of held.splice(0)) release()
  })

  t.test('may not ask for a WebSocket before it has its answers', async (t) => {
    const client = new RawClient(port)
    client.write(`${held1}GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`)
    t.equal(await client.end(), '')
  })

  t.test('is kept for its next request, but not for more than 1,000', async (t) => {
    const client = new RawClient(port)
    for (let count = 1; count <= 1000; count++) {
      client.received = ''
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await client.until('page')
    }
    t.match(client.received, /Connection: close/i)
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.until('HTTP/1.1 503 ')
    client.socket.destroy()
  })

  t.test('is one of a limited number of its address, and leaves room for others', async (t) => {
    let clientHost = '198.51.100.1'
    const { entry, port } = await startEntry(t, origin, { clientHost: () => clientHost })
    const clients: RawClient[] = []
    for (let count = 0; count < HTTP_CONNECTION_OF_SOURCE_COUNT_MAX; count++) {
      const client = new RawClient(port)
      client.write('GET / HTTP/1.1\r\nHost: a\r\n')
      clients.push(client)
    }
    await until(() => entry.connectionCount === HTTP_CONNECTION_OF_SOURCE_COUNT_MAX, 'connections')
    const last = clients[clients.length - 1]
    last.write('\r\n')
    await last.until('page')
    const request = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
    t.match(await exchange(port, request), /^HTTP\/1\.1 503 .*your address/s)
    clientHost = '198.51.100.2'
    t.match(await exchange(port, request), /^HTTP\/1\.1 200 /)
    clientHost = '198.51.100.1'
    last.socket.destroy()
    await until(() => entry.connectionCount === HTTP_CONNECTION_OF_SOURCE_COUNT_MAX - 1, 'one has gone')
    t.match(await exchange(port, request), /^HTTP\/1\.1 200 /)
    for (const client of clients) client.socket.destroy()
  })
})

t.test('requests that wait for their answer are limited, for one address and in all', async (t) => {
  const held: (() => void)[] = []
  const { origin } = await startUpstream(t, (_request, response) => held.push(() => response.end('held')))
  const COUNT_MAX = 8 * HTTP_PIPELINED_COUNT_MAX
  const OF_SOURCE_COUNT_MAX = 2 * HTTP_PIPELINED_COUNT_MAX
  let address = 0
  const clients: RawClient[] = []
  const { port } = await startEntry(t, origin, {
    clientHost: () => `198.51.100.${address}`,
    requestCountMax: COUNT_MAX,
    requestOfSourceCountMax: OF_SOURCE_COUNT_MAX,
  })
  const held8 = 'GET /held HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(HTTP_PIPELINED_COUNT_MAX)
  const last = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
  for (let count = 0; count < COUNT_MAX; count += HTTP_PIPELINED_COUNT_MAX) {
    if (count % OF_SOURCE_COUNT_MAX === 0) {
      if (count > 0) t.match(await exchange(port, last), /^HTTP\/1\.1 503 .*your address/s)
      address++
    }
    const client = new RawClient(port)
    client.write(held8)
    clients.push(client)
    await until(() => held.length === count + HTTP_PIPELINED_COUNT_MAX, 'requests at the upstream')
  }
  address++
  t.match(await exchange(port, last), /^HTTP\/1\.1 503 .*Too many requests wait/s)
  for (const release of held.splice(0, HTTP_PIPELINED_COUNT_MAX)) release()
  await clients[0].until(/held[\s\S]*held/)
  const newcomer = exchange(port, last)
  await until(() => held.length === COUNT_MAX - HTTP_PIPELINED_COUNT_MAX + 1, 'a newcomer at the upstream')
  held.at(-1)?.()
  t.match(await newcomer, /^HTTP\/1\.1 200 /)
  for (const client of clients) client.socket.destroy()
})

t.test('requests leave the count with a connection that is cut off, those behind the first one too', async (t) => {
  let arrivedCount = 0
  const { origin } = await startUpstream(t, (request, response) => {
    arrivedCount++
    if (request.url === '/') response.end('page')
  })
  const { entry, port } = await startEntry(t, origin, { requestOfSourceCountMax: 2 * HTTP_PIPELINED_COUNT_MAX })
  const held = 'GET /held HTTP/1.1\r\nHost: a\r\n\r\n'
  for (const requestCount of [1, HTTP_PIPELINED_COUNT_MAX, HTTP_PIPELINED_COUNT_MAX, 5 * HTTP_PIPELINED_COUNT_MAX]) {
    const before = arrivedCount
    const client = new RawClient(port)
    client.write(held.repeat(requestCount))
    if (requestCount <= HTTP_PIPELINED_COUNT_MAX) {
      await until(() => arrivedCount === before + requestCount, 'requests at the upstream')
      client.socket.destroy()
    }
    await until(() => entry.connectionCount === 0, 'it is gone')
  }
  t.match(await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 200 /)
})

t.test('close() ends every connection, and those that come later', async (t) => {
  const { origin } = await startUpstream(t, () => {})
  const { port, entry, greeted } = await startEntry(t, origin)
  const idle = new RawClient(port)
  idle.write('GET ')
  const waiting = new RawClient(port)
  waiting.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await until(() => greeted.count === 1 && entry.connectionCount === 2, 'two connections')
  await entry.close()
  t.equal(entry.connectionCount, 0)
  t.equal(await idle.end(), '')
  t.equal(await waiting.end(), '')
  const late = new RawClient(port)
  late.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  t.equal(await late.end(), '')
})
