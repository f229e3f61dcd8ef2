// A stand-in for a container engine: the stages of the Dockerfile as directory trees of Debian, their instructions carried out in a chroot. The
// base image `node:N-trixie-slim` is debootstrap's smallest trixie with that Node.js, from its npm package, and this machine's npm. Needs root.
// Used by image-tree.test.ts.
import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { projectRoot } from '../support/project-root.js'
import { type Instruction, parseCopy, type Stage } from './dockerfile.js'
import { npmEnvironment } from './npm-package.js'

const STEP_MILLISECONDS_MAX = 900_000
const IMAGE_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export interface ImageTree {
  readonly root: string
  readonly env: Readonly<Record<string, string>>
  readonly workingDirectory: string
}

/** Makes a tree of the base image, on what debootstrap makes, or made for TURND_TEST_DEBIAN_TREE. @param image such as `node:26-trixie-slim` */
export function makeBaseTree(folder: string, image: string): string {
  const [, nodeVersion, release] = /^node:(\d+)-(\w+)-slim$/.exec(image) ?? []
  if (nodeVersion === undefined) throw new Error(`no stand-in for ${image}`)
  const root = join(folder, 'base')
  const ready = process.env.TURND_TEST_DEBIAN_TREE
  if (ready === undefined)
    run('debootstrap', ['--variant=minbase', '--include=libatomic1', release, root, debianMirror()])
  else run('cp', ['-a', ready, root])
  const processor = process.arch === 'arm64' ? 'arm64' : 'x64'
  const node = `node-linux-${processor}`
  run('npm', ['install', '--silent', '--no-save', '--prefix', join(folder, 'node'), `${node}@${nodeVersion}`])
  const bin = join(root, 'usr/local/bin')
  copyFileSync(join(folder, 'node/node_modules', node, 'bin/node'), join(bin, 'node'))
  chmodSync(join(bin, 'node'), 0o755)
  const npm = join(execFileSync('npm', ['root', '-g'], { encoding: 'utf8' }).trim(), 'npm')
  cpSync(npm, join(root, 'usr/local/lib/node_modules/npm'), { recursive: true })
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(bin, 'npm'))
  prepareNetwork(root)
  return root
}

/** Carries out a stage on a copy of the base tree. @param context what the build is given; @param made stages before this one */
export function buildStage(
  stage: Stage,
  base: string,
  folder: string,
  context: string,
  made: ReadonlyMap<string, ImageTree>,
): ImageTree {
  const root = join(folder, `stage-${made.size}`)
  run('cp', ['-a', base, root])
  let tree: ImageTree = { root, env: { PATH: IMAGE_PATH, HOME: '/tmp' }, workingDirectory: '/' }
  for (const instruction of stage.instructions) tree = carryOut(instruction, tree, context, made)
  return tree
}

function carryOut(
  { name, text }: Instruction,
  tree: ImageTree,
  context: string,
  made: ReadonlyMap<string, ImageTree>,
): ImageTree {
  const inside = (path: string) => join(tree.root, path.startsWith('/') ? path : join(tree.workingDirectory, path))
  switch (name) {
    case 'WORKDIR':
      mkdirSync(inside(text), { recursive: true })
      return { ...tree, workingDirectory: text }
    case 'ENV':
      return { ...tree, env: { ...tree.env, ...Object.fromEntries(text.split(/\s+/).map((pair) => pair.split('='))) } }
    case 'COPY':
      copyInto(text, from(text, context, made), inside(parseCopy(text).target))
      return tree
    case 'RUN':
      runInside(tree, text)
      return tree
    default:
      // About the container that is made of it.
      return tree
  }
}

function from(text: string, context: string, made: ReadonlyMap<string, ImageTree>): string {
  const stage = parseCopy(text).from
  return stage === '' ? context : made.get(stage)!.root
}

/** As COPY does: a folder's content, or files into a folder that ends with /. */
function copyInto(text: string, source: string, target: string): void {
  const { sources, target: name } = parseCopy(text)
  const isFolder = name.endsWith('/') || name === './'
  for (const path of sources) {
    const to = isFolder ? join(target, path.split('/').at(-1)!) : target
    mkdirSync(dirname(to), { recursive: true })
    cpSync(join(source, path), to, { recursive: true, verbatimSymlinks: true })
  }
}

/** As root, with this machine's npm cache. */
function runInside({ root, env, workingDirectory }: ImageTree, command: string): void {
  const cache = execFileSync('npm', ['config', 'get', 'cache'], { env: npmEnvironment(), encoding: 'utf8' }).trim()
  const script = [
    ...['set -e', `mkdir -p '${cache}' '${root}/mnt'`, `mount --bind '${cache}' '${root}/mnt'`],
    ...[`mount -t proc proc '${root}/proc'`, `mount --bind /dev '${root}/dev'`],
    `exec chroot '${root}' /bin/sh -c "cd ${workingDirectory} && $1"`,
  ].join('\n')
  const npm = {
    npm_config_registry: npmSetting('registry'),
    npm_config_cache: '/mnt',
    npm_config_engine_strict: 'true',
  }
  run('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', command.replaceAll('"', '\\"')], {
    ...env,
    ...npm,
  })
}

/** What a container engine gives a container as well. */
function prepareNetwork(root: string): void {
  for (const path of ['/etc/resolv.conf', '/etc/hosts', npmSetting('cafile')]) {
    if (!path.startsWith('/') || !existsSync(path)) continue
    mkdirSync(join(root, dirname(path)), { recursive: true })
    copyFileSync(path, join(root, path))
  }
}

function npmSetting(name: string): string {
  return execFileSync('npm', ['config', 'get', name], {
    cwd: projectRoot,
    env: npmEnvironment(),
    encoding: 'utf8',
  }).trim()
}

/** Where apt gets Debian from here. */
function debianMirror(): string {
  const args = ['indextargets', '--format', '$(SITE)', 'Created-By: Packages']
  const sites = execFileSync('apt-get', args, { encoding: 'utf8' }).split('\n')
  return sites.find((site) => /debian\/?$/.test(site)) ?? ''
}

/** With what it printed, if it fails. */
function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = npmEnvironment()): void {
  try {
    execFileSync(command, args, { env, stdio: 'pipe', timeout: STEP_MILLISECONDS_MAX, maxBuffer: 64 * 1024 * 1024 })
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: unknown; stderr?: unknown }
    throw new Error(`${command} ${args.join(' ')}:\n${String(stdout).slice(-4_000)}${String(stderr).slice(-4_000)}`)
  }
}

/** What the build is given: what git knows, as far as .dockerignore lets it through. */
export function makeContext(folder: string): string {
  const context = join(folder, 'context')
  const kept = readFileSync(join(projectRoot, '.dockerignore'), 'utf8')
    .split('\n')
    .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []))
  const args = ['ls-files', '--cached', '--others', '--exclude-standard']
  const files = execFileSync('git', args, { cwd: projectRoot, encoding: 'utf8' }).split('\n')
  for (const path of files) {
    if (!kept.some((name) => path === name || path.startsWith(`${name}/`))) continue
    mkdirSync(dirname(join(context, path)), { recursive: true })
    copyFileSync(join(projectRoot, path), join(context, path))
  }
  return context
}
