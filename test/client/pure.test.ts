// The parts of our client that need no server: URIs, what a word of `turnd probe` tries, its arguments, sums of measurements, certificates, advice.
import { X509Certificate } from 'node:crypto'
import t from 'tap'
import { restCredentials } from '../../src/client/client-credentials.js'
import {
  CLIENT_ERRORS,
  ClientError,
  type ClientErrorCode,
  StunError,
  socketError,
} from '../../src/client/client-error.js'
import { certificateProblems } from '../../src/client/peer-security.js'
import { measureThroughput, summaryOf } from '../../src/client/probe/measure.js'
import { adviceFor } from '../../src/client/probe/probe-advice.js'
import { planOf } from '../../src/client/probe/probe-plan.js'
import type { ProbeReport } from '../../src/client/probe/probe-target.js'
import { formatTurnUri, parseTurnUri, portOf, transportOf } from '../../src/client/turn-uri.js'
import { CommandError } from '../../src/commands/command-words.js'
import { PROBE_HELP, parseProbeArguments } from '../../src/commands/probe-arguments.js'
import { probeLines } from '../../src/commands/probe-text.js'
import { makePair } from '../support/certificate.js'
import { madePath } from './made-path.js'

t.test('URIs of TURN servers (RFC 7064, RFC 7065)', async (t) => {
  const good: [string, string, number][] = [
    ['turn:turn.example.org', 'udp', 3478],
    ['TURN:Turn.Example.ORG:443?transport=TCP', 'tcp', 443],
    ['turns:192.0.2.1', 'tls', 5349],
    ['turns:[2001:db8::1]:443?transport=udp', 'dtls', 443],
    ['turns:x?transport=tcp', 'tls', 5349],
    ['stun:stun_1.example.org.', 'udp', 3478],
    ['stuns:[::1]', 'tls', 5349],
    ['turn:h:65535', 'udp', 65535],
  ]
  for (const [text, transport, port] of good) {
    const uri = parseTurnUri(text)
    t.equal(transportOf(uri), transport, text)
    t.equal(portOf(uri), port, text)
    t.equal(formatTurnUri(uri), text.toLowerCase(), text)
  }
  const bad: [string, RegExp][] = [
    ['example.org', /has no scheme: write turn:HOST/],
    ['https://example.org', /has a scheme of no TURN or STUN server: write turn:HOST/],
    ['turn://example.org', /write turn:example\.org/],
    ['turn:', /has no host/],
    ['turn:[::1', /is not HOST or HOST:PORT/],
    ['turn:::1', /without brackets: write \[::1\]/],
    ['turn:[192.0.2.1]', /no IPv6 address in its brackets/],
    ['turn:192.0.2.256', /no IPv4 address/],
    ['turn:h:0', /a port that is not one of 1–65535/],
    ['turn:h:65536', /a port that is not/],
    ['turn:h:', /a port that is not/],
    ['turn:h?transport=sctp', /a query other than/],
    ['turn:h?x=1', /a query other than/],
    ['stun:h?transport=udp', /RFC 7064/],
    ['turn:-h', /neither a name nor an IP address/],
    ['turn:a b', /neither a name nor an IP address/],
    [`turn:${'a'.repeat(64)}`, /neither a name/],
  ]
  for (const [text, message] of bad) t.throws(() => parseTurnUri(text), { code: 'bad-uri', message }, text)
  t.throws(() => parseTurnUri('turn:alice:secret@h'), { message: /^(?!.*secret).*a user in it/ })
})

t.test('what is tried', async (t) => {
  const plan = (word: string) => planOf(word).map(({ need, uri }) => `${uri} ${need}`)
  t.same(plan('turn:h'), ['turn:h?transport=udp required', 'turn:h?transport=tcp unless-refused'])
  t.same(plan('turns:h:443'), ['turns:h:443?transport=tcp required', 'turns:h:443?transport=udp if-answered'])
  t.same(plan('turn:h?transport=tcp'), ['turn:h?transport=tcp required'])
  t.same(plan('stun:h'), ['stun:h required'])
  t.same(plan('h'), [
    ...['turn:h?transport=udp required', 'turn:h?transport=tcp unless-refused', 'turns:h?transport=tcp if-answered'],
    ...['turns:h?transport=udp if-answered', 'turns:h:443?transport=tcp if-answered'],
  ])
  t.equal(plan('2001:db8::1')[0], 'turn:[2001:db8::1]?transport=udp required')
  t.equal(plan('h:5349')[0], 'turns:h?transport=tcp required')
  t.equal(plan('h:3479').length, 4)
})

t.test('the arguments of turnd probe', async (t) => {
  const parse = (line: string) => parseProbeArguments(line.split(' '))
  t.match(parse('turn:h --user a:b:c --rate 500k --seconds 0.5 --size 16 --count 5 -6 --json'), {
    ...{ username: 'a', password: 'b:c', bitsPerSecond: 500_000, seconds: 0.5, payloadLength: 16 },
    ...{ roundTripCount: 5, family: 6, isJson: true, answerMilliseconds: 5_000 },
  })
  t.match(parse('turn:h --as 1800000000:bob:pw'), { username: '1800000000:bob', password: 'pw' }, 'as in doctor')
  t.match(parse('turn:h --as bob --as-secret-file f'), {
    username: 'bob',
    secretFile: 'f',
    secretFileOption: '--as-secret-file',
  })
  t.match(parse('turn:192.0.2.1 -4'), { family: 4 })
  t.match(parse('turn:h --rate 0'), { bitsPerSecond: 0, username: null, password: null })
  t.equal(parse('--help --nonsense'), null)
  for (const line of PROBE_HELP.split('\n')) t.ok(line.length <= 100, line)
  const bad: [string, RegExp][] = [
    ['--json', /a server is missing/],
    ['http://h', /has a scheme of no TURN or STUN server: write turn:HOST/],
    ['turn:h --rate 21M', /--rate "21M" is not a number from 0 to 20000000/],
    ['turn:h --rate 2G', /--rate "2G" is not/],
    ['turn:h --seconds 61', /from 0.1 to 60/],
    ['turn:h --seconds 1k', /--seconds "1k"/],
    ['turn:h --size 15', /from 16 to 1300/],
    ['turn:h --count 0', /from 1 to 2000/],
    ['turn:h --count 1.5', /--count "1.5" is not a whole number/],
    ['turn:h --size 99.9', /--size "99.9" is not a whole number/],
    ['turn:h -4 -6', /exclude each other/],
    ['turn:192.0.2.1 -6', /-6 does not go with 192\.0\.2\.1, an IPv4 address: leave it out/],
    ['turn:[::1] -4', /-4 does not go with ::1/],
    ['turn:h --user a --as b', /are the same/],
    ['turn:h --ca x --insecure', /exclude each other/],
    ['turn:h --user a --user b', /more than once/],
    ['turn:h --user :x', /no name before its colon/],
    ['turn:h --user a:hidden --password-file f', /^(?!.*hidden).*exclude each other/],
    ['turn:h --password-file f', /needs --user NAME/],
    ['turn:h --nonsense', /unknown option --nonsense/],
    [`${'h '.repeat(7)}`.trim(), /that makes 35 transports: at most 32/],
  ]
  for (const [line, message] of bad) {
    t.throws(() => parse(line), { message }, line)
    t.ok(thrownBy(() => parse(line)) instanceof CommandError, line)
  }
})

t.test('TURN REST credentials are those of a web service', async (t) => {
  // printf '%s' 1700000000:alice | openssl dgst -sha1 -hmac north -binary | base64
  t.same(restCredentials('north', 'alice', 1_700_000_000.9), {
    username: '1700000000:alice',
    password: 'Cd/49soE35ICqcJF/bCTn8Z4OyE=',
  })
  t.equal(restCredentials('north', '', 1).username, '1')
})

t.test('sums', async (t) => {
  const times = [3, 1, 2, 10]
  t.same(summaryOf(times), { minimum: 1, median: 2, p95: 10, maximum: 10, jitter: 11 / 3 })
  t.same(summaryOf([5]), { minimum: 5, median: 5, p95: 5, maximum: 5, jitter: 0 })

  t.test('keep to the rate, whatever the size, and end with the path', async (t) => {
    let count = 0
    const path = madePath((packet, _count, deliver) => {
      count++
      deliver(packet)
    })
    const { lossPercent, sentBitsPerSecond } = await measureThroughput(path, 400_000, 0.2, 500)
    t.equal(lossPercent, 0)
    t.ok(count > 0 && count <= 21 && sentBitsPerSecond < 450_000, `${count} packets, ${sentBitsPerSecond} bit/s`)
    count = 0
    await measureThroughput(path, 20_000_000, 0.1, 16)
    t.ok(count <= 301, `${count} packets in 100 ms`)
    const ending = measureThroughput(path, 1_000, 10, 500)
    path.onFault(new ClientError('connection-closed', 'it ended'))
    await t.rejects(ending, { code: 'connection-closed' })
  })

  t.test('know the rate of a link that is slower, and what it has queued', async (t) => {
    let freeAt = 0
    const path = madePath((packet, _count, deliver) => {
      freeAt = Math.max(freeAt, performance.now()) + 10
      setTimeout(deliver, freeAt - performance.now(), packet)
    })
    // 500 bytes in 10 ms are 400 kbit/s.
    const { receivedBitsPerSecond, receivedCount } = await measureThroughput(path, 800_000, 0.3, 500)
    t.ok(receivedCount > 0 && receivedBitsPerSecond < 450_000, `${receivedCount}, ${receivedBitsPerSecond}`)
  })
})

t.test('what is wrong with a certificate is told, each by itself', async (t) => {
  const now = Date.now()
  const certificate = new X509Certificate((await makePair('turn.example.org')).certificate)
  const day = 86_400_000
  const codes = (name: string, chain: string, at = now) => {
    return certificateProblems(certificate, name, chain, at).map(({ code }) => code)
  }
  t.same(codes('turn.example.org', ''), [])
  t.same(codes('TURN.example.org.', ''), [])
  t.same(codes('192.0.2.1', 'DEPTH_ZERO_SELF_SIGNED_CERT'), ['wrong-name', 'self-signed'])
  t.same(codes('turn.example.org', 'CERT_HAS_EXPIRED', now + 11 * day), ['expired'])
  t.same(codes('turn.example.org', 'certificate is not yet valid', now - 2 * day), ['not-yet-valid'])
  t.same(codes('turn.example.org', 'CERT_HAS_EXPIRED'), ['expired'])
  t.same(codes('turn.example.org', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'), ['untrusted'])
  t.same(
    certificateProblems(null, 'h', '', now).map(({ code }) => code),
    ['untrusted'],
  )
})

t.test('a certificate whose end nobody can read is shown as such, and late packets of a connection', async (t) => {
  const [target] = planOf('turns:h?transport=tcp')
  const security = { protocol: 'TLSv1.3', names: ['h'], problems: [], certificate: { validTo: 'Bad time value' } }
  const throughput = { sentCount: 10, receivedCount: 7, lossPercent: 30, receivedBitsPerSecond: 1 }
  const report = { target, security, throughput, outcome: 'works', failure: null, server: null, reach: null }
  const lines = probeLines([{ ...report, roundTrips: null, connectMilliseconds: 1 } as unknown as ProbeReport])
  t.match(lines.join('\n'), /TLS 5349: TLSv1.3, a certificate for h until an unreadable date: accepted\.\n/)
  t.match(lines.join('\n'), /TLS 5349: 3 of 10 packets had not arrived 1 s after the last one was sent/)
})

t.test('the tables of turnd probe are turned where the terminal has no room for them', async (t) => {
  const address = '203.0.113.200:49152'
  const times = { minimum: 10.1, median: 20.2, p95: 30.3, maximum: 40.4, jitter: 1.5 }
  const reports = planOf('h').map((target) => ({
    ...{ target, outcome: 'works', failure: null, security: null, reach: { toPeer: true, fromPeer: true } },
    ...{ connectMilliseconds: 12.5, bindingMilliseconds: 11, roundTrips: { times, lossPercent: 0 } },
    ...{ throughput: null, server: address, mapped: address, relayed: address, lifetimeSeconds: 600 },
    ...{ realm: 'example.org', software: 'a server of some kind, 1.2.3', path: 'relay-to-relay', isRedirected: false },
  })) as unknown as ProbeReport[]
  const wide = probeLines(reports)
  t.ok(Math.max(...wide.map(({ length }) => length)) > 80)
  t.same(probeLines(reports, 200), wide)
  const narrow = probeLines(reports, 80)
  t.same(
    narrow.filter(({ length }) => length > 80),
    [],
  )
  t.match(narrow.join('\n'), /^ +UDP 3478 +TCP 3478 .*\nresult +works +works/)
  for (const { target } of reports) {
    const heads = narrow.filter((line) => line.includes(`${target.transport.toUpperCase()} ${target.port}`))
    t.equal(heads.length, 2, 'each is in both tables')
  }
})

t.test('every error has advice', async (t) => {
  const [target] = planOf('turn:h?transport=udp')
  const advice = (error: ClientError, stage = 'connect') => {
    return adviceFor({ target, failure: { stage, error } } as unknown as ProbeReport)
  }
  const silent: ClientErrorCode[] = ['aborted', 'bad-uri', 'no-allocation', 'stun-error']
  for (const code of Object.keys(CLIENT_ERRORS) as ClientErrorCode[]) {
    if (!silent.includes(code)) t.ok(advice(new ClientError(code, 'x')).length > 10, code)
  }
  const refusal = (number: number) => {
    const rest = { method: 'Allocate', reasonPhrase: '', realm: '', alternateServer: '', alternateDomain: '' }
    return new StunError({ number, ...rest })
  }
  t.match(advice(refusal(403), 'relay'), /its own relays/)
  t.match(advice(refusal(486)), /quota/)
  t.match(advice(refusal(401), 'binding'), /probe it as turn:HOST/)
  t.match(advice(refusal(699)), /log/)
  t.match(advice(new ClientError('no-answer', 'x'), 'relay'), /relay range/)
  t.match(advice(new ClientError('no-answer', 'x')), /open UDP port 3478/)
  const overTcp = (stage: string) => {
    const [tcp] = planOf('turn:h?transport=tcp')
    return adviceFor({
      target: tcp,
      failure: { stage, error: new ClientError('no-answer', 'x') },
    } as unknown as ProbeReport)
  }
  t.match(overTcp('connect'), /open TCP port 3478 in the firewalls/)
  t.match(overTcp('binding'), /^something takes connections on TCP port 3478 and answers no STUN/)
  const system = (code: string) => socketError(Object.assign(new Error('x'), { code }), 'UDP h:1')
  t.equal(system('ECONNREFUSED').code, 'connection-refused')
  t.equal(system('ENETUNREACH').code, 'unreachable')
  t.equal(system('EAI_AGAIN').code, 'no-resolver', 'of the name nothing is known')
  t.equal(system('ENOTFOUND').code, 'no-such-host')
})

function thrownBy(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  return null
}
