// A stream worker that dies takes its own connections along and nothing else; what it held is free again, and its successor listens where it did.

import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { UNALLOCATED_CONNECTION_OF_SOURCE_COUNT_MAX } from '../../src/limits/streams.js'
import { TRANSPORT_PROTOCOL_TCP } from '../../src/stun/constants.js'
import { DGRAM, NATIVE } from '../support/engines.js'
import { openFileCount, openFileCountAtRest } from '../support/process-memory.js'
import type { LogLine, ServerProcess } from '../support/server-process.js'
import { allocateBy, connectBy, HOST, startStreamServer, USER } from '../support/stream-server.js'
import { TcpPeer } from '../support/tcp-peer.js'
import { TurnClient } from '../support/turn-client.js'
import { UdpPeer } from '../support/udp-peer.js'
import { until } from './until.js'

const MIN_PORT = 19_000
const PORT_COUNT = 100
const CHANNEL = 0x4000
/** Behind two workers for UDP. */
const SURVIVOR = 2
const VICTIM = 3
/** One in 2^11 runs finds none on one of the two workers. */
const CALL_COUNT = 12
/** Connections of one address without an allocation, before the worker dies. */
const IDLE_COUNT = 200
const IDLE_SOURCE = '127.8.8.8'

t.setTimeout(240_000)

interface Call {
  readonly client: TurnClient
  readonly peer: UdpPeer
}

function start(t: Test, args: readonly string[] = []): Promise<ServerProcess> {
  const prefix = ['env', `TURND_TEST_CRASH_WORKER=${VICTIM}`]
  return startStreamServer(t, NATIVE, MIN_PORT, PORT_COUNT, ['--stream-workers', '2', ...args], { prefix })
}

async function openCall(t: Test, server: ServerProcess, scheme: 'tcp' | 'tls'): Promise<Call> {
  const [client, peer] = [await allocateBy(t, scheme, server), await UdpPeer.open(t)]
  t.equal((await client.bindChannel(CHANNEL, peer.address)).code, 0)
  return { client, peer }
}

async function workerOf(server: ServerProcess, client: TurnClient): Promise<number> {
  const isItsOwn = (line: LogLine) => line.event === 'allocation' && line.client === client.localAddress.toString()
  return Number((await server.waitForLog(isItsOwn)).worker)
}

/** Calls of the worker that stays and of the one that dies, half of each over TLS. */
async function startCalls(t: Test, server: ServerProcess): Promise<[kept: Call[], lost: Call[]]> {
  const [kept, lost]: [Call[], Call[]] = [[], []]
  for (let index = 0; index < CALL_COUNT; index++) {
    const call = await openCall(t, server, index % 2 === 0 ? 'tcp' : 'tls')
    const worker = await workerOf(server, call.client)
    t.ok([SURVIVOR, VICTIM].includes(worker))
    if (worker === VICTIM) lost.push(call)
    else kept.push(call)
  }
  t.ok(kept.length > 0 && lost.length > 0, 'both workers have calls')
  return [kept, lost]
}

/** Lets the victim die, and waits until its successor works. */
async function crash(server: ServerProcess): Promise<void> {
  const restartCount = server.linesOf('worker-restarted').length
  process.kill(server.pid, 'SIGUSR2')
  await until(() => server.linesOf('worker-restarted').length > restartCount, 'the worker works again')
}

t.test('a stream worker that dies', { skip: NATIVE.skip }, async (t) => {
  t.test('takes nothing from the other one: no packet is lost, and order holds', async (t) => {
    const server = await start(t)
    const [kept, lost] = await startCalls(t, server)
    let isOver = false
    const crashing = crash(server).finally(() => {
      isOver = true
    })
    let sentCount = 0
    // In both directions, a window at a time, for as long as it takes and a while more.
    for (let rest = 20; rest > 0; rest -= isOver ? 1 : 0) {
      const texts = Array.from({ length: 8 }, () => `packet ${sentCount++}`)
      for (const { client, peer } of kept) {
        for (const text of texts) client.sendChannelData(CHANNEL, text)
        for (const text of texts) t.equal((await peer.inbox.next()).text, text)
        for (const text of texts) peer.send(client.relay, text)
        for (const text of texts) t.match(await client.nextData(), { text, channelNumber: CHANNEL })
      }
    }
    await crashing
    for (const { client } of kept) t.equal((await client.refresh()).code, 0)
    for (const { client } of lost)
      await t.rejects(
        client.exchange(
          client.message(1, () => {}),
          100,
        ),
        'its own are gone',
      )
    // The kernel gives them to both workers.
    const newcomers = []
    for (let index = 0; index < CALL_COUNT; index++)
      newcomers.push(await openCall(t, server, index % 2 === 0 ? 'tcp' : 'tls'))
    const workers = await Promise.all(newcomers.map(({ client }) => workerOf(server, client)))
    t.ok(workers.includes(VICTIM), 'the successor takes clients')
  })

  t.test('leaves no socket, port, place of the licence or connection to a peer behind', async (t) => {
    const server = await start(t, ['--max-allocations', String(2 * CALL_COUNT)])
    const filesBefore = await openFileCountAtRest(server.pid)
    const [kept, lost] = await startCalls(t, server)
    const peer = await TcpPeer.open(t)
    const withTcp: TurnClient[] = []
    for (let index = 0; index < CALL_COUNT; index++) {
      const client = TurnClient.on(t, await connectBy('tcp', server), USER)
      t.equal((await client.allocate({ protocol: TRANSPORT_PROTOCOL_TCP })).code, 0)
      t.equal((await client.connectPeer(peer.address)).code, 0)
      withTcp.push(client)
    }
    const workers = await Promise.all(withTcp.map((client) => workerOf(server, client)))
    await crash(server)
    const connections = []
    for (const client of withTcp) {
      const { bytes, source } = await peer.accepted.next()
      t.ok(source.equals(client.relay))
      connections.push(bytes)
    }
    // Whose owner has died is closed, before anybody has bound it.
    for (const [index, bytes] of connections.entries()) if (workers[index] === VICTIM) await bytes.gone()
    for (const [index, bytes] of connections.entries())
      if (workers[index] !== VICTIM) t.equal(bytes.socket.destroyed, false)

    const lostCount = lost.length + workers.filter((worker) => worker === VICTIM).length
    const heirs = []
    for (let index = 0; index < lostCount; index++) heirs.push(await allocateBy(t, 'tcp', server))
    const late = TurnClient.on(t, await connectBy('tcp', server), USER)
    t.equal((await late.allocate()).code, 508, 'as many places are free as it had')

    for (const { transport } of [...kept.map(({ client }) => client), ...withTcp, ...heirs, late])
      await transport.close()
    await until(() => openFileCount(server.pid) <= filesBefore, `${filesBefore} open files as before`)
  })

  t.test('leaves nothing in the count of connections of an address', async (t) => {
    const server = await start(t)
    const port = server.port('', 'tcp')
    const sockets: Socket[] = []
    t.teardown(() => {
      for (const socket of sockets) socket.destroy()
    })
    const open = (count: number) => {
      for (let index = 0; index < count; index++) {
        sockets.push(
          connect({ host: HOST, port, localAddress: IDLE_SOURCE })
            .on('error', () => {})
            .resume(),
        )
      }
    }
    const held = () => sockets.filter((socket) => !socket.destroyed).length
    open(IDLE_COUNT)
    await allConnected(server, sockets)
    t.equal(held(), IDLE_COUNT)
    await crash(server)
    await until(() => held() < IDLE_COUNT, 'those of the dead worker are closed')
    await allConnected(server, sockets)
    const kept = held()
    t.ok(kept > 0)
    open(UNALLOCATED_CONNECTION_OF_SOURCE_COUNT_MAX - kept)
    await allConnected(server, sockets)
    t.equal(held(), UNALLOCATED_CONNECTION_OF_SOURCE_COUNT_MAX, 'its share is free again')
    open(20)
    await until(() => held() <= UNALLOCATED_CONNECTION_OF_SOURCE_COUNT_MAX, 'no more than that')
  })
})

/** They are, and both workers have looked at them: one that is refused has been by then. */
async function allConnected(server: ServerProcess, sockets: readonly Socket[]): Promise<void> {
  await until(() => sockets.every(({ connecting }) => !connecting), 'all are connected')
  // A round trip on either worker, most likely.
  for (let count = 0; count < CALL_COUNT; count++) {
    const transport = await connectBy('tcp', server)
    await new TurnClient(transport, USER).binding()
    await transport.close()
  }
}

t.test('the dgram engine’s stream worker that dies is followed by one on the same port', async (t) => {
  const prefix = ['env', 'TURND_TEST_CRASH_WORKER=1']
  const server = await startStreamServer(t, DGRAM, MIN_PORT, PORT_COUNT, [], { prefix })
  const overUdp = await allocateBy(t, 'udp', server)
  const before = [await openCall(t, server, 'tcp'), await openCall(t, server, 'tls')]
  await crash(server)
  for (const { client } of before)
    await t.rejects(
      client.exchange(
        client.message(1, () => {}),
        100,
      ),
    )
  for (const scheme of ['tcp', 'tls'] as const) {
    const { client, peer } = await openCall(t, server, scheme)
    client.sendChannelData(CHANNEL, 'on the same port')
    t.match(await peer.inbox.next(), { text: 'on the same port' })
  }
  t.equal((await overUdp.refresh()).code, 0)
})
