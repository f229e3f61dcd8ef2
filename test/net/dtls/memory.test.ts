// What sessions cost and give back: native memory is invisible to the collector, so the size of the process tells.

import t from 'tap'
import { DTLS_IDLE_SECONDS_MAX } from '../../../src/limits/dtls.js'
import { withoutKoffi } from '../../support/engines.js'
import { peerOrSkip } from '../../support/peers.js'
import { DtlsStage, StageClient } from './dtls-stage.js'

const SESSION_COUNT = 2_000
/** At a time; one source may have 256. */
const BATCH_COUNT = 200
/** A session that is not freed costs 50 KiB, 2,500 of them 125 MiB. */
const GROWTH_BYTES_MAX = 32 * 1024 * 1024

t.test('the memory of DTLS', { skip: withoutKoffi() || peerOrSkip('openssl') }, async (t) => {
  t.test('is given back when sessions end in any way', async (t) => {
    const stage = DtlsStage.open(t)
    run(stage, SESSION_COUNT / 4)
    const before = process.memoryUsage().rss
    run(stage, SESSION_COUNT)
    const growth = process.memoryUsage().rss - before
    t.comment(`${Math.round(growth / 1024)} KiB more after ${SESSION_COUNT} sessions`)
    t.ok(growth < GROWTH_BYTES_MAX, `${growth} bytes`)
    t.equal(stage.dtls.sessionCount, 0)
    t.equal(stage.counter('connectionsRefused'), 0)
    t.ok(stage.counter('handshakes') > SESSION_COUNT)
  })
})

/** Sessions that the client closes, that are replaced and idle, that are idle at once, and that never come to be, in turn. */
function run(stage: DtlsStage, count: number): void {
  for (let index = 0; index < count; index++) {
    const client = new StageClient(stage, `198.51.100.7:${10_000 + index}`)
    const end = index % 4
    if (end < 3) client.exchange()
    else halfOpen(stage, client)
    if (end === 0) for (const datagram of client.ssl.shutdown()) stage.receive(client.fiveTuple, datagram)
    if (end === 1) {
      client.restart()
      client.exchange()
    }
    client.take()
    client.ssl.free()
    if (index % BATCH_COUNT === BATCH_COUNT - 1) stage.advanceSeconds(DTLS_IDLE_SECONDS_MAX + 1)
  }
}

function halfOpen(stage: DtlsStage, client: StageClient): void {
  stage.receive(client.fiveTuple, client.ssl.advance()[0])
  client.take()
  stage.receive(client.fiveTuple, client.ssl.advance()[0])
}
