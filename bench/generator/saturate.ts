// A load that fills the server: more is sent only as packets arrive, so the server is saturated without drowning in drops.
// The generator never sleeps, since a server would pay for waking it.
import { type LoadResult, Meter } from './meter.js'
import { type Direction, type Lane, Stage, type StageOptions } from './stage.js'

export interface SaturateOptions extends StageOptions {
  readonly direction: Direction
  readonly payloadLength: number
  /** Packets that leave together from one client, or to one: a burst arrives coalesced where the receiver takes that. */
  readonly burst: number
  /** Packets sent and not yet received, at most. */
  readonly inFlightMax: number
  readonly warmUpSeconds: number
  readonly seconds: number
}

/** A call carries as many messages, so that its own cost is small beside theirs, but no more than a quarter of what may be in flight. */
const MESSAGES_PER_CALL_MAX = 16
const MESSAGE_COUNT_MIN = 64
/** Nothing came for so long although packets are in flight: they are lost, go on. */
const STALL_MS = 10
const DRAIN_MS = 100
/** With nothing to do, look again after so long: looking often takes the server's lock on the socket. */
const PAUSE_MS = 0.003

export function saturate(options: SaturateOptions): LoadResult {
  const { flowCount, burst, payloadLength, direction, inFlightMax } = options
  const stage = new Stage(options)
  const messagesPerStream = Math.ceil(MESSAGE_COUNT_MIN / flowCount)
  const lane = stage.lane(direction, [{ payloadLength, burst }], messagesPerStream)
  const saturation = new Saturation(lane, burst, inFlightMax)
  saturation.run(options.warmUpSeconds * 1000)
  const meter = new Meter([lane], options.target)
  meter.start()
  const idle = saturation.run(options.seconds * 1000)
  meter.stop()
  saturation.drain()
  stage.close()
  return meter.result(idle)
}

class Saturation {
  readonly #lane: Lane
  readonly #burst: number
  readonly #inFlightMax: number
  readonly #messagesPerCall: number
  #next = 0
  #writtenOff = 0
  #lastArrival = 0

  constructor(lane: Lane, burst: number, inFlightMax: number) {
    this.#lane = lane
    this.#burst = burst
    this.#inFlightMax = inFlightMax
    this.#messagesPerCall = Math.min(MESSAGES_PER_CALL_MAX, Math.ceil(inFlightMax / burst / 4))
  }

  /** Offers load for so long. Returns the milliseconds without anything to do. */
  run(milliseconds: number): number {
    let now = performance.now()
    const end = now + milliseconds
    this.#lastArrival = now
    let idle = 0
    while (now < end) {
      const sent = this.#send()
      const received = this.#lane.receiver.receive()
      const before = now
      now = performance.now()
      if (received > 0) this.#lastArrival = now
      else if (now - this.#lastArrival > STALL_MS) this.#writeOff(now)
      if (sent > 0 || received > 0) continue
      while (now < before + PAUSE_MS) now = performance.now()
      idle += now - before
    }
    return idle
  }

  /** Receives what is still on its way. */
  drain(): void {
    const end = performance.now() + DRAIN_MS
    while (performance.now() < end) this.#lane.receiver.receive()
  }

  /** Sends a call's worth of messages if so many more may be on their way. */
  #send(): number {
    const { sender, receiver } = this.#lane
    // Of those written off, most turn up as missing later, when the next ones of their streams arrive.
    const lost = Math.max(receiver.deliveries.missing, this.#writtenOff)
    const inFlight = sender.sent - receiver.received - lost
    const count = Math.min(this.#messagesPerCall, sender.messageCount - this.#next)
    if (inFlight + count * this.#burst > this.#inFlightMax) return 0
    const sent = sender.send(this.#next, count, 0)
    this.#next = this.#next + sent === sender.messageCount ? 0 : this.#next + sent
    return sent
  }

  #writeOff(now: number): void {
    this.#writtenOff = this.#lane.sender.sent - this.#lane.receiver.received
    this.#lastArrival = now
  }
}
