// Servers that run on this machine, asked through their control sockets: where they listen, and with what options.
import { resolve } from 'node:path'
import { askServers } from '../admin/control-client.js'
import { directoriesWithServers, serverProcesses } from '../admin/control-directory.js'
import { isWildcardHost } from '../config/listen-spec.js'
import { withDiscoveryListeners } from '../config/nat-discovery.js'
import type { ParsedSettings, Settings } from '../config/settings.js'
import { COMMAND_LINE } from '../config/source.js'
import { DOCTOR_CONTROL_MILLISECONDS_MAX } from '../limits/doctor.js'
import {
  DTLS_SCHEMES,
  type ListenTarget,
  TCP_SCHEMES,
  UDP_SCHEMES,
  wildcardListenTargets,
} from '../net/listen-targets.js'
import type { SettingsAnswer } from '../server/control.js'

export interface RunningServer {
  readonly pid: number
  /** Such as `udp:192.0.2.1:3478`. */
  readonly listening: readonly string[]
  /** Without secrets: whoever has one is there, with an empty password. */
  readonly settings: Settings
}

export interface ServersOfMachine {
  /** Those of the state directory come first. */
  readonly answering: readonly RunningServer[]
  /** Those of the state directory alone. */
  readonly ofDirectory: readonly RunningServer[]
  /** Processes of those that this account may not ask, or that hang. */
  readonly silent: readonly number[]
}

/** All of this machine, whatever their state directory is: whoever gives options may not know that of the server. */
export async function serversOfMachine(stateDirectory: string): Promise<ServersOfMachine> {
  const directories = [...new Set([resolve(stateDirectory), ...directoriesWithServers()])]
  const found = await Promise.all(directories.map(serversIn))
  const answering = found.flat()
  const known = new Set(answering.map(({ pid }) => pid))
  return { answering, ofDirectory: found[0], silent: serverProcesses().filter((pid) => !known.has(pid)) }
}

/** Those that run with these options, as far as anybody can tell: with the state directory, or on a listener. */
export function serversWith(settings: Settings, servers: readonly RunningServer[]): RunningServer[] {
  const directory = resolve(settings.stateDir)
  const { listen } = withDiscoveryListeners(settings)
  const targets = [UDP_SCHEMES, TCP_SCHEMES, DTLS_SCHEMES].flatMap((schemes) => wildcardListenTargets(listen, schemes))
  return servers.filter(
    (server) => server.settings.stateDir === directory || targets.some((target) => isListeningOn(server, target)),
  )
}

/** Has it a socket that is in the way of this one? */
export function isListeningOn({ listening }: RunningServer, { address, scheme }: ListenTarget): boolean {
  return listening.some((text) => {
    const [, itsScheme, host = '', port] = /^([a-z]+):(.*):(\d+)$/.exec(text) ?? []
    const isHost =
      isWildcardHost(address.host) ||
      `${address}`.startsWith(`${host}:`) ||
      isWildcardHost(host.replace(/^\[|\]$/g, ''))
    return itsScheme === scheme && Number(port) === address.port && isHost
  })
}

async function serversIn(directory: string): Promise<RunningServer[]> {
  try {
    const answers = await askServers(directory, { command: 'settings' }, DOCTOR_CONTROL_MILLISECONDS_MAX)
    return answers.flatMap((answer) => (answer.kind === 'result' ? [answer.result as SettingsAnswer] : []))
  } catch {
    return []
  }
}

/** Its options as if they were given here. */
export function parsedOf({ settings }: RunningServer): ParsedSettings {
  return { settings, warnings: [], given: new Map(), naming: COMMAND_LINE }
}
