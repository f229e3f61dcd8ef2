// The step of the self-test that finds what the kernel does for bursts: one send that it cuts into segments (UDP_SEGMENT), received
// as one buffer with the segments' size (UDP_GRO), or as single packets. Missing offloads are told, wrong bytes thrown.
import { controlSpace, SOL_UDP, UDP_GRO, UDP_SEGMENT, UDP_SEGMENT_COUNT_MAX } from './layout.js'
import { findControl } from './self-test-exchange.js'
import { type Family, isEqual, type Kernel, type Socket } from './self-test-kernel.js'
import { type Control, Messages, type Received } from './self-test-messages.js'

export interface OffloadsFound {
  readonly gro: boolean
  readonly gso: boolean
  /** What is missing, a sentence each. */
  readonly problems: readonly string[]
}

const HEADER_LENGTH = 4
const SEGMENT_LENGTH = 204
/** The last one may be shorter, and only that. */
const LAST_SEGMENT_LENGTH = 77
/** A coalesced burst is never longer. */
const SLOT_LENGTH = 65_536
/** No option of UDP: what the kernel says to this is what a kernel without the offload says. */
const UNKNOWN_OPTION = 0x7f

/** How a burst arrived. */
type Arrival = 'coalesced' | 'single' | 'not segmented' | 'lost'

/** @param missing offloads that are asked for by a name that no kernel knows, for tests */
export function checkOffloads(kernel: Kernel, family: Family, missing: 'gro' | 'gso' | null): OffloadsFound {
  const problems: string[] = []
  const receiver = kernel.open(family, family.loopback)
  const sender = kernel.open(family, family.loopback)
  const isGroTaken = kernel.trySetOption(receiver.fd, SOL_UDP, missing === 'gro' ? UNKNOWN_OPTION : UDP_GRO, 1) === 0
  if (!isGroTaken)
    problems.push(`UDP_GRO is not there (errno ${kernel.libc.errno()}): bursts are received packet by packet`)
  kernel.watch(receiver.fd)

  const segments = Array.from({ length: UDP_SEGMENT_COUNT_MAX }, (_, index) => segment(index))
  const sendProblem = sendBurst(kernel, sender, receiver, segments, missing === 'gso' ? UNKNOWN_OPTION : UDP_SEGMENT)
  const arrival = sendProblem === null ? receiveBurst(kernel, receiver, sender, segments) : 'not sent'
  kernel.libc.close(receiver.fd)
  kernel.libc.close(sender.fd)

  const gso = arrival === 'coalesced' || arrival === 'single'
  if (!gso) problems.push(`UDP_SEGMENT does not work (${sendProblem ?? arrival}): bursts are sent packet by packet`)
  // Nothing but a segmented send is coalesced on loopback. Where that is refused, the kernel's word is enough; where it goes
  // wrong, nothing is.
  const gro = isGroTaken && (arrival === 'coalesced' || arrival === 'not sent')
  if (isGroTaken && !gro) problems.push('UDP_GRO has no effect: bursts are received packet by packet')
  return { gro, gso, problems }
}

function segment(index: number): Uint8Array {
  const length = index === UDP_SEGMENT_COUNT_MAX - 1 ? LAST_SEGMENT_LENGTH : SEGMENT_LENGTH
  return Uint8Array.from({ length }, (_, at) => (at === 0 ? index : (at * 13 + index * 29) & 0xff))
}

/** One send with headers and payloads in iovecs of their own, as the engine does. Returns why it failed, or null. */
function sendBurst(
  kernel: Kernel,
  sender: Socket,
  receiver: Socket,
  segments: readonly Uint8Array[],
  type: number,
): string | null {
  const control: Control = { level: SOL_UDP, type, data: new Uint8Array(2) }
  new DataView(control.data.buffer).setUint16(0, SEGMENT_LENGTH, true)
  const parts = segments.flatMap((bytes) => [bytes.subarray(0, HEADER_LENGTH), bytes.subarray(HEADER_LENGTH)])
  const burst = new Messages(kernel.memory, {
    count: 1,
    length: segments.length * SEGMENT_LENGTH,
    controlLength: controlSpace(2),
    iovecCount: parts.length,
  })
  burst.fill(0, receiver.name, parts, control)
  const sent = kernel.libc.sendmmsg(sender.fd, burst.pointer, 1, 0)
  return sent === 1 ? null : `errno ${kernel.libc.errno()}`
}

function receiveBurst(kernel: Kernel, receiver: Socket, sender: Socket, segments: readonly Uint8Array[]): Arrival {
  const slots = new Messages(kernel.memory, {
    count: 1,
    length: SLOT_LENGTH,
    controlLength: controlSpace(4),
    iovecCount: 1,
  })
  const arrived: Uint8Array[] = []
  let messageCount = 0
  const isWhole = kernel.receive(receiver.fd, slots, [sender.name], (message) => {
    messageCount++
    arrived.push(...segmentsOf(message))
    return arrived.length >= segments.length || arrived[0].length > SEGMENT_LENGTH
  })
  if (!isWhole) return 'lost'
  // A kernel that does not know UDP_SEGMENT ignores it.
  if (arrived[0].length > SEGMENT_LENGTH) return 'not segmented'
  const areEqual =
    arrived.length === segments.length && segments.every((bytes, index) => isEqual(bytes, arrived[index]))
  if (!areEqual) throw new Error('the segments of a burst arrived with other bytes')
  return messageCount < segments.length ? 'coalesced' : 'single'
}

/** What was coalesced is cut again by the size that the kernel tells. */
function segmentsOf({ bytes, flags, controls, name }: Received): Uint8Array[] {
  const told = findControl({ bytes, flags, controls, name }, SOL_UDP, UDP_GRO)
  if (told === null) return [bytes]
  const size = told.length === 4 ? new DataView(told.buffer).getInt32(0, true) : 0
  if (size !== SEGMENT_LENGTH) throw new Error(`UDP_GRO tells ${size} bytes a segment instead of ${SEGMENT_LENGTH}`)
  const segments: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += size) segments.push(bytes.subarray(at, at + size))
  return segments
}
