// DtlsClients with a real core and without sockets: clients in memory, time that moves when a test says so.
import type { Test } from 'tap'
import { COUNTER_NAMES, type EngineCounterName, newCounters } from '../../../src/net/counters.js'
import { DtlsClients } from '../../../src/net/dtls/dtls-clients.js'
import type { CertificatePair } from '../../../src/net/dtls/server-context.js'
import type { TransportAddress } from '../../../src/stun/address.js'
import { TurnCore } from '../../../src/turn/core.js'
import { FiveTuple } from '../../../src/turn/five-tuple.js'
import type { TurnOutput } from '../../../src/turn/output.js'
import { RelayPorts } from '../../../src/turn/relay-ports.js'
import type { ClientTransport } from '../../support/client-transport.js'
import { ALICE } from '../../support/core-client.js'
import { authenticatorOf, policyOf, relayHostOf, SERVER_HOST } from '../../support/core-harness.js'
import { OpensslClient, type OpensslClientOptions } from '../../support/openssl-client.js'
import { SeededRandom } from '../../support/random.js'
import { RecordingObserver } from '../../support/recording-output.js'
import { addressOf } from '../../support/turn-address.js'
import { TurnClient } from '../../support/turn-client.js'
import { makeCertificate } from './certificates.js'

const LISTENER_ID = 3
let certificate: CertificatePair | null = null

/** One for all tests of a file: making one takes a while. */
export function testCertificate(): CertificatePair {
  certificate ??= makeCertificate()
  return certificate
}

export class DtlsStage {
  readonly counters = newCounters()
  readonly core: TurnCore
  readonly dtls: DtlsClients
  readonly toPeers: Buffer[] = []
  /** Reason and client of each refused session: `tls-handshake 198.51.100.7:50000`. */
  readonly refused: string[] = []
  readonly openRelays = new Set<number>()
  /** Datagrams of the server that nobody has taken, by client address. */
  readonly #sent = new Map<string, Buffer[]>()
  readonly #opening: number[] = []

  constructor(pair: CertificatePair | null = testCertificate(), unauthenticatedRate = 0, unallocatedCountMax = 4_096) {
    this.dtls = new DtlsClients({
      counters: this.counters,
      unallocatedCountMax,
      send: ({ client }, bytes, start, end) => this.sentTo(client).push(Buffer.from(bytes.slice(start, end))),
    })
    this.dtls.onRefused = (reason, client) => this.refused.push(`${reason} ${client}`)
    const random = new SeededRandom(1)
    const relayHosts = [relayHostOf(SERVER_HOST)]
    const relayPorts = new RelayPorts(1, 24_000, 29_999, random, 0)
    this.core = new TurnCore({
      output: this.#output(),
      observer: new RecordingObserver(),
      authenticator: authenticatorOf([ALICE]),
      policy: policyOf({}, relayHosts, relayPorts),
      ...{ relayHosts, relayPorts, random, maxAllocations: 1800, userQuota: 0, monotonicStartSeconds: 1_000 },
      ...{ permissionCountMax: 128, channelCountMax: 128, supportsDontFragment: false, unauthenticatedRate },
    })
    this.dtls.attach(this.core)
    if (pair !== null) this.dtls.setCertificate(pair)
  }

  static open(t: Test, pair: CertificatePair | null = testCertificate()): DtlsStage {
    const stage = new DtlsStage(pair)
    t.teardown(() => stage.dtls.close())
    return stage
  }

  /** What was sent to this client; a test may take from it. */
  sentTo(client: TransportAddress): Buffer[] {
    const key = client.toString()
    const sent = this.#sent.get(key) ?? []
    this.#sent.set(key, sent)
    return sent
  }

  /** A datagram from this address. */
  receive(client: FiveTuple, datagram: Uint8Array): number {
    const drop = this.dtls.handleClientFrame(client, datagram, 0, datagram.length)
    for (const relayId of this.#opening.splice(0)) this.core.handleRelayOpened(relayId)
    return drop
  }

  advanceTicks(ticks: number): void {
    const now = this.core.now + ticks
    this.core.tick(now)
    this.dtls.tick(now)
  }

  advanceSeconds(seconds: number): void {
    for (let step = 0; step < seconds * 10; step++) this.advanceTicks(10)
  }

  counter(name: EngineCounterName): number {
    return this.counters[COUNTER_NAMES.indexOf(name)]
  }

  #output(): TurnOutput {
    const { dtls } = this
    return {
      sendToClient: (...values) => dtls.sendToClient(...values),
      sendDataIndication: (...values) => dtls.sendDataIndication(...values),
      sendChannelData: (...values) => dtls.sendChannelData(...values),
      closeClient: (client) => dtls.closeClient(client),
      sendToPeer: (_relayId, _peer, bytes, start, end) => void this.toPeers.push(Buffer.from(bytes.slice(start, end))),
      openRelay: (relayId) => {
        this.openRelays.add(relayId)
        this.#opening.push(relayId)
      },
      closeRelay: (relayId) => void this.openRelays.delete(relayId),
    }
  }
}

/** A client of the stage, and what a TurnClient needs of a transport. */
export class StageClient implements ClientTransport {
  readonly stage: DtlsStage
  readonly fiveTuple = new FiveTuple()
  readonly localAddress: TransportAddress
  readonly frames: Buffer[] = []
  ssl: OpensslClient
  #onFrame: (frame: Buffer) => void = (frame) => this.frames.push(frame)

  constructor(stage: DtlsStage, address = '198.51.100.7:50000', options: OpensslClientOptions = {}) {
    this.stage = stage
    this.localAddress = addressOf(address)
    this.fiveTuple.client.copyFrom(this.localAddress)
    this.fiveTuple.listenerId = LISTENER_ID
    this.ssl = new OpensslClient(options)
  }

  /** With its handshake done. */
  static connect(stage: DtlsStage, address?: string, options?: OpensslClientOptions): StageClient {
    const client = new StageClient(stage, address, options)
    client.exchange()
    if (!client.ssl.isEstablished) throw new Error('the handshake did not end')
    return client
  }

  turn(t: Test): TurnClient {
    return TurnClient.on(t, this, { username: ALICE.username, password: ALICE.password })
  }

  /** Datagrams go to and fro until nobody has anything to say. */
  exchange(): void {
    for (;;) {
      this.take()
      const datagrams = this.ssl.advance()
      if (datagrams.length === 0) return
      for (const datagram of datagrams) this.stage.receive(this.fiveTuple, datagram)
    }
  }

  /** Takes what the server has sent. */
  take(): void {
    for (const datagram of this.stage.sentTo(this.localAddress).splice(0)) this.takeOne(datagram)
  }

  takeOne(datagram: Buffer): void {
    for (const frame of this.ssl.receive(datagram)) this.#onFrame(frame)
  }

  /** Begins anew from the same address, without a word to the server. */
  restart(): void {
    this.ssl.free()
    this.ssl = new OpensslClient()
  }

  send(frame: Uint8Array): void {
    for (const datagram of this.ssl.write(frame)) this.stage.receive(this.fiveTuple, datagram)
    this.take()
  }

  receive(onFrame: (frame: Buffer) => void): void {
    this.#onFrame = onFrame
  }

  async close(): Promise<void> {
    this.ssl.free()
  }
}
