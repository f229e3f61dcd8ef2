// A server in this process that is given other settings while calls go on. Used by the tests of reloads.
import type { Test } from 'tap'
import type { ReloadResult, SettingChange, TurnServer, TurnServerOptions } from '../../src/index.js'
import { createTurnServer } from '../../src/index.js'
import { until } from '../command/until.js'
import { testCertificate } from '../support/certificate.js'
import { type ClientTransport, connectUdp } from '../support/client-transport.js'
import { connectDtls } from '../support/dtls-transport.js'
import type { EngineUnderTest } from '../support/engines.js'
import { connectTcp, connectTls } from '../support/stream-client.js'
import { TurnClient } from '../support/turn-client.js'
import { UdpPeer } from '../support/udp-peer.js'

export const HOST = '127.0.0.1'
export const ALICE = { username: 'alice', password: 'secret' } as const
export const CHANNEL = 0x4000
export type Scheme = 'udp' | 'tcp' | 'tls' | 'dtls'
export const SCHEMES: readonly Scheme[] = ['udp', 'tcp', 'tls', 'dtls']

export class ReloadStage {
  readonly server: TurnServer
  /** Those of the start; changes are said as what differs from them. */
  readonly options: TurnServerOptions

  private constructor(server: TurnServer, options: TurnServerOptions) {
    this.server = server
    this.options = options
  }

  static async start(t: Test, engine: EngineUnderTest, options: TurnServerOptions = {}): Promise<ReloadStage> {
    const { certPath, keyPath } = testCertificate()
    const all: TurnServerOptions = {
      ...{ listen: `udp:${HOST}:0`, relayIp: HOST, allowPeer: '127.0.0.0/8', user: 'alice:secret' },
      ...{ cert: certPath, key: keyPath, ...engine.options, ...options },
    }
    const server = createTurnServer(all)
    t.teardown(() => server.stop())
    await server.start()
    return new ReloadStage(server, all)
  }

  /** What differs from the start. */
  change(options: TurnServerOptions, isDryRun = false): Promise<ReloadResult> {
    return this.server.reconfigure({ ...this.options, ...options }, isDryRun)
  }

  port(scheme: Scheme): number {
    const listener = this.server.address().find(({ transport }) => transport === scheme)
    if (listener === undefined) throw new Error(`no ${scheme} listener`)
    return listener.port
  }

  async connect(
    t: Test,
    scheme: Scheme = 'udp',
    port = this.port(scheme),
    user: { username: string; password: string } = ALICE,
  ): Promise<TurnClient> {
    return TurnClient.on(t, await connectBy(scheme, port), user)
  }

  /** The code of a new client's Allocate. */
  async allocateCode(
    t: Test,
    user: { username: string; password: string } = ALICE,
    scheme: Scheme = 'udp',
  ): Promise<number> {
    return (await (await this.connect(t, scheme, this.port(scheme), user)).allocate()).code
  }
}

export function connectBy(scheme: Scheme, port: number): Promise<ClientTransport> {
  if (scheme === 'udp') return connectUdp(HOST, port)
  if (scheme === 'dtls') return connectDtls(HOST, port)
  return scheme === 'tcp' ? connectTcp(HOST, port) : connectTls(HOST, port, testCertificate().cert)
}

const SENT_COUNT_MIN = 3

/** Numbered packets, each way a hundred a second, until it is ended. */
export class SteadyCall {
  readonly client: TurnClient
  readonly peer: UdpPeer
  readonly #timer: NodeJS.Timeout
  #sentCount = 0

  private constructor(client: TurnClient, peer: UdpPeer) {
    this.client = client
    this.peer = peer
    this.#timer = setInterval(() => this.#send(), 10)
  }

  static async start(t: Test, client: TurnClient): Promise<SteadyCall> {
    const peer = await UdpPeer.open(t, HOST)
    t.equal((await client.allocate()).code, 0)
    t.equal((await client.bindChannel(CHANNEL, peer.address)).code, 0)
    const call = new SteadyCall(client, peer)
    t.teardown(() => clearInterval(call.#timer))
    return call
  }

  /** Every packet has arrived, in both directions. */
  async end(t: Test, what: string): Promise<void> {
    await until(() => this.#sentCount >= SENT_COUNT_MIN, 'some packets were sent')
    clearInterval(this.#timer)
    const count = this.#sentCount
    const areThere = () => this.peer.inbox.items.length >= count && this.client.inbox.items.length >= count
    await until(areThere, `${count} packets each way: ${what}`).catch(() => {})
    t.same([this.peer.inbox.items.length, this.client.inbox.items.length], [count, count], what)
  }

  /** With the next nonce, if the server wants another one: what it offers to clients may have changed. */
  async refresh(t: Test): Promise<void> {
    const answer = await this.client.refresh()
    if (answer.code === 438) this.client.takeChallenge(answer)
    t.equal(answer.code === 438 ? (await this.client.refresh()).code : answer.code, 0)
  }

  /** Does anything pass now? */
  async passes(): Promise<boolean> {
    clearInterval(this.#timer)
    await this.client.settle()
    this.peer.inbox.takeAll()
    this.client.inbox.takeAll()
    this.#send()
    await this.client.settle()
    return (await this.peer.receivedSoFar()).length > 0
  }

  #send(): void {
    this.#sentCount++
    this.client.sendChannelData(CHANNEL, `to the peer ${this.#sentCount}`)
    this.peer.send(this.client.relay, `to the client ${this.#sentCount}`)
  }
}

export function rowOf({ changes }: ReloadResult, name: string): SettingChange | undefined {
  return changes.find((change) => change.name === name)
}
