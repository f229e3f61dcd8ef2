// Test packets, known by what is in them: each is sent again until it arrives or patience ends.
import { randomBytes } from 'node:crypto'
import { DOCTOR_SEND_AGAIN_COUNT, DOCTOR_SEND_AGAIN_MILLISECONDS } from '../../limits/doctor.js'

const TAG_LENGTH = 12

export class Arrivals {
  readonly #signal: AbortSignal
  /** By tag, in hex: who waits for it. */
  readonly #waiting = new Map<string, (from: string) => void>()

  /** @param signal when it is aborted nothing is waited for any more */
  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

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
    let giveUp = () => {}
    try {
      return await new Promise((resolve) => {
        giveUp = () => resolve(null)
        this.#signal.addEventListener('abort', giveUp)
        if (this.#signal.aborted) giveUp()
        this.#waiting.set(tag, resolve)
        send(packet)
        for (
          let wait = DOCTOR_SEND_AGAIN_MILLISECONDS, at = wait, count = 0;
          count < DOCTOR_SEND_AGAIN_COUNT;
          count++
        ) {
          timers.push(setTimeout(send, at, packet))
          wait *= 2
          at += wait
        }
        timers.push(setTimeout(resolve, patienceMs, null))
      })
    } finally {
      this.#signal.removeEventListener('abort', giveUp)
      this.#waiting.delete(tag)
      for (const timer of timers) clearTimeout(timer)
    }
  }
}
