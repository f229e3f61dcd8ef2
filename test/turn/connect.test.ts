import t from 'tap'
import { PEER_CONNECTION_COUNT_MAX, PEER_CONNECTION_SLOT_COUNT } from '../../src/limits/turn.js'
import * as stun from '../../src/stun/constants.js'
import * as drops from '../../src/turn/drop-reasons.js'
import { BOB, type CoreClient, writePeers } from '../support/core-client.js'
import { CoreHarness, PEER, PEER_IPV6 } from '../support/core-harness.js'
import { effectNames, tcpCall, tcpClient } from '../support/core-tcp.js'
import { EMBEDDINGS } from '../support/embeddings.js'
import * as targets from '../support/peer-targets.js'
import { addressOf } from '../support/turn-address.js'

/** A Connect that the peer has not answered yet. */
function begin(client: CoreClient, peer: string): Uint8Array {
  const request = client.encode(stun.METHOD_CONNECT, (writer) => writePeers(writer, [peer]))
  t.equal(client.exchange(request), null)
  return request
}

/** The answer to that request among all that was sent. */
function answerTo(client: CoreClient, request: Uint8Array) {
  const id = Buffer.from(request.subarray(8, 20))
  return client.messagesSince(0).filter((message) => id.equals(message.transactionId))
}

t.test('Connect (RFC 6062 §5.2)', async (t) => {
  t.test('opens a connection from the relay, and answers with CONNECTION-ID when it is there', async (t) => {
    const { harness, client, relayId } = tcpCall()
    harness.connectOutcome = () => 'pending'
    const request = begin(client, PEER)
    const [effect] = harness.output.of('connect-peer')
    t.match(effect, { relayId, peer: PEER, host: '1.2.3.4' })
    harness.core.handlePeerConnected(effect.connectionId, 7)
    const [answer] = answerTo(client, request)
    t.equal(answer.code, 0)
    t.equal(answer.connectionId, effect.connectionId)
    t.ok(answer.connectionId > 0)
    t.same(answer.types, [stun.ATTRIBUTE_CONNECTION_ID])
    t.ok(client.isProtected(answer))
  })

  t.test('needs no permission, and gives none', async (t) => {
    const { harness, client } = tcpCall()
    t.equal(client.connect(PEER).code, 0)
    t.equal(harness.allocationOf(client).permissionCount, 0)
  })

  t.test('gets 437 without an allocation, and 441 with somebody else’s', async (t) => {
    const { harness, client } = tcpCall()
    t.equal(tcpClient(harness).connect(PEER).code, 437)
    const bob = tcpClient(harness, { user: BOB, address: client.address.toString() })
    t.equal(bob.connect(PEER).code, 441)
    t.same(harness.output.of('connect-peer'), [])
  })

  t.test('gets 400 with a UDP allocation, over any transport', async (t) => {
    const harness = new CoreHarness()
    for (const client of [harness.client(), tcpClient(harness)]) {
      client.allocate()
      t.equal(client.connect(PEER).code, 400)
      t.equal(harness.observer.lastRefusal(), 'relay-transport 400')
    }
    const udpOnly = new CoreHarness({ isWithoutConnections: true })
    const client = udpOnly.client()
    t.equal(client.connect(PEER).code, 437)
    client.allocate()
    t.equal(client.connect(PEER).code, 400)
  })

  t.test('gets 400 without XOR-PEER-ADDRESS, or with a malformed one', async (t) => {
    const { harness, client } = tcpCall()
    t.equal(client.ask(stun.METHOD_CONNECT).code, 400)
    t.equal(harness.observer.lastRefusal(), 'missing-attribute 400')
    for (const length of [0, 4, 7, 9, 19, 21]) {
      const answer = client.ask(stun.METHOD_CONNECT, (writer) => {
        writer.writeBytes(stun.ATTRIBUTE_XOR_PEER_ADDRESS, new Uint8Array(length).fill(1))
      })
      t.equal(answer.code, 400)
      t.equal(harness.observer.lastRefusal(), 'malformed-attribute 400')
    }
  })

  t.test('gets 443 for a peer of the other family', async (t) => {
    const { harness, client } = tcpCall()
    t.equal(client.connect(PEER_IPV6).code, 443)
    t.equal(harness.observer.lastRefusal(), 'peer-family-mismatch 443')
  })

  t.test('gets 446 while there is a connection to that address and port, or one is being made', async (t) => {
    const { harness, client, relayId } = tcpCall()
    harness.connectOutcome = () => 'pending'
    begin(client, PEER)
    t.equal(client.connect(PEER).code, 446, 'being made')
    t.equal(harness.observer.lastRefusal(), 'connection-exists 446')
    begin(client, '1.2.3.4:6001')
    begin(client, '1.2.3.5:6000')
    const [{ connectionId }] = harness.output.of('connect-peer')
    harness.core.handlePeerConnected(connectionId, 7)
    t.equal(client.connect(PEER).code, 446, 'waiting for its ConnectionBind')
    t.equal(tcpClient(harness).connectionBind(connectionId).code, 0)
    t.equal(client.connect(PEER).code, 446, 'bound')
    harness.core.handleDataConnectionEnded(connectionId)
    begin(client, PEER)
    client.createPermission('1.2.3.9:1')
    t.ok(harness.peerConnects(relayId, '1.2.3.9:5') > 0)
    t.equal(client.connect('1.2.3.9:5').code, 446, 'made by the peer')
  })

  t.test('another allocation may be connected to the same peer', async (t) => {
    const { harness, client } = tcpCall()
    const other = tcpCall({}, harness).client
    t.same([client.connect(PEER).code, other.connect(PEER).code], [0, 0])
  })

  t.test('absorbs its retransmission while the peer has not answered', async (t) => {
    const { harness, client } = tcpCall()
    harness.connectOutcome = () => 'pending'
    const request = begin(client, PEER)
    t.equal(client.exchange(request), null)
    t.equal(client.drop, drops.DROP_DUPLICATE_REQUEST)
    t.equal(harness.output.of('connect-peer').length, 1)
    harness.core.handlePeerConnected(harness.output.of('connect-peer')[0].connectionId, 7)
    t.equal(answerTo(client, request).length, 1)
  })

  t.test('gets 447 when the connection cannot be made, and may try again', async (t) => {
    const { harness, client } = tcpCall()
    harness.connectOutcome = () => 'failed'
    t.equal(client.connect(PEER).code, 447)
    t.equal(harness.observer.lastRefusal(), 'connection-failed 447')
    t.equal(harness.observer.refusals.at(-1)?.peer, PEER)
    t.same(harness.output.of('close-peer'), [])
    harness.connectOutcome = () => 'connected'
    t.equal(client.connect(PEER).code, 0)
  })

  t.test('gets 447 after 30 s, and not before', async (t) => {
    const { harness, client } = tcpCall()
    harness.advanceTicks(5)
    harness.connectOutcome = () => 'pending'
    const request = begin(client, PEER)
    const [{ connectionId }] = harness.output.of('connect-peer')
    harness.advanceTicks(2_999)
    t.same(answerTo(client, request), [])
    harness.advanceTicks(1)
    t.same(
      answerTo(client, request).map(({ code }) => code),
      [447],
    )
    t.same(harness.output.of('close-peer'), [{ kind: 'close-peer', connectionId, handle: 0 }])
    harness.core.handlePeerConnected(connectionId, 7)
    harness.core.handlePeerConnectFailed(connectionId)
    t.equal(answerTo(client, request).length, 1, 'what the engine says too late is not heard')
    begin(client, PEER)
  })

  t.test('closes the connection when nobody has bound it for 30 s', async (t) => {
    const { harness, client } = tcpCall()
    const { connectionId } = client.connect(PEER)
    harness.advanceTicks(1)
    const later = client.connect('1.2.3.4:1').connectionId
    harness.advanceTicks(2_998)
    t.same(harness.output.of('close-peer'), [])
    harness.advanceTicks(1)
    t.same(harness.output.of('close-peer'), [{ kind: 'close-peer', connectionId, handle: 1 }])
    t.equal(tcpClient(harness).connectionBind(connectionId).code, 400)
    harness.advanceTicks(1)
    t.match(harness.output.of('close-peer'), [{}, { connectionId: later, handle: 2 }])
    t.equal(client.connect(PEER).code, 0)
  })

  t.test('the 30 s begin anew when the connection is there', async (t) => {
    const { harness, client } = tcpCall()
    harness.connectOutcome = () => 'pending'
    begin(client, PEER)
    const [{ connectionId }] = harness.output.of('connect-peer')
    harness.advanceTicks(2_999)
    harness.core.handlePeerConnected(connectionId, 7)
    harness.advanceTicks(2_999)
    t.equal(tcpClient(harness).connectionBind(connectionId).code, 0)
  })

  t.test('gets 508 beyond what an allocation may have, until one has gone', async (t) => {
    const { harness, client } = tcpCall()
    const connect = (port: number) => client.connect(`1.2.3.4:${port}`)
    const first = connect(1)
    for (let port = 2; port <= PEER_CONNECTION_COUNT_MAX; port++) t.equal(connect(port).code, 0)
    t.equal(connect(9_000).code, 508)
    t.equal(harness.observer.lastRefusal(), 'connection-limit 508')
    t.equal(tcpClient(harness).connectionBind(first.connectionId).code, 0)
    t.equal(connect(9_000).code, 508, 'a bound one counts')
    harness.core.handleDataConnectionEnded(first.connectionId)
    harness.advanceTicks(1)
    t.equal(connect(9_000).code, 0)
    t.equal(connect(9_001).code, 508)
  })

  t.test('gets 508 beyond what a worker may have', async (t) => {
    const harness = new CoreHarness()
    harness.connectOutcome = () => 'pending'
    let client = tcpCall({}, harness).client
    const connect = (count: number) => {
      const port = 1 + (count % PEER_CONNECTION_COUNT_MAX)
      return client.request(stun.METHOD_CONNECT, (writer) => writePeers(writer, [`1.2.3.4:${port}`]))
    }
    for (let count = 0; count < PEER_CONNECTION_SLOT_COUNT; count++) {
      if (count % PEER_CONNECTION_COUNT_MAX === 0) client = tcpCall({}, harness).client
      if (connect(count) !== null) t.fail('an answer already')
    }
    client = tcpCall({}, harness).client
    t.equal(connect(0)?.code, 508)
    t.equal(harness.core.connections?.peers.size, PEER_CONNECTION_SLOT_COUNT)
    harness.core.deleteAllAllocations('stopped')
    t.equal(harness.core.connections?.peers.size, 0)
  })
})

t.test('The peer policy holds for Connect (RFC 6062 §5.2 step 5)', async (t) => {
  const clientOf = (harness: CoreHarness, family: 4 | 6) => {
    const client = tcpClient(harness)
    client.allocateTcp((writer) => writer.writeFamily(stun.ATTRIBUTE_REQUESTED_ADDRESS_FAMILY, family))
    return client
  }
  const forbidden = [...targets.ALWAYS_DENIED_TARGETS, ...targets.DENIED_BY_DEFAULT_TARGETS]

  t.test('403 for every forbidden target, plain and in every encoding', async (t) => {
    const harness = new CoreHarness(targets.TARGET_SERVER)
    const [ipv4, ipv6] = [clientOf(harness, 4), clientOf(harness, 6)]
    for (const text of forbidden) {
      t.equal(ipv4.connect(text).code, 403, text)
      for (const { name, embed } of EMBEDDINGS) {
        t.equal(ipv6.connect(embed(addressOf(text))).code, 403, `${text} as ${name}`)
      }
    }
    for (const text of [...targets.ALWAYS_DENIED_IPV6, ...targets.DENIED_BY_DEFAULT_IPV6]) {
      t.equal(ipv6.connect(text).code, 403, text)
    }
    t.same(harness.output.of('connect-peer'), [])
    t.equal(harness.observer.lastRefusal(), 'peer-policy 403')
  })

  t.test('and none for their neighbours', async (t) => {
    const harness = new CoreHarness(targets.TARGET_SERVER)
    const [ipv4, ipv6] = [clientOf(harness, 4), clientOf(harness, 6)]
    for (const text of targets.ALLOWED_NEIGHBOURS) t.equal(ipv4.connect(text).code, 0, text)
    for (const text of targets.ALLOWED_NEIGHBOURS_IPV6) t.equal(ipv6.connect(text).code, 0, text)
  })

  t.test('it judges the port, too', async (t) => {
    const { client } = tcpCall({ allowPeer: ['10.0.0.0/8:5000-5001'] })
    const codes = [4_999, 5_000, 5_001, 5_002].map((port) => client.connect(`10.1.1.1:${port}`).code)
    t.same(codes, [403, 0, 0, 403])
  })
})

t.test('Connect to a relay of this server', async (t) => {
  t.test('goes to the address that is bound, and the other client hears of the advertised one', async (t) => {
    const options = { relayHosts: ['5.6.7.8/10.0.0.5'] }
    const { harness, client, relayed } = tcpCall(options)
    const other = tcpCall({}, harness)
    t.equal(other.client.createPermission(relayed).code, 0)
    t.equal(client.connect(other.relayed).code, 0)
    const [effect] = harness.output.of('connect-peer')
    const bound = (text: string) => text.replace('5.6.7.8', '10.0.0.5')
    t.match(effect, { peer: bound(other.relayed), host: '10.0.0.5' })
    t.equal(client.connect(bound(other.relayed)).code, 446, 'its other name')
    harness.output.take()
    const id = harness.peerConnects(other.relayId, bound(relayed))
    t.ok(id > 0)
    const [attempt] = other.client.messagesSince(0)
    t.same(attempt.addresses(stun.ATTRIBUTE_XOR_PEER_ADDRESS), [relayed])
  })

  t.test('gets 403 for its own, and for ports of the range where none is live', async (t) => {
    const { harness, client, relayed } = tcpCall()
    const other = tcpCall({}, harness)
    t.equal(client.connect(relayed).code, 403)
    other.client.refresh(0)
    t.equal(client.connect(other.relayed).code, 403)
  })
})

t.test('Deletion of an allocation closes its connections', async (t) => {
  t.test('that are being made: the request stays unanswered', async (t) => {
    const { harness, client } = tcpCall()
    harness.connectOutcome = () => 'pending'
    const request = begin(client, PEER)
    const [{ connectionId }] = harness.output.of('connect-peer')
    harness.output.take()
    client.refresh(0)
    t.same(effectNames(harness), ['close-peer 0', 'close tcp'])
    harness.core.handlePeerConnected(connectionId, 9)
    harness.advanceSeconds(31)
    t.same(effectNames(harness), [])
    t.same(answerTo(client, request), [])
  })

  t.test('that wait to be bound', async (t) => {
    const { harness, client } = tcpCall()
    const { connectionId } = client.connect(PEER)
    harness.output.take()
    harness.core.handleClientClosed(client.fiveTuple)
    t.same(effectNames(harness), ['close-peer 1', 'close tcp'])
    t.equal(tcpClient(harness).connectionBind(connectionId).code, 400)
    harness.advanceSeconds(31)
    t.same(effectNames(harness), [])
  })

  t.test('that are bound, with the next tick', async (t) => {
    const { harness, client } = tcpCall()
    const { connectionId } = client.connect(PEER)
    tcpClient(harness).connectionBind(connectionId)
    harness.output.take()
    harness.core.handleClientClosed(client.fiveTuple)
    harness.advanceTicks(1)
    t.same(effectNames(harness), ['close tcp', 'close-data'])
    harness.advanceTicks(1)
    t.same(effectNames(harness), [], 'once')
    harness.core.handleDataConnectionEnded(connectionId)
    harness.advanceTicks(1)
    t.equal(harness.core.connections?.data.size, 0)
    t.same(effectNames(harness), [])
  })
})
