// The native engine over a fake kernel: what arrives waits in sockets until the next round, what leaves is compared with what the core
// asked for.
import { getSystemErrorName } from 'node:util'
import {
  COUNTER_BYTES_SENT,
  COUNTER_GSO_SENDS,
  COUNTER_PACKETS_SENT,
  COUNTER_SEND_QUEUE_DROPS,
  COUNTER_SOCKET_ERRORS,
} from '../../src/net/counters.js'
import {
  EINVAL,
  EIO,
  EMSGSIZE,
  SO_EE_ORIGIN_ICMP,
  SO_EE_ORIGIN_ICMP6,
  SO_EE_ORIGIN_LOCAL,
  UDP_SEGMENT_COUNT_MAX,
} from '../../src/net/native/layout.js'
import type { AdoptedSocket } from '../../src/net/native/listener-sockets.js'
import { NATIVE_ARENA_LENGTH, NativeEngine } from '../../src/net/native/native-engine.js'
import { UdpSockets } from '../../src/net/native/udp-socket.js'
import { FiveTuple } from '../../src/turn/five-tuple.js'
import { FakeKernel } from '../net/native/fake-kernel.js'
import { datagramsOf, type Outgoing, type SentDatagram } from '../net/native/fake-kernel-send.js'
import {
  DATAGRAM_LENGTH_MAX,
  type FakeSocket,
  type ReceiveBuffer,
  type SocketError,
} from '../net/native/fake-kernel-socket.js'
import { addressOf } from '../support/turn-address.js'
import { familyOf } from './address-text.js'
import type { Coverage } from './coverage.js'
import { EngineRim } from './engine-rim.js'
import { ensure } from './failure.js'
import type { Arrived, FrameInput, IcmpError, PeerData } from './inputs.js'
import { SeededFaults } from './kernel-faults.js'
import { errnoOf } from './peer-errors.js'
import {
  ALLOWED_PEERS,
  FORBIDDEN_PEERS,
  LISTENER_HOSTS,
  LISTENER_PORT,
  listenerAddress,
  type Scenario,
} from './scenario.js'
import type { WireDatagram } from './sent-ledger.js'
import type { World } from './world.js'

/** The engine's needs, and what it takes to open listeners. */
const ARENA_LENGTH = NATIVE_ARENA_LENGTH + 1024

export class NativeRim extends EngineRim {
  readonly name = 'native'
  readonly supportsDontFragment = true
  readonly engine: NativeEngine
  readonly #kernel = new FakeKernel(ARENA_LENGTH)
  readonly #faults: SeededFaults
  readonly #coverage: Coverage
  readonly #listeners: readonly AdoptedSocket[]
  /** ICMP errors that the engine has read and the core not yet got, by socket. */
  readonly #errors = new Map<object, string[]>()
  #unusableCount = 0
  #gsoSendCount = 0

  constructor(scenario: Scenario, seed: number, coverage: Coverage) {
    super(scenario, seed)
    this.#coverage = coverage
    const kernel = this.#kernel
    const offloads = { gro: !this.random.oneIn(4), gso: !this.random.oneIn(6) }
    const isWildcard = this.random.oneIn(2)
    if (isWildcard) coverage.count('engine: wildcard listener')
    if (!offloads.gro) coverage.count('engine: without GRO')
    if (!offloads.gso) coverage.count('engine: without GSO')
    kernel.descriptors.localHosts = [...LISTENER_HOSTS[4], ...LISTENER_HOSTS[6]]
    const sockets = new UdpSockets(kernel, kernel.arena)
    this.#listeners = listenerAddresses(isWildcard).map((text) => {
      const address = addressOf(text)
      return { address, isWildcard, fd: sockets.openListener(address, isWildcard, true, offloads) }
    })
    this.engine = new NativeEngine({ libc: kernel, arena: kernel.arena, listeners: this.#listeners, offloads })
    this.#faults = new SeededFaults(scenario, this.random, (outcome) => this.noteOpenFailure(outcome))
    kernel.faults = this.#faults
    kernel.watcher = {
      sent: (datagram) => this.#sent(datagram),
      refused: (outgoing, errno) => this.#refused(outgoing, errno),
      received: (socket, buffer, isUsable) => this.#received(socket, buffer, isUsable),
      receivedError: (socket, error) => this.#receivedError(socket, error),
      bound: (socket) => this.#bound(socket),
      count: (name) => coverage.count(`kernel: ${name}`),
    }
  }

  override attach(world: World): void {
    super.attach(world)
    this.engine.attach(world.driver.core)
  }

  frameArrives(client: FiveTuple, bytes: Uint8Array, input: FrameInput, trafficClass: number): void {
    const from = client.client.clone()
    const to = addressOf(listenerAddress(client.listenerId, from.family === 6 ? 6 : 4))
    const arrived: Arrived<FrameInput> = { from: from.toString(), bytes, trafficClass, input, client }
    this.#kernel.arrive({ from, to, bytes, trafficClass, tag: arrived })
  }

  datagramArrives(input: PeerData, trafficClass: number): void {
    const { destination, source, payload: bytes } = input
    const arrived: Arrived<PeerData> = { from: source, bytes, trafficClass, input, client: new FiveTuple() }
    this.#kernel.arrive({ from: addressOf(source), to: addressOf(destination), bytes, trafficClass, tag: arrived })
  }

  errorArrives(relay: string, { peer, type, code, info }: IcmpError): void {
    const socket = this.#kernel.descriptors.socketAt(addressOf(relay))
    if (socket === null) return
    const destination = addressOf(peer)
    this.#kernel.arriveError(socket, {
      errno: errnoOf(destination, type, code),
      origin: destination.family === 6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP,
      ...{ type, code, info, destination, offender: destination },
      payload: this.random.nextBytes(this.random.nextInt(100)),
    })
  }

  claimError(relayId: number, error: IcmpError): void {
    const expected = this.#errors.get(this.socketOfRelay(relayId))?.shift()
    ensure(expected === textOf(error), () => `relay ${relayId} got the ICMP error ${textOf(error)}, not ${expected}`)
  }

  get isPending(): boolean {
    return this.#kernel.isReady
  }

  round(): void {
    this.#faults.isQuiet = this.world.isQuiet
    this.engine.poll(0)
    this.#kernel.beginBurst()
    this.arrivals.ensureClaimed()
    for (const [error] of this.#errors.values()) ensure(error === undefined, () => `the core never got ${error}`)
    this.ledger.endRound()
    this.#checkCounters()
    this.#coverage.count('engine: round')
  }

  checkEnd(): void {
    this.engine.close()
    const left = this.#kernel.descriptors.size - this.#listeners.length
    ensure(left === 0, () => `${left} descriptors were left open`)
  }

  close(): void {
    // Memory, and nothing else.
  }

  #bound(socket: FakeSocket): void {
    this.noteRelaySocket(socket.boundText, socket)
    if (this.world.isQuiet || !this.random.oneIn(4)) return
    // A stranger has guessed the port: the socket has something to receive before its relay is known to be open.
    const { world } = this
    const sources = [...ALLOWED_PEERS, ...FORBIDDEN_PEERS].filter((peer) => familyOf(peer) === (socket.isIPv6 ? 6 : 4))
    world.peerData(this.random.pick(sources), socket.boundText, 20)()
    world.coverage.count('engine: datagram at a socket that is just being opened')
  }

  #sent(datagram: SentDatagram): void {
    const departure = this.left(wireOf(datagram))
    const { dontFragment, segmentCount, trafficClass } = datagram
    if (segmentCount > 1) this.#coverage.count(`engine: ${departure.effect.kind} in segments`)
    if (departure.dontFragment && dontFragment) this.#coverage.count('engine: DF bit')
    if (trafficClass !== 0) this.#coverage.count('engine: traffic class carried')
  }

  #refused(outgoing: Outgoing, errno: number): void {
    const datagrams = datagramsOf(outgoing)
    ensure(datagrams.length <= UDP_SEGMENT_COUNT_MAX, () => `a send of ${datagrams.length} segments`)
    const length = outgoing.bytes.length
    ensure(length <= DATAGRAM_LENGTH_MAX, () => `a send of ${length} bytes`)
    this.ledger.refuse(datagrams.map(wireOf), errno)
    this.#coverage.count(`kernel: refused ${errnoName(errno)}`)
    if (datagrams.length === 1) return
    const isSegmentation = errno === EINVAL || errno === EIO || errno === EMSGSIZE
    this.#coverage.count(`kernel: refused ${isSegmentation ? 'segmentation' : 'segments for another reason'}`)
  }

  #received(socket: FakeSocket, buffer: ReceiveBuffer, isUsable: boolean): void {
    // No answer could reach port 0: it is a forged source.
    const isFromPortZero = buffer.segments[0].from.port === 0
    if (!isUsable || isFromPortZero) this.#unusableCount++
    else for (const { tag } of buffer.segments) this.arrivals.add(socket, tag as Arrived<unknown>)
  }

  #receivedError(socket: FakeSocket, { origin, errno, type, code, info, destination }: SocketError): void {
    const peer = destination.toString()
    let error: IcmpError = { peer, type, code, info }
    if (origin === SO_EE_ORIGIN_LOCAL) {
      ensure(errno === EMSGSIZE, () => `a local error ${errno}`)
      // What the router would have said.
      error = destination.family === 6 ? { peer, type: 2, code: 0, info } : { peer, type: 3, code: 4, info }
      this.#coverage.count('engine: packet too long for the own machine')
    }
    const queue = this.#errors.get(socket) ?? []
    queue.push(textOf(error))
    this.#errors.set(socket, queue)
  }

  /** Everything is counted, and nothing twice. */
  #checkCounters(): void {
    const { counters } = this.engine
    const { sentCount, sentBytes, lostCount } = this.ledger
    const lost = counters[COUNTER_SEND_QUEUE_DROPS] + counters[COUNTER_SOCKET_ERRORS] - this.#unusableCount
    ensure(lost === lostCount, () => `${lostCount} packets were lost, ${lost} counted`)
    ensure(counters[COUNTER_PACKETS_SENT] === sentCount, () => {
      return `${sentCount} packets were sent, ${counters[COUNTER_PACKETS_SENT]} counted`
    })
    ensure(counters[COUNTER_BYTES_SENT] === sentBytes, () => `${sentBytes} bytes were sent`)
    if (counters[COUNTER_GSO_SENDS] > this.#gsoSendCount) this.#coverage.count('engine: round with segmented sends')
    this.#gsoSendCount = counters[COUNTER_GSO_SENDS]
  }
}

function listenerAddresses(isWildcard: boolean): string[] {
  if (isWildcard) return [`0.0.0.0:${LISTENER_PORT}`, `[::]:${LISTENER_PORT}`]
  return [...LISTENER_HOSTS[4].keys()].flatMap((listenerId) => [
    listenerAddress(listenerId, 4),
    listenerAddress(listenerId, 6),
  ])
}

function wireOf({ from, to, bytes, trafficClass, dontFragment }: SentDatagram): WireDatagram {
  return { from: from.toString(), to: to.toString(), bytes, trafficClass, dontFragment }
}

function errnoName(errno: number): string {
  return getSystemErrorName(-errno)
}

function textOf({ peer, type, code, info }: IcmpError): string {
  return `type ${type}, code ${code}, data ${info}, of ${peer}`
}
