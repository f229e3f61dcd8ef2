// The administration of the call bridge, at its address of the deployment: a turnd of its own in the namespace of the call bridge, for the CMS API. It serves
// nobody by TURN: its only listener is on its own loopback. The stand-in for the call bridge reads what was configured here.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryDirectory } from '../support/certificate.js'
import type { Closing } from '../support/closing.js'
import { projectRoot } from '../support/project-root.js'
import { type ServerProcess, startServer } from '../support/server-process.js'
import { type EdgeCertificate, makeEdgeCertificate } from './edge.js'
import { CMS, CMS_ADMIN_NAME, CMS_ADMIN_PORT, type Octavio, TURN_PORT } from './topology.js'

export interface CallBridgeAdmin {
  readonly server: ServerProcess
  /** Where the API is, for whoever is inside: `https://admin.cms.octavio.local:445`. */
  readonly origin: string
  readonly user: string
  readonly password: string
  /** Of its certificate, which is signed by itself. */
  readonly certificate: EdgeCertificate
  readonly stateDirectory: string
}

const USER = 'admin'
/** As long as passwords of admin users have to be. */
const PASSWORD = 'octavio-admin-100101'

/** Ready when it resolves; ends with `t`. Its state directory goes with the process, or is kept where one is given. */
export async function startCallBridgeAdmin(
  t: Closing,
  { cms }: Octavio,
  stateDirectory = join(temporaryDirectory(), 'state'),
): Promise<CallBridgeAdmin> {
  const certificate = await makeEdgeCertificate([CMS_ADMIN_NAME])
  mkdirSync(stateDirectory, { recursive: true, mode: 0o700 })
  await addAdminUser(stateDirectory)
  const args = [
    ...['--listen', `udp:127.0.0.1:${TURN_PORT}`, '--relay-ip', '127.0.0.1', '--engine', 'dgram'],
    ...['--cert', certificate.certPath, '--key', certificate.keyPath],
    ...['--public-name', CMS_ADMIN_NAME, '--admin-listen', `${CMS}:${CMS_ADMIN_PORT}`],
  ]
  const server = await startServer(t, args, { prefix: cms.prefix, stateDirectory })
  const origin = `https://${CMS_ADMIN_NAME}:${CMS_ADMIN_PORT}`
  return { server, origin, user: USER, password: PASSWORD, certificate, stateDirectory }
}

async function addAdminUser(stateDirectory: string): Promise<void> {
  const program = [join(projectRoot, 'dist', 'turnd.js'), 'user', 'add', USER, '--admin', '--password-stdin']
  // Without NODE_OPTIONS: tap instruments the processes that its tests start.
  const child = spawn(process.execPath, [...program, '--replace', '--state-dir', stateDirectory], {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH ?? '' },
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  child.stdin.end(`${PASSWORD}\n`)
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`turnd user add ended with ${code}: ${said}`)
}
