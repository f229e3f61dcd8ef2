// Row "unauthenticated floods", beyond what the server can read: the other floods ease off while its sockets are full, this one does not. What calls
// lose meanwhile is the kernel's choice and is printed; the server must live, hold its memory, and be there for everybody when it is over.
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { CLASS_REQUEST, METHOD_BINDING } from '../../../src/stun/constants.js'
import { withDeadline } from '../../support/deadline.js'
import { withoutKoffi } from '../../support/engines.js'
import type { Attack, AttackReport } from '../attack.js'
import { messageOf } from '../datagrams.js'
import { type Fill, Flood, floodReport, manySources } from '../flood.js'
import { ALICE, type Ground } from '../ground.js'

const MEBIBYTE = 1024 * 1024
const LENGTH = 172
/** Datagrams that the kernel takes at a time: as one machine it has to outrun the server. */
const SEGMENT_COUNT = 32
const TRANSACTION_ID_START = 8
/** No attribute that anybody knows. */
const COMPREHENSION_OPTIONAL = 0xbfff
const HEADERS_LENGTH = 24
const NEWCOMER_COUNT = 20
const SERVED_MILLISECONDS_MAX = 5_000
/** In which the innocent's last packets are sent (innocent-flow.ts), and come back. */
const AFTERWARDS_MILLISECONDS = 600

const binding = messageOf(METHOD_BINDING, CLASS_REQUEST, (writer) => {
  writer.writeBytes(COMPREHENSION_OPTIONAL, randomBytes(LENGTH - HEADERS_LENGTH))
})
const noise = randomBytes(LENGTH)
// First bits that are neither STUN nor ChannelData.
noise[0] |= 0xc0

/** One in eight is answered, as no source asks as often as to be limited. Random bytes would cost the generator more than the server. */
const bindingOrNoise: Fill = (slot, index) => {
  if (index % 8 !== 0) return noise.copy(slot)
  binding.copy(slot)
  slot.writeUInt32BE(index, TRANSACTION_ID_START)
  return binding.length
}

async function overload(ground: Ground): Promise<AttackReport> {
  const flood = new Flood(ground, ground.port(), SEGMENT_COUNT * LENGTH)
  const plan = {
    ...{ perSecond: Number.POSITIVE_INFINITY, milliseconds: ground.milliseconds, segmentCount: SEGMENT_COUNT },
    source: (index: number) => manySources(Math.floor(index / SEGMENT_COUNT)),
  }
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
