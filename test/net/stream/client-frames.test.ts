// Frames of clients over TCP, both ways: what reaches the core and the peers, what closes the connection, and who is told.
import t, { type Test } from 'tap'
import * as stun from '../../../src/stun/constants.js'
import { TRANSPORT_TCP } from '../../../src/turn/five-tuple.js'
import { PEER } from '../../support/core-harness.js'
import { bindingRequest, bytesOf, channelData, longRequest, StreamClient } from './stream-client.js'
import { StreamStage, TCP_LISTENER } from './stream-stage.js'

const CHANNEL = 0x4001

function relayIdOf(stage: StreamStage): number {
  const [allocation] = [...stage.core.allocations.values()]
  return allocation.relay4?.id ?? -1
}

t.test('a client over TCP', async (t) => {
  t.test('is answered, and its 5-tuple tells its connection', async (t) => {
    const stage = await StreamStage.open(t)
    const client = await StreamClient.open(t, stage.ports.tcp)
    const answer = await client.request(stun.METHOD_BINDING)
    t.same(answer.addresses(stun.ATTRIBUTE_XOR_MAPPED_ADDRESS), [`127.0.0.1:${client.socket.localPort}`])
    await client.allocate()
    const [{ fiveTuple }] = [...stage.core.allocations.values()]
    t.match(fiveTuple, { transport: TRANSPORT_TCP, listenerId: TCP_LISTENER, connectionId: 1 })
    t.equal(fiveTuple.client.host, '127.0.0.1')
    t.same(stage.counted('connectionsAccepted', 'packetsReceived', 'packetsSent'), [1, 3, 3])
  })

  t.test('relays ChannelData both ways, padded to 4 (RFC 8656 §12.5)', async (t) => {
    const stage = await StreamStage.open(t)
    const client = await StreamClient.open(t, stage.ports.tcp)
    t.equal((await client.allocate()).code, 0)
    t.equal((await client.bindChannel(CHANNEL, PEER)).code, 0)
    for (const length of [0, 1, 3, 4, 5, 1200, 65_507]) {
      const payload = bytesOf(length, length)
      client.write(channelData(CHANNEL, payload))
      const sent = await stage.toPeers.next()
      t.equal(sent.peer, PEER)
      t.ok(sent.payload.equals(payload), `${length} bytes to the peer`)
      const before = client.received.length
      stage.peerSends(relayIdOf(stage), PEER, payload)
      const frame = await client.frames.next()
      t.ok(frame.equals(channelData(CHANNEL, payload).subarray(0, 4 + length)), `${length} bytes from the peer`)
      t.ok(client.received.subarray(before).equals(channelData(CHANNEL, payload)), 'padded with zeros')
    }
  })

  t.test('gets Data indications padded to 4 for peers without a channel', async (t) => {
    const stage = await StreamStage.open(t)
    const client = await StreamClient.open(t, stage.ports.tcp)
    await client.allocate()
    await client.permit(PEER)
    for (const length of [0, 1, 2, 3, 4, 1000]) {
      const payload = bytesOf(length, length)
      stage.peerSends(relayIdOf(stage), PEER, payload)
      const { view } = await client.message()
      t.equal(view.messageClass, stun.CLASS_INDICATION)
      t.ok(Buffer.from(view.readBytes(view.find(stun.ATTRIBUTE_DATA))).equals(payload))
    }
    t.equal(client.framingResult, 0)
  })

  t.test('may send one byte at a time, or many frames in one segment', async (t) => {
    const stage = await StreamStage.open(t)
    const client = await StreamClient.open(t, stage.ports.tcp)
    await client.allocate()
    await client.bindChannel(CHANNEL, PEER)
    const payloads = [bytesOf(1, 1), bytesOf(0), bytesOf(37, 3), bytesOf(64, 4)]
    const frames = payloads.map((payload) => channelData(CHANNEL, payload))
    await client.writeSlowly(Buffer.concat([bindingRequest(), ...frames]))
    t.equal((await client.message()).code, 0)
    for (const payload of payloads) t.ok((await stage.toPeers.next()).payload.equals(payload))
    client.write(...Array.from({ length: 50 }, () => bindingRequest()), ...frames, ...frames)
    for (let index = 0; index < 50; index++) t.equal((await client.message()).code, 0)
    for (const payload of [...payloads, ...payloads]) t.ok((await stage.toPeers.next()).payload.equals(payload))
  })

  t.test('may keep what it relays: a later frame does not overwrite an earlier one', async (t) => {
    const kept: Uint8Array[] = []
    const core = () => ({
      handleClientFrame: (_client: unknown, bytes: Uint8Array, start: number, end: number) => {
        kept.push(bytes.subarray(start, end))
        return 0
      },
      handleClientClosed: () => {},
      hasAllocation: () => true,
    })
    const stage = await StreamStage.open(t, { core })
    const client = await StreamClient.open(t, stage.ports.tcp)
    const frames = [bindingRequest(), bindingRequest(), bindingRequest()]
    await client.writeSlowly(Buffer.concat(frames))
    await stage.until('three frames', () => kept.length === 3)
    t.same(
      kept.map((frame) => Buffer.from(frame).toString('hex')),
      frames.map((frame) => Buffer.from(frame).toString('hex')),
    )
  })

  t.test('gets all frames of a turn in one write', async (t) => {
    const stage = await StreamStage.open(t)
    const client = await StreamClient.open(t, stage.ports.tcp)
    await client.allocate()
    await client.bindChannel(CHANNEL, PEER)
    const [writesBefore] = stage.counted('sendCalls')
    for (let index = 0; index < 40; index++) stage.peerSends(relayIdOf(stage), PEER, bytesOf(1200, index))
    for (let index = 0; index < 40; index++) {
      t.ok((await client.frames.next()).subarray(4).equals(bytesOf(1200, index)))
    }
    t.equal(stage.counted('sendCalls')[0] - writesBefore, 1)
  })
})

t.test('a connection is closed', async (t) => {
  async function closes(t: Test, ...parts: Uint8Array[]): Promise<StreamStage> {
    const stage = await StreamStage.open(t)
    const client = await StreamClient.open(t, stage.ports.tcp)
    client.write(...parts)
    await client.closed()
    t.same(stage.counted('connectionsMalformed'), [1])
    t.equal(stage.streams.connectionCount, 0)
    return stage
  }

  t.test('by ChannelData as its first message', (t) => closes(t, channelData(CHANNEL, bytesOf(4))).then(() => {}))

  t.test('by HTTP, by TLS, and by a PROXY header from nowhere, on a tcp: listener', async (t) => {
    await closes(t, Buffer.from('GET / HTTP/1.1\r\n\r\n'))
    await closes(t, Buffer.from('16030100fc0303', 'hex'), bytesOf(40))
    await closes(t, Buffer.from('PROXY TCP4 192.0.2.9 192.0.2.1 5000 3478\r\n'), bindingRequest())
  })

  t.test('by a length that is no multiple of 4, and what follows is nobody’s', async (t) => {
    const bad = Buffer.from(bindingRequest())
    bad[3] = 5
    const stage = await closes(t, bad, bindingRequest(), bindingRequest())
    t.same(stage.counted('packetsReceived', 'packetsSent'), [0, 0])
  })

  t.test('by length 0xFFFC with an embedded Binding request', async (t) => {
    const outer = Buffer.from(bindingRequest())
    outer.writeUInt16BE(0xfffc, 2)
    const stage = await closes(t, outer, bindingRequest())
    t.same(stage.counted('packetsReceived', 'packetsSent'), [0, 0])
  })

  t.test('by a frame of more than 2,048 bytes before it has an allocation; one of 2,048 is answered', async (t) => {
    const stage = await StreamStage.open(t)
    const client = await StreamClient.open(t, stage.ports.tcp)
    client.write(longRequest(2048))
    t.equal((await client.message()).code, 0)
    client.write(longRequest(2052))
    await client.closed()
    t.same(stage.counted('connectionsMalformed'), [1])
  })

  t.test('by nothing of the kind once it has one, until that has gone', async (t) => {
    const stage = await StreamStage.open(t)
    const client = await StreamClient.open(t, stage.ports.tcp)
    await client.allocate()
    client.write(longRequest(2052))
    t.equal((await client.message()).code, 0)
    t.equal((await client.request(stun.METHOD_REFRESH, (writer) => writer.writeUint32(13, 0))).code, 0)
    stage.advance(500)
    client.write(longRequest(2052))
    await client.closed()
  })

  t.test('by the client’s FIN: it is answered, and the core is told once', async (t) => {
    const stage = await StreamStage.open(t)
    const client = await StreamClient.open(t, stage.ports.tcp)
    await client.allocate()
    t.equal(stage.core.allocations.size, 1)
    client.socket.end(bindingRequest())
    t.equal((await client.message()).code, 0)
    await client.closed()
    t.equal(await stage.closedClients.next(), 1)
    t.equal(stage.core.allocations.size, 0)
    t.same(stage.closedClients.items, [])
  })

  t.test('by a reset: the core is told once', async (t) => {
    const stage = await StreamStage.open(t)
    const client = await StreamClient.open(t, stage.ports.tcp)
    await client.allocate()
    client.socket.resetAndDestroy()
    t.equal(await stage.closedClients.next(), 1)
    t.equal(stage.core.allocations.size, 0)
    t.equal(stage.streams.connectionCount, 0)
  })

  t.test('by the core, after the answers that came before; what it sends later goes nowhere', async (t) => {
    const core = (streams: StreamStage['streams']) => ({
      handleClientFrame: (
        client: Parameters<typeof streams.closeClient>[0],
        bytes: Uint8Array,
        start: number,
        end: number,
      ) => {
        streams.sendToClient(client, bytes, start, end)
        streams.closeClient(client)
        streams.sendToClient(client, bytes, start, end)
        return 0
      },
      handleClientClosed: () => {},
      hasAllocation: () => false,
    })
    const stage = await StreamStage.open(t, { core })
    const client = await StreamClient.open(t, stage.ports.tcp)
    const request = bindingRequest()
    client.write(request, bindingRequest())
    await client.closed()
    t.ok(client.received.equals(Buffer.from(request)))
    t.equal(await stage.closedClients.next(), 1)
    t.same(stage.counted('packetsReceived'), [1])
  })

  t.test('by close()', async (t) => {
    const stage = await StreamStage.open(t)
    const clients = [await StreamClient.open(t, stage.ports.tcp), await StreamClient.open(t, stage.ports.tcp)]
    for (const client of clients) await client.request(stun.METHOD_BINDING)
    stage.streams.close()
    for (const client of clients) await client.closed()
    await stage.until('both are told', () => stage.closedClients.items.length === 2)
  })
})
