// Other settings for a core that runs: what holds at once, what stays, and what of TCP relays ends.
import t from 'tap'
import { parsePeerRule } from '../../src/config/peer-rule.js'
import { profileTraits } from '../../src/config/profile.js'
import { METHOD_CONNECT } from '../../src/stun/constants.js'
import { FROM_CLIENT } from '../../src/turn/bandwidth.js'
import {
  type CoreLimits,
  changeLimits,
  changePolicy,
  countAllocationsOf,
  deleteAllocationsOf,
} from '../../src/turn/reconfigure.js'
import { writePeers } from '../support/core-client.js'
import { CoreHarness, PEER } from '../support/core-harness.js'
import { effectNames, tcpCall, tcpClient, twoWorkers } from '../support/core-tcp.js'

const LIMITS: CoreLimits = {
  ...{ maxAllocations: 1800, userQuota: 0, permissionCountMax: 128, channelCountMax: 128, channelNumberMax: 0x4fff },
  ...{ allowsTcpRelays: true, allowsMobility: false },
  ...{ maxBps: 0, userMaxBps: 0, unauthenticatedRate: 0, limitsLoopback: false },
  traits: profileTraits('rfc'),
  ...{ discoveryPairs: [], answersLegacyBinding: false },
  ...{ lookupWaitSeconds: 3, alternateAbovePercent: 100 },
}
const OTHER_PEER = '1.2.3.9:80'
const without = (...blocks: string[]) => ({
  rules: blocks.map((text) => parsePeerRule(text, false)),
  nat64Prefixes: [],
})

t.test('changePolicy', async (t) => {
  t.test('closes connections to and from peers that are denied now, bound ones on whichever worker', async (t) => {
    const { owner, binder } = twoWorkers()
    const { client, harness, relayId } = owner
    client.createPermission('1.2.3.4')
    const bound = harness.peerConnects(relayId, '1.2.3.4:1000')
    t.equal(tcpClient(binder).connectionBind(bound).code, 0)
    harness.peerConnects(relayId, '1.2.3.4:1001')
    t.equal(client.connect(OTHER_PEER).code, 0)
    harness.output.take()
    binder.output.take()
    changePolicy(harness.core, without('1.2.3.4'))
    t.same(effectNames(harness), ['close-peer 2'], 'the one that waits; the other peer keeps its own')
    binder.advanceTicks(1)
    t.same(effectNames(binder), ['close-data'])
    t.equal(harness.peerConnects(relayId, '1.2.3.4:1002'), 0)
    t.equal(client.connect('1.2.3.4:5').code, 403)
    changePolicy(harness.core, without())
    t.equal(client.connect('1.2.3.4:5').code, 0)
  })

  t.test('answers a Connect whose peer is denied meanwhile', async (t) => {
    const { client, harness } = tcpCall()
    harness.connectOutcome = () => 'pending'
    t.equal(client.exchange(client.encode(METHOD_CONNECT, (writer) => writePeers(writer, [PEER]))), null)
    changePolicy(harness.core, without('1.2.3.4'))
    t.equal(harness.observer.lastRefusal(), 'connection-failed 447')
    t.equal(harness.core.connections?.peers.size, 0)
  })
})

t.test('changeLimits', async (t) => {
  t.test('gives allocations and data connections another bandwidth, and none', async (t) => {
    const { owner, binder } = twoWorkers()
    owner.client.createPermission('1.2.3.4')
    const connectionId = owner.harness.peerConnects(owner.relayId, '1.2.3.4:1000')
    t.equal(tcpClient(binder).connectionBind(connectionId).code, 0)
    const passes = () => {
      let count = 0
      while (count < 100 && binder.core.admitConnectionData(connectionId, FROM_CLIENT, 1000)) count++
      return count
    }
    t.equal(passes(), 100)
    for (const limits of [{ maxBps: 8000 }, { userMaxBps: 8000 }, { maxBps: 8000, userMaxBps: 8000 }]) {
      binder.advanceSeconds(100)
      changeLimits(binder.core, { ...LIMITS, ...limits })
      t.ok(passes() < 5)
    }
    changeLimits(binder.core, LIMITS)
    t.equal(passes(), 100)
  })

  t.test('leaves the user’s share right, whatever the order of changes and ends', async (t) => {
    const harness = new CoreHarness()
    const [one, two] = [harness.client(), harness.client()]
    one.allocate()
    changeLimits(harness.core, { ...LIMITS, userMaxBps: 8000 })
    two.allocate()
    t.equal(harness.allocationOf(one).bandwidth?.user, harness.allocationOf(two).bandwidth?.user)
    one.refresh(0)
    t.equal(harness.allocationOf(two).bandwidth?.user?.allocationCount, 1)
    changeLimits(harness.core, LIMITS)
    t.equal(harness.allocationOf(two).bandwidth, null)
    two.refresh(0)
    t.equal(harness.core.quotas.held, 0)
  })
})

t.test('the allocations of listeners that go end, and no others', async (t) => {
  const harness = new CoreHarness()
  const clients = [0, 1, 1].map((listenerId) => {
    const client = harness.client()
    client.fiveTuple.listenerId = listenerId
    client.allocate()
    return client
  })
  const isRemoved = (listenerId: number) => listenerId === 1
  t.equal(countAllocationsOf(harness.core, isRemoved), 2)
  deleteAllocationsOf(harness.core, isRemoved)
  t.same(
    harness.observer.deleted.map(({ cause }) => cause),
    ['listener-removed', 'listener-removed'],
  )
  t.equal(harness.core.allocations.size, 1)
  t.ok(harness.allocationOf(clients[0]))
})
