// The dgram engine alone, with a core that only takes notes: sockets open, close and fail as the core is told, and bytes pass unchanged.
import { type RemoteInfo, Socket } from 'node:dgram'
import t, { type Test } from 'tap'
import { parseListenSpec } from '../../src/config/listen-spec.js'
import { LISTENER_QUEUE_BYTES_MAX, RELAY_QUEUE_BYTES_MAX, SCRATCH_PIECE_BYTES } from '../../src/limits/engines.js'
import { DgramEngine } from '../../src/net/dgram/dgram-engine.js'
import { localAddresses } from '../../src/net/local-addresses.js'
import { FiveTuple, TRANSPORT_UDP } from '../../src/turn/five-tuple.js'
import { findFreePorts } from '../support/free-ports.js'
import { peerOrSkip } from '../support/peers.js'
import { addressOf, UdpPeer } from '../support/udp-peer.js'
import { clientOf, countersOf, named, startNoting } from './noting-core.js'

const { minPort } = await findFreePorts({ first: 31_000, last: 31_049 }, 4)
const PORTS = { relay: minPort, inUse: minPort + 1, closing: minPort + 2 }

t.test('listeners', async (t) => {
  const skip = peerOrSkip('IPv6 loopback')

  t.test('are bound to real ports, and hand frames to the core with their source', { skip }, async (t) => {
    const { engine, core } = await startNoting(t, 'udp:127.0.0.1:0', 'udp:[::1]:0')
    t.same(
      engine.listeners.map(({ scheme, address }) => [scheme, address.host]),
      [
        ['udp', '127.0.0.1'],
        ['udp', '::1'],
      ],
    )
    for (const [listenerId, { address }] of engine.listeners.entries()) {
      t.ok(address.port > 0)
      const client = await UdpPeer.open(t, address.host)
      client.send(address, 'hello')
      const expected = ['frame', listenerId, TRANSPORT_UDP, client.address.toString(), address.host, 'hello']
      t.same(await core.notes.next(), expected)
      engine.sendToClient(clientOf(client, listenerId), Buffer.from('..answer..'), 2, 8)
      t.match(await client.inbox.next(), { text: 'answer', source: addressOf(address.host, address.port) })
    }
    t.match(countersOf(engine), { packetsReceived: 2, bytesReceived: 10 })
    t.match(countersOf(engine), { packetsSent: 2, bytesSent: 12 })
  })

  t.test(
    'of a wildcard are one for each local address, so that answers come from the address that was asked',
    async (t) => {
      const { engine, core } = await startNoting(t, 'udp:0.0.0.0:0')
      const hosts = localAddresses().flatMap(({ family, host }) => (family === 4 ? [host] : []))
      t.same(
        engine.listeners.map(({ address }) => address.host),
        hosts,
      )
      for (const { address } of engine.listeners) {
        const client = await UdpPeer.open(t)
        client.send(address, `to ${address.host}`)
        const [, listenerId, , source, , text] = await core.notes.next()
        t.equal(text, `to ${address.host}`)
        const [host, port] = String(source).split(':')
        const back = new FiveTuple()
        back.listenerId = Number(listenerId)
        back.client.copyFrom(named(host, Number(port)))
        engine.sendToClient(back, Buffer.from('answer'), 0, 6)
        t.match(await client.inbox.next(), { text: 'answer', source: addressOf(address.host, address.port) })
      }
    },
  )

  t.test('are opened all or not at all', async (t) => {
    const [taken, free] = [await UdpPeer.open(t), await UdpPeer.open(t)]
    const { port } = free.address
    await free.close()
    const engine = new DgramEngine()
    const specs = [`udp:127.0.0.1:${port}`, `udp:127.0.0.1:${taken.address.port}`].map(parseListenSpec)
    await t.rejects(engine.openListeners(specs), {
      code: 'TURND_ERR_ADDRESS_IN_USE',
      message: new RegExp(
        `^--listen udp:127\\.0\\.0\\.1:${taken.address.port}: (?:this process itself|another process) listens`,
      ),
    })
    t.same(engine.listeners, [])
    await UdpPeer.open(t, '127.0.0.1', port)
  })

  t.test('of a wildcard never share a port that one address has taken', async (t) => {
    const taken = await UdpPeer.open(t)
    const engine = new DgramEngine()
    const { port } = taken.address
    await t.rejects(engine.openListeners([parseListenSpec(`udp:0.0.0.0:${port}`)]), {
      code: 'TURND_ERR_ADDRESS_IN_USE',
      message: new RegExp(`^--listen udp:0\\.0\\.0\\.0:${port} \\(127\\.0\\.0\\.1:${port}\\): `),
    })
    t.same(engine.listeners, [])
  })

  t.test('of an address of another machine are refused', async (t) => {
    await t.rejects(new DgramEngine().openListeners([parseListenSpec('udp:203.0.113.99:0')]), {
      code: 'TURND_ERR_ADDRESS_NOT_AVAILABLE',
    })
  })

  t.test('are closed by stop, and time with them', async (t) => {
    const { engine, core } = await startNoting(t, 'udp:127.0.0.1:0')
    const [first, second] = [await core.ticks.next(), await core.ticks.next()]
    t.ok(Number.isInteger(first) && second > first, `${first}, ${second}`)
    const { port } = engine.listeners[0].address
    await engine.stop()
    await engine.stop()
    await UdpPeer.open(t, '127.0.0.1', port)
    t.same(engine.listeners, [])
  })
})

t.test('relays', async (t) => {
  const peerHost = '127.0.0.1'

  t.test('are opened later, not within the call; data passes both ways', async (t) => {
    const { engine, core } = await startNoting(t, 'udp:127.0.0.1:0')
    const peer = await UdpPeer.open(t)
    engine.openRelay(7, named(peerHost, PORTS.relay))
    t.same(core.notes.items, [])
    t.same(await core.notes.next(), ['opened', 7])
    engine.sendToPeer(7, named(peerHost, peer.address.port), Buffer.from('[payload]'), 1, 8)
    t.match(await peer.inbox.next(), { text: 'payload', source: addressOf(peerHost, PORTS.relay) })
    engine.sendToPeer(7, named(peerHost, peer.address.port), Buffer.from('[payload]'), 4, 4)
    t.match(await peer.inbox.next(), { text: '' })
    peer.send(addressOf(peerHost, PORTS.relay), 'back')
    t.same(await core.notes.next(), ['datagram', 7, peer.address.toString(), peerHost, 'back'])
    engine.closeRelay(7)
    await UdpPeer.open(t, peerHost, PORTS.relay)
  })

  t.test('whose port a stranger holds fail as in use; those of a foreign address fail for good', async (t) => {
    const { engine, core } = await startNoting(t, 'udp:127.0.0.1:0')
    await UdpPeer.open(t, peerHost, PORTS.inUse)
    engine.openRelay(1, named(peerHost, PORTS.inUse))
    t.same(core.notes.items, [])
    t.same(await core.notes.next(), ['failed', 1, true])
    engine.openRelay(2, named('203.0.113.99', PORTS.inUse))
    t.same(await core.notes.next(), ['failed', 2, false])
  })

  t.test('can be opened again with the same number after a failure', async (t) => {
    const { engine, core } = await startNoting(t, 'udp:127.0.0.1:0')
    const stranger = await UdpPeer.open(t, peerHost, PORTS.inUse)
    engine.openRelay(1, named(peerHost, PORTS.inUse))
    t.same(await core.notes.next(), ['failed', 1, true])
    await stranger.close()
    engine.openRelay(1, named(peerHost, PORTS.inUse))
    t.same(await core.notes.next(), ['opened', 1])
    engine.closeRelay(1)
  })

  t.test('closed while they open are never heard of, and leave their port', async (t) => {
    const { engine, core } = await startNoting(t, 'udp:127.0.0.1:0')
    const stranger = await UdpPeer.open(t, peerHost, PORTS.inUse)
    // One would succeed, one would fail; both are forgotten before.
    engine.openRelay(1, named(peerHost, PORTS.closing))
    engine.openRelay(2, named(peerHost, PORTS.inUse))
    engine.closeRelay(1)
    engine.closeRelay(2)
    await stranger.close()
    // The same numbers at once again: what comes now is about these.
    engine.openRelay(2, named(peerHost, PORTS.relay))
    t.same(await core.notes.next(), ['opened', 2])
    await UdpPeer.open(t, peerHost, PORTS.closing)
    await core.ticks.next()
    t.same(core.notes.items, [])
    engine.closeRelay(2)
  })

  t.test('that do not exist send nothing and close quietly', async (t) => {
    const { engine } = await startNoting(t, 'udp:127.0.0.1:0')
    engine.sendToPeer(9, named(peerHost, 9), Buffer.from('payload'), 0, 7)
    engine.closeRelay(9)
    t.match(countersOf(engine), { packetsSent: 0, bytesSent: 0 })
  })
})

t.test('towards the client', async (t) => {
  t.test('ChannelData is header and payload, a Data indication is padded with zeros', async (t) => {
    const { engine } = await startNoting(t, 'udp:127.0.0.1:0')
    const client = await UdpPeer.open(t)
    const payload = Buffer.from('<payload>')
    engine.sendChannelData(clientOf(client), 0x4001, payload, 1, 8)
    t.match(await client.inbox.next(), { text: '\x40\x01\x00\x07payload' })
    engine.sendChannelData(clientOf(client), 0x4001, payload, 0, payload.length)
    t.match(await client.inbox.next(), { text: '\x40\x01\x00\x09<payload>' })
    engine.sendChannelData(clientOf(client), 0x4fff, payload, 3, 3)
    t.match(await client.inbox.next(), { text: '\x4f\xff\x00\x00' })
    // What was in the buffer before must not show in the padding.
    engine.sendToClient(clientOf(client), Buffer.alloc(64, 'x'), 0, 64)
    await client.inbox.next()
    engine.sendDataIndication(clientOf(client), Buffer.from('header..more'), 8, payload, 1, 8)
    t.match(await client.inbox.next(), { text: 'header..payload\0' })
    engine.sendDataIndication(clientOf(client), Buffer.from('header..'), 8, payload, 1, 5)
    t.match(await client.inbox.next(), { text: 'header..payl' })
  })
})

/** What is sent from now on, each packet by the memory that it lies in; libuv says that `count` packets are queued. */
function queued(t: Test): Buffer[] & { count: number } {
  const sent = Object.assign([] as Buffer[], { count: 1 })
  t.intercept(Socket.prototype, 'getSendQueueCount', { value: () => sent.count })
  const send = (bytes: Buffer, start: number, length: number) => void sent.push(bytes.subarray(start, start + length))
  t.intercept(Socket.prototype, 'send', { value: send })
  return sent
}

t.test('a full send queue', async (t) => {
  // Loopback always takes a datagram at once, so that a queue that fills is made up: what libuv says of it.
  t.test('drops and counts, for relays and for clients, and recovers', async (t) => {
    const { engine, core } = await startNoting(t, 'udp:127.0.0.1:0')
    const peer = await UdpPeer.open(t)
    engine.openRelay(1, named('127.0.0.1', PORTS.relay))
    t.same(await core.notes.next(), ['opened', 1])
    let queuedBytes = LISTENER_QUEUE_BYTES_MAX + 1
    t.intercept(Socket.prototype, 'getSendQueueSize', { value: () => queuedBytes })
    const target = named('127.0.0.1', peer.address.port)
    engine.sendToPeer(1, target, Buffer.from('dropped'), 0, 7)
    engine.sendToClient(clientOf(peer), Buffer.from('dropped'), 0, 7)
    engine.sendChannelData(clientOf(peer), 0x4000, Buffer.from('dropped'), 0, 7)
    engine.sendDataIndication(clientOf(peer), Buffer.from('header'), 6, Buffer.from('dropped'), 0, 7)
    t.match(countersOf(engine), { sendQueueDrops: 4, packetsSent: 0 })
    t.same(await peer.receivedSoFar(), [])
    queuedBytes = LISTENER_QUEUE_BYTES_MAX
    engine.sendToClient(clientOf(peer), Buffer.from('answer'), 0, 6)
    t.match(await peer.inbox.next(), { text: 'answer' })
    queuedBytes = RELAY_QUEUE_BYTES_MAX + 1
    engine.sendToPeer(1, target, Buffer.from('dropped'), 0, 7)
    t.match(countersOf(engine), { sendQueueDrops: 5, packetsSent: 1 })
    queuedBytes = RELAY_QUEUE_BYTES_MAX
    engine.sendToPeer(1, target, Buffer.from('sent'), 0, 4)
    t.match(await peer.inbox.next(), { text: 'sent' })
    t.match(countersOf(engine), { sendQueueDrops: 5, packetsSent: 2 })
    engine.closeRelay(1)
  })

  t.test('keeps what waits in it: the next packet is written elsewhere', async (t) => {
    const { engine } = await startNoting(t, 'udp:127.0.0.1:0')
    const client = await UdpPeer.open(t)
    const sent = queued(t)
    for (const text of ['one', 'two']) engine.sendToClient(clientOf(client), Buffer.from(text), 0, 3)
    t.same(sent.map(String), ['one', 'two'])
    sent.count = 0
    for (const text of ['abc', 'def']) engine.sendToClient(clientOf(client), Buffer.from(text), 0, 3)
    t.equal(sent[3].byteOffset, sent[2].byteOffset, 'and without a queue one place serves all')
  })

  t.test('holds little more memory than the packets that wait have bytes', async (t) => {
    const { engine } = await startNoting(t, 'udp:127.0.0.1:0')
    const client = clientOf(await UdpPeer.open(t))
    const sent = queued(t)
    const payload = Buffer.alloc(172, 'x')
    for (let count = 0; count < 6_000; count++) engine.sendChannelData(client, 0x4000, payload, 0, payload.length)
    t.ok(sent.every((packet) => packet.subarray(4).equals(payload)))
    const memory = new Set(sent.map(({ buffer }) => buffer))
    const bytes = [...memory].reduce((sum, { byteLength }) => sum + byteLength, 0)
    t.ok(bytes < 2 * 6_000 * 176 + SCRATCH_PIECE_BYTES, `${bytes} bytes for ${6_000 * 176}`)
  })
})

t.test('a source that no answer can reach is passed over: port 0, an address with a zone', async (t) => {
  const listening: Socket[] = []
  const bind = Socket.prototype.bind
  t.intercept(Socket.prototype, 'bind', {
    value: function (this: Socket, ...args: Parameters<typeof bind>) {
      listening.push(this)
      return bind.apply(this, args)
    },
  })
  const { core } = await startNoting(t, 'udp:127.0.0.1:0')
  const receive = (source: Partial<RemoteInfo>) => listening[0].emit('message', Buffer.from('frame'), source)
  receive({ address: '127.0.0.1', family: 'IPv4', port: 0 })
  receive({ address: 'fe80::1%eth0', family: 'IPv6', port: 5000 })
  receive({ address: '127.0.0.1', family: 'IPv4', port: 5000 })
  t.match(await core.notes.next(), ['frame', 0, TRANSPORT_UDP, '127.0.0.1:5000'])
  t.same(core.notes.items, [])
})
