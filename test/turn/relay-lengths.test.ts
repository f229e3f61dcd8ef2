// The longest payloads: what a datagram or a frame can carry passes, one byte more is dropped and counted.
import t from 'tap'
import * as stun from '../../src/stun/constants.js'
import * as drops from '../../src/turn/drop-reasons.js'
import { TRANSPORT_TCP, TRANSPORT_UDP } from '../../src/turn/five-tuple.js'
import { type CoreClient, type CoreClientOptions, Received } from '../support/core-client.js'
import { CoreHarness, PEER, PEER_IPV6, SERVER_HOST, SERVER_HOST_IPV6 } from '../support/core-harness.js'
import { addressOf } from '../support/turn-address.js'

const IPV4_CLIENT = '198.51.100.7:50000'
const IPV6_CLIENT = '[2a00:1450::7]:50000'
const CHANNEL_IPV4 = 0x4000
const CHANNEL_IPV6 = 0x4001

/** A client with permissions for PEER and PEER_IPV6, and channels to them if asked. */
function relaying(options: CoreClientOptions, withChannels: boolean): { harness: CoreHarness; client: CoreClient } {
  const harness = new CoreHarness({ relayHosts: [SERVER_HOST, SERVER_HOST_IPV6] })
  const client = harness.client(options)
  client.allocate((writer) => writer.writeFamily(stun.ATTRIBUTE_ADDITIONAL_ADDRESS_FAMILY, 6))
  client.createPermission(PEER, PEER_IPV6)
  if (withChannels) {
    client.channelBind(CHANNEL_IPV4, PEER)
    client.channelBind(CHANNEL_IPV6, PEER_IPV6)
  }
  harness.output.take()
  return { harness, client }
}

t.test('from a peer to the client', async (t) => {
  for (const [name, address, transport, withChannels, peer, lengthMax] of [
    // Over UDP the whole frame must fit the datagram: 65,507 bytes over IPv4, 65,527 over IPv6.
    ['ChannelData to IPv4', IPV4_CLIENT, TRANSPORT_UDP, true, PEER_IPV6, 65_507 - 4],
    ['ChannelData to IPv6', IPV6_CLIENT, TRANSPORT_UDP, true, PEER_IPV6, 65_527 - 4],
    ['a Data indication to IPv4, of an IPv4 peer', IPV4_CLIENT, TRANSPORT_UDP, false, PEER, 65_468],
    ['a Data indication to IPv4, of an IPv6 peer', IPV4_CLIENT, TRANSPORT_UDP, false, PEER_IPV6, 65_456],
    ['a Data indication to IPv6, of an IPv6 peer', IPV6_CLIENT, TRANSPORT_UDP, false, PEER_IPV6, 65_476],
    // Over a stream the length of the message must fit its 16 bits, as a multiple of 4.
    ['a Data indication over TCP, of an IPv6 peer', IPV4_CLIENT, TRANSPORT_TCP, false, PEER_IPV6, 65_504],
  ] as const) {
    t.test(`${name} carries ${lengthMax} bytes`, async (t) => {
      const { harness, client } = relaying({ address, transport }, withChannels)
      const relay = harness.relayOf(client, addressOf(peer).family as 4 | 6)
      t.equal(harness.peerSends(relay.id, peer, new Uint8Array(lengthMax)), 0)
      const [effect] = harness.output.take()
      if (effect.kind === 'message') {
        const received = new Received(effect.bytes)
        t.equal(received.value(stun.ATTRIBUTE_DATA).length, lengthMax, 'in a message that can be decoded')
      } else {
        t.equal(effect.kind === 'channel-data' && effect.payload.length, lengthMax)
      }
      t.equal(harness.peerSends(relay.id, peer, new Uint8Array(lengthMax + 1)), drops.DROP_TOO_LONG)
      t.equal(harness.core.drops[drops.DROP_TOO_LONG], 1)
      t.same(harness.output.take(), [])
      t.same(
        [...harness.allocationOf(client).counters],
        [0, 0, 1, lengthMax],
        'what is dropped is not counted as relayed',
      )
    })
  }

  t.test('ChannelData over TCP carries any datagram', async (t) => {
    const { harness, client } = relaying({ transport: TRANSPORT_TCP }, true)
    t.equal(harness.peerSends(harness.relayOf(client, 6).id, PEER_IPV6, new Uint8Array(65_527)), 0)
  })
})

t.test('from the client to a peer', async (t) => {
  for (const [peer, channelNumber, lengthMax] of [
    [PEER, CHANNEL_IPV4, 65_507],
    [PEER_IPV6, CHANNEL_IPV6, 65_527],
  ] as const) {
    t.test(`a datagram to ${peer} carries ${lengthMax} bytes`, async (t) => {
      const { harness, client } = relaying({ transport: TRANSPORT_TCP }, true)
      t.equal(client.channelData(channelNumber, new Uint8Array(lengthMax)), 0)
      const [effect] = harness.output.take()
      t.equal(effect.kind === 'to-peer' && effect.payload.length, lengthMax)
      t.equal(client.channelData(channelNumber, new Uint8Array(lengthMax + 1)), drops.DROP_TOO_LONG)
      t.same(harness.output.take(), [])
      t.same([...harness.allocationOf(client).counters], [1, lengthMax, 0, 0])
    })
  }

  t.test('a Send indication too, whose DATA can be longer than a datagram', async (t) => {
    const { harness, client } = relaying({ transport: TRANSPORT_TCP }, false)
    t.equal(client.sendIndication(PEER, new Uint8Array(65_507)), 0)
    t.equal(client.sendIndication(PEER, new Uint8Array(65_508)), drops.DROP_TOO_LONG)
    t.equal(harness.output.of('to-peer').length, 1)
  })
})
