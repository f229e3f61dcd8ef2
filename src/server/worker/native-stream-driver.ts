// Node's event loop and the native engine's as one: the engine waits for its own sockets and for Node's at the same time.
//
//   poll ─► tick ─► advance (streams are written, sessions looked after) ─► a turn of Node's loop ─► poll …
//
// Node's loop takes up what its callbacks began (a socket to read, an answer that did not fit) when its next turn begins, and it does not count
// its immediates: so the engine waits only after two turns in which nothing happened and nobody waited.

import { TICK_MILLISECONDS_MAX } from '../../limits/engines.js'
import { TickClock } from '../../net/clock.js'
import type { ClientHandler, ListenerChange } from '../../net/engine.js'
import { allocateArena } from '../../net/native/arena.js'
import { findEventLoopFd } from '../../net/native/event-loop-fd.js'
import { loadKoffi } from '../../net/native/koffi.js'
import { openLibc, openStreamLibc } from '../../net/native/libc.js'
import { prepareAdopted } from '../../net/native/listener-change.js'
import type { AdoptedListener } from '../../net/native/listener-sockets.js'
import { NATIVE_ARENA_LENGTH } from '../../net/native/native-engine.js'
import { StreamRelayEngine } from '../../net/native/stream-relay-engine.js'
import { TCP_SOCKETS_ARENA_LENGTH, TcpSockets } from '../../net/native/tcp-socket.js'
import { lowerThreadPriority } from '../../net/native/thread-priority.js'
import type { StreamListeners, StreamPlace } from '../../net/stream/stream-listeners.js'
import { NativePeerSockets } from '../../net/tcp-relay/native-peer-sockets.js'
import type { TurnCore } from '../../turn/core.js'
import type { AdoptedSockets, StreamWorkerStart } from './messages.js'
import { type StreamDriver, together } from './stream-driver.js'

/** The same where the engine cannot tell that Node's loop has something. */
const POLL_MILLISECONDS_BLIND = 1
/** Turns in which nothing happens before a wait. */
const QUIET_COUNT_MIN = 2
/** Where processors are few, TLS handshakes wait for datagrams of calls and not the other way round. */
const NICE_VALUE = 5

export class NativeStreamDriver implements StreamDriver {
  readonly engine: StreamRelayEngine
  readonly peerSockets: NativePeerSockets
  readonly listeners = []
  readonly #sockets: AdoptedSockets
  readonly #tcpSockets: TcpSockets
  /** A listener that Node's loop watches; -1 without one. */
  #listenerFd = -1
  readonly #clock = new TickClock()
  #core: TurnCore | null = null
  /** The engine waits for Node's loop, too. */
  #isWatching = false
  #isRunning = true
  #isAdvanceDue = false
  #pollMilliseconds = POLL_MILLISECONDS_BLIND
  /** Of Node's loop, when the engine was last allowed to wait. */
  #eventCount = 0
  #wasBusy = true
  /** Turns in a row without a wait and without anything that happened. */
  #quietCount = 0

  constructor(sockets: AdoptedSockets, counters: Float64Array, heldFds: Int32Array) {
    const koffi = loadKoffi()
    lowerThreadPriority(koffi, NICE_VALUE)
    this.#sockets = sockets
    this.engine = new StreamRelayEngine({
      libc: openLibc(koffi),
      arena: allocateArena(koffi, NATIVE_ARENA_LENGTH),
      listeners: sockets.dtls,
      offloads: sockets.offloads,
      counters,
      heldFds,
    })
    this.peerSockets = new NativePeerSockets(koffi)
    this.#tcpSockets = new TcpSockets(openStreamLibc(koffi), allocateArena(koffi, TCP_SOCKETS_ARENA_LENGTH))
  }

  get monotonicStartSeconds(): number {
    return this.#clock.startSeconds
  }

  async openListeners(streams: StreamListeners): Promise<void> {
    await streams.open(this.#places(this.#sockets.tcp))
  }

  async prepareListeners(streams: StreamListeners, sockets: StreamWorkerStart['sockets']): Promise<ListenerChange> {
    const { dtls, tcp } = sockets as AdoptedSockets
    const change = together(prepareAdopted(this.engine, dtls), await streams.prepare(this.#places(tcp)))
    try {
      if (!this.#isWatching) await this.#watchEventLoop()
    } catch (error) {
      change.abandon()
      throw error
    }
    // The main thread has opened them, and knows where they are.
    return { ...change, listeners: [], wildcardPorts: [] }
  }

  setClients(clients: ClientHandler): void {
    if (this.#core !== null) this.engine.attach(this.#core, clients)
  }

  async run(core: TurnCore, clients: ClientHandler, advance: () => void): Promise<void> {
    this.#core = core
    this.engine.attach(core, clients)
    await this.#watchEventLoop()
    const turn = () => {
      this.#wasBusy = this.engine.poll(this.#mayWait() ? this.#pollMilliseconds : 0)
      core.tick(this.#clock.ticks())
      this.#isAdvanceDue = false
      advance()
      if (this.#isRunning) setImmediate(turn)
    }
    setImmediate(turn)
  }

  requestAdvance(): void {
    // It comes with every turn: the next one is not to wait.
    this.#isAdvanceDue = true
  }

  async stop(): Promise<void> {
    this.#isRunning = false
    this.engine.poll(0)
  }

  #places(listeners: readonly AdoptedListener[]): StreamPlace[] {
    return listeners.map(({ fd, scheme }) => ({
      ...{ scheme, name: `descriptor ${fd}`, isWildcard: false, listeners: () => [], error: (error) => error },
      place: () => {
        // Node closes what it listens on with this thread; the main thread's descriptor is for successors.
        const own = this.#tcpSockets.duplicate(fd)
        if (own < 0) throw new Error(`a listener cannot be taken over: errno ${this.#tcpSockets.errno}`)
        this.#listenerFd = own
        return { fd: own }
      },
    }))
  }

  /** Without TCP listeners the loop has messages only, which the main thread announces by the engine's own eventfd. */
  async #watchEventLoop(): Promise<void> {
    if (this.#listenerFd < 0) {
      this.#pollMilliseconds = TICK_MILLISECONDS_MAX
      return
    }
    // A turn in which the loop begins to watch the listener.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    const fd = findEventLoopFd(this.#listenerFd)
    if (fd < 0) {
      this.#pollMilliseconds = POLL_MILLISECONDS_BLIND
      return
    }
    this.#isWatching = true
    this.engine.watch(fd)
    this.#pollMilliseconds = TICK_MILLISECONDS_MAX
  }

  #mayWait(): boolean {
    const { events } = performance.nodeTiming.uvMetricsInfo
    const isQuiet = events === this.#eventCount && !this.#wasBusy && !this.#isAdvanceDue
    this.#eventCount = events
    this.#quietCount = isQuiet ? this.#quietCount + 1 : 0
    if (this.#quietCount < QUIET_COUNT_MIN) return false
    // After the wait a deadline may be over, and what is done then begins something, too.
    this.#quietCount = 0
    return true
  }
}
