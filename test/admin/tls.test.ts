// The admin port with a certificate: TLS and plain HTTP on one port, what is still answered in the clear, and a certificate that changes.
import { once } from 'node:events'
import { connect as connectOverTls } from 'node:tls'
import t from 'tap'
import { ADMIN_CONNECTION_OF_SOURCE_COUNT_MAX } from '../../src/limits/admin.js'
import { makeCertificate, testCertificate } from '../support/certificate.js'
import { withDeadline } from '../support/deadline.js'
import { ask, bearer, connectTo, logIn, openStage, readAll } from './support/admin-stage.js'
import { ADMIN } from './support/fake-administered.js'

const { cert, key } = testCertificate()

t.test('with a certificate', async (t) => {
  t.test('pages and API come over TLS, and browsers are told to stay with it', async (t) => {
    const { server, warnings } = await openStage(t, { certificate: { cert, key } })
    const answer = await ask(server, { ca: cert })
    t.equal(answer.status, 200)
    t.match(answer.headers['strict-transport-security'], /^max-age=\d{8}$/)
    const local = await ask(server, { ca: cert, headers: { host: 'localhost' } })
    t.equal(local.headers['strict-transport-security'], undefined, 'localhost has other servers, too')
    const login = await ask(server, { ca: cert, method: 'POST', path: '/api/v1/session', body: ADMIN })
    const [cookie] = login.headers['set-cookie'] ?? []
    t.match(cookie, /^__Host-turnd_session_\d+=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; Secure; SameSite=Strict$/)
    const headers = { cookie: cookie.split(';')[0] }
    t.equal((await ask(server, { ca: cert, path: '/api/v1/status', headers })).status, 200)
    const plainName = { cookie: headers.cookie.replace('__Host-', '') }
    t.equal(
      (await ask(server, { ca: cert, path: '/api/v1/status', headers: plainName })).status,
      401,
      'another port of this host may have set it',
    )
    t.match(server.loginLink(), /^https:\/\/127\.0\.0\.1:\d+\/#login=/)
    t.same(warnings, [])
  })

  t.test('plain HTTP on the same port is sent to https, with its path, and gets nothing else', async (t) => {
    const { fake, server } = await openStage(t, { certificate: { cert, key } })
    const host = `127.0.0.1:${server.address.port}`
    for (const [method, path] of [
      ['GET', '/'],
      ['GET', '/api/v1/status?x=1'],
      ['POST', '/api/v1/session'],
      ['PUT', '/api/v1/turnServers/x'],
      ['DELETE', '/api/v1/clients/0-1'],
    ]) {
      const answer = await ask(server, { method, path, headers: { host } })
      t.equal(answer.status, 308)
      t.equal(answer.headers.location, `https://${host}${path}`)
      t.equal(answer.headers['strict-transport-security'], undefined)
    }
    t.equal(
      (await ask(server, { headers: { host: 'evil.example' } })).status,
      421,
      'nobody is sent to a name that is not ours',
    )
    const token = await logIn(server, { ca: cert })
    t.equal((await ask(server, { path: '/api/v1/status', headers: bearer(token) })).status, 308)
    t.same(fake.calls, [])
  })

  t.test(
    'probes and metrics are answered in the clear to this machine, and to nobody for whom a proxy asks',
    async (t) => {
      const { server } = await openStage(t, { certificate: { cert, key } })
      for (const path of ['/healthz', '/readyz', '/metrics']) {
        t.equal((await ask(server, { path })).status, 200, path)
        t.equal((await ask(server, { path, ca: cert })).status, 200, path)
        const forwarded = { host: 'localhost', 'x-forwarded-for': '198.51.100.1' }
        t.equal((await ask(server, { path, headers: forwarded })).status, 308, path)
      }
      t.equal((await ask(server, { path: '/healthz/x' })).status, 308)
    },
  )

  t.test('a new one is for new connections; those that are open go on', async (t) => {
    const { server } = await openStage(t, { certificate: { cert, key } })
    const { port } = server.address
    const old = connectOverTls({ host: '127.0.0.1', port, ca: cert, servername: 'localhost' })
    t.teardown(() => old.destroy())
    await once(old, 'secureConnect')
    const other = makeCertificate('renewed.test')
    server.setCertificate(other)
    t.equal((await ask(server, { ca: other.cert })).status, 200)
    await t.rejects(ask(server, { ca: cert }), /certificate/)
    old.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    const [bytes] = await withDeadline(once(old, 'data'), 5_000, () => 'the old connection is dead')
    t.match(`${bytes}`, /^HTTP\/1\.1 200 /)
  })

  t.test('one that comes later turns the port over, and old sessions of the clear are none there', async (t) => {
    const { server } = await openStage(t)
    const token = await logIn(server)
    server.setCertificate({ cert, key })
    t.equal((await ask(server, { path: '/' })).status, 308)
    const cookie = `turnd_session_${server.address.port}=${token}`
    t.equal((await ask(server, { ca: cert, path: '/api/v1/status', headers: { cookie } })).status, 401)
    server.setCertificate(null)
    t.equal((await ask(server, { path: '/' })).status, 200)
  })

  t.test(
    'what is neither TLS nor HTTP is closed, and who stops in the middle of a handshake hurts nobody',
    async (t) => {
      const { server } = await openStage(t, { certificate: { cert, key } })
      const garbage = await connectTo(t, server)
      garbage.write(Buffer.from([0x16, 0x03, 0x01, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0]))
      const binding = await connectTo(t, server)
      binding.write(Buffer.from([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, ...new Array<number>(12).fill(1)]))
      await readAll(binding)
      const slow = await connectTo(t, server)
      slow.write(Buffer.from([0x16, 0x03, 0x01]))
      t.equal((await ask(server, { ca: cert })).status, 200)
      const old = connectOverTls({
        host: '127.0.0.1',
        port: server.address.port,
        ca: cert,
        servername: 'localhost',
        maxVersion: 'TLSv1.1',
        minVersion: 'TLSv1',
        ciphers: 'DEFAULT@SECLEVEL=0',
      })
      t.teardown(() => old.destroy())
      const [error] = await withDeadline(once(old, 'error'), 5_000, () => 'TLS 1.1 is spoken')
      t.match(error, { code: /SSL|ECONNRESET/ })
    },
  )

  t.test('handshakes that are not completed count against their source', async (t) => {
    const { server } = await openStage(t, { certificate: { cert, key } })
    const sockets = await Promise.all(
      Array.from({ length: ADMIN_CONNECTION_OF_SOURCE_COUNT_MAX }, () => connectTo(t, server, '127.0.0.4')),
    )
    const refused = await connectTo(t, server, '127.0.0.4')
    t.equal(await readAll(refused), '')
    t.equal((await ask(server, { ca: cert })).status, 200, 'another source is served')
    for (const socket of sockets) socket.destroy()
  })
})

t.test('without a certificate', async (t) => {
  t.test('the operator is warned where others could listen, and on loopback not', async (t) => {
    const everywhere = await openStage(t, { listenText: '0.0.0.0:0' })
    t.match(everywhere.warnings, [/^--admin-listen 0\.0\.0\.0:0 .* without encryption.*--cert/])
    t.same((await openStage(t, { listenText: '127.0.0.3:0' })).warnings, [])
    t.same((await openStage(t, { listenText: '[::1]:0' })).warnings, [])
  })
})
