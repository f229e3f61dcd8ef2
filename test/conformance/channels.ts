// Channels (RFC 8656 §12): ChannelBind, ChannelData both ways, and the frames that go nowhere. That bindings end after 600 s, and
// permissions after 300 s, is tested in test/turn, with a clock of its own.
import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import {
  ATTRIBUTE_CHANNEL_NUMBER,
  ATTRIBUTE_MESSAGE_INTEGRITY,
  ATTRIBUTE_XOR_PEER_ADDRESS,
  METHOD_CHANNEL_BIND,
} from '../../src/stun/constants.js'
import type { Describe, TurnClient } from '../support/turn-client.js'
import { addressOf, UdpPeer } from '../support/udp-peer.js'
import { LOOPBACKS, type Suite } from './suite.js'

const CHANNEL = 0x4000

export function channels(t: Test, suite: Suite): void {
  t.test('ChannelBind', async (t) => {
    const server = await suite.sharedServer()
    const peer = addressOf('127.0.0.1', 9)

    t.test('takes 0x4000 to 0x4FFF and answers 400 to others (RFC 8656 §12)', async (t) => {
      const client = await suite.allocate(t, server)
      const numbers = [
        [0x0000, 400],
        [0x3fff, 400],
        [0x4000, 0],
        [0x4fff, 0],
        [0x5000, 400],
        [0x7ffe, 400],
        [0x7fff, 400],
        [0x8000, 400],
        [0xffff, 400],
      ]
      for (const [index, [number, code]] of numbers.entries()) {
        const answer = await client.bindChannel(number, addressOf('127.0.0.1', 1000 + index))
        t.equal(answer.code, code, `0x${number.toString(16)}`)
        if (code === 0) t.same(answer.types, [ATTRIBUTE_MESSAGE_INTEGRITY])
      }
    })

    t.test('takes 0x4000 to 0x7FFE with channelRange rfc5766 (RFC 5766 §11)', async (t) => {
      const older = await suite.startServer(t, { channelRange: 'rfc5766' })
      const client = await suite.allocate(t, older)
      const numbers = [
        [0x3fff, 400],
        [0x4000, 0],
        [0x5000, 0],
        [0x7ffe, 0],
        [0x7fff, 400],
      ]
      for (const [index, [number, code]] of numbers.entries()) {
        const answer = await client.bindChannel(number, addressOf('127.0.0.1', 1000 + index))
        t.equal(answer.code, code, `0x${number.toString(16)}`)
      }
    })

    t.test('again with the same number and peer is a refresh (RFC 8656 §12.2)', async (t) => {
      const client = await suite.allocate(t, server)
      for (let round = 0; round < 3; round++) t.equal((await client.bindChannel(CHANNEL, peer)).code, 0)
    })

    t.test('of a number or a peer that is bound otherwise gets 400 (RFC 8656 §12.2)', async (t) => {
      const client = await suite.allocate(t, server)
      t.equal((await client.bindChannel(CHANNEL, peer)).code, 0)
      t.equal((await client.bindChannel(CHANNEL, addressOf('127.0.0.1', 10))).code, 400, 'same number, other port')
      t.equal((await client.bindChannel(CHANNEL, addressOf('127.0.0.2', 9))).code, 400, 'same number, other address')
      t.equal((await client.bindChannel(CHANNEL + 1, peer)).code, 400, 'same peer, other number')
      t.equal((await client.bindChannel(CHANNEL + 1, addressOf('127.0.0.1', 10))).code, 0, 'both other')
      t.equal((await client.bindChannel(CHANNEL, peer)).code, 0, 'and the first binding is as it was')
    })

    t.test('without number or peer, or with malformed ones, gets 400 (RFC 8656 §12.2)', async (t) => {
      const client = await suite.allocate(t, server)
      const faults: [sentence: string, describe: Describe][] = [
        ['neither', () => {}],
        ['no number', (writer) => writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peer)],
        ['no peer', (writer) => writer.writeUint32(ATTRIBUTE_CHANNEL_NUMBER, CHANNEL << 16)],
        [
          'number of two bytes',
          (writer) => {
            writer.writeUint16(ATTRIBUTE_CHANNEL_NUMBER, CHANNEL)
            writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peer)
          },
        ],
        [
          'peer of unknown family',
          (writer) => {
            writer.writeUint32(ATTRIBUTE_CHANNEL_NUMBER, CHANNEL << 16)
            writer.writeBytes(ATTRIBUTE_XOR_PEER_ADDRESS, Buffer.from('0003000900000000', 'hex'))
          },
        ],
      ]
      for (const [sentence, describe] of faults) {
        t.equal((await client.request(METHOD_CHANNEL_BIND, describe)).code, 400, sentence)
      }
      t.equal((await client.bindChannel(CHANNEL, peer)).code, 0, 'nothing was bound')
    })

    t.test('ignores the reserved half of CHANNEL-NUMBER (RFC 8656 §18.1)', async (t) => {
      const client = await suite.allocate(t, server)
      const answer = await client.request(METHOD_CHANNEL_BIND, (writer) => {
        writer.writeUint32(ATTRIBUTE_CHANNEL_NUMBER, (CHANNEL << 16) | 0xbeef)
        writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peer)
      })
      t.equal(answer.code, 0)
    })

    t.test('installs the permission of the peer (RFC 8656 §12.2)', async (t) => {
      const client = await suite.allocate(t, server)
      const [bound, other] = [await UdpPeer.open(t), await UdpPeer.open(t)]
      t.equal((await client.bindChannel(CHANNEL, bound.address)).code, 0)
      client.sendTo(other.address, 'same address')
      t.match(await other.inbox.next(), { text: 'same address' })
      other.send(client.relay, 'back')
      t.match(await client.nextData(), { text: 'back', channelNumber: 0, peer: other.address.toString() })
    })
  })

  t.test('ChannelData', async (t) => {
    const server = await suite.sharedServer()

    for (const host of LOOPBACKS) {
      t.test(`carries any payload unchanged, both ways, with ${host} (RFC 8656 §12.4)`, async (t) => {
        const { client, peer } = await bound(t, host)
        for (const length of suite.payloadLengths()) {
          const payload = randomBytes(length)
          client.sendChannelData(CHANNEL, payload)
          const datagram = await peer.inbox.next()
          t.ok(datagram.bytes.equals(payload), `${length} bytes to the peer`)
          t.equal(datagram.source.toString(), client.relay.toString())
          peer.send(client.relay, payload)
          const back = await client.nextData()
          t.equal(back.channelNumber, CHANNEL)
          t.ok(back.text === payload.toString('latin1'), `${length} bytes back`)
        }
      })
    }

    t.test(
      'is what the server sends once the channel is bound, and Data indications before (RFC 8656 §12.7)',
      async (t) => {
        const client = await suite.allocate(t, server)
        const peer = await UdpPeer.open(t)
        t.equal((await client.createPermission(peer.address)).code, 0)
        peer.send(client.relay, 'before')
        t.match(await client.nextData(), { text: 'before', channelNumber: 0 })
        t.equal((await client.bindChannel(CHANNEL, peer.address)).code, 0)
        peer.send(client.relay, 'after')
        t.match(await client.nextData(), { text: 'after', channelNumber: CHANNEL })
        client.sendTo(peer.address, 'Send still works')
        t.match(await peer.inbox.next(), { text: 'Send still works' })
      },
    )

    t.test('of several channels finds each its peer', async (t) => {
      const client = await suite.allocate(t, server)
      const peers = await Promise.all(['127.0.0.1', '127.0.0.1', '127.0.0.2'].map((host) => UdpPeer.open(t, host)))
      for (const [index, { address }] of peers.entries()) {
        t.equal((await client.bindChannel(0x4ffd + index, address)).code, 0)
      }
      for (const [index, peer] of peers.entries()) {
        client.sendChannelData(0x4ffd + index, `to ${index}`)
        t.match(await peer.inbox.next(), { text: `to ${index}` })
        peer.send(client.relay, `from ${index}`)
        t.match(await client.nextData(), { text: `from ${index}`, channelNumber: 0x4ffd + index })
      }
    })

    t.test('on a channel that is not bound is silent (RFC 8656 §12.6)', async (t) => {
      const { client, peer } = await bound(t)
      for (const number of [CHANNEL + 1, 0x4fff, 0x5000, 0x7fff]) client.sendChannelData(number, 'nowhere')
      await expectOnly(t, client, peer)
    })

    const datagrams = { skip: suite.transport.isStream && 'over a stream the length cuts the frames' }
    t.test('shorter than its length is dropped, longer is cut (RFC 8656 §12.6)', datagrams, async (t) => {
      const { client, peer } = await bound(t)
      client.sendChannelData(CHANNEL, 'abc', 4)
      client.sendChannelData(CHANNEL, '', 1)
      client.sendChannelData(CHANNEL, 'abc', 0xffff)
      client.transport.send(Buffer.from([0x40, 0x00, 0x00]))
      client.sendChannelData(CHANNEL, 'abc\0', 3)
      client.sendChannelData(CHANNEL, 'abcdefgh', 5)
      client.sendChannelData(CHANNEL, 'padding', 0)
      t.equal((await peer.inbox.next()).text, 'abc')
      t.equal((await peer.inbox.next()).text, 'abcde')
      t.equal((await peer.inbox.next()).text, '')
      await expectOnly(t, client, peer)
    })

    t.test('towards the client has no padding over datagrams (RFC 8656 §12.5)', datagrams, async (t) => {
      const { client, peer } = await bound(t)
      peer.send(client.relay, 'abcde')
      t.equal((await client.nextData()).frame.toString('latin1'), '\x40\x00\x00\x05abcde')
    })

    t.test('too long for a datagram is lost alone; one that just fits arrives', datagrams, async (t) => {
      const { frameLengthMax } = suite.transport
      const { client, peer } = await bound(t)
      for (const length of [frameLengthMax - 4, frameLengthMax - 3, frameLengthMax]) {
        peer.send(client.relay, Buffer.alloc(length, 'x'))
      }
      peer.send(client.relay, 'next')
      t.equal((await client.nextData()).text.length, frameLengthMax - 4)
      t.equal((await client.nextData()).text, 'next')
    })

    t.test('survives 2,000 packets without loss, duplication or disorder', async (t) => {
      const { client, peer } = await bound(t)
      for (let start = 0; start < 2000; start += 50) {
        for (let index = start; index < start + 50; index++) client.sendChannelData(CHANNEL, `${index}`)
        for (let index = start; index < start + 50; index++) {
          const { text } = await peer.inbox.next()
          if (text !== `${index}`) t.fail(`${text} in place of ${index}`)
          peer.send(client.relay, text)
        }
        for (let index = start; index < start + 50; index++) {
          const { text } = await client.nextData()
          if (text !== `${index}`) t.fail(`${text} in place of ${index} on the way back`)
        }
      }
      await expectOnly(t, client, peer)
    })

    async function bound(t: Test, host = '127.0.0.1'): Promise<{ client: TurnClient; peer: UdpPeer }> {
      const client = await suite.allocate(t, server, { family: host === '::1' ? 6 : 4 })
      const peer = await UdpPeer.open(t, host)
      t.equal((await client.bindChannel(CHANNEL, peer.address)).code, 0)
      return { client, peer }
    }
  })
}

/** Nothing arrived but what was taken already, and the channel still works. */
async function expectOnly(t: Test, client: TurnClient, peer: UdpPeer): Promise<void> {
  client.sendChannelData(CHANNEL, 'the last')
  t.equal((await peer.inbox.next()).text, 'the last')
  await client.settle()
  t.same(client.inbox.items, [])
}
