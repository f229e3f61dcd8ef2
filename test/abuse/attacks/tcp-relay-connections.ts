// TCP relays (RFC 6062): Connects to peers that are not there and to more than an allocation may have, peers that connect without end, and
// CONNECTION-IDs that are guessed.

import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { PEER_CONNECTION_COUNT_MAX } from '../../../src/limits/turn.js'
import type { TransportAddress } from '../../../src/stun/address.js'
import { ATTRIBUTE_CONNECTION_ID, TRANSPORT_PROTOCOL_TCP } from '../../../src/stun/constants.js'
import { TcpPeer } from '../../support/tcp-peer.js'
import type { TurnClient } from '../../support/turn-client.js'
import { addressOf } from '../../support/udp-peer.js'
import type { Attack, AttackReport } from '../attack.js'
import { ALICE, type Credentials, type Ground, HOST, MALLORY } from '../ground.js'
import { closesWithin, inParallel, sourceAddress, Tally } from '../tally.js'
import { memoryOf, STREAM_SERVER } from './stream-shared.js'

export const TCP = { protocol: TRANSPORT_PROTOCOL_TCP } as const
const PARALLEL = 4
/** TCP's discard port: nobody listens there. */
const NOBODY = addressOf(HOST, 9)
const FORBIDDEN = addressOf('127.66.0.1', 9)
const EXTRA_COUNT = 10
const CLOSE_MILLISECONDS_MAX = 10_000
/** What a peer has connected and nobody binds. */
const UNBOUND_SECONDS = 30
const PERMITTED = '127.43.0.1'
const GUESSES_AT_ONCE = 20

export async function tcpAllocation(ground: Ground, from: string, user: Credentials = MALLORY) {
  const client = await ground.streamClient('tcp', user, from)
  const { code } = await client.allocate(TCP)
  if (code !== 0) throw new Error(`Allocate of a TCP relay was answered with ${code}`)
  return client
}

async function connectFlood(ground: Ground): Promise<AttackReport> {
  const tally = new Tally('Connects')
  const clients = await Promise.all(
    Array.from({ length: PARALLEL }, (_, index) => tcpAllocation(ground, sourceAddress(92, index))),
  )
  await inParallel(PARALLEL, ground, async (lane, round) => {
    const [peer, wanted] = round % 2 === 0 ? [NOBODY, 447] : [FORBIDDEN, 403]
    const { code } = await clients[lane].connectPeer(peer)
    tally.sent++
    tally.replies++
    tally.expect(code === wanted, `a Connect to ${peer} was answered with ${code}`)
  })
  await fillUp(ground, tally, clients[0])
  return tally.report()
}

/** As many peers as an allocation may have, and some more; and one of them twice. */
async function fillUp(ground: Ground, tally: Tally, client: TurnClient): Promise<void> {
  const peers: TransportAddress[] = []
  for (let index = 0; index < PEER_CONNECTION_COUNT_MAX + EXTRA_COUNT; index++) {
    const server = createServer((socket) => socket.on('error', () => {}))
    server.listen(0, HOST)
    await once(server, 'listening')
    ground.teardown(() => server.close())
    peers.push(addressOf(HOST, (server.address() as { port: number }).port))
  }
  const codes: number[] = []
  for (const peer of peers) codes.push((await client.connectPeer(peer)).code)
  tally.sent += peers.length
  const taken = codes.filter((code) => code === 0).length
  const refused = codes.filter((code) => code === 508).length
  tally.expect(taken === PEER_CONNECTION_COUNT_MAX, `${taken} connections of one allocation`)
  tally.expect(refused === EXTRA_COUNT, `${refused} Connects beyond the cap were answered with 508`)
  tally.expect((await client.connectPeer(peers[0])).code === 446, 'a second Connect to the same peer is not refused')
}

async function connectingPeers(ground: Ground): Promise<AttackReport> {
  const tally = new Tally('connections')
  const client = await tcpAllocation(ground, '127.93.0.1')
  const { port } = client.relay
  const strangers = inParallel(PARALLEL, ground, async () => {
    const socket = await tally.connect(ground, port, sourceAddress(42, tally.sent++))
    tally.expect(await closesWithin(socket, CLOSE_MILLISECONDS_MAX), 'a peer without a permission stays connected')
  })
  tally.expect((await client.createPermission(addressOf(PERMITTED, 1))).code === 0, 'no permission')
  const permitted: Socket[] = []
  for (let index = 0; index < PEER_CONNECTION_COUNT_MAX + EXTRA_COUNT; index++) {
    const socket = await tally.connect(ground, port, PERMITTED)
    // It talks, and nobody listens: nothing is read of it before it is bound.
    tally.write(socket, Buffer.alloc(1_000))
    tally.sent++
    permitted.push(socket)
  }
  await delay(200)
  const held = () => permitted.filter((socket) => !socket.destroyed).length
  tally.expect(held() <= PEER_CONNECTION_COUNT_MAX, `${held()} connections wait for their client`)
  await strangers
  if (ground.seconds > UNBOUND_SECONDS) {
    while (held() > 0 && tally.elapsed < (UNBOUND_SECONDS + 10) * 1_000) await delay(100)
    tally.expect(held() === 0, `${held()} connections that nobody has bound are open`)
  }
  tally.expect((await client.refresh()).code === 0, 'the allocation is gone')
  return tally.report()
}

async function guessedIds(ground: Ground): Promise<AttackReport> {
  const tally = new Tally('guesses')
  const [owner, peer] = [await tcpAllocation(ground, '127.94.0.1', ALICE), await TcpPeer.open(ground)]
  const connectionId = (await owner.connectPeer(peer.address)).uint32(ATTRIBUTE_CONNECTION_ID)
  await inParallel(PARALLEL, ground, async (lane, round) => {
    const client = await ground.streamClient('tcp', MALLORY, sourceAddress(95, lane))
    await client.learnChallenge()
    for (let count = 0; count < GUESSES_AT_ONCE; count++) {
      // One of them is right, but another user's.
      const id = count === 0 && round % 2 === 0 ? connectionId : randomInt(2 ** 32)
      const { code } = await client.bindConnection(id)
      tally.sent++
      tally.replies++
      tally.expect(code === 400, `a guess was answered with ${code}`)
    }
    await client.transport.close()
  })
  const data = await ground.streamClient('tcp', ALICE, '127.94.0.1')
  tally.expect((await data.bindConnection(connectionId)).code === 0, 'its owner cannot bind the connection')
  return tally.report()
}

export const TCP_RELAY_CONNECTIONS: readonly Attack[] = [
  {
    ...STREAM_SERVER,
    name: 'relay-connects',
    title: 'Connects to dead and forbidden peers, and to more peers than an allocation may have',
    threat: 'many permissions or channels',
    seconds: 5,
    shortSeconds: 0.5,
    rules: memoryOf(2 * PEER_CONNECTION_COUNT_MAX, 64),
    run: connectFlood,
  },
  {
    ...STREAM_SERVER,
    name: 'relay-peers',
    title: 'peers connect to a TCP relay without end, with and without a permission, and nobody binds them',
    threat: 'many permissions or channels',
    seconds: 32,
    shortSeconds: 0.5,
    rules: memoryOf(PEER_CONNECTION_COUNT_MAX, 64),
    run: connectingPeers,
  },
  {
    ...STREAM_SERVER,
    name: 'guessed-connection-ids',
    title: 'ConnectionBinds with guessed ids, and with the right one of another user',
    threat: 'hijack',
    seconds: 4,
    // conformance/tcp-relays.ts
    shortSeconds: 0.5,
    isLongOnly: true,
    rules: memoryOf(PARALLEL, 64),
    run: guessedIds,
  },
]
