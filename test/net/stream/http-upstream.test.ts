import { createHash, randomBytes } from 'node:crypto'
import { Agent, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { pipeline } from 'node:stream/promises'
import t, { type Test } from 'tap'
import {
  ask,
  before,
  closedPort,
  closeOf,
  exchange,
  RawClient,
  responseOf,
  startEntry,
  startRawUpstream,
  startUpstream,
  textOf,
  until,
} from '../../support/http-stage.js'

t.setTimeout(240_000)

/** An upstream that answers with what it was asked, and an entry before it. */
async function startEcho(t: Test, options: Parameters<typeof startEntry>[2] = {}) {
  const { origin } = await startUpstream(t, async (request, response) => {
    const { method, url, headers, rawHeaders } = request
    const body = await textOf(request)
    response.end(JSON.stringify({ method, url, headers, rawHeaders, body }))
  })
  return startEntry(t, origin, options)
}

/** Waits until a count has not grown for a while. */
async function settled(count: () => number): Promise<void> {
  let last = -1
  while (last !== count()) {
    last = count()
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: Record<string, string>
  readonly rawHeaders: string[]
  readonly body: string
}

async function seenBy(port: number, text: string): Promise<Seen> {
  const received = await exchange(port, text)
  return JSON.parse(received.slice(received.indexOf('{'), received.lastIndexOf('}') + 1))
}

t.test('a request', async (t) => {
  const { port } = await startEcho(t)

  t.test('comes to the upstream with its method, target, header and body', async (t) => {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND']) {
      const body = method === 'GET' ? undefined : 'a=b'
      const headers = { Host: 'web.example.org:8443', Cookie: 'c=1', 'X-Own': 'own', Authorization: 'Basic YTpi' }
      const answer = await ask(port, { method, path: '/a//b/../c%2f?q=1&q=%20', headers, body })
      t.equal(answer.status, 200)
      t.match(JSON.parse(answer.body), {
        method,
        url: '/a//b/../c%2f?q=1&q=%20',
        headers: { host: 'web.example.org:8443', cookie: 'c=1', 'x-own': 'own', authorization: 'Basic YTpi' },
        body: body ?? '',
      })
    }
  })

  t.test('tells who the client is, whatever the client says', async (t) => {
    const forged = {
      'X-Forwarded-For': '10.0.0.1',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Host': 'forged.example.org',
      'X-Forwarded-Port': '1',
      'X-Forwarded-Server': 'forged',
      'X-Forwarded': 'for=10.0.0.1',
      X_Forwarded_For: '10.0.0.1',
      Forwarded: 'for=10.0.0.1',
      'X-Real-IP': '10.0.0.1',
      Proxy: 'http://forged.example.org',
      Connection: 'x-forwarded-for, close',
    }
    const answer = await ask(port, { headers: { ...forged, Host: 'web.example.org:8443' } })
    const { headers } = JSON.parse(answer.body) as Seen
    t.match(headers, {
      host: 'web.example.org:8443',
      'x-forwarded-for': '203.0.113.7',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'web.example.org:8443',
      'x-forwarded-port': '8443',
    })
    t.notMatch(answer.body, /10\.0\.0\.1|forged/)
  })

  t.test('leaves on its connection what concerns that alone (RFC 9110 §7.6.1)', async (t) => {
    const lines = [
      ...['Connection: close, X-Hop, Content-Length, Host', 'Keep-Alive: timeout=5', 'TE: trailers', 'X-Hop: 1'],
      ...['Proxy-Authorization: Basic YTpi', 'Proxy-Connection: keep-alive', 'X-End: 2', 'Upgrade: h2c'],
    ]
    const seen = await seenBy(
      port,
      `POST / HTTP/1.1\r\nHost: a\r\n${lines.join('\r\n')}\r\nContent-Length: 3\r\n\r\na=b`,
    )
    const names = Object.keys(seen.headers).filter((name) => !name.startsWith('x-forwarded-'))
    t.same(names.sort(), ['connection', 'content-length', 'host', 'x-end'])
    t.match(seen, { headers: { connection: 'close', host: 'a' }, body: 'a=b' })
  })

  t.test('in absolute form is one to the authority that it names (RFC 9112 §3.2.2)', async (t) => {
    const seen = await seenBy(port, 'GET http://b.example.org/x?y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    t.match(seen, { url: '/x?y', headers: { host: 'b.example.org', 'x-forwarded-host': 'b.example.org' } })
  })

  t.test('for another target than a path is refused, and CONNECT and TRACE', async (t) => {
    const start = (line: string) => exchange(port, `${line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
    t.match(await start('OPTIONS *'), /^HTTP\/1\.1 400 /)
    t.match(await start('GET ftp://a/'), /^HTTP\/1\.1 400 /)
    t.match(await start('TRACE /'), /^HTTP\/1\.1 501 /)
    t.equal(await start('CONNECT a:443'), '')
  })

  t.test('of HTTP/1.0 is answered in its way', async (t) => {
    const received = await exchange(port, 'GET / HTTP/1.0\r\n\r\n')
    t.match(received, /^HTTP\/1\.1 200 OK\r\n/)
    t.notMatch(received, /transfer-encoding/i)
    t.match(received, /connection: close/i)
  })

  t.test('with a body in chunks has one body, and what follows it is the next request', async (t) => {
    const client = new RawClient(port)
    client.write('POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n0\r\n\r\n')
    client.write('GET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    const received = await client.end()
    const second = received.lastIndexOf('HTTP/1.1 200 OK')
    t.match(received.slice(0, second), /"url":"\/1".*"body":"a=b"/s)
    t.match(received.slice(second), /"url":"\/2".*"body":""/s)
  })
})

t.test('a client over TLS and IPv6 is told as such', async (t) => {
  const { port } = await startEcho(t, { isSecure: true, clientHost: '2001:db8::7' })
  const { body } = await ask(port, { headers: { Host: 'web.example.org' } })
  t.match(JSON.parse(body).headers, {
    'x-forwarded-for': '2001:db8::7',
    'x-forwarded-proto': 'https',
    'x-forwarded-port': '443',
  })
})

t.test('Expect: 100-continue is answered before the body is sent', async (t) => {
  const { port } = await startEcho(t)
  const client = new RawClient(port)
  client.write('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n')
  await client.until('HTTP/1.1 100 Continue\r\n\r\n')
  client.write('a=b')
  const received = await client.end()
  t.match(received, /HTTP\/1\.1 200 OK/)
  t.match(received, /"body":"a=b"/)
  t.notMatch(received, /"expect"/)
})

t.test('an answer', async (t) => {
  const answers: Record<string, (response: ServerResponse) => void> = {
    '/redirect': (response) => response.writeHead(302, { Location: 'http://inner.example.org/next' }).end(),
    '/cookies': (response) =>
      response.writeHead(200, 'Fine', { 'Set-Cookie': ['a=1', 'b=2'], 'X-Own': 'é' }).end(Buffer.from('x')),
    '/none': (response) => response.writeHead(204).end(),
    '/same': (response) => response.writeHead(304, { ETag: '"a"' }).end(),
    '/error': (response) => response.writeHead(503, { 'Retry-After': '5' }).end('busy'),
    '/hop': (response) =>
      response
        .writeHead(200, { Connection: 'X-Hop, close', 'X-Hop': '1', 'Keep-Alive': 'timeout=1', 'X-End': '2' })
        .end('x'),
    '/long': (response) => response.writeHead(200, { 'Content-Length': '5' }).end('12345'),
  }
  const { origin } = await startUpstream(t, ({ url }, response) => answers[url ?? '']?.(response))
  const { port } = await startEntry(t, origin)

  t.test('comes back with its status, header and body', async (t) => {
    t.match(await ask(port, { path: '/redirect' }), {
      status: 302,
      headers: { location: 'http://inner.example.org/next' },
    })
    const cookies = await ask(port, { path: '/cookies' })
    t.match(cookies, { status: 200, headers: { 'set-cookie': ['a=1', 'b=2'], 'x-own': 'é' }, body: 'x' })
    t.match(await ask(port, { path: '/none' }), { status: 204, body: '' })
    t.match(await ask(port, { path: '/same' }), { status: 304, headers: { etag: '"a"' }, body: '' })
    t.match(await ask(port, { path: '/error' }), { status: 503, headers: { 'retry-after': '5' }, body: 'busy' })
    t.match(
      await exchange(port, 'GET /cookies HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'),
      /^HTTP\/1\.1 200 Fine\r\n/,
    )
  })

  t.test('to HEAD has the header of the answer to GET, and no body', async (t) => {
    const { status, headers, body } = await ask(port, { method: 'HEAD', path: '/long' })
    t.match({ status, headers, body }, { status: 200, headers: { 'content-length': '5' }, body: '' })
  })

  t.test('leaves on its connection what concerns that alone; the client keeps its own', async (t) => {
    const client = new RawClient(port)
    client.write('GET /hop HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.until('\r\n\r\n')
    t.match(client.received, /X-End: 2/)
    t.notMatch(client.received, /X-Hop|timeout=1\b|close/)
    client.received = ''
    client.write('GET /long HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    t.match(await client.end(), /Connection: close/i)
  })
})

t.test('64 MiB', async (t) => {
  const CHUNK = randomBytes(65_536)
  // More than twice what the kernel's buffers of all connections hold together.
  const CHUNK_COUNT = 1024
  const sumOf = () => {
    const hash = createHash('sha256')
    for (let count = 0; count < CHUNK_COUNT; count++) hash.update(CHUNK)
    return hash.digest('hex')
  }
  async function* chunks() {
    for (let count = 0; count < CHUNK_COUNT; count++) yield CHUNK
  }
  async function received(stream: IncomingMessage): Promise<string> {
    const hash = createHash('sha256')
    for await (const chunk of stream) hash.update(chunk)
    return hash.digest('hex')
  }
  const taken = { bytes: 0 }
  const gate: { open: (() => void) | null } = { open: null }
  const { origin } = await startUpstream(t, async (request, response) => {
    if (request.method === 'POST') response.end(await received(request))
    else if (request.url === '/down') await pipeline(chunks, response)
    else if (request.url === '/counted') {
      await pipeline(async function* () {
        for await (const chunk of chunks()) {
          taken.bytes += chunk.length
          yield chunk
        }
      }, response).catch(() => {})
    } else {
      // Takes nothing of an upload until the gate opens.
      await new Promise<void>((resolve) => {
        gate.open = resolve
      })
      response.end(await received(request))
    }
  })
  const { port } = await startEntry(t, origin)

  for (const headers of [
    { 'Content-Length': String(CHUNK.length * CHUNK_COUNT) },
    { 'Transfer-Encoding': 'chunked' },
  ]) {
    t.test(`go up with ${Object.keys(headers)[0]}`, async (t) => {
      const outgoing = request({ host: '127.0.0.1', port, method: 'POST', headers, agent: false })
      const [response] = await Promise.all([responseOf(outgoing), pipeline(chunks, outgoing)])
      t.equal(await textOf(response), sumOf())
    })
  }

  t.test('come down', async (t) => {
    const outgoing = request({ host: '127.0.0.1', port, path: '/down', agent: false })
    outgoing.end()
    t.equal(await received(await responseOf(outgoing)), sumOf())
  })

  t.test('wait at the upstream when the client does not read', async (t) => {
    const outgoing = request({ host: '127.0.0.1', port, path: '/counted', agent: false })
    outgoing.end()
    const response = await responseOf(outgoing)
    // What is under way fills the kernel's buffers; the rest must stay where it is.
    await settled(() => taken.bytes)
    t.ok(taken.bytes < (CHUNK.length * CHUNK_COUNT) / 2, `${taken.bytes} bytes were taken`)
    t.equal(await received(response), sumOf())
  })

  t.test('wait at the client when the upstream does not read', async (t) => {
    const outgoing = request({
      host: '127.0.0.1',
      port,
      method: 'PUT',
      headers: { 'Transfer-Encoding': 'chunked' },
      agent: false,
    })
    let sent = 0
    const upload = async function* () {
      for await (const chunk of chunks()) {
        sent += chunk.length
        yield chunk
      }
    }
    const watch = async () => {
      await until(() => gate.open !== null, 'the request at the upstream')
      await settled(() => sent)
      t.ok(sent < (CHUNK.length * CHUNK_COUNT) / 2, `${sent} bytes were sent`)
      gate.open?.()
    }
    const [response] = await Promise.all([responseOf(outgoing), pipeline(upload, outgoing), watch()])
    t.equal(await textOf(response), sumOf())
  })
})

t.test('events come one by one, the header before the first of them', async (t) => {
  const streams: ServerResponse[] = []
  const { origin } = await startUpstream(t, (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    response.flushHeaders()
    streams.push(response)
  })
  const { port } = await startEntry(t, origin)
  const client = new RawClient(port)
  client.write('GET /events HTTP/1.1\r\nHost: a\r\n\r\n')
  await client.until('text/event-stream')
  for (const event of ['one', 'two', 'three']) {
    streams[0].write(`data: ${event}\n\n`)
    await client.until(`data: ${event}\n\n`)
  }
  const gone = closeOf(streams[0])
  client.socket.destroy()
  await gone
})

t.test('an upstream that is down', async (t) => {
  const port = await closedPort()
  const stage = await startEntry(t, `http://127.0.0.1:${port}`)

  t.test('is 502 and one line', async (t) => {
    const { status, headers, body } = await ask(stage.port)
    t.match({ status, headers }, { status: 502, headers: { 'content-type': 'text/plain; charset=utf-8' } })
    t.match(body, /^The web server behind this port is down.*\n$/)
  })

  t.test('is warned of once a minute, in a sentence that names the option', async (t) => {
    t.match(stage.warnings, [/^--http-upstream http:\/\/127\.0\.0\.1:\d+ gives no answer .*ECONNREFUSED.*TURN is not/])
    stage.clock.now = 59_999
    await ask(stage.port)
    t.equal(stage.warnings.length, 1)
    stage.clock.now = 60_000
    await ask(stage.port)
    t.equal(stage.warnings.length, 2)
  })

  t.test('leaves the connection and its next request alone, with an upload of 4 MB too', async (t) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.teardown(() => agent.destroy())
    const post = request({ host: '127.0.0.1', port: stage.port, method: 'POST', agent })
    const answered = responseOf(post)
    post.end(Buffer.alloc(4 * 1024 * 1024))
    const response = await answered
    t.equal(response.statusCode, 502)
    await textOf(response)
    const get = request({ host: '127.0.0.1', port: stage.port, agent })
    get.end()
    const next = await responseOf(get)
    t.equal(next.statusCode, 502)
    next.resume()
  })
})

t.test('an upstream that fails', async (t) => {
  t.test('by closing before an answer, or by answering nonsense, is 502', async (t) => {
    const starts = [
      '',
      'HTTP/1.1 200',
      'nonsense\r\n\r\n',
      `HTTP/1.1 200 OK\r\nA: ${'a'.repeat(17_000)}\r\n\r\n`,
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n',
      'HTTP/1.1 099 Low\r\n\r\n',
      'HTTP/1.1 200 \x01\r\nContent-Length: 0\r\n\r\n',
    ]
    for (const start of starts) {
      const { origin } = await startRawUpstream(t, (socket) => socket.once('data', () => socket.end(start, 'latin1')))
      const { port, warnings } = await startEntry(t, origin)
      t.equal((await ask(port)).status, 502, JSON.stringify(start.slice(0, 60)))
      t.equal((await ask(port, { method: 'POST', body: 'a' })).status, 502)
      t.ok(warnings.length <= 1)
    }
  })

  t.test('within the body cuts the client off: what it has is not whole', async (t) => {
    for (const start of ['Content-Length: 10\r\n\r\n12345', 'Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n']) {
      const { origin } = await startRawUpstream(t, (socket) =>
        socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n${start}`)),
      )
      const { port } = await startEntry(t, origin)
      await t.rejects(ask(port), { code: 'ECONNRESET' })
      t.notMatch(await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'), /\r\n0\r\n\r\n$/)
    }
  })

  t.test('by closing a connection that waited is asked again, once, and only for what may be repeated', async (t) => {
    let count = 0
    const { origin } = await startRawUpstream(t, (socket) => {
      count++
      let requestCount = 0
      socket.on('data', () => {
        requestCount++
        if (requestCount === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage')
        else socket.destroy()
      })
    })
    const { port } = await startEntry(t, origin)
    t.equal((await ask(port)).body, 'page')
    t.equal(count, 1)
    t.match(await ask(port), { status: 200, body: 'page' })
    t.equal(count, 2, 'the first connection was tried, then a new one')
    t.equal((await ask(port)).body, 'page')
    t.match(await ask(port, { method: 'POST', body: 'a' }), { status: 200 }, 'on a connection of its own')
  })
})

t.test('an upstream that does not answer in time is 504, and what it sends meanwhile counts', async (t) => {
  const { origin } = await startUpstream(t, async (request, response) => {
    if (request.method === 'GET') return
    await textOf(request)
    response.end('taken')
  })
  const { port, warnings } = await startEntry(t, origin, { answerMillisecondsMax: 2_000 })
  t.match(await ask(port), { status: 504, body: /^The web server .* in time\.\n$/ })
  t.match(warnings, [/no answer in time/])
  const upgrade = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
  const silent = await startRawUpstream(t, () => {})
  const stage = await startEntry(t, silent.origin, { answerMillisecondsMax: 2_000 })
  t.match(await exchange(stage.port, upgrade), /^HTTP\/1\.1 504 Gateway Timeout\r\n/)
  const client = new RawClient(port)
  client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n')
  for (let count = 0; count < 5; count++) {
    await new Promise((resolve) => setTimeout(resolve, 500))
    client.write('x')
  }
  await client.until('taken')
  client.socket.destroy()
})

t.test('a client that goes away', async (t) => {
  t.test('while it waits, ends the request to the upstream', async (t) => {
    for (const leave of ['destroy', 'end', 'resetAndDestroy'] as const) {
      let asked: IncomingMessage | null = null
      const { origin } = await startUpstream(t, (request) => {
        asked = request
      })
      const { port, warnings } = await startEntry(t, origin)
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await until(() => asked !== null, 'the request at the upstream')
      socket[leave]()
      await closeOf(asked!)
      t.same(warnings, [], `${leave} is no outage`)
    }
  })

  t.test('in an upload, ends it at the upstream', async (t) => {
    let asked: IncomingMessage | null = null
    const { origin } = await startUpstream(t, (request) => {
      asked = request
      request.on('error', () => {})
      request.resume()
    })
    const { port, warnings, entry } = await startEntry(t, origin)
    const client = new RawClient(port)
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345')
    await until(() => asked !== null, 'the request at the upstream')
    client.socket.destroy()
    await closeOf(asked!)
    t.equal(asked!.complete, false)
    await until(() => entry.connectionCount === 0, 'no connection')
    t.same(warnings, [])
  })
})

t.test('an upstream that answers before the upload ends: the client gets the answer', async (t) => {
  const { origin } = await startUpstream(t, (_request, response) => {
    response.writeHead(413, { Connection: 'close' }).end('too large')
  })
  const { port } = await startEntry(t, origin)
  const client = new RawClient(port)
  client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n12345')
  await client.until('too large')
  t.match(client.received, /^HTTP\/1\.1 413 /)
  client.socket.destroy()
  await before(client.closed, 'closed')
})
