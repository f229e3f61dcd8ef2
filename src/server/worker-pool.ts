// Relaying by worker threads, each with a core of its own. Started, told and watched from here; the packets of a client never come near
// this thread. What kinds of workers there are, and what their sockets are, is the plan's to say (native-relaying.ts, dgram-relaying.ts).

import type { CertificateMaterial } from '../auth/certificate-file.js'
import type { CredentialChanges } from '../auth/credential-table.js'
import { TICKET_KEYS_MILLISECONDS } from '../limits/streams.js'
import type { Listener } from '../net/engine.js'
import { localAddresses } from '../net/local-addresses.js'
import { ConnectionCap } from '../net/stream/connection-cap.js'
import type { TransportAddress } from '../stun/address.js'
import type { Alternate } from '../turn/alternates.js'
import { sweepWorker } from '../turn/shared-tables.js'
import { coreSettings } from './core-settings.js'
import type { OutsideQuestion } from './outside-users.js'
import { PoolChange } from './pool-change.js'
import { type Listening, listenText, type PoolPlan } from './pool-plan.js'
import { RareWarnings } from './rare-warnings.js'
import type { CaptureSink, PreparedRelaying, Relaying, RelayingChange, RelayingParts } from './relaying.js'
import type { Report } from './reports.js'
import { asTurndError } from './start-error.js'
import { type Totals, totalsOf } from './statistics.js'
import { streamSettings } from './stream-settings.js'
import { newTicketKeys } from './ticket-keys.js'
import { followSecrets, type Users } from './users.js'
import { usersChange } from './users-snapshot.js'
import type { CapturedPackets } from './worker/capture-records.js'
import { installCrashHook } from './worker/crash-hook.js'
import type { Command, WorkerChange, WorkerStart } from './worker/messages.js'
import type { PartOf, Question } from './worker/questions.js'
import { type SharedStart, type SlotCalls, type SlotOwner, WorkerSlot } from './worker/worker-slot.js'

/** What a reload changes, for workers that are and for their successors. */
interface PoolState<Place extends Listening> extends RelayingChange {
  readonly listening: Place
}

export class WorkerPool<Place extends Listening = Listening> implements Relaying, SlotOwner {
  readonly engine: Relaying['engine']
  readonly workerCount: number
  readonly calls: SlotCalls
  captureSink: CaptureSink | null = null
  readonly #parts: RelayingParts
  readonly #plan: PoolPlan<Place>
  readonly #slots: WorkerSlot[]
  /** Those that were started, by position. */
  readonly #started = new Set<number>()
  readonly #removeCrashHook: () => void
  readonly #unfollowSecrets: () => void
  #state: PoolState<Place>
  /** Of workers that a reload starts: by position, until it is committed or abandoned. */
  #nextState: PoolState<Place> | null = null
  readonly #beginning = new Set<number>()
  #localHosts: readonly TransportAddress[] = localAddresses()
  #ticketKeys = newTicketKeys()
  readonly #ticketTimer: NodeJS.Timeout
  readonly #warnings: RareWarnings
  #isDraining = false

  constructor(parts: RelayingParts, plan: PoolPlan<Place>) {
    this.engine = plan.engine
    this.calls = plan.calls
    this.#parts = parts
    this.#warnings = new RareWarnings((text) => parts.news.warn(text))
    this.#plan = plan
    this.#state = { ...parts, listening: plan.listening }
    this.#slots = plan.workers.map((_, position) => this.#newSlot(position))
    const needed = plan.workers.filter((worker) => worker.isNeeded(plan.listening))
    this.workerCount = needed.filter(({ isForUdp }) => isForUdp).length || needed.length
    const crash = (index: number) => this.tell(index, { kind: 'crash' })
    this.#removeCrashHook = installCrashHook(plan.firstIndex, plan.workers.length, crash)
    this.#ticketTimer = setInterval(() => this.#changeTicketKeys(), TICKET_KEYS_MILLISECONDS).unref()
    this.#followUsersFile(parts.users)
    this.#unfollowSecrets = followSecrets(parts.users, async (changed) => {
      await Promise.all(this.#slots.map((slot) => slot.changeSecrets(changed)))
    })
  }

  get slotCount(): number {
    return this.#started.size
  }

  get listeners(): readonly Listener[] {
    return [...this.#state.listening.listeners, ...this.#slots.flatMap(({ listeners }) => listeners)]
  }

  /** UDP's first: with fewer threads that load at once it answers sooner. */
  async start(): Promise<void> {
    const idle = this.#idle(this.#state.listening)
    const isForUdp = (position: number) => this.#plan.workers[position].isForUdp
    for (const position of idle) this.#started.add(position)
    const start = (position: number) => this.#slots[position].start()
    await Promise.all(idle.filter(isForUdp).map(start))
    await Promise.all(idle.filter((position) => !isForUdp(position)).map(start))
  }

  totals(): Totals {
    return totalsOf(this.#slots.map(({ statistics }) => statistics))
  }

  allocationCount(): number {
    return this.#slots.reduce((sum, { allocationCount }) => sum + allocationCount, 0)
  }

  isRelaying(): boolean {
    return this.#slots.some(({ isReady }) => isReady)
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
    if (hosts.map(String).join() === this.#localHosts.map(String).join()) return
    this.#localHosts = hosts
    this.#tell({ kind: 'local-hosts', hosts })
  }

  setAlternates(alternates: readonly Alternate[]): void {
    this.#state = { ...this.#state, alternates }
    this.#tell({ kind: 'alternates', alternates })
  }

  setCertificate(certificate: CertificateMaterial): void {
    this.#state = { ...this.#state, certificate }
    this.#tell({ kind: 'certificate', certificate })
  }

  /** @param elsewhere where to listen, if that is not the plan's to say */
  async prepare(change: RelayingChange, isDryRun: boolean, elsewhere?: Place): Promise<PreparedRelaying> {
    const { listening: present, settings } = this.#state
    const { listen } = change.settings
    const isOther = elsewhere === undefined && listenText(settings.listen) !== listenText(listen)
    const place = isOther ? (this.#plan.prepareListening?.(present, listen) ?? null) : null
    const prepared = new PoolChange<PoolState<Place>>(this.#slots, (position, state) => this.#changeOf(position, state))
    const next = { ...change, listening: elsewhere ?? place?.listening ?? present }
    try {
      await prepared.prepare(next)
      if (!isDryRun) await this.#begin(next)
    } catch (error) {
      await prepared.abandon()
      place?.abandon()
      throw error
    }
    return {
      endingCount: prepared.endingCount,
      listeners: [...next.listening.listeners, ...prepared.listeners],
      commit: async (final) => {
        const committed = { ...next, ...final }
        this.#followUsersFile(committed.users)
        const done = prepared.commit(committed)
        this.#state = committed
        this.#beginning.clear()
        this.#nextState = null
        // Whoever is silent may still use what goes: it is closed with the pool then.
        if (await done) place?.commit()
      },
      abandon: async () => {
        await Promise.all([...this.#beginning].map((position) => this.#end(position)))
        await prepared.abandon()
        place?.abandon()
      },
    }
  }

  async stop(): Promise<void> {
    this.#removeCrashHook()
    this.#unfollowSecrets()
    clearInterval(this.#ticketTimer)
    if (this.#state.users.usersFile !== null) this.#state.users.usersFile.onReloaded = () => Promise.resolve()
    await Promise.all(this.#slots.map((slot) => slot.stop()))
    this.#plan.closeSockets()
  }

  startOf(workerIndex: number): SharedStart {
    const position = workerIndex - this.#plan.firstIndex
    const state = (this.#beginning.has(position) ? this.#nextState : null) ?? this.#state
    const { nonceSecret, relayHosts } = this.#parts
    return {
      ...{ workerIndex, relayHosts, users: state.users.snapshot() },
      ...this.#dynamicOf(position, state),
      // Of a Buffer the whole pool that it lies in would be copied.
      nonceSecret: new Uint8Array(nonceSecret),
      ...{ localHosts: this.#localHosts, tables: this.#plan.tables, isDraining: this.#isDraining },
    }
  }

  waitingSockets(workerIndex: number): readonly { readonly fd: number }[] {
    return this.#plan.workers[workerIndex - this.#plan.firstIndex].sockets(this.#state.listening)
  }

  report(report: Report, workerIndex: number): void {
    this.#parts.news.report(report, workerIndex)
  }

  died(worker: number, error: Error, allocationCount: number, restartSeconds: number): void {
    this.calls.close(sweepWorker(this.#plan.tables, worker).handles)
    ConnectionCap.clearWorker(this.#plan.connectionCap, worker)
    const isForStreams = !this.#plan.workers[worker - this.#plan.firstIndex].isForUdp
    this.#parts.news.workerDied({ worker, isForStreams, error, allocationCount, restartSeconds })
  }

  captured(packets: CapturedPackets): void {
    this.captureSink?.captured(packets)
  }

  lookUp(workerIndex: number, question: OutsideQuestion): void {
    // By the time when the verdict is there, others may have taken their place: the worker tells them apart.
    void this.#state.users.outside
      ?.ask(question)
      .then((verdict) => this.tell(workerIndex, { kind: 'verdict', verdict }))
  }

  tell(workerIndex: number, command: Command): void {
    this.#slots[workerIndex - this.#plan.firstIndex]?.send(command)
  }

  ended(workerIndex: number): void {
    this.captureSink?.workerEnded(workerIndex)
  }

  restarted(workerIndex: number): void {
    this.#parts.news.workerRestarted(workerIndex)
  }

  warn(text: string): void {
    this.#warnings.warn(text)
  }

  /** Whoever has an older ticket makes a whole handshake: what was recorded under old keys stays secret once they are gone. */
  #changeTicketKeys(): void {
    this.#ticketKeys = newTicketKeys()
    this.#tell({ kind: 'ticket-keys', ticketKeys: this.#ticketKeys })
  }

  #dynamicOf(position: number, state: PoolState<Place>): Pick<WorkerStart, 'settings' | 'ownSockets'> {
    const { certificate, httpUpstreamCa, listening, settings } = state
    const streams = streamSettings(settings, httpUpstreamCa, this.#plan.connectionCap)
    return {
      settings: coreSettings(state),
      ownSockets: listening.ownSockets,
      ...this.#plan.workers[position].start(listening, { streams, certificate, ticketKeys: this.#ticketKeys }),
    }
  }

  #changeOf(position: number, state: PoolState<Place>): WorkerChange {
    return { ...this.#dynamicOf(position, state), users: usersChange(this.#state.users, state.users) }
  }

  /** Workers, by position, that have nothing to do yet and would have then. */
  #idle(listening: Place): number[] {
    const positions = this.#plan.workers.map((_, position) => position)
    return positions.filter((each) => !this.#started.has(each) && this.#plan.workers[each].isNeeded(listening))
  }

  /** Starts those that are needed for the first time. */
  async #begin(next: PoolState<Place>): Promise<void> {
    this.#nextState = next
    const idle = this.#idle(next.listening)
    for (const position of idle) this.#beginning.add(position)
    for (const position of idle) this.#started.add(position)
    const results = await Promise.allSettled(idle.map((position) => this.#slots[position].start()))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed === undefined) return
    await Promise.all(idle.map((position) => this.#end(position)))
    throw asTurndError(failed.reason, `a worker of the ${this.engine} engine could not start`)
  }

  async #end(position: number): Promise<void> {
    await this.#slots[position].stop()
    this.#slots[position] = this.#newSlot(position)
    this.#started.delete(position)
    this.#beginning.delete(position)
  }

  #newSlot(position: number): WorkerSlot {
    return new WorkerSlot(this.#plan.firstIndex + position, this.#plan.workers[position], this)
  }

  #followUsersFile({ usersFile }: Users): void {
    const { usersFile: before } = this.#state.users
    if (before !== null && before !== usersFile) before.onReloaded = () => Promise.resolve()
    if (usersFile !== null) usersFile.onReloaded = (changes) => this.#changeUsers(changes)
  }

  async #changeUsers(changes: CredentialChanges): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.changeUsers(changes)))
  }

  #tell(command: Command): void {
    for (const slot of this.#slots) slot.send(command)
  }
}
