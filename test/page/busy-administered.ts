// A busy server as the page sees one, without any: thousands of clients whose counters move, alarms, captures that grow, and people with hostile
// names. The same seed makes the same clients, so that screenshots can be compared.
import type { Client } from '../../src/admin/schema/clients.js'
import type { Capture, CaptureRequest, ReloadResult } from '../../src/admin/schema/operations.js'
import { SAMPLE_KEYS } from '../../src/admin/schema/sample-keys.js'
import type { History, HistoryRange, Sample, Status } from '../../src/admin/schema/status.js'
import type { WhyFilter, WhyReport } from '../../src/admin/schema/why.js'
import { DROP_REASONS } from '../../src/log/drops.js'
import type { RefusalReason } from '../../src/log/refusals.js'
import { FakeAdministered } from '../admin/support/fake-administered.js'
import { SeededRandom } from '../support/random.js'
import { madeUpRefusal, madeUpRefusals } from './made-up-refusals.js'
import { madeUpStatus } from './made-up-status.js'

/** A name as somebody writes it who means the page no good. */
export const HOSTILE_NAME = '<img src=x onerror="window.isHacked=true"><script>window.isHacked=true</script>'
const NAMES = [
  'alice',
  'bob',
  'carol',
  'dave',
  'erin',
  'frank',
  'grace',
  'heidi',
  'ivan',
  'judy',
  'meeting-room',
  'cmsweb',
]
const TRANSPORTS = ['udp', 'udp', 'udp', 'udp', 'udp', 'udp', 'tcp', 'tls', 'tls', 'dtls'] as const
/** As a real server does it. */
const SNAPSHOT_MILLISECONDS = 2000

export class BusyAdministered extends FakeAdministered {
  /** Of what is wrong with the configuration. */
  reloadErrors: string[] = []
  readonly #random: SeededRandom
  #refusals = madeUpRefusals(HOSTILE_NAME)
  #snapshotMs = Number.NEGATIVE_INFINITY
  #snapshot: readonly Client[] = []

  constructor(clientCount: number, seed = 1) {
    super()
    this.#random = new SeededRandom(seed)
    this.clientRows = Array.from({ length: clientCount }, (_, index) => this.#client(index))
    this.userRows = [
      { name: 'root', role: 'admin', realm: '', source: 'users-file', disabled: false, allocations: 0 },
      { name: 'night-shift', role: 'admin', realm: '', source: 'users-file', disabled: true, allocations: 0 },
      { name: 'alice', role: 'turn', realm: 'turnuser', source: 'users-file', disabled: false, allocations: 12 },
      { name: 'former', role: 'turn', realm: 'turnuser', source: 'users-file', disabled: true, allocations: 0 },
      { name: HOSTILE_NAME, role: 'turn', realm: 'turnuser', source: 'users-file', disabled: false, allocations: 1 },
      { name: 'turnuser', role: 'turn', realm: 'turnuser', source: 'option', disabled: false, allocations: 388 },
      { name: 'made', role: 'turn', realm: 'turnuser', source: 'generated', disabled: false, allocations: 0 },
    ]
  }

  override status(): Status {
    return madeUpStatus(super.status(), this.clientRows)
  }

  override async clients(): Promise<readonly Client[]> {
    if (performance.now() - this.#snapshotMs > SNAPSHOT_MILLISECONDS) {
      this.#snapshotMs = performance.now()
      this.#snapshot = [...this.clientRows]
    }
    return this.#snapshot
  }

  override async kick(id: string): Promise<boolean> {
    this.#snapshotMs = Number.NEGATIVE_INFINITY
    return super.kick(id)
  }

  override history(range: HistoryRange = 'recent'): History {
    const [stepSeconds, length] = range === 'recent' ? [1, 600] : [60, 1440]
    const end = Math.floor(Date.now() / 1000)
    const samples = Array.from({ length }, (_, index) => this.sampleAt(end - (length - 1 - index) * stepSeconds))
    const columns = Object.fromEntries(SAMPLE_KEYS.map((key) => [key, samples.map((sample) => sample[key])]))
    return { stepSeconds, columns }
  }

  override sample(): Sample {
    return this.sampleAt(Date.now() / 1000)
  }

  /** A day with its tides, and what is never twice the same. */
  sampleAt(time: number): Sample {
    const waves = 0.12 * Math.sin(time / 71) + 0.04 * Math.sin(time * 1.7) + 0.03 * Math.sin(time * 5.3)
    const tide = 1 + 0.35 * Math.sin(time / 9000) + waves
    const burst = Math.max(0, Math.sin(time / 47) - 0.92) * 180
    const clients = this.clientRows.length
    return {
      ...{ time, clients, relaysUdp: Math.round(clients * 0.6 * tide), relaysTcp: Math.round(clients * 0.1 * tide) },
      relaysTls: Math.round(clients * 0.3),
      ...{ bitsReceivedPerSecond: 412e6 * tide, bitsSentPerSecond: 398e6 * tide * (1 + 0.02 * Math.sin(time)) },
      ...{ packetsReceivedPerSecond: 61_200 * tide, packetsSentPerSecond: 60_900 * tide },
      ...{ dropsPerSecond: burst * 2, refusalsPerSecond: burst + (Math.sin(time / 13) > 0.8 ? 1.4 : 0) },
      ...{ cpuCores: 0.62 * tide, residentBytes: 231e6 + 6e6 * Math.sin(time / 800) },
    }
  }

  override tick(): void {
    for (const row of this.clientRows.slice(0, 400)) {
      Object.assign(row, {
        packetsFromClient: row.packetsFromClient + 50,
        bytesFromClient: row.bytesFromClient + 42_000,
      })
      Object.assign(row, { packetsToClient: row.packetsToClient + 49, bytesToClient: row.bytesToClient + 41_000 })
    }
    this.captureRows = this.captureRows.map((capture) =>
      capture.endTime === null ? { ...capture, packets: capture.packets + 99, bytes: capture.bytes + 91_000 } : capture,
    )
    super.tick()
  }

  override why(filter: WhyFilter): WhyReport {
    const sinceMs = filter.sinceSeconds === undefined ? 0 : Date.now() - filter.sinceSeconds * 1000
    const refusals = this.#refusals
      .filter(({ user }) => filter.user === undefined || user === filter.user)
      .filter(({ source }) => filter.source === undefined || source === filter.source)
      .filter(({ reason }) => filter.reason === undefined || reason === filter.reason)
      .filter(({ lastTime }) => Date.parse(lastTime) >= sinceMs)
    const totals: Record<string, number> = {}
    for (const { count, reason } of this.#refusals) totals[reason] = (totals[reason] ?? 0) + count
    const time = new Date().toISOString()
    const drops = (['no-permission', 'not-stun', 'peer-forbidden'] as const).map((reason, index) => {
      return { reason, count: 18_211 >> index, ...DROP_REASONS[reason] }
    })
    return {
      ...super.why(filter),
      ...{ time, refusals, totals, drops, others: {}, unknownUsers: filter.user === undefined ? [] : ['alcie'] },
      undescribed: filter.reason === undefined ? { 'unknown-user': 1204 } : {},
      allocations: [
        {
          ...{ user: filter.user ?? 'alice', source: '203.0.113.40', count: 7, liveCount: 2, firstTime: time },
          ...{ lastTime: time, endedCount: 5, packetsFromClient: 100, packetsToClient: 90 },
        },
      ],
    }
  }

  /** Something new is refused now. */
  refuse(reason: RefusalReason, user: string, source: string): void {
    this.#refusals = [madeUpRefusal(reason, user, source, 1, 0), ...this.#refusals]
  }

  override async startCapture(request: CaptureRequest): Promise<Capture> {
    const capture = await super.startCapture(request)
    const row = this.clientRows.find(({ id }) => id === request.client)
    const target = row === undefined ? `relay ${request.relay}` : `client ${row.client} of ${row.user}`
    const named = { ...capture, target, startTime: new Date().toISOString() }
    this.captureRows = this.captureRows.map((each) => (each === capture ? named : each))
    return named
  }

  override async stopCapture(id: string): Promise<boolean> {
    const end = { endTime: new Date().toISOString(), endReason: 'stopped' }
    this.captureRows = this.captureRows.map((each) => (each.id === id ? { ...each, ...end } : each))
    return super.stopCapture(id)
  }

  override async reload(dryRun: boolean): Promise<ReloadResult> {
    await super.reload(dryRun)
    if (this.reloadErrors.length > 0) return { applied: false, changes: [], errors: this.reloadErrors, warnings: [] }
    const live = { effect: 'live', note: '' } as const
    return {
      applied: !dryRun,
      changes: [
        { ...live, name: '--max-bps', from: '0', to: '2000000', note: 'Holds for clients that are connected, too.' },
        { ...live, name: '--allow-peer', from: '', to: '10.20.0.0/16' },
        { ...live, name: 'the users file', from: '5 users', to: '6 users', note: 'Allocations go on.' },
        {
          name: '--realm',
          from: 'turnuser',
          to: 'octavio.com',
          effect: 'restart',
          note: 'Keys are made with the realm.',
        },
      ],
      errors: [],
      warnings: ['--allow-peer 10.20.0.0/16 opens private addresses to everybody who has a password'],
    }
  }

  #client(index: number): Client {
    const below = (n: number) => this.#random.nextInt(n)
    const [packets, back] = [below(4_000_000), below(4_000_000)]
    const user = index === 7 ? HOSTILE_NAME : `${NAMES[below(NAMES.length)]}-${below(900)}`
    return {
      ...{ id: `${index % 2}-${index + 1}`, user, transport: TRANSPORTS[below(TRANSPORTS.length)] },
      client: `203.0.${below(256)}.${below(256)}:${1024 + below(60_000)}`,
      ...{ relayed: [`198.51.100.10:${24_000 + index}`], relayTransport: 'udp' },
      createdTime: new Date(Date.now() - below(5 * 3_600_000)).toISOString(),
      ...{ expiresInSeconds: 60 + below(540), permissionCount: below(4), channelCount: below(3) },
      ...{ packetsFromClient: packets, bytesFromClient: packets * 840 },
      ...{ packetsToClient: back, bytesToClient: back * 820 },
    }
  }
}
