// Debian's coturn client against the server, client to client through two relays, on both engines: every message must arrive.
// Short runs stand beside one full-size run of each way of sending; `npm run test:long` makes all of them full-size.
import t, { type Test } from 'tap'
import { ENGINES, type EngineUnderTest, MAIN_ENGINE } from '../support/engines.js'
import { peerOrSkip } from '../support/peers.js'
import { type ServerProcess, startServerOn } from '../support/server-process.js'
import { runUclient, UCLIENT_USER } from '../support/uclient.js'
import { uclientLosesNothing } from '../support/uclient-load.js'

const PASSWORD = 'cisco'
const SERVER_ARGS = [
  ...['--realm', 'turnuser', '--user', `${UCLIENT_USER}:${PASSWORD}`],
  // The clients and their peers are on this machine.
  ...['--allow-peer', '127.0.0.0/8', '--relay-ip', '127.0.0.1'],
  // Debian's client draws its channel numbers from the range of RFC 5766.
  ...['--channel-range', 'rfc5766'],
]
/** The runs over IPv6 also show that this client logs in to the profiles of an Expressway. */
const IPV6_PROFILES = { dgram: 'expressway-x8.9', native: 'expressway-x12.6' }
const IPV6_ARGS = ['--listen', 'udp:127.0.0.1:0', '--listen', 'udp:[::1]:0', '--relay-ip', '::1', '--allow-peer', '::1']

/** Servers of both engines run at the same time. */
const RELAY_PORTS = {
  dgram: ['--min-port', '21000', '--max-port', '21499'],
  native: ['--min-port', '21500', '--max-port', '21999'],
}

const isLong = process.env.TURND_TEST_LONG === '1'
const FULL = { messages: 500, clients: 20 }
const SHORT = isLong ? FULL : { messages: 100, clients: 5 }

interface Load {
  readonly messages: number
  readonly clients: number
}

interface Run {
  readonly name: string
  readonly host: '127.0.0.1' | '::1'
  readonly flags: readonly string[]
}

t.setTimeout(isLong ? 600_000 : 240_000)
// The client waits more than it works.
t.jobs = 3

const withoutCoturn = peerOrSkip('turnutils_uclient')
const withoutIpv6 = withoutCoturn || peerOrSkip('IPv6 loopback')

const startEngine = (t: Test, engine: EngineUnderTest, args: readonly string[] = []) =>
  startServerOn(t, engine, [...SERVER_ARGS, ...RELAY_PORTS[engine.name], ...args])

for (const engine of ENGINES) {
  // One engine is enough: the native one, where there is one. The long run has both.
  const isShort = engine !== MAIN_ENGINE && !isLong && 'npm run test:long has them'
  const full = { skip: withoutCoturn || engine.skip || isShort, buffered: true, jobs: 2 }
  t.test(`full-size runs of the coturn client, ${engine.name} engine`, full, async (t) => {
    const server = await startEngine(t, engine)
    const runs: Run[] = [
      { name: 'RTP/RTCP pairs over channels lose nothing (RFC 8656 §12)', host: '127.0.0.1', flags: [] },
      { name: 'RTP/RTCP pairs over Send indications lose nothing (RFC 8656 §11)', host: '127.0.0.1', flags: ['-s'] },
    ]
    for (const run of runs) t.test(run.name, { buffered: true }, (t) => losesNothing(t, server, run, FULL))
  })
}

for (const engine of ENGINES) {
  const four = { skip: withoutCoturn || engine.skip, buffered: true, jobs: 4 }
  t.test(`the coturn client over IPv4, ${engine.name} engine`, four, async (t) => {
    const server = await startEngine(t, engine, ['--mobility'])
    const runs: Run[] = [
      { name: 'pairs over channels lose nothing', host: '127.0.0.1', flags: [] },
      { name: 'pairs over Send indications lose nothing', host: '127.0.0.1', flags: ['-s'] },
      { name: 'pairs whose clients change their ports (-M) lose nothing (RFC 8016)', host: '127.0.0.1', flags: ['-M'] },
      { name: 'single relays (-c) over channels lose nothing', host: '127.0.0.1', flags: ['-c'] },
      { name: 'single relays (-c) over Send indications lose nothing', host: '127.0.0.1', flags: ['-c', '-s'] },
    ]
    // The other two of the second engine are in the long form.
    for (const run of isLong || engine === MAIN_ENGINE ? runs : runs.slice(0, 2)) {
      t.test(run.name, { buffered: true }, (t) => losesNothing(t, server, run, SHORT))
    }
  })

  const three = { skip: withoutIpv6 || engine.skip, buffered: true, jobs: 3 }
  const profile = IPV6_PROFILES[engine.name]
  t.test(
    `the coturn client with IPv6 relays (-x, RFC 8656 §7.1), ${engine.name} engine, ${profile}`,
    three,
    async (t) => {
      const server = await startEngine(t, engine, [...IPV6_ARGS, '--profile', profile])
      const runs: Run[] = [
        { name: 'an IPv6 client loses nothing over channels', host: '::1', flags: ['-x'] },
        { name: 'an IPv6 client loses nothing over Send indications', host: '::1', flags: ['-x', '-s'] },
        { name: 'an IPv4 client loses nothing over IPv6 relays', host: '127.0.0.1', flags: ['-x'] },
      ]
      for (const run of runs) {
        t.test(run.name, { buffered: true }, (t) => losesNothing(t, server, run, SHORT))
      }
    },
  )

  const one = { skip: withoutCoturn || engine.skip, buffered: true }
  t.test(`a wrong password, ${engine.name} engine`, one, async (t) => {
    const server = await startEngine(t, engine)
    t.test('fails the client, and the log says who and why', async (t) => {
      const flags = ['-y', '-n', '1', '-m', '1']
      const report = await runUclient({ host: '127.0.0.1', port: server.port(), password: 'wrong', flags })
      t.not(report.exitCode, 0, 'the client failed', { output: report.output })
      t.equal(report.received, -1, 'nothing was sent')
      const line = await server.waitForLog(({ event }) => event === 'refusal')
      t.match(line, { reason: 'bad-password', user: UCLIENT_USER, source: /^127\.0\.0\.1:\d+$/, code: 401 })
      t.equal(server.linesOf('allocation').length, 0, 'no allocation was made')
    })
  })
}

function losesNothing(t: Test, server: ServerProcess, { host, flags }: Run, load: Load): Promise<void> {
  const port = server.port(host === '::1' ? '[::1]' : host)
  return uclientLosesNothing(t, server, {
    host,
    port,
    password: PASSWORD,
    flags: ['-y', ...flags],
    ...load,
    length: 1000,
  })
}
