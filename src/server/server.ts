// A running TURN server, put together from its parts: settings → users, engine, relay addresses → what relays (relaying.ts). Embedded
// through createTurnServer, and used by the command in the same way.
import { EventEmitter } from 'node:events'
import type { ReloadResult } from '../admin/schema/operations.js'
import { TurndError } from '../config/errors.js'
import { settingsFromObject } from '../config/library-options.js'
import type { ParsedSettings, Settings, TurnServerOptions } from '../config/settings.js'
import type { Logger } from '../log/logger.js'
import type { Refusal } from '../log/refusals.js'
import type { EngineChoice } from '../net/choose-engine.js'
import { AdminPlane, type PreparedAdmin, prepareAdmin } from './admin-plane.js'
import type { AdministeredServer } from './administration.js'
import { Alarms, logAlarm } from './alarms.js'
import { ServerControl } from './control.js'
import { drainRelaying } from './drain-relaying.js'
import { type OpenedServer, openServer } from './open-server.js'
import { reportReady } from './ready-report.js'
import { refusalDetail } from './refusal-detail.js'
import { withoutDefaultDtls } from './refuse-dtls.js'
import type { Relaying } from './relaying.js'
import { type LiveParts, type ReloadHost, Reloads } from './reloads.js'
import { Reporter } from './reporter.js'
import { type ServerCounters, serverCounters } from './server-counters.js'
import type { TurnServerEvents } from './server-events.js'
import { type GeneratedUserFace, generatedUserFace, type ServerAddress, type ServerHome } from './server-face.js'
import { totalsOf } from './statistics.js'
import { startUpkeep } from './upkeep.js'
import { turnUris } from './uris.js'
import { type WhyFilter, type WhyReport, whyReport } from './why.js'

export type { ServerAddress } from './server-face.js'

interface Running extends OpenedServer {
  readonly relaying: Relaying
  readonly timers: readonly NodeJS.Timeout[]
  readonly startTimeMs: number
}

export class TurnServer extends EventEmitter<TurnServerEvents> {
  #parsed: ParsedSettings
  readonly #home: ServerHome
  readonly #choosing: Promise<EngineChoice> | null
  readonly #logger: Logger
  readonly #reporter: Reporter
  readonly #control: ServerControl
  readonly #reloads: Reloads
  readonly #alarms: Alarms
  #running: Running | null = null
  #plane: AdminPlane | null = null
  #isDraining = false
  #starting: Promise<void> | null = null
  #stopping: Promise<void> | null = null

  /** @param choosing the choice of the engine, if it is being made already */
  constructor(parsed: ParsedSettings, logger: Logger, home: ServerHome, choosing?: Promise<EngineChoice>) {
    super()
    this.#parsed = parsed
    this.#logger = logger
    this.#home = home
    this.#choosing = choosing ?? null
    this.#reporter = new Reporter(logger, {
      allocation: (info) => void this.emit('allocation', info),
      allocationDeleted: (info, cause) => void this.emit('allocationDeleted', info, cause),
      refusal: (refusal) => void this.emit('refusal', refusal),
      workerDied: (death) => {
        this.#alarms.workerDied(death)
        this.emit('workerDied', death.worker, death.allocationCount)
      },
      warning: (text) => this.#warn(text),
      detailOf: (refusal) => refusalDetail(refusal, this.settings, this.#running?.users.outside ?? null),
      settings: () => this.settings,
    })
    this.#alarms = new Alarms((change, alarm) => logAlarm(logger, change, alarm))
    this.#control = new ServerControl(this)
    this.#reloads = new Reloads({
      ...{ logger, hasStateDir: home.hasStateDir },
      warn: (text) => this.#warn(text),
      hasAdminServer: () => this.adminUrl() !== null,
      present: () => this.#present(),
      take: (parts) => this.#take(parts),
      setLogLevel: () => this.#home.setLogLevel?.(this.#parsed),
    })
  }

  /** Those in force: a reload may change them. */
  get settings(): Settings {
    return this.#parsed.settings
  }

  /** Opens the sockets. Throws TurndError, with nothing left open. */
  async start(): Promise<void> {
    if (this.#starting !== null) throw new TurndError('TURND_ERR_LIFECYCLE', 'the server has been started before')
    this.#starting = this.#start()
    await this.#starting
  }

  async #start(): Promise<void> {
    this.#parsed = await withoutDefaultDtls(this.#parsed)
    for (const warning of this.#parsed.warnings) this.#warn(warning)
    const admin = await prepareAdmin(this.#parsed, this.#home)
    this.#parsed = admin.parsed
    const opened = await openServer({
      ...{ parsed: this.#parsed, hasStateDir: this.#home.hasStateDir, choosing: this.#choosing },
      ...{ logger: this.#logger, news: this.#reporter, warn: (text) => this.#warn(text) },
    })
    if (this.#home.hasControlSocket) await this.#control.openOrWarn((text) => this.#warn(text))
    try {
      await this.#run(opened, admin)
    } catch (error) {
      await this.#close(this.#running)
      throw error
    }
    this.emit('ready')
  }

  /** From a successful start() to the end of stop(). */
  get isRunning(): boolean {
    return this.#running !== null
  }

  /** Where it listens; one entry per address, a wildcard expanded. Empty before start() and after stop(). */
  address(): ServerAddress[] {
    const listeners = this.#running?.relaying.listeners ?? []
    return listeners.map(({ scheme, address }) => ({ transport: scheme, host: address.host, port: address.port }))
  }

  /** The URIs for clients (RFC 7065), by public name if there is one, or with the public side of --external-ip where it stands for one. */
  uris(): string[] {
    const { listeners = [] } = this.#running?.relaying ?? {}
    return turnUris(listeners, this.#running?.relayHosts ?? [], this.settings)
  }

  /** The user that was generated because none is configured: with its password only if this start created it. */
  generatedUser(): GeneratedUserFace | null {
    return generatedUserFace(this.#running?.users.generatedUser ?? null)
  }

  /** Latest refusals, newest first. Of a flood a part is here; counters() knows all. */
  refusals(countMax?: number): Refusal[] {
    return this.#reporter.refusals.recent(countMax)
  }

  /** What happened since start: packets of the engine, and dropped frames and refusals by reason (those that occurred). */
  counters(): ServerCounters {
    return serverCounters(this.#running?.relaying.totals() ?? totalsOf([]))
  }

  /** Why calls failed: what was refused, summed up, with meaning and remedy; drops; and who got through. Throws TurndError for a bad filter. */
  why(filter: WhyFilter = {}): WhyReport {
    return whyReport({ parsed: this.#parsed, running: this.#running, reporter: this.#reporter }, filter)
  }

  /**
   * Opens a unix socket in the state directory, through which `turnd why --state-dir` reads why() and `turnd login` gets a loginLink(); the
   * command does so by itself. Resolves with its path; stop() removes it. Rejects with the system's error.
   */
  openControlSocket(): Promise<string> {
    return this.#control.open()
  }

  /** A one-time link that logs in to the status page; null without one. */
  loginLink(): string | null {
    return this.#plane?.loginLink() ?? null
  }

  /** Where the status page and the API are, such as `http://127.0.0.1:8445`; null without them. */
  adminUrl(): string | null {
    return this.#plane?.url ?? null
  }

  allocationCount(): number {
    return this.#running?.relaying.allocationCount() ?? 0
  }

  /** Reads the files of users, of secrets and of the certificate again, and no options. False if one is broken: that stays as it was. */
  reload(): boolean {
    const areUsersRead = this.#running?.users.reload() ?? true
    const isCertificateRead = this.#running?.certificate?.reload() ?? true
    return areUsersRead && isCertificateRead
  }

  /**
   * The settings anew from where they came from (the command's config file), with all files that they name: applies what can be applied
   * while the server runs, and says what cannot. All or nothing: after an error everything is as it was. Those that are asked for at the
   * same time come one after the other.
   * @param isDryRun only says what it would do
   */
  reloadSettings(isDryRun = false): Promise<ReloadResult> {
    const read = this.#home.readSettings ?? (() => this.#parsed)
    return this.#reloads.run(read, isDryRun)
  }

  /** The same with these options in place of all that were given before; those that are left out have their defaults. */
  reconfigure(options: TurnServerOptions, isDryRun = false): Promise<ReloadResult> {
    return this.#reloads.run(() => settingsFromObject(options), isDryRun)
  }

  /** Takes no new allocations, waits until the present ones have ended or the time is over, and stops. */
  async drain(timeoutSeconds = this.settings.drainTimeout): Promise<void> {
    const running = this.#running
    if (running === null) return this.stop()
    this.#isDraining = true
    await drainRelaying(running, timeoutSeconds, this.#logger, () => this.#stopping !== null)
    await this.stop()
  }

  /** Ends every allocation and closes every socket, at once; nothing before start(). May be called while the server starts. */
  stop(): Promise<void> {
    if (this.#starting === null) return Promise.resolve()
    this.#stopping ??= this.#stop(this.#starting)
    return this.#stopping
  }

  async #stop(starting: Promise<void>): Promise<void> {
    // A start that failed has left nothing open. Always later, too: handlers of our events call this from inside the core.
    await starting.catch(() => {})
    await this.#reloads.settled()
    const running = this.#running
    await this.#close(running)
    if (running === null) return
    const totals = running.relaying.totals()
    this.#reporter.flush(totals)
    this.#logger.info({ event: 'stopped', ...serverCounters(totals) }, 'stopped')
    this.emit('stopped')
  }

  async #close(running: Running | null): Promise<void> {
    await this.#control.close()
    if (running === null) return
    for (const timer of running.timers) clearInterval(timer)
    await this.#plane?.close()
    this.#plane = null
    await running.users.close()
    running.certificate?.close()
    await running.relaying.stop()
    this.#running = null
  }

  async #run(started: OpenedServer, admin: PreparedAdmin): Promise<void> {
    const { alternates, opened, relayHosts, users } = started
    const timers = startUpkeep(opened.relaying, this.#reporter, alternates)
    const running = { ...started, relaying: opened.relaying, timers, startTimeMs: Date.now() }
    this.#running = running
    this.#plane = await AdminPlane.open({
      ...{ ...admin, server: this.#administered(running), opened, relayHosts, startTimeMs: running.startTimeMs },
      ...{ alarms: this.#alarms, logger: this.#logger, warn: (text) => this.#warn(text) },
    })
    this.#followCertificate(running)
    reportReady(this.#logger, (text) => this.#warn(text), {
      ...{ settings: this.settings, opened, relayHosts, users, uris: this.uris(), adminUrl: this.adminUrl() },
    })
  }

  /** As the admin plane sees this server. @param started in force until a reload changes it */
  #administered(started: Running): AdministeredServer {
    const current = () => this.#running ?? started
    return {
      settings: () => this.settings,
      users: () => current().users,
      certificate: () => current().certificate,
      alternates: started.alternates,
      isDraining: () => this.#isDraining,
      uris: () => this.uris(),
      why: (filter) => this.why(filter),
      reload: (isDryRun) => this.reloadSettings(isDryRun),
      drain: (timeoutSeconds) => void this.drain(timeoutSeconds),
    }
  }

  /** null before the start and while it stops. */
  #present(): ReturnType<ReloadHost['present']> {
    if (this.#running === null || this.#stopping !== null) return null
    return { ...this.#running, parsed: this.#parsed, tokens: this.#plane?.tokens ?? { metrics: [], credentials: [] } }
  }

  #take({ certificate, parsed, tokens, users }: LiveParts): void {
    if (this.#running === null) return
    this.#parsed = parsed
    this.#running = { ...this.#running, users, certificate }
    this.#followCertificate(this.#running)
    this.#plane?.settingsChanged(parsed.settings, tokens)
  }

  /** Handshakes of clients and of browsers use it from now on, and those that come after it. */
  #followCertificate({ certificate, relaying }: Running): void {
    this.#plane?.setCertificate(certificate?.material ?? null)
    if (certificate === null) return
    certificate.onChanged = (material) => {
      relaying.setCertificate(material)
      this.#plane?.setCertificate(material)
    }
  }

  #warn(text: string): void {
    this.#logger.warn({ event: 'warning' }, text)
    this.#alarms.warned(text, this.#running === null)
    this.emit('warning', text)
  }
}
