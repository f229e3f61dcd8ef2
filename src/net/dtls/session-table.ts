// Finds the session of a client by its address and the listener that it uses; those two are all that a datagram tells.
import { hashTransportAddress } from '../../stun/address.js'
import type { FiveTuple } from '../../turn/five-tuple.js'
import type { DtlsSession } from './dtls-session.js'

export class SessionTable {
  /** The first session of each hash; the others follow by `next`. */
  readonly #heads = new Map<number, DtlsSession>()
  readonly #sessions = new Set<DtlsSession>()

  get size(): number {
    return this.#sessions.size
  }

  find({ client, listenerId }: FiveTuple): DtlsSession | null {
    let session = this.#heads.get(hashTransportAddress(client) ^ listenerId) ?? null
    while (session !== null) {
      const { fiveTuple } = session
      if (fiveTuple.listenerId === listenerId && fiveTuple.client.equals(client)) return session
      session = session.next
    }
    return null
  }

  /** No other session of this client and listener is in the table. */
  add(session: DtlsSession): void {
    const hash = hashOf(session)
    session.next = this.#heads.get(hash) ?? null
    this.#heads.set(hash, session)
    this.#sessions.add(session)
  }

  remove(session: DtlsSession): void {
    if (!this.#sessions.delete(session)) return
    const hash = hashOf(session)
    const head = this.#heads.get(hash) as DtlsSession
    if (head === session) {
      if (session.next === null) this.#heads.delete(hash)
      else this.#heads.set(hash, session.next)
    } else {
      let previous = head
      while (previous.next !== session) previous = previous.next as DtlsSession
      previous.next = session.next
    }
    session.next = null
  }

  /** Oldest first; sessions may be removed meanwhile. */
  values(): IterableIterator<DtlsSession> {
    return this.#sessions.values()
  }
}

function hashOf({ fiveTuple: { client, listenerId } }: DtlsSession): number {
  return hashTransportAddress(client) ^ listenerId
}
