// What the native engine does with IP headers and with buffers that the kernel had to cut, on a fake kernel.
import t from 'tap'
import { MSG_CTRUNC, MSG_TRUNC } from '../../../src/net/native/layout.js'
import { CLIENT, clientOf, filled, LISTENER, PEER, RELAY, RELAY_ID, send, sendingStage } from './native-engine-stage.js'

t.test('IP headers', async (t) => {
  t.test('carry the DF bit where the core says so; the socket is switched only when that changes', async (t) => {
    const stage = sendingStage()
    const socket = stage.socketAt(RELAY)
    const before = stage.switchCount(socket)
    send(stage, 0, 40, 3)
    t.equal(stage.switchCount(socket) - before, 0)
    send(stage, 0, 40, 3, 1)
    send(stage, 1, 40, 3, 1)
    t.equal(stage.switchCount(socket) - before, 1)
    send(stage, 0, 40, 1)
    t.equal(stage.switchCount(socket) - before, 2)
    t.same(
      stage.sent.map(({ dontFragment }) => dontFragment),
      [...filled(3, 0), ...filled(6, 1), 0].map(Boolean),
    )
  })
  t.test('carry the DF bit though an earlier relay of the same slot did so last', async (t) => {
    const stage = sendingStage()
    send(stage, 0, 40, 1, 1)
    stage.engine.closeRelay(RELAY_ID)
    stage.openRelay()
    send(stage, 0, 40, 1, 1)
    t.same(
      stage.sent.map(({ dontFragment }) => dontFragment),
      [true, true],
    )
  })
  t.test('have no DF bit on what was queued before, in the same round', async (t) => {
    const stage = sendingStage()
    for (const df of [0, 1, 0]) stage.arrive(CLIENT, LISTENER, Uint8Array.of(0, df, df))
    stage.engine.poll(0)
    t.same(
      stage.sent.map(({ dontFragment }) => dontFragment),
      [false, true, false],
    )
  })
  t.test('say of a packet with DF that is too long for the own machine what a router would', async (t) => {
    const stage = sendingStage()
    send(stage, 0, 1_473, 1, 1)
    stage.engine.poll(0)
    t.same(stage.takeSent(), [])
    t.equal(stage.counter('socketErrors'), 1)
    t.same(stage.core.errors, [`relay ${RELAY_ID}, ${PEER}: 3/4, 1500`])
  })
  t.test('carry the traffic class of data both ways, and none for messages of the core', async (t) => {
    const stage = sendingStage()
    send(stage, 0, 40, 1, 0, 0xb8)
    const client = clientOf(CLIENT)
    stage.core.onDatagram = (_relayId, _peer, bytes, start, end) => {
      stage.engine.sendChannelData(client, 0x4000, bytes, start, end)
      stage.engine.sendDataIndication(client, filled(36, 1), 36, bytes, start, end)
      stage.engine.sendToClient(client, filled(20, 1), 0, 20)
    }
    stage.arrive(PEER, RELAY, filled(40, 1), 0x89)
    stage.engine.poll(0)
    t.same(
      stage.sent.map(({ trafficClass }) => trafficClass),
      [0xb8, 0x89, 0x89, 0],
    )
  })
  t.test('do not make packets of one destination change places', async (t) => {
    const stage = sendingStage()
    for (const [index, trafficClass] of [2, 3, 2, 2].entries()) {
      stage.arrive(CLIENT, LISTENER, Uint8Array.of(0, 0, index), trafficClass)
    }
    stage.engine.poll(0)
    t.same(
      stage.sent.map(({ bytes, trafficClass }) => [bytes[2], trafficClass]),
      [
        ...[
          [0, 2],
          [1, 3],
        ],
        ...[
          [2, 2],
          [3, 2],
        ],
      ],
    )
  })
})

t.test('a buffer that the kernel had to cut', async (t) => {
  for (const flag of [MSG_TRUNC, MSG_CTRUNC]) {
    t.test(`does not reach the core, and is counted (flag ${flag})`, async (t) => {
      const stage = sendingStage()
      stage.faults = { truncation: () => flag }
      send(stage, 0, 40, 2)
      t.same(stage.takeSent(), [])
      t.equal(stage.counter('socketErrors'), 1)
      stage.faults = {}
      send(stage, 0, 40, 1)
      t.equal(stage.takeSent().length, 1)
    })
  }
  t.test('of a source that no answer can reach does not either', async (t) => {
    const stage = sendingStage()
    stage.arrive('1.2.3.4:0', LISTENER, filled(40, 0))
    stage.engine.poll(0)
    t.same(stage.takeSent(), [])
  })
})
