// Rows "self-relay, nested allocation" and "relay loops": one packet stays one packet.
import { METHOD_ALLOCATE } from '../../../src/stun/constants.js'
import type { TurnClient } from '../../support/turn-client.js'
import { describeAllocate } from '../../support/turn-requests.js'
import { addressOf } from '../../support/udp-peer.js'
import type { Attack, AttackReport } from '../attack.js'
import { type Ground, HOST, takeData } from '../ground.js'

const CHANNEL = 0x4300
const PACKETS_PER_STEP = 20
const STEP_MILLISECONDS = 10

/** A's peer is B's relay, and B's peer is A's relay. */
async function relayLoop(ground: Ground): Promise<AttackReport> {
  const [a, b] = [await ground.allocation(), await ground.allocation()]
  const failures: string[] = []
  for (const [client, other] of [
    [a, b],
    [b, a],
  ]) {
    const { code } = await client.bindChannel(CHANNEL, other.relay)
    if (code !== 0) failures.push(`ChannelBind to another relay: ${code}`)
  }
  const start = performance.now()
  let sent = 0
  while (performance.now() - start < ground.milliseconds) {
    for (let count = 0; count < PACKETS_PER_STEP; count++) a.sendChannelData(CHANNEL, `packet ${sent++}`)
    await new Promise((resolve) => setTimeout(resolve, STEP_MILLISECONDS))
  }
  const milliseconds = performance.now() - start
  await a.settle()
  await b.settle()
  const [back, arrived] = [takeData(a).length, takeData(b).length]
  if (back > 0) failures.push(`${back} packets came back`)
  if (arrived === 0 || arrived > sent) failures.push(`${arrived} of ${sent} packets arrived`)
  return {
    ...ground.traffic,
    milliseconds,
    failures,
    notes: [`${arrived} of ${sent} packets arrived, ${back} came back`],
  }
}

/** To oneself, and to the server: as a client of a client of the server. */
async function nested(ground: Ground): Promise<AttackReport> {
  const client = await ground.allocation()
  const self = client.relay
  const server = addressOf(HOST, ground.port())
  const failures = new Set<string>()
  for (const [name, peer] of [
    ['itself', self],
    ['the server', server],
  ] as const) {
    const { code } = await client.bindChannel(CHANNEL, peer)
    if (code !== 403) failures.add(`ChannelBind to ${name}: ${code}`)
  }
  // The address as such may be reached, on other ports.
  const { code } = await client.createPermission(self)
  if (code !== 0) failures.add(`CreatePermission for ${HOST}: ${code}`)
  const start = performance.now()
  while (performance.now() - start < ground.milliseconds) {
    for (let count = 0; count < PACKETS_PER_STEP; count++) knock(client, self, server)
    await new Promise((resolve) => setTimeout(resolve, STEP_MILLISECONDS))
  }
  await client.settle()
  const arrived = takeData(client).length
  if (arrived > 0) failures.add(`${arrived} packets arrived`)
  return { ...ground.traffic, milliseconds: performance.now() - start, failures: [...failures] }
}

function knock(client: TurnClient, ...peers: readonly ReturnType<typeof addressOf>[]): void {
  const request = client.message(METHOD_ALLOCATE, describeAllocate, { integrity: 'none' })
  for (const peer of peers) client.sendTo(peer, request)
}

export const LOOPS: readonly Attack[] = [
  {
    name: 'relay-loop',
    title: 'two relays that are each other’s peers',
    threat: 'relay loops',
    seconds: 2,
    shortSeconds: 0.3,
    run: relayLoop,
  },
  {
    name: 'nested-allocation',
    title: 'requests and data to oneself, and to the server, through the relay',
    threat: 'self-relay, nested allocation',
    seconds: 2,
    shortSeconds: 0.3,
    drops: ['peer-forbidden'],
    run: nested,
  },
]
