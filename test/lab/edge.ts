// The edge of the lab: the server as it is installed (dist/turnd.js), started as an operator of that deployment starts it. It listens on both cards and
// relays on the external one; clients are told the address of the static NAT.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeCertificate } from '../../src/commands/make-certificate.js'
import { temporaryDirectory } from '../support/certificate.js'
import type { Closing } from '../support/closing.js'
import { type ServerProcess, type ServerProcessOptions, startServer } from '../support/server-process.js'
import {
  CERTIFICATE_NAMES,
  EDGE_INSIDE,
  EDGE_NAME,
  EDGE_OUTSIDE,
  HTTPS_PORT,
  type Octavio,
  PUBLIC,
  REALM,
  RELAY_PORTS,
  TURN_PASSWORD,
  TURN_PORT,
  TURN_USER,
  WEB_NAME,
} from './topology.js'

const CERTIFICATE_DAYS = 90

export interface EdgeCertificate {
  readonly certPath: string
  readonly keyPath: string
  /** PEM: what browsers are told to trust. */
  readonly cert: string
}

export interface EdgeOptions extends ServerProcessOptions {
  /** One with all names unless another one is given. */
  readonly certificate?: EdgeCertificate
  /** The web server behind port 443: `https://HOST:PORT`. None: its pages are answered with 404. */
  readonly httpUpstream?: string
  /** A file (PEM) that its certificate is signed by. */
  readonly httpUpstreamCa?: string
  /** More options of turnd. They come last, so that they win over the ones here. */
  readonly args?: readonly string[]
}

export interface Edge {
  readonly server: ServerProcess
  readonly certificate: EdgeCertificate
}

/** Ready when it resolves; ends with `t`. */
export async function startEdge(t: Closing, { edge }: Octavio, options: EdgeOptions = {}): Promise<Edge> {
  const certificate = options.certificate ?? (await makeEdgeCertificate())
  const server = await startServer(t, ['--engine', 'auto', ...edgeArgs(certificate, options)], {
    ...options,
    prefix: [...edge.prefix, ...(options.prefix ?? [])],
  })
  return { server, certificate }
}

/** What turnd is started with on the edge. */
export function edgeArgs(certificate: EdgeCertificate, options: EdgeOptions = {}): string[] {
  const { args = [], httpUpstream, httpUpstreamCa } = options
  const hosts = [EDGE_INSIDE, EDGE_OUTSIDE]
  return [
    ...hosts.flatMap((host) => ['--listen', `${host}:${TURN_PORT}`]),
    ...hosts.flatMap((host) => ['--listen', `tls:${host}:${HTTPS_PORT}`]),
    ...['--cert', certificate.certPath, '--key', certificate.keyPath],
    ...['--public-name', EDGE_NAME, '--public-name', WEB_NAME],
    ...['--relay-ip', EDGE_OUTSIDE, '--external-ip', `${PUBLIC}/${EDGE_OUTSIDE}`],
    ...['--min-port', String(RELAY_PORTS.min), '--max-port', String(RELAY_PORTS.max)],
    ...['--realm', REALM, '--user', `${TURN_USER}:${TURN_PASSWORD}`],
    ...(httpUpstream === undefined ? [] : ['--http-upstream', httpUpstream]),
    ...(httpUpstreamCa === undefined ? [] : ['--http-upstream-ca', httpUpstreamCa]),
    ...args,
  ]
}

/** Signed by itself, with these names. Its files go with the process. */
export async function makeEdgeCertificate(names: readonly string[] = CERTIFICATE_NAMES): Promise<EdgeCertificate> {
  const directory = temporaryDirectory()
  const [certPath, keyPath] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
  const { certificate, key } = await makeCertificate(names, CERTIFICATE_DAYS, 'ec', Date.now())
  writeFileSync(certPath, certificate)
  writeFileSync(keyPath, key, { mode: 0o600 })
  return { certPath, keyPath, cert: certificate }
}
