// `npm run docs`: writes the pages that derive from the sources. Run after a build: it reads dist/.
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { formatOptionsMarkdown } from '../dist/config/help.js'

const page = join(resolve(import.meta.dirname, '..'), 'docs', 'options.md')
writeFileSync(page, formatOptionsMarkdown())
console.log(`wrote ${page}`)
