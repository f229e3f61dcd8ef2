// Everything of the deployment that runs, put together: the networks, the call bridge's administration with one TURN server in it, the stand-in for the
// call bridge and its webbridge, the edge, and the wires recorded. What comes up says so.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryDirectory } from '../support/certificate.js'
import type { Closing } from '../support/closing.js'
import { askFrom } from './ask.js'
import { makeSignedCertificate, trustAuthority } from './authority.js'
import { type CallBridgeAdmin, startCallBridgeAdmin } from './call-bridge-admin.js'
import { type Edge, type EdgeOptions, startEdge } from './edge.js'
import type { Holes } from './firewall.js'
import { type StandIn, startStandIn } from './stand-in.js'
import {
  CERTIFICATE_NAMES,
  CMS,
  CMS_INSIDE_NAME,
  EDGE_INSIDE,
  makeOctavio,
  type Octavio,
  PUBLIC,
  TURN_PASSWORD,
  TURN_PORT,
  TURN_USER,
} from './topology.js'
import { Wire } from './wire.js'

/** Of the webbridge, behind the edge. */
const WEB_PORT = 8080

/** As the CMS API has it: docs/cms-api.md. */
export const TURN_SERVER = {
  serverAddress: EDGE_INSIDE,
  clientAddress: PUBLIC,
  username: TURN_USER,
  password: TURN_PASSWORD,
  type: 'standard',
  tcpPortNumberOverride: String(TURN_PORT),
} as const

export interface DeploymentOptions {
  readonly holes?: Partial<Holes>
  readonly edge?: EdgeOptions
  /** More options of the stand-in: cms/options.ts. */
  readonly standIn?: readonly string[]
  /** What is another one in the TURN server of the API. */
  readonly turnServer?: Partial<Record<keyof typeof TURN_SERVER, string>>
  /** Whether the wires are recorded. */
  readonly isRecorded?: boolean
  /** Told of what is there, a sentence each. */
  readonly progress?: (sentence: string) => void
}

export interface Deployment extends Octavio {
  readonly server: Edge['server']
  readonly certificate: Edge['certificate']
  readonly admin: CallBridgeAdmin
  readonly standIn: StandIn
  /** Of the TURN server, in the API. */
  readonly turnServerPath: string
  readonly wire: Wire
}

/** Ready for guests when it resolves; everything is gone when `t` or the process ends. */
export async function deploy(t: Closing, options: DeploymentOptions = {}): Promise<Deployment> {
  const { progress = () => {}, isRecorded = false } = options
  const octavio = await makeOctavio(t, options.holes)
  progress('networks, firewall and resolvers')
  const wire = new Wire()
  if (isRecorded) await wire.record(t, octavio)
  const [edge, bridge] = await Promise.all([
    startRecordedEdge(t, octavio, isRecorded ? wire : null, options).then((edge) => {
      progress(`the edge: turnd with ${listenersOf(edge)}`)
      return edge
    }),
    startBridge(t, octavio, options).then((bridge) => {
      progress(`the call bridge: its administration at ${bridge.admin.origin}, its webbridge at ${bridge.standIn.url}`)
      return bridge
    }),
  ])
  return { ...octavio, ...edge, ...bridge, wire }
}

/** `UDP 3478, TCP 3478 at 172.16.85.168 and 192.168.245.61`. */
function listenersOf({ server }: Edge): string {
  const listeners = server.ready.listening.map((name) => name.split(':'))
  const services = new Set(listeners.map(([scheme, , port]) => `${scheme.toUpperCase()} ${port}`))
  const hosts = new Set(listeners.map(([, host]) => host))
  return `${[...services].join(', ')} at ${[...hosts].join(' and ')}`
}

function startRecordedEdge(
  t: Closing,
  octavio: Octavio,
  wire: Wire | null,
  { edge = {} }: DeploymentOptions,
): Promise<Edge> {
  const httpUpstream = `http://${CMS_INSIDE_NAME}:${WEB_PORT}`
  const certificate = makeSignedCertificate(CERTIFICATE_NAMES)
  trustAuthority(t, octavio.outside, certificate.authority)
  return startEdge(t, octavio, { httpUpstream, certificate, ...wire?.serverOptions, ...edge })
}

async function startBridge(
  t: Closing,
  octavio: Octavio,
  { standIn: args = [], turnServer }: DeploymentOptions,
): Promise<Pick<Deployment, 'admin' | 'standIn' | 'turnServerPath'>> {
  const admin = await startCallBridgeAdmin(t, octavio)
  const passwordFile = join(temporaryDirectory(), 'password')
  writeFileSync(passwordFile, `${admin.password}\n`, { mode: 0o600 })
  const [turnServerPath, standIn] = await Promise.all([
    createTurnServer(octavio, admin, { ...TURN_SERVER, ...turnServer }),
    startStandIn(
      t,
      [
        ...['--listen', `${CMS}:${WEB_PORT}`, '--api', admin.origin, '--api-user', admin.user],
        ...['--api-password-file', passwordFile, '--api-ca', admin.certificate.certPath],
        ...['--store', join(admin.stateDirectory, 'turn-servers.json'), ...args],
      ],
      { prefix: octavio.cms.prefix },
    ),
  ])
  return { admin, standIn, turnServerPath }
}

/** @returns where it is in the API */
async function createTurnServer(
  { cms }: Octavio,
  admin: CallBridgeAdmin,
  fields: Readonly<Record<string, string>>,
): Promise<string> {
  const { body, headers, status } = await askCmsApi({ cms }, admin, 'POST', '/api/v1/turnServers', fields)
  if (status !== 200) throw new Error(`the CMS API answers ${status} to a new TURN server: ${body}`)
  return headers.location
}

/** As an operator of the call bridge does by curl, from the call bridge itself. @param fields of the form; without them there is no body */
export function askCmsApi(
  { cms }: Pick<Octavio, 'cms'>,
  { certificate, origin, password, user }: CallBridgeAdmin,
  method: string,
  path: string,
  fields?: Readonly<Record<string, string>>,
) {
  return askFrom(cms, {
    ...{ url: `${origin}${path}`, method, auth: `${user}:${password}`, ca: certificate.cert },
    ...(fields && { body: new URLSearchParams(fields).toString() }),
    headers: fields ? { 'content-type': 'application/x-www-form-urlencoded' } : {},
  })
}
