// Handshakes of DTLS in memory: cookies first, lost flights, time limits, bounds, fragments, and a client that begins anew.

import t from 'tap'
import {
  DTLS_EARLY_RECORD_COUNT_MAX,
  DTLS_HALF_OPEN_COUNT_MAX,
  DTLS_UNALLOCATED_OF_SOURCE_COUNT_MAX,
} from '../../../src/limits/dtls.js'
import { EPOCH_AT, recordEnd } from '../../../src/net/dtls/record.js'
import { DROP_NONE, DROP_NOT_STUN } from '../../../src/turn/drop-reasons.js'
import { withDeadline } from '../../support/deadline.js'
import { withoutKoffi } from '../../support/engines.js'
import { peerOrSkip } from '../../support/peers.js'
import { DtlsStage, StageClient } from './dtls-stage.js'

/** A warning in plain text, which says nothing. */
const ALERT = Buffer.from('15fefd000000000000000900020164', 'hex')
const HELLO_COUNT = 10_000
const HELLO_GROWTH_BYTES_MAX = 32 * 1024 * 1024

t.test('the handshake of DTLS', { skip: withoutKoffi() || peerOrSkip('openssl') }, async (t) => {
  t.test(
    'answers a first ClientHello with a shorter HelloVerifyRequest, and keeps nothing (RFC 6347 §4.2.1)',
    async (t) => {
      const stage = DtlsStage.open(t)
      const client = new StageClient(stage)
      const [hello] = client.ssl.advance()
      stage.receive(client.fiveTuple, hello)
      const [answer, ...more] = stage.sentTo(client.localAddress)
      t.equal(more.length, 0)
      t.equal(answer[13], 3, 'a HelloVerifyRequest')
      t.ok(answer.length < hello.length)
      t.same(answer.subarray(3, 11), hello.subarray(3, 11), 'with the number of the record that it answers')
      t.equal(stage.dtls.sessionCount, 0)
      client.exchange()
      t.ok(client.ssl.isEstablished, 'with the cookie the handshake goes on')
      t.equal(stage.dtls.sessionCount, 1)
      t.equal(stage.dtls.halfOpenCount, 0)
      t.equal(stage.counter('handshakes'), 1)
    },
  )

  t.test('takes nothing from 10,000 ClientHellos without a cookie', async (t) => {
    const stage = DtlsStage.open(t)
    const client = new StageClient(stage)
    const [hello] = client.ssl.advance()
    const before = process.memoryUsage().rss
    let answerCount = 0
    for (let count = 0; count < HELLO_COUNT; count++) {
      client.fiveTuple.client.port = 1 + count
      stage.receive(client.fiveTuple, hello)
      answerCount += stage.sentTo(client.fiveTuple.client).splice(0).length
    }
    t.equal(stage.dtls.sessionCount, 0)
    t.equal(answerCount, HELLO_COUNT)
    t.ok(process.memoryUsage().rss - before < HELLO_GROWTH_BYTES_MAX)
  })

  t.test('does not take the cookie of another address, nor one of long ago', async (t) => {
    const stage = DtlsStage.open(t)
    const client = new StageClient(stage)
    stage.receive(client.fiveTuple, client.ssl.advance()[0])
    client.take()
    const [hello] = client.ssl.advance()
    const thief = new StageClient(stage, '198.51.100.8:50000')
    stage.receive(thief.fiveTuple, hello)
    t.equal(stage.sentTo(thief.localAddress)[0][13], 3, 'asked for a cookie')
    stage.advanceSeconds(121)
    stage.receive(client.fiveTuple, hello)
    t.equal(stage.sentTo(client.localAddress)[0][13], 3, 'asked for a new cookie')
    t.equal(stage.dtls.sessionCount, 0)
  })

  t.test('sends a lost flight again', async (t) => {
    const stage = DtlsStage.open(t)
    const client = new StageClient(stage)
    stage.receive(client.fiveTuple, client.ssl.advance()[0])
    client.take()
    stage.receive(client.fiveTuple, client.ssl.advance()[0])
    const lost = stage.sentTo(client.localAddress).splice(0)
    t.ok(lost.length > 0)
    // OpenSSL's timers go by the clock on the wall: after a second.
    await until(() => {
      stage.advanceTicks(10)
      return stage.sentTo(client.localAddress).length > 0
    })
    client.exchange()
    t.ok(client.ssl.isEstablished)
  })

  t.test('repeats its last flight when the client repeats its own', async (t) => {
    const stage = DtlsStage.open(t)
    const client = new StageClient(stage)
    stage.receive(client.fiveTuple, client.ssl.advance()[0])
    client.take()
    stage.receive(client.fiveTuple, client.ssl.advance()[0])
    client.take()
    for (const datagram of client.ssl.advance()) stage.receive(client.fiveTuple, datagram)
    t.equal(stage.counter('handshakes'), 1)
    t.ok(stage.sentTo(client.localAddress).splice(0).length > 0, 'the Finished is lost')
    t.notOk(client.ssl.isEstablished)
    await until(() => {
      for (const datagram of client.ssl.retransmit()) stage.receive(client.fiveTuple, datagram)
      return stage.sentTo(client.localAddress).length > 0
    })
    client.exchange()
    t.ok(client.ssl.isEstablished)
  })

  t.test('ends after 10 seconds', async (t) => {
    const stage = DtlsStage.open(t)
    halfOpen(stage, '198.51.100.7:50000')
    stage.advanceTicks(990)
    t.equal(stage.dtls.halfOpenCount, 1)
    stage.advanceTicks(10)
    t.equal(stage.dtls.halfOpenCount, 0)
    t.equal(stage.dtls.sessionCount, 0)
    t.equal(stage.counter('handshakesFailed'), 1)
    t.equal(stage.counter('connectionsTimedOut'), 1)
  })

  t.test('is bounded: the oldest makes room, and one source cannot take all', async (t) => {
    const stage = DtlsStage.open(t)
    const first = halfOpen(stage, '198.51.100.1:50000')
    const second = halfOpen(stage, '198.51.100.3:50000')
    for (let count = 2; count < DTLS_HALF_OPEN_COUNT_MAX; count++)
      halfOpen(stage, `198.51.${count >> 8}.${count & 255}:50001`)
    t.equal(stage.dtls.halfOpenCount, DTLS_HALF_OPEN_COUNT_MAX)
    t.equal(stage.counter('handshakesFailed'), 0)
    halfOpen(stage, '198.51.100.2:50003')
    t.equal(stage.dtls.halfOpenCount, DTLS_HALF_OPEN_COUNT_MAX)
    t.equal(stage.counter('handshakesFailed'), 1)
    t.equal(stage.receive(first.fiveTuple, ALERT), DROP_NOT_STUN, 'the oldest has gone')
    t.equal(stage.receive(second.fiveTuple, ALERT), DROP_NONE)
  })

  t.test('is not ended by records that came too early, however many', async (t) => {
    for (const count of [
      DTLS_EARLY_RECORD_COUNT_MAX,
      DTLS_EARLY_RECORD_COUNT_MAX + 1,
      10 * DTLS_EARLY_RECORD_COUNT_MAX,
    ]) {
      const stage = DtlsStage.open(t)
      const client = halfOpen(stage, '198.51.100.7:50000', false)
      for (let index = 0; index < count; index++) stage.receive(client.fiveTuple, forged(index))
      client.exchange()
      t.ok(client.ssl.isEstablished, `after ${count}`)
      t.equal((await client.turn(t).binding()).code, 0)
      t.same([stage.dtls.sessionCount, stage.counter('handshakesFailed')], [1, 0])
    }
  })

  t.test('takes the Finished in a datagram of its own, behind forged ones', async (t) => {
    const stage = DtlsStage.open(t)
    const client = halfOpen(stage, '198.51.100.7:50000', false)
    for (let index = 0; index <= DTLS_EARLY_RECORD_COUNT_MAX; index++) stage.receive(client.fiveTuple, forged(index))
    client.take()
    for (const flight of client.ssl.advance()) {
      for (let start = 0, end = 0; start < flight.length; start = end) {
        end = recordEnd(flight, start, flight.length)
        stage.receive(client.fiveTuple, flight.subarray(start, end))
        stage.receive(client.fiveTuple, forged(100 + start))
      }
    }
    client.exchange()
    t.ok(client.ssl.isEstablished)
  })

  t.test('keeps few records that came too early', async (t) => {
    for (const count of [DTLS_EARLY_RECORD_COUNT_MAX - 1, DTLS_EARLY_RECORD_COUNT_MAX]) {
      const stage = DtlsStage.open(t)
      const client = halfOpen(stage, '198.51.100.7:50000', false)
      for (let index = 0; index < count; index++) stage.receive(client.fiveTuple, forged(index))
      client.take()
      const [flight] = client.ssl.advance()
      // The Finished overtakes what comes before it: it is kept if there is room.
      const finished = encryptedStart(flight)
      stage.receive(client.fiveTuple, flight.subarray(finished))
      stage.receive(client.fiveTuple, flight.subarray(0, finished))
      t.equal(stage.counter('handshakes'), count < DTLS_EARLY_RECORD_COUNT_MAX ? 1 : 0)
      t.equal(stage.dtls.sessionCount, 1)
    }
  })

  t.test('is refused to a source with too many sessions that have no allocation', async (t) => {
    const stage = DtlsStage.open(t)
    for (let count = 0; count < DTLS_UNALLOCATED_OF_SOURCE_COUNT_MAX; count++)
      halfOpen(stage, `198.51.100.7:${50_000 + count}`)
    t.equal(stage.counter('connectionsRefused'), 0)
    halfOpen(stage, '198.51.100.7:60000')
    t.equal(stage.counter('connectionsRefused'), 1)
    t.same(stage.refused, ['connection-cap 198.51.100.7:60000'])
    t.equal(stage.dtls.sessionCount, DTLS_UNALLOCATED_OF_SOURCE_COUNT_MAX)
    t.ok(StageClient.connect(stage, '198.51.100.8:60000').ssl.isEstablished, 'others are served')
    stage.advanceTicks(1_000)
    t.ok(StageClient.connect(stage, '198.51.100.7:60000').ssl.isEstablished, 'and so is it, later')
  })

  t.test('displaces the oldest session without an allocation where there are too many', async (t) => {
    const stage = new DtlsStage(undefined, 0, 3)
    t.teardown(() => stage.dtls.close())
    const allocated = StageClient.connect(stage, '198.51.100.1:1')
    await allocated.turn(t).allocate()
    const oldest = StageClient.connect(stage, '198.51.100.2:1')
    halfOpen(stage, '198.51.100.3:1')
    const third = StageClient.connect(stage, '198.51.100.4:1')
    t.equal(stage.counter('connectionsRefused'), 0)
    const newcomer = StageClient.connect(stage, '198.51.100.5:1')
    t.ok(newcomer.ssl.isEstablished)
    t.equal(stage.counter('connectionsRefused'), 1)
    t.same(stage.refused, ['connection-displaced 198.51.100.2:1'])
    oldest.exchange()
    t.ok(oldest.ssl.hasEnded, 'with close_notify')
    t.equal(stage.dtls.sessionCount, 4)
    t.ok(StageClient.connect(stage, '198.51.100.6:1').ssl.isEstablished)
    t.equal(stage.dtls.halfOpenCount, 0, 'the next one was half-open')
    for (const client of [allocated, third, newcomer]) t.notOk(client.ssl.hasEnded)
  })

  t.test('works in fragments, a ClientHello of several datagrams included', async (t) => {
    const stage = DtlsStage.open(t)
    const alpn = ['stun.turn', ...Array.from({ length: 30 }, (_, index) => `protocol-${index}`)]
    const client = new StageClient(stage, undefined, { mtu: 256, alpn })
    t.ok(client.ssl.advance().length > 1)
    const again = StageClient.connect(stage, '198.51.100.9:1', { mtu: 256, alpn })
    t.ok(again.ssl.isEstablished)
  })

  t.test('fails with an alert if the client wants other protocols only (RFC 7301 §3.2)', async (t) => {
    const stage = DtlsStage.open(t)
    const client = new StageClient(stage, undefined, { alpn: ['http/1.1'] })
    client.exchange()
    t.ok(client.ssl.hasEnded)
    t.equal(stage.dtls.sessionCount, 0)
    t.equal(stage.counter('handshakesFailed'), 1)
    t.same(stage.refused, [`tls-handshake ${client.localAddress}`])
    t.ok(StageClient.connect(stage, undefined, { alpn: ['http/1.1', 'stun.turn'] }).ssl.isEstablished)
  })

  t.test('is not begun without a certificate', async (t) => {
    const stage = DtlsStage.open(t, null)
    const client = new StageClient(stage)
    client.exchange()
    t.equal(stage.dtls.sessionCount, 0)
    t.equal(stage.counter('connectionsRefused'), 1)
    t.same(stage.refused, [], 'nobody is to blame')
  })
})

/** A client that has sent its cookie, and nothing more. @param isLost whether the answer is */
function halfOpen(stage: DtlsStage, address: string, isLost = true): StageClient {
  const client = new StageClient(stage, address)
  stage.receive(client.fiveTuple, client.ssl.advance()[0])
  client.take()
  for (const datagram of client.ssl.advance()) stage.receive(client.fiveTuple, datagram)
  if (isLost) stage.sentTo(client.localAddress).length = 0
  return client
}

/** What anybody can send in the client's name: a record that looks encrypted. */
function forged(index: number): Buffer {
  const record = Buffer.alloc(13 + 48)
  record.set([22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 1, index, 0, 48])
  return record
}

/** Where the first encrypted record of a datagram begins. */
function encryptedStart(datagram: Buffer): number {
  let start = 0
  while (datagram.readUInt16BE(start + EPOCH_AT) === 0) start = recordEnd(datagram, start, datagram.length)
  return start
}

/** Looks again each 20 ms. */
function until(isSo: () => boolean): Promise<void> {
  let timer: NodeJS.Timeout
  const met = new Promise<void>((resolve) => {
    timer = setInterval(() => isSo() && resolve(), 20)
  })
  return withDeadline(met, 60_000, () => 'nothing was sent again').finally(() => clearInterval(timer))
}
