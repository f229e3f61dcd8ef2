// Clients that do not read: what waits for them is bounded, data is dropped by whole frames, and framing is intact when they read again.

import { Writable } from 'node:stream'
import t from 'tap'
import {
  ANSWER_BYTES_MAX,
  LARGE_CHUNK_BYTES,
  QUEUED_BYTES_MAX,
  QUEUED_MILLISECONDS_MAX,
  SMALL_CHUNK_BYTES,
} from '../../../src/limits/streams.js'
import { COUNTER_NAMES, newCounters } from '../../../src/net/counters.js'
import { ChunkPool } from '../../../src/net/stream/chunk-pool.js'
import { OutgoingQueue } from '../../../src/net/stream/outgoing-queue.js'
import { TurnClock } from '../../../src/net/stream/turn-clock.js'
import { FrameAssembler } from '../../../src/stun/framing.js'
import { PEER } from '../../support/core-harness.js'
import { bindingRequest, bytesOf, StreamClient } from './stream-client.js'
import { StreamStage } from './stream-stage.js'

const CHANNEL = 0x4001

/** A stream whose reader is a test: it takes a write at once, or keeps it until it is told. */
class SlowStream extends Writable {
  isStalled = false
  readonly written: Buffer[] = []
  #finish: (() => void) | null = null

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written.push(Buffer.from(chunk))
    if (this.isStalled) this.#finish = done
    else done()
  }

  /** Takes the write that is under way. */
  take(): void {
    const finish = this.#finish
    this.#finish = null
    finish?.()
  }
}

class QueueStage {
  clock = 0
  readonly pool: ChunkPool
  readonly counters = newCounters()
  readonly stream = new SlowStream({ highWaterMark: 1024 })
  readonly queue: OutgoingQueue

  constructor(pool = new ChunkPool()) {
    this.pool = pool
    this.queue = new OutgoingQueue(this.stream, { pool, counters: this.counters, now: () => this.clock })
  }

  get drops(): number {
    return this.counters[COUNTER_NAMES.indexOf('stalledDrops')]
  }

  /** A write is under way that holds 8 bytes. */
  stall(): void {
    this.stream.isStalled = true
    this.queue.appendChannelData(CHANNEL, bytesOf(4), 0, 4)
    this.queue.write()
  }

  /** Reads everything, and returns the frames' lengths. */
  resume(): number[] {
    this.stream.isStalled = false
    this.stream.take()
    const lengths: number[] = []
    const assembler = new FrameAssembler(70_000)
    assembler.push(bindingRequest(), () => {})
    for (const chunk of this.stream.written)
      assembler.push(chunk, (_bytes, start, end) => void lengths.push(end - start))
    return lengths
  }
}

t.test('what waits for one client', async (t) => {
  t.test('over TLS is several small chunks, and none is lost when a frame needs a large one', async (t) => {
    const stage = new QueueStage()
    stage.queue.startRecords(stage.stream)
    stage.stall()
    const lengths = [...new Array<number>(12).fill(172), ...new Array<number>(12).fill(1200)]
    for (const length of lengths) stage.queue.appendChannelData(CHANNEL, bytesOf(length), 0, length)
    t.same(
      stage.resume(),
      [4, ...lengths].map((length) => length + 4),
    )
    t.equal(stage.drops, 0)
  })

  t.test('is data up to 256 KiB, by whole frames, and all of it leaves in order', async (t) => {
    const stage = new QueueStage()
    stage.stall()
    const frameLength = 1024
    const fits = Math.floor((QUEUED_BYTES_MAX - 8) / frameLength)
    for (let index = 0; index < fits + 5; index++) stage.queue.appendChannelData(CHANNEL, bytesOf(1020), 0, 1020)
    t.equal(stage.drops, 5)
    t.equal(stage.queue.waitingBytes, 8 + fits * frameLength)
    t.same(stage.resume(), [8, ...new Array(fits).fill(frameLength)])
    t.equal(stage.queue.waitingBytes, 0)
  })

  t.test('is exactly 256 KiB at most', async (t) => {
    const stage = new QueueStage()
    stage.stall()
    for (let bytes = 8; bytes + 4096 <= QUEUED_BYTES_MAX; bytes += 4096) {
      stage.queue.appendChannelData(CHANNEL, bytesOf(4092), 0, 4092)
    }
    const room = QUEUED_BYTES_MAX - stage.queue.waitingBytes
    stage.queue.appendChannelData(CHANNEL, bytesOf(room), 0, room - 4 + 1)
    t.equal(stage.drops, 1)
    stage.queue.appendChannelData(CHANNEL, bytesOf(room), 0, room - 4)
    t.equal(stage.drops, 1)
    t.equal(stage.queue.waitingBytes, QUEUED_BYTES_MAX)
  })

  t.test('is no data while the oldest byte has waited for more than 200 ms', async (t) => {
    const stage = new QueueStage()
    stage.stall()
    stage.clock += QUEUED_MILLISECONDS_MAX
    stage.queue.appendChannelData(CHANNEL, bytesOf(4), 0, 4)
    t.equal(stage.drops, 0)
    stage.clock += 1
    stage.queue.appendChannelData(CHANNEL, bytesOf(4), 0, 4)
    stage.queue.appendDataIndication(bytesOf(36), 36, bytesOf(5), 0, 5)
    t.equal(stage.drops, 2)
    stage.resume()
    stage.clock += 10 * QUEUED_MILLISECONDS_MAX
    stage.queue.appendChannelData(CHANNEL, bytesOf(4), 0, 4)
    t.equal(stage.drops, 2, 'it reads again, and nothing waits')
  })

  t.test('is gathered in one place from many turns, not in a chunk for each', async (t) => {
    const stage = new QueueStage()
    stage.stall()
    const take = stage.pool.take.bind(stage.pool)
    let taken = 0
    stage.pool.take = (length, now) => {
      taken++
      return take(length, now)
    }
    for (let turn = 0; turn < 100; turn++) {
      stage.queue.appendChannelData(CHANNEL, bytesOf(4), 0, 4)
      stage.queue.write()
    }
    t.equal(taken, 1)
    t.equal(stage.resume().length, 101)
  })

  t.test(
    'leaves over TLS as a record for each frame while few come in a turn, else together, all of it in order',
    async (t) => {
      const stage = new QueueStage()
      stage.queue.startRecords(stage.stream)
      const lengthsOfTurn = (count: number) => Array.from({ length: count }, (_, index) => 4 + 4 * ((index * 97) % 300))
      const recordsOfTurn = (lengths: readonly number[]) => {
        const recordCount = stage.stream.written.length
        for (const length of lengths) stage.queue.appendChannelData(CHANNEL, bytesOf(length - 4), 0, length - 4)
        stage.queue.endTurn()
        t.same(stage.resume().slice(-lengths.length), lengths)
        t.equal(stage.queue.waitingBytes, 0)
        return stage.stream.written.slice(recordCount).map(({ length }) => length)
      }
      const few = lengthsOfTurn(4)
      const many = lengthsOfTurn(60)
      t.same(recordsOfTurn(few), few)
      t.same(recordsOfTurn(few), few)
      const first = recordsOfTurn(many)
      t.same(first.slice(0, 3), many.slice(0, 3))
      t.ok(first.length < 7, `${first.length} records`)
      t.ok(recordsOfTurn(many).length < 4)
      // One more, then each is a record again.
      t.equal(recordsOfTurn(few).length, 1)
      t.same(recordsOfTurn(few), few)
    },
  )

  t.test('has room for 64 KiB of answers beyond data', async (t) => {
    const stage = new QueueStage()
    stage.stall()
    stage.clock += 10_000
    const bytesMax = QUEUED_BYTES_MAX + ANSWER_BYTES_MAX
    const answer = bytesOf(1024)
    let count = 0
    while (stage.queue.appendMessage(answer, 0, answer.length, bytesMax)) count++
    t.equal(count, Math.floor((bytesMax - 8) / 1024))
    t.equal(stage.resume()[0], 8)
  })

  t.test('is not bounded within a turn by what the kernel takes at once', async (t) => {
    const stage = new QueueStage()
    for (let index = 0; index < 1000; index++) stage.queue.appendChannelData(CHANNEL, bytesOf(1196), 0, 1196)
    stage.queue.write()
    t.equal(stage.drops, 0)
    t.equal(stage.resume().length, 1000)
    t.ok(stage.stream.written.length <= 1 + (1000 * 1200) / (LARGE_CHUNK_BYTES - 1200))
  })

  t.test('lies in small chunks until it is long, and in none when all has left', async (t) => {
    const pool = new ChunkPool()
    const taken: number[] = []
    const give = pool.give.bind(pool)
    const take = pool.take.bind(pool)
    pool.take = (length, now) => {
      const chunk = take(length, now)
      taken.push(chunk.bytes.length)
      return chunk
    }
    let given = 0
    pool.give = (chunk) => {
      given++
      give(chunk)
    }
    const stream = new SlowStream()
    const queue = new OutgoingQueue(stream, { pool, counters: newCounters(), now: () => 0 })
    for (let index = 0; index < 5; index++) queue.appendChannelData(CHANNEL, bytesOf(1000), 0, 1000)
    queue.write()
    await new Promise((resolve) => setImmediate(resolve))
    t.same(taken, [SMALL_CHUNK_BYTES, LARGE_CHUNK_BYTES])
    t.equal(given, 2)
    t.equal(Buffer.concat(stream.written).length, 5 * 1004)
  })
})

t.test('what waits for all clients', async (t) => {
  const MEMORY_BYTES_MAX = 4 * 1024 * 1024
  /** More than have room, each with as much as it may have. */
  const crowd = (pool: ChunkPool): QueueStage[] => {
    const stages = Array.from({ length: 200 }, () => new QueueStage(pool))
    for (const stage of stages) stage.stall()
    for (let round = 0; round < 300; round++) {
      for (const { queue } of stages) queue.appendChannelData(CHANNEL, bytesOf(996), 0, 996)
    }
    return stages
  }

  t.test('is bounded, whatever each may have, and counted where it is dropped', async (t) => {
    const pool = new ChunkPool(MEMORY_BYTES_MAX)
    const stages = crowd(pool)
    t.ok(pool.usedBytes <= MEMORY_BYTES_MAX + LARGE_CHUNK_BYTES, `${pool.usedBytes} bytes`)
    t.ok(pool.usedBytes > MEMORY_BYTES_MAX / 2, 'and it is used')
    for (const stage of stages) t.ok(stage.drops > 0, 'each loses something')
    for (const stage of stages) stage.queue.discard()
    for (const stage of stages) stage.resume()
    await new Promise((resolve) => setImmediate(resolve))
    t.equal(pool.usedBytes, 0, 'all of it comes back')
  })

  t.test('leaves room for those who read', async (t) => {
    const pool = new ChunkPool(MEMORY_BYTES_MAX)
    crowd(pool)
    const reader = new QueueStage(pool)
    for (let round = 0; round < 100; round++) {
      reader.queue.appendChannelData(CHANNEL, bytesOf(996), 0, 996)
      reader.queue.endTurn()
      await new Promise((resolve) => setImmediate(resolve))
    }
    t.equal(reader.drops, 0)
    t.equal(reader.resume().length, 100)
  })

  t.test('leaves an answer to who has nothing unread, and cuts off who has', async (t) => {
    const pool = new ChunkPool(0)
    while (!pool.isFull) pool.take(LARGE_CHUNK_BYTES, 0)
    const answer = bindingRequest()
    const reader = new QueueStage(pool)
    t.ok(reader.queue.appendMessage(answer, 0, answer.length, ANSWER_BYTES_MAX))
    t.ok(reader.queue.appendMessage(answer, 0, answer.length, ANSWER_BYTES_MAX), 'the first one leaves for it')
    reader.stream.isStalled = true
    reader.queue.write()
    t.notOk(reader.queue.appendMessage(answer, 0, answer.length, ANSWER_BYTES_MAX))
    reader.queue.appendChannelData(CHANNEL, bytesOf(4), 0, 4)
    t.equal(reader.drops, 1, 'and no data')
  })
})

t.test('a client over TCP that does not read', async (t) => {
  t.test('loses whole frames, costs bounded memory, and finds frames when it reads again', async (t) => {
    const stage = await StreamStage.open(t)
    const client = await StreamClient.open(t, stage.ports.tcp)
    await client.allocate()
    await client.bindChannel(CHANNEL, PEER)
    const [allocation] = [...stage.core.allocations.values()]
    const relayId = allocation.relay4?.id ?? -1
    client.socket.pause()
    const heap = process.memoryUsage().arrayBuffers
    // The kernel's buffers on both sides take some megabytes first.
    const payload = bytesOf(1001)
    let sent = 0
    await stage.until('drops', () => {
      for (let index = 0; index < 200; index++) {
        payload.writeUInt32BE(sent++)
        stage.peerSends(relayId, PEER, payload)
      }
      return stage.counted('stalledDrops')[0] >= 1000
    })
    const growth = process.memoryUsage().arrayBuffers - heap
    t.ok(growth < 2 * (QUEUED_BYTES_MAX + ANSWER_BYTES_MAX), `memory is bounded: ${growth}`)
    const [drops] = stage.counted('stalledDrops')
    client.socket.resume()
    client.write(bindingRequest())
    let last = -1
    for (let index = 0; index < sent - drops; index++) {
      const frame = await client.frames.next()
      const number = frame.readUInt32BE(4)
      if (number <= last || !frame.subarray(8).equals(payload.subarray(4))) t.fail(`frame ${number} after ${last}`)
      last = number
    }
    t.equal((await client.message()).code, 0)
    t.equal(client.framingResult, 0)
  })

  t.test('and has sent its FIN is gone 2 s later', async (t) => {
    const stage = await StreamStage.open(t)
    const client = await StreamClient.open(t, stage.ports.tcp)
    await client.allocate()
    await client.bindChannel(CHANNEL, PEER)
    const [allocation] = [...stage.core.allocations.values()]
    client.socket.pause()
    const payload = bytesOf(16_000)
    await stage.until('drops', () => {
      for (let index = 0; index < 20; index++) stage.peerSends(allocation.relay4?.id ?? -1, PEER, payload)
      return stage.counted('stalledDrops')[0] > 1000
    })
    const [receivedBefore] = stage.counted('receiveCalls')
    client.socket.end(bindingRequest())
    await stage.until('its last frame', () => stage.counted('receiveCalls')[0] > receivedBefore)
    await stage.until('nothing more is queued for it', () => {
      const [drops] = stage.counted('stalledDrops')
      stage.peerSends(allocation.relay4?.id ?? -1, PEER, payload)
      return stage.counted('stalledDrops')[0] === drops
    })
    stage.advance(1_999)
    t.equal(stage.streams.connectionCount, 1)
    stage.advance(1)
    t.equal(await stage.closedClients.next(), 1)
    t.same(stage.counted('connectionsTimedOut'), [0])
  })

  t.test('and asks all the same is closed, before it has an allocation too', async (t) => {
    const stage = await StreamStage.open(t)
    const client = await StreamClient.open(t, stage.ports.tcp)
    client.socket.pause()
    const requests = Buffer.concat(Array.from({ length: 1000 }, () => bindingRequest()))
    const isClosed = () => stage.streams.connectionCount === 0
    await stage.until('it is closed', () => {
      if (client.socket.writableLength < 1_000_000) client.socket.write(requests)
      return isClosed()
    })
    t.same(stage.counted('connectionsMalformed', 'connectionsTimedOut'), [0, 0])
    t.equal(await stage.closedClients.next(), 1)
  })
})

t.test("the time that clients have had goes by with the worker's turns", async (t) => {
  let now = 1000
  const clock = new TurnClock(() => now)
  now += 49
  clock.turn()
  t.equal(clock.milliseconds, 49)
  now += 50
  clock.turn()
  t.equal(clock.milliseconds, 99)
  now += 5000
  clock.turn()
  t.equal(clock.milliseconds, 149, 'the worker was kept from running, not the client from reading')
})
