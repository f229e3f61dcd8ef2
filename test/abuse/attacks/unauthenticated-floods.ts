// Rows "unauthenticated floods" and "reflection": nothing per source that grows before authentication, and answers that are small and few.
import { CHALLENGE_RATIO_MAX } from '../../support/answer-bounds.js'
import { withoutKoffi } from '../../support/engines.js'
import type { Attack, AttackReport } from '../attack.js'
import { allocateRequest, bindingRequest, filling } from '../datagrams.js'
import { Flood, floodReport, floodSource, manySources } from '../flood.js'
import { type Ground, UNAUTHENTICATED_BURST, UNAUTHENTICATED_RATE } from '../ground.js'

const PER_SECOND = 15_000
/** Each costs the server a nonce. */
const CHALLENGES_PER_SECOND = 10_000
const SPOOFED_COUNT = 100_000
const SPOOFED_SECONDS = 11
/** What is promised. A 401 has 84 bytes with this realm, the Allocate 28: 3.0 ×; a Binding's answer 32 for 20. */
const AMPLIFICATION_MAX = CHALLENGE_RATIO_MAX
const ATTACKER = floodSource(20_000)
const VICTIM = floodSource(20_001)
const VICTIM_PORT_COUNT = 8
/** More than a source is answered at once. */
const COUNT_MIN = 2 * UNAUTHENTICATED_BURST

/** What one source may have been answered in so long. */
export function answersMax(milliseconds: number): number {
  return UNAUTHENTICATED_BURST + UNAUTHENTICATED_RATE * (milliseconds / 1000 + 1)
}

async function bindingFlood(ground: Ground): Promise<AttackReport> {
  const flood = new Flood(ground, ground.port())
  const plan = { perSecond: PER_SECOND, milliseconds: ground.milliseconds, countMin: COUNT_MIN, source: () => ATTACKER }
  const { milliseconds } = await flood.run({ ...plan, fill: filling(bindingRequest()) })
  const elsewhere = await (await ground.client()).binding()
  return {
    ...floodReport(milliseconds, flood),
    repliesMax: answersMax(milliseconds),
    failures: [...silenceFailures(flood), ...(elsewhere.code === 0 ? [] : ['another source was not answered'])],
  }
}

async function spoofed(ground: Ground, perSecond: number, message: Buffer): Promise<AttackReport> {
  const flood = new Flood(ground, ground.port())
  const countMin = ground.seconds < SPOOFED_SECONDS ? 0 : SPOOFED_COUNT
  const plan = { perSecond, milliseconds: ground.milliseconds, countMin, countMax: SPOOFED_COUNT }
  const { milliseconds } = await flood.run({ ...plan, source: manySources, fill: filling(message) })
  const failures = silenceFailures(flood)
  if (flood.replyBytes > AMPLIFICATION_MAX * flood.sentBytes) failures.push('more bytes than promised came back')
  return { ...floodReport(milliseconds, flood), failures, notes: [`${flood.repliesTo.size} addresses answered`] }
}

/** What nobody is told proves no bound of answers. */
export function silenceFailures({ replies }: Flood): string[] {
  return replies > 0 ? [] : ['nothing was answered']
}

/** Both kinds of requests that are answered, from many ports of one address: all of its ports share what it may get. */
async function reflection(ground: Ground): Promise<AttackReport> {
  const floods = Array.from({ length: VICTIM_PORT_COUNT }, () => new Flood(ground, ground.port()))
  const perSecond = PER_SECOND / VICTIM_PORT_COUNT
  const countMin = COUNT_MIN / VICTIM_PORT_COUNT
  const plan = { perSecond, milliseconds: ground.milliseconds, countMin, source: () => VICTIM }
  const results = await Promise.all(
    floods.map((flood, index) =>
      flood.run({ ...plan, fill: filling(index % 2 === 0 ? bindingRequest() : allocateRequest()) }),
    ),
  )
  const milliseconds = Math.max(...results.map((result) => result.milliseconds))
  return { ...floodReport(milliseconds, ...floods), repliesMax: answersMax(milliseconds), failures: [] }
}

export const UNAUTHENTICATED_FLOODS: readonly Attack[] = [
  {
    name: 'binding-flood',
    title: 'Binding requests of one source',
    threat: 'reflection',
    seconds: 5,
    shortSeconds: 0.3,
    onBothEngines: true,
    skip: withoutKoffi,
    drops: ['reply-limit'],
    run: bindingFlood,
  },
  {
    name: 'reflection',
    title: 'requests in the name of one victim, from many of its ports',
    threat: 'reflection',
    seconds: 5,
    shortSeconds: 0.3,
    skip: withoutKoffi,
    drops: ['reply-limit'],
    run: reflection,
  },
  {
    name: 'spoofed-bindings',
    title: 'Binding requests from 10,000 addresses',
    isLongOnly: true,
    threat: 'unauthenticated floods',
    seconds: 5,
    shortSeconds: 0.3,
    skip: withoutKoffi,
    run: (ground) => spoofed(ground, PER_SECOND, bindingRequest()),
  },
  {
    name: 'spoofed-allocates',
    title: '100,000 Allocates from 10,000 addresses',
    threat: 'unauthenticated floods',
    seconds: SPOOFED_SECONDS,
    shortSeconds: 0.6,
    onBothEngines: true,
    skip: withoutKoffi,
    run: (ground) => spoofed(ground, CHALLENGES_PER_SECOND, allocateRequest()),
  },
]
