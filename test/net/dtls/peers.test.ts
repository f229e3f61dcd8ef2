// DTLS on real sockets with the clients of others: openssl's s_client, and coturn's turnutils_uclient.
import t, { type Test } from 'tap'
import { COUNTER_NAMES, type EngineCounterName } from '../../../src/net/counters.js'
import type { Listener } from '../../../src/net/engine.js'
import { withDeadline } from '../../support/deadline.js'
import { withoutKoffi } from '../../support/engines.js'
import { findFreePorts } from '../../support/free-ports.js'
import { peerOrSkip } from '../../support/peers.js'
import { SClient } from '../../support/s-client.js'
import { runUclient, UCLIENT_USER } from '../../support/uclient.js'
import { encryptKey, makeCertificate } from './certificates.js'
import { type DtlsServer, startDtlsServer } from './dtls-server.js'

const USER = { username: UCLIENT_USER, password: 'cisco' }
const VERIFIED = 'Verify return code'

t.setTimeout(240_000)

const connectOpenssl = (t: Test, { address }: Listener, ...args: string[]) =>
  new SClient(t, address.toString(), '-dtls1_2', ...args)

const relayPorts = await findFreePorts({ first: 31_100, last: 31_499 }, 200)
const skip = withoutKoffi() || peerOrSkip('openssl')
const NONE = { cert: '', key: '' }
const ec = skip === false ? makeCertificate('ec', 'ec.example.org') : NONE
const rsa = skip === false ? makeCertificate('rsa', 'rsa.example.org') : NONE

t.test('openssl over DTLS', { skip }, async (t) => {
  for (const [kind, pair] of Object.entries({ EC: ec, RSA: rsa })) {
    t.test(`gets an answer to a Binding request, with an ${kind} key`, async (t) => {
      const server = await startDtlsServer(t, pair, USER, relayPorts)
      const client = connectOpenssl(t, server.listener)
      await client.said(VERIFIED)
      t.match(client.output, `CN = ${kind.toLowerCase()}.example.org`)
      t.match(client.output, /Cipher is ECDHE-(ECDSA|RSA)-AES\d+-GCM/)
      t.match(client.output, 'No ALPN negotiated')
      t.match(client.output, 'Secure Renegotiation IS supported')
      t.notMatch(client.output, 'TLS session ticket:')
      await client.answersBinding()
      await client.quit()
      await isEmpty(server)
    })
  }

  t.test('chooses a protocol (RFC 7443)', async (t) => {
    const server = await startDtlsServer(t, ec, USER, relayPorts)
    for (const name of ['stun.turn', 'stun.nat-discovery']) {
      const client = connectOpenssl(t, server.listener, '-alpn', `h2,${name}`)
      await client.said(VERIFIED)
      t.match(client.output, `ALPN protocol: ${name}`)
      await client.answersBinding()
    }
    const other = connectOpenssl(t, server.listener, '-alpn', 'h2')
    await other.said('no application protocol')
  })

  t.test('may ask for small datagrams, for the ciphers of RFC 8489 §6.2.3, and over IPv6', async (t) => {
    const server = await startDtlsServer(t, rsa, USER, relayPorts)
    const alpn = ['-alpn', ['stun.turn', ...Array.from({ length: 20 }, (_, index) => `long-name-${index}`)].join(',')]
    const ways = [
      ['-mtu', '256', ...alpn],
      ['-cipher', 'DHE-RSA-AES128-GCM-SHA256'],
      ['-cipher', 'ECDHE-RSA-AES128-GCM-SHA256'],
    ]
    for (const way of ways) {
      const client = connectOpenssl(t, server.listener, ...way)
      await client.said(VERIFIED)
      if (way[0] === '-cipher') t.match(client.output, `Cipher is ${way[1]}`)
      await client.answersBinding()
    }
    const refused = connectOpenssl(t, server.listener, '-cipher', 'AES128-SHA')
    await refused.said('handshake failure')
    if (peerOrSkip('IPv6 loopback') !== false) return
    const ipv6 = await startDtlsServer(t, rsa, USER, relayPorts, '::1')
    const client = connectOpenssl(t, ipv6.listener)
    await client.said(VERIFIED)
    await client.answersBinding()
  })

  t.test('cannot negotiate anew', async (t) => {
    const server = await startDtlsServer(t, ec, USER, relayPorts)
    const client = connectOpenssl(t, server.listener)
    await client.said(VERIFIED)
    client.send(Buffer.from('R\n'))
    await client.said('RENEGOTIATING')
    await client.said('no renegotiation')
  })

  t.test('keeps its session when the certificate is replaced, broken ones change nothing', async (t) => {
    const server = await startDtlsServer(t, ec, USER, relayPorts)
    const before = connectOpenssl(t, server.listener)
    await before.said(VERIFIED)
    server.dtls.setCertificate(rsa)
    await before.answersBinding()
    for (const [pair, reason] of [
      [{ cert: ec.cert, key: rsa.key }, /^DTLS: the private key is not that of the certificate/],
      [{ cert: ec.cert, key: makeCertificate('ec').key }, /^DTLS: the private key is not that of the certificate/],
      [{ cert: 'nonsense', key: rsa.key }, /^DTLS: the certificate cannot be read \(.*no start line\)$/],
      [{ cert: rsa.cert, key: '' }, /^DTLS: a certificate or a key is empty$/],
      [{ cert: rsa.cert + ec.cert.slice(0, 200), key: rsa.key }, /^DTLS: the certificate cannot be read/],
      [{ cert: rsa.cert, key: encryptKey(rsa.key) }, /^DTLS: the private key cannot be read/],
    ] as const)
      t.throws(() => server.dtls.setCertificate(pair), { message: reason })
    const after = connectOpenssl(t, server.listener)
    await after.said(VERIFIED)
    t.match(after.output, 'CN = rsa.example.org')
    await after.answersBinding()
    await before.answersBinding()
  })

  t.test('gets the certificates of the issuers, too', async (t) => {
    const server = await startDtlsServer(t, { cert: ec.cert + rsa.cert, key: ec.key }, USER, relayPorts)
    const client = connectOpenssl(t, server.listener, '-showcerts')
    await client.said(VERIFIED)
    t.equal(client.output.match(/-----BEGIN CERTIFICATE-----/g)?.length, 2)
  })
})

t.test('coturn’s client over DTLS', { skip: skip || peerOrSkip('turnutils_uclient') }, async (t) => {
  for (const [name, flags] of [
    ['channels', []],
    ['Send indications', ['-s']],
  ] as const) {
    t.test(`loses nothing over ${name}`, async (t) => {
      const server = await startDtlsServer(t, rsa, USER, relayPorts)
      const { port } = server.listener.address
      const load = ['-S', '-y', '-c', ...flags, '-n', '100', '-m', '4', '-l', '1000']
      const report = await runUclient({ host: '127.0.0.1', port, password: USER.password, flags: load })
      t.equal(report.exitCode, 0, 'the client succeeded', { output: report.output })
      t.match(report, { sent: 400, received: 400, lost: 0, dropped: 0 })
      t.ok(counter(server, 'handshakes') >= 4)
    })
  }
})

async function isEmpty(server: DtlsServer): Promise<void> {
  let timer: NodeJS.Timeout
  const met = new Promise<void>((resolve) => {
    timer = setInterval(() => server.dtls.sessionCount === 0 && resolve(), 20)
  })
  await withDeadline(met, 60_000, () => 'the session stays').finally(() => clearInterval(timer))
}

function counter(server: DtlsServer, name: EngineCounterName): number {
  return server.counters[COUNTER_NAMES.indexOf(name)]
}
