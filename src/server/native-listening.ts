// Where a server with the native engine listens, now and after a reload: which sockets there are, and which worker has which. The main thread
// opens and keeps them, so that a worker's successor has the same.

import { TurndError } from '../config/errors.js'
import { isWildcardHost, type ListenAddress, type ListenSpec } from '../config/listen-spec.js'
import {
  DTLS_SCHEMES,
  type ListenerScheme,
  type ListenTarget,
  TCP_SCHEMES,
  UDP_SCHEMES,
  wildcardListenTargets,
} from '../net/listen-targets.js'
import {
  type AdoptedListener,
  isOverTcp,
  type ListenerOpener,
  listenersOf,
  type OpenedTarget,
  wildcardPortsOf,
} from '../net/native/listener-sockets.js'
import type { RelayHost } from '../turn/relay-host.js'
import { ownSockets } from './own-sockets.js'
import type { Listening, PreparedListening } from './pool-plan.js'

export interface NativeListening extends Listening {
  readonly udp: readonly OpenedTarget[]
  readonly tcp: readonly OpenedTarget[]
  readonly dtls: readonly OpenedTarget[]
}

export interface WorkerCounts {
  readonly udpCount: number
  readonly streamCount: number
}

const NOTHING: NativeListening = {
  ...{ udp: [], tcp: [], dtls: [], listeners: [] },
  ownSockets: { addresses: [], wildcardPorts: [] },
}

/** A worker's sockets of these targets. */
export function socketsOf(opened: readonly OpenedTarget[], worker: number): AdoptedListener[] {
  return opened.map(({ adopted }) => adopted[worker])
}

export class NativeSockets {
  readonly #opener: ListenerOpener
  readonly #counts: WorkerCounts
  readonly #relayHosts: readonly RelayHost[]
  readonly #adminListen: ListenAddress | null

  constructor(
    opener: ListenerOpener,
    counts: WorkerCounts,
    relayHosts: readonly RelayHost[],
    adminListen: ListenAddress | null,
  ) {
    this.#opener = opener
    this.#counts = counts
    this.#relayHosts = relayHosts
    this.#adminListen = adminListen
  }

  /** Throws TurndError. */
  open(specs: readonly ListenSpec[]): NativeListening {
    return this.prepare(NOTHING, specs).listening
  }

  /** Opens what is new beside what is there, which stays until commit(). Throws TurndError, with nothing new left open. */
  prepare(present: NativeListening, specs: readonly ListenSpec[]): PreparedListening<NativeListening> {
    const { streamCount, udpCount } = this.#counts
    const before = [...present.udp, ...present.tcp, ...present.dtls]
    const opened: OpenedTarget[] = []
    const open = (schemes: readonly ListenerScheme[], workerCount: number): OpenedTarget[] => {
      const targets = wildcardListenTargets(specs, schemes)
      const added = targets.filter((target) => !before.some((known) => isSame(known.target, target)))
      if (added.length > 0 && workerCount === 0) throw noWorkers(added[0])
      const isOurs = (target: ListenTarget) => before.some((known) => overlaps(known.target, target))
      const fresh = this.#opener.open(added, workerCount, isOurs)
      opened.push(...fresh)
      const find = (target: ListenTarget) => [...before, ...fresh].find((known) => isSame(known.target, target))
      return targets.map((target) => find(target) as OpenedTarget)
    }
    const abandon = () => {
      for (const target of opened) this.#opener.closeTarget(target)
    }
    try {
      const udp = open(UDP_SCHEMES, udpCount)
      const dtls = open(DTLS_SCHEMES, streamCount)
      const tcp = open(TCP_SCHEMES, streamCount)
      const after = [udp, tcp, dtls].flat()
      const commit = () => {
        for (const target of before) if (!after.includes(target)) this.#opener.closeTarget(target)
      }
      return { listening: { ...{ udp, tcp, dtls }, ...this.#describe([udp, tcp, dtls]) }, commit, abandon }
    } catch (error) {
      abandon()
      throw error
    }
  }

  #describe(kinds: readonly (readonly OpenedTarget[])[]): Listening {
    const targets = kinds.map((opened) => opened.map(({ target }) => target))
    const listeners = targets.flatMap(listenersOf)
    const wildcardPorts = [...new Set(targets.flatMap(wildcardPortsOf))]
    return { listeners, ownSockets: ownSockets(listeners, wildcardPorts, this.#relayHosts, this.#adminListen) }
  }
}

/** An ephemeral port stays the one that was found. */
function isSame(one: ListenTarget, other: ListenTarget): boolean {
  return one.scheme === other.scheme && one.address.host === other.address.host && one.spec.port === other.spec.port
}

/** Is one's port the other's, on some address? */
function overlaps(one: ListenTarget, other: ListenTarget): boolean {
  if (isOverTcp(one) !== isOverTcp(other) || one.address.port !== other.address.port) return false
  if (one.address.family !== other.address.family) return false
  const hosts = [one.address.host, other.address.host]
  return hosts[0] === hosts[1] || hosts.some(isWildcardHost)
}

function noWorkers({ scheme, spec }: ListenTarget): TurndError {
  const option = scheme === 'udp' ? '--workers' : '--stream-workers'
  return new TurndError(
    'TURND_ERR_OPTION',
    `--listen ${spec.text}: all threads that this server can have are for other clients; give ${option} and restart`,
  )
}
