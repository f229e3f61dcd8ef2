// Every datagram of a client's handshake cut at each byte, and with each byte changed: nothing throws, and nothing stays that should not.

import t from 'tap'
import { DTLS_HANDSHAKE_SECONDS_MAX, DTLS_IDLE_SECONDS_MAX } from '../../../src/limits/dtls.js'
import { withoutKoffi } from '../../support/engines.js'
import { peerOrSkip } from '../../support/peers.js'
import { DtlsStage, StageClient } from './dtls-stage.js'

/** Two ClientHellos, and the flight that ends the client's side. */
const DATAGRAM_COUNT = 3

t.test('broken handshakes of DTLS', { skip: withoutKoffi() || peerOrSkip('openssl') }, async (t) => {
  for (let index = 0; index < DATAGRAM_COUNT; index++) {
    t.test(`datagram ${index + 1} of the client cut short`, async (t) => {
      const count = eachMutation(t, index, (datagram, at) => datagram.subarray(0, at))
      t.ok(count > 50, `${count} lengths`)
    })
    t.test(`datagram ${index + 1} of the client with a changed byte`, async (t) => {
      const count = eachMutation(t, index, (datagram, at) => {
        const changed = Buffer.from(datagram)
        changed[at] ^= 1 << (at & 7)
        return changed
      })
      t.ok(count > 50, `${count} bytes`)
    })
    t.test(`datagram ${index + 1} of the client twice`, async (t) => {
      const stage = DtlsStage.open(t)
      const client = new StageClient(stage)
      for (let sent = 0; !client.ssl.isEstablished; sent++) {
        for (const datagram of client.ssl.advance()) {
          stage.receive(client.fiveTuple, datagram)
          if (sent === index) stage.receive(client.fiveTuple, datagram)
        }
        client.take()
        if (sent > DATAGRAM_COUNT) break
      }
      t.ok(client.ssl.isEstablished)
      t.equal((await client.turn(t).binding()).code, 0)
    })
  }
})

/** Returns how many places there were. */
function eachMutation(
  t: { equal: (found: unknown, wanted: unknown) => unknown; teardown: (fn: () => void) => unknown },
  index: number,
  mutate: (datagram: Buffer, at: number) => Buffer,
): number {
  const stage = new DtlsStage()
  t.teardown(() => stage.dtls.close())
  let length = 1
  let at = 0
  for (; at < length; at++) {
    const client = new StageClient(stage, `198.51.${at >> 8}.${at & 255}:50000`)
    for (let sent = 0; sent < index; sent++) {
      for (const datagram of client.ssl.advance()) stage.receive(client.fiveTuple, datagram)
      client.take()
    }
    const datagrams = client.ssl.advance()
    if (datagrams.length !== 1) throw new Error(`${datagrams.length} datagrams in flight ${index}`)
    length = datagrams[0].length
    stage.receive(client.fiveTuple, mutate(datagrams[0], at))
    client.take()
    client.ssl.free()
  }
  stage.advanceSeconds(DTLS_HANDSHAKE_SECONDS_MAX + DTLS_IDLE_SECONDS_MAX + 1)
  t.equal(stage.dtls.halfOpenCount, 0)
  t.equal(stage.dtls.sessionCount, 0)
  return at
}
