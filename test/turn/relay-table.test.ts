import t from 'tap'
import { RELAY_COUNT_MAX } from '../../src/limits/turn.js'
import { TransportAddress } from '../../src/stun/address.js'
import { Allocation, Relay } from '../../src/turn/allocation.js'
import { FiveTuple } from '../../src/turn/five-tuple.js'
import { RelayTable } from '../../src/turn/relay-table.js'

const ALLOCATION = new Allocation(new FiveTuple(), 'alice', 0, new Uint8Array(12))

function addRelay(table: RelayTable): Relay {
  const relay = new Relay(table.nextId(), ALLOCATION, 0, new TransportAddress(), new TransportAddress())
  table.add(relay)
  return relay
}

t.test('RelayTable', async (t) => {
  t.test('finds relays by their number, and nothing by others', async (t) => {
    const table = new RelayTable()
    const relays = Array.from({ length: 100 }, () => addRelay(table))
    t.equal(new Set(relays.map(({ id }) => id)).size, 100)
    t.ok(relays.every((relay) => table.find(relay.id) === relay))
    t.equal(table.find(100), null)
    t.equal(table.find(-1), null)
    t.equal(table.size, 100)
  })

  t.test('finds nothing by the number of a closed relay, nor when its slot has a new tenant', async (t) => {
    const table = new RelayTable()
    const first = addRelay(table)
    table.remove(first)
    t.equal(table.find(first.id), null)
    const second = addRelay(table)
    t.not(second.id, first.id)
    t.equal(table.find(first.id), null)
    t.equal(table.find(second.id), second)
    table.remove(first)
    t.equal(table.find(second.id), second, 'removing the old one again changes nothing')
    t.equal(table.size, 1)
  })

  t.test('gives 10,000 tenants of one slot as many numbers, all small integers', async (t) => {
    const table = new RelayTable()
    const ids = new Set<number>()
    for (let count = 0; count < 10_000; count++) {
      const relay = addRelay(table)
      ids.add(relay.id)
      table.remove(relay)
    }
    t.equal(ids.size, 10_000)
    t.ok([...ids].every((id) => id >= 0 && id < 2 ** 30))
  })

  t.test(`has room for ${RELAY_COUNT_MAX} relays, and says so beyond`, async (t) => {
    const table = new RelayTable()
    const relays = Array.from({ length: RELAY_COUNT_MAX }, () => addRelay(table))
    t.equal(table.size, RELAY_COUNT_MAX)
    t.equal(table.nextId(), -1)
    t.equal(table.find(relays[RELAY_COUNT_MAX - 1].id), relays[RELAY_COUNT_MAX - 1])
    table.remove(relays[12_345])
    t.equal(table.nextId() & (RELAY_COUNT_MAX - 1), 12_345)
  })
})
