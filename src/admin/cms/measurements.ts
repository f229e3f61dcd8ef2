// Measures the TURN servers of the call bridge again and again, and whoever asks gets what was found last. Nobody is measured while there are no objects.
//
//   follow(objects) ─► each: measure ─► wait five seconds, more or less ─► measure …        a change of an object: measured anew
//                             └► a line of the log when what was found is another thing than before
import { setMaxListeners } from 'node:events'
import type { CallBridgeTurnServer } from '../../auth/turn-servers-file.js'
import { ClientError } from '../../client/client-error.js'
import {
  CMS_MEASURE_FRESH_MILLISECONDS,
  CMS_MEASURE_INTERVAL_MILLISECONDS,
  CMS_MEASURE_JITTER_PERCENT,
  CMS_MEASURING_COUNT_MAX,
} from '../../limits/cms.js'
import { escapeControls } from '../../log/escape.js'
import type { Logger } from '../../log/logger.js'
import { HostLookups } from './host-lookups.js'
import type { TurnServerStatus } from './measure.js'
import { STATUSES } from './names.js'
import { placeOf } from './parameters.js'

interface Watched {
  readonly turnServer: CallBridgeTurnServer
  running: Promise<TurnServerStatus> | null
  latest: TurnServerStatus | null
  /** Of performance.now(). */
  measuredAt: number
  timer: NodeJS.Timeout | undefined
  /** It is not followed any more, or not as it was. */
  isDropped: boolean
  /** Somebody waits for what is under way. */
  isAskedFor: boolean
}

interface Waiting {
  readonly watched: Watched
  begin(): void
}

export class Measurements {
  readonly #logger: Logger
  readonly #watched = new Map<string, Watched>()
  /** What the log was told last of each object, by its id. */
  readonly #told = new Map<string, string>()
  readonly #abort = new AbortController()
  readonly #lookups = new HostLookups((host) => this.#isFollowed(host))
  #runningCount = 0
  readonly #waiting: Waiting[] = []
  readonly #underWay = new Set<Promise<unknown>>()
  #isClosed = false

  constructor(logger: Logger) {
    this.#logger = logger
    // All that is under way listens to it.
    setMaxListeners(0, this.#abort.signal)
  }

  /** These are the objects now. Those that are new, or are not what they were, are measured at once. */
  follow(turnServers: readonly CallBridgeTurnServer[]): void {
    if (this.#isClosed) return
    const ids = new Set(turnServers.map(({ id }) => id))
    for (const [id, watched] of this.#watched) {
      if (ids.has(id)) continue
      this.#drop(watched)
      this.#watched.delete(id)
      this.#told.delete(id)
    }
    for (const turnServer of turnServers) {
      const known = this.#watched.get(turnServer.id)
      if (known !== undefined && isSame(known.turnServer, turnServer)) continue
      if (known !== undefined) this.#drop(known)
      const watched: Watched = {
        ...{ turnServer, running: null, latest: null, measuredAt: 0, timer: undefined },
        ...{ isDropped: false, isAskedFor: false },
      }
      this.#watched.set(turnServer.id, watched)
      this.#measureAlone(watched)
    }
  }

  /** Of an object that is followed: measured now, unless that was done in this second. */
  async status(id: string): Promise<TurnServerStatus> {
    const watched = this.#watched.get(id)
    if (watched === undefined || this.#isClosed) return { status: 'timeout', hosts: [], reason: 'it is not measured' }
    const isFresh = performance.now() - watched.measuredAt < CMS_MEASURE_FRESH_MILLISECONDS
    if (isFresh && watched.latest !== null) return watched.latest
    watched.isAskedFor = true
    return await this.#measure(watched)
  }

  /** What is under way may end: who has an allocation gives it back, if its server answers within this time. */
  async close(milliseconds: number): Promise<void> {
    this.#isClosed = true
    for (const watched of this.#watched.values()) this.#drop(watched)
    const late = setTimeout(() => this.#abort.abort(), milliseconds)
    await Promise.allSettled(this.#underWay)
    clearTimeout(late)
  }

  #drop(watched: Watched): void {
    clearTimeout(watched.timer)
    watched.isDropped = true
  }

  /** One at a time of each object: whoever asks meanwhile gets the same. */
  #measure(watched: Watched): Promise<TurnServerStatus> {
    watched.running ??= this.#run(watched)
    return watched.running
  }

  #measureAlone(watched: Watched): void {
    this.#measure(watched).catch((error: unknown) => {
      const line = { event: 'turn-server-status', turnServer: watched.turnServer.id, err: error }
      this.#logger.error(line, 'the measurement of a TURN server failed: this is a mistake in turnd')
    })
  }

  async #run(watched: Watched): Promise<TurnServerStatus> {
    clearTimeout(watched.timer)
    const measuring = this.#ask(watched)
    this.#underWay.add(measuring)
    try {
      const status = await measuring
      watched.latest = status
      watched.measuredAt = performance.now()
      if (!watched.isDropped) this.#tell(watched.turnServer, status)
      return status
    } finally {
      this.#underWay.delete(measuring)
      watched.running = null
      watched.isAskedFor = false
      if (!watched.isDropped) watched.timer = setTimeout(() => this.#measureAlone(watched), interval()).unref()
    }
  }

  async #ask(watched: Watched): Promise<TurnServerStatus> {
    const { measure } = await import('./measure.js')
    return measure(watched.turnServer, {
      lookups: this.#lookups,
      inTurn: (measuring) => this.#inTurn(watched, measuring),
      signal: this.#abort.signal,
    })
  }

  #isFollowed(host: string): boolean {
    const objects = this.#isClosed ? [] : [...this.#watched.values()]
    return objects.some(({ turnServer }) => placeOf(turnServer.serverAddress)?.host === host)
  }

  /** What is under way of an object that was dropped may end, as it gives its allocation back; what waits does not begin. */
  async #inTurn<Result>(watched: Watched, measuring: () => Promise<Result>): Promise<Result> {
    if (this.#runningCount < CMS_MEASURING_COUNT_MAX) this.#runningCount++
    else await new Promise<void>((resolve) => void this.#waiting.push({ watched, begin: resolve }))
    try {
      if (watched.isDropped) throw new ClientError('aborted', 'given up')
      return await measuring()
    } finally {
      this.#beginNext()
    }
  }

  /** First those for whom somebody waits. */
  #beginNext(): void {
    const index = this.#waiting.findIndex(({ watched }) => watched.isAskedFor)
    const [next] = this.#waiting.splice(Math.max(index, 0), 1)
    if (next === undefined) this.#runningCount--
    else next.begin()
  }

  #tell(turnServer: CallBridgeTurnServer, status: TurnServerStatus): void {
    const { id, serverAddress } = turnServer
    const found = hostsOf(status)
    if (found === this.#told.get(id)) return
    this.#told.set(id, found)
    const isWell = status.hosts.length > 0 && status.hosts.every((host) => host.status === 'success')
    const line = { event: 'turn-server-status', turnServer: id, serverAddress, status: status.status }
    const sentence = escapeControls(sentenceOf(turnServer, status))
    if (isWell) this.#logger.info(line, sentence)
    else this.#logger.warn({ ...line, reason: escapeControls(status.reason) }, sentence)
  }
}

/** What makes a line worth writing: addresses and what became of them, and no figures. */
function hostsOf({ hosts, status }: TurnServerStatus): string {
  if (hosts.length === 0) return status
  const found = hosts.map((host) => `${host.transport} ${host.address} ${host.port} ${host.status}`)
  // A resolver may tell the addresses in another order each time.
  return found.sort().join(', ')
}

function sentenceOf(turnServer: CallBridgeTurnServer, { hosts, reason, status }: TurnServerStatus): string {
  const { id, serverAddress, username } = turnServer
  const user = username === '' ? 'without a username' : `as user ${JSON.stringify(username)}`
  const head = `TURN server ${serverAddress} of the CMS API (${id}), ${user}`
  if (hosts.length === 0) return `${head}: ${status}: ${reason}: ${STATUSES[status]}`
  const parts = hosts.map((host) => {
    const place = `${host.transport.toUpperCase()} ${host.address} port ${host.port}`
    const advice = STATUSES[host.status]
    return `${place}: ${host.status}: ${host.reason}${advice === '' ? '' : `: ${advice}`}`
  })
  return `${head}: ${parts.join('; ')}`
}

function isSame(one: CallBridgeTurnServer, other: CallBridgeTurnServer): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other)
}

function interval(): number {
  const share = (CMS_MEASURE_JITTER_PERCENT / 100) * (2 * Math.random() - 1)
  return CMS_MEASURE_INTERVAL_MILLISECONDS * (1 + share)
}
