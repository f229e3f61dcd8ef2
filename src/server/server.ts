// A running TURN server, put together from its parts: settings → users, engine, relay hosts, policy → core. Embedded through
// createTurnServer, and used by the command in the same way.
import { EventEmitter } from 'node:events'
import { generateNonceSecret, loadNonceSecret } from '../auth/state-dir.js'
import { TurndError } from '../config/errors.js'
import type { ParsedSettings, Settings } from '../config/settings.js'
import type { Logger } from '../log/logger.js'
import type { Refusal } from '../log/refusals.js'
import { DgramEngine } from '../net/dgram/dgram-engine.js'
import type { EngineCounters, RelayEngine } from '../net/engine.js'
import { localAddresses } from '../net/local-addresses.js'
import { hostAddress } from '../stun/address.js'
import type { TurnCore } from '../turn/core.js'
import { DROP_NAMES } from '../turn/drop-reasons.js'
import type { DeletionCause } from '../turn/output.js'
import type { RelayHost } from '../turn/relay-host.js'
import { makeCore } from './make-core.js'
import { resolveRelayHosts } from './relay-hosts.js'
import { type AllocationInfo, Reporter } from './reporter.js'
import { isNobodyConfigured, loadUsers, stateDirError, type Users } from './users.js'

/** Interfaces come and go: the peer policy learns of them within this time. */
const LOCAL_ADDRESSES_INTERVAL_MS = 10_000
const REPORT_INTERVAL_MS = 1_000
/** How often a drain looks whether the last allocation has ended. */
const DRAIN_INTERVAL_MS = 50

export interface TurnServerEvents {
  /** Listening; the same as start() having resolved. */
  ready: []
  allocation: [AllocationInfo]
  allocationDeleted: [AllocationInfo, DeletionCause]
  refusal: [Refusal]
  /** A sentence for the operator. */
  warning: [string]
  stopped: []
}

/** Where the server listens. */
export interface ServerAddress {
  readonly transport: 'udp'
  readonly host: string
  readonly port: number
}

export interface ServerCounters {
  readonly engine: Readonly<EngineCounters>
  readonly drops: Readonly<Record<string, number>>
  readonly refusals: Readonly<Record<string, number>>
}

const NO_PACKETS: EngineCounters = { packetsReceived: 0, packetsSent: 0, sendQueueDrops: 0, socketErrors: 0 }

interface Running {
  readonly engine: RelayEngine
  readonly core: TurnCore
  readonly relayHosts: readonly RelayHost[]
  readonly users: Users
  readonly timers: readonly NodeJS.Timeout[]
}

export class TurnServer extends EventEmitter<TurnServerEvents> {
  readonly settings: Settings
  readonly #warnings: readonly string[]
  readonly #hasStateDir: boolean
  readonly #logger: Logger
  readonly #reporter: Reporter
  #running: Running | null = null
  #starting: Promise<void> | null = null
  #stopping: Promise<void> | null = null

  /** @param hasStateDir without one nothing is read from disk or kept on it, and a user must be configured */
  constructor(parsed: ParsedSettings, logger: Logger, hasStateDir: boolean) {
    super()
    this.settings = parsed.settings
    this.#warnings = parsed.warnings
    this.#logger = logger
    this.#hasStateDir = hasStateDir
    const events = {
      allocation: (info: AllocationInfo) => void this.emit('allocation', info),
      allocationDeleted: (info: AllocationInfo, cause: DeletionCause) =>
        void this.emit('allocationDeleted', info, cause),
      refusal: (refusal: Refusal) => void this.emit('refusal', refusal),
    }
    this.#reporter = new Reporter(logger, events, () => this.#running?.core.now ?? 0)
  }

  /** Opens the sockets. Throws TurndError, with nothing left open. */
  async start(): Promise<void> {
    if (this.#starting !== null) throw new TurndError('TURND_ERR_LIFECYCLE', 'the server has been started before')
    this.#starting = this.#start()
    await this.#starting
  }

  async #start(): Promise<void> {
    for (const warning of this.#warnings) this.#warn(warning)
    const users = loadUsers(this.settings, this.#hasStateDir, (text) => this.#warn(text))
    const engine = new DgramEngine()
    try {
      const nonceSecret = this.#loadNonceSecret()
      const relayHosts = await resolveRelayHosts(this.settings, (text) => this.#warn(text))
      await engine.openListeners(this.settings.listen)
      this.#run(engine, relayHosts, users, nonceSecret)
    } catch (error) {
      users.usersFile?.close()
      await engine.stop()
      throw error
    }
    this.#reportReady()
    this.emit('ready')
  }

  /** From a successful start() to the end of stop(). */
  get isRunning(): boolean {
    return this.#running !== null
  }

  /** Where it listens; one entry per socket, a wildcard expanded. Empty before start() and after stop(). */
  address(): ServerAddress[] {
    const listeners = this.#running?.engine.listeners ?? []
    return listeners.map(({ scheme, address }) => ({ transport: scheme, host: address.host, port: address.port }))
  }

  /** The URIs for clients (RFC 7065), with the public side of --external-ip where it stands for a listener's address. */
  uris(): string[] {
    return this.address().map(({ transport, host, port }) => {
      const mapped = this.#running?.relayHosts.find(({ address }) => address.host === host)
      const address = hostAddress(mapped?.advertised.host ?? host, port)
      return `turn:${address}?transport=${transport}`
    })
  }

  /** The user that was generated because none is configured: with its password only if this start created it. */
  generatedUser(): { username: string; password: string | null; path: string | null } | null {
    const generated = this.#running?.users.generatedUser ?? null
    if (generated === null) return null
    const { created, password, path, username } = generated
    return { username, password: created ? password : null, path }
  }

  /** Latest refusals, newest first. */
  refusals(countMax?: number): Refusal[] {
    return this.#reporter.refusals.recent(countMax)
  }

  /** What happened since start: packets of the engine, and dropped frames and refusals by reason (those that occurred). */
  counters(): ServerCounters {
    const drops: Record<string, number> = {}
    for (const [reason, count] of (this.#running?.core.drops ?? []).entries()) {
      if (count > 0) drops[DROP_NAMES[reason]] = count
    }
    return {
      engine: { ...(this.#running?.engine.counters ?? NO_PACKETS) },
      drops,
      refusals: Object.fromEntries(this.#reporter.refusals.counts),
    }
  }

  allocationCount(): number {
    return this.#running?.core.allocations.size ?? 0
  }

  /** Reads the users file again. False if it is broken: the users stay as they were. */
  reload(): boolean {
    return this.#running?.users.usersFile?.reload() ?? true
  }

  /** Takes no new allocations, waits until the present ones have ended or the time is over, and stops. */
  async drain(timeoutSeconds = this.settings.drainTimeout): Promise<void> {
    const running = this.#running
    if (running === null) return this.stop()
    running.core.drain()
    const count = running.core.allocations.size
    const rest = count === 0 ? 'nothing is left to wait for' : `${count} may go on for ${timeoutSeconds} s`
    this.#logger.info(
      { event: 'draining', allocations: count, timeoutSeconds },
      `draining: new allocations are refused, ${rest}`,
    )
    if (count > 0) await this.#allocationsEnded(timeoutSeconds)
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
    const running = this.#running
    if (running === null) return
    for (const timer of running.timers) clearInterval(timer)
    running.core.deleteAllAllocations('stopped')
    running.users.usersFile?.close()
    await running.engine.stop()
    this.#reporter.flush()
    const counters = this.counters()
    this.#running = null
    this.#logger.info({ event: 'stopped', ...counters }, 'stopped')
    this.emit('stopped')
  }

  /** Resolves when no allocation is left, the time is over, or stop() was called. */
  #allocationsEnded(timeoutSeconds: number): Promise<void> {
    const deadline = performance.now() + timeoutSeconds * 1000
    return new Promise((resolve) => {
      // Looked at, not reported: an allocation that never opened ends without an event.
      const timer = setInterval(() => {
        if (this.allocationCount() > 0 && performance.now() < deadline && this.#stopping === null) return
        clearInterval(timer)
        resolve()
      }, DRAIN_INTERVAL_MS)
    })
  }

  #loadNonceSecret(): Uint8Array {
    if (!this.#hasStateDir) return generateNonceSecret()
    try {
      const { secret, warning } = loadNonceSecret(this.settings.stateDir)
      if (warning !== null) this.#warn(warning)
      return secret
    } catch (error) {
      throw stateDirError(this.settings, error)
    }
  }

  #run(engine: RelayEngine, relayHosts: readonly RelayHost[], users: Users, nonceSecret: Uint8Array): void {
    const core = makeCore(this.settings, {
      engine,
      observer: this.#reporter,
      relayHosts,
      stores: users.stores,
      nonceSecret,
    })
    const refresh = () => core.policy.setLocalHosts(localAddresses())
    const timers = [
      setInterval(refresh, LOCAL_ADDRESSES_INTERVAL_MS).unref(),
      setInterval(() => this.#reporter.flush(), REPORT_INTERVAL_MS).unref(),
    ]
    this.#running = { engine, core, relayHosts, users, timers }
    engine.start(core)
  }

  #reportReady(): void {
    const { engine, relayHosts, users } = this.#running as Running
    const { maxPort, minPort, realm } = this.settings
    const listening = engine.listeners.map(({ scheme, address }) => `${scheme}:${address}`)
    const relays = relayHosts.map(({ address, advertised }) =>
      address === advertised ? address.host : `${advertised.host}/${address.host}`,
    )
    if (users.generatedUser?.warning) this.#warn(users.generatedUser.warning)
    if (isNobodyConfigured(users)) {
      this.#warn(`nobody can log in to realm ${realm}: add a user with turnd user add NAME --realm ${realm}`)
    }
    const fields = {
      realm,
      engine: engine.name,
      listening,
      uris: this.uris(),
      relays,
      relayPorts: `${minPort}-${maxPort}`,
    }
    this.#logger.info({ event: 'ready', ...fields }, `ready: listening on ${listening.join(', ') || 'nothing'}`)
  }

  #warn(text: string): void {
    this.#logger.warn({ event: 'warning' }, text)
    this.emit('warning', text)
  }
}
