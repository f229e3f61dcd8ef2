// The conformance suite over UDP with the dgram engine.
import t from 'tap'
import { createTurnServer } from '../../src/index.js'
import { connectUdp } from '../support/client-transport.js'
import { conformance } from './conformance.js'

conformance(t, {
  name: 'dgram engine over UDP',
  isStream: false,
  supportsDontFragment: false,
  relayPorts: { first: 30_000, last: 30_999 },
  startServer: async (options, hosts) => {
    const listen = hosts.map((host) => `udp:${host.includes(':') ? `[${host}]` : host}:0`)
    const server = createTurnServer({ engine: 'dgram', listen, ...options })
    await server.start()
    return server
  },
  connect: connectUdp,
})
