// A whole TurnCore with its inputs in one place: after each of them the effects are judged and the invariants checked, and only then
// are the effects carried out.

import { Authenticator } from '../../src/auth/authenticator.js'
import { StaticUsers } from '../../src/auth/static-users.js'
import { TurnCore } from '../../src/turn/core.js'
import { FiveTuple } from '../../src/turn/five-tuple.js'
import { RelayPorts } from '../../src/turn/relay-ports.js'
import { REALM } from '../support/core-client.js'
import { policyOf, relayHostOf } from '../support/core-harness.js'
import type { SeededRandom } from '../support/random.js'
import { type Effect, RecordingObserver, RecordingOutput } from '../support/recording-output.js'
import { addressOf } from '../support/turn-address.js'
import type { Coverage } from './coverage.js'
import { type ClientData, DataJudge, type PeerData } from './data-judge.js'
import { checkEnumeration, checkInvariants } from './invariants.js'
import { Judge } from './judge.js'
import type { Payloads } from './payload.js'
import { ALLOW_RULE, type Scenario, USERS } from './scenario.js'
import type { SentRequest } from './sent-request.js'
import { WireModel } from './wire-model.js'

/** Who sent what a datagram carries, and where it was meant to go. */
export interface Origin {
  readonly sentBy: string
  readonly intended: string
}

export type CarryOut = (effects: readonly Effect[], origin: Origin) => void

const NOBODY: Origin = { sentBy: '', intended: '' }
/** Frames stand somewhere inside a buffer that is used again for the next one. */
const FRAME_START = 11
const FRAME_LENGTH_MAX = 2048
/** Walking the whole table of 5-tuples takes longer than all other checks together. */
const ENUMERATION_INTERVAL = 16
const users = new StaticUsers(
  REALM,
  USERS.map(({ username, password }) => ({ name: username, password })),
)

export class CoreDriver {
  readonly core: TurnCore
  readonly model: WireModel
  /** Inputs so far. */
  inputCount = 0
  carryOut: CarryOut = () => {}
  readonly #output = new RecordingOutput()
  readonly #observer = new RecordingObserver()
  readonly #coverage: Coverage
  readonly #judge: Judge
  readonly #dataJudge: DataJudge
  readonly #buffer = new Uint8Array(FRAME_LENGTH_MAX)

  constructor(scenario: Scenario, random: SeededRandom, payloads: Payloads, coverage: Coverage) {
    this.#coverage = coverage
    this.model = new WireModel(scenario)
    this.#judge = new Judge(this.model, this.#observer, coverage)
    this.#dataJudge = new DataJudge(this.model, payloads, coverage)
    this.core = makeCore(scenario, random, this.#output, this.#observer)
  }

  request(request: SentRequest): void {
    const drop = this.#frame(request.client, request.bytes)
    const effects = this.#output.take()
    this.#judge.judgeRequest(request, drop, effects)
    this.#end(effects, NOBODY)
  }

  /** A request that claims to come from a relay of ours. */
  nestedRequest(bound: string, bytes: Uint8Array): void {
    const client = new FiveTuple()
    client.client.copyFrom(addressOf(bound))
    const drop = this.#frame(client, bytes)
    const effects = this.#output.take()
    this.#judge.judgeNested(drop, effects)
    this.#end(effects, NOBODY)
  }

  clientData(client: FiveTuple, input: ClientData, frame: Uint8Array): void {
    const drop = this.#frame(client, frame)
    const effects = this.#output.take()
    this.#dataJudge.judgeClientData(input, drop, effects)
    this.#end(effects, { sentBy: input.key, intended: input.intended })
  }

  peerData(input: PeerData): void {
    const end = FRAME_START + input.payload.length
    this.#buffer.set(input.payload, FRAME_START)
    const drop = this.core.handlePeerDatagram(input.relayId, addressOf(input.source), this.#buffer, FRAME_START, end)
    this.#buffer.fill(0xee)
    const effects = this.#output.take()
    this.#dataJudge.judgePeerData(input, drop, effects)
    this.#end(effects, NOBODY)
  }

  relayOpened(relayId: number): void {
    const socket = this.model.sockets.byRelay.get(relayId)
    if (socket !== undefined) socket.isLive = true
    this.core.handleRelayOpened(relayId)
    const effects = this.#output.take()
    this.#judge.judgeReport(relayId, effects)
    this.#end(effects, NOBODY)
  }

  relayFailed(relayId: number, inUse: boolean): void {
    if (this.model.sockets.byRelay.has(relayId)) this.model.sockets.close(relayId)
    this.core.handleRelayFailed(relayId, inUse)
    const effects = this.#output.take()
    this.#judge.judgeReport(relayId, effects)
    this.#end(effects, NOBODY)
  }

  clientClosed(client: FiveTuple, key: string): void {
    this.core.handleClientClosed(client)
    const effects = this.#output.take()
    this.#judge.judgeClosed(key, effects)
    this.#end(effects, NOBODY)
  }

  tick(now: number): void {
    if (now <= this.model.now) return
    this.model.now = now
    this.core.tick(now)
    const effects = this.#output.take()
    this.#judge.judgeTick(effects)
    this.#end(effects, NOBODY)
  }

  drain(): void {
    this.model.isDraining = true
    this.core.drain()
  }

  stop(): void {
    this.core.deleteAllAllocations('stopped')
    const effects = this.#output.take()
    this.#judge.judgeStopped(effects)
    this.#end(effects, NOBODY)
  }

  #frame(client: FiveTuple, bytes: Uint8Array): number {
    this.#buffer.set(bytes, FRAME_START)
    const drop = this.core.handleClientFrame(client, this.#buffer, FRAME_START, FRAME_START + bytes.length)
    // Whatever the core kept must be a copy.
    this.#buffer.fill(0xee)
    return drop
  }

  #end(effects: readonly Effect[], origin: Origin): void {
    this.inputCount++
    this.#observer.created.length = 0
    for (const { reason } of this.#observer.refusals.splice(0)) this.#coverage.count(`refused: ${reason}`)
    checkInvariants(this.core, this.model)
    if (this.inputCount % ENUMERATION_INTERVAL === 0) checkEnumeration(this.core, this.model)
    this.carryOut(effects, origin)
  }
}

function makeCore(
  scenario: Scenario,
  random: SeededRandom,
  output: RecordingOutput,
  observer: RecordingObserver,
): TurnCore {
  const { hosts, minPort, maxPort, maxAllocations, userQuota, permissionCountMax, channelCountMax } = scenario
  const relayHosts = hosts.map(({ bound, advertised }) => relayHostOf(`${advertised}/${bound}`))
  const relayPorts = new RelayPorts(hosts.length, minPort, maxPort, random)
  const policy = policyOf(
    {
      allowPeer: [ALLOW_RULE],
      ownSockets: ['10.0.0.1:3478', '5.6.7.8:3478'],
      localHosts: [...hosts.map((host) => host.bound), '127.0.0.1', '::1'],
    },
    relayHosts,
    relayPorts,
  )
  return new TurnCore({
    ...{ output, observer, policy, relayHosts, relayPorts, random },
    ...{ maxAllocations, userQuota, permissionCountMax, channelCountMax },
    authenticator: new Authenticator({ realm: REALM, stores: [users], nonceSecret: new Uint8Array(32).fill(7) }),
    monotonicStartSeconds: 1_000,
    supportsDontFragment: false,
  })
}
