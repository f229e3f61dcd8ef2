// Where the admin plane listens: wildcards, ports that are taken, and its end, which waits for nobody.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { Metrics } from '../../src/admin/metrics.js'
import { TurndError } from '../../src/config/errors.js'
import { withDeadline } from '../support/deadline.js'
import { peerOrSkip } from '../support/peers.js'
import { projectRoot } from '../support/project-root.js'
import { ask, bearer, begin, connectTo, logIn, openStage, readAll } from './support/admin-stage.js'

t.test('the admin port', async (t) => {
  t.test('that is taken is an error that names the option, and leaves nothing open', async (t) => {
    const holder = createServer().listen(0, '127.0.0.1')
    t.teardown(() => holder.close())
    await once(holder, 'listening')
    const { port } = holder.address() as { port: number }
    const error = await openStage(t, { listenText: `127.0.0.1:${port}` }).catch((error: unknown) => error)
    t.ok(error instanceof TurndError)
    t.match(error, {
      code: 'TURND_ERR_ADDRESS_IN_USE',
      message: new RegExp(
        `^--admin-listen 127\\.0\\.0\\.1:${port}: (?:this process itself|another process) listens on TCP 127\\.0\\.0\\.1:${port}; stop it, choose another port, or give --admin-listen none$`,
      ),
    })
  })

  t.test('of a server whose page was not built is one that says so, and what was begun is ended', async (t) => {
    const closings = t.capture(Metrics.prototype, 'close', Metrics.prototype.close)
    const error = await openStage(t, { pageDirectory: '/nowhere' }).catch((error: unknown) => error)
    t.ok(error instanceof TurndError)
    t.match(error, {
      code: 'TURND_ERR_LISTEN_FAILED',
      message: /at \/nowhere\/index\.html \(ENOENT\): in a clone run npm/,
    })
    t.equal(closings().length, 1, 'nothing watches the event loop')
  })

  t.test('of an address that this machine has not, or that needs privileges, is one too', async (t) => {
    const error = await openStage(t, { listenText: '192.0.2.77:0' }).catch((error: unknown) => error)
    t.match(error, { code: 'TURND_ERR_ADDRESS_NOT_AVAILABLE', message: /^--admin-listen 192\.0\.2\.77:0: / })
  })

  t.test('on every address takes IPv4 and IPv6', { skip: peerOrSkip('IPv6 loopback') }, async (t) => {
    const { server } = await openStage(t, { listenText: '*:0' })
    for (const host of ['127.0.0.1', '::1', '127.0.0.2']) {
      t.equal((await ask(server, { host, path: '/metrics' })).status, 200, `${host} is this machine`)
    }
    t.match(server.loginLink(), /^http:\/\/127\.0\.0\.1:\d+\/#login=/)
    const six = await openStage(t, { listenText: '[::1]:0' })
    t.equal((await ask(six.server, { host: '::1' })).status, 200)
    t.match(six.server.loginLink(), /^http:\/\/\[::1\]:\d+\/#login=/)
  })
})

t.test('its end', async (t) => {
  t.test('takes less than a second, with connections that wait, streams and answers under way', async (t) => {
    const { fake, server } = await openStage(t)
    const headers = bearer(await logIn(server))
    const idle = await connectTo(t, server)
    const half = await connectTo(t, server)
    half.write('GET / HTTP/1.1\r\nHost: loc')
    const kept = await connectTo(t, server)
    kept.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await once(kept, 'data')
    const stream = await begin(server, { path: '/api/v1/events', headers })
    stream.on('error', () => {}).resume()
    fake.client = () => new Promise(() => {})
    const stuck = ask(server, { path: '/api/v1/clients/0-1', headers }).catch((error: Error) => error)
    await ask(server, { path: '/healthz' })
    const ends = [once(stream, 'close'), readAll(idle), readAll(half), readAll(kept), stuck]
    const start = performance.now()
    await server.close()
    const milliseconds = performance.now() - start
    // Where time is short, other tests have the processors as well.
    t.ok(milliseconds < (process.env.TURND_TEST_LONG === '1' ? 1000 : 30_000), `${milliseconds} ms`)
    await withDeadline(Promise.all(ends), 60_000, () => 'a connection is still there')
    await t.rejects(ask(server), /ECONNREFUSED/)
    t.equal(fake.watchers.size, 0)
    await server.close()
  })

  t.test('is not waited for: the process ends although it listens', async (t) => {
    const module = (path: string) => JSON.stringify(pathToFileURL(join(projectRoot, 'build', path)).href)
    const program = `
      import { openStage } from ${module('test/admin/support/admin-stage.js')}
      const { server } = await openStage({ teardown() {} })
      console.log(server.address.port > 0)`
    const child = spawn('env', ['-u', 'NODE_OPTIONS', process.execPath, '--input-type=module', '-e', program])
    t.teardown(() => child.kill('SIGKILL'))
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk
      })
    }
    const [code] = await withDeadline(once(child, 'close'), 60_000, () => `the process goes on: ${output}`)
    t.same({ code, output }, { code: 0, output: 'true\n' })
  })
})
