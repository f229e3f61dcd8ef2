// What a client with credentials does that it should not: hostile attributes behind a right signature for every method, ChannelData of every
// length, odd data from its peer and from one whom nobody permits, and wrong passwords in between.
import { writeChannelDataHeader } from '../../../src/stun/channel-data.js'
import * as stun from '../../../src/stun/constants.js'
import type { SeededRandom } from '../../support/random.js'
import { attributesOf } from '../attributes.js'
import { type NamedPeers, randomMessage } from '../core-messages.js'
import { makeHostile } from '../mutate.js'
import { loadCorpus } from '../samples.js'
import { SCHEMES, type Scheme } from './connections.js'
import { FORBIDDEN_TEXT } from './judge.js'
import { CHANNEL, CREDENTIALS, Session } from './session.js'
import { HOST, type SocketsStage } from './stage.js'

const MOVES_PER_SESSION = 24
const MOVES_BETWEEN_ALLOCATIONS = 8
const METHODS = [
  ...[stun.METHOD_ALLOCATE, stun.METHOD_REFRESH, stun.METHOD_CREATE_PERMISSION, stun.METHOD_CHANNEL_BIND],
  ...[stun.METHOD_BINDING, stun.METHOD_SEND, stun.METHOD_CONNECT, stun.METHOD_CONNECTION_BIND],
]
const LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 100, 1_199, 1_200, 1_472, 1_473, 2_044, 2_045]
/** Of a frame over each way: a datagram, ChannelData, a record. */
const FRAME_LENGTH_MAX: Readonly<Record<Scheme, number>> = { udp: 65_507, tcp: 65_539, tls: 65_539, dtls: 16_384 }

/** A list of moves, each made with the random numbers of the session. */
type Move = (session: Session) => void
type MakeMove = (random: SeededRandom, scheme: Scheme, peers: NamedPeers) => Move

/** Those in the list more than once are made more often. */
const MOVES: readonly MakeMove[] = [
  signed,
  signed,
  signed,
  signed,
  frame,
  channelData,
  channelData,
  send,
  fromPeer,
  fromCanary,
  wrongPassword,
]

export async function hostileSession(stage: SocketsStage, random: SeededRandom): Promise<void> {
  const scheme = random.pick(SCHEMES)
  const peers = namedPeers(stage)
  const session = await Session.open(stage, scheme, random)
  try {
    await takePlace(session)
    for (let index = 0; index < MOVES_PER_SESSION && !session.isOver; index++) {
      random.pick(MOVES)(random, scheme, peers)(session)
      if (index % MOVES_BETWEEN_ALLOCATIONS !== MOVES_BETWEEN_ALLOCATIONS - 1) continue
      await session.settle()
      await takePlace(session)
    }
    await session.settle()
  } finally {
    await session.close()
  }
}

/** An allocation with a permission and a channel, if it is not there (any more). */
export async function takePlace(session: Session): Promise<void> {
  const { peers } = session.stage
  await session.allocate()
  await session.ask(stun.METHOD_CHANNEL_BIND, (writer) => {
    writer.writeUint32(stun.ATTRIBUTE_CHANNEL_NUMBER, CHANNEL << 16)
    writer.writeXorAddress(stun.ATTRIBUTE_XOR_PEER_ADDRESS, peers.udp)
  })
}

/** Those of the core’s fuzzer, and those that there are. */
export function namedPeers({ peers, relayPorts, server }: SocketsStage): NamedPeers {
  const allowed = peers.udp.toString()
  const forbidden = [peers.canary, `${HOST}:${server.port()}`, `${HOST}:${server.port('', 'tls')}`].map(String)
  const relays = [`${HOST}:${relayPorts.minPort}`, `${HOST}:${relayPorts.minPort + 3}`]
  const others = [
    '10.0.0.1:80',
    '0.0.0.0:0',
    '255.255.255.255:1',
    '[::]:1',
    '[::1]:80',
    '[::ffff:127.0.0.1]:80',
    '224.0.0.1:5',
  ]
  const encoded = ['[64:ff9b::7f00:1]:80', '[2002:7f00:1::]:80', '[fe80::1]:1', '1.2.3.4:0', '127.88.0.1:0']
  return {
    reachable: [allowed, peers.tcp.toString()],
    all: [allowed, allowed, ...forbidden, ...relays, ...others, ...encoded],
  }
}

function signed(random: SeededRandom, _scheme: Scheme, peers: NamedPeers): Move {
  return (session) => {
    const method = random.pick(METHODS)
    const plain = randomMessage(random, method, { tokens: session.tokens, connectionIds: [] }, peers)
    const message = random.oneIn(3) ? plain : makeHostile(random, random.oneIn(4) ? loadCorpus() : [plain])
    if (method === stun.METHOD_SEND) session.sendFrame(message)
    else
      session.sendSigned(method, attributesOf(message), {
        ...random.pick(CREDENTIALS),
        hasFingerprint: random.oneIn(4),
      })
  }
}

/** Anything. Over a stream it often is the end of the connection. */
function frame(random: SeededRandom, scheme: Scheme): Move {
  const bytes = makeHostile(random, loadCorpus())
  const isHarmless = scheme === 'udp' || scheme === 'dtls' || random.oneIn(4)
  return (session) => {
    if (isHarmless && bytes.length > 0) session.sendFrame(bytes)
  }
}

function channelData(random: SeededRandom, scheme: Scheme): Move {
  const lengthMax = FRAME_LENGTH_MAX[scheme] - 4
  const length = random.oneIn(12)
    ? lengthMax - random.nextInt(4)
    : random.oneIn(2)
      ? random.pick(LENGTHS)
      : random.nextInt(3_000)
  const bytes = new Uint8Array(4 + length).fill(random.nextInt(256))
  const isDatagram = scheme === 'udp' || scheme === 'dtls'
  // A length that is wrong in a stream makes frames of what follows.
  const said = isDatagram && random.oneIn(4) ? random.nextInt(0x10000) : length
  writeChannelDataHeader(bytes, 0, random.oneIn(4) ? 0x4000 + random.nextInt(0x4000) : CHANNEL, said)
  return (session) => session.sendFrame(bytes)
}

function send(random: SeededRandom, _scheme: Scheme, peers: NamedPeers): Move {
  const message = randomMessage(random, stun.METHOD_SEND, { tokens: [], connectionIds: [] }, peers)
  const hostile = random.oneIn(2) ? message : makeHostile(random, [message])
  return (session) => {
    if (hostile.length > 0) session.sendFrame(hostile)
  }
}

function fromPeer(random: SeededRandom): Move {
  const payload = random.oneIn(3) ? makeHostile(random, loadCorpus()) : random.nextBytes(random.pick(LENGTHS))
  return ({ relay, stage }) => {
    if (relay !== null) stage.peers.send(relay, payload)
  }
}

function fromCanary(): Move {
  return ({ relay, stage }) => {
    if (relay !== null) stage.peers.sendFromCanary(relay, FORBIDDEN_TEXT)
  }
}

function wrongPassword(random: SeededRandom): Move {
  const wrong = random.pick([
    ...[
      { password: 'wrong' },
      { username: 'nobody' },
      { nonce: 'stale' },
      { realm: 'elsewhere' },
      { username: 'innocent' },
    ],
    ...[{ nonce: null }, { realm: null }, { username: null }, { username: 'a\r\n{"event":"x"}\u001b[2J\u202e' }],
  ])
  const method = random.pick(METHODS.filter((each) => each !== stun.METHOD_SEND))
  return (session) => session.sendSigned(method, [], { ...random.pick(CREDENTIALS), ...wrong })
}
