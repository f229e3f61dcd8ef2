// Tells people what the core does: a log line and an event for each allocation and refusal, and the ring of latest refusals.
import type { Logger } from '../log/logger.js'
import { quoted } from '../log/logger.js'
import { REFUSAL_REASONS, type Refusal, type RefusalReason, RefusalRing } from '../log/refusals.js'
import { formatHost, type TransportAddress } from '../stun/address.js'
import { methodName } from '../stun/constants.js'
import { type Allocation, type Relay, TICKS_PER_SECOND } from '../turn/allocation.js'
import type { DeletionCause, TurnObserver } from '../turn/output.js'
import { LineLimiter } from './line-limiter.js'

/** What the server's listeners learn of an allocation. Addresses are textual transport addresses. */
export interface AllocationInfo {
  readonly user: string
  readonly client: string
  /** As the client sees them: one, or IPv4 and IPv6. */
  readonly relayed: readonly string[]
  readonly lifetimeSeconds: number
}

export interface ReporterEvents {
  allocation(info: AllocationInfo): void
  allocationDeleted(info: AllocationInfo, cause: DeletionCause): void
  refusal(refusal: Refusal): void
}

export class Reporter implements TurnObserver {
  readonly refusals = new RefusalRing()
  readonly #limiter = new LineLimiter()
  readonly #logger: Logger
  readonly #events: ReporterEvents
  /** The core's time, in ticks. */
  readonly #now: () => number

  constructor(logger: Logger, events: ReporterEvents, now: () => number) {
    this.#logger = logger
    this.#events = events
    this.#now = now
  }

  allocationCreated(allocation: Allocation): void {
    const info = infoOf(allocation)
    this.#logger.info(
      { event: 'allocation', ...info },
      `${quoted(info.user)} at ${info.client} got relay ${info.relayed.join(' and ')}`,
    )
    this.#events.allocation(info)
  }

  allocationDeleted(allocation: Allocation, cause: DeletionCause): void {
    const info = infoOf(allocation)
    const [packetsFromClient, bytesFromClient, packetsToClient, bytesToClient] = allocation.counters
    const durationSeconds = Math.round((this.#now() - allocation.createdAt) / TICKS_PER_SECOND)
    const counters = { packetsFromClient, bytesFromClient, packetsToClient, bytesToClient }
    this.#logger.info(
      { event: 'allocation-deleted', cause, ...info, durationSeconds, ...counters },
      `relay ${info.relayed.join(' and ')} of ${quoted(info.user)} ended after ${durationSeconds} s (${cause})`,
    )
    this.#events.allocationDeleted(info, cause)
  }

  relayDeleted(relay: Relay, cause: DeletionCause): void {
    const { fiveTuple, username } = relay.allocation
    const relayed = relay.advertised.toString()
    this.#logger.info(
      { event: 'relay-deleted', cause, user: username, client: fiveTuple.client.toString(), relayed: [relayed] },
      `relay ${relayed} of ${quoted(username)} ended; its allocation goes on (${cause})`,
    )
  }

  refused(
    reason: RefusalReason,
    code: number,
    method: number,
    username: string,
    client: TransportAddress,
    peer: TransportAddress | null,
  ): void {
    const refusal: Refusal = {
      timeMs: Date.now(),
      reason,
      code,
      method: methodName(method),
      user: username,
      source: client.toString(),
      peer: peer === null ? '' : peer.toString(),
    }
    this.refusals.record(refusal)
    this.#events.refusal(refusal)
    if (this.#logger.isLevelEnabled(levelOf(reason)) && this.#limiter.mayLog(formatHost(client), refusal.timeMs)) {
      this.#logRefusal(refusal)
    }
  }

  /** Sums up the refusals that were not logged since the last call. */
  flush(): void {
    const count = this.#limiter.takeSuppressed()
    if (count === 0) return
    this.#logger.warn({ event: 'refusals-suppressed', count }, `${count} more refusals were not logged one by one`)
  }

  #logRefusal({ reason, code, method, user, source, peer }: Refusal): void {
    const { meaning, remedy } = REFUSAL_REASONS[reason]
    const who = user === '' ? source : `${quoted(user)} at ${source}`
    const what = peer === '' ? method : `${method} to ${peer}`
    const fields = { event: 'refusal', reason, code, method, user, source, ...(peer === '' ? {} : { peer }), remedy }
    this.#logger[levelOf(reason)](fields, `refused ${what} of ${who}: ${meaning}`)
  }
}

/** Clients meet a stale nonce in normal operation, and go on by themselves. */
function levelOf(reason: RefusalReason): 'info' | 'warn' {
  return reason === 'stale-nonce' ? 'info' : 'warn'
}

function infoOf(allocation: Allocation): AllocationInfo {
  const relays = [allocation.relay4, allocation.relay6].filter((relay): relay is Relay => relay !== null)
  return {
    user: allocation.username,
    client: allocation.fiveTuple.client.toString(),
    relayed: relays.map((relay) => relay.advertised.toString()),
    lifetimeSeconds: allocation.lifetimeSeconds,
  }
}
