import t from 'tap'
import * as stun from '../../src/stun/constants.js'
import * as drops from '../../src/turn/drop-reasons.js'
import { type CoreClient, Received, writePeers } from '../support/core-client.js'
import {
  CoreHarness,
  type CoreHarnessOptions,
  PEER,
  PEER_IPV6,
  SERVER_HOST,
  SERVER_HOST_IPV6,
} from '../support/core-harness.js'
import { addressOf } from '../support/turn-address.js'

const DATA = Buffer.from('some data')
const EMPTY = new Uint8Array(0)
const CHANNEL = 0x4000

/** A client with a permission and a channel to PEER, and a permission for PEER_IPV6. */
function relaying(options: CoreHarnessOptions = {}): {
  harness: CoreHarness
  client: CoreClient
  relayId: number
  relay6Id: number
} {
  const harness = new CoreHarness({ relayHosts: [SERVER_HOST, SERVER_HOST_IPV6], ...options })
  const client = harness.client()
  client.allocate((writer) => writer.writeFamily(stun.ATTRIBUTE_ADDITIONAL_ADDRESS_FAMILY, 6))
  client.channelBind(CHANNEL, PEER)
  client.createPermission(PEER_IPV6)
  harness.output.take()
  return { harness, client, relayId: harness.relayOf(client, 4).id, relay6Id: harness.relayOf(client, 6).id }
}

/** ChannelData whose header says `length`, with `payload` behind it. */
function channelData(number: number, length: number, payload: Uint8Array): Uint8Array {
  return Uint8Array.from([number >> 8, number & 255, length >> 8, length & 255, ...payload])
}

t.test('ChannelData from the client (RFC 8656 §12.6)', async (t) => {
  t.test('goes to the peer as it is, without copying', async (t) => {
    const { harness, client, relayId } = relaying()
    let seen: Uint8Array | null = null
    const record = harness.output.sendToPeer.bind(harness.output)
    harness.output.sendToPeer = (id, peer, bytes, start, end, dontFragment) => {
      seen = bytes
      record(id, peer, bytes, start, end, dontFragment)
    }
    const frame = channelData(CHANNEL, DATA.length, DATA)
    t.equal(client.send(frame), drops.DROP_NONE)
    t.equal(seen, frame, 'the engine’s own buffer')
    t.same(harness.output.take(), [
      { kind: 'to-peer', relayId, peer: PEER, host: '1.2.3.4', payload: new Uint8Array(DATA) },
    ])
  })

  t.test('stops when its peer turns out to be this machine, in the midst of a flow', async (t) => {
    const { harness, client, relayId } = relaying()
    t.equal(client.channelData(CHANNEL, DATA), drops.DROP_NONE)
    t.equal(harness.peerSends(relayId, PEER, DATA), drops.DROP_NONE)
    harness.policy.setLocalHosts([addressOf(PEER)])
    t.equal(client.channelData(CHANNEL, DATA), drops.DROP_PEER_FORBIDDEN)
    t.equal(harness.peerSends(relayId, PEER, DATA), drops.DROP_PEER_FORBIDDEN)
  })

  t.test('may stand anywhere in a buffer', async (t) => {
    const { harness, client } = relaying()
    const frame = channelData(CHANNEL, DATA.length, DATA)
    const buffer = new Uint8Array(100).fill(0xee)
    buffer.set(frame, 33)
    t.equal(harness.core.handleClientFrame(client.fiveTuple, buffer, 33, 33 + frame.length), 0)
    t.match(harness.output.take(), [{ kind: 'to-peer', payload: DATA }])
  })

  t.test('of length 0 sends an empty datagram', async (t) => {
    const { harness, client } = relaying()
    t.equal(client.channelData(CHANNEL, EMPTY), 0)
    t.match(harness.output.take(), [{ kind: 'to-peer', peer: PEER, payload: EMPTY }])
  })

  for (const padding of [1, 2, 3, 7]) {
    t.test(`with ${padding} bytes behind its length sends the length (padding is optional over UDP)`, async (t) => {
      const { harness, client } = relaying()
      t.equal(client.channelData(CHANNEL, DATA, padding), 0)
      t.match(harness.output.take(), [{ kind: 'to-peer', payload: new Uint8Array(DATA) }])
    })
  }

  t.test('with a length beyond the datagram is dropped', async (t) => {
    const { harness, client } = relaying()
    t.equal(client.send(channelData(CHANNEL, DATA.length + 1, DATA)), drops.DROP_BAD_CHANNEL_LENGTH)
    t.equal(client.send(channelData(CHANNEL, 0xffff, DATA)), drops.DROP_BAD_CHANNEL_LENGTH)
    t.equal(client.send(channelData(CHANNEL, 1, EMPTY)), drops.DROP_BAD_CHANNEL_LENGTH)
    t.same(harness.output.take(), [])
  })

  t.test('with less than a header is dropped', async (t) => {
    const { harness, client } = relaying()
    for (const length of [1, 2, 3]) {
      t.equal(client.send(channelData(CHANNEL, 0, EMPTY).slice(0, length)), drops.DROP_NOT_STUN)
    }
    t.same(harness.output.take(), [])
  })

  t.test('on a channel that is not bound is dropped', async (t) => {
    const { harness, client } = relaying()
    for (const number of [0x4001, 0x4fff, 0x5000, 0x7fff]) {
      t.equal(client.channelData(number, DATA), drops.DROP_NO_CHANNEL)
    }
    t.same(harness.output.take(), [])
  })

  t.test('of another client uses that one’s channels', async (t) => {
    const { harness } = relaying()
    const other = harness.client()
    t.equal(other.channelData(CHANNEL, DATA), drops.DROP_NO_ALLOCATION)
    other.allocate()
    t.equal(other.channelData(CHANNEL, DATA), drops.DROP_NO_CHANNEL)
    t.same(harness.output.of('to-peer'), [])
  })
})

t.test('Send indications (RFC 8656 §11.2)', async (t) => {
  t.test('go to the peer, also to one that has a channel', async (t) => {
    const { harness, client, relayId, relay6Id } = relaying()
    t.equal(client.sendIndication(PEER, DATA), 0)
    t.equal(client.sendIndication(PEER_IPV6, DATA), 0)
    t.match(harness.output.take(), [
      { kind: 'to-peer', relayId, peer: PEER, host: '1.2.3.4', payload: new Uint8Array(DATA) },
      { kind: 'to-peer', relayId: relay6Id, peer: PEER_IPV6, host: '2a00:1450::1', payload: new Uint8Array(DATA) },
    ])
  })

  t.test('with DATA of zero bytes send an empty datagram', async (t) => {
    const { harness, client } = relaying()
    t.equal(client.sendIndication(PEER, EMPTY), 0)
    t.match(harness.output.take(), [{ kind: 'to-peer', payload: EMPTY }])
  })

  t.test('are silently dropped when something is missing, malformed or unknown', async (t) => {
    const { harness, client } = relaying()
    for (const [name, write, reason] of [
      ['no DATA', (writer) => writePeers(writer, [PEER]), drops.DROP_BAD_INDICATION],
      ['no XOR-PEER-ADDRESS', (writer) => writer.writeBytes(stun.ATTRIBUTE_DATA, DATA), drops.DROP_BAD_INDICATION],
      ['nothing', () => {}, drops.DROP_BAD_INDICATION],
      [
        'a malformed XOR-PEER-ADDRESS',
        (writer) => writer.writeBytes(stun.ATTRIBUTE_DATA, DATA).writeBytes(stun.ATTRIBUTE_XOR_PEER_ADDRESS, DATA),
        drops.DROP_BAD_INDICATION,
      ],
      [
        'an unknown required attribute',
        (writer) => writePeers(writer, [PEER]).writeBytes(stun.ATTRIBUTE_DATA, DATA).writeEmpty(0x7fff),
        drops.DROP_BAD_INDICATION,
      ],
      [
        'DONT-FRAGMENT where the engine has none (RFC 8656 §11.2: honour or drop)',
        (writer) =>
          writePeers(writer, [PEER]).writeBytes(stun.ATTRIBUTE_DATA, DATA).writeEmpty(stun.ATTRIBUTE_DONT_FRAGMENT),
        drops.DROP_DONT_FRAGMENT,
      ],
      [
        'a peer without permission',
        (writer) => writePeers(writer, ['1.2.3.5:1']).writeBytes(stun.ATTRIBUTE_DATA, DATA),
        drops.DROP_NO_PERMISSION,
      ],
      [
        'port 0',
        (writer) => writePeers(writer, ['1.2.3.4:0']).writeBytes(stun.ATTRIBUTE_DATA, DATA),
        drops.DROP_PEER_FORBIDDEN,
      ],
    ] as const satisfies readonly (readonly [string, Parameters<CoreClient['indication']>[1], number])[]) {
      t.equal(drops.DROP_NAMES[client.indication(stun.METHOD_SEND, write)], drops.DROP_NAMES[reason], name)
      t.same(harness.output.take(), [], name)
    }
  })

  t.test('may have DATA first', async (t) => {
    const { harness, client } = relaying()
    client.indication(stun.METHOD_SEND, (writer) => writePeers(writer.writeBytes(stun.ATTRIBUTE_DATA, DATA), [PEER]))
    t.match(harness.output.take(), [{ kind: 'to-peer', peer: PEER, payload: new Uint8Array(DATA) }])
  })

  t.test('with unknown optional attributes go on', async (t) => {
    const { harness, client } = relaying()
    t.equal(
      client.sendIndication(PEER, DATA, (writer) => writer.writeEmpty(0xfff0)),
      0,
    )
    t.equal(harness.output.take().length, 1)
  })

  t.test('with two DATA or peers: the first counts', async (t) => {
    const { harness, client } = relaying()
    client.indication(stun.METHOD_SEND, (writer) => {
      writePeers(writer, [PEER, PEER_IPV6]).writeBytes(stun.ATTRIBUTE_DATA, DATA).writeBytes(stun.ATTRIBUTE_DATA, EMPTY)
    })
    t.match(harness.output.take(), [{ kind: 'to-peer', peer: PEER, payload: new Uint8Array(DATA) }])
  })

  t.test('to a family without relay are dropped', async (t) => {
    const { harness, client } = relaying()
    client.refresh(0, 6)
    harness.output.take()
    t.equal(client.sendIndication(PEER_IPV6, DATA), drops.DROP_NO_PERMISSION)
    t.same(harness.output.take(), [])
  })
})

t.test('datagrams from peers', async (t) => {
  t.test('arrive as ChannelData on a bound channel (RFC 8656 §12.7)', async (t) => {
    const { harness, client, relayId } = relaying()
    t.equal(harness.peerSends(relayId, PEER, DATA), 0)
    t.match(harness.output.take(), [{ kind: 'channel-data', channelNumber: CHANNEL, payload: new Uint8Array(DATA) }])
    t.equal(harness.peerSends(relayId, PEER, EMPTY), 0)
    const [effect] = harness.output.take()
    t.match(effect, { kind: 'channel-data', payload: EMPTY })
    t.ok(effect.kind === 'channel-data' && effect.client.equals(client.fiveTuple))
  })

  for (const length of [0, 1, 2, 3, 4, 1000]) {
    t.test(`arrive as Data indications without a channel, ${length} bytes (RFC 8656 §11.3)`, async (t) => {
      const { harness, relayId, relay6Id } = relaying()
      const payload = Buffer.alloc(length, 'x')
      for (const [id, source] of [
        [relayId, '1.2.3.4:7777'],
        [relay6Id, PEER_IPV6],
      ] as const) {
        t.equal(harness.peerSends(id, source, payload), 0)
        const [effect] = harness.output.take()
        if (effect.kind !== 'message') return t.fail('not a message')
        const received = new Received(effect.bytes)
        t.equal(received.view.messageClass, stun.CLASS_INDICATION)
        t.equal(received.view.method, stun.METHOD_DATA)
        t.same(received.types, [stun.ATTRIBUTE_XOR_PEER_ADDRESS, stun.ATTRIBUTE_DATA])
        t.same(received.addresses(stun.ATTRIBUTE_XOR_PEER_ADDRESS), [source])
        t.same(Buffer.from(received.value(stun.ATTRIBUTE_DATA)), payload)
      }
      return undefined
    })
  }

  t.test('each Data indication has a transaction id of its own', async (t) => {
    const { harness, relayId } = relaying()
    for (let count = 0; count < 50; count++) harness.peerSends(relayId, '1.2.3.4:7777', DATA)
    const ids = harness.output.of('message').map(({ bytes }) => Buffer.from(bytes.subarray(8, 20)).toString('hex'))
    t.equal(new Set(ids).size, 50)
  })

  t.test('without permission are dropped and counted', async (t) => {
    const { harness, relayId, relay6Id } = relaying()
    t.equal(harness.peerSends(relayId, '1.2.3.5:6000', DATA), drops.DROP_NO_PERMISSION)
    t.equal(harness.peerSends(relay6Id, '[2a00:1450::2]:6000', DATA), drops.DROP_NO_PERMISSION)
    t.equal(harness.core.drops[drops.DROP_NO_PERMISSION], 2)
    t.same(harness.output.take(), [])
  })

  t.test('for an unknown relay, or one that is opening, are dropped', async (t) => {
    const { harness } = relaying()
    t.equal(harness.peerSends(999, PEER, DATA), drops.DROP_NO_RELAY)
    t.equal(harness.peerSends(-1, PEER, DATA), drops.DROP_NO_RELAY)
    harness.openOutcome = () => 'pending'
    harness
      .client()
      .request(stun.METHOD_ALLOCATE, (writer) => writer.writeUint32(stun.ATTRIBUTE_REQUESTED_TRANSPORT, 17 << 24))
    const open = harness.output.of('open').at(-1)
    t.equal(harness.peerSends(open?.relayId ?? 0, PEER, DATA), drops.DROP_NO_RELAY)
  })

  t.test('of one allocation never reach another client', async (t) => {
    const { harness, relayId } = relaying()
    const other = harness.client()
    other.allocate()
    harness.output.take()
    t.equal(harness.peerSends(harness.relayOf(other).id, PEER, DATA), drops.DROP_NO_PERMISSION, 'permissions neither')
    harness.peerSends(relayId, PEER, DATA)
    t.notOk(
      harness.output.effects.some((effect) => effect.kind === 'channel-data' && effect.client.equals(other.fiveTuple)),
    )
  })
})

t.test('the peer policy is asked once for each channel, though data of several ports alternates', async (t) => {
  const { harness, client, relayId } = relaying()
  const ports = [6000, 6001, 6002]
  for (const port of ports.slice(1)) client.channelBind(CHANNEL + port - ports[0], `1.2.3.4:${port}`)
  let count = 0
  const authorize = harness.policy.authorizePeer.bind(harness.policy)
  harness.policy.authorizePeer = (peer, allocation) => {
    count++
    return authorize(peer, allocation)
  }
  const relay = () => {
    for (const port of ports) {
      t.equal(client.channelData(CHANNEL + port - ports[0], DATA), drops.DROP_NONE)
      t.equal(harness.peerSends(relayId, `1.2.3.4:${port}`, DATA), drops.DROP_NONE)
    }
  }
  for (let round = 0; round < 3; round++) relay()
  t.equal(count, ports.length)
  harness.policy.setLocalHosts([addressOf('9.9.9.9')])
  for (let round = 0; round < 3; round++) relay()
  t.equal(count, 2 * ports.length, 'and again when this machine has other addresses')
})

t.test('counters of an allocation count payload, both ways', async (t) => {
  const { harness, client, relayId } = relaying()
  client.channelData(CHANNEL, DATA)
  client.sendIndication(PEER, EMPTY)
  client.sendIndication('1.2.3.5:1', DATA)
  harness.peerSends(relayId, PEER, DATA)
  harness.peerSends(relayId, '1.2.3.4:1', DATA)
  harness.peerSends(relayId, '1.2.3.5:1', DATA)
  t.same([...harness.allocationOf(client).counters], [2, DATA.length, 2, 2 * DATA.length])
})

t.test('what the peer policy forbids is not relayed, in no direction, whatever permission there is', async (t) => {
  const { harness, client, relayId } = relaying({ allowPeer: ['10.0.0.1:5000'], denyPeer: ['1.2.3.4:53'] })
  client.createPermission('10.0.0.1')
  harness.output.take()
  for (const peer of ['10.0.0.1:4999', '1.2.3.4:53']) {
    t.equal(client.sendIndication(peer, DATA), drops.DROP_PEER_FORBIDDEN)
    t.equal(harness.peerSends(relayId, peer, DATA), drops.DROP_PEER_FORBIDDEN)
  }
  t.same(harness.output.take(), [])
  for (const peer of ['10.0.0.1:5000', '1.2.3.4:54']) {
    t.equal(client.sendIndication(peer, DATA), 0)
    t.equal(harness.peerSends(relayId, peer, DATA), 0)
  }
  t.equal(client.sendIndication('10.0.0.1:4999', DATA), drops.DROP_PEER_FORBIDDEN, 'also after another port was judged')
})
