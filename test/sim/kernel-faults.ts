// What goes wrong in the fake kernel of a simulation, by seed: rates, paths that are narrow, sockets that do not open.
import {
  EADDRINUSE,
  EAGAIN,
  ECONNREFUSED,
  EINTR,
  EINVAL,
  EIO,
  EMSGSIZE,
  ENOBUFS,
  MSG_CTRUNC,
  MSG_TRUNC,
} from '../../src/net/native/layout.js'
import { EHOSTUNREACH, EMFILE, ENOSPC, EPERM } from '../net/native/fake-kernel-errno.js'
import type { FakeKernelFaults } from '../net/native/fake-kernel-faults.js'
import type { FakeSocket } from '../net/native/fake-kernel-socket.js'
import type { SeededRandom } from '../support/random.js'
import type { OpenOutcome } from './rim.js'
import type { Scenario } from './scenario.js'

const SEGMENT_ERRORS: readonly number[] = [EINVAL, EIO, EMSGSIZE]
const SEND_ERRORS: readonly number[] = [EAGAIN, ENOBUFS, ECONNREFUSED, EHOSTUNREACH, EPERM]
/** IP packets: Ethernet, PPPoE and a tunnel, and the least that IPv6 allows. */
const MTUS: readonly number[] = [1500, 1500, 1500, 1420, 1280]

export class SeededFaults implements FakeKernelFaults {
  /** Nothing is wrong any more (the end of a run). */
  isQuiet = false
  readonly #random: SeededRandom
  readonly #scenario: Scenario
  readonly #rates: {
    readonly send: number
    readonly partial: number
    readonly truncation: number
    readonly separate: number
  }
  readonly #mtus = new Map<string, number>()

  readonly #onOpenFailure: (outcome: OpenOutcome) => void

  /** @param onOpenFailure told when a socket is refused, and how */
  constructor(scenario: Scenario, random: SeededRandom, onOpenFailure: (outcome: OpenOutcome) => void) {
    this.#onOpenFailure = onOpenFailure
    this.#scenario = scenario
    this.#random = random
    this.#rates = {
      send: random.pick([12, 100, 100_000]),
      partial: random.pick([3, 20, 1000]),
      truncation: random.pick([60, 1000, 100_000]),
      separate: random.pick([1, 3, 20, 1000]),
    }
  }

  openError(): number {
    if (!this.#happens(this.#scenario.refusedOneIn)) return 0
    this.#onOpenFailure('refused')
    return EMFILE
  }

  bindError(): number {
    if (!this.#happens(this.#scenario.inUseOneIn)) return 0
    this.#onOpenFailure('in-use')
    return EADDRINUSE
  }

  watchError(): number {
    if (!this.#happens(this.#scenario.refusedOneIn * 4)) return 0
    this.#onOpenFailure('refused')
    return ENOSPC
  }

  waitError(): number {
    return this.#happens(200) ? EINTR : 0
  }

  sendError(_socket: FakeSocket, _destination: string, segmentCount: number): number {
    if (!this.#happens(this.#rates.send)) return 0
    const isOfSegments = segmentCount > 1 && this.#random.oneIn(2)
    return this.#random.pick(isOfSegments ? SEGMENT_ERRORS : SEND_ERRORS)
  }

  sendCount(messageCount: number): number {
    return this.#happens(this.#rates.partial) ? 1 + this.#random.nextInt(messageCount) : messageCount
  }

  receiveCount(bufferCount: number): number {
    return this.#happens(this.#rates.partial) ? 1 + this.#random.nextInt(bufferCount) : bufferCount
  }

  truncation(): number {
    return this.#happens(this.#rates.truncation) ? this.#random.pick([MSG_TRUNC, MSG_CTRUNC]) : 0
  }

  separates(): boolean {
    return this.#random.oneIn(this.#rates.separate)
  }

  mtuTo(destination: string): number {
    let mtu = this.#mtus.get(destination)
    if (mtu === undefined) {
      mtu = this.#random.pick(MTUS)
      this.#mtus.set(destination, mtu)
    }
    return mtu
  }

  #happens(oneIn: number): boolean {
    return !this.isQuiet && this.#random.oneIn(oneIn)
  }
}
