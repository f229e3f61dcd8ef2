// What a TurnServer is given beside its settings, and where it is found.
import type { GeneratedUser } from '../auth/state-dir.js'
import type { ParsedSettings } from '../config/settings.js'
import type { Listener } from '../net/engine.js'

/** Where the server listens. */
export interface ServerAddress {
  readonly transport: Listener['scheme']
  readonly host: string
  readonly port: number
}

/** What a server has beside its sockets. */
export interface ServerHome {
  /** Without one nothing is read from disk or kept on it, and a user must be configured. */
  readonly hasStateDir: boolean
  /** In the state directory, from the start. */
  readonly hasControlSocket: boolean
  /** Serves the status page and the API. Where it is false, only if --admin-listen is given. */
  readonly hasAdminServer: boolean
  /** Where a reload gets the settings from; throws TurndError. Absent: nobody has others. */
  readSettings?(): ParsedSettings
  /** Of its log. Absent: the log is another's. */
  setLogLevel?(parsed: ParsedSettings): void
}

/** What whoever has started the server may know of it. */
export interface GeneratedUserFace {
  readonly username: string
  /** null: it was created by an earlier start. */
  readonly password: string | null
  /** Where it is kept; null if that failed. */
  readonly path: string | null
}

export function generatedUserFace(generated: GeneratedUser | null): GeneratedUserFace | null {
  if (generated === null) return null
  const { created, password, path, username } = generated
  return { username, password: created ? password : null, path }
}
