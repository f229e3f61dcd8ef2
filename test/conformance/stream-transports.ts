// An engine's stream worker over TCP or TLS, as the conformance suite sees it.
import { createTurnServer } from '../../src/index.js'
import { testCertificate } from '../support/certificate.js'
import type { EngineUnderTest } from '../support/engines.js'
import type { Territory } from '../support/free-ports.js'
import { connectTcp, connectTls } from '../support/stream-client.js'
import type { TransportUnderTest } from './suite.js'

/** @param relayPorts which no other test file uses */
export function tcpTransport(engine: EngineUnderTest, relayPorts: Territory): TransportUnderTest {
  return streamTransport('tcp', engine, relayPorts, connectTcp)
}

/** @param relayPorts which no other test file uses */
export function tlsTransport(engine: EngineUnderTest, relayPorts: Territory): TransportUnderTest {
  const { cert } = testCertificate()
  return streamTransport('tls', engine, relayPorts, (host, port, from) =>
    connectTls(host, port, cert, from === undefined ? {} : { from }),
  )
}

function streamTransport(
  scheme: 'tcp' | 'tls',
  engine: EngineUnderTest,
  relayPorts: Territory,
  connect: TransportUnderTest['connect'],
): TransportUnderTest {
  const isNative = engine.name === 'native'
  return {
    name: `${engine.name} engine over ${scheme.toUpperCase()}`,
    isStream: true,
    supportsDontFragment: isNative,
    reportsIcmp: isNative,
    // A stream's bytes have no header of their own to take it from.
    carriesTrafficClass: false,
    answersFromAnyAddress: true,
    workerCount: engine.workerCount,
    relayPorts,
    startServer: async (options, hosts) => {
      const { certPath, keyPath } = testCertificate()
      const listen = hosts.map((host) => `${scheme}:${host.includes(':') ? `[${host}]` : host}:0`)
      const certificate = scheme === 'tls' ? { cert: certPath, key: keyPath } : {}
      const server = createTurnServer({ ...engine.options, listen, ...certificate, ...options })
      await server.start()
      return server
    },
    connect,
  }
}
