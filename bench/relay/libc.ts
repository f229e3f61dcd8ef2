// The C library's socket calls for the load generator, through koffi: Linux only. Pointers are plain number addresses.
import koffi from 'koffi'

export const AF_INET = 2
export const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000
export const SOL_SOCKET = 1
export const SO_SNDBUF = 7
export const SO_RCVBUF = 8
export const MSG_DONTWAIT = 0x40
export const EPOLL_CTL_ADD = 1
export const EPOLLIN = 1
const EAGAIN = 11
const EINTR = 4
const ECONNREFUSED = 111

type NativeFunction = (...args: number[]) => number

const libc = koffi.load('libc.so.6')
// An int, and at most six arguments that are plain numbers: koffi's fast path.
const bind = (name: string, ...types: string[]) => libc.func(name, 'int', types) as unknown as NativeFunction

export const socket = bind('socket', 'int', 'int', 'int')
export const bindAddress = bind('bind', 'int', 'uint64_t', 'uint32_t')
export const connect = bind('connect', 'int', 'uint64_t', 'uint32_t')
export const getsockname = bind('getsockname', 'int', 'uint64_t', 'uint64_t')
export const setsockopt = bind('setsockopt', 'int', 'int', 'int', 'uint64_t', 'uint32_t')
export const close = bind('close', 'int')
export const send = bind('send', 'int', 'uint64_t', 'uint64_t', 'int')
export const sendmmsg = bind('sendmmsg', 'int', 'uint64_t', 'uint32_t', 'int')
export const recvmmsg = bind('recvmmsg', 'int', 'uint64_t', 'uint32_t', 'int', 'uint64_t')
export const poll = bind('poll', 'uint64_t', 'uint64_t', 'int')
export const epollCreate = bind('epoll_create1', 'int')
export const epollControl = bind('epoll_ctl', 'int', 'int', 'int', 'uint64_t')
export const epollWait = bind('epoll_wait', 'int', 'uint64_t', 'int', 'int')

/** The result of a call that must not fail. */
export function must(result: number, call: string): number {
  if (result < 0) throw new Error(`${call}: errno ${koffi.errno()}`)
  return result
}

/** The result of a send or receive that may find nothing to do now: then 0. */
export function orNothing(result: number, call: string): number {
  if (result >= 0) return result
  const errno = koffi.errno()
  if (errno === EAGAIN || errno === EINTR || errno === ECONNREFUSED) return 0
  throw new Error(`${call}: errno ${errno}`)
}

/** The address of a buffer's memory, which does not move while the buffer is referenced. */
export function addressOf(buffer: ArrayBuffer): number {
  return Number(koffi.address(buffer))
}
