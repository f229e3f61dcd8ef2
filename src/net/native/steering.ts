// Which worker's socket gets a client's datagrams: said by a small program of ours in the kernel (SO_ATTACH_REUSEPORT_CBPF), where clients may be
// another worker's (RFC 8016). The kernel's own choice would change for everybody whenever a socket joins those that share an address, which each
// socket of a client that has moved does for a moment (client-ways.ts); the program chooses among the workers' alone, which have joined first.
//
//   hash = Σ (part of the client's address, or port, ^ random) × random          socket = (hash >> 16) % workers
import { randomBytes } from 'node:crypto'
import type { Arena } from './arena.js'
import { SO_ATTACH_REUSEPORT_CBPF, SOCK_FILTER, SOCK_FPROG, SOL_SOCKET } from './layout.js'
import type { Libc } from './libc.js'

/** Where the IP header begins, for loads of a program whose packet begins behind the UDP header (uapi/linux/filter.h: SKF_NET_OFF). */
const IP_HEADER = -0x100000
// Instructions: uapi/linux/bpf_common.h.
const LOAD_WORD = 0x20
const LOAD_HALF = 0x28
const LOAD_HALF_INDEXED = 0x48
const LOAD_IPV4_HEADER_LENGTH = 0xb1
const XOR = 0xa4
const MULTIPLY = 0x24
const ADD_INDEX = 0x0c
const SHIFT_RIGHT = 0x74
const MODULO = 0x94
const TO_INDEX = 0x07
const RETURN = 0x16

type Instruction = readonly [code: number, value: number]

/** Instructions of the longer program, for IPv6. */
const INSTRUCTION_COUNT_MAX = 32
/** Of the arena. */
export const STEERING_SCRATCH_LENGTH = SOCK_FPROG.size + INSTRUCTION_COUNT_MAX * SOCK_FILTER.size

/** One random program for each server: nobody outside can tell which worker an address comes to. */
export class Steering {
  readonly #libc: Pick<Libc, 'setsockopt'>
  readonly #arena: Arena
  readonly #scratch: number
  readonly #key = randomBytes(5 * 8)

  constructor(libc: Pick<Libc, 'setsockopt'>, arena: Arena) {
    this.#libc = libc
    this.#arena = arena
    this.#scratch = arena.reserve(STEERING_SCRATCH_LENGTH)
  }

  /** For all sockets that share the address of this one, of which the first `workerCount` are workers'. False: the kernel will not have it. */
  attach(fd: number, isIPv6: boolean, workerCount: number): boolean {
    const program = [
      ...(isIPv6 ? this.#hashIPv6() : this.#hashIPv4()),
      [SHIFT_RIGHT, 16],
      [MODULO, workerCount],
      [RETURN, 0],
    ]
    const { bytes, words } = this.#arena
    const filters = this.#scratch + SOCK_FPROG.size
    words[this.#scratch >> 2] = program.length
    this.#arena.storePointer(this.#scratch + SOCK_FPROG.filter, filters)
    for (const [index, [code, value]] of program.entries()) {
      const at = filters + index * SOCK_FILTER.size
      bytes.fill(0, at, at + SOCK_FILTER.k)
      bytes[at] = code
      words[(at + SOCK_FILTER.k) >> 2] = value
    }
    const pointer = this.#arena.pointerAt(this.#scratch)
    return this.#libc.setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, pointer, SOCK_FPROG.size) === 0
  }

  #hashIPv4(): Instruction[] {
    return [
      [LOAD_IPV4_HEADER_LENGTH, IP_HEADER],
      [LOAD_HALF_INDEXED, IP_HEADER],
      ...this.#mixed(0),
      [TO_INDEX, 0],
      [LOAD_WORD, IP_HEADER + 12],
      ...this.#mixed(1),
      [ADD_INDEX, 0],
    ]
  }

  /** Behind extension headers the port is not where it is looked for: those clients are told apart by their address. */
  #hashIPv6(): Instruction[] {
    const words = [8, 12, 16, 20].flatMap((offset, index): Instruction[] => [
      [TO_INDEX, 0],
      [LOAD_WORD, IP_HEADER + offset],
      ...this.#mixed(index + 1),
      [ADD_INDEX, 0],
    ])
    return [[LOAD_HALF, IP_HEADER + 40], ...this.#mixed(0), ...words]
  }

  #mixed(part: number): Instruction[] {
    return [
      [XOR, this.#key.readInt32LE(part * 8)],
      [MULTIPLY, this.#key.readInt32LE(part * 8 + 4) | 1],
    ]
  }
}
