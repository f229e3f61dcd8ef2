// What the rims with an engine have in common. An engine works in batches, so nothing can be said about one input from what has left
// when it is over; but every call between engine, core and operating system is seen, and together they say as much:
//
//   arrived at a socket  =  handed to the core, in order, whole        (Arrivals)
//   handed to the core   →  effects, judged input by input             (CoreDriver, as without an engine)
//   effects              =  left the sockets, in order of each flow    (SentLedger)
//   packets counted by the engine  =  packets on the wire
import type { TransportAddress } from '../../src/stun/address.js'
import type { FiveTuple } from '../../src/turn/five-tuple.js'
import type { TurnOutput } from '../../src/turn/output.js'
import { SeededRandom } from '../support/random.js'
import { Arrivals } from './arrivals.js'
import { ensure, fail } from './failure.js'
import type { Arrived, Departure, FrameInput, IcmpError, PeerData } from './inputs.js'
import type { OpenOutcome, Rim, RimName } from './rim.js'
import type { Scenario } from './scenario.js'
import { SentLedger, type WireDatagram } from './sent-ledger.js'
import type { World } from './world.js'

export abstract class EngineRim implements Rim {
  abstract readonly name: RimName
  abstract readonly engine: TurnOutput
  abstract readonly supportsDontFragment: boolean
  abstract readonly isPending: boolean
  readonly carriesStreams = false
  protected readonly random: SeededRandom
  protected readonly scenario: Scenario
  protected readonly arrivals = new Arrivals()
  protected readonly ledger = new SentLedger()
  protected world!: World
  /** By the simulator's number and the family: the engine's number. */
  readonly #listenerIds = new Map<string, number>()
  /** The latest relay to be opened at an address, and the socket of each relay. */
  readonly #relayIds = new Map<string, number>()
  readonly #relaySockets = new Map<number, object>()
  readonly #openOutcomes = new Map<number, OpenOutcome>()
  #openingId = -1
  readonly #roundDelayMax: number

  constructor(scenario: Scenario, seed: number) {
    this.scenario = scenario
    // Its own: what an engine does must not change what the world does.
    this.random = new SeededRandom(seed ^ 0x2545f491)
    this.#roundDelayMax = this.random.pick([1, 3, 12])
  }

  attach(world: World): void {
    this.world = world
  }

  abstract frameArrives(client: FiveTuple, bytes: Uint8Array, input: FrameInput, trafficClass: number): void
  abstract datagramArrives(input: PeerData, trafficClass: number): void
  abstract errorArrives(relay: string, error: IcmpError): void
  abstract claimError(relayId: number, error: IcmpError): void
  abstract round(): void
  abstract checkEnd(): void
  abstract close(): void

  claimFrame(client: FiveTuple, bytes: Uint8Array): Arrived<FrameInput> {
    const source = client.client.toString()
    const isSameListener = (arrived: Arrived<unknown>) => {
      return this.#listenerIds.get(listenerKey(arrived.client)) === client.listenerId
    }
    const socket = this.arrivals.socketWith(source, bytes, isSameListener)
    const arrived = this.arrivals.claim(socket, source, bytes, 'a listener') as Arrived<FrameInput>
    this.#noteListener(arrived.client, client.listenerId)
    return arrived
  }

  claimDatagram(relayId: number, source: TransportAddress, bytes: Uint8Array): Arrived<PeerData> {
    const socket = this.socketOfRelay(relayId)
    return this.arrivals.claim(socket, source.toString(), bytes, `relay ${relayId}`) as Arrived<PeerData>
  }

  expect(departure: Departure): void {
    this.ledger.expect(departure)
  }

  expectRelay(relayId: number, address: string): void {
    this.#relayIds.set(address, relayId)
    this.#openingId = relayId
    this.#openOutcomes.set(relayId, 'opened')
  }

  /** The operating system refuses the socket that is being opened. */
  protected noteOpenFailure(outcome: OpenOutcome): void {
    this.#openOutcomes.set(this.#openingId, outcome)
  }

  claimOpening(relayId: number, outcome: OpenOutcome): void {
    const expected = this.#openOutcomes.get(relayId)
    ensure(outcome === expected, () => `the socket of relay ${relayId}: ${expected}, reported as ${outcome}`)
  }

  /** The operating system has given this address to a relay's socket. */
  protected noteRelaySocket(address: string, socket: object): void {
    const relayId = this.#relayIds.get(address)
    if (relayId !== undefined) this.#relaySockets.set(relayId, socket)
  }

  /** Also when it is closed: a relay's number is its own for long. */
  protected socketOfRelay(relayId: number): object {
    return this.#relaySockets.get(relayId) ?? fail(`relay ${relayId} never had a socket`)
  }

  engineListenerId(client: FiveTuple): number {
    return (
      this.#listenerIds.get(listenerKey(client)) ?? fail(`an answer at a listener where nobody asked: ${client.client}`)
    )
  }

  carryOut(): void {
    // The engine does, and its sockets tell.
  }

  roundDelay(): number {
    return this.random.nextInt(this.#roundDelayMax)
  }

  /** A datagram has left a socket. */
  protected left(datagram: WireDatagram): Departure {
    const departure = this.ledger.take(datagram)
    this.world.depart(departure)
    return departure
  }

  /** Numbers of listeners must not be mixed up. */
  #noteListener(client: FiveTuple, engineId: number): void {
    const key = listenerKey(client)
    const known = this.#listenerIds.get(key)
    if (known === undefined) {
      ensure(![...this.#listenerIds.values()].includes(engineId), () => `listener ${engineId} is two listeners`)
      this.#listenerIds.set(key, engineId)
    } else {
      ensure(known === engineId, () => `listener ${key} is ${known} and ${engineId} to the engine`)
    }
  }
}

function listenerKey({ client, listenerId }: FiveTuple): string {
  return `${listenerId}/${client.family}`
}
