// What checks of this machine look at: the settings as a server with the same options would have them, and the system.
import type { ParsedSettings, Settings } from '../../config/settings.js'
import type { Machine } from '../machine.js'
import type { RunningServer } from '../running-servers.js'

export interface InsideScene {
  /** A TurndError: why there are none. */
  readonly parsed: ParsedSettings | Error
  /** Of what `parsed` holds; checks that need `configuration` may rely on it. */
  readonly settings: Settings
  readonly machine: Machine
  /** With these options, as far as anybody can tell. Those that this account may ask: it is theirs, or root. */
  readonly running: readonly RunningServer[]
  /** Processes of servers that it may not ask. */
  readonly silent: readonly number[]
  /** The settings are those of a server that runs, since none were given: its process; else null. */
  readonly settingsOf: number | null
  /** Milliseconds since the epoch. */
  readonly nowMs: number
  /** How long to wait for an answer. */
  readonly patienceMs: number
}
