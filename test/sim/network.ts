// The simulated network: links that lose, delay, reorder and repeat datagrams, or keep their order like a stream.
import type { SeededRandom } from '../support/random.js'
import type { Coverage } from './coverage.js'
import type { Schedule } from './schedule.js'

export interface LinkQuality {
  /** Each once in so many datagrams on average. */
  readonly lossOneIn: number
  readonly duplicateOneIn: number
  /** Delays are drawn from 1 to this: datagrams overtake each other. */
  readonly delayTicksMax: number
}

export interface Link extends LinkQuality {
  /** A stream: nothing is lost, repeated or overtaken. */
  readonly isStream: boolean
  lastArrival: number
}

/** Repeats arrive up to so much later than the first. */
const REPEAT_TICKS_MAX = 400
const LATE_REPEAT_TICKS_MAX = 60_000
/** Within bursts less is lost: they are there to arrive together. */
const BURST_LOSS_FACTOR = 4

export class Network {
  /** Where the schedule stands, in ticks; the core's clock lags a little behind. */
  time = 0
  readonly schedule: Schedule
  readonly #random: SeededRandom
  readonly #coverage: Coverage

  constructor(schedule: Schedule, random: SeededRandom, coverage: Coverage) {
    this.schedule = schedule
    this.#random = random
    this.#coverage = coverage
  }

  /** Datagrams that arrive at the same time, in this order, but for those that are lost. */
  postBurst(link: Link, delivers: readonly (() => void)[]): void {
    const arrival = Math.max(link.lastArrival, this.time + 1 + this.#random.nextInt(link.delayTicksMax))
    link.lastArrival = arrival
    for (const deliver of delivers) {
      if (!link.isStream && this.#random.oneIn(link.lossOneIn * BURST_LOSS_FACTOR))
        this.#coverage.count('network: lost')
      else this.schedule.add(arrival, deliver)
    }
  }

  post(link: Link, deliver: () => void): void {
    const random = this.#random
    const arrival = this.time + 1 + random.nextInt(link.delayTicksMax)
    if (link.isStream) {
      link.lastArrival = Math.max(link.lastArrival, arrival)
      this.schedule.add(link.lastArrival, deliver)
      return
    }
    if (random.oneIn(link.lossOneIn)) {
      this.#coverage.count('network: lost')
      return
    }
    if (arrival < link.lastArrival) this.#coverage.count('network: overtaken')
    link.lastArrival = Math.max(link.lastArrival, arrival)
    this.schedule.add(arrival, deliver)
    if (random.oneIn(link.duplicateOneIn)) {
      this.#coverage.count('network: repeated')
      const spread = random.oneIn(8) ? LATE_REPEAT_TICKS_MAX : REPEAT_TICKS_MAX
      this.schedule.add(arrival + random.nextInt(spread), deliver)
    }
  }
}
