// What the server must believe, derived from requests, answers, openings and the virtual clock alone: a second, naive book-keeping
// against which the core's effects are judged. It never reads the core's permissions, channels or reservations.
import { hostOf, portOf } from './address-text.js'
import { RelaySockets } from './relay-sockets.js'
import { ALLOWED_PEERS, type HostPair, type Scenario } from './scenario.js'
import type { SentRequest } from './sent-request.js'

export interface RelayModel {
  readonly relayId: number
  readonly family: 4 | 6
  readonly bound: string
  readonly advertised: string
  expiresAt: number
}

export interface AllocationModel {
  readonly key: string
  readonly request: SentRequest
  readonly relays: Map<number, RelayModel>
  /** Until when, by the peer's IP address. */
  readonly permissions: Map<string, number>
  readonly channels: Map<number, { readonly peer: string; expiresAt: number }>
  readonly answer: Uint8Array
  /** One of two relays has gone: the answer can no longer be repeated literally. */
  isHalved: boolean
}

/** An Allocate that has asked for sockets and has no answer yet. */
export interface OpeningModel {
  readonly key: string
  readonly request: SentRequest
  readonly relayIds: Set<number>
}

export interface ReservationModel {
  readonly token: string
  readonly username: string
  readonly bound: string
  readonly expiresAt: number
}

export class WireModel {
  readonly scenario: Scenario
  readonly sockets: RelaySockets
  readonly allocations = new Map<string, AllocationModel>()
  readonly openings = new Map<string, OpeningModel>()
  /** By token, in hexadecimal. */
  readonly reservations = new Map<string, ReservationModel>()
  /** Where and when (seconds) each nonce was handed out. */
  readonly nonces = new Map<string, { readonly address: string; readonly seconds: number }>()
  /** The first answer to each request, by its id. */
  readonly answers = new Map<string, Uint8Array>()
  isDraining = false
  now = 0

  constructor(scenario: Scenario) {
    this.scenario = scenario
    this.sockets = new RelaySockets(scenario)
  }

  /** Places in the licence, of one user or of all. */
  heldCount(username: string | null): number {
    const isCounted = (name: string) => username === null || name === username
    let count = 0
    for (const { request } of this.allocations.values()) if (isCounted(request.username)) count++
    for (const { request } of this.openings.values()) {
      if (isCounted(request.username)) count += request.evenPort === 'and-next' ? 2 : 1
    }
    for (const reservation of this.reservations.values()) if (isCounted(reservation.username)) count++
    return count
  }

  /** Ports that must be taken: sockets, reservations, and what will be reserved when an opening succeeds. */
  heldPorts(): Set<string> {
    const held = new Set<string>()
    for (const socket of this.sockets.byRelay.values()) held.add(socket.bound)
    for (const reservation of this.reservations.values()) held.add(reservation.bound)
    for (const { request, relayIds } of this.openings.values()) {
      if (request.evenPort !== 'and-next') continue
      for (const relayId of relayIds) {
        const socket = this.sockets.byRelay.get(relayId)
        if (socket !== undefined) held.add(nextPortOf(socket.bound))
      }
    }
    return held
  }

  allocationOfRelay(relayId: number): AllocationModel | null {
    for (const allocation of this.allocations.values()) if (allocation.relays.has(relayId)) return allocation
    return null
  }

  relayOfFamily(allocation: AllocationModel, family: 4 | 6): RelayModel | null {
    for (const relay of allocation.relays.values()) if (relay.family === family) return relay
    return null
  }

  hasPermission(allocation: AllocationModel, host: string): boolean {
    return (allocation.permissions.get(host) ?? 0) > this.now
  }

  /** The live channel of this number, or bound to this peer. */
  channelOf(allocation: AllocationModel, channelNumber: number): { readonly peer: string } | null {
    const channel = allocation.channels.get(channelNumber)
    return channel !== undefined && channel.expiresAt > this.now ? channel : null
  }

  channelNumberOf(allocation: AllocationModel, peer: string): number {
    for (const [number, channel] of allocation.channels) {
      if (channel.peer === peer && channel.expiresAt > this.now) return number
    }
    return 0
  }

  liveChannelCount(allocation: AllocationModel): number {
    return [...allocation.channels.values()].filter((channel) => channel.expiresAt > this.now).length
  }

  /** IP addresses that need a permission's place: permitted ones, and those of live channels. */
  permissionHosts(allocation: AllocationModel): Set<string> {
    const hosts = new Set<string>()
    for (const [host, expiresAt] of allocation.permissions) if (expiresAt > this.now) hosts.add(host)
    for (const channel of allocation.channels.values()) {
      if (channel.expiresAt > this.now) hosts.add(hostOf(channel.peer))
    }
    return hosts
  }

  /** May data go to, or come from, this transport address? */
  isPeerAllowed(allocation: AllocationModel, peer: string): boolean {
    const host = this.sockets.hostNamed(hostOf(peer))
    if (host === null) return ALLOWED_PEERS.includes(peer)
    if (!this.sockets.isInRange(portOf(peer))) return false
    const socket = this.sockets.at(this.sockets.boundNameOf(peer))
    return socket?.isLive === true && !allocation.relays.has(socket.relayId)
  }

  /** May some port of this IP address be reached? */
  isHostAllowed(allocation: AllocationModel, name: string): boolean {
    const host = this.sockets.hostNamed(name)
    if (host === null) return ALLOWED_PEERS.some((peer) => hostOf(peer) === name)
    return this.sockets.liveCount(host) > this.#ownCount(allocation, host)
  }

  endAllocation(key: string): void {
    this.allocations.delete(key)
  }

  /** One of two relays has gone, with everything of its family. */
  halve(allocation: AllocationModel, relayId: number): void {
    const family = allocation.relays.get(relayId)?.family
    allocation.relays.delete(relayId)
    allocation.isHalved = true
    for (const host of allocation.permissions.keys()) {
      if (host.includes(':') === (family === 6)) allocation.permissions.delete(host)
    }
    for (const [number, { peer }] of allocation.channels) {
      if (peer.startsWith('[') === (family === 6)) allocation.channels.delete(number)
    }
  }

  #ownCount(allocation: AllocationModel, host: HostPair): number {
    return [...allocation.relays.values()].filter((relay) => hostOf(relay.bound) === host.bound).length
  }
}

export function nextPortOf(address: string): string {
  return address.replace(/\d+$/, (port) => String(Number(port) + 1))
}
