import t from 'tap'
import { PEER_CONNECTION_SLOT_COUNT } from '../../src/limits/turn.js'
import { FROM_CLIENT, TO_CLIENT } from '../../src/turn/bandwidth.js'
import { ConnectionSlots } from '../../src/turn/connection-slots.js'
import type { ConnectionTable } from '../../src/turn/connection-table.js'
import { connectionTableOf, type SharedTables } from '../../src/turn/shared-tables.js'
import { SeededRandom } from '../support/random.js'
import { tablesOf } from '../support/shared-stage.js'

interface Stage {
  readonly table: ConnectionTable
  readonly slots: ConnectionSlots
}

const LOW = 11
const HIGH = 22
const CLIENT_PORT = 50_000

function stageOn(tables: SharedTables, workerIndex: number, random = new SeededRandom(workerIndex + 1)): Stage {
  const table = connectionTableOf(tables, workerIndex)
  return { table, slots: new ConnectionSlots(table, random) }
}

function stages(workerCount: number): Stage[] {
  const tables = tablesOf({ workerCount })
  return Array.from({ length: workerCount }, (_, index) => stageOn(tables, index))
}

function publish({ table, slots }: Stage, handle = 5): number {
  const slot = slots.reserve(-1, 0)
  table.publish(slot, LOW, HIGH, handle, CLIENT_PORT)
  return slot
}

t.test('ConnectionTable', async (t) => {
  t.test('gives what is published to the first who claims it with its id and user, on any worker', async (t) => {
    const [a, b, c] = stages(3)
    for (const [owner, binder] of [
      [a, b],
      [c, a],
      [b, b],
    ]) {
      const slot = publish(owner, 7)
      const id = owner.table.idOf(slot)
      t.equal(binder.table.clientPortOf(id), CLIENT_PORT)
      t.equal(binder.table.clientPortOf(id ^ 1), 0, 'another id')
      t.equal(binder.table.claim(id ^ 1, LOW, HIGH), -1, 'another id')
      t.equal(binder.table.claim(id, LOW + 1, HIGH), -1, 'another user')
      t.equal(binder.table.claim(id, LOW, HIGH + 1), -1, 'another user')
      t.equal(binder.table.claim(id, LOW, HIGH), slot)
      t.equal(binder.table.handleOf(slot), 7)
      t.equal(c.table.claim(id, LOW, HIGH), -1, 'used')
      t.equal(owner.table.withdraw(slot), false, 'too late')
    }
  })

  t.test('gives nothing that is reserved only, withdrawn, or ended', async (t) => {
    const [a, b] = stages(2)
    const slot = a.slots.reserve(-1, 0)
    const id = a.table.idOf(slot)
    t.equal(b.table.claim(id, LOW, HIGH), -1)
    t.equal(b.table.claim(0, 0, 0), -1, 'an empty slot is nobody’s')
    a.table.publish(slot, LOW, HIGH, 5, CLIENT_PORT)
    t.equal(a.table.withdraw(slot), true)
    t.equal(a.table.withdraw(slot), false, 'once')
    t.equal(b.table.claim(id, LOW, HIGH), -1)
    a.slots.release(slot)
    t.equal(a.slots.reserve(-1, 0), slot)
    t.not(a.table.idOf(slot), id)
  })

  t.test('lets the owner doom what is bound, and tells each of the other’s change', async (t) => {
    const [a, b] = stages(2)
    const slot = publish(a)
    t.equal(a.table.doom(slot), false, 'nobody has it')
    b.table.claim(a.table.idOf(slot), LOW, HIGH)
    const [noticesOfA, noticesOfB] = [a.table.notices, b.table.notices]
    t.equal(b.table.isDoomed(slot), false)
    t.equal(a.table.doom(slot), true)
    t.equal(b.table.isDoomed(slot), true)
    t.not(b.table.notices, noticesOfB)
    t.equal(a.table.isEnded(slot), false)
    b.table.end(slot)
    t.equal(a.table.isEnded(slot), true)
    t.not(a.table.notices, noticesOfA)
    t.equal(a.table.doom(slot), false, 'it has ended')
  })

  t.test('counts the bytes of a pair from nothing each time', async (t) => {
    const [a, b] = stages(2)
    const slot = publish(a)
    b.table.claim(a.table.idOf(slot), LOW, HIGH)
    b.table.addBytes(slot, FROM_CLIENT, 2 ** 40)
    b.table.addBytes(slot, FROM_CLIENT, 1)
    b.table.addBytes(slot, TO_CLIENT, 3)
    t.same([a.table.bytesOf(slot, FROM_CLIENT), a.table.bytesOf(slot, TO_CLIENT)], [2 ** 40 + 1, 3])
    b.table.end(slot)
    a.slots.release(slot)
    t.equal(a.slots.reserve(-1, 0), slot)
    t.same([a.table.bytesOf(slot, FROM_CLIENT), a.table.bytesOf(slot, TO_CLIENT)], [0, 0])
  })

  t.test('draws another id where one is 0 or taken, by any worker', async (t) => {
    const tables = tablesOf({ workerCount: 2 })
    const numbers = [0, 0x80000005, 0x80000005, 0, 9, 9, 0x80000005, 10]
    const random = new SeededRandom(1)
    random.nextUint32 = () => numbers.shift() ?? 1
    const [a, b] = [stageOn(tables, 0, random), stageOn(tables, 1, random)]
    const ids = [a, b, b].map(({ table, slots }) => table.idOf(slots.reserve(-1, 0)))
    t.same(ids, [0x80000005, 9, 10])
  })

  t.test('has so many slots for each worker, and all of them again', async (t) => {
    const [a, b] = stages(2)
    for (let count = 0; count < PEER_CONNECTION_SLOT_COUNT; count++) t.ok(a.slots.reserve(-1, 0) >= 0)
    t.equal(a.slots.reserve(-1, 0), -1)
    t.ok(b.slots.reserve(-1, 0) >= PEER_CONNECTION_SLOT_COUNT)
    a.slots.release(17)
    t.equal(a.slots.reserve(-1, 0), 17)
    t.equal(a.slots.size, PEER_CONNECTION_SLOT_COUNT)
  })
})

t.test('ConnectionSlots: buckets of bandwidth', async (t) => {
  t.test('are one for the slots of one allocation, and never one for two', async (t) => {
    const [{ table, slots }] = stages(1)
    const random = new SeededRandom(3)
    const allocations: number[][] = [[], [], [], []]
    for (let step = 0; step < 5_000; step++) {
      const slotsOf = random.pick(allocations)
      if (slotsOf.length > 0 && random.oneIn(2)) slots.release(slotsOf.splice(random.nextInt(slotsOf.length), 1)[0])
      else slotsOf.push(slots.reserve(slotsOf[0] ?? -1, step))
      const buckets = allocations
        .filter((each) => each.length > 0)
        .map((each) => new Set(each.map((slot) => table.bucketOf(slot))))
      if (buckets.some(({ size }) => size !== 1)) t.fail('two buckets for one')
      if (new Set(buckets.flatMap((each) => [...each])).size !== buckets.length) t.fail('one for two')
    }
    t.equal(slots.size, allocations.flat().length)
  })

  t.test('begin empty but for a tick', async (t) => {
    const [{ table, slots }] = stages(1)
    const { words, at } = table.bandwidthOf(table.bucketOf(slots.reserve(-1, 1_000)))
    t.same([...words.subarray(at, at + 2)], [1_024, 1_024])
  })
})

t.test('The sweep of a dead worker', async (t) => {
  t.test('frees what waits, and returns the handles', async (t) => {
    const [a, b] = stages(2)
    const waiting = [publish(a, 5), publish(a, 6)]
    const withdrawn = publish(a, 7)
    a.table.withdraw(withdrawn)
    a.slots.reserve(-1, 0)
    const others = publish(b, 8)
    const ids = waiting.map((slot) => a.table.idOf(slot))
    t.same(a.table.sweep(), [5, 6])
    for (const id of ids) t.equal(b.table.claim(id, LOW, HIGH), -1)
    t.equal(a.table.claim(b.table.idOf(others), LOW, HIGH), others)
    t.same(a.table.sweep(), [])
  })

  t.test('dooms what another has bound for it, which its successor releases at the end', async (t) => {
    const tables = tablesOf({ workerCount: 2 })
    const [a, b] = [stageOn(tables, 0), stageOn(tables, 1)]
    const slot = publish(a)
    const doomed = publish(a)
    for (const each of [slot, doomed]) b.table.claim(a.table.idOf(each), LOW, HIGH)
    a.table.doom(doomed)
    const { notices } = b.table
    t.same(a.table.sweep(), [])
    t.not(b.table.notices, notices)
    for (const each of [slot, doomed]) t.equal(b.table.isDoomed(each), true)
    const successor = stageOn(tables, 0)
    t.same(successor.slots.left, [slot, doomed])
    t.equal(successor.slots.size, 2)
    const [free] = [successor.slots.reserve(-1, 0)]
    t.notOk([slot, doomed].includes(free))
    t.notOk([slot, doomed].some((each) => successor.table.bucketOf(each) === successor.table.bucketOf(free)))
    b.table.end(slot)
    t.equal(successor.table.isEnded(slot), true)
    successor.slots.release(slot)
    t.equal(successor.slots.size, 2)
  })

  t.test('ends what it had bound, for owners that live', async (t) => {
    const [a, b] = stages(2)
    const bound = publish(a)
    const doomed = publish(a)
    const waiting = publish(a)
    for (const each of [bound, doomed]) b.table.claim(a.table.idOf(each), LOW, HIGH)
    a.table.doom(doomed)
    const { notices } = a.table
    t.same(b.table.sweep(), [])
    t.not(a.table.notices, notices)
    for (const each of [bound, doomed]) t.equal(a.table.isEnded(each), true)
    t.equal(a.table.withdraw(waiting), true)
  })

  t.test('frees what it had of its own in every state', async (t) => {
    const [a, b] = stages(2)
    const [bound, doomed, ended, endedByOther] = [publish(a), publish(a), publish(a), publish(a)]
    for (const each of [bound, doomed, ended]) a.table.claim(a.table.idOf(each), LOW, HIGH)
    b.table.claim(a.table.idOf(endedByOther), LOW, HIGH)
    b.table.end(endedByOther)
    a.table.doom(doomed)
    a.table.end(ended)
    t.same(a.table.sweep(), [])
    for (const each of [bound, doomed, ended, endedByOther]) t.equal(a.table.isFree(each), true)
  })

  t.test('of both workers, in either order, leaves nothing', async (t) => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const tables = tablesOf({ workerCount: 2 })
      const pair = [stageOn(tables, 0), stageOn(tables, 1)]
      const slot = publish(pair[0])
      pair[1].table.claim(pair[0].table.idOf(slot), LOW, HIGH)
      for (const worker of order) pair[worker].table.sweep()
      const successor = stageOn(tables, 0)
      for (const left of successor.slots.left) {
        t.equal(successor.table.isEnded(left), true)
        successor.slots.release(left)
      }
      t.equal(successor.slots.size, 0)
    }
  })
})
