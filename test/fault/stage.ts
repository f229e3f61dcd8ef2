// A server with a listener for each transport, and connections to it. Used by the tests of this folder.
import type { Test } from 'tap'
import type { ClientTransport } from '../support/client-transport.js'
import { connectDtls } from '../support/dtls-transport.js'
import { type EngineUnderTest, withoutDtls } from '../support/engines.js'
import type { ServerProcess, ServerProcessOptions } from '../support/server-process.js'
import { connectBy, HOST, startStreamServer } from '../support/stream-server.js'

export type Transport = 'udp' | 'tcp' | 'tls' | 'dtls'
/** Those that this machine can have. */
export const TRANSPORTS: readonly Transport[] =
  withoutDtls === false ? ['udp', 'tcp', 'tls', 'dtls'] : ['udp', 'tcp', 'tls']

/** Of the port `minPort` and so many behind it relays are made; each test file has its own. */
export function startFaultServer(
  t: Test,
  engine: EngineUnderTest,
  minPort: number,
  portCount: number,
  args: readonly string[] = [],
  options: ServerProcessOptions = {},
): Promise<ServerProcess> {
  const dtls = withoutDtls === false ? ['--listen', `dtls:${HOST}:0`] : []
  return startStreamServer(t, engine, minPort, portCount, [...dtls, ...args], options)
}

export function connectOver(transport: Transport, server: ServerProcess): Promise<ClientTransport> {
  return transport === 'dtls' ? connectDtls(HOST, server.port('', 'dtls')) : connectBy(transport, server)
}

/** One connection over each transport. */
export async function connectAll(server: ServerProcess): Promise<ClientTransport[]> {
  const connections: ClientTransport[] = []
  for (const transport of TRANSPORTS) connections.push(await connectOver(transport, server))
  return connections
}
