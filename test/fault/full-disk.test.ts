// Disks that take nothing more, or nothing at all: for the state directory, the users file, the certificate and the log. A server starts and goes on with what it
// has, commands that cannot write say so and lose nothing.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { makeUsersFileLine } from '../../src/auth/users-file.js'
import { runTurnd, TURND } from '../command/run-turnd.js'
import { until } from '../command/until.js'
import { temporaryDirectory } from '../support/certificate.js'
import { connectUdp } from '../support/client-transport.js'
import { withDeadline } from '../support/deadline.js'
import { ENGINES_IN_TIME, type EngineUnderTest, MAIN_ENGINE } from '../support/engines.js'
import { onProcessEnd } from '../support/process-end.js'
import { HOST, USER } from '../support/stream-server.js'
import { TurnClient } from '../support/turn-client.js'
import { UdpPeer } from '../support/udp-peer.js'
import { startFaultServer } from './stage.js'

const MIN_PORT = 11_100
const PORT_COUNT = 50
const DISK_KILOBYTES = 64
const PAGE_BYTES = 4096
const CHANNEL = 0x4000
const PASSWORD = { input: 'hunter2\n' } as const

t.setTimeout(240_000)

/** A disk of its own, in memory; unmounted when `t` or the process ends. */
function mountDisk(t: Test): string {
  const directory = temporaryDirectory()
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_KILOBYTES}k`, 'turnd-test', directory])
  const unmount = () => execFileSync('umount', ['-l', directory])
  const forget = onProcessEnd(unmount)
  t.teardown(() => {
    forget()
    unmount()
  })
  return directory
}

function withoutDisks(): string | false {
  const directory = temporaryDirectory()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'turnd-test', directory], { stdio: 'pipe' })
    execFileSync('umount', [directory])
    return false
  } catch {
    return 'only root can mount a disk'
  }
}

/** Until no byte has room. Returns the file that takes it all. */
function fill(directory: string): string {
  const path = join(directory, 'filling')
  for (const size of [4096, 1]) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: 'a' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
  }
  return path
}

const skipDisks = withoutDisks()

function inLongForm(engine: EngineUnderTest): string | false {
  return engine !== MAIN_ENGINE && process.env.TURND_TEST_LONG !== '1' && 'in the long form'
}

for (const engine of ENGINES_IN_TIME) {
  t.test(`a server and full disks, ${engine.name} engine`, { skip: engine.skip || skipDisks }, (t) =>
    serverOnFullDisk(t, engine),
  )
  // The main thread writes it, which is the same on both engines.
  const skip = engine.skip || skipDisks || inLongForm(engine)
  t.test(`a server and its log, ${engine.name} engine`, { skip }, (t) => logs(t, engine))
}

async function serverOnFullDisk(t: Test, engine: EngineUnderTest): Promise<void> {
  const disk = mountDisk(t)
  const usersFile = join(disk, 'users')
  const stateDirectory = join(disk, 'state')
  writeFileSync(usersFile, `${makeUsersFileLine('bob', 'turnd', 'builder').text}\n`)
  mkdirSync(stateDirectory)
  const filling = fill(disk)
  const args = ['--users-file', usersFile]
  const server = await startFaultServer(t, engine, MIN_PORT, PORT_COUNT, args, { stateDirectory })
  const allocate = async (username: string, password: string) => {
    const client = TurnClient.on(t, await connectUdp(HOST, server.port()), { username, password })
    return (await client.allocate()).code
  }

  t.test('it starts, its secret is in memory, and it says so', async (t) => {
    t.ok(server.linesOf('warning').some(({ msg }) => /nonce-secret .*no space left.*stays in memory/.test(String(msg))))
    const files = readdirSync(stateDirectory).filter((name) => !/^control-\d+\.sock$/.test(name))
    t.same(files, [], 'nothing half-written; a socket needs no room')
    t.equal(await allocate(USER.username, USER.password), 0)
    t.equal(await allocate('bob', 'builder'), 0)
  })

  t.test('turnd user add loses nothing, and says why it could not', async (t) => {
    const before = readFileSync(usersFile)
    const { code, stderr } = await runTurnd(['user', 'add', 'carol', '--users-file', usersFile], {
      cwd: disk,
      ...PASSWORD,
    })
    t.equal(code, 2)
    t.match(stderr, /^turnd user: --users-file .*users: no space left on the disk\n$/)
    t.ok(before.equals(readFileSync(usersFile)), 'the file is as it was')
    t.same(readdirSync(disk).sort(), ['filling', 'state', 'users'], 'and nothing beside it')
  })

  t.test('a users file that was cut by somebody else’s full disk keeps the users of before', async (t) => {
    writeFileSync(usersFile, readFileSync(usersFile, 'utf8').slice(0, 40))
    process.kill(server.pid, 'SIGHUP')
    t.match(await server.waitForLog(({ event }) => event === 'reload'), {
      applied: false,
      errors: [/^--users-file .*line/],
    })
    t.equal(await allocate('bob', 'builder'), 0)
  })

  // A command knows of no engine.
  const skip = inLongForm(engine)
  t.test('turnd cert leaves no half a certificate, and says why', { skip }, async (t) => {
    // As much as the key takes: the certificate finds no room.
    truncateSync(filling, statSync(filling).size - PAGE_BYTES)
    const before = readdirSync(disk)
    const { code, stderr } = await runTurnd(['cert', '--name', 'turn.test'], { cwd: disk })
    t.equal(code, 2)
    t.match(stderr, /^turnd cert: .*no space left on the disk.*\n$/)
    t.same(readdirSync(disk), before)
  })

  t.test('turnd cert --force keeps the old pair whole', { skip }, async (t) => {
    rmSync(filling)
    t.equal((await runTurnd(['cert', '--name', 'turn.test'], { cwd: disk })).code, 0)
    const files = readdirSync(disk).filter((name) => name.startsWith('turn.test'))
    t.equal(files.length, 3)
    const before = files.map((name) => readFileSync(join(disk, name), 'utf8'))
    fill(disk)
    truncateSync(filling, statSync(filling).size - PAGE_BYTES)
    const { code, stderr } = await runTurnd(['cert', '--name', 'turn.test', '--force'], { cwd: disk })
    t.equal(code, 2)
    t.match(
      stderr,
      /^turnd cert: .*turn\.test\.key and what belongs to it cannot be written: no space left on the disk\n$/,
    )
    t.same(
      files.map((name) => readFileSync(join(disk, name), 'utf8')),
      before,
    )
    for (const name of files) rmSync(join(disk, name))
  })

  t.test('once there is room, everything is as it should be', async (t) => {
    rmSync(filling)
    rmSync(usersFile)
    const { code } = await runTurnd(['user', 'add', 'carol', '--users-file', usersFile], { cwd: disk, ...PASSWORD })
    t.equal(code, 0)
    await until(async () => (await allocate('carol', 'hunter2')) === 0, 'the server has read it')
    t.equal(await server.stop(), 0)
  })
}

async function logs(t: Test, engine: EngineUnderTest): Promise<void> {
  t.test('the disk of its log is full, and has room again', async (t) => {
    const disk = mountDisk(t)
    const log = join(disk, 'log')
    const server = await startWithLog(t, engine, log)
    const call = await openCall(t, server.port)
    const filling = fill(disk)
    // Each is a line, or more.
    for (let count = 0; count < 20; count++) await openCall(t, server.port)
    await checkMedia(t, call)
    process.kill(server.pid, 'SIGHUP')
    await checkMedia(t, call)
    rmSync(filling)
    const late = await openCall(t, server.port)
    const client = late.client.localAddress.toString()
    await until(() => readFileSync(log, 'utf8').includes(`"client":"${client}"`), 'the next lines are written')
    for (const line of readFileSync(log, 'utf8').trim().split('\n')) JSON.parse(line)
    t.equal(await server.stop(), 0)
    t.match(JSON.parse(readFileSync(log, 'utf8').trim().split('\n').at(-1) ?? ''), { event: 'stopped' })
  })

  t.test('it never had room: SIGTERM ends the server all the same', async (t) => {
    const server = await startWithLog(t, engine, '/dev/full')
    await checkMedia(t, await openCall(t, server.port))
    t.equal(await server.stop(), 0)
  })

  t.test('whoever read it has gone: calls go on, SIGTERM ends the server', async (t) => {
    const server = await startWithLog(t, engine, null)
    const call = await openCall(t, server.port)
    server.closePipe()
    for (let count = 0; count < 5; count++) await openCall(t, server.port)
    await checkMedia(t, call)
    t.equal(await server.stop(), 0)
  })
}

interface SilentServer {
  readonly pid: number
  readonly port: number
  closePipe(): void
  stop(): Promise<number | null>
}

/** A server whose standard output is this file, or a pipe (null). Its port is asked of the system: it cannot be read in a log that is full. */
async function startWithLog(t: Test, engine: EngineUnderTest, log: string | null): Promise<SilentServer> {
  const reserved = await UdpPeer.open(t)
  const { port } = reserved.address
  await reserved.close()
  const range = ['--min-port', String(MIN_PORT), '--max-port', String(MIN_PORT + PORT_COUNT - 1)]
  const relay = ['--relay-ip', HOST, '--allow-peer', '127.0.0.0/8', ...range, '--drain-timeout', '0']
  const args = [
    '--listen',
    `udp:${HOST}:${port}`,
    '--user',
    `${USER.username}:${USER.password}`,
    '--admin-listen',
    'none',
  ]
  const state = ['--state-dir', t.testdir({})]
  const fd = log === null ? null : openSync(log, 'w')
  const command = ['-u', 'NODE_OPTIONS', process.execPath, TURND, ...engine.args, ...args, ...relay, ...state]
  const child = spawn('env', command, { stdio: ['ignore', fd ?? 'pipe', 'ignore'] })
  if (fd !== null) closeSync(fd)
  const ended = once(child, 'close').then(([code]) => code as number | null)
  const forget = onProcessEnd(() => child.kill('SIGKILL'))
  t.teardown(() => {
    forget()
    child.kill('SIGKILL')
    return ended
  })
  await until(() => isAnswering(t, port), 'the server is ready', 60_000)
  return {
    pid: child.pid ?? 0,
    port,
    closePipe: () => child.stdout?.destroy(),
    stop: () => {
      child.kill('SIGTERM')
      return withDeadline(ended, 60_000, () => 'the end of the server')
    },
  }
}

async function isAnswering(t: Test, port: number): Promise<boolean> {
  const client = TurnClient.on(t, await connectUdp(HOST, port), USER)
  const request = client.message(0x001, () => {}, { integrity: 'none' })
  return client.exchange(request, 200).then(
    () => true,
    () => false,
  )
}

interface Call {
  readonly client: TurnClient
  readonly peer: UdpPeer
}

async function openCall(t: Test, port: number): Promise<Call> {
  const client = TurnClient.on(t, await connectUdp(HOST, port), USER)
  const peer = await UdpPeer.open(t)
  t.equal((await client.allocate()).code, 0)
  t.equal((await client.bindChannel(CHANNEL, peer.address)).code, 0)
  return { client, peer }
}

async function checkMedia(t: Test, { client, peer }: Call): Promise<void> {
  client.sendChannelData(CHANNEL, 'to the peer')
  const { source, text } = await peer.inbox.next()
  t.equal(text, 'to the peer')
  peer.send(source, 'to the client')
  t.match(await client.nextData(), { text: 'to the client' })
}
