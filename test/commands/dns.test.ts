// `turnd dns`: which records it prints for which options, that bind takes them, and its sentences.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { runDnsCommand } from '../../src/commands/dns.js'
import { makeAuthority, temporaryDirectory } from '../support/certificate.js'
import { findCommand, peerOrSkip } from '../support/peers.js'
import { runCommand } from '../support/run-command.js'

const LOCAL = ['127.0.0.1', '::1', '10.0.0.4', '2a00:1450::4']
const run = (...argv: string[]) => runCommand((words, io) => runDnsCommand(words, io, () => LOCAL), argv)
const DOMAIN = ['--domain', 'octavio.com']
const NAT = ['--external-ip', '198.41.0.4/10.0.0.4']
const FILES = ['--cert', '/nowhere/c.pem', '--key', '/nowhere/k.pem']
const ALL = ['--listen', ':3478', '--listen', 'tls::443', '--listen', 'tls::5349', '--listen', 'dtls::5349', ...FILES]

/** Without their TTL and class: `name TYPE data`. */
function recordsOf(zone: string): string[] {
  const lines = zone.split('\n').filter((line) => line !== '' && !line.startsWith(';'))
  return lines.map((line) => line.replace(/ +/g, ' ').replace(/ \d+ IN /, ' '))
}

t.test('turnd dns', async (t) => {
  const { code, stderr, stdout } = await run(...DOMAIN, ...NAT, ...ALL)
  t.same([code, stderr], [0, ''])
  const records = recordsOf(stdout)
  const of = (form: RegExp) => records.filter((record) => form.test(record))

  t.test('prints the public addresses alone, and what a gateway translates', async (t) => {
    t.same(of(/ A+ /), ['turn.octavio.com. A 198.41.0.4', 'turn.octavio.com. AAAA 2a00:1450::4'])
  })

  t.test('prints an SRV record for each listener, of TURN and of STUN', async (t) => {
    for (const kind of ['turn', 'stun']) {
      t.same(of(new RegExp(`^_${kind}s?\\..* SRV `)), [
        `_${kind}._udp.octavio.com. SRV 10 100 3478 turn.octavio.com.`,
        `_${kind}._tcp.octavio.com. SRV 10 100 3478 turn.octavio.com.`,
        `_${kind}s._tcp.octavio.com. SRV 10 100 443 turn.octavio.com.`,
        `_${kind}s._tcp.octavio.com. SRV 11 100 5349 turn.octavio.com.`,
        `_${kind}s._udp.octavio.com. SRV 10 100 5349 turn.octavio.com.`,
      ])
    }
    t.same(of(/_stun-behavior/), [])
    t.match((await run(...DOMAIN, ...NAT, '--nat-discovery')).stdout, /^_stun-behavior\._udp\.octavio\.com\. .* SRV /m)
  })

  t.test('prints a NAPTR record for each transport, in the order that is preferred (RFC 5928, RFC 7350)', async (t) => {
    const target = (tag: string, name: string) => `"s" "RELAY:turn.${tag}" "" ${name}.octavio.com.`
    t.same(of(/NAPTR/), [
      `octavio.com. NAPTR 10 10 ${target('udp', '_turn._udp')}`,
      `octavio.com. NAPTR 20 10 ${target('dtls', '_turns._udp')}`,
      `octavio.com. NAPTR 30 10 ${target('tcp', '_turn._tcp')}`,
      `octavio.com. NAPTR 40 10 ${target('tls', '_turns._tcp')}`,
    ])
    const { stdout } = await run(...DOMAIN, ...NAT, ...ALL, '--prefer', 'tls,udp')
    t.match(stdout, /NAPTR 10 10 "s" "RELAY:turn.tls".*\n.*NAPTR 20 10 "s" "RELAY:turn.udp".*\n\n/)
  })

  t.test('prints service discovery, an instance for each listener (RFC 8155 §5)', async (t) => {
    t.ok(of(/^_turns\._tcp\.octavio\.com\. PTR /).length === 2)
    t.same(of(/^turn-5349\./), [
      'turn-5349._turns._tcp.octavio.com. SRV 0 0 5349 turn.octavio.com.',
      'turn-5349._turns._tcp.octavio.com. TXT ""',
    ])
    t.equal(of(/^_services\._dns-sd\._udp\.octavio\.com\. PTR /).length, 4)
  })

  t.test('says who uses what, what browsers want, how anycast works, and what the certificate lacks', async (t) => {
    t.match(stdout, '; Browsers use no SRV and NAPTR records: give them turn:turn.octavio.com:3478?transport=udp, ')
    t.match(stdout, 'turns:turn.octavio.com:443?transport=tcp')
    t.match(stdout, ';   turnd --listen 192.0.0.10:3478 --alternate 198.41.0.4 --alternate-above 0')
    t.match(stdout, ';   turnd --listen [2001:1::2]:3478 --alternate [2a00:1450::4] ')
    t.match(stdout, '; NOTE: the certificate has to cover octavio.com and turn.octavio.com, and could not be read')
    const directory = temporaryDirectory()
    makeAuthority(directory, 'sha256', 'subjectAltName=DNS:turn.octavio.com', 'turn.octavio.com')
    const files = ['--cert', join(directory, 'leaf.pem'), '--key', join(directory, 'leaf.key')]
    const { stdout: covered } = await run(...DOMAIN, ...NAT, '--listen', 'tls::443', ...files)
    t.equal(covered.match(/NOTE/g)?.length, 1)
    t.match(
      covered,
      /NOTE: the certificate .* does not cover octavio.com: clients that are given turns:octavio.com refuse it/,
    )
  })

  t.test('is a zone that bind takes, without a warning', { skip: peerOrSkip('named-checkzone') }, async (t) => {
    const file = join(temporaryDirectory(), 'zone')
    const head = '@ 60 IN SOA ns.octavio.com. host.octavio.com. 1 60 60 60 60\n@ 60 IN NS ns\nns 60 IN A 198.41.0.5\n'
    const { stdout: split } = await run(...DOMAIN, ...NAT, '--listen', '10.0.0.4:3478', '--listen', 'tcp::80')
    for (const zone of [stdout, split]) {
      writeFileSync(file, `$ORIGIN octavio.com.\n${head}${zone}`)
      const said = execFileSync(findCommand('named-checkzone')!, ['-i', 'full', 'octavio.com', file], {
        encoding: 'utf8',
      })
      t.equal(said, 'zone octavio.com/IN: loaded serial 1\nOK\n')
    }
  })

  t.test('gives listeners with other addresses another name, since an address is there for every port', async (t) => {
    const { stdout } = await run(...DOMAIN, ...NAT, '--listen', '10.0.0.4:3478', '--listen', 'tcp::80')
    const printed = recordsOf(stdout)
    t.ok(printed.includes('turn.octavio.com. A 198.41.0.4'))
    t.ok(printed.includes('turn-2.octavio.com. AAAA 2a00:1450::4'))
    t.ok(printed.includes('_turn._tcp.octavio.com. SRV 11 100 80 turn-2.octavio.com.'))
    t.match(stdout, 'turn:turn-2.octavio.com:80?transport=tcp')
  })

  t.test('takes names, addresses, weight, priority and TTL', async (t) => {
    const wishes = ['--address', '10.0.0.9', '--priority', '5', '--weight', '7', '--ttl', '60']
    const { stdout } = await run(...DOMAIN, ...wishes, '--listen', '127.0.0.1:3478', '--host-name', 'relay.octavio.com')
    t.match(stdout, /^relay\.octavio\.com\. +60 IN A +10\.0\.0\.9$/m)
    t.match(stdout, /^_turn\._udp\.octavio\.com\. +60 IN SRV +5 7 3478 relay\.octavio\.com\.$/m)
    const { stdout: named } = await run(...DOMAIN, ...NAT, '--public-name', 'turn.example.org')
    t.match(named, 'NOTE: turn.example.org is in another zone, and has to have its address records there')
    t.match(named, 'SRV   10 100 3478 turn.example.org.')
    t.notMatch(named, / A {5}/)
  })

  t.test('prints one JSON object', async (t) => {
    const json = JSON.parse((await run(...DOMAIN, ...NAT, '--json')).stdout)
    t.match(json, { domain: 'octavio.com', hostName: 'turn.octavio.com', ttl: 3600, notes: [] })
    const record = { type: 'SRV', name: '_turn._udp.octavio.com', port: 3478, target: 'turn.octavio.com' }
    t.match(json.blocks.find(({ id }: { id: string }) => id === 'turn-srv').records[0], record)
  })

  t.test('a public side is that of private addresses, and a listener at a public one stays it', async (t) => {
    const hostsOf = async (host: string) => {
      const { stdout } = await run(...DOMAIN, '--listen', `${host}:3478`, '--external-ip', '198.41.0.4')
      return recordsOf(stdout).filter((record) => / A /.test(record))
    }
    t.same(await hostsOf('198.41.0.5'), ['turn.octavio.com. A 198.41.0.5'])
    t.same(await hostsOf('10.0.0.4'), ['turn.octavio.com. A 198.41.0.4'])
  })

  t.test('prints nothing that would lead nowhere', async (t) => {
    const cases: [argv: string[], sentence: RegExp][] = [
      [['--listen', '127.0.0.1:3478'], /nobody elsewhere reaches 127\.0\.0\.1: give --external-ip/],
      [
        ['--listen', '10.0.0.4:3478', '--external-ip', '192.168.1.1/10.0.0.4'],
        /nobody elsewhere reaches 192\.168\.1\.1, 10\.0\.0\.4/,
      ],
      [['--listen', '0.0.0.0:3478'], /nobody elsewhere reaches 127\.0\.0\.1, 10\.0\.0\.4/],
      [['--listen', ':0', ...NAT], /whose port is not known/],
      [['--listen', '10.0.0.4:3478', '--address', '2a00::1'], /no listener has an address/],
    ]
    for (const [argv, sentence] of cases) {
      const { code, stderr, stdout } = await run(...DOMAIN, ...argv)
      t.same([code, stdout], [1, ''], argv.join(' '))
      t.match(stderr, /^turnd dns: the records would lead nowhere, since .*\n$/)
      t.match(stderr, sentence)
    }
  })

  t.test('says what is wrong with its arguments', async (t) => {
    const cases: [argv: string[], sentence: RegExp][] = [
      [[], /the domain is missing: --domain example\.org/],
      [['octavio.com'], /unexpected argument "octavio\.com": the domain is --domain NAME/],
      [['--domain', 'no_name'], /--domain no_name is not a DNS name/],
      [[...DOMAIN, '--host-name', '-'], /--host-name/],
      [[...DOMAIN, '--weight', '65536'], /--weight 65536 is not a number from 0 to 65535/],
      [[...DOMAIN, '--ttl', 'long'], /--ttl long is not a number/],
      [[...DOMAIN, '--prefer', 'udp,udp'], /--prefer udp,udp is no list of udp, tcp, tls and dtls/],
      [[...DOMAIN, '--address', 'localhost'], /--address localhost is none: localhost is a host name/],
      [[...DOMAIN, '--address', '::'], /it is a wildcard/],
      [[...DOMAIN, '--format', 'xml'], /--format xml is neither bind nor dnsmasq/],
      [[...DOMAIN, '--listen', 'tls::443'], /--cert/],
      [[...DOMAIN, '--nonsense'], /unknown option --nonsense/],
    ]
    for (const [argv, sentence] of cases) {
      const { code, stderr, stdout } = await run(...argv)
      t.same([code, stdout], [2, ''], argv.join(' '))
      t.match(stderr, /^turnd dns: .*\n$/)
      t.match(stderr, sentence)
    }
    t.match(await run('--help'), { code: 0, stdout: /^Usage: turnd dns / })
  })
})
