// Tells people what the cores do: a log line and an event for each allocation and refusal, the ring of latest refusals, and the
// lives of the workers.
import type { Settings } from '../config/settings.js'
import {
  CONNECTION_LINES_OF_SOURCE_PER_SECOND_MAX,
  CONNECTION_LINES_PER_SECOND_MAX,
  REFUSAL_LINES_OF_SOURCE_PER_SECOND_MAX,
  REFUSAL_LINES_PER_SECOND_MAX,
} from '../limits/reports.js'
import { AllocationDigest } from '../log/allocation-digest.js'
import { CONNECTION_REFUSALS, misdirectionText } from '../log/connection-refusals.js'
import { LineLimiter } from '../log/line-limiter.js'
import type { Logger } from '../log/logger.js'
import { quoted } from '../log/logger.js'
import { RefusalDigest } from '../log/refusal-digest.js'
import {
  isRedirection,
  REFUSAL_REASON_NAMES,
  REFUSAL_REASONS,
  type Refusal,
  type RefusalReason,
  RefusalRing,
} from '../log/refusals.js'
import type { DeletionCause } from '../turn/output.js'
import type { RelayingNews, WorkerDeath } from './relaying.js'
import type { AllocationInfo, AllocationUse, Report } from './reports.js'
import { RestAges } from './rest-ages.js'
import type { Totals } from './statistics.js'

export interface ReporterEvents {
  allocation(info: AllocationInfo): void
  allocationDeleted(info: AllocationInfo, cause: DeletionCause): void
  refusal(refusal: Refusal): void
  workerDied(death: WorkerDeath): void
  warning(text: string): void
  /** What else there is to say of it, in words; ''. */
  detailOf(refusal: Refusal): string
  /** Those in force. */
  settings(): Pick<Settings, 'authSecretSeparator'>
}

/** Whose report it is, as a field of log lines. */
type Whose = { readonly worker?: number }

export class Reporter implements RelayingNews {
  readonly refusals = new RefusalRing()
  /** What `turnd why` reads. */
  readonly refusalDigest = new RefusalDigest()
  readonly allocationDigest = new AllocationDigest()
  readonly #limiter = new LineLimiter(REFUSAL_LINES_PER_SECOND_MAX, REFUSAL_LINES_OF_SOURCE_PER_SECOND_MAX)
  readonly #connectionLimiter = new LineLimiter(
    CONNECTION_LINES_PER_SECOND_MAX,
    CONNECTION_LINES_OF_SOURCE_PER_SECOND_MAX,
  )
  readonly #logger: Logger
  readonly #events: ReporterEvents
  /** How long names hold when they are first used. */
  readonly restAges = new RestAges()
  /** Refusals that have had no line since the last flush. */
  #suppressedCount = 0
  /** What was flushed of those that the cores held back, and of reports that were lost. */
  readonly #heldBack = new Float64Array(REFUSAL_REASON_NAMES.length)
  #reportsLost = 0

  constructor(logger: Logger, events: ReporterEvents) {
    this.#logger = logger
    this.#events = events
  }

  report(report: Report, worker: number | null): void {
    const whose = worker === null ? {} : { worker }
    switch (report.kind) {
      case 'allocation':
        this.allocationDigest.created(report.info.user, report.info.client, worker, Date.now())
        this.restAges.note(report.info.user, this.#events.settings().authSecretSeparator, Date.now())
        this.#allocationCreated(report.info, { ...report.ways, ...whose })
        return
      case 'allocation-deleted':
        this.allocationDigest.deleted(report.info.user, report.info.client, worker, report.use)
        this.#allocationDeleted(report.info, report.cause, report.use, { ...report.ways, ...whose })
        return
      case 'allocation-moved':
        this.allocationDigest.moved(report.info.user, report.from, report.info.client, worker, Date.now())
        this.#allocationMoved(report.info, report.from, { ...report.ways, ...whose })
        return
      case 'relay-deleted': {
        const { cause, client, relayed, user } = report
        this.#logger.info(
          { event: 'relay-deleted', cause, user, client, relayed: [relayed], ...whose },
          `relay ${relayed} of ${quoted(user)} ended; its allocation goes on (${cause})`,
        )
        return
      }
      case 'refusal':
        this.#refused(report.refusal, whose)
        return
      case 'connection-refused':
        this.#connectionRefused(report, whose)
        return
      case 'unanswered':
        this.refusalDigest.record(report)
    }
  }

  workerDied(death: WorkerDeath): void {
    const { allocationCount, error, restartSeconds, worker } = death
    const { message, stack } = error
    const again = restartSeconds === 0 ? 'now' : `in ${restartSeconds} s`
    this.#logger.error(
      { event: 'worker-died', worker, allocations: allocationCount, restartSeconds, error: message, stack },
      `worker ${worker} died (${message}): ${allocationCount} allocations of worker ${worker} ended, it starts again ${again}`,
    )
    this.allocationDigest.workerDied(worker)
    this.#events.workerDied(death)
  }

  workerRestarted(worker: number): void {
    this.#logger.info({ event: 'worker-restarted', worker }, `worker ${worker} works again`)
  }

  warn(text: string): void {
    this.#events.warning(text)
  }

  /** Sums up the refusals that were not logged since the last call. */
  flush({ heldBack, reportsLost }: Totals): void {
    const count = this.#suppressedCount + this.#newlyHeldBack(heldBack)
    this.#suppressedCount = 0
    if (count > 0) {
      const were = count === 1 ? '1 more refusal was' : `${count} more refusals were`
      this.#logger.warn({ event: 'refusals-suppressed', count }, `${were} not logged one by one`)
    }
    const lost = reportsLost - this.#reportsLost
    this.#reportsLost = reportsLost
    if (lost > 0) {
      const were =
        lost === 1 ? '1 report of allocations and refusals was' : `${lost} reports of allocations and refusals were`
      const text = `${were} lost: this machine is too busy to log them`
      this.#logger.warn({ event: 'reports-lost', count: lost }, text)
    }
  }

  #allocationCreated(info: AllocationInfo, whose: Whose): void {
    this.#logger.info(
      { event: 'allocation', ...info, ...whose },
      `${quoted(info.user)} at ${info.client} got relay ${info.relayed.join(' and ')}`,
    )
    this.#events.allocation(info)
  }

  #allocationDeleted(info: AllocationInfo, cause: DeletionCause, use: AllocationUse, whose: Whose): void {
    this.#logger.info(
      { event: 'allocation-deleted', cause, ...info, ...use, ...whose },
      `relay ${info.relayed.join(' and ')} of ${quoted(info.user)} ended after ${use.durationSeconds} s (${cause})`,
    )
    this.#events.allocationDeleted(info, cause)
  }

  #allocationMoved(info: AllocationInfo, from: string, whose: Whose): void {
    this.#logger.info(
      { event: 'allocation-moved', from, ...info, ...whose },
      `${quoted(info.user)} goes on at ${info.client} with relay ${info.relayed.join(' and ')} (was at ${from})`,
    )
  }

  #refused(refusal: Refusal, whose: Whose): void {
    const detail = this.#events.detailOf(refusal)
    this.refusals.record(refusal)
    this.refusalDigest.record({ ...refusal, detail })
    this.#events.refusal(refusal)
    const level = levelOf(refusal.reason)
    if (!this.#logger.isLevelEnabled(level)) return
    if (!this.#limiter.admits(hostOf(refusal.source), refusal.timeMs)) {
      this.#suppressedCount++
      return
    }
    const { code, method, peer, reason, source, user } = refusal
    const { meaning, remedy } = REFUSAL_REASONS[reason]
    const who = user === '' ? source : `${quoted(user)} at ${source}`
    const what = peer === '' ? method : `${method} to ${peer}`
    const more = { ...(peer === '' ? {} : { peer }), ...(detail === '' ? {} : { detail }) }
    const about = { reason, code, method, user, source, ...more, remedy }
    const why = detail === '' ? meaning : `${meaning}: ${detail}`
    const text = isRedirection(reason) ? `sent ${who} to ${peer}` : `refused ${what} of ${who}`
    this.#logger[level]({ event: 'refusal', ...about, ...whose }, `${text}: ${why}`)
  }

  /** Whoever scans the Internet causes these all day: what has no line is in the counters. */
  #connectionRefused(report: Extract<Report, { kind: 'connection-refused' }>, whose: Whose): void {
    const { asked, reason, source } = report
    const detail = asked === undefined ? '' : misdirectionText(asked)
    this.refusalDigest.record({ ...report, detail })
    if (!this.#connectionLimiter.admits(hostOf(source), Date.now())) return
    const { meaning, remedy } = CONNECTION_REFUSALS[reason]
    const about = { event: 'connection-refused', reason, source, ...asked, remedy, ...whose }
    this.#logger.info(about, `closed a connection of ${source}: ${meaning}${detail === '' ? '' : `: ${detail}`}`)
  }

  /** Of the reasons that would have been logged. */
  #newlyHeldBack(heldBack: Float64Array): number {
    let count = 0
    for (const [index, reason] of REFUSAL_REASON_NAMES.entries()) {
      if (this.#logger.isLevelEnabled(levelOf(reason))) count += heldBack[index] - this.#heldBack[index]
      this.#heldBack[index] = heldBack[index]
    }
    return count
  }
}

/** What clients meet in normal operation, and go on after by themselves. */
const EVERYDAY: readonly RefusalReason[] = ['stale-nonce', 'redirected-draining', 'redirected-load']

function levelOf(reason: RefusalReason): 'info' | 'warn' {
  return EVERYDAY.includes(reason) ? 'info' : 'warn'
}

/** A textual transport address without its port. */
function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':'))
}
