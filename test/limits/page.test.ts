// docs/limits.md: it says what the sources say, of every bound; and what the bounds come to is a figure that a bound can change.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import * as memory from '../../src/limits/memory.js'
import { LIMITS } from '../../src/limits/relation.js'
import { projectRoot } from '../support/project-root.js'

interface PageScript {
  readonly AREAS: readonly string[]
  limitsPage(texts: Readonly<Record<string, string>>, values: object, module: object): string
  sectionsOf(text: string): { title: string; bounds: { name: string; comment: string }[] }[]
  unitOf(name: string): string
}

const script: PageScript = await import(pathToFileURL(join(projectRoot, 'scripts/limits-page.mjs')).href)
const { AREAS, limitsPage, sectionsOf, unitOf } = script
const read = (path: string) => readFileSync(join(projectRoot, path), 'utf8')
const texts = Object.fromEntries(AREAS.map((area) => [area, read(`src/limits/${area}.ts`)]))
const PLAN: memory.ProcessPlan = {
  ...{ udpWorkerCount: 2, streamWorkerCount: 2, allocationCount: 1800, permissionCount: 128, channelCount: 128 },
  ...{ hasHttpUpstream: false, limitsBandwidth: false },
}

t.test('docs/limits.md', async (t) => {
  t.test('is what the sources say; if not: npm run docs', async (t) => {
    t.equal(read('docs/limits.md'), limitsPage(texts, LIMITS, memory))
  })

  t.test('has every bound, with its unit and its reason', async (t) => {
    const bounds = AREAS.flatMap((area) => sectionsOf(texts[area])).flatMap((section) => section.bounds)
    t.same(bounds.map(({ name }) => name).sort(), Object.keys(LIMITS).sort())
    for (const { comment, name } of bounds) t.ok(comment.endsWith('.') && comment.length > 8, `${name}: ${comment}`)
  })

  t.test('cannot have a bound without a comment, or without a unit', async (t) => {
    t.throws(() => sectionsOf('// Bounds.\n\nexport const A_COUNT = 1\n'), /A_COUNT has no comment/)
    t.throws(() => unitOf('SIZE_MAX'), /SIZE_MAX has no unit/)
    t.equal(unitOf('REFUSALS_PER_SECOND_MAX'), 'per second')
    t.equal(unitOf('QUEUED_BYTES_MAX'), 'bytes')
  })
})

t.test('what the bounds come to', async (t) => {
  const gibibytes = (plan: memory.ProcessPlan) => memory.totalOf(memory.worstCase(plan)) / 2 ** 30

  t.test('is less than 6.25 GiB for a server with the default options on two cores', async (t) => {
    t.ok(gibibytes(PLAN) < 6.25, `${gibibytes(PLAN)} GiB`)
  })

  t.test(
    'grows with threads, allocations, limits of bandwidth and an upstream, and each row is a number',
    async (t) => {
      for (const { bytes, what } of memory.worstCase(PLAN)) t.ok(Number.isSafeInteger(bytes) && bytes > 0, what)
      const more = [
        { udpWorkerCount: 3 },
        { streamWorkerCount: 3 },
        { allocationCount: 1801 },
        { permissionCount: 129 },
      ]
      for (const change of [...more, { channelCount: 129 }, { hasHttpUpstream: true }, { limitsBandwidth: true }]) {
        t.ok(gibibytes({ ...PLAN, ...change }) > gibibytes(PLAN), JSON.stringify(change))
      }
    },
  )
})
