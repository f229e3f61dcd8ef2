import t from 'tap'
import { FiveTuple, TRANSPORT_TLS, TRANSPORT_UDP } from '../../src/turn/five-tuple.js'
import { addressOf } from '../support/turn-address.js'

function tuple(): FiveTuple {
  const made = new FiveTuple()
  made.client.copyFrom(addressOf('[2a00:1450::7]:50000'))
  made.transport = TRANSPORT_TLS
  made.listenerId = 3
  made.connectionId = 4
  return made
}

t.test('FiveTuple', async (t) => {
  t.test('starts as UDP on the first listener', async (t) => {
    const { connectionId, listenerId, transport } = new FiveTuple()
    t.same({ connectionId, listenerId, transport }, { connectionId: 0, listenerId: 0, transport: TRANSPORT_UDP })
  })

  t.test('copies everything, and the copy is its own', async (t) => {
    const original = tuple()
    const copy = new FiveTuple().copyFrom(original)
    t.same(copy, original)
    original.client.port = 1
    original.listenerId = 9
    t.same(copy, tuple())
  })

  t.test('equals by IP address, port, listener and connection', async (t) => {
    t.equal(tuple().equals(tuple()), true)
    for (const change of [
      (other: FiveTuple) => other.client.port++,
      (other: FiveTuple) => other.client.word3++,
      (other: FiveTuple) => other.listenerId++,
      (other: FiveTuple) => other.connectionId++,
    ]) {
      const other = tuple()
      change(other)
      t.equal(tuple().equals(other), false)
    }
  })
})
