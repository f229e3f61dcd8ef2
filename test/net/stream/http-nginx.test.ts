// A real web server as the upstream: Debian's nginx serves a page and takes an upload.
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { ask, before, closedPort, startEntry, until } from '../../support/http-stage.js'
import { findCommand, peerOrSkip } from '../../support/peers.js'
import { onProcessEnd } from '../../support/process-end.js'

t.setTimeout(240_000)

const PAGE = '<!doctype html><title>page</title>\n'.repeat(1000)

async function startNginx(t: Test): Promise<string> {
  const port = await closedPort()
  const directory = t.testdir()
  mkdirSync(join(directory, 'pages'))
  writeFileSync(join(directory, 'pages/index.html'), PAGE)
  writeFileSync(
    join(directory, 'nginx.conf'),
    `daemon off; worker_processes 1; pid ${directory}/pid; error_log stderr; ${process.getuid?.() === 0 ? 'user root;' : ''}
    events {}
    http {
      access_log off; default_type text/html; gzip on; gzip_types text/html; dav_methods PUT; client_max_body_size 30m;
      client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy; fastcgi_temp_path ${directory}/fastcgi;
      uwsgi_temp_path ${directory}/uwsgi; scgi_temp_path ${directory}/scgi;
      server { listen 127.0.0.1:${port}; root ${directory}/pages;
        location = /who { return 200 "$http_x_forwarded_for $http_x_forwarded_proto $host"; } }
    }`,
  )
  const nginx = spawn(findCommand('nginx') ?? '', ['-c', join(directory, 'nginx.conf'), '-p', directory], {
    stdio: 'pipe',
  })
  let output = ''
  nginx.stderr.on('data', (bytes) => {
    output += bytes
  })
  const ended = new Promise((resolve) => nginx.once('exit', resolve))
  const forget = onProcessEnd(() => nginx.kill())
  t.teardown(async () => {
    nginx.kill()
    forget()
    await before(ended, 'the end of nginx')
  })
  const origin = `http://127.0.0.1:${port}`
  let isUp = false
  const look = async () => {
    while (!isUp && nginx.exitCode === null) {
      isUp = await fetch(`${origin}/who`).then(
        (response) => response.ok,
        () => false,
      )
      if (!isUp) await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  await before(look(), `nginx to be up: ${output}`)
  await until(() => isUp, `nginx to be up: ${output}`)
  return origin
}

t.test('nginx as the upstream', { skip: peerOrSkip('nginx') }, async (t) => {
  const { port, warnings } = await startEntry(t, await startNginx(t), { isSecure: true })

  t.test('serves its page, compressed when the client takes that', async (t) => {
    const plain = await ask(port)
    t.match(plain, { status: 200, headers: { 'content-type': 'text/html' } })
    t.equal(plain.body, PAGE)
    const compressed = await ask(port, { headers: { 'Accept-Encoding': 'gzip' } })
    t.match(compressed, { status: 200, headers: { 'content-encoding': 'gzip' } })
    t.equal(gunzipSync(Buffer.from(compressed.body, 'latin1')).toString(), PAGE)
  })

  t.test('answers parts, and what has not changed', async (t) => {
    t.match(await ask(port, { headers: { Range: 'bytes=0-8' } }), { status: 206, body: PAGE.slice(0, 9) })
    const { etag } = (await ask(port)).headers
    t.match(await ask(port, { headers: { 'If-None-Match': String(etag) } }), { status: 304, body: '' })
  })

  t.test('sees the client', async (t) => {
    const { body } = await ask(port, { path: '/who', headers: { Host: 'web.example.org' } })
    t.equal(body, '203.0.113.7 https web.example.org')
  })

  t.test('takes an upload of 20 MB and gives it back', async (t) => {
    const body = randomBytes(10_000_000).toString('hex')
    const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')
    t.equal((await ask(port, { method: 'PUT', path: '/upload', body })).status, 201)
    t.equal(hashOf((await ask(port, { path: '/upload' })).body), hashOf(body))
    t.same(warnings, [])
  })
})
