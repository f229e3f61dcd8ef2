// Nobody has the worker for himself: how much is done for one connection, and for all strangers, in one turn of the event loop.

import t from 'tap'
import { CLIENT_COST_MAX, STRANGER_COST_MAX, STRANGERS_COST_MAX } from '../../../src/limits/streams.js'
import type { ClientConnection } from '../../../src/net/stream/client-connection.js'
import { PHASE_ALLOCATED, PHASE_IDLE } from '../../../src/net/stream/client-connection.js'
import { HANDSHAKE_COST, TurnShares } from '../../../src/net/stream/turn-shares.js'
import * as stun from '../../../src/stun/constants.js'
import { PEER } from '../../support/core-harness.js'
import { bindingRequest, bytesOf, channelData, StreamClient } from './stream-client.js'
import { StreamStage } from './stream-stage.js'
import { writeTestCertificate } from './test-certificate.js'

const CHANNEL = 0x4001
/** More than sockets hand on at once. */
const FLOOD_COUNT = 20_000
const MESSAGES_OF_STRANGER = STRANGER_COST_MAX / 8
const MESSAGES_OF_STRANGERS = STRANGERS_COST_MAX / 8

interface Handled {
  /** Of each frame, in the order in which the core had them. */
  readonly connections: number[]
  /** How many frames there were in the turn that had most. */
  mostInTurn: number
}

/** Notes what the core gets, and counts it by turns. */
function note(stage: StreamStage): Handled {
  const handled: Handled = { connections: [], mostInTurn: 0 }
  const { streams } = stage
  const handleFrame = streams.handleFrame.bind(streams)
  streams.handleFrame = (connection, bytes, start, end) => {
    handled.connections.push(connection.fiveTuple.connectionId)
    handleFrame(connection, bytes, start, end)
  }
  const flush = streams.flush.bind(streams)
  let turnStart = 0
  streams.flush = () => {
    handled.mostInTurn = Math.max(handled.mostInTurn, handled.connections.length - turnStart)
    turnStart = handled.connections.length
    flush()
  }
  return handled
}

t.test('a flood of requests on one connection', async (t) => {
  t.test('leaves others their turns', async (t) => {
    const stage = await StreamStage.open(t)
    const [flooding, other] = [await StreamClient.open(t, stage.ports.tcp), await StreamClient.open(t, stage.ports.tcp)]
    const handled = note(stage)
    flooding.write(...Array.from({ length: FLOOD_COUNT }, bindingRequest))
    await flooding.message()
    t.equal((await other.request(stun.METHOD_BINDING)).code, 0)
    const before = handled.connections.indexOf(2)
    t.ok(before < FLOOD_COUNT / 4, `${before} requests were handled before it`)
    t.ok(handled.mostInTurn <= MESSAGES_OF_STRANGER + 1, `${handled.mostInTurn} in one turn`)
  })

  t.test('is answered whole and in order', async (t) => {
    const stage = await StreamStage.open(t)
    const client = await StreamClient.open(t, stage.ports.tcp)
    const requests = Array.from({ length: FLOOD_COUNT / 10 }, bindingRequest)
    client.write(...requests)
    for (const request of requests) {
      const frame = await client.frames.next()
      if (!frame.subarray(8, 20).equals(request.subarray(8, 20))) return void t.fail('another answer')
    }
    t.same(stage.counted('packetsReceived', 'connectionsMalformed'), [requests.length, 0])
  })

  t.test('is over when it is malformed in the middle', async (t) => {
    const stage = await StreamStage.open(t)
    const client = await StreamClient.open(t, stage.ports.tcp)
    const requests = Array.from({ length: 200 }, bindingRequest)
    client.write(...requests, Buffer.alloc(8, 0xff), ...requests)
    await client.closed()
    t.same(stage.counted('packetsReceived', 'connectionsMalformed'), [requests.length, 1])
  })
})

t.test('many strangers that ask at once have one share in common, and are all answered', async (t) => {
  const stage = await StreamStage.open(t)
  const clients = await Promise.all(Array.from({ length: 60 }, () => StreamClient.open(t, stage.ports.tcp)))
  const handled = note(stage)
  const requestCount = 2 * MESSAGES_OF_STRANGER
  for (const client of clients) client.write(...Array.from({ length: requestCount }, bindingRequest))
  for (const client of clients) for (let index = 0; index < requestCount; index++) await client.message()
  t.equal(handled.connections.length, clients.length * requestCount)
  t.ok(handled.mostInTurn <= MESSAGES_OF_STRANGERS, `${handled.mostInTurn} in one turn`)
})

t.test('a client with an allocation has more: nothing of its data is lost or reordered', async (t) => {
  const stage = await StreamStage.open(t)
  const client = await StreamClient.open(t, stage.ports.tcp)
  await client.allocate()
  await client.bindChannel(CHANNEL, PEER)
  const handled = note(stage)
  const frames = Array.from({ length: FLOOD_COUNT }, (_, index) => {
    const payload = bytesOf(20)
    payload.writeUInt32BE(index)
    return channelData(CHANNEL, payload)
  })
  client.write(...frames)
  for (let index = 0; index < FLOOD_COUNT; index++) {
    const { payload } = await stage.toPeers.next()
    if (payload.readUInt32BE() !== index) return void t.fail(`${payload.readUInt32BE()} in place of ${index}`)
  }
  t.equal(handled.connections.length, FLOOD_COUNT)
  t.ok(handled.mostInTurn <= CLIENT_COST_MAX, `${handled.mostInTurn} in one turn`)
})

t.test('whoever waits', async (t) => {
  const waiter = (phase: number, readOn: () => void) =>
    ({ phase, turn: -1, turnCost: 0, hold: () => {}, readOn }) as unknown as ClientConnection
  const nothing = new Uint8Array(0)

  t.test('with an allocation reads on in the next turn, however many strangers wait', async (t) => {
    const shares = new TurnShares(() => {})
    for (let count = 0; count < 1_000; count++)
      shares.hold(
        waiter(PHASE_IDLE, () => {}),
        nothing,
      )
    let hasRead = false
    shares.hold(
      waiter(PHASE_ALLOCATED, () => {
        hasRead = true
      }),
      nothing,
    )
    shares.endTurn()
    t.ok(hasRead)
  })

  t.test('for a handshake keeps its place while others have the share', async (t) => {
    const shares = new TurnShares(() => {})
    const begun: number[] = []
    for (let index = 0; index < 100; index++) {
      const connection: ClientConnection = waiter(PHASE_IDLE, () => {
        if (!shares.hasRoom(connection)) return shares.hold(connection, nothing)
        shares.take(connection, HANDSHAKE_COST)
        begun.push(index)
      })
      shares.hold(connection, nothing)
    }
    for (let turn = 0; turn < 25; turn++) shares.endTurn()
    t.same(
      begun,
      Array.from({ length: 100 }, (_, index) => index),
    )
  })
})

t.test('handshakes', async (t) => {
  t.test('begin a few in each turn', async (t) => {
    const shares = new TurnShares(() => {})
    const connection = () => ({ phase: PHASE_IDLE, turn: -1, turnCost: 0 }) as ClientConnection
    let count = 0
    for (; shares.hasRoom(connection()); count++) shares.take(connection(), HANDSHAKE_COST)
    t.equal(count, STRANGERS_COST_MAX / HANDSHAKE_COST)
    t.ok(shares.hasRoom({ ...connection(), phase: PHASE_ALLOCATED } as ClientConnection), 'clients are not concerned')
    shares.endTurn()
    t.ok(shares.hasRoom(connection()))
  })

  t.test('that come at once are all completed', async (t) => {
    const stage = await StreamStage.open(t, { certificate: writeTestCertificate(t, 'one.example.org') })
    const opening = Array.from({ length: 100 }, () => StreamClient.openTls(t, stage.ports.tls))
    for (const client of await Promise.all(opening)) t.equal((await client.request(stun.METHOD_BINDING)).code, 0)
  })
})

t.test('who waits for its turn may go', async (t) => {
  const stage = await StreamStage.open(t)
  const clients = await Promise.all(Array.from({ length: 10 }, () => StreamClient.open(t, stage.ports.tcp)))
  for (const client of clients) client.write(...Array.from({ length: FLOOD_COUNT / 10 }, bindingRequest))
  await Promise.all(clients.map((client) => client.message()))
  for (const client of clients) client.socket.resetAndDestroy()
  await stage.until('they are gone', () => stage.streams.connectionCount === 0)
  const client = await StreamClient.open(t, stage.ports.tcp)
  t.equal((await client.request(stun.METHOD_BINDING)).code, 0)
})
