// openssl's s_client against tls: and dtls: listeners, on both engines: handshake, ALPN, the chain verified, a Binding over it, and a
// certificate that is replaced while connections live on.
import { copyFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { until } from '../command/until.js'
import { makeCertificate, type TestCertificate, testCertificate } from '../support/certificate.js'
import { ENGINES_ALONE_IN_TIME, withoutDtls } from '../support/engines.js'
import { peerOrSkip } from '../support/peers.js'
import { SClient } from '../support/s-client.js'
import { type ServerProcess, startServerOn } from '../support/server-process.js'

const RELAY_PORTS = ['--relay-ip', '127.0.0.1', '--min-port', '19500', '--max-port', '19549']
const VERIFIED = 'Verify return code: 0 (ok)'
/** A change of the files is looked for every 2 s, and believed when it lasts until the next look. */
const RELOAD_MILLISECONDS_MAX = 60_000

const TLS = ['--listen', 'tls:127.0.0.1:0']

type Scheme = 'tls' | 'dtls'

const PROTOCOLS: readonly { name: string; scheme: Scheme; flag: string; says: RegExp }[] = [
  { name: 'TLS 1.2', scheme: 'tls', flag: '-tls1_2', says: /New, TLSv1\.2, Cipher is ECDHE-/ },
  { name: 'TLS 1.3', scheme: 'tls', flag: '-tls1_3', says: /New, TLSv1\.3, Cipher is TLS_/ },
  { name: 'DTLS 1.2', scheme: 'dtls', flag: '-dtls1_2', says: /Protocol {2}: DTLSv1\.2/ },
]
const POSSIBLE = PROTOCOLS.filter(({ scheme }) => scheme === 'tls' || !withoutDtls)

t.setTimeout(240_000)

const withoutOpenssl = peerOrSkip('openssl')

for (const engine of ENGINES_ALONE_IN_TIME) {
  const skip = withoutOpenssl || engine.skip

  t.test(`openssl s_client, ${engine.name} engine`, { skip }, async (t) => {
    const certificate = testCertificate()
    const server = await startSecure(t, certificate)
    for (const { flag, name, says, scheme } of PROTOCOLS) {
      t.test(
        `over ${name} verifies the certificate, gets stun.turn (RFC 7443) and an answer`,
        { skip: scheme === 'dtls' && withoutDtls },
        async (t) => {
          const client = connect(t, server, scheme, certificate, flag, '-alpn', 'stun.turn', '-verify_return_error')
          await client.said(VERIFIED)
          t.match(client.output, says)
          t.match(client.output, 'ALPN protocol: stun.turn')
          t.match(client.output, 'CN = turn.test')
          await client.answersBinding()
        },
      )
    }

    for (const { flag, name } of [
      { flag: '-tls1_1', name: 'TLS 1.1' },
      { flag: '-dtls1', name: 'DTLS 1.0' },
    ]) {
      const scheme = flag.startsWith('-dtls') ? 'dtls' : 'tls'
      t.test(`over ${name} is turned away (RFC 8996)`, { skip: scheme === 'dtls' && withoutDtls }, async (t) => {
        const client = connect(t, server, scheme, certificate, flag, '-cipher', 'ALL:@SECLEVEL=0')
        await client.ended()
        t.match(client.output, 'alert protocol version')
        t.match(client.output, 'no peer certificate available')
        t.match(client.output, 'Cipher is (NONE)')
      })
    }
  })

  t.test(`a certificate that is replaced, ${engine.name} engine`, { skip }, async (t) => {
    const [first, second, third] = ['first.test', 'second.test', 'third.test'].map((name) => makeCertificate(name))
    const directory = t.testdir()
    const served = { ...first, certPath: join(directory, 'cert.pem'), keyPath: join(directory, 'key.pem') }
    replace(served, first)
    const server = await startSecure(t, served)
    const old = await Promise.all(POSSIBLE.map(({ flag, scheme }) => connected(t, server, scheme, first, flag)))

    t.test('is shown after SIGHUP, and older connections live on', async (t) => {
      replace(served, second)
      process.kill(server.pid, 'SIGHUP')
      await isShown(t, server, second, 'CN = second.test')
      for (const client of old) await client.answersBinding()
    })

    t.test('is shown when the files change, and older connections live on', async (t) => {
      replace(served, third)
      await isShown(t, server, third, 'CN = third.test')
      for (const client of old) await client.answersBinding()
    })
  })

  function startSecure(t: Test, { certPath, keyPath }: TestCertificate): Promise<ServerProcess> {
    const listen = POSSIBLE.some(({ scheme }) => scheme === 'dtls') ? [...TLS, '--listen', 'dtls:127.0.0.1:0'] : TLS
    return startServerOn(t, engine, [...listen, '--cert', certPath, '--key', keyPath, ...RELAY_PORTS])
  }
}

/** @param issuer what the server's certificate is verified with */
function connect(t: Test, server: ServerProcess, scheme: Scheme, issuer: TestCertificate, ...args: string[]): SClient {
  return new SClient(t, `127.0.0.1:${server.port('', scheme)}`, '-CAfile', issuer.certPath, ...args)
}

async function connected(t: Test, server: ServerProcess, scheme: Scheme, issuer: TestCertificate, flag: string) {
  const client = connect(t, server, scheme, issuer, flag)
  await client.said(VERIFIED)
  await client.answersBinding()
  return client
}

/** New handshakes over every protocol show the certificate: after a moment, because each thread is told. */
async function isShown(t: Test, server: ServerProcess, certificate: TestCertificate, subject: string): Promise<void> {
  for (const { flag, name, scheme } of POSSIBLE) {
    const shows = async () => {
      const client = connect(t, server, scheme, certificate, flag)
      await client.said('Verify return code')
      await client.end()
      return client.output.includes(subject) && client.output.includes(VERIFIED)
    }
    await until(shows, `${subject} over ${name}`, RELOAD_MILLISECONDS_MAX)
    t.pass(`${name} shows ${subject}`)
  }
}

/** Puts another pair in the place of the served one, each file at once. */
function replace(served: TestCertificate, by: TestCertificate): void {
  for (const [path, source] of [
    [served.keyPath, by.keyPath],
    [served.certPath, by.certPath],
  ]) {
    copyFileSync(source, `${path}.new`)
    renameSync(`${path}.new`, path)
  }
}
