// What the doctor makes of what it saw, without any network: facts in, verdicts out; and the one sentence at the end.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeUsersFileLine } from '../../src/auth/users-file.js'
import { ClientError, type ClientErrorCode, StunError } from '../../src/client/client-error.js'
import type { CertificateProblemCode } from '../../src/client/peer-security.js'
import { parsePeerRule } from '../../src/config/peer-rule.js'
import { type Finding, fault, type Judgement, notChecked, warning, well } from '../../src/doctor/check.js'
import { diagnosisOf } from '../../src/doctor/diagnosis.js'
import { durationText } from '../../src/doctor/durations.js'
import { judgeCertificate } from '../../src/doctor/inside/certificate.js'
import { judgeClock, synchronised } from '../../src/doctor/inside/clock.js'
import { judgeListeners } from '../../src/doctor/inside/listeners.js'
import { judgePeerRules } from '../../src/doctor/inside/peer-rules.js'
import { judgeRelayAddresses } from '../../src/doctor/inside/relay-addresses.js'
import { judgeRelayPorts } from '../../src/doctor/inside/relay-ports.js'
import { judgeBuffers, judgeConntrack } from '../../src/doctor/inside/system-limits.js'
import { judgeUsers } from '../../src/doctor/inside/users.js'
import type { Machine } from '../../src/doctor/machine.js'
import { judgeAmplification } from '../../src/doctor/outside/amplification.js'
import { OUTSIDE_CHECKS } from '../../src/doctor/outside/checks.js'
import { judgeCredentials } from '../../src/doctor/outside/credentials.js'
import { type ExerciseFacts, HAIRPIN_LOST, HAIRPIN_NOT_TRIED, peerServer } from '../../src/doctor/outside/exercise.js'
import { findThreshold } from '../../src/doctor/outside/find-threshold.js'
import { knownUser } from '../../src/doctor/outside/known-user.js'
import { judgeOpenRelay } from '../../src/doctor/outside/open-relay.js'
import { judgePeerPolicy } from '../../src/doctor/outside/peer-policy.js'
import { judgeName, judgeReachable } from '../../src/doctor/outside/reachable.js'
import {
  judgeExternalAddress,
  judgeHairpin,
  judgePacketSize,
  judgeRelayOutbound,
  judgeRelayRange,
} from '../../src/doctor/outside/relay-checks.js'
import { judgeRestSecret } from '../../src/doctor/outside/rest-secret.js'
import type { WayOutcome, WayState } from '../../src/doctor/outside/scene.js'
import { judgeServerClock } from '../../src/doctor/outside/server-clock.js'
import { judgePeerCertificate } from '../../src/doctor/outside/tls-certificate.js'
import { judgeWay } from '../../src/doctor/outside/transports.js'
import { reportText } from '../../src/doctor/report.js'
import { runChecks, runMillisecondsMax } from '../../src/doctor/run-checks.js'
import { DOCTOR_COMMAND_MILLISECONDS_MAX } from '../../src/limits/doctor.js'
import { inodesIn } from '../../src/net/port-holder.js'
import { hostAddress } from '../../src/stun/address.js'
import { settingsOf } from '../server/settings.js'
import { temporaryDirectory } from '../support/certificate.js'

const one = (judged: Judgement | readonly Judgement[]) => (Array.isArray(judged) ? judged : [judged as Judgement])
const verdicts = (judged: Judgement | readonly Judgement[]) => one(judged).map(({ verdict }) => verdict)

const RELAY = {
  relayed: '198.51.100.7:24017',
  getsIn: true,
  getsInByReached: null,
  getsOut: true,
  getsInAfterwards: true,
}
const HEALTHY: ExerciseFacts = {
  reachedHost: '198.51.100.7',
  isUdpOpen: true,
  relays: [RELAY, { ...RELAY, relayed: '198.51.100.7:25311' }],
  peerHost: '203.0.113.9',
  permissionCode: 0,
  hairpin: 0,
  lengths: [1200, 1400],
}
const relays = (change: Partial<typeof RELAY>) => ({
  ...HEALTHY,
  relays: HEALTHY.relays.map((relay) => ({ ...relay, ...change })),
})

t.test('relays in use', async (t) => {
  t.test('that are well have no fault', async (t) => {
    const judged = [judgeExternalAddress(HEALTHY, null), judgeRelayRange(HEALTHY, null), judgeRelayOutbound(HEALTHY)]
    t.same([...judged, judgeHairpin(HEALTHY), judgePacketSize(HEALTHY)].flatMap(verdicts), Array(5).fill('ok'))
  })
  t.test('behind a firewall: all, a part, or until something leaves', async (t) => {
    const closed = judgeRelayRange(
      relays({ getsIn: false, getsInAfterwards: false }),
      settingsOf({ minPort: 50_000, maxPort: 50_999 }),
    )
    t.match(closed, {
      verdict: 'fault',
      cause: 'the relay range 50000-50999 is firewalled',
      text: /gets there: the firewall before the server drops them, or, .* own network does: a run from a second network/,
      remedy: 'Open UDP 50000-50999 to 198.51.100.7',
    })
    t.match(judgeRelayRange(HEALTHY, null), { text: /\(2 ports tried\)$/, extent: '2 ports tried' })
    t.match(judgeRelayRange(relays({ getsIn: false }), null), { verdict: 'fault', text: /before the relay has sent/ })
    const part = judgeRelayRange(
      { ...HEALTHY, relays: [RELAY, { ...RELAY, relayed: '198.51.100.7:28000', getsIn: false }] },
      null,
    )
    t.match(part, {
      verdict: 'fault',
      cause: /^a part of the relay range/,
      text: /get to 198.51.100.7:24017, and not to 198.51.100.7:28000/,
    })
  })
  t.test('are no fault of the firewall where the server refuses this machine, or shares its address', async (t) => {
    const refused = { ...relays({ getsIn: false }), permissionCode: 403, peerHost: '10.0.0.5' }
    t.match(judgeRelayRange(refused, null), { verdict: 'not-checked', text: /--allow-peer 10.0.0.5/ })
    t.match(judgeRelayRange({ ...relays({ getsIn: false }), peerHost: '198.51.100.7' }, null), {
      verdict: 'not-checked',
    })
  })
  t.test(
    'at another address than the server: good if packets arrive, proven wrong if they arrive where it was reached',
    async (t) => {
      const elsewhere = { relayed: '198.51.100.8:24017' }
      t.match(judgeExternalAddress(relays(elsewhere), null), { verdict: 'ok' })
      const lost = { ...relays({ relayed: '9.9.9.9:24017', getsIn: false }), reachedHost: '8.8.8.8' }
      t.match(
        judgeExternalAddress(lost, null),
        {
          verdict: 'fault',
          cause: /^no packet gets to .* 9.9.9.9$/,
          remedy: /^If 9.9.9.9 is its address, open UDP 24000/,
        },
        'a firewall before another address looks the same',
      )
      const proven = judgeExternalAddress(relays({ ...elsewhere, getsIn: false, getsInByReached: true as never }), null)
      t.match(proven, {
        verdict: 'fault',
        text: /sent to 198.51.100.7 instead, they do$/,
        remedy: /^Start turnd with --external-ip 198.51.100.7\/PRIVATE, where/,
      })
      const unnamed = {
        ...relays({ relayed: '192.168.1.5:24017', getsIn: false }),
        reachedHost: '8.8.8.8',
        permissionCode: 403,
      }
      t.match(
        judgeExternalAddress(unnamed, null),
        { verdict: 'fault', remedy: 'Start turnd with --external-ip 8.8.8.8/192.168.1.5' },
        'whoever asks',
      )
    },
  )
  t.test('say nothing where UDP may not leave the network at all', async (t) => {
    const unknown = { ...relays({ getsIn: false, getsInAfterwards: false }), isUdpOpen: false }
    t.match(judgeRelayRange(unknown, null), { verdict: 'not-checked', text: /give a turn: URI/ })
    const elsewhere = { ...unknown, relays: [{ ...RELAY, relayed: '198.51.100.8:24017', getsIn: false }] }
    t.match(judgeExternalAddress(elsewhere, null), { verdict: 'not-checked' })
  })
  t.test('that send nothing out, lose large packets, or do not reach each other', async (t) => {
    t.match(judgeRelayOutbound(relays({ getsOut: false })), { verdict: 'fault' })
    t.match(judgePacketSize({ ...HEALTHY, lengths: [1200] }), { verdict: 'warning' })
    t.match(judgePacketSize({ ...HEALTHY, lengths: [] }), { verdict: 'fault' })
    t.match(
      judgeHairpin({ ...HEALTHY, hairpin: HAIRPIN_LOST }),
      { verdict: 'fault', text: /its own firewall drops it, or, if there is a NAT/, remedy: /NAT reflection for 198/ },
      'no NAT is asserted where the relays are where the server is',
    )
    t.match(judgeHairpin({ ...HEALTHY, reachedHost: '198.51.100.8', hairpin: HAIRPIN_LOST }), {
      ...{ verdict: 'fault', text: /lost: the NAT before it/, remedy: /^Switch on NAT reflection/ },
    })
    const partly = [RELAY, { ...RELAY, getsIn: false }]
    t.match(
      judgeHairpin({ ...HEALTHY, relays: partly, hairpin: HAIRPIN_LOST }),
      { verdict: 'not-checked', text: 'a part of the relay range is firewalled' },
      'a symptom of a part of the range',
    )
    t.match(
      judgeHairpin({ ...relays({ getsOut: false }), hairpin: HAIRPIN_LOST }),
      { verdict: 'not-checked', text: 'what relays send does not get out' },
      'a symptom of what holds relays back',
    )
    t.match(
      judgeHairpin({ ...relays({ getsIn: false }), hairpin: HAIRPIN_LOST }),
      { verdict: 'not-checked' },
      'a symptom of the range',
    )
    t.match(judgeHairpin({ ...HEALTHY, hairpin: 403 }), { verdict: 'warning' })
    t.match(judgeHairpin({ ...HEALTHY, hairpin: HAIRPIN_NOT_TRIED }), { verdict: 'not-checked' })
  })
})

t.test('ways to the server', async (t) => {
  const way = (transport: 'udp' | 'tcp' | 'tls', outcome: WayOutcome, isAsked = true): WayState => ({
    ...{ way: { transport, host: 'turn.test', port: transport === 'tls' ? 443 : 3478, isAsked }, outcome },
    ...{ problem: '', address: null, security: null, deafHosts: [], answerMilliseconds: 0 },
  })
  t.test('none of which answers: closed, something else, or silent', async (t) => {
    const closed = judgeReachable('turn.test', [way('udp', 'closed'), way('tcp', 'closed', false)])
    t.match(closed, { verdict: 'fault', remedy: /^Start turnd there/ })
    t.match(judgeReachable('turn.test', [way('tls', 'mute')]), { verdict: 'fault', text: /^something else answers/ })
    const silent = judgeReachable('turn.test', [way('udp', 'silent'), way('tcp', 'silent', false)])
    t.match(silent, { verdict: 'fault', remedy: /^Open UDP 3478, TCP 3478 to turn.test/ })
    const web = { ...way('tls', 'mute'), security: { isAlpnRefused: true } as never }
    t.match(judgeReachable('turn.test', [web]), { verdict: 'fault', text: /a web server: it does TLS, refuses/ })
    t.match(judgeReachable('turn.test', [way('tls', 'no-tls')]), { text: /takes connections, and answers no TLS/ })
    const lost = { ...way('udp', 'unreachable'), problem: 'UDP 192.0.2.1:3478: ENETUNREACH' }
    t.match(judgeReachable('turn.test', [lost]), {
      verdict: 'fault',
      cause: 'this machine has no way to turn.test',
      text: /ENETUNREACH\): nothing is known of the server$/,
      remedy: /^Look at this machine's network/,
    })
  })
  t.test('by a name without an address, or of which nobody tells', async (t) => {
    const judge = (code: ClientErrorCode) => judgeName('turn.test', new ClientError(code, 'x'))
    t.match(judge('no-such-host'), { verdict: 'fault', remedy: /^Enter turn.test in the DNS/ })
    for (const code of ['no-resolver', 'no-answer'] as const) {
      t.match(judge(code), { verdict: 'fault', cause: 'the DNS of this machine does not answer' })
    }
  })
  t.test('of which one does: UDP is blocked, a port closed, or not asked for', async (t) => {
    const answering = [way('tls', 'answers')]
    const blocked = judgeWay('turn.test', way('udp', 'silent'), answering)
    t.match(blocked, {
      verdict: 'fault',
      cause: 'UDP 3478 to turn.test is blocked',
      remedy: /until then clients reach it by turns:turn.test:443$/,
    })
    t.match(judgeWay('turn.test', way('tcp', 'closed'), answering), {
      verdict: 'fault',
      remedy: /--listen tcp:\*:3478/,
    })
    t.match(judgeWay('turn.test', way('tcp', 'closed', false), answering), { verdict: 'ok' })
    t.match(judgeWay('turn.test', way('udp', 'silent', false), answering), { verdict: 'warning' })
    const address = hostAddress('192.0.2.1')
    const halfDeaf = { ...way('udp', 'answers'), address, deafHosts: ['2001:db8::1'] }
    t.match(judgeWay('turn.test', halfDeaf, [halfDeaf]), {
      verdict: 'warning',
      text: /^UDP 3478 answers at 192.0.2.1, and not at 2001:db8::1/,
    })
  })
})

t.test('credentials', async (t) => {
  const facts = {
    username: 'alice',
    realm: 'r',
    refusalCode: 401,
    allocateCode: 0,
    known: 'unknown',
    nowSeconds: 1_800_000_000,
  } as const
  t.match(judgeCredentials({ ...facts, refusalCode: 0 }), { verdict: 'ok' })
  t.match(judgeCredentials(facts), { verdict: 'fault', cause: 'the user name or the password of "alice" is wrong' })
  t.match(
    judgeCredentials({ ...facts, refusalCode: 431 }),
    { cause: 'the user name or the password of "alice" is wrong' },
    'the profiles of turnd say 431 of both',
  )
  t.match(judgeCredentials({ ...facts, known: 'unknown-user' }), { cause: 'there is no user "alice"' })
  t.match(judgeCredentials({ ...facts, known: 'right' }), { cause: 'the server runs with other options than these' })
  t.match(judgeCredentials({ ...facts, username: '1799996400:alice' }), {
    cause: 'the credentials have expired',
    text: /1 hour ago/,
  })
  t.match(
    judgeCredentials({ ...facts, username: '1800000120:bob' }),
    { cause: /or have expired at the server$/, text: /expire in 2 minutes by this machine's clock/ },
    'the name has its time in it',
  )
  t.match(judgeCredentials({ ...facts, refusalCode: 0, allocateCode: 486 }), { verdict: 'fault', cause: /quota/ })
  t.match(judgeRestSecret({ verdict: 'refused', code: 401, realm: 'r' }), [
    { verdict: 'fault', text: /another one, or it has none/ },
  ])
  t.same(judgeOpenRelay(null).verdict, 'fault')
})

t.test('what the options of a server know of a name and a password', async (t) => {
  const [alice, settings] = [
    { username: 'alice', password: 'secret' },
    { user: 'alice:secret', realm: 'r' },
  ]
  const known = (options: Parameters<typeof settingsOf>[0], who = alice) =>
    knownUser(who, settingsOf({ stateDir: temporaryDirectory(), ...options }))
  t.equal(known(settings), 'right')
  t.equal(known(settings, { ...alice, password: 'other' }), 'wrong-password')
  t.equal(known(settings, { ...alice, username: 'bob' }), 'unknown-user')
  t.equal(
    known({ ...settings, authSecret: 's' }, { ...alice, username: '1800000000' }),
    'unknown',
    'a TURN REST name perhaps',
  )
  t.equal(known({}), 'unknown', 'the generated user perhaps')
  const usersFile = join(temporaryDirectory(), 'users.jsonl')
  writeFileSync(usersFile, `${makeUsersFileLine('carol', 'r', 'secret').text}\n`)
  t.equal(known({ usersFile, realm: 'r' }, { ...alice, username: 'carol' }), 'right')
  t.equal(known({ usersFile: '/nowhere', realm: 'r' }), 'unknown')
})

t.test('certificates', async (t) => {
  const [day, now] = [86_400_000, Date.parse('2026-06-01T00:00:00Z')]
  const facts = {
    ...{ path: 'c.pem', subject: 'CN=x', issuer: 'CN=x', names: ['turn.test'], fingerprint256: '', isSelfSigned: true },
    ...{ validFrom: now - day, validTo: now + 90 * day, isChainInOrder: true, isChainCut: false },
  }
  t.same(verdicts(judgeCertificate(facts, ['turn.test'], now)), ['ok'])
  t.match(judgeCertificate(facts, ['turn.test', 'www.test'], now), [
    { verdict: 'fault', cause: 'the certificate does not name www.test', remedy: /--name turn.test --name www.test/ },
  ])
  t.match(judgeCertificate(facts, ['turn.test'], now, ['www.test']), [
    {
      ...{ verdict: 'fault', cause: 'the certificate does not name www.test' },
      text: /^clients come to www\.test \(--http-name\), .*: browsers refuse the page$/,
    },
  ])
  t.match(judgeCertificate({ ...facts, validTo: now - day }, [], now), [
    { verdict: 'fault', text: /expired on 2026-05-31/ },
  ])
  t.match(judgeCertificate({ ...facts, validFrom: now + day }, [], now), [{ verdict: 'fault', cause: /not valid yet/ }])
  t.same(verdicts(judgeCertificate({ ...facts, validTo: now + 9 * day }, [], now)), ['warning'])
  t.match(judgeCertificate({ ...facts, isChainCut: true }, [], now), [{ verdict: 'warning', remedy: /fullchain.pem/ }])
  t.match(judgeCertificate('--cert c.pem is empty: give a file', [], now), [
    { verdict: 'fault', remedy: 'Give a file' },
  ])

  const shown = (...codes: CertificateProblemCode[]) => shownUntil('2026-08-01', ...codes)
  const shownUntil = (validTo: string, ...codes: CertificateProblemCode[]) => {
    const way = { transport: 'tls', host: 'turn.test', port: 443, isAsked: true } as const
    const common = { problem: '', address: null, deafHosts: [], answerMilliseconds: 0 }
    const security = {
      problems: codes.map((code) => ({ code, text: code })),
      certificate: { validTo },
    } as never
    return judgePeerCertificate('turn.test', { way, outcome: 'answers', ...common, security }, now)
  }
  t.same(verdicts(shown()), ['ok'])
  t.match(shownUntil('Bad time value'), [{ verdict: 'warning', text: /ends on an unreadable date$/ }])
  for (const code of ['wrong-name', 'expired', 'not-yet-valid', 'self-signed', 'untrusted'] as const) {
    t.match(shown(code), [{ verdict: 'fault', text: new RegExp(`^TCP 443 \\(TLS\\): ${code}`), remedy: /./ }])
  }
  t.equal(shown('wrong-name', 'expired').length, 2, 'all that is wrong')
})

t.test("the server's clock", async (t) => {
  for (const offset of [0, 45, 200, -200, 5400, -5400, 172_800, -31_536_000, 200_000_000]) {
    t.test(`that is ${offset} s ahead is found with few refusals`, async (t) => {
      let refusals = 0
      const isTaken = async (ahead: number) => {
        if (ahead < offset) refusals++
        return ahead >= offset
      }
      const found = await findThreshold(isTaken, 60, 315_360_000)
      t.ok(Math.abs(found - offset) <= Math.max(61, Math.abs(offset) * 0.03), `found ${found}`)
      t.ok(refusals < 40, `${refusals} refusals: a server's budget is 200`)
    })
  }
  t.equal(await findThreshold(async () => true, 60, 315_360_000), Number.NEGATIVE_INFINITY, 'one that never looks')
  const judge = (byCredentials: number | null, byDate: number | null = null) =>
    judgeServerClock({ byCredentials, byDate })
  t.same(judge(null), [], 'nothing shows it')
  t.match(judge(0), [{ verdict: 'ok' }])
  t.match(judge(360), [
    { verdict: 'warning', text: /for less than 6 minutes have .*, and others last 6 minutes less$/ },
  ])
  t.same(verdicts(judge(-3000)), ['warning'])
  t.match(judge(90_000), [{ verdict: 'fault', text: /: fresh TURN REST credentials have expired there$/ }])
  const { needs } = OUTSIDE_CHECKS.find(({ id }) => id === 'credentials')!
  t.notOk(needs.includes('server-clock'), 'what else is wrong is found beside it')
  t.match(judge(7200, 7203), [
    {
      verdict: 'fault',
      cause: "the server's clock is about 2 hours ahead",
      text: /says so too: fresh .* have expired there/,
    },
  ])
  t.match(judge(-5400, 0), [{ verdict: 'fault', text: /1 hour 30 minutes behind .*, though not by the Date/ }])
  t.match(judge(null, 7200), [{ verdict: 'warning', text: /by the Date of its HTTP answers/ }])
  t.match(judge(null, -1), [{ verdict: 'ok' }])
})

t.test('what strangers and clients get', async (t) => {
  const exchange = (answerLength: number) => [{ request: 'Allocate', requestLength: 28, answerLength }]
  t.same(
    [0, 98, 99, 140, 141].map((length) => judgeAmplification(exchange(length)).verdict),
    ['ok', 'ok', 'warning', 'warning', 'fault'],
  )
  const discovery = (answerLength: number, requestLength = 20) =>
    judgeAmplification([{ request: 'Binding', requestLength, answerLength, isDiscovery: true }])
  t.match(discovery(68), { verdict: 'ok', text: /offers NAT discovery/ }, 'of IPv4')
  t.equal(discovery(116).verdict, 'warning', 'of IPv6, as it must be')
  t.equal(discovery(1580, 28).verdict, 'fault', 'padded beyond what was asked')
  t.same(verdicts(judgePeerPolicy({ granted: [], ownSocket: '' })), ['ok'])
  t.same(verdicts(judgePeerPolicy({ granted: ['127.0.0.1', '10.255.255.254'], ownSocket: '' })), ['fault', 'warning'])
  t.match(judgePeerPolicy({ granted: [], ownSocket: '198.51.100.7:3478' }), [
    { verdict: 'warning', text: /its own listener/ },
  ])
})

t.test('a healthy server that is unusual has no fault', async (t) => {
  const way = (transport: 'udp' | 'dtls', outcome: WayOutcome, problem = ''): WayState => ({
    ...{ way: { transport, host: 'turn.test', port: 3478, isAsked: true }, outcome, problem },
    ...{ address: null, security: null, deafHosts: [], answerMilliseconds: 0 },
  })
  const at = (reachedHost: string, told: string, more: Partial<ExerciseFacts> = {}) =>
    judgeExternalAddress({ ...relays({ relayed: `${told}:24017`, getsIn: false }), reachedHost, ...more }, null)
  const refusal = (number: number) =>
    new StunError({ method: 'Allocate', number, reasonPhrase: '', realm: '', alternateServer: '', alternateDomain: '' })
  const lan = { ...HEALTHY, reachedHost: '10.0.0.5', relays: [{ ...RELAY, relayed: '10.0.0.5:24017' }] }
  const cases: [string, Judgement | readonly Judgement[], Judgement['verdict'], RegExp][] = [
    ['reached from its own network', at('10.0.0.5', '8.8.8.8'), 'not-checked', /run the doctor outside/],
    [
      'the same, where it is a peer too, and reached by its own address',
      judgeExternalAddress(
        {
          ...relays({ relayed: '8.8.8.8:24017', getsIn: false, getsInByReached: true as never }),
          reachedHost: '10.0.0.5',
        },
        null,
      ),
      ...(['not-checked', /run the doctor outside/] as const),
    ],
    [
      'reached over IPv6, with relays of IPv4',
      at('2606:4700::1', '8.8.8.8', { permissionCode: 443 }),
      ...(['not-checked', /another address family/] as const),
    ],
    [
      'the same in one network, where IPv6 is public everywhere',
      at('2606:4700::1', '10.0.0.5', { permissionCode: 443 }),
      ...(['warning', /nobody outside reaches/] as const),
    ],
    ['meant for its own network', judgeExternalAddress(lan, null), 'ok', /10.0.0.5/],
    ['meant for its own network, its range', judgeRelayRange(lan, null), 'ok', /10.0.0.5/],
    [
      'that never looks at expiry times',
      judgeServerClock({ byCredentials: Number.NEGATIVE_INFINITY, byDate: 0 }),
      'warning',
      /for ever/,
    ],
    [
      'whose DTLS this machine cannot try',
      judgeWay('turn.test', way('dtls', 'untried', 'no koffi'), []),
      'not-checked',
      /no koffi/,
    ],
    [
      'that cannot be tried at all',
      judgeReachable('turn.test', [way('dtls', 'untried', 'no koffi')]),
      'not-checked',
      /no koffi/,
    ],
    ['that is full', judgeOpenRelay(refusal(508)), 'not-checked', /508/],
    ['that wants a newer nonce of everybody', judgeOpenRelay(refusal(438)), 'ok', /wants a user name/],
    [
      'that says neither yes nor no to a secret',
      judgeRestSecret({ verdict: 'unclear', code: 438, realm: '' }),
      'ok',
      /^$/,
    ],
  ]
  for (const [what, judged, verdict, text] of cases) {
    const found = one(judged)
    t.notOk(
      found.some((each) => each.verdict === 'fault'),
      what,
    )
    t.match(found[0] ?? well(''), { verdict, text }, what)
  }
  const proposed = at('2606:4700::1', '10.0.0.5', { permissionCode: 443 })
  t.match(proposed.remedy, /--external-ip PUBLIC\/10.0.0.5, where PUBLIC is its public IPv4 address/, 'of one family')
  const udp = (port: number, outcome: WayOutcome, host: string) => ({
    ...{ ...way('udp', outcome), address: hostAddress(host, port) },
  })
  const states = [udp(3478, 'silent', '192.0.2.1'), udp(3479, 'answers', '192.0.2.1')]
  t.equal(
    `${peerServer(states, hostAddress('192.0.2.1', 443)!)}`,
    '192.0.2.1:3479',
    'a peer asks where somebody answers',
  )
})

t.test('this machine', async (t) => {
  t.test('and the ports of its listeners', async (t) => {
    const free = {
      option: '*:443',
      protocol: 'TCP',
      host: '0.0.0.0',
      port: 443,
      problem: '',
      holder: null,
      servedBy: null,
      silentServer: null,
    } as const
    t.match(judgeListeners([free]), [{ verdict: 'ok', text: /free/ }])
    t.match(judgeListeners([]), [{ verdict: 'ok', text: /^the system chooses the ports/ }], 'of port 0 alone')
    t.match(judgeListeners([{ ...free, problem: 'EADDRINUSE', holder: 'nginx (process 812)' }]), [
      { verdict: 'fault', cause: 'TCP port 443 is taken by nginx (process 812)', remedy: /--http-upstream/ },
    ])
    t.match(judgeListeners([{ ...free, problem: 'EADDRINUSE', servedBy: 99 }]), [{ verdict: 'ok', text: /process 99/ }])
    t.match(judgeListeners([{ ...free, problem: 'EACCES' }]), [{ verdict: 'fault', remedy: /CAP_NET_BIND_SERVICE/ }])
    const both = ['TCP', 'UDP'].map((protocol) => ({ ...free, protocol: protocol as 'TCP' | 'UDP', problem: 'EACCES' }))
    t.match(judgeListeners(both), [{ verdict: 'fault', cause: /^port 443 needs/ }])
    t.equal(judgeListeners(both).length, 1, 'one cause keeps UDP and TCP from it')
    const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:01BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1
   1: 0100007F:01BB 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 4712 1`
    t.same(inodesIn(table, null, 443, true), ['4711'], 'of those that listen')
    t.same(inodesIn(table, null, 443, false), ['4711', '4712'])
    const other = table.replace('00000000:01BB', '3DF5A8C0:01BB')
    t.same(inodesIn(other, hostAddress('192.168.245.61'), 443, true), ['4711'])
    t.same(inodesIn(other, hostAddress('0.0.0.0'), 443, true), ['4711'], 'a wildcard needs all of them')
    t.same(inodesIn(other, hostAddress('172.16.85.168'), 443, true), [], 'another card is not in the way')
    const mapped = table.replace('00000000:01BB', '0000000000000000FFFF00003DF5A8C0:01BB')
    t.same(inodesIn(mapped, hostAddress('192.168.245.61'), 443, true), ['4711'])
    const six = table.replace('00000000:01BB', 'B80D0120000000000000000001000000:01BB')
    t.same(inodesIn(six, hostAddress('2001:db8::1'), 443, true), ['4711'])
    t.same(inodesIn(six, hostAddress('2001:db8::2'), 443, true), [])
  })
  t.test('and its relay addresses and ports', async (t) => {
    const judge = (address: string, advertised: string) =>
      verdicts(judgeRelayAddresses([{ address, advertised }], '', []))
    t.same(judge('8.8.8.8', '8.8.8.8'), ['ok'])
    t.same(judge('192.168.1.5', '192.168.1.5'), ['warning'], 'behind NAT perhaps')
    t.same(judge('192.168.1.5', '8.8.8.8'), ['ok'])
    t.same(judge('192.168.1.5', '10.88.246.156'), ['warning'])
    t.same(judge('192.168.1.5', '203.0.113.5'), ['fault'], 'from an example')
    const range = {
      minPort: 24_000,
      maxPort: 29_999,
      maxAllocations: 1800,
      localPorts: [32_768, 60_999] as const,
      reservedPorts: '',
    }
    t.same(verdicts(judgeRelayPorts(range)), ['ok'])
    t.same(verdicts(judgeRelayPorts({ ...range, maxPort: 24_099 })), ['warning'])
    t.same(verdicts(judgeRelayPorts({ ...range, minPort: 50_000, maxPort: 59_999 })), ['warning'])
    const reserved = judgeRelayPorts({ ...range, minPort: 50_000, maxPort: 59_999, reservedPorts: '8080,9000-9010\n' })
    t.match(
      reserved,
      [{ remedy: /ip_local_reserved_ports=8080,9000-9010,50000-59999 \(/ }],
      'what is reserved stays so',
    )
    t.same(
      verdicts(judgeRelayPorts({ ...range, minPort: 50_000, maxPort: 59_999, reservedPorts: '8080,50000-59999\n' })),
      ['ok'],
    )
  })
  t.test('and what the system allows', async (t) => {
    t.match(judgeBuffers(212_992, 4_194_304), { verdict: 'warning', remedy: /net.core.rmem_max=4194304 \(/ })
    t.match(judgeBuffers(4_194_304, 4_194_304), { verdict: 'ok' })
    t.match(judgeConntrack(4096, 1800), { verdict: 'warning', remedy: /nf_conntrack_max=8192/ })
    t.match(judgeConntrack(Number.NaN, 1800), { verdict: 'ok' })
  })
  t.test('and its clock', async (t) => {
    const machine = (modes: readonly string[], outputs: Readonly<Record<string, string>>): Machine => ({
      ...{ readText: () => null, isWritable: () => true, holderOf: () => null },
      modeOf: (path) => (modes.includes(path) ? 0o755 : null),
      output: async (command) => outputs[command] ?? null,
    })
    t.equal(await synchronised(machine(['/run/systemd/timesync/synchronized'], {})), true)
    t.equal(await synchronised(machine(['/run/systemd/system'], { timedatectl: 'no\n' })), false)
    t.equal(await synchronised(machine([], { chronyc: 'A29FC87B,162.159.200.123,4,1,0.1,Normal\n' })), true)
    t.equal(await synchronised(machine([], { chronyc: '7F7F0101,,0,0,0.0,Not synchronised\n' })), false)
    t.equal(await synchronised(machine([], {})), null)
    t.match(judgeClock({ isSynchronised: false, offsetSeconds: null }), { verdict: 'warning' })
    t.match(judgeClock({ isSynchronised: null, offsetSeconds: 7200 }), { verdict: 'fault', text: /2 hours behind/ })
    t.match(judgeClock({ isSynchronised: null, offsetSeconds: -0.1 }), { verdict: 'ok' })
  })
  t.test('and its users and rules', async (t) => {
    const nobody = {
      realm: 'r',
      staticCount: 0,
      secretCount: 0,
      fileCount: 0,
      isFileNamed: true,
      openFiles: [],
      openConfigs: [],
      hasOutsideStore: false,
      oauthKeyCount: 0,
      expiredKids: [],
    }
    t.same(verdicts(judgeUsers(nobody)), ['fault'])
    t.same(verdicts(judgeUsers({ ...nobody, isFileNamed: false })), ['ok'])
    t.same(verdicts(judgeUsers({ ...nobody, hasOutsideStore: true })), ['ok'])
    t.same(verdicts(judgeUsers({ ...nobody, oauthKeyCount: 1 })), ['ok'])
    t.same(verdicts(judgeUsers({ ...nobody, oauthKeyCount: 1, expiredKids: ['north'] })), ['warning'])
    t.same(verdicts(judgeUsers({ ...nobody, staticCount: 1, openFiles: ['users.jsonl'] })), ['warning'])
    const [all, but] = [parsePeerRule('169.254.0.0/16', true), parsePeerRule('169.254.169.254', false)]
    t.same(verdicts(judgePeerRules([all], [])), ['warning'])
    t.same(verdicts(judgePeerRules([all], [but])), ['ok'])
  })
})

t.test('a run', async (t) => {
  const check = (id: string, needs: readonly string[], judged: Judgement | readonly Judgement[]) => ({
    id,
    needs,
    run: async () => judged,
  })
  t.test('names the cause where a check could only see symptoms of it', async (t) => {
    const blocked = fault('UDP is blocked', 'nothing comes back', 'Open it')
    const checks = [
      check('udp', [], blocked),
      check('relay', ['udp'], well('x')),
      check('size', ['relay'], well('x')),
      check('tls', [], []),
    ]
    const findings = await runChecks(checks, null, 'turn.test', 1000)
    t.match(
      findings.map(({ id, text, verdict }) => [id, verdict, text]),
      [
        ['udp', 'fault', 'nothing comes back'],
        ['relay', 'not-checked', 'UDP is blocked'],
        ['size', 'not-checked', 'UDP is blocked'],
      ],
    )
  })
  t.test('ends at its deadline, and survives a check that fails', async (t) => {
    const hangs = { id: 'hangs', needs: [], run: () => new Promise<never>(() => {}) }
    const fails = { id: 'fails', needs: [], run: () => Promise.reject(new Error('a mistake')) }
    const findings = await runChecks([hangs, fails], null, 'turn.test', 20)
    t.match(findings, [
      { verdict: 'not-checked', text: /no time left/ },
      { verdict: 'not-checked', text: /a mistake/ },
    ])
  })
  t.test('has time for each answer that it waits for, however long that is', async (t) => {
    for (const patienceMs of [300, 2000, 5000]) {
      t.ok(runMillisecondsMax(patienceMs) >= 6 * patienceMs + 2 * DOCTOR_COMMAND_MILLISECONDS_MAX, `${patienceMs} ms`)
    }
  })
})

t.test('the report', async (t) => {
  const finding = (id: string, judgement: Judgement, subject = 'turn.test'): Finding => ({ id, subject, ...judgement })
  const firewalled = finding(
    'relay-range',
    fault('the relay range is firewalled', 'nothing gets in', 'Open UDP 24000-29999'),
  )
  t.test('puts faults first, and ends with the diagnosis', async (t) => {
    const findings = [
      finding('udp', well('it answers')),
      finding('amplification', warning('much', 'Keep it short')),
      firewalled,
      finding('size', notChecked('the relay range is firewalled')),
    ]
    const text = reportText(findings, { isVerbose: false, columns: 100 })
    t.match(text, /^FAULT {2}relay-range, turn\.test\n {4}Nothing gets in\.\n {4}→ Open UDP 24000-29999\.\n\nwarning/)
    t.match(text, /\nNot checked: size \(the relay range is firewalled\)\.\n\nWell: udp \(--verbose says more\)\.\n\n/)
    t.match(text, /\n\nThe relay range is firewalled: open UDP 24000-29999\.\n$/)
    t.match(reportText(findings, { isVerbose: true, columns: 100 }), /\nok {2}udp, turn\.test\n {4}It answers\.\n/)
  })
  t.test('leaves a host of one word as it is written, and fits a narrow terminal', async (t) => {
    const noAddress = finding('name', fault('h has no address', 'h has no address in the DNS', 'Enter it'), 'h')
    const text = reportText(
      [noAddress, finding('long', warning('a text with more words than one line has room for', 'Wait'), 'h')],
      {
        isVerbose: false,
        columns: 40,
      },
    )
    t.match(text, /\n {4}h has no address in the DNS\.\n/)
    t.match(text, /\nh has no address: enter it\.\n/)
    t.same(
      text.split('\n').filter(({ length }) => length > 40),
      [],
    )
    t.match(
      reportText([finding('x', warning('this machine is slow', 'Wait'), 'this machine')], {
        isVerbose: false,
        columns: 40,
      }),
      /This machine is slow/,
    )
  })
  t.test('says so when nothing is wrong, and what it has not seen', async (t) => {
    t.match(diagnosisOf([finding('relay-range', well('in'))]), /^No fault: media gets through\.$/)
    t.equal(
      diagnosisOf([finding('relay-range', { ...well('in'), extent: '4 ports tried' })]),
      'No fault: media gets through (4 ports tried).',
    )
    t.match(
      diagnosisOf([finding('relay-range', notChecked('there are no credentials'))]),
      /was not seen, because there are no credentials\.$/,
    )
    t.match(diagnosisOf([finding('listeners', well('free'), 'this machine')]), /^No fault that this machine can see/)
    t.match(diagnosisOf([firewalled, { ...firewalled, id: 'other' }]), /\(and 1 more fault, see above\)\.$/)
  })
  t.test('has lengths of time in words', async (t) => {
    t.same([0, 1, 59, 60, 3600, 5400, 86_400, 180_000].map(durationText), [
      ...['0 seconds', '1 second', '59 seconds', '1 minute', '1 hour', '1 hour 30 minutes', '1 day', '2 days 2 hours'],
    ])
  })
})
