// The rules of the house as a test: import direction, banned modules and calls, names, sizes, and what the repository must not contain.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from './support/project-root.js'
import {
  cycleProblems,
  directionProblems,
  HOT_FILES,
  hotPathProblems,
  moduleProblems,
  pageProblems,
  purityProblems,
  type SourceFile,
  styleProblems,
} from './support/source-rules.js'

/** Files above this need a reason that a reader accepts. */
const LINE_COUNT_MAX = 300
const LONG_FILES: Readonly<Record<string, string>> = {
  'src/config/options.ts': 'one table of all options',
}

const sources: SourceFile[] = readdirSync(join(projectRoot, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => `src/${name}`)
  .map((path) => ({ path, text: readFileSync(join(projectRoot, path), 'utf8') }))

const source = (path: string, text: string): SourceFile => ({ path, text })

t.test('src/', async (t) => {
  t.test('has the folders that architecture.md names', async (t) => {
    const architecture = readFileSync(join(projectRoot, 'docs/architecture.md'), 'utf8')
    const folders = new Set(sources.map(({ path }) => path.split('/').slice(0, 2).join('/')))
    for (const folder of folders) {
      if (!folder.endsWith('.ts')) t.match(architecture, `\`${folder}/\``)
    }
  })
  t.test('imports one way', async (t) => t.same(sources.flatMap(directionProblems), []))
  t.test('imports in no circle', async (t) => t.same(cycleProblems(sources), []))
  t.test('keeps sockets, HTTP and files in their rooms', async (t) => t.same(sources.flatMap(moduleProblems), []))
  t.test('has a page that is text and types', async (t) => t.same(sources.flatMap(pageProblems), []))
  t.test('has a core without clock, timer, chance and process', async (t) =>
    t.same(sources.flatMap(purityProblems), []),
  )
  t.test('allocates nothing on the hot path', async (t) => {
    for (const path of HOT_FILES)
      t.ok(
        sources.some((file) => file.path === path),
        `${path} exists`,
      )
    t.same(sources.flatMap(hotPathProblems), [])
  })
  t.test('keeps the habits of the house', async (t) => t.same(sources.flatMap(styleProblems), []))
  t.test('has files that are read in one sitting', async (t) => {
    const long = sources.filter(({ text }) => text.split('\n').length > LINE_COUNT_MAX).map(({ path }) => path)
    t.same(long.sort(), Object.keys(LONG_FILES).sort())
  })
})

t.test('the rules themselves', async (t) => {
  t.test('see an import upwards, from a leaf, and of a leaf', async (t) => {
    t.equal(directionProblems(source('src/stun/a.ts', "import { b } from '../turn/b.js'")).length, 1)
    t.equal(directionProblems(source('src/turn/a.ts', "import type { b } from '../net/b.js'")).length, 1)
    t.equal(directionProblems(source('src/log/a.ts', "import { b } from '../stun/address.js'")).length, 1)
    t.equal(directionProblems(source('src/config/a.ts', "import { b } from '../turn/b.js'")).length, 1)
    t.equal(directionProblems(source('src/limits/a.ts', "import { b } from '../stun/address.js'")).length, 1)
    t.equal(directionProblems(source('src/limits/a.ts', "import { b } from '../config/b.js'")).length, 1)
    t.same(directionProblems(source('src/limits/a.ts', "import { b } from './b.js'")), [])
    t.same(directionProblems(source('src/log/a.ts', "import { b } from '../limits/b.js'")), [])
    t.same(directionProblems(source('src/turn/a.ts', "import { b } from '../auth/b.js'\nimport '../log/c.js'")), [])
  })
  t.test('see modules in the wrong room', async (t) => {
    t.equal(moduleProblems(source('src/turn/a.ts', "import { createSocket } from 'node:dgram'")).length, 1)
    t.equal(moduleProblems(source('src/server/a.ts', "import { readFileSync } from 'node:fs'")).length, 1)
    t.equal(moduleProblems(source('src/admin/a.ts', "import { readFileSync } from 'node:fs'")).length, 1)
    t.equal(moduleProblems(source('src/server/a.ts', "import { connect } from 'node:net'")).length, 1)
    t.equal(moduleProblems(source('src/auth/users-file.ts', "import { connect } from 'node:tls'")).length, 1)
    t.equal(moduleProblems(source('src/auth/nonce.ts', "import { readFileSync } from 'node:fs'")).length, 1)
    t.equal(moduleProblems(source('src/net/stream/a.ts', "import { createServer } from 'node:http'")).length, 1)
    t.same(moduleProblems(source('src/net/stream/http-a.ts', "import { createServer } from 'node:http'")), [])
    t.same(moduleProblems(source('src/net/a.ts', "import { createSocket } from 'node:dgram'")), [])
    t.same(moduleProblems(source('src/auth/users-file.ts', "import { readFileSync } from 'node:fs'")), [])
  })
  t.test('see what a page must not have, and who must not have it', async (t) => {
    t.equal(directionProblems(source('src/page/a.ts', "import { b } from '../admin/schema/b.js'")).length, 1)
    t.equal(directionProblems(source('src/page/a.ts', "import type { b } from '../admin/b.js'")).length, 1)
    t.equal(directionProblems(source('src/turnd.ts', "import { b } from './page/b.js'")).length, 1)
    t.same(directionProblems(source('src/page/a.ts', "import type { b } from '../admin/schema/b.js'")), [])
    t.equal(pageProblems(source('src/page/a.ts', "import { b } from 'node:fs'")).length, 1)
    t.same(pageProblems(source('src/page/views/a.ts', "import { html } from 'lit-html'\nimport '../b.js'")), [])
    for (const text of ['a.innerHTML = b', 'unsafeHTML(b)', '`<p style="x">`', '`<p onclick="x">`']) {
      t.equal(pageProblems(source('src/page/a.ts', text)).length, 1, text)
    }
  })
  t.test('see clocks and chance in pure rooms, but not in comments', async (t) => {
    t.equal(purityProblems(source('src/turn/a.ts', 'const x = Math.random()')).length, 1)
    t.equal(purityProblems(source('src/auth/a.ts', 'const x = Date.now()')).length, 1)
    t.same(purityProblems(source('src/turn/a.ts', '// no Math.random() here\n/* nor Date */')), [])
  })
  t.test('see closures, spread and text on the hot path', async (t) => {
    for (const text of ['list.map((x) => x)', 'f(...list)', 'throw e', '`text`', 'const x = 1n']) {
      t.ok(hotPathProblems(source('src/turn/relay.ts', text)).length > 0, text)
    }
  })
  t.test('see circles of modules, but not of types', async (t) => {
    const a = source('src/turn/a.ts', "import { b } from './b.js'")
    t.equal(cycleProblems([a, source('src/turn/b.ts', "import { a } from './a.js'")]).length, 1)
    t.same(cycleProblems([a, source('src/turn/b.ts', "import type { a } from './a.js'")]), [])
  })
  t.test('see bad habits', async (t) => {
    t.ok(styleProblems(source('src/turn/a.ts', '// x\nenum A {}')).length > 0)
    t.ok(styleProblems(source('src/turn/a.ts', '// x\nconst x = y as any')).length > 0)
    t.ok(styleProblems(source('src/turn/a.ts', 'const x = 1')).length > 0)
    t.ok(styleProblems(source('src/turn/relayTable.ts', '// x')).length > 0)
    t.ok(styleProblems(source('src/turn/utils.ts', '// x')).length > 0)
    t.same(styleProblems(source('src/turn/a.ts', '// Owns x.\nconst x = 1')), [])
  })
})

t.test('the repository', async (t) => {
  t.test('is formatted and free of lint (npm run format mends most of it)', async (t) => {
    const biome = join(projectRoot, 'node_modules/.bin/biome')
    const { status, stderr, stdout } = spawnSync(biome, ['check', '--colors=off'], {
      cwd: projectRoot,
      encoding: 'utf8',
    })
    t.equal(status, 0, `${stdout}${stderr}`)
  })
  const isCheckout = existsSync(join(projectRoot, '.git'))
  const tracked = isCheckout
    ? execFileSync('git', ['ls-files', '-z'], { cwd: projectRoot, encoding: 'utf8' }).split('\0').filter(Boolean)
    : []
  t.test('names no registry in the lock file', async (t) => {
    const lock = readFileSync(join(projectRoot, 'package-lock.json'), 'utf8')
    t.notMatch(lock, /"resolved": "https?:/)
  })
  t.test('names no host of a registry and no path of one machine', async (t) => {
    // Written in pieces, so that this file does not find itself.
    const bans = [`registry.${'npmjs'}`, `deb.${'debian'}.org`, `/${'work'}/`, `/${'root'}/`]
    const found = tracked
      .filter((path) => /\.(?:[mc]?[jt]s|json|md|sh|html|csv|yml)$|^\.ci\/run$/.test(path))
      .filter((path) => existsSync(join(projectRoot, path)))
      .flatMap((path) => {
        const text = readFileSync(join(projectRoot, path), 'utf8')
        return bans.filter((ban) => text.includes(ban)).map((ban) => `${path}: ${ban}`)
      })
    t.same(found, [])
  })
  t.test('has scripts for everything that CONTRIBUTING names', async (t) => {
    const { scripts } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'))
    const contributing = readFileSync(join(projectRoot, 'CONTRIBUTING.md'), 'utf8')
    for (const [, script] of contributing.matchAll(/npm run ([a-z:]+)/g)) t.ok(scripts[script], `npm run ${script}`)
  })
  t.test('has the tests that security.md names', async (t) => {
    const security = readFileSync(join(projectRoot, 'docs/security.md'), 'utf8')
    const paths = [...security.matchAll(/`(test\/[a-z0-9/.-]+)`/g)].map(([, path]) => path)
    t.ok(paths.length > 20)
    for (const path of paths) t.ok(existsSync(join(projectRoot, path)), path)
  })
  t.test('has no generated files', async (t) => {
    t.same(
      tracked.filter((path) => /^(?:node_modules|dist|build|\.tap|turnd-state)\//.test(path)),
      [],
    )
  })
})
