import fc from 'fast-check'
import t from 'tap'
import { RelayPorts } from '../../src/turn/relay-ports.js'
import { SeededRandom } from '../support/random.js'

function table(minPort: number, maxPort: number, hostCount = 1, seed = 1): RelayPorts {
  return new RelayPorts(hostCount, minPort, maxPort, new SeededRandom(seed))
}

/** Claims until there is none left. */
function claimAll(ports: RelayPorts, hostIndex = 0): number[] {
  const claimed: number[] = []
  for (let port = ports.claim(hostIndex); port !== 0; port = ports.claim(hostIndex)) claimed.push(port)
  return claimed
}

function range(min: number, max: number): number[] {
  return Array.from({ length: max - min + 1 }, (_, index) => min + index)
}

t.test('RelayPorts', async (t) => {
  t.test('gives every port of the range once, then 0, whatever the parity of its ends', async (t) => {
    for (const [min, max] of [
      [100, 107],
      [101, 107],
      [100, 106],
      [101, 106],
      [100, 100],
      [101, 101],
      [101, 102],
      [65_534, 65_535],
      [1, 2],
    ]) {
      const ports = table(min, max)
      t.same(
        claimAll(ports).sort((a, b) => a - b),
        range(min, max),
        `${min}–${max}`,
      )
      t.equal(ports.claimedCount(), max - min + 1)
      t.equal(ports.claim(0), 0)
      t.equal(ports.claimEven(0, false), 0)
    }
  })

  t.test('gives a released port again', async (t) => {
    const ports = table(100, 103)
    claimAll(ports)
    ports.release(0, 102)
    t.equal(ports.claimedCount(), 3)
    t.equal(ports.claim(0), 102)
    t.equal(ports.claim(0), 0)
  })

  t.test('is not searched when it is full, and counts no port that was not held', async (t) => {
    const random = new SeededRandom(1)
    let drawCount = 0
    const ports = new RelayPorts(2, 101, 64_000, {
      nextUint32: () => {
        drawCount++
        return random.nextUint32()
      },
    })
    t.equal(claimAll(ports).length, 63_900)
    drawCount = 0
    t.same([ports.claim(0), ports.claimEven(0, false), ports.claimEven(0, true)], [0, 0, 0])
    t.equal(drawCount, 0)
    ports.release(0, 200)
    ports.release(0, 200)
    t.equal(ports.claimedCountOf(0), 63_899)
    t.equal(ports.claim(0), 200)
    t.equal(ports.claim(0), 0)
    t.equal(ports.claimedCountOf(1), 0)
  })

  t.test('has a range of its own for each relay address', async (t) => {
    const ports = table(100, 103, 3)
    for (const hostIndex of [0, 1, 2]) t.equal(claimAll(ports, hostIndex).length, 4)
    ports.release(1, 101)
    t.equal(ports.claim(0), 0)
    t.equal(ports.claim(2), 0)
    t.equal(ports.claim(1), 101)
  })

  t.test('claims 10,000 ports without a repetition, and shows no pattern (RFC 8656 §7.2)', async (t) => {
    const ports = table(24_000, 43_999)
    const claimed = Array.from({ length: 10_000 }, () => ports.claim(0))
    t.equal(new Set(claimed).size, 10_000)
    t.ok(claimed.every((port) => port >= 24_000 && port <= 43_999))
    // 20 bins of 500 each: a chi-square of 19 degrees of freedom is above 60 once in a million.
    const bins = new Array<number>(20).fill(0)
    for (const port of claimed) bins[Math.floor((port - 24_000) / 1000)]++
    t.ok(bins.reduce((sum, count) => sum + (count - 500) ** 2 / 500, 0) < 60, 'the range is used evenly')
    const early = new Array<number>(20).fill(0)
    for (const port of claimed.slice(0, 1000)) early[Math.floor((port - 24_000) / 1000)]++
    t.ok(early.reduce((sum, count) => sum + (count - 50) ** 2 / 50, 0) < 60, 'from the beginning')
    // Differences of neighbours: a counter, a stride or a linear congruence would repeat some of them often.
    const differences = new Map<number, number>()
    for (let index = 1; index < claimed.length; index++) {
      const difference = claimed[index] - claimed[index - 1]
      differences.set(difference, (differences.get(difference) ?? 0) + 1)
    }
    t.ok(Math.max(...differences.values()) < 12, 'no distance from one port to the next is common')
    const rises = claimed.filter((port, index) => index > 0 && port > claimed[index - 1]).length
    t.ok(rises > 4700 && rises < 5300, 'it goes up as often as down')
  })

  t.test('differs from one server to the next', async (t) => {
    const first = Array.from({ length: 3 }, (_, index) => table(24_000, 29_999, 1, index).claim(0))
    t.equal(new Set(first).size, 3)
  })

  t.test('liveness begins with markLive and ends with release', async (t) => {
    const ports = table(100, 103, 2)
    const port = ports.claim(1)
    t.equal(ports.isLive(1, port), false)
    ports.markLive(1, port)
    ports.markLive(1, port)
    t.equal(ports.isLive(1, port), true)
    t.equal(ports.isLive(0, port), false)
    t.equal(ports.liveCount(1), 1)
    t.equal(ports.liveCount(0), 0)
    ports.release(1, port)
    t.equal(ports.isLive(1, port), false)
    t.equal(ports.liveCount(1), 0)
  })

  t.test('knows its range, and nothing outside it is live', async (t) => {
    const ports = table(101, 106)
    for (const port of [100, 107, 0, 65_535]) {
      t.equal(ports.isInRange(port), false, String(port))
      t.equal(ports.isLive(0, port), false, String(port))
    }
    for (const port of [101, 106]) t.equal(ports.isInRange(port), true, String(port))
  })
})

t.test('RelayPorts.claimEven', async (t) => {
  t.test('gives even ports only, and leaves the odd ones free (RFC 8656 §7.2: R=0 reserves nothing)', async (t) => {
    const ports = table(100, 107)
    const even = range(1, 4).map(() => ports.claimEven(0, false))
    t.same(
      even.sort((a, b) => a - b),
      [100, 102, 104, 106],
    )
    t.equal(ports.claimEven(0, false), 0)
    t.equal(ports.claimedCount(), 4)
    t.same(
      claimAll(ports).sort((a, b) => a - b),
      [101, 103, 105, 107],
    )
  })

  t.test('with R=1 takes the pair, or nothing', async (t) => {
    const ports = table(100, 105)
    const pairs = range(1, 3).map(() => ports.claimEven(0, true))
    t.same(
      pairs.sort((a, b) => a - b),
      [100, 102, 104],
    )
    t.equal(ports.claimedCount(), 6)
    t.equal(ports.claimEven(0, true), 0)
    t.equal(ports.claim(0), 0)
    ports.release(0, 103)
    t.equal(ports.claimEven(0, true), 0, 'half a pair is not enough')
    t.equal(ports.claimEven(0, false), 0, 'and it is the odd half')
    ports.release(0, 102)
    t.equal(ports.claimEven(0, true), 102)
  })

  t.test('finds no pair where only one half is in the range', async (t) => {
    t.equal(table(101, 101).claimEven(0, false), 0)
    t.equal(table(101, 102).claimEven(0, true), 0)
    t.equal(table(101, 102).claimEven(0, false), 102)
    t.equal(table(100, 100).claimEven(0, true), 0)
    t.equal(table(100, 100).claimEven(0, false), 100)
    const ports = table(101, 104)
    t.equal(ports.claimEven(0, true), 102)
    t.equal(ports.claimEven(0, true), 0, '104 has no neighbour in the range')
  })

  t.test('a reserved port is claimed once, and only if it is reserved', async (t) => {
    const ports = table(100, 101)
    t.equal(ports.claimReserved(0, 101), false, 'free')
    t.equal(ports.claimEven(0, true), 100)
    t.equal(ports.claimReserved(0, 100), false, 'claimed, not reserved')
    t.equal(ports.isLive(0, 101), false)
    t.equal(ports.claimReserved(0, 101), true)
    t.equal(ports.claimReserved(0, 101), false)
    t.equal(ports.claimedCount(), 2)
    ports.release(0, 101)
    t.equal(ports.claim(0), 101)
  })

  t.test('leaks nothing in 10,000 rounds of pairs', async (t) => {
    const ports = table(101, 110)
    for (let round = 0; round < 10_000; round++) {
      const port = ports.claimEven(0, true)
      if (port === 0) t.fail(`no pair in round ${round}`)
      if (round % 2 === 0) ports.claimReserved(0, port + 1)
      ports.release(0, port)
      ports.release(0, port + 1)
    }
    t.equal(ports.claimedCount(), 0)
    t.equal(claimAll(ports).length, 10)
  })
})

t.test('RelayPorts as a whole', async (t) => {
  t.test('agrees with a Map model after any order of operations, for two workers on one table', async (t) => {
    const min = 101
    const max = 112
    const operation = fc.tuple(
      fc.constantFrom('claim', 'even', 'pair', 'release', 'live', 'reserved'),
      fc.nat(1),
      fc.nat(1),
      fc.nat(11),
    )
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), fc.nat(1000), (operations, seed) => {
        const shared = RelayPorts.allocate(2, min, max)
        const random = new SeededRandom(seed)
        const workers = [0, 1].map((worker) => new RelayPorts(2, min, max, random, worker, shared))
        const model = new Map<string, string>()
        for (const [kind, worker, host, nth] of operations) {
          if (!applies(workers[worker], model, kind, host, nth)) return false
          if (workers[1 - worker].claimedCount() !== model.size) return false
          const claimedCount = [...model.keys()].filter((key) => key.startsWith(`${host}:`)).length
          if (workers[1 - worker].claimedCountOf(host) !== claimedCount) return false
          const liveCount = [...model].filter(([key, state]) => key.startsWith(`${host}:`) && state === 'live').length
          if (workers[1 - worker].liveCount(host) !== liveCount) return false
        }
        return true
      }),
      { numRuns: 300, seed: 1 },
    )
    t.pass()
  })

  /** Does the operation what the model says? `nth` picks one of the ports that it may be about. */
  function applies(ports: RelayPorts, model: Map<string, string>, kind: string, host: number, nth: number): boolean {
    const free = range(101, 112).filter((port) => !model.has(`${host}:${port}`))
    const held = range(101, 112).filter((port) => model.has(`${host}:${port}`))
    const pairs = free.filter((port) => port % 2 === 0 && free.includes(port + 1))
    const candidates = kind === 'claim' ? free : kind === 'even' ? free.filter((port) => port % 2 === 0) : pairs
    if (kind === 'claim' || kind === 'even' || kind === 'pair') {
      const port = kind === 'claim' ? ports.claim(host) : ports.claimEven(host, kind === 'pair')
      if (candidates.length === 0) return port === 0
      if (!candidates.includes(port)) return false
      model.set(`${host}:${port}`, 'claimed')
      if (kind === 'pair') model.set(`${host}:${port + 1}`, 'reserved')
      return true
    }
    if (held.length === 0) return true
    const port = held[nth % held.length]
    const state = model.get(`${host}:${port}`)
    if (kind === 'release') {
      ports.release(host, port)
      model.delete(`${host}:${port}`)
    } else if (kind === 'live' && state !== 'reserved') {
      ports.markLive(host, port)
      model.set(`${host}:${port}`, 'live')
    } else if (kind === 'reserved') {
      if (ports.claimReserved(host, port) !== (state === 'reserved')) return false
      if (state === 'reserved') model.set(`${host}:${port}`, 'claimed')
    }
    return ports.isLive(host, port) === (model.get(`${host}:${port}`) === 'live')
  }
})

t.test('RelayPorts.sweep', async (t) => {
  t.test('releases what one worker holds: claimed, live and reserved, on every address, the edges too', async (t) => {
    const shared = RelayPorts.allocate(2, 101, 112)
    const [dead, other] = [1, 2].map((worker) => new RelayPorts(2, 101, 112, new SeededRandom(worker), worker, shared))
    const held = [dead.claim(0), dead.claim(1), dead.claimEven(0, false)]
    const even = dead.claimEven(1, true)
    held.push(even, even + 1)
    dead.markLive(0, held[0])
    dead.markLive(1, held[1])
    const own = other.claim(1)
    other.markLive(1, own)
    t.equal(other.sweep(1), 5)
    t.equal(other.claimedCount(), 1)
    t.same([other.claimedCountOf(0), other.claimedCountOf(1)], [0, 1])
    t.equal(other.isLive(1, own), true)
    t.same([other.liveCount(0), other.liveCount(1)], [0, 1])
    t.equal(other.sweep(1), 0)
    const all = Array.from({ length: 12 }, () => other.claim(0))
    t.equal(new Set(all).size, 12, 'all are free again')
    t.equal(other.claim(0), 0, 'and none beyond the edges')
    t.equal(dead.sweep(2), 13)
  })

  t.test('leaves a reserved port that a live worker claims while the sweep is at it', async (t) => {
    const shared = RelayPorts.allocate(1, 100, 101)
    const [dead, other] = [1, 2].map((worker) => new RelayPorts(1, 100, 101, new SeededRandom(worker), worker, shared))
    t.equal(dead.claimEven(0, true), 100)
    const { compareExchange } = Atomics
    let exchangeCount = 0
    Atomics.compareExchange = ((...args: Parameters<typeof compareExchange>) => {
      // The sweep has seen the odd port as the dead worker's, and is about to write.
      if (++exchangeCount === 2) t.equal(other.claimReserved(0, 101), true)
      return compareExchange(...args)
    }) as typeof compareExchange
    try {
      t.equal(other.sweep(1), 1)
    } finally {
      Atomics.compareExchange = compareExchange
    }
    t.equal(other.claimedCountOf(0), 1)
    t.same([other.claimedCount(), other.claimReserved(0, 101), other.claim(0), other.claim(0)], [1, false, 100, 0])
    t.equal(other.sweep(2), 2, 'they are the live worker’s')
  })
})
