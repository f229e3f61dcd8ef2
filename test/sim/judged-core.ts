// A TurnCore each of whose calls is judged before the next, whoever makes them: the simulator, or an engine in the middle of a round.
import type { TransportAddress } from '../../src/stun/address.js'
import { TurnCore } from '../../src/turn/core.js'
import type { TurnCoreOptions } from '../../src/turn/core-options.js'
import type { FiveTuple } from '../../src/turn/five-tuple.js'
import type { IcmpError } from './inputs.js'

/** Gets each call with what the core would do; makes that call once and judges what came of it. */
export interface Referee {
  /** `call` wants the client as the simulator numbers its listener. */
  frame(client: FiveTuple, bytes: Uint8Array, call: (client: FiveTuple) => number): number
  datagram(relayId: number, source: TransportAddress, bytes: Uint8Array, call: () => number): number
  icmp(relayId: number, error: IcmpError, call: () => number): number
  relayOpened(relayId: number, call: () => void): void
  relayFailed(relayId: number, inUse: boolean, call: () => void): void
}

export class JudgedCore extends TurnCore {
  readonly #referee: Referee

  constructor(options: TurnCoreOptions, referee: Referee) {
    super(options)
    this.#referee = referee
  }

  override handleClientFrame(client: FiveTuple, bytes: Uint8Array, start: number, end: number): number {
    return this.#referee.frame(client, bytes.subarray(start, end), (renumbered) => {
      return super.handleClientFrame(renumbered, bytes, start, end)
    })
  }

  override handlePeerDatagram(
    relayId: number,
    peer: TransportAddress,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    return this.#referee.datagram(relayId, peer, bytes.subarray(start, end), () => {
      return super.handlePeerDatagram(relayId, peer, bytes, start, end)
    })
  }

  override handlePeerIcmp(
    relayId: number,
    peer: TransportAddress,
    icmpType: number,
    icmpCode: number,
    errorData: number,
  ): number {
    const error = { peer: peer.toString(), type: icmpType, code: icmpCode, info: errorData }
    return this.#referee.icmp(relayId, error, () => {
      return super.handlePeerIcmp(relayId, peer, icmpType, icmpCode, errorData)
    })
  }

  override handleRelayOpened(relayId: number): void {
    this.#referee.relayOpened(relayId, () => super.handleRelayOpened(relayId))
  }

  override handleRelayFailed(relayId: number, inUse: boolean): void {
    this.#referee.relayFailed(relayId, inUse, () => super.handleRelayFailed(relayId, inUse))
  }
}
