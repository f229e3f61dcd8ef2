// A worker thread for clients over TCP, TLS and DTLS. What it consists of is in stream-clients.ts, what makes it go in the drivers. A throw ends the
// worker: the main thread closes what it leaves open, frees what it held, and starts a successor.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { CertificateMaterial } from '../../auth/certificate-file.js'
import { TurndError } from '../../config/errors.js'
import type { DtlsClients } from '../../net/dtls/dtls-clients.js'
import type { HttpEntry } from '../../net/stream/http-entry.js'
import { StreamListeners } from '../../net/stream/stream-listeners.js'
import { changeSecrets } from '../make-core.js'
import { ownSockets } from '../own-sockets.js'
import { Statistics, WORD_ALLOCATIONS, WORD_ENDS } from '../statistics.js'
import { Answers } from './answers.js'
import { Changes } from './changes.js'
import { countingSink } from './counting-sink.js'
import { DgramStreamDriver } from './dgram-stream-driver.js'
import type { Command, StreamWorkerChange, StreamWorkerStart, WorkerMessage } from './messages.js'
import { NativeStreamDriver } from './native-stream-driver.js'
import { Outbox } from './outbox.js'
import { postedLookup } from './posted-lookup.js'
import { isOfReload } from './questions.js'
import { reviveAddress, reviveAlternate, reviveStreamChange, reviveStreamStart } from './revive.js'
import { type ChangedWorker, prepareStreamChange } from './stream-change.js'
import { StreamClients } from './stream-clients.js'
import type { StreamDriver } from './stream-driver.js'
import { hasListener, makeDtlsClients, makeHttpEntry } from './stream-parts.js'
import { WorkerCaptures } from './worker-captures.js'

class StreamWorker {
  readonly #port: MessagePort
  readonly #start: StreamWorkerStart
  readonly #statistics: Statistics
  readonly #outbox: Outbox
  readonly #driver: StreamDriver
  readonly #listeners = new StreamListeners()
  #clients: StreamClients | null = null
  #answers: Answers | null = null
  #changes: Changes | null = null
  #streams: StreamWorkerStart['streams']
  #captures: WorkerCaptures | null = null

  constructor(port: MessagePort, start: StreamWorkerStart) {
    const { sockets } = start
    this.#port = port
    this.#start = start
    this.#streams = start.streams
    this.#statistics = new Statistics(start.statistics)
    this.#outbox = new Outbox(this.#statistics, (reports) => this.#post({ kind: 'reports', reports }))
    const { engine: counters } = this.#statistics
    this.#driver =
      sockets.kind === 'adopted'
        ? new NativeStreamDriver(sockets, counters, new Int32Array(start.heldFds))
        : new DgramStreamDriver(sockets.specs, counters)
  }

  async run(): Promise<void> {
    // All that takes time comes first: from the moment when it listens, clients are there.
    const { sockets, streams } = this.#start
    const http = hasListener(sockets, 'tls') ? await makeHttpEntry(streams, (text) => this.#warn(text)) : null
    const dtls = hasListener(sockets, 'dtls') ? await makeDtlsClients(this.#driver, this.#statistics.engine) : null
    await this.#driver.openListeners(this.#listeners)
    const clients = this.#makeClients(http, dtls)
    this.#clients = clients
    this.#captures = this.#makeCaptures(clients)
    this.#answers = this.#makeAnswers(clients, this.#captures)
    this.#changes = new Changes(
      (change) => prepareStreamChange(this.#changedWorker(clients), reviveStreamChange(change as StreamWorkerChange)),
      (answer) => this.#post(answer),
    )
    this.#port.on('message', (command: Command) => this.#obey(clients, command))
    this.#listeners.handOn((socket, listener) => clients.streams.accept(socket, listener))
    await this.#driver.run(clients.core, clients.dtls ?? clients.core, () => this.#advance(clients))
    this.#post({ kind: 'ready', listeners: this.#ownListeners() })
  }

  #makeClients(http: HttpEntry | null, dtls: DtlsClients | null): StreamClients {
    const { engine, monotonicStartSeconds, peerSockets } = this.#driver
    return new StreamClients({
      start: this.#start,
      ownSockets: this.#ownSockets(),
      engine,
      http,
      dtls,
      peerSockets,
      statistics: this.#statistics,
      userLookup: postedLookup((message) => this.#post(message)),
      sink: countingSink(this.#outbox, () => this.#countAllocations()),
      monotonicStartSeconds,
      requestFlush: () => this.#driver.requestAdvance(),
    })
  }

  #countAllocations(): void {
    if (this.#clients !== null) this.#statistics.words[WORD_ALLOCATIONS] = this.#clients.core.allocations.size
  }

  #ownSockets(): StreamWorkerStart['ownSockets'] {
    const { ownSockets: known, relayHosts, sockets } = this.#start
    if (sockets.kind === 'adopted') return known
    const listeners = [...sockets.otherListeners, ...this.#ownListeners()]
    return ownSockets(listeners, this.#listeners.wildcardPorts, relayHosts, sockets.adminListen)
  }

  #ownListeners() {
    return [...this.#listeners.listeners, ...this.#driver.listeners]
  }

  #changedWorker(clients: StreamClients): ChangedWorker {
    return {
      start: this.#start,
      streams: this.#streams,
      driver: this.#driver,
      listeners: this.#listeners,
      clients,
      counters: this.#statistics.engine,
      warn: (text) => this.#warn(text),
      changed: ({ streams }) => {
        this.#streams = streams
        this.#countAllocations()
      },
    }
  }

  #advance(clients: StreamClients): void {
    clients.streams.flush()
    clients.advance()
    this.#countAllocations()
    if (this.#answers?.isBusy === true) this.#answers.advance()
    if (this.#captures?.isRunning === true) this.#captures.advance()
    this.#outbox.advance(clients.core.now)
  }

  #makeCaptures(clients: StreamClients): WorkerCaptures {
    return new WorkerCaptures({
      core: clients.core,
      workerIndex: this.#start.workerIndex,
      sources: clients,
      statistics: this.#statistics,
      post: (packets) => this.#post(packets),
      requestRound: () => {},
    })
  }

  #makeAnswers({ core, temporaryUsers }: StreamClients, captures: WorkerCaptures): Answers {
    return new Answers({
      core,
      workerIndex: this.#start.workerIndex,
      endCount: this.#statistics.words[WORD_ENDS],
      temporaryUsers,
      captures,
      post: (answer) => this.#post(answer),
      requestRound: () => this.#driver.requestAdvance(),
    })
  }

  #obey(clients: StreamClients, command: Command): void {
    switch (command.kind) {
      case 'drain':
        clients.core.drain()
        this.#post({ kind: 'draining' })
        return
      case 'stop':
        void this.#stop(clients)
        return
      case 'local-hosts':
        clients.core.policy.setLocalHosts(command.hosts.map(reviveAddress))
        return
      case 'alternates':
        clients.core.alternates.list = command.alternates.map(reviveAlternate)
        return
      case 'users':
        clients.usersFile?.apply(command.changes)
        this.#post({ kind: 'users' })
        return
      case 'secrets':
        changeSecrets(clients.core, clients.restSecrets, command.changed)
        this.#post({ kind: 'secrets' })
        return
      case 'verdict':
        clients.core.handleVerdict(command.verdict)
        return
      case 'move':
        // Its tickets say that no worker for UDP reaches it.
        return
      case 'certificate':
        this.#changeCertificate(clients, command.certificate)
        return
      case 'ticket-keys':
        clients.streams.tls.setTicketKeys(command.ticketKeys)
        return
      case 'ask':
        if (isOfReload(command.question)) this.#changes?.handle(command.id, command.question)
        else this.#answers?.handle(command.id, command.question)
        return
      case 'crash':
        throw new Error('the test hook demands it')
    }
  }

  /** The main thread has tried it with TLS; whatever DTLS finds wrong with it, the old one stays there. */
  #changeCertificate(clients: StreamClients, certificate: CertificateMaterial): void {
    try {
      clients.setCertificate(certificate)
    } catch (error) {
      this.#warn(`the new certificate is not used everywhere: ${(error as Error).message}`)
    }
  }

  async #stop(clients: StreamClients): Promise<void> {
    this.#listeners.close()
    clients.close()
    await this.#driver.stop()
    this.#countAllocations()
    this.#outbox.flushLast()
    // Connections that are closing would keep the thread.
    process.exit(0)
  }

  #warn(text: string): void {
    this.#post({ kind: 'warning', text })
  }

  #post(message: WorkerMessage): void {
    this.#port.postMessage(message)
  }
}

if (parentPort === null) throw new Error('this file is started as a worker thread')
const port = parentPort
try {
  await new StreamWorker(port, reviveStreamStart(workerData as StreamWorkerStart)).run()
} catch (error) {
  if (!(error instanceof TurndError)) throw error
  port.postMessage({ kind: 'failed', code: error.code, message: error.message } satisfies WorkerMessage)
  process.exit(1)
}
