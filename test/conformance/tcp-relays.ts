// TCP relays (RFC 6062), over every transport that may ask for them: what is refused, connections to peers and from peers, the bytes between
// them and the client's data connections, and how they end. Over datagrams there are none.
import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import type { TurnServer } from '../../src/index.js'
import {
  ATTRIBUTE_CONNECTION_ID,
  ATTRIBUTE_MESSAGE_INTEGRITY,
  METHOD_CONNECT,
  METHOD_CONNECTION_BIND,
  TRANSPORT_PROTOCOL_TCP,
} from '../../src/stun/constants.js'
import type { ByteStream } from '../support/byte-stream.js'
import type { StreamTransport } from '../support/stream-client.js'
import { TcpPeer } from '../support/tcp-peer.js'
import type { AllocateOptions, TurnClient } from '../support/turn-client.js'
import { addressOf } from '../support/udp-peer.js'
import { BOB, LOOPBACKS, type Suite, withoutIPv6 } from './suite.js'

const TCP = { protocol: TRANSPORT_PROTOCOL_TCP } as const
const BLOCK_LENGTH = 1024 * 1024
/** TCP's discard port: nobody listens there. */
const NOBODY = addressOf('127.0.0.1', 9)

export function tcpRelays(t: Test, suite: Suite): void {
  const { isStream } = suite.transport

  t.test('TCP relays over datagrams', { skip: isStream && 'over a stream there are some' }, async (t) => {
    const server = await suite.sharedServer()
    t.test('are refused with 400 (RFC 6062 §5.1)', async (t) => {
      const client = await suite.connect(t, server)
      t.equal((await client.allocate(TCP)).code, 400)
      t.equal((await client.allocate()).code, 0)
      t.equal((await client.connectPeer(NOBODY)).code, 400)
    })
    t.test('have no data connections: ConnectionBind gets 400 (RFC 6062 §5.4)', async (t) => {
      t.equal((await (await suite.connect(t, server)).bindConnection(1)).code, 400)
    })
  })

  t.test('TCP relays', { skip: !isStream && 'clients over datagrams have none' }, async (t) => {
    const server = await suite.sharedServer()
    allocates(t, suite, server)
    refuses(t, suite, server)
    connects(t, suite, server)
    accepts(t, suite, server)
    carries(t, suite, server)
    ends(t, suite, server)
  })
}

function allocates(t: Test, suite: Suite, server: TurnServer): void {
  for (const family of LOOPBACKS.length > 1 ? ([4, 6] as const) : ([4] as const)) {
    t.test(`are allocated, of IPv${family}, and listen (RFC 6062 §5.1)`, async (t) => {
      const client = await suite.allocate(t, server, { ...TCP, family })
      const peer = await TcpPeer.open(t, family === 4 ? '127.0.0.1' : '::1')
      await peer.connect(client.relay)
      t.equal((await client.refresh()).code, 0)
      t.equal((await client.refresh({ lifetimeSeconds: 0 })).code, 0)
      await t.rejects(peer.connect(client.relay), { code: 'ECONNREFUSED' })
    })
  }

  const impossible: Readonly<Record<string, AllocateOptions>> = {
    'EVEN-PORT': { evenPort: 'even' },
    'RESERVATION-TOKEN': { token: Buffer.alloc(8) },
    'ADDITIONAL-ADDRESS-FAMILY': { additionalFamily: 6 },
    ...(suite.transport.supportsDontFragment ? { 'DONT-FRAGMENT': { dontFragment: true } } : {}),
  }
  for (const [name, options] of Object.entries(impossible)) {
    t.test(`are not allocated with ${name}: 400 (RFC 6062 §5.1)`, async (t) => {
      const client = await suite.connect(t, server)
      t.equal((await client.allocate({ ...TCP, ...options })).code, 400)
      t.equal((await client.allocate(TCP)).code, 0)
    })
  }

  t.test('carry no datagrams: ChannelBind gets 400 (RFC 6062 §5)', async (t) => {
    const client = await suite.allocate(t, server, TCP)
    t.equal((await client.bindChannel(0x4000, NOBODY)).code, 400)
  })
}

function refuses(t: Test, suite: Suite, server: TurnServer): void {
  t.test('Connect is refused (RFC 6062 §5.2)', async (t) => {
    t.test('with 437 without an allocation', async (t) => {
      t.equal((await (await suite.connect(t, server)).connectPeer(NOBODY)).code, 437)
    })
    t.test('with 400 on a UDP allocation, and without a peer', async (t) => {
      t.equal((await (await suite.allocate(t, server)).connectPeer(NOBODY)).code, 400)
      const client = await suite.allocate(t, server, TCP)
      t.equal((await client.request(METHOD_CONNECT, () => {})).code, 400)
    })
    t.test('with 403 where the peer policy says no', async (t) => {
      const client = await suite.allocate(t, server, TCP)
      t.equal((await client.connectPeer(addressOf('10.0.0.1', 80))).code, 403)
    })
    t.test('with 443 for a peer of another family', { skip: withoutIPv6 }, async (t) => {
      const client = await suite.allocate(t, server, TCP)
      t.equal((await client.connectPeer(addressOf('::1', 9))).code, 443)
    })
    t.test('with 446 for a peer that is connected, bound or not', async (t) => {
      const [client, peer] = [await suite.allocate(t, server, TCP), await TcpPeer.open(t)]
      const id = (await client.connectPeer(peer.address)).uint32(ATTRIBUTE_CONNECTION_ID)
      t.equal((await client.connectPeer(peer.address)).code, 446)
      await bind(t, suite, server, id)
      t.equal((await client.connectPeer(peer.address)).code, 446)
    })
    t.test('with 447 when the peer does not take it; it may be tried again', async (t) => {
      const client = await suite.allocate(t, server, TCP)
      for (let attempt = 0; attempt < 2; attempt++) t.equal((await client.connectPeer(NOBODY)).code, 447)
    })
  })

  t.test('ConnectionBind is refused (RFC 6062 §5.4)', async (t) => {
    const peer = await TcpPeer.open(t)
    const client = await suite.allocate(t, server, TCP)
    const id = (await client.connectPeer(peer.address)).uint32(ATTRIBUTE_CONNECTION_ID)
    t.test('with 401 without credentials, or with wrong ones', async (t) => {
      const data = await suite.connect(t, server)
      t.equal((await data.bindConnection(id, { integrity: 'none' })).code, 401)
      t.equal((await data.bindConnection(id, { password: 'wrong' })).code, 401)
    })
    t.test('with 400 for an id that is nobody’s, another user’s, or missing', async (t) => {
      t.equal((await (await suite.connect(t, server)).bindConnection((id ^ 1) >>> 0)).code, 400)
      t.equal((await (await suite.connect(t, server, BOB)).bindConnection(id)).code, 400)
      t.equal((await (await suite.connect(t, server)).request(METHOD_CONNECTION_BIND, () => {})).code, 400)
    })
    t.test('with 400 on a connection that has an allocation', async (t) => {
      t.equal((await client.bindConnection(id)).code, 400)
      t.equal((await (await suite.allocate(t, server)).bindConnection(id)).code, 400)
    })
    t.test('with 400 for an id that is used', async (t) => {
      await bind(t, suite, server, id)
      t.equal((await (await suite.connect(t, server)).bindConnection(id)).code, 400)
    })
  })
}

function connects(t: Test, suite: Suite, server: TurnServer): void {
  t.test('a connection to a peer comes from the relayed transport address (RFC 6062 §5.2)', async (t) => {
    const [client, peer] = [await suite.allocate(t, server, TCP), await TcpPeer.open(t)]
    const answer = await client.connectPeer(peer.address)
    t.equal(answer.code, 0)
    t.same(answer.types, [ATTRIBUTE_CONNECTION_ID, ATTRIBUTE_MESSAGE_INTEGRITY])
    const { bytes, source } = await peer.accepted.next()
    t.ok(source.equals(client.relay))
    bytes.write('before anybody reads')
    const data = await bind(t, suite, server, answer.uint32(ATTRIBUTE_CONNECTION_ID))
    t.equal(await data.readText(20), 'before anybody reads')
  })

  t.test('one allocation has connections to several peers', async (t) => {
    const client = await suite.allocate(t, server, TCP)
    const peers = await Promise.all([1, 2, 3].map(() => TcpPeer.open(t)))
    for (const [index, peer] of peers.entries()) {
      const data = await bind(
        t,
        suite,
        server,
        (await client.connectPeer(peer.address)).uint32(ATTRIBUTE_CONNECTION_ID),
      )
      data.write(`to peer ${index}`)
      t.equal(await (await peer.accepted.next()).bytes.readText(9), `to peer ${index}`)
    }
  })
}

function accepts(t: Test, suite: Suite, server: TurnServer): void {
  t.test('a connection of a peer with a permission is announced, and bound (RFC 6062 §5.3)', async (t) => {
    const [client, peer] = [await suite.allocate(t, server, TCP), await TcpPeer.open(t)]
    t.equal((await client.createPermission(peer.address)).code, 0)
    const bytes = await peer.connect(client.relay)
    bytes.write('hello')
    const attempt = await client.nextConnectionAttempt()
    t.same([attempt.peer.host, attempt.peer.port], ['', bytes.socket.localPort])
    const data = await bind(t, suite, server, attempt.connectionId)
    t.equal(await data.readText(5), 'hello')
    data.write('and back')
    t.equal(await bytes.readText(8), 'and back')
  })

  t.test('a connection of a peer without one is closed, and never mentioned', async (t) => {
    const [client, peer] = [await suite.allocate(t, server, TCP), await TcpPeer.open(t)]
    await (await peer.connect(client.relay)).gone()
    await client.settle()
    t.same(client.inbox.items, [])
  })

  t.test('two clients meet, each with a relay of this server', async (t) => {
    const [caller, callee] = [await suite.allocate(t, server, TCP), await suite.allocate(t, server, TCP)]
    t.equal((await callee.createPermission(caller.relay)).code, 0)
    const id = (await caller.connectPeer(callee.relay)).uint32(ATTRIBUTE_CONNECTION_ID)
    const attempt = await callee.nextConnectionAttempt()
    t.ok(attempt.peer.equals(caller.relay))
    const [one, other] = [await bind(t, suite, server, id), await bind(t, suite, server, attempt.connectionId)]
    one.write('there')
    t.equal(await other.readText(5), 'there')
    other.write('and back')
    t.equal(await one.readText(8), 'and back')
  })
}

function carries(t: Test, suite: Suite, server: TurnServer): void {
  t.test('bytes go both ways unchanged, as many as there are', async (t) => {
    const { data, peer } = await openPair(t, suite, server)
    const [there, back] = [randomBytes(BLOCK_LENGTH), randomBytes(BLOCK_LENGTH)]
    data.write(there)
    peer.write(back)
    const received = [await peer.read(BLOCK_LENGTH), await data.read(BLOCK_LENGTH)]
    t.ok(received[0].equals(there), 'to the peer')
    t.ok(received[1].equals(back), 'to the client')
  })

  t.test('bytes behind a ConnectionBind are the peer’s, not frames', async (t) => {
    const [client, peer] = [await suite.allocate(t, server, TCP), await TcpPeer.open(t)]
    const id = (await client.connectPeer(peer.address)).uint32(ATTRIBUTE_CONNECTION_ID)
    const data = await suite.connect(t, server)
    await data.learnChallenge()
    const request = data.message(METHOD_CONNECTION_BIND, (writer) => writer.writeUint32(ATTRIBUTE_CONNECTION_ID, id))
    const answered = data.exchange(request)
    // In the same segment or record, with luck; and a whole STUN message, which is data as well.
    streamOf(data).sendBytes(request)
    streamOf(data).sendBytes(request)
    t.equal((await answered).code, 0)
    const { bytes } = await peer.accepted.next()
    t.same(await bytes.read(2 * request.length), Buffer.concat([request, request]))
  })
}

function ends(t: Test, suite: Suite, server: TurnServer): void {
  t.test('each direction ends for itself (half-close)', async (t) => {
    for (const isClientFirst of [true, false]) {
      const { data, peer } = await openPair(t, suite, server)
      const [first, second] = isClientFirst ? [data, peer] : [peer, data]
      first.write('last words')
      first.end()
      t.equal(await second.readText(10), 'last words')
      await second.ended()
      second.write('answer')
      second.end()
      t.equal(await first.readText(6), 'answer')
      await Promise.all([first.closed(), second.closed()])
    }
  })

  t.test('a peer whose connection has ended may be connected to again', async (t) => {
    const { client, data, peer, peerAddress } = await openPair(t, suite, server)
    data.end()
    peer.end()
    await data.closed()
    let code = 446
    // The allocation's worker learns of it a moment later.
    for (let attempt = 0; attempt < 50 && code === 446; attempt++) code = (await client.connectPeer(peerAddress)).code
    t.equal(code, 0)
  })

  const causes: Readonly<Record<string, (client: TurnClient) => Promise<unknown>>> = {
    'its control connection is closed': (client) => client.transport.close(),
    'its allocation is deleted': (client) => client.refresh({ lifetimeSeconds: 0 }),
  }
  for (const [cause, end] of Object.entries(causes)) {
    t.test(`a data connection is closed when ${cause}, and the peer’s with it (RFC 6062 §5)`, async (t) => {
      const { client, data, peer } = await openPair(t, suite, server)
      await end(client)
      await Promise.all([data.gone(), peer.gone()])
    })
  }
}

interface Pair {
  readonly client: TurnClient
  readonly data: ByteStream
  readonly peer: ByteStream
  readonly peerAddress: TcpPeer['address']
}

async function openPair(t: Test, suite: Suite, server: TurnServer): Promise<Pair> {
  const [client, peer] = [await suite.allocate(t, server, TCP), await TcpPeer.open(t)]
  const answer = await client.connectPeer(peer.address)
  const data = await bind(t, suite, server, answer.uint32(ATTRIBUTE_CONNECTION_ID))
  return { client, data, peer: (await peer.accepted.next()).bytes, peerAddress: peer.address }
}

/** A data connection of its own for this CONNECTION-ID. */
async function bind(t: Test, suite: Suite, server: TurnServer, connectionId: number): Promise<ByteStream> {
  const client = await suite.connect(t, server)
  const answer = await client.bindConnection(connectionId)
  if (answer.code !== 0) throw new Error(`ConnectionBind was answered with ${answer.code}`)
  return streamOf(client).data
}

function streamOf(client: TurnClient): StreamTransport {
  return client.transport as StreamTransport
}
