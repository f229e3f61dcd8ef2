// Clients over UDP whose datagrams come to another worker than the one that has their allocation (RFC 8016). The worker that gets their first Refresh
// from there hands it to the other one, by way of the main thread; that one answers, and opens a socket of its own for the client.
//
//   Refresh ─► worker 1: authentic, the ticket says worker 0 ─► main thread ─► worker 0: answers ─► socket for this client ─► …
import { TokenSession } from '../../auth/token-session.js'
import { FORWARDED_MOVES_PER_SECOND_MAX } from '../../limits/turn.js'
import type { NativeEngine } from '../../net/native/native-engine.js'
import type { TransportAddress } from '../../stun/address.js'
import { TICKS_PER_SECOND } from '../../turn/allocation.js'
import type { TurnCore } from '../../turn/core.js'
import { FiveTuple } from '../../turn/five-tuple.js'
import type { ForwardedMove, MoveOutput } from '../../turn/output.js'
import type { Exchange } from '../../turn/request.js'
import { reviveAddress } from './revive.js'

/** A Refresh on its way to the worker that the ticket names: plain data. Listener ids are each worker's own, addresses are all workers'. */
export interface PostedMove extends ForwardedMove {
  readonly client: TransportAddress
  /** What the listener's socket is bound to, and the address that the client has asked there. */
  readonly listener: { readonly address: TransportAddress; readonly isWildcard: boolean }
  readonly asked: TransportAddress
}

export class Moves implements MoveOutput {
  readonly #engine: NativeEngine
  readonly #post: (workerIndex: number, move: PostedMove) => void
  readonly #now: () => number
  readonly #client = new FiveTuple()
  #secondStart = 0
  #count = 0

  /** @param now ticks of the core */
  constructor(engine: NativeEngine, post: (workerIndex: number, move: PostedMove) => void, now: () => number) {
    this.#engine = engine
    this.#post = post
    this.#now = now
  }

  reaches({ listenerId }: FiveTuple): boolean {
    const { listeners } = this.#engine
    return listeners.socketOf(listeners.socketIdOf(listenerId)).isSteered === true
  }

  forward(workerIndex: number, exchange: Exchange, bytes: Uint8Array): boolean {
    const now = this.#now()
    if (now - this.#secondStart >= TICKS_PER_SECOND) {
      this.#secondStart = now
      this.#count = 0
    }
    if (this.#count === FORWARDED_MOVES_PER_SECOND_MAX) return false
    this.#count++
    const { account, client, integrity, key, session, username } = exchange
    const { listeners } = this.#engine
    const { address, isWildcard } = listeners.socketOf(listeners.socketIdOf(client.listenerId))
    this.#post(workerIndex, {
      ...{ account, integrity, username, client: client.client, listener: { address, isWildcard } },
      asked: listeners.localAddressOf(client.listenerId),
      // Of a view the whole memory behind it would be copied.
      key: key === null ? null : new Uint8Array(key),
      session,
      bytes: bytes.slice(),
    })
    return true
  }

  openWay(client: FiveTuple): boolean {
    return this.#engine.ways.open(client)
  }

  closeWay(listenerId: number): void {
    this.#engine.ways.close(listenerId)
  }

  /** One that another worker has posted. */
  receive(core: TurnCore, { asked, client, listener, ...move }: PostedMove): void {
    const { listeners, ways } = this.#engine
    const listenerId = listeners.idOf(reviveAddress(listener.address), listener.isWildcard, reviveAddress(asked))
    // It has been closed meanwhile.
    if (listenerId < 0) return
    this.#client.client.copyFrom(client)
    this.#client.listenerId = listenerId
    ways.find(this.#client)
    const { session } = move
    core.handleForwardedMove(this.#client, { ...move, session: session === null ? null : reviveSession(session) })
  }
}

function reviveSession({ expiresAtSeconds, kid, macKey, userhash }: TokenSession): TokenSession {
  return new TokenSession(kid, userhash, macKey, expiresAtSeconds)
}
