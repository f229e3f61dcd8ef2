// Stream listeners through the life of a server: starts that cannot be, and an end that lets calls go on until its deadline.
import { once } from 'node:events'
import { createServer } from 'node:net'
import t, { type Test } from 'tap'
import { ATTRIBUTE_CONNECTION_ID, TRANSPORT_PROTOCOL_TCP } from '../../src/stun/constants.js'
import type { ByteStream } from '../support/byte-stream.js'
import { testCertificate } from '../support/certificate.js'
import { DGRAM, ENGINES_ALONE_IN_TIME, type EngineUnderTest } from '../support/engines.js'
import { holderText } from '../support/holder-text.js'
import type { ServerProcess } from '../support/server-process.js'
import type { StreamTransport } from '../support/stream-client.js'
import { allocateBy, connectBy, HOST, type Scheme, startStreamServer, USER } from '../support/stream-server.js'
import { TcpPeer } from '../support/tcp-peer.js'
import { TurnClient } from '../support/turn-client.js'
import { UdpPeer } from '../support/udp-peer.js'
import { runTurnd } from './run-turnd.js'
import { until } from './until.js'

const MIN_PORT = 19_100
const PORT_COUNT = 100
const CHANNEL = 0x4000
const DRAIN_SECONDS = 5
/** So long it is watched that calls go on. */
const CALL_SECONDS = 1
/** A stop takes some milliseconds; the rest is for a busy machine. */
const END_SECONDS_MAX = 60

t.setTimeout(240_000)

for (const engine of ENGINES_ALONE_IN_TIME) {
  t.test(`with the ${engine.name} engine`, { skip: engine.skip }, async (t) => {
    refusesToStart(t, engine)
    t.test('SIGTERM lets calls over streams go on until the deadline, and takes no new ones', async (t) => {
      await drains(t, engine)
    })
    t.test('SIGTERM ends at once when the last allocation has ended, whoever is still connected', async (t) => {
      await endsEarly(t, engine)
    })
  })
}

function refusesToStart(t: Test, engine: EngineUnderTest): void {
  const { certPath, keyPath } = testCertificate()
  const relay = ['--relay-ip', HOST, '--min-port', String(MIN_PORT), '--max-port', String(MIN_PORT + PORT_COUNT - 1)]
  // The sentence and its code are the same with either engine: with the one that starts sooner.
  const common = [...DGRAM.args, '--user', 'alice:hunter2', '--admin-listen', 'none', ...relay]
  const certificate = ['--cert', certPath, '--key', keyPath]

  const refuse = async (t: Test, args: readonly string[], message: string) => {
    const { code, stderr, stdout } = await runTurnd([...common, ...args], { cwd: t.testdir({}) })
    t.equal(stderr, `turnd: ${message}\n`, 'one sentence on one line')
    t.equal(code, 2)
    t.notMatch(stdout, /"ready"/)
  }

  const taken = (port: number) =>
    `${holderText('TCP', HOST, port)} listens on TCP ${HOST}:${port}; stop it, or choose another port`
  let server: ServerProcess
  t.before(async () => {
    server = await startStreamServer(t, engine, MIN_PORT, PORT_COUNT)
  })
  for (const scheme of ['tcp', 'tls'] as const) {
    t.test(`${scheme}: on a port that another server has: exit code 2 and a sentence`, async (t) => {
      const port = server.port('', scheme)
      const listen = `${scheme}:${HOST}:${port}`
      await refuse(t, ['--listen', listen, ...certificate], `--listen ${listen}: ${taken(port)}`)
      await allocateBy(t, scheme, server)
    })

    t.test(`${scheme}: on a port where another program listens: the same`, async (t) => {
      const stranger = createServer().listen(0, HOST)
      t.teardown(() => stranger.close())
      await once(stranger, 'listening')
      const { port } = stranger.address() as { port: number }
      const listen = `${scheme}:${HOST}:${port}`
      await refuse(t, ['--listen', listen, ...certificate], `--listen ${listen}: ${taken(port)}`)
    })
  }

  t.test('tls: without a certificate: exit code 2 and a sentence', (t) => {
    const remedy = 'needs a certificate: give --cert FILE --key FILE, or make one with turnd cert --name NAME'
    return refuse(t, ['--listen', `tls:${HOST}:0`], `--listen tls:${HOST}:0 ${remedy}`)
  })
}

interface Call {
  readonly client: TurnClient
  readonly peer: UdpPeer
}

async function openCall(t: Test, server: ServerProcess, scheme: Scheme): Promise<Call> {
  const [client, peer] = [await allocateBy(t, scheme, server), await UdpPeer.open(t)]
  t.equal((await client.bindChannel(CHANNEL, peer.address)).code, 0)
  return { client, peer }
}

/** A pair of a client and a peer over TCP (RFC 6062). */
async function openPair(t: Test, server: ServerProcess): Promise<{ data: ByteStream; peer: ByteStream }> {
  const peer = await TcpPeer.open(t)
  const control = TurnClient.on(t, await connectBy('tls', server), USER)
  t.equal((await control.allocate({ protocol: TRANSPORT_PROTOCOL_TCP })).code, 0)
  const id = (await control.connectPeer(peer.address)).uint32(ATTRIBUTE_CONNECTION_ID)
  const data = TurnClient.on(t, await connectBy('tls', server), USER)
  t.equal((await data.bindConnection(id)).code, 0)
  return { data: (data.transport as StreamTransport).data, peer: (await peer.accepted.next()).bytes }
}

async function drains(t: Test, engine: EngineUnderTest): Promise<void> {
  const server = await startStreamServer(t, engine, MIN_PORT, PORT_COUNT, ['--drain-timeout', String(DRAIN_SECONDS)])
  const calls = [await openCall(t, server, 'tcp'), await openCall(t, server, 'tls'), await openCall(t, server, 'udp')]
  const { data, peer } = await openPair(t, server)
  const early = TurnClient.on(t, await connectBy('tcp', server), USER)
  await early.learnChallenge()
  const start = performance.now()
  process.kill(server.pid, 'SIGTERM')
  await server.waitForLog(({ event }) => event === 'draining')

  t.equal((await early.allocate()).code, 508, 'on a connection that was there')
  for (const scheme of ['tcp', 'tls'] as const) {
    const late = TurnClient.on(t, await connectBy(scheme, server), USER)
    t.equal((await late.allocate()).code, 508, `on a new one over ${scheme}`)
  }
  let count = 0
  const from = performance.now()
  do {
    const text = `packet ${count++}`
    for (const { client, peer } of calls) {
      client.sendChannelData(CHANNEL, text)
      t.match(await peer.inbox.next(), { text })
      peer.send(client.relay, text)
      t.match(await client.nextData(), { text })
    }
    data.write(text)
    t.equal(await peer.readText(text.length), text)
    peer.write(text)
    t.equal(await data.readText(text.length), text)
  } while (performance.now() - from < CALL_SECONDS * 1_000)
  t.comment(`${count} rounds`)
  t.equal(await server.waitForExit((DRAIN_SECONDS + END_SECONDS_MAX) * 1_000), 0)
  const seconds = (performance.now() - start) / 1_000
  t.ok(seconds > DRAIN_SECONDS - 0.1, `after ${seconds} s`)
  await Promise.all([data.gone(), peer.gone()])
  for (const { client } of calls.slice(0, 2)) {
    await until(() => (client.transport as StreamTransport).socket.destroyed, 'its connection is closed')
  }
}

async function endsEarly(t: Test, engine: EngineUnderTest): Promise<void> {
  const server = await startStreamServer(t, engine, MIN_PORT, PORT_COUNT, ['--drain-timeout', '60'])
  const { client } = await openCall(t, server, 'tls')
  const idle = (await connectBy('tcp', server)) as StreamTransport
  t.teardown(() => idle.close())
  process.kill(server.pid, 'SIGTERM')
  await server.waitForLog(({ event }) => event === 'draining')
  t.equal((await client.refresh({ lifetimeSeconds: 0 })).code, 0)
  t.equal(await server.waitForExit(END_SECONDS_MAX * 1_000), 0)
  idle.socket.resume()
  await until(() => idle.socket.destroyed, 'the idle connection is closed')
}
