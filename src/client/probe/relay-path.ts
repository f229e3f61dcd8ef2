// A way for packets from this machine through a relay and back to it, by ChannelData: from one allocation to another one of the same server, or,
// where that does not work, between an allocation and a UDP socket of this machine.
//
//   relay-to-relay     client A ─► relay of A ─► relay of B ─► client B
//   relay-to-socket    client A ─► relay of A ─► our socket
//   socket-to-relay    our socket ─► relay of A ─► client A
import { randomBytes } from 'node:crypto'
import { PROBE_PATH_INTERVAL_MILLISECONDS, PROBE_PATH_MILLISECONDS_MAX } from '../../limits/clients.js'
import { FAMILY_IPV6 } from '../../stun/address.js'
import { ClientError } from '../client-error.js'
import type { TurnClient } from '../turn-client.js'
import { keepAllocation } from './keep-allocation.js'
import { openPeerSocket, type PeerSocket } from './peer-socket.js'

export type PathKind = 'relay-to-relay' | 'relay-to-socket' | 'socket-to-relay'

/** Between the relay and a peer outside of the server: a socket of this machine. */
export interface PeerReach {
  readonly toPeer: boolean
  readonly fromPeer: boolean
}

export interface RelayPath {
  readonly kind: PathKind
  /** Of a path to or from a socket; null of one between relays, where nobody has tried. */
  readonly reach: PeerReach | null
  /** What arrives at the other end; it may come from anybody. */
  onPacket: (packet: Uint8Array) => void
  onFault: (error: ClientError) => void
  /** False if it was not sent. */
  send(packet: Uint8Array): boolean
  /** Of what it opened: the client that it was made for stays. */
  close(): Promise<void>
}

export interface PathOptions {
  /** Another client of the same server, over the same transport and with the same credentials. */
  readonly openClient: () => Promise<TurnClient>
  readonly signal?: AbortSignal
}

/**
 * The first way that a packet gets through. Rejects with a ClientError: that of the second allocation, of a channel, or `no-answer`.
 * @param client has an allocation
 */
export async function openRelayPath(client: TurnClient, options: PathOptions): Promise<RelayPath> {
  const failures: ClientError[] = []
  for (const open of [openToRelay, openToSocket]) {
    try {
      return await open(client, options)
    } catch (error) {
      if (!(error instanceof ClientError) || error.code === 'aborted') throw error
      failures.push(error)
    }
  }
  // Where both stay silent either says it; else what the server refused says more.
  throw failures.find(({ code }) => code !== 'no-answer') ?? failures[0]
}

async function openToRelay(client: TurnClient, { openClient, signal }: PathOptions): Promise<RelayPath> {
  const other = await openClient()
  try {
    const near = relayedOf(client)
    const far = (await other.allocate(near.family === FAMILY_IPV6 ? { family: 6 } : {})).relayed
    await Promise.all([client.bindChannel(far), other.bindChannel(near)])
    const path = new Path('relay-to-relay', (packet) => client.send(far, packet), [other])
    other.onData = (_peer, data) => path.onPacket(data)
    watch(path, client, other)
    await tryPath(path, 'nothing got from one relay to another', signal)
    path.keep(client, other)
    return path
  } catch (error) {
    await other.close()
    throw error
  }
}

async function openToSocket(client: TurnClient, { signal }: PathOptions): Promise<RelayPath> {
  const socket = await openPeer(client, signal)
  try {
    const { back, out, results } = await tryBothWays(client, socket, signal)
    const [toPeer, fromPeer] = results
    if (toPeer !== null && fromPeer !== null) throw toPeer
    const path = toPeer === null ? out : back
    path.reach = { toPeer: toPeer === null, fromPeer: fromPeer === null }
    watch(path, client)
    path.keep(client)
    return path
  } catch (error) {
    await socket.close()
    throw error
  }
}

/**
 * Which ways packets go between the relay and a socket of this machine: what a peer outside of the server meets, and two relays of one server do not, a
 * firewall in front of its relay ports. Rejects with a ClientError, a StunError where the server forbids this machine as a peer.
 */
export async function findReach(client: TurnClient, signal?: AbortSignal): Promise<PeerReach> {
  const socket = await openPeer(client, signal)
  try {
    const { results } = await tryBothWays(client, socket, signal)
    return { toPeer: results[0] === null, fromPeer: results[1] === null }
  } finally {
    await socket.close()
  }
}

/** A socket whose channel is bound. */
async function openPeer(client: TurnClient, signal?: AbortSignal): Promise<PeerSocket> {
  const { localAddress, remoteAddress } = client.transport
  const isBehindNat = client.allocation?.mapped?.equalsHost(localAddress) !== true
  const socket = await openPeerSocket(isBehindNat ? remoteAddress : null, relayedOf(client), signal)
  try {
    await client.bindChannel(socket.address)
    return socket
  } catch (error) {
    await socket.close()
    throw error
  }
}

/** Both at once: a NAT in front of us lets the relay's packets in once ours have gone out. A result is null, or why nothing arrived. */
async function tryBothWays(client: TurnClient, socket: PeerSocket, signal?: AbortSignal) {
  const out = new Path('relay-to-socket', (packet) => client.send(socket.address, packet), [socket])
  const back = new Path('socket-to-relay', (packet) => socket.send(relayedOf(client), packet), [socket])
  socket.onPacket = (packet) => out.onPacket(packet)
  client.onData = (_peer, data) => back.onPacket(data)
  watch(out, client)
  const results = await Promise.all(
    [out, back].map((path) => {
      return tryPath(path, 'nothing got through the relay', signal).then(
        () => null,
        (error: ClientError) => error,
      )
    }),
  )
  const aborted = results.find((error) => error?.code === 'aborted')
  if (aborted) throw aborted
  return { out, back, results }
}

class Path implements RelayPath {
  readonly kind: PathKind
  readonly send: (packet: Uint8Array) => boolean
  reach: PeerReach | null = null
  onPacket: (packet: Uint8Array) => void = () => {}
  onFault: (error: ClientError) => void = () => {}
  readonly #opened: readonly { close(): Promise<void> }[]
  readonly #stops: (() => void)[] = []

  constructor(kind: PathKind, send: (packet: Uint8Array) => boolean, opened: readonly { close(): Promise<void> }[]) {
    this.kind = kind
    this.send = send
    this.#opened = opened
  }

  /** Until close(). */
  keep(...clients: readonly TurnClient[]): void {
    for (const client of clients) this.#stops.push(keepAllocation(client, (error) => this.onFault(error)))
  }

  async close(): Promise<void> {
    for (const stop of this.#stops) stop()
    for (const one of this.#opened) await one.close()
  }
}

/** Over streams a fault is their end; an ICMP error over UDP is a lost packet. */
function watch(path: RelayPath, ...clients: readonly TurnClient[]): void {
  for (const client of clients) {
    client.onFault = (error) => {
      if (client.transport.isReliable || error.code === 'connection-closed') path.onFault(error)
    }
  }
}

/** Resolves when a packet has arrived. */
function tryPath(path: RelayPath, sentence: string, signal?: AbortSignal): Promise<void> {
  const packet = randomBytes(16)
  let timers: NodeJS.Timeout[] = []
  const arrived = new Promise<void>((resolve, reject) => {
    path.onPacket = (bytes) => {
      if (packet.equals(bytes)) resolve()
    }
    path.onFault = reject
    const late = () =>
      reject(new ClientError('no-answer', `${sentence} within ${PROBE_PATH_MILLISECONDS_MAX / 1000} s`))
    const again = () => {
      if (signal?.aborted) reject(new ClientError('aborted', 'given up'))
      path.send(packet)
    }
    timers = [setTimeout(late, PROBE_PATH_MILLISECONDS_MAX), setInterval(again, PROBE_PATH_INTERVAL_MILLISECONDS)]
    again()
  })
  return arrived.finally(() => {
    for (const timer of timers) clearTimeout(timer)
    path.onPacket = () => {}
    path.onFault = () => {}
  })
}

function relayedOf({ allocation }: TurnClient) {
  if (allocation === null) throw new ClientError('no-allocation', 'the allocation has ended')
  return allocation.relayed
}
