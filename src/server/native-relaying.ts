// Relaying with the native engine: workers for UDP clients, and stream workers where there are listeners for them. The main thread opens all
// listeners and keeps them, so that a worker's successor has the same.

import { availableParallelism } from 'node:os'
import type { Settings } from '../config/settings.js'
import { WORKER_COUNT_MAX } from '../limits/turn.js'
import type { Offloads } from '../net/choose-engine.js'
import { hasListeners, STREAM_SCHEMES, UDP_SCHEMES } from '../net/listen-targets.js'
import { type Koffi, loadKoffi } from '../net/native/koffi.js'
import { type Libc, openLibc } from '../net/native/libc.js'
import { ListenerOpener } from '../net/native/listener-sockets.js'
import { ConnectionCap } from '../net/stream/connection-cap.js'
import { allocateSharedTables } from '../turn/shared-tables.js'
import { type NativeListening, NativeSockets, socketsOf, type WorkerCounts } from './native-listening.js'
import type { PlannedWorker, PoolPlan } from './pool-plan.js'
import type { Relaying, RelayingParts } from './relaying.js'
import { engineError } from './start-error.js'
import { startPool } from './start-pool.js'
import type { AdoptedSockets } from './worker/messages.js'
import { NativeCalls } from './worker/native-calls.js'
import { STREAM_WORKER, UDP_WORKER } from './worker/worker-slot.js'
import { WorkerPool } from './worker-pool.js'

/** Opens the listeners and starts the workers. Throws TurndError, with nothing left open. */
export async function relayByWorkers(parts: RelayingParts, offloads: Offloads): Promise<Relaying> {
  const { koffi, libc } = openNative()
  const opener = new ListenerOpener(koffi, libc, offloads, parts.settings.mobility)
  try {
    const pool = new WorkerPool(parts, makePlan(parts, offloads, opener, new NativeCalls(koffi, libc)))
    await startPool(pool)
    return pool
  } catch (error) {
    opener.close()
    throw error
  }
}

function openNative(): { koffi: Koffi; libc: Libc } {
  try {
    const koffi = loadKoffi()
    return { koffi, libc: openLibc(koffi) }
  } catch (error) {
    throw engineError('the native engine cannot be loaded', error)
  }
}

function makePlan(
  parts: RelayingParts,
  offloads: Offloads,
  opener: ListenerOpener,
  calls: NativeCalls,
): PoolPlan<NativeListening> {
  const { relayHosts, settings } = parts
  const { adminListen, listen, maxPort, minPort } = settings
  const counts = workerCounts(settings)
  const workerCount = counts.udpCount + counts.streamCount
  const sockets = new NativeSockets(opener, counts, relayHosts, adminListen)
  const udpWorkers = Array.from({ length: counts.udpCount }, (_, index) => udpWorker(index, offloads))
  const streamWorkers = Array.from({ length: counts.streamCount }, (_, index) => streamWorker(index, offloads))
  return {
    engine: 'native',
    // Those who have nothing to do yet come last: the numbers of the others are what they would be without them.
    workers: counts.hasUdp ? [...udpWorkers, ...streamWorkers] : [...streamWorkers, ...udpWorkers],
    firstIndex: 0,
    tables: allocateSharedTables({ relayHostCount: relayHosts.length, minPort, maxPort, workerCount }),
    connectionCap: ConnectionCap.allocate(workerCount),
    calls,
    listening: sockets.open(listen),
    prepareListening: (present, specs) => sockets.prepare(present, specs),
    closeSockets: () => opener.close(),
  }
}

function udpWorker(index: number, offloads: Offloads): PlannedWorker<NativeListening> {
  return {
    ...UDP_WORKER,
    isForUdp: true,
    // One at least, so that a server without listeners is a server.
    isNeeded: ({ dtls, tcp, udp }) => udp.length > 0 || tcp.length + dtls.length === 0,
    sockets: ({ udp }) => socketsOf(udp, index),
    start: ({ udp }) => ({ listeners: socketsOf(udp, index), offloads }),
  }
}

function streamWorker(index: number, offloads: Offloads): PlannedWorker<NativeListening> {
  const socketsOfWorker = ({ dtls, tcp }: NativeListening): AdoptedSockets => ({
    ...{ kind: 'adopted', tcp: socketsOf(tcp, index), dtls: socketsOf(dtls, index), offloads },
  })
  return {
    ...STREAM_WORKER,
    isForUdp: false,
    isNeeded: ({ dtls, tcp }) => tcp.length + dtls.length > 0,
    sockets: ({ dtls }) => socketsOf(dtls, index),
    start: (listening, dynamic) => ({ ...dynamic, sockets: socketsOfWorker(listening) }),
  }
}

/**
 * Of both kinds, also of the one that nobody needs yet: listeners may come while the server runs. Those that are needed now are as many as
 * if there were no others.
 */
function workerCounts({ listen, streamWorkers, workers }: Settings): WorkerCounts & { readonly hasUdp: boolean } {
  const count = workers ?? Math.min(availableParallelism(), WORKER_COUNT_MAX)
  const hasStreams = hasListeners(listen, STREAM_SCHEMES)
  const hasUdp = hasListeners(listen, UDP_SCHEMES) || !hasStreams
  if (!hasStreams) {
    return { hasUdp, udpCount: count, streamCount: Math.min(streamWorkers ?? count, WORKER_COUNT_MAX - count) }
  }
  // Nobody has asked for so many of both, but one must not crowd out the other.
  const streamCount = streamWorkers ?? Math.min(count, Math.max(1, WORKER_COUNT_MAX - count))
  return { hasUdp, udpCount: Math.min(count, WORKER_COUNT_MAX - streamCount), streamCount }
}
