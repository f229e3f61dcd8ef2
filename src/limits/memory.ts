// What a process can be made to hold at most, computed from the bounds: a row for each kind of memory, with who can fill it. What OpenSSL, Node and
// V8 take for one thing was measured, and is rounded up. Read by scripts/docs.mjs for docs/limits.md, and by its test.
import {
  ADMIN_BODY_BYTES_MAX,
  ADMIN_CONNECTION_COUNT_MAX,
  ADMIN_HEAD_BYTES_MAX,
  EVENT_STREAM_COUNT_MAX,
  EVENT_WAITING_BYTES_MAX,
} from './admin.js'
import {
  CAPTURE_BATCH_BYTES,
  CAPTURE_BATCH_UNREAD_COUNT_MAX,
  CAPTURE_BYTES_MAX,
  CAPTURE_DOWNLOAD_COUNT_MAX,
  CAPTURE_MEMORY_BYTES_MAX,
  CAPTURE_RUNNING_COUNT_MAX,
} from './captures.js'
import {
  DTLS_EARLY_RECORD_COUNT_MAX,
  DTLS_HALF_OPEN_COUNT_MAX,
  DTLS_SESSION_COUNT_MAX,
  DTLS_UNALLOCATED_COUNT_MAX,
} from './dtls.js'
import { DATAGRAM_LENGTH_MAX, RECEIVE_SLOT_COUNT, STAGING_BYTES } from './engines.js'
import { HTTP_CONNECTION_COUNT_MAX, HTTP_HEAD_BYTES_MAX } from './http.js'
import { FRAME_LENGTH_MAX, USERNAME_LENGTH_MAX } from './messages.js'
import { SCRYPT_MEMORY_BYTES_MAX, SCRYPT_RUNNING_COUNT_MAX } from './passwords.js'
import {
  BATCH_UNREAD_COUNT_MAX,
  LOG_BUFFER_BYTES_MAX,
  REPORT_BATCH_COUNT_MAX,
  REPORT_WAITING_COUNT_MAX,
} from './reports.js'
import {
  ANSWER_MEMORY_BYTES_MAX,
  CONNECTION_CAP_BUCKET_COUNT,
  CONNECTION_CAP_ROW_COUNT,
  FLOW_MEMORY_BYTES_MAX,
  LARGE_CHUNK_BYTES,
  LARGE_CHUNK_FREE_COUNT_MAX,
  QUEUE_MEMORY_BYTES_MAX,
  READ_BYTES_MAX,
  SMALL_CHUNK_BYTES,
  SMALL_CHUNK_FREE_COUNT_MAX,
  UNALLOCATED_CONNECTION_COUNT_MAX,
} from './streams.js'
import {
  PEER_CONNECTION_SLOT_COUNT,
  RELAY_COUNT_MAX,
  SOURCE_SET_COUNT,
  SOURCE_WAY_COUNT,
  VERIFIED_NAME_COUNT_MAX,
} from './turn.js'

/** The process that the figures are for. */
export interface ProcessPlan {
  readonly udpWorkerCount: number
  readonly streamWorkerCount: number
  readonly allocationCount: number
  readonly permissionCount: number
  readonly channelCount: number
  readonly hasHttpUpstream: boolean
  /** With --max-bps or --user-max-bps a read of each data connection may be held back. */
  readonly limitsBandwidth: boolean
}

export interface MemoryRow {
  readonly what: string
  readonly who: string
  readonly bytes: number
}

const KIB = 1024
const MIB = 1024 * KIB

// Measured with Node 20 on x86-64, rounded up.
const PROGRAM_BYTES = 80 * MIB
const THREAD_BYTES = 24 * MIB
const ALLOCATION_BYTES = 4 * KIB
const PERMISSION_BYTES = 512
const CHANNEL_BYTES = 512
const TLS_HANDSHAKE_BYTES = 96 * KIB
const TLS_CONNECTION_BYTES = 40 * KIB
const DTLS_SESSION_BYTES = 12 * KIB
const DTLS_RECORD_BUFFERS_BYTES = 34 * KIB
const DTLS_EARLY_MESSAGES_BYTES = 10 * (16 * KIB + 12)
const DTLS_EARLY_RECORD_BYTES = 17 * KIB
const REPORT_BYTES = KIB
/** As described, once on its way and once in the list before. */
const LISTED_CLIENT_BYTES = 2 * KIB
/** What Node buffers in each of the two streams of a direction, beside the read that is on its way. */
const STREAM_BUFFER_BYTES = 16 * KIB

export function worstCase(plan: ProcessPlan): MemoryRow[] {
  const { allocationCount, channelCount, permissionCount, streamWorkerCount: streams, udpWorkerCount } = plan
  const workers = udpWorkerCount + streams
  const strangers = UNALLOCATED_CONNECTION_COUNT_MAX * streams
  const engine = RECEIVE_SLOT_COUNT * (DATAGRAM_LENGTH_MAX + KIB) + STAGING_BYTES + MIB
  const state = ALLOCATION_BYTES + permissionCount * PERMISSION_BYTES + channelCount * CHANNEL_BYTES
  const queue = 2 * (QUEUE_MEMORY_BYTES_MAX + ANSWER_MEMORY_BYTES_MAX)
  const free = SMALL_CHUNK_FREE_COUNT_MAX * SMALL_CHUNK_BYTES + LARGE_CHUNK_FREE_COUNT_MAX * LARGE_CHUNK_BYTES
  const flow = (plan.limitsBandwidth ? 2 : 1) * READ_BYTES_MAX + STREAM_BUFFER_BYTES
  const sessions = Math.min(streams * DTLS_UNALLOCATED_COUNT_MAX + allocationCount, streams * DTLS_SESSION_COUNT_MAX)
  const early = DTLS_EARLY_MESSAGES_BYTES + DTLS_EARLY_RECORD_COUNT_MAX * DTLS_EARLY_RECORD_BYTES
  const unread = REPORT_WAITING_COUNT_MAX + BATCH_UNREAD_COUNT_MAX * REPORT_BATCH_COUNT_MAX
  return [
    row('the program, and its threads', 'nobody', PROGRAM_BYTES + workers * THREAD_BYTES),
    row("the engines' slots and tables", 'nobody', workers * engine),
    row('shared tables: sources, caps, peer connections, file descriptors', 'nobody', sharedBytes(workers)),
    row('allocations with all permissions and channels', 'users', allocationCount * state),
    row('TCP and TLS clients with an allocation, each in the middle of the longest frame', 'users', clients(plan)),
    row(
      'TCP and TLS connections without an allocation, each in a TLS handshake',
      'strangers',
      strangers * TLS_HANDSHAKE_BYTES,
    ),
    row(
      'what clients over TCP and TLS leave unread (over TLS what is being written is there twice)',
      'users',
      streams * queue,
    ),
    row(
      'an answer for each of them, whatever the others leave',
      'strangers',
      (strangers + allocationCount) * SMALL_CHUNK_BYTES,
    ),
    row('free chunks', 'nobody', streams * free),
    row(
      'data connections of TCP relays, none of which reads',
      'users, peers',
      streams * (FLOW_MEMORY_BYTES_MAX + 2 * PEER_CONNECTION_SLOT_COUNT * flow),
    ),
    row(
      'DTLS sessions, all in use within a second',
      'strangers',
      sessions * (DTLS_SESSION_BYTES + DTLS_RECORD_BUFFERS_BYTES),
    ),
    row(
      'DTLS handshakes, each with all that may come too early',
      'strangers',
      streams * DTLS_HALF_OPEN_COUNT_MAX * early,
    ),
    row(
      plan.hasHttpUpstream
        ? 'HTTP clients, none of which reads, nor does the upstream'
        : 'HTTP clients without an upstream',
      'strangers',
      streams * HTTP_CONNECTION_COUNT_MAX * httpBytes(plan.hasHttpUpstream),
    ),
    row('reports that the main thread has not read', 'users, strangers', workers * unread * REPORT_BYTES),
    row('the list of clients that the main thread keeps', 'users', allocationCount * LISTED_CLIENT_BYTES),
    row('captures', 'nobody', CAPTURE_MEMORY_BYTES_MAX),
    row(
      'captures that are being downloaded (over TLS what is being written is there twice)',
      'admins',
      2 * CAPTURE_DOWNLOAD_COUNT_MAX * CAPTURE_BYTES_MAX,
    ),
    row(
      'captured packets that the main thread has not read',
      'nobody',
      workers * (CAPTURE_BATCH_UNREAD_COUNT_MAX + CAPTURE_RUNNING_COUNT_MAX) * CAPTURE_BATCH_BYTES,
    ),
    row('names of TURN REST credentials', 'users', workers * VERIFIED_NAME_COUNT_MAX * (256 + 2 * USERNAME_LENGTH_MAX)),
    row(
      'passwords of admin users that are checked at once',
      'strangers',
      SCRYPT_RUNNING_COUNT_MAX * SCRYPT_MEMORY_BYTES_MAX,
    ),
    row(
      'connections to the admin port, each in a handshake or with a request',
      'who reaches it',
      ADMIN_CONNECTION_COUNT_MAX * (TLS_HANDSHAKE_BYTES + 3 * ADMIN_HEAD_BYTES_MAX + 2 * ADMIN_BODY_BYTES_MAX),
    ),
    row('events that open pages have not read', 'admins', 2 * EVENT_STREAM_COUNT_MAX * EVENT_WAITING_BYTES_MAX),
    row('the log', 'users, strangers', LOG_BUFFER_BYTES_MAX),
  ]
}

export function totalOf(rows: readonly MemoryRow[]): number {
  return rows.reduce((sum, { bytes }) => sum + bytes, 0)
}

function row(what: string, who: string, bytes: number): MemoryRow {
  return { what, who, bytes }
}

function clients({ allocationCount, streamWorkerCount }: ProcessPlan): number {
  return streamWorkerCount === 0 ? 0 : allocationCount * (TLS_CONNECTION_BYTES + FRAME_LENGTH_MAX)
}

function sharedBytes(workers: number): number {
  const sources = 2 * SOURCE_SET_COUNT * SOURCE_WAY_COUNT * 12
  const ofWorker = CONNECTION_CAP_ROW_COUNT * CONNECTION_CAP_BUCKET_COUNT * 4 + PEER_CONNECTION_SLOT_COUNT * 64
  return sources + workers * (ofWorker + RELAY_COUNT_MAX * 4)
}

/** TLS on both sides, a head that is parsed and written anew, and both directions full. */
function httpBytes(hasUpstream: boolean): number {
  const head = 3 * HTTP_HEAD_BYTES_MAX
  if (!hasUpstream) return TLS_CONNECTION_BYTES + head
  return 2 * TLS_CONNECTION_BYTES + head + 4 * (READ_BYTES_MAX + STREAM_BUFFER_BYTES)
}
