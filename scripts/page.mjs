// Builds the status page into DIR/page (dist or build/src): compiles src/page for browsers and copies what is no script.
// There is no bundler: the page's modules are what the browser loads, and its libraries are served from node_modules.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { extname, join, resolve } from 'node:path'

const [directory] = process.argv.slice(2)
if (directory === undefined) {
  console.error('usage: node scripts/page.mjs DIR')
  process.exit(2)
}
const root = resolve(import.meta.dirname, '..')
const source = join(root, 'src', 'page')
const target = resolve(root, directory, 'page')
const tsc = join(root, 'node_modules', '.bin', 'tsc')
const { status } = spawnSync(tsc, ['-p', 'tsconfig.page.json', '--outDir', directory], { cwd: root, stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)
mkdirSync(target, { recursive: true })
for (const name of readdirSync(source, { recursive: true })) {
  if (['.css', '.html', '.svg'].includes(extname(name))) cpSync(join(source, name), join(target, name))
}

// Modules import modules: without this a browser learns of each when it has read the one before.
const modules = readdirSync(source, { recursive: true })
  .filter((name) => extname(name) === '.ts')
  .map((name) => name.replaceAll('\\', '/').replace(/\.ts$/, '.js'))
  .sort()
const index = readFileSync(join(source, 'index.html'), 'utf8')
const libraries = [...index.matchAll(/: "(\/libraries\/[^"]+\.js)"/g)].map(([, path]) => path)
const links = [...modules, ...libraries].map((path) => `<link rel="modulepreload" href="${path}" />`)
writeFileSync(join(target, 'index.html'), index.replace(/<!-- modules: .* -->/, links.join('\n    ')))
