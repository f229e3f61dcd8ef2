// Whose quotas and bandwidth a TURN REST name counts for: its user part, whatever time stands before it.
import { createHmac } from 'node:crypto'
import t from 'tap'
import { RestSecrets } from '../../src/auth/rest-secrets.js'
import * as stun from '../../src/stun/constants.js'
import * as drops from '../../src/turn/drop-reasons.js'
import { type CoreClient, REALM } from '../support/core-client.js'
import { CoreHarness, type CoreHarnessOptions, PEER } from '../support/core-harness.js'

const WALL = 1_700_000_000
const KILOBYTE = new Uint8Array(1000)
const CHANNEL = 0x4000

function restHarness(options: CoreHarnessOptions): CoreHarness {
  const harness = new CoreHarness(options)
  harness.core.authenticator.setStores([new RestSecrets(REALM, ['north'], () => WALL)])
  return harness
}

function clientOf(harness: CoreHarness, username: string): CoreClient {
  const password = createHmac('sha1', 'north').update(username).digest('base64')
  return harness.client({ user: { username, password } })
}

t.test('the account of a TURN REST name', async (t) => {
  t.test(
    'is its user part: two names of alice have one quota, and those of others and without a user their own',
    async (t) => {
      const harness = restHarness({ userQuota: 1 })
      const first = clientOf(harness, `${WALL + 1}:alice`)
      t.equal(first.allocate().code, 0)
      t.equal(clientOf(harness, `${WALL + 2}:alice`).allocate().code, 486)
      t.equal(clientOf(harness, `alice:${WALL + 3}`).allocate().code, 486, 'with the time last, too')
      t.equal(clientOf(harness, `${WALL + 2}:bob`).allocate().code, 0)
      t.equal(clientOf(harness, `${WALL + 1}`).allocate().code, 0)
      t.equal(clientOf(harness, `${WALL + 2}`).allocate().code, 0)
      t.equal(harness.core.quotas.heldBy('alice'), 1)
      t.equal(harness.allocationOf(first).username, `${WALL + 1}:alice`, 'the log and lists say the whole name')
      t.equal(first.refresh(0).code, 0)
      t.equal(harness.core.quotas.heldBy('alice'), 0)
      t.equal(clientOf(harness, `${WALL + 2}:alice`).allocate().code, 0, 'a place that is free again')
    },
  )

  t.test('shares the bandwidth of the user', async (t) => {
    const harness = restHarness({ userMaxBps: 800_000 })
    const clients = [1, 2].map((time) => clientOf(harness, `${WALL + time}:alice`))
    for (const client of clients) {
      client.allocate()
      client.channelBind(CHANNEL, PEER)
    }
    // 250 ms of the rate for both together, of which each may have left a little.
    let count = 0
    for (const client of clients) while (client.channelData(CHANNEL, KILOBYTE) === 0 && count < 1000) count++
    t.ok(count > 0 && count <= 26, `${count} packets passed`)
    for (const client of clients) t.equal(client.channelData(CHANNEL, KILOBYTE), drops.DROP_BANDWIDTH)
    const other = clientOf(harness, `${WALL + 1}:bob`)
    other.allocate()
    other.channelBind(CHANNEL, PEER)
    t.equal(other.channelData(CHANNEL, KILOBYTE), 0)
  })

  t.test('may claim the port that another name of the user has reserved', async (t) => {
    const harness = restHarness({})
    const even = clientOf(harness, `${WALL + 1}:alice`).allocate((w) => w.writeUint8(stun.ATTRIBUTE_EVEN_PORT, 0x80))
    const token = even.value(stun.ATTRIBUTE_RESERVATION_TOKEN)
    const claim = (name: string) =>
      clientOf(harness, name).allocate((w) => w.writeBytes(stun.ATTRIBUTE_RESERVATION_TOKEN, token)).code
    t.equal(claim(`${WALL + 1}:bob`), 508)
    t.equal(claim(`${WALL + 9}:alice`), 0)
  })

  t.test('is not who an allocation belongs to: another name of the user gets 441 (RFC 8656 §5)', async (t) => {
    const harness = restHarness({})
    const client = clientOf(harness, `${WALL + 1}:alice`)
    client.allocate()
    const other = `${WALL + 2}:alice`
    const password = createHmac('sha1', 'north').update(other).digest('base64')
    const onTheSameFiveTuple = harness.client({
      address: client.fiveTuple.client.toString(),
      user: { username: other, password },
    })
    t.equal(onTheSameFiveTuple.refresh().code, 441)
  })
})
