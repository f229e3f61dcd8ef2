// What relays for a server, on either engine, without the server above it: listeners for every transport, clients that reach them, and
// what was told. Used by tests of what the main thread asks of workers.
import type { Test } from 'tap'
import type { TurnServerOptions } from '../../src/config/settings.js'
import type { ListenerScheme } from '../../src/net/listen-targets.js'
import { openRelaying } from '../../src/server/open-relaying.js'
import { resolveRelayHosts } from '../../src/server/relay-hosts.js'
import type { Relaying } from '../../src/server/relaying.js'
import type { Report } from '../../src/server/reports.js'
import { loadUsers, type Users } from '../../src/server/users.js'
import { testCertificate } from '../support/certificate.js'
import { connectUdp } from '../support/client-transport.js'
import { connectDtls } from '../support/dtls-transport.js'
import { type EngineUnderTest, withoutDtls } from '../support/engines.js'
import { connectTcp, connectTls } from '../support/stream-client.js'
import { TurnClient } from '../support/turn-client.js'
import { settingsOf } from './settings.js'

export const HOST = '127.0.0.1'
const USER = { username: 'alice', password: 'secret' } as const
const SCHEMES: readonly ListenerScheme[] = withoutDtls === false ? ['udp', 'tcp', 'tls', 'dtls'] : ['udp', 'tcp', 'tls']

export interface RelayingStage {
  readonly relaying: Relaying
  readonly users: Users
  readonly reports: Report[]
  readonly deaths: number[]
  /** A client of alice, unless another user is named. */
  connect(scheme: ListenerScheme, user?: { username: string; password: string }, host?: string): Promise<TurnClient>
}

/** The schemes that this machine can do. */
export const STAGE_SCHEMES = SCHEMES

export async function openStage(t: Test, engine: EngineUnderTest, options: TurnServerOptions): Promise<RelayingStage> {
  const { cert, certPath, key, keyPath } = testCertificate()
  const settings = settingsOf({
    ...{ listen: SCHEMES.map((scheme) => `${scheme}:${HOST}:0`), relayIp: HOST, allowPeer: ['127.0.0.0/8', '::1'] },
    ...{ cert: certPath, key: keyPath, user: `${USER.username}:${USER.password}`, realm: 'turnd' },
    ...(engine.name === 'native' ? { streamWorkers: 1 } : {}),
    ...engine.options,
    ...options,
  })
  const reports: Report[] = []
  const deaths: number[] = []
  const users = loadUsers(settings, false, () => {})
  const choice =
    engine.name === 'native'
      ? ({ engine: 'native', offloads: { gro: true, gso: true }, reason: '' } as const)
      : ({ engine: 'dgram', reason: '' } as const)
  const { relaying } = await openRelaying(choice, {
    settings,
    ...{ limitsLoopback: false, alternates: [] },
    relayHosts: await resolveRelayHosts(settings, () => {}),
    users,
    nonceSecret: new Uint8Array(32),
    certificate: { cert, key },
    httpUpstreamCa: null,
    news: {
      report: (report) => void reports.push(report),
      workerDied: ({ worker }) => void deaths.push(worker),
      workerRestarted() {},
      warn() {},
    },
  })
  t.teardown(() => relaying.stop())
  const connect: RelayingStage['connect'] = async (scheme, user = USER, host = HOST) => {
    const listener = relaying.listeners.find((one) => one.scheme === scheme && one.address.host === host)
    if (listener === undefined) throw new Error(`there is no listener for ${scheme} on ${host}`)
    return TurnClient.on(t, await transportOf(scheme, host, listener.address.port, cert), user)
  }
  return { relaying, users, reports, deaths, connect }
}

function transportOf(scheme: ListenerScheme, host: string, port: number, ca: string) {
  if (scheme === 'udp') return connectUdp(host, port)
  if (scheme === 'tcp') return connectTcp(host, port)
  return scheme === 'tls' ? connectTls(host, port, ca) : connectDtls(host, port)
}
