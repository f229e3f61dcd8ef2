// Calls that go on while something fails: each sends numbered datagrams to a peer that returns them, on a clock of its own, and counts what comes back.
// Used by the tests of this folder, over every transport.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { Test } from 'tap'
import type { TransportAddress } from '../../src/stun/address.js'
import { numberedPacket, numberOf } from '../abuse/numbered-packets.js'
import { until } from '../command/until.js'
import type { ClientTransport } from '../support/client-transport.js'
import { type RequestOptions, TurnClient } from '../support/turn-client.js'
import { addressOf } from '../support/udp-peer.js'

export const CHANNEL = 0x4000
const CHANNEL_DATA_FIRST_BYTE = 0x40
/** Of what a call sends to its peer. */
export const PACKET_LENGTH = 160
/** As an audio call does. */
const INTERVAL_MILLISECONDS = 20
const RETURN_MILLISECONDS_MAX = 30_000

/** A peer that returns what it gets, until `t` ends. */
export async function openEcho(t: Test, host = '127.0.0.1', port = 0): Promise<TransportAddress> {
  const isIPv6 = host.includes(':')
  const socket = createSocket({ type: isIPv6 ? 'udp6' : 'udp4', recvBufferSize: 1024 * 1024 })
  socket.on('error', () => {})
  socket.on('message', (bytes, { address, port }) => socket.send(bytes, port, address))
  socket.bind({ address: host, port, exclusive: true })
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  return addressOf(host, socket.address().port)
}

export class LiveCall {
  readonly client: TurnClient
  readonly flow: number
  sentCount = 0
  returnedCount = 0
  /** Datagrams that have come in another order than they left, or twice. */
  misplacedCount = 0
  #lastNumber = -1

  constructor(client: TurnClient, flow: number) {
    this.client = client
    this.flow = flow
  }

  get lostCount(): number {
    this.#takeReturned()
    return this.sentCount - this.returnedCount
  }

  send(): void {
    this.client.sendChannelData(CHANNEL, numberedPacket(this.flow, this.sentCount++, PACKET_LENGTH))
    this.#takeReturned()
  }

  #takeReturned(): void {
    for (const frame of this.client.inbox.takeAll()) {
      // An indication of an ICMP error (RFC 8656 §11.5), or an answer that nobody waits for any more.
      if (frame[0] < CHANNEL_DATA_FIRST_BYTE) continue
      const number = numberOf(frame, CHANNEL, this.flow, PACKET_LENGTH)
      if (number <= this.#lastNumber) this.misplacedCount++
      else this.#lastNumber = number
      this.returnedCount++
    }
  }
}

export class LiveCalls {
  readonly calls: LiveCall[] = []
  readonly #peer: TransportAddress
  #timer: NodeJS.Timeout | null = null

  private constructor(peer: TransportAddress) {
    this.#peer = peer
  }

  /** Calls with an allocation and a channel to `peer`, on these transports; they send from now on, until stop() or the end of `t`. */
  static async start(
    t: Test,
    transports: readonly ClientTransport[],
    user: RequestOptions,
    peer?: TransportAddress,
  ): Promise<LiveCalls> {
    const calls = new LiveCalls(peer ?? (await openEcho(t)))
    for (const transport of transports) await calls.add(TurnClient.on(t, transport, user))
    calls.goOn()
    t.teardown(() => calls.stop())
    return calls
  }

  async add(client: TurnClient): Promise<void> {
    const codes = [(await client.allocate()).code, (await client.bindChannel(CHANNEL, this.#peer)).code]
    if (codes.join() !== '0,0') throw new Error(`Allocate and ChannelBind were answered with ${codes}`)
    this.calls.push(new LiveCall(client, this.calls.length))
  }

  goOn(): void {
    this.#timer ??= setInterval(() => {
      for (const call of this.calls) call.send()
    }, INTERVAL_MILLISECONDS)
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  /** Resolves when every call has had so many more datagrams back. */
  async proceed(count: number): Promise<void> {
    const goals = this.calls.map((call) => call.sentCount + count)
    const areThere = () => this.calls.every((call, index) => call.sentCount - call.lostCount >= goals[index])
    await until(areThere, `${count} datagrams more of each call`, RETURN_MILLISECONDS_MAX)
  }

  /** Resolves when every call has had so many more datagrams back, whatever was lost before. */
  async proceedAfterLoss(count: number): Promise<void> {
    const goals = this.calls.map((call) => call.returnedCount + count)
    const areThere = () => this.calls.every((call, index) => call.lostCount >= 0 && call.returnedCount >= goals[index])
    await until(areThere, `${count} datagrams more of each call`, RETURN_MILLISECONDS_MAX)
  }

  /** Stops them, and checks that all that was sent has come back, in order; the allocations are still there. */
  async endLossless(t: Test): Promise<void> {
    this.stop()
    const isAllBack = () => this.calls.every(({ lostCount }) => lostCount === 0)
    await until(isAllBack, 'all has come back', RETURN_MILLISECONDS_MAX).catch(() => {})
    for (const { client, flow, lostCount, misplacedCount, sentCount } of this.calls) {
      if (lostCount + misplacedCount > 0) {
        t.fail(
          `call ${flow} over ${client.localAddress}: ${lostCount} of ${sentCount} lost, ${misplacedCount} misplaced`,
        )
      }
    }
    const counts = this.calls.map(({ sentCount }) => sentCount)
    t.ok(Math.min(...counts) > 0, `${counts.reduce((sum, count) => sum + count)} datagrams there and back`)
    for (const { client } of this.calls) t.equal((await client.refresh()).code, 0)
  }
}
