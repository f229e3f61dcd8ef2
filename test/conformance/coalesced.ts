// Bursts that the kernel keeps together on their way (UDP_SEGMENT at the sender, UDP_GRO at a server that asks for it): to the protocol they
// are separate datagrams, of different channels, methods and peers, and what is wrong with one is nothing to its neighbours.
import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import type { TurnServer } from '../../src/index.js'
import type { TransportAddress } from '../../src/stun/address.js'
import {
  ATTRIBUTE_DATA,
  ATTRIBUTE_SOFTWARE,
  ATTRIBUTE_XOR_PEER_ADDRESS,
  CLASS_INDICATION,
  CLASS_REQUEST,
  METHOD_BINDING,
  METHOD_SEND,
} from '../../src/stun/constants.js'
import { MessageWriter } from '../../src/stun/writer.js'
import { withoutKoffi } from '../support/engines.js'
import { connectKernel, KernelSocket, type KernelTransport } from '../support/kernel-socket.js'
import { ReceivedMessage } from '../support/received-message.js'
import { type Describe, TurnClient } from '../support/turn-client.js'
import { ALICE, LOOPBACKS, type Suite, serverAddress } from './suite.js'

const CHANNEL = 0x4000
const PEER_COUNT = 3
const FRAME_COUNT = 45
const UNBOUND = 0x4fff
/** Of the payload and of the padding behind it, which a client may add over UDP too (RFC 8656 §12.5). */
const SHAPES = [
  [172, 0],
  [0, 0],
  [1, 0],
  [1, 3],
  [1200, 0],
] as const
const PEER_LENGTHS = [1, 172, 1200]

interface Call {
  readonly client: TurnClient
  readonly transport: KernelTransport
  readonly peers: readonly KernelSocket[]
}

export function coalesced(t: Test, suite: Suite): void {
  const skip = withoutKoffi() || (!suite.transport.isPlainUdp && 'frames are no datagrams here')

  t.test('bursts that the kernel keeps together', { skip }, async (t) => {
    const server = await suite.sharedServer()
    for (const host of LOOPBACKS) {
      for (const [length, padding] of SHAPES) {
        t.test(`from a client at ${host}: ${length} bytes and ${padding} of padding, several channels`, async (t) => {
          const call = await openCall(t, server, host)
          await channelsInOneBurst(t, call, length, padding)
        })
      }

      t.test(`from a client at ${host}: ChannelData, Send, a request and nonsense of one length`, async (t) => {
        await everythingInOneBurst(t, await openCall(t, server, host))
      })

      t.test(`from peers at ${host}, with a channel, with a permission, and with neither`, async (t) => {
        await fromPeers(t, await openCall(t, server, host), host)
      })
    }
  })
}

/** The first two peers have channels, the last one a permission. */
async function openCall(t: Test, server: TurnServer, host: string): Promise<Call> {
  const family = host === '::1' ? 6 : 4
  const transport = connectKernel(host, serverAddress(server, family).port)
  const client = TurnClient.on(t, transport, ALICE)
  t.equal((await client.allocate({ family })).code, 0)
  const peers = Array.from({ length: PEER_COUNT }, () => KernelSocket.open(t, host))
  for (const [index, { address }] of peers.entries()) {
    const answer = index < 2 ? client.bindChannel(CHANNEL + index, address) : client.createPermission(address)
    t.equal((await answer).code, 0)
  }
  return { client, transport, peers }
}

async function channelsInOneBurst(t: Test, call: Call, length: number, padding: number): Promise<void> {
  const { client, peers, transport } = call
  // Runs of one channel, and changes between them; some lead nowhere.
  const channelOf = (index: number) => (index % 11 === 7 ? UNBOUND : CHANNEL + (Math.floor(index / 4) % 2))
  const frames = Array.from({ length: FRAME_COUNT }, (_, index) =>
    channelData(channelOf(index), randomBytes(length), padding),
  )
  const rest = length > 1 ? [channelData(CHANNEL, randomBytes(length - 1), 0)] : []
  for (let round = 0; round < 3; round++) transport.socket.sendBurst(transport.server, [...frames, ...rest])
  for (let round = 0; round < 3; round++) {
    for (const frame of [...frames, ...rest]) {
      const channel = frame.readUInt16BE()
      if (channel === UNBOUND) continue
      const { bytes, source } = await peers[channel - CHANNEL].inbox.next()
      const payload = frame.subarray(4, 4 + frame.readUInt16BE(2))
      if (!bytes.equals(payload)) t.fail(`${bytes.length} bytes in place of ${payload.length} at channel ${channel}`)
      if (!source.equals(client.relay)) t.fail(`from ${source}`)
    }
  }
  await expectSilence(t, call)
}

async function everythingInOneBurst(t: Test, call: Call): Promise<void> {
  const { client, peers, transport } = call
  const length = 176
  const binding = message(CLASS_REQUEST, METHOD_BINDING, (writer) => {
    writer.writeBytes(ATTRIBUTE_SOFTWARE, Buffer.alloc(length - 24, 'x'))
  })
  const texts = ['one', 'two', 'three', 'four'].map((text) => text.padEnd(length - 4, '.'))
  const burst = [
    channelData(CHANNEL, texts[0]),
    sendIndication(peers[2].address, length),
    channelData(CHANNEL + 1, texts[1]),
    binding,
    // Longer than it is, no frame of any kind, and on a channel that is not bound.
    channelData(CHANNEL, texts[0], 0, length),
    Buffer.alloc(length, 0xff),
    channelData(UNBOUND, texts[0]),
    sendIndication(peers[0].address, length),
    channelData(CHANNEL, texts[2]),
    channelData(CHANNEL + 1, texts[3]),
    channelData(CHANNEL, 'short'),
  ]
  t.same([...new Set(burst.slice(0, -1).map((frame) => frame.length))], [length])
  transport.socket.sendBurst(transport.server, burst)
  const indication = (frame: Buffer) => new ReceivedMessage(frame).text(ATTRIBUTE_DATA)
  const expected = [[texts[0], indication(burst[7]), texts[2], 'short'], [texts[1], texts[3]], [indication(burst[1])]]
  for (const [index, list] of expected.entries()) {
    for (const text of list) t.match(await peers[index].inbox.next(), { text, source: client.relay })
  }
  const answer = new ReceivedMessage(await client.inbox.next())
  t.same([answer.method, answer.code, answer.transactionId], ['Binding', 0, binding.toString('hex', 8, 20)])
  await expectSilence(t, call)
}

async function fromPeers(t: Test, call: Call, host: string): Promise<void> {
  const { client, peers } = call
  // Another address of this machine: the permission is for the host. IPv6 has but one here.
  const stranger = host === '::1' ? null : KernelSocket.open(t, '127.0.0.3')
  for (const length of PEER_LENGTHS) {
    const sent = peers.map(() => [...Array.from({ length: FRAME_COUNT }, () => randomBytes(length)), randomBytes(1)])
    for (const [index, peer] of peers.entries()) {
      stranger?.sendBurst(client.relay, sent[0])
      peer.sendBurst(client.relay, sent[index])
    }
    const next = peers.map(() => 0)
    for (let count = 0; count < PEER_COUNT * (FRAME_COUNT + 1); count++) {
      const { channelNumber, peer, text } = await client.nextData()
      const index = channelNumber > 0 ? channelNumber - CHANNEL : 2
      if (channelNumber === 0) t.equal(peer, peers[2].address.toString())
      if (text !== sent[index]?.[next[index]++]?.toString('latin1'))
        t.fail(`packet ${next[index] - 1} of peer ${index}`)
    }
    t.same(
      next,
      peers.map(() => FRAME_COUNT + 1),
    )
  }
  await expectSilence(t, call)
}

async function expectSilence(t: Test, { client, peers }: Call): Promise<void> {
  await client.settle()
  t.same(client.inbox.items, [])
  for (const [index, peer] of peers.entries()) {
    client.sendTo(peer.address, 'the last')
    t.match(await peer.inbox.next(), { text: 'the last' }, `nothing more arrived at peer ${index}`)
  }
}

/** @param length what the header says, if not the payload's length */
function channelData(
  channelNumber: number,
  payload: string | Uint8Array,
  padding = 0,
  length = payload.length,
): Buffer {
  const header = Buffer.alloc(4)
  header.writeUInt16BE(channelNumber)
  header.writeUInt16BE(length, 2)
  return Buffer.concat([header, typeof payload === 'string' ? Buffer.from(payload) : payload, Buffer.alloc(padding)])
}

/** Of so many bytes in all. */
function sendIndication(peer: TransportAddress, length: number): Buffer {
  const addressLength = peer.family === 4 ? 8 : 20
  return message(CLASS_INDICATION, METHOD_SEND, (writer) => {
    writer.writeXorAddress(ATTRIBUTE_XOR_PEER_ADDRESS, peer)
    writer.writeText(
      ATTRIBUTE_DATA,
      randomBytes(length)
        .toString('base64')
        .slice(0, length - 28 - addressLength),
    )
  })
}

function message(messageClass: number, method: number, describe: Describe): Buffer {
  const writer = new MessageWriter().begin(new Uint8Array(2048), 0, messageClass, method, randomBytes(12), 0)
  describe(writer)
  return Buffer.from(writer.bytes.slice(0, writer.finish()))
}
