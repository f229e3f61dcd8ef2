// The systemd unit of packaging/systemd: systemd itself accepts it and finds little exposed, its figures go with the defaults, and a server without
// capabilities does its whole work with the system calls that the unit lets through.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { findOption } from '../../src/config/options.js'
import type { ClientTransport } from '../support/client-transport.js'
import { connectDtls } from '../support/dtls-transport.js'
import { ENGINES, withoutDtls } from '../support/engines.js'
import { peerOrSkip } from '../support/peers.js'
import { projectRoot } from '../support/project-root.js'
import { connectBy, HOST, startStreamServer, USER } from '../support/stream-server.js'
import { TurnClient } from '../support/turn-client.js'
import { UdpPeer } from '../support/udp-peer.js'

const UNIT = readFileSync(join(projectRoot, 'packaging/systemd/turnd.service'), 'utf8')
const DROP_IN = readFileSync(join(projectRoot, 'packaging/systemd/turnd-443.conf'), 'utf8')
const ACCOUNT = readFileSync(join(projectRoot, 'packaging/systemd/turnd.sysusers'), 'utf8')
const INSTALLED_COMMAND = '/usr/bin/node /opt/turnd/dist/turnd.js'
/** systemd's own measure, ten times: 0 is a service that can do nothing, 20 is "OK". */
const EXPOSURE_MAX = 20

const MIN_PORT = 33_900
const PORT_COUNT = 20
const CHANNEL = 0x4000

t.setTimeout(240_000)

t.test('the unit', { skip: peerOrSkip('systemd-analyze') }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'turnd-unit-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const unit = join(folder, 'turnd.service')
  t.ok(UNIT.includes(INSTALLED_COMMAND))
  const command = `${process.execPath} ${join(projectRoot, 'dist/turnd.js')}`

  t.test('is accepted by systemd, with the drop-in for port 443 too', async (t) => {
    for (const addition of ['', DROP_IN]) {
      writeFileSync(unit, UNIT.replace(INSTALLED_COMMAND, command) + addition)
      const { status, stderr, stdout } = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' })
      t.equal(`${stdout}${stderr}`, '')
      t.equal(status, 0)
    }
  })
  t.test('leaves little exposed', async (t) => {
    writeFileSync(unit, UNIT)
    const args = ['security', '--offline=true', '--no-pager', `--threshold=${EXPOSURE_MAX}`, unit]
    const { status, stdout } = spawnSync('systemd-analyze', args, { encoding: 'utf8' })
    t.equal(status, 0, stdout.slice(stdout.indexOf('→')))
  })
  t.test('runs as the account that the sysusers file makes', async (t) => {
    t.match(ACCOUNT, new RegExp(`^u ${setting('User')} `, 'm'))
    t.equal(setting('Group'), setting('User'))
  })
  t.test('has more time to stop than draining takes, and files for every relay of the licence', async (t) => {
    t.ok(Number(setting('TimeoutStopSec')) > Number(findOption('drain-timeout')?.default))
    t.ok(Number(setting('LimitNOFILE')) > 4 * Number(findOption('max-allocations')?.default))
  })
})

const withoutTools = peerOrSkip('systemd-analyze', 'strace')

for (const engine of ENGINES) {
  t.test(
    `a server as the unit confines it, ${engine.name} engine`,
    { skip: withoutTools || engine.skip },
    async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'turnd-calls-'))
      t.teardown(() => rmSync(folder, { recursive: true }))
      const trace = join(folder, 'calls')
      // -D: the server is the child of this test, not strace.
      const tracing = ['strace', '-D', '-f', '-qq', '-o', trace]
      const confining = ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--no-new-privs']
      const listen = withoutDtls ? [] : ['--listen', `dtls:${HOST}:0`]
      const server = await startStreamServer(t, engine, MIN_PORT, PORT_COUNT, listen, {
        prefix: [...tracing, ...confining],
      })

      t.test('has no capability', async (t) => {
        const status = readFileSync(`/proc/${server.pid}/status`, 'utf8')
        for (const set of ['Prm', 'Eff', 'Bnd', 'Amb']) t.match(status, new RegExp(`^Cap${set}:\\s0+$`, 'm'))
        t.match(status, /^NoNewPrivs:\s1$/m)
      })
      t.test('relays for clients over every transport', async (t) => {
        for (const scheme of ['udp', 'tcp', 'tls'] as const) await relay(t, await connectBy(scheme, server))
        if (!withoutDtls) await relay(t, await connectDtls(HOST, server.port('', 'dtls')))
      })
      t.test('reads its files again, and stops', async (t) => {
        process.kill(server.pid, 'SIGHUP')
        await server.waitForLog(({ event }) => event === 'reload')
        t.equal(await server.stop(), 0)
      })
      t.test('makes no system call that the filter keeps back', async (t) => {
        const allowed = allowedCalls()
        t.ok(allowed.has('recvmmsg') && !allowed.has('mount'), 'the filter is read as systemd reads it')
        const made = callsIn(readFileSync(trace, 'utf8'))
        t.ok(made.has('sendmsg') || made.has('sendmmsg'), 'calls were traced')
        // setpriv's own.
        made.delete('capset')
        t.same([...made].filter((call) => !allowed.has(call)).sort(), [])
      })
    },
  )
}

async function relay(t: Test, transport: ClientTransport): Promise<void> {
  const peer = await UdpPeer.open(t, HOST)
  const client = TurnClient.on(t, transport, USER)
  t.equal((await client.allocate()).code, 0)
  t.equal((await client.bindChannel(CHANNEL, peer.address)).code, 0)
  client.sendChannelData(CHANNEL, 'there')
  const { source, text } = await peer.inbox.next()
  t.equal(text, 'there')
  peer.send(source, 'and back')
  t.equal((await client.nextData()).text, 'and back')
}

/** The last value that the unit gives a setting. */
function setting(name: string): string {
  return [...UNIT.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].at(-1)?.[1] ?? ''
}

/** What SystemCallFilter lets through: line by line, those that begin with ~ take away (systemd.exec(5)). */
function allowedCalls(): Set<string> {
  const sets = callSets()
  const allowed = new Set<string>()
  for (const [, value] of UNIT.matchAll(/^SystemCallFilter=(.*)$/gm)) {
    const isDenied = value.startsWith('~')
    for (const name of value.replace('~', '').split(' ')) {
      for (const call of expand(sets, name)) {
        if (isDenied) allowed.delete(call)
        else allowed.add(call)
      }
    }
  }
  return allowed
}

/** systemd's sets of system calls: `@name`, then what is in it, indented. */
function callSets(): Map<string, string[]> {
  const sets = new Map<string, string[]>()
  let members: string[] = []
  const text = execFileSync('systemd-analyze', ['syscall-filter', '--no-pager'], { encoding: 'utf8' })
  for (const line of text.split('\n')) {
    const name = line.trim()
    if (name === '' || name.startsWith('#')) continue
    if (line.startsWith('@')) {
      members = []
      sets.set(name, members)
    } else members.push(name)
  }
  return sets
}

function expand(sets: ReadonlyMap<string, readonly string[]>, name: string): string[] {
  if (!name.startsWith('@')) return [name]
  const members = sets.get(name)
  if (members === undefined) throw new Error(`systemd has no set of system calls called ${name}`)
  return members.flatMap((member) => expand(sets, member))
}

/** Lines of strace: `PID name(arguments…` or `PID <... name resumed>…`. */
function callsIn(trace: string): Set<string> {
  return new Set([...trace.matchAll(/^\d+ +(?:<\.\.\. )?(\w+)(?:\(| resumed)/gm)].map(([, name]) => name))
}
