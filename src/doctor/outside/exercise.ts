// Relays in use: allocations are made, and packets go through them as in a call, from a peer of the doctor's own and back, and from one relay to
// another. In this order, since what a relay sends out opens a stateful firewall for what comes in:
//
//   1. peer → relay      before anything has left the relay
//   2. relay → peer
//   3. peer → relay      again, now that something has left
//   4. large packets both ways; relay → relay

import { allocate } from '../../client/allocate.js'
import { StunError } from '../../client/client-error.js'
import { OutsidePeer } from '../../client/outside-peer.js'
import { TurnClient } from '../../client/turn-client.js'
import { DOCTOR_RELAY_COUNT } from '../../limits/doctor.js'
import { formatHost, hostAddress, parseTransportAddress, type TransportAddress } from '../../stun/address.js'
import { Arrivals } from './arrivals.js'
import type { OutsideScene, WayState } from './scene.js'

/** What WebRTC sends at most, and what nearly fills a packet of 1,500 bytes. */
export const PACKET_LENGTHS = [1200, 1400] as const

export interface RelayFacts {
  readonly relayed: string
  /** A packet of a peer got in before anything had left. */
  readonly getsIn: boolean
  /** It got in by the address at which the server was reached instead of the relayed one; null: not tried. */
  readonly getsInByReached: boolean | null
  /** What the relay sends gets to the peer. */
  readonly getsOut: boolean
  /** A packet of a peer got in after something had left. */
  readonly getsInAfterwards: boolean
}

export interface ExerciseFacts {
  /** Where the server was reached. */
  readonly reachedHost: string
  /** UDP to the server's own port works from here. */
  readonly isUdpOpen: boolean
  readonly relays: readonly RelayFacts[]
  /** As the relays see the peer. */
  readonly peerHost: string
  /** 0: the server relays for the peer; else the code of its refusal. */
  readonly permissionCode: number
  /** 0: from relay to relay a packet arrives; -1: it does not; -2: there were not two relays; else the code of a refusal. */
  readonly hairpin: number
  /** Lengths that got through in both directions; null where none was tried. */
  readonly lengths: readonly number[] | null
}

export const HAIRPIN_LOST = -1
export const HAIRPIN_NOT_TRIED = -2

/** Needs credentials that are good. Rejects with a ClientError if there is no allocation at all. */
export async function exerciseRelays(scene: OutsideScene): Promise<ExerciseFacts> {
  const main = await scene.mainWay()
  const states = await scene.survey()
  const isUdpOpen = states.some(({ outcome, way }) => way.transport === 'udp' && outcome === 'answers')
  const reached = main.address!
  const clients = await allocateSeveral(scene)
  const peer = await OutsidePeer.open(peerServer(states, reached))
  try {
    const mapped = await mappedAddressOf(peer, clients[0], scene, isUdpOpen)
    const run = new Exercise(clients, peer, mapped, scene)
    const permissionCode = await run.permit()
    const relays = await run.relay(permissionCode === 0, formatHost(reached))
    const lengths = await run.lengths(relays)
    const common = { reachedHost: formatHost(reached), isUdpOpen, peerHost: formatHost(mapped) }
    return { ...common, permissionCode, relays, lengths, hairpin: await run.hairpin() }
  } finally {
    await Promise.all([peer.close(), ...clients.map((client) => client.close())])
  }
}

/** At least one; a quota may allow no more. */
async function allocateSeveral(scene: OutsideScene): Promise<TurnClient[]> {
  const allocateOne = async () => {
    const client = await scene.openClient(scene.credentials())
    await allocate(client)
    return client
  }
  const first = await allocateOne()
  const others = await Promise.allSettled(Array.from({ length: DOCTOR_RELAY_COUNT - 1 }, allocateOne))
  return [first, ...others.flatMap((other) => (other.status === 'fulfilled' ? [other.value] : []))]
}

/** Where the peer asks who it is: a UDP port of the server, one that answers if there is one. */
export function peerServer(states: readonly WayState[], reached: TransportAddress): TransportAddress {
  const ways = states.filter(({ way }) => way.transport === 'udp')
  const udp = ways.find(({ outcome }) => outcome === 'answers') ?? ways[0]
  return udp?.address ?? hostAddress(formatHost(reached), udp?.way.port ?? reached.port)!
}

/** Where UDP does not get through, the client's address over another transport is the best guess. */
async function mappedAddressOf(
  peer: OutsidePeer,
  client: TurnClient,
  scene: OutsideScene,
  isUdpOpen: boolean,
): Promise<TransportAddress> {
  const asked = isUdpOpen
    ? await new TurnClient(peer, { answerMilliseconds: scene.patienceMs }).bind().catch(() => null)
    : null
  if (asked !== null) return asked.mapped
  const guess = (client.allocation?.mapped ?? client.transport.localAddress).clone()
  guess.port = peer.localAddress.port
  return guess
}

class Exercise {
  readonly #clients: readonly TurnClient[]
  readonly #peer: OutsidePeer
  readonly #mapped: TransportAddress
  readonly #patienceMs: number
  readonly #arrivals: Arrivals

  constructor(
    clients: readonly TurnClient[],
    peer: OutsidePeer,
    mapped: TransportAddress,
    { patienceMs, signal }: OutsideScene,
  ) {
    this.#clients = clients
    this.#peer = peer
    this.#mapped = mapped
    this.#patienceMs = patienceMs
    this.#arrivals = new Arrivals(signal)
    peer.onDatagram = (from, datagram) => this.#arrivals.note(from.toString(), datagram)
    for (const client of clients) client.onData = (from, data) => this.#arrivals.note(from.toString(), data)
  }

  /** 0, or the code of the refusal. */
  async permit(): Promise<number> {
    const codes = await Promise.all(
      this.#clients.map((client) => codeOf(client.createPermission(...this.#sources(client)))),
    )
    return codes.find((code) => code !== 0) ?? 0
  }

  /** Some NATs give each flow another address of theirs. */
  #sources({ allocation }: TurnClient): TransportAddress[] {
    const other = allocation?.mapped ?? null
    const isNew = other !== null && other.family === this.#mapped.family && !other.equalsHost(this.#mapped)
    return isNew ? [this.#mapped, other] : [this.#mapped]
  }

  async relay(isPermitted: boolean, reachedHost: string): Promise<RelayFacts[]> {
    const relayed = this.#clients.map((client) => client.allocation!.relayed)
    const nothing = relayed.map((address) => ({
      relayed: `${address}`,
      getsIn: false,
      getsInByReached: null,
      getsOut: false,
      getsInAfterwards: false,
    }))
    if (!isPermitted) return nothing
    const ins = await Promise.all(
      relayed.map(async (address) => {
        const byReached = formatHost(address) === reachedHost ? null : hostAddress(reachedHost, address.port)
        const [from, fromReached] = await Promise.all([
          this.#in(address),
          byReached === null ? null : this.#in(byReached),
        ])
        return { from, getsInByReached: byReached === null ? null : fromReached !== null }
      }),
    )
    const outs = await Promise.all(this.#clients.map((client, index) => this.#out(client, ins[index].from)))
    const again = await Promise.all(
      relayed.map(async (address, index) => {
        if (ins[index].from !== null) return true
        // What leaves from another address than the one that clients are told opens nothing for that one.
        const mayOpen = outs[index] && formatHost(address) === reachedHost
        return mayOpen && (await this.#in(address)) !== null
      }),
    )
    return nothing.map((facts, index) => ({
      ...facts,
      ...{
        getsIn: ins[index].from !== null,
        getsInByReached: ins[index].getsInByReached,
        getsOut: outs[index],
        getsInAfterwards: again[index],
      },
    }))
  }

  /** Lengths that get through both ways. */
  async lengths(relays: readonly RelayFacts[]): Promise<number[] | null> {
    const index = relays.findIndex(({ getsInAfterwards, getsOut }) => getsInAfterwards && getsOut)
    if (index < 0) return null
    const [client, relayed] = [this.#clients[index], parseTransportAddress(relays[index].relayed)!]
    const passed = await Promise.all(
      PACKET_LENGTHS.map(async (length) => {
        const ways = await Promise.all([this.#in(relayed, length), this.#out(client, null, length)])
        return ways[0] !== null && ways[1] ? [length] : []
      }),
    )
    return passed.flat()
  }

  async hairpin(): Promise<number> {
    const [one, other] = this.#clients
    if (other === undefined) return HAIRPIN_NOT_TRIED
    const [from, to] = [one.allocation!.relayed, other.allocation!.relayed]
    const codes = await Promise.all([codeOf(one.createPermission(to)), codeOf(other.createPermission(from))])
    const refused = codes.find((code) => code !== 0)
    if (refused !== undefined) return refused
    const arrived = await this.#arrivals.expect((packet) => one.send(to, packet), this.#patienceMs)
    return arrived === null ? HAIRPIN_LOST : 0
  }

  /** From the peer; the peer's address as the relay sees it. */
  #in(relayed: TransportAddress, length?: number): Promise<string | null> {
    return this.#arrivals.expect((packet) => this.#peer.sendTo(relayed, packet), this.#patienceMs, length)
  }

  /** @param seen the peer as the relay has seen it, which a NAT may show otherwise than to the server's own port */
  async #out(client: TurnClient, seen: string | null, length?: number): Promise<boolean> {
    const to = (seen === null ? null : parseTransportAddress(seen)) ?? this.#mapped
    return (await this.#arrivals.expect((packet) => client.send(to, packet), this.#patienceMs, length)) !== null
  }
}

/** 0 for a success. What is no answer is thrown. */
async function codeOf(request: Promise<unknown>): Promise<number> {
  try {
    await request
    return 0
  } catch (error) {
    if (error instanceof StunError) return error.number
    throw error
  }
}
