// The calls of the C library that the main thread makes for its workers: waking them, and clearing up after a dead one.
import { DISCARDED_DATAGRAM_COUNT_MAX } from '../../limits/reports.js'
import { type Arena, allocateArena } from '../../net/native/arena.js'
import { HELD_WAKE } from '../../net/native/held-fds.js'
import type { Koffi } from '../../net/native/koffi.js'
import type { Libc } from '../../net/native/libc.js'
import type { SlotCalls } from './worker-slot.js'

/** What is written to an eventfd: a number of 8 bytes. */
const WAKE_LENGTH = 8
/** And as much to read to. */
const ARENA_LENGTH = 2 * WAKE_LENGTH

export class NativeCalls implements SlotCalls {
  readonly #libc: Libc
  readonly #arena: Arena

  constructor(koffi: Koffi, libc: Libc) {
    this.#libc = libc
    this.#arena = allocateArena(koffi, ARENA_LENGTH)
    this.#arena.bytes[0] = 1
  }

  /** Ends the wait of the worker that holds these (file descriptors + 1). One that has opened nothing yet is not waiting. */
  wake(heldFds: Int32Array): void {
    const held = Atomics.load(heldFds, HELD_WAKE)
    // Nobody else closes it, so it is still the same, even if the worker has just died.
    if (held > 0) this.#libc.write(held - 1, this.#arena.pointerAt(0), WAKE_LENGTH)
  }

  /** The worker has ended: nothing of it is used any more. */
  closeAll(heldFds: Int32Array): void {
    for (const held of heldFds) if (held > 0) this.#libc.close(held - 1)
    heldFds.fill(0)
  }

  /** Of a worker that has ended, which handed them to nobody. */
  close(fds: readonly number[]): void {
    for (const fd of fds) this.#libc.close(fd)
  }

  /** Throws away what waits in these sockets, which nobody reads now and which never block. */
  discardWaiting(sockets: readonly { readonly fd: number }[]): void {
    for (const { fd } of sockets) {
      let count = 0
      // Of a datagram that does not fit the rest is gone with it.
      while (
        count < DISCARDED_DATAGRAM_COUNT_MAX &&
        this.#libc.read(fd, this.#arena.pointerAt(WAKE_LENGTH), WAKE_LENGTH) >= 0
      )
        count++
    }
  }
}
