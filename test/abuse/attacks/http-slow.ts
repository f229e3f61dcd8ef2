// HTTP on the port of TURN, slowly: headers and bodies that trickle, connections that wait, WebSockets that are asked for in vain, an upstream that
// never answers, and answers that nobody reads. Calls notice nothing, and pages are there for everybody else.
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Attack, AttackReport } from '../attack.js'
import type { Ground } from '../ground.js'
import { sourceAddress, Tally } from '../tally.js'
import { statusOfPage, Upstream } from './http-upstream.js'
import { memoryOf, STREAM_SERVER } from './stream-shared.js'

const TRICKLE_MILLISECONDS = 500
const AT_ONCE = 50
/** The bound of a head of a request is 10 s; the rest is for a busy machine. */
const HEAD_MILLISECONDS_MAX = 20_000

interface Kind {
  readonly count: number
  readonly first: string
  readonly trickles: boolean
  readonly reads: boolean
}

const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'
const KINDS: Readonly<Record<string, Kind>> = {
  heads: { count: 300, first: 'GET / HTTP/1.1\r\nHost: turn.test\r\nX-Slow: ', trickles: true, reads: true },
  bodies: {
    count: 150,
    first: 'POST /silent HTTP/1.1\r\nHost: turn.test\r\nContent-Length: 100000\r\n\r\n',
    trickles: true,
    reads: true,
  },
  idle: { count: 300, first: 'GET / HTTP/1.1\r\nHost: turn.test\r\n\r\n', trickles: false, reads: true },
  upgrades: { count: 150, first: `GET / HTTP/1.1\r\nHost: turn.test\r\n${UPGRADE}\r\n`, trickles: false, reads: true },
  silent: { count: 150, first: 'GET /silent HTTP/1.1\r\nHost: turn.test\r\n\r\n', trickles: false, reads: true },
  unread: { count: 50, first: 'GET /endless HTTP/1.1\r\nHost: turn.test\r\n\r\n', trickles: false, reads: false },
}
const CONNECTION_COUNT = Object.values(KINDS).reduce((sum, { count }) => sum + count, 0)

async function slowHttp(ground: Ground): Promise<AttackReport> {
  const tally = new Tally('connections')
  const upstream = await Upstream.open(ground)
  const share = ground.seconds < 3 ? 0.1 : 1
  const sockets = new Map<string, Socket[]>()
  for (const [name, kind] of Object.entries(KINDS))
    sockets.set(name, await open(ground, tally, kind, kind.count * share))
  const trickle = setInterval(() => {
    for (const [name, { trickles }] of Object.entries(KINDS)) {
      if (trickles)
        for (const socket of sockets.get(name) ?? []) if (socket.writable) tally.write(socket, Buffer.from('x'))
    }
  }, TRICKLE_MILLISECONDS)
  ground.teardown(() => clearInterval(trickle))
  let pageCount = 0
  do {
    tally.expect((await statusOfPage(ground, sourceAddress(91, pageCount++))) === 200, 'a page is not there')
    await delay(100)
  } while (tally.elapsed < ground.milliseconds)
  const heads = sockets.get('heads') ?? []
  if (ground.seconds >= 10) {
    while (heads.some((socket) => !socket.destroyed) && tally.elapsed < HEAD_MILLISECONDS_MAX) await delay(100)
    const open = heads.filter((socket) => !socket.destroyed).length
    tally.expect(open === 0, `${open} connections whose header trickles are open`)
  }
  tally.notes.push(`${pageCount} pages meanwhile`, `${upstream.connectionCount} connections to the upstream`)
  return tally.report()
}

async function open(ground: Ground, tally: Tally, { first, reads }: Kind, count: number): Promise<Socket[]> {
  const sockets: Socket[] = []
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(AT_ONCE, Math.ceil(count) - sockets.length) }, () =>
      tally.connect(ground, ground.port('tls'), sourceAddress(90, tally.sent++)),
    )
    for (const socket of await Promise.all(some)) {
      if (!reads) socket.pause()
      tally.write(socket, Buffer.from(first))
      sockets.push(socket)
    }
  }
  return sockets
}

export const HTTP_SLOW: readonly Attack[] = [
  {
    ...STREAM_SERVER,
    name: 'http-slow',
    title: '1,100 slow, idle, silent and unread connections of HTTP',
    threat: 'HTTP on port 443',
    seconds: 14,
    shortSeconds: 0.7,
    rules: memoryOf(CONNECTION_COUNT, 128),
    run: slowHttp,
  },
]
