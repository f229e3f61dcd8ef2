// Static NAT without any NAT device: two clients whose relayed addresses carry the public address of --external-ip reach
// each other although nothing routes that address. No --allow-peer is given: the default deny rules must not break it.
import t from 'tap'
import { until } from '../command/until.js'
import { ENGINES } from '../support/engines.js'
import { createNamespace, hasRoute } from '../support/namespace.js'
import { peerOrSkip } from '../support/peers.js'
import { startServerOn } from '../support/server-process.js'
import { runUclient, UCLIENT_USER } from '../support/uclient.js'

const PUBLIC = '10.88.246.156'
const PRIVATE = '192.168.245.61'
const PASSWORD = 'cisco'
const SERVER_ARGS = [
  ...['--realm', 'turnuser', '--user', `${UCLIENT_USER}:${PASSWORD}`, '--channel-range', 'rfc5766'],
  ...['--relay-ip', PRIVATE, '--external-ip', `${PUBLIC}/${PRIVATE}`],
]
/** Both engines run at the same time, in one namespace. */
const PORTS = {
  dgram: { listen: 3478, relay: ['--min-port', '24000', '--max-port', '25999'] },
  native: { listen: 3479, relay: ['--min-port', '26000', '--max-port', '29999'] },
}

const MESSAGES = 100
const CLIENTS = 4

t.setTimeout(240_000)

const withoutPeers = peerOrSkip('turnutils_uclient', 'network namespaces')

t.test('hairpin between two relays behind one public address', { skip: withoutPeers, jobs: 4 }, async (t) => {
  const namespace = createNamespace(t, [`${PRIVATE}/32`])
  const { prefix } = namespace
  t.equal(hasRoute(namespace, PRIVATE), true)
  t.equal(hasRoute(namespace, PUBLIC), false, 'the public address leads nowhere')

  for (const engine of ENGINES) {
    for (const [way, flags] of [
      ['channels', []],
      ['Send indications', ['-s']],
    ] as const) {
      const options = { skip: engine.skip, buffered: true }
      t.test(`loses nothing over ${way}, ${engine.name} engine`, options, async (t) => {
        const { listen, relay } = PORTS[engine.name]
        const port = listen + (way === 'channels' ? 0 : 100)
        const args = [...SERVER_ARGS, ...relay, '--listen', `udp:${PRIVATE}:${port}`]
        const server = await startServerOn(t, engine, args, { prefix })
        const report = await runUclient({
          ...{ host: PRIVATE, port, password: PASSWORD, prefix },
          flags: ['-y', ...flags, '-n', String(MESSAGES), '-m', String(CLIENTS), '-l', '1000'],
        })
        t.equal(report.exitCode, 0, 'the client succeeded', { output: report.output })
        t.match(report, { sent: MESSAGES * CLIENTS, received: MESSAGES * CLIENTS, lost: 0, dropped: 0 })
        t.same(server.linesOf('refusal'), [])
        const isLogged = () => server.linesOf('allocation').length >= CLIENTS
        await until(isLogged, 'an allocation is logged for each client')
        const allocations = server.linesOf('allocation')
        for (const { relayed } of allocations) t.match(relayed, [new RegExp(`^${PUBLIC}:2[4-9]\\d{3}$`)])
      })
    }
  }
})
