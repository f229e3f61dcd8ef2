// Clients behind a proxy that tells their address (the PROXY protocol), and those that only say so.
import { isIPv6 } from 'node:net'
import t from 'tap'
import * as stun from '../../../src/stun/constants.js'
import { bindingRequest, StreamClient } from './stream-client.js'
import { StreamStage } from './stream-stage.js'
import { writeTestCertificate } from './test-certificate.js'

const V2_SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
const FROM_LOOPBACK = { proxyProtocolFrom: ['10.0.0.0/8', '127.0.0.0/8'] }
const certificate = writeTestCertificate(t, 'one.example.org')

function version1(source: string, port: number): Buffer {
  const [family, destination] = isIPv6(source) ? ['TCP6', '2001:db8::1'] : ['TCP4', '192.0.2.1']
  return Buffer.from(`PROXY ${family} ${source} ${destination} ${port} 3478\r\n`)
}

/** An IPv4 source; null: the proxy's own connection. */
function version2(source: readonly number[] | null, port: number): Buffer {
  const body = Buffer.from([...(source ?? [0, 0, 0, 0]), 192, 0, 2, 1, port >> 8, port & 255, 13, 150])
  const head = [source === null ? 0x20 : 0x21, 0x11, 0, body.length]
  return Buffer.concat([V2_SIGNATURE, Buffer.from(head), body])
}

async function mappedAddress(client: StreamClient, ...parts: Uint8Array[]): Promise<string> {
  client.write(...parts, bindingRequest())
  return (await client.message()).addresses(stun.ATTRIBUTE_XOR_MAPPED_ADDRESS)[0]
}

t.test('a connection from a proxy', async (t) => {
  t.test('is the client’s whose address is told', async (t) => {
    const stage = await StreamStage.open(t, { certificate, ...FROM_LOOPBACK })
    for (const port of [stage.ports.tcp, stage.ports.tls]) {
      const open = () => StreamClient.open(t, port)
      t.equal(await mappedAddress(await open(), version1('203.0.113.9', 5000)), '203.0.113.9:5000')
      t.equal(await mappedAddress(await open(), version1('2a00::9', 5001)), '[2a00::9]:5001')
      t.equal(await mappedAddress(await open(), version2([203, 0, 113, 10], 5002)), '203.0.113.10:5002')
      const own = await open()
      t.equal(await mappedAddress(own, version2(null, 0)), `127.0.0.1:${own.socket.localPort}`)
      const slow = await open()
      await slow.writeSlowly(Buffer.concat([version2([203, 0, 113, 11], 5003), bindingRequest()]))
      t.same((await slow.message()).addresses(stun.ATTRIBUTE_XOR_MAPPED_ADDRESS), ['203.0.113.11:5003'])
    }
  })

  t.test('may begin TLS behind the header, in the same segment or the next', async (t) => {
    const stage = await StreamStage.open(t, { certificate, ...FROM_LOOPBACK })
    const { connect } = await import('node:net')
    for (const isTogether of [false, true]) {
      const raw = connect(stage.ports.tls, '127.0.0.1')
      const header = version1('203.0.113.9', 5000)
      if (isTogether) {
        // Held back until the ClientHello follows it.
        raw.cork()
        setImmediate(() => process.nextTick(() => raw.uncork()))
      }
      raw.write(header)
      const client = await StreamClient.openTls(t, stage.ports.tls, { socket: raw })
      t.equal(await mappedAddress(client), '203.0.113.9:5000')
    }
  })

  t.test('is closed without the header', async (t) => {
    const stage = await StreamStage.open(t, { certificate, ...FROM_LOOPBACK })
    for (const port of [stage.ports.tcp, stage.ports.tls]) {
      const client = await StreamClient.open(t, port)
      client.write(bindingRequest())
      await client.closed()
    }
    t.same(stage.counted('connectionsMalformed', 'packetsReceived'), [2, 0])
  })

  t.test('is closed after 10 s, header and first bytes together', async (t) => {
    const stage = await StreamStage.open(t, { certificate, ...FROM_LOOPBACK })
    const client = await StreamClient.open(t, stage.ports.tls)
    client.write(version1('203.0.113.9', 5000).subarray(0, 10))
    await stage.until('a part is here', () => stage.counted('receiveCalls')[0] === 1)
    stage.advance(9_000)
    client.write(version1('203.0.113.9', 5000).subarray(10), Uint8Array.of(0))
    await stage.until('the rest is here', () => stage.counted('receiveCalls')[0] === 2)
    stage.advance(999)
    t.equal(stage.streams.connectionCount, 1)
    stage.advance(1)
    await client.closed()
  })

  t.test('counts against the cap of the client, not of the proxy', async (t) => {
    const stage = await StreamStage.open(t, { capCountMax: 1, ...FROM_LOOPBACK })
    const clients = []
    for (const source of ['203.0.113.1', '203.0.113.2', '203.0.113.3']) {
      const client = await StreamClient.open(t, stage.ports.tcp)
      t.equal(await mappedAddress(client, version1(source, 5000)), `${source}:5000`)
      clients.push(client)
    }
    const second = await StreamClient.open(t, stage.ports.tcp)
    second.write(version1('203.0.113.2', 6000), bindingRequest())
    await second.closed()
    t.equal(second.received.length, 0)
    t.same(stage.counted('connectionsRefused'), [1])
  })
})

t.test('a connection from elsewhere with a PROXY header is closed', async (t) => {
  const stage = await StreamStage.open(t, { certificate, proxyProtocolFrom: ['10.0.0.0/8'] })
  for (const port of [stage.ports.tcp, stage.ports.tls]) {
    for (const header of [version1('203.0.113.9', 5000), version2([203, 0, 113, 9], 5000)]) {
      const client = await StreamClient.open(t, port)
      client.write(header, bindingRequest())
      await client.closed()
      t.equal(client.received.length, 0)
    }
  }
  t.same(stage.counted('connectionsMalformed', 'packetsReceived'), [4, 0])
})
