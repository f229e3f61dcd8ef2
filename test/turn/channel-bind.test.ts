import t from 'tap'
import * as stun from '../../src/stun/constants.js'
import { DROP_NO_CHANNEL, DROP_NO_PERMISSION } from '../../src/turn/drop-reasons.js'
import { type CoreClient, writePeers } from '../support/core-client.js'
import { CoreHarness, type CoreHarnessOptions, PEER, PEER_IPV6 } from '../support/core-harness.js'
import { atPort } from '../support/turn-address.js'

const CHANNEL_TICKS = 60_000
const PERMISSION_TICKS = 30_000
const DATA = Buffer.from('data')

function allocated(options: CoreHarnessOptions = {}): { harness: CoreHarness; client: CoreClient; relayId: number } {
  const harness = new CoreHarness(options)
  const client = harness.client()
  client.allocate((writer) => writer.writeUint32(stun.ATTRIBUTE_LIFETIME, 3600))
  return { harness, client, relayId: harness.relayOf(client).id }
}

/** What the client got last. */
function lastToClient(harness: CoreHarness): string {
  const last = harness.output.effects.at(-1)
  return last?.kind === 'channel-data' ? `channel 0x${last.channelNumber.toString(16)}` : (last?.kind ?? '')
}

t.test('ChannelBind (RFC 8656 §12)', async (t) => {
  t.test('binds, and installs the permission', async (t) => {
    const { harness, client, relayId } = allocated()
    const answer = client.channelBind(0x4000, PEER)
    t.equal(answer.code, 0)
    t.same(answer.types, [])
    t.equal(client.channelData(0x4000, DATA), 0)
    t.match(harness.output.effects.at(-1), { kind: 'to-peer', relayId, peer: PEER, host: '1.2.3.4', payload: DATA })
    t.equal(harness.peerSends(relayId, PEER, DATA), 0)
    t.equal(lastToClient(harness), 'channel 0x4000')
    t.equal(harness.peerSends(relayId, atPort(PEER, 1).toString(), DATA), 0)
    t.equal(lastToClient(harness), 'message', 'another port of that peer has the permission, but no channel')
  })

  t.test('takes its attributes in any order', async (t) => {
    const { client } = allocated()
    const answer = client.ask(stun.METHOD_CHANNEL_BIND, (writer) => {
      writePeers(writer, [PEER]).writeUint32(stun.ATTRIBUTE_CHANNEL_NUMBER, 0x4000 << 16)
    })
    t.equal(answer.code, 0)
  })

  for (const [name, options, accepted, refused] of [
    ['0x4000–0x4FFF', {}, [0x4000, 0x4fff], [0, 0x0001, 0x3fff, 0x5000, 0x7ffe, 0x7fff, 0x8000, 0xffff]],
    [
      '0x4000–0x7FFE with the range of RFC 5766',
      { channelNumberMax: stun.CHANNEL_NUMBER_MAX_RFC5766 },
      [0x4000, 0x4fff, 0x5000, 0x7ffe],
      [0x3fff, 0x7fff, 0x8000, 0xffff],
    ],
  ] as const) {
    t.test(`takes ${name} and refuses the numbers next to them with 400`, async (t) => {
      const { harness, client } = allocated(options)
      for (const [index, number] of accepted.entries()) {
        t.equal(client.channelBind(number, atPort(PEER, 1 + index)).code, 0, `0x${number.toString(16)}`)
        t.equal(client.channelData(number, DATA), 0)
      }
      for (const number of refused) {
        t.equal(client.channelBind(number, PEER).code, 400, `0x${number.toString(16)}`)
        t.equal(harness.observer.lastRefusal(), 'channel-number 400')
      }
      t.equal(harness.allocationOf(client).channels.size, accepted.length)
    })
  }

  t.test('a number that is bound to another peer gets 400, and stays as it was', async (t) => {
    const { harness, client } = allocated()
    client.channelBind(0x4000, PEER)
    for (const other of [atPort(PEER, 1), '1.2.3.5:6000']) {
      t.equal(client.channelBind(0x4000, other).code, 400)
      t.equal(harness.observer.lastRefusal(), 'channel-conflict 400')
    }
    client.channelData(0x4000, DATA)
    t.match(harness.output.effects.at(-1), { peer: PEER })
  })

  t.test('a peer that is bound to another number gets 400, and stays as it was', async (t) => {
    const { harness, client, relayId } = allocated()
    client.channelBind(0x4000, PEER)
    t.equal(client.channelBind(0x4001, PEER).code, 400)
    t.equal(harness.observer.lastRefusal(), 'channel-conflict 400')
    t.equal(client.channelData(0x4001, DATA), DROP_NO_CHANNEL)
    harness.peerSends(relayId, PEER, DATA)
    t.equal(lastToClient(harness), 'channel 0x4000')
  })

  t.test('two ports of one peer, and one port of two peers, are different peers', async (t) => {
    const { client } = allocated()
    t.equal(client.channelBind(0x4000, PEER).code, 0)
    t.equal(client.channelBind(0x4001, atPort(PEER, 6001)).code, 0)
    t.equal(client.channelBind(0x4002, '1.2.3.5:6000').code, 0)
  })

  t.test('without number or peer, or with malformed ones, gets 400', async (t) => {
    const { harness, client } = allocated()
    const number = Uint8Array.of(0x40, 0, 0, 0)
    for (const [reason, bytes, withPeer] of [
      ['missing-attribute', null, true],
      ['missing-attribute', number, false],
      ['malformed-attribute', number.slice(0, 2), true],
      ['malformed-attribute', Uint8Array.of(0x40, 0, 0, 0, 0), true],
    ] as const) {
      const answer = client.ask(stun.METHOD_CHANNEL_BIND, (writer) => {
        if (bytes !== null) writer.writeBytes(stun.ATTRIBUTE_CHANNEL_NUMBER, bytes)
        if (withPeer) writePeers(writer, [PEER])
      })
      t.equal(answer.code, 400)
      t.equal(harness.observer.lastRefusal(), `${reason} 400`)
    }
    const badPeer = client.ask(stun.METHOD_CHANNEL_BIND, (writer) => {
      writer.writeBytes(stun.ATTRIBUTE_CHANNEL_NUMBER, number)
      writer.writeBytes(stun.ATTRIBUTE_XOR_PEER_ADDRESS, new Uint8Array(9))
    })
    t.equal(badPeer.code, 400)
    t.equal(harness.allocationOf(client).permissionCount, 0)
  })

  t.test('a forbidden peer gets 403, another family 443, and neither a permission', async (t) => {
    const { harness, client } = allocated()
    t.equal(client.channelBind(0x4000, '10.0.0.1:80').code, 403)
    t.equal(harness.observer.refusals.at(-1)?.peer, '10.0.0.1:80')
    t.equal(client.channelBind(0x4000, PEER_IPV6).code, 443)
    t.equal(client.channelBind(0x4000, '1.2.3.4:0').code, 403, 'nothing can be sent to port 0')
    t.equal(harness.allocationOf(client).permissionCount, 0)
    t.equal(harness.allocationOf(client).channels.size, 0)
  })
})

t.test('a binding lives 600 s and its permission 300 s (RFC 8656 §12)', async (t) => {
  t.test('they expire separately, to the tick', async (t) => {
    const { harness, client, relayId } = allocated()
    client.channelBind(0x4000, PEER)
    harness.advanceTicks(PERMISSION_TICKS - 1)
    t.equal(harness.peerSends(relayId, PEER, DATA), 0)
    harness.advanceTicks(1)
    t.equal(harness.peerSends(relayId, PEER, DATA), DROP_NO_PERMISSION, 'the permission has gone')
    t.equal(client.sendIndication(PEER, DATA), DROP_NO_PERMISSION)
    t.equal(client.channelData(0x4000, DATA), 0, 'the binding has not')
    harness.advanceTicks(CHANNEL_TICKS - PERMISSION_TICKS - 1)
    t.equal(client.channelData(0x4000, DATA), 0)
    harness.advanceTicks(1)
    t.equal(client.channelData(0x4000, DATA), DROP_NO_CHANNEL)
  })

  t.test('after the binding has gone, a refreshed permission carries Data indications', async (t) => {
    const { harness, client, relayId } = allocated()
    client.channelBind(0x4000, PEER)
    harness.advanceSeconds(299)
    client.createPermission(PEER)
    harness.advanceSeconds(299)
    client.createPermission(PEER)
    harness.advanceTicks(199)
    t.equal(harness.peerSends(relayId, PEER, DATA), 0)
    t.equal(lastToClient(harness), 'channel 0x4000')
    harness.advanceTicks(1)
    t.equal(harness.peerSends(relayId, PEER, DATA), 0)
    t.equal(lastToClient(harness), 'message')
  })

  t.test('binding again refreshes both', async (t) => {
    const { harness, client, relayId } = allocated()
    client.channelBind(0x4000, PEER)
    harness.advanceSeconds(250)
    t.equal(client.channelBind(0x4000, PEER).code, 0)
    harness.advanceTicks(PERMISSION_TICKS - 1)
    t.equal(harness.peerSends(relayId, PEER, DATA), 0)
    harness.advanceTicks(1)
    t.equal(harness.peerSends(relayId, PEER, DATA), DROP_NO_PERMISSION)
    harness.advanceTicks(PERMISSION_TICKS - 1)
    t.equal(client.channelData(0x4000, DATA), 0)
    harness.advanceTicks(1)
    t.equal(client.channelData(0x4000, DATA), DROP_NO_CHANNEL)
  })

  t.test('CreatePermission does not refresh the binding, nor does ChannelData refresh anything', async (t) => {
    const { harness, client, relayId } = allocated()
    client.channelBind(0x4000, PEER)
    for (let second = 0; second < 599; second += 1) {
      if (client.channelData(0x4000, DATA) !== 0) t.fail(`at ${second} s`)
      if (second % 200 === 0) client.createPermission(PEER)
      harness.peerSends(relayId, PEER, DATA)
      harness.advanceSeconds(1)
    }
    harness.advanceSeconds(1)
    t.equal(client.channelData(0x4000, DATA), DROP_NO_CHANNEL)
    harness.advanceSeconds(99)
    t.equal(harness.peerSends(relayId, PEER, DATA), 0)
    harness.advanceSeconds(1)
    t.equal(harness.peerSends(relayId, PEER, DATA), DROP_NO_PERMISSION, '300 s after the last CreatePermission')
  })

  t.test('expired, the number may be bound to another peer, and the peer to another number', async (t) => {
    const { harness, client } = allocated()
    client.channelBind(0x4000, PEER)
    harness.advanceTicks(CHANNEL_TICKS - 1)
    t.equal(client.channelBind(0x4000, '1.2.3.5:6000').code, 400)
    t.equal(client.channelBind(0x4001, PEER).code, 400)
    harness.advanceTicks(1)
    t.equal(client.channelBind(0x4000, '1.2.3.5:6000').code, 0)
    t.equal(client.channelBind(0x4001, PEER).code, 0)
    t.equal(harness.allocationOf(client).channels.size, 2)
  })
})

t.test('the caps (security.md)', async (t) => {
  t.test('128 channels, then 508; refreshing goes on', async (t) => {
    const { harness, client } = allocated()
    const bind = (index: number) => client.channelBind(0x4000 + index, `1.2.3.${index}:6000`)
    for (let index = 0; index < 128; index++) if (bind(index).code !== 0) t.fail(`channel ${index}`)
    t.equal(bind(128).code, 508)
    t.equal(client.channelBind(0x4080, '1.2.3.4:1').code, 508, 'not for want of a permission')
    t.equal(harness.observer.lastRefusal(), 'channel-limit 508')
    t.equal(bind(5).code, 0)
    harness.advanceTicks(CHANNEL_TICKS)
    client.nonce = ''
    t.equal(bind(128).code, 0, 'expired ones are forgotten')
    t.equal(harness.allocationOf(client).channels.size, 1)
  })

  t.test('a channel needs room for its permission', async (t) => {
    const { harness, client } = allocated({ permissionCountMax: 2 })
    client.createPermission('1.2.3.4', '1.2.3.5')
    t.equal(client.channelBind(0x4000, '1.2.3.6:1').code, 508)
    t.equal(harness.observer.lastRefusal(), 'permission-limit 508')
    t.equal(client.channelBind(0x4000, '1.2.3.4:1').code, 0)
    harness.advanceTicks(PERMISSION_TICKS)
    t.equal(client.channelBind(0x4001, '1.2.3.6:1').code, 0)
  })

  t.test('a permission is kept while a binding needs it, and forgotten with it', async (t) => {
    const { harness, client } = allocated({ permissionCountMax: 1 })
    client.channelBind(0x4000, PEER)
    harness.advanceTicks(CHANNEL_TICKS - 1)
    t.equal(client.createPermission('1.2.3.5').code, 508)
    t.equal(client.channelData(0x4000, DATA), 0)
    harness.advanceTicks(1)
    t.equal(client.createPermission('1.2.3.5').code, 0)
    t.equal(harness.allocationOf(client).permissionCount, 1)
  })
})
