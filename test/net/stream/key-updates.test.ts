// A client over TLS 1.3 that has the keys renewed again and again (RFC 8446 §4.6.3): one that reads goes on, one that does not read is closed
// before what waits for it has become much.
import t from 'tap'
import { ENCRYPTED_BYTES_MAX } from '../../../src/limits/streams.js'
import { ALICE } from '../../support/core-client.js'
import { PEER } from '../../support/core-harness.js'
import { withoutDtls } from '../../support/engines.js'
import { KeyRenewingClient } from '../../support/key-renewing-client.js'
import { addressOf } from '../../support/turn-address.js'
import { TurnClient } from '../../support/turn-client.js'
import { bytesOf } from './stream-client.js'
import { StreamStage } from './stream-stage.js'
import { writeTestCertificate } from './test-certificate.js'

const CHANNEL = 0x4001
const UPDATES_AT_ONCE = 500
/** A record of TLS 1.3 with a KeyUpdate in it. */
const KEY_UPDATE_LENGTH = 27

t.test('a client that has its keys renewed', { skip: withoutDtls }, async (t) => {
  const certificate = writeTestCertificate(t, 'one.example.org')
  const stage = await StreamStage.open(t, { certificate })
  const begin = async () => {
    const transport = await KeyRenewingClient.connect('127.0.0.1', stage.ports.tls)
    return { transport, client: TurnClient.on(t, transport, ALICE) }
  }

  t.test('goes on as long as it reads', async (t) => {
    const { transport, client } = await begin()
    for (let round = 0; round < 10; round++) {
      await transport.renewKeys(UPDATES_AT_ONCE)
      t.equal((await client.binding()).code, 0)
    }
    stage.advance(0)
    t.equal((await client.binding()).code, 0)
    await transport.close()
  })

  t.test('is closed when it does not read and a mebibyte waits for it', async (t) => {
    const { transport, client } = await begin()
    t.equal((await client.allocate()).code, 0)
    t.equal((await client.bindChannel(CHANNEL, addressOf(PEER))).code, 0)
    const [{ relay4 }] = [...stage.core.allocations.values()]
    transport.socket.pause()
    const payload = bytesOf(16_000)
    // What the kernel keeps is full.
    await stage.until('it is stalled', () => {
      for (let count = 0; count < 10; count++) stage.peerSends(relay4?.id ?? -1, PEER, payload)
      return stage.counted('stalledDrops')[0] > 0
    })
    const closed = new Promise<void>((resolve) => transport.socket.once('close', resolve))
    let [isClosed, updateCount] = [false, 0]
    closed.then(() => {
      isClosed = true
    })
    // It has not read what would tell it; its own write is refused.
    while (!isClosed && updateCount * KEY_UPDATE_LENGTH < 2 * ENCRYPTED_BYTES_MAX) {
      await transport.renewKeys(UPDATES_AT_ONCE)
      updateCount += UPDATES_AT_ONCE
      await new Promise((resolve) => setImmediate(resolve))
      stage.advance(0)
    }
    t.equal(stage.streams.connectionCount, 0)
    t.ok(updateCount * KEY_UPDATE_LENGTH > ENCRYPTED_BYTES_MAX / 2, `${updateCount} updates`)
    t.equal(stage.core.allocations.size, 0)
    transport.socket.resume()
    await closed
  })
})
