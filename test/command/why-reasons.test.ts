// Every reason that can be provoked over real sockets is told by the real command, `turnd why`, for the one who was refused: with both
// engines, over UDP, TCP and TLS. One server has all cases, which follow each other: the limits come last.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { lineOf, makeUsersFileLine } from '../../src/auth/users-file-line.js'
import type { WhyRefusal, WhyReport } from '../../src/index.js'
import { CONNECTION_REFUSALS } from '../../src/log/connection-refusals.js'
import { REFUSAL_REASONS, type RefusalReason } from '../../src/log/refusals.js'
import { METHOD_BINDING, METHOD_REFRESH } from '../../src/stun/constants.js'
import { temporaryDirectory, testCertificate } from '../support/certificate.js'
import { ENGINES_IN_TIME, type EngineUnderTest } from '../support/engines.js'
import { type ServerProcess, startServerOn } from '../support/server-process.js'
import type { AllocateOptions, TurnClient } from '../support/turn-client.js'
import {
  DISABLED_USER,
  LIMIT,
  MAX_ALLOCATIONS,
  OAUTH_KEYS,
  Origin,
  originOf,
  PASSWORD,
  PORT_COUNT,
  PROXY,
  REFUSED_CONNECTIONS,
  REFUSED_REQUESTS,
  SECRET,
  USER_QUOTA,
  USERS,
} from './refusal-cases.js'
import { runTurnd } from './run-turnd.js'
import { until } from './until.js'

const MIN_PORTS = { dgram: 33_300, native: 33_350 }
/** A source's share of answers is ten times as many at once. */
const UNAUTHENTICATED_RATE = 20
/** Answers to failures of one source within 10 s. */
const FAILURE_BUDGET = 200
/** Below what the server has open. */
const FEW_FILES = 20
const MANY_FILES = 1024
/** Not from here: what stores outside the server say or do not say (test/server/webhook); who is sent to another server (test/turn/alternate, test/server/alternates); a client that is a relay of this server, which takes a forged source; 128 or 4,096 connections, or 10 s of silence; mobility that a reload has switched off, or that has no sockets left (test/turn/mobility). */
const ELSEWHERE: readonly string[] = [
  'refused-by-store',
  'store-unavailable',
  'store-busy',
  'redirected-draining',
  'redirected-full',
  'redirected-load',
  'nested-client',
  'response-port',
  'connection-limit',
  'connection-timeout',
  'connection-displaced',
  'open-files',
  'mobility-off',
  'way-failed',
]

/** What is told of a refusal, of which this is known. */
type Expected = Pick<WhyRefusal, 'reason' | 'source' | 'user'> & Partial<WhyRefusal>

t.setTimeout(240_000)

for (const engine of ENGINES_IN_TIME) {
  t.test(`turnd why, of a server with the ${engine.name} engine`, { skip: engine.skip }, async (t) => {
    const stateDirectory = temporaryDirectory()
    const server = await start(t, engine, stateDirectory)
    const expected: Expected[] = []

    t.test('refused requests', async (t) => {
      for (const [index, [reason, refused]] of Object.entries(REFUSED_REQUESTS).entries()) {
        const from = originOf(t, server, index)
        const { code, method, peer, provoke, user = 'alice' } = refused
        t.equal((await provoke(from)).code, code, reason)
        const about = { reason: reason as RefusalReason, code, method, user, source: from.address, count: 1 }
        expected.push(peer === undefined ? about : { ...about, peer })
      }
    })

    t.test('refused connections', async (t) => {
      for (const [index, [reason, provoke]] of Object.entries(REFUSED_CONNECTIONS).entries()) {
        const address = reason === 'proxy-header' ? PROXY : `127.80.2.${index + 1}`
        await provoke(new Origin(t, server, address))
        expected.push({ reason: reason as keyof typeof REFUSED_CONNECTIONS, source: address, user: '', count: 1 })
      }
    })

    t.test('the limits', async (t) => {
      const from = new Origin(t, server, '127.80.3.1')
      const expectRefusal = async (
        reason: RefusalReason,
        code: number,
        user: string,
        options: AllocateOptions = {},
      ) => {
        t.equal((await (await from.udp(user)).allocate(options)).code, code, reason)
        expected.push({ reason, code, method: 'Allocate', user, source: from.address, count: 1 })
      }
      // One port of each pair, so that no pair is left.
      const first = await allocateMany(from, 'alice', USER_QUOTA, { evenPort: 'even' })
      await allocateMany(from, 'bob', PORT_COUNT / 2 - USER_QUOTA, { evenPort: 'even' })
      await expectRefusal('user-quota', 486, 'alice')
      await expectRefusal('no-relay-port', 508, 'bob', { evenPort: 'pair' })
      await allocateMany(from, 'bob', MAX_ALLOCATIONS - PORT_COUNT / 2)
      await expectRefusal('licence', 508, 'carol')
      await first[0].refresh({ lifetimeSeconds: 0 })
      const client = await from.udp('carol')
      await client.learnChallenge()
      limitFiles(server.pid, FEW_FILES)
      t.equal((await client.allocate()).code, 508)
      limitFiles(server.pid, MANY_FILES)
      expected.push({ reason: 'relay-failed', code: 508, method: 'Allocate', user: 'carol', source: from.address })
    })

    t.test('sources that get no answers', async (t) => {
      const flooder = new Origin(t, server, '127.80.4.1')
      const guesser = new Origin(t, server, '127.80.4.2')
      const flood = await flooder.udp()
      for (let count = 0; count < 20 * UNAUTHENTICATED_RATE; count++) flood.transport.send(bindingRequest(flood))
      const guess = await guesser.tcp()
      await guess.learnChallenge()
      for (let count = 0; count < 2 * FAILURE_BUDGET; count++) guess.transport.send(wrongRefresh(guess))
      // All have been looked at when what comes behind them is answered.
      await guess.settle()
      expected.push({ reason: 'reply-limit', source: flooder.address, user: '' })
      expected.push({ reason: 'failure-budget', source: guesser.address, user: '' })
    })

    t.test('draining', async (t) => {
      const from = new Origin(t, server, '127.80.5.1')
      process.kill(server.pid, 'SIGTERM')
      await server.waitForLog(({ event }) => event === 'draining')
      t.equal((await (await from.udp('carol')).allocate()).code, 508)
      expected.push({
        reason: 'draining',
        code: 508,
        method: 'Allocate',
        user: 'carol',
        source: from.address,
        count: 1,
      })
    })

    t.test('are all told, with meaning and remedy', async (t) => {
      const missing = (report: WhyReport) => expected.filter((one) => find(report, one) === undefined)
      let report = await why(t, stateDirectory)
      // Workers tell them one after the other.
      await until(
        async () => {
          if (missing(report).length > 0) report = await why(t, stateDirectory)
          return missing(report).length === 0
        },
        `not told: ${JSON.stringify(missing(report))}`,
      )
      for (const one of expected) {
        const told = find(report, one)
        t.match(told, one)
        if (told === undefined) continue
        t.match(told, { meaning: /^\S.{10,}/, remedy: /^\S/ }, told.reason)
        t.ok(report.totals[told.reason] ?? report.drops.some(({ reason }) => reason === told.reason), told.reason)
      }
      const reasons = new Set<string>([...expected.map(({ reason }) => String(reason)), ...ELSEWHERE])
      for (const reason of [...Object.keys(REFUSAL_REASONS), ...Object.keys(CONNECTION_REFUSALS)]) {
        t.ok(reasons.has(reason), `${reason} has a case here`)
      }
      t.match(report, { pid: server.pid, engine: engine.name, relayPorts: { min: MIN_PORTS[engine.name] } })
      t.same(report.listening.toSorted(), server.ready.listening.toSorted())
      t.match(report.allocations, [{ user: /alice|bob|carol/ }])
    })

    t.test('in plain words', async (t) => {
      const { code, stdout } = await runTurnd(['why', '--state-dir', stateDirectory], { cwd: '/' })
      t.equal(code, 0)
      for (const { code, method, reason, source, user } of expected) {
        t.ok(stdout.includes(`${reason}: `), reason)
        if (method)
          t.ok(stdout.includes(`"${user}" from ${source} (last port `) && stdout.includes(`→ ${code}`), reason)
        else t.ok(stdout.includes(`${source} (last port `), reason)
      }
    })
  })
}

function start(t: Test, engine: EngineUnderTest, stateDirectory: string): Promise<ServerProcess> {
  const { certPath, keyPath } = testCertificate()
  const minPort = MIN_PORTS[engine.name]
  const args = [
    ...['--listen', '127.0.0.1:0', '--listen', 'tls:127.0.0.1:0', '--cert', certPath, '--key', keyPath],
    ...['--relay-ip', '127.0.0.1', '--min-port', String(minPort), '--max-port', String(minPort + PORT_COUNT - 1)],
    ...['--allow-peer', '127.0.0.0/8', '--proxy-protocol-from', PROXY, '--auth-secret', SECRET],
    ...['--auth-secret-lifetime-max', '31536000'],
    ...['--users-file', usersFile(t), '--oauth-keys', join(t.testdirName, 'oauth.keys')],
    // Nobody gets as far as to it.
    ...['--http-upstream', 'http://127.0.0.1:9', '--http-name', 'pages.test'],
    ...USERS.flatMap((name) => ['--user', `${name}:${PASSWORD}`]),
    ...['--user-quota', String(USER_QUOTA), '--max-allocations', String(MAX_ALLOCATIONS)],
    ...['--permissions-max', String(LIMIT), '--channels-max', String(LIMIT), '--drain-timeout', '60'],
    ...['--unauthenticated-rate', String(UNAUTHENTICATED_RATE), '--log-level', 'info', '--mobility'],
  ]
  return startServerOn(t, engine, args, { stateDirectory })
}

/** One user, who is disabled. */
function usersFile(t: Test): string {
  const { entry } = makeUsersFileLine(DISABLED_USER, 'turnd', PASSWORD)
  return join(
    t.testdir({ users: `${lineOf({ ...entry, disabled: true }).text}\n`, 'oauth.keys': OAUTH_KEYS.join('\n') }),
    'users',
  )
}

async function why(t: Test, stateDirectory: string): Promise<WhyReport> {
  const { code, stderr, stdout } = await runTurnd(['why', '--json', '--state-dir', stateDirectory], { cwd: '/' })
  t.same({ code, stderr }, { code: 0, stderr: '' })
  return JSON.parse(stdout).servers[0]
}

function find({ refusals }: WhyReport, { reason, source, user }: Expected): WhyRefusal | undefined {
  return refusals.find((one) => one.reason === reason && one.source === source && one.user === user)
}

async function allocateMany(from: Origin, user: string, count: number, options: AllocateOptions = {}) {
  const clients: TurnClient[] = []
  for (let index = 0; index < count; index++) {
    const client = await from.udp(user)
    from.t.equal((await client.allocate(options)).code, 0)
    clients.push(client)
  }
  return clients
}

function bindingRequest(client: TurnClient): Uint8Array {
  return client.message(METHOD_BINDING, () => {}, { integrity: 'none' })
}

function wrongRefresh(client: TurnClient): Uint8Array {
  return client.message(METHOD_REFRESH, () => {}, { password: 'wrong' })
}

/** util-linux's prlimit: no more files from now on for this process, or as many as it likes. */
function limitFiles(pid: number, count: number): void {
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${count}:`])
}
