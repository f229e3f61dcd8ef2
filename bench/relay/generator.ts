// The load generator: a process of its own, pinned to a core that the server does not use. Opens the flows, offers load with a
// limited number of packets in flight, prints one line of JSON and ends. Started by slice.ts.
//
// It never sleeps: a server would otherwise pay for waking it. The share of its time in which it found nothing to do tells whether
// it or the server was the limit.
import type { ClientUser } from '../turn-client.js'
import { Arena } from './arena.js'
import { coreBusySeconds, cpuSeconds } from './cpu.js'
import { type Framing, openFlows } from './flow.js'
import { UdpSocket } from './socket.js'
import { ClientToPeer, PeerToClient, type Traffic } from './traffic.js'

export type Direction = 'client-to-peer' | 'peer-to-client'

export interface Load {
  readonly direction: Direction
  readonly framing: Framing
  readonly flowCount: number
  readonly payloadLength: number
  /** Packets sent and not yet received, at most. */
  readonly inFlightMax: number
}

export interface SliceOptions extends Load {
  readonly serverPort: number
  readonly serverPid: number
  readonly serverCore: number
  readonly user: ClientUser
  readonly warmUpSeconds: number
  readonly seconds: number
}

export interface SliceResult {
  readonly seconds: number
  /** Delivered, once and whole, to where they belong, in the measured time. */
  readonly delivered: number
  readonly serverCpuSeconds: number
  /** Of the server's core, whoever used it. */
  readonly coreBusySeconds: number
  /** The share of the measured time in which the generator neither sent nor received anything. */
  readonly generatorIdle: number
  // From the first packet to the last.
  readonly sent: number
  readonly lost: number
  readonly duplicates: number
  readonly reordered: number
  readonly corrupted: number
  readonly misdelivered: number
}

const ARENA_LENGTH = 16 << 20
const SEND_COUNT = 16
/** Nothing came for so long although packets are in flight: they are lost, go on. */
const STALL_MS = 50
const DRAIN_MS = 200

class Generator {
  readonly #traffic: Traffic
  readonly #inFlightMax: number
  sent = 0
  received = 0
  #writtenOff = 0
  #lastArrival = 0

  constructor(traffic: Traffic, inFlightMax: number) {
    this.#traffic = traffic
    this.#inFlightMax = inFlightMax
  }

  /** Offers load for so long. Returns the milliseconds without anything to do. */
  run(milliseconds: number): number {
    let now = performance.now()
    const end = now + milliseconds
    this.#lastArrival = now
    let idle = 0
    while (now < end) {
      const inFlight = this.sent - this.received - this.#writtenOff
      const sent = this.#traffic.send(Math.max(0, Math.min(SEND_COUNT, this.#inFlightMax - inFlight)))
      const received = this.#traffic.receive()
      this.sent += sent
      this.received += received
      const before = now
      now = performance.now()
      if (received > 0) this.#lastArrival = now
      else if (now - this.#lastArrival > STALL_MS) this.#writeOff(now)
      if (sent === 0 && received === 0) idle += now - before
    }
    return idle
  }

  /** Receives what is still on its way. */
  drain(): void {
    const end = performance.now() + DRAIN_MS
    while (performance.now() < end) this.received += this.#traffic.receive()
  }

  #writeOff(now: number): void {
    this.#writtenOff = this.sent - this.received
    this.#lastArrival = now
  }
}

function runSlice(options: SliceOptions): SliceResult {
  const arena = new Arena(ARENA_LENGTH)
  const peer = new UdpSocket(arena)
  const { serverPort, payloadLength, user, framing } = options
  const { flows, clients } = openFlows(arena, options.flowCount, serverPort, payloadLength, user, framing, peer.port)
  const traffic =
    options.direction === 'client-to-peer'
      ? new ClientToPeer(arena, flows, peer)
      : new PeerToClient(arena, flows, peer, framing)
  const generator = new Generator(traffic, options.inFlightMax)
  generator.run(options.warmUpSeconds * 1000)
  const { deliveries } = traffic
  const delivered = deliveries.delivered
  const cpu = cpuSeconds(options.serverPid)
  const busy = coreBusySeconds(options.serverCore)
  const start = performance.now()
  const idle = generator.run(options.seconds * 1000)
  const elapsed = performance.now() - start
  const measured = {
    seconds: elapsed / 1000,
    delivered: deliveries.delivered - delivered,
    serverCpuSeconds: cpuSeconds(options.serverPid) - cpu,
    coreBusySeconds: coreBusySeconds(options.serverCore) - busy,
    generatorIdle: idle / elapsed,
  }
  generator.drain()
  for (const client of clients) client.release()
  traffic.close()
  for (const flow of flows) flow.socket.close()
  const { duplicates, reordered, corrupted, misdelivered } = deliveries
  const lost = generator.sent - deliveries.delivered
  return { ...measured, sent: generator.sent, lost, duplicates, reordered, corrupted, misdelivered }
}

process.stdout.write(JSON.stringify(runSlice(JSON.parse(process.argv[2]) as SliceOptions)))
