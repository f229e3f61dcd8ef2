// The JSON lines of standard output: one object a line whatever clients send, a line for each refusal that says who, whence, why and
// what to do, and never a secret.
import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { REFUSAL_REASONS, type RefusalReason } from '../../src/log/refusals.js'
import type { LogLine, ServerProcess } from '../support/server-process.js'
import { addressOf } from '../support/turn-address.js'
import type { TurnClient } from '../support/turn-client.js'
import { allocateAs, HOSTILE_NAMES } from './hostile-names.js'
import { connectClient, startLocalServer } from './local-server.js'

const MIN_PORT = 32_600
const PASSWORD = 'hunter2'
const USERS = ['--user', `alice:${PASSWORD}`, '--user', `bob:${PASSWORD}`]
const LEVEL_INFO = 30
const LEVEL_WARN = 40

t.setTimeout(240_000)

const start = (t: Test, ...args: string[]) => startLocalServer(t, MIN_PORT, [...USERS, ...args], [PASSWORD])

/** The refusal of this client that is logged next, apart from its time and sentence, and the worker that the client is on. */
async function refusalOf(server: ServerProcess, client: TurnClient, reason: RefusalReason): Promise<LogLine> {
  const source = client.localAddress.toString()
  const line = await server.waitForLog(
    (line) => line.event === 'refusal' && line.source === source && line.reason === reason,
  )
  const { msg, time, worker, ...fields } = line
  return fields
}

const expected = (reason: RefusalReason, code: number, method: string, user: string, client: TurnClient) => {
  const { remedy } = REFUSAL_REASONS[reason]
  const source = client.localAddress.toString()
  return { level: LEVEL_WARN, event: 'refusal', reason, code, method, user, source, remedy }
}

t.test('the line of a refusal', async (t) => {
  const server = await start(t)
  t.test('of an unknown user', async (t) => {
    const client = await connectClient(t, server, 'mallory', PASSWORD)
    t.equal((await client.allocate()).code, 401)
    t.same(
      await refusalOf(server, client, 'unknown-user'),
      expected('unknown-user', 401, 'Allocate', 'mallory', client),
    )
    t.equal(
      server.linesOf('refusal').at(-1)?.msg,
      `refused Allocate of "mallory" at ${client.localAddress}: no configured user has this name`,
    )
  })

  t.test('of a bad password', async (t) => {
    const client = await connectClient(t, server, 'alice', 'wrong-password')
    t.equal((await client.allocate()).code, 401)
    t.same(await refusalOf(server, client, 'bad-password'), expected('bad-password', 401, 'Allocate', 'alice', client))
    t.notMatch(server.output, 'wrong-password')
    const own = server.linesOf('refusal').filter(({ source }) => source === client.localAddress.toString())
    t.equal(own.length, 1, 'the first challenge of a client is no refusal')
  })

  t.test('of the user quota (486), while others can allocate', async (t) => {
    const server = await start(t, '--user-quota', '1')
    const [first, second, other] = await Promise.all(
      ['alice', 'alice', 'bob'].map((name) => connectClient(t, server, name, PASSWORD)),
    )
    t.equal((await first.allocate()).code, 0)
    t.equal((await second.allocate()).code, 486)
    t.equal((await other.allocate()).code, 0)
    t.same(await refusalOf(server, second, 'user-quota'), expected('user-quota', 486, 'Allocate', 'alice', second))
  })

  t.test('of the licence (508), until an allocation ends', async (t) => {
    const server = await start(t, '--max-allocations', '1')
    const [first, second] = await Promise.all(['alice', 'bob'].map((name) => connectClient(t, server, name, PASSWORD)))
    t.equal((await first.allocate()).code, 0)
    t.equal((await second.allocate()).code, 508)
    t.same(await refusalOf(server, second, 'licence'), expected('licence', 508, 'Allocate', 'bob', second))
    t.equal((await first.refresh({ lifetimeSeconds: 0 })).code, 0)
    t.equal((await second.allocate()).code, 0)
  })

  t.test('of the peer policy (403) names the peer', async (t) => {
    const client = await connectClient(t, server, 'alice', PASSWORD)
    await client.allocate()
    const ask: [method: string, peer: string, ask: () => ReturnType<TurnClient['createPermission']>][] = [
      ['CreatePermission', '10.0.0.1:0', () => client.createPermission(addressOf('10.0.0.1'))],
      ['ChannelBind', '10.0.0.2:5000', () => client.bindChannel(0x4000, addressOf('10.0.0.2:5000'))],
    ]
    for (const [method, peer, send] of ask) {
      t.equal((await send()).code, 403)
      const line = await server.waitForLog(({ event, ...line }) => event === 'refusal' && line.method === method)
      t.match(line, { ...expected('peer-policy', 403, method, 'alice', client), peer })
    }
  })

  t.test('of a stale nonce is no warning: clients meet it in normal operation', async (t) => {
    const client = await connectClient(t, server, 'alice', PASSWORD)
    t.equal((await client.allocate({}, { nonce: 'from-another-server' })).code, 438)
    await server.waitForLog(({ reason }) => reason === 'stale-nonce')
    const lines = server.linesOf('refusal').filter(({ source }) => source === client.localAddress.toString())
    t.match(lines, [{ level: LEVEL_INFO, reason: 'stale-nonce', code: 438, user: 'alice' }])
  })
})

t.test('the lines of an allocation', async (t) => {
  const server = await start(t)
  const client = await connectClient(t, server, 'alice', PASSWORD)
  await client.allocate({ lifetimeSeconds: 900 })
  const common = { user: 'alice', client: client.localAddress.toString(), relayed: [client.relay.toString()] }
  t.match(await server.waitForLog(({ event }) => event === 'allocation'), { ...common, lifetimeSeconds: 900 })
  await client.refresh({ lifetimeSeconds: 0 })
  t.match(await server.waitForLog(({ event }) => event === 'allocation-deleted'), {
    ...{ ...common, cause: 'refresh', durationSeconds: 0 },
    ...{ packetsFromClient: 0, bytesFromClient: 0, packetsToClient: 0, bytesToClient: 0 },
  })
})

t.test('standard output', async (t) => {
  t.test('is one JSON object a line, whatever user names contain', async (t) => {
    const server = await start(t)
    for (const name of HOSTILE_NAMES) t.equal(await allocateAs(await connectClient(t, server, name, ''), name), 401)
    t.equal(await server.stop(), 0)
    const names = server.linesOf('refusal').map(({ user }) => user)
    // In any order: each worker reports for itself.
    t.strictSame(names.sort(), [...HOSTILE_NAMES].sort())
    const lines = server.output.trimEnd().split('\n')
    t.equal(lines.length, server.logLines.length, 'and nothing else')
    t.strictSame(
      lines.map((line) => JSON.parse(line)),
      server.logLines,
    )
    for (const line of lines) {
      t.match(line, /^\{"level":\d\d,"time":"\d{4}-[^"]+Z","event":"[a-z-]+"/)
      t.notMatch(line, /[\x00-\x1f\x7f-\x9f\u200b\u2028\u2029\u202e\u2066]/, 'nothing that a terminal obeys')
    }
  })

  t.test('shows no secret at any level, from any source', async (t) => {
    const file = join(t.testdir({ secrets: 'file-secret\n' }), 'secrets')
    const secrets = ['north-secret', 'file-secret', 'environment-secret', PASSWORD]
    const args = ['--log-level', 'trace', '--auth-secret', 'north-secret', '--auth-secret-file', file, ...USERS]
    const prefix = ['env', 'TURND_USER=ann:environment-secret']
    const server = await startLocalServer(t, MIN_PORT, args, secrets, { prefix })
    const rest = `${Math.floor(Date.now() / 1000) + 60}:carol`
    const password = createHmac('sha1', 'file-secret').update(rest).digest('base64')
    for (const [name, secret] of [
      ['alice', PASSWORD],
      [rest, password],
    ]) {
      const client = await connectClient(t, server, name, secret)
      t.equal((await client.allocate()).code, 0)
      t.equal((await client.refresh({}, { password: 'wrong' })).code, 401)
      t.equal((await client.refresh({ lifetimeSeconds: 0 })).code, 0)
    }
    await server.stop()
    t.notMatch(server.output, password)
  })
})
