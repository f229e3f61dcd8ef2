// `npm run docs`: writes the pages that derive from the sources. Run after the tests are compiled: it reads build/, and the comments of src/limits/.
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { METRICS } from '../build/src/admin/metrics.js'
import { COTURN_OPTION_GROUPS } from '../build/src/config/coturn/options.js'
import { formatOptionsMarkdown } from '../build/src/config/help.js'
import * as memory from '../build/src/limits/memory.js'
import { LIMITS } from '../build/src/limits/relation.js'
import { coturnPage } from './coturn-page.mjs'
import { AREAS, limitsPage } from './limits-page.mjs'
import { metricsPage } from './metrics-page.mjs'

const root = resolve(import.meta.dirname, '..')
const limitsText = (area) => readFileSync(join(root, 'src', 'limits', `${area}.ts`), 'utf8')
const limits = Object.fromEntries(AREAS.map((area) => [area, limitsText(area)]))

const metrics = metricsPage(readFileSync(join(root, 'docs', 'metrics.md'), 'utf8'), METRICS)
const pages = {
  'options.md': formatOptionsMarkdown(),
  'coturn-options.md': coturnPage(COTURN_OPTION_GROUPS),
  'limits.md': limitsPage(limits, LIMITS, memory),
  'metrics.md': metrics,
}
for (const [name, text] of Object.entries(pages)) {
  const page = join(root, 'docs', name)
  writeFileSync(page, text)
  console.log(`wrote ${page}`)
}
