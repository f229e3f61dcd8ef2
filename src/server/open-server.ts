// The start of a server: its settings become users, a certificate, relay addresses, and what relays.
import { readAuthorities } from '../config/authorities.js'
import { withDiscoveryListeners } from '../config/nat-discovery.js'
import type { ParsedSettings, Settings } from '../config/settings.js'
import { assertRelations } from '../limits/relations.js'
import type { Logger } from '../log/logger.js'
import { chooseEngine, type EngineChoice } from '../net/choose-engine.js'
import type { RelayHost } from '../turn/relay-host.js'
import { allOf } from './all-of.js'
import { AlternateServers } from './alternates.js'
import type { ServerCertificate } from './certificate.js'
import { logImport } from './import-log.js'
import { checkDiscoveryPairs } from './nat-discovery.js'
import { logOAuthKeys } from './oauth-keyring.js'
import { type OpenedRelaying, openRelaying } from './open-relaying.js'
import { OutsideUsers } from './outside-users.js'
import { resolveRelayHosts } from './relay-hosts.js'
import type { RelayingNews, RelayingParts } from './relaying.js'
import { logSecrets } from './secrets-log.js'
import { loadUsers, nonceSecretOf, type Users } from './users.js'

assertRelations()

export interface OpenedServer {
  readonly opened: OpenedRelaying
  readonly relayHosts: readonly RelayHost[]
  readonly users: Users
  readonly certificate: ServerCertificate | null
  readonly alternates: AlternateServers
}

export interface ServerOpening {
  readonly parsed: ParsedSettings
  readonly hasStateDir: boolean
  /** The choice of the engine, if it is being made already. */
  readonly choosing: Promise<EngineChoice> | null
  readonly logger: Logger
  readonly news: RelayingNews
  warn(text: string): void
}

/** Throws TurndError, with nothing left open. */
export async function openServer(opening: ServerOpening): Promise<OpenedServer> {
  const { choosing, hasStateDir, logger, news, parsed } = opening
  const { settings } = parsed
  const warn = (text: string) => opening.warn(text)
  // First: it may say what the reason of an error is.
  logImport(logger, parsed.imported)
  const certificate = await openCertificate(settings, logger, warn)
  let outside: OutsideUsers | null = null
  let users: Users | null = null
  try {
    const httpUpstreamCa =
      settings.httpUpstreamCa === null ? null : readAuthorities(settings.httpUpstreamCa, '--http-upstream-ca')
    outside = await OutsideUsers.open(settings, logger)
    users = loadUsers(settings, hasStateDir, warn, null, outside)
    logSecrets(users.secretList, logger, warn)
    logOAuthKeys(users.oauth, logger)
    const nonceSecret = nonceSecretOf(settings, hasStateDir, warn)
    const [choice, relayHosts] = await allOf(
      choosing ?? chooseEngine(settings.engine, process.env),
      resolveRelayHosts(settings, warn),
    )
    checkDiscoveryPairs(settings)
    const alternates = new AlternateServers(relayHosts)
    const others = await alternates.prepare(settings)
    others.commit()
    const limitsLoopback = parsed.given.has('unauthenticatedRate')
    const parts: RelayingParts = {
      settings: withDiscoveryListeners(settings),
      ...{ limitsLoopback, alternates: others.list, relayHosts, users, nonceSecret, httpUpstreamCa, news },
      certificate: certificate?.material ?? null,
    }
    const opened = await openRelaying(choice, parts)
    // It may have changed while the workers started.
    if (certificate !== null && certificate.material !== parts.certificate) {
      opened.relaying.setCertificate(certificate.material)
    }
    alternates.onChanged = (list) => opened.relaying.setAlternates(list)
    // Those that were slow, by now.
    if (alternates.list.some(({ domain }) => domain !== '')) opened.relaying.setAlternates(alternates.list)
    return { opened, relayHosts, users, certificate, alternates }
  } catch (error) {
    certificate?.close()
    if (users === null) await outside?.close()
    else await users.close()
    throw error
  }
}

/** Loaded where there is one only: most of it is TLS. */
async function openCertificate(
  settings: Settings,
  logger: Logger,
  warn: (text: string) => void,
): Promise<ServerCertificate | null> {
  const { cert, key } = settings
  if (cert === null || key === null) return null
  const { ServerCertificate } = await import('./certificate.js')
  return new ServerCertificate(cert, key, settings, logger, warn)
}
