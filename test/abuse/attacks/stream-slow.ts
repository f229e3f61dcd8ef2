// Row "TCP/TLS slowloris": connections that begin something and do not go on, and one address that takes as many as it gets.
import { setTimeout as delay } from 'node:timers/promises'
import { UNALLOCATED_CONNECTION_OF_SOURCE_COUNT_MAX } from '../../../src/limits/streams.js'
import type { Attack, AttackReport } from '../attack.js'
import type { Ground } from '../ground.js'
import { Crowd, makeOffenders } from '../offenders.js'
import { Tally } from '../tally.js'
import { memoryOf, STREAM_SERVER } from './stream-shared.js'

/** The deadline is 10 s, looked at twice a second; the rest is for a busy machine. */
const LIFE_MILLISECONDS_MAX = 25_000
const LIFE_MILLISECONDS_MIN = 9_900
const LOOK_MILLISECONDS = 50

const GREEDY_SOURCE = '127.9.9.8'
const AT_ONCE = 32
const REFUSAL_MILLISECONDS_MAX = 5_000

async function slowConnections(ground: Ground): Promise<AttackReport> {
  const tally = new Tally('connections')
  const crowd = new Crowd()
  ground.teardown(() => crowd.close())
  const offenders = await makeOffenders(ground.port('tcp'), ground.port('tls'))
  await crowd.add(offenders)
  tally.sent = offenders.length
  tally.sentBytes = offenders.reduce((sum, { first, trickle }) => sum + first.length + trickle.length, 0)
  while (crowd.heldCount > 0 && tally.elapsed < 2 * LIFE_MILLISECONDS_MAX) await delay(LOOK_MILLISECONDS)
  const [shortest, longest] = [Math.min(...crowd.lives), Math.max(...crowd.lives)]
  tally.expect(crowd.heldCount === 0, `${crowd.heldCount} connections were not closed`)
  tally.expect(shortest > LIFE_MILLISECONDS_MIN, `one was closed after ${Math.round(shortest)} ms`)
  tally.expect(longest < LIFE_MILLISECONDS_MAX, `one was closed after ${Math.round(longest)} ms only`)
  tally.notes.push(`closed after ${Math.round(shortest)} to ${Math.round(longest)} ms`)
  return tally.report()
}

async function greedyAddress(ground: Ground): Promise<AttackReport> {
  const tally = new Tally('connections')
  let held = 0
  const lane = async (): Promise<void> => {
    while (tally.elapsed < ground.milliseconds) {
      const socket = await tally.connect(ground, ground.port('tcp'), GREEDY_SOURCE)
      tally.sent++
      if (socket.destroyed) continue
      held++
      socket.once('close', () => held--)
      await delay(1)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  const isWithinCap = () => held <= UNALLOCATED_CONNECTION_OF_SOURCE_COUNT_MAX
  // Those of the last moments are still to be refused.
  for (const end = tally.elapsed + REFUSAL_MILLISECONDS_MAX; !isWithinCap() && tally.elapsed < end; )
    await delay(LOOK_MILLISECONDS)
  tally.expect(isWithinCap(), `${held} connections of one address are held`)
  tally.expect(tally.sent > held, 'none was refused')
  tally.notes.push(`${held} held at the end`)
  return tally.report()
}

export const SLOW_STREAMS: readonly Attack[] = [
  {
    ...STREAM_SERVER,
    name: 'slow-connections',
    title: '1,500 slow connections and 300 half-open handshakes over TCP and TLS',
    threat: 'TCP/TLS slowloris',
    seconds: 15,
    // slow-connections.test.ts
    shortSeconds: 1,
    isLongOnly: true,
    rules: memoryOf(1_800, 64),
    run: slowConnections,
  },
  {
    ...STREAM_SERVER,
    name: 'greedy-address',
    title: 'one address opens connections without end',
    threat: 'TCP/TLS slowloris',
    seconds: 6,
    // slow-connections.test.ts
    shortSeconds: 1,
    isLongOnly: true,
    rules: memoryOf(256, 64),
    run: greedyAddress,
  },
]
