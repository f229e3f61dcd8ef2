// Data connections of clients over TLS: what ends one direction is a close_notify, and what is broken off has none.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect as connectTcp, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer, type SecureVersion, type TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { Inbox } from '../../support/inbox.js'
import { findCommand } from '../../support/peers.js'
import { BOTH } from './peer-sockets-under-test.js'
import { event, over, portOf, RelayStage, read } from './relay-stage.js'

const MEBIBYTE = 1024 * 1024
const VERSIONS: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3']
const NOTHING = new Uint8Array(0)

const openssl = findCommand('openssl') === null ? 'openssl is not installed' : false

t.test('a data connection over TLS', { skip: openssl }, async (t) => {
  const certificate = makeCertificate(t)
  for (const maker of BOTH) {
    for (const version of VERSIONS) {
      t.test(`${version} (${maker.name})`, { skip: maker.skip }, async (t) => {
        const stage = new RelayStage(t, maker)
        const address = await stage.openRelay(1)

        t.test('carries bytes both ways, and the end of each direction', async (t) => {
          for (const isClientFirst of [true, false]) {
            const { peer, handle } = await stage.arrive(address)
            const { client, far } = await tlsClient(t, certificate, version)
            stage.call((relays) => relays.bind(100, handle, client, Buffer.from('rest ')))
            far.write('of it')
            t.equal(await read(peer, 10), 'rest of it')
            const block = 'x'.repeat(MEBIBYTE)
            peer.write(block)
            t.equal(await read(far, MEBIBYTE), block)
            const [first, second] = isClientFirst ? [far, peer] : [peer, far]
            first.end('last words')
            t.equal(await read(second, 10), 'last words')
            await over(second)
            t.equal(second.errored, null)
            second.end('answer')
            t.equal(await read(first, 6), 'answer')
            await over(first)
            t.same(await stage.next(), ['ended', 100])
          }
        })

        t.test('breaks off with the peer’s reset', async (t) => {
          const { peer, handle } = await stage.arrive(address)
          const { client, far } = await tlsClient(t, certificate, version)
          stage.call((relays) => relays.bind(100, handle, client, NOTHING))
          peer.resetAndDestroy()
          await over(far)
          t.same(await stage.next(), ['ended', 100])
        })

        t.test('resets the peer when the client is reset', async (t) => {
          const { peer, handle } = await stage.arrive(address)
          const { client, far, transport } = await tlsClient(t, certificate, version)
          stage.call((relays) => relays.bind(100, handle, client, NOTHING))
          far.write('x')
          await read(peer, 1)
          const closed = event(peer.resume(), 'close')
          transport.resetAndDestroy()
          t.same(await closed, [true], 'closed by an error')
          t.same(await stage.next(), ['ended', 100])
        })

        t.test('takes the end of TCP without a close_notify for an end too: Node tells no difference', async (t) => {
          const { peer, handle } = await stage.arrive(address)
          const { client, far, transport } = await tlsClient(t, certificate, version)
          stage.call((relays) => relays.bind(100, handle, client, NOTHING))
          far.write('x')
          await read(peer, 1)
          transport.destroy()
          await over(peer)
          t.equal(peer.errored, null)
          peer.end()
          t.same(await stage.next(), ['ended', 100])
        })

        t.test('closes at once when its allocation goes', async (t) => {
          const { peer, handle } = await stage.arrive(address)
          const { client, far } = await tlsClient(t, certificate, version)
          stage.call((relays) => relays.bind(100, handle, client, NOTHING))
          stage.call((relays) => relays.closeDataConnection(100))
          await Promise.all([over(far), over(peer)])
          t.same(await stage.next(), ['ended', 100])
        })
      })
    }
  }
})

interface Certificate {
  readonly key: string
  readonly cert: string
}

function makeCertificate(t: Test): Certificate {
  const directory = mkdtempSync(join(tmpdir(), 'turnd-certificate-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const key = join(directory, 'key.pem')
  const cert = join(directory, 'cert.pem')
  const request = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    '/CN=localhost',
  ]
  execFileSync('openssl', [...request, '-keyout', key, '-out', cert, '-days', '2'], { stdio: 'pipe' })
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
}

interface TlsClient {
  /** The server's end, paused. */
  readonly client: TLSSocket
  /** The client's own. */
  readonly far: TLSSocket
  readonly transport: Socket
}

async function tlsClient(t: Test, certificate: Certificate, version: SecureVersion): Promise<TlsClient> {
  const clients = new Inbox<TLSSocket>('the TLS server')
  const server = createServer({ ...certificate, minVersion: version, maxVersion: version }, (socket) => {
    socket.pause()
    clients.put(socket)
  })
  server.listen(0, '127.0.0.1')
  await event(server, 'listening')
  const transport = connectTcp({ port: portOf(server), host: '127.0.0.1', allowHalfOpen: true })
  const far = connect({ socket: transport, ca: certificate.cert, servername: 'localhost' })
  for (const socket of [far, transport]) socket.on('error', () => {})
  const client = await clients.next()
  server.close()
  t.teardown(() => {
    for (const socket of [far, transport, client]) socket.destroy()
  })
  return { client, far, transport }
}
