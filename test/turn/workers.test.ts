import t from 'tap'
import * as stun from '../../src/stun/constants.js'
import * as drops from '../../src/turn/drop-reasons.js'
import { sweepWorker } from '../../src/turn/shared-tables.js'
import { CoreHarness, type CoreHarnessOptions, PEER } from '../support/core-harness.js'
import { type StageOptions, tablesOf } from '../support/shared-stage.js'
import { addressOf } from '../support/turn-address.js'

const DATA = Buffer.from('some data')
const EVEN_AND_NEXT = 0x80

/** Cores on the same tables; the second one has started 1.25 s after the first. */
function workers(options: CoreHarnessOptions = {}, stage: StageOptions = {}) {
  const tables = tablesOf({ workerCount: 2, ...stage })
  const [a, b] = [0, 1].map(
    (workerIndex) =>
      new CoreHarness({
        tables,
        workerIndex,
        seed: workerIndex + 1,
        monotonicStartSeconds: 1_000 + workerIndex * 1.25,
        ...(stage.maxAllocations === undefined ? {} : { maxAllocations: stage.maxAllocations }),
        ...options,
      }),
  )
  a.advanceTicks(125)
  return { tables, a, b }
}

/** Allocates a pair; returns the token of the upper port. */
function reserve(harness: CoreHarness): { token: Uint8Array; relayed: string } {
  const answer = harness.client().allocate((writer) => writer.writeUint8(stun.ATTRIBUTE_EVEN_PORT, EVEN_AND_NEXT))
  return { token: answer.value(stun.ATTRIBUTE_RESERVATION_TOKEN), relayed: answer.relayed[0] }
}

const withToken = (harness: CoreHarness, token: Uint8Array) =>
  harness.client().allocate((writer) => writer.writeBytes(stun.ATTRIBUTE_RESERVATION_TOKEN, token))

t.test('workers of one server', async (t) => {
  t.test('honour each other’s reservation tokens, once (RFC 8656 §7.2)', async (t) => {
    const { a, b } = workers()
    const { token, relayed } = reserve(a)
    t.equal(a.core.quotas.held, 2)
    const answer = withToken(b, token)
    t.same(answer.relayed, [relayed.replace(/\d+$/, (port) => `${Number(port) + 1}`)])
    t.equal(b.core.quotas.held, 2, 'the place has moved')
    t.equal(withToken(a, token).code, 508)
    t.equal(withToken(b, token).code, 508)
    b.core.deleteAllAllocations('stopped')
    t.equal(b.core.quotas.held, 1)
    a.core.deleteAllAllocations('stopped')
    t.equal(b.core.quotas.held, 0)
    t.equal(b.relayPorts.claimedCount(), 0)
  })

  t.test('let go of each other’s reservations after 30 s, by the clock that they share', async (t) => {
    const { a, b } = workers()
    const { token } = reserve(a)
    b.advanceTicks(2_999)
    t.equal(b.core.reservations.size, 1)
    b.advanceTicks(1)
    t.equal(b.core.reservations.size, 0)
    t.equal(b.core.quotas.held, 1)
    t.equal(withToken(a, token).code, 508)
    a.advanceTicks(4_000)
    t.equal(a.core.quotas.held, 1)
  })

  t.test('have one licence and one quota for each user', async (t) => {
    const licence = workers({}, { maxAllocations: 3 })
    t.same([licence.a.client().allocate().code, reserve(licence.b).token.length], [0, 8])
    t.equal(licence.a.client().allocate().code, 508)
    t.equal(licence.b.client().allocate().code, 508)
    t.equal(licence.b.observer.lastRefusal(), 'licence 508')
    const quota = workers({ userQuota: 2 })
    t.same([quota.a.client().allocate().code, quota.b.client().allocate().code], [0, 0])
    t.same([quota.a.client().allocate().code, quota.b.client().allocate().code], [486, 486])
  })

  t.test('know each other’s relays: as peers (hairpin), and as clients that there are not', async (t) => {
    const { a, b } = workers({ relayHosts: ['5.6.7.8/10.0.0.5'] })
    const [onA, onB] = [a.client(), b.client()]
    const [relayedA] = onA.allocate().relayed
    const [relayedB] = onB.allocate().relayed
    t.equal(onA.createPermission(relayedB).code, 0)
    t.equal(onB.channelBind(0x4000, relayedA).code, 0)
    t.equal(onA.sendIndication(relayedB, DATA), 0)
    const [sent] = a.output.of('to-peer')
    t.equal(sent.peer, relayedB.replace('5.6.7.8', '10.0.0.5'))
    t.equal(b.peerSends(b.relayOf(onB).id, relayedA.replace('5.6.7.8', '10.0.0.5'), DATA), 0)
    t.match(b.output.of('channel-data'), [{ channelNumber: 0x4000, payload: new Uint8Array(DATA) }])
    const nested = a.client({ address: relayedB })
    t.equal(
      nested.request(stun.METHOD_BINDING, () => {}, { integrity: 'none' }),
      null,
    )
    t.equal(nested.drop, drops.DROP_NESTED_CLIENT)
  })

  t.test('lose nothing when one has died and is swept, and have its places and ports again', async (t) => {
    const { tables, a, b } = workers({}, { maxAllocations: 4 })
    const onB = b.client()
    onB.allocate()
    onB.channelBind(0x4000, PEER)
    const { token, relayed } = reserve(a)
    t.equal(a.client().allocate().code, 0)
    t.equal(b.client().allocate().code, 508)
    t.equal(b.policy.isLiveRelay(addressOf(relayed)), true)
    t.same(sweepWorker(tables, 0), { ports: 3, places: 3, handles: [] })
    t.equal(b.policy.isLiveRelay(addressOf(relayed)), false)
    t.equal(withToken(b, token).code, 508)
    t.equal(onB.channelData(0x4000, DATA), 0)
    const successor = new CoreHarness({ tables, workerIndex: 0, seed: 3, maxAllocations: 4 })
    t.same([successor.client().allocate().code, b.client().allocate().code], [0, 0])
    t.equal(b.core.quotas.held, 3)
    t.equal(successor.client().allocate().code, 0)
    t.equal(b.client().allocate().code, 508)
  })
})
