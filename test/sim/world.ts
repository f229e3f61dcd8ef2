// The world around the core: clients, peers, a bad network and an unreliable operating system. It carries out the core's effects.
import { writeChannelDataHeader } from '../../src/stun/channel-data.js'
import * as stun from '../../src/stun/constants.js'
import { MessageWriter } from '../../src/stun/writer.js'
import { FiveTuple } from '../../src/turn/five-tuple.js'
import { type Received, writePeers } from '../support/core-client.js'
import type { SeededRandom } from '../support/random.js'
import type { Effect } from '../support/recording-output.js'
import { addressOf } from '../support/turn-address.js'
import { hostOf, keyOf } from './address-text.js'
import { CoreDriver, type Origin } from './core-driver.js'
import type { Coverage } from './coverage.js'
import { ensure } from './failure.js'
import { type Link, Network } from './network.js'
import { Payloads } from './payload.js'
import { ALLOWED_PEERS, FORBIDDEN_PEERS, type Scenario } from './scenario.js'
import { Schedule } from './schedule.js'
import { makeRequest, type RequestWish, type SentRequest } from './sent-request.js'
import type { SimClient } from './sim-client.js'

/** The core is ticked ten times a second. */
const TICK_INTERVAL = 10
const SLOW_OPEN_TICKS_MAX = 3_000

export class World {
  readonly scenario: Scenario
  readonly random: SeededRandom
  readonly coverage: Coverage
  readonly schedule = new Schedule()
  readonly network: Network
  readonly payloads = new Payloads()
  readonly driver: CoreDriver
  readonly clients: SimClient[] = []
  /** What clients tell each other outside TURN: relayed addresses and reservation tokens, the latest last. */
  readonly knownRelays: string[] = []
  readonly knownTokens: { readonly token: string; readonly username: string }[] = []
  readonly #peerLink: Link
  readonly #retried = new WeakSet<SentRequest>()
  /** Nothing is wrong any more: sockets open, and peers are silent (the end of a run). */
  isQuiet = false

  constructor(scenario: Scenario, random: SeededRandom, coverage: Coverage) {
    this.scenario = scenario
    this.random = random
    this.coverage = coverage
    this.network = new Network(this.schedule, random, coverage)
    this.driver = new CoreDriver(scenario, random, this.payloads, coverage)
    this.driver.carryOut = (effects, origin) => this.#carryOut(effects, origin)
    this.#peerLink = { ...scenario.link, isStream: false, lastArrival: 0 }
  }

  /** Lets everything happen until then, the core being ticked on the way. */
  advance(time: number): void {
    while (this.schedule.nextTime <= time) {
      this.network.time = Math.max(this.network.time, this.schedule.nextTime)
      this.#tick()
      this.schedule.take()()
    }
    this.network.time = Math.max(this.network.time, time)
    this.#tick()
  }

  /** The process was suspended: what should have happened meanwhile comes all at once, after the clock has moved. */
  pause(time: number): void {
    this.network.time = Math.max(this.network.time, time)
    this.#tick()
    this.advance(time)
  }

  sendRequest(
    client: SimClient,
    wish: RequestWish,
    change: Partial<SimClient['identity']> & { nonce?: string } = {},
  ): void {
    const { nonce = client.nonce, ...identity } = change
    const whole = { ...wish, hasCredential: nonce !== '' && wish.hasCredential !== false }
    const transactionId = this.random.nextBytes(12)
    const request = makeRequest(client.fiveTuple, transactionId, { ...client.identity, ...identity }, nonce, whole)
    client.remember(request)
    this.repeatRequest(client, request)
  }

  repeatRequest(client: SimClient, request: SentRequest): void {
    this.network.post(client.link, () => {
      if (canDeliver(client, request.key)) this.driver.request(request)
    })
  }

  /** ChannelData, or with channelNumber 0 a Send indication. */
  sendData(client: SimClient, channelNumber: number, peer: string, fillLength: number): void {
    const { key } = client
    const deliver = this.clientData(client.fiveTuple, channelNumber, peer, fillLength)
    this.network.post(client.link, () => {
      if (canDeliver(client, key)) deliver()
    })
  }

  /** A peer (or whoever forges its address) sends to a relayed or bound transport address. */
  sendFromPeer(source: string, relayed: string, fillLength: number): void {
    this.network.post(this.#peerLink, this.peerData(source, relayed, fillLength))
  }

  /** What `sendData` lets arrive. */
  clientData(client: FiveTuple, channelNumber: number, peer: string, fillLength: number): () => void {
    const fiveTuple = new FiveTuple().copyFrom(client)
    const key = keyOf(fiveTuple)
    const intended = this.driver.model.sockets.boundNameOf(peer)
    const payload = fillLength < 0 ? new Uint8Array(0) : this.payloads.make(key, intended, fillLength)
    const frame = channelNumber === 0 ? this.#sendIndication(peer, payload) : channelData(channelNumber, payload)
    const input = { kind: 'client-data', key, channelNumber, peer, intended, payload } as const
    return () => this.driver.clientData(fiveTuple, input, frame)
  }

  /** What `sendFromPeer` lets arrive. */
  peerData(source: string, relayed: string, fillLength: number): () => void {
    const destination = this.driver.model.sockets.boundNameOf(relayed)
    const payload = fillLength < 0 ? new Uint8Array(0) : this.payloads.make(source, destination, fillLength)
    const origin = { sentBy: source, intended: destination }
    return () => this.#arriveAtRelay(source, destination, payload, origin)
  }

  #tick(): void {
    this.driver.tick(this.network.time - (this.network.time % TICK_INTERVAL))
  }

  #carryOut(effects: readonly Effect[], origin: Origin): void {
    for (const effect of effects) {
      if (effect.kind === 'message') this.#sendToClient(effect.client, effect.bytes)
      else if (effect.kind === 'to-peer') this.#sendToPeer(effect.relayId, effect.peer, effect.payload, origin)
      else if (effect.kind === 'open') this.#open(effect.relayId, effect.address)
    }
  }

  #sendToClient(fiveTuple: FiveTuple, bytes: Uint8Array): void {
    const key = keyOf(fiveTuple)
    const client = this.clients.find((candidate) => candidate.key === key)
    if (client === undefined) return
    this.network.post(client.link, () => {
      if (!canDeliver(client, key)) return
      const received = client.receive(bytes)
      if (received !== null) this.#followUp(client, received.request, received.answer)
    })
  }

  /** Clients try again with the nonce that they were given, and tell others of their relays and tokens. */
  #followUp(client: SimClient, request: SentRequest, answer: Received): void {
    if (answer.has(stun.ATTRIBUTE_NONCE)) {
      const isWorthIt = !request.hasCredential || request.isUser
      if (!isWorthIt || this.isQuiet || client.isGone || this.#retried.has(request)) return
      this.#retried.add(request)
      this.sendRequest(client, { ...request, hasCredential: true })
    } else if (request.method === stun.METHOD_ALLOCATE && answer.code === 0) {
      this.knownRelays.push(...answer.relayed)
      if (!answer.has(stun.ATTRIBUTE_RESERVATION_TOKEN)) return
      const token = Buffer.from(answer.value(stun.ATTRIBUTE_RESERVATION_TOKEN)).toString('hex')
      this.knownTokens.push({ token, username: request.username })
    }
  }

  #sendToPeer(relayId: number, target: string, payload: Uint8Array, origin: Origin): void {
    const source = this.driver.model.sockets.byRelay.get(relayId)
    ensure(source?.isLive === true, () => `sent from relay ${relayId}, which is not open`)
    ensure(!FORBIDDEN_PEERS.includes(target), () => `sent to ${target}, which is forbidden`)
    if (!ALLOWED_PEERS.includes(target)) {
      const isBound = this.scenario.hosts.some((host) => host.bound === hostOf(target))
      ensure(isBound, () => `sent to ${target}, where nobody is`)
      this.network.post(this.#peerLink, () => this.#arriveAtRelay(source.bound, target, payload, origin))
      return
    }
    this.network.post(this.#peerLink, () => {
      if (!this.isQuiet && this.random.oneIn(2)) this.sendFromPeer(target, source.bound, this.random.nextInt(40))
    })
  }

  /** At the operating system's door; nobody may be there any more, or an engine may hand it in late. */
  #arriveAtRelay(source: string, destination: string, payload: Uint8Array, origin: Origin): void {
    const socket = this.driver.model.sockets.at(destination)
    if (socket === null || !socket.isLive) return
    const { relayId } = socket
    const input = { kind: 'peer-data', relayId, destination, source, ...origin, payload } as const
    if (!this.random.oneIn(20)) {
      this.driver.peerData(input)
      return
    }
    this.schedule.add(this.network.time + this.random.nextInt(SLOW_OPEN_TICKS_MAX), () => {
      if (!this.driver.model.sockets.byRelay.has(relayId)) this.coverage.count('peer to client: relay already closed')
      this.driver.peerData(input)
    })
  }

  #open(relayId: number, bound: string): void {
    const { random, scenario } = this
    const isSlow = !this.isQuiet && random.oneIn(scenario.slowOpenOneIn)
    const delay = 1 + random.nextInt(isSlow ? SLOW_OPEN_TICKS_MAX : 3)
    const isInUse = !this.isQuiet && random.oneIn(scenario.inUseOneIn)
    const isRefused = !this.isQuiet && random.oneIn(scenario.refusedOneIn)
    const isReportedLate = random.oneIn(2)
    this.schedule.add(this.network.time + delay, () => {
      const isWaiting = this.driver.model.sockets.byRelay.get(relayId)?.bound === bound
      // An engine that closed the socket while it was opening may report all the same.
      if (!isWaiting && !isReportedLate) return
      if (isInUse || isRefused) this.driver.relayFailed(relayId, isInUse)
      else this.driver.relayOpened(relayId)
    })
  }

  #sendIndication(peer: string, payload: Uint8Array): Uint8Array {
    const writer = new MessageWriter()
    const bytes = new Uint8Array(64 + payload.length + 4)
    writer.begin(bytes, 0, stun.CLASS_INDICATION, stun.METHOD_SEND, this.random.nextBytes(12), 0)
    writePeers(writer, [addressOf(peer)]).writeBytes(stun.ATTRIBUTE_DATA, payload)
    return bytes.slice(0, writer.finish())
  }
}

/** A closed connection delivers nothing, in neither direction; over UDP nobody knows. */
function canDeliver(client: SimClient, key: string): boolean {
  return !client.isStream || (!client.isGone && client.key === key)
}

function channelData(channelNumber: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(4 + payload.length)
  writeChannelDataHeader(frame, 0, channelNumber, payload.length)
  frame.set(payload, 4)
  return frame
}
