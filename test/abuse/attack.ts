// What an attack is, and what is measured while it lasts: the contract between the attacks (attacks/), who runs them (stage.ts), who judges
// (judge.ts) and who prints (report.ts). An attack is added to catalogue.ts.
//
//   thread of the harness      starts the server, samples its memory, judges
//   innocent-flow.ts           a call that must not notice
//   newcomers.ts               clients that come and go, and must be served
//   attacker.ts                Attack.run, so that its event loop disturbs nobody's measurement
import type { EngineName } from '../support/engines.js'
import type { ServerProcess } from '../support/server-process.js'
import type { Ground } from './ground.js'

export type AbuseScheme = 'udp' | 'tcp' | 'tls' | 'dtls'

export interface Attack {
  /** Such as `binding-flood`: unique, also for --attack. */
  readonly name: string
  /** What is done, in a few words. */
  readonly title: string
  /** The row of the table of threats that it is about. */
  readonly threat: string
  /** Beside those of every server, which give way to options of the same name. Attacks with equal arguments may share a server. */
  readonly serverArgs?: readonly string[]
  /** What the server promises about readers that stall is a rule only where the kernel does not hide it (own-network.ts). */
  readonly usesOwnNetwork?: boolean
  /** Listeners beside UDP's. */
  readonly schemes?: readonly AbuseScheme[]
  /** Engines that it is about; both unless given. */
  readonly engines?: readonly EngineName[]
  /** What this machine lacks for it, or false. */
  readonly skip?: (engine: EngineName) => string | false
  /** How long it lasts, in full and in short. */
  readonly seconds: number
  readonly shortSeconds: number
  /** Not in short. */
  readonly isLongOnly?: boolean
  /** In short as well, where the engine that is not the main one may behave differently. */
  readonly onBothEngines?: boolean
  readonly rules?: Partial<Rules>
  /** What the server must have counted as dropped at least once, by DROP_NAMES, when it is stopped. */
  readonly drops?: readonly string[]
  /** What its engine must have counted at least once, by COUNTER_NAMES, when it is stopped. */
  readonly counters?: Partial<Record<EngineName, readonly string[]>>
  /** In the attacker's thread. A rule of its own that is broken goes to `failures`; so does what it throws. */
  readonly run: (ground: Ground) => Promise<AttackReport>
  /** In the harness, right before; what it returns is called when the attack is over, and says what is wrong. */
  readonly watch?: (server: ServerProcess) => () => Promise<readonly string[]>
}

/** What every attack is judged by, unless it says otherwise. */
export interface Rules {
  /** Of the innocent flow. */
  readonly lossShareMax: number
  /** Of the innocent flow, there and back: so generous that only a server that stands still breaks it. */
  readonly p99MillisecondsMax: number
  /** All of them are served within their deadline; false where the attack legitimately takes what they need. */
  readonly servesNewcomers: boolean
  /** More resident memory while it lasts, at most. */
  readonly growthBytesMax: number
  /** More resident memory a few seconds later, at most. */
  readonly remainingBytesMax: number
}

/** What the attacker has done, and what came of it. */
export interface AttackReport {
  /** What was really offered. */
  readonly sent: number
  readonly sentBytes: number
  readonly milliseconds: number
  /** What it would have offered in a second, had the server's sockets had room for it; Infinity: all that it could. */
  readonly askedPerSecond?: number
  /** Of what: packets unless given. */
  readonly unit?: string
  /** What came back to the attacker, or to whoever it pretends to be. */
  readonly replies: number
  readonly replyBytes: number
  /** What the server promises; no limit if absent. */
  readonly repliesMax?: number
  /** Its own rules that were broken. */
  readonly failures: readonly string[]
  /** For people who read the table. */
  readonly notes?: readonly string[]
}

export interface FlowResult {
  /** Packets there and back, and those of them that did not return in time. */
  readonly sent: number
  readonly lost: number
  /** The same of its last moments, when the attack is over: whether the call goes on. */
  readonly last: { readonly sent: number; readonly lost: number }
  /** Milliseconds there and back. */
  readonly p50: number
  readonly p99: number
  /** Damaged or foreign packets, or a refused refresh. */
  readonly failures: readonly string[]
}

export interface NewcomersResult {
  readonly count: number
  readonly served: number
  readonly worstMilliseconds: number
  /** Why, of the first few who were not. */
  readonly failures: readonly string[]
}

/** Resident memory of the server, in bytes. */
export interface MemoryResult {
  readonly before: number
  readonly peak: number
  readonly after: number
}

export interface Outcome {
  readonly attack: string
  readonly title: string
  readonly threat: string
  readonly engine: EngineName
  /** Null: it was made. */
  readonly skipped: string | null
  readonly report: AttackReport
  readonly flow: FlowResult
  readonly newcomers: NewcomersResult
  readonly memory: MemoryResult
  /** Datagrams that found the socket buffers of the listeners full. */
  readonly overflowCount: number
  /** Broken rules, as sentences; none: passed. */
  readonly failures: string[]
}
