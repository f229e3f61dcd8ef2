// A client as an operator sees it: plain data, made of an allocation at one moment.
import type { Client, ClientDetail } from '../../admin/schema/clients.js'
import { CHANNELS_OF_DETAIL_COUNT_MAX, PERMISSIONS_OF_DETAIL_COUNT_MAX } from '../../limits/reports.js'
import { formatHost } from '../../stun/address.js'
import { type Allocation, TICKS_PER_SECOND } from '../../turn/allocation.js'
import type { TurnCore } from '../../turn/core.js'
import { waysOf } from '../reports.js'

const MILLISECONDS_PER_TICK = 1000 / TICKS_PER_SECOND
/** More than ticks that are late make out. */
const CLOCK_CHANGE_MILLISECONDS_MIN = 1_000

/** What a core knows of time, and people. The same moment is always the same text, but after the wall clock was set. */
export class WallClock {
  readonly #core: TurnCore
  /** Tick 0 in Unix time. */
  #startMs = Number.NEGATIVE_INFINITY

  constructor(core: TurnCore) {
    this.#core = core
  }

  isoTimeOf(tick: number): string {
    const startMs = Date.now() - this.#core.now * MILLISECONDS_PER_TICK
    if (Math.abs(startMs - this.#startMs) > CLOCK_CHANGE_MILLISECONDS_MIN) this.#startMs = startMs
    return new Date(this.#startMs + tick * MILLISECONDS_PER_TICK).toISOString()
  }
}

export function describeClient(core: TurnCore, clock: WallClock, allocation: Allocation, id: string): Client {
  const [packetsFromClient, bytesFromClient, packetsToClient, bytesToClient] = allocation.counters
  const { now } = core
  const relays = allocation.relays()
  const { relayTransport, transport } = waysOf(allocation)
  return {
    id,
    user: allocation.username,
    client: allocation.fiveTuple.client.toString(),
    transport,
    relayed: relays.map(({ advertised }) => advertised.toString()),
    relayTransport,
    createdTime: clock.isoTimeOf(allocation.createdAt),
    expiresInSeconds: Math.max(0, ...relays.map(({ expiresAt }) => secondsUntil(expiresAt, now))),
    permissionCount: countLive(allocation.livePermissions(now)),
    channelCount: countLive(allocation.liveChannels(now)),
    packetsFromClient,
    bytesFromClient,
    packetsToClient,
    bytesToClient,
  }
}

export function describeDetail(core: TurnCore, clock: WallClock, allocation: Allocation, id: string): ClientDetail {
  const { now } = core
  const permissions = [...firstOf(allocation.livePermissions(now), PERMISSIONS_OF_DETAIL_COUNT_MAX)]
  const channels = [...firstOf(allocation.liveChannels(now), CHANNELS_OF_DETAIL_COUNT_MAX)]
  const { errorResponsesSent, requestsReceived, successResponsesSent } = allocation
  return {
    ...describeClient(core, clock, allocation, id),
    relays: allocation.relays().map(({ address, advertised, expiresAt }) => ({
      relayed: advertised.toString(),
      bound: address.toString(),
      expiresInSeconds: secondsUntil(expiresAt, now),
    })),
    permissions: permissions.map(({ address, expiresAt }) => ({
      peer: formatHost(address),
      expiresInSeconds: secondsUntil(expiresAt, now),
    })),
    channels: channels.map(({ channelNumber, expiresAt, peer }) => ({
      number: `0x${channelNumber.toString(16).toUpperCase()}`,
      peer: peer.toString(),
      expiresInSeconds: secondsUntil(expiresAt, now),
    })),
    requestsReceived,
    successResponsesSent,
    errorResponsesSent,
  }
}

function secondsUntil(tick: number, now: number): number {
  return Math.max(0, Math.round((tick - now) / TICKS_PER_SECOND))
}

function countLive(live: Iterable<unknown>): number {
  let count = 0
  for (const _ of live) count++
  return count
}

function* firstOf<Item>(items: Iterable<Item>, countMax: number): IterableIterator<Item> {
  let count = 0
  for (const item of items) {
    if (count++ >= countMax) return
    yield item
  }
}
