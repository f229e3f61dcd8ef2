// One turnd on loopback that is the edge and the call bridge's administration at once, with one TURN server in its CMS API: itself.
import { execFileSync } from 'node:child_process'
import { request } from 'node:https'
import { join } from 'node:path'
import type { Test } from 'tap'
import { TURN_SERVERS_FILE } from '../../src/auth/turn-servers-file.js'
import { temporaryDirectory, testCertificate } from '../support/certificate.js'
import { projectRoot } from '../support/project-root.js'
import { type ServerProcess, startServer } from '../support/server-process.js'

const ADMIN = { user: 'admin', password: 'octavio-admin-100101' }
const TURN_SERVER = { username: 'turnuser', password: 'cisco' }
const PATH = '/api/v1/turnServers'

export interface LoopbackEdge {
  readonly server: ServerProcess
  readonly turnServer: typeof TURN_SERVER
  readonly api: {
    readonly url: string
    readonly user: string
    readonly password: string
    /** Of its own certificate. */
    readonly certPath: string
    readonly storeFile: string
  }
  /** As an operator does: PUT of these fields. */
  changeTurnServer(fields: Readonly<Record<string, string>>): Promise<void>
}

/** Ends with `t`. */
export async function startLoopbackEdge(t: Test): Promise<LoopbackEdge> {
  const stateDirectory = temporaryDirectory()
  addAdmin(stateDirectory)
  const { certPath, keyPath } = testCertificate()
  const args = [
    ...['--listen', '127.0.0.1:0', '--relay-ip', '127.0.0.1', '--min-port', '23800', '--max-port', '23899'],
    ...['--realm', 'turnuser', '--user', `${TURN_SERVER.username}:${TURN_SERVER.password}`],
    ...['--admin-listen', '127.0.0.1:0', '--cert', certPath, '--key', keyPath],
  ]
  const server = await startServer(t, args, { stateDirectory })
  const origin = String(server.ready.admin)
  const fields = { serverAddress: `127.0.0.1:${server.port()}`, ...TURN_SERVER }
  const path = await send('POST', origin, PATH, { ...fields, tcpPortNumberOverride: String(server.port('', 'udp')) })
  return {
    ...{ server, turnServer: TURN_SERVER },
    api: { ...ADMIN, url: origin, certPath, storeFile: join(stateDirectory, TURN_SERVERS_FILE) },
    changeTurnServer: async (change) => {
      await send('PUT', origin, path, change)
    },
  }
}

function addAdmin(stateDirectory: string): void {
  const program = join(projectRoot, 'dist', 'turnd.js')
  const args = ['user', 'add', ADMIN.user, '--admin', '--password-stdin', '--state-dir', stateDirectory]
  execFileSync(process.execPath, [program, ...args], {
    ...{ input: `${ADMIN.password}\n`, stdio: 'pipe' },
    // Without NODE_OPTIONS: tap instruments the processes that its tests start.
    env: { PATH: process.env.PATH ?? '' },
  })
}

/** @returns Location */
function send(method: string, origin: string, path: string, fields: Readonly<Record<string, string>>): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(new URL(path, origin), {
      ...{ method, ca: testCertificate().cert, auth: `${ADMIN.user}:${ADMIN.password}`, agent: false },
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    outgoing.once('error', reject).once('response', (response) => {
      response.resume().once('end', () => {
        const { headers, statusCode } = response
        if (statusCode === 200) resolve(headers.location ?? '')
        else reject(new Error(`the CMS API answers ${method} with ${statusCode}`))
      })
    })
    outgoing.end(new URLSearchParams(fields).toString())
  })
}
