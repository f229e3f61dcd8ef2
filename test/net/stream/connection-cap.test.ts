import t from 'tap'
import { ConnectionCap, NO_TICKET } from '../../../src/net/stream/connection-cap.js'
import { SeededRandom } from '../../support/random.js'
import { addressOf } from '../../support/turn-address.js'

const ALICE = addressOf('192.0.2.7:1000')

function admitted(cap: ConnectionCap, count: number, source = ALICE): number[] {
  return Array.from({ length: count }, () => cap.admit(source)).filter((ticket) => ticket !== NO_TICKET)
}

t.test('ConnectionCap', async (t) => {
  t.test('admits 256 connections of one address, and the 257th when one has left', async (t) => {
    const cap = new ConnectionCap(ConnectionCap.allocate(1), 0)
    const tickets = admitted(cap, 256)
    t.equal(tickets.length, 256)
    t.equal(cap.admit(ALICE), NO_TICKET)
    t.equal(cap.admit(addressOf('192.0.2.7:2000')), NO_TICKET, 'whatever the port')
    cap.leave(tickets[0])
    t.equal(admitted(cap, 2).length, 1)
  })

  t.test('counts all workers together, to the last one', async (t) => {
    const shared = ConnectionCap.allocate(3)
    const caps = [0, 1, 2].map((worker) => new ConnectionCap(shared, worker, 10))
    t.equal(admitted(caps[0], 4).length + admitted(caps[1], 4).length + admitted(caps[2], 4).length, 10)
    for (const cap of caps) t.equal(cap.admit(ALICE), NO_TICKET)
  })

  t.test('counts addresses by themselves: IPv4 /32, IPv6 /64, loopback too', async (t) => {
    const cap = new ConnectionCap(ConnectionCap.allocate(2), 1, 2)
    for (const text of ['192.0.2.8:1', '127.0.0.1:1', '[2001:db8:0:1::1]:1', '[2001:db8:0:2::1]:1']) {
      t.equal(admitted(cap, 3, addressOf(text)).length, 2, text)
    }
    t.equal(cap.admit(addressOf('[2001:db8:0:1:ffff::9]:1')), NO_TICKET, 'the same /64')
  })

  t.test('counts above the cap what stays whatever the count, and gives it back', async (t) => {
    const cap = new ConnectionCap(ConnectionCap.allocate(1), 0, 2)
    const tickets = [...admitted(cap, 2), cap.add(ALICE)]
    t.equal(cap.admit(ALICE), NO_TICKET)
    for (const ticket of tickets) cap.leave(ticket)
    cap.leave(NO_TICKET)
    t.equal(admitted(cap, 3).length, 2)
  })

  t.test('forgets what a dead worker had, and nothing else', async (t) => {
    const shared = ConnectionCap.allocate(2)
    const caps = [0, 1].map((worker) => new ConnectionCap(shared, worker, 10))
    admitted(caps[0], 3)
    admitted(caps[1], 7)
    ConnectionCap.clearWorker(shared, 1)
    t.equal(admitted(new ConnectionCap(shared, 1, 10), 20).length, 7)
  })

  t.test('hardly shuts out strangers of 512 addresses at their cap', async (t) => {
    const cap = new ConnectionCap(ConnectionCap.allocate(1), 0, 1)
    const random = new SeededRandom(5)
    for (let index = 0; index < 512; index++) cap.add(ALICE.clone().setIPv4(random.nextUint32(), 1))
    let refused = 0
    for (let index = 0; index < 1_000; index++) {
      const ticket = cap.admit(ALICE.clone().setIPv4(random.nextUint32(), 1))
      if (ticket === NO_TICKET) refused++
      cap.leave(ticket)
    }
    // One in a thousand has two full buckets, thirty have one.
    t.ok(refused <= 8, `${refused} of 1,000 refused`)
  })
})
