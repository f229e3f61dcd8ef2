// The listener sockets of all workers, opened by the main thread, which keeps them: a worker adopts its file descriptors, and so does its
// successor when it dies, so that the kernel's choice of a worker for a client never changes.
import { getSystemErrorName } from 'node:util'
import { isWildcardHost, type ListenSpec } from '../../config/listen-spec.js'
import type { TransportAddress } from '../../stun/address.js'
import type { Offloads } from '../choose-engine.js'
import type { Listener } from '../engine.js'
import { listenError } from '../listen-error.js'
import {
  type ListenerScheme,
  type ListenTarget,
  localAddressesOf,
  TCP_SCHEMES,
  wildcardListenTargets,
} from '../listen-targets.js'
import { allocateArena } from './arena.js'
import type { Koffi } from './koffi.js'
import { type Libc, openStreamLibc } from './libc.js'
import { TcpSockets } from './tcp-socket.js'
import { UdpSockets } from './udp-socket.js'

/** A listener socket for one worker; plain data, so that it can be posted to a thread. */
export interface AdoptedSocket {
  readonly fd: number
  /** As it is bound, with the real port; 0.0.0.0 or :: for a wildcard. */
  readonly address: TransportAddress
  readonly isWildcard: boolean
}

export interface AdoptedListener extends AdoptedSocket, Listener {}

export interface ListenerSockets {
  /** For people: a wildcard as each address that the machine has now. */
  readonly listeners: readonly Listener[]
  /** By worker; listener ids are indexes into it. */
  readonly adopted: readonly (readonly AdoptedListener[])[]
  /** Ports that are open on every local address. */
  readonly wildcardPorts: readonly number[]
}

const ARENA_LENGTH = 4096

/** Throws TurndError when a socket cannot be opened; close() then closes those that are open. */
export class ListenerOpener {
  readonly #libc: Libc
  readonly #udp: UdpSockets
  readonly #tcp: TcpSockets
  readonly #offloads: Offloads
  readonly #fds: number[] = []

  constructor(koffi: Koffi, libc: Libc, offloads: Offloads) {
    const arena = allocateArena(koffi, ARENA_LENGTH)
    this.#libc = libc
    this.#udp = new UdpSockets(libc, arena)
    this.#tcp = new TcpSockets(openStreamLibc(koffi), arena)
    this.#offloads = offloads
  }

  /** One socket per target and worker. */
  openUdp(specs: readonly ListenSpec[], schemes: readonly ListenerScheme[], workerCount: number): ListenerSockets {
    return this.#openAll(wildcardListenTargets(specs, schemes), workerCount, (target, isShared) => {
      const fd = this.#udp.openListener(target.address, isWildcard(target), isShared, this.#offloads)
      return this.#checked(target, fd, this.#udp.errno)
    })
  }

  /** The same for TCP; bound, and to be listened on. */
  openTcp(specs: readonly ListenSpec[], schemes: readonly ListenerScheme[], workerCount: number): ListenerSockets {
    return this.#openAll(wildcardListenTargets(specs, schemes), workerCount, (target, isShared) => {
      const fd = isShared ? this.#tcp.openShared(target.address) : this.#tcp.openAlone(target.address)
      return this.#checked(target, fd, this.#tcp.errno)
    })
  }

  close(): void {
    for (const fd of this.#fds.splice(0)) this.#libc.close(fd)
  }

  #openAll(
    targets: readonly ListenTarget[],
    workerCount: number,
    open: (target: ListenTarget, isShared: boolean) => number,
  ): ListenerSockets {
    // Sockets that share a port would silently take clients away from another server that shares it too: first look whether it is
    // free, alone; this also finds an ephemeral port, if that is wanted.
    for (const target of targets) this.#libc.close(open(target, false))
    const adopt = (target: ListenTarget): AdoptedListener => {
      const fd = open(target, true)
      this.#fds.push(fd)
      return { scheme: target.scheme, fd, address: target.address, isWildcard: isWildcard(target) }
    }
    const adopted = Array.from({ length: workerCount }, () => targets.map(adopt))
    const wildcards = targets.filter(isWildcard)
    return {
      listeners: listenersOf(targets),
      adopted,
      wildcardPorts: [...new Set(wildcards.map(({ address }) => address.port))],
    }
  }

  #checked(target: ListenTarget, fd: number, errno: number): number {
    if (fd < 0) throw listenError(target, systemError(errno))
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
      // A socket that is bound to the address itself gets what is sent there.
      const key = `${isOverTcp(target) ? 'tcp' : 'udp'} ${address}`
      if (!listeners.has(key)) listeners.set(key, { scheme: target.scheme, address })
    }
  }
  return [...listeners.values()]
}

function isOverTcp({ scheme }: ListenTarget): boolean {
  return TCP_SCHEMES.includes(scheme)
}

function systemError(errno: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(-errno)
  return Object.assign(new Error(code), { code, errno })
}
