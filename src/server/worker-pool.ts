// Relaying by worker threads, each with a core of its own. Started, told and watched from here; the packets of a client never come near
// this thread. What kinds of workers there are, and what their sockets are, is the plan's to say (native-relaying.ts, dgram-relaying.ts).

import type { CertificateMaterial } from '../auth/certificate-file.js'
import type { CredentialChanges } from '../auth/credential-table.js'
import { WARNING_MILLISECONDS } from '../limits/reports.js'
import { TICKET_KEYS_MILLISECONDS } from '../limits/streams.js'
import type { Listener } from '../net/engine.js'
import { localAddresses } from '../net/local-addresses.js'
import { ConnectionCap } from '../net/stream/connection-cap.js'
import type { TransportAddress } from '../stun/address.js'
import { type SharedTables, sweepWorker } from '../turn/shared-tables.js'
import { coreSettings } from './core-settings.js'
import type { OwnSockets } from './own-sockets.js'
import type { CaptureSink, Relaying, RelayingParts } from './relaying.js'
import type { Report } from './reports.js'
import { type Totals, totalsOf } from './statistics.js'
import { newTicketKeys } from './ticket-keys.js'
import type { CapturedPackets } from './worker/capture-records.js'
import { installCrashHook } from './worker/crash-hook.js'
import type { Command } from './worker/messages.js'
import type { PartOf, Question } from './worker/questions.js'
import { type SharedStart, type SlotCalls, type SlotOwner, type WorkerKind, WorkerSlot } from './worker/worker-slot.js'

export interface PlannedWorker extends WorkerKind {
  /** Sockets of datagrams that it reads and the main thread keeps. */
  readonly sockets: readonly { readonly fd: number }[]
  /** What it is started with beside what all are. */
  start(dynamic: TlsMaterial): object
}

/** What handshakes use, and what changes while a server runs. */
export interface TlsMaterial {
  /** null: no TLS and no DTLS. */
  readonly certificate: CertificateMaterial | null
  /** A TLS session that began on one worker is resumed on another. */
  readonly ticketKeys: Uint8Array
}

export interface PoolPlan {
  readonly engine: Relaying['engine']
  /** In the order of their numbers, the first of which is `firstIndex`. */
  readonly workers: readonly PlannedWorker[]
  readonly firstIndex: number
  /** How many of them are for UDP clients: what --workers says. */
  readonly udpWorkerCount: number
  readonly tables: SharedTables
  /** Memory of the ConnectionCap. */
  readonly connectionCap: SharedArrayBuffer
  readonly calls: SlotCalls
  /** Opened by the main thread; workers may have listeners of their own. */
  readonly listeners: readonly Listener[]
  readonly ownSockets: OwnSockets
  closeSockets(): void
}

export class WorkerPool implements Relaying, SlotOwner {
  readonly engine: Relaying['engine']
  readonly workerCount: number
  readonly slotCount: number
  readonly calls: SlotCalls
  captureSink: CaptureSink | null = null
  readonly #parts: RelayingParts
  readonly #plan: PoolPlan
  readonly #slots: readonly WorkerSlot[]
  readonly #removeCrashHook: () => void
  #localHosts: readonly TransportAddress[] = localAddresses()
  #certificate: CertificateMaterial | null
  #ticketKeys = newTicketKeys()
  readonly #ticketTimer: NodeJS.Timeout
  readonly #warnings = new Map<string, number>()
  #isDraining = false

  constructor(parts: RelayingParts, plan: PoolPlan) {
    this.engine = plan.engine
    this.slotCount = plan.workers.length
    this.workerCount = plan.udpWorkerCount > 0 ? plan.udpWorkerCount : plan.workers.length
    this.calls = plan.calls
    this.#parts = parts
    this.#plan = plan
    this.#certificate = parts.certificate
    this.#slots = plan.workers.map((worker, index) => new WorkerSlot(plan.firstIndex + index, worker, this))
    this.#removeCrashHook = installCrashHook(plan.firstIndex, plan.workers.length, (index) =>
      this.#slots[index - plan.firstIndex].send({ kind: 'crash' }),
    )
    this.#ticketTimer = setInterval(() => this.#changeTicketKeys(), TICKET_KEYS_MILLISECONDS).unref()
    const { usersFile } = parts.users
    if (usersFile !== null) usersFile.onReloaded = (changes) => this.#changeUsers(changes)
  }

  get listeners(): readonly Listener[] {
    return [...this.#plan.listeners, ...this.#slots.flatMap(({ listeners }) => listeners)]
  }

  /** UDP's first: with fewer threads that load at once it answers sooner. */
  async start(): Promise<void> {
    const { udpWorkerCount } = this.#plan
    await Promise.all(this.#slots.slice(0, udpWorkerCount).map((slot) => slot.start()))
    await Promise.all(this.#slots.slice(udpWorkerCount).map((slot) => slot.start()))
  }

  totals(): Totals {
    return totalsOf(this.#slots.map(({ statistics }) => statistics))
  }

  allocationCount(): number {
    return this.#slots.reduce((sum, { allocationCount }) => sum + allocationCount, 0)
  }

  async ask<Asked extends Question>(question: Asked, worker?: number): Promise<readonly PartOf<Asked>[]> {
    const slots = worker === undefined ? this.#slots : this.#slots.filter(({ index }) => index === worker)
    return (await Promise.all(slots.map((slot) => slot.ask(question)))).flat()
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

  setCertificate(certificate: CertificateMaterial): void {
    this.#certificate = certificate
    this.#tell({ kind: 'certificate', certificate })
  }

  async stop(): Promise<void> {
    this.#removeCrashHook()
    clearInterval(this.#ticketTimer)
    const { usersFile } = this.#parts.users
    if (usersFile !== null) usersFile.onReloaded = () => Promise.resolve()
    await Promise.all(this.#slots.map((slot) => slot.stop()))
    this.#plan.closeSockets()
  }

  startOf(workerIndex: number): SharedStart {
    const { limitsLoopback, nonceSecret, relayHosts, settings, users } = this.#parts
    const { ownSockets, tables } = this.#plan
    return {
      workerIndex,
      settings: coreSettings(settings, limitsLoopback),
      relayHosts,
      ownSockets,
      localHosts: this.#localHosts,
      users: users.snapshot(),
      // Of a Buffer the whole pool that it lies in would be copied.
      nonceSecret: new Uint8Array(nonceSecret),
      tables,
      isDraining: this.#isDraining,
      ...this.#planned(workerIndex).start({ certificate: this.#certificate, ticketKeys: this.#ticketKeys }),
    }
  }

  waitingSockets(workerIndex: number): readonly { readonly fd: number }[] {
    return this.#planned(workerIndex).sockets
  }

  report(report: Report, workerIndex: number): void {
    this.#parts.news.report(report, workerIndex)
  }

  died(worker: number, error: Error, allocationCount: number, restartSeconds: number): void {
    this.calls.close(sweepWorker(this.#plan.tables, worker).handles)
    ConnectionCap.clearWorker(this.#plan.connectionCap, worker)
    this.captureSink?.workerEnded(worker)
    this.#parts.news.workerDied({ worker, error, allocationCount, restartSeconds })
  }

  captured(packets: CapturedPackets): void {
    this.captureSink?.captured(packets)
  }

  restarted(workerIndex: number): void {
    this.#parts.news.workerRestarted(workerIndex)
  }

  warn(text: string): void {
    // Of workers that find the same, one is enough.
    const now = performance.now()
    for (const [known, at] of this.#warnings) if (now - at > WARNING_MILLISECONDS) this.#warnings.delete(known)
    if (this.#warnings.has(text)) return
    this.#warnings.set(text, now)
    this.#parts.news.warn(text)
  }

  /** Whoever has an older ticket makes a whole handshake: what was recorded under old keys stays secret once they are gone. */
  #changeTicketKeys(): void {
    this.#ticketKeys = newTicketKeys()
    this.#tell({ kind: 'ticket-keys', ticketKeys: this.#ticketKeys })
  }

  async #changeUsers(changes: CredentialChanges): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.changeUsers(changes)))
  }

  #planned(workerIndex: number): PlannedWorker {
    return this.#plan.workers[workerIndex - this.#plan.firstIndex]
  }

  #tell(command: Command): void {
    for (const slot of this.#slots) slot.send(command)
  }
}
