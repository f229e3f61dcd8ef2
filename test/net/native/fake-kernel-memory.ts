// How the fake kernel reads and writes the engine's memory: every pointer must lie in the arena with all that it points to, every struct
// must be as the kernel wants it. What a real kernel would answer with EFAULT, or silently take, is thrown as a KernelFault here.

import {
  AF_INET,
  AF_INET6,
  CMSGHDR,
  IOVEC,
  MSGHDR,
  SOCKADDR_IN,
  SOCKADDR_IN6,
  UIO_MAXIOV,
} from '../../../src/net/native/layout.js'
import { TransportAddress } from '../../../src/stun/address.js'

const CONTROL_LENGTH_MAX = 4096

/** The engine did what it must never do: a bug, never an outcome of the network. */
export class KernelFault extends Error {
  override name = 'KernelFault'
}

export function demand(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new KernelFault(message())
}

/** Bytes of the arena; `start` is an offset. */
export interface Range {
  readonly start: number
  readonly length: number
}

/** A struct msghdr, whose pointers have been checked. A range of length 0 is an absent one. */
export interface Message {
  readonly header: number
  readonly name: Range
  readonly parts: readonly Range[]
  /** Bytes of all parts. */
  readonly length: number
  readonly control: Range
}

export interface ControlMessage {
  readonly level: number
  readonly type: number
  readonly data: Range
}

export class KernelMemory {
  readonly bytes: Uint8Array
  readonly #view: DataView
  readonly #base: number

  /** @param base the address of bytes[0] */
  constructor(bytes: Uint8Array, base: number) {
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#base = base
  }

  /** The offset of what a pointer points to. */
  at(pointer: number, length: number, what: string): number {
    demand(Number.isSafeInteger(pointer) && pointer !== 0, () => `${what}: ${pointer} is no pointer`)
    const offset = pointer - this.#base
    const isInside = offset >= 0 && length >= 0 && offset + length <= this.bytes.length
    demand(isInside, () => `${what}: ${length} bytes at offset ${offset} are not all in the arena`)
    return offset
  }

  uint8(at: number): number {
    return this.#view.getUint8(at)
  }

  uint16(at: number): number {
    return this.#view.getUint16(at, true)
  }

  int32(at: number): number {
    return this.#view.getInt32(at, true)
  }

  uint32(at: number): number {
    return this.#view.getUint32(at, true)
  }

  /** A size or a pointer: 64 bits, which must be an integer that JavaScript can hold. */
  uint64(at: number): number {
    const value = this.#view.getUint32(at + 4, true) * 2 ** 32 + this.#view.getUint32(at, true)
    demand(Number.isSafeInteger(value), () => `a length or pointer of ${value} at offset ${at}`)
    return value
  }

  setUint8(at: number, value: number): void {
    this.#view.setUint8(at, value)
  }

  setUint16(at: number, value: number): void {
    this.#view.setUint16(at, value, true)
  }

  setUint32(at: number, value: number): void {
    this.#view.setUint32(at, value, true)
  }

  setUint64(at: number, value: number): void {
    this.#view.setBigUint64(at, BigInt(value), true)
  }

  /** Where the first part of a message begins: all that is looked at of a message that is not needed yet. */
  firstPart(header: number, what: string): number {
    const iovec = this.at(this.uint64(header + MSGHDR.msg_iov), IOVEC.size, what)
    return this.at(this.uint64(iovec + IOVEC.iov_base), this.uint64(iovec + IOVEC.iov_len), what)
  }

  /** Reads a struct msghdr and everything that it points to. */
  message(header: number, what: string): Message {
    demand((header + this.#base) % 8 === 0, () => `${what}: not aligned`)
    const partCount = this.uint64(header + MSGHDR.msg_iovlen)
    demand(partCount <= UIO_MAXIOV, () => `${what}: ${partCount} iovecs`)
    const partsAt =
      partCount === 0 ? 0 : this.at(this.uint64(header + MSGHDR.msg_iov), partCount * IOVEC.size, `${what}, iovecs`)
    const parts: Range[] = []
    let length = 0
    for (let index = 0; index < partCount; index++) {
      const iovec = partsAt + index * IOVEC.size
      const part = this.#range(iovec + IOVEC.iov_base, iovec + IOVEC.iov_len, `${what}, iovec ${index}`)
      length += part.length
      parts.push(part)
    }
    const control = this.#range(header + MSGHDR.msg_control, header + MSGHDR.msg_controllen, `${what}, control`)
    demand(control.length <= CONTROL_LENGTH_MAX, () => `${what}: ${control.length} bytes of control messages`)
    const nameLength = this.uint32(header + MSGHDR.msg_namelen)
    const namePointer = this.uint64(header + MSGHDR.msg_name)
    const name = { start: nameLength === 0 ? 0 : this.at(namePointer, nameLength, `${what}, name`), length: nameLength }
    return { header, name, parts, length, control }
  }

  /** The control messages of a message that is to be sent. Each must be whole. */
  controls({ control }: Message, what: string): ControlMessage[] {
    const found: ControlMessage[] = []
    const end = control.start + control.length
    for (let at = control.start; at < end; ) {
      const length = end - at < CMSGHDR.size ? 0 : this.uint64(at + CMSGHDR.cmsg_len)
      const isWhole = length >= CMSGHDR.size && at + length <= end
      demand(isWhole, () => `${what}: a control message of ${length} bytes, ${end - at} are left`)
      const data = { start: at + CMSGHDR.size, length: length - CMSGHDR.size }
      found.push({ level: this.int32(at + CMSGHDR.cmsg_level), type: this.int32(at + CMSGHDR.cmsg_type), data })
      at += (length + 7) & ~7
    }
    return found
  }

  gather(parts: readonly Range[], length: number): Uint8Array {
    const whole = new Uint8Array(length)
    let at = 0
    for (const { start, length: partLength } of parts) {
      whole.set(this.bytes.subarray(start, start + partLength), at)
      at += partLength
    }
    return whole
  }

  /** Reads a socket address, which must be of the socket's family and long enough for it. */
  address({ start, length }: Range, family: number, what: string): TransportAddress {
    const isIPv6 = family === AF_INET6
    const isLongEnough = length >= (isIPv6 ? SOCKADDR_IN6.size : SOCKADDR_IN.size)
    demand(isLongEnough, () => `${what}: a socket address of ${length} bytes`)
    const found = this.uint16(start)
    demand(found === family, () => `${what}: a socket address of family ${found} for a socket of ${family}`)
    const address = new TransportAddress()
    const port = this.#view.getUint16(start + 2)
    if (isIPv6) return this.readIPv6(start + SOCKADDR_IN6.sin6_addr, address, port)
    return address.setIPv4(this.#view.getInt32(start + SOCKADDR_IN.sin_addr), port)
  }

  /** Writes a socket address. Returns its length; there must be room for it. */
  writeAddress({ start, length }: Range, address: TransportAddress, what: string): number {
    const isIPv6 = address.family === 6
    const size = isIPv6 ? SOCKADDR_IN6.size : SOCKADDR_IN.size
    demand(length >= size, () => `${what}: room of ${length} bytes for a socket address (was msg_namelen reset?)`)
    this.bytes.fill(0, start, start + size)
    this.setUint16(start, isIPv6 ? AF_INET6 : AF_INET)
    this.#view.setUint16(start + 2, address.port)
    if (isIPv6) this.writeIPv6(start + SOCKADDR_IN6.sin6_addr, address)
    else this.#view.setInt32(start + SOCKADDR_IN.sin_addr, address.word0)
    return size
  }

  readIPv4(at: number, into: TransportAddress): TransportAddress {
    return into.setIPv4(this.#view.getInt32(at), 0)
  }

  writeIPv4(at: number, address: TransportAddress): void {
    this.#view.setInt32(at, address.word0)
  }

  readIPv6(at: number, into: TransportAddress, port = 0): TransportAddress {
    const word = (index: number) => this.#view.getInt32(at + index * 4)
    return into.setIPv6(word(0), word(1), word(2), word(3), port)
  }

  writeIPv6(at: number, { word0, word1, word2, word3 }: TransportAddress): void {
    for (const [index, word] of [word0, word1, word2, word3].entries()) this.#view.setInt32(at + index * 4, word)
  }

  #range(pointerAt: number, lengthAt: number, what: string): Range {
    const length = this.uint64(lengthAt)
    if (length === 0) return { start: 0, length: 0 }
    return { start: this.at(this.uint64(pointerAt), length, what), length }
  }
}
