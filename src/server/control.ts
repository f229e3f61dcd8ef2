// What the control socket of a server serves, and its opening: one directory, one socket. Commands are added here.
import { resolve } from 'node:path'
import type { ControlSocket } from '../admin/control-socket.js'
import type { WhyFilter, WhyReport } from '../admin/schema/why.js'
import { createPrivateDirectory, errorText } from '../auth/private-file.js'
import { TurndError } from '../config/errors.js'
import type { Settings } from '../config/settings.js'

/** What is asked of the server. */
export interface Controlled {
  readonly settings: Settings
  why(filter: WhyFilter): WhyReport
  /** A one-time link to the status page; null without one. */
  loginLink(): string | null
}

/** Of the command `login`. */
export interface LoginAnswer {
  readonly pid: number
  readonly link: string | null
}

/** Of the command `settings`. */
export interface SettingsAnswer {
  readonly pid: number
  readonly listening: readonly string[]
  /** With empty passwords, secrets and tokens, but as many. */
  readonly settings: Settings
}

export class ServerControl {
  readonly #server: Controlled
  #socket: ControlSocket | null = null
  #opening: Promise<string> | null = null
  #isClosed = false

  constructor(server: Controlled) {
    this.#server = server
  }

  /** Resolves with the socket's path. Rejects with the system's error, and may be tried again then. */
  open(): Promise<string> {
    if (this.#isClosed) return Promise.reject(new TurndError('TURND_ERR_LIFECYCLE', 'the server has been stopped'))
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = null
      throw error
    })
    return this.#opening
  }

  /** A server without one relays all the same. */
  async openOrWarn(warn: (text: string) => void): Promise<void> {
    try {
      await this.open()
    } catch (error) {
      const { stateDir } = this.#server.settings
      warn(
        `no control socket in ${stateDir} (${errorText(error)}): turnd why and turnd login cannot ask this server; see --state-dir`,
      )
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#opening?.catch(() => {})
    await this.#socket?.close()
    this.#socket = null
  }

  async #open(): Promise<string> {
    // Loaded where it is used only: a library's server has none unless it asks.
    const { ControlSocket } = await import('../admin/control-socket.js')
    const { stateDir } = this.#server.settings
    createPrivateDirectory(stateDir)
    this.#socket = await ControlSocket.open(stateDir, {
      why: (request) => this.#server.why(whyFilterOf(request)),
      settings: (): SettingsAnswer => ({
        pid: process.pid,
        listening: this.#server.why({}).listening,
        settings: withoutSecrets(this.#server.settings),
      }),
      login: (): LoginAnswer => ({ pid: process.pid, link: this.#server.loginLink() }),
    })
    return this.#socket.path
  }
}

/** Paths are whole: who asks has another working directory. */
function withoutSecrets(settings: Settings): Settings {
  const { authSecret, authSecretFile, authWebhookCa, authWebhookTokenFile, cert, config, coturnConfig } = settings
  const { credentialsToken, credentialsTokenFile, expresswayConfig, key, metricsToken, metricsTokenFile } = settings
  const { oauthKeys, redis, redisCa, redisPasswordFile, stateDir, user, usersFile } = settings
  const whole = (path: string | null) => (path === null ? null : resolve(path))
  return {
    ...settings,
    ...{ stateDir: resolve(stateDir), cert: whole(cert), key: whole(key) },
    ...{ usersFile: whole(usersFile), authSecretFile: whole(authSecretFile), config: whole(config) },
    oauthKeys: whole(oauthKeys),
    ...{ authWebhookTokenFile: whole(authWebhookTokenFile), authWebhookCa: whole(authWebhookCa) },
    ...{ metricsTokenFile: whole(metricsTokenFile), coturnConfig: whole(coturnConfig) },
    ...{ expresswayConfig: whole(expresswayConfig), credentialsTokenFile: whole(credentialsTokenFile) },
    user: user.map(({ name }) => ({ name, password: '' })),
    authSecret: authSecret.map(() => ''),
    redis: redis === null || redis.password === null ? redis : { ...redis, password: '' },
    ...{ redisCa: whole(redisCa), redisPasswordFile: whole(redisPasswordFile) },
    metricsToken: metricsToken.map(() => ''),
    credentialsToken: credentialsToken.map(() => ''),
  }
}

/** From the fields of a request, which may be anything. */
function whyFilterOf(request: Readonly<Record<string, unknown>>): WhyFilter {
  const filter: Record<string, unknown> = {}
  const types = { user: 'string', source: 'string', reason: 'string', sinceSeconds: 'number', entriesMax: 'number' }
  for (const [name, type] of Object.entries(types)) {
    const value = request[name]
    if (value === undefined) continue
    if (typeof value !== type) throw new TurndError('TURND_ERR_OPTION', `${name} is not a ${type}`)
    filter[name] = value
  }
  return filter
}
