// What can go wrong in the fake kernel, and how wide its paths are: decided by whoever uses it (a test, or a seed).
import type { FakeSocket } from './fake-kernel-socket.js'

export interface FakeKernelFaults {
  /** An errno instead of a new socket, or 0. */
  openError(): number
  /** An errno instead of this textual transport address, or 0. */
  bindError(address: string): number
  /** An errno instead of adding a descriptor to epoll, or 0. */
  watchError(): number
  /** An errno instead of events, or 0. */
  waitError(): number
  /** An errno instead of sending this message, or 0. `segmentCount` is 1 without UDP_SEGMENT. */
  sendError(socket: FakeSocket, destination: string, segmentCount: number): number
  /** How many of so many messages sendmmsg looks at: at least 1. */
  sendCount(messageCount: number): number
  /** How many of so many waiting buffers recvmmsg delivers: at least 1. */
  receiveCount(bufferCount: number): number
  /** MSG_TRUNC or MSG_CTRUNC for a buffer that is about to be delivered, or 0. */
  truncation(): number
  /** Did this datagram come too late to be coalesced with the one before? */
  separates(): boolean
  /** Bytes of the largest IP packet on the way to this textual transport address. */
  mtuTo(destination: string): number
}

export const NO_FAULTS: FakeKernelFaults = {
  openError: () => 0,
  bindError: () => 0,
  watchError: () => 0,
  waitError: () => 0,
  sendError: () => 0,
  sendCount: (messageCount) => messageCount,
  receiveCount: (bufferCount) => bufferCount,
  truncation: () => 0,
  separates: () => false,
  mtuTo: () => 1500,
}
