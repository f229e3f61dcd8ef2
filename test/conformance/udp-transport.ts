// An engine over UDP, as the conformance suite sees it. Used by dgram-udp.test.ts and native-udp.test.ts.
import { createTurnServer } from '../../src/index.js'
import { connectUdp } from '../support/client-transport.js'
import type { EngineUnderTest } from '../support/engines.js'
import type { Territory } from '../support/free-ports.js'
import type { TransportUnderTest } from './suite.js'

/** @param relayPorts which no other test file uses */
export function udpTransport(engine: EngineUnderTest, relayPorts: Territory): TransportUnderTest {
  const isNative = engine.name === 'native'
  return {
    name: `${engine.name} engine over UDP`,
    scheme: 'udp',
    isStream: false,
    isPlainUdp: true,
    frameLengthMax: 65_507,
    supportsDontFragment: isNative,
    reportsIcmp: isNative,
    carriesTrafficClass: isNative,
    answersFromAnyAddress: isNative,
    workerCount: engine.workerCount,
    relayPorts,
    startServer: async (options, hosts) => {
      const listen = hosts.map((host) => `udp:${host.includes(':') ? `[${host}]` : host}:0`)
      const server = createTurnServer({ ...engine.options, listen, ...options })
      await server.start()
      return server
    },
    connect: connectUdp,
  }
}
