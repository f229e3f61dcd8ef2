// TURN messages that make sense, or nearly: what core-fuzz.ts and the sessions of the sockets target start from. Credentials are added later.
import * as stun from '../../src/stun/constants.js'
import { MessageWriter } from '../../src/stun/writer.js'
import { type Write, writePeers } from '../support/core-client.js'
import { PEER, PEER_IPV6, SERVER_HOST } from '../support/core-harness.js'
import type { SeededRandom } from '../support/random.js'

/** Whom requests name. */
export interface NamedPeers {
  /** Those that the server may relay to; one of each family, or one. */
  readonly reachable: readonly string[]
  readonly all: readonly string[]
}

const PEERS = [
  ...[PEER, PEER, PEER_IPV6, PEER_IPV6, '1.2.3.4:7000', '5.6.7.8:9', '1.2.3.4:0', '[2a00::5]:5'],
  ...['10.0.0.1:80', '127.0.0.1:3478', '0.0.0.0:0', '255.255.255.255:1', `${SERVER_HOST}:3478`, `${SERVER_HOST}:24003`],
  ...['[::]:1', '[::1]:80', '[::ffff:127.0.0.1]:80', '[64:ff9b::7f00:1]:80', '[2002:7f00:1::]:80', '[fe80::1]:1'],
  ...['[2a0a:3200:7f00:1::]:80', '[2001:db8::1]:24003'],
]
const CORE_PEERS: NamedPeers = { reachable: [PEER, PEER_IPV6], all: PEERS }
const LIFETIMES = [0, 1, 599, 600, 3600, 3601, 0x7fffffff, 0xffffffff]

/** What a client has learnt from the server. */
export interface Learnt {
  readonly tokens: readonly Uint8Array[]
  readonly connectionIds: readonly number[]
}

/** A message of this method with attributes that it may have, each in its place now and then. */
export function randomMessage(
  random: SeededRandom,
  method: number,
  learnt: Learnt,
  peers: NamedPeers = CORE_PEERS,
): Uint8Array {
  const bytes = new Uint8Array(2048)
  const messageClass = method === stun.METHOD_SEND ? stun.CLASS_INDICATION : stun.CLASS_REQUEST
  const writer = new MessageWriter().begin(bytes, 0, messageClass, method, random.nextBytes(12), 0)
  for (const [write, oneIn] of attributesFor(random, method, learnt, peers)) if (random.oneIn(oneIn)) write(writer)
  return bytes.slice(0, writer.finish())
}

type Choice = readonly [write: Write, oneIn: number]

function attributesFor(
  random: SeededRandom,
  method: number,
  { tokens, connectionIds }: Learnt,
  { all, reachable }: NamedPeers,
): Choice[] {
  const peer: Write = (writer) => writePeers(writer, [random.pick(all)])
  const lifetime: Write = (writer) => writer.writeUint32(stun.ATTRIBUTE_LIFETIME, random.pick(LIFETIMES))
  const family: Write = (writer) => writer.writeFamily(stun.ATTRIBUTE_REQUESTED_ADDRESS_FAMILY, random.pick([4, 6]))
  switch (method) {
    case stun.METHOD_ALLOCATE:
      return [...allocateAttributes(random, tokens), [lifetime, 4], [family, 4]]
    case stun.METHOD_REFRESH:
      return [
        [lifetime, 2],
        [family, 4],
      ]
    case stun.METHOD_CREATE_PERMISSION:
      return [
        [peer, 1],
        [peer, 3],
        [peer, 5],
      ]
    case stun.METHOD_CHANNEL_BIND: {
      const number = stun.CHANNEL_NUMBER_MIN - 1 + random.nextInt(8)
      return [
        [(writer) => writer.writeUint32(stun.ATTRIBUTE_CHANNEL_NUMBER, number << 16), 1],
        [peer, 1],
      ]
    }
    case stun.METHOD_CONNECT:
      return [[(writer) => writePeers(writer, [random.pick([reachable[0], '1.2.3.4:7000', random.pick(all)])]), 1]]
    case stun.METHOD_CONNECTION_BIND: {
      const id = random.pick([...connectionIds, random.nextUint32()])
      return [[(writer) => writer.writeUint32(stun.ATTRIBUTE_CONNECTION_ID, id), 1]]
    }
    case stun.METHOD_SEND:
      return [
        [(writer) => writePeers(writer, [random.pick(reachable)]), 2],
        [peer, 1],
        [(writer) => writer.writeBytes(stun.ATTRIBUTE_DATA, random.nextBytes(random.nextInt(100))), 1],
        [(writer) => writer.writeEmpty(stun.ATTRIBUTE_DONT_FRAGMENT), 10],
      ]
    default:
      return []
  }
}

function allocateAttributes(random: SeededRandom, tokens: readonly Uint8Array[]): Choice[] {
  const token = tokens.length === 0 ? new Uint8Array(8) : random.pick(tokens)
  const known = random.oneIn(4) ? stun.TRANSPORT_PROTOCOL_TCP : stun.TRANSPORT_PROTOCOL_UDP
  const transport = random.oneIn(10) ? random.nextInt(256) : known
  return [
    [(writer) => writer.writeUint32(stun.ATTRIBUTE_REQUESTED_TRANSPORT, transport << 24), 1],
    [(writer) => writer.writeUint8(stun.ATTRIBUTE_EVEN_PORT, random.pick([0, 0x7f, 0x80, 0xff])), 4],
    [(writer) => writer.writeBytes(stun.ATTRIBUTE_RESERVATION_TOKEN, token), 6],
    [(writer) => writer.writeFamily(stun.ATTRIBUTE_ADDITIONAL_ADDRESS_FAMILY, random.pick([4, 6, 6])), 4],
    [(writer) => writer.writeEmpty(stun.ATTRIBUTE_DONT_FRAGMENT), 12],
  ]
}
