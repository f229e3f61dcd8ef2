// What the conformance tests stand on: the contract of a transport under test, and servers and clients made through it.
// Nothing here or in the sections depends on UDP but through TransportUnderTest.
import type { Test } from 'tap'
import type { Refusal, RefusalReason, ServerAddress, TurnServer, TurnServerOptions } from '../../src/index.js'
import type { TransportAddress } from '../../src/stun/address.js'
import { until } from '../command/until.js'
import type { ClientTransport } from '../support/client-transport.js'
import { findFreePorts, type Territory } from '../support/free-ports.js'
import { nextEvent } from '../support/next-event.js'
import { peerOrSkip } from '../support/peers.js'
import { type AllocateOptions, type RequestOptions, TurnClient } from '../support/turn-client.js'
import { addressOf } from '../support/udp-peer.js'

/** An engine and the transport between client and server, as conformance() sees them. */
export interface TransportUnderTest {
  readonly name: string
  /** Of --listen. */
  readonly scheme: 'udp' | 'tcp' | 'tls' | 'dtls'
  /** Frames are cut from a stream: ChannelData is padded, and what cannot be framed closes the connection. */
  readonly isStream: boolean
  /** Frames travel as UDP datagrams, as they are: what is about forged sources, IP headers and the kernel's batching holds. */
  readonly isPlainUdp: boolean
  /** Bytes of the longest frame. */
  readonly frameLengthMax: number
  readonly supportsDontFragment: boolean
  /** ICMP errors about relayed data become Data indications (RFC 8656 §11.5). */
  readonly reportsIcmp: boolean
  /** DSCP and ECN of relayed data are those of what came in (RFC 8656 §14). */
  readonly carriesTrafficClass: boolean
  /** A wildcard listener answers from whatever local address was asked; otherwise from those that the machine lists. */
  readonly answersFromAnyAddress: boolean
  /** Threads that share the clients. */
  readonly workerCount: number
  /** The relay ports that the servers of this run may use; the files that run at the same time use others. */
  readonly relayPorts: Territory
  /** Starts a server that listens on a free port of each host (`127.0.0.1`, `::1`). */
  startServer(options: TurnServerOptions, hosts: readonly string[]): Promise<TurnServer>
  /** @param from the client's IP address, if it matters */
  connect(host: string, port: number, from?: string): Promise<ClientTransport>
}

export const REALM = 'turnuser'
export const ALICE = { username: 'alice', password: 'correct horse' } as const
export const BOB = { username: 'bob', password: 'battery staple' } as const

/** Why the tests with ::1 are skipped, or false. */
export const withoutIPv6 = peerOrSkip('IPv6 loopback')
export const LOOPBACKS = withoutIPv6 === false ? ['127.0.0.1', '::1'] : ['127.0.0.1']

const DEFAULT_PORT_COUNT = 40
/** Over UDP an allocation outlives its client and the test that made it. */
const SHARED_PORT_COUNT = 300
/** Every residue modulo 4, the sizes of media, and what needs IP fragments elsewhere. */
const PAYLOAD_LENGTHS = [0, 1, 2, 3, 4, 5, 100, 1200, 1472, 1473, 9000, 60_000]
/** More than goes before a payload in any frame. */
const FRAME_HEADER_LENGTH_MAX = 100

export interface ServerOptions extends TurnServerOptions {
  /** Relay ports; the first one is even. */
  readonly portCount?: number
  /**
   * As many workers as the transport has, where clients have to meet across them; one if absent: each more costs a quarter of a second of
   * a processor at every start. Shared servers have all.
   */
  readonly hasAllWorkers?: true
}

export interface ClientOptions extends RequestOptions {
  /** Of the listener; IPv4 if absent. */
  readonly family?: 4 | 6
  /** The client's IP address, if it matters. */
  readonly from?: string
}

export class Suite {
  readonly transport: TransportUnderTest
  /** Of the whole suite: what it holds lives as long. */
  readonly #t: Test
  /** By their options. */
  readonly #sharedServers = new Map<string, Promise<TurnServer>>()
  readonly #sharedPorts: Territory[] = []
  /** The 5-tuples of a server that have been used: an allocation may outlive its client, and is met on the same port again. */
  readonly #used = new WeakMap<TurnServer, Set<string>>()

  constructor(t: Test, transport: TransportUnderTest) {
    this.#t = t
    this.transport = transport
  }

  /**
   * The server that all tests with these options share, since each start costs half a second of a processor: made when the first of them
   * asks, stopped when the suite ends. Allocations of earlier tests may live on it, with their permissions and relays; whoever counts
   * what is there, uses it up, or is harmed by another one's relay starts a server of its own (startServer).
   */
  sharedServer(options: ServerOptions = {}): Promise<TurnServer> {
    const key = JSON.stringify(options)
    const known = this.#sharedServers.get(key)
    if (known !== undefined) return known
    const server = this.#startShared(options)
    this.#sharedServers.set(key, server)
    // One that could not start fails the test that asked, not all the others.
    server.catch(() => this.#sharedServers.delete(key))
    return server
  }

  async #startShared(options: ServerOptions): Promise<TurnServer> {
    const { portCount = SHARED_PORT_COUNT, ...rest } = options
    const { minPort, maxPort } = await this.takePorts(portCount)
    const server = await this.startServer(this.#t, { hasAllWorkers: true, minPort, maxPort, ...rest })
    // Tests that start servers of their own meanwhile leave these alone, bound or not.
    this.#sharedPorts.push({ first: minPort, last: maxPort })
    return server
  }

  /** A server with relays on loopback, peers on loopback allowed unless `allowPeer` says otherwise, and the users alice and bob. */
  async startServer(t: Test, options: ServerOptions = {}): Promise<TurnServer> {
    const { hasAllWorkers, portCount = DEFAULT_PORT_COUNT, ...rest } = options
    const server = await this.transport.startServer(
      {
        realm: REALM,
        user: [ALICE, BOB].map(({ username, password }) => ({ name: username, password })),
        relayIp: LOOPBACKS,
        allowPeer: ['127.0.0.0/8', '::1'],
        ...(hasAllWorkers || this.transport.workerCount === 1 ? {} : { workers: 1 }),
        ...('minPort' in rest ? {} : await this.takePorts(portCount)),
        ...rest,
      },
      LOOPBACKS,
    )
    t.teardown(() => server.stop())
    return server
  }

  /** Of payloads that this transport carries. */
  payloadLengths(): readonly number[] {
    return PAYLOAD_LENGTHS.filter((length) => length + FRAME_HEADER_LENGTH_MAX <= this.transport.frameLengthMax)
  }

  /** A range of relay ports that is free, and no shared server's. */
  takePorts(count: number): Promise<{ minPort: number; maxPort: number }> {
    return findFreePorts(this.transport.relayPorts, count, this.#sharedPorts)
  }

  /** A client on a transport of its own: alice, unless `options` name somebody else. */
  async connect(t: Test, server: TurnServer, options: ClientOptions = {}): Promise<TurnClient> {
    const { family = 4, from, ...request } = options
    return TurnClient.on(t, await this.#connectAfresh(server, listenerOf(server, family), from), {
      ...ALICE,
      ...request,
    })
  }

  /** From a transport address that this server has not seen. */
  async #connectAfresh(server: TurnServer, { host, port }: ServerAddress, from?: string): Promise<ClientTransport> {
    const used = this.#used.get(server) ?? new Set()
    this.#used.set(server, used)
    for (;;) {
      const transport = await this.transport.connect(host, port, from)
      const name = transport.localAddress.toString()
      if (!used.has(name)) {
        used.add(name)
        return transport
      }
      await transport.close()
    }
  }

  /** A client with an allocation. */
  async allocate(
    t: Test,
    server: TurnServer,
    options: AllocateOptions = {},
    clientOptions: ClientOptions = {},
  ): Promise<TurnClient> {
    const client = await this.connect(t, server, clientOptions)
    const { code } = await client.allocate(options)
    if (code !== 0) throw new Error(`Allocate was answered with ${code}`)
    return client
  }

  /** The refusal of this client for this reason; call it before, await it after. */
  async refusal(server: TurnServer, client: TurnClient, reason: RefusalReason): Promise<Refusal> {
    const source = client.localAddress.toString()
    const isIt = (refusal: Refusal) => refusal.source === source && refusal.reason === reason
    const [refusal] = await nextEvent(server, 'refusal', isIt)
    return refusal
  }

  /** Allocations that exist. The count may be a moment behind the answer that changed it. */
  async allocationCountIs(t: Test, server: TurnServer, count: number): Promise<void> {
    await until(() => server.allocationCount() === count, `${server.allocationCount()} allocations are ${count}`)
    t.equal(server.allocationCount(), count)
  }

  /** Sends what must go unanswered and change nothing; over a stream it may also close the connection. */
  async sendIgnored(t: Test, client: TurnClient, frame: Uint8Array): Promise<void> {
    client.transport.send(frame)
    await client.settle()
    t.same(client.inbox.takeAll(), [], `no answer to ${Buffer.from(frame).toString('hex', 0, 32)}`)
  }
}

function listenerOf(server: TurnServer, family: 4 | 6): ServerAddress {
  const listener = server.address().find(({ host }) => host.includes(':') === (family === 6))
  if (listener === undefined) throw new Error(`the server has no listener of IPv${family}`)
  return listener
}

/** The transport address of the server's listener. */
export function serverAddress(server: TurnServer, family: 4 | 6 = 4): TransportAddress {
  const { host, port } = listenerOf(server, family)
  return addressOf(host, port)
}
