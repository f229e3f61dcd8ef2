import { Worker } from 'node:worker_threads'
import t from 'tap'
import { allocateSharedTables, type SharedTables, sweepWorker, userTableOf } from '../../src/turn/shared-tables.js'
import { type StageWorker, tablesOf, workerOn, workersOn } from '../support/shared-stage.js'
import type { TableJob, TableResult } from '../support/table-worker.js'

const DEADLINE_MS = 60_000
const USERS = Array.from({ length: 20 }, (_, index) => `user${index}`)

/** Runs one worker thread per job; null for one that ended without a result. */
function runWorkers(
  tables: SharedTables,
  jobs: readonly Pick<TableJob, 'name'>[],
  options: Partial<TableJob> = {},
): Promise<(TableResult | null)[]> {
  const gate = new SharedArrayBuffer(8)
  const script = new URL('../support/table-worker.js', import.meta.url)
  return Promise.all(
    jobs.map(({ name }, workerIndex) => {
      const shared = { tables, workerIndex, userQuota: 0, users: USERS, gate, workerCount: jobs.length }
      const none = new SharedArrayBuffer(8)
      const workerData: TableJob = { ...shared, tokens: none, claims: none, ...options, name }
      return new Promise<TableResult | null>((resolve, reject) => {
        const worker = new Worker(script, { workerData, execArgv: [], env: {} })
        const deadline = setTimeout(() => void worker.terminate(), DEADLINE_MS)
        let result: TableResult | null = null
        worker.once('message', (message: TableResult) => {
          result = message
        })
        worker.once('error', reject)
        worker.once('exit', () => {
          clearTimeout(deadline)
          resolve(result)
        })
      })
    }),
  )
}

function jobs(name: TableJob['name'], count: number): Pick<TableJob, 'name'>[] {
  return Array.from({ length: count }, () => ({ name }))
}

function sum(results: readonly (TableResult | null)[], key: 'held' | 'operationCount'): number {
  return results.reduce((total, result) => total + (result?.[key] ?? Number.NaN), 0)
}

t.test('worker threads at one table', async (t) => {
  t.test('get exactly as many places as the licence has', async (t) => {
    const tables = tablesOf({ maxAllocations: 5_000, workerCount: 4 })
    const results = await runWorkers(tables, jobs('grab', 4))
    t.equal(sum(results, 'held'), 5_000)
    const [{ quotas, relayPorts }] = workersOn(tables)
    t.equal(quotas.held, 5_000)
    t.equal(relayPorts.claimedCount(), 5_000)
    t.equal(quotas.take('another'), 'licence')
    t.equal(
      USERS.reduce((total, user) => total + quotas.heldBy(user), 0),
      5_000,
    )
  })

  t.test('get exactly as many places as each user’s quota has', async (t) => {
    const tables = tablesOf({ workerCount: 4 })
    const results = await runWorkers(tables, jobs('grab', 4), { userQuota: 7 })
    const { quotas } = workerOn(tables, 0, 7)
    for (const user of USERS) t.ok(quotas.heldBy(user) <= 7, user)
    t.equal(sum(results, 'held'), quotas.held)
    // Whoever was left below the quota was not picked often enough before the workers gave up.
    t.ok(quotas.held > 6 * USERS.length, `${quotas.held} places`)
  })

  t.test('leave nothing behind when all comes back, and never have more than there is', async (t) => {
    const tables = tablesOf({ maxAllocations: 10, workerCount: 4, minPort: 24_000, maxPort: 24_009 })
    const results = await runWorkers(tables, jobs('churn', 4), { userQuota: 4 })
    t.equal(sum(results, 'held'), 0)
    t.ok(sum(results, 'operationCount') >= 4 * 5_000)
    for (const result of results) t.ok((result?.heldMax ?? 99) <= 10, `${result?.heldMax} places at most`)
    const { quotas, relayPorts } = workerOn(tables)
    t.equal(quotas.held, 0)
    t.same([relayPorts.claimedCount(), relayPorts.claimedCountOf(0)], [0, 0])
    for (const user of USERS) t.equal(quotas.heldBy(user), 0)
    for (let place = 0; place < 10; place++) t.equal(quotas.take(`new${place}`), null)
    t.equal(quotas.take('one too many'), 'licence')
  })

  t.test('claim each token once, whoever made it', async (t) => {
    const tables = tablesOf({ workerCount: 4 })
    const tokens = new SharedArrayBuffer(4 * 50 * 8)
    const claims = new SharedArrayBuffer(4 * 50 * 4)
    const results = await runWorkers(tables, jobs('trade', 4), { tokens, claims })
    const counts = [...new Int32Array(claims)]
    t.same(
      counts.filter((count) => count > 1),
      [],
    )
    const claimedCount = counts.filter((count) => count === 1).length
    t.ok(claimedCount > 150, `${claimedCount} of 200 claimed`)
    const { quotas, relayPorts, reservations } = workerOn(tables)
    t.equal(sum(results, 'held'), 200 + claimedCount)
    t.equal(reservations.size, 200 - claimedCount)
    t.equal(quotas.held, 400)
    t.same([relayPorts.claimedCount(), relayPorts.claimedCountOf(0)], [400, 400])
  })

  t.test('bind each peer connection once, unless its owner has it back', async (t) => {
    const tables = tablesOf({ workerCount: 4 })
    const tokens = new SharedArrayBuffer(4 * 200 * 8)
    const claims = new SharedArrayBuffer(4 * 200 * 4)
    const results = await runWorkers(tables, jobs('connect', 4), { tokens, claims })
    const ids = new Uint32Array(tokens).filter((id) => id !== 0)
    t.equal(new Set(ids).size, 800, 'no id twice')
    const counts = [...new Int32Array(claims)]
    t.same(
      counts.filter((count) => count > 1),
      [],
    )
    const count = sum(results, 'held') + sum(results, 'operationCount')
    t.equal(count, counts.filter((each) => each === 1).length)
    t.ok(
      sum(results, 'held') > 100 && sum(results, 'operationCount') > 100,
      `${sum(results, 'held')} bound of ${count}`,
    )
  })

  t.test('lease no more bandwidth than a user has', async (t) => {
    const tables = tablesOf({ workerCount: 5 })
    const { quotas } = workerOn(tables, 4)
    quotas.take(USERS[0])
    const { words, at } = quotas.bandwidthBucketOf(USERS[0])
    words.fill(0, at, at + 2)
    const results = await runWorkers(tables, jobs('lease', 4))
    // A byte is a tick here, and each lease moves the tick at which the bucket is full by what it takes.
    t.ok(sum(results, 'held') <= words[at], `${sum(results, 'held')} bytes in ${words[at]} ticks`)
    t.ok(sum(results, 'held') >= 100_000)
    t.equal(words[at + 1], 0, 'the other direction')
  })

  t.test('wait for one that died with the lock until it is swept', async (t) => {
    const tables = tablesOf({ workerCount: 2 })
    const [dead] = await runWorkers(tables, jobs('die', 1))
    t.equal(dead, null)
    const second = runWorkers(tables, [{ name: 'take' }], { workerIndex: 1 })
    // The other thread finds the lock taken, or free again: it must get its place either way.
    t.same(sweepWorker(tables, 0), { ports: 1, places: 2, handles: [] })
    t.match(await second, [{ held: 1 }])
    t.equal(workerOn(tables).quotas.held, 1)
  })
})

/** An allocation's port, a live one, a reservation, and three places. */
function settle({ quotas, relayPorts, reservations, random }: StageWorker, username: string): Uint8Array {
  quotas.take(username)
  relayPorts.claim(0)
  quotas.take(username, 2)
  const port = relayPorts.claimEven(0, true)
  relayPorts.markLive(0, port)
  return reservations.add(username, 0, port + 1, 1000, random)
}

t.test('sweepWorker', async (t) => {
  t.test('frees ports, places and reservations of that worker, and of no other', async (t) => {
    const tables = tablesOf({ workerCount: 3 })
    const [a, b, c] = workersOn(tables)
    const tokenOfA = settle(a, 'u')
    const tokenOfB = settle(b, 'u')
    settle(b, 'v')
    settle(c, 'w')
    t.same(sweepWorker(tables, 1), { ports: 6, places: 6, handles: [] })
    t.equal(c.quotas.held, 6)
    t.same(
      ['u', 'v', 'w'].map((user) => c.quotas.heldBy(user)),
      [3, 0, 3],
    )
    t.equal(c.relayPorts.claimedCount(), 6)
    t.equal(c.relayPorts.liveCount(0), 2)
    t.equal(c.reservations.size, 2)
    t.equal(c.reservations.claim(tokenOfB, 'u', 0), null)
    t.ok(c.reservations.claim(tokenOfA, 'u', 0))
    t.same(sweepWorker(tables, 1), { ports: 0, places: 0, handles: [] })
  })

  t.test('leaves tables in which everything is found again', async (t) => {
    const tables = tablesOf({ maxAllocations: 50, workerCount: 2 })
    const [a, b] = workersOn(tables)
    for (let user = 0; user < 50; user++) (user % 2 === 0 ? a : b).quotas.take(`user${user}`)
    t.same(sweepWorker(tables, 0), { ports: 0, places: 25, handles: [] })
    for (let user = 0; user < 50; user++) t.equal(b.quotas.heldBy(`user${user}`), user % 2, `user${user}`)
    for (let user = 0; user < 25; user++) t.equal(b.quotas.take(`new${user}`), null)
    t.equal(b.quotas.take('one too many'), 'licence')
    for (let user = 1; user < 50; user += 2) b.quotas.give(`user${user}`)
    for (let user = 0; user < 25; user++) b.quotas.give(`new${user}`)
    t.equal(b.quotas.held, 0)
  })

  t.test('mends what a worker has left half done, however often', async (t) => {
    const tables = tablesOf({ maxAllocations: 8, workerCount: 2 })
    const [a, b] = workersOn(tables)
    b.quotas.take('b')
    for (let death = 0; death < 50; death++) {
      for (let user = 0; user < 5; user++) t.equal(a.quotas.take(`user${death}-${user}`), null)
      // Died between a user's entry and the first place in it.
      userTableOf(tables).add(death + 1, death, 0)
      t.same(sweepWorker(tables, 0), { ports: 0, places: 5, handles: [] })
      t.equal(userTableOf(tables).find(death + 1, death), -1)
      t.equal(b.quotas.held, 1)
      t.equal(b.quotas.heldBy('b'), 1)
    }
    for (let user = 0; user < 7; user++) t.equal(b.quotas.take(`user${user}`), null)
    t.equal(b.quotas.take('one too many'), 'licence')
  })

  t.test('leaves what another worker has claimed from the dead one', async (t) => {
    const tables = tablesOf({ workerCount: 2 })
    const [maker, claimer] = workersOn(tables)
    const token = settle(maker, 'u')
    const reservation = claimer.reservations.claim(token, 'u', 0)
    claimer.relayPorts.claimReserved(0, reservation?.port ?? 0)
    t.same(sweepWorker(tables, 0), { ports: 2, places: 2, handles: [] })
    t.equal(claimer.quotas.heldBy('u'), 1)
    t.equal(claimer.relayPorts.claimedCount(), 1)
  })
})

t.test('tables', async (t) => {
  t.test('are for 1 to 253 workers', async (t) => {
    const of = (workerCount: number) => tablesOf({ workerCount })
    for (const count of [0, 254]) t.throws(() => of(count), /workers/)
    for (const count of [1, 253]) t.equal(of(count).limits.workerCount, count)
    t.throws(() => workerOn(of(2), 2), /worker 2/)
    t.equal(workerOn(of(253), 252).quotas.take('u'), null)
    const full = of(253)
    workerOn(full, 252).relayPorts.claim(0)
    t.same(sweepWorker(full, 252), { ports: 1, places: 0, handles: [] })
  })

  t.test('take the memory of the ports, so that any licence has room', async (t) => {
    const limits = { relayHostCount: 1, minPort: 24_000, maxPort: 24_009, workerCount: 1 }
    const tables = allocateSharedTables(limits)
    t.ok(tables.users.byteLength + tables.reservations.byteLength < 2_000)
    const { quotas } = workerOn({ ...tables, maxAllocations: 1_000_000 })
    for (let place = 0; place < 10; place++) t.equal(quotas.take('u'), null)
    t.equal(quotas.take('u', 2), null, 'a request that finds no port is told so, not that the licence is used up')
  })

  t.test('have one key for all workers', async (t) => {
    const tables = tablesOf({ workerCount: 2 })
    workerOn(tables, 0, 0, 1).quotas.take('u')
    t.equal(workerOn(tables, 1, 0, 2).quotas.heldBy('u'), 1)
    const [key0, key1] = new Int32Array(tables.control).subarray(2)
    t.ok(key0 !== 0 && key1 !== 0 && key0 !== key1)
  })
})
