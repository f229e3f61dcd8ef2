// The list of clients as the API sorts, searches and cuts it, and how long that takes for as many as a large server has.
import t from 'tap'
import { ClientPages } from '../../src/admin/client-pages.js'
import { CLIENT_SORT_KEYS, type Client } from '../../src/admin/schema/clients.js'
import { fakeClient } from './support/fake-administered.js'

const client = (number: number, change: Partial<Client>): Client => ({ ...fakeClient(number), ...change })
const ids = (clients: readonly Client[], query: object) =>
  new ClientPages().page(clients, query).clients.map(({ id }) => id)

t.test('the list of clients', async (t) => {
  const rows = [
    client(1, { user: 'bob', client: '10.0.0.1:5', bytesToClient: 9 }),
    client(2, { user: 'Alice', client: '9.0.0.1:40000', bytesToClient: 100 }),
    client(3, { user: 'carol', client: '9.0.0.1:999', bytesToClient: 20, relayed: ['192.0.2.1:1', '[2001:db8::A]:2'] }),
  ]

  t.test('is sorted by time unless it is asked for otherwise', async (t) => {
    t.same(ids([rows[2], rows[0], rows[1]], {}), ['0-1', '0-2', '0-3'])
    t.same(ids(rows, { order: 'desc' }), ['0-3', '0-2', '0-1'])
  })

  t.test('sorts numbers by value, within text too, and names without regard to case', async (t) => {
    t.same(ids(rows, { sort: 'client' }), ['0-3', '0-2', '0-1'])
    t.same(ids(rows, { sort: 'bytesToClient' }), ['0-1', '0-3', '0-2'])
    t.same(ids(rows, { sort: 'user' }), ['0-2', '0-1', '0-3'])
    for (const sort of CLIENT_SORT_KEYS) {
      t.same(ids(rows, { sort, order: 'desc' }), ids(rows, { sort }).reverse(), sort)
    }
  })

  t.test('finds parts of names and addresses, and counts what matches', async (t) => {
    t.same(ids(rows, { search: 'ALI' }), ['0-2'])
    t.same(ids(rows, { search: ' 9.0.0.1: ' }), ['0-2', '0-3'])
    t.same(ids(rows, { search: 'db8::a' }), ['0-3'])
    t.same(ids(rows, { search: '\n' }), ['0-1', '0-2', '0-3'], 'nothing but blanks is nothing')
    t.match(new ClientPages().page(rows, { search: '9.0', limit: 1, offset: 1 }), {
      total: 3,
      matching: 2,
      offset: 1,
      clients: [{ id: '0-3' }],
    })
    t.match(new ClientPages().page(rows, { offset: 99 }), { total: 3, matching: 3, clients: [] })
  })

  t.test('sees a new snapshot, and does not change the one it was given', async (t) => {
    const list = new ClientPages()
    const frozen = Object.freeze([...rows])
    t.equal(list.page(frozen, { sort: 'user' }).total, 3)
    t.equal(list.page([rows[0]], { sort: 'user', search: 'bob' }).matching, 1)
    t.equal(list.page([], { sort: 'user', search: 'bob' }).matching, 0)
  })

  t.test('of 6,000 is sorted and searched in some milliseconds, and again in less', async (t) => {
    const many = Array.from({ length: 6000 }, (_, index) => fakeClient((index * 7919) % 6000))
    const list = new ClientPages()
    list.page(many, { sort: 'relayed', search: 'warm' })
    // Of the processor: other tests run beside this one.
    const spent = (run: () => void): number => {
      const before = process.cpuUsage()
      run()
      const { system, user } = process.cpuUsage(before)
      return (system + user) / 1000
    }
    const times = CLIENT_SORT_KEYS.map((sort) => {
      const copy = [...many]
      const first = spent(() => void list.page(copy, { sort, search: '192.0.2.1:24' }))
      return [first, spent(() => void list.page(copy, { sort, search: 'user59' }))]
    })
    const median = (column: number) => times.map((row) => row[column]).sort((a, b) => a - b)[times.length >> 1]
    t.comment(`first ${median(0).toFixed(1)} ms, again ${median(1).toFixed(1)} ms`)
    t.ok(median(0) < 60)
    t.ok(median(1) < 10)
  })
})
