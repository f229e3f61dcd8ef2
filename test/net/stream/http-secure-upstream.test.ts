// HTTP over TLS: an upstream whose certificate is believed, and for which name; and clients whose requests come out of TLS.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer, request } from 'node:https'
import { join } from 'node:path'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { HttpEntry } from '../../../src/net/stream/http-entry.js'
import { hostAddress } from '../../../src/stun/address.js'
import { ask, listen, RawClient, responseOf, startEntry, startRawUpstream, textOf } from '../../support/http-stage.js'
import { peerOrSkip } from '../../support/peers.js'

t.setTimeout(240_000)

const skip = peerOrSkip('openssl')

/** A certificate that signs itself, for the names. */
function makeCertificate(t: Test, names: string): { cert: string; key: string } {
  const directory = t.testdir()
  const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-subj', '/CN=upstream', '-addext', `subjectAltName=${names}`, '-keyout', key, '-out', cert],
    ],
    { stdio: 'pipe', timeout: 60_000 },
  )
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
}

async function startSecureUpstream(t: Test, material: { cert: string; key: string }) {
  const serverNames: (string | false | null)[] = []
  const server = createServer(material, (request, response) => {
    serverNames.push((request.socket as TLSSocket & { servername?: string | false }).servername ?? null)
    response.end(JSON.stringify({ host: request.headers.host, proto: request.headers['x-forwarded-proto'] }))
  })
  server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    socket.on('error', () => {})
    socket.pipe(socket)
  })
  const port = await listen(server)
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port, serverNames }
}

t.test('an upstream over TLS', { skip }, async (t) => {
  const material = makeCertificate(t, 'DNS:localhost,IP:127.0.0.1')
  const { port, serverNames } = await startSecureUpstream(t, material)

  t.test('is believed when its certificate is signed by --http-upstream-ca', async (t) => {
    for (const host of ['localhost', '127.0.0.1']) {
      const stage = await startEntry(t, `https://${host}:${port}`, { ca: material.cert, isSecure: true })
      for (const [method, body] of [['GET'], ['POST', 'a=b']]) {
        const answer = await ask(stage.port, { method: method ?? '', body, headers: { Host: 'web.example.org' } })
        t.match(answer, { status: 200, body: '{"host":"web.example.org","proto":"https"}' }, `${method} ${host}`)
      }
      t.same(stage.warnings, [])
    }
    t.same(serverNames, ['localhost', 'localhost', false, false], 'the name is that of the upstream, not of the page')
  })

  t.test('carries WebSockets', async (t) => {
    const stage = await startEntry(t, `https://localhost:${port}`, { ca: material.cert })
    const client = new RawClient(stage.port)
    client.write('GET / HTTP/1.1\r\nHost: web.example.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nframe')
    await client.until(/^HTTP\/1\.1 101 .*\r\n\r\nframe$/s)
    client.socket.destroy()
  })

  t.test('is 502, with the reason in the warning, when nobody known has signed it', async (t) => {
    const stage = await startEntry(t, `https://localhost:${port}`)
    t.equal((await ask(stage.port)).status, 502)
    t.match(stage.warnings, [/self-signed certificate/])
  })

  t.test('is 502 when its certificate is for another name, whatever Host the client sends', async (t) => {
    const other = makeCertificate(t, 'DNS:web.example.org')
    const upstream = await startSecureUpstream(t, other)
    const stage = await startEntry(t, `https://localhost:${upstream.port}`, { ca: other.cert })
    t.equal((await ask(stage.port, { headers: { Host: 'web.example.org' } })).status, 502)
    t.match(stage.warnings, [/Host: localhost\. is not in the cert's altnames/])
    t.equal(upstream.serverNames.length, 0)
  })
})

t.test('an upstream whose TLS handshake does not end is 504 after 5 s', async (t) => {
  const { origin } = await startRawUpstream(t, () => {})
  const stage = await startEntry(t, origin.replace('http:', 'https:'))
  const client = new RawClient(stage.port)
  client.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  await client.closed
  t.match(client.received, /^HTTP\/1\.1 504 /)
  t.match(stage.warnings, [/no connection in 5 s/])
})

t.test('requests that come out of TLS', { skip }, async (t) => {
  const material = makeCertificate(t, 'DNS:web.example.org')
  const upstream = await startSecureUpstream(t, material)
  const entry = new HttpEntry({ upstream: `https://127.0.0.1:${upstream.port}`, ca: material.cert, warn: () => {} })
  const plain = new HttpEntry({ upstream: null, ca: null, warn: () => {} })
  const server = createTlsServer({ ...material, ALPNProtocols: ['http/1.1'] }, (socket) => {
    socket.once('data', (bytes) => {
      socket.pause()
      socket.unshift(bytes)
      const target = bytes.toString().startsWith('GET /plain') ? plain : entry
      target.accept(socket, hostAddress('203.0.113.7', 1)!, true)
    })
  })
  const port = await listen(server)
  t.teardown(async () => {
    server.close()
    await Promise.all([entry.close(), plain.close()])
  })
  const options = { host: '127.0.0.1', port, servername: 'web.example.org', ca: material.cert, agent: false as const }

  t.test('are answered, whatever their size', async (t) => {
    const get = request({ ...options, path: '/plain' })
    get.end()
    const response = await responseOf(get)
    t.equal(response.statusCode, 404)
    t.match(await textOf(response), /^This is a TURN server/)
    const post = request({ ...options, method: 'POST' })
    post.end(Buffer.alloc(3_000_000))
    // The upstream's certificate is for a name, and not for its address.
    t.equal((await responseOf(post)).statusCode, 502)
  })
  t.test('leave no connection when they are closed', async (t) => {
    await Promise.all([entry.close(), plain.close()])
    t.equal(entry.connectionCount + plain.connectionCount, 0)
  })
})
