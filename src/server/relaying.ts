// What relays for a server: one engine in this thread (in-process.ts), or a pool of workers (worker-pool.ts). The server above it
// knows no threads, and neither sees a core.
import type { CertificateMaterial } from '../auth/certificate-file.js'
import type { Settings } from '../config/settings.js'
import type { Listener } from '../net/engine.js'
import type { TransportAddress } from '../stun/address.js'
import type { Alternate } from '../turn/alternates.js'
import type { RelayHost } from '../turn/relay-host.js'
import type { Report } from './reports.js'
import type { Totals } from './statistics.js'
import type { Users } from './users.js'
import type { CapturedPackets } from './worker/capture-records.js'
import type { PartOf, Question } from './worker/questions.js'

/** Who gets captured packets. */
export interface CaptureSink {
  /** In the order in which they were recorded, and before the answer to stop-capture. */
  captured(packets: CapturedPackets): void
  /** No more comes of its captures. */
  workerEnded(worker: number): void
}

export interface Relaying {
  readonly engine: 'dgram' | 'native'
  readonly workerCount: number
  /** Open since it exists. */
  readonly listeners: readonly Listener[]
  /** Sums of what was counted since the start; workers that have died included. */
  totals(): Totals
  /** Allocations that exist now. */
  allocationCount(): number
  /** Is there anybody who relays, or have all workers died? */
  isRelaying(): boolean
  /**
   * Asks all workers, or the one of this index. Resolves with the parts of their answers, in no order: none of a worker that has died, or
   * does not exist. Rejects with an AdminProblem if one is silent.
   */
  ask<Asked extends Question>(question: Asked, worker?: number): Promise<readonly PartOf<Asked>[]>
  /** Nobody's at first. */
  captureSink: CaptureSink | null
  /** No new allocations from now on; resolves when that holds everywhere. */
  drain(): Promise<void>
  /** What this machine calls itself now. */
  setLocalHosts(hosts: readonly TransportAddress[]): void
  /** Handshakes use it from now on; connections go on with theirs. */
  setCertificate(certificate: CertificateMaterial): void
  /** The other servers by now: new clients are sent there. */
  setAlternates(alternates: readonly Alternate[]): void
  /**
   * Gets ready for other settings, and changes nothing yet. Throws TurndError, with nothing left open.
   * @param isDryRun it will be abandoned: no thread is started for it
   */
  prepare(change: RelayingChange, isDryRun: boolean): Promise<PreparedRelaying>
  /** Ends every allocation, reports that, and closes everything. */
  stop(): Promise<void>
}

/** What it is made from. */
export interface RelayingParts {
  readonly settings: Settings
  /** The limit of unauthenticated answers holds for loopback too. */
  readonly limitsLoopback: boolean
  /** Other servers, as far as they are known. */
  readonly alternates: readonly Alternate[]
  readonly relayHosts: readonly RelayHost[]
  readonly users: Users
  readonly nonceSecret: Uint8Array
  /** null: no TLS and no DTLS. */
  readonly certificate: CertificateMaterial | null
  /** PEM text of --http-upstream-ca. */
  readonly httpUpstreamCa: string | null
  readonly news: RelayingNews
}

/** What of it can be changed while it relays. */
export type RelayingChange = Pick<
  RelayingParts,
  'settings' | 'limitsLoopback' | 'alternates' | 'users' | 'certificate' | 'httpUpstreamCa'
>

/** What remains to be done cannot fail. */
export interface PreparedRelaying {
  /** Allocations that end with their listeners. */
  readonly endingCount: number
  /** Where it will listen. */
  readonly listeners: readonly Listener[]
  /**
   * Resolves when the change holds everywhere.
   * @param final what was prepared, as it is at this moment: a file may have changed meanwhile
   */
  commit(final: Pick<RelayingChange, 'certificate'>): Promise<void>
  abandon(): Promise<void>
}

export interface WorkerDeath {
  readonly worker: number
  /** Its clients came over TCP, TLS or DTLS. */
  readonly isForStreams: boolean
  readonly error: Error
  /** Allocations that ended with it. */
  readonly allocationCount: number
  /** How long until it is started again. */
  readonly restartSeconds: number
}

/** What a Relaying tells. Never called while one of its own methods runs, but for reports in stop(). */
export interface RelayingNews {
  /** @param worker whose it is; null where there are none */
  report(report: Report, worker: number | null): void
  workerDied(death: WorkerDeath): void
  workerRestarted(worker: number): void
  /** A sentence for the operator. */
  warn(text: string): void
}
