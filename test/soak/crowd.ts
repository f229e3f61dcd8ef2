// A crowd of hosts in one UDP socket, each with an address of its own in 127.0.0.0/8 and all with the same port: clients by the hundred thousand, or
// their peers. Many datagrams share a system call. Made of the parts of the benches' load generator; only where withoutKoffi() is false.
import { Endpoint, portWord, swapBytes } from '../../bench/generator/endpoint.js'
import { IncomingMessages } from '../../bench/generator/incoming-messages.js'
import type { Kernel } from '../../bench/generator/kernel.js'
import { OutgoingMessages } from '../../bench/generator/outgoing-messages.js'

const RECEIVE_COUNT = 64
const SEND_COUNT = 64
const SEND_LENGTH_MAX = 1024

/** `host` is ours; addresses are 32-bit words. The bytes are good until the handler returns. */
export type CrowdHandler = (host: number, sourceHost: number, sourcePort: number, bytes: Uint8Array) => void

export class Crowd {
  readonly port: number
  readonly #kernel: Kernel
  readonly #endpoint: Endpoint
  readonly #incoming: IncomingMessages
  readonly #outgoing: OutgoingMessages
  readonly #slots: number
  #queued = 0

  constructor(kernel: Kernel) {
    this.#kernel = kernel
    this.#endpoint = new Endpoint(kernel, 0)
    this.port = this.#endpoint.port
    this.#incoming = new IncomingMessages(kernel, RECEIVE_COUNT)
    this.#slots = kernel.arena.reserve(SEND_COUNT * SEND_LENGTH_MAX)
    const empty = { portWord: 0, hostWord: 0, sourceHostWord: 0, start: this.#slots, segmentLength: 0, segmentCount: 1 }
    this.#outgoing = new OutgoingMessages(kernel, this.#endpoint, Array(SEND_COUNT).fill(empty))
  }

  /** Queues a datagram of one of the hosts; flush() sends it. */
  send(host: number, toHost: number, toPort: number, bytes: Uint8Array): void {
    if (bytes.length > SEND_LENGTH_MAX) throw new RangeError(`${bytes.length} bytes are too long for a slot`)
    const start = this.#slots + this.#queued * SEND_LENGTH_MAX
    this.#kernel.arena.bytes.set(bytes, start)
    this.#outgoing.set(this.#queued, {
      portWord: portWord(toPort),
      hostWord: swapBytes(toHost),
      sourceHostWord: swapBytes(host),
      start,
      segmentLength: bytes.length,
      segmentCount: 1,
    })
    if (++this.#queued === SEND_COUNT) this.flush()
  }

  /** What the kernel has no room for is lost, as on any network. */
  flush(): void {
    let first = 0
    while (first < this.#queued) {
      const sent = this.#outgoing.send(first, this.#queued - first)
      if (sent === 0) break
      first += sent
    }
    this.#queued = 0
  }

  /** Handles what is there now, without waiting. Returns how many datagrams. */
  receive(handle: CrowdHandler): number {
    const incoming = this.#incoming
    const { bytes } = this.#kernel.arena
    const count = incoming.receive(this.#endpoint)
    let handled = 0
    for (let index = 0; index < count; index++) {
      const host = swapBytes(incoming.destinationHostWord(index))
      const sourceHost = swapBytes(incoming.sourceHostWord(index))
      const sourceWord = incoming.sourcePortWord(index)
      const sourcePort = (((sourceWord >>> 16) & 0xff) << 8) | (sourceWord >>> 24)
      const end = incoming.start(index) + incoming.length(index)
      for (let at = incoming.start(index); at < end; handled++) {
        const next = Math.min(end, at + incoming.segmentLength(index))
        handle(host, sourceHost, sourcePort, bytes.subarray(at, next))
        at = next
      }
    }
    return handled
  }

  close(): void {
    this.#endpoint.close()
  }
}
