// Carries the dialogues of many clients with a server at once, over UDP: what gets lost is sent again (RFC 8489 §6.2.1), and who waits in vain fails.
import { setImmediate as turn } from 'node:timers/promises'
import { LOOPBACK_WORD } from '../../bench/generator/endpoint.js'
import type { Crowd } from './crowd.js'
import type { Dialogue, Said } from './dialogue.js'

/** Twice as long after each try, up to `retransmissionMillisecondsMax`. */
const RETRANSMISSION_MILLISECONDS = 500
const WAIT_MILLISECONDS_MAX = 60_000
const TRANSACTION_ID_START = 8
const TRANSACTION_ID_END = 20
/** Where nothing has come: the server may need the processor. */
const IDLE_MILLISECONDS = 0.3
/** Rounds between turns of Node's event loop while there is always something to do. */
const ROUNDS_PER_TURN = 16

const NOTHING: Said = { host: 0, bytes: new Uint8Array(0) }

interface Lane {
  readonly dialogue: Dialogue
  said: Said
  tries: number
  since: number
  deadline: number
}

export interface LanesOptions {
  readonly clients: Crowd
  readonly serverPort: number
  /** The next dialogue, whose hosts are of no other that goes on; 'later' if none may begin now, or null when there are no more. */
  readonly next: () => Dialogue | 'later' | null
  /** So many at a time. */
  readonly laneCount: number
  /** Called in each round: peers answer. Returns how much there was to do. */
  readonly aside: () => number
  /** The longest wait for an answer before the frame is sent again. */
  readonly retransmissionMillisecondsMax?: number
  /** A frame of the server that no dialogue waits for. */
  readonly other?: (host: number, bytes: Uint8Array) => void
}

export class Lanes {
  endedCount = 0
  retransmissionCount = 0
  readonly #options: LanesOptions
  readonly #intervalMax: number
  /** By the host that waits. */
  readonly #lanes = new Map<number, Lane>()
  readonly #sleeper = new Int32Array(new SharedArrayBuffer(4))
  #isExhausted = false

  constructor(options: LanesOptions) {
    this.#options = options
    this.#intervalMax = options.retransmissionMillisecondsMax ?? Number.POSITIVE_INFINITY
  }

  /** Resolves when every dialogue has ended; rejects with what one of them throws. */
  async run(): Promise<void> {
    let rounds = 0
    while (this.#fill() || this.#lanes.size > 0) {
      const count = this.#options.clients.receive((host, _sourceHost, _sourcePort, bytes) => this.#receive(host, bytes))
      const others = this.#options.aside()
      this.#options.clients.flush()
      if (count + others === 0) {
        this.#retransmit(performance.now())
        Atomics.wait(this.#sleeper, 0, 0, IDLE_MILLISECONDS)
      }
      if (count + others === 0 || ++rounds % ROUNDS_PER_TURN === 0) await turn()
    }
  }

  /** Starts dialogues where there is room. False if there are no more. */
  #fill(): boolean {
    while (!this.#isExhausted && this.#lanes.size < this.#options.laneCount) {
      const dialogue = this.#options.next()
      if (dialogue === 'later') break
      if (dialogue === null) this.#isExhausted = true
      else this.#step({ dialogue, said: NOTHING, tries: 0, since: 0, deadline: 0 }, null)
    }
    return !this.#isExhausted
  }

  #receive(host: number, bytes: Uint8Array): void {
    const lane = this.#lanes.get(host)
    if (lane !== undefined && isExpected(lane.said.bytes, bytes)) this.#step(lane, bytes)
    else this.#options.other?.(host, bytes)
  }

  #step(lane: Lane, received: Uint8Array | null): void {
    const step = received === null ? lane.dialogue.next() : lane.dialogue.next(received)
    if (step.done === true || step.value.host !== lane.said.host) this.#lanes.delete(lane.said.host)
    if (step.done === true) {
      this.endedCount++
      return
    }
    lane.said = step.value
    lane.tries = 0
    lane.since = performance.now()
    this.#lanes.set(lane.said.host, lane)
    this.#send(lane, lane.since)
  }

  #retransmit(now: number): void {
    for (const lane of this.#lanes.values()) {
      if (now < lane.deadline) continue
      this.retransmissionCount++
      this.#send(lane, now)
    }
  }

  #send(lane: Lane, now: number): void {
    const { bytes, host } = lane.said
    if (now - lane.since > WAIT_MILLISECONDS_MAX) throw new Error(`no answer to ${Buffer.from(bytes).toString('hex')}`)
    lane.deadline = now + Math.min(RETRANSMISSION_MILLISECONDS * 2 ** lane.tries, this.#intervalMax)
    lane.tries++
    this.#options.clients.send(host, LOOPBACK_WORD, this.#options.serverPort, bytes)
  }
}

/** The answer with the request's transaction id, or the same ChannelData. */
export function isExpected(frame: Uint8Array, received: Uint8Array): boolean {
  if (frame[0] >= 0x40) return Buffer.compare(frame, received) === 0
  if (received[0] >= 0x40 || received.length < TRANSACTION_ID_END) return false
  for (let at = TRANSACTION_ID_START; at < TRANSACTION_ID_END; at++) if (frame[at] !== received[at]) return false
  return true
}
