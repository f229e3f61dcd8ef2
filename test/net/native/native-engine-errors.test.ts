// What the native engine makes of refusals, errors of earlier packets and ICMP, on a fake kernel.
import t from 'tap'
import { GSO_REST_TICKS } from '../../../src/net/native/gso-rests.js'
import {
  EAGAIN,
  ECONNREFUSED,
  EINVAL,
  EIO,
  EMSGSIZE,
  ENOBUFS,
  SO_EE_ORIGIN_ICMP,
} from '../../../src/net/native/layout.js'
import { addressOf } from '../../support/turn-address.js'
import {
  CLIENT,
  filled,
  LISTENER,
  OTHER_PEER,
  OTHER_RELAY,
  OTHER_RELAY_ID,
  PEER,
  RELAY,
  RELAY_ID,
  Stage,
  send,
  sendingStage,
} from './native-engine-stage.js'

/** Refuses the first `count` messages, or with `isSegmented` the first segmented ones. */
function refusing(errno: number, count: number, isSegmented = false) {
  let left = count
  return {
    sendError: (_socket: unknown, _destination: string, segmentCount: number) => {
      if (left === 0 || (isSegmented && segmentCount === 1)) return 0
      left--
      return errno
    },
  }
}

t.test('where segmentation is refused', async (t) => {
  for (const errno of [EINVAL, EIO, EMSGSIZE]) {
    t.test(`packets leave one by one, in order, none lost (errno ${errno})`, async (t) => {
      const stage = sendingStage()
      stage.faults = refusing(errno, Number.POSITIVE_INFINITY, true)
      send(stage, 0, 40, 5)
      t.same(
        stage.sent.map(({ bytes }) => bytes[2]),
        [0, 1, 2, 3, 4],
      )
      t.equal(stage.counter('packetsSent'), 5)
      t.equal(stage.counter('socketErrors'), 0)
    })
  }
  t.test('that destination rests for 60 s, and no other', async (t) => {
    const stage = sendingStage()
    stage.core.now = 1_000
    stage.faults = refusing(EINVAL, 2, true)
    send(stage, 0, 40, 2)
    t.same(stage.refused.splice(0), [`${PEER} 2`, `${PEER} 2`], 'once more: it may be the error of an earlier packet')
    t.same(stage.takeSent(), [`${RELAY} > ${PEER}: 40`, `${RELAY} > ${PEER}: 40`])
    send(stage, 1, 40, 2)
    t.same(stage.takeSent(), [`${RELAY} > ${OTHER_PEER}: 40+40`])
    stage.core.now = 1_000 + GSO_REST_TICKS - 1
    send(stage, 0, 40, 2)
    t.same(stage.takeSent(), [`${RELAY} > ${PEER}: 40`, `${RELAY} > ${PEER}: 40`])
    t.same(stage.refused, [])
    stage.core.now = 1_000 + GSO_REST_TICKS
    send(stage, 0, 40, 2)
    t.same(stage.takeSent(), [`${RELAY} > ${PEER}: 40+40`])
  })
  t.test('shorter packets to the same destination do not rest', async (t) => {
    const stage = sendingStage()
    stage.faults = { mtuTo: () => 1_228 }
    send(stage, 0, 1_201, 2)
    send(stage, 0, 1_200, 2)
    t.same(stage.refused, [`${PEER} 2`, `${PEER} 2`])
    t.same(stage.takeSent().slice(2), [`${RELAY} > ${PEER}: 1200+1200`])
  })
  t.test('what was already sent in the same call is not sent again, and what follows is not lost', async (t) => {
    const stage = sendingStage()
    stage.faults = { mtuTo: (destination: string) => (destination === PEER ? 100 : 1500) }
    for (const port of [1, 0, 1, 0, 1, 0]) stage.arrive(CLIENT, LISTENER, filled(90, 0).fill(port, 0, 1))
    stage.engine.poll(0)
    t.same(stage.takeSent(), [`${RELAY} > ${OTHER_PEER}: 90+90+90`, ...new Array(3).fill(`${RELAY} > ${PEER}: 90`)])
  })
})

t.test('an error of an earlier packet', async (t) => {
  t.test('costs one more try, not the packet', async (t) => {
    const stage = sendingStage()
    stage.faults = refusing(ECONNREFUSED, 1)
    send(stage, 0, 40, 1)
    t.same(stage.takeSent(), [`${RELAY} > ${PEER}: 40`])
    t.equal(stage.counter('socketErrors'), 0)
  })
  for (const count of [1, 3]) {
    t.test(
      `that says "too big" to another peer costs neither packets nor segmentation (${count} of them)`,
      async (t) => {
        const stage = sendingStage()
        stage.faults = refusing(EMSGSIZE, 1)
        send(stage, 0, 40, count)
        t.equal(stage.counter('packetsSent'), count)
        t.equal(stage.counter('socketErrors'), 0)
        send(stage, 0, 40, 2)
        t.same(stage.takeSent().at(-1), `${RELAY} > ${PEER}: 40+40`)
      },
    )
  }
  t.test('that others follow at once, as in a storm of them, costs nothing', async (t) => {
    const stage = sendingStage(new Stage({ gso: false }))
    stage.faults = refusing(ECONNREFUSED, 4)
    send(stage, 0, 40, 2)
    t.same(
      stage.sent.map(({ bytes }) => bytes[2]),
      [0, 1],
    )
    t.equal(stage.counter('socketErrors'), 0)
  })
  t.test('that does not end costs the packet, which is counted, and not the next one', async (t) => {
    const stage = sendingStage(new Stage({ gso: false }))
    stage.faults = refusing(ECONNREFUSED, 5)
    send(stage, 0, 40, 2)
    t.same(
      stage.sent.map(({ bytes }) => bytes[2]),
      [1],
    )
    t.equal(stage.counter('socketErrors'), 1)
    t.equal(stage.counter('packetsSent'), 1)
  })
  t.test('is read from the error queue, and reaches the core with its type, code and MTU', async (t) => {
    const stage = sendingStage()
    const socket = stage.socketAt(RELAY)
    const icmp = {
      errno: ECONNREFUSED,
      origin: SO_EE_ORIGIN_ICMP,
      payload: filled(90, 1),
      offender: addressOf('9.9.9.9'),
    }
    stage.kernel.arriveError(socket, { ...icmp, type: 3, code: 3, info: 0, destination: addressOf(PEER) })
    stage.kernel.arriveError(socket, { ...icmp, type: 3, code: 4, info: 1400, destination: addressOf(OTHER_PEER) })
    stage.engine.poll(0)
    t.same(stage.core.errors, [`relay ${RELAY_ID}, ${PEER}: 3/3, 0`, `relay ${RELAY_ID}, ${OTHER_PEER}: 3/4, 1400`])
    t.equal(stage.counter('icmpErrors'), 2)
    t.notOk(stage.kernel.isReady)
  })
  t.test('does not keep datagrams from the core, however many of them come in a round', async (t) => {
    const stage = sendingStage()
    let heardCount = 0
    stage.core.onDatagram = () => heardCount++
    const icmp = { errno: ECONNREFUSED, origin: SO_EE_ORIGIN_ICMP, type: 3, code: 3, info: 0, payload: filled(8, 1) }
    const error = { ...icmp, destination: addressOf(OTHER_PEER), offender: null }
    for (let round = 1; round <= 10; round++) {
      for (let count = 0; count < 25; count++) stage.kernel.arriveError(stage.socketAt(RELAY), error)
      stage.arrive(PEER, RELAY, filled(10, 1))
      stage.engine.poll(0)
      t.equal(heardCount, round)
    }
  })
  t.test('does not keep datagrams from the core that came with it', async (t) => {
    const stage = sendingStage()
    const heard: number[] = []
    stage.core.onDatagram = (relayId) => heard.push(relayId)
    const icmp = { errno: ECONNREFUSED, origin: SO_EE_ORIGIN_ICMP, type: 3, code: 3, info: 0, payload: filled(8, 1) }
    const error = { ...icmp, destination: addressOf(PEER), offender: null }
    stage.kernel.arriveError(stage.socketAt(RELAY), error)
    stage.arrive(PEER, RELAY, filled(10, 1))
    stage.settle()
    t.same(heard, [RELAY_ID])
  })
})

t.test('where the send queue is full', async (t) => {
  t.test('what is left of that socket is dropped and counted; others go on', async (t) => {
    const stage = sendingStage(new Stage({ gso: false }))
    stage.openRelay(OTHER_RELAY_ID, OTHER_RELAY)
    const { onFrame } = stage.core
    stage.core.onFrame = (client, bytes, start, end) => {
      onFrame(client, bytes, start, end)
      stage.engine.sendToPeer(OTHER_RELAY_ID, addressOf(PEER), bytes, start, end, false)
    }
    stage.faults = { sendError: (socket) => (socket === stage.socketAt(RELAY) ? EAGAIN : 0) }
    send(stage, 0, 40, 3)
    t.same(stage.takeSent(), new Array(3).fill(`${OTHER_RELAY} > ${PEER}: 40`))
    t.equal(stage.counter('sendQueueDrops'), 3)
    t.equal(stage.counter('packetsSent'), 3)
  })
  t.test('of a device, one message is dropped and counted, with all of its packets', async (t) => {
    const stage = sendingStage()
    stage.faults = refusing(ENOBUFS, 1)
    send(stage, 0, 40, 3)
    t.same(stage.takeSent(), [])
    t.equal(stage.counter('sendQueueDrops'), 3)
    send(stage, 0, 40, 1)
    t.same(stage.takeSent(), [`${RELAY} > ${PEER}: 40`])
  })
  t.test('in the middle of a call, nothing that was sent is counted as lost', async (t) => {
    const stage = sendingStage(new Stage({ gso: false }))
    stage.faults = { sendCount: () => 1 }
    send(stage, 0, 40, 4)
    t.same(
      stage.sent.map(({ bytes }) => bytes[2]),
      [0, 1, 2, 3],
    )
    t.equal(stage.counter('sendCalls'), 4)
    t.equal(stage.counter('sendQueueDrops'), 0)
  })
})
