// The face of a running server for the admin plane: Administered, put together from the parts that know each thing. It takes a sample once a second,
// for the charts, and has the alarms look at the same time, whether anybody watches or not.
import type { AdminEvents, Administered, CounterValues } from '../admin/administered.js'
import type { Client, ClientDetail } from '../admin/schema/clients.js'
import type { Credentials } from '../admin/schema/credentials.js'
import type { Capture, CaptureRequest, ReloadResult } from '../admin/schema/operations.js'
import type { History, HistoryRange, Status } from '../admin/schema/status.js'
import type { ChangedUser, TestCredentials, User, UserAddition, UserChange, UserRole } from '../admin/schema/users.js'
import type { WhyFilter, WhyReport } from '../admin/schema/why.js'
import type { Settings } from '../config/settings.js'
import { programVersion } from '../config/version.js'
import type { RelayHost } from '../turn/relay-host.js'
import type { Alarms } from './alarms.js'
import type { AlternateServers } from './alternates.js'
import { Captures } from './captures.js'
import type { ServerCertificate } from './certificate.js'
import { ClientList } from './client-list.js'
import { credentialsOf } from './issue-credentials.js'
import type { OpenedRelaying } from './open-relaying.js'
import { SampleHistory } from './sample-history.js'
import { Sampler } from './sampler.js'
import { counterValues } from './server-counters.js'
import { statusReport } from './status-report.js'
import { TestUsers } from './test-users.js'
import { UserAdmin } from './user-admin.js'
import { isNobodyConfigured, nobodyText, type Users } from './users.js'

const SAMPLE_INTERVAL_MS = 1000

/** The server, as far as it changes while it runs: asked again each time. */
export interface AdministeredServer {
  settings(): Settings
  users(): Users
  certificate(): ServerCertificate | null
  readonly alternates: AlternateServers
  isDraining(): boolean
  uris(): readonly string[]
  why(filter: WhyFilter): WhyReport
  reload(dryRun: boolean): Promise<ReloadResult>
  drain(timeoutSeconds?: number): void
}

export interface AdministrationParts {
  readonly server: AdministeredServer
  readonly opened: OpenedRelaying
  readonly relayHosts: readonly RelayHost[]
  readonly startTimeMs: number
  readonly alarms: Alarms
}

export class Administration implements Administered {
  readonly #parts: AdministrationParts
  readonly #clients: ClientList
  readonly #captures: Captures
  readonly #testUsers: TestUsers
  readonly #userAdmin: UserAdmin
  readonly #sampler: Sampler
  readonly #history = new SampleHistory()
  readonly #watchers = new Set<AdminEvents>()
  readonly #timer: NodeJS.Timeout
  readonly #version = programVersion()

  constructor(parts: AdministrationParts) {
    const { opened, server } = parts
    const { relaying } = opened
    this.#parts = parts
    this.#clients = new ClientList(relaying)
    this.#captures = new Captures(relaying, `turnd ${this.#version}`)
    this.#testUsers = new TestUsers(server.users().temporaryUsers, relaying)
    this.#userAdmin = new UserAdmin({
      settings: () => server.settings(),
      users: () => server.users(),
      allocationCounts: async () => countsByUser(await this.#clients.clients()),
    })
    this.#sampler = new Sampler(relaying)
    this.#timer = setInterval(() => this.#look(), SAMPLE_INTERVAL_MS).unref()
    this.#look()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#testUsers.close()
    this.#captures.close()
  }

  status(): Status {
    const { alarms, opened, relayHosts, server, startTimeMs } = this.#parts
    return statusReport({
      version: this.#version,
      settings: server.settings(),
      relaying: opened.relaying,
      relayHosts,
      engineReason: opened.reason,
      startTimeMs,
      isDraining: server.isDraining(),
      uris: server.uris(),
      certificate: server.certificate()?.facts ?? null,
      userStores: server.users().outside?.facts() ?? null,
      alternates: server.alternates.described(),
      alarms: alarms.current(),
    })
  }

  counters(): CounterValues {
    return counterValues(this.#parts.opened.relaying.totals())
  }

  history(range: HistoryRange): History {
    return this.#history.of(range)
  }

  watch(events: AdminEvents): () => void {
    this.#watchers.add(events)
    return () => void this.#watchers.delete(events)
  }

  clients(): Promise<readonly Client[]> {
    return this.#clients.clients()
  }

  client(id: string): Promise<ClientDetail | null> {
    return this.#clients.client(id)
  }

  kick(id: string): Promise<boolean> {
    return this.#clients.kick(id)
  }

  why(filter: WhyFilter): WhyReport {
    return this.#parts.server.why(filter)
  }

  users(): Promise<readonly User[]> {
    return this.#userAdmin.users()
  }

  addUser(addition: UserAddition): Promise<ChangedUser> {
    return this.#userAdmin.addUser(addition)
  }

  changeUser(name: string, role: UserRole, change: UserChange): Promise<ChangedUser> {
    return this.#userAdmin.changeUser(name, role, change)
  }

  removeUser(name: string, role: UserRole): Promise<void> {
    return this.#userAdmin.removeUser(name, role)
  }

  verifyAdmin(name: string, password: string): Promise<boolean> {
    return this.#userAdmin.verifyAdmin(name, password)
  }

  adminStamp(name: string): string | null {
    return this.#userAdmin.adminStamp(name)
  }

  issueCredentials(user: string, ttl: number | null): Credentials {
    return credentialsOf(this.#parts.server, user, ttl)
  }

  async makeTestCredentials(): Promise<TestCredentials> {
    return { ...(await this.#testUsers.make()), uris: [...this.#parts.server.uris()] }
  }

  startCapture(request: CaptureRequest): Promise<Capture> {
    return this.#captures.start(request)
  }

  captures(): readonly Capture[] {
    return this.#captures.list()
  }

  stopCapture(id: string): Promise<boolean> {
    return this.#captures.stop(id)
  }

  removeCapture(id: string): Promise<boolean> {
    return this.#captures.remove(id)
  }

  captureFile(id: string): Uint8Array | null {
    return this.#captures.file(id)
  }

  reload(dryRun: boolean): Promise<ReloadResult> {
    return this.#parts.server.reload(dryRun)
  }

  drain(timeoutSeconds?: number): void {
    this.#parts.server.drain(timeoutSeconds)
  }

  #look(): void {
    const sample = this.#sampler.sample()
    this.#history.add(sample)
    this.#lookForAlarms()
    for (const watcher of this.#watchers) watcher.sample(sample)
  }

  #lookForAlarms(): void {
    const { alarms, opened, relayHosts, server } = this.#parts
    const certificate = server.certificate()
    const { maxAllocations, maxPort, minPort, profile } = server.settings()
    alarms.look({
      profile,
      licenceUsed: opened.relaying.allocationCount(),
      licenceLimit: maxAllocations,
      relayPortCount: hostCountOfFamily(relayHosts) * (maxPort - minPort + 1),
      engineReason: opened.reason,
      nobodyText: isNobodyConfigured(server.users()) ? nobodyText(server.settings()) : '',
      certificateWarnings: certificate?.warnings() ?? [],
      storeProblems: server.users().outside?.problems() ?? [],
      alternateProblems: server.alternates.problems(),
      hasPort443: opened.relaying.listeners.some(({ scheme, address }) => scheme === 'tls' && address.port === 443),
      isCertificateExpired: certificate !== null && certificate.facts.validTo < Date.now(),
    })
  }
}

/** Relay addresses of the family that has fewest. */
function hostCountOfFamily(relayHosts: readonly RelayHost[]): number {
  const counts = new Map<number, number>()
  for (const { address } of relayHosts) counts.set(address.family, (counts.get(address.family) ?? 0) + 1)
  return Math.min(...counts.values())
}

function countsByUser(clients: readonly Client[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { user } of clients) counts.set(user, (counts.get(user) ?? 0) + 1)
  return counts
}
