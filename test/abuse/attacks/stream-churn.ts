// Connections that come and go as fast as they can: closed, reset, and with whole handshakes of TLS.
import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import type { Attack, AttackReport } from '../attack.js'
import { type Ground, HOST } from '../ground.js'
import { clientHello } from '../offenders.js'
import { closesWithin, inParallel, sourceAddress, Tally } from '../tally.js'
import { memoryOf, STREAM_SERVER } from './stream-shared.js'

const CHURN_PARALLEL = 100
const HELLO_PARALLEL = 300
const HANDSHAKE_PARALLEL = 50
const END_MILLISECONDS_MAX = 15_000

async function churn(ground: Ground): Promise<AttackReport> {
  const tally = new Tally('connections')
  await inParallel(CHURN_PARALLEL, ground, async (lane, round) => {
    const port = ground.port(lane % 2 === 0 ? 'tcp' : 'tls')
    const socket = await tally.connect(ground, port, sourceAddress(70, tally.sent++))
    if (round % 2 === 0) socket.destroy()
    else socket.resetAndDestroy()
    await closesWithin(socket, END_MILLISECONDS_MAX)
  })
  return tally.report()
}

/** Each burst is sent when all its connections are there: the server has to sign as often as there are. */
async function helloBursts(ground: Ground): Promise<AttackReport> {
  const tally = new Tally('hellos')
  const hello = await clientHello()
  const end = performance.now() + ground.milliseconds
  do {
    const opening = Array.from({ length: HELLO_PARALLEL }, (_, index) =>
      tally.connect(ground, ground.port('tls'), sourceAddress(71, index)),
    )
    const sockets = await Promise.all(opening)
    const answered = sockets.map((socket) => Promise.race([once(socket, 'data'), once(socket, 'close')]))
    for (const socket of sockets) tally.write(socket, hello)
    tally.sent += sockets.length
    await Promise.all(answered.map((answer) => answer.catch(() => {})))
    for (const socket of sockets) socket.destroy()
  } while (performance.now() < end)
  tally.expect(tally.replies >= tally.sent, `${tally.replies} of ${tally.sent} hellos were answered`)
  return tally.report()
}

async function handshakes(ground: Ground): Promise<AttackReport> {
  const tally = new Tally('handshakes')
  await inParallel(HANDSHAKE_PARALLEL, ground, async () => {
    const localAddress = sourceAddress(72, tally.sent++)
    const options = { host: HOST, port: ground.port('tls'), localAddress, ca: ground.data.certificate }
    const socket = connectTls({ ...options, servername: 'turn.test', ALPNProtocols: ['stun.turn'] })
    socket.on('error', () => {})
    socket.once('secureConnect', () => {
      tally.replies++
      tally.replyBytes += socket.bytesRead
      tally.sentBytes += socket.bytesWritten
      socket.destroy()
    })
    if (!(await closesWithin(socket, END_MILLISECONDS_MAX))) socket.destroy()
  })
  tally.expect(tally.replies > 0, 'no handshake was completed')
  return tally.report()
}

export const STREAM_CHURN: readonly Attack[] = [
  {
    ...STREAM_SERVER,
    name: 'connection-churn',
    title: 'connections over TCP, closed or reset at once',
    threat: 'TCP/TLS slowloris',
    seconds: 6,
    shortSeconds: 0.5,
    rules: memoryOf(CHURN_PARALLEL, 64),
    run: churn,
  },
  {
    ...STREAM_SERVER,
    name: 'hello-bursts',
    title: '300 ClientHellos at once, again and again, which end there',
    threat: 'TCP/TLS slowloris',
    seconds: 6,
    // turn-shares.test.ts
    shortSeconds: 0.5,
    isLongOnly: true,
    rules: memoryOf(2 * HELLO_PARALLEL, 64),
    run: helloBursts,
  },
  {
    ...STREAM_SERVER,
    name: 'handshake-flood',
    title: 'whole handshakes of TLS as fast as they can',
    threat: 'TCP/TLS slowloris',
    seconds: 6,
    shortSeconds: 1,
    isLongOnly: true,
    rules: memoryOf(HANDSHAKE_PARALLEL, 128),
    run: handshakes,
  },
]
