// What clients and peers do, drawn at random with fixed weights: mostly sensible, sometimes not.
import * as stun from '../../src/stun/constants.js'
import { withPort } from './address-text.js'
import { sendBurst } from './bursts.js'
import { ALLOWED_PEERS, FORBIDDEN_PEERS, USERS } from './scenario.js'
import type { Identity, RequestWish } from './sent-request.js'
import type { SimClient } from './sim-client.js'
import type { World } from './world.js'

type Action = (world: World, client: SimClient) => void

/** Weights and deeds of a client that believes to have an allocation. */
const ALLOCATED_ACTIONS: readonly (readonly [number, Action])[] = [
  [26, sendChannelData],
  [22, sendIndication],
  [10, createPermission],
  [12, channelBind],
  [6, call],
  [8, sendBurst],
  [5, refresh],
  [3, deallocate],
  [3, allocate],
  [6, repeat],
  [2, misbehave],
  [2, vanish],
]
const IDLE_ACTIONS: readonly (readonly [number, Action])[] = [
  [70, allocate],
  [8, repeat],
  [6, misbehave],
  [4, binding],
  [4, refresh],
  [4, sendIndication],
  [4, channelBind],
  [4, createPermission],
  [1, vanish],
]
const LIFETIMES: readonly number[] = [-1, 1, 600, 700, 3600, 100_000]
const CHANNEL_NUMBERS: readonly number[] = [0x4000, 0x4001, 0x4002, 0x4003, 0x4fff]
const WRONG_CHANNEL_NUMBERS: readonly number[] = [0x3fff, 0x5000, 0, 0xffff]

export function actAsClient(world: World, client: SimClient): void {
  if (client.isGone) {
    if (world.random.oneIn(6)) restart(world, client)
  } else if (client.isBlocked && world.random.oneIn(2)) {
    deallocate(world, client)
  } else {
    draw(world, client.relayed.length > 0 ? ALLOCATED_ACTIONS : IDLE_ACTIONS)(world, client)
  }
}

/** A peer, or a stranger that forges an address, sends to a relay that it has heard of. */
export function actAsPeer(world: World): void {
  const { random, knownRelays } = world
  if (knownRelays.length === 0) return
  const relayed = random.pick(knownRelays.slice(-6))
  const sources = random.oneIn(4) ? FORBIDDEN_PEERS : ALLOWED_PEERS
  const source = random.pick(sources.filter((peer) => peer.startsWith('[') === relayed.startsWith('[')))
  world.sendFromPeer(source, relayed, random.nextInt(60) - 1)
}

/** A request whose source is one of our own relays. */
export function actAsNestedClient(world: World, client: SimClient): void {
  const live = [...world.driver.model.sockets.byRelay.values()].filter((socket) => socket.isLive)
  const request = client.sent.at(-1)
  if (live.length === 0 || request === undefined) return
  const { bound, advertised } = world.random.pick(live)
  world.nestedRequest(world.random.pick([bound, advertised]), request.bytes)
}

export function randomIdentity(world: World): Identity {
  const { random } = world
  return {
    ...random.pick(USERS),
    integrity: random.oneIn(3) ? 'sha256' : 'sha1',
    fingerprint: random.oneIn(3),
  }
}

function draw(world: World, actions: readonly (readonly [number, Action])[]): Action {
  let ticket = world.random.nextInt(actions.reduce((sum, [weight]) => sum + weight, 0))
  for (const [weight, action] of actions) {
    ticket -= weight
    if (ticket < 0) return action
  }
  throw new RangeError('a ticket beyond all weights')
}

function allocate(world: World, client: SimClient): void {
  const { random } = world
  const wish: RequestWish = { method: stun.METHOD_ALLOCATE, lifetimeSeconds: random.pick(LIFETIMES) }
  const kind = random.nextInt(12)
  if (kind === 0 && world.knownTokens.length > 0) {
    const { token } = random.pick(world.knownTokens.slice(-3))
    world.sendRequest(client, { ...wish, token })
  } else if (kind < 3) {
    claimOrReserve(world, client, wish)
  } else if (kind < 6) {
    world.sendRequest(client, { ...wish, isDual: true, evenPort: random.oneIn(6) ? 'alone' : 'no' })
  } else if (kind < 8) {
    world.sendRequest(client, { ...wish, family: random.oneIn(4) ? 4 : 6 })
  } else {
    world.sendRequest(client, wish)
  }
}

/** The owner of the latest token claims it; without one, a pair is asked for. */
function claimOrReserve(world: World, client: SimClient, wish: RequestWish): void {
  const { random, knownTokens } = world
  const latest = knownTokens.at(-1)
  if (latest !== undefined && latest.username === client.identity.username && random.oneIn(2)) {
    world.sendRequest(client, { ...wish, token: latest.token })
  } else {
    world.sendRequest(client, { ...wish, evenPort: random.oneIn(4) ? 'alone' : 'and-next' })
  }
}

function binding(world: World, client: SimClient): void {
  world.sendRequest(client, { method: stun.METHOD_BINDING, hasCredential: false })
}

function refresh(world: World, client: SimClient): void {
  const { random } = world
  const family = random.oneIn(4) ? random.pick([4, 6] as const) : 0
  world.sendRequest(client, { method: stun.METHOD_REFRESH, lifetimeSeconds: random.pick(LIFETIMES), family })
}

function deallocate(world: World, client: SimClient): void {
  const family = world.random.oneIn(3) ? world.random.pick([4, 6] as const) : 0
  world.sendRequest(client, { method: stun.METHOD_REFRESH, lifetimeSeconds: 0, family })
}

function createPermission(world: World, client: SimClient): void {
  const { random } = world
  const count = random.pick([1, 1, 2, 3])
  const peers = Array.from({ length: count }, () => pickPeer(world, client))
  // Some are permitted already, or were.
  if (client.permitted.length > 0 && random.oneIn(2)) peers[0] = random.pick(client.permitted)
  world.sendRequest(client, { method: stun.METHOD_CREATE_PERMISSION, peers })
}

function channelBind(world: World, client: SimClient): void {
  const channelNumber = world.random.pick(world.random.oneIn(12) ? WRONG_CHANNEL_NUMBERS : CHANNEL_NUMBERS)
  // Half of the time a binding that the client has already is refreshed.
  const bound = client.channels.get(channelNumber)
  const peer = bound !== undefined && world.random.oneIn(2) ? bound : pickPeer(world, client)
  world.sendRequest(client, { method: stun.METHOD_CHANNEL_BIND, channelNumber, peers: [peer] })
}

function sendChannelData(world: World, client: SimClient): void {
  const { random } = world
  const channels = [...client.channels]
  if (channels.length === 0) {
    channelBind(world, client)
    return
  }
  const [channelNumber, peer] = random.pick(channels)
  world.sendData(client, channelNumber, peer, random.nextInt(60) - 1)
}

function sendIndication(world: World, client: SimClient): void {
  const { random } = world
  const isPermitted = client.permitted.length > 0 && !random.oneIn(4)
  const peer = isPermitted ? random.pick(client.permitted.slice(-6)) : pickPeer(world, client)
  world.sendData(client, 0, peer, random.nextInt(60) - 1)
}

/** Permission and channel with another client, and the other way round. */
function call(world: World, client: SimClient): void {
  const others = world.clients.filter((other) => other !== client && !other.isGone && other.relayed.length > 0)
  if (others.length === 0) return
  const other = world.random.pick(others)
  for (const [caller, called] of [
    [client, other],
    [other, client],
  ]) {
    const channelNumber = world.random.pick(CHANNEL_NUMBERS)
    const peer = world.random.pick(called.relayed)
    if (world.random.oneIn(2))
      world.sendRequest(caller, { method: stun.METHOD_CHANNEL_BIND, channelNumber, peers: [peer] })
    else world.sendRequest(caller, { method: stun.METHOD_CREATE_PERMISSION, peers: [peer] })
  }
}

function repeat(world: World, client: SimClient): void {
  if (client.sent.length > 0) world.repeatRequest(client, world.random.pick(client.sent))
}

/** Wrong passwords, unknown users, other people's allocations, stolen and old nonces. */
function misbehave(world: World, client: SimClient): void {
  const { random } = world
  const method = random.pick([stun.METHOD_ALLOCATE, stun.METHOD_REFRESH, stun.METHOD_REFRESH])
  const nonce = client.nonce === '' ? 'obMatJos2AAAAAAAAAAAAAAAAAAA' : client.nonce
  const change = random.pick([
    { password: 'guess', nonce },
    { username: 'mallory', nonce },
    { nonce: random.pick(world.clients).nonce },
    { nonce: `${nonce.slice(0, -1)}A` },
    { ...random.pick(USERS), nonce },
  ])
  world.sendRequest(client, { method, lifetimeSeconds: random.pick([0, 600]) }, change)
}

/** Without a word over UDP; a connection is seen to close. */
function vanish(world: World, client: SimClient): void {
  client.isGone = true
  world.coverage.count('client: vanished')
  if (client.isStream) world.driver.clientClosed(client.fiveTuple, client.key)
}

/** The same client address, perhaps another user. */
function restart(world: World, client: SimClient): void {
  client.restart(world.random.oneIn(3) ? randomIdentity(world) : client.identity)
  world.coverage.count('client: restarted')
}

/** Other clients' relays, Internet peers, and addresses that are nobody's business. */
function pickPeer(world: World, client: SimClient): string {
  const { random, knownRelays, scenario } = world
  const kind = random.nextInt(10)
  if (kind < 4 && knownRelays.length > 0) return random.pick(knownRelays.slice(-8))
  if (kind < 8) return random.pick(ALLOWED_PEERS.slice(0, random.oneIn(2) ? 5 : undefined))
  if (kind === 8 && client.relayed.length > 0 && random.oneIn(2)) return random.pick(client.relayed)
  if (random.oneIn(2)) return random.pick(FORBIDDEN_PEERS)
  const host = random.pick(scenario.hosts)
  const port = scenario.minPort + random.nextInt(scenario.maxPort - scenario.minPort + 1)
  return withPort(random.oneIn(2) ? host.bound : host.advertised, port)
}
