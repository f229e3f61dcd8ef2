// How much waits in the buffers of the sockets on a port, from /proc/net/udp (proc(5)): what the server has not read yet.
import { readFileSync } from 'node:fs'

/** Half of the smallest buffer that a socket of the server has, as the kernel counts. */
const FULL_BYTES = 512 * 1024
const INTERVAL_MILLISECONDS = 3
const LOCAL_ADDRESS_FIELD = 1
const QUEUES_FIELD = 4

export class QueueGauge {
  readonly #port: string
  #nextLook = 0
  #isFull = false

  constructor(port: number) {
    this.#port = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  }

  /** A look now and then: it costs a tenth of a millisecond. */
  isFull(now: number): boolean {
    if (now < this.#nextLook) return this.#isFull
    this.#nextLook = now + INTERVAL_MILLISECONDS
    this.#isFull = this.#look() > FULL_BYTES
    return this.#isFull
  }

  /** The most of any of its sockets. */
  #look(): number {
    let most = 0
    for (const line of readFileSync('/proc/net/udp', 'latin1').split('\n')) {
      if (!line.includes(this.#port)) continue
      const fields = line.trim().split(/\s+/)
      if (!fields[LOCAL_ADDRESS_FIELD].endsWith(this.#port)) continue
      most = Math.max(most, Number.parseInt(fields[QUEUES_FIELD].split(':')[1], 16))
    }
    return most
  }
}
