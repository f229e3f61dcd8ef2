// What --alternate comes to: names looked up, this server left out, and a running server that takes another one over by a reload.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { planOf } from '../../src/client/probe/probe-plan.js'
import { probeTarget } from '../../src/client/probe/probe-target.js'
import { alternates, judgeAlternate } from '../../src/doctor/inside/alternates.js'
import type { InsideScene } from '../../src/doctor/inside/scene.js'
import { createTurnServer, type TurnServer, type TurnServerOptions } from '../../src/index.js'
import type { Logger } from '../../src/log/logger.js'
import { AlternateServers } from '../../src/server/alternates.js'
import { drainRelaying } from '../../src/server/drain-relaying.js'
import type { Relaying } from '../../src/server/relaying.js'
import { hostAddress, type TransportAddress } from '../../src/stun/address.js'
import { ATTRIBUTE_ALTERNATE_SERVER, METHOD_ALLOCATE } from '../../src/stun/constants.js'
import type { RelayHost } from '../../src/turn/relay-host.js'
import { until } from '../command/until.js'
import { makePair, temporaryDirectory } from '../support/certificate.js'
import { connectUdp } from '../support/client-transport.js'
import { DGRAM, MAIN_ENGINE } from '../support/engines.js'
import { closedPort } from '../support/http-stage.js'
import { connectTcp } from '../support/stream-client.js'
import { describeAllocate, TurnClient } from '../support/turn-client.js'
import { settingsOf } from './settings.js'

const ALICE = { username: 'alice', password: 'secret' } as const
const HOST = '127.0.0.1'

/** What the DNS of a test says; no entry: the name does not exist. */
type Zone = Map<string, readonly string[]>

const address = (host: string): TransportAddress => hostAddress(host) as TransportAddress

function serversOf(zone: Zone, relayHosts: readonly RelayHost[] = []): AlternateServers {
  return new AlternateServers(relayHosts, async (host) => {
    const found = host.match(/^[0-9.]+$|:/) ? [host] : zone.get(host)
    if (found === undefined) throw new Error(`${host}: the name has no address (ENOTFOUND)`)
    return found.map(address)
  })
}

async function take(servers: AlternateServers, options: TurnServerOptions): Promise<void> {
  ;(await servers.prepare(settingsOf({ listen: '192.0.2.1:3478', ...options }))).commit()
}

const hostsOf = (servers: AlternateServers) => servers.list.map(({ addresses }) => addresses.map(String))

t.test('names of other servers', async (t) => {
  t.test('are looked up; one that has no address is told, and the others go on', async (t) => {
    const zone: Zone = new Map([['turn2.test', ['192.0.2.2', '2001:db8::2']]])
    const servers = serversOf(zone)
    await take(servers, { alternate: ['turn2.test*2', 'gone.test:4000', 'tls:192.0.2.4:443'] })
    t.match(servers.list, [
      { transport: null, domain: 'turn2.test', port: 0, weight: 2, addresses: [{}, {}] },
      { domain: 'gone.test', port: 4000, addresses: [] },
      { transport: 2, domain: '', port: 443, addresses: [{}] },
    ])
    t.same(servers.problems(), [{ name: 'gone.test:4000', problem: 'gone.test: the name has no address (ENOTFOUND)' }])
    t.same(servers.described(), [
      'turn2.test*2 (192.0.2.2, 2001:db8::2)',
      'gone.test:4000 (no address)',
      'tls:192.0.2.4:443',
    ])
  })

  t.test('stand in the line of a drain, which says what becomes of new clients', async (t) => {
    const servers = serversOf(new Map([['turn2.test', ['192.0.2.2']]]))
    const said = async () => {
      const lines: string[] = []
      const logger = { info: (_: object, line: string) => lines.push(line) } as unknown as Logger
      const relaying = { drain: async () => {}, allocationCount: () => 0 } as unknown as Relaying
      await drainRelaying({ alternates: servers, relaying }, 1, logger, () => false)
      return lines.join()
    }
    t.equal(await said(), 'draining: new allocations are refused, nothing is left to wait for')
    await take(servers, { alternate: ['turn2.test', 'gone.test'] })
    t.match(await said(), 'new clients are sent to turn2.test (192.0.2.2), gone.test (no address), nothing')
    await take(servers, { alternate: ['gone.test'] })
    t.match(await said(), 'new allocations are refused, since nobody can be sent to gone.test (no address), nothing')
  })

  t.test('are looked up again: what has changed is told once, and what fails keeps its addresses', async (t) => {
    const zone: Zone = new Map([['turn2.test', ['192.0.2.2', '192.0.2.3']]])
    const servers = serversOf(zone)
    await take(servers, { alternate: 'turn2.test' })
    let changes = 0
    servers.onChanged = () => void changes++
    zone.set('turn2.test', ['192.0.2.3', '192.0.2.2'])
    await servers.look()
    t.equal(changes, 0, 'the order does not matter')
    zone.set('turn2.test', ['192.0.2.9'])
    await servers.look()
    t.equal(changes, 1)
    zone.delete('turn2.test')
    await servers.look()
    t.equal(changes, 1)
    t.same(hostsOf(servers), [['192.0.2.9:0']])
    t.equal(servers.problems().length, 1)
    zone.set('turn2.test', ['192.0.2.9'])
    await servers.look()
    t.same(servers.problems(), [])
  })

  t.test('lose the addresses that are this server’s own', async (t) => {
    const zone: Zone = new Map([['pool.test', ['192.0.2.1', '192.0.2.2', '203.0.113.1']]])
    const nat = { address: address('10.0.0.1'), advertised: address('203.0.113.1') }
    const servers = serversOf(zone, [nat])
    await take(servers, { alternate: 'pool.test' })
    t.same(hostsOf(servers), [['192.0.2.2:0']])
    zone.set('pool.test', ['192.0.2.1'])
    await servers.look()
    t.match(servers.problems(), [{ problem: 'pool.test is this server itself' }])
  })

  t.test('and addresses that are this server stop the start', async (t) => {
    const nat = { address: address('10.0.0.1'), advertised: address('203.0.113.1') }
    const servers = serversOf(new Map([['me.test', ['192.0.2.1']]]), [nat])
    const secure = { cert: 'c.pem', key: 'k.pem' }
    const refused: [TurnServerOptions, RegExp][] = [
      [
        { alternate: '192.0.2.1' },
        /^--alternate 192\.0\.2\.1 is this server itself: clients of --listen 192\.0\.2\.1:3478 would/,
      ],
      [{ alternate: 'me.test:3478' }, /^--alternate me\.test:3478 .*: me\.test is 192\.0\.2\.1, and clients of/],
      [{ alternate: '203.0.113.1:3478' }, /itself/],
      [{ alternate: '127.0.0.1', listen: '*:3478' }, /itself: clients of --listen \*:3478/],
      // Over TLS clients keep their port.
      [
        { alternate: '192.0.2.1:4000', listen: ['udp:192.0.2.1:3478', 'tls:192.0.2.1:443'], ...secure },
        /--listen tls:/,
      ],
    ]
    for (const [options, message] of refused) {
      await t.rejects(take(servers, options), { code: 'TURND_ERR_OPTION', message })
    }
    for (const options of [
      { alternate: '192.0.2.1:3479' },
      { alternate: 'tls:192.0.2.1:3478' },
      { alternate: '192.0.2.7', listen: '*:3478' },
    ]) {
      await take(servers, options)
      t.equal(servers.list.length, 1)
    }
  })
})

t.test('a running server', async (t) => {
  t.test('sends clients elsewhere after a reload, and serves them again after another one', async (t) => {
    const options = { ...optionsOf(), listen: [`udp:${HOST}:0`, `tcp:${HOST}:0`], ...MAIN_ENGINE.options }
    const server = await start(t, options)
    const [udp, tcp] = server.address().map(({ port }) => port)
    const codes = async () => {
      const clients = [await connectUdp(HOST, udp), await connectTcp(HOST, tcp)]
      return Promise.all(clients.map((transport) => codeOf(t, transport)))
    }
    t.same(await codes(), ['401', '401'])
    const change = await server.reconfigure({ ...options, alternate: '192.0.2.2', alternateAbove: 0 })
    t.match(change, {
      applied: true,
      changes: [
        { name: '--alternate', to: '192.0.2.2' },
        { name: '--alternate-above', to: '0' },
      ],
    })
    t.same(await codes(), [`300 192.0.2.2:${udp}`, `300 192.0.2.2:${tcp}`])
    const own = await server.reconfigure({ ...options, alternate: HOST, alternateAbove: 0 })
    t.match(own, { applied: false, errors: [/is this server itself/] })
    t.same(await codes(), [`300 192.0.2.2:${udp}`, `300 192.0.2.2:${tcp}`])
    t.match(await server.reconfigure(options), { applied: true })
    t.same(await codes(), ['401', '401'])
    await until(() => server.counters().refusals['redirected-load'] === 4, 'all are counted')
    const { refusals } = server.why()
    t.match(refusals.filter(({ reason }) => reason === 'redirected-load')[0], {
      peer: /^192\.0\.2\.2:/,
      code: 300,
      user: '',
    })
  })

  t.test('and turnd probe go together: over TLS it wants the name that came with the 300 (RFC 8489 §10)', async (t) => {
    const [first, second] = await Promise.all([makePair(HOST), makePair('localhost')])
    const other = await start(t, { ...optionsOf(), ...filesOf(second), listen: `tls:${HOST}:0`, ...DGRAM.options })
    const server = await start(t, {
      ...{ ...optionsOf(), ...filesOf(first), listen: `tls:${HOST}:0`, ...DGRAM.options },
      ...{ alternate: `tls:localhost:${other.address()[0].port}`, alternateAbove: 0 },
    })
    const [target] = planOf(`turns:${HOST}:${server.address()[0].port}?transport=tcp`)
    const report = await probeTarget(target, {
      ...{ credentials: () => ALICE, family: null, isInsecure: false, answerMilliseconds: 5_000, roundTripCount: 3 },
      ...{ payloadLength: 100, bitsPerSecond: 0, seconds: 1, ca: `${first.certificate}${second.certificate}` },
    })
    t.match(report, { outcome: 'works', isRedirected: true, failure: null, security: { serverName: 'localhost' } })
    t.equal(report.server?.port, other.address()[0].port)

    t.test(
      'as do the doctor and an alternate: it answers, its certificate is nobody’s, or it is not there',
      async (t) => {
        const alternate = [`tls:localhost:${other.address()[0].port}`, `tcp:${HOST}:${await closedPort()}`]
        const scene = {
          patienceMs: 5_000,
          settings: settingsOf({ listen: '192.0.2.1:3478', alternate }),
        } as InsideScene
        t.match(await alternates.run(scene, AbortSignal.timeout(20_000)), [
          { verdict: 'warning', text: /^--alternate tls:localhost:\d+: .*signed by itself/ },
          { verdict: 'fault', text: /^--alternate tcp:.* connection refused/ },
        ])
        t.match(judgeAlternate({ text: 'turn2', where: 'UDP turn2:3478', problem: '', certificateProblem: '' }), {
          ...{ verdict: 'ok', text: 'the other server turn2 answers (UDP turn2:3478)' },
        })
      },
    )
  })
})

function optionsOf(): TurnServerOptions {
  return {
    relayIp: HOST,
    allowPeer: '127.0.0.0/8',
    user: `${ALICE.username}:${ALICE.password}`,
    minPort: 23_000,
    maxPort: 23_099,
  }
}

function filesOf({ certificate, key }: Awaited<ReturnType<typeof makePair>>): TurnServerOptions {
  const directory = temporaryDirectory()
  const [cert, keyPath] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
  writeFileSync(cert, certificate)
  writeFileSync(keyPath, key, { mode: 0o600 })
  return { cert, key: keyPath }
}

async function start(t: Test, options: TurnServerOptions): Promise<TurnServer> {
  const server = createTurnServer(options)
  t.teardown(() => server.stop())
  await server.start()
  return server
}

/** Of an Allocate without credentials. */
async function codeOf(t: Test, transport: Parameters<typeof TurnClient.on>[1]): Promise<string> {
  const client = TurnClient.on(t, transport, ALICE)
  const answer = await client.exchange(client.message(METHOD_ALLOCATE, describeAllocate, { integrity: 'none' }))
  if (answer.code !== 300) return String(answer.code)
  const [, , high, low, ...host] = answer.value(ATTRIBUTE_ALTERNATE_SERVER)
  return `300 ${host.join('.')}:${high * 256 + low}`
}
