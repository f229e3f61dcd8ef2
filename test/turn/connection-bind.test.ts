import t from 'tap'
import * as stun from '../../src/stun/constants.js'
import { FROM_CLIENT, TO_CLIENT } from '../../src/turn/bandwidth.js'
import { FiveTuple, TRANSPORT_DTLS, TRANSPORT_TLS, TRANSPORT_UDP } from '../../src/turn/five-tuple.js'
import { ALICE, BOB } from '../support/core-client.js'
import { CoreHarness, type CoreHarnessOptions, PEER } from '../support/core-harness.js'
import { effectNames, tcpCall, tcpClient } from '../support/core-tcp.js'

/** A call with a peer connection that waits to be bound. */
function waiting(options: CoreHarnessOptions = {}) {
  const call = tcpCall(options)
  return { ...call, connectionId: call.client.connect(PEER).connectionId }
}

t.test('ConnectionBind (RFC 6062 §5.4)', async (t) => {
  t.test('is answered first, and then the two connections are each other’s', async (t) => {
    for (const transport of [undefined, TRANSPORT_TLS]) {
      const { harness, connectionId } = waiting()
      const data = transport === undefined ? tcpClient(harness) : harness.client({ transport })
      const answer = data.connectionBind(connectionId)
      t.equal(answer.code, 0)
      t.same(answer.types, [])
      t.ok(data.isProtected(answer))
      const [last, bind] = harness.output.effects.slice(-2)
      t.equal(last.kind, 'message')
      t.match(bind, { kind: 'bind-peer', connectionId, handle: 1 })
      t.ok(bind.kind === 'bind-peer' && bind.client.equals(data.fiveTuple))
      t.equal(harness.core.hasAllocation(data.fiveTuple), false)
    }
  })

  t.test('is authenticated like every request', async (t) => {
    const { harness, connectionId } = waiting()
    const id = (writer: Parameters<NonNullable<Parameters<typeof data.request>[1]>>[0]) =>
      writer.writeUint32(stun.ATTRIBUTE_CONNECTION_ID, connectionId)
    const data = tcpClient(harness)
    t.equal(data.ask(stun.METHOD_CONNECTION_BIND, id, { integrity: 'none' }).code, 401)
    t.equal(data.ask(stun.METHOD_CONNECTION_BIND, id, { nonce: 'old' }).code, 438)
    const wrong = tcpClient(harness, { user: { ...ALICE, password: 'wrong' } })
    t.equal(wrong.ask(stun.METHOD_CONNECTION_BIND, id).code, 401)
    t.same(harness.output.of('bind-peer'), [])
    t.equal(data.ask(stun.METHOD_CONNECTION_BIND, id).code, 0)
  })

  t.test('takes the nonce of its control connection (§4.3), and no other one of its address', async (t) => {
    const { harness, client, connectionId } = waiting()
    const data = tcpClient(harness)
    const other = tcpClient(harness)
    other.challenge()
    const bind = (nonce: string, id = connectionId) =>
      data.ask(stun.METHOD_CONNECTION_BIND, (writer) => writer.writeUint32(stun.ATTRIBUTE_CONNECTION_ID, id), { nonce })
    t.equal(bind(other.nonce).code, 438)
    t.equal(bind(client.nonce, connectionId ^ 1).code, 438, 'of no connection')
    t.equal(data.ask(stun.METHOD_REFRESH, () => {}, { nonce: client.nonce }).code, 438, 'of another request')
    const elsewhere = tcpClient(harness, { address: '198.51.100.8:50000' })
    t.equal(elsewhere.ask(stun.METHOD_CONNECTION_BIND, () => {}, { nonce: client.nonce }).code, 438)
    t.equal(bind(client.nonce).code, 0)
    t.equal(bind(client.nonce).code, 438, 'it does not wait any more')
  })

  t.test('gets 400 over UDP and DTLS, and where the server has no TCP relays', async (t) => {
    const { harness, connectionId } = waiting()
    for (const transport of [TRANSPORT_UDP, TRANSPORT_DTLS]) {
      t.equal(harness.client({ transport }).connectionBind(connectionId).code, 400)
      t.equal(harness.observer.lastRefusal(), 'data-connection 400')
    }
    t.equal(tcpClient(harness).connectionBind(connectionId).code, 0, 'it still waits')
    const udpOnly = new CoreHarness({ isWithoutConnections: true })
    t.equal(udpOnly.client().connectionBind(1).code, 400)
    t.equal(tcpClient(udpOnly).connectionBind(1).code, 400)
  })

  t.test('gets 400 on a connection that has an allocation', async (t) => {
    const { harness, client, connectionId } = waiting()
    t.equal(client.connectionBind(connectionId).code, 400)
    t.equal(harness.observer.lastRefusal(), 'data-connection 400')
    const other = tcpClient(harness)
    other.allocate()
    t.equal(other.connectionBind(connectionId).code, 400)
  })

  t.test('gets 400 without CONNECTION-ID, or with one of another length', async (t) => {
    const { harness } = waiting()
    const data = tcpClient(harness)
    t.equal(data.ask(stun.METHOD_CONNECTION_BIND).code, 400)
    t.equal(harness.observer.lastRefusal(), 'missing-attribute 400')
    for (const length of [0, 3, 5, 8]) {
      const answer = data.ask(stun.METHOD_CONNECTION_BIND, (writer) =>
        writer.writeBytes(stun.ATTRIBUTE_CONNECTION_ID, new Uint8Array(length)),
      )
      t.equal(answer.code, 400)
      t.equal(harness.observer.lastRefusal(), 'malformed-attribute 400')
    }
  })

  t.test('gets one and the same 400 for an id that is unknown, used, of another user, or not there yet', async (t) => {
    const { harness, client, connectionId } = waiting()
    const answers = [
      tcpClient(harness, { user: BOB }).connectionBind(connectionId),
      tcpClient(harness).connectionBind((connectionId ^ 1) >>> 0),
      tcpClient(harness).connectionBind(0),
    ]
    harness.connectOutcome = () => 'pending'
    client.request(stun.METHOD_CONNECT, (writer) =>
      writer.writeXorAddress(stun.ATTRIBUTE_XOR_PEER_ADDRESS, client.address),
    )
    for (const { connectionId } of harness.output.of('connect-peer').slice(1)) {
      answers.push(tcpClient(harness).connectionBind(connectionId))
    }
    t.equal(tcpClient(harness).connectionBind(connectionId).code, 0)
    answers.push(tcpClient(harness).connectionBind(connectionId))
    harness.core.handleDataConnectionEnded(connectionId)
    answers.push(tcpClient(harness).connectionBind(connectionId))
    const shape = ({ code, types }: (typeof answers)[number]) => `${code} ${types}`
    t.same([...new Set(answers.map(shape))], [`400 ${stun.ATTRIBUTE_ERROR_CODE}`])
    t.same([...new Set(harness.observer.refusals.map(({ reason }) => reason))].sort(), [
      'connection-unknown',
      'peer-policy',
    ])
    t.equal(harness.output.of('bind-peer').length, 1)
  })

  t.test('succeeds 29.99 s after the Connect, and gets 400 after 30 s', async (t) => {
    for (const [ticks, code] of [
      [2_999, 0],
      [3_000, 400],
    ]) {
      const { harness, connectionId } = waiting()
      harness.advanceTicks(ticks)
      t.equal(tcpClient(harness).connectionBind(connectionId).code, code)
    }
  })

  t.test('what is bound lives on after those 30 s, until its allocation or itself ends', async (t) => {
    const { harness, client, connectionId } = waiting()
    const data = tcpClient(harness)
    data.connectionBind(connectionId)
    harness.output.take()
    harness.advanceSeconds(500)
    t.same(effectNames(harness), [])
    harness.core.handleDataConnectionEnded(connectionId)
    harness.advanceTicks(1)
    t.same(effectNames(harness), [])
    t.equal(harness.core.connections?.peers.size, 0)
    t.equal(client.connect(PEER).code, 0, 'the peer may be connected to again')
  })

  t.test('a bound connection that is said to be closed does no harm', async (t) => {
    const { harness, client, connectionId } = waiting()
    const data = tcpClient(harness)
    data.connectionBind(connectionId)
    harness.output.take()
    harness.core.handleClientClosed(data.fiveTuple)
    harness.core.handleClientClosed(new FiveTuple())
    harness.core.handleDataConnectionEnded(connectionId)
    harness.core.handleDataConnectionEnded(connectionId)
    harness.core.handleDataConnectionEnded(12345)
    harness.advanceTicks(1)
    t.same(effectNames(harness), [])
    t.equal(harness.core.hasAllocation(client.fiveTuple), true)
  })
})

t.test('The data of a bound pair', async (t) => {
  t.test('is counted as its allocation’s when it has ended', async (t) => {
    const { harness, client, connectionId } = waiting()
    tcpClient(harness).connectionBind(connectionId)
    const { core } = harness
    t.equal(core.admitConnectionData(connectionId, FROM_CLIENT, 1_000), true)
    t.equal(core.admitConnectionData(connectionId, FROM_CLIENT, 500), true)
    t.equal(core.admitConnectionData(connectionId, TO_CLIENT, 7), true)
    core.handleDataConnectionEnded(connectionId)
    harness.advanceTicks(1)
    t.same([...harness.allocationOf(client).counters], [0, 1_500, 0, 7])
    const second = client.connect(PEER).connectionId
    tcpClient(harness).connectionBind(second)
    core.admitConnectionData(second, TO_CLIENT, 3)
    const allocation = harness.allocationOf(client)
    client.refresh(0)
    t.same([...allocation.counters], [0, 1_500, 0, 10], 'or when the allocation has')
    core.handleDataConnectionEnded(second)
    harness.advanceTicks(1)
    t.same([...allocation.counters], [0, 1_500, 0, 10], 'and once')
  })

  t.test('of no pair may pass, and counts for nobody', async (t) => {
    const harness = new CoreHarness()
    t.equal(harness.core.admitConnectionData(1, FROM_CLIENT, 100), true)
    t.equal(new CoreHarness({ isWithoutConnections: true }).core.admitConnectionData(1, FROM_CLIENT, 100), true)
  })
})

/** Bytes that pass in ten seconds, in chunks of 100, on all of these connections in turns. */
function passed(harness: CoreHarness, ids: readonly number[], direction: number): number {
  let bytes = 0
  for (let tick = 0; tick < 1_000; tick++) {
    harness.advanceTicks(1)
    for (const id of ids)
      for (let chunk = 0; chunk < 50; chunk++) if (harness.core.admitConnectionData(id, direction, 100)) bytes += 100
  }
  return bytes
}

t.test('The bandwidth of data connections', async (t) => {
  const bound = (options: CoreHarnessOptions, count: number) => {
    const { harness, client } = tcpCall(options)
    const ids = Array.from({ length: count }, (_, index) => client.connect(`1.2.3.4:${index + 1}`).connectionId)
    for (const id of ids) tcpClient(harness).connectionBind(id)
    return { harness, client, ids }
  }

  t.test('is that of their allocation together, in each direction by itself (--max-bps)', async (t) => {
    for (const count of [1, 4]) {
      const { harness, ids } = bound({ maxBps: 80_000 }, count)
      for (const direction of [FROM_CLIENT, TO_CLIENT]) {
        const bytes = passed(harness, ids, direction)
        t.ok(bytes > 95_000 && bytes < 105_000, `${bytes} bytes of 100,000 over ${count}`)
      }
    }
  })

  t.test('is that of their user together (--user-max-bps)', async (t) => {
    const { harness, ids } = bound({ userMaxBps: 80_000 }, 2)
    const other = tcpCall({}, harness)
    const id = other.client.connect(PEER).connectionId
    tcpClient(harness).connectionBind(id)
    const bytes = passed(harness, [...ids, id], FROM_CLIENT)
    t.ok(bytes > 90_000 && bytes < 105_000, `${bytes} bytes of 100,000`)
  })

  t.test('is the lower of both', async (t) => {
    const { harness, ids } = bound({ maxBps: 81_000, userMaxBps: 80_000 }, 1)
    const bytes = passed(harness, ids, TO_CLIENT)
    t.ok(bytes > 95_000 && bytes < 105_000, `${bytes} bytes of 100,000`)
  })

  t.test('is not more for whoever closes connections and makes others', async (t) => {
    const { harness, client, ids } = bound({ maxBps: 80_000 }, 1)
    let [id] = ids
    let bytes = 0
    for (let round = 0; round < 20; round++) {
      for (let chunk = 0; chunk < 50; chunk++) if (harness.core.admitConnectionData(id, FROM_CLIENT, 100)) bytes += 100
      harness.core.handleDataConnectionEnded(id)
      id = client.connect('1.2.3.4:1').connectionId
      tcpClient(harness).connectionBind(id)
    }
    t.ok(bytes <= 20 * 200 + 3_000, `${bytes} bytes at once`)
  })

  t.test('is unlimited by default', async (t) => {
    const { harness, ids } = bound({}, 1)
    t.equal(passed(harness, ids, FROM_CLIENT), 5_000_000)
  })
})
