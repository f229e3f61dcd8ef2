// What happens to a server at night that is nobody's fault: it is stopped for some seconds and goes on, a client comes from another port, an interface goes down, an
// address goes and comes back, a worker dies and then the next one, a certificate is replaced by something else. Calls that are not concerned go on.
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { until } from '../command/until.js'
import { makePair, temporaryDirectory, testCertificate } from '../support/certificate.js'
import { type ClientTransport, connectUdp } from '../support/client-transport.js'
import { ENGINES_IN_TIME, type EngineUnderTest, MAIN_ENGINE, NATIVE, withoutKoffi } from '../support/engines.js'
import { createNamespace, inNamespace } from '../support/namespace.js'
import { findCommand, peerOrSkip } from '../support/peers.js'
import { type ServerProcess, startServerOn } from '../support/server-process.js'
import { HOST, USER } from '../support/stream-server.js'
import { TurnClient } from '../support/turn-client.js'
import { addressOf } from '../support/udp-peer.js'
import { LiveCalls, openEcho } from './live-calls.js'
import { connectAll, connectOver, startFaultServer } from './stage.js'

const MIN_PORT = 11_400
const PORT_COUNT = 100
const isLong = process.env.TURND_TEST_LONG === '1'
const PAUSE_MILLISECONDS = isLong ? 5_000 : 2_000
const RELAY_HOST = '10.11.12.1'
const CLIENT_HOST = '10.11.12.2'
/** Two for UDP, two for streams. */
const VICTIMS = isLong ? [0, 1, 2, 3] : [0, 2]

t.setTimeout(240_000)

for (const engine of ENGINES_IN_TIME) {
  t.test(`with the ${engine.name} engine`, { skip: engine.skip }, async (t) => {
    t.test('a pause of some seconds: nothing ends that had not expired', (t) => pause(t, engine))
    // The main thread reads it and the same stream workers use it on both engines.
    const inLongForm = engine !== MAIN_ENGINE && !isLong && 'in the long form'
    t.test('a certificate that becomes something else', { skip: inLongForm }, (t) => replaceCertificate(t, engine))
    const skip = peerOrSkip('network namespaces') || withoutKoffi()
    t.test('an address and an interface that go and come back', { skip }, (t) => takeAddressAway(t, engine))
  })
}

t.test('workers of each kind die, one after the other, under load', { skip: NATIVE.skip }, killWorkers)

async function pause(t: Test, engine: EngineUnderTest): Promise<void> {
  const server = await startFaultServer(t, engine, MIN_PORT, PORT_COUNT)
  const calls = await LiveCalls.start(t, await connectAll(server), USER)
  await calls.proceed(3)
  calls.stop()
  process.kill(server.pid, 'SIGSTOP')
  const since = performance.now()
  // What comes meanwhile waits in the kernel.
  for (const call of calls.calls) call.send()
  await until(() => performance.now() - since > PAUSE_MILLISECONDS, 'the pause is over', 2 * PAUSE_MILLISECONDS)
  process.kill(server.pid, 'SIGCONT')
  calls.goOn()
  await calls.proceed(5)
  await calls.endLossless(t)
  t.same(server.linesOf('allocation-deleted'), [])
  t.same(server.linesOf('worker-died'), [])

  t.test('a client whose port changes has no allocation (437); the old one goes on', async (t) => {
    const [{ client }] = calls.calls
    const moved = TurnClient.on(t, await connectUdp(HOST, server.port()), USER)
    t.equal((await moved.refresh()).code, 437)
    t.equal((await moved.allocate()).code, 0)
    t.equal((await client.refresh()).code, 0)
  })
}

async function replaceCertificate(t: Test, engine: EngineUnderTest): Promise<void> {
  const directory = temporaryDirectory()
  const [certPath, keyPath] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
  const { cert, key } = testCertificate()
  const other = await makePair('turn.test')
  const restore = () => {
    for (const path of [certPath, keyPath]) rmSync(path, { recursive: true, force: true })
    writeFileSync(certPath, cert)
    writeFileSync(keyPath, key)
  }
  restore()
  const server = await startFaultServer(t, engine, MIN_PORT, PORT_COUNT, ['--cert', certPath, '--key', keyPath])
  const calls = await LiveCalls.start(t, await connectAll(server), USER)

  const changes: readonly [what: string, change: () => void][] = [
    ['half replaced: the key of another', () => writeFileSync(keyPath, other.key)],
    ['swapped', () => [writeFileSync(certPath, key), writeFileSync(keyPath, cert)]],
    ['empty', () => writeFileSync(certPath, '')],
    ['cut', () => writeFileSync(certPath, cert.slice(0, cert.length / 2))],
    ['deleted', () => rmSync(keyPath)],
    ['a directory', () => [rmSync(certPath), mkdirSync(certPath)]],
  ]
  for (const [index, [what, change]] of changes.entries()) {
    t.test(`${what}: the old one stays, and it says so`, async (t) => {
      change()
      process.kill(server.pid, 'SIGHUP')
      await until(() => server.linesOf('reload').length === index * 2 + 1, 'it was looked at')
      t.match(server.linesOf('reload').at(-1), { applied: false, errors: [/^--(?:cert|key) /] })
      // It checks the certificate of before.
      const late = TurnClient.on(t, await connectOver('tls', server), USER)
      t.equal((await late.allocate()).code, 0)
      restore()
      process.kill(server.pid, 'SIGHUP')
      await until(() => server.linesOf('reload').length === index * 2 + 2, 'it is whole again')
      t.equal(server.linesOf('reload').at(-1)?.applied, true)
    })
  }
  t.test('live calls have lost nothing', (t) => calls.endLossless(t))
}

async function takeAddressAway(t: Test, engine: EngineUnderTest): Promise<void> {
  const namespace = createNamespace(t, [`${RELAY_HOST}/32`, `${CLIENT_HOST}/32`])
  const ip = (...args: string[]) => execFileSync(findCommand('ip') ?? 'ip', ['-n', namespace.name, ...args])
  const args = [
    ...[
      '--listen',
      `udp:${HOST}:0`,
      '--relay-ip',
      RELAY_HOST,
      '--allow-peer',
      '10.11.12.0/24',
      '--allow-peer',
      '127.0.0.0/8',
    ],
    ...['--user', `${USER.username}:${USER.password}`, '--min-port', '24000', '--max-port', '24099'],
  ]
  const server = await startServerOn(t, engine, args, { prefix: namespace.prefix })
  const inside = <Value>(action: () => Promise<Value>) => inNamespace(namespace, action)
  const connect = (): Promise<ClientTransport> => inside(() => connectUdp(HOST, server.port()))
  const peer = await inside(() => openEcho(t, CLIENT_HOST))
  const calls = await LiveCalls.start(t, [await connect(), await connect()], USER, peer)
  await calls.proceed(5)

  const relayed = calls.calls.map(({ client }) => client.relay.toString())
  t.ok(relayed.every((relay) => relay.startsWith(RELAY_HOST)))
  t.test('the relay address: new allocations are 508, old ones are kept', async (t) => {
    ip('address', 'del', `${RELAY_HOST}/32`, 'dev', 'lo')
    const newcomer = TurnClient.on(t, await connect(), USER)
    t.equal((await newcomer.allocate()).code, 508)
    for (const { client } of calls.calls) t.equal((await client.refresh()).code, 0)
    ip('address', 'add', `${RELAY_HOST}/32`, 'dev', 'lo')
    t.equal((await newcomer.allocate()).code, 0)
    await calls.proceedAfterLoss(5)
  })

  t.test('the interface, which is down for a moment: everything goes on', async (t) => {
    ip('link', 'set', 'lo', 'down')
    ip('link', 'set', 'lo', 'up')
    await calls.proceedAfterLoss(5)
    for (const { client } of calls.calls) t.equal((await client.refresh()).code, 0)
  })

  t.test('the MTU, which shrinks below what is sent and grows again: the flow goes on', async (t) => {
    ip('link', 'set', 'lo', 'mtu', '576')
    const [{ client }] = calls.calls
    // To a port where nobody is, of a host that has a permission.
    client.sendTo(addressOf(CLIENT_HOST, 9), Buffer.alloc(1200))
    await calls.proceedAfterLoss(5).catch((error) => t.fail(error.message))
    ip('link', 'set', 'lo', 'mtu', '65536')
    t.equal((await client.refresh()).code, 0)
  })

  t.test('and the server ends as always', async (t) => {
    calls.stop()
    t.same(server.linesOf('allocation-deleted'), [])
    t.equal(await server.stop(), 0)
  })
}

async function killWorkers(t: Test): Promise<void> {
  const args = ['--stream-workers', '2', '--max-allocations', '40']
  for (const victim of VICTIMS) {
    t.test(`worker ${victim}`, async (t) => {
      const prefix = ['env', `TURND_TEST_CRASH_WORKER=${victim}`]
      const server = await startFaultServer(t, NATIVE, MIN_PORT, PORT_COUNT, args, { prefix })
      const connections: ClientTransport[] = []
      for (let round = 0; round < 3; round++) connections.push(...(await connectAll(server)))
      const calls = await LiveCalls.start(t, connections, USER)
      const workers = await Promise.all(calls.calls.map(({ client }) => workerOf(server, client)))
      process.kill(server.pid, 'SIGUSR2')
      await until(() => server.linesOf('worker-restarted').length === 1, 'its successor works', 60_000)
      const kept = calls.calls.filter((_, index) => workers[index] !== victim)
      const goals = kept.map(({ sentCount }) => sentCount + 5)
      await until(
        () => kept.every((call, index) => call.lostCount >= 0 && call.returnedCount >= goals[index]),
        'the others go on',
        20_000,
      )
      calls.stop()
      await until(() => kept.every(({ lostCount }) => lostCount === 0), 'and lost nothing', 60_000)
      t.comment(`${kept.length} calls kept, ${calls.calls.length - kept.length} lost`)
      // Its places of the licence are free again: as many as there are find room.
      for (let count = kept.length; count < 40; count++) {
        const client = TurnClient.on(t, await connectUdp(HOST, server.port()), USER)
        t.equal((await client.allocate()).code, 0)
      }
      const late = TurnClient.on(t, await connectUdp(HOST, server.port()), USER)
      t.equal((await late.allocate()).code, 508)
      t.equal(await server.stop(), 0)
    })
  }
}

async function workerOf(server: ServerProcess, client: TurnClient): Promise<number> {
  const source = client.localAddress.toString()
  return Number((await server.waitForLog((line) => line.event === 'allocation' && line.client === source)).worker)
}
