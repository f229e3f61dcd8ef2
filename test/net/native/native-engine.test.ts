// Rounds of the native engine on a fake kernel: what arrives together leaves together, unchanged, in order, from the right sockets.

import t from 'tap'
import { LISTENER_COUNT_MAX } from '../../../src/limits/engines.js'
import { addressOf } from '../../support/turn-address.js'
import {
  CLIENT,
  clientOf,
  filled,
  LISTENER,
  NEXT_RELAY_ID,
  OTHER_CLIENT,
  OTHER_PEER,
  OTHER_RELAY,
  OTHER_RELAY_ID,
  PEER,
  RELAY,
  RELAY_ID,
  SECOND_ADDRESS,
  Stage,
} from './native-engine-stage.js'

const CHANNEL = 0x4000
const LISTENER_TO_CLIENT = `${LISTENER} > ${CLIENT}`
const RELAY_TO_PEER = `${RELAY} > ${PEER}`

/** Payloads of peers go to the client as ChannelData, frames of the client to the peer, their 4 bytes of header taken off. */
function relaying(stage: Stage): Stage {
  const { core, engine } = stage
  stage.openRelay()
  const client = clientOf(CLIENT)
  core.onDatagram = (_relayId, _peer, bytes, start, end) => engine.sendChannelData(client, CHANNEL, bytes, start, end)
  core.onFrame = (_client, bytes, start, end) => {
    engine.sendToPeer(RELAY_ID, addressOf(PEER), bytes, start + 4, end, false)
  }
  return stage
}

t.test('a run of equal length', async (t) => {
  t.test('arrives in one buffer and leaves as one send, the last packet shorter', async (t) => {
    const stage = relaying(new Stage())
    for (const length of [100, 100, 100, 60]) stage.arrive(CLIENT, LISTENER, filled(length, length))
    stage.engine.poll(0)
    t.same(stage.takeSent(), [`${RELAY_TO_PEER}: 96+96+96+56`])
    t.equal(stage.counter('coalescedReceived'), 4)
    t.same([stage.counter('gsoSends'), stage.counter('gsoSegments')], [1, 4])
    t.equal(stage.counter('packetsSent'), 4)
  })
  t.test('leaves as one send for each client, however it arrived interleaved', async (t) => {
    const stage = relaying(new Stage())
    const clients = [clientOf(CLIENT), clientOf(OTHER_CLIENT)]
    stage.core.onDatagram = (_relayId, peer, bytes, start, end) => {
      stage.engine.sendChannelData(clients[peer.port - 6000], CHANNEL, bytes, start, end)
    }
    for (const from of [PEER, OTHER_PEER, PEER, OTHER_PEER]) stage.arrive(from, RELAY, filled(20, 1))
    stage.engine.poll(0)
    t.same(stage.takeSent(), [`${LISTENER_TO_CLIENT}: 24+24`, `${LISTENER} > ${OTHER_CLIENT}: 24+24`])
  })
  t.test('ends at a longer packet, an empty one, 64 packets, 65,487 bytes, and another traffic class', async (t) => {
    const stage = relaying(new Stage({ gro: false }))
    const lengthsFor = (lengths: readonly number[], classes: readonly number[] = []) => {
      for (const [index, length] of lengths.entries())
        stage.arrive(CLIENT, LISTENER, filled(length + 4, 1), classes[index])
      stage.engine.poll(0)
      return stage.takeSent().map((sent) => sent.slice(RELAY_TO_PEER.length + 2))
    }
    t.same(lengthsFor([10, 10, 11, 11]), ['10+10', '11+11'])
    t.same(lengthsFor([10, 10, 0, 10]), ['10+10', '0', '10'])
    t.same(lengthsFor(new Array<number>(65).fill(1)), [new Array(64).fill('1').join('+'), '1'])
    stage.faults = { mtuTo: () => 65_535 }
    t.same(lengthsFor([32_000, 32_000, 1_487]), ['32000+32000+1487'])
    t.same(lengthsFor([32_000, 32_000, 1_488]), ['32000+32000', '1488'])
    t.same(lengthsFor([10, 10, 10], [0, 0, 0xb8]), ['10+10', '10'])
  })
  t.test('leaves packet by packet where the kernel does not segment, in one call', async (t) => {
    const stage = relaying(new Stage({ gso: false }))
    const before = stage.counter('sendCalls')
    for (let index = 0; index < 3; index++) stage.arrive(CLIENT, LISTENER, filled(100, index))
    stage.engine.poll(0)
    t.same(stage.takeSent(), new Array(3).fill(`${RELAY_TO_PEER}: 96`))
    t.equal(stage.counter('sendCalls') - before, 1)
  })
})

t.test('payloads', async (t) => {
  t.test('that share a buffer are not overwritten by the headers and padding of their neighbours', async (t) => {
    const stage = relaying(new Stage())
    for (const value of [1, 2, 3]) stage.arrive(PEER, RELAY, filled(21, value))
    stage.engine.poll(0)
    const payloads = stage.sent.map(({ bytes }) => Buffer.from(bytes.subarray(4)).toString('hex'))
    t.same(
      payloads,
      [1, 2, 3].map((value) => Buffer.from(filled(21, value)).toString('hex')),
    )
  })
  t.test('become Data indications with zeros for padding, alone or not', async (t) => {
    const stage = relaying(new Stage())
    const header = filled(36, 0x48)
    stage.core.onDatagram = (_relayId, _peer, bytes, start, end) => {
      stage.engine.sendDataIndication(clientOf(CLIENT), header, header.length, bytes, start, end)
    }
    // Something longer was in the slots before.
    for (let index = 0; index < 3; index++) stage.arrive(PEER, RELAY, filled(64 + index, 9))
    stage.engine.poll(0)
    stage.sent.length = 0
    for (const burst of [[1], [2, 3]]) {
      for (const value of burst) stage.arrive(PEER, RELAY, filled(21, value))
      stage.engine.poll(0)
    }
    const expected = [1, 2, 3].map((value) => Buffer.concat([header, filled(21, value), filled(3, 0)]).toString('hex'))
    t.same(
      stage.sent.map(({ bytes }) => Buffer.from(bytes).toString('hex')),
      expected,
    )
  })
  t.test('leave in the order in which they came, whatever their lengths', async (t) => {
    const stage = relaying(new Stage())
    const lengths = [30, 30, 10, 50, 50, 50, 20, 30]
    for (const [index, length] of lengths.entries()) stage.arrive(CLIENT, LISTENER, filled(length, index))
    stage.engine.poll(0)
    t.same(
      stage.sent.map(({ bytes }) => bytes[0]),
      [...lengths.keys()],
    )
  })
  t.test('are sent before their slots are used again in the same round', async (t) => {
    const stage = relaying(new Stage({ gro: false }))
    stage.openRelay(OTHER_RELAY_ID, OTHER_RELAY)
    for (let index = 0; index < 300; index++) {
      stage.arrive(CLIENT, LISTENER, filled(20, index & 0x7f))
      stage.arrive(PEER, RELAY, filled(20, 0xaa))
      stage.arrive(PEER, OTHER_RELAY, filled(20, 0xbb))
    }
    stage.settle()
    const fromRelay = stage.sent.filter(({ from }) => from.toString() === RELAY).map(({ bytes }) => bytes[0])
    t.same(
      fromRelay,
      Array.from({ length: 300 }, (_, index) => index & 0x7f),
    )
    for (const value of [0xaa, 0xbb]) t.equal(stage.sent.filter(({ bytes }) => bytes[4] === value).length, 300)
  })
})

t.test('messages of the core', async (t) => {
  t.test('are copied, and leave even if there are more of them than fit into a queue', async (t) => {
    const stage = relaying(new Stage())
    const scratch = new Uint8Array(100)
    const count = 9_000
    stage.core.onFrame = (client) => {
      for (let index = 0; index < count; index++) {
        new DataView(scratch.buffer).setUint32(0, index)
        stage.engine.sendToClient(client, scratch, 0, scratch.length)
      }
    }
    stage.arrive(CLIENT, LISTENER, filled(4, 0))
    stage.engine.poll(0)
    const numbers = stage.sent.map(({ bytes }) => Buffer.from(bytes).readUInt32BE(0))
    t.same(numbers, [...new Array(count).keys()])
  })
  t.test('to more destinations than fit into a queue leave all', async (t) => {
    const stage = relaying(new Stage())
    const client = clientOf(CLIENT)
    stage.core.onFrame = () => {
      for (let port = 1024; port < 4096; port++) {
        client.client.port = port
        stage.engine.sendToClient(client, filled(20, port & 0xff), 0, 20)
      }
    }
    stage.arrive(CLIENT, LISTENER, filled(4, 0))
    stage.engine.poll(0)
    t.same(
      stage.sent.map(({ to }) => to.port).sort((a, b) => a - b),
      Array.from({ length: 3072 }, (_, index) => 1024 + index),
    )
    t.ok(stage.sent.every(({ to, bytes }) => bytes[0] === (to.port & 0xff)))
  })
  t.test('as long as a datagram can be leave whole', async (t) => {
    const stage = relaying(new Stage())
    const message = filled(65_507, 7)
    stage.core.onFrame = (client) => stage.engine.sendToClient(client, message, 0, message.length)
    stage.arrive(CLIENT, LISTENER, filled(4, 0))
    stage.engine.poll(0)
    t.same(stage.takeSent(), [`${LISTENER_TO_CLIENT}: 65507`])
  })
})

t.test('a relay', async (t) => {
  t.test(
    'is reported when the call of the core is over: opened, its port in use, or no socket to be had',
    async (t) => {
      const stage = new Stage()
      stage.engine.openRelay(RELAY_ID, addressOf(RELAY))
      t.same(stage.core.opened, [])
      stage.engine.poll(0)
      t.same(stage.core.opened, [RELAY_ID])
      stage.engine.openRelay(OTHER_RELAY_ID, addressOf(RELAY))
      stage.faults = { openError: () => 24 }
      stage.engine.openRelay(NEXT_RELAY_ID, addressOf(OTHER_RELAY))
      stage.engine.poll(0)
      t.same(stage.core.failed, [
        { relayId: OTHER_RELAY_ID, inUse: true },
        { relayId: NEXT_RELAY_ID, inUse: false },
      ])
    },
  )
  t.test('sends what it has to before it closes', async (t) => {
    const stage = relaying(new Stage())
    stage.core.onFrame = (_client, bytes, start, end) => {
      if (end - start > 4) stage.engine.sendToPeer(RELAY_ID, addressOf(PEER), bytes, start, end, false)
      else stage.engine.closeRelay(RELAY_ID)
    }
    for (const length of [20, 20, 4, 20]) stage.arrive(CLIENT, LISTENER, filled(length, length))
    stage.engine.poll(0)
    t.same(stage.takeSent(), [`${RELAY_TO_PEER}: 20+20`])
    t.equal(stage.kernel.descriptors.socketAt(addressOf(RELAY)), null)
  })
  t.test(
    'that has closed in the round leaves its events to nobody, though its number and slot have a new owner',
    async (t) => {
      const stage = relaying(new Stage())
      const { fd } = stage.socketAt(RELAY)
      const heard: string[] = []
      stage.core.onDatagram = (relayId, peer) => heard.push(`${relayId} ${peer}`)
      stage.core.onFrame = () => {
        stage.engine.closeRelay(RELAY_ID)
        stage.engine.openRelay(NEXT_RELAY_ID, addressOf(OTHER_RELAY))
        stage.arrive(OTHER_PEER, OTHER_RELAY, filled(10, 2))
      }
      stage.arrive(CLIENT, LISTENER, filled(4, 0))
      stage.arrive(PEER, RELAY, filled(10, 1))
      stage.engine.poll(0)
      t.equal(stage.socketAt(OTHER_RELAY).fd, fd)
      stage.engine.poll(0)
      t.notMatch(heard.join(), new RegExp(`${RELAY_ID} ${OTHER_PEER}|${NEXT_RELAY_ID} ${PEER}`))
      t.ok(heard.includes(`${NEXT_RELAY_ID} ${OTHER_PEER}`))
    },
  )
  t.test('that is unknown or closed sends nothing', async (t) => {
    const stage = relaying(new Stage())
    stage.engine.closeRelay(RELAY_ID)
    stage.engine.closeRelay(RELAY_ID)
    stage.arrive(CLIENT, LISTENER, filled(40, 1))
    stage.engine.poll(0)
    t.same(stage.takeSent(), [])
  })
})

t.test('a wildcard listener', async (t) => {
  t.test('finds room for new addresses when all of 127/8 has been asked, and keeps those of allocations', async (t) => {
    const stage = new Stage({ isWildcard: true })
    const hosts = Array.from({ length: LISTENER_COUNT_MAX + 10 }, (_, index) => `127.1.${index >> 8}.${index & 255}`)
    stage.kernel.descriptors.localHosts = ['10.0.0.1', '127.9.9.9', ...hosts]
    const ids = new Map<string, number>()
    stage.core.onFrame = ({ client, listenerId }) => ids.set(client.toString(), listenerId)
    const listenerOf = (host: string, from = CLIENT) => {
      ids.clear()
      stage.arrive(from, `${host}:3478`, filled(8, 0))
      stage.engine.poll(0)
      return ids.get(from)
    }
    const kept = listenerOf('10.0.0.1') as number
    stage.core.allocated.push(clientOf(CLIENT, kept))
    for (const host of hosts) listenerOf(host)
    t.equal(stage.counter('socketErrors'), 1, 'the one that found no room is counted, and makes some for the next')
    t.ok((listenerOf('127.9.9.9') as number) > 0)
    t.equal(listenerOf('10.0.0.1'), kept)
  })
  t.test('answers from the address that was asked, each of which is a listener of its own', async (t) => {
    const stage = new Stage({ isWildcard: true })
    const ids: number[] = []
    stage.core.onFrame = (client, bytes, start, end) => {
      ids.push(client.listenerId)
      stage.engine.sendToClient(client, bytes, start, end)
    }
    for (const to of [LISTENER, SECOND_ADDRESS, LISTENER]) stage.arrive(CLIENT, to, filled(20, 1))
    stage.engine.poll(0)
    t.same(stage.takeSent().sort(), [`${LISTENER} > ${CLIENT}: 20+20`, `${SECOND_ADDRESS} > ${CLIENT}: 20`])
    // The two that asked the same address came in one buffer.
    t.equal(ids[0], ids[1])
    t.not(ids[0], ids[2])
  })
})

t.test('another thread wakes it, once for each time', async (t) => {
  const stage = new Stage()
  stage.kernel.signal(stage.engine.wakeFd)
  t.ok(stage.kernel.isReady)
  stage.engine.poll(-1)
  t.notOk(stage.kernel.isReady)
})
