import t from 'tap'
import { PEER_CONNECTION_COUNT_MAX } from '../../src/limits/turn.js'
import * as stun from '../../src/stun/constants.js'
import * as drops from '../../src/turn/drop-reasons.js'
import { CoreHarness, PEER } from '../support/core-harness.js'
import { effectNames, tcpCall, tcpClient } from '../support/core-tcp.js'

t.test('A connection that a peer makes (RFC 6062 §5.3)', async (t) => {
  t.test('is told to the client: ConnectionAttempt with XOR-PEER-ADDRESS and CONNECTION-ID', async (t) => {
    const { harness, client, relayId } = tcpCall()
    client.createPermission('1.2.3.4:1')
    harness.output.take()
    const connectionId = harness.peerConnects(relayId, PEER)
    t.ok(connectionId > 0)
    const [attempt, ...others] = client.messagesSince(0)
    t.same(others, [])
    t.equal(attempt.view.messageClass, stun.CLASS_INDICATION)
    t.equal(attempt.view.method, stun.METHOD_CONNECTION_ATTEMPT)
    t.equal(attempt.connectionId, connectionId)
    t.same(attempt.addresses(stun.ATTRIBUTE_XOR_PEER_ADDRESS), [PEER])
    t.same(harness.output.of('close-peer'), [])
    t.equal(tcpClient(harness).connectionBind(connectionId).code, 0)
    t.match(harness.output.of('bind-peer'), [{ connectionId, handle: 1 }])
  })

  t.test('is told of IPv6 peers, too', async (t) => {
    const harness = new CoreHarness({ relayHosts: ['2a0a::1'] })
    const client = tcpClient(harness)
    client.allocateTcp((writer) => writer.writeFamily(stun.ATTRIBUTE_REQUESTED_ADDRESS_FAMILY, 6))
    client.createPermission('[2a00:1450::1]:1')
    harness.output.take()
    t.ok(harness.peerConnects(harness.relayOf(client, 6).id, '[2a00:1450::1]:9') > 0)
    t.same(client.messagesSince(0)[0].addresses(stun.ATTRIBUTE_XOR_PEER_ADDRESS), ['[2a00:1450::1]:9'])
  })

  t.test('is closed without a permission, and with one that has expired', async (t) => {
    const { harness, client, relayId } = tcpCall()
    const refused = () => {
      const before = harness.core.drops[drops.DROP_NO_PERMISSION]
      harness.output.take()
      const id = harness.peerConnects(relayId, PEER)
      return [id, harness.core.drops[drops.DROP_NO_PERMISSION] - before, harness.output.take().length]
    }
    t.same(refused(), [0, 1, 0])
    client.createPermission('1.2.3.5:6000')
    t.same(refused(), [0, 1, 0])
    client.createPermission(PEER)
    harness.advanceSeconds(300)
    t.same(refused(), [0, 1, 0])
    client.createPermission(PEER)
    harness.advanceTicks(29_999)
    t.ok(harness.peerConnects(relayId, PEER) > 0)
  })

  t.test('is closed where the policy forbids that port, or the address by now', async (t) => {
    const { harness, client, relayId } = tcpCall({ allowPeer: ['10.0.0.0/8:5000-5001'] })
    t.equal(client.createPermission('10.1.1.1:1').code, 0)
    for (const port of [4_999, 5_002]) t.equal(harness.peerConnects(relayId, `10.1.1.1:${port}`), 0)
    t.equal(harness.core.drops[drops.DROP_PEER_FORBIDDEN], 2)
    for (const port of [5_000, 5_001]) t.ok(harness.peerConnects(relayId, `10.1.1.1:${port}`) > 0)
    for (const target of ['127.0.0.1:80', '[::ffff:127.0.0.1]:80', '192.168.1.1:80']) {
      t.equal(harness.peerConnects(relayId, target), 0, target)
    }
  })

  t.test('is closed at a relay that there is not, or that is none for TCP', async (t) => {
    const { harness, client, relayId } = tcpCall()
    client.createPermission(PEER)
    t.equal(harness.peerConnects(relayId + 1, PEER), 0)
    const other = harness.client()
    other.allocate()
    other.createPermission(PEER)
    t.equal(harness.peerConnects(harness.relayOf(other).id, PEER), 0)
    client.refresh(0)
    t.equal(harness.peerConnects(relayId, PEER), 0)
    t.equal(harness.core.drops[drops.DROP_NO_RELAY], 3)
    t.equal(new CoreHarness({ isWithoutConnections: true }).peerConnects(relayId, PEER), 0)
  })

  t.test('is closed when there is one to this address and port, whoever has made it', async (t) => {
    const { harness, client, relayId } = tcpCall()
    client.createPermission(PEER)
    client.connect(PEER)
    t.equal(harness.peerConnects(relayId, PEER), 0)
    t.ok(harness.peerConnects(relayId, '1.2.3.4:1') > 0)
    t.equal(harness.peerConnects(relayId, '1.2.3.4:1'), 0)
    t.equal(harness.core.drops[drops.DROP_CONNECTION_EXISTS], 2)
  })

  t.test('is closed beyond what an allocation may have', async (t) => {
    const { harness, client, relayId } = tcpCall()
    client.createPermission(PEER)
    for (let port = 1; port <= PEER_CONNECTION_COUNT_MAX; port++) harness.peerConnects(relayId, `1.2.3.4:${port}`)
    t.equal(harness.peerConnects(relayId, '1.2.3.4:9999'), 0)
    t.equal(harness.core.drops[drops.DROP_CONNECTION_LIMIT], 1)
    t.equal(client.connect('1.2.3.4:9999').code, 508)
  })

  t.test('is closed when nobody has bound it for 30 s, and not before', async (t) => {
    const { harness, client, relayId } = tcpCall()
    client.createPermission(PEER)
    const connectionId = harness.peerConnects(relayId, PEER)
    harness.output.take()
    harness.advanceTicks(2_999)
    t.same(effectNames(harness), [])
    harness.advanceTicks(1)
    t.same(effectNames(harness), ['close-peer 1'])
    t.equal(tcpClient(harness).connectionBind(connectionId).code, 400)
    t.ok(harness.peerConnects(relayId, PEER) > 0, 'and may come again')
  })

  t.test('goes with its allocation', async (t) => {
    const { harness, client, relayId } = tcpCall()
    client.createPermission(PEER)
    harness.peerConnects(relayId, PEER)
    harness.output.take()
    harness.advanceSeconds(20)
    client.refresh(0)
    t.same(effectNames(harness), ['close-peer 1', 'close tcp'])
  })
})
