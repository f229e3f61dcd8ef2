// Datagram sockets by the C library's own calls, with addresses and control messages as bytes. Only where withoutKoffi() is false.
// Used by kernel-socket.ts and packet-tap.ts; sends and receives one message at a time, for tests, not for load.

import { type Arena, allocateArena } from '../../src/net/native/arena.js'
import { type Koffi, loadKoffi } from '../../src/net/native/koffi.js'
import * as layout from '../../src/net/native/layout.js'
import { type Libc, openLibc } from '../../src/net/native/libc.js'
import { hostAddress, type TransportAddress } from '../../src/stun/address.js'

const NAME_LENGTH_MAX = 28
const CONTROL_LENGTH_MAX = 256
const PAYLOAD_LENGTH_MAX = 65_536
const ARENA_LENGTH = 72 * 1024

/** A control message (cmsg(3)). */
export interface Control {
  readonly level: number
  readonly type: number
  readonly data: Buffer
}

export interface ReceivedDatagram {
  readonly bytes: Buffer
  readonly source: TransportAddress
  readonly controls: readonly Control[]
}

let loaded: { koffi: Koffi; libc: Libc } | null = null

/** koffi and the C library, loaded once. Throws where there is none. */
export function kernel(): { koffi: Koffi; libc: Libc } {
  if (loaded === null) {
    const koffi = loadKoffi()
    loaded = { koffi, libc: openLibc(koffi) }
  }
  return loaded
}

export class KernelIo {
  readonly #libc: Libc
  readonly #arena: Arena
  readonly #fd: number
  readonly #message: number
  readonly #iovec: number
  readonly #name: number
  readonly #control: number
  readonly #payload: number

  /** @param type such as SOCK_DGRAM; sockets never block */
  constructor(family: 4 | 6, type: number, protocol: number) {
    const { koffi, libc } = kernel()
    this.#libc = libc
    this.#arena = allocateArena(koffi, ARENA_LENGTH)
    this.#message = this.#arena.reserve(layout.MMSGHDR.size)
    this.#iovec = this.#arena.reserve(layout.IOVEC.size)
    this.#name = this.#arena.reserve(NAME_LENGTH_MAX)
    this.#control = this.#arena.reserve(CONTROL_LENGTH_MAX)
    this.#payload = this.#arena.reserve(PAYLOAD_LENGTH_MAX)
    const domain = family === 4 ? layout.AF_INET : layout.AF_INET6
    this.#fd = this.#must(libc.socket(domain, type | layout.SOCK_NONBLOCK | layout.SOCK_CLOEXEC, protocol), 'socket')
  }

  setOption(level: number, name: number, value: number): void {
    this.#arena.words[this.#control >> 2] = value
    const pointer = this.#arena.pointerAt(this.#control)
    this.#must(this.#libc.setsockopt(this.#fd, level, name, pointer, 4), `setsockopt ${level} ${name}`)
  }

  bind(address: TransportAddress): void {
    const length = this.#storeName(address)
    this.#must(this.#libc.bind(this.#fd, this.#arena.pointerAt(this.#name), length), `bind ${address}`)
  }

  localAddress(): TransportAddress {
    this.#arena.words[this.#control >> 2] = NAME_LENGTH_MAX
    const [name, length] = [this.#arena.pointerAt(this.#name), this.#arena.pointerAt(this.#control)]
    this.#must(this.#libc.getsockname(this.#fd, name, length), 'getsockname')
    return this.#readName()
  }

  /** False when the kernel has no room or refuses the datagram. */
  send(to: TransportAddress, payload: Uint8Array, controls: readonly Control[] = []): boolean {
    this.#prepare(payload.length, this.#storeName(to), this.#storeControls(controls))
    this.#arena.bytes.set(payload, this.#payload)
    return this.#libc.sendmmsg(this.#fd, this.#arena.pointerAt(this.#message), 1, layout.MSG_DONTWAIT) === 1
  }

  /** Null when nothing is there. An ICMP error that waits is passed over. */
  receive(): ReceivedDatagram | null {
    for (;;) {
      this.#prepare(PAYLOAD_LENGTH_MAX, NAME_LENGTH_MAX, CONTROL_LENGTH_MAX)
      const length = this.#libc.recvmsg(this.#fd, this.#arena.pointerAt(this.#message), layout.MSG_DONTWAIT)
      if (length < 0 && this.#libc.errno() === layout.EAGAIN) return null
      if (length < 0) continue
      const bytes = Buffer.from(this.#arena.bytes.slice(this.#payload, this.#payload + length))
      return { bytes, source: this.#readName(), controls: this.#readControls() }
    }
  }

  close(): void {
    this.#libc.close(this.#fd)
  }

  #prepare(payloadLength: number, nameLength: number, controlLength: number): void {
    const { words } = this.#arena
    const [message, iovec] = [this.#message, this.#iovec]
    this.#arena.storePointer(message + layout.MSGHDR.msg_name, this.#name)
    words[(message + layout.MSGHDR.msg_namelen) >> 2] = nameLength
    this.#arena.storePointer(message + layout.MSGHDR.msg_iov, iovec)
    words[(message + layout.MSGHDR.msg_iovlen) >> 2] = 1
    this.#arena.storePointer(message + layout.MSGHDR.msg_control, this.#control)
    words[(message + layout.MSGHDR.msg_controllen) >> 2] = controlLength
    this.#arena.storePointer(iovec + layout.IOVEC.iov_base, this.#payload)
    words[(iovec + layout.IOVEC.iov_len) >> 2] = payloadLength
  }

  #storeName(address: TransportAddress): number {
    const name = Buffer.from(this.#arena.bytes.buffer, this.#name, NAME_LENGTH_MAX).fill(0)
    const isIPv4 = address.family === 4
    name.writeUInt16LE(isIPv4 ? layout.AF_INET : layout.AF_INET6, layout.SOCKADDR_IN.sin_family)
    name.writeUInt16BE(address.port, layout.SOCKADDR_IN.sin_port)
    const words = isIPv4 ? [address.word0] : [address.word0, address.word1, address.word2, address.word3]
    const start = isIPv4 ? layout.SOCKADDR_IN.sin_addr : layout.SOCKADDR_IN6.sin6_addr
    for (const [index, word] of words.entries()) name.writeInt32BE(word, start + 4 * index)
    return isIPv4 ? layout.SOCKADDR_IN.size : layout.SOCKADDR_IN6.size
  }

  #readName(): TransportAddress {
    const name = Buffer.from(this.#arena.bytes.buffer, this.#name, NAME_LENGTH_MAX)
    const port = name.readUInt16BE(layout.SOCKADDR_IN.sin_port)
    const isIPv4 = name.readUInt16LE(layout.SOCKADDR_IN.sin_family) === layout.AF_INET
    const start = isIPv4 ? layout.SOCKADDR_IN.sin_addr : layout.SOCKADDR_IN6.sin6_addr
    const groups = isIPv4
      ? Array.from(name.subarray(start, start + 4)).join('.')
      : Array.from({ length: 8 }, (_, index) => name.readUInt16BE(start + 2 * index).toString(16)).join(':')
    const address = hostAddress(groups, port)
    if (address === null) throw new Error(`the kernel named the address ${groups}`)
    return address
  }

  #storeControls(controls: readonly Control[]): number {
    const area = Buffer.from(this.#arena.bytes.buffer, this.#control, CONTROL_LENGTH_MAX).fill(0)
    let at = 0
    for (const { data, level, type } of controls) {
      area.writeUInt32LE(layout.CMSGHDR.size + data.length, at + layout.CMSGHDR.cmsg_len)
      area.writeInt32LE(level, at + layout.CMSGHDR.cmsg_level)
      area.writeInt32LE(type, at + layout.CMSGHDR.cmsg_type)
      data.copy(area, at + layout.CMSGHDR.size)
      at += layout.controlSpace(data.length)
    }
    return at
  }

  #readControls(): Control[] {
    const length = this.#arena.words[(this.#message + layout.MSGHDR.msg_controllen) >> 2]
    const area = Buffer.from(this.#arena.bytes.slice(this.#control, this.#control + length))
    const controls: Control[] = []
    let at = 0
    while (at + layout.CMSGHDR.size <= length) {
      const end = at + area.readUInt32LE(at + layout.CMSGHDR.cmsg_len)
      const data = area.subarray(at + layout.CMSGHDR.size, end)
      const level = area.readInt32LE(at + layout.CMSGHDR.cmsg_level)
      controls.push({ level, type: area.readInt32LE(at + layout.CMSGHDR.cmsg_type), data })
      at += layout.controlSpace(data.length)
    }
    return controls
  }

  #must(result: number, call: string): number {
    if (result < 0) throw new Error(`${call}: errno ${this.#libc.errno()}`)
    return result
  }
}
