// What a server is now, as one document: Status of the admin plane.
import type {
  Status,
  CertificateFacts as StatusCertificate,
  Listener as StatusListener,
} from '../admin/schema/status.js'
import type { CertificateFacts } from '../auth/certificate-file.js'
import type { Settings } from '../config/settings.js'
import type { Listener } from '../net/engine.js'
import type { RelayHost } from '../turn/relay-host.js'
import type { Relaying } from './relaying.js'
import { byTransport } from './statistics.js'

const DAY_MS = 86_400_000

export interface StatusParts {
  readonly version: string
  readonly settings: Settings
  readonly relaying: Relaying
  readonly relayHosts: readonly RelayHost[]
  readonly engineReason: string
  readonly startTimeMs: number
  readonly isDraining: boolean
  readonly uris: readonly string[]
  readonly certificate: CertificateFacts | null
  readonly userStores: Status['userStores']
  readonly alternates: readonly string[]
  readonly alarms: Status['alarms']
}

export function statusReport(parts: StatusParts, timeMs = Date.now()): Status {
  const { alarms, certificate, engineReason, isDraining, relayHosts, relaying, settings, startTimeMs, uris } = parts
  const used = relaying.allocationCount()
  return {
    version: parts.version,
    pid: process.pid,
    startTime: new Date(startTimeMs).toISOString(),
    time: new Date(timeMs).toISOString(),
    uptimeSeconds: Math.max(0, Math.floor((timeMs - startTimeMs) / 1000)),
    status: statusOf(relaying, isDraining),
    realm: settings.realm,
    engine: relaying.engine,
    engineReason,
    workerCount: relaying.workerCount,
    uris: [...uris],
    listeners: relaying.listeners.map((listener) => describeListener(listener, certificate, timeMs)),
    relayAddresses: relayHosts.map(({ address, advertised }) => {
      return { address: address.host, advertised: advertised.host }
    }),
    relayPorts: { min: settings.minPort, max: settings.maxPort },
    activeClients: used,
    relays: byTransport(relaying.totals().relays),
    licence: { used, limit: settings.maxAllocations },
    userStores: parts.userStores,
    alternates: [...parts.alternates],
    alarms,
  }
}

function statusOf(relaying: Relaying, isDraining: boolean): Status['status'] {
  if (isDraining) return 'Draining'
  return relaying.isRelaying() ? 'Active' : 'Inactive'
}

function describeListener(
  { address, scheme }: Listener,
  certificate: CertificateFacts | null,
  timeMs: number,
): StatusListener {
  const isSecure = scheme === 'tls' || scheme === 'dtls'
  const described = isSecure && certificate !== null ? describeCertificate(certificate, timeMs) : null
  return { scheme, host: address.host, port: address.port, certificate: described }
}

function describeCertificate(
  { fingerprint256, names, subject, validTo }: CertificateFacts,
  timeMs: number,
): StatusCertificate {
  return {
    subject,
    names: [...names],
    validToTime: new Date(validTo).toISOString(),
    daysLeft: Math.floor((validTo - timeMs) / DAY_MS),
    fingerprint256,
  }
}
