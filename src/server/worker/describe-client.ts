// A client as an operator sees it: plain data, made of an allocation at one moment.
import type { Client, ClientDetail } from '../../admin/schema/clients.js'
import { CHANNELS_OF_DETAIL_COUNT_MAX, PERMISSIONS_OF_DETAIL_COUNT_MAX } from '../../limits/reports.js'
import { formatHost } from '../../stun/address.js'
import { type Allocation, type Relay, TICKS_PER_SECOND } from '../../turn/allocation.js'
import type { TurnCore } from '../../turn/core.js'
import { waysOf } from '../reports.js'

const MILLISECONDS_PER_TICK = 1000 / TICKS_PER_SECOND

export function describeClient(core: TurnCore, allocation: Allocation, id: string): Client {
  const [packetsFromClient, bytesFromClient, packetsToClient, bytesToClient] = allocation.counters
  const { now } = core
  const relays = relaysOf(allocation)
  const { relayTransport, transport } = waysOf(allocation)
  return {
    id,
    user: allocation.username,
    client: allocation.fiveTuple.client.toString(),
    transport,
    relayed: relays.map(({ advertised }) => advertised.toString()),
    relayTransport,
    createdTime: new Date(Date.now() - (now - allocation.createdAt) * MILLISECONDS_PER_TICK).toISOString(),
    expiresInSeconds: Math.max(0, ...relays.map(({ expiresAt }) => secondsUntil(expiresAt, now))),
    permissionCount: countLive(allocation.livePermissions(now)),
    channelCount: countLive(allocation.liveChannels(now)),
    packetsFromClient,
    bytesFromClient,
    packetsToClient,
    bytesToClient,
  }
}

export function describeDetail(core: TurnCore, allocation: Allocation, id: string): ClientDetail {
  const { now } = core
  const permissions = [...firstOf(allocation.livePermissions(now), PERMISSIONS_OF_DETAIL_COUNT_MAX)]
  const channels = [...firstOf(allocation.liveChannels(now), CHANNELS_OF_DETAIL_COUNT_MAX)]
  const { errorResponsesSent, requestsReceived, successResponsesSent } = allocation
  return {
    ...describeClient(core, allocation, id),
    relays: relaysOf(allocation).map(({ address, advertised, expiresAt }) => ({
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

export function relaysOf({ relay4, relay6 }: Allocation): Relay[] {
  return [relay4, relay6].filter((relay): relay is Relay => relay !== null)
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
