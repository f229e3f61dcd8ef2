// A UDP socket of the tests through the C library, for what node:dgram cannot say: the DSCP and ECN of what is sent and received, and
// bursts that stay together (UDP_SEGMENT), which a server receives as one (UDP_GRO). Only where withoutKoffi() is false.
import type { Test } from 'tap'
import * as layout from '../../src/net/native/layout.js'
import { hostAddress, type TransportAddress } from '../../src/stun/address.js'
import type { ClientTransport } from './client-transport.js'
import { Inbox } from './inbox.js'
import { type Control, KernelIo, type ReceivedDatagram } from './kernel-io.js'
import { addressOf } from './udp-peer.js'

const POLL_MILLISECONDS = 1
const BUFFER_BYTES = 2 * 1024 * 1024

export interface KernelDatagram {
  readonly text: string
  readonly bytes: Buffer
  readonly source: TransportAddress
  /** DSCP and ECN: IPv4's TOS byte, IPv6's traffic class. */
  readonly trafficClass: number
}

export class KernelSocket {
  readonly address: TransportAddress
  readonly inbox: Inbox<KernelDatagram>
  readonly #io: KernelIo
  readonly #isIPv4: boolean
  readonly #timer: NodeJS.Timeout
  #onDatagram: (datagram: KernelDatagram) => void
  #isClosed = false

  /** Binds `host` and `port` (0: any). */
  constructor(host: string, port = 0) {
    this.#isIPv4 = !host.includes(':')
    this.#io = new KernelIo(this.#isIPv4 ? 4 : 6, layout.SOCK_DGRAM, 0)
    this.#io.setOption(layout.SOL_SOCKET, layout.SO_RCVBUF, BUFFER_BYTES)
    if (this.#isIPv4) this.#io.setOption(layout.IPPROTO_IP, layout.IP_RECVTOS, 1)
    else this.#io.setOption(layout.IPPROTO_IPV6, layout.IPV6_RECVTCLASS, 1)
    this.#io.bind(addressOf(host, port))
    this.address = this.#io.localAddress()
    this.inbox = new Inbox(`the socket ${this.address}`)
    this.#onDatagram = (datagram) => this.inbox.put(datagram)
    // No event tells of a socket that Node did not open: it is looked at.
    this.#timer = setInterval(() => this.#receive(), POLL_MILLISECONDS)
  }

  /** Closed when `t` ends. */
  static open(t: Test, host = '127.0.0.1', port = 0): KernelSocket {
    const socket = new KernelSocket(host, port)
    t.teardown(() => socket.close())
    return socket
  }

  /** Datagrams go to this function from now on, in place of the inbox. */
  receive(onDatagram: (datagram: KernelDatagram) => void): void {
    this.#onDatagram = onDatagram
  }

  /** What is sent from now on carries this DSCP and ECN. */
  setTrafficClass(value: number): void {
    if (this.#isIPv4) this.#io.setOption(layout.IPPROTO_IP, layout.IP_TOS, value)
    else this.#io.setOption(layout.IPPROTO_IPV6, layout.IPV6_TCLASS, value)
  }

  send(to: TransportAddress, payload: string | Uint8Array): void {
    const bytes = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload
    if (!this.#io.send(to, bytes)) throw new Error(`${this.address} cannot send ${bytes.length} bytes to ${to}`)
  }

  /** Sends datagrams that the kernel keeps together on the way: all of one length, the last one may be shorter. */
  sendBurst(to: TransportAddress, datagrams: readonly Uint8Array[]): void {
    const size = Buffer.alloc(2)
    size.writeUInt16LE(datagrams[0].length)
    const segment: Control = { level: layout.SOL_UDP, type: layout.UDP_SEGMENT, data: size }
    const bytes = Buffer.concat(datagrams)
    if (!this.#io.send(to, bytes, [segment])) throw new Error(`cannot send a burst of ${bytes.length} bytes`)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    clearInterval(this.#timer)
    this.#io.close()
  }

  #receive(): void {
    for (let datagram = this.#io.receive(); datagram !== null; datagram = this.#io.receive()) {
      const { bytes, source } = datagram
      const trafficClass = this.#trafficClassOf(datagram)
      this.#onDatagram({ text: bytes.toString('latin1'), bytes, source, trafficClass })
    }
  }

  #trafficClassOf({ controls }: ReceivedDatagram): number {
    const [level, type] = this.#isIPv4 ? [layout.IPPROTO_IP, layout.IP_TOS] : [layout.IPPROTO_IPV6, layout.IPV6_TCLASS]
    const control = controls.find((candidate) => candidate.level === level && candidate.type === type)
    if (control === undefined) throw new Error(`the kernel told no traffic class to ${this.address}`)
    return control.data[0]
  }
}

/** A client's transport over such a socket; `socket` is closed with it. */
export interface KernelTransport extends ClientTransport {
  readonly socket: KernelSocket
  readonly server: TransportAddress
  /** Of the data frames (no answers) that arrived, for the test to take. */
  readonly trafficClasses: number[]
}

/** A client on loopback that only hears the server. */
export function connectKernel(host: string, port: number): KernelTransport {
  const server = hostAddress(host, port)
  if (server === null) throw new Error(`${host} is not an IP address`)
  const socket = new KernelSocket(host)
  const trafficClasses: number[] = []
  return {
    ...{ socket, server, localAddress: socket.address, trafficClasses },
    send: (frame) => socket.send(server, frame),
    receive: (onFrame) => {
      socket.receive(({ bytes, source, trafficClass }) => {
        if (!source.equals(server)) return
        if (isData(bytes)) trafficClasses.push(trafficClass)
        onFrame(bytes)
      })
    },
    close: async () => socket.close(),
  }
}

/** ChannelData, or a Data indication. */
function isData(frame: Buffer): boolean {
  return frame[0] >= 0x40 || frame.readUInt16BE() === 0x0017
}
