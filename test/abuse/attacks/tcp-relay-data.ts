// Data connections of TCP relays (RFC 6062) with a side that does not read: the other side is not read either, memory is bounded, and nothing is
// lost when it reads again. And sides that end one direction only.
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { ATTRIBUTE_CONNECTION_ID } from '../../../src/stun/constants.js'
import { connectTcp, type StreamTransport } from '../../support/stream-client.js'
import { TcpPeer } from '../../support/tcp-peer.js'
import { TurnClient } from '../../support/turn-client.js'
import type { Attack, AttackReport } from '../attack.js'
import { type Ground, HOST, MALLORY } from '../ground.js'
import { Tally } from '../tally.js'
import { memoryOf, STREAM_SERVER } from './stream-shared.js'
import { tcpAllocation } from './tcp-relay-connections.js'

const PAIR_COUNT = 12
const BLOCK = Buffer.alloc(64 * 1024, 'x')
/** What the kernel keeps for the four sockets on the way, and the server for two directions. */
const UNREAD_BYTES_MAX = 40 * 1024 * 1024
const DRAIN_MILLISECONDS_MAX = 20_000

interface Side {
  readonly socket: Socket
  /** Before there was data. */
  readonly requestBytes: number
  received: number
}

interface Pair {
  readonly from: Side
  readonly to: Side
}

async function stalledData(ground: Ground): Promise<AttackReport> {
  const tally = new Tally('blocks')
  const control = await tcpAllocation(ground, '127.96.0.1')
  const pairs: Pair[] = []
  for (let index = 0; index < PAIR_COUNT; index++) pairs.push(await openPair(ground, control, index % 2 === 0))
  // Two of them end the direction in which nothing goes, and live on.
  const halfClosed = pairs.slice(0, 2)
  for (const { to } of halfClosed) to.socket.end()
  for (const { to } of pairs) to.socket.pause()
  for (const { from } of pairs) writeOn(from.socket, tally)
  await delay(ground.milliseconds)
  const written = () => pairs.map(({ from }) => from.socket.bytesWritten - from.socket.writableLength)
  const before = written()
  tally.expect(
    Math.max(...before) < UNREAD_BYTES_MAX,
    `${Math.max(...before)} bytes were taken of one that is not read`,
  )
  const stalledCount = pairs.filter(({ from }) => from.socket.writableLength > 0).length
  if (ground.data.isOwnNetwork)
    tally.expect(stalledCount === PAIR_COUNT, `${stalledCount} of ${PAIR_COUNT} writers had to wait`)
  for (const { from, to } of pairs) {
    from.socket.removeAllListeners('drain')
    from.socket.end()
    to.socket.resume()
  }
  const start = performance.now()
  const isWhole = ({ from, to }: Pair) => to.received >= from.socket.bytesWritten - from.requestBytes
  while (!pairs.every(isWhole) && performance.now() - start < DRAIN_MILLISECONDS_MAX) await delay(20)
  const missing = pairs.filter((pair) => !isWhole(pair)).length
  tally.expect(missing === 0, `${missing} of ${PAIR_COUNT} connections have lost data`)
  tally.replyBytes = pairs.reduce((sum, { to }) => sum + to.received, 0)
  tally.expect((await control.refresh()).code === 0, 'the allocation is gone')
  tally.notes.push(
    `${Math.round(Math.max(...before) >> 10)} KiB taken of one that is not read, ${stalledCount} stalled`,
  )
  return tally.report()
}

/** A client's data connection and its peer's, bound to each other. @param isFromPeer which of the two writes */
async function openPair(ground: Ground, control: TurnClient, isFromPeer: boolean): Promise<Pair> {
  const peer = await TcpPeer.open(ground)
  const answer = await control.connectPeer(peer.address)
  if (answer.code !== 0) throw new Error(`Connect was answered with ${answer.code}`)
  const transport: StreamTransport = await connectTcp(HOST, ground.port('tcp'), '127.96.0.1')
  ground.teardown(() => transport.close())
  const { code } = await new TurnClient(transport, MALLORY).bindConnection(answer.uint32(ATTRIBUTE_CONNECTION_ID))
  if (code !== 0) throw new Error(`ConnectionBind was answered with ${code}`)
  const { bytes } = await peer.accepted.next()
  const [client, other] = [side(transport.socket), side(bytes.socket)]
  return isFromPeer ? { from: other, to: client } : { from: client, to: other }
}

/** Counts what comes, and keeps none of it. */
function side(socket: Socket): Side {
  const counted = { socket, requestBytes: socket.bytesWritten, received: 0 }
  socket.removeAllListeners('data')
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    counted.received += chunk.length
  })
  return counted
}

function writeOn(socket: Socket, tally: Tally): void {
  const go = () => {
    while (!socket.writableEnded && !socket.destroyed) {
      tally.sent++
      if (!tally.write(socket, BLOCK)) return
    }
  }
  socket.on('drain', go)
  go()
}

export const TCP_RELAY_DATA: readonly Attack[] = [
  {
    ...STREAM_SERVER,
    name: 'relay-stalled-data',
    title: 'data connections of which one side writes without end and the other does not read',
    threat: 'stalled readers',
    seconds: 6,
    shortSeconds: 0.5,
    rules: memoryOf(PAIR_COUNT, 1_024),
    run: stalledData,
  },
]
