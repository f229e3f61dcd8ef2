// The C library's calls that the native engine makes. Pointers are plain numbers (below 2^53); a result of -1 means: see errno().
import type { Koffi } from './koffi.js'
import { F_DUPFD_CLOEXEC } from './layout.js'

/** See the manual pages; the simulator's kernel implements the same. */
export interface Libc {
  socket(family: number, type: number, protocol: number): number
  close(fd: number): number
  bind(fd: number, address: number, addressLength: number): number
  connect(fd: number, address: number, addressLength: number): number
  getsockname(fd: number, address: number, lengthPointer: number): number
  setsockopt(fd: number, level: number, name: number, value: number, valueLength: number): number
  recvmmsg(fd: number, messages: number, count: number, flags: number, timeout: number): number
  sendmmsg(fd: number, messages: number, count: number, flags: number): number
  recvmsg(fd: number, message: number, flags: number): number
  epoll_create1(flags: number): number
  epoll_ctl(epollFd: number, operation: number, fd: number, event: number): number
  epoll_wait(epollFd: number, events: number, countMax: number, timeoutMilliseconds: number): number
  eventfd(initial: number, flags: number): number
  read(fd: number, buffer: number, length: number): number
  write(fd: number, buffer: number, length: number): number
  errno(): number
}

const INT = 'int'
const UINT = 'uint32_t'
const POINTER = 'uint64_t'
const SIGNATURES: Readonly<Record<Exclude<keyof Libc, 'errno'>, readonly [result: string, ...types: string[]]>> = {
  socket: [INT, INT, INT, INT],
  close: [INT, INT],
  bind: [INT, INT, POINTER, UINT],
  connect: [INT, INT, POINTER, UINT],
  getsockname: [INT, INT, POINTER, POINTER],
  setsockopt: [INT, INT, INT, INT, POINTER, UINT],
  recvmmsg: [INT, INT, POINTER, UINT, INT, POINTER],
  sendmmsg: [INT, INT, POINTER, UINT, INT],
  recvmsg: ['int64_t', INT, POINTER, INT],
  epoll_create1: [INT, INT],
  epoll_ctl: [INT, INT, INT, INT, POINTER],
  epoll_wait: [INT, INT, POINTER, INT, INT],
  eventfd: [INT, UINT, INT],
  read: ['int64_t', INT, POINTER, POINTER],
  write: ['int64_t', INT, POINTER, POINTER],
}

/** What TCP sockets need: some calls of the above, and one to name a socket twice. */
export interface StreamLibc extends Pick<Libc, 'socket' | 'close' | 'bind' | 'getsockname' | 'setsockopt' | 'errno'> {
  /** A second file descriptor, at least `fdMin`, of what `fd` is; the socket closes with the last of them. */
  duplicate(fd: number, fdMin: number): number
}

/** Linux on x86-64 or arm64. Throws if a function is missing. */
export function openStreamLibc(koffi: Koffi): StreamLibc {
  const { socket, close, bind, getsockname, setsockopt, errno } = openLibc(koffi)
  const fcntl = koffi.load(null).func('fcntl', INT, [INT, INT, '...']) as Fcntl
  const duplicate = (fd: number, fdMin: number) => fcntl(fd, F_DUPFD_CLOEXEC, INT, fdMin)
  return { socket, close, bind, getsockname, setsockopt, errno, duplicate }
}

/** A variable argument has its type before it. */
type Fcntl = (fd: number, command: number, type: string, value: number) => number

/** Linux on x86-64 or arm64. Throws if a function is missing. */
export function openLibc(koffi: Koffi): Libc {
  const library = koffi.load(null)
  const functions = Object.entries(SIGNATURES).map(([name, [result, ...types]]) => {
    return [name, library.func(name, result, types)]
  })
  return { ...Object.fromEntries(functions), errno: () => koffi.errno() } as Libc
}
