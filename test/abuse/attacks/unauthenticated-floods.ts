// Rows "unauthenticated floods" and "reflection": nothing per source that grows before authentication, and answers that are small and few.
import { withoutKoffi } from '../../support/engines.js'
import type { Attack, AttackReport } from '../attack.js'
import { allocateRequest, bindingRequest, filling } from '../datagrams.js'
import { Flood, floodReport, floodSource } from '../flood.js'
import { type Ground, UNAUTHENTICATED_BURST, UNAUTHENTICATED_RATE } from '../ground.js'

const PER_SECOND = 15_000
const SOURCE_COUNT = 10_000
const SPOOFED_ALLOCATE_COUNT = 100_000

/** What one source may have been answered in so long. */
export function answersMax(milliseconds: number): number {
  return UNAUTHENTICATED_BURST + UNAUTHENTICATED_RATE * (milliseconds / 1000 + 1)
}

async function bindingFlood(ground: Ground): Promise<AttackReport> {
  const flood = new Flood(ground, ground.port())
  const source = () => floodSource(20_000)
  const plan = { perSecond: PER_SECOND, milliseconds: ground.milliseconds, source }
  const result = await flood.run({ ...plan, fill: filling(bindingRequest()) })
  const elsewhere = await (await ground.client()).binding()
  return {
    ...floodReport(flood, result),
    repliesMax: answersMax(result.milliseconds),
    failures: elsewhere.code === 0 ? [] : ['another source was not answered'],
  }
}

async function spoofedAllocates(ground: Ground): Promise<AttackReport> {
  const flood = new Flood(ground, ground.port())
  const source = (index: number) => floodSource(30_000 + (index % SOURCE_COUNT))
  const plan = { perSecond: PER_SECOND, milliseconds: ground.milliseconds, countMax: SPOOFED_ALLOCATE_COUNT }
  const result = await flood.run({ ...plan, source, fill: filling(allocateRequest()) })
  return { ...floodReport(flood, result), failures: [], notes: [`${flood.repliesTo.size} addresses answered`] }
}

export const UNAUTHENTICATED_FLOODS: readonly Attack[] = [
  {
    name: 'binding-flood',
    title: 'Binding requests of one source',
    threat: 'reflection',
    seconds: 5,
    shortSeconds: 1,
    skip: withoutKoffi,
    drops: ['reply-limit'],
    run: bindingFlood,
  },
  {
    name: 'spoofed-allocates',
    title: '100,000 Allocates from 10,000 addresses',
    threat: 'unauthenticated floods',
    seconds: 7,
    shortSeconds: 1,
    skip: withoutKoffi,
    run: spoofedAllocates,
  },
]
