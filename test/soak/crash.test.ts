// A server that is killed under live allocations and starts again: old 5-tuples are answered with 437 or 438, everybody is back within seconds, and nobody
// gets what is of somebody else. 300 allocations in `npm test`; 1,800 and 6,000 with TURND_TEST_LONG=1. In a network namespace of its own. The same as a
// command: `npm run crash`.
import t, { type Test } from 'tap'
import { ENGINES_IN_TIME, type EngineUnderTest, withoutKoffi } from '../support/engines.js'
import { createNamespace, inNamespace } from '../support/namespace.js'
import { peerOrSkip } from '../support/peers.js'
import { type CrashReport, crash } from './crash.js'
import { faultsOf, linesOf } from './crash-verdict.js'

const isLong = process.env.TURND_TEST_LONG === '1'
const skip = withoutKoffi() || peerOrSkip('network namespaces')
const ALLOCATION_COUNTS = isLong ? [1800, 6000] : [300]
/** Half of the ports that were some client's become another one's. */
const PORTS_PER_ALLOCATION = 1.5
const MIN_PORT = 20_000
const MEDIA_MILLISECONDS = isLong ? 5000 : 700
/** After the server is ready. The short form is for machines that do other things. */
const BACK_MILLISECONDS_MAX = isLong ? 5000 : 20_000
/** `npm run crash` wants two seconds, for whoever has an idle machine. */
const RESTART_MILLISECONDS_MAX = 60_000

t.setTimeout(isLong ? 600_000 : 240_000)

t.test('a server that is killed and starts again', { skip }, async (t) => {
  const namespace = createNamespace(t, [])
  for (const count of ALLOCATION_COUNTS) {
    for (const engine of ENGINES_IN_TIME) {
      await t.test(`under ${count} allocations on the ${engine.name} engine`, async (t) => {
        // Every socket of this process is made there.
        judge(t, count, await inNamespace(namespace, () => crash(optionsOf(engine, count))))
      })
    }
  }
})

function optionsOf(engine: EngineUnderTest, allocationCount: number) {
  const streams = Math.ceil(allocationCount / 50)
  return {
    ...{
      engine,
      allocationCount,
      tcp: streams,
      tls: streams,
      minPort: MIN_PORT,
      mediaMilliseconds: MEDIA_MILLISECONDS,
    },
    portCount: Math.ceil(allocationCount * PORTS_PER_ALLOCATION),
    progress: () => {},
  }
}

function judge(t: Test, allocationCount: number, report: CrashReport): void {
  const { answers, belatedSent, ledger, reusedPorts } = report
  const bounds = {
    ...{ allocationCount, backMillisecondsMax: BACK_MILLISECONDS_MAX },
    restartMillisecondsMax: RESTART_MILLISECONDS_MAX,
  }
  for (const line of linesOf(report)) t.comment(line)
  t.test(
    'answers old 5-tuples with 437 or 438, relays nothing of before, and has everybody back in time',
    async (t) => {
      t.same(faultsOf(report, bounds), [])
      for (const [request, counts] of Object.entries(answers)) t.not(Object.keys(counts).length, 0, request)
      t.ok(reusedPorts > 0, `${reusedPorts} ports have a new client`)
      t.ok(belatedSent > reusedPorts, `${belatedSent} payloads were sent to relays of before`)
      t.ok(ledger.mediaToClients > 0 && ledger.mediaToPeers > 0)
    },
  )
}
