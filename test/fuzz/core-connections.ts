// What an engine knows of the TCP connections of a fuzzed core (RFC 6062): which are being made, which wait, which are bound. Every handle
// is closed or bound once, and nothing is left in the books of the core.
import type { CoreHarness } from '../support/core-harness.js'
import type { SeededRandom } from '../support/random.js'
import type { Effect } from '../support/recording-output.js'

const PEER_PORTS = [1, 6000, 6000, 7000]

export class CoreConnections {
  readonly #harness: CoreHarness
  readonly #connecting = new Set<number>()
  /** Handles of those that nobody has bound, by id. */
  readonly #waiting = new Map<number, number>()
  readonly #bound = new Set<number>()
  readonly #closing = new Set<number>()
  readonly #answered = new Set<number>()
  /** Pairs that have ended since the last tick: the core need not have noticed. */
  #endedCount = 0

  constructor(harness: CoreHarness) {
    const { random } = harness
    this.#harness = harness
    harness.connectOutcome = ({ connectionId }) => {
      // Effects may be settled twice.
      if (this.#answered.has(connectionId)) return 'pending'
      this.#answered.add(connectionId)
      const outcome = random.pick(['connected', 'connected', 'failed', 'pending'] as const)
      if (outcome === 'connected') this.#waiting.set(connectionId, harness.lastHandle + 1)
      else if (outcome === 'pending') this.#connecting.add(connectionId)
      return outcome
    }
  }

  /** Those that wait to be bound, and one or two that do not (any more). */
  get ids(): number[] {
    return [...this.#waiting.keys(), ...[...this.#bound].slice(-1), ...[...this.#connecting].slice(-1)]
  }

  take(effect: Effect): void {
    if (effect.kind === 'close-peer') this.#close(effect.connectionId, effect.handle)
    else if (effect.kind === 'bind-peer') this.#bind(effect.connectionId, effect.handle)
    else if (effect.kind === 'close-data') {
      if (!this.#bound.has(effect.connectionId) || this.#closing.has(effect.connectionId))
        throw new Error('closed twice')
      this.#closing.add(effect.connectionId)
    }
  }

  /** What peers and the operating system do: late answers, connections to relays, ends of pairs, data. All effects have been taken. */
  goOn(random: SeededRandom, sockets: ReadonlySet<number>): void {
    const { core } = this.#harness
    const id = random.pick([...this.#connecting, random.nextUint32()])
    if (random.oneIn(10)) {
      const isKnown = this.#connecting.delete(id)
      const handle = ++this.#harness.lastHandle
      if (isKnown) this.#waiting.set(id, handle)
      core.handlePeerConnected(id, handle)
    } else if (random.oneIn(20)) {
      this.#connecting.delete(id)
      core.handlePeerConnectFailed(id)
    }
    if (random.oneIn(6)) this.#peerConnects(random, random.pick([...sockets, 0]))
    const pair = random.pick([...this.#bound, random.nextUint32()])
    if (random.oneIn(4)) core.admitConnectionData(pair, random.nextInt(2), random.nextInt(70_000))
    if (random.oneIn(this.#closing.has(pair) ? 3 : 20)) this.#end(pair)
  }

  ticked(): void {
    this.#endedCount = 0
  }

  check(): void {
    const { connections } = this.#harness.core
    const openCount = this.#connecting.size + this.#waiting.size + this.#bound.size
    if (connections === null || connections.data.size !== this.#bound.size) throw new Error('bound in one book only')
    const { slotCount, size } = connections.peers
    if (slotCount < openCount || slotCount > openCount + this.#endedCount || size > slotCount) {
      throw new Error(`${slotCount} slots, ${size} connections, but ${openCount} open and ${this.#endedCount} ended`)
    }
  }

  #peerConnects(random: SeededRandom, relayId: number): void {
    const { core } = this.#harness
    const host = random.pick(['1.2.3.4', '1.2.3.4', '5.6.7.8', '127.0.0.1', '192.0.2.1'])
    const source = `${host}:${random.pick(PEER_PORTS)}`
    const id = this.#harness.peerConnects(relayId, source)
    if (id === 0) return
    if (core.relays.find(relayId)?.isTcp !== true) throw new Error('a connection to a relay that is none for TCP')
    if (host === '127.0.0.1') throw new Error(`a connection from ${source}`)
    this.#waiting.set(id, this.#harness.lastHandle)
  }

  #close(id: number, handle: number): void {
    const isKnown = handle === 0 ? this.#connecting.delete(id) : this.#waiting.get(id) === handle
    if (!isKnown) throw new Error(`closed connection ${id} with handle ${handle}, which there is not`)
    this.#waiting.delete(id)
  }

  #bind(id: number, handle: number): void {
    if (this.#waiting.get(id) !== handle) throw new Error(`bound connection ${id} with handle ${handle}`)
    this.#waiting.delete(id)
    this.#bound.add(id)
  }

  #end(id: number): void {
    if (this.#bound.delete(id)) this.#endedCount++
    this.#closing.delete(id)
    this.#harness.core.handleDataConnectionEnded(id)
  }
}
