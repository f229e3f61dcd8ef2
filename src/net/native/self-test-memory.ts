// Memory of the self-test: pieces of one arena, each between two guards of known bytes. Whatever is written beyond a piece,
// because a size or an offset is not what layout.ts says, is found by `check`.
import type { Arena } from './arena.js'

const GUARD_LENGTH = 64

interface Guard {
  readonly piece: string
  readonly start: number
  readonly end: number
}

export class GuardedMemory {
  readonly bytes: Uint8Array
  /** The same memory, for fields of any width, little-endian. */
  readonly view: DataView
  readonly #arena: Arena
  readonly #guards: Guard[] = []
  readonly #shortBy: number

  /** @param shortBy bytes that every piece is too short by; 0, except to prove that the guards see it */
  constructor(arena: Arena, shortBy: number) {
    this.#arena = arena
    this.#shortBy = shortBy
    this.bytes = arena.bytes
    this.view = new DataView(arena.bytes.buffer)
  }

  /** Zeroed memory, aligned to a cache line. Returns its offset. */
  reserve(piece: string, length: number): number {
    const start = this.#arena.reserve(GUARD_LENGTH + length + GUARD_LENGTH)
    const offset = start + GUARD_LENGTH
    const end = offset + length
    this.#guard({ piece, start, end: offset })
    this.#guard({ piece, start: end - this.#shortBy, end: end + GUARD_LENGTH })
    return offset
  }

  pointerAt(offset: number): number {
    return this.#arena.pointerAt(offset)
  }

  storePointer(at: number, target: number): void {
    this.#arena.storePointer(at, target)
  }

  /** Throws if anything was written outside of the pieces. */
  check(): void {
    for (const { piece, start, end } of this.#guards) {
      for (let at = start; at < end; at++) {
        if (this.bytes[at] !== guardByte(at)) throw new Error(`memory beside the ${piece} was written to`)
      }
    }
  }

  #guard(guard: Guard): void {
    for (let at = guard.start; at < guard.end; at++) this.bytes[at] = guardByte(at)
    this.#guards.push(guard)
  }
}

/** Differs from its neighbours, so that a piece that is moved by some bytes shows too. */
function guardByte(at: number): number {
  return (at * 151 + 89) & 0xff
}
