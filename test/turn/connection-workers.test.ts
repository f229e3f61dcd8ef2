// Control connection on one worker, data connection on another: two cores on one table.
import t from 'tap'
import { FROM_CLIENT } from '../../src/turn/bandwidth.js'
import { sweepWorker } from '../../src/turn/shared-tables.js'
import { BOB } from '../support/core-client.js'
import { CoreHarness, PEER } from '../support/core-harness.js'
import { effectNames, tcpCall, tcpClient, twoWorkers } from '../support/core-tcp.js'

/** A pair whose allocation is worker 0's, and that worker 1 has bound. */
function boundPair() {
  const stage = twoWorkers()
  const { connectionId } = stage.owner.client.connect(PEER)
  const data = tcpClient(stage.binder)
  if (data.connectionBind(connectionId).code !== 0) throw new Error('not bound')
  stage.owner.harness.output.take()
  return { ...stage, connectionId, data }
}

t.test('A data connection on another worker than its control connection', async (t) => {
  t.test('is bound there, with the handle that the first worker has made', async (t) => {
    const { owner, binder } = twoWorkers()
    owner.harness.lastHandle = 40
    const { connectionId } = owner.client.connect(PEER)
    t.equal(tcpClient(binder, { user: BOB }).connectionBind(connectionId).code, 400)
    t.equal(tcpClient(binder).connectionBind(connectionId).code, 0)
    t.match(binder.output.of('bind-peer'), [{ connectionId, handle: 41 }])
    t.equal(tcpClient(owner.harness).connectionBind(connectionId).code, 400, 'used')
    t.same(owner.harness.output.of('bind-peer'), [])
    owner.harness.advanceSeconds(100)
    binder.advanceSeconds(100)
    t.same(owner.harness.output.of('close-peer'), [], 'it is not the owner’s to close')
    t.same(binder.output.of('close-data'), [])
  })

  t.test('does not come too late by its own clock: the owner’s 30 s count', async (t) => {
    const { owner, binder } = twoWorkers()
    const { connectionId } = owner.client.connect(PEER)
    owner.harness.advanceTicks(2_999)
    const late = owner.client.connect('1.2.3.4:1').connectionId
    t.equal(tcpClient(binder).connectionBind(connectionId).code, 0)
    owner.harness.advanceTicks(3_000)
    t.equal(tcpClient(binder).connectionBind(late).code, 400)
    t.equal(owner.harness.output.of('close-peer').length, 1)
  })

  t.test('is closed by its worker when the allocation has gone', async (t) => {
    const { owner, binder, connectionId } = boundPair()
    binder.output.take()
    binder.advanceTicks(1)
    t.same(effectNames(binder), [])
    owner.harness.core.handleClientClosed(owner.client.fiveTuple)
    t.same(effectNames(owner.harness), ['close tcp'])
    binder.advanceTicks(1)
    t.same(binder.output.take(), [{ kind: 'close-data', connectionId }])
    binder.advanceTicks(1)
    t.same(effectNames(binder), [], 'once')
    const { connections } = owner.harness.core
    binder.core.handleDataConnectionEnded(connectionId)
    t.equal(binder.core.connections?.data.size, 0)
    owner.harness.advanceTicks(1)
    t.same([connections?.peers.size, connections?.peers.slotCount, effectNames(owner.harness).length], [0, 0, 0])
  })

  t.test('is told to close once, whatever else is to be closed meanwhile', async (t) => {
    const { owner, binder, connectionId } = boundPair()
    const other = tcpCall({}, owner.harness)
    const second = other.client.connect(PEER).connectionId
    tcpClient(binder).connectionBind(second)
    owner.client.refresh(0)
    binder.advanceTicks(1)
    other.client.refresh(0)
    binder.advanceTicks(1)
    t.same(
      binder.output.of('close-data').map((effect) => effect.connectionId),
      [connectionId, second],
    )
  })

  t.test('tells the owner of its end: the peer may be connected to again, and the bytes are counted', async (t) => {
    const { owner, binder, connectionId } = boundPair()
    binder.core.admitConnectionData(connectionId, FROM_CLIENT, 1_234)
    t.equal(owner.client.connect(PEER).code, 446)
    binder.core.handleDataConnectionEnded(connectionId)
    t.equal(owner.client.connect(PEER).code, 0, 'without waiting for a tick')
    t.same([...owner.harness.allocationOf(owner.client).counters], [0, 1_234, 0, 0])
  })

  t.test('may end in the moment in which the allocation does', async (t) => {
    const { owner, binder, connectionId } = boundPair()
    owner.client.refresh(0)
    binder.core.handleDataConnectionEnded(connectionId)
    binder.advanceTicks(1)
    owner.harness.advanceTicks(1)
    t.same(binder.output.of('close-data'), [])
    t.equal(owner.harness.core.connections?.peers.size, 0)
  })

  t.test('has its share of the user’s and the allocation’s bandwidth', async (t) => {
    for (const options of [{ maxBps: 80_000 }, { userMaxBps: 80_000 }]) {
      const { owner, binder } = twoWorkers(options)
      const harnesses = [owner.harness, binder]
      const ids = harnesses.map((harness, index) => {
        const { connectionId } = owner.client.connect(`1.2.3.4:${index + 1}`)
        t.equal(tcpClient(harness).connectionBind(connectionId).code, 0)
        return connectionId
      })
      let bytes = 0
      for (let tick = 0; tick < 1_000; tick++) {
        for (const [index, harness] of harnesses.entries()) {
          harness.advanceTicks(1)
          while (harness.core.admitConnectionData(ids[index], FROM_CLIENT, 100)) bytes += 100
        }
      }
      t.ok(bytes > 85_000 && bytes < 105_000, `${bytes} bytes of 100,000`)
    }
  })

  t.test('does without the user’s limit where the user holds no place any more', async (t) => {
    const { owner, binder } = twoWorkers({ userMaxBps: 80_000 })
    const { connectionId } = owner.client.connect(PEER)
    // The allocation goes between the claim and the look at its user: as far as the binder can tell, that is this.
    owner.harness.core.quotas.give('alice')
    t.equal(tcpClient(binder).connectionBind(connectionId).code, 0)
    t.equal(binder.core.admitConnectionData(connectionId, FROM_CLIENT, 1e6), true)
  })
})

t.test('When a worker has died', async (t) => {
  t.test('its waiting connections are gone, and the main thread gets their handles', async (t) => {
    const { tables, owner, binder } = twoWorkers()
    const { connectionId } = owner.client.connect(PEER)
    owner.client.createPermission('1.2.3.4:1')
    owner.harness.peerConnects(owner.relayId, '1.2.3.4:1')
    t.same(sweepWorker(tables, 0), { ports: 1, places: 1, handles: [1, 2] })
    t.equal(tcpClient(binder).connectionBind(connectionId).code, 400)
    t.same(sweepWorker(tables, 0), { ports: 0, places: 0, handles: [] })
  })

  t.test('the pairs of its allocations are closed by whoever has bound them', async (t) => {
    const { tables, binder, connectionId } = boundPair()
    t.same(sweepWorker(tables, 0), { ports: 1, places: 1, handles: [] })
    binder.advanceTicks(1)
    t.same(binder.output.of('close-data'), [{ kind: 'close-data', connectionId }])
    const successor = tcpCall({}, new CoreHarness({ tables, workerIndex: 0, seed: 9 }))
    successor.harness.advanceTicks(1)
    for (let port = 1; port <= 20; port++) t.not(successor.client.connect(`1.2.3.4:${port}`).connectionId, connectionId)
    binder.core.handleDataConnectionEnded(connectionId)
    successor.harness.advanceTicks(1)
    t.equal(successor.harness.core.connections?.peers.size, 20)
    t.equal(successor.harness.core.connections?.peers.slotCount, 20)
  })

  t.test('what it had bound has ended for the owners', async (t) => {
    const { tables, owner } = boundPair()
    t.equal(owner.client.connect(PEER).code, 446)
    t.same(sweepWorker(tables, 1), { ports: 0, places: 0, handles: [] })
    t.equal(owner.client.connect(PEER).code, 0)
    owner.harness.advanceTicks(1)
    t.equal(owner.harness.core.connections?.peers.size, 1)
  })

  t.test('a doomed pair that it had bound has ended, too', async (t) => {
    const { tables, owner } = boundPair()
    owner.client.refresh(0)
    sweepWorker(tables, 1)
    owner.harness.advanceTicks(1)
    const next = tcpCall({}, owner.harness)
    t.equal(next.client.connect(PEER).code, 0)
    t.equal(owner.harness.core.connections?.peers.slotCount, 1)
  })
})
