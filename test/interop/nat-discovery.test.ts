// Debian's clients of NAT discovery against the server: coturn's turnutils_natdiscovery (RFC 5780) and `stun` (RFC 3489), without a NAT over loopback, and
// behind Linux's, in namespaces, where their verdict must be the one that the rules of the NAT make true.
import { spawn } from 'node:child_process'
import t, { type Test } from 'tap'
import { withDeadline } from '../support/deadline.js'
import { DGRAM, MAIN_ENGINE } from '../support/engines.js'
import { findFreePorts } from '../support/free-ports.js'
import {
  connectNamespaces,
  createNamespace,
  enableForwarding,
  type NetworkNamespace,
  setDefaultRoute,
  withoutCables,
} from '../support/namespace.js'
import { peerOrSkip } from '../support/peers.js'
import { onProcessEnd } from '../support/process-end.js'
import { type ServerProcess, startServerOn } from '../support/server-process.js'
import { loadRules } from '../support/static-nat.js'

const PORTS = { first: 34_600, last: 34_799 }
const RUN_MILLISECONDS_MAX = 60_000
const SERVER_ARGS = [
  ...['--user', 'alice:correct horse', '--admin-listen', 'none', '--rfc3489'],
  ...['--min-port', '34800', '--max-port', '34849'],
]
const MTU = 1500
/** Of the server's machine: public as far as anybody can tell from the number. */
const SERVER = ['11.7.0.1', '11.7.0.2'] as const
const [NAT_OUTSIDE, NAT_INSIDE, CLIENT] = ['11.7.0.254', '10.7.0.1', '10.7.0.2']

t.setTimeout(240_000)
t.jobs = 2

/** All that it prints. */
async function run(command: readonly string[], namespace?: NetworkNamespace): Promise<string> {
  const [file = '', ...args] = [...(namespace?.prefix ?? []), ...command]
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const forget = onProcessEnd(() => child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  try {
    await withDeadline(ended, RUN_MILLISECONDS_MAX, () => `${file} does not end:\n${output}`)
    return output
  } finally {
    child.kill('SIGKILL')
    forget()
  }
}

/** The decisions that it prints between lines of `=`. */
function decisions(output: string): string[] {
  return [...output.matchAll(/^=+\n((?:No NAT|NAT with).*)\n=+$/gm)].map(([, text]) => text)
}

const withoutNatdiscovery = peerOrSkip('turnutils_natdiscovery')
const withoutStun = peerOrSkip('stun')

t.test('over loopback', { buffered: true }, async (t) => {
  const { minPort: port } = await findFreePorts(PORTS, 2)
  const listen = ['127.0.0.1', '127.0.0.2'].flatMap((host) => ['--listen', `udp:${host}:${port}`])
  const args = [...SERVER_ARGS, ...listen, '--relay-ip', '127.0.0.1', '--nat-discovery']
  const server = await startServerOn(t, DGRAM, args)
  const discover = (...flags: string[]) =>
    run(['turnutils_natdiscovery', ...flags, '-p', String(port), '-L', '127.0.0.1', '127.0.0.1'])

  t.test('coturn’s client finds no NAT, with and without padding', { skip: withoutNatdiscovery }, async (t) => {
    for (const flags of [[], ['-P']]) {
      t.same(decisions(await discover('-m', '-f', ...flags)), [
        'No NAT! (Endpoint Independent Mapping)',
        'NAT with Endpoint Independent Mapping!',
        'No NAT! (Endpoint Independent Mapping)',
        'NAT with Endpoint Independent Filtering!',
      ])
    }
  })

  t.test('its test of lifetimes gets the answer at its other port', { skip: withoutNatdiscovery }, async (t) => {
    const output = await discover('-t', '-T', '1')
    t.match(output, /RFC 5780 response 2/)
    t.notMatch(output, /timeout|error/)
  })

  t.test('Debian’s stun finishes its tests', { skip: withoutStun }, async (t) => {
    const output = await run(['stun', `127.0.0.1:${port}`, '-v'])
    t.match(output, /ChangedAddress = 127\.0\.0\.2:/)
    t.match(output, /Primary: Open/)
  })

  await serverStopsWell(t, server)
})

t.test('Debian’s stun gets its address where there is one', { skip: withoutStun, buffered: true }, async (t) => {
  const server = await startServerOn(t, MAIN_ENGINE, [
    ...SERVER_ARGS,
    '--relay-ip',
    '127.0.0.1',
    '--listen',
    'udp:127.0.0.1:0',
  ])
  const output = await run(['stun', `127.0.0.1:${server.port()}`, '1', '-v'])
  t.match(output, /MappedAddress = 127\.0\.0\.1:\d+/)
  await serverStopsWell(t, server)
})

t.test(
  'behind a NAT',
  { skip: withoutNatdiscovery || peerOrSkip('nft') || withoutCables(), buffered: true },
  async (t) => {
    const [edge, nat, client] = ['edge', 'nat', 'client'].map((label) => createNamespace(t, [], `natdisc-${label}`))
    connectNamespaces(
      { namespace: edge, addresses: SERVER.map((host) => `${host}/24`) },
      { namespace: nat, addresses: [`${NAT_OUTSIDE}/24`] },
      MTU,
    )
    connectNamespaces(
      { namespace: nat, addresses: [`${NAT_INSIDE}/24`] },
      { namespace: client, addresses: [`${CLIENT}/24`] },
      MTU,
    )
    setDefaultRoute(client, NAT_INSIDE)
    enableForwarding(nat)
    // The two addresses are found: a wildcard has two public ones.
    const args = [...SERVER_ARGS, '--listen', '*:3478', '--relay-ip', SERVER[0], '--nat-discovery']
    const server = await startServerOn(t, MAIN_ENGINE, args, { prefix: edge.prefix })
    const discover = (...flags: string[]) => run(['turnutils_natdiscovery', ...flags, '-L', CLIENT, SERVER[0]], client)

    t.test('that keeps ports and lets in whom was written to, the verdict is that', async (t) => {
      loadRules(nat, masquerade(''))
      const output = await discover('-m', '-f')
      t.same(decisions(output), [
        'NAT with Endpoint Independent Mapping!',
        'NAT with Address and Port Dependent Filtering!',
      ])
      t.match(output, new RegExp(`Other addr: : ${SERVER[1].replaceAll('.', '\\.')}:3479`))
    })

    t.test('that lets everybody in, the verdict is that', async (t) => {
      loadRules(nat, masquerade('') + letsEverybodyIn())
      t.same(decisions(await discover('-f')), ['NAT with Endpoint Independent Filtering!'])
      loadRules(nat, 'delete table ip open')
    })

    t.test('that has another port for each destination, the verdict is that', async (t) => {
      loadRules(nat, masquerade('fully-random'))
      t.same(decisions(await discover('-m')), ['NAT with Address and Port Dependent Mapping!'])
    })

    await serverStopsWell(t, server)
  },
)

function masquerade(flags: string): string {
  return `
table ip nat
delete table ip nat
table ip nat {
  chain out {
    type nat hook postrouting priority srcnat;
    ip saddr 10.7.0.0/24 masquerade ${flags}
  }
}
`
}

/** What comes from the server's ports and is no answer goes to the client, at the port that it came to. */
function letsEverybodyIn(): string {
  return `
table ip open {
  chain in {
    type nat hook prerouting priority dstnat;
    ip daddr ${NAT_OUTSIDE} udp sport { 3478, 3479 } dnat to ${CLIENT}
  }
}
`
}

async function serverStopsWell(t: Test, server: ServerProcess): Promise<void> {
  t.test('the server has nothing to complain of', async (t) => {
    t.same(
      server.logLines.filter(({ level }) => Number(level) >= 50),
      [],
    )
  })
}
