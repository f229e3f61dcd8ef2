// What the log says when a server has started: which engine relays and why, what the operator should know, and the ready line.
import { availableParallelism } from 'node:os'
import type { Settings } from '../config/settings.js'
import type { Logger } from '../log/logger.js'
import { hasListeners, TCP_SCHEMES } from '../net/listen-targets.js'
import { openFileLimit } from '../net/open-file-limit.js'
import type { RelayHost } from '../turn/relay-host.js'
import { type OpenFilesPlan, openFilesWarning } from './open-files.js'
import { describeEngine, type OpenedRelaying } from './open-relaying.js'
import type { Relaying } from './relaying.js'
import { isNobodyConfigured, nobodyText, type Users } from './users.js'

interface Started {
  readonly settings: Settings
  readonly opened: OpenedRelaying
  readonly relayHosts: readonly RelayHost[]
  readonly users: Users
  readonly uris: readonly string[]
  /** Of the status page; null without one. */
  readonly adminUrl: string | null
}

/** Workers beyond this only take memory and time. */
const WORKERS_PER_CORE_MAX = 4

export function reportReady(logger: Logger, warn: (text: string) => void, started: Started): void {
  const { adminUrl, opened, relayHosts, settings, uris, users } = started
  const { maxPort, minPort, realm } = settings
  const { relaying } = opened
  if (users.generatedUser?.warning) warn(users.generatedUser.warning)
  if (isNobodyConfigured(users)) warn(nobodyText(settings))
  if (relaying.engine === 'dgram' && settings.workers !== null && settings.workers > 1) {
    warn(`--workers ${settings.workers} has no effect: the dgram engine has one thread`)
  }
  if (relaying.engine === 'dgram' && settings.streamWorkers !== null && settings.streamWorkers > 1) {
    warn(`--stream-workers ${settings.streamWorkers} has no effect: with the dgram engine there is one`)
  }
  const coreCount = availableParallelism()
  if (relaying.engine === 'native' && relaying.workerCount > WORKERS_PER_CORE_MAX * coreCount) {
    warn(`--workers ${relaying.workerCount} is more than ${coreCount} cores can use: give one per core`)
  }
  const filesText = filesWarning(settings, relaying, relayHosts)
  if (filesText !== null) warn(filesText)
  const engine = engineFields(opened)
  const { reason } = opened
  const description = describeEngine(opened)
  if (reason === '') logger.info({ event: 'engine', ...engine }, description)
  else logger.warn({ event: 'engine', ...engine, reason }, `${description}: ${reason}`)
  const listening = relaying.listeners.map(({ scheme, address }) => `${scheme}:${address}`)
  const relays = relayHosts.map(({ address, advertised }) =>
    address === advertised ? address.host : `${advertised.host}/${address.host}`,
  )
  // Who reads only the ready line knows the engine too.
  const chosen = reason === '' ? engine : { ...engine, engineReason: reason }
  const fields = { realm, ...chosen, listening, uris, relays, relayPorts: `${minPort}-${maxPort}`, admin: adminUrl }
  logger.info({ event: 'ready', ...fields }, `ready: listening on ${listening.join(', ') || 'nothing'}`)
}

/** A sentence for the operator if the limit of open files is too small for these settings, or null. */
export function filesWarning(settings: Settings, relaying: Relaying, relayHosts: readonly RelayHost[]): string | null {
  return openFilesWarning(openFilesPlan(settings, relaying, relayHosts), openFileLimit())
}

function openFilesPlan(settings: Settings, relaying: Relaying, relayHosts: readonly RelayHost[]): OpenFilesPlan {
  const hasStreams = hasListeners(settings.listen, TCP_SCHEMES)
  return {
    maxAllocations: settings.maxAllocations,
    relayHostCount: relayHosts.length,
    portCount: settings.maxPort - settings.minPort + 1,
    familyCount: new Set(relayHosts.map(({ address }) => address.family)).size,
    workerCount: relaying.workerCount * (hasStreams ? 2 : 1),
    listenerCount: relaying.listeners.length,
    hasStreams,
  }
}

function engineFields({ offloads, relaying }: OpenedRelaying): Record<string, unknown> {
  const fields = { engine: relaying.engine, workers: relaying.workerCount }
  return offloads === null ? fields : { ...fields, offloads }
}
