// Which engine relays: --engine, --workers, and what the log says of the choice.
import t from 'tap'
import { NATIVE } from '../support/engines.js'
import { type ServerProcess, startServer } from '../support/server-process.js'
import { runTurnd } from './run-turnd.js'

const RELAYS = ['--relay-ip', '127.0.0.1', '--min-port', '31700', '--max-port', '31749', '--user', 'alice:secret']
/** The self-test's own switch: as if the kernel, or koffi, could not. */
const failing = (step: string) => ({ prefix: ['env', `TURND_SELF_TEST_FAIL=${step}`] })

const isLong = process.env.TURND_TEST_LONG === '1'

const chosen = (server: ServerProcess) => server.linesOf('engine')[0]

t.test('--engine dgram is that, without a word about the other', async (t) => {
  const server = await startServer(t, [...RELAYS, '--engine', 'dgram'])
  t.match(chosen(server), { level: 30, engine: 'dgram', workers: 1, msg: 'dgram engine' })
  t.match(server.ready, { engine: 'dgram', workers: 1 })
  t.notOk('engineReason' in server.ready)
  t.same(server.linesOf('warning'), [])
})

t.test('--workers 2 with the dgram engine is one line more', async (t) => {
  const server = await startServer(t, [...RELAYS, '--engine', 'dgram', '--workers', '2'])
  t.match(server.linesOf('warning'), [{ msg: '--workers 2 has no effect: the dgram engine has one thread' }])
  t.equal(server.linesOf('warning').length, 1)
  t.match(server.ready, { workers: 1 })
})

t.test('where it works', { skip: NATIVE.skip }, async (t) => {
  for (const engine of isLong ? ['auto', 'native'] : ['auto']) {
    t.test(`--engine ${engine} is native`, async (t) => {
      const server = await startServer(t, [...RELAYS, '--engine', engine, '--workers', '3'])
      t.match(server.ready, { engine: 'native', workers: 3, offloads: { gro: Boolean, gso: Boolean } })
      t.match(chosen(server), { engine: 'native', workers: 3, msg: /^native engine with 3 workers/ })
      t.equal(await server.stop(), 0)
    })
  }

  // engine-fallback.test.ts has it as well, with a call.
  const skip = !isLong && 'in the long form'
  t.test('an offload that fails the self-test is done without, and that is said', { skip }, async (t) => {
    const server = await startServer(t, [...RELAYS, '--workers', '1'], failing('gso'))
    t.match(server.ready, { engine: 'native', workers: 1, offloads: { gso: false }, engineReason: /./ })
    t.match(chosen(server), { level: 40, reason: /./, msg: /^native engine with 1 worker(, GRO)?: ./ })
  })
})

t.test('where it does not', async (t) => {
  t.test('--engine auto is dgram, and says why', async (t) => {
    const server = await startServer(t, [...RELAYS, '--engine', 'auto'], failing('koffi'))
    t.match(server.ready, { engine: 'dgram', workers: 1, engineReason: /./ })
    const { engineReason } = server.ready
    t.match(chosen(server), { level: 40, reason: engineReason, msg: `dgram engine: ${engineReason}` })
  })

  t.test('--engine native stops the start', async (t) => {
    const env = { TURND_SELF_TEST_FAIL: 'koffi' }
    const run = await runTurnd([...RELAYS, '--engine', 'native'], { cwd: t.testdir({}), env })
    t.equal(run.code, 2)
    t.match(run.stderr, /^turnd: --engine native is not possible on this machine: .+\n$/)
    t.notMatch(run.stdout, /"ready"/)
  })
})

t.test('--workers is a whole number from 1 to 253', async (t) => {
  for (const value of isLong ? ['0', '254', 'many'] : ['254']) {
    const { code, stderr } = await runTurnd([...RELAYS, '--workers', value], { cwd: t.testdir({}) })
    t.equal(code, 2)
    t.equal(stderr, `turnd: --workers ${value} is not a number of workers: give a whole number from 1 to 253\n`)
  }
})
