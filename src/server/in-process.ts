// Relaying in this thread: the dgram engine and one core.
import type { RestSecrets } from '../auth/rest-secrets.js'
import { TICK_MILLISECONDS_MAX } from '../limits/engines.js'
import type { DgramEngine } from '../net/dgram/dgram-engine.js'
import type { Listener, ListenerChange } from '../net/engine.js'
import { localAddresses } from '../net/local-addresses.js'
import { formatHost, type TransportAddress } from '../stun/address.js'
import type { Alternate } from '../turn/alternates.js'
import type { TurnCore } from '../turn/core.js'
import { countAllocationsOf, deleteAllocationsOf } from '../turn/reconfigure.js'
import { CoreObserver } from './core-observer.js'
import { coreSettings } from './core-settings.js'
import { type CoreParts, changeCore, changeSecrets, makeCore, serverAddressesOf } from './make-core.js'
import type { OwnSockets } from './own-sockets.js'
import type { CaptureSink, Relaying, RelayingChange, RelayingParts } from './relaying.js'
import type { ReportSink } from './reports.js'
import { type Statistics, type Totals, totalsOf, WORD_CAPTURES_READ } from './statistics.js'
import { followSecrets, type Users } from './users.js'
import { makeRestSecrets } from './users-snapshot.js'
import { Answers } from './worker/answers.js'
import type { CapturedPackets } from './worker/capture-records.js'
import type { PartOf, Question } from './worker/questions.js'
import { Unanswered } from './worker/unanswered.js'
import { WorkerCaptures } from './worker/worker-captures.js'

export class InProcess implements Omit<Relaying, 'prepare'> {
  readonly engine = 'dgram'
  readonly workerCount = 1
  #users: Users
  readonly #restSecrets: RestSecrets
  readonly #unfollowSecrets: () => void
  readonly #engine: DgramEngine
  readonly #core: TurnCore
  readonly #statistics: Statistics
  captureSink: CaptureSink | null = null
  readonly #index: number
  readonly #unanswered = new Unanswered('the main thread')
  readonly #answers: Answers
  readonly #captures: WorkerCaptures
  #isStopped = false

  /**
   * @param engine its listeners are open
   * @param statistics where the engine counts
   */
  constructor(
    engine: DgramEngine,
    parts: RelayingParts,
    ownSockets: OwnSockets,
    shared: CoreParts['shared'],
    statistics: Statistics,
  ) {
    const { news, nonceSecret, relayHosts, users } = parts
    const report: ReportSink['report'] = (report) => news.report(report, null)
    const sink: ReportSink = { report, admitsRefusal: () => true, admitsConnectionRefusal: () => true }
    this.#engine = engine
    this.#users = users
    this.#statistics = statistics
    const ofCore = coreSettings(parts)
    this.#restSecrets = makeRestSecrets(users.secretList.all(), ofCore)
    this.#unfollowSecrets = followSecrets(users, (changed) => changeSecrets(this.#core, this.#restSecrets, changed))
    this.#core = makeCore({
      settings: ofCore,
      monotonicStartSeconds: engine.clock.startSeconds,
      output: engine,
      serverAddresses: serverAddressesOf(engine),
      supportsDontFragment: engine.supportsDontFragment,
      observer: new CoreObserver(sink, statistics, () => this.#core.now),
      relayHosts,
      ownSockets,
      localHosts: localAddresses(),
      stores: [...users.stores, users.temporaryUsers, this.#restSecrets],
      outsideId: users.outside?.id ?? 0,
      oauthKeys: users.oauth.all(),
      userLookup: { lookUp: (username, client, mayBeRemembered) => this.#lookUp(username, client, mayBeRemembered) },
      nonceSecret,
      localPortOf: ({ listenerId }) => engine.localAddressOf(listenerId)?.port ?? 0,
      drops: statistics.drops,
      shared,
    })
    this.#index = shared.workerIndex
    this.#captures = new WorkerCaptures({
      core: this.#core,
      workerIndex: shared.workerIndex,
      sources: {
        handTo: (clients, peers) => engine.handTo(clients, peers),
        localAddressOf: ({ listenerId }) => engine.localAddressOf(listenerId),
      },
      statistics,
      post: (packets) => this.#handleCaptured(packets),
      requestRound: () => setTimeout(() => this.#captures.advance(), TICK_MILLISECONDS_MAX).unref(),
    })
    this.#answers = new Answers({
      core: this.#core,
      workerIndex: shared.workerIndex,
      endCount: 0,
      temporaryUsers: null,
      captures: this.#captures,
      post: (answer) => this.#unanswered.handle(answer),
      requestRound: () => setImmediate(() => this.#answers.advance()),
    })
    engine.start(this.#core)
  }

  get listeners(): readonly Listener[] {
    return this.#engine.listeners
  }

  totals(): Totals {
    return totalsOf([this.#statistics])
  }

  isRelaying(): boolean {
    return true
  }

  allocationCount(): number {
    return this.#core.allocations.size
  }

  ask<Asked extends Question>(question: Asked, worker = this.#index): Promise<readonly PartOf<Asked>[]> {
    if (worker !== this.#index) return Promise.resolve([])
    return this.#unanswered.ask<Asked>((id) => this.#answers.handle(id, question))
  }

  /**
   * Other settings; null where the listeners stay.
   * @param sockets this server's, by then
   */
  commit(change: RelayingChange, places: ListenerChange | null, sockets: OwnSockets): void {
    if (places !== null) deleteAllocationsOf(this.#core, places.isRemoved)
    places?.commit()
    const { users } = change
    const coreUsers =
      users === this.#users
        ? null
        : { stores: [...users.stores, users.temporaryUsers], outsideId: users.outside?.id ?? 0 }
    this.#users = users
    changeCore(this.#core, this.#restSecrets, coreSettings(change), sockets, coreUsers)
  }

  /** Allocations that end with their listeners. */
  endingCount(places: ListenerChange | null): number {
    return places === null ? 0 : countAllocationsOf(this.#core, places.isRemoved)
  }

  async drain(): Promise<void> {
    this.#core.drain()
  }

  setLocalHosts(hosts: readonly TransportAddress[]): void {
    this.#core.policy.setLocalHosts(hosts)
  }

  setAlternates(alternates: readonly Alternate[]): void {
    this.#core.alternates.list = alternates
  }

  setCertificate(): void {
    // UDP has none.
  }

  async stop(): Promise<void> {
    this.#unfollowSecrets()
    this.#isStopped = true
    this.#unanswered.giveUp()
    this.#core.deleteAllAllocations('stopped')
    await this.#engine.stop()
  }

  #lookUp(username: string, client: TransportAddress, mayBeRemembered: boolean): void {
    const asked = this.#users.outside?.ask({ username, source: formatHost(client), mayBeRemembered })
    void asked?.then((verdict) => {
      if (!this.#isStopped) this.#core.handleVerdict(verdict)
    })
  }

  #handleCaptured(packets: CapturedPackets): void {
    this.captureSink?.captured(packets)
    this.#statistics.words[WORD_CAPTURES_READ]++
  }
}
