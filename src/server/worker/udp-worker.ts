// A worker thread for clients over UDP: the native engine and a core, in a loop that waits for packets and for nothing else.
//
//   poll ─► tick ─► commands of the main thread, if there are any ─► reports to it ─► poll …
//
// Node's event loop turns once a second only, for what V8 and Node have to do there. A throw ends the worker: the main thread closes
// what it leaves open, frees what it held, and starts a successor on the same listeners.

import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { PackedUsers } from '../../auth/credential-table.js'
import type { RestSecrets } from '../../auth/rest-secrets.js'
import { TICK_MILLISECONDS_MAX } from '../../limits/engines.js'
import { TickClock } from '../../net/clock.js'
import { allocateArena } from '../../net/native/arena.js'
import { loadKoffi } from '../../net/native/koffi.js'
import { openLibc } from '../../net/native/libc.js'
import { prepareAdopted } from '../../net/native/listener-change.js'
import { NATIVE_ARENA_LENGTH, NativeEngine } from '../../net/native/native-engine.js'
import type { TurnCore } from '../../turn/core.js'
import { countAllocationsOf, deleteAllocationsOf } from '../../turn/reconfigure.js'
import { CoreObserver } from '../core-observer.js'
import { changeCore, changeSecrets, makeCore, serverAddressesOf } from '../make-core.js'
import { Statistics, WORD_ALLOCATIONS, WORD_COMMANDS, WORD_ENDS } from '../statistics.js'
import { changedStores, storesOf } from '../users-snapshot.js'
import { Answers } from './answers.js'
import { Changes, type PreparedChange } from './changes.js'
import { countingSink } from './counting-sink.js'
import type { Command, UdpWorkerChange, UdpWorkerStart, WorkerMessage } from './messages.js'
import { Moves } from './moves.js'
import { Outbox } from './outbox.js'
import { postedLookup } from './posted-lookup.js'
import { isOfReload } from './questions.js'
import { reviveAddress, reviveAlternate, reviveUdpChange, reviveUdpStart } from './revive.js'
import { WorkerCaptures } from './worker-captures.js'

/** The same while reports wait to be posted. */
const POLL_MILLISECONDS_REPORTING = 10
const EVENT_LOOP_INTERVAL_TICKS = 100

class WorkerLoop {
  readonly #port: MessagePort
  readonly #engine: NativeEngine
  readonly #moves: Moves
  readonly #core: TurnCore
  #usersFile: PackedUsers | null
  readonly #temporaryUsers: PackedUsers
  readonly #restSecrets: RestSecrets
  readonly #statistics: Statistics
  readonly #outbox: Outbox
  readonly #captures: WorkerCaptures
  readonly #answers: Answers
  readonly #changes: Changes
  readonly #clock = new TickClock()
  #commandCount = 0
  #isRunning = true

  constructor(port: MessagePort, start: UdpWorkerStart) {
    const koffi = loadKoffi()
    const statistics = new Statistics(start.statistics)
    const { outsideId, restSecrets, stores, temporaryUsers, usersFile } = storesOf(start.users, start.settings)
    this.#port = port
    this.#statistics = statistics
    this.#usersFile = usersFile
    this.#temporaryUsers = temporaryUsers
    this.#restSecrets = restSecrets
    this.#outbox = new Outbox(statistics, (reports) => this.#post({ kind: 'reports', reports }))
    this.#engine = new NativeEngine({
      libc: openLibc(koffi),
      arena: allocateArena(koffi, NATIVE_ARENA_LENGTH),
      listeners: start.listeners,
      offloads: start.offloads,
      counters: statistics.engine,
      heldFds: new Int32Array(start.heldFds),
    })
    this.#moves = new Moves(
      this.#engine,
      (worker, move) => this.#post({ kind: 'move', worker, move }),
      () => this.#core.now,
    )
    this.#core = makeCore({
      settings: start.settings,
      monotonicStartSeconds: this.#clock.startSeconds,
      output: this.#engine,
      moveOutput: this.#moves,
      serverAddresses: serverAddressesOf(this.#engine),
      supportsDontFragment: this.#engine.supportsDontFragment,
      observer: new CoreObserver(
        countingSink(this.#outbox, () => this.#countAllocations()),
        statistics,
        () => this.#core.now,
      ),
      relayHosts: start.relayHosts,
      ownSockets: start.ownSockets,
      localHosts: start.localHosts,
      stores: [...stores, temporaryUsers, restSecrets],
      outsideId,
      oauthKeys: start.users.oauthKeys,
      userLookup: postedLookup((message) => this.#post(message)),
      nonceSecret: start.nonceSecret,
      localPortOf: ({ listenerId }) => this.#engine.localAddressOf(listenerId).port,
      drops: statistics.drops,
      shared: { tables: start.tables, workerIndex: start.workerIndex },
    })
    this.#engine.attach(this.#core)
    this.#captures = new WorkerCaptures({
      core: this.#core,
      workerIndex: start.workerIndex,
      sources: {
        handTo: (clients, peers) => this.#engine.handTo(clients, peers),
        localAddressOf: ({ listenerId }) => this.#engine.localAddressOf(listenerId),
      },
      statistics,
      post: (packets) => this.#post(packets),
      requestRound: () => {},
    })
    this.#answers = new Answers({
      core: this.#core,
      workerIndex: start.workerIndex,
      endCount: statistics.words[WORD_ENDS],
      temporaryUsers,
      captures: this.#captures,
      post: (answer) => this.#post(answer),
      requestRound: () => {},
    })
    this.#changes = new Changes(
      (change) => this.#prepare(reviveUdpChange(change as UdpWorkerChange)),
      (answer) => this.#post(answer),
    )
    if (start.isDraining) this.#core.drain()
  }

  run(): void {
    this.#post({ kind: 'ready', listeners: [] })
    this.#runSlice()
  }

  #runSlice(): void {
    const end = this.#core.now + EVENT_LOOP_INTERVAL_TICKS
    while (this.#isRunning && this.#core.now < end) this.#round()
    if (this.#isRunning) setImmediate(() => this.#runSlice())
    else this.#outbox.flushLast()
  }

  #round(): void {
    this.#engine.poll(this.#pollMilliseconds())
    this.#core.tick(this.#clock.ticks())
    this.#countAllocations()
    if (this.#answers.isBusy) this.#answers.advance()
    if (this.#captures.isRunning) this.#captures.advance()
    if (Atomics.load(this.#statistics.words, WORD_COMMANDS) !== this.#commandCount) this.#obey()
    this.#outbox.advance(this.#core.now)
  }

  #pollMilliseconds(): number {
    if (this.#answers.isBusy) return 0
    return this.#outbox.isEmpty ? TICK_MILLISECONDS_MAX : POLL_MILLISECONDS_REPORTING
  }

  #obey(): void {
    // Read before the messages: a command that comes meanwhile changes it again.
    this.#commandCount = Atomics.load(this.#statistics.words, WORD_COMMANDS)
    for (;;) {
      const received: { message: Command } | undefined = receiveMessageOnPort(this.#port)
      if (received === undefined) return
      this.#carryOut(received.message)
    }
  }

  #carryOut(command: Command): void {
    switch (command.kind) {
      case 'drain':
        this.#core.drain()
        this.#post({ kind: 'draining' })
        return
      case 'stop':
        // What is queued leaves with a last round, which also receives: no allocation may begin in it.
        this.#core.drain()
        this.#core.deleteAllAllocations('stopped')
        this.#engine.poll(0)
        this.#isRunning = false
        return
      case 'local-hosts':
        this.#core.policy.setLocalHosts(command.hosts.map(reviveAddress))
        return
      case 'alternates':
        this.#core.alternates.list = command.alternates.map(reviveAlternate)
        return
      case 'users':
        this.#usersFile?.apply(command.changes)
        this.#post({ kind: 'users' })
        return
      case 'secrets':
        changeSecrets(this.#core, this.#restSecrets, command.changed)
        this.#post({ kind: 'secrets' })
        return
      case 'verdict':
        this.#core.handleVerdict(command.verdict)
        return
      case 'move':
        this.#moves.receive(this.#core, command.move)
        return
      case 'certificate':
      case 'ticket-keys':
        // UDP has none.
        return
      case 'ask':
        if (isOfReload(command.question)) this.#changes.handle(command.id, command.question)
        else this.#answers.handle(command.id, command.question)
        return
      case 'crash':
        throw new Error('the test hook demands it')
    }
  }

  #prepare({ listeners: wanted, ownSockets, settings }: UdpWorkerChange): PreparedChange {
    const change = prepareAdopted(this.#engine, wanted)
    return {
      endingCount: countAllocationsOf(this.#core, change.isRemoved),
      listeners: [],
      commit: ({ users }) => {
        deleteAllocationsOf(this.#core, change.isRemoved)
        change.commit()
        const changed = users === null ? null : changedStores(users, this.#usersFile)
        if (changed !== null) this.#usersFile = changed.usersFile
        const coreUsers = changed === null ? null : { ...changed, stores: [...changed.stores, this.#temporaryUsers] }
        changeCore(this.#core, this.#restSecrets, settings, ownSockets, coreUsers)
        this.#countAllocations()
      },
      abandon: change.abandon,
    }
  }

  #countAllocations(): void {
    this.#statistics.words[WORD_ALLOCATIONS] = this.#core.allocations.size
  }

  #post(message: WorkerMessage): void {
    this.#port.postMessage(message)
  }
}

if (parentPort === null) throw new Error('this file is started as a worker thread')
new WorkerLoop(parentPort, reviveUdpStart(workerData as UdpWorkerStart)).run()
