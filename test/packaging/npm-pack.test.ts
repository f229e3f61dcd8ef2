// `npm pack`, then `npx` from an empty folder: what is in the tarball, that the main job runs from it, and that a program can use the library.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import t from 'tap'
import { programVersion } from '../../src/config/version.js'
import { ENGINES, MAIN_ENGINE } from '../support/engines.js'
import { findFreePorts } from '../support/free-ports.js'
import { peerOrSkip } from '../support/peers.js'
import { projectRoot } from '../support/project-root.js'
import type { ReadyLine } from '../support/server-process.js'
import { runUclient } from '../support/uclient.js'
import { emptyFolder, npmEnvironment, packInto, startByNpx, unpack } from './npm-package.js'

/** Most of it is the compiled server, and the picture of the status page. */
const TARBALL_BYTES_MAX = 1_400_000
const UNPACKED_BYTES_MAX = 4_000_000
const TERRITORY = { first: 33_600, last: 33_799 }
const isLong = process.env.TURND_TEST_LONG === '1'

const PROGRAM = `import { createTurnServer, type TurnServerOptions, type WhyReport } from 'turnd'
const options: TurnServerOptions = { listen: '127.0.0.1:0', relayIp: '127.0.0.1', user: 'alice:secret' }
const server = createTurnServer(options)
server.on('refusal', ({ reason, source }) => console.log(reason.toUpperCase(), source))
await server.start()
const report: WhyReport = server.why({ user: 'alice' })
console.log(server.uris().join(' '), report.refusals.length)
await server.stop()
`

t.setTimeout(isLong ? 900_000 : 300_000)

const folder = emptyFolder(t)
const tarball = packInto(folder)
const unpacked = join(folder, 'unpacked')
const files = unpack(tarball, unpacked)

t.test('the tarball', async (t) => {
  t.test('has the command, the library, the page, and what an operator reads', async (t) => {
    const wanted = ['dist/turnd.js', 'dist/index.js', 'dist/index.d.ts', 'dist/page/index.html', 'README.md', 'LICENSE']
    const operators = ['docs/operations.md', 'docs/options.md', 'packaging/systemd/turnd.service', 'examples/embed.mjs']
    t.same(
      [...wanted, ...operators].filter((path) => !files.includes(path)),
      [],
    )
    t.match(readFileSync(join(unpacked, 'dist/turnd.js'), 'utf8'), /^#!/, 'npm makes the command executable')
  })
  t.test('has nothing else', async (t) => {
    const folders =
      /^(?:dist|docs|examples|packaging)\/|^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md|CONTRIBUTING\.md)$/
    const unwanted = /\.map$|\.test\.|(?<!\.d)\.ts$|docs\/performance\/.*\.json$|node_modules|turnd-state/
    t.same(
      files.filter((path) => !folders.test(path) || unwanted.test(path)),
      [],
    )
  })
  t.test('has no page that links to something left out, or to a heading that is not there', async (t) => {
    const pages = files.filter((path) => path.endsWith('.md'))
    const headings = new Map(pages.map((path) => [path, headingsOf(path)]))
    const dead = pages
      .flatMap((path) => linksOf(path).map((link) => ({ path, link })))
      .filter(({ path, link }) => {
        const [file, heading] = link.split('#')
        const target = file === '' ? path : normalize(join(dirname(path), file))
        if (!leadsSomewhere(target)) return true
        return heading !== undefined && headings.get(target)?.has(heading) !== true
      })
    t.same(dead, [])
  })
  t.test('has a handbook whose first lines lead to each of its parts', async (t) => {
    const parts = [...readFileSync(join(unpacked, 'docs/operations.md'), 'utf8').matchAll(/^## (.*)$/gm)]
    const links = linksOf('docs/operations.md')
    t.same(
      parts.map(([, heading]) => `#${anchorOf(heading)}`).filter((link) => !links.includes(link)),
      [],
    )
  })
  t.test('is small', async (t) => {
    const bytes = files.reduce((sum, path) => sum + statSync(join(unpacked, path)).size, 0)
    t.ok(statSync(tarball).size < TARBALL_BYTES_MAX, `${statSync(tarball).size} bytes`)
    t.ok(bytes < UNPACKED_BYTES_MAX, `${bytes} bytes unpacked`)
  })
  t.test('asks for the versions that were tested, and for no more than this Node.js', async (t) => {
    const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(unpacked, 'package.json'), 'utf8'))
    const lock = JSON.parse(readFileSync(join(projectRoot, 'package-lock.json'), 'utf8'))
    for (const [name, version] of Object.entries({ ...dependencies, ...optionalDependencies })) {
      t.equal(version, lock.packages[`node_modules/${name}`].version, name)
    }
  })
})

t.test('npx in an empty folder', { skip: peerOrSkip('turnutils_uclient') }, async (t) => {
  const home = emptyFolder(t)
  const { minPort, maxPort } = await findFreePorts(TERRITORY, 100)
  // Its user is generated, as on the first screen of the README; the rest keeps tests apart.
  const args = ['--realm', 'turnuser', '--listen', '127.0.0.1:0', '--relay-ip', '127.0.0.1', '--admin-listen', 'none']
  // Debian's client draws its channel numbers from the range of RFC 5766.
  const ports = ['--min-port', String(minPort), '--max-port', String(maxPort), '--channel-range', 'rfc5766']
  // One allocation is left by that client.
  const drain = ['--drain-timeout', '1']
  const command = await startByNpx(t, home, ['--yes', relative(home, tarball), ...args, ...ports, ...drain])
  const { installation } = command
  t.teardown(() => rmSync(installation, { recursive: true, force: true }))

  const ready = command.lines.find(({ event }) => event === 'ready') as unknown as ReadyLine
  const { password } = JSON.parse(readFileSync(join(home, 'turnd-state/generated-user.json'), 'utf8'))
  const port = Number(
    ready.listening
      .find((name) => name.startsWith('udp:'))
      ?.split(':')
      .at(-1),
  )
  const flags = ['-y', '-c', '-n', '20', '-m', '2', '-z', '5']
  // It takes three seconds, of which it waits for two.
  const relayed = runUclient({ host: '127.0.0.1', port, password, flags })

  t.test('starts the server on the best engine', async (t) => {
    t.match(ready, { engine: MAIN_ENGINE.name, realm: 'turnuser' })
  })
  t.test('has one version of what it is made of, each for this Node.js', async (t) => {
    const { packages } = JSON.parse(readFileSync(join(installation, 'node_modules/.package-lock.json'), 'utf8'))
    const doubles = ['fastify', 'light-my-request', 'cookie', 'pino'].filter(
      (name) => Object.keys(packages).filter((path) => path.endsWith(`node_modules/${name}`)).length !== 1,
    )
    t.same(doubles, [])
  })
  t.test('says its version', async (t) => {
    const bin = join(installation, 'node_modules/.bin/turnd')
    t.equal(
      execFileSync(bin, ['--version'], { encoding: 'utf8', env: npmEnvironment() }),
      `turnd ${programVersion()}\n`,
    )
  })
  t.test('has a library that a TypeScript program compiles with, and runs', async (t) => {
    writeFileSync(join(installation, 'program.ts'), PROGRAM)
    const types = ['--types', 'node', '--typeRoots', join(projectRoot, 'node_modules/@types')]
    const options = [
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2023',
      ...types,
      ...(isLong ? [] : ['--skipLibCheck']),
    ]
    const compiler = join(projectRoot, 'node_modules/.bin/tsc')
    writeFileSync(join(installation, 'package.json'), JSON.stringify({ type: 'module' }))
    const { stdout, status } = spawnSync(compiler, [...options, 'program.ts'], { cwd: installation, encoding: 'utf8' })
    t.equal(status, 0, stdout)
    t.match(execFileSync(process.execPath, ['program.js'], { cwd: installation, encoding: 'utf8' }), /^turn:.* 0\n$/)
  })
  t.test('relays for coturn’s client with the generated password', async (t) => {
    const report = await relayed
    t.match(report, { exitCode: 0, lost: 0, dropped: 0 }, report.output.slice(-500))
    t.ok(report.received > 0)
  })
  t.test('ends well after a drain', async (t) => {
    process.kill(command.pid, 'SIGTERM')
    t.equal(await command.ended(), 0)
    t.ok(command.lines.some(({ event }) => event === 'draining'))
  })
})

t.test('npm install in an empty folder', { skip: !isLong && 'npm run test:long has them' }, async (t) => {
  const npm = (cwd: string, args: readonly string[]) =>
    execFileSync('npm', [...args, '--silent'], { cwd, env: npmEnvironment(), encoding: 'utf8', stdio: 'pipe' })

  for (const engine of ENGINES) {
    const omit = engine.name === 'dgram' ? ['--omit=optional'] : []
    t.test(`${['npm install', ...omit].join(' ')}: the ${engine.name} engine`, { skip: engine.skip }, async (t) => {
      const home = emptyFolder(t)
      npm(home, ['install', ...omit, tarball])
      const command = await startByNpx(t, home, ['turnd', '--listen', '127.0.0.1:0', '--admin-listen', 'none'])
      t.match(
        command.lines.find(({ event }) => event === 'ready'),
        { engine: engine.name, ...(omit.length > 0 ? { engineReason: /koffi/ } : {}) },
      )
      process.kill(command.pid, 'SIGTERM')
      t.equal(await command.ended(), 0)
    })
  }
  t.test('npm pack builds what it packs', async (t) => {
    const clone = emptyFolder(t)
    const sources = ['package.json', 'package-lock.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'CONTRIBUTING.md']
    const parts = ['src', 'scripts', 'docs', 'examples', 'packaging']
    const settings = ['tsconfig.json', 'tsconfig.build.json', 'tsconfig.page.json']
    for (const name of [...sources, ...parts, ...settings]) {
      cpSync(join(projectRoot, name), join(clone, name), { recursive: true })
    }
    symlinkSync(join(projectRoot, 'node_modules'), join(clone, 'node_modules'))
    mkdirSync(join(clone, 'packed'))
    npm(clone, ['pack', '--pack-destination', 'packed'])
    const again = unpack(join(clone, 'packed', `turnd-${programVersion()}.tgz`), join(clone, 'unpacked'))
    t.same(again, files)
  })
})

/** Those to other pages and headings, not to other sites. */
function linksOf(path: string): string[] {
  const text = readFileSync(join(unpacked, path), 'utf8').replace(/```[\s\S]*?```|`[^`\n]*`/g, '')
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target)
  return targets.filter((target) => !/^[a-z]+:/.test(target))
}

function headingsOf(path: string): Set<string> {
  const lines = readFileSync(join(unpacked, path), 'utf8').matchAll(/^#+ (.*)$/gm)
  return new Set([...lines].map(([, text]) => anchorOf(text)))
}

/** As what shows Markdown on the web makes it of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}

function leadsSomewhere(path: string): boolean {
  return files.includes(path) || files.some((file) => file.startsWith(`${path.replace(/\/$/, '')}/`))
}
