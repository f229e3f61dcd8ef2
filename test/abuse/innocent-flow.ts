// The innocent: a call through an allocation and a channel, with a peer that returns what it gets. A thread of its own; every packet is
// numbered, checked when it is back, and timed.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { ATTRIBUTE_DATA } from '../../src/stun/constants.js'
import { type ClientTransport, connectUdp } from '../support/client-transport.js'
import { ReceivedMessage } from '../support/received-message.js'
import { addressOf } from '../support/udp-peer.js'
import type { FlowResult } from './attack.js'
import { ALICE, type GroundData, HOST, type InnocentCall } from './ground.js'
import { numberedPacket, numberOf } from './numbered-packets.js'
import { PersistentClient } from './persistent-client.js'
import { answer } from './thread.js'

const FROM = '127.11.0.1'
const DATA_INDICATION = 0x0017
const CHANNEL = 0x4000
const FLOW = 1
/** 20 ms of G.711 with its RTP header, as often as four calls would send it. */
const PACKET_LENGTH = 172
const PACKETS_PER_SECOND = 200
const STEP_MILLISECONDS = 5
/** Packets that are still on their way when the attack is over. */
const GRACE_MILLISECONDS = 1_000
/** The last quarter of a second. */
const LAST_COUNT = 50
const FAILURE_COUNT_MAX = 5

class InnocentFlow {
  readonly #client: PersistentClient
  readonly #peer: Socket
  readonly #sentAt: number[] = []
  readonly #milliseconds: number[] = []
  readonly #failures: string[] = []
  #timer: NodeJS.Timeout | null = null
  #returnedCount = 0
  /** Whether each has come back. */
  readonly #isReturned: boolean[] = []

  private constructor(transport: ClientTransport, peer: Socket) {
    // Data is timed when it arrives; answers go to the client.
    const receive: ClientTransport['receive'] = (onFrame) =>
      transport.receive((frame) => (frame[0] >= 0x40 ? this.#take(frame) : onFrame(frame)))
    this.#client = new PersistentClient({ ...transport, receive }, ALICE)
    this.#peer = peer
    peer.on('message', (bytes, { address, port }) => peer.send(bytes, port, address))
  }

  static async open({ ports }: GroundData): Promise<InnocentFlow> {
    const peer = createSocket({ type: 'udp4', recvBufferSize: 1024 * 1024 })
    peer.bind({ address: HOST, port: 0, exclusive: true })
    await once(peer, 'listening')
    const flow = new InnocentFlow(await connectUdp(HOST, ports.udp as number, FROM), peer)
    const { code } = await flow.#client.allocate()
    if (code !== 0) throw new Error(`the innocent's Allocate was answered with ${code}`)
    return flow
  }

  get call(): InnocentCall {
    const { port } = this.#client.localAddress
    return { client: { host: FROM, port }, relayPort: this.#client.relay.port, peerPort: this.#peer.address().port }
  }

  /** From here on it counts. */
  async begin(): Promise<void> {
    // One allocation for many attacks: neither it nor its channel may run out meanwhile.
    await this.#renew()
    this.#sentAt.length = 0
    this.#isReturned.length = 0
    this.#milliseconds.length = 0
    this.#failures.length = 0
    this.#returnedCount = 0
    // Indications of ICMP errors go there.
    this.#client.inbox.takeAll()
    const start = performance.now()
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - start) * PACKETS_PER_SECOND) / 1000)
      while (this.#sentAt.length < due) this.#send()
    }, STEP_MILLISECONDS)
  }

  async end(): Promise<FlowResult> {
    if (this.#timer !== null) clearInterval(this.#timer)
    const end = performance.now() + GRACE_MILLISECONDS
    while (this.#returnedCount < this.#sentAt.length && performance.now() < end) {
      await delay(STEP_MILLISECONDS)
    }
    const strange = this.#client.inbox.takeAll().filter(isForeignData).length
    if (strange > 0) this.#failures.push(`it got ${strange} packets that are not its peer's`)
    await this.#renew().catch((error: Error) => this.#failures.push(error.message))
    const sorted = Float64Array.from(this.#milliseconds).sort()
    const percentile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
    return {
      sent: this.#sentAt.length,
      lost: this.#sentAt.length - this.#returnedCount,
      last: this.#last(),
      p50: percentile(0.5),
      p99: percentile(0.99),
      failures: this.#failures.slice(0, FAILURE_COUNT_MAX),
    }
  }

  #last(): FlowResult['last'] {
    const sent = Math.min(LAST_COUNT, this.#sentAt.length)
    const first = this.#sentAt.length - sent
    const returned = this.#isReturned.slice(first).filter((isReturned) => isReturned).length
    return { sent, lost: sent - returned }
  }

  #send(): void {
    const packet = numberedPacket(FLOW, this.#sentAt.length, PACKET_LENGTH)
    this.#sentAt.push(performance.now())
    this.#client.sendChannelData(CHANNEL, packet)
  }

  #take(frame: Buffer): void {
    try {
      const number = numberOf(frame, CHANNEL, FLOW, PACKET_LENGTH)
      const sentAt = this.#sentAt[number]
      this.#isReturned[number] = true
      this.#returnedCount++
      this.#milliseconds.push(performance.now() - sentAt)
    } catch (error) {
      this.#failures.push((error as Error).message)
    }
  }

  async #renew(): Promise<void> {
    const { code } = await this.#client.refresh()
    const { port } = this.#peer.address()
    const { code: channelCode } = await this.#client.bindChannel(CHANNEL, addressOf(HOST, port))
    if (code !== 0 || channelCode !== 0) throw new Error(`the innocent cannot go on: ${code}, ${channelCode}`)
  }
}

/** Its own peer's data comes by the channel; indications of ICMP errors hold none. */
function isForeignData(frame: Buffer): boolean {
  return frame.readUInt16BE() === DATA_INDICATION && new ReceivedMessage(frame).has(ATTRIBUTE_DATA)
}

let flow: InnocentFlow | null = null

answer<GroundData>({
  open: async (data) => {
    flow = await InnocentFlow.open(data)
    return flow.call
  },
  begin: () => flow?.begin(),
  end: () => flow?.end(),
})
