import t from 'tap'
import { BANDWIDTH_BUCKET_TICKS } from '../../src/limits/turn.js'
import { Bandwidth, bytesPerTick, FROM_CLIENT, TO_CLIENT } from '../../src/turn/bandwidth.js'
import * as drops from '../../src/turn/drop-reasons.js'
import { UserBandwidth } from '../../src/turn/user-bandwidth.js'
import { ALICE, BOB, type CoreClient, type CoreClientOptions } from '../support/core-client.js'
import { CoreHarness, type CoreHarnessOptions, PEER } from '../support/core-harness.js'
import { SeededRandom } from '../support/random.js'
import { tablesOf } from '../support/shared-stage.js'

/** 1,000 bytes a tick, and 25,000 at once. */
const RATE = 800_000
const KILOBYTE = new Uint8Array(1000)
const CHANNEL = 0x4000
const NOW = 5_000
const OVERLOAD_SECONDS = 20

/** How many packets of `length` bytes pass in a row. */
function passed(bandwidth: Bandwidth | UserBandwidth, length: number, now: number, direction = FROM_CLIENT): number {
  let count = 0
  while (count < 1000 && bandwidth.admit(direction, length, now)) count++
  return count
}

/** Of a user with one allocation, unless `isShared`. */
const userOf = (rate: number, words: Int32Array = new Int32Array(2), clockOffset = 0, isShared = false) =>
  new UserBandwidth(bytesPerTick(rate), { words, at: 0, isShared: () => isShared }, clockOffset, new SeededRandom(1))

for (const [name, make] of [
  ['an allocation', (rate: number) => new Bandwidth(rate, null)],
  ['a user', userOf],
] as const) {
  t.test(`the bandwidth of ${name}`, async (t) => {
    t.test('lets 250 ms of the rate pass at once, then the rate', async (t) => {
      const bandwidth = make(RATE)
      t.equal(passed(bandwidth, 1000, NOW), 25)
      t.equal(passed(bandwidth, 1000, NOW), 0)
      for (let tick = 1; tick <= 10; tick++) t.equal(passed(bandwidth, 1000, NOW + tick), 1)
      t.equal(passed(bandwidth, 1000, NOW + 15), 5, 'an engine may tick less often')
      t.equal(passed(bandwidth, 1000, NOW + 100_000), 25, 'and never more at once')
    })

    t.test('lets a datagram of any size pass while anything is left, and makes later ones wait for it', async (t) => {
      const bandwidth = make(RATE)
      t.equal(bandwidth.admit(FROM_CLIENT, 24_999, NOW), true)
      t.equal(bandwidth.admit(FROM_CLIENT, 65_000, NOW), true)
      t.equal(bandwidth.admit(FROM_CLIENT, 1, NOW), false)
      // 89,999 bytes are gone, which is 64.999 ticks more than the bucket holds.
      t.equal(bandwidth.admit(FROM_CLIENT, 1, NOW + 64), false)
      t.equal(bandwidth.admit(FROM_CLIENT, 1, NOW + 65), true)
    })

    t.test('counts each direction by itself', async (t) => {
      const bandwidth = make(RATE)
      t.equal(passed(bandwidth, 1000, NOW, FROM_CLIENT), 25)
      t.equal(passed(bandwidth, 1000, NOW, TO_CLIENT), 25)
      t.equal(passed(bandwidth, 1000, NOW + 1, TO_CLIENT), 1)
      t.equal(passed(bandwidth, 1000, NOW + 1, FROM_CLIENT), 1)
    })

    t.test('comes to the rate in the long run, low or high, whatever the packets', async (t) => {
      for (const [rate, length] of [
        [1_000, 100],
        [64_000, 172],
        [64_000, 1472],
        [1_000_001, 333],
        [1_000_000_000, 65_000],
      ]) {
        const bandwidth = make(rate)
        let bytes = 0
        const seconds = rate < 10_000 ? 600 : 60
        for (let tick = 0; tick < seconds * 100; tick++) {
          while (bandwidth.admit(FROM_CLIENT, length, NOW + tick)) bytes += length
        }
        const expected = (rate / 8) * seconds
        const most = expected + rate / 32 + length + bytesPerTick(rate)
        t.ok(bytes > expected * 0.99 && bytes <= most, `${rate} bps of ${length} bytes: ${bytes}, not ${expected}`)
      }
    })
  })
}

t.test('the bandwidth of a user', async (t) => {
  t.test('is leased by workers tick by tick, and is one for all of them', async (t) => {
    const words = new Int32Array(new SharedArrayBuffer(8))
    const [a, b] = [userOf(RATE, words), userOf(RATE, words)]
    t.equal(passed(a, 1000, NOW), 25)
    t.equal(passed(b, 1000, NOW), 0)
    t.equal(a.admit(FROM_CLIENT, 10, NOW + 1), true)
    t.equal(b.admit(FROM_CLIENT, 10, NOW + 1), false, 'the other one has leased this tick')
    t.equal(passed(a, 10, NOW + 1), 99)
    t.equal(b.admit(FROM_CLIENT, 10, NOW + 2), true)
  })

  t.test('agrees on the time between workers that started at different moments', async (t) => {
    const words = new Int32Array(new SharedArrayBuffer(8))
    const [a, b] = [userOf(RATE, words, 1_000), userOf(RATE, words, 3_000)]
    t.equal(passed(a, 1000, 2_500), 25)
    t.equal(passed(b, 1000, 500), 0)
    t.equal(passed(b, 1000, 501), 1)
    t.equal(passed(a, 1000, 2_503), 2)
  })

  t.test('goes on when ticks no longer fit 31 or 32 bits (a machine that is up for 248 or 497 days)', async (t) => {
    for (const edge of [2 ** 31, 2 ** 32]) {
      const user = userOf(RATE, new Int32Array(2).fill(edge - 20), edge - 100)
      t.equal(passed(user, 1000, 90), 25)
      t.equal(passed(user, 1000, 95), 5)
      t.equal(passed(user, 1000, 105), 10)
      t.equal(passed(user, 1000, 106), 1)
    }
  })

  t.test('is not lost to a word that is older than its 32 bits reach', async (t) => {
    for (const age of [2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 1]) {
      const words = new Int32Array(2).fill(NOW - age)
      t.ok(passed(userOf(RATE, words), 1000, NOW) >= 24, `${age}`)
    }
  })

  t.test('looks at the shared word once a tick when there is nothing', async (t) => {
    const words = new Int32Array(new SharedArrayBuffer(8))
    const user = userOf(RATE, words)
    t.equal(passed(user, 1000, NOW), 25)
    words.fill(0)
    t.equal(passed(user, 1000, NOW), 0, 'it would find budget')
    t.equal(passed(user, 1000, NOW + 1), 25)
  })
})

/** A client with a channel to PEER. */
function relaying(harness: CoreHarness, options: CoreClientOptions = {}): CoreClient {
  const client = harness.client(options)
  client.allocate()
  client.channelBind(CHANNEL, PEER)
  return client
}

/** Kilobytes that pass until the first is dropped, which must be for the bandwidth. */
function sent(client: CoreClient, count = 1000): number {
  for (let index = 0; index < count; index++) {
    const drop = client.channelData(CHANNEL, KILOBYTE)
    if (drop === drops.DROP_BANDWIDTH) return index
    if (drop !== 0) throw new Error(drops.DROP_NAMES[drop])
  }
  return count
}

function received(harness: CoreHarness, client: CoreClient): number {
  const { id } = harness.relayOf(client)
  for (let index = 0; index < 1000; index++) {
    if (harness.peerSends(id, PEER, KILOBYTE) === drops.DROP_BANDWIDTH) return index
  }
  return 1000
}

/**
 * An allocation on each core, of one user; each offers twice the rate, a kilobyte every 5 ms, the first one always just before the
 * other, and its core's ticks begin `milliseconds` earlier. Returns how many kilobytes of each pass.
 */
function overload(harnesses: readonly CoreHarness[], milliseconds: number): number[] {
  const clients = harnesses.map((harness) => relaying(harness))
  const sums = harnesses.map(() => 0)
  for (let at = 0; at < OVERLOAD_SECONDS * 1000; at++) {
    for (const [index, harness] of harnesses.entries()) {
      harness.core.tick(Math.floor((index === 0 ? at + milliseconds : at) / 10))
      if (at % 5 === index) sums[index] += sent(clients[index], 1)
    }
  }
  return sums
}

t.test('--max-bps', async (t) => {
  t.test('limits each allocation, each direction by itself, and counts payload that passed', async (t) => {
    const harness = new CoreHarness({ maxBps: RATE })
    const [a, b] = [relaying(harness), relaying(harness)]
    t.equal(sent(a), 25)
    t.equal(received(harness, a), 25)
    t.equal(sent(b), 25)
    t.same([...harness.allocationOf(a).counters], [25, 25_000, 25, 25_000])
    t.equal(harness.core.drops[drops.DROP_BANDWIDTH], 3)
    t.equal(harness.output.of('to-peer').length, 50)
    harness.advanceTicks(1)
    t.equal(sent(a), 1)
  })

  t.test('holds for Send and Data indications too', async (t) => {
    const harness = new CoreHarness({ maxBps: RATE })
    const client = harness.client()
    client.allocate()
    client.createPermission(PEER)
    for (let index = 0; index < 25; index++) t.equal(client.sendIndication(PEER, KILOBYTE), 0)
    t.equal(client.sendIndication(PEER, KILOBYTE), drops.DROP_BANDWIDTH)
    t.equal(received(harness, client), 25)
  })

  t.test('takes nothing for what is dropped for another reason', async (t) => {
    const harness = new CoreHarness({ maxBps: RATE, userMaxBps: RATE })
    const client = relaying(harness)
    harness.advanceTicks(BANDWIDTH_BUCKET_TICKS)
    const { id } = harness.relayOf(client)
    for (let index = 0; index < 30; index++) {
      t.equal(client.sendIndication('1.2.3.5:1', KILOBYTE), drops.DROP_NO_PERMISSION)
      t.equal(harness.peerSends(id, '1.2.3.5:1', KILOBYTE), drops.DROP_NO_PERMISSION)
      t.equal(client.sendIndication('1.2.3.4:0', KILOBYTE), drops.DROP_PEER_FORBIDDEN)
    }
    t.equal(sent(client), 25)
    t.equal(received(harness, client), 25)
  })

  t.test('is no limit at 0, and costs no object', async (t) => {
    for (const options of [{}, { maxBps: 0, userMaxBps: 0 }]) {
      const harness = new CoreHarness(options)
      const client = relaying(harness)
      t.equal(sent(client), 1000)
      t.equal(harness.allocationOf(client).bandwidth, null)
    }
  })
})

t.test('--user-max-bps', async (t) => {
  const stage = (options: CoreHarnessOptions = {}) => new CoreHarness({ userMaxBps: RATE, ...options })

  t.test('limits all allocations of one user together, and no other user', async (t) => {
    const harness = stage()
    const [a, b] = [relaying(harness), relaying(harness)]
    const bob = relaying(harness, { user: BOB })
    harness.advanceTicks(BANDWIDTH_BUCKET_TICKS)
    t.equal(sent(a, 10), 10)
    t.equal(sent(b), 15)
    t.equal(sent(a), 0)
    t.equal(received(harness, b), 25)
    t.equal(sent(bob), 25)
  })

  t.test('holds beside --max-bps, and the one that is used up takes nothing from the other', async (t) => {
    const harness = stage({ maxBps: RATE / 5 })
    const [a, b] = [relaying(harness), relaying(harness)]
    harness.advanceTicks(BANDWIDTH_BUCKET_TICKS)
    t.equal(sent(a), 5, 'five of its own')
    for (let index = 0; index < 50; index++) t.equal(sent(a), 0)
    t.equal(sent(b), 5)
    const [c, d, e] = [relaying(harness), relaying(harness), relaying(harness)]
    t.equal(sent(c) + sent(d) + sent(e), 15)
    t.equal(sent(relaying(harness)), 0, 'the user’s are used up')
  })

  t.test('is not renewed by a new allocation', async (t) => {
    const harness = stage()
    const first = relaying(harness)
    t.equal(sent(first), 1, 'a newcomer’s bucket holds a tick')
    first.refresh(0)
    let count = 0
    for (let round = 0; round < 20; round++) {
      const client = relaying(harness)
      count += sent(client)
      client.refresh(0)
    }
    t.equal(count, 20, 'what a packet may overdraw, each time, and no burst')
    harness.advanceTicks(BANDWIDTH_BUCKET_TICKS)
    const [a, b] = [relaying(harness), relaying(harness)]
    harness.advanceTicks(BANDWIDTH_BUCKET_TICKS)
    t.equal(sent(a), 25)
    a.refresh(0)
    t.equal(sent(b), 0)
    t.equal(sent(relaying(harness)), 0)
  })

  t.test('is one over several workers', async (t) => {
    const tables = tablesOf({ workerCount: 2 })
    const worker = (workerIndex: number) =>
      stage({ tables, workerIndex, seed: workerIndex + 1, monotonicStartSeconds: 1_000 + workerIndex })
    const [a, b] = [worker(0), worker(1)]
    // The second one started a second later.
    a.advanceSeconds(1)
    const [onA, onB] = [relaying(a), relaying(b)]
    for (const harness of [a, b]) harness.advanceTicks(BANDWIDTH_BUCKET_TICKS)
    t.equal(sent(onA, 10), 10)
    const onOther = sent(onB)
    t.ok(onOther >= 14, 'the first worker may have a tick on lease')
    t.equal(10 + onOther + sent(onA), 25)
    onA.refresh(0)
    t.equal(sent(onB), 0)
    t.equal(sent(relaying(a)), 0)
    for (const harness of [a, b]) harness.advanceTicks(5)
    t.equal(sent(onB), 5)
  })

  t.test('is shared fairly, whosever packets come first in every tick', async (t) => {
    const fair = (name: string, [a, b]: readonly number[]) => {
      t.ok(Math.abs(a + b - OVERLOAD_SECONDS * 100) < OVERLOAD_SECONDS * 3, `${name}: ${a} and ${b} kB are the rate`)
      t.ok(Math.min(a, b) > (a + b) / 4, `${name}: ${a} and ${b} kB are fair`)
    }
    const one = stage()
    fair('one worker', overload([one, one], 0))
    for (const milliseconds of [0, 1, 5, 9, 12]) {
      const tables = tablesOf({ workerCount: 2 })
      const two = [0, 1].map((workerIndex) => stage({ tables, workerIndex, seed: workerIndex + 1 }))
      fair(`two workers, ${milliseconds} ms apart`, overload(two, milliseconds))
    }
  })

  t.test('starts anew for who takes the table’s entry over', async (t) => {
    const harness = stage()
    const client = relaying(harness)
    harness.advanceTicks(BANDWIDTH_BUCKET_TICKS)
    t.equal(sent(client), 25)
    client.refresh(0)
    const bob = relaying(harness, { user: BOB })
    t.equal(sent(bob), 1)
    t.equal(harness.allocationOf(bob).bandwidth?.user?.allocationCount, 1)
    const again = relaying(harness, { user: ALICE })
    harness.advanceTicks(BANDWIDTH_BUCKET_TICKS)
    t.equal(sent(again), 25)
    t.equal(sent(bob), 25)
  })
})
