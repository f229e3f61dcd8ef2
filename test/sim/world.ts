// The world around the core: clients, peers, a bad network and time. What the core sends reaches it as departures, past an engine or not.
import * as stun from '../../src/stun/constants.js'
import { MessageWriter } from '../../src/stun/writer.js'
import { FiveTuple } from '../../src/turn/five-tuple.js'
import { type Received, writePeers } from '../support/core-client.js'
import type { SeededRandom } from '../support/random.js'
import { addressOf } from '../support/turn-address.js'
import { hostOf, keyOf } from './address-text.js'
import { CoreDriver } from './core-driver.js'
import type { Coverage } from './coverage.js'
import { ensure } from './failure.js'
import { type ClientData, channelData, type Departure, type Origin, type PeerData } from './inputs.js'
import { type Link, Network } from './network.js'
import { Payloads } from './payload.js'
import { drawIcmpError } from './peer-errors.js'
import type { Rim } from './rim.js'
import { ALLOWED_PEERS, FORBIDDEN_PEERS, type Scenario } from './scenario.js'
import { Schedule } from './schedule.js'
import { makeRequest, type RequestWish, type SentRequest } from './sent-request.js'
import type { SimClient } from './sim-client.js'

/** The core is ticked ten times a second. */
const TICK_INTERVAL = 10
/** Default, audio, video, and ECN: what is relayed keeps it. */
const TRAFFIC_CLASSES: readonly number[] = [0, 0, 0, 0xb8, 0x88, 1, 3]
/** A few errors for many packets. */
const ERROR_ONE_IN = 12
const ROUND_COUNT_MAX = 1000

export class World {
  readonly scenario: Scenario
  readonly random: SeededRandom
  readonly coverage: Coverage
  readonly schedule = new Schedule()
  readonly network: Network
  readonly payloads = new Payloads()
  readonly driver: CoreDriver
  readonly clients: SimClient[] = []
  readonly peerLink: Link
  /** What clients tell each other outside TURN: relayed addresses and reservation tokens, the latest last. */
  readonly knownRelays: string[] = []
  readonly knownTokens: { readonly token: string; readonly username: string }[] = []
  readonly #rim: Rim
  readonly #retried = new WeakSet<SentRequest>()
  /** When the engine looks at what has arrived. */
  #roundTime = Number.POSITIVE_INFINITY
  /** How many rounds there were at the same time. */
  #roundCount = 0
  #lastRoundTime = 0
  /** Nothing is wrong any more: sockets open, and peers are silent (the end of a run). */
  isQuiet = false

  constructor(scenario: Scenario, random: SeededRandom, coverage: Coverage, rim: Rim) {
    this.scenario = scenario
    this.random = random
    this.coverage = coverage
    this.#rim = rim
    this.network = new Network(this.schedule, random, coverage)
    this.driver = new CoreDriver(scenario, random, this.payloads, coverage, rim)
    this.peerLink = { ...scenario.link, isStream: false, lastArrival: 0 }
    rim.attach(this)
  }

  /** Lets everything happen until then, the core being ticked on the way. */
  advance(time: number): void {
    for (;;) {
      const { nextTime } = this.schedule
      const isEvent = nextTime <= this.#roundTime
      const next = isEvent ? nextTime : this.#roundTime
      if (next > time) break
      this.network.time = Math.max(this.network.time, next)
      this.#tick()
      if (isEvent) this.schedule.take()()
      else this.#round()
      this.#planRound(isEvent)
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

  /** Lets the engine see to all that has arrived, now. */
  settle(): void {
    while (this.#rim.isPending) this.#round()
    this.#roundTime = Number.POSITIVE_INFINITY
  }

  sendRequest(
    client: SimClient,
    wish: RequestWish,
    change: Partial<SimClient['identity']> & { nonce?: string } = {},
  ): void {
    this.repeatRequest(client, this.makeRequest(client, wish, change))
  }

  /** A request that the client remembers, to be sent. */
  makeRequest(
    client: SimClient,
    wish: RequestWish,
    change: Partial<SimClient['identity']> & { nonce?: string } = {},
  ): SentRequest {
    const { nonce = client.nonce, ...identity } = change
    const whole = { ...wish, hasCredential: nonce !== '' && wish.hasCredential !== false }
    const transactionId = this.random.nextBytes(12)
    const request = makeRequest(client.fiveTuple, transactionId, { ...client.identity, ...identity }, nonce, whole)
    client.remember(request)
    return request
  }

  repeatRequest(client: SimClient, request: SentRequest): void {
    this.network.post(client.link, this.request(client, request))
  }

  /** What `repeatRequest` lets arrive. */
  request(client: SimClient, request: SentRequest): () => void {
    return () => {
      if (!canDeliver(client, request.key)) return
      this.#rim.frameArrives(request.client, request.bytes, { kind: 'request', request }, 0)
    }
  }

  /** A request that claims to come from a relay of ours. */
  nestedRequest(from: string, bytes: Uint8Array): void {
    const client = new FiveTuple()
    client.client.copyFrom(addressOf(from))
    this.#rim.frameArrives(client, bytes, { kind: 'nested', from }, 0)
    this.settle()
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
    this.network.post(this.peerLink, this.peerData(source, relayed, fillLength))
  }

  /** What `sendData` lets arrive. A fillLength of -1 is an empty payload. */
  clientData(
    client: FiveTuple,
    channelNumber: number,
    peer: string,
    fillLength: number,
    trafficClass = this.drawTrafficClass(),
  ): () => void {
    const fiveTuple = new FiveTuple().copyFrom(client)
    const key = keyOf(fiveTuple)
    const intended = this.driver.model.sockets.boundNameOf(peer)
    const payload = fillLength < 0 ? new Uint8Array(0) : this.payloads.make(key, intended, fillLength)
    const dontFragment = channelNumber === 0 && this.random.oneIn(8)
    const frame =
      channelNumber === 0 ? this.#sendIndication(peer, payload, dontFragment) : channelData(channelNumber, payload)
    const input: ClientData = {
      ...{ kind: 'client-data', key, channelNumber, peer, intended, payload, dontFragment },
    }
    return () => this.#rim.frameArrives(fiveTuple, frame, input, trafficClass)
  }

  drawTrafficClass(): number {
    return this.random.pick(TRAFFIC_CLASSES)
  }

  /** What `sendFromPeer` lets arrive. */
  peerData(source: string, relayed: string, fillLength: number, trafficClass = this.drawTrafficClass()): () => void {
    const destination = this.driver.model.sockets.boundNameOf(relayed)
    const payload = fillLength < 0 ? new Uint8Array(0) : this.payloads.make(source, destination, fillLength)
    const input: PeerData = {
      ...{ kind: 'peer-data', destination, source, sentBy: source, intended: destination, payload },
    }
    return () => this.#rim.datagramArrives(input, trafficClass)
  }

  /** A datagram of the core leaves the machine, or for a relay of ours the socket. */
  depart({ bytes, effect, from, origin, to, trafficClass }: Departure): void {
    if (effect.kind === 'message') this.#sendToClient(effect.client, bytes)
    else if (effect.kind === 'to-peer') this.#sendToPeer(from, to, bytes, origin, trafficClass)
  }

  #tick(): void {
    this.driver.tick(this.network.time - (this.network.time % TICK_INTERVAL))
  }

  #round(): void {
    const { time } = this.network
    this.#roundCount = time === this.#lastRoundTime ? this.#roundCount + 1 : 0
    this.#lastRoundTime = time
    ensure(this.#roundCount < ROUND_COUNT_MAX, () => 'the engine does not see to what has arrived')
    this.#rim.round()
  }

  #planRound(isAfterEvent: boolean): void {
    if (!this.#rim.isPending) this.#roundTime = Number.POSITIVE_INFINITY
    else if (!isAfterEvent) this.#roundTime = this.network.time
    else if (this.#roundTime === Number.POSITIVE_INFINITY) this.#roundTime = this.network.time + this.#rim.roundDelay()
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

  #sendToPeer(source: string, target: string, payload: Uint8Array, origin: Origin, trafficClass: number): void {
    ensure(this.driver.model.sockets.at(source)?.isLive === true, () => `sent from ${source}, which is not open`)
    ensure(!FORBIDDEN_PEERS.includes(target), () => `sent to ${target}, which is forbidden`)
    if (!this.isQuiet && this.random.oneIn(ERROR_ONE_IN)) this.#refuse(source, target)
    if (!ALLOWED_PEERS.includes(target)) {
      const isBound = this.scenario.hosts.some((host) => host.bound === hostOf(target))
      ensure(isBound, () => `sent to ${target}, where nobody is`)
      const input: PeerData = { kind: 'peer-data', destination: target, source, ...origin, payload }
      this.network.post(this.peerLink, () => this.#rim.datagramArrives(input, trafficClass))
      return
    }
    this.network.post(this.peerLink, () => {
      if (!this.isQuiet && this.random.oneIn(2)) this.sendFromPeer(target, source, this.random.nextInt(40))
    })
  }

  /** Somebody on the way, or the peer's host, sends an ICMP error back. */
  #refuse(source: string, target: string): void {
    const error = drawIcmpError(this.random, target)
    this.network.post(this.peerLink, () => this.#rim.errorArrives(source, error))
  }

  #sendIndication(peer: string, payload: Uint8Array, dontFragment: boolean): Uint8Array {
    const writer = new MessageWriter()
    const bytes = new Uint8Array(64 + payload.length + 4)
    writer.begin(bytes, 0, stun.CLASS_INDICATION, stun.METHOD_SEND, this.random.nextBytes(12), 0)
    writePeers(writer, [addressOf(peer)]).writeBytes(stun.ATTRIBUTE_DATA, payload)
    if (dontFragment) writer.writeEmpty(stun.ATTRIBUTE_DONT_FRAGMENT)
    return bytes.slice(0, writer.finish())
  }
}

/** A closed connection delivers nothing, in neither direction; over UDP nobody knows. */
function canDeliver(client: SimClient, key: string): boolean {
  return !client.isStream || (!client.isGone && client.key === key)
}
