// Over the real kernel: the program that chooses a worker's socket, and sockets of single clients beside those.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { parseListenSpec } from '../../../src/config/listen-spec.js'
import { UDP_SCHEMES, wildcardListenTargets } from '../../../src/net/listen-targets.js'
import { allocateArena } from '../../../src/net/native/arena.js'
import { loadKoffi } from '../../../src/net/native/koffi.js'
import { openLibc } from '../../../src/net/native/libc.js'
import { type AdoptedListener, ListenerOpener } from '../../../src/net/native/listener-sockets.js'
import { UdpSockets } from '../../../src/net/native/udp-socket.js'
import { LOOPBACKS } from '../../conformance/suite.js'
import { NATIVE } from '../../support/engines.js'
import { addressOf } from '../../support/udp-peer.js'

const WORKER_COUNT = 3
const CLIENT_COUNT = 60
const WAY_COUNT = 4
const OFFLOADS = { gro: true, gso: true }

t.test('steering', { skip: NATIVE.skip }, async (t) => {
  const koffi = loadKoffi()
  const libc = openLibc(koffi)
  const arena = allocateArena(koffi, 4096)
  const sockets = new UdpSockets(libc, arena)
  const buffer = arena.reserve(64)

  const takes = (fd: number): boolean => libc.read(fd, arena.pointerAt(buffer), 64) >= 0

  for (const host of LOOPBACKS) {
    t.test(`spreads clients over all workers, and each stays where it is: ${host}`, async (t) => {
      const opener = new ListenerOpener(koffi, libc, OFFLOADS, true)
      t.teardown(() => opener.close())
      const spec = parseListenSpec(`udp:${host.includes(':') ? `[${host}]` : host}:0`)
      const targets = wildcardListenTargets([spec], UDP_SCHEMES)
      const listeners = opener.open(targets, WORKER_COUNT, () => false).flatMap(({ adopted }) => adopted)
      t.ok(listeners.every(({ isSteered }) => isSteered))
      const clients = await Promise.all(Array.from({ length: CLIENT_COUNT }, () => openClient(t, listeners[0])))
      const workerOf = async (client: (typeof clients)[number], extra: readonly number[]) => {
        await client.send()
        return [...listeners.map(({ fd }) => fd), ...extra].findIndex(takes)
      }
      const before: number[] = []
      for (const client of clients) before.push(await workerOf(client, []))
      t.same([...new Set(before)].sort(), [0, 1, 2])
      const ways: number[] = []
      t.teardown(() => ways.forEach((fd) => void libc.close(fd)))
      for (let count = 0; count < WAY_COUNT; count++) {
        const { address } = listeners[0]
        const way = sockets.openWay(listeners[0], address, clients[count].address, OFFLOADS)
        t.ok(way >= 0)
        ways.push(way)
        const now: number[] = []
        for (const client of clients) now.push(await workerOf(client, ways))
        const expected = before.map((worker, index) => (index <= count ? WORKER_COUNT + index : worker))
        t.same(now, expected, `beside ${count + 1} sockets of single clients`)
      }
      while (ways.length > 0) {
        libc.close(ways.pop() as number)
        const now: number[] = []
        for (const client of clients) now.push(await workerOf(client, ways))
        t.same(now.slice(ways.length), before.slice(ways.length))
      }
    })
  }

  t.test('is for several workers of UDP, and only if it is asked for', async (t) => {
    for (const [count, steers] of [
      [1, true],
      [2, false],
    ] as const) {
      const opener = new ListenerOpener(koffi, libc, OFFLOADS, steers)
      t.teardown(() => opener.close())
      const targets = wildcardListenTargets([parseListenSpec('udp:127.0.0.1:0')], UDP_SCHEMES)
      for (const { adopted } of opener.open(targets, count, () => false)) {
        t.notOk(adopted.some(({ isSteered }) => isSteered))
      }
    }
  })
})

async function openClient(t: Test, { address }: AdoptedListener) {
  const socket = createSocket(address.host.includes(':') ? 'udp6' : 'udp4')
  socket.connect(address.port, address.host)
  await once(socket, 'connect')
  t.teardown(() => void socket.close())
  const { address: host, port } = socket.address()
  // On loopback it has arrived when it is sent.
  const send = () => new Promise<void>((resolve) => socket.send('x', () => resolve()))
  return { address: addressOf(host, port), send }
}
