// A UDP socket of the generator. It hears loopback only (SO_BINDTODEVICE), so it may be bound to the wildcard address: then one socket
// is all the clients, each with its own address of 127.0.0.0/8 (IP_PKTINFO, both ways), and many of them share one system call.
// Nobody waits for it with epoll: the kernel would spend a twentieth of the generator's time on waking nobody.
import * as layout from '../../src/net/native/layout.js'
import { type Kernel, must } from './kernel.js'

export const LOOPBACK_WORD = 0x7f000001
const BUFFER_BYTES = 8 << 20
const SO_BINDTODEVICE = 25
const LOOPBACK_DEVICE = 'lo\0'

/** An address as struct sockaddr_in holds it, in two words of the machine's order: family and port, then the IP address. */
export function portWord(port: number): number {
  return layout.AF_INET | ((port >> 8) << 16) | ((port & 0xff) << 24)
}

/** A word between network order and the machine's (little-endian) order. */
export function swapBytes(word: number): number {
  return ((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)
}

export class Endpoint {
  readonly fd: number
  /** In network order; 0 is the wildcard. */
  readonly hostWord: number
  readonly port: number
  readonly #kernel: Kernel
  readonly #scratch: number

  constructor(kernel: Kernel, hostWord: number) {
    const { libc, arena } = kernel
    const type = layout.SOCK_DGRAM | layout.SOCK_NONBLOCK | layout.SOCK_CLOEXEC
    this.#kernel = kernel
    this.hostWord = hostWord
    this.#scratch = arena.reserve(64)
    this.fd = must(kernel, libc.socket(layout.AF_INET, type, 0), 'socket')
    arena.bytes.set(Buffer.from(LOOPBACK_DEVICE), this.#scratch)
    const device = arena.pointerAt(this.#scratch)
    const bound = libc.setsockopt(this.fd, layout.SOL_SOCKET, SO_BINDTODEVICE, device, LOOPBACK_DEVICE.length)
    must(kernel, bound, 'SO_BINDTODEVICE')
    this.port = this.#bind(hostWord)
    this.#setOption(layout.SOL_UDP, layout.UDP_GRO, 1)
    if (hostWord === 0) this.#setOption(layout.IPPROTO_IP, layout.IP_PKTINFO, 1)
    this.#enlargeBuffers()
  }

  close(): void {
    this.#kernel.libc.close(this.fd)
  }

  #bind(hostWord: number): number {
    const { libc, arena } = this.#kernel
    const at = this.#scratch >> 2
    arena.words[at] = portWord(0)
    arena.words[at + 1] = swapBytes(hostWord)
    arena.words[at + 8] = layout.SOCKADDR_IN.size
    const address = arena.pointerAt(this.#scratch)
    must(this.#kernel, libc.bind(this.fd, address, layout.SOCKADDR_IN.size), 'bind')
    must(this.#kernel, libc.getsockname(this.fd, address, arena.pointerAt(this.#scratch + 32)), 'getsockname')
    return (arena.bytes[this.#scratch + 2] << 8) | arena.bytes[this.#scratch + 3]
  }

  /** Beyond the system's limit where the process is privileged. */
  #enlargeBuffers(): void {
    for (const [forced, plain] of [
      [layout.SO_RCVBUFFORCE, layout.SO_RCVBUF],
      [layout.SO_SNDBUFFORCE, layout.SO_SNDBUF],
    ]) {
      if (!this.#trySetOption(layout.SOL_SOCKET, forced, BUFFER_BYTES)) {
        this.#setOption(layout.SOL_SOCKET, plain, BUFFER_BYTES)
      }
    }
  }

  #setOption(level: number, name: number, value: number): void {
    if (!this.#trySetOption(level, name, value))
      throw new Error(`setsockopt ${name}: errno ${this.#kernel.libc.errno()}`)
  }

  #trySetOption(level: number, name: number, value: number): boolean {
    const { libc, arena } = this.#kernel
    arena.words[this.#scratch >> 2] = value
    return libc.setsockopt(this.fd, level, name, arena.pointerAt(this.#scratch), 4) === 0
  }
}
