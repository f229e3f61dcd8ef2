// Clients over TCP and TLS that come and go for five minutes, each ending in a way of its own, with relays of both kinds: nothing they have sent is
// lost, memory stays flat, and no file descriptor is left. Only with TURND_TEST_LONG=1.
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import t, { type Test } from 'tap'
import type { TransportAddress } from '../../src/stun/address.js'
import { ATTRIBUTE_CONNECTION_ID, TRANSPORT_PROTOCOL_TCP } from '../../src/stun/constants.js'
import { until } from '../command/until.js'
import { MAIN_ENGINE } from '../support/engines.js'
import { openFileCount, openFileCountAtRest, residentBytes } from '../support/process-memory.js'
import type { ServerProcess } from '../support/server-process.js'
import type { StreamTransport } from '../support/stream-client.js'
import { connectBy, HOST, startStreamServer, USER } from '../support/stream-server.js'
import { TurnClient } from '../support/turn-client.js'
import { addressOf } from '../support/udp-peer.js'

const skip = process.env.TURND_TEST_LONG !== '1' && 'five minutes: TURND_TEST_LONG=1'
const MIN_PORT = 18_400
const PORT_COUNT = 500
const CHANNEL = 0x4000
/** At a time; each is followed by another one as it ends. */
const SESSION_COUNT = 100
const WARM_UP_MILLISECONDS = 60_000
const RUN_MILLISECONDS = 300_000
const PACKET_COUNT = 20
const PACKET_LENGTH = 400
const BLOCK_LENGTH = 128 * 1024
/** Between the first and the last third: V8's heaps breathe. */
const GROWTH_MAX = 0.05
const GROWTH_BYTES_MAX = 10e6

t.setTimeout(WARM_UP_MILLISECONDS + RUN_MILLISECONDS + 120_000)

interface World {
  readonly server: ServerProcess
  readonly echo: TransportAddress
  readonly peer: TransportAddress
}

t.test('clients over streams that come and go', { skip }, async (t) => {
  const server = await startStreamServer(t, MAIN_ENGINE, MIN_PORT, PORT_COUNT)
  const { pid } = server
  const filesBefore = await openFileCountAtRest(pid)
  const world = { server, echo: await echoPeer(t), peer: await echoServer(t) }
  const samples: number[] = []
  const start = performance.now()
  const elapsed = () => performance.now() - start
  const timer = setInterval(() => {
    if (elapsed() > WARM_UP_MILLISECONDS) samples.push(residentBytes(pid))
  }, 1_000)
  let count = 0
  const loop = async () => {
    while (elapsed() < WARM_UP_MILLISECONDS + RUN_MILLISECONDS) await session(world, count++)
  }
  await Promise.all(Array.from({ length: SESSION_COUNT }, loop)).finally(() => clearInterval(timer))

  const third = Math.floor(samples.length / 3)
  const [first, last] = [median(samples.slice(0, third)), median(samples.slice(-third))]
  const text = `${count} sessions; ${megabytes(first)} in the first third, ${megabytes(last)} in the last`
  t.ok(last <= first * (1 + GROWTH_MAX) + GROWTH_BYTES_MAX, text)
  t.comment(text)
  await until(() => openFileCount(pid) <= filesBefore, `${filesBefore} open files as before`, 60_000)
  t.equal(await server.stop(), 0)
  t.equal(server.linesOf('allocation').length, server.linesOf('allocation-deleted').length)
  t.same(server.linesOf('refusal'), [])
})

/** Throws if something is lost or changed. Every fourth has a relay for TCP; they end by Refresh, FIN and RST in turn. */
async function session({ echo, peer, server }: World, number: number): Promise<void> {
  const scheme = number % 2 === 0 ? 'tcp' : 'tls'
  const transport = (await connectBy(scheme, server)) as StreamTransport
  const client = new TurnClient(transport, USER)
  if (number % 8 < 2) await relayBytes(client, server, scheme, peer)
  else await relayPackets(client, echo)
  if (number % 3 === 0 && (await client.refresh({ lifetimeSeconds: 0 })).code !== 0) throw new Error('no Refresh')
  if (number % 3 === 1 && scheme === 'tcp') transport.socket.resetAndDestroy()
  await transport.close()
}

async function relayPackets(client: TurnClient, echo: TransportAddress): Promise<void> {
  const codes = [(await client.allocate()).code, (await client.bindChannel(CHANNEL, echo)).code]
  if (codes.join() !== '0,0') throw new Error(`answers ${codes}`)
  for (let packet = 0; packet < PACKET_COUNT; packet++) {
    const payload = randomBytes(PACKET_LENGTH)
    client.sendChannelData(CHANNEL, payload)
    const { text } = await client.nextData()
    if (text !== payload.toString('latin1')) throw new Error(`packet ${packet} is another one`)
  }
}

async function relayBytes(
  client: TurnClient,
  server: ServerProcess,
  scheme: 'tcp' | 'tls',
  peer: TransportAddress,
): Promise<void> {
  const { code } = await client.allocate({ protocol: TRANSPORT_PROTOCOL_TCP })
  if (code !== 0) throw new Error(`Allocate was answered with ${code}`)
  const connected = await client.connectPeer(peer)
  const data = (await connectBy(scheme, server)) as StreamTransport
  const bound = await new TurnClient(data, USER).bindConnection(connected.uint32(ATTRIBUTE_CONNECTION_ID))
  if (bound.code !== 0) throw new Error(`ConnectionBind was answered with ${bound.code}`)
  const block = randomBytes(BLOCK_LENGTH)
  data.data.write(block)
  data.data.end()
  if (!(await data.data.read(BLOCK_LENGTH)).equals(block)) throw new Error('the block is another one')
  await data.close()
}

/** A peer over TCP that returns what it gets. */
async function echoServer(t: Test): Promise<TransportAddress> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    socket.pipe(socket)
  })
  server.listen(0, HOST)
  await once(server, 'listening')
  t.teardown(() => server.close())
  return addressOf(HOST, (server.address() as { port: number }).port)
}

async function echoPeer(t: Test): Promise<TransportAddress> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1024 * 1024 })
  socket.on('message', (bytes, { address, port }) => socket.send(bytes, port, address))
  socket.bind({ address: HOST, port: 0, exclusive: true })
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  return addressOf(HOST, socket.address().port)
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
