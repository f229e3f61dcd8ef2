// What the generator needs of the operating system, opened once: the C library and one arena for all that the kernel reads or writes.
import { type Arena, allocateArena } from '../../src/net/native/arena.js'
import { loadKoffi } from '../../src/net/native/koffi.js'
import * as layout from '../../src/net/native/layout.js'
import { type Libc, openLibc } from '../../src/net/native/libc.js'

const ARENA_LENGTH = 48 << 20

export interface Kernel {
  readonly libc: Libc
  readonly arena: Arena
}

export function openKernel(): Kernel {
  const koffi = loadKoffi()
  return { libc: openLibc(koffi), arena: allocateArena(koffi, ARENA_LENGTH) }
}

/** The result of a call that must not fail. */
export function must(kernel: Kernel, result: number, call: string): number {
  if (result < 0) throw new Error(`${call}: errno ${kernel.libc.errno()}`)
  return result
}

/** The result of a call that may find nothing to do now: then 0. */
export function orNothing(kernel: Kernel, result: number, call: string): number {
  if (result >= 0) return result
  const errno = kernel.libc.errno()
  if (errno === layout.EAGAIN || errno === layout.EINTR) return 0
  throw new Error(`${call}: errno ${errno}`)
}
