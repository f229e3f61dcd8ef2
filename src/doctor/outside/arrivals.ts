// Test packets, known by what is in them: each is sent again until it arrives or patience ends.
import { randomBytes } from 'node:crypto'

/** A lossy path has three more chances. */
const SEND_AGAIN_MILLISECONDS = [150, 400, 900]
const TAG_LENGTH = 12

export class Arrivals {
  /** By tag, in hex: who waits for it. */
  readonly #waiting = new Map<string, (from: string) => void>()

  /** A datagram came. @param from as text */
  note(from: string, datagram: Uint8Array): void {
    this.#waiting.get(Buffer.from(datagram.subarray(0, TAG_LENGTH)).toString('hex'))?.(from)
  }

  /**
   * Sends a packet of this length until it arrives. The sender's address as the receiver sees it; null if it does not arrive.
   * @param send is called with the packet, several times perhaps
   */
  async expect(send: (packet: Uint8Array) => void, patienceMs: number, length = TAG_LENGTH): Promise<string | null> {
    const packet = Buffer.alloc(length)
    packet.set(randomBytes(TAG_LENGTH))
    const tag = packet.subarray(0, TAG_LENGTH).toString('hex')
    const timers: NodeJS.Timeout[] = []
    try {
      return await new Promise((resolve) => {
        this.#waiting.set(tag, resolve)
        send(packet)
        for (const milliseconds of SEND_AGAIN_MILLISECONDS) timers.push(setTimeout(send, milliseconds, packet))
        timers.push(setTimeout(resolve, patienceMs, null))
      })
    } finally {
      this.#waiting.delete(tag)
      for (const timer of timers) clearTimeout(timer)
    }
  }
}
