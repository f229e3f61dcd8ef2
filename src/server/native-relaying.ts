// Relaying with the native engine: workers for UDP clients, and stream workers where there are listeners for them. The main thread opens all
// listeners and keeps them, so that a worker's successor has the same.

import { availableParallelism } from 'node:os'
import type { Settings } from '../config/settings.js'
import { WORKER_COUNT_MAX } from '../limits/turn.js'
import type { Offloads } from '../net/choose-engine.js'
import { DTLS_SCHEMES, hasListeners, STREAM_SCHEMES, TCP_SCHEMES, UDP_SCHEMES } from '../net/listen-targets.js'
import { type Koffi, loadKoffi } from '../net/native/koffi.js'
import { type Libc, openLibc } from '../net/native/libc.js'
import { ListenerOpener } from '../net/native/listener-sockets.js'
import { allocateSharedTables } from '../turn/shared-tables.js'
import { ownSockets } from './own-sockets.js'
import type { Relaying, RelayingParts } from './relaying.js'
import { engineError, startPool } from './start-pool.js'
import { streamSettings } from './stream-settings.js'
import type { AdoptedSockets } from './worker/messages.js'
import { NativeCalls } from './worker/native-calls.js'
import { STREAM_WORKER, UDP_WORKER } from './worker/worker-slot.js'
import { type PlannedWorker, type PoolPlan, WorkerPool } from './worker-pool.js'

/** Opens the listeners and starts the workers. Throws TurndError, with nothing left open. */
export async function relayByWorkers(parts: RelayingParts, offloads: Offloads): Promise<Relaying> {
  const { koffi, libc } = openNative()
  const opener = new ListenerOpener(koffi, libc, offloads)
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

function makePlan(parts: RelayingParts, offloads: Offloads, opener: ListenerOpener, calls: NativeCalls): PoolPlan {
  const { relayHosts, settings } = parts
  const { adminListen, listen, maxPort, minPort } = settings
  const { streamCount, udpCount } = workerCounts(settings)
  const workerCount = udpCount + streamCount
  const udp = opener.openUdp(listen, UDP_SCHEMES, udpCount)
  const dtls = opener.openUdp(listen, DTLS_SCHEMES, streamCount)
  const tcp = opener.openTcp(listen, TCP_SCHEMES, streamCount)
  const all = [udp, tcp, dtls]
  const listeners = all.flatMap((sockets) => sockets.listeners)
  const wildcardPorts = [...new Set(all.flatMap((sockets) => sockets.wildcardPorts))]
  const streams = streamSettings(settings, parts.httpUpstreamCa, workerCount)
  const udpWorkers = udp.adopted.map((sockets): PlannedWorker => {
    return { ...UDP_WORKER, sockets, start: () => ({ listeners: sockets, offloads }) }
  })
  const streamWorkers = dtls.adopted.map((sockets, index): PlannedWorker => {
    const adopted: AdoptedSockets = { kind: 'adopted', tcp: tcp.adopted[index], dtls: sockets, offloads }
    return { ...STREAM_WORKER, sockets, start: (dynamic) => ({ streams, ...dynamic, sockets: adopted }) }
  })
  return {
    engine: 'native',
    workers: [...udpWorkers, ...streamWorkers],
    firstIndex: 0,
    udpWorkerCount: udpCount,
    tables: allocateSharedTables({ relayHostCount: relayHosts.length, minPort, maxPort, workerCount }),
    connectionCap: streams.connectionCap,
    calls,
    listeners,
    ownSockets: ownSockets(listeners, wildcardPorts, relayHosts, adminListen),
    closeSockets: () => opener.close(),
  }
}

/** None where nobody can come; but one at least, so that a server without listeners is a server. */
function workerCounts({ listen, streamWorkers, workers }: Settings): { udpCount: number; streamCount: number } {
  const count = workers ?? Math.min(availableParallelism(), WORKER_COUNT_MAX)
  const hasUdp = hasListeners(listen, UDP_SCHEMES)
  if (!hasListeners(listen, STREAM_SCHEMES)) return { udpCount: count, streamCount: 0 }
  // Nobody has asked for so many of both, but one must not crowd out the other.
  const streamCount = streamWorkers ?? Math.min(count, Math.max(1, WORKER_COUNT_MAX - count))
  return { udpCount: hasUdp ? Math.min(count, WORKER_COUNT_MAX - streamCount) : 0, streamCount }
}
