// Clients over TCP and TLS that stop reading while peers go on sending: memory is bounded, the others lose nothing, and when they read again
// every frame that comes is whole and in order.
import t, { type Test } from 'tap'
import type { TransportAddress } from '../../src/stun/address.js'
import { until } from '../command/until.js'
import { ENGINES_IN_TIME, type EngineUnderTest } from '../support/engines.js'
import { residentBytes } from '../support/process-memory.js'
import type { ServerProcess } from '../support/server-process.js'
import type { StreamTransport } from '../support/stream-client.js'
import { connectBy, startStreamServer, stoppedCounters, USER } from '../support/stream-server.js'
import { TurnClient } from '../support/turn-client.js'
import { UdpPeer } from '../support/udp-peer.js'
import { numberedPacket, numberOf } from './numbered-packets.js'

const MIN_PORT = 18_100
const PORT_COUNT = 100
const CHANNEL = 0x4000

const PACKET_LENGTH = 1_200

interface Load {
  readonly stalledCount: number
  readonly packetsPerSecond: number
}

/** 2 Mbit/s each. */
const MANY: Load = { stalledCount: 50, packetsPerSecond: 2e6 / 8 / PACKET_LENGTH }
/** As much in all. With the dgram engine the kernel takes up to net.ipv4.tcp_wmem for each, usually 4 MiB, before the server sees a stall. */
const FEW: Load = { stalledCount: 8, packetsPerSecond: 12.5e6 / 8 / PACKET_LENGTH }

/** Of the one who reads: its relay's socket holds a second of it, should this machine be busy with something else. */
const INNOCENT_PACKETS_PER_SECOND = 100
const STALL_MILLISECONDS = process.env.TURND_TEST_LONG === '1' ? 30_000 : 6_000
const TICK_MILLISECONDS = 10
/** Less than 0.1 %, of what the one who reads is sent. */
const LOSS_MAX = 0.001
const FRESH_COUNT = 50

/** What waits is 256 KiB at most, and a chunk that is being written; over TLS that is there as records as well. */
const STALLED_BYTES_MAX = 512 * 1024
/** V8's heaps breathe, and node:dgram takes 64 KiB for each datagram until the collector comes by. What is sent in all is half as much again. */
const SERVER_BYTES_MAX = 48 * 1024 * 1024

t.setTimeout(240_000)

for (const engine of ENGINES_IN_TIME) {
  t.test(`clients that stop reading, ${engine.name} engine`, { skip: engine.skip }, (t) => stall(t, engine))
}

/** A client with a channel, and what it has been sent. */
class Reader {
  readonly client: TurnClient
  readonly flow: number
  readonly #transport: StreamTransport
  readonly #peer: UdpPeer
  sentCount = 0
  receivedCount = 0
  lastSequence = -1

  private constructor(transport: StreamTransport, peer: UdpPeer, flow: number) {
    this.#transport = transport
    this.#peer = peer
    this.flow = flow
    this.client = new TurnClient(transport, USER)
  }

  static async open(t: Test, scheme: 'tcp' | 'tls', server: ServerProcess, peer: UdpPeer, flow: number) {
    const transport = (await connectBy(scheme, server)) as StreamTransport
    t.teardown(() => transport.close())
    const reader = new Reader(transport, peer, flow)
    const codes = [(await reader.client.allocate()).code, (await reader.client.bindChannel(CHANNEL, peer.address)).code]
    if (codes.join() !== '0,0') throw new Error(`answers ${codes}`)
    return reader
  }

  get relay(): TransportAddress {
    return this.client.relay
  }

  get isConnected(): boolean {
    return !this.#transport.socket.destroyed
  }

  stopReading(): void {
    this.#transport.socket.pause()
  }

  readAgain(): void {
    this.#transport.socket.resume()
  }

  send(count = 1): void {
    for (let index = 0; index < count; index++) {
      this.#peer.send(this.relay, numberedPacket(this.flow, this.sentCount++, PACKET_LENGTH))
    }
  }

  /** Throws if something is not whole, or not behind what came before. */
  takeFrames(): void {
    for (const frame of this.client.inbox.takeAll()) {
      const sequence = numberOf(frame, CHANNEL, this.flow, PACKET_LENGTH)
      if (sequence <= this.lastSequence) throw new Error(`${sequence} behind ${this.lastSequence}`)
      this.lastSequence = sequence
      this.receivedCount++
    }
  }
}

interface Flow {
  readonly reader: Reader
  readonly packetsPerSecond: number
}

async function stall(t: Test, engine: EngineUnderTest): Promise<void> {
  const { packetsPerSecond, stalledCount } = engine.name === 'native' ? MANY : FEW
  const args = engine.name === 'native' ? ['--stream-workers', '1'] : []
  const server = await startStreamServer(t, engine, MIN_PORT, PORT_COUNT, args)
  const [peer, innocentsPeer] = [await UdpPeer.open(t), await UdpPeer.open(t)]
  const stalled: Reader[] = []
  for (let flow = 0; flow < stalledCount; flow++) {
    stalled.push(await Reader.open(t, flow % 2 === 0 ? 'tcp' : 'tls', server, peer, flow))
  }
  const innocent = await Reader.open(t, 'tcp', server, innocentsPeer, stalledCount)
  const flows: Flow[] = stalled.map((reader) => ({ reader, packetsPerSecond }))
  flows.push({ reader: innocent, packetsPerSecond: INNOCENT_PACKETS_PER_SECOND })
  // The server and its buffers are warm.
  await sendFor(flows, 500)
  await until(() => flows.every(({ reader }) => missing(reader) === 0), 'everybody has everything')

  const memoryBefore = residentBytes(server.pid)
  for (const reader of stalled) reader.stopReading()
  const memoryMax = await sendFor(flows, STALL_MILLISECONDS, server)

  t.test('cost others nothing, and the server a bounded memory', async (t) => {
    const lossMax = LOSS_MAX * innocent.sentCount
    await until(() => missing(innocent) === 0, 'it has all its data', 2_000).catch(() => {})
    const lost = missing(innocent)
    t.ok(lost <= lossMax, `${lost} of ${innocent.sentCount} packets are lost`)
    t.equal((await innocent.client.refresh()).code, 0)
    const growth = memoryMax - memoryBefore
    t.ok(growth < stalledCount * STALLED_BYTES_MAX + SERVER_BYTES_MAX, `${growth >> 20} MiB more`)
    t.comment(`${lost} of ${innocent.sentCount} packets of the innocent are lost; ${growth >> 20} MiB more`)
  })

  let oldCount = 0
  t.test('find whole frames in order when they read again, and new data', async (t) => {
    const sentBefore = stalled[0].sentCount
    for (const reader of stalled) reader.readAgain()
    // What comes last is new: what was dropped is not known here.
    const isAwake = (reader: Reader) => lastOf(reader) >= sentBefore
    // They come in order: behind the last that was sent nothing is on its way.
    const hasAll = (reader: Reader) => isAwake(reader) && lastOf(reader) === reader.sentCount - 1
    await until(() => {
      for (const reader of stalled) if (isQuiet(reader) && !hasAll(reader)) reader.send()
      return stalled.every(hasAll)
    }, 'new data reaches all')
    oldCount = stalled.reduce((sum, { receivedCount }) => sum + receivedCount, 0)
    for (let round = 0; round < FRESH_COUNT; round += 10) {
      for (const reader of stalled) reader.send(10)
      await until(() => stalled.every((reader) => lastOf(reader) === reader.sentCount - 1), 'each has the last one')
    }
    for (const reader of stalled) t.ok(reader.isConnected)
    t.equal(
      stalled.reduce((sum, { receivedCount }) => sum + receivedCount, 0) - oldCount,
      stalledCount * FRESH_COUNT,
      'nothing of the new data is dropped',
    )
    for (const { client } of stalled) t.equal((await client.refresh()).code, 0)
  })

  t.test('have their drops counted', async (t) => {
    const sent = stalled.reduce((sum, { sentCount }) => sum + sentCount, 0)
    const received = stalled.reduce((sum, { receivedCount }) => sum + receivedCount, 0)
    const { stalledDrops } = await stoppedCounters(server)
    t.ok(stalledDrops > 0)
    t.ok(received + stalledDrops <= sent, `${received} received, ${stalledDrops} dropped of ${sent}`)
    t.comment(`${received} received, ${stalledDrops} dropped of ${sent}`)
  })
}

/** Returns the most memory that the server had. */
async function sendFor(flows: readonly Flow[], milliseconds: number, server?: ServerProcess): Promise<number> {
  const start = performance.now()
  const before = flows.map(({ reader }) => reader.sentCount)
  let memoryMax = 0
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const elapsed = Math.min(performance.now() - start, milliseconds)
      for (const [index, { packetsPerSecond, reader }] of flows.entries()) {
        reader.send(before[index] + Math.floor((elapsed / 1000) * packetsPerSecond) - reader.sentCount)
      }
      if (server !== undefined) memoryMax = Math.max(memoryMax, residentBytes(server.pid))
      if (elapsed < milliseconds) return
      clearInterval(timer)
      resolve()
    }, TICK_MILLISECONDS)
  })
  return memoryMax
}

function missing(reader: Reader): number {
  reader.takeFrames()
  return reader.sentCount - reader.receivedCount
}

function lastOf(reader: Reader): number {
  reader.takeFrames()
  return reader.lastSequence
}

function isQuiet(reader: Reader): boolean {
  const before = reader.receivedCount
  reader.takeFrames()
  return reader.receivedCount === before
}
