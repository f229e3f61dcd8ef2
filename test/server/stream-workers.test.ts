// Stream workers of one server in this process: RFC 6062 across them, and an end that leaves nothing behind.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { promisify } from 'node:util'
import pino from 'pino'
import t, { type Test } from 'tap'
import { createTurnServer, type TurnServer, type TurnServerOptions } from '../../src/index.js'
import { ATTRIBUTE_CONNECTION_ID, TRANSPORT_PROTOCOL_TCP } from '../../src/stun/constants.js'
import { until } from '../command/until.js'
import type { ByteStream } from '../support/byte-stream.js'
import { testCertificate } from '../support/certificate.js'
import { ENGINES_IN_TIME, type EngineUnderTest, NATIVE } from '../support/engines.js'
import { connectTcp, connectTls, type StreamTransport } from '../support/stream-client.js'
import { HOST } from '../support/stream-server.js'
import { TcpPeer } from '../support/tcp-peer.js'
import { TurnClient } from '../support/turn-client.js'

const MIN_PORT = 19_200
const PORT_COUNT = 100
const USERS = { alice: 'correct horse', bob: 'battery staple' }
const TCP = { protocol: TRANSPORT_PROTOCOL_TCP } as const
/** The kernel puts control and data connection on one of two workers each: all on the same is one run in 2^20. */
const PAIR_COUNT = 20
const BLOCK_LENGTH = 256 * 1024
/** It takes some milliseconds; the rest is for a busy machine. */
const STOP_MILLISECONDS_MAX = process.env.TURND_TEST_LONG === '1' ? 5_000 : 60_000

t.setTimeout(240_000)

interface World {
  readonly server: TurnServer
  readonly lines: Record<string, unknown>[]
}

async function start(t: Test, engine: EngineUnderTest): Promise<World> {
  const lines: Record<string, unknown>[] = []
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const server = createTurnServer(
    { ...optionsOf(engine), listen: ['tcp', 'tls'].map((scheme) => `${scheme}:${HOST}:0`) },
    logger,
  )
  t.teardown(() => server.stop())
  await server.start()
  return { server, lines }
}

function optionsOf(engine: EngineUnderTest): TurnServerOptions {
  const { certPath, keyPath } = testCertificate()
  return {
    ...engine.options,
    ...(engine.name === 'native' ? { streamWorkers: 2 } : {}),
    ...{ cert: certPath, key: keyPath, relayIp: HOST, allowPeer: '127.0.0.0/8' },
    ...{ minPort: MIN_PORT, maxPort: MIN_PORT + PORT_COUNT - 1 },
    user: Object.entries(USERS).map(([name, password]) => ({ name, password })),
  }
}

async function connect(
  t: Test,
  { server }: World,
  scheme: 'tcp' | 'tls',
  username: keyof typeof USERS = 'alice',
): Promise<TurnClient> {
  const port = server.address().find(({ transport }) => transport === scheme)?.port ?? 0
  const transport = scheme === 'tcp' ? connectTcp(HOST, port) : connectTls(HOST, port, testCertificate().cert)
  return TurnClient.on(t, await transport, { username, password: USERS[username] })
}

async function allocate(t: Test, world: World, scheme: 'tcp' | 'tls'): Promise<TurnClient> {
  const client = await connect(t, world, scheme)
  t.equal((await client.allocate(TCP)).code, 0)
  return client
}

/** A data connection for this CONNECTION-ID, after a stranger has tried to take it. */
async function bind(t: Test, world: World, scheme: 'tcp' | 'tls', connectionId: number): Promise<ByteStream> {
  const stranger = await connect(t, world, scheme, 'bob')
  t.equal((await stranger.bindConnection(connectionId)).code, 400, 'of another user')
  await stranger.transport.close()
  const client = await connect(t, world, scheme)
  t.equal((await client.bindConnection(connectionId)).code, 0)
  return (client.transport as StreamTransport).data
}

/** Blocks in both directions, then the end of one direction, and of the other one after an answer. */
async function exchange(t: Test, one: ByteStream, other: ByteStream): Promise<void> {
  const [there, back] = [randomBytes(BLOCK_LENGTH), randomBytes(BLOCK_LENGTH)]
  one.write(there)
  other.write(back)
  t.ok((await other.read(BLOCK_LENGTH)).equals(there))
  t.ok((await one.read(BLOCK_LENGTH)).equals(back))
  one.end()
  await other.ended()
  other.write('answer')
  other.end()
  t.equal(await one.readText(6), 'answer')
  await Promise.all([one.closed(), other.closed()])
}

t.test('TCP relays across two stream workers', { skip: NATIVE.skip }, async (t) => {
  for (const [index, name] of ['to a peer', 'from a peer'].entries()) {
    t.test(`connections ${name} are bound, whichever worker the data connection reaches`, async (t) => {
      const world = await start(t, NATIVE)
      const peer = await TcpPeer.open(t)
      const controls = new Set<unknown>()
      for (let count = 0; count < PAIR_COUNT; count++) {
        const scheme = count % 2 === 0 ? 'tcp' : 'tls'
        const client = await allocate(t, world, scheme)
        const pair = await (index === 0
          ? dialPeer(t, world, scheme, client, peer)
          : meetPeer(t, world, scheme, client, peer))
        // Either side is the first to end.
        if (count % 4 < 2) await exchange(t, pair.data, pair.bytes)
        else await exchange(t, pair.bytes, pair.data)
        const isItsOwn = ({ client: name }: Record<string, unknown>) => name === client.localAddress.toString()
        await until(() => world.lines.some(isItsOwn), 'its allocation is logged')
        controls.add(world.lines.find(isItsOwn)?.worker)
      }
      t.equal(controls.size, 2, 'both workers had allocations')
      t.equal(world.server.allocationCount(), PAIR_COUNT)
    })
  }
})

interface Pair {
  readonly data: ByteStream
  readonly bytes: ByteStream
}

async function dialPeer(
  t: Test,
  world: World,
  scheme: 'tcp' | 'tls',
  client: TurnClient,
  peer: TcpPeer,
): Promise<Pair> {
  const answer = await client.connectPeer(peer.address)
  t.equal(answer.code, 0)
  const data = await bind(t, world, scheme, answer.uint32(ATTRIBUTE_CONNECTION_ID))
  return { data, bytes: (await peer.accepted.next()).bytes }
}

async function meetPeer(
  t: Test,
  world: World,
  scheme: 'tcp' | 'tls',
  client: TurnClient,
  peer: TcpPeer,
): Promise<Pair> {
  t.equal((await client.createPermission(peer.address)).code, 0)
  const bytes = await peer.connect(client.relay)
  const { connectionId } = await client.nextConnectionAttempt()
  return { data: await bind(t, world, scheme, connectionId), bytes }
}

for (const engine of ENGINES_IN_TIME) {
  t.test(`stop() with live clients over streams, ${engine.name} engine`, { skip: engine.skip }, async (t) => {
    t.test('takes a moment, closes every connection, and leaves no thread and no file descriptor', async (t) => {
      await (await start(t, engine)).server.stop()
      const before = resources()
      // Peers and clients end with their round.
      for (let round = 0; round < 3; round++) await t.test(`round ${round}`, (t) => stopWithClients(t, engine))
      await until(() => resources().files <= before.files && resources().threads <= before.threads, 'all is gone')
    })

    t.test('lets the process end by itself', async (t) => {
      t.equal(await runProgram(engine), 'stopped\n')
    })
  })
}

async function stopWithClients(t: Test, engine: EngineUnderTest): Promise<void> {
  const world = await start(t, engine)
  const peer = await TcpPeer.open(t)
  const clients: TurnClient[] = []
  const pairs: Pair[] = []
  for (const scheme of ['tcp', 'tls'] as const) {
    const [control, udp, idle] = [
      await allocate(t, world, scheme),
      await connect(t, world, scheme),
      await connect(t, world, scheme),
    ]
    t.equal((await udp.allocate()).code, 0)
    clients.push(control, udp, idle)
    pairs.push(await dialPeer(t, world, scheme, control, peer))
    // One more that nobody has bound.
    const other = await TcpPeer.open(t)
    t.equal((await control.connectPeer(other.address)).code, 0)
    const { bytes } = await other.accepted.next()
    pairs.push({ data: bytes, bytes })
  }
  const startedAt = performance.now()
  await world.server.stop()
  const milliseconds = performance.now() - startedAt
  t.ok(milliseconds < STOP_MILLISECONDS_MAX, `${milliseconds} ms`)
  for (const { transport } of clients)
    await until(() => (transport as StreamTransport).socket.destroyed, 'it is closed')
  for (const { bytes, data } of pairs) await Promise.all([bytes.gone(), data.gone()])
}

/** Output of a program with a server and clients of it, which stops the server and does nothing more; it must end with code 0. */
async function runProgram(engine: EngineUnderTest): Promise<string> {
  const program = `
    import { connect } from 'node:net'
    import { once } from 'node:events'
    import { createTurnServer } from ${JSON.stringify(new URL('../../src/index.js', import.meta.url).href)}
    const server = createTurnServer(${JSON.stringify({ ...optionsOf(engine), listen: `tcp:${HOST}:0` })})
    await server.start()
    const sockets = Array.from({ length: 5 }, () => connect(server.address()[0].port, '${HOST}').on('error', () => {}).resume())
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    await server.stop()
    console.log('stopped')
  `
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    timeout: 60_000,
    env: { PATH: process.env.PATH ?? '' },
  })
  return stdout
}

/** Of this process: files that are open, and threads. */
function resources(): { files: number; threads: number } {
  return { files: readdirSync('/proc/self/fd').length, threads: readdirSync('/proc/self/task').length }
}
