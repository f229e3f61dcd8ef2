// The listener sockets of all workers, opened by the main thread, which keeps them: a worker adopts its file descriptors, and so does its
// successor when it dies, so that the kernel's choice of a worker for a client never changes.
import { getSystemErrorName } from 'node:util'
import { isWildcardHost, type ListenSpec } from '../../config/listen-spec.js'
import type { TransportAddress } from '../../stun/address.js'
import type { Offloads } from '../choose-engine.js'
import type { Listener } from '../engine.js'
import { listenError } from '../listen-error.js'
import { type ListenTarget, localAddressesOf, wildcardListenTargets } from '../listen-targets.js'
import { allocateArena } from './arena.js'
import type { Koffi } from './koffi.js'
import type { Libc } from './libc.js'
import { UdpSockets } from './udp-socket.js'

/** A listener socket for one worker; plain data, so that it can be posted to a thread. */
export interface AdoptedListener {
  readonly fd: number
  /** As it is bound, with the real port; 0.0.0.0 or :: for a wildcard. */
  readonly address: TransportAddress
  readonly isWildcard: boolean
}

export interface ListenerSockets {
  /** For people: a wildcard as each address that the machine has now. */
  readonly listeners: readonly Listener[]
  /** By worker; listener ids are indexes into it. */
  readonly adopted: readonly (readonly AdoptedListener[])[]
  /** Ports that are open on every local address. */
  readonly wildcardPorts: readonly number[]
  close(): void
}

const ARENA_LENGTH = 4096

/** Opens one socket per target and worker. Throws TurndError with nothing left open. */
export function openListenerSockets(
  koffi: Koffi,
  libc: Libc,
  specs: readonly ListenSpec[],
  workerCount: number,
  offloads: Offloads,
): ListenerSockets {
  const opener = new Opener(libc, new UdpSockets(libc, allocateArena(koffi, ARENA_LENGTH)), offloads)
  const targets = wildcardListenTargets(specs)
  try {
    // Sockets that share a port would silently take clients away from another server that shares it too: first look whether it is free.
    for (const target of targets) opener.probe(target)
    const adopted = Array.from({ length: workerCount }, () => targets.map((target) => opener.open(target)))
    const wildcards = targets.filter(isWildcard)
    return {
      listeners: listenersOf(targets),
      adopted,
      wildcardPorts: [...new Set(wildcards.map(({ address }) => address.port))],
      close: () => opener.close(),
    }
  } catch (error) {
    opener.close()
    throw error
  }
}

class Opener {
  readonly #libc: Libc
  readonly #sockets: UdpSockets
  readonly #offloads: Offloads
  readonly #fds: number[] = []

  constructor(libc: Libc, sockets: UdpSockets, offloads: Offloads) {
    this.#libc = libc
    this.#sockets = sockets
    this.#offloads = offloads
  }

  /** Binds the address for a moment, alone; finds an ephemeral port, if that is wanted. */
  probe(target: ListenTarget): void {
    this.#libc.close(this.#open(target, false))
  }

  open(target: ListenTarget): AdoptedListener {
    const fd = this.#open(target, true)
    this.#fds.push(fd)
    return { fd, address: target.address, isWildcard: isWildcard(target) }
  }

  close(): void {
    for (const fd of this.#fds.splice(0)) this.#libc.close(fd)
  }

  #open(target: ListenTarget, isShared: boolean): number {
    const fd = this.#sockets.openListener(target.address, isWildcard(target), isShared, this.#offloads)
    if (fd < 0) throw listenError(target, systemError(this.#sockets.errno))
    return fd
  }
}

function isWildcard({ address }: ListenTarget): boolean {
  return isWildcardHost(address.host)
}

function listenersOf(targets: readonly ListenTarget[]): Listener[] {
  const listeners = new Map<string, Listener>()
  for (const target of targets) {
    const hosts = isWildcard(target) ? localAddressesOf(target.address.host) : [target.address]
    for (const host of hosts) {
      const address = host.clone()
      address.port = target.address.port
      address.host = host.host
      listeners.set(address.toString(), { scheme: 'udp', address })
    }
  }
  return [...listeners.values()]
}

function systemError(errno: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(-errno)
  return Object.assign(new Error(code), { code, errno })
}
