// The admin plane of a server: its face (Administration), always, since alarms are logged whether anybody looks at a page; and the HTTP server of
// --admin-listen where there is to be one.
import type { AdminServer } from '../admin/admin-server.js'
import type { CertificateMaterial } from '../auth/certificate-file.js'
import { TurndError } from '../config/errors.js'
import type { ParsedSettings, Settings } from '../config/settings.js'
import type { Logger } from '../log/logger.js'
import { type AdminTokens, adminTokensOf } from './admin-tokens.js'
import { Administration, type AdministrationParts } from './administration.js'
import type { ServerHome } from './server-face.js'

/** What there will be, before anything is. */
export interface PreparedAdmin {
  /** With the port that --admin-listen ADDRESS:0 comes to: what relays must know it. */
  readonly parsed: ParsedSettings
  readonly tokens: AdminTokens
  /** The HTTP server is wanted, if --admin-listen does not say otherwise: the library has one where it is asked to alone. */
  readonly hasAdminServer: boolean
  /** There is a state directory to keep things in. */
  readonly hasStateDir: boolean
  /** Somebody asked for this address: not to have it stops the start. */
  readonly isListenGiven: boolean
}

export interface AdminPlaneParts extends AdministrationParts, PreparedAdmin {
  readonly logger: Logger
  warn(text: string): void
}

/** Before anything is opened. Throws TurndError. */
export async function prepareAdmin(parsed: ParsedSettings, home: ServerHome): Promise<PreparedAdmin> {
  const { hasStateDir } = home
  const isListenGiven = parsed.given.has('adminListen')
  const hasAdminServer = home.hasAdminServer || isListenGiven
  const tokens = adminTokensOf(parsed.settings)
  const { adminListen } = parsed.settings
  if (!hasAdminServer || adminListen === null || adminListen.port !== 0) {
    return { parsed, tokens, hasAdminServer, hasStateDir, isListenGiven }
  }
  const { withEphemeralPort } = await import('../admin/ephemeral-port.js')
  const settings = { ...parsed.settings, adminListen: await withEphemeralPort(adminListen) }
  return { parsed: { ...parsed, settings }, tokens, hasAdminServer, hasStateDir, isListenGiven }
}

export class AdminPlane {
  readonly administration: Administration
  tokens: AdminTokens
  readonly #server: AdminServer | null

  private constructor(administration: Administration, server: AdminServer | null, tokens: AdminTokens) {
    this.administration = administration
    this.tokens = tokens
    this.#server = server
  }

  /** Throws TurndError if the address cannot be had and somebody asked for it. */
  static async open(parts: AdminPlaneParts): Promise<AdminPlane> {
    const administration = new Administration(parts)
    try {
      return new AdminPlane(administration, await openServer(parts, administration), parts.tokens)
    } catch (error) {
      administration.close()
      throw error
    }
  }

  /** Where the page is, such as `http://127.0.0.1:8445`; null without one. */
  get url(): string | null {
    return this.#server?.url ?? null
  }

  /** A one-time link that logs in; null without a page. */
  loginLink(): string | null {
    return this.#server?.loginLink() ?? null
  }

  setCertificate(certificate: CertificateMaterial | null): void {
    this.#server?.setCertificate(certificate)
  }

  /** What of the settings it uses has changed. */
  settingsChanged({ publicName }: Settings, tokens: AdminTokens): void {
    this.tokens = tokens
    this.#server?.setPublicNames(publicName)
    this.#server?.setTokens(tokens.metrics, tokens.credentials)
  }

  async close(): Promise<void> {
    this.administration.close()
    await this.#server?.close()
  }
}

async function openServer(parts: AdminPlaneParts, administered: Administration): Promise<AdminServer | null> {
  const { hasAdminServer, hasStateDir, isListenGiven, logger, server, tokens, warn } = parts
  const { adminListen, publicName, stateDir } = server.settings()
  if (adminListen === null || !hasAdminServer) return null
  // Loaded where it is used only: most of it is HTTP.
  const { openAdminServer } = await import('../admin/admin-server.js')
  try {
    return await openAdminServer({
      administered,
      listen: adminListen,
      publicNames: publicName,
      certificate: server.certificate()?.material ?? null,
      ...{ metricsTokens: tokens.metrics, credentialsTokens: tokens.credentials },
      stateDirectory: hasStateDir ? stateDir : null,
      logger,
      warn,
    })
  } catch (error) {
    if (isListenGiven || !(error instanceof TurndError)) throw error
    warn(`${error.message}; this server has no status page`)
    return null
  }
}
