// The fake kernel itself: it must behave as Linux does where the engine relies on it, and complain where Linux would not.
import t, { type Test } from 'tap'
import {
  EAGAIN,
  ECONNREFUSED,
  EINVAL,
  EMSGSIZE,
  MMSGHDR,
  MSG_DONTWAIT,
  MSGHDR,
  SO_EE_ORIGIN_ICMP,
  SOCKADDR_IN,
} from '../../../src/net/native/layout.js'
import { Poller, READY_RELAY } from '../../../src/net/native/poller.js'
import { ReceiveSlots } from '../../../src/net/native/receive-slots.js'
import { SendBatch } from '../../../src/net/native/send-batch.js'
import { writeSocketAddress } from '../../../src/net/native/socket-address.js'
import { UdpSockets } from '../../../src/net/native/udp-socket.js'
import { addressOf } from '../../support/turn-address.js'
import { FakeKernel } from './fake-kernel.js'
import type { SentDatagram } from './fake-kernel-send.js'

const LOCAL = '10.0.0.1:5000'
const PEER = '1.2.3.4:6000'
const OTHER = '1.2.3.4:6001'
const SLOT_COUNT = 8

/** A kernel with one relay socket, and the engine's parts to use it. */
class Bench {
  readonly kernel = new FakeKernel(2 * 1024 * 1024)
  readonly sockets = new UdpSockets(this.kernel, this.kernel.arena)
  readonly slots = new ReceiveSlots(this.kernel, this.kernel.arena, SLOT_COUNT)
  readonly batch = new SendBatch(this.kernel, this.kernel.arena)
  readonly poller = new Poller(this.kernel, this.kernel.arena)
  readonly fd = this.open(LOCAL)
  readonly sent: SentDatagram[] = []
  readonly #name = this.kernel.arena.reserve(32)
  readonly #payload = this.kernel.arena.reserve(65_536)

  constructor() {
    this.kernel.watcher = { sent: (datagram) => this.sent.push(datagram) }
  }

  open(address: string): number {
    return this.sockets.openRelay(addressOf(address), { gro: true, gso: true })
  }

  arrive(from: string, ...lengths: number[]): void {
    for (const length of lengths) {
      const bytes = new Uint8Array(length).fill(length)
      this.kernel.arrive({ from: addressOf(from), to: addressOf(LOCAL), bytes, trafficClass: 0 })
    }
  }

  /** What the slots hold after a recvmmsg: port of the source, whole length, length of a segment. */
  receive(): string[] {
    const received = Math.max(this.slots.receive(this.fd, 0, SLOT_COUNT), 0)
    return Array.from({ length: received }, (_, slot) => {
      if (!this.slots.parse(slot)) return 'unusable'
      return `${this.slots.source.port}: ${this.slots.end - this.slots.start} of ${this.slots.segmentLength}`
    })
  }

  /** Sends so many bytes as one message; 0 or an errno. */
  send(length: number, segmentLength: number, to = PEER): number {
    this.batch.clear()
    if (length > 0) this.batch.addPart(this.#payload, length)
    const nameLength = writeSocketAddress(this.kernel.arena, this.#name, addressOf(to))
    this.batch.addMessage(length > 0 ? 1 : 0, this.#name, nameLength, false, segmentLength, 0, null)
    return this.batch.send(this.fd, 0) === 1 ? 0 : this.kernel.errno()
  }

  lengthsSent(): number[] {
    return this.sent.splice(0).map(({ bytes }) => bytes.length)
  }
}

t.test('datagrams that arrive', async (t) => {
  t.test('coalesce in runs of equal length, which a shorter one ends', async (t) => {
    const bench = new Bench()
    bench.arrive(PEER, 100, 100, 60, 100, 120, 120)
    t.same(bench.receive(), ['6000: 260 of 100', '6000: 100 of 100', '6000: 240 of 120'])
    t.equal(bench.slots.receive(bench.fd, 0, SLOT_COUNT), -1)
    t.equal(bench.kernel.errno(), EAGAIN)
  })
  t.test('of two senders coalesce apart; empty ones and later bursts do not', async (t) => {
    const bench = new Bench()
    for (const from of [PEER, OTHER, PEER, OTHER]) bench.arrive(from, 50)
    bench.arrive(PEER, 0, 0)
    t.same(bench.receive(), ['6000: 100 of 50', '6001: 100 of 50', '6000: 0 of 0', '6000: 0 of 0'])
    bench.arrive(PEER, 50)
    bench.kernel.beginBurst()
    bench.arrive(PEER, 50)
    t.same(bench.receive(), ['6000: 50 of 50', '6000: 50 of 50'])
  })
  t.test('coalesce to 64 segments and 65,507 bytes at most', async (t) => {
    const bench = new Bench()
    bench.arrive(PEER, ...new Array<number>(65).fill(10))
    t.same(bench.receive(), ['6000: 640 of 10', '6000: 10 of 10'])
    bench.arrive(PEER, 30_000, 30_000, 30_000)
    t.same(bench.receive(), ['6000: 60000 of 30000', '6000: 30000 of 30000'])
  })
})

t.test('messages that are sent', async (t) => {
  t.test('are cut into segments, the last one shorter', async (t) => {
    const bench = new Bench()
    t.equal(bench.send(250, 100), 0)
    t.same(bench.lengthsSent(), [100, 100, 50])
    t.equal(bench.send(0, 0), 0)
    t.same(bench.lengthsSent(), [0])
  })
  t.test('have 64 segments at most, of what the path carries', async (t) => {
    const bench = new Bench()
    t.equal(bench.send(640, 10), 0)
    t.equal(bench.send(641, 10), EINVAL)
    t.equal(bench.send(2944, 1472), 0)
    t.equal(bench.send(2946, 1473), EINVAL)
    t.equal(bench.send(65_507, 0), 0)
    t.equal(bench.send(65_508, 0), EMSGSIZE)
  })
  t.test(
    'may be longer than the path carries, unless fragments are forbidden: then the error queue tells',
    async (t) => {
      const bench = new Bench()
      t.equal(bench.send(1473, 0), 0)
      bench.sockets.setDontFragment(bench.fd, false, true)
      t.equal(bench.send(1472, 0), 0)
      t.equal(bench.send(1473, 0), EMSGSIZE)
      t.same(
        bench.sent.map(({ dontFragment }) => dontFragment),
        [false, true],
      )
      t.equal(bench.kernel.descriptors.find(bench.fd, 'socket').errors.length, 1)
    },
  )
  t.test('meet the ICMP error of an earlier one, once', async (t) => {
    const bench = new Bench()
    const socket = bench.kernel.descriptors.find(bench.fd, 'socket')
    const icmp = { origin: SO_EE_ORIGIN_ICMP, type: 3, code: 3, info: 0, payload: new Uint8Array(4) }
    const error = { ...icmp, errno: ECONNREFUSED, destination: addressOf(PEER), offender: addressOf(PEER) }
    t.ok(bench.kernel.arriveError(socket, error))
    t.equal(bench.send(10, 0), ECONNREFUSED)
    t.equal(bench.send(10, 0), 0)
  })
})

t.test('descriptors', async (t) => {
  t.test('are given away again at once, the lowest first, and leave epoll when they are closed', async (t) => {
    const bench = new Bench()
    const { kernel, poller, fd } = bench
    const second = bench.open('10.0.0.1:5001')
    poller.addRelay(fd, 1)
    kernel.arrive({ from: addressOf(PEER), to: addressOf(LOCAL), bytes: new Uint8Array(1), trafficClass: 0 })
    t.equal(poller.wait(0), 1)
    poller.read(0)
    t.same([poller.kind, poller.id], [READY_RELAY, 1])
    kernel.close(fd)
    t.equal(bench.open('10.0.0.1:5002'), fd)
    t.ok(kernel.descriptors.isReused(fd))
    t.notOk(kernel.descriptors.isReused(second))
    t.equal(poller.wait(0), 0)
  })
  t.test('of a wildcard get what is sent to any local address, but what has a socket of its own', async (t) => {
    const { kernel, sockets } = new Bench()
    kernel.descriptors.localHosts = ['10.0.0.1', '10.0.0.3']
    const wildcard = sockets.openListener(addressOf('0.0.0.0:5000'), true, false, { gro: true, gso: true })
    const fdAt = (address: string) => kernel.descriptors.socketAt(addressOf(address))?.fd
    t.same([fdAt('10.0.0.3:5000'), fdAt('10.0.0.9:5000')], [wildcard, undefined])
    t.not(fdAt(LOCAL), wildcard)
  })
})

t.test('complains', async (t) => {
  const complains = (t: Test, call: (bench: Bench) => void, message: RegExp) => {
    t.throws(() => call(new Bench()), { name: 'KernelFault', message })
  }
  const HEADERS = 64
  /** Where the first struct mmsghdr of the slots, or of the batch, must be: it is found by its pointer to the iovec. */
  const change = (bench: Bench, offset: number, value: number) => {
    const { words } = bench.kernel.arena
    const header = headerOf(bench)
    words[(header + offset) >> 2] = value
    bench.kernel.recvmmsg(bench.fd, bench.kernel.arena.pointerAt(header), 1, MSG_DONTWAIT, 0)
  }
  const headerOf = (bench: Bench): number => {
    // UdpSockets reserves 64 bytes first, then come the slots' headers.
    return bench.kernel.arena.words[(HEADERS + MSGHDR.msg_iovlen) >> 2] === 1 ? HEADERS : -1
  }

  t.test('about pointers outside of the arena', async (t) => {
    complains(t, ({ kernel, fd }) => kernel.recvmmsg(fd, 64, 1, MSG_DONTWAIT, 0), /not all in the arena/)
    complains(t, ({ kernel, fd }) => kernel.recvmmsg(fd, 0, 1, MSG_DONTWAIT, 0), /no pointer/)
    const last = ({ kernel }: Bench) => kernel.arena.pointerAt(kernel.arena.bytes.length - MMSGHDR.size)
    complains(t, (bench) => bench.kernel.recvmmsg(bench.fd, last(bench), 2, MSG_DONTWAIT, 0), /not all in the arena/)
    complains(t, (bench) => change(bench, MSGHDR.msg_iov + 4, 0), /not all in the arena/)
  })
  t.test('about lengths that were not reset, and too many iovecs', async (t) => {
    complains(
      t,
      (bench) => {
        bench.arrive(PEER, 10)
        change(bench, MSGHDR.msg_namelen, SOCKADDR_IN.size - 1)
      },
      /msg_namelen/,
    )
    complains(
      t,
      (bench) => {
        bench.arrive(PEER, 10, 10)
        change(bench, MSGHDR.msg_controllen, 16)
      },
      /msg_controllen/,
    )
    complains(t, (bench) => change(bench, MSGHDR.msg_iovlen, 1025), /1025 iovecs/)
  })
  t.test('about slots that overlap', async (t) => {
    complains(t, (bench) => change(bench, MSGHDR.msg_name, bench.kernel.arena.pointerAt(HEADERS) % 2 ** 32), /overlaps/)
  })
  t.test('about descriptors that are closed, or of another kind', async (t) => {
    complains(t, ({ kernel }) => kernel.close(77), /not open/)
    complains(t, ({ kernel, poller }) => kernel.recvmmsg(poller.fd, 0, 1, MSG_DONTWAIT, 0), /is epoll/)
  })
})

t.test('poisons slots that it is given again', async (t) => {
  const bench = new Bench()
  bench.arrive(PEER, 10)
  bench.receive()
  bench.slots.parse(0)
  const { start, end } = bench.slots
  const bytes = bench.kernel.arena.bytes.subarray(start, end)
  bench.slots.receive(bench.fd, 1, 1)
  t.same([...new Set(bytes)], [10])
  bench.slots.receive(bench.fd, 0, 1)
  t.same([...new Set(bytes)], [0xee])
})
