// Relaying by worker threads, each with the native engine and a core of its own. Started, told and watched from here; the packets of a
// client never come near this thread.
import { availableParallelism } from 'node:os'
import { TurndError } from '../config/errors.js'
import type { Offloads } from '../net/choose-engine.js'
import type { Listener } from '../net/engine.js'
import { localAddresses } from '../net/local-addresses.js'
import { type Koffi, loadKoffi } from '../net/native/koffi.js'
import { type Libc, openLibc } from '../net/native/libc.js'
import { type ListenerSockets, openListenerSockets } from '../net/native/listener-sockets.js'
import type { TransportAddress } from '../stun/address.js'
import { allocateSharedTables, type SharedTables, sweepWorker } from '../turn/shared-tables.js'
import { coreSettings } from './core-settings.js'
import { ownSockets } from './own-sockets.js'
import type { Relaying, RelayingParts } from './relaying.js'
import type { Report } from './reports.js'
import { type Totals, totalsOf } from './statistics.js'
import { installCrashHook } from './worker/crash-hook.js'
import type { Command } from './worker/messages.js'
import { NativeCalls } from './worker/native-calls.js'
import { type SharedStart, type SlotOwner, WorkerSlot } from './worker/worker-slot.js'

/** Of the shared table of relay ports. */
const WORKER_COUNT_MAX = 253

/** Opens the listeners and starts the workers. Throws TurndError, with nothing left open. */
export async function relayByWorkers(parts: RelayingParts, offloads: Offloads): Promise<Relaying> {
  const { calls, koffi, libc } = openNative()
  const workerCount = parts.settings.workers ?? Math.min(availableParallelism(), WORKER_COUNT_MAX)
  const sockets = openListenerSockets(koffi, libc, parts.settings.listen, workerCount, offloads)
  const pool = new WorkerPool(parts, offloads, workerCount, sockets, calls)
  try {
    await pool.start()
  } catch (error) {
    await pool.stop()
    throw engineError('a worker of the native engine could not start', error)
  }
  return pool
}

function openNative(): { koffi: Koffi; libc: Libc; calls: NativeCalls } {
  try {
    const koffi = loadKoffi()
    const libc = openLibc(koffi)
    return { koffi, libc, calls: new NativeCalls(koffi, libc) }
  } catch (error) {
    throw engineError('the native engine cannot be loaded', error)
  }
}

function engineError(what: string, error: unknown): TurndError {
  const reason = error instanceof Error ? error.message : String(error)
  return new TurndError('TURND_ERR_ENGINE', `${what}: ${reason}`, { cause: error })
}

class WorkerPool implements Relaying, SlotOwner {
  readonly engine = 'native'
  readonly workerCount: number
  readonly calls: NativeCalls
  readonly #parts: RelayingParts
  readonly #offloads: Offloads
  readonly #sockets: ListenerSockets
  readonly #tables: SharedTables
  readonly #slots: readonly WorkerSlot[]
  readonly #removeCrashHook: () => void
  #localHosts: readonly TransportAddress[] = localAddresses()
  #isDraining = false

  constructor(
    parts: RelayingParts,
    offloads: Offloads,
    workerCount: number,
    sockets: ListenerSockets,
    calls: NativeCalls,
  ) {
    const { relayHosts, settings, users } = parts
    const { maxAllocations, maxPort, minPort } = settings
    this.workerCount = workerCount
    this.calls = calls
    this.#parts = parts
    this.#offloads = offloads
    this.#sockets = sockets
    this.#tables = allocateSharedTables({
      relayHostCount: relayHosts.length,
      minPort,
      maxPort,
      maxAllocations,
      workerCount,
    })
    this.#slots = Array.from({ length: workerCount }, (_, index) => new WorkerSlot(index, this))
    this.#removeCrashHook = installCrashHook(workerCount, (index) => this.#slots[index].send({ kind: 'crash' }))
    if (users.usersFile !== null) users.usersFile.onReloaded = (changes) => this.#tell({ kind: 'users', changes })
  }

  get listeners(): readonly Listener[] {
    return this.#sockets.listeners
  }

  async start(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.start()))
  }

  totals(): Totals {
    return totalsOf(this.#slots.map(({ statistics }) => statistics))
  }

  allocationCount(): number {
    return this.#slots.reduce((sum, { allocationCount }) => sum + allocationCount, 0)
  }

  async drain(): Promise<void> {
    this.#isDraining = true
    await Promise.all(this.#slots.map((slot) => slot.drain()))
  }

  setLocalHosts(hosts: readonly TransportAddress[]): void {
    const isSame = (known: readonly TransportAddress[]) => hosts.map(String).join() === known.map(String).join()
    if (isSame(this.#localHosts)) return
    this.#localHosts = hosts
    this.#tell({ kind: 'local-hosts', hosts })
  }

  async stop(): Promise<void> {
    this.#removeCrashHook()
    const { usersFile } = this.#parts.users
    if (usersFile !== null) usersFile.onReloaded = () => {}
    await Promise.all(this.#slots.map((slot) => slot.stop()))
    this.#sockets.close()
  }

  startOf(workerIndex: number): SharedStart {
    const { limitsLoopback, nonceSecret, relayHosts, settings, users } = this.#parts
    const { adopted, listeners, wildcardPorts } = this.#sockets
    return {
      workerIndex,
      settings: coreSettings(settings, limitsLoopback),
      relayHosts,
      ownSockets: ownSockets(listeners, wildcardPorts, relayHosts, settings.adminListen),
      localHosts: this.#localHosts,
      users: users.snapshot(),
      // Of a Buffer the whole pool that it lies in would be copied.
      nonceSecret: new Uint8Array(nonceSecret),
      listeners: adopted[workerIndex],
      offloads: this.#offloads,
      tables: this.#tables,
      isDraining: this.#isDraining,
    }
  }

  report(report: Report, workerIndex: number): void {
    this.#parts.news.report(report, workerIndex)
  }

  died(worker: number, error: Error, allocationCount: number, restartSeconds: number): void {
    sweepWorker(this.#tables, worker)
    this.#parts.news.workerDied({ worker, error, allocationCount, restartSeconds })
  }

  restarted(workerIndex: number): void {
    this.#parts.news.workerRestarted(workerIndex)
  }

  #tell(command: Command): void {
    for (const slot of this.#slots) slot.send(command)
  }
}
