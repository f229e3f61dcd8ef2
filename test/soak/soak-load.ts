// The soak's load: calls that come and go, each sending numbered payloads to a peer that returns them, every one checked on both sides.
// At most IN_FLIGHT_MAX payloads are on their way, so that no socket buffer overflows: on loopback none may be lost.
import { setImmediate as turn } from 'node:timers/promises'
import type { TransportAddress } from '../../src/stun/address.js'
import type { RequestOptions } from '../support/turn-client.js'
import { addressOf } from '../support/udp-peer.js'
import { Call, CHANNEL } from './call.js'
import { LoadIo, type LoadSocket } from './load-io.js'
import { checkPayload, flowOf } from './payload.js'

export interface LoadOptions {
  readonly serverPort: number
  readonly user: RequestOptions
  /** Calls at a time. */
  readonly callCount: number
  /** From clients to peers; as many come back. */
  readonly packetsPerSecond: number
  /** Calls that end, and are followed by others, a second. */
  readonly churnPerSecond: number
}

/** Numbers of a call's payload that is none of it, that is damaged, or that is not the next one. */
export interface Faults {
  crossed: number
  damaged: number
  outOfOrder: number
  lost: number
}

const PEER_COUNT = 16
const IN_FLIGHT_MAX = 1000
const CALL_IN_FLIGHT_MAX = 32
/** Bursts of a video frame's packets, and single packets of sound. */
const SHAPES = [
  { count: 8, wordCount: 275 },
  { count: 1, wordCount: 43 },
  { count: 1, wordCount: 43 },
  { count: 3, wordCount: 200 },
] as const
const LOST_MILLISECONDS = 3000
/** Calls that are being opened or closed at a time. */
const CHANGES_MAX = 50

export class SoakLoad {
  readonly faults: Faults = { crossed: 0, damaged: 0, outOfOrder: 0, lost: 0 }
  readonly callCountMax: number
  sent = 0
  /** Payloads that have come back to their client. */
  returned = 0
  callsOpened = 0
  readonly #options: LoadOptions
  readonly #io = new LoadIo()
  readonly #peers: { socket: LoadSocket; address: TransportAddress }[] = []
  readonly #calls: (Call | null)[]
  readonly #generations: Int32Array
  #changes = 0
  #error: unknown = null
  #nextSender = 0
  #nextShape = 0
  #nextEnding = 0

  constructor(options: LoadOptions) {
    this.#options = options
    this.callCountMax = options.callCount
    this.#calls = Array(options.callCount).fill(null)
    this.#generations = new Int32Array(options.callCount)
    for (let index = 0; index < PEER_COUNT; index++) {
      const socket = this.#io.open(options.callCount + index)
      this.#peers.push({ socket, address: addressOf('127.0.0.1', socket.port) })
    }
  }

  get openCount(): number {
    return this.#calls.reduce((count, call) => count + (call?.isOpen ? 1 : 0), 0)
  }

  get openCalls(): Call[] {
    return this.#calls.filter((call): call is Call => call?.isOpen === true)
  }

  /** Opens every call that is not open, without payloads. */
  async open(): Promise<void> {
    await this.#turnUntil(
      () => this.openCount === this.callCountMax,
      () => this.#openMissing(),
    )
  }

  /** Payloads and changes for so long; `watch` is called about ten times a second. */
  async run(milliseconds: number, watch: (elapsed: number) => void): Promise<void> {
    const start = performance.now()
    let watched = 0
    let due = 0
    let ended = 0
    let then = start
    await this.#turnUntil(
      () => performance.now() - start >= milliseconds,
      () => {
        const now = performance.now()
        // A machine that stood still is not made up for: that would be another load.
        due += Math.min(now - then, 100) * (this.#options.packetsPerSecond / 1000)
        then = now
        while (due >= 1) {
          const count = this.#sendNext()
          if (count === 0) break
          due -= count
        }
        due = Math.min(due, IN_FLIGHT_MAX)
        for (; ended < ((now - start) * this.#options.churnPerSecond) / 1000; ended++) this.#endNext()
        this.#openMissing()
        if (now - watched > 100) watch(now - start)
        if (now - watched > 100) watched = now
      },
    )
  }

  /** Waits until the payloads of these calls have returned, or nothing has come for a while. */
  async settle(calls: readonly Call[]): Promise<void> {
    const isSettled = (call: Call) => {
      return call.returned === call.sent || performance.now() - call.lastProgress > LOST_MILLISECONDS
    }
    await this.#turnUntil(
      () => calls.every(isSettled),
      () => {},
    )
  }

  /** Forgets a call whose allocation is gone, without a word to the server; open() makes another one in its place. */
  abandon(call: Call): void {
    this.#io.close(call.socket)
    this.#calls[call.flow] = null
    this.faults.lost += call.sent - call.returned
  }

  /** Ends every call, when its payloads have returned. */
  async end(): Promise<void> {
    for (const call of this.#calls) if (call !== null) call.isEnding = true
    await this.#turnUntil(
      () => this.#calls.every((call) => call === null),
      () => {},
    )
    for (const { socket } of this.#peers) this.#io.close(socket)
    this.#io.closeAll()
  }

  async #turnUntil(isDone: () => boolean, step: () => void): Promise<void> {
    while (!isDone()) {
      if (this.#error !== null) throw this.#error
      for (const number of this.#io.wait(1)) this.#receive(number)
      step()
      this.#settleEndings()
      // Answers are awaited, and the server's log is read, between two rounds.
      await turn()
    }
  }

  #receive(number: number): void {
    if (number >= this.callCountMax) this.#receiveAtPeer(this.#peers[number - this.callCountMax].socket)
    else this.#receiveAtClient(number)
  }

  #receiveAtPeer(socket: LoadSocket): void {
    const count = this.#io.receive(socket)
    for (let index = 0; index < count; index++) {
      const at = this.#io.start(index) >> 2
      const call = this.#calls[flowOf(this.#io.words, at)] ?? null
      const sequence = this.#check(call, at, this.#io.length(index))
      if (call === null || sequence < 0) continue
      // Of another relay: it was sent for this call, but left through somebody else's.
      if (this.#io.sourcePort(index) !== call.relayPort) this.faults.crossed++
      if (sequence !== call.seen) this.faults.outOfOrder++
      call.seen = sequence + 1
    }
    if (count > 0 && this.#io.echo(socket, count) !== count) throw new Error('a peer cannot send')
  }

  #receiveAtClient(flow: number): void {
    const call = this.#calls[flow]
    if (call === null) return
    const count = this.#io.receive(call.socket)
    for (let index = 0; index < count; index++) {
      const [start, length] = [this.#io.start(index), this.#io.length(index)]
      const { bytes } = this.#io
      if (bytes[start] < 0x40) {
        call.handleMessage(Buffer.from(bytes.slice(start, start + length)))
        continue
      }
      const [channel, size] = [(bytes[start] << 8) | bytes[start + 1], (bytes[start + 2] << 8) | bytes[start + 3]]
      if (channel !== CHANNEL || size !== length - 4) this.faults.damaged++
      const sequence = this.#check(call, (start + 4) >> 2, length - 4)
      if (sequence < 0) continue
      if (sequence !== call.returned) this.faults.outOfOrder++
      this.returned += 1
      call.returned = sequence + 1
      call.lastProgress = performance.now()
    }
  }

  /** The sequence number of a payload of this call, or -1 for a fault, which is counted. */
  #check(call: Call | null, at: number, length: number): number {
    const sequence = checkPayload(this.#io.words, at, length >> 2, call?.flow ?? -1, call?.generation ?? -1)
    if (sequence === -2 || length % 4 !== 0) this.faults.damaged++
    else if (sequence === -1) this.faults.crossed++
    return sequence
  }

  /** One burst of the next call that may send. Returns its packets, 0 if nothing may be sent now. */
  #sendNext(): number {
    if (this.sent - this.returned - this.faults.lost > IN_FLIGHT_MAX) return 0
    const { count, wordCount } = SHAPES[this.#nextShape++ % SHAPES.length]
    for (let attempt = 0; attempt < this.callCountMax; attempt++) {
      const call = this.#calls[this.#nextSender++ % this.callCountMax]
      if (call === null || !call.isOpen || call.isEnding) continue
      if (call.sent + count - call.returned > CALL_IN_FLIGHT_MAX) continue
      if (call.sent === call.returned) call.lastProgress = performance.now()
      if (!call.send(count, wordCount)) return 0
      this.sent += count
      return count
    }
    return 0
  }

  #endNext(): void {
    const call = this.#calls[this.#nextEnding++ % this.callCountMax]
    if (call?.isOpen) call.isEnding = true
  }

  #openMissing(): void {
    for (let flow = 0; flow < this.callCountMax && this.#changes < CHANGES_MAX; flow++) {
      if (this.#calls[flow] !== null) continue
      const { serverPort, user } = this.#options
      const call = new Call(this.#io, flow, this.#generations[flow]++, serverPort, user)
      this.#calls[flow] = call
      this.#change(call.open(this.#peers[flow % PEER_COUNT].address).then(() => void this.callsOpened++))
    }
  }

  /** Calls that are to end and whose payloads have all returned, or will not. */
  #settleEndings(): void {
    const now = performance.now()
    for (const call of this.#calls) {
      if (call === null || !call.isEnding || !call.isOpen || this.#changes >= CHANGES_MAX) continue
      if (call.returned < call.sent && now - call.lastProgress < LOST_MILLISECONDS) continue
      this.faults.lost += call.sent - call.returned
      call.isOpen = false
      this.#change(this.#release(call))
    }
  }

  async #release(call: Call): Promise<void> {
    await call.end()
    this.#calls[call.flow] = null
  }

  #change(change: Promise<void>): void {
    this.#changes++
    change
      .catch((error: unknown) => {
        this.#error = error
      })
      .finally(() => {
        this.#changes--
      })
  }
}
