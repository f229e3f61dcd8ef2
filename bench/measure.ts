// Measures one operation inside this process: how many a second, and how many bytes of heap each leaves behind as garbage.
// Needs `node --expose-gc`, and a young generation large enough that nothing is collected in the middle of a chunk (see run.ts).
import { getHeapStatistics } from 'node:v8'
import { median } from './statistics.js'

export interface Measurement {
  readonly name: string
  readonly operationsPerSecond: number
  /** Bytes that the operations allocated, per operation, whether they are garbage afterwards or not. */
  readonly heapBytesPerOperation: number
  /** Bytes still there after a full collection, per operation. */
  readonly retainedBytesPerOperation: number
}

/** Runs the operation `count` times. Returns something that depends on every run, so that none is optimised away. */
export type Operation = (count: number) => number

const CHUNK_COUNT = 10_000
const HEAP_OPERATION_COUNT = 1_000_000
const WARM_UP_SECONDS = 0.5
const ROUND_COUNT = 5

/** Kept global: what operations return goes here. */
let sink = 0

export function measure(name: string, seconds: number, operation: Operation): Measurement {
  run(operation, WARM_UP_SECONDS)
  const rounds: number[] = []
  for (let round = 0; round < ROUND_COUNT; round++) rounds.push(run(operation, seconds / ROUND_COUNT))
  const heap = measureHeap(operation)
  if (sink === Number.NEGATIVE_INFINITY) throw new Error('an operation returned no number')
  return {
    name,
    operationsPerSecond: Math.round(median(rounds)),
    heapBytesPerOperation: heap.allocated / HEAP_OPERATION_COUNT,
    retainedBytesPerOperation: heap.retained / HEAP_OPERATION_COUNT,
  }
}

/** Returns operations per second. */
function run(operation: Operation, seconds: number): number {
  const start = performance.now()
  const end = start + seconds * 1000
  let count = 0
  let now = start
  while (now < end) {
    sink += operation(CHUNK_COUNT)
    count += CHUNK_COUNT
    now = performance.now()
  }
  return (count / (now - start)) * 1000
}

/**
 * The heap is read after every chunk and its growth added up: garbage counts too. Where a collection made the heap shrink, the
 * chunk is repeated, so nothing hides behind it. The readings' own garbage (about a kilobyte each) is measured and taken off.
 */
function measureHeap(operation: Operation): { allocated: number; retained: number } {
  collectGarbage()
  const before = usedHeapBytes()
  let allocated = 0
  for (let done = 0; done < HEAP_OPERATION_COUNT; ) {
    const growth = growthOf(() => operation(CHUNK_COUNT))
    if (growth < 0) continue
    allocated += growth
    done += CHUNK_COUNT
  }
  collectGarbage()
  return { allocated, retained: usedHeapBytes() - before }
}

/** The growth of the heap by one call, or a negative number if garbage was collected meanwhile. */
function growthOf(call: () => number): number {
  const nothing = usedHeapBytes()
  const start = usedHeapBytes()
  sink += call()
  const growth = usedHeapBytes() - start
  const ownGarbage = start - nothing
  return growth < 0 ? growth : Math.max(0, growth - ownGarbage)
}

function usedHeapBytes(): number {
  return getHeapStatistics().used_heap_size
}

function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error('start node with --expose-gc')
  globalThis.gc()
  globalThis.gc()
}
