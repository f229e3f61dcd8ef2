// A TURN client whose requests are answered one after the other. It owns no socket: `exchange` carries a request to the server and
// returns the answer, here straight into the core (core-world.ts).
import type { TransportAddress } from '../src/stun/address.js'
import { type ClientUser, type Dialogue, TurnDialogue } from './turn-dialogue.js'

/** Carries one request to the server. Returns its answer; throws if there is none. */
export type Exchange = (request: Uint8Array) => Uint8Array

export class TurnClient {
  readonly #exchange: Exchange
  readonly #dialogue: TurnDialogue

  constructor(exchange: Exchange, user: ClientUser) {
    this.#exchange = exchange
    this.#dialogue = new TurnDialogue(user)
  }

  /** Returns false if the server has an allocation for this 5-tuple already. */
  allocate(): boolean {
    return this.#carry(this.#dialogue.allocate())
  }

  createPermission(peer: TransportAddress): void {
    this.#carry(this.#dialogue.createPermission(peer))
  }

  bindChannel(channelNumber: number, peer: TransportAddress): void {
    this.#carry(this.#dialogue.bindChannel(channelNumber, peer))
  }

  #carry<Result>(dialogue: Dialogue<Result>): Result {
    let step = dialogue.next()
    while (step.done !== true) step = dialogue.next(this.#exchange(step.value))
    return step.value
  }
}
