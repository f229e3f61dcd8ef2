// An engine's stream worker over TCP, TLS or DTLS, as the conformance suite sees it.
import { createTurnServer } from '../../src/index.js'
import { testCertificate } from '../support/certificate.js'
import { connectDtls } from '../support/dtls-transport.js'
import type { EngineUnderTest } from '../support/engines.js'
import type { Territory } from '../support/free-ports.js'
import { connectTcp, connectTls } from '../support/stream-client.js'
import type { TransportUnderTest } from './suite.js'

/** @param relayPorts which no other test file uses */
export function tcpTransport(engine: EngineUnderTest, relayPorts: Territory): TransportUnderTest {
  return transport('tcp', engine, relayPorts, connectTcp)
}

/** @param relayPorts which no other test file uses */
export function tlsTransport(engine: EngineUnderTest, relayPorts: Territory): TransportUnderTest {
  const { cert } = testCertificate()
  return transport('tls', engine, relayPorts, (host, port, from) =>
    connectTls(host, port, cert, from === undefined ? {} : { from }),
  )
}

/** @param relayPorts which no other test file uses */
export function dtlsTransport(engine: EngineUnderTest, relayPorts: Territory): TransportUnderTest {
  // What a record takes (RFC 6347 §4.1).
  return {
    ...transport('dtls', engine, relayPorts, connectDtls),
    isStream: false,
    frameLengthMax: 16_384,
    answersFromAnyAddress: engine.name === 'native',
  }
}

function transport(
  scheme: 'tcp' | 'tls' | 'dtls',
  engine: EngineUnderTest,
  relayPorts: Territory,
  connect: TransportUnderTest['connect'],
): TransportUnderTest {
  const isNative = engine.name === 'native'
  return {
    name: `${engine.name} engine over ${scheme.toUpperCase()}`,
    scheme,
    isStream: true,
    isPlainUdp: false,
    frameLengthMax: 65_535 + 4,
    supportsDontFragment: isNative,
    reportsIcmp: isNative,
    // Neither a stream's bytes nor a record has an IP header of its own to take it from.
    carriesTrafficClass: false,
    answersFromAnyAddress: true,
    workerCount: engine.workerCount,
    relayPorts,
    startServer: async (options, hosts) => {
      const { certPath, keyPath } = testCertificate()
      const listen = hosts.map((host) => `${scheme}:${host.includes(':') ? `[${host}]` : host}:0`)
      const certificate = scheme !== 'tcp' ? { cert: certPath, key: keyPath } : {}
      const server = createTurnServer({ ...engine.options, listen, ...certificate, ...options })
      await server.start()
      return server
    },
    connect,
  }
}
