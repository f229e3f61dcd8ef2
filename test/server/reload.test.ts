// A server takes over other settings while it relays: all of them or none, and calls go on. On both engines, with real clients.
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { get } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { makeUsersFileLine } from '../../src/auth/users-file.js'
import type { TurnServerOptions } from '../../src/index.js'
import { silentLogger } from '../../src/log/logger.js'
import { ServerCertificate } from '../../src/server/certificate.js'
import { prepareCertificate } from '../../src/server/certificate-reload.js'
import { until } from '../command/until.js'
import { makeCertificate, testCertificate } from '../support/certificate.js'
import { DGRAM, ENGINES_IN_TIME } from '../support/engines.js'
import { UdpPeer } from '../support/udp-peer.js'
import { ALICE, CHANNEL, HOST, ReloadStage, rowOf, SteadyCall } from './reload-stage.js'
import { settingsOf } from './settings.js'

const isLong = process.env.TURND_TEST_LONG === '1'
const BOB = { username: 'bob', password: 'other' } as const
/** With PEM header, but nothing in it. */
const BROKEN_PEM = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'

t.setTimeout(240_000)

t.test('a status page that others reach keeps its certificate', async (t) => {
  const { certPath, keyPath } = testCertificate()
  const logger = silentLogger()
  const warn = () => {}
  const from = settingsOf({ cert: certPath, key: keyPath })
  const present = new ServerCertificate(certPath, keyPath, from, logger, warn)
  t.teardown(() => present.close())
  const prepare = (adminListen: string, hasAdminServer = true) =>
    prepareCertificate({ present, from, to: settingsOf({ adminListen }), hasAdminServer, logger, warn })
  for (const [adminListen, place] of [
    [':8445', '*:8445'],
    ['192.0.2.1:8445', '192.0.2.1:8445'],
  ]) {
    const message = `without --cert and --key the status page at ${place} would be in the clear, and it is not on loopback: `
    const refused = {
      code: 'TURND_ERR_CERTIFICATE',
      message: `${message}keep them, or restart with another --admin-listen`,
    }
    await t.rejects(prepare(adminListen), refused)
  }
  for (const host of ['127.0.0.1', '[::1]']) t.equal((await prepare(`${host}:8445`)).material, null)
  t.equal((await prepare(':8445', false)).material, null, 'where there is no page')
})

for (const engine of ENGINES_IN_TIME) {
  t.test(`the ${engine.name} engine`, { skip: engine.skip }, async (t) => {
    // What the main thread does before and after its workers are asked is the same with either engine: with the one that starts sooner.
    const plain = isLong ? engine : DGRAM

    t.test('relays without loss while users, secrets, policy, limits and listeners change', async (t) => {
      const stage = await ReloadStage.start(t, engine)
      const call = await SteadyCall.start(t, await stage.connect(t))
      const changes: TurnServerOptions[] = [
        { user: ['alice:secret', 'bob:other'], authSecret: 'shared' },
        { denyPeer: '127.9.0.0/16', nat64Prefix: '2001:db8:64::/96' },
        { maxAllocations: 5000, userQuota: 10, permissionsMax: 7, channelsMax: 7, channelRange: 'rfc5766' },
        { maxBps: 100_000_000, userMaxBps: 200_000_000, unauthenticatedRate: 50 },
        { listen: [`udp:${HOST}:0`, `tcp:${HOST}:0`, `tls:${HOST}:0`], logLevel: 'silent', publicName: 'turn.test' },
        {},
      ]
      for (const change of changes) {
        const result = await stage.change(change)
        t.same(result.errors, [])
        t.equal(result.applied, true, Object.keys(change).join())
        await call.refresh(t)
      }
      await call.end(t, 'through six reloads')
    })

    for (const scheme of ['udp', 'tcp'] as const) {
      const listen = { listen: [`udp:${HOST}:0`, `tcp:${HOST}:0`] }

      t.test(`over ${scheme}`, async (t) => {
        t.test('lets users in and out', async (t) => {
          const stage = await ReloadStage.start(t, engine, listen)
          const call = await SteadyCall.start(t, await stage.connect(t, scheme))
          t.equal(await stage.allocateCode(t, BOB, scheme), 401)
          const result = await stage.change({ user: 'bob:other' })
          const row = { from: '1 user', to: 'changed', effect: 'live', note: /^1 added, 1 removed, 0 with/ }
          t.match(rowOf(result, '--user'), row)
          t.notMatch(JSON.stringify(result), /secret|other/, 'no password is shown')
          t.equal(await stage.allocateCode(t, BOB, scheme), 0)
          t.equal(await stage.allocateCode(t, ALICE, scheme), 401)
          t.equal((await call.client.refresh()).code, 401, 'the allocation cannot be refreshed')
          await call.end(t, 'and goes on until its end')
        })

        t.test('cuts off a peer that is denied now, and lets it through again', async (t) => {
          // No other relay may be there: it would open its address.
          const stage = await ReloadStage.start(t, engine, listen)
          const call = await SteadyCall.start(t, await stage.connect(t, scheme))
          t.equal(await call.passes(), true)
          t.match(rowOf(await stage.change({ denyPeer: '127.0.0.1' }), '--deny-peer'), {
            from: 'none',
            to: '127.0.0.1',
          })
          t.equal(await call.passes(), false)
          t.equal((await call.client.createPermission(call.peer.address)).code, 403)
          await stage.change({})
          t.equal(await call.passes(), true)
        })
      })
    }

    t.test('shows another certificate, and asks another web server', async (t) => {
      const web = createServer((_, response) => response.end('the web server'))
      web.listen(0, HOST)
      await once(web, 'listening')
      t.teardown(() => web.close())
      const { port: webPort } = web.address() as AddressInfo
      const stage = await ReloadStage.start(t, engine, { listen: `tls:${HOST}:0` })
      const port = stage.port('tls')
      t.match(await getPage(port, testCertificate().cert), /no pages/)
      const other = makeCertificate('turn.test')
      const change = { cert: other.certPath, key: other.keyPath, httpUpstream: `http://${HOST}:${webPort}` }
      t.same((await stage.change(change)).errors, [])
      t.equal(await getPage(port, other.cert), 'the web server')
      const named = await stage.change({ ...change, httpName: 'pages.test' })
      t.match(rowOf(named, '--http-name'), { from: 'none', to: 'pages.test', effect: 'live' })
      t.match(named.warnings, [
        /does not name pages\.test .*: browsers will refuse https:\/\/pages\.test \(--http-name\)/,
      ])
      t.match(await getPage(port, other.cert), /^Misdirected request: .* ask for pages\.test\.$/m)
      await stage.change({})
      t.match(await getPage(port, testCertificate().cert), /no pages/)
    })

    t.test('reads the users file, the secret file and the certificate again, and takes over other files', async (t) => {
      const directory = t.testdir()
      const path = join(directory, 'users')
      const secretPath = join(directory, 'secrets')
      const write = (...names: string[]) =>
        writeFileSync(path, names.map((name) => `${makeUsersFileLine(name, 'turnd', 'other').text}\n`).join(''))
      write('carol')
      writeFileSync(secretPath, 'one\n')
      const { certPath, keyPath } = makeCertificate('turn.test')
      const options = { usersFile: path, authSecretFile: secretPath, cert: certPath, key: keyPath }
      const stage = await ReloadStage.start(t, plain, options)
      t.same((await stage.change({})).changes, [], 'nothing is different')
      const other = makeCertificate('turn.test')
      write('carol', 'bob')
      writeFileSync(secretPath, 'one\ntwo\n')
      writeFileSync(certPath, other.cert)
      writeFileSync(keyPath, other.key)
      const dry = await stage.change({}, true)
      const result = await stage.change({})
      // They are looked at by the clock as well, and may have been read meanwhile.
      t.equal(result.applied, true)
      t.match(rowOf(dry, 'the users file'), {
        from: '1 user',
        to: '2 users',
        note: /1 added, 0 removed, 0 with new/,
      })
      t.match(rowOf(dry, 'the secret file'), { from: '1 secret', to: '2 secrets', note: /1 added, 0 removed/ })
      t.match(rowOf(dry, 'the certificate'), { to: /turn\.test, .*until 20/ })
      t.equal(await stage.allocateCode(t, BOB), 0)
      const otherPath = join(directory, 'others')
      writeFileSync(otherPath, `${makeUsersFileLine('dora', 'turnd', 'other').text}\n`)
      t.match(rowOf(await stage.change({ usersFile: otherPath }), '--users-file'), { from: path, to: otherPath })
      t.equal(await stage.allocateCode(t, BOB), 401)
      t.equal(await stage.allocateCode(t, { ...BOB, username: 'dora' }), 0)
      writeFileSync(otherPath, `${makeUsersFileLine('bob', 'turnd', 'other').text}\n`)
      await until(async () => (await stage.allocateCode(t, BOB)) === 0, 'the new file is watched')
    })

    t.test('is whole, and says so, whatever a listener of its warnings does', async (t) => {
      const stage = await ReloadStage.start(t, plain)
      const warnings: string[] = []
      stage.server.on('warning', (text) => {
        warnings.push(text)
        throw new Error('of the listener')
      })
      const other = makeCertificate('turn.test')
      const change = { cert: other.certPath, key: other.keyPath, publicName: 'elsewhere.test', user: 'bob:other' }
      const result = await stage.change(change)
      t.match(result, { applied: true, errors: [], warnings: [/elsewhere\.test/] })
      t.same(warnings, result.warnings)
      t.equal(await stage.allocateCode(t, BOB), 0)
      t.match(stage.server.settings, { cert: other.certPath })
    })

    t.test('raises and lowers limits: whoever is there stays', async (t) => {
      const stage = await ReloadStage.start(t, engine, { maxAllocations: 1, channelsMax: 1 })
      const first = await SteadyCall.start(t, await stage.connect(t))
      t.equal(await stage.allocateCode(t), 508)
      t.equal((await first.client.bindChannel(CHANNEL + 1, (await UdpPeer.open(t)).address)).code, 508)
      t.equal((await stage.change({ maxAllocations: 3, channelsMax: 2 })).applied, true)
      t.equal(await stage.allocateCode(t), 0)
      t.equal(await stage.allocateCode(t), 0)
      t.equal(await stage.allocateCode(t), 508)
      t.equal((await first.client.bindChannel(CHANNEL + 1, (await UdpPeer.open(t)).address)).code, 0)
      const lowered = await stage.change({ maxAllocations: 2, userQuota: 1 })
      t.match(rowOf(lowered, '--max-allocations'), {
        note: '3 exist and stay: new ones are refused until there are fewer than 2',
      })
      t.equal(await stage.allocateCode(t), 486)
      t.equal((await first.client.refresh()).code, 0)
      await first.end(t, 'the first call')
    })

    t.test('gives allocations that exist another bandwidth', async (t) => {
      const stage = await ReloadStage.start(t, engine)
      const client = await stage.connect(t)
      const peer = await UdpPeer.open(t, HOST)
      t.equal((await client.allocate()).code, 0)
      t.equal((await client.bindChannel(CHANNEL, peer.address)).code, 0)
      const arriveOf = async (count: number) => {
        for (let index = 0; index < count; index++) client.sendChannelData(CHANNEL, Buffer.alloc(1000))
        await client.settle()
        return (await peer.receivedSoFar()).length
      }
      t.equal(await arriveOf(50), 50)
      await stage.change({ maxBps: 8000 })
      t.ok((await arriveOf(50)) < 10, 'a kilobyte a second')
      await stage.change({ userMaxBps: 8000 })
      t.ok((await arriveOf(50)) < 10, 'of the user')
      await stage.change({})
      t.equal(await arriveOf(50), 50, 'without a limit again')
    })

    t.test('says what a restart is needed for, and leaves it', async (t) => {
      const stage = await ReloadStage.start(t, plain)
      const change: TurnServerOptions = { realm: 'other', minPort: 25_000, stateDir: '/elsewhere', drainTimeout: 7 }
      const result = await stage.change(change)
      t.equal(result.applied, true)
      t.same(
        result.changes.map(({ effect, name }) => [name, effect]),
        [
          ['--min-port', 'restart'],
          ['--realm', 'restart'],
          ['--drain-timeout', 'live'],
          ['--state-dir', 'restart'],
        ],
      )
      for (const { effect, note } of result.changes) if (effect === 'restart') t.ok(note.length > 10)
      t.match(stage.server.settings, { realm: 'turnd', minPort: 24_000, drainTimeout: 7 })
      t.equal(await stage.allocateCode(t), 0)
      t.equal((await stage.change(change)).changes.length, 3, 'what waits is said again')
    })

    t.test('changes nothing in a dry run, which shows the same', async (t) => {
      const stage = await ReloadStage.start(t, plain)
      const call = await SteadyCall.start(t, await stage.connect(t))
      const before = snapshotOf(stage)
      const change = { user: 'bob:other', denyPeer: '127.0.0.1', listen: `tls:${HOST}:0`, maxBps: 1 }
      const dry = await stage.change(change, true)
      t.equal(dry.applied, false)
      t.match(rowOf(dry, '--listen'), { note: /removed: 1 client that came over it is disconnected/ })
      t.same(snapshotOf(stage), before)
      t.equal((await call.client.refresh()).code, 0)
      t.equal(await stage.allocateCode(t, BOB), 401)
      await call.end(t, 'during a dry run')
      t.same((await stage.change(change)).changes, dry.changes)
    })

    t.test('stays as it was, whatever is wrong', async (t) => {
      const stage = await ReloadStage.start(t, engine, { listen: [`udp:${HOST}:0`, `tcp:${HOST}:0`] })
      const call = await SteadyCall.start(t, await stage.connect(t))
      const taken = await UdpPeer.open(t, HOST)
      const server = createServer().listen(0, HOST)
      await once(server, 'listening')
      t.teardown(() => server.close())
      const takenTcp = (server.address() as AddressInfo).port
      const before = snapshotOf(stage)
      for (const [what, change, sentence] of brokenChanges(t, taken.address.port, takenTcp)) {
        // With what could be applied, which must not be.
        const result = await stage.change({ user: 'bob:other', denyPeer: '127.0.0.1', maxAllocations: 1, ...change })
        t.match(result, { applied: false, changes: [], errors: [sentence] }, what)
        t.equal(result.errors.length, 1, what)
        t.same(snapshotOf(stage), before, what)
        t.equal(await stage.allocateCode(t, BOB), 401, what)
        t.equal((await call.client.refresh()).code, 0, what)
      }
      t.equal(await stage.allocateCode(t), 0)
      await call.end(t, 'through reloads that fail')
      const added = await stage.change({ listen: [`udp:${HOST}:0`, `tcp:${HOST}:0`, `dtls:${HOST}:0`] })
      t.equal(added.applied, true, 'and a good one works afterwards')
    })

    t.test('takes one reload after the other', async (t) => {
      const stage = await ReloadStage.start(t, plain)
      const results = await Promise.all([
        stage.change({ userQuota: 1 }),
        stage.change({ userQuota: 2 }, true),
        stage.change({ userQuota: 3 }),
      ])
      t.same(
        results.map((result) => rowOf(result, '--user-quota')).map((row) => [row?.from, row?.to]),
        [
          ['0', '1'],
          ['1', '2'],
          ['1', '3'],
        ],
      )
      t.equal(stage.server.settings.userQuota, 3)
    })

    t.test('has nothing to change when it has stopped', async (t) => {
      const stage = await ReloadStage.start(t, plain)
      await stage.server.stop()
      t.match(await stage.change({ maxBps: 1 }), { applied: false, errors: ['the server does not run'] })
    })
  })
}

function getPage(port: number, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: HOST, port, ca, servername: 'turn.test', agent: false }
    get(options, async (response) => {
      response.setEncoding('utf8')
      let text = ''
      for await (const part of response) text += part
      resolve(text)
    }).once('error', reject)
  })
}

function snapshotOf({ server }: ReloadStage): unknown {
  return { address: server.address(), uris: server.uris(), settings: JSON.stringify(server.settings) }
}

/** Each with the beginning of its sentence. */
function brokenChanges(t: Test, takenPort: number, takenTcp: number): [string, TurnServerOptions, RegExp][] {
  const directory = t.testdir({ users: 'nonsense\n', empty: '', pem: BROKEN_PEM })
  const path = (name: string) => join(directory, name)
  const listen = (...specs: string[]) => ({ listen: [`udp:${HOST}:0`, `tcp:${HOST}:0`, ...specs] })
  return [
    ['an unknown option', { nonsense: 1 } as unknown as TurnServerOptions, /^the option "nonsense" does not exist/],
    ['a bad value', { maxBps: -1 }, /^maxBps -1 is not/],
    ['a contradiction', { minPort: 30_000, maxPort: 29_000 }, /^minPort 30000 is above/],
    ['a bad rule', { allowPeer: 'nonsense' }, /^allowPeer "nonsense" is not/],
    ['a users file that is not there', { usersFile: path('none') }, /^--users-file .*none: /],
    ['a users file that is broken', { usersFile: path('users') }, /^--users-file .*users, line 1/],
    ['a secret file without a secret', { authSecretFile: path('empty') }, /^--auth-secret-file .* holds no secret/],
    ['a certificate that is none', { cert: path('pem') }, /^--cert .*pem/],
    ['a key of another certificate', { key: makeCertificate('other').keyPath }, /^--key .* is not the key/],
    [
      'an authority that is none',
      { httpUpstream: 'https://a.test', httpUpstreamCa: path('empty') },
      /^--http-upstream-ca/,
    ],
    [
      'a port that is in use, as the last of several',
      listen(`dtls:${HOST}:0`, `udp:${HOST}:${takenPort}`),
      /: (?:this process itself|another process) listens on UDP/,
    ],
    [
      'a TCP port that is in use',
      listen(`dtls:${HOST}:0`, `tcp:${HOST}:${takenTcp}`),
      /: (?:this process itself|another process) listens on TCP/,
    ],
    ['an address of another machine', listen('tls:203.0.113.99:0'), /is not an address of this machine/],
  ]
}
