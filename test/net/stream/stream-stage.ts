// ClientStreams behind real listeners on loopback, with a real core or one of the test's, a clock that moves when the test says so, and
// peers that are notes. Used by the tests of net/stream.
import { createServer, type Server, type Socket } from 'node:net'
import type { Test } from 'tap'
import { COUNTER_NAMES, newCounters } from '../../../src/net/counters.js'
import { ClientStreams } from '../../../src/net/stream/client-streams.js'
import type { ClientStreamsOptions, StreamCore } from '../../../src/net/stream/client-streams-options.js'
import { ConnectionCap } from '../../../src/net/stream/connection-cap.js'
import type { HttpTaker } from '../../../src/net/stream/entrance.js'
import type { TlsCertificate } from '../../../src/net/stream/tls-acceptor.js'
import { type Cidr, parseCidr } from '../../../src/stun/cidr.js'
import { TurnCore } from '../../../src/turn/core.js'
import type { FiveTuple } from '../../../src/turn/five-tuple.js'
import type { TurnOutput } from '../../../src/turn/output.js'
import { RelayPorts } from '../../../src/turn/relay-ports.js'
import { ALICE, BOB } from '../../support/core-client.js'
import { authenticatorOf, policyOf, relayHostOf, SERVER_HOST } from '../../support/core-harness.js'
import { withDeadline } from '../../support/deadline.js'
import { Inbox } from '../../support/inbox.js'
import { SeededRandom } from '../../support/random.js'
import { RecordingObserver } from '../../support/recording-output.js'
import { addressOf } from '../../support/turn-address.js'

export const TCP_LISTENER = 4
export const TLS_LISTENER = 5

export interface StageOptions {
  readonly certificate?: TlsCertificate
  readonly proxyProtocolFrom?: readonly string[]
  readonly http?: HttpTaker
  readonly ticketKeys?: Uint8Array
  readonly cap?: ConnectionCap
  readonly capCountMax?: number
  readonly connectionCountMax?: number
  readonly unallocatedCountMax?: number
  /** In place of a real core. */
  readonly core?: (streams: ClientStreams) => StreamCore
}

export interface Bound {
  readonly connectionId: number
  readonly handle: number
  readonly stream: Socket | null
  readonly rest: Uint8Array
}

export class StreamStage {
  /** Milliseconds of the streams' clock. */
  clock = 1_000_000
  readonly streams: ClientStreams
  readonly counters = newCounters()
  readonly bound = new Inbox<Bound>('onBound')
  /** What the core sent to peers: relay, peer, payload as text. */
  readonly toPeers = new Inbox<{ relayId: number; peer: string; payload: Buffer }>('the peers')
  /** Clients whose end the core was told. */
  readonly closedClients = new Inbox<number>('handleClientClosed')
  readonly core: TurnCore
  readonly ports: Record<'tcp' | 'tls', number> = { tcp: 0, tls: 0 }
  /** Why connections were closed. */
  readonly refused: string[] = []
  readonly #servers: Server[] = []

  private constructor(options: StageOptions) {
    const streamOptions: ClientStreamsOptions = {
      counters: this.counters,
      unauthenticated: options.cap ?? new ConnectionCap(ConnectionCap.allocate(1), 0, options.capCountMax ?? 256),
      proxyProtocolFrom: (options.proxyProtocolFrom ?? []).map((text) => parseCidr(text) as Cidr),
      http: options.http ?? null,
      ticketKeys: options.ticketKeys ?? new Uint8Array(48).fill(3),
      onBound: (connectionId, handle, stream, rest) => this.bound.put({ connectionId, handle, stream, rest }),
      onGathered: () => setImmediate(() => this.streams.flush()),
      now: () => this.clock,
      ...(options.connectionCountMax === undefined ? {} : { connectionCountMax: options.connectionCountMax }),
      ...(options.unallocatedCountMax === undefined ? {} : { unallocatedCountMax: options.unallocatedCountMax }),
      onRefused: (reason) => void this.refused.push(reason),
    }
    this.streams = new ClientStreams(streamOptions)
    if (options.certificate !== undefined) this.streams.setCertificate(options.certificate)
    this.core = makeCore(this.#output())
    this.streams.attach(this.#noting(options.core?.(this.streams) ?? this.core))
  }

  static async open(t: Test, options: StageOptions = {}): Promise<StreamStage> {
    const stage = new StreamStage(options)
    t.teardown(() => stage.#close())
    await stage.#listen('tcp', TCP_LISTENER)
    await stage.#listen('tls', TLS_LISTENER)
    return stage
  }

  /** By name, those that are not zero. */
  counted(...names: (typeof COUNTER_NAMES)[number][]): number[] {
    return names.map((name) => this.counters[COUNTER_NAMES.indexOf(name)])
  }

  /** Moves the clock and sweeps, as the worker would have meanwhile. */
  advance(milliseconds: number): void {
    this.clock += milliseconds
    this.streams.sweep()
  }

  /** Waits until nothing of this is true any more; for what happens in other turns of the event loop. */
  async until(what: string, isTrue: () => boolean): Promise<void> {
    let isOver = false
    const turns = async () => {
      while (!isOver && !isTrue()) await new Promise((resolve) => setImmediate(resolve))
    }
    await withDeadline(turns(), 60_000, () => what).finally(() => {
      isOver = true
    })
  }

  /** A datagram of a peer at a relay. */
  peerSends(relayId: number, peer: string, payload: Uint8Array): void {
    this.core.handlePeerDatagram(relayId, addressOf(peer), payload, 0, payload.length)
  }

  async #listen(scheme: 'tcp' | 'tls', id: number): Promise<void> {
    const server = createServer((socket) => this.streams.accept(socket, { id, scheme }))
    this.#servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    this.ports[scheme] = address.port
  }

  async #close(): Promise<void> {
    this.streams.close()
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))))
  }

  #noting(core: StreamCore): StreamCore {
    return {
      handleClientFrame: (client, bytes, start, end) => core.handleClientFrame(client, bytes, start, end),
      hasAllocation: (client) => core.hasAllocation(client),
      handleClientClosed: (client: FiveTuple) => {
        core.handleClientClosed(client)
        this.closedClients.put(client.connectionId)
      },
    }
  }

  #output(): TurnOutput {
    const { streams } = this
    return {
      sendToClient: (client, bytes, start, end) => streams.sendToClient(client, bytes, start, end),
      sendDataIndication: (client, header, headerEnd, bytes, start, end) =>
        streams.sendDataIndication(client, header, headerEnd, bytes, start, end),
      sendChannelData: (client, channelNumber, bytes, start, end) =>
        streams.sendChannelData(client, channelNumber, bytes, start, end),
      sendToPeer: (relayId, peer, bytes, start, end) =>
        this.toPeers.put({ relayId, peer: peer.toString(), payload: Buffer.from(bytes.slice(start, end)) }),
      openRelay: (relayId) => setImmediate(() => this.core.handleRelayOpened(relayId)),
      closeRelay: () => {},
      closeClient: (client) => streams.closeClient(client),
    }
  }
}

function makeCore(output: TurnOutput): TurnCore {
  const random = new SeededRandom(1)
  const relayHosts = [relayHostOf(SERVER_HOST)]
  const relayPorts = new RelayPorts(1, 24_000, 29_999, random, 0)
  return new TurnCore({
    output,
    observer: new RecordingObserver(),
    authenticator: authenticatorOf([ALICE, BOB]),
    policy: policyOf({}, relayHosts, relayPorts),
    relayHosts,
    relayPorts,
    random,
    maxAllocations: 1800,
    userQuota: 0,
    monotonicStartSeconds: 1_000,
    permissionCountMax: 128,
    channelCountMax: 128,
    supportsDontFragment: false,
  })
}
