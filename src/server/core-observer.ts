// The core's observer: turns its objects into reports of plain data at once, since they do not last, and counts refusals.
import type { UnansweredReason } from '../log/drops.js'
import type { RefusalReason } from '../log/refusals.js'
import { formatHost, type TransportAddress } from '../stun/address.js'
import { methodName } from '../stun/constants.js'
import { type Allocation, type Relay, TICKS_PER_SECOND } from '../turn/allocation.js'
import type { FiveTuple } from '../turn/five-tuple.js'
import type { DeletionCause, TurnObserver } from '../turn/output.js'
import { type AllocationInfo, type ReportSink, waysOf } from './reports.js'
import { reasonIndex, type Statistics } from './statistics.js'

export class CoreObserver implements TurnObserver {
  readonly #sink: ReportSink
  readonly #statistics: Statistics
  /** The core's time, in ticks. */
  readonly #now: () => number

  constructor(sink: ReportSink, statistics: Statistics, now: () => number) {
    this.#sink = sink
    this.#statistics = statistics
    this.#now = now
  }

  allocationCreated(allocation: Allocation): void {
    this.#statistics.allocations[allocation.fiveTuple.transport]++
    this.#countRelays(allocation, allocation.relays().length)
    this.#sink.report({ kind: 'allocation', info: infoOf(allocation), ways: waysOf(allocation) })
  }

  allocationDeleted(allocation: Allocation, cause: DeletionCause): void {
    this.#countRelays(allocation, -allocation.relays().length)
    const [packetsFromClient, bytesFromClient, packetsToClient, bytesToClient] = allocation.counters
    const durationSeconds = Math.round((this.#now() - allocation.createdAt) / TICKS_PER_SECOND)
    const use = { durationSeconds, packetsFromClient, bytesFromClient, packetsToClient, bytesToClient }
    this.#sink.report({ kind: 'allocation-deleted', info: infoOf(allocation), ways: waysOf(allocation), cause, use })
  }

  allocationMoved(allocation: Allocation, from: FiveTuple): void {
    const relayCount = allocation.relays().length
    this.#statistics.relays[from.transport] -= relayCount
    this.#countRelays(allocation, relayCount)
    const about = { info: infoOf(allocation), ways: waysOf(allocation), from: from.client.toString() }
    this.#sink.report({ kind: 'allocation-moved', ...about })
  }

  relayDeleted(relay: Relay, cause: DeletionCause): void {
    this.#countRelays(relay.allocation, -1)
    const { fiveTuple, username } = relay.allocation
    const [client, relayed] = [fiveTuple.client.toString(), relay.advertised.toString()]
    this.#sink.report({ kind: 'relay-deleted', user: username, client, relayed, cause })
  }

  refused(
    reason: RefusalReason,
    code: number,
    method: number,
    username: string,
    client: TransportAddress,
    peer: TransportAddress | null,
    overdueSeconds = 0,
  ): void {
    const index = reasonIndex(reason)
    this.#statistics.refusals[index]++
    const timeMs = Date.now()
    if (!this.#sink.admitsRefusal(reason, formatHost(client), timeMs)) {
      this.#statistics.heldBack[index]++
      return
    }
    const refusal = {
      timeMs,
      reason,
      code,
      method: methodName(method),
      user: username,
      source: client.toString(),
      peer: peer === null ? '' : peer.toString(),
      ...(overdueSeconds === 0 ? {} : { overdueSeconds }),
    }
    this.#sink.report({ kind: 'refusal', refusal })
  }

  unanswered(reason: UnansweredReason, client: TransportAddress): void {
    this.#sink.report({ kind: 'unanswered', timeMs: Date.now(), reason, source: client.toString() })
  }

  #countRelays({ fiveTuple }: Allocation, change: number): void {
    this.#statistics.relays[fiveTuple.transport] += change
  }
}

function infoOf(allocation: Allocation): AllocationInfo {
  return {
    user: allocation.username,
    client: allocation.fiveTuple.client.toString(),
    relayed: allocation.relays().map((relay) => relay.advertised.toString()),
    lifetimeSeconds: allocation.lifetimeSeconds,
  }
}
