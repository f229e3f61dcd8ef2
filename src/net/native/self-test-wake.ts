// The step of the self-test for what a worker sleeps on: epoll, whose events must be laid out as layout.ts says, woken by an eventfd.
import { EAGAIN, EFD_CLOEXEC, EFD_NONBLOCK, EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_EVENT, EPOLLIN } from './layout.js'
import type { Kernel } from './self-test-kernel.js'

const EVENT_COUNT = 2
const COUNTER_LENGTH = 8

/** @param isHanging waits for ever, for tests */
export function checkWake(kernel: Kernel, isHanging: boolean): void {
  const { libc, memory } = kernel
  const { view } = memory
  const events = memory.reserve('events', EVENT_COUNT * EPOLL_EVENT.size)
  const counter = memory.reserve('counter of an eventfd', COUNTER_LENGTH)
  const epoll = kernel.call('epoll_create1', libc.epoll_create1(EPOLL_CLOEXEC))
  const wait = (milliseconds: number): number => {
    const pointer = memory.pointerAt(events)
    return kernel.call('epoll_wait', libc.epoll_wait(epoll, pointer, EVENT_COUNT, milliseconds))
  }
  if (isHanging) wait(-1)

  const fds: number[] = []
  for (let index = 0; index < EVENT_COUNT; index++) {
    const fd = kernel.call('eventfd', libc.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC))
    view.setUint32(events, EPOLLIN, true)
    view.setUint32(events + EPOLL_EVENT.data, dataLow(index), true)
    view.setUint32(events + EPOLL_EVENT.data + 4, dataHigh(index), true)
    kernel.call('epoll_ctl', libc.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, memory.pointerAt(events)))
    fds.push(fd)
  }
  if (wait(0) !== 0) throw new Error('epoll has events before anything happened')

  for (const fd of fds) {
    for (let count = 0; count < 2; count++) {
      view.setBigUint64(counter, 1n, true)
      const written = kernel.call('write', libc.write(fd, memory.pointerAt(counter), COUNTER_LENGTH))
      if (written !== COUNTER_LENGTH) throw new Error('an eventfd did not take 8 bytes')
    }
  }
  memory.bytes.fill(0, events, events + EVENT_COUNT * EPOLL_EVENT.size)
  const count = wait(0)
  const seen = new Set<number>()
  for (let at = events; at < events + count * EPOLL_EVENT.size; at += EPOLL_EVENT.size) {
    const index = view.getUint32(at + EPOLL_EVENT.data, true) - dataLow(0)
    const isWhole =
      view.getUint32(at, true) === EPOLLIN && view.getUint32(at + EPOLL_EVENT.data + 4, true) === dataHigh(index)
    if (isWhole) seen.add(index)
  }
  if (count !== EVENT_COUNT || seen.size !== EVENT_COUNT)
    throw new Error('the events of epoll are laid out in another way')

  for (const fd of fds) {
    const pointer = memory.pointerAt(counter)
    const length = kernel.call('read', libc.read(fd, pointer, COUNTER_LENGTH))
    if (length !== COUNTER_LENGTH || view.getBigUint64(counter, true) !== 2n)
      throw new Error('an eventfd counts wrongly')
    if (libc.read(fd, pointer, COUNTER_LENGTH) !== -1 || libc.errno() !== EAGAIN) {
      throw new Error('an eventfd that was read is not empty')
    }
  }
  for (const fd of [...fds, epoll]) kernel.call('close', libc.close(fd))
}

function dataLow(index: number): number {
  return 0x5a5a5a50 + index
}

function dataHigh(index: number): number {
  return 0xa5a5a500 + index
}
