// Messages of the self-test as the kernel wants them: an array of struct mmsghdr with an address, iovecs, control messages and
// bytes each, laid out as layout.ts says. The engine builds its own the same way, for speed; these are for being checked.
import { CMSGHDR, controlSpace, IOVEC, MMSGHDR, MSGHDR, SOCKADDR_IN6 } from './layout.js'
import type { GuardedMemory } from './self-test-memory.js'

/** Room for the longest address. */
const NAME_LENGTH = SOCKADDR_IN6.size

export interface MessageShape {
  readonly count: number
  /** Bytes of each. */
  readonly length: number
  /** Bytes of control messages of each. */
  readonly controlLength: number
  /** Into how many pieces the bytes of each may be cut. */
  readonly iovecCount: number
}

/** One message that was received. */
export interface Received {
  /** As the kernel wrote it, so many bytes as it said. */
  readonly name: Uint8Array
  readonly bytes: Uint8Array
  readonly flags: number
  readonly controls: readonly Control[]
}

export interface Control {
  readonly level: number
  readonly type: number
  readonly data: Uint8Array
}

interface Slot {
  readonly header: number
  readonly name: number
  readonly iovecs: number
  readonly control: number
  readonly bytes: number
}

export class Messages {
  readonly #memory: GuardedMemory
  readonly #shape: MessageShape
  readonly #slots: Slot[] = []
  readonly #headers: number

  constructor(memory: GuardedMemory, shape: MessageShape) {
    this.#memory = memory
    this.#shape = shape
    this.#headers = memory.reserve('message headers', shape.count * MMSGHDR.size)
    for (let index = 0; index < shape.count; index++) {
      const slot: Slot = {
        header: this.#headers + index * MMSGHDR.size + MMSGHDR.msg_hdr,
        name: memory.reserve('address', NAME_LENGTH),
        iovecs: memory.reserve('iovecs', shape.iovecCount * IOVEC.size),
        control: memory.reserve('control messages', shape.controlLength),
        bytes: memory.reserve('packet', shape.length),
      }
      memory.storePointer(slot.header + MSGHDR.msg_name, slot.name)
      memory.storePointer(slot.header + MSGHDR.msg_iov, slot.iovecs)
      memory.storePointer(slot.header + MSGHDR.msg_control, slot.control)
      this.#slots.push(slot)
    }
  }

  get count(): number {
    return this.#shape.count
  }

  /** For sendmmsg and recvmmsg. */
  get pointer(): number {
    return this.#memory.pointerAt(this.#headers)
  }

  /** For recvmsg: the first message alone. */
  get headerPointer(): number {
    return this.#memory.pointerAt(this.#slots[0].header)
  }

  /** Makes all ready for receiving, empty. */
  clear(): void {
    const { length, controlLength } = this.#shape
    for (const { header, iovecs, bytes, name, control } of this.#slots) {
      this.#memory.bytes.fill(0, name, name + NAME_LENGTH)
      this.#memory.bytes.fill(0, control, control + controlLength)
      this.#memory.bytes.fill(0, bytes, bytes + length)
      this.#storeIovec(iovecs, bytes, length)
      this.#storeHeader(header, NAME_LENGTH, 1, controlLength)
    }
  }

  /** Fills one for sending, cut into an iovec for each of `parts`, with at most one control message. */
  fill(index: number, name: Uint8Array, parts: readonly Uint8Array[], control: Control | null = null): void {
    const slot = this.#slots[index]
    const { bytes, view } = this.#memory
    bytes.set(name, slot.name)
    let at = slot.bytes
    parts.forEach((part, position) => {
      bytes.set(part, at)
      this.#storeIovec(slot.iovecs + position * IOVEC.size, at, part.length)
      at += part.length
    })
    if (control !== null) {
      view.setBigUint64(slot.control + CMSGHDR.cmsg_len, BigInt(CMSGHDR.size + control.data.length), true)
      view.setInt32(slot.control + CMSGHDR.cmsg_level, control.level, true)
      view.setInt32(slot.control + CMSGHDR.cmsg_type, control.type, true)
      bytes.set(control.data, slot.control + CMSGHDR.size)
    }
    const controlLength = control === null ? 0 : controlSpace(control.data.length)
    this.#storeHeader(slot.header, name.length, parts.length, controlLength)
  }

  /** What recvmmsg put into one; of recvmsg the length is its result. */
  received(index: number, length = this.#memory.view.getUint32(this.#lengthAt(index), true)): Received {
    const { view, bytes } = this.#memory
    const { header, name, bytes: start } = this.#slots[index]
    const nameLength = view.getUint32(header + MSGHDR.msg_namelen, true)
    if (nameLength > NAME_LENGTH || length > this.#shape.length)
      throw new Error('a length that the kernel wrote is wrong')
    return {
      name: bytes.slice(name, name + nameLength),
      bytes: bytes.slice(start, start + length),
      flags: view.getInt32(header + MSGHDR.msg_flags, true),
      controls: this.#controls(index),
    }
  }

  /** The bytes of one that the kernel says it has sent. */
  sentLength(index: number): number {
    return this.#memory.view.getUint32(this.#lengthAt(index), true)
  }

  #controls(index: number): Control[] {
    const { view, bytes } = this.#memory
    const { header, control } = this.#slots[index]
    const controlLength = Number(view.getBigUint64(header + MSGHDR.msg_controllen, true))
    if (controlLength > this.#shape.controlLength) throw new Error('the length of control messages is wrong')
    const controls: Control[] = []
    const end = control + controlLength
    for (let at = control; at + CMSGHDR.size <= end; ) {
      const length = Number(view.getBigUint64(at + CMSGHDR.cmsg_len, true))
      if (length < CMSGHDR.size || at + length > end) throw new Error('the length of a control message is wrong')
      controls.push({
        level: view.getInt32(at + CMSGHDR.cmsg_level, true),
        type: view.getInt32(at + CMSGHDR.cmsg_type, true),
        data: bytes.slice(at + CMSGHDR.size, at + length),
      })
      at += controlSpace(length - CMSGHDR.size)
    }
    return controls
  }

  #lengthAt(index: number): number {
    return this.#headers + index * MMSGHDR.size + MMSGHDR.msg_len
  }

  #storeHeader(header: number, nameLength: number, iovecCount: number, controlLength: number): void {
    const { view } = this.#memory
    view.setUint32(header + MSGHDR.msg_namelen, nameLength, true)
    view.setBigUint64(header + MSGHDR.msg_iovlen, BigInt(iovecCount), true)
    view.setBigUint64(header + MSGHDR.msg_controllen, BigInt(controlLength), true)
    view.setInt32(header + MSGHDR.msg_flags, 0, true)
  }

  #storeIovec(at: number, target: number, length: number): void {
    this.#memory.storePointer(at + IOVEC.iov_base, target)
    this.#memory.view.setBigUint64(at + IOVEC.iov_len, BigInt(length), true)
  }
}
