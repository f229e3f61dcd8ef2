// What checks of this machine look at: the settings as a server with the same options would have them, and the system.
import type { ParsedSettings, Settings } from '../../config/settings.js'
import type { Machine } from '../machine.js'

/** A server that runs with this state directory. */
export interface RunningServer {
  readonly pid: number
  /** Such as `udp:192.0.2.1:3478`. */
  readonly listening: readonly string[]
}

export interface InsideScene {
  /** A TurndError: why there are none. */
  readonly parsed: ParsedSettings | Error
  /** Of what `parsed` holds; checks that need `configuration` may rely on it. */
  readonly settings: Settings
  readonly machine: Machine
  readonly running: readonly RunningServer[]
  /** Milliseconds since the epoch. */
  readonly nowMs: number
  /** How long to wait for an answer. */
  readonly patienceMs: number
}
