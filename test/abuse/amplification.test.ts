// What strangers get for what they send, on both engines and on coturn; and what `npm run abuse` says of its arguments. Nobody counts packets here, so
// that others may run meanwhile.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { ENGINES, MAIN_ENGINE } from '../support/engines.js'
import { peerOrSkip } from '../support/peers.js'
import { amplificationFailures } from './amplification.js'
import { measureCoturn, measureTurnd } from './amplification-servers.js'
import { ATTACKS } from './catalogue.js'

const isLong = process.env.TURND_TEST_LONG === '1'

t.setTimeout(240_000)

t.test('amplification', async (t) => {
  for (const engine of ENGINES) {
    const skip = engine.skip || (!isLong && engine !== MAIN_ENGINE && 'in the long form')
    t.test(`what strangers get is small or nothing, ${engine.name} engine`, { skip }, async (t) => {
      t.same(amplificationFailures(await measureTurnd(engine)), [])
    })
  }
  t.test('coturn is measured in the same way', { skip: peerOrSkip('turnserver') }, async (t) => {
    // Its answers have SOFTWARE in them, so that what is measured here is not what nobody could fail.
    const measured = await measureCoturn()
    t.ok(measured !== null && amplificationFailures(measured).length > 0)
  })
})

t.test('npm run abuse', async (t) => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [join(import.meta.dirname, 'run.js'), ...args], { encoding: 'utf8' })
  t.test('lists the attacks', async (t) => {
    const { status, stdout } = run('--list')
    t.equal(status, 0)
    for (const { name } of ATTACKS) t.match(stdout, new RegExp(`^${name} `, 'm'))
  })
  for (const [args, sentence] of [
    [['--attack', 'nothing'], /--attack nothing: there is no such attack; --list names them/],
    [['--engine', 'steam'], /--engine steam: give dgram or native/],
    [['--seconds', '0'], /--seconds 0: give 0\.5 to 60/],
    [['--nonsense'], /--nonsense/],
  ] as const) {
    t.test(`says what is wrong with ${args.join(' ')}`, async (t) => {
      const { status, stderr } = run(...args)
      t.equal(status, 2)
      t.match(stderr, sentence)
    })
  }
})
