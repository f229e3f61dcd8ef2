// Steps of the self-test: batches of packets between sockets with their sources, asked addresses and TOS; a refused packet's
// ICMP error; options. Each step closes its sockets and throws what is wrong.
import {
  controlSpace,
  EAGAIN,
  EINVAL,
  IP_PMTUDISC_DO,
  IP_PMTUDISC_DONT,
  IP_PMTUDISC_OMIT,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  MSG_TRUNC,
  SO_RCVBUF,
  SO_REUSEPORT,
  SO_SNDBUF,
  SOCK_EXTENDED_ERR,
  SOL_SOCKET,
} from './layout.js'
import { type Family, isEqual, type Kernel, type Socket, socketAddress } from './self-test-kernel.js'
import { type Control, Messages, type Received } from './self-test-messages.js'

/** Packets of each sender: the shortest, an audio frame, nearly the longest that Ethernet takes. */
const LENGTHS = [2, 172, 1400]
const LENGTH_MAX = 2048
const TOS = 0xb8
/** Room for packet information and TOS of either family, and for an error with the address of who sent it. */
const CONTROL_LENGTH = controlSpace(64) + controlSpace(20)
const ICMP_MILLISECONDS_MAX = 100
const BUFFER_BYTES = 128 * 1024
/** No IP_PMTUDISC_ value. */
const UNKNOWN_VALUE = 77

/** A packet that says who sent it and which it is. */
function packet(sender: number, index: number): Uint8Array {
  return Uint8Array.from(
    { length: LENGTHS[index] },
    (_, at) => [sender, index][at] ?? (at * 31 + sender * 7 + index) & 0xff,
  )
}

/** Batches in both directions over one wildcard socket. */
export function checkExchange(kernel: Kernel, family: Family): void {
  const wildcard = kernel.open(family, family.wildcard)
  const first = kernel.open(family, family.loopback)
  const second = kernel.open(family, family.loopback)
  kernel.setOption(wildcard.fd, family.level, family.receivePacketInfo, 1)
  kernel.setOption(wildcard.fd, family.level, family.receiveTos, 1)
  kernel.setOption(first.fd, family.level, family.tos, TOS)
  kernel.watch(wildcard.fd)

  const hosts = [family.loopback, family.otherLoopback]
  const outgoing = new Messages(kernel.memory, { count: 3, length: LENGTH_MAX, controlLength: 64, iovecCount: 2 })
  for (const [sender, { fd }] of [first, second].entries()) {
    sendPackets(kernel, fd, outgoing, sender, socketAddress(family, hosts[sender], wildcard.port))
  }

  const missing = new Set([0, 1].flatMap((sender) => LENGTHS.map((_, index) => `${sender}/${index}`)))
  const incoming = new Messages(kernel.memory, {
    count: 8,
    length: LENGTH_MAX,
    controlLength: CONTROL_LENGTH,
    iovecCount: 1,
  })
  const haveAllArrived = kernel.receive(wildcard.fd, incoming, [first.name, second.name], (message) => {
    const sender = isEqual(message.name, first.name) ? 0 : 1
    const index = message.bytes[1]
    if (!missing.delete(`${sender}/${index}`)) throw new Error('a packet arrived twice or from a wrong source')
    checkReceived(family, message, packet(sender, index), hosts[sender])
    return missing.size === 0
  })
  if (!haveAllArrived) throw new Error(`${missing.size} of 6 ${family.name} packets did not arrive over loopback`)
  kernel.libc.close(first.fd)
  checkReplySource(kernel, family, wildcard, second)
}

/** All packets of this sender in one call. */
function sendPackets(kernel: Kernel, fd: number, messages: Messages, sender: number, name: Uint8Array): void {
  LENGTHS.forEach((_, index) => {
    const bytes = packet(sender, index)
    // In two pieces, as the engine adds a header.
    messages.fill(index, name, [bytes.subarray(0, 1), bytes.subarray(1)])
  })
  kernel.send(fd, messages, LENGTHS.length)
  LENGTHS.forEach((length, index) => {
    if (messages.sentLength(index) !== length) throw new Error('sendmmsg reported a wrong length')
  })
}

function checkReceived(family: Family, message: Received, bytes: Uint8Array, asked: readonly number[]): void {
  if (!isEqual(message.bytes, bytes)) throw new Error(`an ${family.name} packet arrived with other bytes`)
  if ((message.flags & (MSG_TRUNC | MSG_CTRUNC)) !== 0) throw new Error(`an ${family.name} packet arrived truncated`)
  const info = findControl(message, family.level, family.packetInfo.type)
  const at = family.packetInfo.asked
  if (
    info?.length !== family.packetInfo.size ||
    !isEqual(info.subarray(at, at + asked.length), Uint8Array.from(asked))
  ) {
    throw new Error(`the address that an ${family.name} packet was sent to is not told`)
  }
  // Its value may be another one: firewalls rewrite it, on loopback too.
  const tos = findControl(message, family.level, family.tos)
  if (tos === null || tos.length === 0) throw new Error(`the TOS of an ${family.name} packet is not told`)
}

/** The wildcard socket answers from the address that was asked. */
function checkReplySource(kernel: Kernel, family: Family, wildcard: Socket, asker: Socket): void {
  const { type, size, source } = family.packetInfo
  const control: Control = { level: family.level, type, data: new Uint8Array(size) }
  control.data.set(family.otherLoopback, source)
  const reply = new Messages(kernel.memory, { count: 1, length: LENGTH_MAX, controlLength: 64, iovecCount: 1 })
  reply.fill(0, asker.name, [packet(2, 1)], control)
  kernel.watch(asker.fd)
  kernel.send(wildcard.fd, reply, 1)
  // Closed before waiting, which would end at once for what strangers send to it.
  kernel.libc.close(wildcard.fd)
  const expected = socketAddress(family, family.otherLoopback, wildcard.port)
  const isAnswered = kernel.receive(asker.fd, reply, [expected], ({ bytes }) => {
    if (!isEqual(bytes, packet(2, 1))) throw new Error(`an ${family.name} reply arrived with other bytes`)
    return true
  })
  if (!isAnswered) throw new Error(`an ${family.name} packet does not leave from the address that was asked`)
  kernel.libc.close(asker.fd)
}

/**
 * A packet to a port that nobody has comes back as an entry of the error queue. False when nothing came: a firewall may drop
 * ICMP, which is then never told, and does no harm.
 */
export function checkErrorQueue(kernel: Kernel, family: Family): boolean {
  const closed = kernel.open(family, family.otherLoopback)
  const sender = kernel.open(family, family.loopback)
  kernel.setOption(sender.fd, family.level, family.receiveErrors, 1)
  kernel.libc.close(closed.fd)
  const messages = new Messages(kernel.memory, {
    count: 1,
    length: LENGTH_MAX,
    controlLength: CONTROL_LENGTH,
    iovecCount: 1,
  })
  messages.fill(0, closed.name, [packet(3, 1)])
  kernel.watch(sender.fd)
  kernel.send(sender.fd, messages, 1)
  const isTold = kernel.wait(ICMP_MILLISECONDS_MAX) && readError(kernel, family, sender, messages, closed.name)
  kernel.libc.close(sender.fd)
  return isTold
}

function readError(kernel: Kernel, family: Family, sender: Socket, messages: Messages, peer: Uint8Array): boolean {
  messages.clear()
  const length = kernel.libc.recvmsg(sender.fd, messages.headerPointer, MSG_ERRQUEUE | MSG_DONTWAIT)
  // What woke us was a packet of a stranger.
  if (length < 0 && kernel.libc.errno() === EAGAIN) return false
  checkError(family, messages.received(0, kernel.call('recvmsg', length)), peer)
  return true
}

function checkError(family: Family, message: Received, peer: Uint8Array): void {
  const { origin, type, code } = family.portUnreachable
  const error = findControl(message, family.level, family.receiveErrors)
  const isAsExpected =
    error !== null &&
    error.length >= SOCK_EXTENDED_ERR.size &&
    error[SOCK_EXTENDED_ERR.ee_origin] === origin &&
    error[SOCK_EXTENDED_ERR.ee_type] === type &&
    error[SOCK_EXTENDED_ERR.ee_code] === code &&
    (message.flags & MSG_ERRQUEUE) !== 0 &&
    (message.flags & (MSG_TRUNC | MSG_CTRUNC)) === 0 &&
    isEqual(message.name, peer) &&
    isEqual(message.bytes, packet(3, 1))
  if (!isAsExpected) throw new Error(`an ${family.name} ICMP error is told in another way than expected`)
}

/** Options that only have to be taken. */
export function checkOptions(kernel: Kernel, family: Family): void {
  const socket = kernel.open(family, family.loopback)
  kernel.setOption(socket.fd, SOL_SOCKET, SO_REUSEPORT, 1)
  kernel.setOption(socket.fd, SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES)
  kernel.setOption(socket.fd, SOL_SOCKET, SO_SNDBUF, BUFFER_BYTES)
  kernel.setOption(socket.fd, family.level, family.mtuDiscover, IP_PMTUDISC_DO)
  kernel.setOption(socket.fd, family.level, family.mtuDiscover, IP_PMTUDISC_DONT)
  kernel.setOption(socket.fd, family.level, family.mtuDiscover, IP_PMTUDISC_OMIT)
  const result = kernel.trySetOption(socket.fd, family.level, family.mtuDiscover, UNKNOWN_VALUE)
  if (result !== -1 || kernel.libc.errno() !== EINVAL) throw new Error('errno does not tell why a call failed')
  kernel.libc.close(socket.fd)
}

export function findControl(message: Received, level: number, type: number): Uint8Array | null {
  return message.controls.find((control) => control.level === level && control.type === type)?.data ?? null
}
