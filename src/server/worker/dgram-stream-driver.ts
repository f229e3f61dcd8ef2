// Everything as events of Node's loop: relays and DTLS listeners by the dgram engine, TCP listeners of its own.

import type { ListenSpec } from '../../config/listen-spec.js'
import { TICK_MILLISECONDS_MAX } from '../../limits/engines.js'
import { DgramEngine } from '../../net/dgram/dgram-engine.js'
import type { ClientHandler, Listener, ListenerChange } from '../../net/engine.js'
import { DTLS_SCHEMES } from '../../net/listen-targets.js'
import { type StreamListeners, streamPlaces } from '../../net/stream/stream-listeners.js'
import { NodePeerSockets } from '../../net/tcp-relay/node-peer-sockets.js'
import type { TurnCore } from '../../turn/core.js'
import type { OwnListeners, StreamWorkerStart } from './messages.js'
import { type StreamDriver, together } from './stream-driver.js'

export class DgramStreamDriver implements StreamDriver {
  readonly engine: DgramEngine
  readonly peerSockets = new NodePeerSockets()
  readonly #specs: readonly ListenSpec[]
  #advance: () => void = () => {}
  #isAdvanceDue = false
  #timer: NodeJS.Timeout | null = null

  constructor(specs: readonly ListenSpec[], counters: Float64Array) {
    this.#specs = specs
    this.engine = new DgramEngine({ copiesPayloads: true, counters })
  }

  get monotonicStartSeconds(): number {
    return this.engine.clock.startSeconds
  }

  get listeners(): readonly Listener[] {
    return this.engine.listeners
  }

  async openListeners(streams: StreamListeners): Promise<void> {
    await this.engine.openListeners(this.#specs, DTLS_SCHEMES)
    await streams.open(streamPlaces(this.#specs))
  }

  async prepareListeners(streams: StreamListeners, sockets: StreamWorkerStart['sockets']): Promise<ListenerChange> {
    const { specs } = sockets as OwnListeners
    const dtls = await this.engine.prepareListeners(specs, DTLS_SCHEMES)
    try {
      return together(dtls, await streams.prepare(streamPlaces(specs)))
    } catch (error) {
      dtls.abandon()
      throw error
    }
  }

  setClients(clients: ClientHandler): void {
    this.engine.setClients(clients)
  }

  async run(core: TurnCore, clients: ClientHandler, advance: () => void): Promise<void> {
    this.#advance = advance
    this.engine.start(core, clients)
    this.#timer = setInterval(advance, TICK_MILLISECONDS_MAX)
  }

  requestAdvance(): void {
    if (this.#isAdvanceDue) return
    this.#isAdvanceDue = true
    setImmediate(() => {
      this.#isAdvanceDue = false
      this.#advance()
    })
  }

  async stop(): Promise<void> {
    this.#advance = () => {}
    if (this.#timer !== null) clearInterval(this.#timer)
    await this.engine.stop()
  }
}
