// Servers that run on this machine, asked through their control sockets: where they listen, and with what options.
import { resolve } from 'node:path'
import { askServers } from '../admin/control-client.js'
import { directoriesWithServers } from '../admin/control-directory.js'
import type { ParsedSettings, Settings } from '../config/settings.js'
import { COMMAND_LINE } from '../config/source.js'
import { DOCTOR_CONTROL_MILLISECONDS_MAX } from '../limits/doctor.js'
import type { SettingsAnswer } from '../server/control.js'

export interface RunningServer {
  readonly pid: number
  /** Such as `udp:192.0.2.1:3478`. */
  readonly listening: readonly string[]
  /** Without secrets: whoever has one is there, with an empty password. */
  readonly settings: Settings
}

/** Those of a state directory; none if this account may not ask. */
export async function runningServers(stateDirectory: string): Promise<RunningServer[]> {
  try {
    const answers = await askServers(resolve(stateDirectory), { command: 'settings' }, DOCTOR_CONTROL_MILLISECONDS_MAX)
    return answers.flatMap((answer) => (answer.kind === 'result' ? [answer.result as SettingsAnswer] : []))
  } catch {
    return []
  }
}

/** One of this machine, of that directory or of any: for whoever gives no options. null: none runs, or this account may not ask. */
export async function anyRunningServer(stateDirectory: string): Promise<RunningServer | null> {
  const directories = [...new Set([resolve(stateDirectory), ...directoriesWithServers()])]
  const servers = (await Promise.all(directories.map(runningServers))).flat()
  return servers[0] ?? null
}

/** Its options as if they were given here. */
export function parsedOf({ settings }: RunningServer): ParsedSettings {
  return { settings, warnings: [], given: new Map(), naming: COMMAND_LINE }
}
