// TLS clients with real handshakes: versions, ALPN, what a tls: listener tells apart, certificates that change, tickets.
import { createServer as createHttpServer } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ConnectionOptions } from 'node:tls'
import t, { type Test } from 'tap'
import type { HttpTaker } from '../../../src/net/stream/entrance.js'
import type { TransportAddress } from '../../../src/stun/address.js'
import * as stun from '../../../src/stun/constants.js'
import { TRANSPORT_TCP, TRANSPORT_TLS } from '../../../src/turn/five-tuple.js'
import { PEER } from '../../support/core-harness.js'
import { bindingRequest, bytesOf, channelData, StreamClient } from './stream-client.js'
import { StreamStage, TLS_LISTENER } from './stream-stage.js'
import { writeTestCertificate } from './test-certificate.js'

const CHANNEL = 0x4001
const REQUEST = 'GET /page HTTP/1.1\r\nHost: example.org\r\n\r\n'
const certificate = writeTestCertificate(t, 'one.example.org')
const other = writeTestCertificate(t, 'two.example.org')

function nameOf(client: StreamClient): string {
  return String(client.tls.getPeerCertificate().subject.CN)
}

/** An HTTP server that takes its connections from a tls: listener. */
class HttpStage implements HttpTaker {
  readonly taken: { client: string; isSecure: boolean }[] = []
  tellsFirstRequest = true
  readonly #first = new WeakMap<Duplex, () => void>()
  readonly #server = createHttpServer((request, response) => {
    if (this.tellsFirstRequest) this.#first.get(request.socket)?.()
    response.end(`you asked for ${request.url}`)
  })

  accept(socket: Duplex, client: TransportAddress, isSecure: boolean, onFirstRequest: () => void): void {
    this.taken.push({ client: client.toString(), isSecure })
    this.#first.set(socket, onFirstRequest)
    this.#server.emit('connection', socket)
  }
}

async function httpAnswer(stage: StreamStage, client: StreamClient): Promise<void> {
  await stage.until('an answer', () => client.received.includes('you asked for /page'))
}

/** The error that ends a handshake; '' if it succeeds. */
async function handshakeError(t: Test, port: number, options: ConnectionOptions): Promise<string> {
  return StreamClient.openTls(t, port, options).then(
    () => '',
    (error: NodeJS.ErrnoException) => `${error.code} ${error.message}`,
  )
}

t.test('a client over TLS', async (t) => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    t.test(`relays both ways with ${version}`, async (t) => {
      const stage = await StreamStage.open(t, { certificate })
      const client = await StreamClient.openTls(t, stage.ports.tls, { minVersion: version, maxVersion: version })
      t.equal(client.tls.getProtocol(), version)
      await client.allocate()
      await client.bindChannel(CHANNEL, PEER)
      const [{ fiveTuple, relay4 }] = [...stage.core.allocations.values()]
      t.match(fiveTuple, { transport: TRANSPORT_TLS, listenerId: TLS_LISTENER })
      for (const length of [0, 1, 1200, 20_000, 65_507]) {
        const payload = bytesOf(length, length)
        client.write(channelData(CHANNEL, payload))
        t.ok((await stage.toPeers.next()).payload.equals(payload))
        stage.peerSends(relay4?.id ?? -1, PEER, payload)
        t.ok((await client.frames.next()).subarray(4).equals(payload))
      }
      await client.writeSlowly(bindingRequest())
      t.equal((await client.message()).code, 0)
      t.same(stage.counted('handshakes', 'handshakesFailed'), [1, 0])
      client.socket.end()
      await client.closed()
      await stage.until('the core is told', () => stage.core.allocations.size === 0)
    })
  }

  t.test('of TLS 1.1 is refused', async (t) => {
    const stage = await StreamStage.open(t, { certificate })
    const options = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const
    t.match(await handshakeError(t, stage.ports.tls, options), /protocol version/i)
    await stage.until('it is gone', () => stage.streams.connectionCount === 0)
    t.same(stage.counted('handshakes', 'handshakesFailed'), [0, 1])
  })

  t.test('may choose the ciphers of RFC 8489 §6.2.3', async (t) => {
    const stage = await StreamStage.open(t, { certificate: writeTestCertificate(t, 'rsa.example.org', 'rsa') })
    for (const ciphers of ['DHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256']) {
      const client = await StreamClient.openTls(t, stage.ports.tls, { maxVersion: 'TLSv1.2', ciphers })
      t.equal(client.tls.getCipher().name, ciphers)
      client.write(bindingRequest())
      t.equal((await client.message()).code, 0)
    }
  })

  t.test('many frames in one turn arrive whole and in order', async (t) => {
    const stage = await StreamStage.open(t, { certificate })
    const client = await StreamClient.openTls(t, stage.ports.tls)
    await client.allocate()
    await client.bindChannel(CHANNEL, PEER)
    const [{ relay4 }] = [...stage.core.allocations.values()]
    for (let index = 0; index < 150; index++) stage.peerSends(relay4?.id ?? -1, PEER, bytesOf(1200, index))
    for (let index = 0; index < 150; index++) {
      t.ok((await client.frames.next()).subarray(4).equals(bytesOf(1200, index)), `frame ${index}`)
    }
    t.same(stage.counted('stalledDrops'), [0])
  })

  t.test('without a certificate is closed', async (t) => {
    const stage = await StreamStage.open(t)
    t.not(await handshakeError(t, stage.ports.tls, {}), '')
    t.same(stage.counted('handshakesFailed'), [1])
  })

  t.test('whose handshake is nonsense is closed', async (t) => {
    const stage = await StreamStage.open(t, { certificate })
    const client = await StreamClient.open(t, stage.ports.tls)
    client.write(Buffer.from('1603010004ffffffff', 'hex'))
    await client.closed()
    await stage.until('it is gone', () => stage.streams.connectionCount === 0)
    t.same(stage.counted('handshakes', 'handshakesFailed'), [0, 1])
  })

  t.test('that resets within its handshake is forgotten', async (t) => {
    const stage = await StreamStage.open(t, { certificate })
    const client = await StreamClient.open(t, stage.ports.tls)
    client.write(Buffer.from('1603010200010001fc', 'hex'))
    await stage.until('it is here', () => stage.counted('receiveCalls')[0] === 1)
    client.socket.resetAndDestroy()
    await stage.until('it is gone', () => stage.streams.connectionCount === 0)
    t.same(stage.counted('handshakesFailed'), [1])
  })

  t.test('may send its ClientHello byte by byte: what was looked at is put back', async (t) => {
    const stage = await StreamStage.open(t, { certificate })
    const raw = await StreamClient.open(t, stage.ports.tls)
    raw.socket.removeAllListeners('data')
    // A relay in between cuts the stream of a whole TLS client.
    const { createServer } = await import('node:net')
    const relay = createServer((client) => {
      client.on('data', async (bytes) => {
        client.pause()
        await raw.writeSlowly(bytes)
        client.resume()
      })
      raw.socket.on('data', (bytes) => client.write(bytes))
    })
    t.teardown(() => relay.close())
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
    const client = await StreamClient.openTls(t, (relay.address() as { port: number }).port)
    t.equal((await client.request(stun.METHOD_BINDING)).code, 0)
    client.socket.destroy()
  })
})

t.test('ALPN (RFC 7443)', async (t) => {
  t.test('stun.turn and stun.nat-discovery are taken: STUN, and nothing else', async (t) => {
    const stage = await StreamStage.open(t, { certificate, http: new HttpStage() })
    for (const protocol of ['stun.turn', 'stun.nat-discovery']) {
      const client = await StreamClient.openTls(t, stage.ports.tls, { ALPNProtocols: [protocol] })
      t.equal(client.tls.alpnProtocol, protocol)
      t.equal((await client.request(stun.METHOD_BINDING)).code, 0)
      const liar = await StreamClient.openTls(t, stage.ports.tls, { ALPNProtocols: [protocol] })
      liar.write(Buffer.from(REQUEST))
      await liar.closed()
      t.same(liar.received.length, 0)
    }
    t.same(stage.counted('connectionsMalformed'), [2])
  })

  t.test('stun.turn comes before http/1.1 for a client of both', async (t) => {
    const stage = await StreamStage.open(t, { certificate, http: new HttpStage() })
    const client = await StreamClient.openTls(t, stage.ports.tls, { ALPNProtocols: ['http/1.1', 'stun.turn'] })
    t.equal(client.tls.alpnProtocol, 'stun.turn')
  })

  t.test('http/1.1 is taken where HTTP is answered: HTTP, whatever comes', async (t) => {
    const http = new HttpStage()
    const stage = await StreamStage.open(t, { certificate, http })
    const client = await StreamClient.openTls(t, stage.ports.tls, { ALPNProtocols: ['h2', 'http/1.1'] })
    t.equal(client.tls.alpnProtocol, 'http/1.1')
    await stage.until('it is HTTP', () => http.taken.length === 1)
    t.same(http.taken, [{ client: `127.0.0.1:${client.socket.localPort}`, isSecure: true }])
    client.write(Buffer.from(REQUEST))
    await httpAnswer(stage, client)
  })

  t.test('of nothing that is spoken here ends with no_application_protocol (RFC 7301 §3.2)', async (t) => {
    const stage = await StreamStage.open(t, { certificate })
    for (const protocol of ['h2', 'http/1.1']) {
      t.match(await handshakeError(t, stage.ports.tls, { ALPNProtocols: [protocol] }), /no application protocol/i)
    }
    await stage.until('they are gone', () => stage.streams.connectionCount === 0)
    t.same(stage.counted('handshakes', 'handshakesFailed'), [0, 2])
  })
})

t.test('a tls: listener', async (t) => {
  t.test('takes plain STUN, as a client over TCP', async (t) => {
    const stage = await StreamStage.open(t, { certificate, http: new HttpStage() })
    const client = await StreamClient.open(t, stage.ports.tls)
    await client.writeSlowly(bindingRequest())
    t.equal((await client.message()).code, 0)
    client.write(bindingRequest(), bindingRequest())
    t.same([(await client.message()).code, (await client.message()).code], [0, 0])
    await client.allocate()
    const [{ fiveTuple }] = [...stage.core.allocations.values()]
    t.match(fiveTuple, { transport: TRANSPORT_TCP, listenerId: TLS_LISTENER })
  })

  t.test('gives HTTP to who answers it, from the first byte on, with TLS and without', async (t) => {
    const http = new HttpStage()
    const stage = await StreamStage.open(t, { certificate, http })
    for (const isSecure of [false, true]) {
      const open = () => (isSecure ? StreamClient.openTls(t, stage.ports.tls) : StreamClient.open(t, stage.ports.tls))
      const whole = await open()
      whole.write(Buffer.from(REQUEST))
      await httpAnswer(stage, whole)
      t.match(http.taken.at(-1), { isSecure })
      const slow = await open()
      await slow.writeSlowly(Buffer.from(REQUEST))
      await httpAnswer(stage, slow)
    }
    t.equal(http.taken.length, 4)
    t.same(stage.closedClients.items, [])
  })

  t.test('counts HTTP until its first request, and closes it after 10 s without', async (t) => {
    const http = new HttpStage()
    const stage = await StreamStage.open(t, { certificate, http, capCountMax: 1 })
    const client = await StreamClient.open(t, stage.ports.tls)
    client.write(Buffer.from('GET '))
    await stage.until('it is HTTP', () => http.taken.length === 1)
    await StreamClient.begin(t, stage.ports.tls).closed()
    client.write(Buffer.from(REQUEST.slice(4)))
    await httpAnswer(stage, client)
    const second = await StreamClient.open(t, stage.ports.tls)
    second.write(Buffer.from('GET /'))
    await stage.until('it is HTTP', () => http.taken.length === 2)
    stage.advance(9_999)
    t.equal(stage.streams.connectionCount, 2)
    stage.advance(1)
    await second.closed()
    t.equal(stage.streams.connectionCount, 1)
    t.same(stage.counted('connectionsRefused', 'connectionsTimedOut'), [1, 1])
    client.socket.destroy()
    await stage.until('all are gone', () => stage.streams.connectionCount === 0)
  })

  t.test('closes on HTTP where nobody answers it, on ChannelData, on anything else, and on TLS in TLS', async (t) => {
    const stage = await StreamStage.open(t, { certificate })
    const first = [Buffer.from(REQUEST), channelData(CHANNEL, bytesOf(8)), Buffer.from('SSH-2.0-x\r\n'), bytesOf(1, 7)]
    let count = 0
    for (const bytes of [...first, Buffer.from('PROXY TCP4 192.0.2.9 192.0.2.1 5000 3478\r\n')]) {
      for (const open of [StreamClient.open, StreamClient.openTls]) {
        const client = await open(t, stage.ports.tls)
        client.write(bytes)
        await client.closed()
        t.same(stage.counted('connectionsMalformed'), [++count])
      }
    }
    const nested = await StreamClient.openTls(t, stage.ports.tls)
    nested.write(Buffer.from('16030100fc0303', 'hex'))
    await nested.closed()
    t.same(stage.counted('connectionsMalformed'), [count + 1])
    await stage.until('all are gone', () => stage.streams.connectionCount === 0)
  })
})

t.test('a new certificate', async (t) => {
  t.test('is shown to new clients, and disturbs none that are there', async (t) => {
    const stage = await StreamStage.open(t, { certificate })
    const clients = await Promise.all(Array.from({ length: 100 }, () => StreamClient.openTls(t, stage.ports.tls)))
    for (let turn = 0; turn < 50; turn++) {
      const [now, name] = turn % 2 === 0 ? [other, 'two.example.org'] : [certificate, 'one.example.org']
      stage.streams.setCertificate(now)
      const newcomer = await StreamClient.openTls(t, stage.ports.tls)
      if (nameOf(newcomer) !== name) t.fail(`turn ${turn}: ${nameOf(newcomer)}`)
      await newcomer.request(stun.METHOD_BINDING)
      newcomer.socket.destroy()
      const [first, second] = [clients[turn], clients[99 - turn]]
      t.same(
        [(await first.request(stun.METHOD_BINDING)).code, (await second.request(stun.METHOD_BINDING)).code],
        [0, 0],
      )
    }
    await stage.until('the newcomers are gone', () => stage.streams.connectionCount === 100)
    t.same(stage.counted('handshakes', 'handshakesFailed'), [150, 0])
    for (const client of clients) t.equal(nameOf(client), 'one.example.org')
  })

  t.test('that is broken is refused, and the old one stays', async (t) => {
    const stage = await StreamStage.open(t, { certificate })
    t.throws(() => stage.streams.setCertificate({ cert: 'nothing', key: 'nothing' }))
    t.throws(() => stage.streams.setCertificate({ cert: other.cert, key: certificate.key }))
    t.equal(nameOf(await StreamClient.openTls(t, stage.ports.tls)), 'one.example.org')
  })
})

t.test('a session', async (t) => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    t.test(
      `of ${version} is resumed by another worker with the same ticket keys, after a new certificate too`,
      async (t) => {
        const ticketKeys = bytesOf(48, 9)
        const versions = { minVersion: version, maxVersion: version }
        const first = await StreamStage.open(t, { certificate, ticketKeys })
        const { session } = await resumable(t, first, versions)
        const isResumed = async (keys: Uint8Array) => {
          const stage = await StreamStage.open(t, { certificate: other, ticketKeys: keys })
          const again = await StreamClient.openTls(t, stage.ports.tls, { ...versions, session })
          t.equal((await again.request(stun.METHOD_BINDING)).code, 0)
          return again.tls.isSessionReused()
        }
        t.equal(await isResumed(ticketKeys), true)
        t.equal(await isResumed(bytesOf(48, 10)), false)
      },
    )

    t.test(`of ${version} with a ticket of older keys is a whole handshake, and the next one is resumed`, async (t) => {
      const options = { minVersion: version, maxVersion: version }
      const stage = await StreamStage.open(t, { certificate, ticketKeys: bytesOf(48, 9) })
      const first = await resumable(t, stage, options)
      stage.streams.tls.setTicketKeys(bytesOf(48, 10))
      t.equal((await first.client.request(stun.METHOD_BINDING)).code, 0, 'who is there stays')
      const second = await resumable(t, stage, { ...options, session: first.session })
      t.equal(second.client.tls.isSessionReused(), false)
      t.equal(nameOf(second.client), 'one.example.org')
      const third = await resumable(t, stage, { ...options, session: second.session })
      t.equal(third.client.tls.isSessionReused(), true)
      t.same(stage.counted('handshakes', 'handshakesFailed'), [3, 0])
    })
  }

  t.test('may have new ticket keys before there is a certificate', async (t) => {
    const stage = await StreamStage.open(t, { ticketKeys: bytesOf(48, 9) })
    stage.streams.tls.setTicketKeys(bytesOf(48, 10))
    stage.streams.setCertificate(certificate)
    const { session } = await resumable(t, stage)
    const other = await StreamStage.open(t, { certificate, ticketKeys: bytesOf(48, 10) })
    t.equal((await resumable(t, other, { session })).client.tls.isSessionReused(), true)
  })
})

/** A client that has been answered, and its session with the latest ticket. */
async function resumable(
  t: Test,
  stage: StreamStage,
  options: ConnectionOptions = {},
): Promise<{ client: StreamClient; session: Buffer | undefined }> {
  const client = await StreamClient.openTls(t, stage.ports.tls, options)
  const tickets: Buffer[] = []
  client.tls.on('session', (ticket) => tickets.push(ticket))
  t.equal((await client.request(stun.METHOD_BINDING)).code, 0)
  return { client, session: tickets.at(-1) ?? client.tls.getSession() }
}
