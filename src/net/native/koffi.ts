// The one place that knows koffi, the foreign function interface. It is an optional dependency: its types are not imported
// either, so that everything compiles, and all but the native engine runs, without it.
import { createRequire } from 'node:module'

/** What is used of koffi. */
export interface Koffi {
  /** Null: the symbols that the process has loaded already, the C library's among them. */
  load(path: string | null): KoffiLibrary
  /** The address of a buffer's memory, which does not move while the buffer is referenced. */
  address(buffer: ArrayBufferView): bigint | number
  /** The C library's errno after the last call of this thread. */
  errno(): number
  /** The type of a C function without a name, and of a pointer to one. */
  proto(result: string, types: readonly string[]): unknown
  pointer(type: unknown): unknown
  /** The address of a C function that calls this one, on the thread that registered it only. There are 8,192 in a process. */
  register(callback: (...values: number[]) => number, pointerType: unknown): bigint
  unregister(address: bigint): void
}

export interface KoffiLibrary {
  /** @param types of the arguments; with at most six plain numbers a call costs about 0.1 µs */
  func(name: string, result: string, types: readonly string[]): unknown
}

/** Throws the reason if koffi is not installed or has no binary for this machine. */
export function loadKoffi(): Koffi {
  return createRequire(import.meta.url)('koffi') as Koffi
}
