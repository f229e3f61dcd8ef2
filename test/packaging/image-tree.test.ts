// The steps of the Dockerfile, carried out in trees of Debian, and a server that runs from the result as a container would: read-only, as its user,
// without capabilities. Takes minutes: npm run test:long -- test/packaging/image-tree.test.ts
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { connectUdp } from '../support/client-transport.js'
import { withDeadline } from '../support/deadline.js'
import { findCommand } from '../support/peers.js'
import { onProcessEnd } from '../support/process-end.js'
import { projectRoot } from '../support/project-root.js'
import { TurnClient } from '../support/turn-client.js'
import { parseDockerfile } from './dockerfile.js'
import { buildStage, type ImageTree, makeBaseTree, makeContext } from './image-tree.js'
import { emptyFolder } from './npm-package.js'

const MILLISECONDS_MAX = 60_000
const STATE = '/var/lib/turnd'
const PORTS = ['--min-port', '33420', '--max-port', '33439', '--relay-ip', '127.0.0.1']
const ARGS = ['--listen', 'udp:127.0.0.1:0', '--user', 'alice:secret', '--admin-listen', 'none', ...PORTS]

t.setTimeout(1_800_000)

t.test('the image of the Dockerfile', { skip: cannot() }, async (t) => {
  const stages = parseDockerfile(readFileSync(join(projectRoot, 'Dockerfile'), 'utf8'))
  const folder = emptyFolder(t)
  const base = makeBaseTree(folder, stages[0].image)
  const context = makeContext(folder)
  const made = new Map<string, ImageTree>()
  for (const stage of stages) made.set(stage.name, buildStage(stage, base, folder, context, made))
  const image = made.get('')!
  const textOf = (name: string) => stages.at(-1)!.instructions.find((one) => one.name === name)!.text
  const user = Number(textOf('USER').split(':')[0])

  t.test('has the server, what it is made of, and nothing else of the build', async (t) => {
    const installed = join(image.root, 'opt/turnd')
    for (const path of ['dist/turnd.js', 'dist/page/index.html', 'node_modules/koffi', 'LICENSE']) {
      t.ok(existsSync(join(installed, path)), path)
    }
    for (const path of ['src', 'node_modules/typescript', 'node_modules/tap', 'dist/turnd.js.map']) {
      t.notOk(existsSync(join(installed, path)), path)
    }
    t.notOk(existsSync(join(image.root, 'src')), 'the folder of the build')
    t.match(statSync(join(image.root, STATE)), { uid: user, mode: 0o40700 })
  })
  t.test('says its version by the name turnd', async (t) => {
    const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'))
    t.equal(execFileSync('chroot', [image.root, 'turnd', '--version'], { encoding: 'utf8' }), `turnd ${version}\n`)
  })

  const server = runImage(t, image, user, [...JSON.parse(textOf('ENTRYPOINT')), ...ARGS])
  const ready = await server.ready
  t.test('relays, read-only, as its user, with the native engine', async (t) => {
    t.match(ready, { engine: 'native' })
    const port = Number((ready.listening as string[])[0].split(':').at(-1))
    const user = { username: 'alice', password: 'secret' }
    const client = TurnClient.on(t, await connectUdp('127.0.0.1', port), user)
    t.equal((await client.allocate()).code, 0)
    const status = readFileSync(`/proc/${server.child.pid}/status`, 'utf8')
    t.match(status, new RegExp(`^Uid:\\s${textOf('USER').split(':')[0]}\\s`, 'm'))
    t.match(status, /^CapEff:\s0+$/m)
    t.match(status, /^CapBnd:\s0+$/m)
    await client.refresh({ lifetimeSeconds: 0 })
  })
  t.test('is healthy', async (t) => {
    const command = JSON.parse(textOf('HEALTHCHECK').replace(/^.*? CMD /, '')) as string[]
    // Where its state is mounted, nobody else sees.
    const enter = ['--target', String(server.child.pid), '--mount', '--root', '--wd=/']
    const env = { ...image.env }
    t.doesNotThrow(() => execFileSync('nsenter', [...enter, ...command], { env, stdio: 'pipe' }))
  })
  t.test('ends with 0 at its stop signal', async (t) => {
    server.child.kill(textOf('STOPSIGNAL') as NodeJS.Signals)
    t.equal(await server.ended, 0)
  })
})

interface RunningImage {
  readonly child: ChildProcess
  readonly ready: Promise<Readonly<Record<string, unknown>>>
  readonly ended: Promise<number | null>
}

/** In a mount namespace: a read-only root, the volume writable. Every program hands over to the next, so that the child is the server. */
function runImage(t: Test, { root, env }: ImageTree, user: number, command: readonly string[]): RunningImage {
  const script = [
    ...['set -e', `mount --bind '${root}' '${root}'`, `mount -o remount,bind,ro '${root}'`],
    `mount -t tmpfs -o mode=0700,uid=${user},gid=${user} tmpfs '${root}${STATE}'`,
    ...[`mount -t proc proc '${root}/proc'`, `mount --bind /dev '${root}/dev'`],
    `exec chroot '${root}' setpriv --reuid ${user} --regid ${user} --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs "$@"`,
  ].join('\n')
  const args = ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', ...command]
  const child = spawn('unshare', args, { env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const forget = onProcessEnd(() => child.kill('SIGKILL'))
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  child.stderr.on('data', (text) => {
    output += text
  })
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve))
  exited.finally(forget)
  const ready = new Promise<Record<string, unknown>>((resolve, reject) => {
    exited.then(() => reject(new Error(output)))
    createInterface({ input: child.stdout }).on('line', (line) => {
      output += `${line}\n`
      if (line.includes('"event":"ready"')) resolve(JSON.parse(line))
    })
  })
  const within = <Value>(promise: Promise<Value>) => withDeadline(promise, MILLISECONDS_MAX, () => output)
  return { child, ready: within(ready), ended: within(exited) }
}

function cannot(): string | false {
  if (process.env.TURND_TEST_LONG !== '1') return 'npm run test:long has it'
  if (process.getuid?.() !== 0) return 'only root can make a tree and enter it'
  if (!existsSync(join(projectRoot, '.git'))) return 'what the build is given is what git knows'
  const missing = ['debootstrap', 'unshare', 'nsenter', 'chroot', 'git'].filter((name) => findCommand(name) === null)
  return missing.length > 0 && `${missing.join(', ')} not found`
}
