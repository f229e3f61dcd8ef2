// The C library through koffi: results and errno as the native engine expects them, pointers as plain numbers.
import t from 'tap'
import { allocateArena } from '../../../src/net/native/arena.js'
import { loadKoffi } from '../../../src/net/native/koffi.js'
import {
  AF_INET,
  AF_INET6,
  EAGAIN,
  EFD_CLOEXEC,
  EFD_NONBLOCK,
  EINVAL,
  MSG_DONTWAIT,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCKADDR_IN,
} from '../../../src/net/native/layout.js'
import { openLibc } from '../../../src/net/native/libc.js'
import { withoutKoffi } from '../../support/engines.js'

const EBADF = 9
const EFAULT = 14
/** No file descriptor of this process. */
const NO_FD = 1_000_000

/** More than malloc ever takes from the heap, which lies low where Node is not position-independent. */
const ARENA_BYTES = 64 * 1024 * 1024

t.test('the C library', { skip: withoutKoffi() }, async (t) => {
  const koffi = loadKoffi()
  const libc = openLibc(koffi)
  const arena = allocateArena(koffi, ARENA_BYTES)
  const view = new DataView(arena.bytes.buffer)

  t.test('gives plain numbers, of 64-bit results too', async (t) => {
    const fd = libc.eventfd(7, EFD_NONBLOCK | EFD_CLOEXEC)
    t.teardown(() => libc.close(fd))
    const at = arena.reserve(8)
    t.equal(libc.read(fd, arena.pointerAt(at), 8), 8)
    t.equal(view.getBigUint64(at, true), 7n)
    t.equal(libc.read(fd, arena.pointerAt(at), 8), -1)
    t.equal(libc.errno(), EAGAIN)
    t.equal(libc.write(fd, arena.pointerAt(at), 7), -1, 'an eventfd takes 8 bytes')
    t.equal(libc.errno(), EINVAL)
  })

  t.test('says why each call failed', async (t) => {
    const at = arena.pointerAt(arena.reserve(64))
    const calls: Readonly<Record<string, () => number>> = {
      close: () => libc.close(NO_FD),
      bind: () => libc.bind(NO_FD, at, SOCKADDR_IN.size),
      connect: () => libc.connect(NO_FD, at, SOCKADDR_IN.size),
      getsockname: () => libc.getsockname(NO_FD, at, at),
      setsockopt: () => libc.setsockopt(NO_FD, 1, 2, at, 4),
      recvmmsg: () => libc.recvmmsg(NO_FD, at, 1, MSG_DONTWAIT, 0),
      sendmmsg: () => libc.sendmmsg(NO_FD, at, 1, MSG_DONTWAIT),
      recvmsg: () => libc.recvmsg(NO_FD, at, MSG_DONTWAIT),
      epoll_ctl: () => libc.epoll_ctl(NO_FD, 1, NO_FD, at),
      epoll_wait: () => libc.epoll_wait(NO_FD, at, 1, 0),
      read: () => libc.read(NO_FD, at, 8),
      write: () => libc.write(NO_FD, at, 8),
    }
    for (const [name, call] of Object.entries(calls)) {
      t.same([call(), libc.errno()], [-1, EBADF], name)
    }
    t.same([libc.epoll_create1(1), libc.errno()], [-1, EINVAL], 'epoll_create1')
    t.equal(libc.socket(255, SOCK_DGRAM, 0), -1, 'socket')
    t.equal(libc.eventfd(0, 2), -1, 'eventfd')
  })

  t.test('takes pointers above 4 GiB whole, and refuses a wild one without a crash', async (t) => {
    const fd = libc.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)
    t.teardown(() => libc.close(fd))
    t.ok(arena.pointerAt(0) > 2 ** 32)
    t.same([libc.write(fd, 8, 8), libc.errno()], [-1, EFAULT])
  })

  t.test('opens sockets that do not block and are not inherited', async (t) => {
    const at = arena.reserve(SOCKADDR_IN.size)
    for (const family of [AF_INET, AF_INET6]) {
      const fd = libc.socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
      if (fd < 0 && family === AF_INET6) continue
      t.ok(fd > 2)
      t.same([libc.read(fd, arena.pointerAt(at), 1), libc.errno()], [-1, EAGAIN])
      t.equal(libc.close(fd), 0)
      t.same([libc.close(fd), libc.errno()], [-1, EBADF])
    }
  })

  t.test('has no function of another name', async (t) => {
    t.throws(() => koffi.load(null).func('no_such_function', 'int', []), { message: /no_such_function/ })
  })
})
