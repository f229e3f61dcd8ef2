// A server as the admin plane sees one, without any: lists that tests fill, counters that move, and what was asked of it.
import {
  type AdminEvents,
  type Administered,
  AdminProblem,
  type CounterValues,
} from '../../../src/admin/administered.js'
import type { Client, ClientDetail } from '../../../src/admin/schema/clients.js'
import type { Credentials } from '../../../src/admin/schema/credentials.js'
import type { Capture, CaptureRequest, ReloadResult } from '../../../src/admin/schema/operations.js'
import { SAMPLE_KEYS } from '../../../src/admin/schema/sample-keys.js'
import type { History, Sample, Status } from '../../../src/admin/schema/status.js'
import type {
  ChangedUser,
  TestCredentials,
  User,
  UserAddition,
  UserChange,
  UserRole,
} from '../../../src/admin/schema/users.js'
import type { WhyFilter, WhyReport } from '../../../src/admin/schema/why.js'
import { TurndError } from '../../../src/config/errors.js'
import { CONNECTION_REFUSAL_NAMES } from '../../../src/log/connection-refusals.js'
import { DROP_REASONS } from '../../../src/log/drops.js'
import { REFUSAL_REASON_NAMES } from '../../../src/log/refusals.js'
import { COUNTER_NAMES } from '../../../src/net/counters.js'

const START_TIME = '2026-01-02T03:04:05.678Z'
export const ADMIN = { user: 'root', password: 'correct horse' }
/** Nothing of these is in any answer. */
export const SECRETS = [ADMIN.password, 'a-key-of-a-user']

export class FakeAdministered implements Administered {
  clientRows: Client[] = [fakeClient(1), fakeClient(2), fakeClient(3)]
  /** Of admin users, whoever had it. */
  adminPasswordCount = 1
  userRows: User[] = [
    { name: 'alice', role: 'turn', realm: 'turnd', source: 'users-file', disabled: false, allocations: 2 },
    { name: ADMIN.user, role: 'admin', realm: '', source: 'users-file', disabled: false, allocations: 0 },
  ]
  captureRows: Capture[] = []
  statusValue: Status['status'] = 'Active'
  /** Calls that change something: names and arguments. */
  readonly calls: unknown[][] = []
  /** Thrown by the next call of status(). */
  bug: Error | null = null
  readonly watchers = new Set<AdminEvents>()
  /** By which all counters have grown. */
  count = 0
  #snapshot: readonly Client[] | null = null

  status(): Status {
    const { bug } = this
    this.bug = null
    if (bug !== null) throw bug
    const timeMs = Date.now()
    return {
      ...{ version: '0.1.0', pid: process.pid, startTime: START_TIME, time: new Date(timeMs).toISOString() },
      uptimeSeconds: Math.floor((timeMs - Date.parse(START_TIME)) / 1000),
      ...{ status: this.statusValue, realm: 'turnd', engine: 'native', engineReason: '', workerCount: 2 },
      uris: ['turn:192.0.2.1:3478?transport=udp'],
      listeners: [
        { scheme: 'udp', host: '192.0.2.1', port: 3478, certificate: null },
        {
          ...{ scheme: 'tls', host: '192.0.2.1', port: 5349 },
          certificate: {
            ...{ subject: 'CN=turn.example.org', names: ['turn.example.org'], daysLeft: 30, fingerprint256: 'AB:CD' },
            validToTime: new Date(timeMs + 30 * 86_400_000).toISOString(),
          },
        },
      ],
      relayAddresses: [{ address: '192.0.2.1', advertised: '198.51.100.1' }],
      relayPorts: { min: 24000, max: 29999 },
      userStores: null,
      activeClients: this.clientRows.length,
      relays: { udp: this.clientRows.length, tcp: 0, tls: 0, dtls: 0 },
      licence: { used: this.clientRows.length, limit: 1800 },
      alternates: [],
      alarms: [
        {
          ...{ id: 'licence-approaching', number: null, severity: 'warning', text: 'nearly all relays are in use' },
          ...{ remedy: 'raise --max-allocations', raisedTime: START_TIME },
        },
      ],
    }
  }

  counters(): CounterValues {
    const all = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, this.count]))
    return {
      engine: all(COUNTER_NAMES),
      drops: all(Object.keys(DROP_REASONS)),
      refusals: all(REFUSAL_REASON_NAMES),
      connectionRefusals: all(CONNECTION_REFUSAL_NAMES),
      allocations: all(['udp', 'tcp', 'tls', 'dtls']),
      workerDeaths: this.count,
      reportsLost: this.count,
    }
  }

  history(): History {
    const columns = Object.fromEntries(SAMPLE_KEYS.map((key) => [key, [1, 2, 3]]))
    return { stepSeconds: 1, columns }
  }

  watch(events: AdminEvents): () => void {
    this.watchers.add(events)
    return () => this.watchers.delete(events)
  }

  /** What a real server does each second. */
  tick(): void {
    this.count++
    for (const { sample } of this.watchers) sample(this.sample())
  }

  sample(): Sample {
    return {
      ...{ time: Date.now() / 1000, clients: this.clientRows.length, relaysUdp: 3, relaysTcp: 0, relaysTls: 0 },
      bitsReceivedPerSecond: 1e6 * (1 + Math.sin(this.count / 10)),
      bitsSentPerSecond: 1e6 * (1 + Math.cos(this.count / 10)),
      ...{ packetsReceivedPerSecond: 100, packetsSentPerSecond: 100, dropsPerSecond: 0, refusalsPerSecond: 0 },
      ...{ cpuCores: 0.1, residentBytes: 1e8 },
    }
  }

  async clients(): Promise<readonly Client[]> {
    this.#snapshot ??= [...this.clientRows]
    if (this.#snapshot.length !== this.clientRows.length) this.#snapshot = [...this.clientRows]
    return this.#snapshot
  }

  async client(id: string): Promise<ClientDetail | null> {
    const row = this.clientRows.find((client) => client.id === id)
    if (row === undefined) return null
    return {
      ...row,
      relays: row.relayed.map((relayed) => ({ relayed, bound: relayed, expiresInSeconds: 500 })),
      permissions: [{ peer: '203.0.113.7', expiresInSeconds: 200 }],
      channels: [{ number: '0x4000', peer: '203.0.113.7:5000', expiresInSeconds: 400 }],
      ...{ requestsReceived: 5, successResponsesSent: 4, errorResponsesSent: 1 },
    }
  }

  async kick(id: string): Promise<boolean> {
    this.calls.push(['kick', id])
    const count = this.clientRows.length
    this.clientRows = this.clientRows.filter((client) => client.id !== id)
    return this.clientRows.length < count
  }

  why(filter: WhyFilter): WhyReport {
    if (filter.source === 'nowhere')
      throw new TurndError('TURND_ERR_OPTION', '"nowhere" is neither an IP address nor a CIDR block')
    return {
      ...{
        pid: process.pid,
        notes: [],
        startTime: START_TIME,
        time: START_TIME,
        engine: 'native',
        listening: ['udp:192.0.2.1:3478'],
      },
      ...{ relayPorts: { min: 24000, max: 29999 }, allocationCount: 3, packetsReceived: 100 },
      refusals: [
        {
          ...{ reason: 'bad-password', user: filter.user ?? 'alice', source: '192.0.2.9', port: 5000, peer: '' },
          ...{ method: 'Allocate', code: 401, detail: '', count: 3, firstTime: START_TIME, lastTime: START_TIME },
          ...{ meaning: 'the user exists, but the password is wrong', remedy: 'set the same password' },
        },
      ],
      ...{ leftOutCount: 0, others: { 'stale-nonce': 2 }, unknownUsers: ['alcie'], totals: { 'bad-password': 3 } },
      ...{ undescribed: {}, drops: [], allocations: [], allocationEntriesForgotten: 0 },
    }
  }

  async users(): Promise<readonly User[]> {
    return this.userRows
  }

  async addUser({ name, password, role }: UserAddition): Promise<ChangedUser> {
    this.calls.push(['addUser', name, role])
    if (this.userRows.some((user) => user.name === name && user.role === role)) {
      throw new AdminProblem(409, 'TURND_ERR_USERS_FILE', `there is a ${role} user of this name: choose another name`)
    }
    const user: User = { name, role, realm: 'turnd', source: 'users-file', disabled: false, allocations: 0 }
    this.userRows = [...this.userRows, user]
    return password === undefined ? { user, password: 'made-up-here' } : { user }
  }

  async changeUser(name: string, role: UserRole, change: UserChange): Promise<ChangedUser> {
    this.calls.push(['changeUser', name, role, change])
    const found = this.#user(name, role)
    if (role === 'admin' && (change.password || change.generatePassword)) this.adminPasswordCount++
    const user = { ...found, disabled: change.disabled ?? found.disabled }
    this.userRows = this.userRows.map((each) => (each === found ? user : each))
    return change.generatePassword ? { user, password: 'made-up-here' } : { user }
  }

  async removeUser(name: string, role: UserRole): Promise<void> {
    this.calls.push(['removeUser', name, role])
    const found = this.#user(name, role)
    this.userRows = this.userRows.filter((each) => each !== found)
  }

  async verifyAdmin(name: string, password: string): Promise<boolean> {
    return this.adminStamp(name) !== null && password === ADMIN.password
  }

  adminStamp(name: string): string | null {
    const isAdmin = this.userRows.some((user) => user.name === name && user.role === 'admin' && !user.disabled)
    return isAdmin ? String(this.adminPasswordCount) : null
  }

  issueCredentials(user: string, ttl: number | null): Credentials {
    this.calls.push(['issueCredentials', user, ttl])
    const [username, password] = [`1800000000:${user}`, 'cGFzc3dvcmQ=']
    const urls = ['turn:turn.example.org:3478?transport=udp']
    return {
      username,
      password,
      ttl: ttl ?? 86_400,
      uris: urls,
      iceServers: [{ urls, username, credential: password }],
    }
  }

  async makeTestCredentials(): Promise<TestCredentials> {
    this.calls.push(['makeTestCredentials'])
    return {
      username: 'test-1',
      password: 'for-a-test',
      expiresTime: START_TIME,
      uris: ['turn:192.0.2.1:3478?transport=udp'],
    }
  }

  async startCapture(request: CaptureRequest): Promise<Capture> {
    this.calls.push(['startCapture', request])
    const capture: Capture = {
      ...{
        id: `c${this.captureRows.length + 1}`,
        target: `client ${request.client ?? request.relay}`,
        startTime: START_TIME,
      },
      ...{ endTime: null, endReason: '', packets: 0, bytes: 0, lostPackets: 0 },
      ...{ secondsMax: request.seconds ?? 60, bytesMax: request.bytes ?? 1_000_000 },
    }
    this.captureRows = [...this.captureRows, capture]
    return capture
  }

  captures(): readonly Capture[] {
    return this.captureRows
  }

  async stopCapture(id: string): Promise<boolean> {
    this.calls.push(['stopCapture', id])
    return this.captureRows.some((capture) => capture.id === id)
  }

  async removeCapture(id: string): Promise<boolean> {
    this.calls.push(['removeCapture', id])
    const count = this.captureRows.length
    this.captureRows = this.captureRows.filter((capture) => capture.id !== id)
    return this.captureRows.length < count
  }

  captureFile(id: string): Uint8Array | null {
    return this.captureRows.some((capture) => capture.id === id) ? Uint8Array.of(0x0a, 0x0d, 0x0d, 0x0a, 0x1c) : null
  }

  async reload(dryRun: boolean): Promise<ReloadResult> {
    this.calls.push(['reload', dryRun])
    return {
      applied: !dryRun,
      changes: [{ name: '--max-bps', from: '0', to: '1000', effect: 'live', note: '' }],
      ...{ errors: [], warnings: [] },
    }
  }

  drain(timeoutSeconds?: number): void {
    this.calls.push(['drain', timeoutSeconds])
    this.statusValue = 'Draining'
  }

  #user(name: string, role: UserRole): User {
    const found = this.userRows.find((user) => user.name === name && user.role === role)
    if (found === undefined) throw new AdminProblem(404, 'NOT_FOUND', `there is no ${role} user of this name`)
    return found
  }
}

export function fakeClient(number: number): Client {
  return {
    id: `0-${number}`,
    user: `user${number}`,
    client: `198.51.${(number >> 8) & 255}.${number & 255}:${5000 + number}`,
    ...{ transport: 'udp', relayed: [`192.0.2.1:${24000 + number}`], relayTransport: 'udp' },
    createdTime: new Date(Date.parse(START_TIME) + number * 1000).toISOString(),
    ...{ expiresInSeconds: 600, permissionCount: 1, channelCount: 1 },
    ...{
      packetsFromClient: number,
      bytesFromClient: number * 100,
      packetsToClient: number,
      bytesToClient: number * 100,
    },
  }
}
