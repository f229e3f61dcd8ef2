// Binds a socket to an address, and finds out its port where any was wanted; connects it to another.
import { TransportAddress } from '../../stun/address.js'
import type { Arena } from './arena.js'
import type { Libc } from './libc.js'
import { readSocketAddress, SOCKET_ADDRESS_LENGTH_MAX, writeSocketAddress } from './socket-address.js'

/** Of the arena, for an address and its length. */
export const BIND_SCRATCH_LENGTH = 64
const LENGTH_POINTER = 48

/** False on failure, see errno. `address` gets the real port. @param scratch offset of BIND_SCRATCH_LENGTH bytes of the arena */
export function bindSocket(
  libc: Pick<Libc, 'bind' | 'getsockname'>,
  arena: Arena,
  scratch: number,
  fd: number,
  address: TransportAddress,
): boolean {
  const length = writeSocketAddress(arena, scratch, address)
  const name = arena.pointerAt(scratch)
  if (libc.bind(fd, name, length) < 0) return false
  if (address.port !== 0) return true
  const bound = address.clone()
  if (!readName(libc, arena, scratch, fd, bound)) return false
  address.port = bound.port
  return true
}

/** False on failure, see errno. */
export function connectSocket(
  libc: Pick<Libc, 'connect'>,
  arena: Arena,
  scratch: number,
  fd: number,
  address: TransportAddress,
): boolean {
  const length = writeSocketAddress(arena, scratch, address)
  return libc.connect(fd, arena.pointerAt(scratch), length) >= 0
}

/** Does the kernel send from this address, and hear what is sent there? */
export function isBoundTo(
  libc: Pick<Libc, 'getsockname'>,
  arena: Arena,
  scratch: number,
  fd: number,
  address: TransportAddress,
): boolean {
  const bound = new TransportAddress()
  return readName(libc, arena, scratch, fd, bound) && bound.equals(address)
}

function readName(
  libc: Pick<Libc, 'getsockname'>,
  arena: Arena,
  scratch: number,
  fd: number,
  into: TransportAddress,
): boolean {
  arena.words[(scratch + LENGTH_POINTER) >> 2] = SOCKET_ADDRESS_LENGTH_MAX
  if (libc.getsockname(fd, arena.pointerAt(scratch), arena.pointerAt(scratch + LENGTH_POINTER)) < 0) return false
  readSocketAddress(arena, scratch, into)
  return true
}
