// Row "stalled readers": 50 clients over TCP and TLS that stop reading while their peers go on sending. What they find when they read again is whole and
// in order.
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { StreamTransport } from '../../support/stream-client.js'
import type { TurnClient } from '../../support/turn-client.js'
import { UdpPeer } from '../../support/udp-peer.js'
import type { Attack, AttackReport } from '../attack.js'
import { type Ground, MALLORY } from '../ground.js'
import { numberedPacket, numberOf } from '../numbered-packets.js'
import { withoutOwnNetwork } from '../own-network.js'
import { sourceAddress, Tally } from '../tally.js'
import { memoryOf, STREAM_SERVER } from './stream-shared.js'

const READER_COUNT = 50
const CHANNEL = 0x4000
const PACKET_LENGTH = 1_200
/** 2 Mbit/s each. */
const PACKETS_PER_SECOND = 2e6 / 8 / PACKET_LENGTH
const STEP_MILLISECONDS = 20
const DRAIN_MILLISECONDS_MAX = 15_000
/** Chunks of its queue, as records too. */
const KIBIBYTES_EACH = 512

interface Reader {
  readonly client: TurnClient
  readonly flow: number
  readonly socket: Socket
  sent: number
  received: number
  last: number
}

async function stalledReaders(ground: Ground): Promise<AttackReport> {
  const tally = new Tally('packets')
  const peer = await UdpPeer.open(ground)
  const readers: Reader[] = []
  for (let flow = 0; flow < READER_COUNT; flow++) readers.push(await openReader(ground, peer, flow))
  const send = (reader: Reader) => {
    peer.send(reader.client.relay, numberedPacket(reader.flow, reader.sent++, PACKET_LENGTH))
    tally.sent++
    tally.sentBytes += PACKET_LENGTH
  }
  for (const { socket } of readers) socket.pause()
  const start = performance.now()
  while (performance.now() - start < ground.milliseconds) {
    const due = ((performance.now() - start) / 1_000) * PACKETS_PER_SECOND
    for (const reader of readers) while (reader.sent < due) send(reader)
    await delay(STEP_MILLISECONDS)
  }
  const offered = (tally.sentBytes * 8) / READER_COUNT / (performance.now() - start) / 1_000
  const wanted = readers.map(({ sent }) => sent)
  for (const { socket } of readers) socket.resume()
  // What comes last is new: what was dropped is not known here.
  const isAwake = (reader: Reader, index: number) => {
    take(reader, tally)
    return reader.last >= wanted[index]
  }
  const drainStart = performance.now()
  while (!readers.every(isAwake) && performance.now() - drainStart < DRAIN_MILLISECONDS_MAX) {
    for (const [index, reader] of readers.entries()) if (!isAwake(reader, index)) send(reader)
    await delay(STEP_MILLISECONDS)
  }
  const asleep = readers.filter((reader, index) => !isAwake(reader, index)).length
  tally.expect(asleep === 0, `${asleep} of ${READER_COUNT} get nothing when they read again`)
  tally.replies = readers.reduce((sum, { received }) => sum + received, 0)
  tally.notes.push(`${offered.toFixed(2)} Mbit/s for each`, `${tally.replies} frames came, whole and in order`)
  for (const { client } of readers) tally.expect((await client.refresh()).code === 0, 'an allocation is gone')
  return tally.report()
}

async function openReader(ground: Ground, peer: UdpPeer, flow: number): Promise<Reader> {
  const client = await ground.streamClient(flow % 2 === 0 ? 'tcp' : 'tls', MALLORY, sourceAddress(97, flow))
  const codes = [(await client.allocate()).code, (await client.bindChannel(CHANNEL, peer.address)).code]
  if (codes.join() !== '0,0') throw new Error(`answers ${codes}`)
  const { socket } = client.transport as StreamTransport
  return { client, flow, socket, sent: 0, received: 0, last: -1 }
}

/** Throws if something is not whole, or not behind what came before. */
function take(reader: Reader, tally: Tally): void {
  for (const frame of reader.client.inbox.takeAll()) {
    const sequence = numberOf(frame, CHANNEL, reader.flow, PACKET_LENGTH)
    if (sequence <= reader.last) throw new Error(`${sequence} behind ${reader.last}`)
    reader.last = sequence
    reader.received++
    tally.replyBytes += frame.length
  }
}

export const STALLED_STREAMS: readonly Attack[] = [
  {
    ...STREAM_SERVER,
    name: 'stalled-readers',
    title: `${READER_COUNT} clients over TCP and TLS stop reading, 2 Mbit/s for each`,
    threat: 'stalled readers',
    seconds: 10,
    // stalled-readers.test.ts
    shortSeconds: 4,
    isLongOnly: true,
    skip: withoutOwnNetwork,
    counters: { native: ['stalledDrops'], dgram: ['stalledDrops'] },
    rules: { ...memoryOf(READER_COUNT, KIBIBYTES_EACH), lossShareMax: 0.001 },
    run: stalledReaders,
  },
]
