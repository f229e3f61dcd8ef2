// Row "unauthenticated floods", beyond what the server can read: the other floods ease off while its sockets are full, this one does not. What calls
// lose meanwhile is the kernel's choice and is printed; the server must live, hold its memory, and be there for everybody when it is over.
import { randomFillSync } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { withDeadline } from '../../support/deadline.js'
import { withoutKoffi } from '../../support/engines.js'
import type { Attack, AttackReport } from '../attack.js'
import { bindingRequest, filling } from '../datagrams.js'
import { type Fill, Flood, floodReport, manySources } from '../flood.js'
import { ALICE, type Ground } from '../ground.js'

const MEBIBYTE = 1024 * 1024
const NOISE_LENGTH = 172
const NEWCOMER_COUNT = 20
const SERVED_MILLISECONDS_MAX = 5_000
/** In which the innocent's last packets are sent (innocent-flow.ts), and come back. */
const AFTERWARDS_MILLISECONDS = 600

const binding = filling(bindingRequest())

/** One in two is answered, as nobody asks as often as to be limited: that is the most work. */
const bindingOrNoise: Fill = (slot, index) => {
  if (index % 2 === 0) return binding(slot, index)
  // Its first bits are nobody's, and the rest may be what it was.
  randomFillSync(slot, 0, 16)
  slot[0] |= 0xc0
  return NOISE_LENGTH
}

async function overload(ground: Ground): Promise<AttackReport> {
  const flood = new Flood(ground, ground.port())
  const plan = { perSecond: Number.POSITIVE_INFINITY, milliseconds: ground.milliseconds, source: manySources }
  const { milliseconds } = await flood.run({ ...plan, fill: bindingOrNoise })
  const report = floodReport(milliseconds, flood)
  const start = performance.now()
  const failures: string[] = []
  let worst = 0
  const visits = Array.from({ length: NEWCOMER_COUNT }, async (_, index) => {
    const client = await ground.client(ALICE, `127.32.0.${1 + index}`)
    const { code } = await withDeadline(client.allocate(), SERVED_MILLISECONDS_MAX, () => 'not served')
    if (code !== 0) throw new Error(`Allocate: ${code}`)
    worst = Math.max(worst, performance.now() - start)
    await client.refresh({ lifetimeSeconds: 0 })
  })
  const served = await Promise.allSettled(visits)
  const refused = served.filter((result) => result.status === 'rejected')
  if (refused.length > 0) {
    failures.push(
      `${refused.length} of ${NEWCOMER_COUNT} newcomers were not served within ${SERVED_MILLISECONDS_MAX / 1000} s of its end: ${refused[0].reason}`,
    )
  }
  await delay(AFTERWARDS_MILLISECONDS)
  return { ...report, failures, notes: [`newcomers of afterwards ${Math.round(worst)} ms at most`] }
}

export const OVERLOAD: readonly Attack[] = [
  {
    name: 'overload',
    title: 'Binding requests and noise from 10,000 addresses, as fast as they can be made',
    threat: 'unauthenticated floods',
    // node:dgram has no share of a worker's turn for those who are known: it promises nothing beyond what it can read.
    engines: ['native'],
    seconds: 5,
    shortSeconds: 0.5,
    skip: withoutKoffi,
    rules: {
      ...{ lossShareMax: 1, p99MillisecondsMax: Number.POSITIVE_INFINITY, servesNewcomers: false },
      ...{ growthBytesMax: 48 * MEBIBYTE, remainingBytesMax: 48 * MEBIBYTE },
    },
    run: overload,
  },
]
