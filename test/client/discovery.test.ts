// From a URI to transport addresses, over a table of records: the examples of RFC 5928 §4, the shortcuts, the chance of RFC 2782, and records that
// lead astray.
import t from 'tap'
import type {
  DnsAnswer,
  DnsSource,
  NaptrRecord,
  QueryOutcome,
  RecordType,
  SrvRecord,
} from '../../src/client/discovery/dns-source.js'
import { discoverServers, domainOfIdentity } from '../../src/client/discovery/server-discovery.js'
import { orderSrv } from '../../src/client/discovery/srv-order.js'
import { resolveStun } from '../../src/client/discovery/stun-resolution.js'
import { resolveTurn } from '../../src/client/discovery/turn-resolution.js'
import { distinct, Walk } from '../../src/client/discovery/walk.js'
import { parseTurnUri, type TransportKind } from '../../src/client/turn-uri.js'
import { DISCOVERY_CANDIDATE_COUNT_MAX, DISCOVERY_QUERY_COUNT_MAX } from '../../src/limits/clients.js'

/** As in a zone: `example.net NAPTR 100 10 s RELAY:turn.udp target`, `… SRV 0 0 3478 target`, `… A 192.0.2.1`; `… SERVFAIL NAPTR`. */
class Zone implements DnsSource {
  readonly asked: string[] = []
  readonly #lines: readonly string[][]

  constructor(text: string) {
    this.#lines = text
      .split('\n')
      .map((line) => line.trim().split(/ +/))
      .filter(([name]) => name !== '')
  }

  async ask<Type extends RecordType>(type: Type, name: string): Promise<DnsAnswer<Type>> {
    this.asked.push(`${type} ${name}`)
    const own = this.#lines.filter(([owner]) => owner === name)
    const failure = own.find((line) => line[2] === type && line[1] in FAILURES)
    if (failure !== undefined) return { outcome: FAILURES[failure[1]], records: [] }
    const records = own.filter(([, each]) => each === type).map(([, , ...data]) => recordOf(type, data))
    if (records.length > 0) return { outcome: 'found', records: records as DnsAnswer<Type>['records'] }
    return { outcome: own.length > 0 ? 'no-record' : 'no-name', records: [] }
  }
}

const FAILURES: Readonly<Record<string, QueryOutcome>> = { SERVFAIL: 'server-failure', TIMEOUT: 'timeout' }

function recordOf(type: RecordType, data: string[]): unknown {
  if (type === 'SRV') {
    const [priority, weight, port] = data.map(Number)
    return { priority, weight, port, name: data[3] === '.' ? '' : data[3] } satisfies SrvRecord
  }
  if (type !== 'NAPTR') return data[0]
  const [order, preference] = data.map(Number)
  const [, , flags, service, replacement, regexp = ''] = data
  return {
    ...{ order, preference, service, replacement, regexp },
    flags: flags === '-' ? '' : flags,
  } satisfies NaptrRecord
}

const ALL: readonly TransportKind[] = ['udp', 'dtls', 'tcp', 'tls']

async function resolved(uri: string, zone: Zone, transports = ALL, random: () => number = () => 0) {
  const walk = new Walk(zone, { families: [6, 4], random })
  const parsed = parseTurnUri(uri)
  const resolveUri = parsed.scheme.startsWith('stun') ? resolveStun : resolveTurn
  const candidates = distinct(await resolveUri(parsed, transports, walk))
  const faults = walk.steps.flatMap((step) => (step.kind === 'note' && step.isFault ? [step.text] : []))
  const places = candidates.map(({ address, port, transport }) => `${transport} ${address} ${port}`)
  return { places, candidates, faults, walk }
}

/** RFC 5928 §4, Figures 1 to 3. */
const FIGURES = `
  example.net NAPTR 100 10 - RELAY:turn.udp datagram.example.net
  example.net NAPTR 200 10 - RELAY:turn.tcp:turn.tls stream.example.net
  datagram.example.net NAPTR 100 10 S RELAY:turn.udp _turn._udp.example.net
  stream.example.net NAPTR 100 10 S RELAY:turn.tcp _turn._tcp.example.net
  stream.example.net NAPTR 200 10 A RELAY:turn.tls a.example.net
  _turn._udp.example.net SRV 0 0 3478 a.example.net
  _turn._tcp.example.net SRV 0 0 5000 a.example.net
  a.example.net A 192.0.2.1
  example.com NAPTR 100 10 - RELAY:turn.udp:turn.tcp:turn.tls example.net
  _turn._udp.example.com SRV 0 0 3478 a.example.net
  _turn._tcp.example.com SRV 0 0 5000 a.example.net
  _turns._tcp.example.com SRV 0 0 5349 a.example.net
`
const UDP = 'udp 192.0.2.1 3478'
const TCP = 'tcp 192.0.2.1 5000'
const TLS = 'tls 192.0.2.1 5349'

t.test('the examples of RFC 5928', async (t) => {
  const transports: readonly TransportKind[] = ['tls', 'tcp', 'udp']

  t.test(
    'several protocols: as the first set of records ranks them, then as the application does (§4.1, Table 2)',
    async (t) => {
      const { candidates, places } = await resolved('turn:example.net', new Zone(FIGURES), transports)
      t.same(places, [UDP, TLS, TCP])
      t.same(
        candidates.map(({ serverName }) => serverName),
        [null, 'example.net', null],
      )
    },
  )

  t.test('remote hosting: all of them at the other domain, in the order of the application (§4.2)', async (t) => {
    // The table says the order of §4.1; by §3 step 4 the first set has one record, so that the application's order holds.
    const { candidates, places } = await resolved('turn:example.com', new Zone(FIGURES), transports)
    t.same(places, [TLS, TCP, UDP])
    t.equal(candidates[0].serverName, 'example.com', 'the certificate is that of the domain asked for (§5)')
  })

  t.test('compatibility: SRV records beside NAPTR records, for a transport in the URI (§4.3)', async (t) => {
    const zone = new Zone(FIGURES)
    t.same((await resolved('turn:example.com?transport=udp', zone)).places, [UDP])
    t.same((await resolved('turn:example.com?transport=tcp', zone)).places, [TCP])
    t.same((await resolved('turns:example.com?transport=tcp', zone)).places, [TLS])
    t.notOk(zone.asked.some((question) => question.startsWith('NAPTR')))
  })

  t.test('DTLS has the tag turn.dtls, and SRV records of turns over UDP (RFC 7350)', async (t) => {
    const zone = `
      example.net NAPTR 10 10 s RELAY:turn.dtls _turns._udp.example.net
      _turns._udp.example.net SRV 0 0 5350 a.example.net
      a.example.net A 192.0.2.1
    `
    t.same((await resolved('turns:example.net', new Zone(zone))).places, ['dtls 192.0.2.1 5350'])
    t.same((await resolved('turns:example.net?transport=udp', new Zone(zone))).places, ['dtls 192.0.2.1 5350'])
  })
})

t.test('the steps of RFC 5928 §3', async (t) => {
  t.test('an IP address asks nobody, and has the port of its scheme (step 1)', async (t) => {
    const zone = new Zone('')
    t.same((await resolved('turn:192.0.2.7', zone)).places, ['udp 192.0.2.7 3478', 'tcp 192.0.2.7 3478'])
    t.same((await resolved('turns:[2001:db8::7]', zone)).places, ['dtls 2001:db8::7 5349', 'tls 2001:db8::7 5349'])
    t.same((await resolved('turn:192.0.2.7:80?transport=tcp', zone)).places, ['tcp 192.0.2.7 80'])
    t.same(zone.asked, [])
  })

  t.test('a name with a port has its addresses, of both families, once for all transports (step 2)', async (t) => {
    const zone = new Zone('a.example.net A 192.0.2.1\na.example.net AAAA 2001:db8::1')
    const { places } = await resolved('turn:a.example.net:80', zone)
    t.same(places, ['udp 2001:db8::1 80', 'udp 192.0.2.1 80', 'tcp 2001:db8::1 80', 'tcp 192.0.2.1 80'])
    t.same(zone.asked, ['AAAA a.example.net', 'A a.example.net'])
  })

  t.test(
    'a transport without SRV records, or where they cannot be had: the addresses of the name (step 3)',
    async (t) => {
      for (const srv of ['', '_turns._tcp.example.net SERVFAIL SRV']) {
        const zone = new Zone(`example.net A 192.0.2.1\n${srv}`)
        t.same((await resolved('turns:example.net?transport=tcp', zone)).places, [TLS])
      }
    },
  )

  t.test('without NAPTR records of TURN: SRV records of each transport of the scheme (step 5)', async (t) => {
    const others = 'example.net NAPTR 10 10 s SIP+D2U _sip._udp.example.net\nexample.net A 192.0.2.9'
    for (const naptr of [others, 'example.net SERVFAIL NAPTR\nexample.net A 192.0.2.9']) {
      const zone = new Zone(`${naptr}\n_turn._tcp.example.net SRV 0 0 5000 a.example.net\na.example.net A 192.0.2.1`)
      t.same((await resolved('turn:example.net', zone)).places, ['udp 192.0.2.9 3478', TCP])
      t.same((await resolved('turns:example.net', zone)).places, ['dtls 192.0.2.9 5349', 'tls 192.0.2.9 5349'])
    }
  })

  t.test('NAPTR records for other transports end it: no SRV record is asked for (step 4)', async (t) => {
    const zone = new Zone(FIGURES)
    const { faults, places } = await resolved('turns:example.net', zone, ['udp', 'dtls'])
    t.same(places, [])
    t.match(faults, [/the NAPTR records are for other transports than this client has \(turn.dtls\)/])
    t.same(zone.asked, ['NAPTR example.net'])
  })

  t.test('a client without the transport that is asked for stops with an error', async (t) => {
    const zone = new Zone(FIGURES)
    await t.rejects(resolved('turn:example.net?transport=tcp', zone, ['udp']), /is for TCP, which is none of udp/)
    await t.rejects(
      resolved('turns:example.net', zone, ['udp', 'tcp']),
      /is for TLS or DTLS, which is none of udp, tcp/,
    )
    await t.rejects(resolved('turns:example.net?transport=udp', zone, ['tls']), /is for DTLS, which is none of tls/)
  })
})

t.test('STUN (RFC 8489 §8)', async (t) => {
  const zone = new Zone(`
    _stun._udp.example.net SRV 0 0 3479 a.example.net
    _stuns._tcp.example.net SRV 0 0 443 a.example.net
    a.example.net A 192.0.2.1
    example.net A 192.0.2.9
  `)
  t.same((await resolved('stun:example.net', zone)).places, ['udp 192.0.2.1 3479', 'tcp 192.0.2.9 3478'])
  t.same((await resolved('stuns:example.net', zone)).places, ['dtls 192.0.2.9 5349', 'tls 192.0.2.1 443'])
  t.same((await resolved('stun:a.example.net:99', zone, ['udp'])).places, ['udp 192.0.2.1 99'])
  t.same((await resolved('stun:192.0.2.5', zone, ['udp'])).places, ['udp 192.0.2.5 3478'])
  t.notOk(zone.asked.some((question) => question.startsWith('NAPTR')))
  await t.rejects(resolved('stuns:192.0.2.5', zone), /a client has to reject that/, '§8.1')
  await t.rejects(resolved('stuns:example.net', zone, ['udp', 'tcp']), /is for TLS or DTLS/)
})

t.test('SRV records (RFC 2782)', async (t) => {
  const record = (name: string, priority: number, weight: number): SrvRecord => ({ name, priority, weight, port: 1 })
  const names = (records: readonly SrvRecord[]) => records.map(({ name }) => name).join('')

  t.test('come by priority, and among equals by chance within the sum of the weights', async (t) => {
    const records = [record('c', 2, 9), record('a', 1, 1), record('b', 1, 3)]
    t.equal(names(orderSrv(records, () => 0)), 'abc')
    t.equal(names(orderSrv(records, () => 0.3)), 'abc', '0.3 × 5 is 1, the sum of the first')
    t.equal(names(orderSrv(records, () => 0.4)), 'bac', '0.4 × 5 is 2')
    t.equal(names(orderSrv(records, () => 0.999)), 'bac')
  })

  t.test('of weight 0 come first in the sum, with a small chance beside others', async (t) => {
    const records = [record('a', 1, 99), record('z', 1, 0)]
    t.equal(names(orderSrv(records, () => 0)), 'za')
    t.equal(names(orderSrv(records, () => 0.01)), 'az')
    t.equal(names(orderSrv([record('x', 1, 0), record('y', 1, 0)], () => 0.9)), 'xy')
  })

  t.test('are first in proportion to their weights', async (t) => {
    const records = [record('a', 1, 60), record('b', 1, 30), record('c', 1, 10)]
    const first = { a: 0, b: 0, c: 0 }
    for (let turn = 0; turn < 1000; turn++) first[orderSrv(records, () => turn / 1000)[0].name as 'a' | 'b' | 'c']++
    t.ok(Math.abs(first.a - 600) <= 10 && Math.abs(first.b - 300) <= 10 && Math.abs(first.c - 100) <= 10, `${first}`)
  })

  t.test('with the target "." say that there is no such service: nothing else is tried', async (t) => {
    const zone = new Zone('example.net A 192.0.2.9\n_turn._udp.example.net SRV 0 0 0 .')
    t.same((await resolved('turn:example.net?transport=udp', zone)).places, [])
    t.notOk(zone.asked.includes('A example.net'))
  })

  t.test('that lead nowhere are left out, and said', async (t) => {
    const zone = new Zone(`
      _turn._udp.example.net SRV 1 0 0 a.example.net
      _turn._udp.example.net SRV 2 0 3478 gone.example.net
      _turn._udp.example.net SRV 3 0 3478 a.example.net
      a.example.net A 192.0.2.1
    `)
    const { candidates, faults, places } = await resolved('turn:example.net?transport=udp', zone)
    t.same(places, [UDP])
    t.match(candidates[0], { priority: 3, weight: 0, host: 'a.example.net' })
    t.match(faults, [/a record without a port is left out/, /leads to gone.example.net, which has no address/])
  })
})

t.test('NAPTR records that lead astray (RFC 3958 §2.2.4)', async (t) => {
  t.test('of a dead end the next one is tried', async (t) => {
    const zone = new Zone(`
      example.net NAPTR 10 10 s RELAY:turn.udp _none._udp.example.net
      example.net NAPTR 10 20 - RELAY:turn.udp empty.example.net
      example.net NAPTR 20 10 A relay:TURN.UDP a.example.net
      empty.example.net NAPTR 10 10 A RELAY:turn.tcp a.example.net
      a.example.net A 192.0.2.1
    `)
    const { faults, places } = await resolved('turn:example.net', zone)
    t.same(places, [UDP], 'and its TCP is not that of example.net (§2.2.5)')
    t.match(faults, [
      /leads to _none._udp.example.net, which has no SRV/,
      /empty.example.net has no NAPTR record for turn.udp/,
    ])
  })

  t.test('in a circle they are walked once', async (t) => {
    const zone = new Zone(`
      a.example NAPTR 10 10 - RELAY:turn.udp b.example
      b.example NAPTR 10 10 - RELAY:turn.udp A.example
    `)
    const { faults, places } = await resolved('turn:a.example', zone)
    t.same(places, [])
    t.match(faults, [/b.example leads back to A.example: a circle/])
    t.equal(zone.asked.length, 2)
  })

  t.test('in a long chain they are followed so far', async (t) => {
    const links = Array.from({ length: 9 }, (_, index) => `n${index} NAPTR 1 1 - RELAY:turn.udp n${index + 1}`)
    const { faults } = await resolved('turn:n0', new Zone(links.join('\n')))
    t.match(faults, [/n6 is one NAPTR record too far: no more than 5 are followed/])
  })

  t.test('that fan out and meet again are followed once', async (t) => {
    // Every way on its own would be 32 ^ 5 of them.
    const levels = [0, 1, 2, 3, 4].flatMap((level) =>
      Array.from({ length: 32 }, (_, at) => `n${level} NAPTR ${at} 1 - RELAY:turn.udp n${level + 1}`),
    )
    const zone = new Zone([...levels, 'n5 NAPTR 1 1 A RELAY:turn.udp a', 'a A 192.0.2.1'].join('\n'))
    const { faults, places } = await resolved('turn:n0', zone)
    t.same(places, [UDP])
    t.same(faults, [])
  })

  t.test('of other applications, or with a regular expression, they are left out', async (t) => {
    const zone = new Zone(`
      example.net NAPTR 10 10 u RELAY:turn.udp a.example.net
      example.net NAPTR 20 10 a RELAY:turn.udp a.example.net !.*!x!
    `)
    const { faults, places } = await resolved('turn:example.net', zone)
    t.same(places, [])
    t.equal(faults.length, 2)
  })

  t.test('in a tree without end they are given up, and what was found is bounded', async (t) => {
    // Each name leads to many others: 32 to the power of 5.
    const source: DnsSource = {
      async ask(type, name) {
        if (type !== 'NAPTR') return { outcome: 'found', records: ['192.0.2.1'] as never }
        const records = Array.from({ length: 40 }, (_, index) =>
          recordOf('NAPTR', ['1', '1', '-', 'RELAY:turn.udp', `${index}.${name}`]),
        )
        return { outcome: 'found', records: records as never }
      },
    }
    const walk = new Walk(source, { families: [4], random: () => 0 })
    await resolveTurn(parseTurnUri('turn:example.net'), ALL, walk)
    const questions = walk.steps.filter(({ kind }) => kind === 'query')
    t.equal(questions.length, DISCOVERY_QUERY_COUNT_MAX)
    t.match(questions[0], { cutCount: 8 })
    const many = Array.from({ length: 200 }, (_, port) => ({ transport: 'udp', address: '192.0.2.1', port }) as never)
    t.equal(distinct(many).length, DISCOVERY_CANDIDATE_COUNT_MAX)
  })

  t.test('a DNS server that is silent is asked three times, and no more', async (t) => {
    const zone = new Zone(
      ['NAPTR', 'SRV', 'A', 'AAAA']
        .map((type) => `example.net TIMEOUT ${type}\n_turn._udp.example.net TIMEOUT SRV`)
        .join('\n'),
    )
    const { faults } = await resolved('turn:example.net', zone)
    t.equal(zone.asked.length, 3)
    t.match(faults, [/after 3 questions without an answer/])
  })
})

t.test('discovery of the servers of a network (RFC 8155)', async (t) => {
  const zone = new Zone(`
    ${FIGURES}
    _turns._udp.example.net PTR east._turns._udp.example.net
    _turns._udp.example.net PTR gone._turns._udp.example.net
    east._turns._udp.example.net SRV 0 0 5349 a.example.net
  `)
  const walk = new Walk(zone, { families: [6, 4], random: () => 0 })
  const found = await discoverServers('example.net', ALL, walk)
  const places = (mechanism: string) =>
    found
      .find((each) => each.mechanism === mechanism)!
      .candidates.map(({ address, port, transport }) => `${transport} ${address} ${port}`)
  t.same(places('service-resolution'), [UDP, TCP, TLS], 'by the rank of the records (§4)')
  t.same(places('dns-sd'), ['dtls 192.0.2.1 5349'], '§5')
  t.same(places('anycast').slice(0, 2), ['udp 2001:1::2 3478', 'udp 192.0.0.10 3478'], '§6, §8')
  t.ok(
    walk.steps.some(
      (step) => step.kind === 'note' && /gone\._turns\._udp\.example\.net has no SRV record/.test(step.text),
    ),
  )

  const bare = new Walk(new Zone('example.org A 192.0.2.9'), { families: [4], random: () => 0 })
  const [resolution] = await discoverServers('example.org', ALL, bare)
  t.same(resolution.candidates, [], 'without NAPTR records this way fails: no SRV record stands for them (§4.2)')

  for (const identity of ['sip:alice@Example.com', 'alice@example.com', 'example.com.', 'example.com']) {
    t.equal(domainOfIdentity(identity), 'example.com', '§4.1.2')
  }
})
