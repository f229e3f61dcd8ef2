// TCP sockets through the C library: who may share a port with whom, and second names for sockets.
import { createServer } from 'node:net'
import t from 'tap'
import { allocateArena } from '../../../src/net/native/arena.js'
import { loadKoffi } from '../../../src/net/native/koffi.js'
import { EADDRINUSE, EADDRNOTAVAIL } from '../../../src/net/native/layout.js'
import { openStreamLibc } from '../../../src/net/native/libc.js'
import { TCP_SOCKETS_ARENA_LENGTH, TcpSockets } from '../../../src/net/native/tcp-socket.js'
import { withoutKoffi } from '../../support/engines.js'
import { addressOf } from '../../support/turn-address.js'
import { event, fileDescriptorCount, freshAddress } from '../tcp-relay/relay-stage.js'

const EBADF = 9
/** No file descriptor of this process. */
const NO_FD = 1_000_000

t.test('TCP sockets', { skip: withoutKoffi() }, async (t) => {
  const koffi = loadKoffi()
  const sockets = new TcpSockets(openStreamLibc(koffi), allocateArena(koffi, TCP_SOCKETS_ARENA_LENGTH))

  t.test('share a port with each other, but a listener is found', async (t) => {
    const address = freshAddress()
    t.equal(sockets.canListen(address), true)
    const fds = [sockets.openShared(address), sockets.openShared(address)]
    t.ok(fds.every((fd) => fd > 2))
    t.equal(sockets.canListen(address), true, 'they do not listen')
    const server = createServer().listen({ fd: fds[0] })
    await event(server, 'listening')
    t.equal(sockets.canListen(address), false)
    t.equal(sockets.errno, EADDRINUSE)
    const beside = sockets.openShared(address)
    t.ok(beside > 2)
    for (const fd of [fds[1], beside]) sockets.close(fd)
    server.close()
    await event(server, 'close')
    t.equal(sockets.canListen(address), true)
  })

  t.test('are not shared by a stranger, who does not ask for it', async (t) => {
    const address = freshAddress()
    const server = createServer().listen(address.port, address.host)
    await event(server, 'listening')
    t.teardown(() => server.close())
    t.equal(sockets.openShared(address), -1)
    t.equal(sockets.errno, EADDRINUSE)
  })

  t.test('say why they cannot be', async (t) => {
    const before = fileDescriptorCount()
    t.equal(sockets.openShared(addressOf('192.0.2.1:24000')), -1)
    t.equal(sockets.errno, EADDRNOTAVAIL)
    t.equal(sockets.duplicate(NO_FD), -1)
    t.equal(sockets.errno, EBADF)
    t.equal(fileDescriptorCount(), before)
  })

  t.test('live on under a second name', async (t) => {
    const address = freshAddress()
    const fd = sockets.openShared(address)
    const duplicate = sockets.duplicate(fd)
    t.ok(duplicate > 2 && duplicate !== fd)
    sockets.close(fd)
    const server = createServer().listen({ fd: duplicate })
    await event(server, 'listening')
    t.match(server.address(), { address: address.host, port: address.port })
    server.close()
  })
})
