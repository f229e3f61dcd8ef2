// A server process with listeners for UDP, TCP and TLS, and its clients and peers. Used by tests of streams against the whole process.
import type { Test } from 'tap'
import { testCertificate } from './certificate.js'
import { type ClientTransport, connectUdp } from './client-transport.js'
import type { EngineUnderTest } from './engines.js'
import { type ServerProcess, type ServerProcessOptions, startServerOn } from './server-process.js'
import { connectTcp, connectTls } from './stream-client.js'
import { TurnClient } from './turn-client.js'

export const USER = { username: 'alice', password: 'correct horse' } as const
export const HOST = '127.0.0.1'
export type Scheme = 'udp' | 'tcp' | 'tls'

/** @param minPort of the slice of `portCount` relay ports that is the test file's own */
export function startStreamServer(
  t: Test,
  engine: EngineUnderTest,
  minPort: number,
  portCount: number,
  args: readonly string[] = [],
  options: ServerProcessOptions = {},
): Promise<ServerProcess> {
  const { certPath, keyPath } = testCertificate()
  const listen = ['udp', 'tcp', 'tls'].flatMap((scheme) => ['--listen', `${scheme}:${HOST}:0`])
  const certificate = args.includes('--cert') ? [] : ['--cert', certPath, '--key', keyPath]
  const relay = ['--relay-ip', HOST, '--allow-peer', '127.0.0.0/8']
  const ports = ['--min-port', String(minPort), '--max-port', String(minPort + portCount - 1)]
  const user = ['--user', `${USER.username}:${USER.password}`]
  return startServerOn(t, engine, [...listen, ...certificate, ...relay, ...ports, ...user, ...args], options)
}

export function connectBy(
  scheme: Scheme,
  server: ServerProcess,
  ca = testCertificate().cert,
): Promise<ClientTransport> {
  const port = server.port('', scheme)
  if (scheme === 'udp') return connectUdp(HOST, port)
  return scheme === 'tcp' ? connectTcp(HOST, port) : connectTls(HOST, port, ca)
}

/** A client with an allocation; its transport is closed when `t` ends. */
export async function allocateBy(t: Test, scheme: Scheme, server: ServerProcess, ca?: string): Promise<TurnClient> {
  const client = TurnClient.on(t, await connectBy(scheme, server, ca), USER)
  const { code } = await client.allocate()
  if (code !== 0) throw new Error(`Allocate over ${scheme} was answered with ${code}`)
  return client
}

/** Counters of the engines in the line that a server says at its end. */
export async function stoppedCounters(server: ServerProcess): Promise<Record<string, number>> {
  const code = await server.stop()
  if (code !== 0) throw new Error(`the server ended with ${code}:\n${server.output}`)
  return server.linesOf('stopped')[0].engine as Record<string, number>
}
