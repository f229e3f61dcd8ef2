// Row "encoded peer address": a forbidden peer is refused however it is spelled and whatever asks for it, and hears nothing.
import { hostAddress, type TransportAddress } from '../../../src/stun/address.js'
import { EMBEDDINGS } from '../../support/embeddings.js'
import { peerOrSkip } from '../../support/peers.js'
import type { TurnClient } from '../../support/turn-client.js'
import { addressOf, UdpPeer } from '../../support/udp-peer.js'
import type { Attack, AttackReport } from '../attack.js'
import { type Ground, HOST, takeData } from '../ground.js'
import { storm, stormReport } from '../storm.js'

/** In the block that this suite's servers deny. */
const CANARY_HOST = '127.66.0.1'
const CHANNEL = 0x4100

interface Try {
  readonly name: string
  readonly peer: TransportAddress
  /** By its port alone: a permission names none. */
  readonly isPortOnly: boolean
}

async function forbiddenPeers(ground: Ground): Promise<AttackReport> {
  const canary = await UdpPeer.open(ground, CANARY_HOST)
  const isDual = peerOrSkip('IPv6 loopback') === false
  const client = await ground.client()
  const { code } = await client.allocate(isDual ? { additionalFamily: 6 } : {})
  if (code !== 0) throw new Error(`Allocate: ${code}`)
  const tries = triesOf(ground, client.relay, canary.address, isDual)
  const failures = new Set<string>()
  const request = async (_: TurnClient, index: number) => {
    const { isPortOnly, name, peer } = tries[index % tries.length]
    client.sendTo(peer, name)
    const permission = await client.createPermission(peer)
    const channel = await client.bindChannel(CHANNEL, peer)
    if (permission.code !== 403 && !isPortOnly) failures.add(`CreatePermission for ${name}: ${permission.code}`)
    if (channel.code !== 403) failures.add(`ChannelBind for ${name}: ${channel.code}`)
    client.sendChannelData(CHANNEL, name)
    return channel
  }
  const plan = { clients: [client], depth: 8, milliseconds: ground.milliseconds, countMin: tries.length, request }
  const { milliseconds } = await storm(plan)
  // What was sent before has been dealt with.
  await client.settle()
  for (const { text } of await canary.receivedSoFar()) failures.add(`the canary got ${text}`)
  for (const frame of takeData(client)) failures.add(`the client got ${frame.toString('hex', 0, 40)}`)
  return { ...stormReport(ground, milliseconds, [...failures]), notes: [`${tries.length} spellings`] }
}

function triesOf(ground: Ground, relay: TransportAddress, canary: TransportAddress, isDual: boolean): Try[] {
  const plain: Try[] = [
    { name: 'the canary', peer: canary, isPortOnly: false },
    { name: 'the listener', peer: addressOf(HOST, ground.port()), isPortOnly: true },
    { name: 'its own relay', peer: relay, isPortOnly: true },
    ...['0.0.0.0', '224.0.0.1', '255.255.255.255', '169.254.169.254', '10.0.0.1', '192.168.1.1'].map((host) => ({
      ...{ name: host, peer: addressOf(host, canary.port), isPortOnly: false },
    })),
  ]
  if (!isDual) return plain
  const embedded = EMBEDDINGS.map(({ embed, name }) => ({ name, peer: embed(canary), isPortOnly: false }))
  const others = ['::', '::1', 'ff02::1', 'fe80::1', 'fd00::1'].map((host) => ({
    ...{ name: host, peer: hostAddress(host, canary.port) as TransportAddress, isPortOnly: false },
  }))
  return [...plain, ...embedded, ...others]
}

export const FORBIDDEN: readonly Attack[] = [
  {
    name: 'forbidden-peers',
    title: 'CreatePermission, ChannelBind, Send and ChannelData to forbidden peers in every spelling',
    threat: 'encoded peer address',
    seconds: 3,
    shortSeconds: 0.3,
    run: forbiddenPeers,
  },
]
