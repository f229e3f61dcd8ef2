// Established sessions of DTLS in memory: frames both ways, forged and broken datagrams, the ends of a session, and what each leaves behind.

import { randomBytes } from 'node:crypto'
import t from 'tap'
import { DTLS_IDLE_SECONDS_MAX } from '../../../src/limits/dtls.js'
import { PLAINTEXT_LENGTH_MAX } from '../../../src/net/dtls/record.js'
import { writeChannelDataHeader } from '../../../src/stun/channel-data.js'
import { METHOD_BINDING } from '../../../src/stun/constants.js'
import { TRANSPORT_DTLS } from '../../../src/turn/five-tuple.js'
import { withoutKoffi } from '../../support/engines.js'
import { peerOrSkip } from '../../support/peers.js'
import { addressOf } from '../../support/turn-address.js'
import { DtlsStage, StageClient } from './dtls-stage.js'

const PEER = addressOf('1.2.3.4:6000')
const CHANNEL = 0x4001

t.test('a session of DTLS', { skip: withoutKoffi() || peerOrSkip('openssl') }, async (t) => {
  t.test('carries requests, indications and channels both ways (RFC 7350)', async (t) => {
    const stage = DtlsStage.open(t)
    const client = StageClient.connect(stage)
    const turn = client.turn(t)
    t.equal((await turn.binding()).code, 0)
    t.equal((await turn.allocate()).code, 0)
    const [allocation] = [...stage.core.allocations.values()]
    const { fiveTuple } = allocation
    t.equal(fiveTuple.transport, TRANSPORT_DTLS)
    t.equal(fiveTuple.client.host, '198.51.100.7')
    t.ok(fiveTuple.connectionId > 0)
    t.equal((await turn.createPermission(PEER)).code, 0)
    turn.inbox.takeAll()
    const relayId = allocation.relayOfFamily(4)?.id ?? 0
    stage.core.handlePeerDatagram(relayId, PEER, Buffer.from('hello'), 0, 5)
    client.take()
    t.equal((await turn.inbox.next()).length % 4, 0, 'a Data indication, padded')
    t.equal((await turn.bindChannel(CHANNEL, PEER)).code, 0)
    stage.core.handlePeerDatagram(relayId, PEER, Buffer.from('hello'), 0, 5)
    client.take()
    t.equal((await turn.inbox.next()).toString('latin1', 4), 'hello', 'not padded')
    client.send(channelData(Buffer.from('to the peer')))
    t.same(stage.toPeers.map(String), ['to the peer'])
  })

  t.test('carries frames up to the size of a record, each as one datagram', async (t) => {
    const stage = DtlsStage.open(t)
    const client = StageClient.connect(stage)
    const turn = client.turn(t)
    await turn.allocate()
    await turn.bindChannel(CHANNEL, PEER)
    const [allocation] = [...stage.core.allocations.values()]
    const relayId = allocation.relayOfFamily(4)?.id ?? 0
    const longest = PLAINTEXT_LENGTH_MAX - 4
    for (const length of [0, 1, 1_200, 1_400, 8_000, longest]) {
      stage.core.handlePeerDatagram(relayId, PEER, Buffer.alloc(length, 'x'), 0, length)
      t.equal(stage.sentTo(client.localAddress).length, 1)
      client.take()
      t.equal((await turn.inbox.next()).length, 4 + length)
      client.send(channelData(Buffer.alloc(length, 'y')))
      t.same(stage.toPeers.pop(), Buffer.alloc(length, 'y'))
    }
    stage.core.handlePeerDatagram(relayId, PEER, Buffer.alloc(longest + 1), 0, longest + 1)
    t.equal(stage.sentTo(client.localAddress).length, 0)
    t.equal(stage.counter('socketErrors'), 1, 'longer: dropped and counted')
  })

  t.test('may have several records in a datagram, and hands on memory that is never written again', async (t) => {
    const stage = DtlsStage.open(t)
    const client = StageClient.connect(stage)
    const turn = client.turn(t)
    await turn.allocate()
    await turn.bindChannel(CHANNEL, PEER)
    const kept: Uint8Array[] = []
    stage.core.output.sendToPeer = (_relayId, _peer, bytes, start, end) => void kept.push(bytes.subarray(start, end))
    const records = ['one', 'two', 'three'].flatMap((text) => client.ssl.write(channelData(Buffer.from(text))))
    stage.receive(client.fiveTuple, Buffer.concat(records))
    for (let count = 0; count < 40; count++) client.send(channelData(Buffer.alloc(16_000, count)))
    t.same(
      kept.slice(0, 3).map((bytes) => Buffer.from(bytes).toString()),
      ['one', 'two', 'three'],
    )
    t.ok(kept.slice(3).every((bytes, count) => bytes.every((byte) => byte === count)))
  })

  t.test('outlives forged, repeated and broken records', async (t) => {
    const stage = DtlsStage.open(t)
    const client = StageClient.connect(stage)
    const turn = client.turn(t)
    const [record] = client.ssl.write(turn.message(METHOD_BINDING, () => {}, { integrity: 'none' }))
    for (let at = 0; at < record.length; at++) {
      const forged = Buffer.from(record)
      forged[at] ^= 1
      stage.receive(client.fiveTuple, forged)
      stage.receive(client.fiveTuple, record.subarray(0, at))
    }
    // Fatal alerts and close_notify in plain text, of this epoch and the last.
    for (const hex of [
      '15fefd000000000000000900020228',
      '15fefd000000000000000900020100',
      '15fefd000100000000000900020228',
    ])
      stage.receive(client.fiveTuple, Buffer.from(hex, 'hex'))
    stage.sentTo(client.localAddress).length = 0
    t.equal(stage.dtls.sessionCount, 1)
    stage.receive(client.fiveTuple, record)
    t.equal(stage.sentTo(client.localAddress).length, 1, 'answered once')
    stage.receive(client.fiveTuple, record)
    t.equal(stage.sentTo(client.localAddress).length, 1, 'a replay is not')
    client.take()
    t.equal((await turn.binding()).code, 0)
  })

  t.test('outlives forged records of every type, epoch and length', async (t) => {
    const stage = DtlsStage.open(t)
    const client = StageClient.connect(stage)
    const lengths = [...Array.from({ length: 80 }, (_, length) => length), 1_200, 16_000, 16_384, 16_704, 16_705]
    let sequence = 1_000
    for (const type of [20, 21, 22, 23, 24, 63]) {
      for (const epoch of [0, 1, 2, 65_535]) {
        for (const length of lengths) {
          const forged = randomBytes(13 + length)
          forged[0] = type
          forged.writeUInt16BE(0xfefd, 1)
          forged.writeUInt16BE(epoch, 3)
          forged.writeUIntBE(sequence++, 5, 6)
          forged.writeUInt16BE(length, 11)
          stage.receive(client.fiveTuple, forged)
        }
      }
    }
    t.equal(stage.dtls.sessionCount, 1)
    t.equal(stage.sentTo(client.localAddress).length, 0, 'without a word')
    t.equal((await client.turn(t).binding()).code, 0)
  })

  t.test(
    'is not touched by ClientHellos of others, and is replaced by its own client when that is done (RFC 6347 §4.2.8)',
    async (t) => {
      const stage = DtlsStage.open(t)
      const client = StageClient.connect(stage)
      const turn = client.turn(t)
      await turn.allocate()
      const [spoofed] = new StageClient(stage).ssl.advance()
      stage.receive(client.fiveTuple, spoofed)
      t.equal(stage.sentTo(client.localAddress).pop()?.[13], 3, 'asked for a cookie')
      t.equal((await turn.binding()).code, 0)
      const old = client.ssl
      const again = new StageClient(stage)
      stage.receive(again.fiveTuple, again.ssl.advance()[0])
      again.take()
      stage.receive(again.fiveTuple, again.ssl.advance()[0])
      const flight = stage.sentTo(again.localAddress).splice(0)
      t.equal(stage.dtls.halfOpenCount, 1)
      t.equal((await turn.binding()).code, 0, 'the old session works while the new one begins')
      for (const datagram of flight) again.takeOne(datagram)
      again.exchange()
      t.ok(again.ssl.isEstablished)
      t.equal(stage.core.allocations.size, 0, 'its allocation went with it')
      t.equal(stage.openRelays.size, 0)
      t.equal(stage.dtls.sessionCount, 1)
      for (const datagram of old.write(Buffer.alloc(20))) stage.receive(client.fiveTuple, datagram)
      t.equal(stage.sentTo(client.localAddress).length, 0, 'the old keys say nothing any more')
      t.equal((await again.turn(t).binding()).code, 0)
    },
  )

  t.test('stays if a new handshake of its client comes to nothing', async (t) => {
    const stage = DtlsStage.open(t)
    const client = StageClient.connect(stage)
    const turn = client.turn(t)
    await turn.allocate()
    const again = new StageClient(stage)
    stage.receive(again.fiveTuple, again.ssl.advance()[0])
    again.take()
    stage.receive(again.fiveTuple, again.ssl.advance()[0])
    stage.sentTo(again.localAddress).length = 0
    stage.advanceSeconds(10)
    t.equal(stage.counter('handshakesFailed'), 1)
    t.equal((await turn.binding()).code, 0)
    t.equal(stage.core.allocations.size, 1)
  })

  t.test('ends 30 seconds after the last record without an allocation, and not with one', async (t) => {
    const stage = DtlsStage.open(t)
    const idle = StageClient.connect(stage)
    const busy = StageClient.connect(stage, '198.51.100.8:1')
    await busy.turn(t).allocate()
    stage.advanceSeconds(DTLS_IDLE_SECONDS_MAX - 1)
    t.equal(stage.dtls.sessionCount, 2)
    t.equal((await idle.turn(t).binding()).code, 0)
    stage.advanceSeconds(DTLS_IDLE_SECONDS_MAX - 1)
    t.equal(stage.dtls.sessionCount, 2)
    stage.advanceSeconds(2)
    t.equal(stage.dtls.sessionCount, 1)
    t.equal(stage.counter('connectionsTimedOut'), 1)
    idle.take()
    t.ok(idle.ssl.hasEnded, 'it is told')
    t.notOk(busy.ssl.hasEnded)
    stage.advanceSeconds(600 + DTLS_IDLE_SECONDS_MAX + 1)
    t.equal(stage.core.allocations.size, 0)
    t.equal(stage.dtls.sessionCount, 0)
  })

  t.test('ends with close_notify of either side, and its allocation with it', async (t) => {
    const stage = DtlsStage.open(t)
    const client = StageClient.connect(stage)
    await client.turn(t).allocate()
    for (const datagram of client.ssl.shutdown()) stage.receive(client.fiveTuple, datagram)
    t.equal(stage.dtls.sessionCount, 0)
    t.equal(stage.core.allocations.size, 0)
    t.equal(stage.openRelays.size, 0)
    const other = StageClient.connect(stage, '198.51.100.8:1')
    await other.turn(t).allocate()
    const [{ fiveTuple }] = [...stage.core.allocations.values()]
    stage.dtls.closeClient(fiveTuple)
    t.equal(stage.core.allocations.size, 1, 'not at once: the core may have asked for it')
    stage.advanceTicks(1)
    t.equal(stage.core.allocations.size, 0)
    other.take()
    t.ok(other.ssl.hasEnded)
    const last = StageClient.connect(stage, '198.51.100.9:1')
    stage.dtls.close()
    last.take()
    t.ok(last.ssl.hasEnded)
    t.equal(stage.receive(last.fiveTuple, Buffer.alloc(100)), 0, 'closed: nothing happens')
  })
})

function channelData(payload: Buffer): Buffer {
  const frame = Buffer.alloc(4 + payload.length)
  writeChannelDataHeader(frame, 0, CHANNEL, payload.length)
  payload.copy(frame, 4)
  return frame
}
