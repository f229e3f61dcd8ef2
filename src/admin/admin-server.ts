// The admin plane over HTTP: the status page, the API and what machines watch, on one port of --admin-listen. Opened by src/server with the server
// that it is about; everything here is events of the main thread.
import type { AddressInfo } from 'node:net'
import type { CertificateMaterial } from '../auth/certificate-file.js'
import { formatAddressPort } from '../config/ip-address.js'
import { isWildcardHost, type ListenAddress } from '../config/listen-spec.js'
import { ADMIN_CLOSING_MILLISECONDS_MAX } from '../limits/admin.js'
import type { Logger } from '../log/logger.js'
import type { Administered } from './administered.js'
import { TurnServers } from './cms/turn-servers.js'
import { EventStreams } from './event-streams.js'
import { listenForAdmin } from './http/admin-listen.js'
import { type AdminApp, makeApp } from './http/app.js'
import { Authentication } from './http/authentication.js'
import { isLoopback } from './http/client-address.js'
import { Entrance } from './http/entrance.js'
import { PAGE_DIRECTORY } from './http/page-files.js'
import { Metrics } from './metrics.js'

export interface AdminServerOptions {
  readonly administered: Administered
  readonly listen: ListenAddress
  /** Names by which browsers may know this server, beside its addresses. */
  readonly publicNames: readonly string[]
  /** null: plain HTTP. */
  readonly certificate: CertificateMaterial | null
  /** Who may read /metrics from elsewhere; none if it is empty. */
  readonly metricsTokens: readonly string[]
  /** Who may have credentials issued; nobody if absent. */
  readonly credentialsTokens?: readonly string[]
  /** Where the TURN servers of the CMS API are kept; in memory if null or absent. */
  readonly stateDirectory?: string | null
  readonly logger: Logger
  /** A sentence for the operator. */
  warn(text: string): void
  /** Where the built page is, if not beside this program. */
  readonly pageDirectory?: string
  /** Monotonic, in milliseconds. */
  now?(): number
}

/** What it is made of, and ends. */
interface Made {
  readonly app: AdminApp
  readonly entrance: Entrance
  readonly events: EventStreams
  readonly metrics: Metrics
  readonly authentication: Authentication
  readonly turnServers: TurnServers
}

export class AdminServer {
  readonly #made: Made
  readonly #listen: ListenAddress
  #publicNames: readonly string[]
  #port = 0
  #closing: Promise<void> | null = null

  private constructor(made: Made, { listen, publicNames }: AdminServerOptions) {
    this.#made = made
    this.#listen = listen
    this.#publicNames = publicNames
  }

  /** Throws TurndError if the address cannot be had, or there is no page to show. */
  static async open(options: AdminServerOptions): Promise<AdminServer> {
    const { administered, certificate, listen, logger, metricsTokens, now = () => performance.now() } = options
    const { credentialsTokens = [] } = options
    const authentication = new Authentication({ administered, metricsTokens, credentialsTokens, logger, now })
    const events = new EventStreams(administered)
    const metrics = new Metrics(administered)
    const stateDirectory = options.stateDirectory ?? null
    const turnServers = new TurnServers({ stateDirectory, logger, warn: (text) => options.warn(text) })
    const making = makeApp({
      ...{ administered, authentication, events, logger, metrics, turnServers },
      pageDirectory: options.pageDirectory ?? PAGE_DIRECTORY,
      publicNames: () => server.#publicNames,
      isSecure: () => entrance.hasCertificate,
    })
    const app: AdminApp = await making.catch((error: unknown) => {
      // It watches the event loop from the moment when it is made.
      metrics.close()
      void turnServers.close()
      throw error
    })
    const entrance = new Entrance(app.server)
    const server: AdminServer = new AdminServer(
      { app, entrance, events, metrics, authentication, turnServers },
      options,
    )
    try {
      server.setCertificate(certificate)
      await listenForAdmin(app.server, listen)
      server.#port = (app.server.address() as AddressInfo).port
    } catch (error) {
      await server.close()
      throw error
    }
    // Whoever holds the process alive, it is not a page that somebody has open.
    app.server.unref()
    if (certificate === null && !isLoopback(listen.host)) options.warn(clearText(listen))
    return server
  }

  /** Where it listens: the port is the real one. */
  get address(): { readonly host: string; readonly port: number } {
    return { host: this.#listen.host, port: this.#port }
  }

  /** A URL that logs in whoever opens it, once, within ten minutes. The token is in its fragment, which no browser sends or logs. */
  loginLink(): string {
    return `${this.url}/#login=${this.#made.authentication.makeLoginToken()}`
  }

  /** How a browser reaches it, without a path. */
  get url(): string {
    const { host, port } = this.address
    const isSecure = this.#made.entrance.hasCertificate
    const anywhere = (isSecure ? this.#publicNames[0] : undefined) ?? '127.0.0.1'
    const name = host === '::' ? '::1' : host
    const place = isWildcardHost(host) && host !== '::' ? `${anywhere}:${port}` : formatAddressPort(name, port)
    return `${isSecure ? 'https' : 'http'}://${place}`
  }

  /** For handshakes from now on. Connections that exist go on; with null, those in the clear are no longer sent elsewhere. */
  setCertificate(certificate: CertificateMaterial | null): void {
    this.#made.entrance.setCertificate(certificate)
  }

  setPublicNames(names: readonly string[]): void {
    this.#publicNames = names
  }

  setTokens(metrics: readonly string[], credentials: readonly string[]): void {
    const { authentication } = this.#made
    authentication.metricsTokens.set(metrics)
    authentication.credentialsTokens.set(credentials)
  }

  /** Streams end; answers that are under way have half a second. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const { app, entrance, events, metrics, turnServers } = this.#made
    events.close()
    const measured = turnServers.close()
    const deadline = setTimeout(() => entrance.close(), ADMIN_CLOSING_MILLISECONDS_MAX)
    await app.close()
    clearTimeout(deadline)
    entrance.close()
    metrics.close()
    await measured
  }
}

export function openAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  return AdminServer.open(options)
}

function clearText({ text }: ListenAddress): string {
  return `--admin-listen ${text} is reached from other machines without encryption, passwords too: give --cert and --key, or listen on 127.0.0.1`
}
