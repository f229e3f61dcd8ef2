// Rows "ICMP storms", "hijack" and what peers and greedy clients do: data of those who may not send goes nowhere, that of those who may is
// theirs alone to suffer from.

import type { TransportAddress } from '../../../src/stun/address.js'
import { withoutKoffi } from '../../support/engines.js'
import { openIcmpForge } from '../../support/forged-icmp.js'
import type { TurnClient } from '../../support/turn-client.js'
import { addressOf } from '../../support/udp-peer.js'
import type { Attack, AttackReport } from '../attack.js'
import { type Fill, Flood, floodReport, floodSource, manySources } from '../flood.js'
import { ALICE, type Ground, HOST, MALLORY } from '../ground.js'
import { BUSY_MEMORY_RULES } from '../judge.js'
import { LIMITED_SERVER_ARGS, MAX_BPS } from '../limited-server.js'

const PER_SECOND = 15_000
const PAYLOAD_LENGTH = 1_000
const CHANNEL = 0x4200
const PEER = floodSource(24_000)
const CLIENT = floodSource(24_001)
/** What the limit lets through at once, and the end of the last packet. */
const MAX_BPS_BURST_SECONDS = 0.5
const ICMP_COUNT = 20_000
/** Each becomes a Data indication to the innocent, who has to read it. */
const ICMP_PER_SECOND = 2_500
const DESTINATION_UNREACHABLE = 3
const PORT_UNREACHABLE = 3

const payload: Fill = () => PAYLOAD_LENGTH

const channelData =
  (channelNumber: number): Fill =>
  (slot) => {
    slot.writeUInt16BE(channelNumber)
    slot.writeUInt16BE(PAYLOAD_LENGTH, 2)
    return PAYLOAD_LENGTH + 4
  }

/** Data to the innocent's own relay, from strangers. That it gets none of it is seen by the innocent. */
async function strangers(ground: Ground): Promise<AttackReport> {
  const flood = new Flood(ground, ground.port())
  const toPort = () => ground.innocent.relayPort
  const plan = { perSecond: PER_SECOND, milliseconds: ground.milliseconds, source: manySources, toPort }
  const { milliseconds } = await flood.run({ ...plan, fill: payload })
  return { ...floodReport(milliseconds, flood), repliesMax: 0, failures: [] }
}

/** A peer that may send sends all it can. */
async function permittedPeer(ground: Ground): Promise<AttackReport> {
  const [peer, listener] = [new Flood(ground, ground.port()), new Flood(ground, ground.port())]
  const client = listener.client(MALLORY, CLIENT)
  await open(ground, client, addressOfWord(PEER, peer.localPort))
  const before = listener.replies
  const toPort = () => client.relay.port
  const plan = { perSecond: PER_SECOND, milliseconds: ground.milliseconds, source: () => PEER, toPort }
  const { milliseconds } = await peer.run({ ...plan, fill: payload })
  await listener.drain()
  const relayed = listener.replies - before
  const failures = relayed === 0 || relayed > peer.sent ? [`${relayed} of ${peer.sent} were relayed`] : []
  const report = floodReport(milliseconds, peer)
  return { ...report, replies: relayed, replyBytes: listener.replyBytes, failures }
}

/** A client that sends all it can to a peer. @param maxBps what the server lets through; 0: everything */
async function greedyClient(ground: Ground, maxBps: number): Promise<AttackReport> {
  const [flood, sink] = [new Flood(ground, ground.port()), new Flood(ground, ground.port())]
  const client = flood.client(MALLORY, CLIENT)
  await open(ground, client, addressOfWord(PEER, sink.localPort))
  const watch = setInterval(() => sink.receive(), 1)
  const plan = { perSecond: PER_SECOND, milliseconds: ground.milliseconds, source: () => CLIENT }
  const { milliseconds } = await flood.run({ ...plan, fill: channelData(CHANNEL) })
  clearInterval(watch)
  await sink.drain()
  const failures: string[] = []
  const bytesMax = (maxBps / 8) * (milliseconds / 1000 + MAX_BPS_BURST_SECONDS)
  if (maxBps > 0 && sink.replyBytes > bytesMax) failures.push(`${sink.replyBytes} bytes passed, ${bytesMax} may`)
  if (sink.replies === 0) failures.push('nothing passed')
  const megabits = ((sink.replyBytes * 8) / milliseconds / 1000).toFixed(1)
  const report = floodReport(milliseconds, flood)
  return {
    ...report,
    replies: sink.replies,
    replyBytes: sink.replyBytes,
    failures,
    notes: [`${megabits} Mbit/s passed`],
  }
}

async function open(ground: Ground, client: TurnClient, peer: TransportAddress): Promise<void> {
  const codes = [(await client.allocate()).code, (await client.bindChannel(CHANNEL, peer)).code]
  if (codes.join() !== '0,0') throw new Error(`answers ${codes}`)
  // Its place is another attack's.
  ground.teardown(() => client.refresh({ lifetimeSeconds: 0 }))
}

function addressOfWord(word: number, port: number) {
  return addressOf([24, 16, 8, 0].map((shift) => (word >>> shift) & 0xff).join('.'), port)
}

/** Forged errors about what the innocent sends its peer, as if the peer were not there. */
async function icmpStorm(ground: Ground): Promise<AttackReport> {
  const { peerPort, relayPort } = ground.innocent
  const forge = openIcmpForge(ground, HOST)
  const [source, destination] = [addressOf(HOST, relayPort), addressOf(HOST, peerPort)]
  const error = { type: DESTINATION_UNREACHABLE, code: PORT_UNREACHABLE, source, destination }
  const start = performance.now()
  let sent = 0
  while (sent < ICMP_COUNT && performance.now() - start < ground.milliseconds) {
    const due = Math.min(ICMP_COUNT, ((performance.now() - start) * ICMP_PER_SECOND) / 1000)
    while (sent < due) {
      forge(error)
      sent++
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  const milliseconds = performance.now() - start
  return { sent, sentBytes: sent * 56, milliseconds, unit: 'errors', replies: 0, replyBytes: 0, failures: [] }
}

/** Data and requests in the innocent's name, from its address and another port, with its channel number. */
async function hijack(ground: Ground): Promise<AttackReport> {
  const [a, b, c, d] = ground.innocent.client.host.split('.').map(Number)
  const from = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
  const flood = new Flood(ground, ground.port())
  const failures: string[] = []
  const expect = (what: string, { code }: { code: number }, wanted: number) => {
    if (code !== wanted) failures.push(`${what}: ${code}, not ${wanted}`)
  }
  const stranger = flood.client(MALLORY, from)
  expect('Refresh from another port', await stranger.refresh({ lifetimeSeconds: 0 }), 437)
  const { nonce } = await challengeOf(ground)
  expect('the nonce of another client', await stranger.refresh({ lifetimeSeconds: 0 }, { nonce }), 438)
  const owner = await ground.allocation(ALICE)
  expect('Refresh of another user', await owner.refresh({ lifetimeSeconds: 0 }, MALLORY), 441)
  expect('Allocate of another user', await owner.allocate({}, MALLORY), 437)
  expect('Refresh of its owner', await owner.refresh(), 0)
  const before = flood.replies
  const plan = { perSecond: PER_SECOND, milliseconds: ground.milliseconds, source: () => from }
  const { milliseconds } = await flood.run({ ...plan, fill: channelData(0x4000) })
  if (flood.replies !== before) failures.push(`${flood.replies - before} answers to forged data`)
  return { ...floodReport(milliseconds, flood), failures }
}

async function challengeOf(ground: Ground) {
  const other = await ground.client()
  await other.learnChallenge()
  return other.challenge
}

function withoutRoot(): string | false {
  return process.getuid?.() === 0 ? withoutKoffi() : 'only root can forge ICMP errors'
}

export const RELAY_FLOODS: readonly Attack[] = [
  {
    name: 'strangers',
    title: 'data of 10,000 strangers to the innocent’s relay',
    threat: 'relay loops',
    seconds: 5,
    shortSeconds: 0.3,
    onBothEngines: true,
    skip: withoutKoffi,
    drops: ['no-permission'],
    rules: BUSY_MEMORY_RULES,
    run: strangers,
  },
  {
    name: 'permitted-peer',
    title: 'a peer that may send floods its client',
    threat: 'stalled readers',
    seconds: 5,
    shortSeconds: 0.3,
    skip: withoutKoffi,
    rules: BUSY_MEMORY_RULES,
    run: permittedPeer,
  },
  {
    name: 'greedy-client',
    title: 'a client that sends all it can',
    threat: 'concurrent Allocates',
    seconds: 5,
    shortSeconds: 0.3,
    skip: withoutKoffi,
    rules: BUSY_MEMORY_RULES,
    run: (ground) => greedyClient(ground, 0),
  },
  {
    name: 'greedy-client-limited',
    title: 'the same, with --max-bps',
    threat: 'concurrent Allocates',
    serverArgs: LIMITED_SERVER_ARGS,
    seconds: 5,
    shortSeconds: 0.5,
    skip: withoutKoffi,
    drops: ['bandwidth'],
    rules: BUSY_MEMORY_RULES,
    run: (ground) => greedyClient(ground, MAX_BPS),
  },
  {
    name: 'hijack',
    title: 'requests and data in the innocent’s name',
    threat: 'hijack',
    seconds: 4,
    shortSeconds: 0.3,
    skip: withoutKoffi,
    drops: ['no-allocation'],
    rules: BUSY_MEMORY_RULES,
    run: hijack,
  },
  {
    name: 'icmp-storm',
    title: '20,000 forged ICMP errors about the innocent’s peer',
    threat: 'ICMP storms, EMSGSIZE, netem loss',
    seconds: 8,
    shortSeconds: 0.3,
    skip: withoutRoot,
    counters: { native: ['icmpErrors'] },
    run: icmpStorm,
  },
]
