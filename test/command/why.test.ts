// `turnd why` beside real servers: their sockets in the state directory, from the start to the end or a kill, and what it says of a user
// who was refused, who got through, and who never came.
import { createHmac } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { runWhyCommand } from '../../src/commands/why.js'
import type { WhyReport } from '../../src/index.js'
import { METHOD_REFRESH } from '../../src/stun/constants.js'
import { temporaryDirectory } from '../support/certificate.js'
import { DGRAM, MAIN_ENGINE } from '../support/engines.js'
import { type ServerProcess, startServer } from '../support/server-process.js'
import { addressOf } from '../support/turn-address.js'
import { UdpPeer } from '../support/udp-peer.js'
import { allocateAs, HOSTILE_NAMES } from './hostile-names.js'
import { connectClient, localArguments } from './local-server.js'
import { until } from './until.js'

const MIN_PORT = 33_400
const PASSWORD = 'hunter2'
const FLOOD_COUNT = 5000
/** More than are told of an address in a second. */
const BURST_COUNT = 1000
const SECRET = 'shared-with-the-web-service'

t.setTimeout(240_000)

/** As the command does it, without a process of its own: why-reasons.test.ts has that. */
async function why(stateDirectory: string, ...args: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const code = await runWhyCommand(['--state-dir', stateDirectory, ...args], { stdout, stderr, env: {} })
  return { code, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
}

async function reportsOf(t: Test, stateDirectory: string, ...args: string[]): Promise<WhyReport[]> {
  const { code, stdout } = await why(stateDirectory, '--json', ...args)
  t.equal(code, 0)
  return JSON.parse(stdout).servers
}

function startIn(t: Test, stateDirectory: string, slice: number, args: readonly string[] = []): Promise<ServerProcess> {
  const users = ['--user', `alice:${PASSWORD}`, '--auth-secret', SECRET]
  return startServer(t, [...localArguments(MIN_PORT + 50 * slice), ...users, ...args], { stateDirectory })
}

const socketsIn = (directory: string) => readdirSync(directory).filter((name) => name.endsWith('.sock'))

t.test('the socket of a server', async (t) => {
  const directory = temporaryDirectory()
  const [first, second] = await Promise.all([
    startIn(t, directory, 0, DGRAM.args),
    startIn(t, directory, 1, DGRAM.args),
  ])
  const nameOf = ({ pid }: ServerProcess) => `control-${pid}.sock`

  t.test('lies in the state directory, for its owner alone, one for each', async (t) => {
    t.same(socketsIn(directory).sort(), [first, second].map(nameOf).sort())
    for (const name of socketsIn(directory)) t.equal(statSync(join(directory, name)).mode & 0o777, 0o600)
    const pids = (await reportsOf(t, directory)).map(({ pid }) => pid)
    t.same(pids.sort(), [first.pid, second.pid].sort())
  })

  t.test('is gone after the end; that of a killed one is no server, and goes when the next one starts', async (t) => {
    t.equal(await first.stop(), 0)
    t.same(socketsIn(directory), [nameOf(second)])
    process.kill(second.pid, 'SIGKILL')
    await second.waitForExit()
    t.same(socketsIn(directory), [nameOf(second)], 'left behind')
    t.match(await why(directory), {
      code: 1,
      stdout: '',
      stderr: /^turnd why: no server runs with the state directory/,
    })
    const third = await startIn(t, directory, 0, DGRAM.args)
    t.same(socketsIn(directory), [nameOf(third)])
    t.match(await reportsOf(t, directory), [{ pid: third.pid }])
  })
})

t.test('where there can be no socket, the server warns and works', async (t) => {
  // Root writes into any directory, but nobody makes one below a file.
  const directory = join(t.testdir({ file: '' }), 'file', 'state')
  const server = await startIn(t, directory, 0, DGRAM.args)
  const about = 'turnd why and turnd login cannot ask this server'
  await server.waitForLog(({ event, msg }) => event === 'warning' && String(msg).includes(about))
  t.equal((await (await connectClient(t, server, 'alice', PASSWORD)).allocate()).code, 0)
})

t.test('a flood of made-up names from the address of a user', async (t) => {
  const directory = temporaryDirectory()
  const server = await startIn(t, directory, 3, MAIN_ENGINE.args)
  const client = await connectClient(t, server, 'alice', 'wrong')
  await client.learnChallenge()
  const ask = (username: string) => client.message(METHOD_REFRESH, () => {}, { username, password: 'wrong' })
  const made = Array.from({ length: FLOOD_COUNT }, (_, index) => ask(index === 0 ? 'alise' : `stranger${index}`))
  const alice = ask('alice')
  // Under load some of a burst is lost: then there is another one.
  let isAnswered = false
  for (let start = 0; start < FLOOD_COUNT && !isAnswered; start += BURST_COUNT) {
    for (const request of made.slice(start, start + BURST_COUNT)) client.transport.send(request)
    isAnswered = await client.exchange(alice, 2000).then(
      ({ code }) => code === 401,
      () => false,
    )
  }
  t.ok(isAnswered)
  await until(async () => ((await reportsOf(t, directory))[0].undescribed['unknown-user'] ?? 0) >= 100, 'it is counted')
  const say = async (...args: string[]) => (await why(directory, ...args)).stdout

  t.test('hides no refusal of the user', async (t) => {
    await until(async () => (await say('--user', 'alice')).includes('"alice" from 127.0.0.1'), 'it is told')
    t.notMatch(await say('--user', 'alice'), /refusals that were only counted|has reached this server/)
  })

  t.test('is not denied of a name that made room', async (t) => {
    const about = [
      ['--user', 'alise'],
      ['--user', 'bob'],
      ['--reason', 'unknown-user', '--source', '10.0.0.1'],
    ]
    for (const args of about) {
      const text = await say(...args)
      t.match(text, /This server remembers no .* since the start/)
      t.match(text, /\d{3,} refusals and drops were only counted since the start, .* may be among them/)
      t.notMatch(text, /look at DNS|has not happened|has reached this server/)
    }
  })
})

t.test('what is said of people', async (t) => {
  const directory = temporaryDirectory()
  const server = await startIn(t, directory, 2, [...MAIN_ENGINE.args, '--listen', '127.0.0.1:0'])
  const say = async (...args: string[]) => (await why(directory, ...args)).stdout

  t.test('before anybody came', async (t) => {
    t.match(
      await say('--user', 'alice'),
      /Nothing was refused of "alice" since the start [^.]+\.\nNot one packet has reached/,
    )
    for (const listener of server.ready.listening) t.match(await say(), listener)
  })

  t.test('of one who got through, whose media flows', async (t) => {
    const client = await connectClient(t, server, 'alice', PASSWORD)
    const peer = await UdpPeer.open(t)
    await client.allocate()
    await client.createPermission(peer.address)
    client.sendTo(peer.address, 'there')
    await peer.inbox.next()
    peer.send(client.relay, 'and back')
    await client.nextData()
    await until(async () => (await say('--user', 'alice')).includes('; 1 of them now.'), 'the allocation is told')
    await client.refresh({ lifetimeSeconds: 0 })
    await until(async () => (await say('--user', 'alice')).includes('; 0 of them now.'), 'its end is told')
    t.match(
      await say('--source', '127.0.0.1'),
      /"alice" from 127\.0\.0\.1 got 1 allocation [^;]+; 0 of them now\.\n {2}The one that has ended relayed 1 packet to peers and 1 back\./,
    )
  })

  t.test('of a TURN REST user by the name behind the time', async (t) => {
    const username = `${Math.floor(Date.now() / 1000) + 600}:carol`
    const password = createHmac('sha1', SECRET).update(username).digest('base64')
    const client = await connectClient(t, server, username, password)
    await client.allocate()
    t.equal((await client.createPermission(addressOf('10.0.0.1'))).code, 403)
    await until(async () => (await reportsOf(t, directory, '--user', 'carol'))[0].refusals.length > 0, 'it is told')
    const [report] = await reportsOf(t, directory, '--user', 'carol')
    t.match(report, {
      refusals: [{ reason: 'peer-policy', user: username, peer: '10.0.0.1:0' }],
      allocations: [{ user: username, count: 1, liveCount: 1 }],
    })
    t.equal(report.refusals.length, 1)
  })

  t.test('of names that are chosen to hurt: a line for each', async (t) => {
    for (const name of HOSTILE_NAMES) t.equal(await allocateAs(await connectClient(t, server, name, ''), name), 401)
    const isTold = (text: string) =>
      text.split('\n').filter((line) => / {2}once {2}"/.test(line)).length >= HOSTILE_NAMES.length
    await until(async () => isTold(await say('--reason', 'unknown-user')), 'all are told')
    t.notMatch(await say(), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\u2066\u2028\u2029\u200b]/)
  })

  t.test('of one who never came, while others did', async (t) => {
    const text = await say('--user', 'bob', '--since', '1h')
    t.match(text, /No request that names "bob" has reached this server in the last 60 minutes\./)
    t.match(text, /Refusals of others: .*peer-policy 1/)
    t.match(await say('--source', '192.0.2.0/24'), /No request from 192\.0\.2\.0\/24 was refused/)
  })
})
