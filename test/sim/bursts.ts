// Datagrams that arrive together: runs of equal length as media and transfers make them, mixed sizes, several flows one after the other
// or interleaved, with requests in their midst that open, bind and close what the data need. An engine gets them in one round.
import * as stun from '../../src/stun/constants.js'
import type { SeededRandom } from '../support/random.js'
import { familyOf } from './address-text.js'
import { ALLOWED_PEERS } from './scenario.js'
import type { RequestWish } from './sent-request.js'
import type { SimClient } from './sim-client.js'
import type { World } from './world.js'

type Delivery = () => void

/** Bytes of a payload beside its header: comfort noise, audio, video, as much as Ethernet carries, more. */
const FILL_LENGTHS: readonly number[] = [-1, 0, 12, 164, 164, 164, 1000, 1180, 1350, 1456, 1465, 3000]
const HUGE_FILL_LENGTHS: readonly number[] = [20_000, 40_000, 65_000]
const RUN_LENGTHS: readonly number[] = [2, 3, 5, 8, 16, 24, 68]
/** More than an engine takes in one go, where they do not coalesce. */
const FLOOD_RUN_LENGTH = 280
const FLOW_COUNT_MAX = 4
/** Congestion experienced (RFC 3168). */
const ECN_MARKED = 3
const CLOSE_WISH: RequestWish = { method: stun.METHOD_REFRESH, lifetimeSeconds: 0 }
const CHANNEL_NUMBERS: readonly number[] = [0x4000, 0x4001, 0x4002]

export function sendBurst(world: World, client: SimClient): void {
  const { random } = world
  const flows: Delivery[][] = []
  const isFlood = random.oneIn(40)
  const flowCount = isFlood ? FLOW_COUNT_MAX : 1 + random.nextInt(FLOW_COUNT_MAX)
  for (let index = 0; index < flowCount; index++) {
    const other = index === 0 || random.oneIn(3) ? client : random.pick(world.clients)
    if (other.isStream || other.isGone) continue
    const flow = drawFlow(world, other, isFlood)
    // What has been sent must leave before the socket closes.
    if (random.oneIn(4)) flow.push(...requests(world, other, [CLOSE_WISH]))
    flows.push(flow)
  }
  world.coverage.count('burst: sent')
  world.network.postBurst(world.peerLink, random.oneIn(2) ? flows.flat() : interleaved(random, flows))
}

/** Data on a channel that has just expired, which is bound anew in between, to another peer. */
export function rebindInBurst(world: World, client: SimClient, channelNumber: number, peers: readonly string[]): void {
  const { random } = world
  const data = (peer: string) => world.clientData(client.fiveTuple, channelNumber, peer, random.pick(FILL_LENGTHS))
  const deliveries: Delivery[] = []
  for (const peer of peers) {
    deliveries.push(
      world.request(client, world.makeRequest(client, bindWish(channelNumber, peer))),
      data(peer),
      data(peer),
    )
  }
  world.coverage.count('burst: channel bound anew')
  world.network.postBurst(world.peerLink, deliveries)
}

function drawFlow(world: World, client: SimClient, isFlood: boolean): Delivery[] {
  const { random } = world
  const kind = random.nextInt(10)
  if (kind < 4) return channelFlow(world, client, isFlood)
  if (kind < 5) return sendFlow(world, client, isFlood)
  if (kind < 9) return peerFlow(world, client, isFlood)
  return drawRequests(world, client)
}

function channelFlow(world: World, client: SimClient, isFlood: boolean): Delivery[] {
  const channels = [...client.channels]
  if (channels.length === 0) return isFlood ? sendFlow(world, client, true) : drawRequests(world, client)
  const [channelNumber, peer] = world.random.pick(channels)
  return drawPackets(world, isFlood, (length, trafficClass) => {
    return world.clientData(client.fiveTuple, channelNumber, peer, length, trafficClass)
  })
}

function sendFlow(world: World, client: SimClient, isFlood: boolean): Delivery[] {
  if (client.permitted.length === 0 && !isFlood) return drawRequests(world, client)
  const peer = world.random.pick(client.permitted.length > 0 ? client.permitted.slice(-4) : ALLOWED_PEERS)
  return drawPackets(world, isFlood, (length, trafficClass) => {
    return world.clientData(client.fiveTuple, 0, peer, length, trafficClass)
  })
}

function peerFlow(world: World, client: SimClient, isFlood: boolean): Delivery[] {
  const { random } = world
  const relayed = client.relayed.length > 0 ? random.pick(client.relayed) : null
  const bound = relayed !== null && client.channels.size > 0 && random.oneIn(2)
  const known = bound ? [...client.channels.values()] : client.permitted.slice(-4)
  const sources = known.filter((peer) => relayed !== null && familyOf(peer) === familyOf(relayed))
  if (relayed === null || sources.length === 0) {
    return isFlood ? sendFlow(world, client, true) : drawRequests(world, client)
  }
  const source = world.driver.model.sockets.boundNameOf(random.pick(sources))
  return drawPackets(world, isFlood, (length, trafficClass) => world.peerData(source, relayed, length, trafficClass))
}

/** The packets of a flow have one traffic class, but for those that a router has marked. */
function drawPackets(
  world: World,
  isFlood: boolean,
  make: (length: number, trafficClass: number) => Delivery,
): Delivery[] {
  const { random } = world
  const trafficClass = world.drawTrafficClass()
  return drawLengths(random, isFlood).map((length) =>
    make(length, random.oneIn(40) ? trafficClass | ECN_MARKED : trafficClass),
  )
}

/** Lengths of a flow's payloads: mostly equal ones, the last one shorter. */
function drawLengths(random: SeededRandom, isFlood: boolean): number[] {
  if (random.oneIn(60)) return [random.pick(HUGE_FILL_LENGTHS)]
  const length = random.pick(FILL_LENGTHS)
  const lengths = new Array<number>(isFlood ? FLOOD_RUN_LENGTH : random.pick(RUN_LENGTHS)).fill(length)
  if (random.oneIn(3)) lengths[lengths.length - 1] = random.nextInt(length + 2) - 1
  if (random.oneIn(3)) lengths[random.nextInt(lengths.length)] = random.pick(FILL_LENGTHS)
  return lengths
}

/** What changes the ground under data that arrive in the same round. */
function drawRequests(world: World, client: SimClient): Delivery[] {
  const { random } = world
  const peer = random.pick([...client.permitted.slice(-3), '1.2.3.4:6000'])
  const wishes: RequestWish[] = random.pick([
    [CLOSE_WISH],
    // A socket closes and another one opens, which gets its number.
    [CLOSE_WISH, { method: stun.METHOD_ALLOCATE }],
    [{ method: stun.METHOD_ALLOCATE, isDual: true }],
    [bindWish(random.pick(CHANNEL_NUMBERS), peer)],
    [{ method: stun.METHOD_CREATE_PERMISSION, peers: [peer] }],
  ])
  return requests(world, client, wishes)
}

function requests(world: World, client: SimClient, wishes: readonly RequestWish[]): Delivery[] {
  return wishes.map((wish) => world.request(client, world.makeRequest(client, wish)))
}

function bindWish(channelNumber: number, peer: string): RequestWish {
  return { method: stun.METHOD_CHANNEL_BIND, channelNumber, peers: [peer] }
}

/** One of each in turn, the order of each being kept. */
function interleaved(random: SeededRandom, flows: readonly Delivery[][]): Delivery[] {
  const rests = flows.map((flow) => [...flow])
  const merged: Delivery[] = []
  for (;;) {
    const left = rests.filter(({ length }) => length > 0)
    if (left.length === 0) return merged
    merged.push(random.pick(left).shift() as Delivery)
  }
}
