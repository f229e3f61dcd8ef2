// Where the native engine cannot run, or only in part: the server starts with what there is, says why, and relays; --engine native stops the
// start with one sentence instead. Whatever a broken koffi does, it does to the self-test's process.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { testCertificate } from '../support/certificate.js'
import { NATIVE } from '../support/engines.js'
import { projectRoot } from '../support/project-root.js'
import { type LogLine, startServer } from '../support/server-process.js'
import { UdpPeer } from '../support/udp-peer.js'
import { installWithKoffi } from './installation.js'
import { connectClient, localArguments } from './local-server.js'
import { runTurnd } from './run-turnd.js'

const MIN_PORT = 31_800
const PASSWORD = 'hunter2'
const ARGS = [...localArguments(MIN_PORT), '--user', `alice:${PASSWORD}`]
/** As it is by default. */
const AUTO = ['--engine', 'auto']
const CHANNEL = 0x4000
const BURST_COUNT = 50
const LEVEL_INFO = 30
const LEVEL_WARN = 40

const isLong = process.env.TURND_TEST_LONG === '1'
/**
 * With --engine native the reason is the same as with auto, by whichever way it was found: one of each kind where time is short
 * (nothing to load, a process that ends, that crashes, that hangs, a test that fails).
 */
const REFUSED_IN_SHORT = ['is not there', 'ends the process', 'layout']
/** What test/net/choose-engine.test.ts shows as well: how the reason is found. Here the rest of the way is one for all. */
const LONG_ONLY = [
  'has no binary for this machine',
  'is another module',
  'crashes the process',
  'prints',
  'koffi',
  'crash',
  'hang',
]

t.setTimeout(240_000)
t.jobs = 4
const atOnce = { buffered: true }

const HANG = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)'

/** What stands where koffi should be, and what the log says of it. */
const BROKEN: readonly [what: string, koffi: string | null, reason: RegExp][] = [
  ['is not there', null, /^koffi is not installed/],
  [
    'has no binary for this machine',
    "throw new Error('no binary for this machine')",
    /^koffi .*no binary for this machine$/,
  ],
  ['is another module', 'module.exports = {}', /./],
  ['ends the process', 'process.exit(3)', /ended with code 3$/],
  ['crashes the process', 'process.abort()', /crashed with SIGABRT$/],
  // Without a processor, which others need meanwhile.
  ['hangs', HANG, /did not end within \d+ seconds$/],
  ['prints', "console.log('{}'); process.exit(0)", /printed something else/],
]

for (const [what, koffi, reason] of BROKEN) {
  if (!isLong && LONG_ONLY.includes(what)) continue
  t.test(`a koffi that ${what}`, atOnce, async (t) => {
    const root = installWithKoffi(t, koffi)
    await runsOnDgram(t, [], { root }, reason)
    if (!isLong && !REFUSED_IN_SHORT.includes(what)) return

    const run = await runTurnd([...ARGS, '--listen', 'udp:127.0.0.1:0', '--engine', 'native'], { cwd: root, root })
    checkRefused(t, run, reason)
  })
}

/** Of this test alone: a file of coturn has no port 0. */
const COTURN_HOST = '127.0.18.9'

t.test('without koffi a file of coturn starts without the DTLS that nobody wrote in it', atOnce, async (t) => {
  const { certPath, keyPath } = testCertificate()
  const conf = join(t.testdir({}), 'turnserver.conf')
  const text = `cert=${certPath}\npkey=${keyPath}\nlistening-ip=${COTURN_HOST}\nrealm=example.org\nuser=alice:${PASSWORD}\n`
  writeFileSync(conf, text)
  const args = [...localArguments(MIN_PORT), '--coturn-config', conf]
  const server = await startServer(t, args, { root: installWithKoffi(t, null) })
  const listening = ['udp', 'tcp'].map((scheme) => `${scheme}:${COTURN_HOST}:3478`)
  t.same(server.ready.listening, [...listening, `tls:${COTURN_HOST}:5349`])
  const isLeftOut = ({ msg }: LogLine) => String(msg).includes(`--listen dtls:${COTURN_HOST}:5349: left out, since `)
  t.match(server.linesOf('warning').filter(isLeftOut), [{ msg: /DTLS needs the package koffi/ }])

  t.test('and takes over what changes in it', async (t) => {
    writeFileSync(conf, `${text}user-quota=7\n`)
    process.kill(server.pid, 'SIGHUP')
    t.match(await server.waitForLog(({ event }) => event === 'reload'), { applied: true })
    t.equal(server.linesOf('warning').filter(isLeftOut).length, 1, 'it is said once')
    t.equal(server.linesOf('reload-change').length, 1)
  })
  t.test('but not a line that asks for DTLS', async (t) => {
    writeFileSync(conf, `${text}dtls\n`)
    process.kill(server.pid, 'SIGHUP')
    const refused = await server.waitForLog(({ applied, event }) => event === 'reload' && applied === false)
    t.match(refused.msg, /--listen dtls:127\.0\.18\.9:5349 is not possible here: DTLS needs the package koffi/)
  })
})

/** What it does in worker threads, of which the self-test knows nothing. */
const BROKEN_IN_WORKERS: Readonly<Record<string, string>> = {
  hangs: HANG,
  // A thread that is ended while it declares functions takes the process along. It keeps a processor for twelve seconds.
  ...(isLong && {
    'takes longer than a worker may': `
      const library = koffi.load(null)
      for (const end = Date.now() + 12_000; Date.now() < end; ) library.func('getpid', 'int', [])`,
  }),
}

for (const [what, code] of Object.entries(BROKEN_IN_WORKERS)) {
  t.test(`a koffi that ${what}, in worker threads`, { ...atOnce, skip: NATIVE.skip }, async (t) => {
    const root = installWithKoffi(
      t,
      `const koffi = require(${JSON.stringify(join(projectRoot, 'node_modules', 'koffi'))})
      if (!require('node:worker_threads').isMainThread) {${code}}
      module.exports = koffi`,
    )
    const reason = 'a worker of the native engine could not start: it was not ready within 10 seconds'
    await runsOnDgram(t, ['--workers', '2'], { root }, new RegExp(`^${reason}$`))

    const args = [...ARGS, '--listen', 'udp:127.0.0.1:0', '--engine', 'native', '--workers', '2']
    const { code: exitCode, stderr } = await runTurnd(args, { cwd: root, root })
    t.equal(exitCode, 2)
    t.equal(stderr, `turnd: ${reason}; choose --engine auto or dgram\n`)
  })
}

/** Steps of the self-test that fail at its own switch, where the real one passes. */
const STEPS: readonly [step: string, reason: RegExp][] = [
  ['koffi', /koffi cannot be loaded: ./],
  ['layout', /self-test failed: ./],
  ['crash', /crashed with SIGABRT$/],
  ['hang', /./],
]

for (const [step, reason] of STEPS) {
  if (!isLong && LONG_ONLY.includes(step)) continue
  t.test(`a self-test that fails at ${step}`, { ...atOnce, skip: NATIVE.skip }, async (t) => {
    const environment = { TURND_SELF_TEST_FAIL: step }
    await runsOnDgram(t, [], { prefix: asEnvironment(environment) }, reason)
    if (!isLong && !REFUSED_IN_SHORT.includes(step)) return

    const run = await runTurnd([...ARGS, '--listen', 'udp:127.0.0.1:0', '--engine', 'native'], {
      cwd: t.testdir({}),
      env: environment,
    })
    checkRefused(t, run, reason)
  })
}

for (const [missing, present, reason] of [
  ['gro', 'gso', /^UDP_GRO .*received packet by packet$/],
  ['gso', 'gro', /^UDP_SEGMENT .*sent packet by packet$/],
] as const) {
  t.test(`without ${missing} it is native all the same`, { ...atOnce, skip: NATIVE.skip }, async (t) => {
    for (const engine of isLong ? ['auto', 'native'] : ['auto']) {
      const prefix = asEnvironment({ TURND_SELF_TEST_FAIL: missing })
      const server = await startServer(t, [...ARGS, '--engine', engine], { prefix })
      const offloads = { [missing]: false, [present]: true }
      t.match(server.ready, { engine: 'native', offloads, engineReason: reason })
      t.match(server.linesOf('engine'), [{ level: LEVEL_WARN, engine: 'native', offloads }])
      await relays(t, server)
      t.equal(await server.stop(), 0)
    }
  })
}

t.test('with everything it is native, and there is no reason to give', { ...atOnce, skip: NATIVE.skip }, async (t) => {
  const server = await startServer(t, [...ARGS, ...AUTO])
  t.match(server.ready, { engine: 'native', offloads: { gro: true, gso: true } })
  t.notOk('engineReason' in server.ready)
  t.match(server.linesOf('engine'), [{ level: LEVEL_INFO }])
  await relays(t, server)
})

async function runsOnDgram(
  t: Test,
  args: readonly string[],
  options: Parameters<typeof startServer>[2],
  reason: RegExp,
): Promise<void> {
  const server = await startServer(t, [...ARGS, ...AUTO, ...args], options)
  t.match(server.ready, { engine: 'dgram', workers: 1, engineReason: reason })
  t.match(server.linesOf('engine'), [{ level: LEVEL_WARN, engine: 'dgram', reason, msg: /^dgram engine: ./ }])
  await relays(t, server)
  t.equal(await server.stop(), 0)
}

function checkRefused(t: Test, { code, stderr, stdout }: Awaited<ReturnType<typeof runTurnd>>, reason: RegExp): void {
  t.equal(code, 2)
  // One sentence, which ends with the remedy.
  const sentence =
    /^turnd: --engine native is not possible on this machine: (.+); mend that, or choose --engine auto or dgram\n$/
  t.match(stderr, sentence)
  t.match(sentence.exec(stderr)?.[1], reason)
  t.notMatch(stdout, '"ready"')
}

/** A call, and a burst of packets of one length and of others, both ways. */
async function relays(t: Test, server: Parameters<typeof connectClient>[1]): Promise<void> {
  const client = await connectClient(t, server, 'alice', PASSWORD)
  const peer = await UdpPeer.open(t)
  t.equal((await client.allocate()).code, 0)
  t.equal((await client.bindChannel(CHANNEL, peer.address)).code, 0)
  const texts = Array.from({ length: BURST_COUNT }, (_, index) => `packet ${index}`.padEnd(index % 10 === 0 ? 20 : 172))
  for (const text of texts) client.sendChannelData(CHANNEL, text)
  for (const text of texts) t.equal((await peer.inbox.next()).text, text)
  for (const text of texts) peer.send(client.relay, text)
  for (const text of texts) t.match(await client.nextData(), { text, channelNumber: CHANNEL })
}

function asEnvironment(variables: Readonly<Record<string, string>>): string[] {
  return ['env', ...Object.entries(variables).map(([name, value]) => `${name}=${value}`)]
}
