// Allocations that come and go by the thousand, with TURND_TEST_LONG=1 a million on each engine: ports, files, timers, handles and heaps are afterwards
// what they were before. In a network namespace of its own: nobody else has ports there. The same as a command: `npm run churn`.
import t from 'tap'
import { ENGINES_IN_TIME, type EngineUnderTest, withoutKoffi } from '../support/engines.js'
import { createNamespace, inNamespace } from '../support/namespace.js'
import { peerOrSkip } from '../support/peers.js'
import { type ChurnOptions, churn } from './churn.js'
import { rowsOf } from './churn-verdict.js'

const isLong = process.env.TURND_TEST_LONG === '1'
const skip = withoutKoffi() || peerOrSkip('network namespaces', 'IPv6 loopback')
const CYCLES = isLong ? { udp: 1_000_000, tcp: 40_000, tls: 8_000 } : { udp: 5_000, tcp: 80, tls: 24 }
const WARM_UP = isLong ? { udp: 10_000, tcp: 2_000, tls: 1_000 } : { udp: 1_500, tcp: 80, tls: 16 }
/** What vanishes and what is reserved holds places for a while: the more, the more cycles there are. */
const MAX_ALLOCATIONS = isLong ? 4_000 : 500
const LANE_COUNT = isLong ? 256 : 96
/** Below the ports that peers and clients get from the system: nobody may be a peer in the relay range. */
const PORT_COUNT = 6_000
const LONG_MILLISECONDS_MAX = 50 * 60_000

t.setTimeout(isLong ? ENGINES_IN_TIME.length * LONG_MILLISECONDS_MAX : 240_000)

t.test('clients that come and go', { skip }, async (t) => {
  const namespace = createNamespace(t, [])
  // Every socket of this process is made there.
  await inNamespace(namespace, async () => {
    // The long runs have the machine to themselves; the short ones wait for most of their time.
    if (isLong) for (const engine of ENGINES_IN_TIME) await judge(engine, 20_000)
    else await Promise.all(ENGINES_IN_TIME.map((engine, index) => judge(engine, 20_000 + index * PORT_COUNT)))
  })

  async function judge(engine: EngineUnderTest, minPort: number): Promise<void> {
    const options: ChurnOptions = {
      ...{ engine, ...CYCLES, warmUp: WARM_UP, laneCount: LANE_COUNT, maxAllocations: MAX_ALLOCATIONS },
      ...{ minPort, portCount: PORT_COUNT },
      // Comments wait for the test; who watches a long run sees its figures at once.
      progress: (line) => void (isLong && process.stderr.write(`${engine.name}: ${line}\n`)),
    }
    const report = await churn(options)
    t.test(`leave nothing behind on the ${engine.name} engine`, async (t) => {
      for (const { after, before, bound, isHeld, name, peak } of rowsOf(report, MAX_ALLOCATIONS)) {
        t.ok(
          isHeld,
          `${name}: ${after}, must be ${bound}${before === '' ? '' : ` (${before} before, ${peak} at most)`}`,
        )
      }
      const { seconds, serverCpuSeconds } = report
      t.comment(`${JSON.stringify({ ...report.udp, ...report.streams })}`)
      t.comment(
        `${seconds.toFixed(1)} s, of which the server worked ${serverCpuSeconds.toFixed(1)} s on all processors`,
      )
    })
    t.test(`and were seen while they were there on the ${engine.name} engine`, async (t) => {
      const { outside, threads } = report.peak
      t.ok(outside.relaySockets > 0)
      const cores = Object.values(threads).flatMap(({ core }) => (core === null ? [] : [core]))
      t.ok(
        cores.some(({ allocations, claimedPorts, places, relays }) => allocations * claimedPorts * places * relays > 0),
      )
      for (const [kind, count] of Object.entries({ ...report.udp, ...report.streams }))
        t.ok(count > 0, `${kind}: ${count}`)
    })
  }
})
