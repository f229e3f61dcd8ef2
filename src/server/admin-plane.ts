// The admin plane of a server: its face (Administration), always, since alarms are logged whether anybody looks at a page; and the HTTP server of
// --admin-listen where there is to be one.
import type { AdminServer } from '../admin/admin-server.js'
import type { CertificateMaterial } from '../auth/certificate-file.js'
import { TurndError } from '../config/errors.js'
import type { Settings } from '../config/settings.js'
import type { Logger } from '../log/logger.js'
import { Administration, type AdministrationParts } from './administration.js'

export interface AdminPlaneParts extends AdministrationParts {
  readonly logger: Logger
  readonly metricsTokens: readonly string[]
  /** Somebody asked for this address: not to have it stops the start. */
  readonly isListenGiven: boolean
  /** If not, one is opened only where somebody asked for its address. */
  readonly hasAdminServer: boolean
  warn(text: string): void
}

export class AdminPlane {
  readonly administration: Administration
  readonly #server: AdminServer | null

  private constructor(administration: Administration, server: AdminServer | null) {
    this.administration = administration
    this.#server = server
  }

  /** Throws TurndError if the address cannot be had and somebody asked for it. */
  static async open(parts: AdminPlaneParts): Promise<AdminPlane> {
    const administration = new Administration(parts)
    try {
      return new AdminPlane(administration, await openServer(parts, administration))
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
  settingsChanged({ publicName }: Settings): void {
    this.#server?.setPublicNames(publicName)
  }

  async close(): Promise<void> {
    this.administration.close()
    await this.#server?.close()
  }
}

async function openServer(parts: AdminPlaneParts, administered: Administration): Promise<AdminServer | null> {
  const { hasAdminServer, isListenGiven, logger, metricsTokens, server, warn } = parts
  const { adminListen, publicName } = server.settings()
  if (adminListen === null || !(isListenGiven || hasAdminServer)) return null
  // Loaded where it is used only: most of it is HTTP.
  const { openAdminServer } = await import('../admin/admin-server.js')
  try {
    return await openAdminServer({
      administered,
      listen: adminListen,
      publicNames: publicName,
      certificate: server.certificate()?.material ?? null,
      metricsTokens,
      logger,
      warn,
    })
  } catch (error) {
    if (isListenGiven || !(error instanceof TurndError)) throw error
    warn(`${error.message}; this server has no status page`)
    return null
  }
}
