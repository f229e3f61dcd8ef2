// Memory for decrypted frames. The core's output may keep a payload for as long as it likes, so nothing is written twice: frames are placed one behind
// the other, and a new piece is taken when the last is used up.
import { DTLS_FRAME_PIECE_BYTES } from '../../limits/dtls.js'
import type { Koffi } from '../native/koffi.js'

export class FrameMemory {
  bytes = new Uint8Array(0)
  /** Where the next frame goes. */
  start = 0
  readonly #koffi: Koffi
  #address = 0

  constructor(koffi: Koffi) {
    this.#koffi = koffi
  }

  /** The address of `start`, from which there is room for this many bytes. */
  addressFor(length: number): number {
    if (this.bytes.length - this.start < length) {
      this.bytes = new Uint8Array(DTLS_FRAME_PIECE_BYTES)
      this.#address = Number(this.#koffi.address(this.bytes))
      this.start = 0
    }
    return this.#address + this.start
  }

  /** What was written stays as it is. */
  use(length: number): void {
    this.start += length
  }
}
