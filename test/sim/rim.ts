// The rim of the core in a simulation: what stands between it and the network. Scenarios, judges and invariants are the same for all:
//
//   bare     nothing: inputs are calls, effects are carried out when they have been judged
//   native   the native engine over a fake kernel: inputs and effects are datagrams, several in a round
//   dgram    the dgram engine over fake sockets of node:dgram
import type { TransportAddress } from '../../src/stun/address.js'
import type { FiveTuple } from '../../src/turn/five-tuple.js'
import type { TurnOutput } from '../../src/turn/output.js'
import type { Effect } from '../support/recording-output.js'
import type { Arrived, Departure, FrameInput, IcmpError, Origin, PeerData } from './inputs.js'
import type { World } from './world.js'

export const RIM_NAMES = ['bare', 'native', 'dgram'] as const
export type RimName = (typeof RIM_NAMES)[number]

/** What became of a relay's socket. */
export type OpenOutcome = 'opened' | 'in-use' | 'refused'

export interface Rim {
  readonly name: RimName
  /** Gets the core's effects; null: `carryOut` does, when they have been judged. */
  readonly engine: TurnOutput | null
  readonly supportsDontFragment: boolean
  /** May clients come over streams? */
  readonly carriesStreams: boolean
  /** Before anything else. */
  attach(world: World): void

  // From the network. An engine hands it to the core when it likes.

  frameArrives(client: FiveTuple, bytes: Uint8Array, input: FrameInput, trafficClass: number): void
  datagramArrives(input: PeerData, trafficClass: number): void
  /** @param relay the bound address of the relay socket that had sent what the error is about */
  errorArrives(relay: string, error: IcmpError): void

  // The core is called: with which of the things that arrived? Throws a SimFailure if it is none of those that are next.

  claimFrame(client: FiveTuple, bytes: Uint8Array): Arrived<FrameInput>
  claimDatagram(relayId: number, source: TransportAddress, bytes: Uint8Array): Arrived<PeerData>
  claimError(relayId: number, error: IcmpError): void
  claimOpening(relayId: number, outcome: OpenOutcome): void

  // Effects.

  /** The engine is about to be told to send this. */
  expect(departure: Departure): void
  /** The engine is about to be told to open a socket there. */
  expectRelay(relayId: number, address: string): void
  /** The number that the engine has for a listener. */
  engineListenerId(client: FiveTuple): number
  /** Effects that have been judged; only without an engine. */
  carryOut(effects: readonly Effect[], origin: Origin): void

  // Rounds of the engine.

  readonly isPending: boolean
  /** How many ticks until something that is pending is looked at. */
  roundDelay(): number
  round(): void
  /** Nothing may be left, neither sockets nor datagrams. */
  checkEnd(): void
  /** Also after a failure. */
  close(): void
}
