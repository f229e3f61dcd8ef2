// The steps of the self-test, here in the test's own process: what they accept from this machine's kernel, and what they make of
// one that does otherwise. The self-test as a process is tested with net/choose-engine.
import t, { type Test } from 'tap'
import { allocateArena } from '../../../src/net/native/arena.js'
import { loadKoffi } from '../../../src/net/native/koffi.js'
import { EPOLL_EVENT, IOVEC, MMSGHDR, MSGHDR, UDP_SEGMENT_COUNT_MAX } from '../../../src/net/native/layout.js'
import { type Libc, openLibc } from '../../../src/net/native/libc.js'
import { checkErrorQueue, checkExchange, checkOptions } from '../../../src/net/native/self-test-exchange.js'
import { type Family, IPV4, IPV6, Kernel } from '../../../src/net/native/self-test-kernel.js'
import { GuardedMemory } from '../../../src/net/native/self-test-memory.js'
import { checkOffloads } from '../../../src/net/native/self-test-offloads.js'
import { checkWake } from '../../../src/net/native/self-test-wake.js'
import { withoutKoffi } from '../../support/engines.js'
import { peerOrSkip } from '../../support/peers.js'

const ARENA_BYTES = 1024 * 1024
const GUARD_LENGTH = 64
const BOTH = { gro: true, gso: true, problems: [] }

/** Memory as another kernel would treat it: fields of a mmsghdr by its address. */
class Strange {
  readonly memory: GuardedMemory
  readonly #base: number

  constructor(memory: GuardedMemory) {
    this.memory = memory
    this.#base = memory.pointerAt(0)
  }

  /** The offset of what this address points to. */
  offset(pointer: number): number {
    return pointer - this.#base
  }

  storeControlLength(messages: number, length: number): void {
    this.memory.view.setBigUint64(this.offset(messages) + MMSGHDR.msg_hdr + MSGHDR.msg_controllen, BigInt(length), true)
  }

  /** Where the bytes of the first message begin. */
  payload(messages: number): number {
    const iovecs = this.offset(Number(this.memory.view.getBigUint64(this.offset(messages) + MSGHDR.msg_iov, true)))
    return this.offset(Number(this.memory.view.getBigUint64(iovecs + IOVEC.iov_base, true)))
  }
}

/** The real kernel, with some calls replaced. */
function kernelWith(replace: (libc: Libc, strange: Strange) => Partial<Libc> = () => ({})): Kernel {
  const koffi = loadKoffi()
  const libc = openLibc(koffi)
  const memory = new GuardedMemory(allocateArena(koffi, ARENA_BYTES), 0)
  return new Kernel({ ...libc, ...replace(libc, new Strange(memory)) }, memory)
}

function testFamily(t: Test, family: Family): void {
  t.test('exchanges packets, and leaves the guards alone', async (t) => {
    const kernel = kernelWith()
    t.doesNotThrow(() => checkExchange(kernel, family))
    t.doesNotThrow(() => checkOptions(kernel, family))
    t.doesNotThrow(() => kernel.memory.check())
  })
  t.test('is told of a refused packet', async (t) => t.equal(checkErrorQueue(kernelWith(), family), true))
  t.test('has both offloads', async (t) => t.same(checkOffloads(kernelWith(), family, null), BOTH))

  t.test('misses each offload', async (t) => {
    const gro = checkOffloads(kernelWith(), family, 'gro')
    t.match(gro, { gro: false, gso: true, problems: [/^UDP_GRO is not there/] })
    const gso = checkOffloads(kernelWith(), family, 'gso')
    t.match(gso, { gro: true, gso: false, problems: [/^UDP_SEGMENT does not work \(errno 22\)/] })
  })
}

t.test('the self-test', { skip: withoutKoffi() }, async (t) => {
  t.test('with IPv4', async (t) => testFamily(t, IPV4))
  t.test('with IPv6', { skip: peerOrSkip('IPv6 loopback') }, async (t) => testFamily(t, IPV6))

  t.test('guards', async (t) => {
    const { memory } = kernelWith()
    const offset = memory.reserve('piece', 10)
    memory.bytes.fill(1, offset, offset + 10)
    memory.check()
    for (const at of [offset - GUARD_LENGTH, offset - 1, offset + 10, offset + 10 + GUARD_LENGTH - 1]) {
      const before = memory.bytes[at]
      memory.bytes[at] ^= 1
      t.throws(() => memory.check(), { message: 'memory beside the piece was written to' }, `at ${at - offset}`)
      memory.bytes[at] = before
    }
    memory.check()
  })

  t.test('epoll and eventfd', async (t) => {
    const kernel = kernelWith()
    t.doesNotThrow(() => checkWake(kernel, false))
    t.doesNotThrow(() => kernel.memory.check())

    t.test('with events of another size', async (t) => {
      const kernel = kernelWith((libc, { memory }) => ({
        epoll_wait: (fd, events, countMax, timeout) => {
          const count = libc.epoll_wait(fd, events, countMax, timeout)
          const at = events - memory.pointerAt(0)
          if (count === 2)
            memory.bytes.copyWithin(at + EPOLL_EVENT.size + 4, at + EPOLL_EVENT.size, at + 2 * EPOLL_EVENT.size)
          return count
        },
      }))
      t.throws(() => checkWake(kernel, false), { message: 'the events of epoll are laid out in another way' })
      t.throws(() => kernel.memory.check(), { message: 'memory beside the events was written to' })
    })
  })

  t.test('a kernel that ignores UDP_SEGMENT', async (t) => {
    const kernel = kernelWith((libc, strange) => ({
      sendmmsg: (fd, messages, count, flags) => {
        strange.storeControlLength(messages, 0)
        return libc.sendmmsg(fd, messages, count, flags)
      },
    }))
    t.match(checkOffloads(kernel, IPV4, null), {
      gro: false,
      gso: false,
      problems: [/\(not segmented\)/, /^UDP_GRO has no effect/],
    })
  })

  t.test('a kernel that coalesces and does not tell the size', async (t) => {
    const kernel = kernelWith((libc, strange) => ({
      recvmmsg: (fd, messages, count, flags, timeout) => {
        const received = libc.recvmmsg(fd, messages, count, flags, timeout)
        strange.storeControlLength(messages, 0)
        return received
      },
    }))
    t.match(checkOffloads(kernel, IPV4, null), { gro: false, gso: false })
  })

  t.test('a kernel that loses bursts', async (t) => {
    const kernel = kernelWith((libc) => ({
      sendmmsg: (_fd, _messages, count) => count,
      // Not the whole deadline.
      epoll_wait: (fd, events, countMax) => libc.epoll_wait(fd, events, countMax, 0),
    }))
    t.match(checkOffloads(kernel, IPV4, null), {
      gro: false,
      gso: false,
      problems: [/\(lost\)/, /^UDP_GRO has no effect/],
    })
    t.throws(() => checkExchange(kernel, IPV4), /sendmmsg reported a wrong length|did not arrive over loopback/)
  })

  t.test('wrong bytes', async (t) => {
    const damage = (libc: Libc, strange: Strange): Partial<Libc> => ({
      recvmmsg: (fd, messages, count, flags, timeout) => {
        const received = libc.recvmmsg(fd, messages, count, flags, timeout)
        strange.memory.bytes[strange.payload(messages)] ^= 1
        return received
      },
    })
    t.throws(() => checkExchange(kernelWith(damage), IPV4), { message: 'an IPv4 packet arrived with other bytes' })
    t.throws(() => checkOffloads(kernelWith(damage), IPV4, null), {
      message: 'the segments of a burst arrived with other bytes',
    })
  })

  t.test('a batch that is sent in part', async (t) => {
    const kernel = kernelWith((libc) => ({
      sendmmsg: (fd, messages, count, flags) => libc.sendmmsg(fd, messages, Math.min(count, 2), flags),
    }))
    t.throws(() => checkExchange(kernel, IPV4), { message: 'sendmmsg sent 2 of 3 messages' })
  })

  t.test('an ICMP error that a firewall drops', async (t) => {
    const kernel = kernelWith((libc) => ({
      epoll_wait: (fd, events, countMax) => libc.epoll_wait(fd, events, countMax, 0),
      sendmmsg: (_fd, _messages, count) => count,
    }))
    t.equal(checkErrorQueue(kernel, IPV4), false)
  })

  t.test('sends as many segments as the engine does', async (t) => {
    let iovecCount = 0
    const kernel = kernelWith((libc, strange) => ({
      sendmmsg: (fd, messages, count, flags) => {
        const at = strange.offset(messages) + MSGHDR.msg_iovlen
        iovecCount = Number(strange.memory.view.getBigUint64(at, true))
        return libc.sendmmsg(fd, messages, count, flags)
      },
    }))
    t.same(checkOffloads(kernel, IPV4, null), BOTH)
    t.equal(iovecCount, 2 * UDP_SEGMENT_COUNT_MAX)
  })
})
