// The listener sockets of all workers, opened by the main thread, which keeps them: a worker adopts its file descriptors, and so does its
// successor when it dies, so that the kernel's choice of a worker for a client never changes.
import { getSystemErrorName } from 'node:util'
import { isWildcardHost } from '../../config/listen-spec.js'
import { FAMILY_IPV6, type TransportAddress } from '../../stun/address.js'
import type { Offloads } from '../choose-engine.js'
import type { Listener } from '../engine.js'
import { listenError } from '../listen-error.js'
import { type ListenTarget, localAddressesOf, TCP_SCHEMES } from '../listen-targets.js'
import { allocateArena } from './arena.js'
import type { Koffi } from './koffi.js'
import { type Libc, openStreamLibc } from './libc.js'
import { Steering } from './steering.js'
import { TcpSockets } from './tcp-socket.js'
import { UdpSockets } from './udp-socket.js'

/** A listener socket for one worker; plain data, so that it can be posted to a thread. */
export interface AdoptedSocket {
  readonly fd: number
  /** As it is bound, with the real port; 0.0.0.0 or :: for a wildcard. */
  readonly address: TransportAddress
  readonly isWildcard: boolean
  /** Clients that have moved may get sockets of their own beside it (steering.ts). */
  readonly isSteered?: boolean
}

export interface AdoptedListener extends AdoptedSocket, Listener {}

/** A listen address with its sockets. */
export interface OpenedTarget {
  readonly target: ListenTarget
  /** By worker. */
  readonly adopted: readonly AdoptedListener[]
}

const ARENA_LENGTH = 4096

export class ListenerOpener {
  readonly #libc: Libc
  readonly #udp: UdpSockets
  readonly #tcp: TcpSockets
  readonly #offloads: Offloads
  /** null: no client comes to another worker. */
  readonly #steering: Steering | null
  readonly #fds = new Set<number>()

  constructor(koffi: Koffi, libc: Libc, offloads: Offloads, steers: boolean) {
    const arena = allocateArena(koffi, ARENA_LENGTH)
    this.#libc = libc
    this.#udp = new UdpSockets(libc, arena)
    this.#tcp = new TcpSockets(openStreamLibc(koffi), arena)
    this.#offloads = offloads
    this.#steering = steers ? new Steering(libc, arena) : null
  }

  /**
   * One socket per target and worker; those over TCP are to be listened on. Throws TurndError when one cannot be opened, and has opened none then.
   * @param isOurs this server has the port already, and gives it up for the target or shares it
   */
  open(
    targets: readonly ListenTarget[],
    workerCount: number,
    isOurs: (target: ListenTarget) => boolean,
  ): OpenedTarget[] {
    // Sockets that share a port would silently take clients away from another server that shares it too: first look whether it is
    // free, alone; this also finds an ephemeral port, if that is wanted.
    for (const target of targets) if (!isOurs(target)) this.#libc.close(this.#open(target, false))
    const fds: number[] = []
    try {
      return targets.map((target) => {
        const adopted = Array.from({ length: workerCount }, (): AdoptedListener => {
          const fd = this.#open(target, true)
          fds.push(fd)
          return { scheme: target.scheme, fd, address: target.address, isWildcard: isWildcard(target) }
        })
        return { target, adopted: this.#steer(target, adopted) }
      })
    } catch (error) {
      for (const fd of fds.splice(0)) this.#libc.close(fd)
      throw error
    } finally {
      for (const fd of fds) this.#fds.add(fd)
    }
  }

  /** Of UDP's, where there are several and the kernel can. */
  #steer({ address, scheme }: ListenTarget, adopted: readonly AdoptedListener[]): readonly AdoptedListener[] {
    if (this.#steering === null || scheme !== 'udp' || adopted.length < 2) return adopted
    const isSteered = this.#steering.attach(adopted[0].fd, address.family === FAMILY_IPV6, adopted.length)
    return adopted.map((listener) => ({ ...listener, isSteered }))
  }

  closeTarget({ adopted }: OpenedTarget): void {
    for (const { fd } of adopted) if (this.#fds.delete(fd)) this.#libc.close(fd)
  }

  close(): void {
    for (const fd of this.#fds) this.#libc.close(fd)
    this.#fds.clear()
  }

  #open(target: ListenTarget, isShared: boolean): number {
    const { address } = target
    if (!isOverTcp(target)) {
      const fd = this.#udp.openListener(address, isWildcard(target), isShared, this.#offloads)
      return this.#checked(target, fd, this.#udp.errno)
    }
    const fd = isShared ? this.#tcp.openShared(address) : this.#tcp.openAlone(address)
    return this.#checked(target, fd, this.#tcp.errno)
  }

  #checked(target: ListenTarget, fd: number, errno: number): number {
    if (fd < 0) throw listenError(target, systemError(errno))
    return fd
  }
}

function isWildcard({ address }: ListenTarget): boolean {
  return isWildcardHost(address.host)
}

/** Ports that are open on every local address. */
export function wildcardPortsOf(targets: readonly ListenTarget[]): number[] {
  return [...new Set(targets.filter(isWildcard).map(({ address }) => address.port))]
}

/** For people: a wildcard as each address that the machine has now. */
export function listenersOf(targets: readonly ListenTarget[]): Listener[] {
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

export function isOverTcp({ scheme }: ListenTarget): boolean {
  return TCP_SCHEMES.includes(scheme)
}

function systemError(errno: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(-errno)
  return Object.assign(new Error(code), { code, errno })
}
