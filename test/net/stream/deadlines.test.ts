// How long connections may take, by a clock that moves when the test says so, and how many there may be.
import { connect } from 'node:net'
import t from 'tap'
import { ConnectionCap } from '../../../src/net/stream/connection-cap.js'
import * as stun from '../../../src/stun/constants.js'
import { bindingRequest, channelData, StreamClient } from './stream-client.js'
import { StreamStage } from './stream-stage.js'
import { writeTestCertificate } from './test-certificate.js'

const certificate = writeTestCertificate(t, 'one.example.org')

t.test('a connection is closed', async (t) => {
  t.test('10 s after it was accepted without a whole message, whatever trickles in', async (t) => {
    const stage = await StreamStage.open(t)
    const client = await StreamClient.open(t, stage.ports.tcp)
    await stage.until('it is accepted', () => stage.streams.connectionCount === 1)
    client.write(bindingRequest().subarray(0, 10))
    await stage.until('a part is here', () => stage.counted('receiveCalls')[0] === 1)
    stage.advance(9_999)
    client.write(bindingRequest().subarray(10, 19))
    await stage.until('both parts are here', () => stage.counted('receiveCalls')[0] === 2)
    t.same(stage.counted('connectionsTimedOut'), [0])
    stage.advance(1)
    await client.closed()
    t.same(stage.counted('connectionsTimedOut', 'connectionsMalformed'), [1, 0])
    t.same(stage.closedClients.items, [], 'the core never heard of it')
  })

  t.test('30 s after its last whole frame, without an allocation', async (t) => {
    const stage = await StreamStage.open(t)
    const client = await StreamClient.open(t, stage.ports.tcp)
    await client.request(stun.METHOD_BINDING)
    stage.advance(29_999)
    await client.request(stun.METHOD_BINDING)
    stage.advance(29_999)
    t.equal(stage.streams.connectionCount, 1)
    client.write(bindingRequest().subarray(0, 19))
    await stage.until('part of a frame', () => stage.counted('receiveCalls')[0] === 3)
    stage.advance(1)
    await client.closed()
    t.same(stage.counted('connectionsTimedOut'), [1])
    t.equal(await stage.closedClients.next(), 1)
  })

  t.test('never while it has an allocation, and 30 s after that has gone', async (t) => {
    const stage = await StreamStage.open(t)
    const client = await StreamClient.open(t, stage.ports.tcp)
    await client.allocate()
    stage.advance(500_000)
    t.equal(stage.streams.connectionCount, 1)
    await client.request(stun.METHOD_REFRESH, (writer) => writer.writeUint32(stun.ATTRIBUTE_LIFETIME, 0))
    stage.advance(500)
    stage.advance(29_999)
    t.equal(stage.streams.connectionCount, 1)
    stage.advance(1)
    await client.closed()
  })

  t.test('10 s after it was accepted, when a tls: listener has not seen what it speaks', async (t) => {
    const stage = await StreamStage.open(t, { certificate })
    const client = await StreamClient.open(t, stage.ports.tls)
    client.write(Uint8Array.of(0))
    await stage.until('a byte', () => stage.counted('receiveCalls')[0] === 1)
    stage.advance(9_999)
    t.equal(stage.streams.connectionCount, 1)
    stage.advance(1)
    await client.closed()
    t.same(stage.counted('connectionsTimedOut'), [1])
  })

  t.test('10 s after it was accepted, when a tls: listener has seen the beginning of a message only', async (t) => {
    const stage = await StreamStage.open(t, { certificate })
    const client = await StreamClient.open(t, stage.ports.tls)
    client.write(bindingRequest().subarray(0, 7))
    await stage.until('bytes', () => stage.counted('receiveCalls')[0] === 1)
    stage.advance(9_000)
    client.write(bindingRequest().subarray(7, 19))
    await stage.until('more of them', () => stage.counted('receiveCalls')[0] === 2)
    stage.advance(999)
    t.equal(stage.streams.connectionCount, 1)
    stage.advance(1)
    await client.closed()
    t.same(stage.counted('connectionsTimedOut', 'connectionsMalformed'), [1, 0])
  })

  t.test('10 s after a TLS handshake has begun and not ended', async (t) => {
    const stage = await StreamStage.open(t, { certificate })
    const client = await StreamClient.open(t, stage.ports.tls)
    client.write(Buffer.from('1603010200', 'hex'))
    await stage.until('bytes', () => stage.counted('receiveCalls')[0] === 1)
    stage.advance(9_999)
    client.write(Buffer.from('010001fc', 'hex'))
    t.equal(stage.streams.connectionCount, 1)
    stage.advance(1)
    await client.closed()
    t.same(stage.counted('connectionsTimedOut', 'handshakesFailed', 'handshakes'), [1, 1, 0])
  })

  t.test('10 s after its handshake, when no whole message has come', async (t) => {
    const stage = await StreamStage.open(t, { certificate })
    const client = await StreamClient.openTls(t, stage.ports.tls)
    await stage.until('the handshake', () => stage.counted('handshakes')[0] === 1)
    const [before] = stage.counted('receiveCalls')
    stage.advance(9_000)
    client.write(bindingRequest().subarray(0, 12))
    await stage.until('part of a message', () => stage.counted('receiveCalls')[0] > before)
    stage.advance(999)
    t.equal(stage.streams.connectionCount, 1)
    stage.advance(1)
    await client.closed()
    t.same(stage.counted('connectionsTimedOut', 'handshakesFailed'), [1, 0])
  })

  t.test('with its FIN in the middle of a handshake', async (t) => {
    const stage = await StreamStage.open(t, { certificate })
    const client = await StreamClient.open(t, stage.ports.tls)
    client.socket.end(Buffer.from('1603010200010001fc', 'hex'))
    await client.closed()
    t.same(stage.counted('handshakesFailed', 'handshakes'), [1, 0])
  })
})

t.test('connections of one address', async (t) => {
  t.test(
    'are refused beyond the cap until one is closed; an allocation leaves the count and comes back to it',
    async (t) => {
      const stage = await StreamStage.open(t, { capCountMax: 2 })
      const clients = [await StreamClient.open(t, stage.ports.tcp), await StreamClient.open(t, stage.ports.tcp)]
      for (const client of clients) await client.request(stun.METHOD_BINDING)
      const isServed = async () => {
        const client = StreamClient.begin(t, stage.ports.tcp)
        client.write(bindingRequest())
        return Promise.race([client.message().then(() => true), client.closed().then(() => false)])
      }
      t.equal(await isServed(), false)
      t.same(stage.counted('connectionsRefused'), [1])
      await clients[0].allocate()
      const third = await StreamClient.open(t, stage.ports.tcp)
      await third.request(stun.METHOD_BINDING)
      t.equal(await isServed(), false)
      await clients[0].request(stun.METHOD_REFRESH, (writer) => writer.writeUint32(stun.ATTRIBUTE_LIFETIME, 0))
      stage.advance(500)
      third.socket.destroy()
      await stage.until('the third is gone', () => stage.streams.connectionCount === 2)
      t.equal(await isServed(), false, 'two are without an allocation')
      clients[0].socket.destroy()
      await stage.until('one is gone', () => stage.streams.connectionCount === 1)
      t.equal(await isServed(), true)
    },
  )

  t.test('may be 256, not 257', async (t) => {
    const cap = new ConnectionCap(ConnectionCap.allocate(1), 0)
    const stage = await StreamStage.open(t, { cap })
    const sockets = Array.from({ length: 256 }, () => connect(stage.ports.tcp, '127.0.0.1').on('error', () => {}))
    t.teardown(() => {
      for (const socket of sockets) socket.destroy()
    })
    await stage.until('256 are accepted', () => stage.streams.connectionCount === 256)
    const late = StreamClient.begin(t, stage.ports.tcp)
    await late.closed()
    t.same(stage.counted('connectionsAccepted', 'connectionsRefused'), [257, 1])
    stage.advance(10_000)
    await stage.until('all are gone in time', () => stage.streams.connectionCount === 0)
    t.same(stage.counted('connectionsTimedOut'), [256])
    const newcomer = await StreamClient.open(t, stage.ports.tcp)
    t.equal((await newcomer.request(stun.METHOD_BINDING)).code, 0)
  })

  t.test('of all addresses together are bounded too', async (t) => {
    const stage = await StreamStage.open(t, { connectionCountMax: 1 })
    const first = await StreamClient.open(t, stage.ports.tcp)
    await first.request(stun.METHOD_BINDING)
    const second = StreamClient.begin(t, stage.ports.tcp)
    await second.closed()
    t.same(stage.counted('connectionsRefused'), [1])
    t.equal((await first.request(stun.METHOD_BINDING)).code, 0)
  })

  t.test('without an allocation make room for newcomers, the oldest first; those with one stay', async (t) => {
    const stage = await StreamStage.open(t, { unallocatedCountMax: 2 })
    const allocated = await StreamClient.open(t, stage.ports.tcp)
    await allocated.allocate()
    const oldest = StreamClient.begin(t, stage.ports.tls)
    await stage.until('the oldest is there', () => stage.streams.connectionCount === 2)
    const second = await StreamClient.open(t, stage.ports.tcp)
    await second.request(stun.METHOD_BINDING)
    t.same(stage.counted('connectionsRefused'), [0])
    const third = await StreamClient.open(t, stage.ports.tcp)
    t.equal((await third.request(stun.METHOD_BINDING)).code, 0)
    await oldest.closed()
    await stage.until('it is gone', () => stage.streams.connectionCount === 3)
    t.same(stage.counted('connectionsRefused'), [1])
    t.same(stage.refused, ['connection-displaced'])
    for (const client of [allocated, second, third]) {
      t.equal((await client.request(stun.METHOD_BINDING)).code, 0, 'the others are served')
    }
    // Its place is free: the next one displaces nobody.
    second.socket.destroy()
    await stage.until('one is gone', () => stage.streams.connectionCount === 2)
    const fourth = await StreamClient.open(t, stage.ports.tcp)
    t.equal((await fourth.request(stun.METHOD_BINDING)).code, 0)
    t.same(stage.counted('connectionsRefused'), [1])
  })

  t.test('leave the count when they are malformed', async (t) => {
    const stage = await StreamStage.open(t, { capCountMax: 1 })
    for (let index = 0; index < 3; index++) {
      const client = await StreamClient.open(t, stage.ports.tcp)
      client.write(channelData(0x4001, new Uint8Array(4)))
      await client.closed()
      await stage.until('it is gone', () => stage.streams.connectionCount === 0)
    }
    t.same(stage.counted('connectionsMalformed', 'connectionsRefused'), [3, 0])
  })
})
