// Who got through: how many allocations, how many of them now, and what those relayed that have ended.
import t from 'tap'
import { ALLOCATION_ENTRY_COUNT_MAX } from '../../src/limits/reports.js'
import { AllocationDigest } from '../../src/log/allocation-digest.js'

const USE = { packetsFromClient: 10, packetsToClient: 3 }

t.test('allocations are summed up by user and address, the most recent first', async (t) => {
  const digest = new AllocationDigest()
  digest.created('alice', '192.0.2.1:5000', 0, 1000)
  digest.created('bob', '192.0.2.1:5001', 0, 1500)
  digest.created('alice', '192.0.2.1:5002', 1, 2000)
  digest.deleted('alice', '192.0.2.1:5000', 0, USE)
  t.match(digest.entries(), [
    {
      ...{ user: 'alice', source: '192.0.2.1', count: 2, liveCount: 1, firstTimeMs: 1000, lastTimeMs: 2000 },
      ...{ endedCount: 1, ...USE },
    },
    { user: 'bob', count: 1, liveCount: 1, endedCount: 0, packetsFromClient: 0, packetsToClient: 0 },
  ])
})

t.test('those of a worker that dies are gone, and nobody says so one by one', async (t) => {
  const digest = new AllocationDigest()
  digest.created('alice', '192.0.2.1:5000', 0, 1000)
  digest.created('alice', '192.0.2.1:5001', 0, 1000)
  digest.created('alice', '192.0.2.1:5002', 1, 1000)
  digest.workerDied(0)
  t.match(digest.entries(), [{ count: 3, liveCount: 1 }])
})

t.test('1,024 are kept; what was forgotten may end all the same', async (t) => {
  const digest = new AllocationDigest()
  for (let index = 0; index < 1025; index++) digest.created(`user${index}`, '192.0.2.1:5000', null, index)
  t.equal(digest.entries().length, 1024)
  t.equal(digest.entries().at(-1)?.user, 'user1')
  t.equal(digest.forgottenCount, 1)
  digest.deleted('user0', '192.0.2.1:5000', null, USE)
  digest.created('user0', '192.0.2.1:5000', null, 2000)
  digest.deleted('user0', '192.0.2.1:5000', null, USE)
  digest.deleted('user0', '192.0.2.1:5000', null, USE)
  t.match(digest.entries()[0], { user: 'user0', count: 1, liveCount: 0 })
})

t.test('the end of one that began before its entry was forgotten is not taken for the end of another', async (t) => {
  const digest = new AllocationDigest()
  digest.created('alice', '192.0.2.1:5000', 0, 1000)
  for (let index = 0; index < ALLOCATION_ENTRY_COUNT_MAX; index++)
    digest.created(`user${index}`, '192.0.2.2:1', 0, 1500)
  digest.created('alice', '192.0.2.1:5001', 0, 2000)
  digest.deleted('alice', '192.0.2.1:5000', 0, USE)
  t.match(digest.entries()[0], { user: 'alice', count: 1, liveCount: 1, endedCount: 0, packetsFromClient: 0 })
  digest.deleted('alice', '192.0.2.1:5001', 0, USE)
  t.match(digest.entries()[0], { user: 'alice', count: 1, liveCount: 0, endedCount: 1, ...USE })
})

t.test('two from one client address, to two addresses of the server, live and end each', async (t) => {
  const digest = new AllocationDigest()
  for (let count = 0; count < 2; count++) digest.created('alice', '192.0.2.1:5000', 0, 1000)
  digest.deleted('alice', '192.0.2.1:5000', 0, USE)
  t.match(digest.entries(), [{ count: 2, liveCount: 1, endedCount: 1 }])
  digest.workerDied(0)
  t.match(digest.entries(), [{ count: 2, liveCount: 0, endedCount: 1 }])
})
