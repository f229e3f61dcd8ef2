// Listeners come and go while a server runs: a new one serves at once, a removed one refuses and its clients end, all others notice
// nothing. On both engines, of every kind.
import t, { type Test } from 'tap'
import { until } from '../command/until.js'
import { testCertificate } from '../support/certificate.js'
import { ENGINES_ALONE_IN_TIME, withoutDtls } from '../support/engines.js'
import { nextEvent } from '../support/next-event.js'
import { addressOf, UdpPeer } from '../support/udp-peer.js'
import { CHANNEL, connectBy, HOST, ReloadStage, rowOf, SCHEMES, type Scheme, SteadyCall } from './reload-stage.js'

t.setTimeout(240_000)

const listen = (...schemes: Scheme[]) => ({ listen: schemes.map((scheme) => `${scheme}:${HOST}:0`) })

for (const engine of ENGINES_ALONE_IN_TIME) {
  t.test(`the ${engine.name} engine`, { skip: engine.skip }, async (t) => {
    for (const scheme of SCHEMES) {
      const skip = scheme === 'dtls' ? withoutDtls : false
      t.test(
        `adds and removes a listener of ${scheme}, among others and as the first of its kind`,
        { skip },
        async (t) => {
          const stage = await ReloadStage.start(t, engine, listen(scheme === 'udp' ? 'tcp' : 'udp'))
          const [other] = stage.server.address()
          const steady = await SteadyCall.start(t, await stage.connect(t, other.transport))
          for (let round = 0; round < 2; round++) {
            t.match(await stage.change(listen(other.transport, scheme)), { applied: true, errors: [] })
            t.same(stage.server.address()[other.transport === 'udp' ? 0 : 1], other, 'the other one stays')
            const port = stage.port(scheme)
            t.match(stage.server.uris().join(' '), `:${port}?transport=`)
            const client = await stage.connect(t, scheme)
            const call = await SteadyCall.start(t, client)
            await refusesToRelayTo(t, client, port, round)
            await refusesToRelayTo(t, steady.client, port, round)
            await call.end(t, `a call over ${scheme}`)
            const deleted = nextEvent(stage.server, 'allocationDeleted')
            const result = await stage.change(listen(other.transport))
            t.match(rowOf(result, '--listen'), { note: /removed: 1 client that came over it is disconnected/ })
            const [info, cause] = await deleted
            t.match({ info, cause }, { info: { client: client.localAddress.toString() }, cause: 'listener-removed' })
            t.same(stage.server.address(), [other])
            await isRefused(t, scheme, port)
          }
          t.equal(stage.server.allocationCount(), 1)
          await steady.end(t, `a call over ${other.transport} meanwhile`)
        },
      )
    }

    t.test('gets its first certificate with the listeners that need it, and loses both', async (t) => {
      const stage = await ReloadStage.start(t, engine, { ...listen('udp', 'tcp'), cert: undefined, key: undefined })
      const secure: readonly Scheme[] = withoutDtls === false ? ['tls', 'dtls'] : ['tls']
      const { certPath, keyPath } = testCertificate()
      const without = await stage.change(listen('udp', 'tcp', ...secure))
      t.match(without.errors, [/needs a certificate: give cert/])
      const result = await stage.change({ ...listen('udp', 'tcp', ...secure), cert: certPath, key: keyPath })
      t.match(rowOf(result, '--cert'), { from: 'none', to: certPath })
      for (const scheme of secure) t.equal((await (await stage.connect(t, scheme)).allocate()).code, 0, scheme)
      t.same((await stage.change({})).errors, [])
      t.same(
        stage.server.address().map(({ transport }) => transport),
        ['udp', 'tcp'],
      )
    })

    t.test('closes the connections of a listener that goes', async (t) => {
      const stage = await ReloadStage.start(t, engine, listen('udp', 'tcp', 'tls'))
      const ends = await Promise.all(
        (['tcp', 'tls'] as const).map(async (scheme) => {
          const transport = await connectBy(scheme, stage.port(scheme))
          t.teardown(() => transport.close())
          const { socket } = transport as unknown as { socket: import('node:net').Socket }
          return new Promise<void>((resolve) => void socket.once('close', () => resolve()))
        }),
      )
      await stage.change(listen('udp'))
      await Promise.all(ends)
    })

    t.test('takes a wildcard apart, and puts it together again', async (t) => {
      const stage = await ReloadStage.start(t, engine, { listen: 'udp:*:0' })
      const port = stage.port('udp')
      const call = await SteadyCall.start(t, await stage.connect(t))
      const narrow = await stage.change({ listen: `udp:${HOST}:${port}` })
      t.same(narrow.errors, [])
      t.same(stage.server.address(), [{ transport: 'udp', host: HOST, port }])
      t.equal(await stage.allocateCode(t), 0)
      t.same((await stage.change({ listen: `udp:*:${port}` })).errors, [])
      t.ok(stage.server.address().length >= 1)
      t.equal(await stage.allocateCode(t), 0)
      // Of the dgram engine each local address has a socket of its own, which stays.
      if (engine.name === 'dgram') await call.end(t, 'a call meanwhile')
    })

    t.test('lets a port change its kind', async (t) => {
      const stage = await ReloadStage.start(t, engine, listen('udp', 'tcp'))
      const port = stage.port('tcp')
      const wanted = { listen: [`udp:${HOST}:0`, `tls:${HOST}:${port}`] }
      if (engine.name === 'native') {
        t.same((await stage.change(wanted)).errors, [])
      } else {
        t.same(
          (await stage.change({ listen: [`udp:${HOST}:0`, `tcp:${HOST}:${port}`] })).errors,
          [],
          'the same by its number',
        )
        t.match((await stage.change(wanted)).errors, [
          /its port is that of --listen tcp:.*remove the old one in one reload/,
        ])
        t.same((await stage.change(listen('udp'))).errors, [])
        t.same((await stage.change(wanted)).errors, [])
      }
      const client = await stage.connect(t, 'tls', port)
      t.equal((await client.allocate()).code, 0)
    })
  })
}

/** No client may reach a listener as a peer. */
async function refusesToRelayTo(
  t: Test,
  client: Awaited<ReturnType<ReloadStage['connect']>>,
  port: number,
  round: number,
): Promise<void> {
  t.equal((await client.bindChannel(CHANNEL + 1 + round, addressOf(HOST, port))).code, 403, 'a new listener is no peer')
}

async function isRefused(t: Test, scheme: Scheme, port: number): Promise<void> {
  if (scheme === 'tcp' || scheme === 'tls') {
    await t.rejects(connectBy(scheme, port), { code: 'ECONNREFUSED' })
    return
  }
  // Nobody has the port any more.
  await until(
    async () =>
      UdpPeer.open(t, HOST, port).then(
        () => true,
        () => false,
      ),
    `port ${port} is free`,
  )
}
