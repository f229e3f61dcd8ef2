// No engine: inputs are calls, and the effects of each are carried out when they have been judged. The operating system's part, sockets
// that open slowly or not at all, and datagrams that are handed in late, is played here.
import type { TransportAddress } from '../../src/stun/address.js'
import { FiveTuple } from '../../src/turn/five-tuple.js'
import type { SeededRandom } from '../support/random.js'
import type { Effect } from '../support/recording-output.js'
import { addressOf } from '../support/turn-address.js'
import {
  type Arrived,
  departureOf,
  type FrameInput,
  type IcmpError,
  isDatagram,
  type Origin,
  type PeerData,
} from './inputs.js'
import type { Rim } from './rim.js'
import type { Scenario } from './scenario.js'
import type { World } from './world.js'

/** Frames stand somewhere inside a buffer that is used again for the next one. */
const FRAME_START = 11
const FRAME_LENGTH_MAX = 65_536
const SLOW_TICKS_MAX = 3_000

export class BareRim implements Rim {
  readonly name = 'bare'
  readonly engine = null
  readonly supportsDontFragment: boolean
  readonly carriesStreams = true
  readonly isPending = false
  readonly #random: SeededRandom
  readonly #buffer = new Uint8Array(FRAME_START + FRAME_LENGTH_MAX)
  #world!: World
  #frame!: Arrived<FrameInput>
  #datagram!: Arrived<PeerData>

  constructor(scenario: Scenario, random: SeededRandom) {
    this.supportsDontFragment = scenario.supportsDontFragment
    this.#random = random
  }

  attach(world: World): void {
    this.#world = world
  }

  frameArrives(client: FiveTuple, bytes: Uint8Array, input: FrameInput, trafficClass: number): void {
    this.#frame = { from: client.client.toString(), bytes, trafficClass, input, client }
    const { core } = this.#world.driver
    this.#inBuffer(bytes, (start, end) => core.handleClientFrame(client, this.#buffer, start, end))
  }

  /** At the operating system's door; nobody may be there any more, or an engine may hand it in late. */
  datagramArrives(input: PeerData, trafficClass: number): void {
    const world = this.#world
    const { sockets } = world.driver.model
    const socket = sockets.at(input.destination)
    if (socket === null || !socket.isLive) return
    const { relayId } = socket
    if (!this.#random.oneIn(20)) {
      this.#handIn(relayId, input, trafficClass)
      return
    }
    world.schedule.add(world.network.time + this.#random.nextInt(SLOW_TICKS_MAX), () => {
      if (!sockets.byRelay.has(relayId)) world.coverage.count('peer to client: relay already closed')
      this.#handIn(relayId, input, trafficClass)
    })
  }

  errorArrives(relay: string, { peer, type, code, info }: IcmpError): void {
    const { core, model } = this.#world.driver
    const socket = model.sockets.at(relay)
    if (socket !== null) core.handlePeerIcmp(socket.relayId, addressOf(peer), type, code, info)
  }

  claimFrame(): Arrived<FrameInput> {
    return this.#frame
  }

  claimDatagram(): Arrived<PeerData> {
    return this.#datagram
  }

  claimError(): void {
    // It is handed in at once.
  }

  claimOpening(): void {
    // So is this.
  }

  expect(): void {
    // There is no engine to be told.
  }

  expectRelay(): void {
    // See carryOut.
  }

  engineListenerId({ listenerId }: FiveTuple): number {
    return listenerId
  }

  carryOut(effects: readonly Effect[], origin: Origin): void {
    for (const effect of effects) {
      if (effect.kind === 'open') this.#open(effect.relayId, effect.address)
      else if (isDatagram(effect)) this.#world.depart(departureOf(effect, this.#world.driver.model, origin, 0))
    }
  }

  roundDelay(): number {
    return Number.POSITIVE_INFINITY
  }

  round(): void {
    // Nothing waits for one.
  }

  checkEnd(): void {
    // The model knows all sockets.
  }

  close(): void {
    // Nothing is held.
  }

  #handIn(relayId: number, input: PeerData, trafficClass: number): void {
    const { source, payload } = input
    this.#datagram = { from: source, bytes: payload, trafficClass, input, client: new FiveTuple() }
    const address: TransportAddress = addressOf(source)
    const { core } = this.#world.driver
    this.#inBuffer(payload, (start, end) => core.handlePeerDatagram(relayId, address, this.#buffer, start, end))
  }

  #inBuffer(bytes: Uint8Array, call: (start: number, end: number) => void): void {
    const end = FRAME_START + bytes.length
    this.#buffer.set(bytes, FRAME_START)
    call(FRAME_START, end)
    // Whatever the core kept must be a copy.
    this.#buffer.fill(0xee, FRAME_START, end)
  }

  #open(relayId: number, bound: string): void {
    const world = this.#world
    const { scenario, isQuiet } = world
    const random = this.#random
    const isSlow = !isQuiet && random.oneIn(scenario.slowOpenOneIn)
    const delay = 1 + random.nextInt(isSlow ? SLOW_TICKS_MAX : 3)
    const isInUse = !isQuiet && random.oneIn(scenario.inUseOneIn)
    const isRefused = !isQuiet && random.oneIn(scenario.refusedOneIn)
    const isReportedLate = random.oneIn(2)
    world.schedule.add(world.network.time + delay, () => {
      const { core, model } = world.driver
      const isWaiting = model.sockets.byRelay.get(relayId)?.bound === bound
      // An engine that closed the socket while it was opening may report all the same.
      if (!isWaiting && !isReportedLate) return
      if (isInUse || isRefused) core.handleRelayFailed(relayId, isInUse)
      else core.handleRelayOpened(relayId)
    })
  }
}
