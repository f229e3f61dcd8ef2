// TCP relays (RFC 6062) under hostile clients and peers: Connect and ConnectionBind with mutated attributes behind a right signature, data cut
// anywhere in both directions, and ends at any time. What goes through a data connection comes back as it was.
import * as stun from '../../../src/stun/constants.js'
import type { SeededRandom } from '../../support/random.js'
import { ReceivedMessage } from '../../support/received-message.js'
import type { StreamTransport } from '../../support/stream-client.js'
import { attributesOf } from '../attributes.js'
import { randomMessage } from '../core-messages.js'
import { makeHostile } from '../mutate.js'
import { loadCorpus } from '../samples.js'
import { randomChunks } from './connections.js'
import { namedPeers } from './hostile-sessions.js'
import { CREDENTIALS, Session } from './session.js'
import type { SocketsStage } from './stage.js'
import { withinMilliseconds } from './strangers.js'

const STREAM_SCHEMES = ['tcp', 'tls'] as const
const METHODS = [stun.METHOD_CONNECT, stun.METHOD_CONNECTION_BIND, stun.METHOD_CREATE_PERMISSION, stun.METHOD_REFRESH]
const HOSTILE_COUNT = 6
const DATA_LENGTH_MAX = 40_000

export async function hostileTcpRelay(stage: SocketsStage, random: SeededRandom): Promise<void> {
  const session = await Session.open(stage, random.pick(STREAM_SCHEMES), random, 'a client of a TCP relay')
  try {
    await session.allocate({ protocol: stun.TRANSPORT_PROTOCOL_TCP })
    await session.ask(stun.METHOD_CREATE_PERMISSION, (writer) =>
      writer.writeXorAddress(stun.ATTRIBUTE_XOR_PEER_ADDRESS, stage.peers.tcp),
    )
    const id = random.oneIn(2) ? await connect(session) : await beConnected(session)
    await disturb(session, id)
    if (id !== null) await bind(session, id)
    await disturb(session, id)
    await session.settle()
  } finally {
    await session.close()
  }
}

async function connect(session: Session): Promise<number | null> {
  const { tcp } = session.stage.peers
  const answer = await session.ask(stun.METHOD_CONNECT, (writer) =>
    writer.writeXorAddress(stun.ATTRIBUTE_XOR_PEER_ADDRESS, tcp),
  )
  return answer === null || answer.code !== 0 ? null : answer.uint32(stun.ATTRIBUTE_CONNECTION_ID)
}

/** The peer connects; it sends what it likes at once, which waits for the client. */
async function beConnected(session: Session): Promise<number | null> {
  const { client, random, relay, stage } = session
  if (relay === null) return null
  const socket = await stage.peers.connect(relay)
  if (socket === null) return null
  socket.pipe(socket)
  if (random.oneIn(4)) socket.resetAndDestroy()
  await session.ask(stun.METHOD_BINDING, () => {}, { integrity: 'none' })
  for (const frame of client.inbox.takeAll()) {
    const message = new ReceivedMessage(frame)
    if (message.method === 'ConnectionAttempt') return message.uint32(stun.ATTRIBUTE_CONNECTION_ID)
  }
  return null
}

/** Mutated requests on the control connection, signed. */
async function disturb(session: Session, id: number | null): Promise<void> {
  const { random, stage } = session
  const peers = { ...namedPeers(stage), reachable: [stage.peers.tcp.toString()] }
  for (let count = random.nextInt(HOSTILE_COUNT); count > 0; count--) {
    const method = random.pick(METHODS)
    const plain = randomMessage(random, method, { tokens: [], connectionIds: id === null ? [] : [id] }, peers)
    // Only mutated ones: another good Connect or Bind would take what the conversation is about.
    const message = makeHostile(random, random.oneIn(3) ? loadCorpus() : [plain])
    session.sendSigned(method, attributesOf(message), random.pick(CREDENTIALS))
  }
  await session.settle()
}

async function bind(control: Session, id: number): Promise<void> {
  const { random, stage } = control
  const data = await Session.open(stage, random.pick(STREAM_SCHEMES), random, 'a data connection')
  try {
    if (random.oneIn(3)) await disturb(data, null)
    const answer = await data.ask(stun.METHOD_CONNECTION_BIND, (writer) =>
      writer.writeUint32(stun.ATTRIBUTE_CONNECTION_ID, id),
    )
    if (answer !== null && answer.code === 0) {
      stage.depth.add('bound')
      await exchangeData(data, data.transport as StreamTransport)
    }
  } finally {
    await data.transport.close()
  }
}

/** The peer sends everything back: what comes must be a beginning of what went, and all of it unless one side has ended. */
async function exchangeData(session: Session, transport: StreamTransport): Promise<void> {
  const { client, random, stage } = session
  const payload = Buffer.from(
    random.oneIn(4) ? makeHostile(random, loadCorpus()) : random.nextBytes(random.nextInt(DATA_LENGTH_MAX)),
  )
  for (const chunk of randomChunks(payload, random)) transport.sendBytes(chunk)
  if (random.oneIn(4)) return breakOff(transport)
  let echoed: Buffer = Buffer.alloc(0)
  const all = transport.data.read(payload.length).then((bytes) => {
    echoed = bytes
  })
  await withinMilliseconds(
    all.catch(() => {}),
    3_000,
  )
  stage.depth.add('dataBytes', echoed.length)
  if (echoed.length > 0 && !echoed.equals(payload)) {
    stage.report(`${payload.length} bytes of a data connection came back changed, client ${client.localAddress}`, null)
  }
}

/** By a reset, where the transport has one. */
function breakOff({ socket }: StreamTransport): void {
  if ('encrypted' in socket) socket.destroy()
  else socket.resetAndDestroy()
}
