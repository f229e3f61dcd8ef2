// What the admin plane asks of a running server: the face that src/server puts before it. Plain data in and out, so that a page, a
// command and a test see the same. Nothing here throws for what a client of the API may get wrong, but AdminProblem.
import type { Client, ClientDetail } from './schema/clients.js'
import type { Credentials } from './schema/credentials.js'
import type { Capture, CaptureRequest, ReloadResult } from './schema/operations.js'
import type { History, HistoryRange, Sample, Status } from './schema/status.js'
import type { ChangedUser, TestCredentials, User, UserAddition, UserChange, UserRole } from './schema/users.js'
import type { WhyFilter, WhyReport } from './schema/why.js'

/** What is wrong with what was asked, for whoever asked: the status of an HTTP answer, a stable code, and a sentence. */
export class AdminProblem extends Error {
  readonly statusCode: number
  readonly code: string

  constructor(statusCode: number, code: string, message: string) {
    super(message)
    this.name = 'AdminProblem'
    this.statusCode = statusCode
    this.code = code
  }
}

/** What happened since the start; every name is there, also of what never happened. */
export interface CounterValues {
  /** By EngineCounterName. */
  readonly engine: Readonly<Record<string, number>>
  /** By drop reason. */
  readonly drops: Readonly<Record<string, number>>
  /** By refusal reason. */
  readonly refusals: Readonly<Record<string, number>>
  readonly connectionRefusals: Readonly<Record<string, number>>
  /** Allocations that were made, by transport. */
  readonly allocations: Readonly<Record<string, number>>
  readonly workerDeaths: number
  readonly reportsLost: number
}

export interface AdminEvents {
  /** Once a second. */
  sample(sample: Sample): void
}

export interface Administered {
  status(): Status
  counters(): CounterValues
  history(range: HistoryRange): History
  /** Called for each sample until the returned function is. */
  watch(events: AdminEvents): () => void

  /** All clients of a moment at most two seconds ago: whoever asks meanwhile gets the same. Unsorted. */
  clients(): Promise<readonly Client[]>
  /** null: it is gone, or never was. */
  client(id: string): Promise<ClientDetail | null>
  /** Ends its allocation. False: it is gone. */
  kick(id: string): Promise<boolean>

  /** Why calls failed, as `turnd why` shows it. Throws TurndError for a filter that makes no sense. */
  why(filter: WhyFilter): WhyReport

  users(): Promise<readonly User[]>
  addUser(addition: UserAddition): Promise<ChangedUser>
  changeUser(name: string, role: UserRole, change: UserChange): Promise<ChangedUser>
  removeUser(name: string, role: UserRole): Promise<void>
  /** Is this the password of an admin user who is not disabled? Takes about as long for a name that is none. */
  verifyAdmin(name: string, password: string): Promise<boolean>
  /** Another one with each password of an admin user; null: there is none, or a disabled one. Sessions that began with another one end. */
  adminStamp(name: string): string | null
  /** TURN REST credentials; '' is nobody's, null the configured lifetime. Throws AdminProblem. */
  issueCredentials(user: string, ttl: number | null): Credentials
  /** A user for some minutes, known to every worker when it resolves. */
  makeTestCredentials(): Promise<TestCredentials>

  startCapture(request: CaptureRequest): Promise<Capture>
  captures(): readonly Capture[]
  /** Ends it; false: there is none. What was recorded stays until it is removed. */
  stopCapture(id: string): Promise<boolean>
  removeCapture(id: string): Promise<boolean>
  /** The pcapng file so far; null: there is none. */
  captureFile(id: string): Uint8Array | null

  reload(dryRun: boolean): Promise<ReloadResult>
  /** Begins to drain, as SIGTERM does; the process ends when it is done. */
  drain(timeoutSeconds?: number): void
}
