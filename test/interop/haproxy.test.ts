// Debian's haproxy in front of tcp: and tls: listeners, on both engines (--proxy-protocol-from): whoever comes through it is known by
// their own address, in answers and in the log, and whoever comes past it too.
import t, { type Test } from 'tap'
import { ATTRIBUTE_XOR_MAPPED_ADDRESS } from '../../src/stun/constants.js'
import { until } from '../command/until.js'
import { testCertificate } from '../support/certificate.js'
import { ENGINES } from '../support/engines.js'
import { startHaproxy } from '../support/haproxy.js'
import { peerOrSkip } from '../support/peers.js'
import { type LogLine, startServerOn } from '../support/server-process.js'
import { connectTcp, connectTls, type StreamTransport } from '../support/stream-client.js'
import { TurnClient } from '../support/turn-client.js'
import { UCLIENT_PASSWORD, UCLIENT_USER } from '../support/uclient.js'
import { streamServerArgs } from '../support/uclient-commands.js'
import { uclientLosesNothing } from '../support/uclient-load.js'
import { UdpPeer } from '../support/udp-peer.js'

/** haproxy connects from 127.0.0.1; clients come from other addresses of loopback. */
const PROXY = '127.0.0.1'
const [CLIENT_HOST, DIRECT_HOST] = ['127.0.0.77', '127.0.0.79']
const LOAD_HOSTS = { tcp: '127.0.0.78', tls: '127.0.0.80' } as const
const USER = { username: UCLIENT_USER, password: UCLIENT_PASSWORD }
const RELAY_PORTS = {
  dgram: ['--min-port', '19550', '--max-port', '19574'],
  native: ['--min-port', '19575', '--max-port', '19599'],
}

t.setTimeout(240_000)
// Most of the time is coturn's client waiting.
t.jobs = 2

const withoutPeers = peerOrSkip('haproxy', 'IPv6 loopback', 'turnutils_uclient')

for (const engine of ENGINES) {
  const options = { skip: withoutPeers || engine.skip, buffered: true, jobs: 6 }
  t.test(`clients behind haproxy, ${engine.name} engine`, options, async (t) => {
    const certificate = testCertificate()
    const args = [...streamServerArgs(certificate), ...RELAY_PORTS[engine.name], '--proxy-protocol-from', `${PROXY}/32`]
    const server = await startServerOn(t, engine, args)

    for (const scheme of ['tcp', 'tls'] as const) {
      const connect = (port: number, from: string) =>
        scheme === 'tcp' ? connectTcp(PROXY, port, from) : connectTls(PROXY, port, certificate.cert, { from })

      /** A client that allocates and whose data reaches a peer is known by `host`, wherever its connection comes from. */
      const isKnownBy = async (t: Test, transport: StreamTransport, host: string) => {
        const client = TurnClient.on(t, transport, USER)
        const address = client.localAddress.toString()
        t.match(address, `${host}:`)
        t.equal((await client.binding()).address(ATTRIBUTE_XOR_MAPPED_ADDRESS).toString(), address, 'Binding tells it')
        t.equal((await client.allocate()).code, 0)
        await server.waitForLog((line) => line.event === 'allocation' && line.client === address)
        const peer = await UdpPeer.open(t)
        t.equal((await client.createPermission(peer.address)).code, 0)
        client.sendTo(peer.address, 'through haproxy')
        t.equal((await peer.inbox.next()).text, 'through haproxy')
      }

      t.test(
        `over ${scheme} are known by their own address in answers and in the log`,
        { buffered: true },
        async (t) => {
          const port = await startHaproxy(t, 'send-proxy-v2', server.port('', scheme))
          await isKnownBy(t, await connectOnce(() => connect(port, CLIENT_HOST)), CLIENT_HOST)
        },
      )

      t.test(`over ${scheme} lose nothing (turnutils_uclient)`, { buffered: true }, async (t) => {
        const port = await startHaproxy(t, 'send-proxy', server.port('', scheme))
        const probe = await connectOnce(() => connect(port, CLIENT_HOST))
        await probe.close()
        const flags = ['-t', ...(scheme === 'tls' ? ['-S'] : []), '-y', '-c']
        const load = { from: LOAD_HOSTS[scheme], messages: 20, clients: 2, length: 200 }
        await uclientLosesNothing(t, server, { host: PROXY, port, password: UCLIENT_PASSWORD, flags, ...load })
        const isKnown = ({ client, event }: LogLine) => event === 'allocation' && String(client).startsWith(load.from)
        t.ok(await server.waitForLog(isKnown), 'its clients are known')
        const clients = server.linesOf('allocation').map(({ client }) => String(client).split(':')[0])
        t.notOk(clients.includes(PROXY), 'nobody is taken for the proxy')
      })

      t.test(`who comes past it over ${scheme}, from elsewhere, needs no header`, { buffered: true }, async (t) => {
        await isKnownBy(t, await connect(server.port('', scheme), DIRECT_HOST), DIRECT_HOST)
      })
    }
  })
}

/** Connects as soon as haproxy listens. */
async function connectOnce(connect: () => Promise<StreamTransport>): Promise<StreamTransport> {
  let transport: StreamTransport | null = null
  await until(async () => {
    transport = await connect().catch(() => null)
    return transport !== null
  }, 'haproxy takes connections')
  return transport!
}
