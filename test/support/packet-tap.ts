// The IPv4 headers of the UDP packets that arrive at one port of this machine, seen beside the socket that they are for (raw(7)).
// Needs root, and withoutKoffi() to be false.
import type { Test } from 'tap'
import * as layout from '../../src/net/native/layout.js'
import { Inbox } from './inbox.js'
import { KernelIo } from './kernel-io.js'

const SOCK_RAW = 3
const IPPROTO_UDP = 17
const POLL_MILLISECONDS = 1
const UDP_HEADER_LENGTH = 8
const BUFFER_BYTES = 16 * 1024 * 1024

export interface TappedPacket {
  readonly dontFragment: boolean
  readonly trafficClass: number
  /** The UDP payload. */
  readonly text: string
}

/** Every packet for `port` from now on, reassembled if it came in fragments; until `t` ends. */
export function tapPackets(t: Test, port: number): Inbox<TappedPacket> {
  const io = new KernelIo(4, SOCK_RAW, IPPROTO_UDP)
  // It gets every UDP packet of the machine, those of tests that run beside this one too.
  io.setOption(layout.SOL_SOCKET, layout.SO_RCVBUFFORCE, BUFFER_BYTES)
  const inbox = new Inbox<TappedPacket>(`the tap of port ${port}`)
  const timer = setInterval(() => {
    for (let datagram = io.receive(); datagram !== null; datagram = io.receive()) {
      const { bytes } = datagram
      const headerLength = (bytes[0] & 0x0f) * 4
      if (bytes.readUInt16BE(headerLength + 2) !== port) continue
      const text = bytes.toString('latin1', headerLength + UDP_HEADER_LENGTH)
      inbox.put({ dontFragment: (bytes[6] & 0x40) !== 0, trafficClass: bytes[1], text })
    }
  }, POLL_MILLISECONDS)
  t.teardown(() => {
    clearInterval(timer)
    io.close()
  })
  return inbox
}
