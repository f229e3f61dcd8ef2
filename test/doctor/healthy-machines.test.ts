// Machines that are well, and unusual: none of them has a fault. Each is one on which a judgement could take what it does not see for what is wrong.

import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { parseCommandLine } from '../../src/config/command-line.js'
import { TurndError } from '../../src/config/errors.js'
import { readTextFile } from '../../src/config/read-text-file.js'
import { COMMAND_LINE } from '../../src/config/source.js'
import type { Finding } from '../../src/doctor/check.js'
import { INSIDE_CHECKS } from '../../src/doctor/inside/checks.js'
import type { InsideScene } from '../../src/doctor/inside/scene.js'
import { type Machine, REAL_MACHINE } from '../../src/doctor/machine.js'
import { runChecks } from '../../src/doctor/run-checks.js'
import { twoParts } from '../../src/doctor/two-parts.js'
import { settingsOf } from '../server/settings.js'
import { temporaryDirectory } from '../support/certificate.js'
import type { Closing } from '../support/closing.js'

type Options = Parameters<typeof settingsOf>[0]

const MILLISECONDS_MAX = 20_000
/** One that tells nothing: no Linux, no commands. */
const MUTE: Machine = {
  ...{ readText: () => null, modeOf: () => null, isWritable: () => true },
  ...{ output: async () => null, holderOf: () => null },
}

async function findingsOf(options: Options, change: Partial<InsideScene> = {}): Promise<Finding[]> {
  const settings = settingsOf({
    ...{ listen: '127.0.0.1:0', relayIp: '127.0.0.1', user: 'alice:secret', stateDir: temporaryDirectory() },
    ...options,
  })
  const parsed = { settings, warnings: [], given: new Map(), naming: COMMAND_LINE }
  const common = { machine: MUTE, running: [], silent: [], settingsOf: null, nowMs: Date.now(), patienceMs: 1000 }
  return runChecks(INSIDE_CHECKS, { ...common, parsed, settings, ...change }, 'this machine', MILLISECONDS_MAX)
}

/** Rules of nft before a policy. */
function withRules(policy: 'accept' | 'drop', rules: readonly (readonly unknown[])[]): Machine {
  const chain = { family: 'inet', table: 'filter', name: 'input', type: 'filter', hook: 'input', prio: 0, policy }
  const entries = rules.map((expr) => ({ rule: { family: 'inet', table: 'filter', chain: 'input', expr } }))
  return { ...MUTE, output: async () => JSON.stringify({ nftables: [{ chain }, ...entries] }) }
}

const match = (op: string, protocol: string, field: string, right: unknown) => ({
  match: { op, left: { payload: { protocol, field } }, right },
})

/** A port of this process, which stands for a server's, and a machine that says who has it. */
async function takenPort(t: Closing, command: readonly string[] | null) {
  const server = createServer().listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const machine: Machine = {
    ...MUTE,
    readText: (path) => (path.startsWith('/proc/net/') ? REAL_MACHINE.readText(path) : (command?.join('\0') ?? null)),
    holderOf: () => (command === null ? null : { pid: 812, name: 'node' }),
  }
  return { listen: `tcp:127.0.0.1:${(server.address() as AddressInfo).port}`, machine }
}

/** The machine has accounts that may read everything, and others. */
function asAnybody<Result>(action: () => Promise<Result>): Promise<Result> {
  if (process.geteuid?.() !== 0) return action()
  process.seteuid!(65_534)
  return action().finally(() => process.seteuid!(0))
}

function secretFile(): string {
  const path = join(temporaryDirectory(), 'secret')
  writeFileSync(path, 'a-secret\n')
  chmodSync(path, 0)
  return path
}

const faults = (findings: readonly Finding[]) => findings.filter(({ verdict }) => verdict === 'fault')
const byId = (findings: readonly Finding[], wanted: string) => findings.find(({ id }) => id === wanted)

t.test('a machine that tells nothing of itself', async (t) => t.same(faults(await findingsOf({})), []))

t.test('firewalls', async (t) => {
  const lan = { prefix: { addr: '10.0.0.0', len: 8 } }
  for (const [name, machine] of [
    ['that open everything to one network', withRules('drop', [[match('==', 'ip', 'saddr', lan), { accept: null }]])],
    ['that keep out all but one network', withRules('accept', [[match('!=', 'ip', 'saddr', lan), { drop: null }]])],
    ['that close TCP', withRules('accept', [[match('!=', 'tcp', 'dport', { set: [22, 3478] }), { drop: null }]])],
    [
      'that drop what else ICMP has',
      withRules('accept', [[match('!=', 'icmp', 'type', 'echo-request'), { drop: null }]]),
    ],
    ['whose rules this account may not read', MUTE],
  ] as const) {
    t.test(name, async (t) => t.same(faults(await findingsOf({ listen: '*:3478' }, { machine, silent: [812] })), []))
  }
  const [broken] = faults(await findingsOf({}, { machine: withRules('drop', []) }))
  t.match(broken, { id: 'local-firewall' }, 'closed to everybody')
})

t.test('a port that is taken', async (t) => {
  t.test('by a server that cannot be asked, by its command', async (t) => {
    const { listen, machine } = await takenPort(t, [
      '/usr/bin/node',
      '--enable-source-maps',
      '/opt/turnd/dist/turnd.js',
    ])
    const findings = await findingsOf({ listen }, { machine })
    t.same(faults(findings), [])
    t.match(byId(findings, 'listeners'), {
      verdict: 'not-checked',
      text: /taken by a turnd \(process 812\), .*: run turnd doctor as root/,
    })
  })
  t.test('by a server that cannot be asked, where the system does not say by whom', async (t) => {
    const { listen, machine } = await takenPort(t, null)
    t.same(faults(await findingsOf({ listen }, { machine, silent: [812] })), [])
    const [taken] = faults(await findingsOf({ listen }, { machine }))
    t.match(taken, { id: 'listeners', remedy: /^Find that program/ }, 'no server runs here')
  })
  t.test('by another program of node, which is not told by the name of node', async (t) => {
    const { listen, machine } = await takenPort(t, ['node', '/srv/shop.js'])
    t.match(faults(await findingsOf({ listen }, { machine, silent: [99] })), [
      { id: 'listeners', remedy: /^Stop node shop\.js \(process 812\)/ },
    ])
  })
})

t.test("files that the server's account alone may read", async (t) => {
  const path = secretFile()
  for (const [id, options] of [
    ['users', { authSecretFile: path }],
    ['users', { usersFile: path }],
    ['certificate', { cert: path, key: path }],
  ] as const) {
    t.test(`${Object.keys(options)[0]}`, async (t) => {
      const findings = await asAnybody(() => findingsOf(options))
      t.same(faults(findings), [])
      t.match(byId(findings, id), { verdict: 'not-checked', text: `this account may not read ${path}` })
      const served = { running: [{ pid: 812, listening: [], settings: settingsOf({}) }] }
      t.match(faults(await asAnybody(() => findingsOf(options, served))), [{ id }], "this is the server's account")
    })
  }
  t.test('config', async (t) => {
    const findings = await asAnybody(async () => {
      try {
        parseCommandLine(['--config', path], {}, readTextFile)
        throw new Error('it may be read')
      } catch (error) {
        if (!(error instanceof TurndError)) throw error
        return findingsOf({}, { parsed: error })
      }
    })
    t.same(faults(findings), [])
    t.match(byId(findings, 'configuration'), { verdict: 'not-checked', text: `this account may not read ${path}` })
  })
})

t.test('a remedy is what a sentence orders, and not the reason of the system', async (t) => {
  t.match(twoParts('--auth-secret-file /x/sec: permission denied'), { remedy: '' })
  t.match(twoParts('--cert c.pem cannot be read: no such file: give the path of a PEM file'), {
    found: '--cert c.pem cannot be read: no such file',
    remedy: 'Give the path of a PEM file',
  })
})
