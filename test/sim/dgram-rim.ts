// The dgram engine over fake sockets. Each datagram is an event, as with node, so its effects follow at once, but for what waits in a
// socket's queue until the next round.
import { parseListenSpec } from '../../src/config/listen-spec.js'
import { COUNTER_PACKETS_SENT, COUNTER_SEND_QUEUE_DROPS } from '../../src/net/counters.js'
import { DgramEngine } from '../../src/net/dgram/dgram-engine.js'
import { FiveTuple } from '../../src/turn/five-tuple.js'
import { familyOf, hostOf, portOf } from './address-text.js'
import type { Coverage } from './coverage.js'
import { EngineRim } from './engine-rim.js'
import { ensure, fail } from './failure.js'
import { FakeDgram, type FakeDgramOwner, type FakeDgramSocket } from './fake-dgram.js'
import type { Arrived, FrameInput, PeerData } from './inputs.js'
import { LISTENER_HOSTS, listenerAddress, type Scenario } from './scenario.js'
import type { WireDatagram } from './sent-ledger.js'
import type { World } from './world.js'

const SLOW_TICKS_MAX = 3_000
const FULL_QUEUE_BYTES = 8 * 1024 * 1024

export class DgramRim extends EngineRim implements FakeDgramOwner {
  readonly name = 'dgram'
  readonly supportsDontFragment = false
  readonly engine: DgramEngine
  readonly #dgram = new FakeDgram(this)
  readonly #coverage: Coverage
  readonly #rates: { readonly wait: number; readonly full: number }
  /** Packets that the engine had to drop, or that were lost in the queue of a socket that was closed. */
  #fullCount = 0
  #isStarted = false

  private constructor(scenario: Scenario, seed: number, coverage: Coverage) {
    super(scenario, seed)
    this.#coverage = coverage
    this.#rates = { wait: this.random.pick([2, 20, 1000]), full: this.random.pick([20, 200, 10_000]) }
    this.engine = new DgramEngine({ system: this.#dgram })
  }

  static async open(scenario: Scenario, seed: number, coverage: Coverage): Promise<DgramRim> {
    const rim = new DgramRim(scenario, seed, coverage)
    const addresses = ([4, 6] as const).flatMap((family) => {
      return [...LISTENER_HOSTS[family].keys()].map((listenerId) => listenerAddress(listenerId, family))
    })
    await rim.engine.openListeners(addresses.map((address) => parseListenSpec(`udp:${address}`)))
    return rim
  }

  override attach(world: World): void {
    super.attach(world)
    // Its timer never comes to run: a simulation does not return to the event loop.
    this.engine.start(world.driver.core)
    this.#isStarted = true
  }

  frameArrives(client: FiveTuple, bytes: Uint8Array, input: FrameInput, trafficClass: number): void {
    const from = client.client.toString()
    const to = listenerAddress(client.listenerId, familyOf(from))
    this.#arrive(to, { from, bytes, trafficClass, input, client })
  }

  datagramArrives(input: PeerData, trafficClass: number): void {
    const { destination, source, payload: bytes } = input
    this.#arrive(destination, { from: source, bytes, trafficClass, input, client: new FiveTuple() })
  }

  errorArrives(): void {
    // Sockets without a connection do not hear of them.
  }

  claimError(): void {
    fail('an ICMP error, which node:dgram cannot know of')
  }

  get isPending(): boolean {
    return this.#dgram.isWaiting
  }

  round(): void {
    this.#dgram.flush()
    this.ledger.endRound()
    const { counters } = this.engine
    const { lostCount, sentCount } = this.ledger
    const dropCount = counters[COUNTER_SEND_QUEUE_DROPS]
    ensure(dropCount === this.#fullCount, () => `${this.#fullCount} packets met a full queue, ${dropCount} counted`)
    const counted = counters[COUNTER_PACKETS_SENT] + dropCount
    ensure(counted === sentCount + lostCount, () => `${sentCount} packets sent, ${lostCount} lost, ${counted} counted`)
    this.#coverage.count('engine: round')
  }

  checkEnd(): void {
    this.round()
    const left = this.#dgram.openCount - this.engine.listeners.length
    ensure(left === 0, () => `${left} sockets were left open`)
  }

  close(): void {
    void this.engine.stop()
  }

  // Of the fake sockets.

  defer(run: () => void): void {
    if (!this.#isStarted) {
      queueMicrotask(run)
      return
    }
    const isSlow = !this.world.isQuiet && this.random.oneIn(this.scenario.slowOpenOneIn)
    const delay = 1 + this.random.nextInt(isSlow ? SLOW_TICKS_MAX : 3)
    this.world.schedule.add(this.world.network.time + delay, run)
  }

  bindError(): string {
    if (!this.#isStarted || this.world.isQuiet) return ''
    if (this.random.oneIn(this.scenario.inUseOneIn)) {
      this.noteOpenFailure('in-use')
      return 'EADDRINUSE'
    }
    if (!this.random.oneIn(this.scenario.refusedOneIn)) return ''
    this.noteOpenFailure('refused')
    return 'EMFILE'
  }

  bound(socket: FakeDgramSocket): void {
    this.noteRelaySocket(socket.boundText, socket)
  }

  mustWait(): boolean {
    const isWaiting = !this.world.isQuiet && this.random.oneIn(this.#rates.wait)
    if (isWaiting) this.#coverage.count('dgram: send queued')
    return isWaiting
  }

  queuedBytes(): number {
    if (this.world.isQuiet || !this.random.oneIn(this.#rates.full)) return 0
    this.#fullCount++
    this.#coverage.count('dgram: queue full')
    this.ledger.mayLoseLatest()
    return FULL_QUEUE_BYTES
  }

  sent(datagram: WireDatagram): void {
    this.left(datagram)
  }

  dropped(socket: FakeDgramSocket): void {
    this.#coverage.count('dgram: closed with packets in the queue')
    this.ledger.mayLoseAllFrom(socket.boundText)
  }

  /** An event, if anybody listens: between bind and the report of it nobody does. */
  #arrive(to: string, arrived: Arrived<unknown>): void {
    const socket = this.#dgram.at(to)
    if (socket === undefined || socket.listenerCount('message') === 0) return
    const { from, bytes } = arrived
    const family = familyOf(from) === 6 ? 'IPv6' : 'IPv4'
    const source = { address: hostOf(from), port: portOf(from), family, size: bytes.length }
    // No answer could reach port 0: it is a forged source.
    if (source.port !== 0) this.arrivals.add(socket, arrived)
    // Each has memory of its own, which may be sent later.
    socket.emit('message', Buffer.from(bytes), source)
    this.arrivals.ensureClaimed()
  }
}
