// Debian's coturn server as one more server under test, configured like turnd in the interop tests. Used where both are compared.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Test } from 'tap'
import { until } from '../command/until.js'
import type { TestCertificate } from './certificate.js'
import type { Territory } from './free-ports.js'
import { closedPort } from './http-stage.js'
import { onProcessEnd } from './process-end.js'
import { connectTcp } from './stream-client.js'
import { UCLIENT_PASSWORD, UCLIENT_USER } from './uclient.js'

export interface CoturnServer {
  readonly name: string
  port(scheme: 'tcp' | 'tls' | 'dtls'): number
}

/** Starts one on free ports of 127.0.0.1, resolves when it takes connections; it ends with `t`. */
export async function startCoturn(t: Test, certificate: TestCertificate, relayPorts: Territory): Promise<CoturnServer> {
  const [port, tlsPort] = [await closedPort(), await closedPort()]
  const directory = t.testdir()
  const server = spawn(
    'turnserver',
    [
      ...['-n', '--no-cli', '-L', '127.0.0.1', '-E', '127.0.0.1', '-p', String(port), '--lt-cred-mech'],
      ...['--tls-listening-port', String(tlsPort), '--cert', certificate.certPath, '--pkey', certificate.keyPath],
      ...['-u', `${UCLIENT_USER}:${UCLIENT_PASSWORD}`, '-r', 'turnuser', '--allow-loopback-peers'],
      ...['--min-port', String(relayPorts.first), '--max-port', String(relayPorts.last), '--no-multicast-peers'],
      ...['--pidfile', join(directory, 'pid'), '--log-file', join(directory, 'log'), '--simple-log'],
      ...['--db', join(directory, 'db')],
    ],
    { stdio: 'ignore', cwd: directory },
  )
  const ended = once(server, 'close')
  const forget = onProcessEnd(() => server.kill('SIGKILL'))
  t.teardown(async () => {
    server.kill('SIGKILL')
    await ended
    forget()
  })
  const isListening = async () => {
    const transport = await connectTcp('127.0.0.1', tlsPort).catch(() => null)
    await transport?.close()
    return transport !== null
  }
  await until(isListening, 'turnserver takes connections', 60_000)
  return { name: 'coturn', port: (scheme) => (scheme === 'tcp' ? port : tlsPort) }
}
