// `turnd why` without a server process: its arguments, one sentence for each thing wrong with them, and its words for what a server reports.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { ControlSocket } from '../../src/admin/control-socket.js'
import type { WhyFilter, WhyRefusal, WhyReport } from '../../src/admin/schema/why.js'
import { runWhyCommand } from '../../src/commands/why.js'
import { parseWhyArguments } from '../../src/commands/why-arguments.js'
import { whyLines } from '../../src/commands/why-text.js'
import { CONNECTION_REFUSALS } from '../../src/log/connection-refusals.js'
import { DROP_REASONS } from '../../src/log/drops.js'
import { REFUSAL_REASONS } from '../../src/log/refusals.js'
import { HOSTILE_NAMES } from '../command/hostile-names.js'
import { temporaryDirectory } from '../support/certificate.js'

const MINUTE = 60_000
const NOW = Date.parse('2026-01-02T09:00:00Z')
const before = (milliseconds: number) => new Date(NOW - milliseconds).toISOString()

async function run(argv: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const code = await runWhyCommand(argv, { stdout, stderr, env })
  return { code, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
}

function refusal(more: Partial<WhyRefusal> = {}): WhyRefusal {
  const { meaning, remedy } = REFUSAL_REASONS['bad-password']
  return {
    ...{ reason: 'bad-password', user: 'turnuser', source: '192.0.2.7', port: 50713, peer: '' },
    ...{ method: 'Allocate', code: 401, detail: '', count: 14, firstTime: before(12 * MINUTE), lastTime: before(3000) },
    ...{ meaning, remedy },
    ...more,
  }
}

function report(more: Partial<WhyReport> = {}): WhyReport {
  return {
    ...{ pid: 4711, startTime: before(180 * MINUTE), time: new Date(NOW).toISOString(), engine: 'native' },
    ...{ listening: ['udp:192.0.2.1:3478'], relayPorts: { min: 24_000, max: 29_999 }, allocationCount: 0 },
    ...{ packetsReceived: 5, refusals: [], leftOutCount: 0, others: {}, unknownUsers: [], totals: {} },
    ...{ undescribed: {}, notes: [], drops: [], allocations: [], allocationEntriesForgotten: 0 },
    ...more,
  }
}

function textOf(more: Partial<WhyReport>, filter: WhyFilter = {}): string {
  return whyLines(report(more), filter).join('\n')
}

t.test('a page that was asked for by another name is told with both names', async (t) => {
  const reason = 'http-host'
  const about = { reason, user: '', source: '172.16.84.124', port: 50713, method: '', code: 0, count: 2 }
  const detail = 'Host "cmsweb.cms.octavio.local" instead of cmsweb.octavio.com'
  const text = textOf({ refusals: [refusal({ ...about, detail, ...CONNECTION_REFUSALS[reason] })] })
  t.match(text, `2 times  172.16.84.124 (last port 50713): ${detail}`)
  t.match(text, /http-host: a page was asked for by a name .*--http-name/)
})

t.test('what else there is to say of a refusal stands behind it', async (t) => {
  t.match(textOf({ refusals: [refusal({ detail: 'not paid' })] }), / → 401 \(not paid\)\n/)
  t.match(textOf({ refusals: [refusal({})] }), / → 401\n/)
})

t.test('arguments', async (t) => {
  const parse = (line: string, env: NodeJS.ProcessEnv = {}) => parseWhyArguments(line.split(' ').filter(Boolean), env)

  t.test('become a filter', async (t) => {
    t.match(parse(''), { filter: {}, isJson: false, stateDirectory: 'turnd-state' })
    t.same(parse('--user alice --source 192.0.2.7 --reason bad-password --since 10m --json --state-dir d'), {
      filter: { user: 'alice', source: '192.0.2.7', reason: 'bad-password', sinceSeconds: 600 },
      ...{ isJson: true, stateDirectory: 'd' },
    })
    for (const line of ['--user alice --help', '-h --frob', '-h alice', '-h --user', '--since x -h'])
      t.equal(parse(line), null)
  })

  t.test('take a source as logs show it, and durations in four units', async (t) => {
    const sources = ['192.0.2.7:50713', '[2001:db8::1]:50713', '[2001:db8::1]', '2001:db8::/32', '192.0.2.0/24']
    t.same(
      sources.map((source) => parse(`--source ${source}`)?.filter.source),
      ['192.0.2.7', '2001:db8::1', '2001:db8::1', '2001:db8::/32', '192.0.2.0/24'],
    )
    t.same(
      ['90s', '10m', '2h', '1d'].map((since) => parse(`--since ${since}`)?.filter.sinceSeconds),
      [90, 600, 7200, 86_400],
    )
    for (const reason of ['not-stun', 'bandwidth', 'stalled-client', 'peer-policy']) {
      t.equal(parse(`--reason ${reason}`)?.filter.reason, reason)
    }
  })

  t.test('find the state directory as the server does', async (t) => {
    const directory = t.testdir({ 'turnd.json': '{"state-dir": "from-file", "realm": "x"}', 'none.json': '{}' })
    const file = join(directory, 'turnd.json')
    const found = (line: string, env: NodeJS.ProcessEnv = {}) => parse(line, env)?.stateDirectory
    const env = { TURND_STATE_DIR: 'from-env', STATE_DIRECTORY: '/var/lib/turnd:/other', TURND_CONFIG: file }
    t.equal(found('--state-dir d', env), 'd')
    t.equal(found('', env), 'from-env')
    t.equal(found('', { ...env, TURND_STATE_DIR: '' }), 'from-file', 'an empty variable gives nothing')
    t.equal(found(`--config ${file}`, { STATE_DIRECTORY: '/var/lib/turnd' }), 'from-file')
    t.equal(
      found(`--config ${join(directory, 'none.json')}`, { STATE_DIRECTORY: '/var/lib/turnd:/other' }),
      '/var/lib/turnd',
    )
    t.equal(found(''), 'turnd-state')
  })

  const wrong: readonly [argv: readonly string[], sentence: RegExp][] = [
    [['--usr', 'alice'], /unknown option --usr/],
    [['alice'], /unexpected argument "alice"/],
    [['--user'], /--user needs a value\n/],
    [['--user', ''], /--user needs a value, and has an empty one: leave the option out instead\n/],
    [['--user='], /--user needs a value, and has an empty one/],
    [['--since', '-5m'], /--since needs a value: --since VALUE, or --since=VALUE if it begins with a dash/],
    [['--since=-5m'], /--since "-5m" is not a duration: give 90s/],
    [['--json=yes'], /--json takes no value/],
    [['--user', 'a', '--user', 'b'], /--user is given more than once/],
    [['--source', 'localhost'], /--source "localhost" is neither an IP address nor a CIDR block: give 192/],
    [['--source', '192.0.2.0/33'], /neither an IP address nor a CIDR/],
    [['--reason', 'bad-pasword'], /"bad-pasword" is no reason: did you mean bad-password\?/],
    [['--reason', 'x\u001b[2J'], /is no reason/],
    [['--since', '10'], /--since "10" is not a duration: give 90s/],
    [['--since', '0m'], /not a duration/],
    [['--config', '/nowhere/turnd.json'], /--config \/nowhere\/turnd\.json cannot be read: there is no such file/],
  ]
  for (const [argv, sentence] of wrong) {
    t.test(`${JSON.stringify(argv)} is one sentence, and exit code 2`, async (t) => {
      const { code, stderr, stdout } = await run(argv)
      t.same({ code, stdout }, { code: 2, stdout: '' })
      t.match(stderr, sentence)
      t.match(stderr, /^turnd why: [^\n\u001b]*\n$/)
    })
  }
})

t.test('without a server', async (t) => {
  const directory = temporaryDirectory()

  t.test('says where it has looked, and what to do; exit code 1', async (t) => {
    const { code, stderr, stdout } = await run(['--state-dir', directory])
    t.same({ code, stdout }, { code: 1, stdout: '' })
    t.match(stderr, `turnd why: no server runs with the state directory ${resolve(directory)}: `)
    t.match(stderr, /--state-dir/)
    t.match(await run(['--state-dir', join(directory, 'nowhere'), '--json']), { code: 1, stdout: '' })
  })

  t.test('names the directory of one that runs', async (t) => {
    const other = join(temporaryDirectory(), 'other')
    mkdirSync(other)
    const control = await ControlSocket.open(other, {})
    t.teardown(() => control.close())
    const { stderr } = await run(['--state-dir', directory])
    // Servers of other tests may run as well.
    t.match(stderr, /there is one with --state-dir \//)
  })

  t.test('a state directory that is none is told; exit code 2', async (t) => {
    writeFileSync(join(directory, 'file'), '')
    t.match(await run(['--state-dir', join(directory, 'file')]), { code: 2, stderr: /not a directory/ })
  })
})

t.test('with servers', async (t) => {
  const serve = async (t: Test, directory: string, why: () => unknown) => {
    const control = await ControlSocket.open(directory, { why })
    t.teardown(() => control.close())
  }

  t.test('asks each, prints each, and names those that fail; exit code 1', async (t) => {
    const directory = temporaryDirectory()
    await serve(t, directory, () => report({ pid: 1 }))
    await serve(t, directory, () => report({ pid: 2 }))
    await serve(t, directory, () => {
      throw new Error('broken\u001b[2J')
    })
    const { code, stderr, stdout } = await run(['--state-dir', directory])
    t.equal(code, 1)
    for (const pid of [1, 2]) t.match(stdout, `turnd, process ${pid} (native engine)`)
    t.match(stdout, /\n\nA server did not answer, \S+\.sock: broken\\u001b\[2J\n$/)
    t.match(stderr, /^turnd why: \S+\.sock: broken\\u001b\[2J\n$/)
    const json = await run(['--state-dir', directory, '--json'])
    const { failed, servers } = JSON.parse(json.stdout)
    t.same(servers.map(({ pid }: WhyReport) => pid).sort(), [1, 2])
    t.match(failed, [{ socket: /control-\d+-2\.sock$/, error: 'broken\u001b[2J' }])
    t.equal(failed.length, 1)
    t.equal(json.code, 1)
    t.equal(json.stdout.split('\n').length, 2)
  })

  t.test('that all fail ends with 1', async (t) => {
    const directory = temporaryDirectory()
    await serve(t, directory, () => {
      throw new Error('broken')
    })
    t.match(await run(['--state-dir', directory]), { code: 1, stdout: '', stderr: /broken\n$/ })
    const { code, stdout } = await run(['--state-dir', directory, '--json'])
    t.match({ code, ...JSON.parse(stdout) }, { code: 1, servers: [], failed: [{ error: 'broken' }] })
  })

  t.test('that all answer ends with 0', async (t) => {
    const directory = temporaryDirectory()
    await serve(t, directory, () => report({ pid: 1 }))
    const { code, stdout } = await run(['--state-dir', directory, '--json'])
    t.match({ code, ...JSON.parse(stdout) }, { code: 0, servers: [{ pid: 1 }], failed: [] })
  })

  t.test('hostile names break no line and move no cursor', async (t) => {
    const directory = temporaryDirectory()
    const refusals = HOSTILE_NAMES.map((user) => refusal({ user }))
    const filter = ['--state-dir', directory, '--user']
    await serve(t, directory, () =>
      report({ refusals, unknownUsers: HOSTILE_NAMES, allocations: [allocated({ user: HOSTILE_NAMES[4] })] }),
    )
    const plain = await run([...filter, HOSTILE_NAMES[4]])
    const lineCount = textOf(
      { refusals: HOSTILE_NAMES.map(() => refusal()), allocations: [allocated()] },
      { user: 'turnuser' },
    )
    t.equal(plain.stdout.split('\n').filter((line) => line.startsWith('  14 times')).length, HOSTILE_NAMES.length)
    t.notMatch(
      plain.stdout,
      /forged\r|^forged|[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\u2066\u2028\u2029\u200b]/m,
    )
    t.ok(plain.stdout.split('\n').length <= lineCount.split('\n').length + 5)
    const json = await run([...filter, 'x', '--json'])
    t.notMatch(json.stdout.trimEnd(), /[\u0000-\u001f\u007f-\u009f\u202e\u2066\u2028\u2029\u200b]/)
    t.same(
      JSON.parse(json.stdout).servers[0].refusals.map(({ user }: WhyRefusal) => user),
      HOSTILE_NAMES,
    )
  })
})

function allocated(more: Partial<WhyReport['allocations'][number]> = {}): WhyReport['allocations'][number] {
  return {
    ...{ user: 'turnuser', source: '192.0.2.7', count: 3, liveCount: 1 },
    ...{ firstTime: before(10 * MINUTE), lastTime: before(10_000) },
    ...{ endedCount: 0, packetsFromClient: 0, packetsToClient: 0 },
    ...more,
  }
}

t.test('the words', async (t) => {
  t.test('of a refusal: who, whence, what, how often, since when, why, and what to do', async (t) => {
    t.equal(
      textOf({ refusals: [refusal()] }),
      `turnd, process 4711 (native engine), started 3 hours ago (2026-01-02T06:00:00Z), has 0 allocations now. It listens on udp:192.0.2.1:3478.

bad-password: the user exists, but the message integrity does not match its password
  14 times  "turnuser" from 192.0.2.7 (last port 50713): Allocate → 401
            last 3 seconds ago (2026-01-02T08:59:57Z), first 12 minutes ago (2026-01-02T08:48:00Z)
  What to do: set the same password on the client and on the server`,
    )
  })

  t.test('of one without an answer, a user or a second time, and with a peer', async (t) => {
    const text = textOf({
      refusals: [refusal({ user: '', code: 0, count: 1, peer: '10.0.0.1:80', method: 'ChannelBind' })],
    })
    t.match(text, '\n  once  192.0.2.7 (last port 50713): ChannelBind to 10.0.0.1:80 → no answer\n')
    t.match(text, '\n        3 seconds ago (2026-01-02T08:59:57Z)\n')
  })

  t.test('of many of one reason are said once, and how many were only counted', async (t) => {
    const refusals = Array.from({ length: 12 }, (_, index) => refusal({ source: `192.0.2.${index}` }))
    const text = textOf({ refusals, undescribed: { 'bad-password': 7 } })
    t.equal(text.split('bad-password: ').length, 2)
    t.equal(text.split('14 times').length - 1, 10)
    t.match(text, '\n  and 2 more, which --json has\n')
    t.match(text, '\n  and 7 refusals that were only counted: there were too many\n')
    const one = textOf({ refusals, undescribed: { 'bad-password': 1 } })
    t.match(one, '\n  and 1 refusal that was only counted: there were too many\n')
    t.notMatch(text, 'Only counted', 'and nothing twice')
  })

  t.test('of drops have the sources that are known', async (t) => {
    const drops = (['reply-limit', 'bandwidth'] as const).map((reason) => ({
      reason,
      count: 9,
      ...DROP_REASONS[reason],
    }))
    const sample = refusal({ reason: 'reply-limit', user: '', method: '', code: 0, source: '198.51.100.9' })
    const text = textOf({ drops, refusals: [sample] })
    t.match(text, `9 times  reply-limit: ${DROP_REASONS['reply-limit'].meaning}`)
    t.match(text, 'among them 198.51.100.9 (last port 50713), last 3 seconds ago')
    t.match(text, '--max-bps')
    t.notMatch(
      textOf({ drops, refusals: [refusal()] }, { user: 'turnuser' }),
      'bandwidth',
      'nobody knows whose they were',
    )
  })

  t.test('where nothing was refused: that, and whether anybody came', async (t) => {
    t.match(textOf({}), /\nNothing was refused since the start 3 hours ago\.$/)
    t.match(textOf({ packetsReceived: 0 }), /Not one packet has reached this server: look at DNS, firewalls/)
    t.match(textOf({}, { sinceSeconds: 600 }), 'Nothing was refused in the last 10 minutes.')
    t.match(textOf({}, { reason: 'licence' }), 'licence has not happened since the start 3 hours ago.')
  })

  t.test('of a user who never came: where the server listens, and where to look', async (t) => {
    const text = textOf({}, { user: 'turnuser' })
    t.match(text, 'It listens on udp:192.0.2.1:3478.')
    t.match(text, 'No request that names "turnuser" has reached this server since the start 3 hours ago')
    t.match(text, /look at DNS, firewalls and port forwarding/)
    t.match(textOf({}, { source: '192.0.2.7' }), 'No request from 192.0.2.7 was refused or led to an allocation')
  })

  t.test('of a user who got through: allocations, and whether media came back', async (t) => {
    const filter = { user: 'turnuser' }
    const with3 = textOf({ allocations: [allocated()] }, filter)
    t.match(with3, 'Nothing was refused of "turnuser" since the start 3 hours ago.')
    t.match(
      with3,
      '"turnuser" from 192.0.2.7 got 3 allocations since 10 minutes ago, last 10 seconds ago; 1 of them now.',
    )
    const oneWay = allocated({ endedCount: 2, packetsFromClient: 500 })
    t.match(
      textOf({ allocations: [oneWay] }, filter),
      'Those 2 that have ended relayed 500 packets to peers and 0 back.',
    )
    t.match(textOf({ allocations: [oneWay] }, filter), /Nothing came back: let the firewall pass UDP .* 24000-29999/)
    t.match(textOf({ allocations: [allocated({ endedCount: 1 })] }, filter), 'Nothing was sent through it')
    const bothWays = allocated({ endedCount: 1, packetsFromClient: 500, packetsToClient: 400 })
    t.match(textOf({ allocations: [bothWays] }, filter), /500 packets to peers and 400 back\.$/)
  })

  t.test('of what a filter has left out: a name much like it, floods, and others', async (t) => {
    const text = textOf(
      { unknownUsers: ['turnusr', 'bob'], undescribed: { 'unknown-user': 9 }, others: { 'unknown-user': 31 } },
      { user: 'turnuser' },
    )
    t.match(text, 'Somebody was refused as "turnusr", which no user is called')
    t.match(text, 'Only counted since the start, whoever they were of, because there were too many: unknown-user 9.')
    t.match(text, 'Refusals of others: unknown-user 31.')
    t.match(textOf({ leftOutCount: 1 }, { user: 'turnuser' }), '\n1 entry did not fit')
  })

  t.test('of counts since the start are once, and nobody’s in particular', async (t) => {
    for (const filter of [{ user: 'turnuser' }, { source: '192.0.2.7' }, { sinceSeconds: 600 }]) {
      const text = textOf({ refusals: [refusal()], undescribed: { 'bad-password': 2988 } }, filter)
      t.notMatch(text, '2988 refusals')
      t.equal(text.split('2988').length, 2)
      t.match(
        text,
        'Only counted since the start, whoever they were of, because there were too many: bad-password 2988.',
      )
    }
    const text = textOf({ refusals: [refusal()], undescribed: { 'unknown-user': 5 } })
    t.match(text, 'there were too many: unknown-user 5.', 'of a reason that has no group')
  })

  t.test('do not deny what may be among what was only counted', async (t) => {
    const undescribed = { 'unknown-user': 2936, 'bad-password': 1 }
    const among =
      /\nIt may have happened all the same: 2937 refusals and drops were only counted since the start, .* among them\.\nAsk/
    for (const [filter, what] of [
      [{ user: 'alice' }, 'no refusal and no allocation of "alice" since the start 3 hours ago.'],
      [{ source: '192.0.2.7' }, 'no refusal and no allocation from 192.0.2.7 since the start'],
      [
        { user: 'alice', source: '192.0.2.7', sinceSeconds: 600 },
        'no refusal and no allocation of "alice" from 192.0.2.7 in the',
      ],
      [{ reason: 'unknown-user', source: '10.0.0.1' }, 'no unknown-user from 10.0.0.1 since the start'],
      [{ sinceSeconds: 600 }, 'no refusal and no allocation in the last 10 minutes.'],
    ] as const) {
      const text = textOf({ undescribed }, filter)
      t.match(text, `This server remembers ${what}`)
      t.match(text, among)
      t.notMatch(text, /DNS|has not happened|has reached this server|Nothing was refused/)
    }
    t.match(
      textOf({ undescribed: { 'unknown-user': 1 } }, { user: 'alice' }),
      'same: 1 refusal or drop was only counted',
    )
    const forgotten = textOf({ allocationEntriesForgotten: 3 }, { user: 'alice' })
    t.match(forgotten, 'remembers no refusal and no allocation of "alice"')
    t.match(forgotten, 'Of 3 clients that got allocations, longest ago, nothing is remembered')
    t.notMatch(forgotten, /DNS|has reached this server/)
    const got = textOf({ undescribed, allocations: [allocated()] }, { user: 'turnuser' })
    t.match(got, 'This server remembers no refusal of "turnuser" since')
  })

  t.test('nor what was dropped without a name', async (t) => {
    for (const reason of ['reply-limit', 'failure-budget'] as const) {
      const drops = [{ reason, count: 12, ...DROP_REASONS[reason] }]
      const text = textOf({ drops }, { user: 'alice' })
      t.match(text, 'no refusal and no allocation of "alice"')
      t.match(text, `Dropped since the start before anybody looked whose they were: ${reason} 12.`)
      t.notMatch(text, /DNS|has reached this server/)
      t.match(textOf({ drops, refusals: [refusal()] }, { user: 'turnuser' }), `whose they were: ${reason} 12.`)
    }
    const drops = [{ reason: 'bandwidth', count: 12, ...DROP_REASONS.bandwidth }] as const
    t.match(textOf({ drops }, { user: 'alice' }), 'No request that names "alice" has reached this server')
    t.notMatch(textOf({ drops }, { user: 'alice', reason: 'bandwidth' }), 'has not happened')
    const scans = { undescribed: { 'not-stun': 9 } }
    t.match(textOf(scans, { user: 'alice' }), 'No request that names "alice" has reached this server')
    t.match(textOf(scans, { user: 'alice', reason: 'not-stun' }), 'This server remembers no not-stun of "alice"')
    t.match(textOf(scans, { source: '192.0.2.7' }), 'remembers no refusal and no allocation from 192.0.2.7')
  })
})
