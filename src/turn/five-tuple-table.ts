// Finds the allocation of a 5-tuple: open addressing with linear probing, hashes in one Int32Array. On the hot path.
//
//   hashes  [ 0 | h | h | 0 | … ]     0 marks an empty slot; otherwise the hash with its top bit set
//   entries [ - | A | B | - | … ]     the allocation in that slot
//
// Removal shifts later entries of the same run back, so there are no tombstones and a look-up ends at the first empty slot.
import type { Allocation } from './allocation.js'
import { type FiveTuple, hashFiveTuple } from './five-tuple.js'

const SLOT_COUNT_MIN = 1024

export class FiveTupleTable {
  size = 0
  #hashes = new Int32Array(SLOT_COUNT_MIN)
  #entries: (Allocation | null)[] = new Array(SLOT_COUNT_MIN).fill(null)
  #mask = SLOT_COUNT_MIN - 1

  find(fiveTuple: FiveTuple): Allocation | null {
    const mark = markOf(fiveTuple)
    let slot = mark & this.#mask
    while (this.#hashes[slot] !== 0) {
      if (this.#hashes[slot] === mark) {
        const entry = this.#entries[slot] as Allocation
        if (entry.fiveTuple.equals(fiveTuple)) return entry
      }
      slot = (slot + 1) & this.#mask
    }
    return null
  }

  /** The 5-tuple must not be in the table yet. */
  add(allocation: Allocation): void {
    if ((this.size + 1) * 2 > this.#hashes.length) this.#grow()
    this.#place(markOf(allocation.fiveTuple), allocation)
    this.size++
  }

  remove(allocation: Allocation): boolean {
    let slot = markOf(allocation.fiveTuple) & this.#mask
    while (this.#entries[slot] !== allocation) {
      if (this.#hashes[slot] === 0) return false
      slot = (slot + 1) & this.#mask
    }
    this.#closeGap(slot)
    this.size--
    return true
  }

  /** Every allocation, in no order; the table must not change meanwhile. */
  *values(): IterableIterator<Allocation> {
    for (const entry of this.#entries) if (entry !== null) yield entry
  }

  #place(mark: number, allocation: Allocation): void {
    let slot = mark & this.#mask
    while (this.#hashes[slot] !== 0) slot = (slot + 1) & this.#mask
    this.#hashes[slot] = mark
    this.#entries[slot] = allocation
  }

  #closeGap(gap: number): void {
    let slot = gap
    for (;;) {
      slot = (slot + 1) & this.#mask
      const mark = this.#hashes[slot]
      if (mark === 0) break
      // An entry may move back into the gap only if its home slot is not between the gap and itself.
      const distanceFromHome = (slot - mark) & this.#mask
      if (distanceFromHome >= ((slot - gap) & this.#mask)) {
        this.#hashes[gap] = mark
        this.#entries[gap] = this.#entries[slot]
        gap = slot
      }
    }
    this.#hashes[gap] = 0
    this.#entries[gap] = null
  }

  #grow(): void {
    const entries = this.#entries
    const slotCount = entries.length * 2
    this.#hashes = new Int32Array(slotCount)
    this.#entries = new Array(slotCount).fill(null)
    this.#mask = slotCount - 1
    for (const entry of entries) if (entry !== null) this.#place(markOf(entry.fiveTuple), entry)
  }
}

/** Never 0, which marks an empty slot. */
function markOf(fiveTuple: FiveTuple): number {
  return hashFiveTuple(fiveTuple) | 0x40000000
}
