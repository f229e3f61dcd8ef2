// What the operating system has handed to the engine and the engine not yet to the core: a queue for each socket. The core must get
// every datagram once, whole, with its source, in the order of its socket.
import { ensure, fail } from './failure.js'
import type { Arrived } from './inputs.js'

type AnyArrived = Arrived<unknown>

export class Arrivals {
  /** By socket. */
  readonly #waiting = new Map<object, AnyArrived[]>()

  add(socket: object, arrived: AnyArrived): void {
    const queue = this.#waiting.get(socket)
    if (queue === undefined) this.#waiting.set(socket, [arrived])
    else queue.push(arrived)
  }

  /** The next datagram of this socket, which must be the one that the core gets. */
  claim(socket: object, source: string, bytes: Uint8Array, what: string): AnyArrived {
    const next = this.#waiting.get(socket)?.shift()
    ensure(next !== undefined, () => `${what}: the core got a datagram of ${source} that nobody sent, or twice`)
    const isSame = next.from === source && Buffer.compare(next.bytes, bytes) === 0
    ensure(isSame, () => {
      return `${what}: the core got ${bytes.length} bytes of ${source}, next were ${next.bytes.length} of ${next.from}`
    })
    return next
  }

  /** The socket whose next datagram is this one. If there are several: the preferred one. */
  socketWith(source: string, bytes: Uint8Array, isPreferred: (arrived: AnyArrived) => boolean): object {
    let found: object | null = null
    for (const [socket, [next]] of this.#waiting) {
      if (next === undefined || next.from !== source || Buffer.compare(next.bytes, bytes) !== 0) continue
      if (isPreferred(next)) return socket
      found ??= socket
    }
    return found ?? fail(`the core got ${bytes.length} bytes of client ${source}, which are next at no listener`)
  }

  /** After a round. */
  ensureClaimed(): void {
    for (const queue of this.#waiting.values()) {
      ensure(queue.length === 0, () => `${queue.length} datagrams of ${queue[0].from} never reached the core`)
    }
  }
}
