// Calls as they are: every flow sends and receives audio, a small packet every 20 ms, and video, 30 frames a second of several large
// packets each. The rate is what it is, whatever the server can do: compared are its CPU time per packet, and what got lost.
import { type LoadResult, Meter } from './meter.js'
import { type Lane, Stage, type StageOptions } from './stage.js'

export interface MixedOptions extends StageOptions {
  readonly warmUpSeconds: number
  readonly seconds: number
}

/** 20 ms of G.711 with RTP's header, 50 times a second. */
const AUDIO = { payloadLength: 172, burst: 1 }
/** One frame of 2.6 Mbit/s video; its packets leave back to back, and arrive coalesced where the receiver takes that. */
const VIDEO = { payloadLength: 1100, burst: 10 }
const AUDIO_PER_SECOND = 50
const VIDEO_PER_SECOND = 30
/** After so long the pattern repeats: 5 audio packets and 3 frames. */
const PERIOD_MS = 100
const DRAIN_MS = 100

/** Packets per second of all flows and both directions. */
export function mixedPacketsPerSecond(flowCount: number): number {
  return flowCount * 2 * (AUDIO_PER_SECOND * AUDIO.burst + VIDEO_PER_SECOND * VIDEO.burst)
}

export function mixed(options: MixedOptions): LoadResult {
  const stage = new Stage(options)
  const shapes = [AUDIO, VIDEO]
  const lanes = [stage.lane('client-to-peer', shapes, 1), stage.lane('peer-to-client', shapes, 1)]
  const calls = new Calls(lanes, options.flowCount)
  calls.run(options.warmUpSeconds * 1000)
  const meter = new Meter(lanes, options.target)
  meter.start()
  const idle = calls.run(options.seconds * 1000)
  meter.stop()
  calls.drain()
  stage.close()
  return meter.result(idle)
}

class Calls {
  readonly #lanes: readonly Lane[]
  /** Sorted by time: when in the period, and the message, doubled and with the lane in the lowest bit. */
  readonly #times: Float64Array
  readonly #messages: Int32Array

  constructor(lanes: readonly Lane[], flowCount: number) {
    this.#lanes = lanes
    const events = schedule(flowCount)
    this.#times = Float64Array.from(events, ({ time }) => time)
    this.#messages = Int32Array.from(events, ({ message, lane }) => (message << 1) | lane)
  }

  /** Returns the milliseconds in which nothing was due and nothing came. */
  run(milliseconds: number): number {
    const [upwards, downwards] = this.#lanes
    let now = performance.now()
    const end = now + milliseconds
    let periodStart = now
    let next = 0
    let idle = 0
    while (now < end) {
      const received = upwards.receiver.receive() + downwards.receiver.receive()
      const isDue = now >= periodStart + this.#times[next]
      if (isDue) {
        this.#lanes[this.#messages[next] & 1].sender.send(this.#messages[next] >> 1, 1, 0)
        next++
        if (next === this.#times.length) {
          next = 0
          periodStart += PERIOD_MS
        }
      }
      const before = now
      now = performance.now()
      if (!isDue && received === 0) idle += now - before
    }
    return idle
  }

  drain(): void {
    const end = performance.now() + DRAIN_MS
    while (performance.now() < end) for (const lane of this.#lanes) lane.receiver.receive()
  }
}

interface Event {
  readonly time: number
  readonly message: number
  readonly lane: number
}

/** The flows' phases are spread evenly, but shuffled, so that neighbours in time are not neighbours in the server's tables. */
function schedule(flowCount: number): Event[] {
  const events: Event[] = []
  for (let flow = 0; flow < flowCount; flow++) {
    for (const lane of [0, 1]) {
      const phase = ((flow * 2 + lane) * 0.6180339887) % 1
      for (const [shape, perSecond] of [AUDIO_PER_SECOND, VIDEO_PER_SECOND].entries()) {
        const interval = 1000 / perSecond
        for (let time = phase * interval; time < PERIOD_MS; time += interval) {
          events.push({ time, message: shape * flowCount + flow, lane })
        }
      }
    }
  }
  return events.sort((left, right) => left.time - right.time)
}
