// The listener sockets of a dgram engine by their listener id, which stays theirs while others come and go.
import type { Socket } from 'node:dgram'
import type { TurndError } from '../../config/errors.js'
import type { ListenSpec } from '../../config/listen-spec.js'
import { LISTENER_BUFFER_BYTES } from '../../limits/engines.js'
import type { TransportAddress } from '../../stun/address.js'
import type { Listener, ListenerChange } from '../engine.js'
import { listenError } from '../listen-error.js'
import { expandListenSpecs, type ListenerScheme, type ListenTarget } from '../listen-targets.js'
import { bindUdpSocket, type DgramSystem } from './udp-socket.js'

interface OpenedListener {
  readonly socket: Socket
  readonly listener: Listener
  /** 0 for an ephemeral one. */
  readonly askedPort: number
}

export class DgramListeners {
  /** By listener id; null where one was closed. */
  readonly sockets: (Socket | null)[] = []
  readonly #opened: (OpenedListener | null)[] = []
  readonly #system: DgramSystem
  readonly #onAdded: (listenerId: number, socket: Socket) => void

  /** @param onAdded datagrams that come there are to be received */
  constructor(system: DgramSystem, onAdded: (listenerId: number, socket: Socket) => void) {
    this.#system = system
    this.#onAdded = onAdded
  }

  get listeners(): Listener[] {
    return this.#opened.flatMap((opened) => opened?.listener ?? [])
  }

  /** null where it was closed. */
  localAddressOf(listenerId: number): TransportAddress | null {
    return this.#opened[listenerId]?.listener.address ?? null
  }

  /** The listener id of this transport address, or -1. */
  findAt(address: TransportAddress): number {
    return this.#opened.findIndex((opened) => opened?.listener.address.equals(address) === true)
  }

  /**
   * Opens what is new in these options beside what is open, a wildcard as one socket per local address. Throws TurndError, with nothing new
   * left open.
   */
  async prepare(specs: readonly ListenSpec[], schemes: readonly ListenerScheme[]): Promise<ListenerChange> {
    const kept = new Set<OpenedListener>()
    const opened: OpenedListener[] = []
    const abandon = () => {
      for (const { socket } of opened) socket.close()
    }
    for (const target of expandListenSpecs(specs, schemes)) {
      const known = this.#opened.find((each) => each !== null && isFor(each, target))
      if (known) {
        kept.add(known)
        continue
      }
      try {
        opened.push(await this.#open(target))
      } catch (error) {
        // A wildcard takes what it can get of addresses that come and go, but never shares a port.
        if (target.isExpanded && (error as TurndError).code === 'TURND_ERR_ADDRESS_NOT_AVAILABLE') continue
        abandon()
        throw error
      }
    }
    const isRemoved = (listenerId: number) => {
      const known = this.#opened[listenerId] ?? null
      return known !== null && !kept.has(known)
    }
    const present = this.#opened.filter((each): each is OpenedListener => each !== null && kept.has(each))
    return {
      listeners: [...present, ...opened].map(({ listener }) => listener),
      wildcardPorts: [],
      isRemoved,
      commit: () => {
        for (const listenerId of this.#opened.keys()) if (isRemoved(listenerId)) this.#close(listenerId)
        for (const each of opened) this.#add(each)
      },
      abandon,
    }
  }

  /** Resolves when all are closed. */
  async close(): Promise<void> {
    const sockets = this.sockets.splice(0).filter((socket) => socket !== null)
    this.#opened.length = 0
    await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))))
  }

  #add(opened: OpenedListener): void {
    const listenerId = this.#opened.push(opened) - 1
    this.sockets[listenerId] = opened.socket
    this.#onAdded(listenerId, opened.socket)
  }

  #close(listenerId: number): void {
    this.sockets[listenerId]?.close()
    this.sockets[listenerId] = null
    this.#opened[listenerId] = null
  }

  #open(target: ListenTarget): Promise<OpenedListener> {
    return new Promise((resolve, reject) => {
      const socket = bindUdpSocket(
        target.address,
        LISTENER_BUFFER_BYTES,
        () => {
          const address = target.address.clone()
          address.port = socket.address().port
          resolve({ socket, listener: { scheme: target.scheme, address }, askedPort: target.address.port })
        },
        (error) => {
          socket.close()
          reject(listenError(target, error))
        },
        this.#system,
      )
    })
  }
}

/** An ephemeral port stays the one that was found. */
function isFor({ askedPort, listener }: OpenedListener, { address, scheme }: ListenTarget): boolean {
  if (listener.scheme !== scheme || !listener.address.equalsHost(address)) return false
  return askedPort === address.port || listener.address.port === address.port
}
