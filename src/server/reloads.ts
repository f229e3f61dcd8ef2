// Other settings for a running server, one reload after the other: what may fail is prepared first, then all of it is taken over, or nothing.
//
//   read the settings ─► the difference ─► users, certificate, listeners, workers: prepared ─┬─► all committed ─► said in the log
//                                                                      one cannot ─► all let go, one sentence

import type { ReloadResult, SettingChange } from '../admin/schema/operations.js'
import { readAuthorities } from '../config/authorities.js'
import { withDiscoveryListeners } from '../config/nat-discovery.js'
import type { ParsedSettings } from '../config/settings.js'
import type { Logger } from '../log/logger.js'
import { type AdminTokens, adminTokensOf, tokenChanges } from './admin-tokens.js'
import type { PreparedAlternates } from './alternates.js'
import type { ServerCertificate } from './certificate.js'
import { type PreparedCertificate, prepareCertificate } from './certificate-reload.js'
import { noted } from './change-notes.js'
import { logImport } from './import-log.js'
import { checkDiscoveryPairs } from './nat-discovery.js'
import type { OpenedServer } from './open-server.js'
import { filesWarning } from './ready-report.js'
import { refuseImpossibleDtls, withoutDefaultDtls } from './refuse-dtls.js'
import type { PreparedRelaying, Relaying } from './relaying.js'
import { logReload } from './reload-log.js'
import { settingChanges, withLive } from './setting-changes.js'
import { isNobodyConfigured, nobodyText, type Users } from './users.js'
import { type PreparedUsers, prepareUsers } from './users-reload.js'

/** What a reload changes. */
export interface LiveParts {
  readonly parsed: ParsedSettings
  readonly users: Users
  readonly certificate: ServerCertificate | null
  readonly tokens: AdminTokens
}

export interface ReloadHost {
  readonly logger: Logger
  readonly hasStateDir: boolean
  /** There is a status page. */
  hasAdminServer(): boolean
  warn(text: string): void
  /** null: the server does not run. */
  present(): (LiveParts & Pick<OpenedServer, 'relayHosts' | 'alternates'> & { readonly relaying: Relaying }) | null
  take(parts: LiveParts): void
  /** To that of the settings in force. */
  setLogLevel(): void
}

type Present = NonNullable<ReturnType<ReloadHost['present']>>

interface Prepared {
  readonly parsed: ParsedSettings
  readonly users: PreparedUsers
  readonly certificate: PreparedCertificate
  readonly relaying: PreparedRelaying
  readonly alternates: PreparedAlternates
  readonly tokens: AdminTokens
  readonly changes: readonly SettingChange[]
}

export class Reloads {
  readonly #host: ReloadHost
  #last: Promise<unknown> = Promise.resolve()

  constructor(host: ReloadHost) {
    this.#host = host
  }

  /** After those that were asked for before. @param read throws TurndError */
  run(read: () => ParsedSettings, isDryRun: boolean): Promise<ReloadResult> {
    const result = this.#last.then(() => this.#run(read, isDryRun))
    this.#last = result.catch(() => {})
    return result
  }

  /** Resolves when none is under way. */
  async settled(): Promise<void> {
    await this.#last
  }

  async #run(read: () => ParsedSettings, isDryRun: boolean): Promise<ReloadResult> {
    const { logger, present: presentOf } = this.#host
    const present = presentOf.call(this.#host)
    if (present === null) return failed(['the server does not run'], [])
    const warnings: string[] = []
    let result: ReloadResult
    try {
      result = await this.#change(present, await withoutDefaultDtls(read()), warnings, isDryRun)
    } catch (error) {
      // Whatever it is: a server that relays goes on as it was.
      result = failed([error instanceof Error ? error.message : String(error)], warnings)
    }
    if (isDryRun) return result
    if (result.applied) for (const text of warnings) this.#warn(text)
    // With the more talkative one of two levels.
    const isHeard = logger.isLevelEnabled('info')
    if (!isHeard) this.#host.setLogLevel()
    logReload(logger, result)
    this.#host.setLogLevel()
    return result
  }

  /** Settings that are in force are so, whatever a listener does: its error is not the reload's. */
  #warn(text: string): void {
    try {
      this.#host.warn(text)
    } catch (error) {
      this.#host.logger.error({ event: 'listener-failed', err: error }, "a listener of 'warning' failed")
    }
  }

  async #change(
    present: Present,
    wanted: ParsedSettings,
    warnings: string[],
    isDryRun: boolean,
  ): Promise<ReloadResult> {
    // Those of the start, or of the last reload, have been said.
    warnings.push(...wanted.warnings.filter((text) => !present.parsed.warnings.includes(text)))
    let isOver = false
    // Until all of it is taken over nobody else's code runs in between.
    const warn = (text: string) => void (isOver ? this.#host.warn(text) : warnings.push(text))
    const prepared = await this.#prepare(present, wanted, warn, isDryRun)
    const { alternates, certificate, changes, parsed, relaying, tokens, users } = prepared
    if (isDryRun) {
      users.abandon()
      await relaying.abandon()
      return { applied: false, changes: [...changes], errors: [], warnings }
    }
    users.commit()
    const committed = certificate.commit()
    await relaying.commit({ certificate: committed?.material ?? null })
    alternates.commit()
    this.#host.take({ parsed, users: users.users, certificate: committed, tokens })
    isOver = true
    logImport(this.#host.logger, parsed.imported, present.parsed.imported)
    const filesText = filesWarning(parsed.settings, present.relaying, present.relayHosts)
    if (filesText !== null && parsed.settings.maxAllocations > present.parsed.settings.maxAllocations) {
      warnings.push(filesText)
    }
    if (isNobodyConfigured(users.users)) warnings.push(nobodyText(parsed.settings))
    return { applied: true, changes: [...changes], errors: [], warnings }
  }

  /** Throws TurndError, with everything as it was. */
  async #prepare(
    present: Present,
    wanted: ParsedSettings,
    warn: (text: string) => void,
    isDryRun: boolean,
  ): Promise<Prepared> {
    const { hasStateDir, logger } = this.#host
    const from = present.parsed.settings
    const parsed = withLive(present.parsed, wanted)
    const { settings } = parsed
    await refuseImpossibleDtls(settings.listen)
    checkDiscoveryPairs(settings)
    const tokens = adminTokensOf(settings)
    const httpUpstreamCa =
      settings.httpUpstreamCa === null ? null : readAuthorities(settings.httpUpstreamCa, '--http-upstream-ca')
    const certificate = await prepareCertificate({
      ...{
        present: present.certificate,
        from,
        to: settings,
        hasAdminServer: this.#host.hasAdminServer(),
        logger,
        warn,
      },
    })
    const users = await prepareUsers({
      ...{ present: present.users, from, to: settings, hasStateDir, isDryRun, logger, onProblem: warn },
    })
    try {
      const limitsLoopback = parsed.given.has('unauthenticatedRate')
      const alternates = await present.alternates.prepare(settings)
      const change = {
        settings: withDiscoveryListeners(settings),
        ...{ limitsLoopback, alternates: alternates.list, users: users.users },
        ...{ certificate: certificate.material, httpUpstreamCa },
      }
      const relaying = await present.relaying.prepare(change, isDryRun)
      const rows = [
        ...settingChanges(from, wanted.settings),
        ...users.changes,
        ...certificate.changes,
        ...tokenChanges(present.tokens, tokens, from, settings),
      ]
      const changes = noted(rows, from, wanted.settings, {
        endingCount: relaying.endingCount,
        allocationCount: present.relaying.allocationCount(),
      })
      return { parsed, users, certificate, relaying, alternates, tokens, changes }
    } catch (error) {
      users.abandon()
      throw error
    }
  }
}

function failed(errors: string[], warnings: string[]): ReloadResult {
  return { applied: false, changes: [], errors, warnings }
}
