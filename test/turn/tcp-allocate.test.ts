import t from 'tap'
import * as stun from '../../src/stun/constants.js'
import * as drops from '../../src/turn/drop-reasons.js'
import { TRANSPORT_DTLS, TRANSPORT_TCP, TRANSPORT_TLS, TRANSPORT_UDP } from '../../src/turn/five-tuple.js'
import type { Write } from '../support/core-client.js'
import { CoreHarness, PEER, SERVER_HOST, SERVER_HOST_IPV6 } from '../support/core-harness.js'
import { effectNames, tcpCall, tcpClient } from '../support/core-tcp.js'

const DATA = Buffer.from('data')

t.test('Allocate of a TCP relay (RFC 6062 §5.1)', async (t) => {
  t.test('listens on the relayed transport address, for clients over TCP and TLS', async (t) => {
    for (const transport of [TRANSPORT_TCP, TRANSPORT_TLS]) {
      const harness = new CoreHarness()
      const client = harness.client({ transport })
      const answer = client.allocateTcp()
      t.equal(answer.code, 0)
      t.equal(answer.lifetime, 600)
      t.match(harness.output.of('open'), [{ address: answer.relayed[0], tcp: true }])
      t.ok(client.isProtected(answer))
      t.equal(harness.core.hasAllocation(client.fiveTuple), true)
      t.equal(harness.relayOf(client).isTcp, true)
      t.match(harness.observer.created, [{ isTcp: true }])
    }
  })

  t.test('is refused with 400 over UDP and DTLS', async (t) => {
    for (const transport of [TRANSPORT_UDP, TRANSPORT_DTLS]) {
      const harness = new CoreHarness()
      const client = harness.client({ transport })
      t.equal(client.allocateTcp().code, 400)
      t.equal(harness.observer.lastRefusal(), 'unsupported-transport 400')
      t.equal(harness.core.hasAllocation(client.fiveTuple), false)
      t.equal(harness.core.quotas.held, 0)
    }
  })

  t.test('is refused with 442 where the server has none', async (t) => {
    const harness = new CoreHarness({ isWithoutConnections: true })
    const client = harness.client({ transport: TRANSPORT_TCP })
    t.equal(client.allocateTcp().code, 442)
    t.equal(harness.observer.lastRefusal(), 'unsupported-transport 442')
    t.equal(client.allocate().code, 0, 'UDP relays it has')
  })

  t.test('is refused with 442 where the operator wants none (--no-tcp-relay)', async (t) => {
    const harness = new CoreHarness({ allowsTcpRelays: false })
    const client = harness.client({ transport: TRANSPORT_TCP })
    t.equal(client.allocateTcp().code, 442)
    t.equal(harness.observer.lastRefusal(), 'unsupported-transport 442')
    t.equal(client.allocate().code, 0, 'UDP relays it has')
  })

  const extras: [string, Write][] = [
    ['EVEN-PORT', (writer) => writer.writeUint8(stun.ATTRIBUTE_EVEN_PORT, 0)],
    ['EVEN-PORT with R=1', (writer) => writer.writeUint8(stun.ATTRIBUTE_EVEN_PORT, 0x80)],
    ['DONT-FRAGMENT', (writer) => writer.writeEmpty(stun.ATTRIBUTE_DONT_FRAGMENT)],
    ['RESERVATION-TOKEN', (writer) => writer.writeBytes(stun.ATTRIBUTE_RESERVATION_TOKEN, new Uint8Array(8))],
    ['ADDITIONAL-ADDRESS-FAMILY', (writer) => writer.writeFamily(stun.ATTRIBUTE_ADDITIONAL_ADDRESS_FAMILY, 6)],
  ]
  for (const [name, write] of extras) {
    t.test(`is refused with 400 together with ${name}`, async (t) => {
      for (const supportsDontFragment of [false, true]) {
        const harness = new CoreHarness({ supportsDontFragment, relayHosts: [SERVER_HOST, SERVER_HOST_IPV6] })
        t.equal(tcpClient(harness).allocateTcp(write).code, 400)
        t.equal(harness.observer.lastRefusal(), 'bad-request 400')
        t.equal(harness.relayPorts.claimedCount(), 0)
      }
    })
  }

  t.test('is of the family that is asked for', async (t) => {
    const harness = new CoreHarness({ relayHosts: [SERVER_HOST, SERVER_HOST_IPV6] })
    const ask = (family: 4 | 6) =>
      tcpClient(harness).allocateTcp((writer) => writer.writeFamily(stun.ATTRIBUTE_REQUESTED_ADDRESS_FAMILY, family))
    t.match(ask(6).relayed, [/^\[2001:db8::1\]:/])
    t.match(ask(4).relayed, [/^192\.0\.2\.1:/])
    t.equal(
      tcpClient(new CoreHarness()).allocateTcp((writer) => {
        writer.writeFamily(stun.ATTRIBUTE_REQUESTED_ADDRESS_FAMILY, 6)
      }).code,
      440,
    )
  })

  t.test('counts in quota and licence, and takes another port where one is in use', async (t) => {
    const harness = new CoreHarness({ userQuota: 1 })
    let openCount = 0
    harness.openOutcome = () => (++openCount < 3 ? 'in-use' : 'opened')
    t.equal(tcpClient(harness).allocateTcp().code, 0)
    t.equal(harness.output.of('open').filter(({ tcp }) => tcp === true).length, 3)
    t.equal(harness.relayPorts.claimedCount(), 1)
    t.equal(tcpClient(harness).allocateTcp().code, 486)
    harness.openOutcome = () => 'refused'
    const refused = new CoreHarness()
    refused.openOutcome = () => 'refused'
    t.equal(tcpClient(refused).allocateTcp().code, 508)
    t.equal(refused.core.quotas.held, 0)
  })

  t.test('gets the same answer again for the same transaction, and lives by Refresh', async (t) => {
    const { harness, client, relayed } = tcpCall()
    t.same(client.exchange(client.lastRequest)?.relayed, [relayed])
    harness.advanceSeconds(599)
    t.equal(client.refresh(600).code, 0)
    harness.advanceSeconds(599)
    t.equal(harness.core.hasAllocation(client.fiveTuple), true)
    harness.output.take()
    harness.advanceSeconds(1)
    t.equal(harness.core.hasAllocation(client.fiveTuple), false)
    t.same(effectNames(harness), ['close tcp'])
    t.equal(harness.relayPorts.claimedCount(), 0)
  })

  t.test('ends with LIFETIME 0, with its control connection, and while its listener is being opened', async (t) => {
    const ends = [
      ({ client }: ReturnType<typeof tcpCall>) => client.refresh(0),
      ({ harness, client }: ReturnType<typeof tcpCall>) => harness.core.handleClientClosed(client.fiveTuple),
    ]
    for (const end of ends) {
      const call = tcpCall()
      call.harness.output.take()
      end(call)
      t.same(effectNames(call.harness), ['close tcp'])
      t.equal(call.harness.core.quotas.held, 0)
    }
    const harness = new CoreHarness()
    harness.openOutcome = () => 'pending'
    const client = tcpClient(harness)
    client.challenge()
    client.request(stun.METHOD_ALLOCATE, (writer) => {
      writer.writeUint32(stun.ATTRIBUTE_REQUESTED_TRANSPORT, stun.TRANSPORT_PROTOCOL_TCP << 24)
    })
    harness.core.handleClientClosed(client.fiveTuple)
    t.same(effectNames(harness), ['open tcp', 'close tcp'])
  })
})

t.test('A TCP allocation relays no datagrams', async (t) => {
  t.test('neither Send indications nor ChannelData, and ChannelBind gets 400', async (t) => {
    const { harness, client } = tcpCall()
    t.equal(client.sendIndication(PEER, DATA), drops.DROP_NO_PERMISSION)
    t.equal(client.createPermission(PEER).code, 0)
    t.equal(client.channelBind(0x4000, PEER).code, 400)
    t.equal(harness.observer.lastRefusal(), 'relay-transport 400')
    t.equal(client.sendIndication(PEER, DATA), drops.DROP_NO_RELAY)
    t.equal(client.channelData(0x4000, DATA), drops.DROP_NO_CHANNEL)
    t.same(harness.output.of('to-peer'), [])
    t.equal(harness.core.drops[drops.DROP_NO_RELAY], 1)
  })

  t.test('nor those that an engine hands in, nor ICMP errors', async (t) => {
    const { harness, client, relayId } = tcpCall()
    client.createPermission(PEER)
    harness.output.take()
    t.equal(harness.peerSends(relayId, PEER, DATA), drops.DROP_NO_RELAY)
    t.equal(harness.peerIcmp(relayId, PEER, 3, 1), drops.DROP_NO_RELAY)
    t.same(harness.output.take(), [])
  })

  t.test(
    'and datagrams do not reach it from another relay: the port of the other protocol is a stranger’s',
    async (t) => {
      const { harness, client, relayed } = tcpCall()
      const other = harness.client()
      const [udpRelayed] = other.allocate().relayed
      t.equal(other.channelBind(0x4000, relayed).code, 403)
      t.equal(client.connect(udpRelayed).code, 403)
      t.equal(
        harness.client({ address: relayed }).request(stun.METHOD_BINDING, () => {}, { integrity: 'none' }),
        null,
      )
    },
  )
})
