// The server that cells of one engine meet: a listener for each transport and family, a user for each cell, by which its log says what that cell did.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeAuthority, temporaryDirectory } from '../../support/certificate.js'
import type { Closing } from '../../support/closing.js'
import { type EngineUnderTest, withoutDtls } from '../../support/engines.js'
import { type ServerProcess, startServerOn } from '../../support/server-process.js'
import { UCLIENT_PASSWORD } from '../../support/uclient.js'
import { isUnlucky } from '../../support/uclient-load.js'
import { type CallReport, type Cell, MESSAGE_COUNT, type Target, TRANSPORTS } from './contract.js'

const HOSTS = { IPv4: '127.0.0.1', IPv6: '::1' }
const URI_FORMS = { udp: ['turn', 'udp'], tcp: ['turn', 'tcp'], tls: ['turns', 'tcp'], dtls: ['turns', 'udp'] }
const SERVER_ARGS = [
  ...['--realm', 'turnuser', '--relay-ip', '127.0.0.1', '--relay-ip', '::1'],
  // Both sides of each call are on this machine.
  ...['--allow-peer', '127.0.0.0/8', '--allow-peer', '::1'],
  // coturn's client draws its channel numbers from the range of RFC 5766.
  ...['--channel-range', 'rfc5766'],
]
/** Tests of real servers have ports of their own: both engines may run at the same time. */
const RELAY_PORTS = {
  dgram: ['--min-port', '18000', '--max-port', '18199'],
  native: ['--min-port', '18200', '--max-port', '18399'],
}

export class Ground {
  readonly #server: ServerProcess
  readonly #certificates: string

  constructor(server: ServerProcess, certificates: string) {
    this.#server = server
    this.#certificates = certificates
  }

  target(cell: Cell): Target {
    const { family, transport } = cell
    const host = HOSTS[family]
    const bracketed = family === 'IPv6' ? `[${host}]` : host
    const port = this.#server.port(bracketed, transport)
    const [scheme, way] = URI_FORMS[transport]
    return {
      ...{ transport, family, host, port, uri: `${scheme}:${bracketed}:${port}?transport=${way}` },
      ...{ user: userOf(cell), password: UCLIENT_PASSWORD },
      authorityPath: join(this.#certificates, 'ca.pem'),
      certificate: readFileSync(join(this.#certificates, 'leaf.pem'), 'utf8'),
    }
  }

  /** What is wrong with a call, by what its client says and by the server's log. */
  problems(cell: Cell, { sent, received, local, remote }: CallReport): string[] {
    const problems: string[] = []
    if (sent !== 2 * MESSAGE_COUNT) problems.push(`it sent ${sent} messages in place of ${2 * MESSAGE_COUNT}`)
    if (received !== sent) problems.push(`${received} of ${sent} messages arrived`)
    if (local !== 'relay' || remote !== 'relay') problems.push(`the pair in use is ${local} to ${remote}`)
    const lines = this.#server.logLines.filter(({ user }) => user === userOf(cell))
    const refused = lines.filter((line) => line.event === 'refusal' && !isUnlucky(line))
    for (const { msg } of refused) problems.push(`the server refused: ${msg}`)
    const allocations = lines.filter(({ event }) => event === 'allocation')
    if (allocations.length < 2) problems.push(`the server knows of ${allocations.length} allocations`)
    for (const { client, transport } of allocations) {
      const family = String(client).startsWith('[') ? 'IPv6' : 'IPv4'
      if (transport !== cell.transport || family !== cell.family) {
        problems.push(`the server saw it come over ${transport} and ${family}`)
      }
    }
    return problems
  }
}

/** Starts it for these cells; it ends with `t`. */
export async function startGround(t: Closing, engine: EngineUnderTest, cells: readonly Cell[]): Promise<Ground> {
  const certificates = temporaryDirectory()
  const names = 'basicConstraints=CA:FALSE\nsubjectAltName=DNS:turn.test,DNS:localhost,IP:127.0.0.1,IP:::1\n'
  makeAuthority(certificates, 'sha256', names)
  const transports = TRANSPORTS.filter((transport) => transport !== 'dtls' || withoutDtls === false)
  const server = await startServerOn(t, engine, [
    ...SERVER_ARGS,
    ...RELAY_PORTS[engine.name],
    ...transports.flatMap((transport) => ['--listen', `${transport}:127.0.0.1:0`, '--listen', `${transport}:[::1]:0`]),
    ...['--cert', join(certificates, 'leaf.pem'), '--key', join(certificates, 'leaf.key')],
    ...[...new Set(cells.map(userOf))].flatMap((user) => ['--user', `${user}:${UCLIENT_PASSWORD}`]),
  ])
  return new Ground(server, certificates)
}

function userOf({ client, transport, family }: Cell): string {
  return `${client.id}-${transport}-${family.toLowerCase()}`
}
