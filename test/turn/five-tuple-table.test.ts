import fc from 'fast-check'
import t from 'tap'
import { Allocation } from '../../src/turn/allocation.js'
import { FiveTuple, hashFiveTuple } from '../../src/turn/five-tuple.js'
import { FiveTupleTable } from '../../src/turn/five-tuple-table.js'
import { SeededRandom } from '../support/random.js'

/** The table's first size: entries whose hashes agree in these bits share a run. */
const MASK = 1023

function fiveTuple(word: number, port: number, listenerId = 0, connectionId = 0): FiveTuple {
  const made = new FiveTuple()
  made.client.setIPv4(word, port)
  made.listenerId = listenerId
  made.connectionId = connectionId
  return made
}

function allocationOn(tuple: FiveTuple): Allocation {
  return new Allocation(tuple, 'alice', 0, new Uint8Array(12))
}

function keyOf(tuple: FiveTuple): string {
  return `${tuple.client} ${tuple.listenerId} ${tuple.connectionId}`
}

/** 5-tuples whose home slots are a handful, so that runs collide, touch and wrap around the end of the table. */
function crowdedTuples(count: number): FiveTuple[] {
  const homes = [0, 1, 2, 1022, 1023]
  const found: FiveTuple[] = []
  for (let word = 0; found.length < count; word++) {
    const tuple = fiveTuple(word * 7919, 1 + (word % 65_535))
    if (homes.includes(hashFiveTuple(tuple) & MASK)) found.push(tuple)
  }
  return found
}

/** Pairs of different 5-tuples with the same mark in the table. */
function collidingPairs(): [FiveTuple, FiveTuple][] {
  const random = new SeededRandom(3)
  const byMark = new Map<number, FiveTuple>()
  const pairs: [FiveTuple, FiveTuple][] = []
  for (let count = 0; count < 300_000; count++) {
    const tuple = fiveTuple(random.nextUint32() | 0, 1 + random.nextInt(65_535))
    const mark = hashFiveTuple(tuple) | 0x40000000
    const other = byMark.get(mark)
    if (other !== undefined && !other.equals(tuple)) pairs.push([other, tuple])
    byMark.set(mark, tuple)
  }
  return pairs
}

t.test('FiveTupleTable', async (t) => {
  t.test('finds nothing in an empty table', async (t) => {
    t.equal(new FiveTupleTable().find(fiveTuple(1, 1)), null)
    t.equal(new FiveTupleTable().remove(allocationOn(fiveTuple(1, 1))), false)
  })

  t.test('tells 5-tuples apart by IP address, port, family, listener and connection', async (t) => {
    const table = new FiveTupleTable()
    const base = fiveTuple(0x01020304, 5000, 1, 2)
    const others = [
      fiveTuple(0x01020305, 5000, 1, 2),
      fiveTuple(0x01020304, 5001, 1, 2),
      fiveTuple(0x01020304, 5000, 2, 2),
      fiveTuple(0x01020304, 5000, 1, 3),
    ]
    const ipv6 = fiveTuple(0, 5000, 1, 2)
    ipv6.client.setIPv6(0x01020304, 0, 0, 0, 5000)
    others.push(ipv6)
    const allocation = allocationOn(base)
    table.add(allocation)
    t.equal(table.find(base), allocation)
    for (const other of others) t.equal(table.find(other), null, keyOf(other))
    const added = others.map((other) => allocationOn(other))
    for (const other of added) table.add(other)
    for (const [index, other] of others.entries()) t.equal(table.find(other), added[index])
    t.equal(table.find(base), allocation)
  })

  t.test('keeps a copy: the 5-tuple handed in may be reused', async (t) => {
    const table = new FiveTupleTable()
    const scratch = fiveTuple(7, 7)
    const allocation = allocationOn(scratch)
    table.add(allocation)
    scratch.client.setIPv4(8, 8)
    t.equal(table.find(scratch), null)
    t.equal(table.find(fiveTuple(7, 7)), allocation)
  })

  t.test('keeps 5-tuples of equal hash apart, whichever is removed first', async (t) => {
    const pairs = collidingPairs()
    t.ok(pairs.length >= 5, 'there are pairs to try')
    for (const pair of pairs) {
      for (const first of [0, 1]) {
        const table = new FiveTupleTable()
        const [a, b] = pair.map((tuple) => allocationOn(tuple))
        table.add(a)
        t.equal(table.find(pair[1]), null)
        table.add(b)
        t.equal(table.find(pair[0]), a)
        t.equal(table.find(pair[1]), b)
        t.equal(table.remove([a, b][first]), true)
        t.equal(table.find(pair[first]), null)
        t.equal(table.find(pair[1 - first]), [b, a][first])
        t.equal(table.remove([a, b][first]), false, 'it is gone')
        t.equal(table.size, 1)
      }
    }
  })

  t.test('grows, and forgets nothing on the way', async (t) => {
    const table = new FiveTupleTable()
    const tuples = Array.from({ length: 5000 }, (_, index) => fiveTuple(0x0a000000 + index, 1 + index))
    const allocations = tuples.map(allocationOn)
    for (const allocation of allocations) table.add(allocation)
    t.equal(table.size, 5000)
    t.ok(tuples.every((tuple, index) => table.find(tuple) === allocations[index]))
    t.same(new Set(table.values()), new Set(allocations))
    for (const allocation of allocations.slice(0, 4999)) table.remove(allocation)
    t.equal(table.size, 1)
    t.equal(table.find(tuples[4999]), allocations[4999])
    t.equal(table.find(tuples[0]), null)
  })

  t.test('agrees with a Map after any order of additions and removals in colliding runs', async (t) => {
    const tuples = crowdedTuples(60)
    const operation = fc.record({ isAddition: fc.boolean(), index: fc.nat(tuples.length - 1) })
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 300 }), (operations) => {
        const table = new FiveTupleTable()
        const model = new Map<string, Allocation>()
        for (const { isAddition, index } of operations) {
          const key = keyOf(tuples[index])
          const present = model.get(key)
          if (isAddition && present === undefined) {
            const allocation = allocationOn(tuples[index])
            table.add(allocation)
            model.set(key, allocation)
          } else if (!isAddition) {
            const removed = table.remove(present ?? allocationOn(tuples[index]))
            if (removed !== (present !== undefined)) return false
            model.delete(key)
          }
        }
        const isAlike = tuples.every((tuple) => table.find(tuple) === (model.get(keyOf(tuple)) ?? null))
        return isAlike && table.size === model.size && [...table.values()].length === model.size
      }),
      { numRuns: 300, seed: 1 },
    )
    t.pass()
  })
})

t.test('hashFiveTuple', async (t) => {
  t.test('spreads the clients of one NAT, and one client on many listeners', async (t) => {
    const slotsOf = (make: (index: number) => FiveTuple) =>
      new Set(Array.from({ length: 1024 }, (_, index) => hashFiveTuple(make(index)) & MASK)).size
    // 1,024 balls in 1,024 bins leave 647 bins with something in them on average, with a deviation below 16.
    t.ok(slotsOf((index) => fiveTuple(0xcb007105, 40_000 + index)) > 560)
    t.ok(slotsOf((index) => fiveTuple(0x0a000000 + index, 3478)) > 560)
    t.ok(slotsOf((index) => fiveTuple(0xcb007105, 40_000, index)) > 560)
    t.ok(slotsOf((index) => fiveTuple(0xcb007105, 40_000, 0, index)) > 560)
  })
})
