// `turnd resolve` against a real DNS server (dnsmasq), which has what `turnd dns` prints; and against servers that break.
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { runDnsCommand } from '../../src/commands/dns.js'
import { runProbeCommand } from '../../src/commands/probe.js'
import { runResolveCommand } from '../../src/commands/resolve.js'
import { createTurnServer } from '../../src/index.js'
import { makeAuthority, temporaryDirectory } from '../support/certificate.js'
import {
  answerWithCode,
  cutAnswer,
  RCODE_REFUSED,
  RCODE_SERVFAIL,
  startBrokenDns,
  startDnsmasq,
} from '../support/dns-servers.js'
import { DGRAM } from '../support/engines.js'
import { peerOrSkip } from '../support/peers.js'
import { runCommand } from '../support/run-command.js'

const resolve = (...argv: string[]) => runCommand(runResolveCommand, argv)
/** The command with what it reads from a terminal. */
const probe = (...argv: string[]) =>
  runCommand((words, io) => runProbeCommand(words, { ...io, stdin: new PassThrough() }), argv)
const ADDRESSES = ['--address', '198.41.0.4', '--address', '2a00:1450::4']
const LISTEN = ['--listen', ':3478', '--listen', 'tls::443', '--listen', 'tls::5349', '--listen', 'dtls::5349']
const FILES = ['--cert', '/nowhere/c.pem', '--key', '/nowhere/k.pem']

async function printedRecords(...argv: string[]): Promise<string> {
  const { stderr, stdout } = await runCommand(runDnsCommand, ['--format', 'dnsmasq', ...argv])
  if (stderr !== '') throw new Error(stderr)
  return stdout
}

/** On ports of its own, with a certificate of live.test: the options of its records, and the authority. */
async function startLiveServer(t: Test): Promise<{ options: string[]; ca: string }> {
  const directory = temporaryDirectory()
  makeAuthority(directory, 'sha256', 'subjectAltName=DNS:live.test', 'live.test')
  const [cert, key] = [join(directory, 'leaf.pem'), join(directory, 'leaf.key')]
  const listen = ['udp:127.0.0.1:0', 'tls:127.0.0.1:0']
  const server = createTurnServer({ listen, relayIp: '127.0.0.1', user: 'alice:secret', cert, key, ...DGRAM.options })
  t.teardown(() => server.stop())
  await server.start()
  const listeners = server
    .address()
    .flatMap(({ host, port, transport }) => ['--listen', `${transport}:${host}:${port}`])
  return { options: [...listeners, '--cert', cert, '--key', key], ca: join(directory, 'ca.pem') }
}

t.test('turnd resolve, with a DNS server', { skip: peerOrSkip('dnsmasq') }, async (t) => {
  const whole = await printedRecords('--domain', 'octavio.test', ...ADDRESSES, ...LISTEN, ...FILES)
  const live = await startLiveServer(t)
  const server = await startDnsmasq(
    t,
    `${whole}
${await printedRecords('--domain', 'live.test', '--address', '127.0.0.1', ...live.options)}
${await printedRecords('--domain', 'two.test', '--host-name', 'a.two.test', '--address', '10.0.0.1', '--weight', '30')}
srv-host=_turn._udp.two.test,b.two.test,3478,10,10
srv-host=_turn._udp.two.test,c.two.test,3478,20,0
host-record=b.two.test,10.0.0.2
host-record=c.two.test,10.0.0.3
naptr-record=hostile.test,10,10,s,RELAY:turn.udp:\u001b[31mred,,_turn._udp.two.test
naptr-record=loop.test,10,10,,RELAY:turn.udp,,pool.test
naptr-record=pool.test,10,10,,RELAY:turn.udp,,loop.test
naptr-record=half.test,10,10,s,RELAY:turn.udp,,_gone._udp.half.test
naptr-record=half.test,20,10,a,RELAY:turn.tcp,,b.two.test
srv-host=_turn._udp.dark.test,nowhere.dark.test,3478
srv-host=_turn._udp.off.test
host-record=plain.test,10.0.0.7
`,
  )
  const at = ['--server', server]
  const places = async (...argv: string[]): Promise<string[]> => {
    const { candidates } = JSON.parse((await resolve(...argv, ...at, '--json')).stdout)
    return candidates.map(({ address, port, transport }: Record<string, string>) => `${transport} ${address} ${port}`)
  }
  const both = (transport: string, port: number) => [
    `${transport} 2a00:1450::4 ${port}`,
    `${transport} 198.41.0.4 ${port}`,
  ]

  t.test('finds the listeners for which turnd dns printed records, in the order that they prefer', async (t) => {
    const tls = [...both('tls', 443), ...both('tls', 5349)]
    const all = [...both('udp', 3478), ...both('dtls', 5349), ...both('tcp', 3478), ...tls]
    t.same(await places('turn:octavio.test'), all)
    t.same(await places('turns:octavio.test'), [...both('dtls', 5349), ...tls])
    t.same(await places('turn:octavio.test?transport=tcp'), both('tcp', 3478))
    t.same(await places('turns:octavio.test?transport=tcp'), tls)
    t.same(await places('turns:octavio.test?transport=udp'), both('dtls', 5349))
    t.same(await places('stun:octavio.test'), [...both('udp', 3478), ...both('tcp', 3478)])
    t.same(await places('stuns:octavio.test', '--transports', 'tls'), tls)
    t.same(await places('turn:turn.octavio.test:3478?transport=udp', '-4'), ['udp 198.41.0.4 3478'])
  })

  t.test('finds them by service discovery, without a URI (RFC 8155)', async (t) => {
    const { code, stdout } = await resolve('--discover', 'alice@octavio.test', ...at, '--json')
    const { domain, mechanisms } = JSON.parse(stdout)
    t.same([code, domain], [0, 'octavio.test'])
    const counts = mechanisms.map(({ candidates, mechanism }: { candidates: []; mechanism: string }) => [
      mechanism,
      candidates.length,
    ])
    t.same(counts, [
      ['service-resolution', 10],
      ['dns-sd', 10],
      ['anycast', 4],
    ])
    const { code: none, stderr } = await resolve('--discover', 'plain.test', ...at)
    t.equal(none, 1, 'nobody knows whether anybody is at the anycast address')
    t.match(stderr, /plain\.test has no record that leads to an address/)
  })

  t.test('says each step, and what every address comes from', async (t) => {
    const { code, stderr, stdout } = await resolve('turn:octavio.test', ...at)
    t.same([code, stderr], [0, ''])
    t.match(stdout, `turn:octavio.test, asking ${server}\n`)
    t.match(stdout, '  NAPTR octavio.test\n        10 10 "s" "RELAY:turn.udp" "" _turn._udp.octavio.test.\n')
    t.match(stdout, '  SRV   _turns._tcp.octavio.test\n        10 100 443 turn.octavio.test.\n        11 100 5349 ')
    t.match(stdout, /^ +1 {2}UDP +\[2a00:1450::4\]:3478 +turn\.octavio\.test, priority 10, weight 100$/m)
    t.match(stdout, /^ +10 {2}TLS +198\.41\.0\.4:5349 .*, certificate for octavio\.test$/m)
  })

  t.test('tries servers by priority, and of equal ones each as often as its weight says', async (t) => {
    const firsts = new Set<string>()
    // With weights 30 and 10 both were first after this many runs, but for one time in 100,000.
    for (let run = 0; run < 40 && firsts.size < 2; run++) {
      const found = await places('turn:two.test?transport=udp')
      t.equal(found.length, 3)
      t.equal(found[2], 'udp 10.0.0.3 3478')
      firsts.add(found[0])
    }
    t.same([...firsts].sort(), ['udp 10.0.0.1 3478', 'udp 10.0.0.2 3478'])
  })

  t.test('leads turnd probe to a server that runs, whose certificate is for the domain (RFC 5928 §5)', async (t) => {
    const args = ['--dns-server', server, '--json', '--ca', live.ca]
    const { code, stderr, stdout } = await probe('stun:live.test', 'stuns:live.test', '-4', ...args)
    t.same([code, stderr], [0, ''])
    const outcomes = JSON.parse(stdout).targets.map(({ outcome, transport }: Record<string, string>) => [
      transport,
      outcome,
    ])
    t.same(outcomes, [
      ['udp', 'works'],
      ['tls', 'works'],
    ])
    const nothing = await probe('turn:loop.test', '--dns-server', server)
    t.match(nothing, { code: 1, stdout: '', stderr: /^turnd probe: no address to try: .* a circle/ })
    t.match(await probe('loop.test', '--dns'), { code: 2, stderr: /loop\.test has no scheme/ })
  })

  t.test('shows what stands in records without letting it move the terminal', async (t) => {
    for (const form of [[], ['--json']]) {
      const { stdout } = await resolve('turn:hostile.test', ...at, ...form)
      // This c-ares refuses such a record as a whole; another one may not.
      t.match(stdout, 'hostile.test')
      t.notOk(stdout.includes('\u001b'))
    }
  })

  t.test('goes on after a dead end, and says that it was one', async (t) => {
    const { code, stdout } = await resolve('turn:half.test', ...at)
    t.equal(code, 0)
    t.match(stdout, 'wrong: half.test leads to _gone._udp.half.test, which has no SRV record\n')
    t.match(stdout, /1 {2}TCP {2}10\.0\.0\.2:3478 {2}b\.two\.test$/m)
  })

  t.test('says why there is nothing to try', async (t) => {
    const cases: [uri: string, sentence: RegExp][] = [
      ['turn:loop.test', /pool\.test leads back to loop\.test: a circle/],
      ['turn:dark.test?transport=udp', /_turn\._udp\.dark\.test leads to nowhere\.dark\.test, which has no address/],
      ['turn:nothing.test', /nothing\.test does not exist \(NXDOMAIN\)/],
      ['stun:nothing.test:99', /nothing\.test does not exist \(NXDOMAIN\)/],
      ['turn:off.test?transport=udp', /off\.test has no record that leads to an address/],
    ]
    for (const [uri, sentence] of cases) {
      const { code, stderr } = await resolve(uri, ...at)
      t.equal(code, 1, uri)
      t.match(stderr, /^turnd resolve: .*\n$/)
      t.match(stderr, sentence)
    }
  })
})

t.test('turnd resolve, with DNS servers that break', async (t) => {
  const broken = async (answer: (question: Buffer) => Buffer | null, ...argv: string[]) => {
    const server = await startBrokenDns(t, answer)
    return { server, ...(await resolve('turn:octavio.test', '--server', server, ...argv)) }
  }

  t.test('tells a server that fails from one that refuses, is silent, absent, or unreadable', async (t) => {
    const failed = await broken((question) => answerWithCode(question, RCODE_SERVFAIL))
    t.equal(failed.code, 1)
    t.match(failed.stdout, 'NAPTR octavio.test: the DNS server failed (SERVFAIL)\n')
    t.match(failed.stderr, `the DNS server ${failed.server} failed (SERVFAIL) when asked for octavio.test`)
    const refused = await broken((question) => answerWithCode(question, RCODE_REFUSED))
    t.match(
      [refused.code, refused.stderr],
      [1, /refuses to answer for octavio\.test: ask one that does, with --server/],
    )
    const cut = await broken(cutAnswer)
    t.match([cut.code, cut.stderr], [1, /what the DNS server .* answers for octavio\.test cannot be read/])
    const silent = await broken(() => null, '--timeout', '1')
    t.match(
      [silent.code, silent.stderr],
      [1, /the time was over before octavio\.test was resolved: give more with --timeout/],
    )
  })
})

t.test('turnd resolve says what is wrong with its arguments', async (t) => {
  const cases: [argv: string[], sentence: RegExp][] = [
    [[], /what is to be resolved\? Give a URI such as turn:example\.org, or --discover DOMAIN/],
    [['turn:a', 'turn:b'], /unexpected argument "turn:b": one URI is resolved at a time/],
    [['turn:a', '--discover', 'b'], /either a URI or --discover/],
    [['octavio.com'], /octavio\.com has no scheme: write turn:HOST/],
    [['turn://octavio.com'], /has slashes/],
    [['stun:octavio.com?transport=udp'], /has a query, which stun: URIs have not \(RFC 7064\)/],
    [['turn:octavio.com?transport=sctp'], /has a query other than \?transport=udp or \?transport=tcp/],
    [['stuns:192.0.2.1'], /a client has to reject that: a certificate is compared with a name \(RFC 8489 §8\.1\)/],
    [['turns:octavio.com', '--transports', 'udp'], /turns:octavio\.com is for TLS or DTLS, which is none of udp/],
    [['--discover', 'a_b'], /--discover a_b is not a DNS name/],
    [['turn:a', '--server', 'ns.example.org'], /--server ns\.example\.org is no ADDRESS/],
    [['turn:a', '--transports', 'quic'], /--transports quic is no list/],
    [['turn:a', '-4', '-6'], /-4 and -6 exclude each other/],
    [['turn:a', '--timeout', '0'], /--timeout 0 is not 1 to 120 seconds/],
    [['turn:a', '--nonsense'], /unknown option --nonsense/],
  ]
  for (const [argv, sentence] of cases) {
    const { code, stderr, stdout } = await resolve(...argv)
    t.same([code, stdout], [2, ''], argv.join(' '))
    t.match(stderr, /^turnd resolve: .*\n$/)
    t.match(stderr, sentence)
  }
  t.match(await resolve('--help'), { code: 0, stdout: /^Usage: turnd resolve / })
  t.match(
    await resolve('turn:192.0.2.1'),
    { code: 0, stdout: /1 {2}UDP {2}192\.0\.2\.1:3478/ },
    'an address asks nobody',
  )
})
