// A bad network in user space, for kernels without netem: a UDP proxy that loses, repeats, delays and reorders datagrams, both ways. Each client has a port of
// its own towards the server, as behind a NAT, which may change while it runs.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { Test } from 'tap'
import type { SeededRandom } from './random.js'

export interface PathFaults {
  /** One in so many datagrams. */
  readonly lossOneIn: number
  readonly repeatOneIn: number
  /** One in so many waits for up to `delayMilliseconds`, while others overtake it. */
  readonly delayOneIn: number
  readonly delayMilliseconds: number
}

export class LossyPath {
  port = 0
  lostCount = 0
  repeatedCount = 0
  delayedCount = 0
  readonly #front = createSocket({ type: 'udp4', recvBufferSize: 1024 * 1024 })
  /** By the client's port. */
  readonly #upstreams = new Map<number, Socket>()
  readonly #host: string
  readonly #serverPort: number
  readonly #faults: PathFaults
  readonly #random: SeededRandom
  #isClosed = false

  private constructor(host: string, serverPort: number, faults: PathFaults, random: SeededRandom) {
    this.#host = host
    this.#serverPort = serverPort
    this.#faults = faults
    this.#random = random
  }

  /** From a port of `host` to the server's on the same; closed when `t` ends. */
  static async open(
    t: Test,
    host: string,
    serverPort: number,
    faults: PathFaults,
    random: SeededRandom,
  ): Promise<LossyPath> {
    const path = new LossyPath(host, serverPort, faults, random)
    path.#front.on('error', () => {})
    path.#front.on('message', (bytes, { port }) => path.#toServer(bytes, port))
    path.#front.bind(0, host)
    await once(path.#front, 'listening')
    path.port = path.#front.address().port
    t.teardown(() => path.#close())
    return path
  }

  #toServer(bytes: Buffer, clientPort: number): void {
    const upstream = this.#upstreams.get(clientPort) ?? this.#openUpstream(clientPort)
    this.#pass(() => upstream.send(bytes, this.#serverPort, this.#host))
  }

  #openUpstream(clientPort: number): Socket {
    const upstream = createSocket({ type: 'udp4', recvBufferSize: 1024 * 1024 })
    upstream.on('error', () => {})
    upstream.on('message', (bytes) => this.#pass(() => this.#front.send(bytes, clientPort, this.#host)))
    this.#upstreams.set(clientPort, upstream)
    return upstream
  }

  #pass(send: () => void): void {
    const { delayMilliseconds, delayOneIn, lossOneIn, repeatOneIn } = this.#faults
    if (this.#random.oneIn(lossOneIn)) {
      this.lostCount++
      return
    }
    const isRepeated = this.#random.oneIn(repeatOneIn)
    if (isRepeated) this.repeatedCount++
    for (let count = isRepeated ? 2 : 1; count > 0; count--) {
      if (!this.#random.oneIn(delayOneIn)) {
        send()
        continue
      }
      this.delayedCount++
      setTimeout(() => {
        if (!this.#isClosed) send()
      }, this.#random.nextInt(delayMilliseconds))
    }
  }

  #close(): void {
    this.#isClosed = true
    this.#front.close()
    for (const upstream of this.#upstreams.values()) upstream.close()
  }
}
