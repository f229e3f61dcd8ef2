// A whole TurnCore with its inputs in one place: after each of them the effects are judged and the invariants checked, and only then
// are the effects carried out. With an engine the calls come in the middle of its rounds; they are judged one by one all the same.
import type { TransportAddress } from '../../src/stun/address.js'
import type { TurnCore } from '../../src/turn/core.js'
import type { FiveTuple } from '../../src/turn/five-tuple.js'
import type { SeededRandom } from '../support/random.js'
import { RecordingObserver, RecordingOutput } from '../support/recording-output.js'
import type { Coverage } from './coverage.js'
import { DataJudge } from './data-judge.js'
import {
  type Arrived,
  type DatagramEffect,
  departureOf,
  type FrameInput,
  type IcmpError,
  NOBODY,
  type Origin,
} from './inputs.js'
import { checkEnumeration, checkInvariants } from './invariants.js'
import { Judge } from './judge.js'
import { JudgedCore, type Referee } from './judged-core.js'
import { coreOptionsOf } from './make-core.js'
import type { Payloads } from './payload.js'
import type { Rim } from './rim.js'
import type { Scenario } from './scenario.js'
import { TeeOutput } from './tee-output.js'
import { WireModel } from './wire-model.js'

/** Walking the whole table of 5-tuples takes longer than all other checks together. */
const ENUMERATION_INTERVAL = 16

export class CoreDriver implements Referee {
  readonly core: TurnCore
  readonly model: WireModel
  /** Inputs so far. */
  inputCount = 0
  readonly #rim: Rim
  readonly #output = new RecordingOutput()
  readonly #observer = new RecordingObserver()
  readonly #coverage: Coverage
  readonly #judge: Judge
  readonly #dataJudge: DataJudge
  /** Of the input that the core has at the moment. */
  #origin = NOBODY
  #trafficClass = 0

  constructor(scenario: Scenario, random: SeededRandom, payloads: Payloads, coverage: Coverage, rim: Rim) {
    this.#coverage = coverage
    this.#rim = rim
    this.model = new WireModel(scenario)
    this.#judge = new Judge(this.model, this.#observer, coverage)
    this.#dataJudge = new DataJudge(this.model, payloads, coverage, rim.supportsDontFragment)
    const announce = (effect: DatagramEffect, isData: boolean) => {
      rim.expect(departureOf(effect, this.model, this.#origin, isData ? this.#trafficClass : 0))
    }
    const output = rim.engine === null ? this.#output : new TeeOutput(this.#output, rim.engine, rim, announce)
    const { supportsDontFragment } = rim
    this.core = new JudgedCore(
      { ...coreOptionsOf(scenario, random), output, observer: this.#observer, supportsDontFragment },
      this,
    )
  }

  frame(client: FiveTuple, bytes: Uint8Array, call: (client: FiveTuple) => number): number {
    const arrived = this.#rim.claimFrame(client, bytes)
    const origin = originOf(arrived)
    this.#begin(origin, arrived.trafficClass)
    const drop = call(arrived.client)
    const effects = this.#output.take()
    const { input } = arrived
    if (input.kind === 'request') this.#judge.judgeRequest(input.request, drop, effects)
    else if (input.kind === 'nested') this.#judge.judgeNested(input.from, drop, effects)
    else this.#dataJudge.judgeClientData(input, drop, effects)
    this.#end(effects, origin)
    return drop
  }

  datagram(relayId: number, source: TransportAddress, bytes: Uint8Array, call: () => number): number {
    const { input, trafficClass } = this.#rim.claimDatagram(relayId, source, bytes)
    this.#begin(NOBODY, trafficClass)
    const drop = call()
    const effects = this.#output.take()
    this.#dataJudge.judgePeerData(relayId, input, drop, effects)
    this.#end(effects, NOBODY)
    return drop
  }

  icmp(relayId: number, error: IcmpError, call: () => number): number {
    this.#rim.claimError(relayId, error)
    this.#begin(NOBODY, 0)
    const drop = call()
    const effects = this.#output.take()
    this.#dataJudge.judgeIcmp(relayId, error, drop, effects)
    this.#end(effects, NOBODY)
    return drop
  }

  relayOpened(relayId: number, call: () => void): void {
    this.#rim.claimOpening(relayId, 'opened')
    const socket = this.model.sockets.byRelay.get(relayId)
    if (socket !== undefined) socket.isLive = true
    this.#report(relayId, call)
  }

  relayFailed(relayId: number, inUse: boolean, call: () => void): void {
    this.#rim.claimOpening(relayId, inUse ? 'in-use' : 'refused')
    if (this.model.sockets.byRelay.has(relayId)) this.model.sockets.close(relayId)
    this.#report(relayId, call)
  }

  clientClosed(client: FiveTuple, key: string): void {
    this.#begin(NOBODY, 0)
    this.core.handleClientClosed(client)
    const effects = this.#output.take()
    this.#judge.judgeClosed(key, effects)
    this.#end(effects, NOBODY)
  }

  tick(now: number): void {
    if (now <= this.model.now) return
    this.#begin(NOBODY, 0)
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
    this.#begin(NOBODY, 0)
    this.core.deleteAllAllocations('stopped')
    const effects = this.#output.take()
    this.#judge.judgeStopped(effects)
    this.#end(effects, NOBODY)
  }

  #report(relayId: number, call: () => void): void {
    this.#begin(NOBODY, 0)
    call()
    const effects = this.#output.take()
    this.#judge.judgeReport(relayId, effects)
    this.#end(effects, NOBODY)
  }

  #begin(origin: Origin, trafficClass: number): void {
    this.#origin = origin
    this.#trafficClass = trafficClass
  }

  #end(effects: ReturnType<RecordingOutput['take']>, origin: Origin): void {
    this.inputCount++
    this.#observer.created.length = 0
    this.#observer.unansweredSources.length = 0
    for (const { reason } of this.#observer.refusals.splice(0)) this.#coverage.count(`refused: ${reason}`)
    checkInvariants(this.core, this.model)
    if (this.inputCount % ENUMERATION_INTERVAL === 0) checkEnumeration(this.core, this.model)
    this.#rim.carryOut(effects, origin)
  }
}

function originOf({ input }: Arrived<FrameInput>): Origin {
  return input.kind === 'client-data' ? { sentBy: input.key, intended: input.intended } : NOBODY
}
