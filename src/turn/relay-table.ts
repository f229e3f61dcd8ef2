// Relays by their number. A number is a slot and the slot's generation, so that a late answer or datagram for a closed
// relay finds nothing, even when the slot has a new tenant.
import { RELAY_COUNT_MAX } from '../limits/turn.js'
import type { Relay } from './allocation.js'

/** RELAY_COUNT_MAX is a power of two. */
const SLOT_BITS = 31 - Math.clz32(RELAY_COUNT_MAX)
const SLOT_MASK = RELAY_COUNT_MAX - 1
/** Numbers stay small integers: 30 bits. */
const GENERATION_MASK = 0x3fff

export class RelayTable {
  size = 0
  readonly #slots: (Relay | null)[] = []
  readonly #generations: number[] = []
  readonly #freeSlots: number[] = []

  /** The number for the next relay to add, or -1 if all slots are taken. */
  nextId(): number {
    const slot = this.#freeSlots.length > 0 ? this.#freeSlots[this.#freeSlots.length - 1] : this.#slots.length
    if (slot >= RELAY_COUNT_MAX) return -1
    return ((this.#generations[slot] ?? 0) << SLOT_BITS) | slot
  }

  /** The relay's number must come from nextId(). */
  add(relay: Relay): void {
    const slot = relay.id & SLOT_MASK
    if (slot === this.#slots.length) {
      this.#slots.push(null)
      this.#generations.push(0)
    } else {
      this.#freeSlots.pop()
    }
    this.#slots[slot] = relay
    this.size++
  }

  find(relayId: number): Relay | null {
    const slot = relayId & SLOT_MASK
    if (slot >= this.#slots.length) return null
    const relay = this.#slots[slot]
    return relay !== null && relay.id === relayId ? relay : null
  }

  remove(relay: Relay): void {
    const slot = relay.id & SLOT_MASK
    if (this.#slots[slot] !== relay) return
    this.#slots[slot] = null
    this.#generations[slot] = (this.#generations[slot] + 1) & GENERATION_MASK
    this.#freeSlots.push(slot)
    this.size--
  }
}
