// Slow and many connections to the admin port: each ends in its time, and others are served meanwhile.
import t from 'tap'
import { ADMIN_HANDSHAKE_MILLISECONDS_MAX, ADMIN_HEAD_BYTES_MAX } from '../../src/limits/admin.js'
import { testCertificate } from '../support/certificate.js'
import { ask, connectTo, openStage, readAll } from './support/admin-stage.js'

const { cert, key } = testCertificate()
const HEAD = 'POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\n'

t.test('a slow connection', async (t) => {
  t.test('ends in time wherever it stops; newcomers are served meanwhile', async (t) => {
    const plain = (await openStage(t)).server
    const secure = (await openStage(t, { certificate: { cert, key } })).server
    const halves: [string, typeof plain, string][] = [
      ['nothing at all, where a certificate is', secure, ''],
      ['a part of a handshake', secure, '\x16\x03\x01'],
      ['a part of a head', plain, 'GET / HTTP/1.1\r\nHost: loc'],
      ['a part of a head in the clear, where a certificate is', secure, 'GET / HTTP/1.1\r\nHo'],
      ['nothing at all', plain, ''],
    ]
    const start = performance.now()
    const ends = halves.map(async ([what, server, text]) => {
      const socket = await connectTo(t, server)
      if (text !== '') socket.write(Buffer.from(text, 'latin1'))
      await readAll(socket, 3 * ADMIN_HANDSHAKE_MILLISECONDS_MAX)
      const seconds = (performance.now() - start) / 1000
      // Not sooner; what is later than twice the time is not this machine's load.
      t.ok(seconds > 9 && seconds < 60, `${what}: closed after ${seconds.toFixed(1)} s`)
    })
    t.equal((await ask(plain)).status, 200)
    t.equal((await ask(secure, { ca: cert })).status, 200)
    await Promise.all(ends)
  })
})

t.test('a head that is too long, or is none', async (t) => {
  const { server } = await openStage(t)
  const cases: [string, RegExp][] = [
    [`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(ADMIN_HEAD_BYTES_MAX)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
    ['nonsense\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['GET / HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 400 /],
    [`${HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`, /^HTTP\/1\.1 400 /],
    [
      `${HEAD}Content-Type: application/json\r\nContent-Length: 99999999\r\nConnection: close\r\n\r\n{`,
      /^HTTP\/1\.1 413 /,
    ],
    ['CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: localhost\r\n\r\n', /^(?:HTTP\/1\.1 4\d\d |$)/],
    ['GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 4\d\d /],
  ]
  for (const [text, expected] of cases) {
    const socket = await connectTo(t, server)
    socket.write(text)
    const answer = await readAll(socket)
    t.match(answer, expected, text.slice(0, 50))
    t.notMatch(answer, /node_modules|at .*\.js/)
  }
  t.equal((await ask(server)).status, 200)
})
