// Signals to the running server: SIGTERM and SIGINT drain, a second one stops, SIGHUP reads the users file again.
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { makeUsersFileLine } from '../../src/auth/users-file.js'
import type { ServerProcess } from '../support/server-process.js'
import type { TurnClient } from '../support/turn-client.js'
import { UdpPeer } from '../support/udp-peer.js'
import { allocateCode, connectClient, startLocalServer } from './local-server.js'

const isLong = process.env.TURND_TEST_LONG === '1'
const MIN_PORT = 32_400
const PASSWORD = 'hunter2'
const CHANNEL = 0x4000

t.setTimeout(240_000)

const start = (t: Test, args: readonly string[]) =>
  startLocalServer(t, MIN_PORT, ['--user', `alice:${PASSWORD}`, ...args], [PASSWORD])

const connect = (t: Test, server: ServerProcess) => connectClient(t, server, 'alice', PASSWORD)

/** An allocation with a channel to a peer. */
async function startCall(t: Test, server: ServerProcess): Promise<{ client: TurnClient; peer: UdpPeer }> {
  const peer = await UdpPeer.open(t)
  const client = await connect(t, server)
  t.equal((await client.allocate()).code, 0)
  t.equal((await client.bindChannel(CHANNEL, peer.address)).code, 0)
  return { client, peer }
}

/** Media goes both ways. */
async function checkMedia(t: Test, { client, peer }: { client: TurnClient; peer: UdpPeer }): Promise<void> {
  client.sendChannelData(CHANNEL, 'to the peer')
  const { source, text } = await peer.inbox.next()
  t.same({ source: source.toString(), text }, { source: client.relay.toString(), text: 'to the peer' })
  peer.send(client.relay, 'to the client')
  t.match(await client.nextData(), { channelNumber: CHANNEL, text: 'to the client' })
}

/** Sends a signal and waits until it is logged. */
async function signal(server: ServerProcess, name: NodeJS.Signals, second = false): Promise<void> {
  process.kill(server.pid, name)
  await server.waitForLog((line) => line.event === 'signal' && line.signal === name && line.second === second)
}

const isDraining = ({ event }: { event?: unknown }) => event === 'draining'
const timeOf = (server: ServerProcess, event: string) => Date.parse(String(server.linesOf(event)[0].time))

for (const name of ['SIGTERM', 'SIGINT'] as const) {
  t.test(`${name} drains`, async (t) => {
    const server = await start(t, ['--drain-timeout', '60'])
    const call = await startCall(t, server)
    const newcomer = await connect(t, server)
    await signal(server, name)
    t.match(await server.waitForLog(isDraining), { allocations: 1, timeoutSeconds: 60 })

    t.test('media of an existing allocation goes on in both directions', (t) => checkMedia(t, call))
    t.test('and its requests are answered', async (t) => {
      const another = await UdpPeer.open(t)
      t.equal((await call.client.refresh()).code, 0)
      t.equal((await call.client.createPermission(another.address)).code, 0)
      await checkMedia(t, call)
    })
    t.test('a new Allocate gets 508, and the log says why', async (t) => {
      t.equal((await newcomer.allocate()).code, 508)
      const source = newcomer.localAddress.toString()
      const { remedy, ...line } = await server.waitForLog(({ event }) => event === 'refusal')
      t.match(line, { reason: 'draining', code: 508, method: 'Allocate', user: 'alice', source })
      t.ok(remedy)
      t.equal((await newcomer.binding()).code, 0, 'Binding is still answered')
    })
    t.test('it ends with 0 as soon as the last allocation ends', async (t) => {
      t.equal((await call.client.refresh({ lifetimeSeconds: 0 })).code, 0)
      t.equal(await server.waitForExit(), 0)
      t.match(server.logLines.at(-1), { event: 'stopped' })
      t.match(server.linesOf('allocation-deleted'), [{ cause: 'refresh', user: 'alice' }])
    })
  })
}

t.test('the drain ends at --drain-timeout when an allocation does not', async (t) => {
  const server = await start(t, ['--drain-timeout', '2'])
  const call = await startCall(t, server)
  await signal(server, 'SIGTERM')
  await checkMedia(t, call)
  t.equal(await server.waitForExit(), 0)
  const seconds = (timeOf(server, 'stopped') - timeOf(server, 'draining')) / 1000
  t.ok(seconds >= 1.95 && seconds < 60, `after ${seconds} s`)
  t.match(server.linesOf('allocation-deleted'), [{ cause: 'stopped' }])
})

t.test('without allocations there is nothing to wait for, and the port is free again', async (t) => {
  const server = await start(t, ['--drain-timeout', '60'])
  process.kill(server.pid, 'SIGTERM')
  t.equal(await server.waitForExit(), 0)
  t.match(server.linesOf('draining'), [{ allocations: 0 }])
  t.equal((await UdpPeer.open(t, '127.0.0.1', server.port())).address.port, server.port())
})

t.test('a second signal stops at once', async (t) => {
  for (const [first, second] of [
    ['SIGINT', 'SIGTERM'],
    ...(isLong ? [['SIGTERM', 'SIGTERM'] as const] : []),
  ] as const) {
    const server = await start(t, ['--drain-timeout', '60'])
    await startCall(t, server)
    await signal(server, first)
    await server.waitForLog(isDraining)
    process.kill(server.pid, second)
    t.equal(await server.waitForExit(), 0, `${first}, ${second}`)
    t.match(server.linesOf('signal'), [
      { signal: first, second: false },
      { signal: second, second: true },
    ])
    t.match(server.linesOf('allocation-deleted'), [{ cause: 'stopped' }])
  }
})

t.test('SIGHUP', async (t) => {
  const isReload = (isApplied: boolean) => (line: { event?: unknown; applied?: unknown }) =>
    line.event === 'reload' && line.applied === isApplied

  t.test('reads the users file again', async (t) => {
    const path = join(t.testdir({ users: '' }), 'users')
    const server = await startLocalServer(t, MIN_PORT, ['--users-file', path], [PASSWORD])
    writeFileSync(path, `${makeUsersFileLine('bob', 'turnd', PASSWORD).text}\n`)
    process.kill(server.pid, 'SIGHUP')
    await server.waitForLog(isReload(true))
    t.equal(await allocateCode(t, server, 'bob', PASSWORD), 0)

    appendFileSync(path, 'nonsense\n')
    process.kill(server.pid, 'SIGHUP')
    const failed = await server.waitForLog(isReload(false))
    t.match(failed, { level: 50, msg: /^the reload failed and changed nothing: --users-file .*, line 2: / })
    t.equal(await allocateCode(t, server, 'bob', PASSWORD), 0)
  })

  t.test('ends nothing where there is no users file, nor an allocation', async (t) => {
    const server = await start(t, [])
    const call = await startCall(t, server)
    process.kill(server.pid, 'SIGHUP')
    t.match(await server.waitForLog(isReload(true)), { changes: 0, refused: 0 })
    await checkMedia(t, call)
  })
})
