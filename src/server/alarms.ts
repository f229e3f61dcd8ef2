// What an operator has to look at now: conditions of a running server with what they mean and what to do, each with the time when it began. Raised
// and cleared by looking once a second; warnings that were logged are shown with them for a while.
import type { Alarm } from '../admin/schema/status.js'
import { profileTraits } from '../config/profile.js'
import type { Profile } from '../config/settings.js'
import { NOTICE_COUNT_MAX, NOTICE_SECONDS, WORKER_DEATH_ALARM_SECONDS } from '../limits/reports.js'
import type { Logger } from '../log/logger.js'
import type { WorkerDeath } from './relaying.js'

/** The state that alarms are about. */
export interface AlarmFacts {
  readonly profile: Profile
  readonly licenceUsed: number
  readonly licenceLimit: number
  /** Ports of the relay addresses of one family, the one that has fewest: an allocation takes one of each family that it asks for. */
  readonly relayPortCount: number
  /** Why the engine is not the best one; ''. */
  readonly engineReason: string
  /** That nobody can log in; ''. */
  readonly nobodyText: string
  /** Sentences about the certificate, and whether it has expired. */
  readonly certificateWarnings: readonly string[]
  readonly isCertificateExpired: boolean
  /** Outside stores that do not answer. */
  readonly storeProblems: readonly { readonly name: string; readonly problem: string }[]
  /** Other servers whose names cannot be looked up. */
  readonly alternateProblems: readonly { readonly name: string; readonly problem: string }[]
  /** A TLS listener on port 443, which tells TLS, STUN and HTTP apart. */
  readonly hasPort443: boolean
}

interface Condition {
  readonly id: string
  readonly severity: Alarm['severity']
  readonly text: string
  readonly remedy: string
}

interface Notice {
  readonly text: string
  readonly raisedTime: string
  /** Shown until then, in milliseconds since the epoch. */
  readonly endMs: number
}

/** Shares of a limit: raised from the first on, cleared below the second, so that an alarm does not flicker. */
const APPROACHING_SHARE = 0.9
const CLEARED_SHARE = 0.85

export class Alarms {
  readonly #onChange: (change: 'raised' | 'cleared', alarm: Alarm) => void
  readonly #raised = new Map<string, Alarm>()
  #notices: Notice[] = []
  #workerDeath: { readonly text: string; readonly isForStreams: boolean; readonly endMs: number } | null = null

  /** @param onChange called for conditions, not for warnings, which have been logged */
  constructor(onChange: (change: 'raised' | 'cleared', alarm: Alarm) => void) {
    this.#onChange = onChange
  }

  /** A warning for the operator; one of the start is shown for as long as the server runs. */
  warned(text: string, isOfStart: boolean, timeMs = Date.now()): void {
    const endMs = isOfStart ? Number.POSITIVE_INFINITY : timeMs + NOTICE_SECONDS * 1000
    const others = this.#notices.filter((notice) => notice.text !== text)
    this.#notices = [...others, { text, raisedTime: iso(timeMs), endMs }].slice(-NOTICE_COUNT_MAX)
  }

  workerDied(
    { allocationCount, isForStreams, worker }: Omit<WorkerDeath, 'error' | 'restartSeconds'>,
    timeMs = Date.now(),
  ): void {
    const text = `worker ${worker} died at ${iso(timeMs)}, and ${allocationCount} allocations with it; another one has taken its place`
    this.#workerDeath = { text, isForStreams, endMs: timeMs + WORKER_DEATH_ALARM_SECONDS * 1000 }
  }

  /** Raises and clears. */
  look(facts: AlarmFacts, timeMs = Date.now()): void {
    this.#notices = this.#notices.filter(({ endMs }) => timeMs < endMs)
    const conditions = new Map(this.#conditions(facts, timeMs).map((condition) => [condition.id, condition]))
    // What was a warning first is one alarm, and goes with its condition.
    const texts = new Set([...conditions.values()].map(({ text }) => text))
    this.#notices = this.#notices.filter(({ text }) => !texts.has(text))
    for (const [id, alarm] of this.#raised) {
      if (conditions.has(id)) continue
      this.#raised.delete(id)
      this.#onChange('cleared', alarm)
    }
    const { alarmNumbers } = profileTraits(facts.profile)
    for (const condition of conditions.values()) this.#raise(condition, alarmNumbers.get(condition.id) ?? null, timeMs)
  }

  /** Most severe first. */
  current(): Alarm[] {
    const raised = [...this.#raised.values()]
    const notices = this.#notices.map(({ raisedTime, text }, index): Alarm => {
      return { id: `warning-${index + 1}`, number: null, severity: 'warning', text, remedy: '', raisedTime }
    })
    const isCritical = ({ severity }: Alarm) => severity === 'critical'
    return [...raised.filter(isCritical), ...raised.filter((alarm) => !isCritical(alarm)), ...notices]
  }

  #raise(condition: Condition, number: number | null, timeMs: number): void {
    const known = this.#raised.get(condition.id)
    const alarm = { ...condition, number, raisedTime: known?.raisedTime ?? iso(timeMs) }
    this.#raised.set(condition.id, alarm)
    if (known === undefined) this.#onChange('raised', alarm)
  }

  #conditions(facts: AlarmFacts, timeMs: number): Condition[] {
    const { certificateWarnings, engineReason, hasPort443, isCertificateExpired, nobodyText } = facts
    const conditions = [...this.#licence(facts), ...this.#ports(facts)]
    if (nobodyText !== '') conditions.push({ id: 'no-users', severity: 'critical', text: nobodyText, remedy: '' })
    for (const [index, { name, problem }] of facts.storeProblems.entries()) {
      const text = `${name} fails: ${problem}`
      const remedy = 'users whom it knew go on; for what is wrong run `turnd doctor` on this machine'
      conditions.push({ id: `user-store-down-${index + 1}`, severity: 'critical', text, remedy })
    }
    for (const [index, { name, problem }] of facts.alternateProblems.entries()) {
      const text = `the other server ${name} is not known: ${problem}`
      const remedy = 'mend its name in the DNS, or --alternate: clients are sent to those that are known'
      conditions.push({ id: `alternate-unknown-${index + 1}`, severity: 'warning', text, remedy })
    }
    for (const [index, text] of certificateWarnings.entries()) {
      const severity = isCertificateExpired ? 'critical' : 'warning'
      conditions.push({ id: `certificate-${index + 1}`, severity, text, remedy: '' })
    }
    if (engineReason !== '') {
      const remedy = 'mend that, or choose --engine dgram: packets cost several times as much there'
      conditions.push({ id: 'engine', severity: 'warning', text: engineReason, remedy })
    }
    if (this.#workerDeath !== null && timeMs < this.#workerDeath.endMs) {
      const remedy = 'look at the log line worker-died, which has the error, and report it'
      const { isForStreams, text } = this.#workerDeath
      const id = isForStreams && hasPort443 ? 'port-443-worker-died' : 'worker-died'
      conditions.push({ id, severity: 'warning', text, remedy })
    }
    return conditions
  }

  #licence({ licenceLimit, licenceUsed }: AlarmFacts): Condition[] {
    const remedy = 'raise --max-allocations, or add a server'
    if (licenceLimit === 0) {
      const text = 'the licence has no relays (--max-allocations 0): every Allocate is refused'
      return [{ id: 'licence-none', severity: 'critical', text, remedy }]
    }
    const text = `${licenceUsed} of the ${licenceLimit} allocations of the licence are in use`
    return this.#level('licence', licenceUsed, licenceLimit, text, remedy)
  }

  /** Where there are fewer ports than the licence allows relays. */
  #ports({ licenceLimit, licenceUsed, relayPortCount }: AlarmFacts): Condition[] {
    if (relayPortCount >= licenceLimit) return []
    const text = `${licenceUsed} allocations share the ${relayPortCount} relay ports of a family`
    return this.#level('relay-ports', licenceUsed, relayPortCount, text, 'widen --min-port and --max-port')
  }

  #level(name: string, used: number, limit: number, text: string, remedy: string): Condition[] {
    if (used >= limit)
      return [{ id: `${name}-reached`, severity: 'critical', text: `${text}: new ones are refused`, remedy }]
    const id = `${name}-approaching`
    const share = this.#raised.has(id) || this.#raised.has(`${name}-reached`) ? CLEARED_SHARE : APPROACHING_SHARE
    return used >= share * limit ? [{ id, severity: 'warning', text, remedy }] : []
  }
}

export function logAlarm(
  logger: Logger,
  change: 'raised' | 'cleared',
  { id, number, remedy, severity, text }: Alarm,
): void {
  const level = change === 'cleared' ? 'info' : 'warn'
  const numbered = number === null ? {} : { number }
  logger[level]({ event: 'alarm', alarm: id, ...numbered, change, severity, remedy }, `alarm ${change}: ${text}`)
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString()
}
