// What a request to the admin plane may be: its Host, its body, its size; and what every answer says to browsers, errors and mistakes of ours included.

import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { AdminServer } from '../../src/admin/admin-server.js'
import {
  ADMIN_BODY_BYTES_MAX,
  ADMIN_REQUESTS_PER_MINUTE_MAX,
  METRICS_REQUESTS_PER_MINUTE_MAX,
} from '../../src/limits/admin.js'
import { CAPTURE_BYTES_MAX, CAPTURE_DOWNLOAD_COUNT_MAX } from '../../src/limits/captures.js'
import { ask, bearer, begin, connectTo, logIn, openStage, readAll } from './support/admin-stage.js'
import { SECRETS } from './support/fake-administered.js'
import { ROUTES } from './support/routes.js'

/** So many requests, in hundreds: how often each status was the answer. */
async function askMany(t: Test, server: AdminServer, path: string, count: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  const request = `HEAD ${path} HTTP/1.1\r\nHost: localhost\r\n`
  for (let rest = count; rest > 0; rest -= 100) {
    const socket = await connectTo(t, server)
    socket.write(`${`${request}\r\n`.repeat(Math.min(rest, 100) - 1)}${request}Connection: close\r\n\r\n`)
    const answers = await readAll(socket)
    for (const [, status] of answers.matchAll(/^HTTP\/1\.1 (\d+) /gm)) counts[status] = (counts[status] ?? 0) + 1
  }
  return counts
}

t.test('a request', async (t) => {
  t.test(
    'by an address, localhost or a public name is answered; by another name it is 421 (DNS rebinding)',
    async (t) => {
      const { server } = await openStage(t)
      for (const host of [
        '127.0.0.1',
        '127.0.0.1:1',
        '[::1]:8445',
        'localhost:1',
        'LOCALHOST',
        'turn.example.org',
        'Turn.Example.Org:8445',
        'turn.example.org.',
      ]) {
        t.equal((await ask(server, { headers: { host } })).status, 200, host)
      }
      for (const host of [
        'evil.example',
        'evil.example:8445',
        'turn.example.org.evil.example',
        '127.0.0.1.evil.example',
        'localhost.evil.example',
        '0x7f.1',
        '[::1',
        'x\\y',
      ]) {
        for (const path of ['/', '/api/v1/status', '/metrics', '/healthz', '/nothing']) {
          const answer = await ask(server, { path, headers: { host } })
          t.equal(answer.status, 421, `${host} ${path}`)
          t.match(answer.json(), { code: 'UNKNOWN_HOST', message: /--public-name/ })
        }
      }
      const socket = await connectTo(t, server)
      socket.write('GET /healthz HTTP/1.0\r\n\r\n')
      t.match(await readAll(socket), /^HTTP\/1\.1 200 /, 'a probe without a Host is no browser')
    },
  )

  t.test('with a body that is no JSON, too long, or has keys that nobody knows says so', async (t) => {
    const { fake, server } = await openStage(t)
    const headers = { ...bearer(await logIn(server)), 'content-type': 'application/json' }
    const post = (body: unknown, path = '/api/v1/users', more = {}) =>
      ask(server, { method: 'POST', path, body, headers: { ...headers, ...more } })
    const cases: [unknown, number, RegExp][] = [
      ['{', 400, /JSON/],
      ['{"name":"x","role":"turn","__proto__":{"a":1}}', 400, /./],
      ['', 400, /body/],
      ['null', 400, /body/],
      [{ name: 'x', role: 'turn', admin: true }, 400, /"admin".*openapi/],
      [{ name: 'x', role: 'root' }, 400, /role/],
      [{ name: '', role: 'turn' }, 400, /name/],
      [{ name: 'x', role: 'turn', password: 'y'.repeat(ADMIN_BODY_BYTES_MAX) }, 413, /too large/],
    ]
    for (const [body, status, message] of cases) {
      const answer = await post(body)
      t.equal(answer.status, status, `${JSON.stringify(body).slice(0, 80)} ${answer.text}`)
      t.match(answer.json(), { statusCode: status, code: /^[A-Z_]+$/, message })
      t.equal(answer.headers['content-type'], 'application/json; charset=utf-8')
    }
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/xml',
    ]) {
      t.equal((await post('{"name":"x","role":"turn"}', '/api/v1/users', { 'content-type': type })).status, 415, type)
    }
    t.same(fake.calls, [])
    t.equal((await post('', '/api/v1/reload')).status, 200, 'an empty body where none is needed')
    t.equal((await ask(server, { path: '/api/v1/clients?limit=0', headers })).status, 400)
    t.equal((await ask(server, { path: '/api/v1/clients?limit=501', headers })).status, 400)
    t.equal((await ask(server, { path: '/api/v1/clients?limt=5', headers })).status, 400)
    t.match((await ask(server, { path: '/api/v1/refusals?source=nowhere', headers })).json(), {
      code: 'TURND_ERR_OPTION',
      message: /CIDR/,
    })
  })

  t.test('for nothing is 404 with a sentence, in the API with a login and without', async (t) => {
    const { server } = await openStage(t)
    const headers = bearer(await logIn(server))
    for (const path of [
      '/nothing',
      '/api/v1/nothing',
      '/api/v2',
      '/../package.json',
      '/..%2f..%2fpackage.json',
      '/libraries/lit-html/package.json',
      '/libraries/uplot/../../package.json',
      '/%ff',
      '/.env',
    ]) {
      for (const some of [headers, {}]) {
        const answer = await ask(server, { path, headers: some })
        t.ok([400, 403, 404].includes(answer.status), `${path}: ${answer.status}`)
        t.match(answer.json(), { statusCode: answer.status, message: /./ })
        t.notMatch(answer.text, /fastify|node_modules/)
      }
    }
    t.equal((await ask(server, { method: 'PUT', path: '/api/v1/status', headers })).status, 404)
    for (const path of ['/api/v1/clients/0-99', '/api/v1/captures/zz/file', '/api/v1/users/turn/nobody']) {
      const method = path.includes('users') ? 'DELETE' : 'GET'
      t.equal((await ask(server, { method, path, headers })).status, 404, path)
    }
  })

  t.test(
    'that meets a mistake of ours is 500 with a neutral sentence; the log has the stack, and the server goes on',
    async (t) => {
      const { fake, logLines, server } = await openStage(t)
      const headers = bearer(await logIn(server))
      fake.bug = new TypeError('secret-internals')
      const answer = await ask(server, { path: '/api/v1/status', headers })
      t.equal(answer.status, 500)
      t.match(answer.json(), { code: 'INTERNAL', message: /the log of turnd/ })
      t.notMatch(answer.text, /secret-internals|TypeError/)
      const [line] = logLines.filter(({ event }) => event === 'admin-error')
      t.match(line, { level: 50, err: { message: 'secret-internals', stack: /requests\.test/ } })
      t.equal((await ask(server, { path: '/api/v1/status', headers })).status, 200)
    },
  )

  t.test('that is one too many in a minute waits, whatever the answers were', async (t) => {
    const { server } = await openStage(t)
    const max = ADMIN_REQUESTS_PER_MINUTE_MAX
    t.same(await askMany(t, server, '/nothing', max), { 404: max })
    t.same(await askMany(t, server, '/nothing', 10), { 429: 10 })
    const refused = await ask(server, { path: '/api/v1/status' })
    t.match(refused.json(), { code: 'TOO_MANY_REQUESTS', message: /wait a minute/ })
    t.match(refused.headers['retry-after'], /^\d+$/)
    t.equal((await ask(server, { path: '/page.js', localAddress: '127.0.0.9' })).status, 200, 'another source')
    t.equal((await ask(server, { path: '/healthz' })).status, 200, 'who watches over it is answered')
    t.equal((await ask(server, { path: '/metrics' })).status, 200)
  })

  t.test('for metrics, too often, waits as well', async (t) => {
    const { server } = await openStage(t)
    const max = METRICS_REQUESTS_PER_MINUTE_MAX
    t.same(await askMany(t, server, '/metrics', max), { 200: max })
    t.same(await askMany(t, server, '/metrics', 5), { 429: 5 })
    t.equal((await ask(server, { path: '/page.js' })).status, 200)
  })

  t.test('about a user has its name as it is, however it is written', async (t) => {
    const { fake, server } = await openStage(t)
    const headers = bearer(await logIn(server))
    for (const name of [
      'a/b',
      'a b?c#d',
      'ä€😀',
      '..',
      'x'.repeat(508),
      '😀'.repeat(127),
      'con:stru"ctor',
      '__proto__',
    ]) {
      fake.calls.length = 0
      const path = `/api/v1/users/turn/${encodeURIComponent(name).replaceAll('.', '%2E')}`
      t.equal((await ask(server, { method: 'DELETE', path, headers })).status, 404, name.slice(0, 20))
      t.same(fake.calls, [['removeUser', name, 'turn']])
    }
  })
})

t.test('every answer', async (t) => {
  t.test('tells browsers to be strict', async (t) => {
    const { server } = await openStage(t)
    const headers = bearer(await logIn(server))
    for (const path of ['/', '/page.js', '/api/v1/status', '/nothing', '/healthz']) {
      const answer = await ask(server, { path, headers })
      t.match(answer.headers, {
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
        'cross-origin-opener-policy': 'same-origin',
        'permissions-policy': /camera=\(\)/,
      })
      const policy = `${answer.headers['content-security-policy']}`.split(';')
      for (const directive of [
        "default-src 'none'",
        "style-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "img-src 'self' data:",
      ]) {
        t.ok(policy.includes(directive), directive)
      }
      t.notMatch(policy.join(), /unsafe|upgrade/)
      t.equal(answer.headers['strict-transport-security'], undefined, 'not in the clear')
      t.equal(answer.headers['access-control-allow-origin'], undefined)
      t.equal(answer.headers.server, undefined)
    }
  })

  t.test('of the page lets its import map through, by its hash, and no other inline script', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'turnd-page-'))
    t.teardown(() => rmSync(directory, { recursive: true }))
    const map = '{"imports":{"lit-html":"/libraries/lit-html/lit-html.js"}}'
    writeFileSync(
      join(directory, 'index.html'),
      `<script type="importmap">${map}</script><script type="module" src="page.js"></script>`,
    )
    const { server } = await openStage(t, { pageDirectory: directory })
    const hash = createHash('sha256').update(map).digest('base64')
    t.match(`${(await ask(server)).headers['content-security-policy']}`, `script-src 'self' 'sha256-${hash}';`)
  })

  t.test('with a file of the page is asked for again each time, and 304 while it is the same', async (t) => {
    const { server } = await openStage(t)
    const { headers } = await ask(server, { path: '/page.js' })
    t.equal(headers['cache-control'], 'public, max-age=0')
    t.match(headers['content-type'], /javascript/)
    t.equal((await ask(server, { path: '/page.js', headers: { 'if-none-match': headers.etag } })).status, 304)
    t.match((await ask(server, { path: '/libraries/lit-html/lit-html.js' })).headers['content-type'], /javascript/)
    t.match((await ask(server, { path: '/libraries/uplot/dist/uPlot.min.css' })).headers['content-type'], /css/)
  })

  t.test('keeps secrets, whatever is asked', async (t) => {
    const { logLines, server } = await openStage(t, { metricsTokens: ['the-metrics-token'] })
    const token = await logIn(server)
    server.loginLink()
    for (const route of [...ROUTES, { path: '/metrics' }, { path: '/' }]) {
      const answer = await ask(server, { ...route, headers: bearer(token) })
      for (const secret of [...SECRETS, token, 'the-metrics-token']) {
        t.notOk(`${answer.text}${JSON.stringify(answer.headers)}`.includes(secret), `${route.path} tells ${secret}`)
        t.notOk(JSON.stringify(logLines).includes(secret), `the log tells ${secret}`)
      }
    }
  })

  t.test('with a capture is a file of a good name', async (t) => {
    const { server } = await openStage(t)
    const headers = bearer(await logIn(server))
    await ask(server, { method: 'POST', path: '/api/v1/captures', body: { client: '0-1' }, headers })
    const answer = await ask(server, { path: '/api/v1/captures/c1/file', headers })
    t.equal(answer.headers['content-type'], 'application/x-pcapng')
    t.equal(answer.headers['content-disposition'], 'attachment; filename="turnd-c1.pcapng"')
    t.equal(answer.text, '\n\r\r\n\u001c')
  })

  t.test('with a capture is one of a few at a time, until it was read or its reader has gone', async (t) => {
    const { fake, server } = await openStage(t)
    const headers = bearer(await logIn(server))
    const question = { path: '/api/v1/captures/c1/file', headers }
    // More than sockets take for somebody who does not read.
    fake.captureFile = () => new Uint8Array(CAPTURE_BYTES_MAX)
    const readers: IncomingMessage[] = []
    while (readers.length < CAPTURE_DOWNLOAD_COUNT_MAX) readers.push(await begin(server, question))
    const answer = await ask(server, question)
    t.match(answer.json(), {
      statusCode: 429,
      code: 'TOO_MANY_REQUESTS',
      message: /try again when one of them is done/,
    })
    for (const reader of readers) reader.destroy()
    fake.captureFile = () => new Uint8Array(1)
    let status = 429
    const deadline = performance.now() + 20_000
    while (status === 429 && performance.now() < deadline) status = (await ask(server, question)).status
    for (let count = 0; count <= CAPTURE_DOWNLOAD_COUNT_MAX; count++) {
      t.equal((await ask(server, question)).status, 200, 'one after the other')
    }
    fake.captureFile = () => null
    for (let count = 0; count <= CAPTURE_DOWNLOAD_COUNT_MAX; count++) {
      t.equal((await ask(server, question)).status, 404, 'what is not there takes no place')
    }
  })
})

t.test('probes', async (t) => {
  t.test('say that it lives, and whether it takes new clients', async (t) => {
    const { fake, server } = await openStage(t)
    const probe = async (path: string) => {
      const { status, text } = await ask(server, { path, localAddress: '127.0.0.5' })
      return `${status} ${text}`
    }
    t.equal(await probe('/healthz'), '200 ok\n')
    t.equal(await probe('/readyz'), '200 ok\n')
    fake.statusValue = 'Draining'
    t.match(await probe('/readyz'), /^503 draining/)
    fake.statusValue = 'Inactive'
    t.match(await probe('/readyz'), /^503 not relaying/)
    t.equal(await probe('/healthz'), '200 ok\n')
  })
})
