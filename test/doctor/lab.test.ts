// The doctor at work: each fault made on purpose, in namespaces with a firewall, and the one diagnosis of each. All at once, since a server may have
// only one of them and a client as well. Needs root.
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { makePair, temporaryDirectory } from '../support/certificate.js'
import { withDeadline } from '../support/deadline.js'
import type { NetworkNamespace } from '../support/namespace.js'
import { withoutCables } from '../support/namespace.js'
import { FAKETIME_LIBRARIES, findFile, peerOrSkip } from '../support/peers.js'
import { onProcessEnd } from '../support/process-end.js'
import { projectRoot } from '../support/project-root.js'
import { startServer } from '../support/server-process.js'
import { EDGE, type Lab, type Mischief, makeLab, OTHER_PUBLIC, OUTSIDE, PUBLIC } from './lab.js'

const IS_LONG = process.env.TURND_TEST_LONG === '1'
const MISCHIEFS: readonly Mischief[] = ['none', 'range closed', 'UDP closed', 'relays held back']
/** Of a processor that many share, which is farther away than any network. */
const TIMEOUT = ['--timeout', '3']
const RUN_MILLISECONDS_MAX = 60_000
const SECRET = 'rest-secret'
const DAYS_AHEAD = 2

interface Finding {
  readonly id: string
  readonly verdict: string
  readonly text: string
}

interface Report {
  readonly code: number | null
  readonly diagnosis: string
  readonly findings: readonly Finding[]
}

interface Case {
  readonly name: string
  readonly mischief?: Mischief
  readonly args: readonly string[]
  /** Checks that find a fault: these and no others. */
  readonly faults: readonly string[]
  readonly diagnosis: RegExp
  /** In what is said of the first of them. */
  readonly text?: RegExp
  /** Where time is short, others have to do. */
  readonly isLong?: true
}

/** Of each server: its port, and a hundred relay ports. */
const SERVERS = { healthy: 3478, misnamed: 3479, unnamed: 3480, early: 3481 } as const
const rangeOf = (server: keyof typeof SERVERS) => {
  const first = 24000 + (SERVERS[server] - 3478) * 100
  return ['--min-port', String(first), '--max-port', String(first + 99)]
}
const uri = (server: keyof typeof SERVERS) => `turn:${PUBLIC}:${SERVERS[server]}`
const ALICE = ['--as', 'alice:secret']

const cases = (ca: string): Case[] => [
  {
    name: 'nothing: over UDP, TCP and TLS all is well',
    args: [uri('healthy'), `turns:${PUBLIC}:443`, ...ALICE, '--ca', ca],
    faults: [],
    diagnosis: /^No fault: media gets through/,
  },
  {
    name: 'the relay range is firewalled',
    mischief: 'range closed',
    args: [uri('healthy'), ...ALICE, '--outside', ...rangeOf('healthy')],
    faults: ['relay-range'],
    diagnosis: /^The relay range 24000-24099 is firewalled: open UDP 24000-24099 to 10\.88\.246\.156\.$/,
  },
  {
    name: 'UDP is blocked',
    mischief: 'UDP closed',
    args: [uri('healthy'), ...ALICE],
    faults: ['udp'],
    diagnosis: /^UDP 3478 to 10\.88\.246\.156 is blocked: open UDP 3478 to 10\.88\.246\.156 on the firewall/,
  },
  {
    name: 'what relays send does not get out',
    isLong: true,
    mischief: 'relays held back',
    args: [uri('healthy'), ...ALICE],
    faults: ['relay-outbound'],
    diagnosis: /^What relays send does not get out: let the relay address send UDP/,
  },
  {
    name: 'the external address is another one',
    args: [uri('misnamed'), ...ALICE],
    faults: ['external-address'],
    diagnosis:
      /^The external address is wrong \(10\.88\.246\.99 instead of 10\.88\.246\.156\): start turnd with --external-ip 10\.88\.246\.156\//,
  },
  {
    name: 'a server behind NAT does not know its external address',
    isLong: true,
    args: [uri('unnamed'), ...ALICE],
    faults: ['external-address'],
    diagnosis:
      /\(192\.168\.245\.61 instead of 10\.88\.246\.156\): start turnd with --external-ip 10\.88\.246\.156\/PRIVATE/,
  },
  {
    name: 'the certificate has another name',
    args: [`turns:${OTHER_PUBLIC}:443`, ...ALICE, '--ca', ca],
    faults: ['tls-certificate'],
    diagnosis: /^The certificate does not name 10\.88\.246\.157: get a certificate that names 10\.88\.246\.157/,
  },
  {
    name: "the server's clock is wrong",
    args: [uri('early'), `turns:${PUBLIC}:444`, '--as-secret', SECRET, '--ca', ca],
    faults: ['server-clock'],
    diagnosis: /^The server's clock is about (1 day 2[0-3] hours|2 days( [1-4] hours?)?) ahead: set the server's clock/,
    text: /, and the Date of its HTTP answers says so too: fresh TURN REST credentials have expired there$/,
  },
  {
    name: "the server's clock is wrong, and the relay range is firewalled",
    isLong: true,
    mischief: 'range closed',
    args: [uri('early'), '--as-secret', SECRET],
    faults: ['server-clock', 'relay-range'],
    diagnosis: /^The server's clock is about .* ahead: set the server's clock .* \(and 1 more fault, see above\)\.$/,
  },
  {
    name: 'the secret of TURN REST differs',
    args: [uri('healthy'), '--as-secret', `${SECRET}-of-old`],
    faults: ['rest-secret'],
    diagnosis: /^The TURN REST secret is another one at the server: give the server/,
  },
  {
    name: 'the password is wrong',
    args: [uri('healthy'), '--as', 'alice:forgotten'],
    faults: ['credentials'],
    diagnosis: /^The user name or the password of "alice" is wrong: compare both/,
  },
]

t.setTimeout(240_000)

const skip = withoutCables() || peerOrSkip('openssl', 'faketime', 'nft')

t.test('each fault made on purpose is the diagnosis, and no other', { skip, jobs: 4 }, async (t) => {
  const lab = makeLab(t, IS_LONG ? MISCHIEFS : MISCHIEFS.slice(0, 3))
  const directory = temporaryDirectory()
  const ca = await writeCertificate(directory)
  await startServers(t, lab, directory)
  for (const { args, diagnosis, faults, mischief = 'none', name, text = /./ } of cases(ca).filter(
    ({ isLong }) => IS_LONG || !isLong,
  )) {
    t.test(name, { buffered: true }, async (t) => {
      const report = await runDoctor(lab.client(mischief), [...args, ...TIMEOUT])
      const found = report.findings.filter(({ verdict }) => verdict === 'fault')
      t.same([...new Set(found.map(({ id }) => id))], faults, 'the faults', { findings: report.findings })
      if (found.length > 0) t.match(found[0].text, text)
      t.match(report.diagnosis, diagnosis)
      const late = report.findings.filter(({ text }) => text.includes('no time left'))
      t.same(late, [], 'a longer --timeout leaves time for all')
      t.equal(report.code, faults.length === 0 ? 0 : 1)
    })
  }
  t.test('from inside, beside the server', { buffered: true }, async (t) => {
    const args = [...healthyArgs(directory), '--state-dir', join(directory, 'state')]
    const report = await runDoctor(lab.edge, args)
    t.same(
      report.findings.filter(({ verdict }) => verdict === 'fault'),
      [],
    )
    t.match(
      report.findings.find(({ id }) => id === 'listeners'),
      { verdict: 'ok', text: /served by the turnd that runs here/ },
    )
  })
})

/** For the name that clients use, and not for the other. */
async function writeCertificate(directory: string): Promise<string> {
  const { certificate, key } = await makePair(PUBLIC)
  writeFileSync(join(directory, 'cert.pem'), certificate)
  writeFileSync(join(directory, 'key.pem'), key)
  return join(directory, 'cert.pem')
}

function healthyArgs(directory: string): string[] {
  return [...argsOf('healthy', PUBLIC), ...tlsArgs(directory, 443), '--auth-secret', SECRET]
}

function tlsArgs(directory: string, port: number): string[] {
  const files = ['--cert', join(directory, 'cert.pem'), '--key', join(directory, 'key.pem')]
  return ['--listen', `tls:${EDGE}:${port}`, ...files]
}

function argsOf(server: keyof typeof SERVERS, external: string | null): string[] {
  return [
    ...['--engine', 'dgram', '--listen', `${EDGE}:${SERVERS[server]}`, '--relay-ip', EDGE, ...rangeOf(server)],
    ...[
      '--allow-peer',
      OUTSIDE,
      '--user',
      'alice:secret',
      ...(external === null ? [] : ['--external-ip', `${external}/${EDGE}`]),
    ],
  ]
}

async function startServers(t: Test, { edge: { prefix } }: Lab, directory: string): Promise<void> {
  const clock = [`LD_PRELOAD=${findFile(FAKETIME_LIBRARIES)}`, `FAKETIME=+${DAYS_AHEAD}d`, 'DONT_FAKE_MONOTONIC=1']
  const early = [...prefix, 'env', ...clock, 'FAKETIME_DONT_FAKE_MONOTONIC=1']
  await Promise.all([
    startServer(t, healthyArgs(directory), { prefix, stateDirectory: join(directory, 'state') }),
    startServer(t, argsOf('misnamed', '10.88.246.99'), { prefix }),
    IS_LONG ? startServer(t, argsOf('unnamed', null), { prefix }) : null,
    startServer(t, [...argsOf('early', PUBLIC), ...tlsArgs(directory, 444), '--auth-secret', SECRET], {
      prefix: early,
    }),
  ])
}

/** Runs `turnd doctor --json` in the namespace. */
async function runDoctor({ prefix }: NetworkNamespace, args: readonly string[]): Promise<Report> {
  const command = [...prefix, 'env', '-u', 'NODE_OPTIONS', process.execPath, join(projectRoot, 'dist', 'turnd.js')]
  const [file, ...rest] = [...command, 'doctor', '--json', ...args]
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH ?? '' } })
  const forget = onProcessEnd(() => child.kill('SIGKILL'))
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve))
  try {
    const code = await withDeadline(closed, RUN_MILLISECONDS_MAX, () => `the doctor still runs:\n${stdout}${stderr}`)
    if (stderr !== '' || stdout === '') throw new Error(`the doctor ended with ${code}:\n${stderr}`)
    return { code, ...JSON.parse(stdout) }
  } finally {
    child.kill('SIGKILL')
    forget()
  }
}
