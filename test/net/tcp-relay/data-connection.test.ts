// Client and peer bound to each other (RFC 6062 §5.4): every byte, in order, at the pace of the slower side; and how the pair ends.

import { createHash, randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import t, { type Test } from 'tap'
import { FLOW_QUEUED_BYTES_MAX, HALF_CLOSED_IDLE_MILLISECONDS_MAX } from '../../../src/limits/streams.js'
import { DataConnection } from '../../../src/net/tcp-relay/data-connection.js'
import { type Flow, FlowMemory } from '../../../src/net/tcp-relay/flow.js'
import { FROM_CLIENT, TO_CLIENT } from '../../../src/turn/bandwidth.js'
import { withDeadline } from '../../support/deadline.js'
import { BOTH } from './peer-sockets-under-test.js'
import { EVENT_MILLISECONDS_MAX, event, over, RelayStage, read } from './relay-stage.js'

const MEBIBYTE = 1024 * 1024
const CARRIED_MEBIBYTES = process.env.TURND_TEST_LONG === '1' ? 50 : 12
/** What Node reads at once. */
const CHUNK_BYTES_MAX = 64 * 1024
const TRANSFER_MILLISECONDS_MAX = 60_000
const SWEEP_MILLISECONDS = 1_000
const NOTHING = new Uint8Array(0)

interface Pair {
  /** The client's own end. */
  readonly far: Socket
  readonly peer: Socket
  /** The end of the client's connection that the pair has. */
  readonly client: Socket
}

for (const maker of BOTH) {
  t.test(`a data connection (${maker.name})`, { skip: maker.skip }, async (t) => {
    t.test(`carries ${CARRIED_MEBIBYTES} MiB each way at the same time`, async (t) => {
      const { far, peer } = await bound(t, new RelayStage(t, maker))
      const sums = await Promise.all([
        transfer(far, peer, CARRIED_MEBIBYTES * MEBIBYTE),
        transfer(peer, far, CARRIED_MEBIBYTES * MEBIBYTE),
      ])
      for (const { sent, received } of sums) t.equal(received, sent)
    })

    t.test('begins with what the client had sent behind its request', async (t) => {
      const stage = new RelayStage(t, maker)
      const { far, peer } = await bound(t, stage, Buffer.from('begin'))
      far.write(' and go on')
      t.equal(await read(peer, 15), 'begin and go on')
    })

    t.test('reads no faster than the other side does', async (t) => {
      for (const direction of [FROM_CLIENT, TO_CLIENT]) {
        const stage = new RelayStage(t, maker)
        let admitted = 0
        stage.core.admits = (_, length) => {
          admitted += length
          return true
        }
        const { far, peer, client } = await bound(t, stage)
        const [source, sink] = direction === FROM_CLIENT ? [far, peer] : [peer, far]
        const peak = direction === TO_CLIENT ? peakOf(client) : null
        const total = 64 * MEBIBYTE
        const done = transfer(source, sink, total, false)
        // The kernel's buffers are full, and so is the queue.
        await standstill(() => admitted)
        t.ok(admitted < total / 2, `${admitted} bytes are on their way`)
        const { sent, received } = await done.then(({ finish }) => finish())
        t.equal(received, sent)
        if (peak === null) continue
        t.ok(peak.bytes > FLOW_QUEUED_BYTES_MAX, 'the queue was full')
        t.ok(peak.bytes <= FLOW_QUEUED_BYTES_MAX + CHUNK_BYTES_MAX, `${peak.bytes} bytes waited`)
      }
    })

    t.test('passes on the end of one direction, and the other goes on', async (t) => {
      for (const isClientFirst of [true, false]) {
        const stage = new RelayStage(t, maker)
        const { far, peer } = await bound(t, stage)
        const [first, second] = isClientFirst ? [far, peer] : [peer, far]
        first.end('last words')
        t.equal(await read(second, 10), 'last words')
        second.resume()
        await event(second, 'end')
        second.write('much to say')
        t.equal(await read(first, 11), 'much to say')
        t.same(stage.core.notes.items, [])
        second.end()
        first.resume()
        await event(first, 'end')
        t.same(await stage.next(), ['ended', 100])
      }
    })

    t.test('passes on a reset', async (t) => {
      for (const isClientFirst of [true, false]) {
        const stage = new RelayStage(t, maker)
        const { far, peer } = await bound(t, stage)
        const [first, second] = isClientFirst ? [far, peer] : [peer, far]
        const error = event(second, 'close')
        second.resume()
        first.resetAndDestroy()
        t.same(await error, [true], 'closed by an error')
        t.same(await stage.next(), ['ended', 100])
      }
    })

    t.test('ends when one side ends entirely and the other one writes', async (t) => {
      const stage = new RelayStage(t, maker)
      const { far, peer } = await bound(t, stage)
      peer.destroy()
      await over(far)
      // The first one is answered with a reset, which the second one finds.
      const timer = setInterval(() => far.write('anybody?'), 5)
      t.teardown(() => clearInterval(timer))
      t.same(await event(far, 'close'), [true], 'closed by an error')
      t.same(await stage.next(), ['ended', 100])
    })

    t.test('closes both sides at once when its allocation goes', async (t) => {
      const stage = new RelayStage(t, maker)
      const { far, peer } = await bound(t, stage)
      stage.call((relays) => relays.closeDataConnection(100))
      await Promise.all([over(far), over(peer)])
      t.same(await stage.next(), ['ended', 100])
      stage.call((relays) => relays.closeDataConnection(100))
      far.destroy()
      await quiet(stage)
    })

    t.test('holds bytes back that may not pass, and asks again with each tick', async (t) => {
      const stage = new RelayStage(t, maker)
      const asked: number[][] = []
      let budget = 0
      stage.core.admits = (direction, length) => {
        asked.push([direction, length])
        if (budget <= 0) return false
        budget -= length
        return true
      }
      const { far, peer } = await bound(t, stage)
      far.write('client')
      await until(() => asked.length === 1)
      stage.relays.tick()
      t.same(asked, [
        [FROM_CLIENT, 6],
        [FROM_CLIENT, 6],
      ])
      budget = 1
      stage.relays.tick()
      t.equal(await read(peer, 6), 'client')
      peer.write('peer')
      await until(() => asked.length === 4)
      t.same(asked[3], [TO_CLIENT, 4])
      budget = 1
      stage.relays.tick()
      t.equal(await read(far, 4), 'peer')
      stage.relays.tick()
      t.equal(asked.length, 5, 'nothing is held any more')
    })

    t.test('lets much pass piece by piece, and the end behind it', async (t) => {
      const stage = new RelayStage(t, maker)
      let isOpen = false
      let largest = 0
      // Every other question is answered with no.
      stage.core.admits = (_, length) => {
        largest = Math.max(largest, length)
        isOpen = !isOpen
        return isOpen
      }
      const timer = setInterval(() => stage.relays.tick(), 1)
      t.teardown(() => clearInterval(timer))
      const { far, peer } = await bound(t, stage)
      const { sent, received } = await transfer(far, peer, 4 * MEBIBYTE)
      t.equal(received, sent)
      t.ok(largest <= 16 * 1024)
    })

    t.test('may end while it holds bytes back', async (t) => {
      const stage = new RelayStage(t, maker)
      let asked = 0
      stage.core.admits = () => {
        asked++
        return false
      }
      const { far, peer } = await bound(t, stage)
      far.end('held')
      await until(() => asked > 0)
      stage.relays.tick()
      const closed = event(far, 'close')
      far.resume()
      peer.resetAndDestroy()
      await closed
      t.same(await stage.next(), ['ended', 100])
      const before = asked
      stage.relays.tick()
      t.equal(asked, before)
    })

    t.test('ends when half-closed and idle for too long; open, it lives on', async (t) => {
      const stage = new RelayStage(t, maker)
      const { far, peer } = await bound(t, stage)
      for (let second = 0; second < 200; second++) tickOneSecond(stage)
      far.end()
      await over(peer)
      tickOneSecond(stage)
      stage.now += HALF_CLOSED_IDLE_MILLISECONDS_MAX - SWEEP_MILLISECONDS
      stage.relays.tick()
      await quiet(stage)
      peer.write('late')
      t.equal(await read(far, 4), 'late')
      // That was a byte, so the time begins anew.
      tickOneSecond(stage)
      stage.now += HALF_CLOSED_IDLE_MILLISECONDS_MAX - SWEEP_MILLISECONDS
      stage.relays.tick()
      await quiet(stage)
      tickOneSecond(stage)
      t.same(await stage.next(), ['ended', 100])
    })

    t.test('that cannot have its peer closes the client', async (t) => {
      const stage = new RelayStage(t, maker)
      const { client, far } = await stage.client()
      stage.call((relays) => relays.bind(100, 1_000_000, client, NOTHING))
      await over(far)
      t.same(await stage.next(), ['ended', 100])
      await quiet(stage)
    })

    t.test('with a client that has closed, or ended, meanwhile', async (t) => {
      const stage = new RelayStage(t, maker)
      const address = await stage.openRelay(1)
      const gone = await stage.arrive(address)
      const { client } = await stage.client()
      client.destroy()
      await event(client, 'close')
      stage.call((relays) => relays.bind(100, gone.handle, client, NOTHING))
      t.same(await stage.next(), ['ended', 100])
      await over(gone.peer)

      const ended = await stage.arrive(address)
      const { client: half, far } = await stage.client()
      half.resume()
      far.end()
      await event(half, 'end')
      stage.call((relays) => relays.bind(101, ended.handle, half, Buffer.from('rest')))
      t.equal(await read(ended.peer, 4), 'rest')
      await over(ended.peer)
      ended.peer.end('answer')
      t.equal(await read(far, 6), 'answer')
      t.same(await stage.next(), ['ended', 101])
    })

    t.test('holds back what an ended client had sent, and its end', async (t) => {
      const stage = new RelayStage(t, maker)
      const { peer, handle } = await stage.arrive(await stage.openRelay(1))
      const { client, far } = await stage.client()
      far.end()
      await over(client)
      stage.core.admits = () => false
      const rest = Buffer.from('rest')
      stage.call((relays) => relays.bind(100, handle, client, rest))
      // The bytes were the receiver's during the call only.
      rest.fill(0)
      const ended = over(peer)
      await quiet(stage)
      t.equal(peer.readableEnded, false)
      stage.core.admits = () => true
      stage.relays.tick()
      t.equal(await read(peer, 4), 'rest')
      peer.resume()
      await ended
    })

    t.test('works with any stream as the client', async (t) => {
      const stage = new RelayStage(t, maker)
      const { peer, handle } = await stage.arrive(await stage.openRelay(1))
      const written: string[] = []
      const client = new Duplex({
        read() {},
        write(chunk, _, done) {
          written.push(String(chunk))
          done()
        },
      })
      stage.call((relays) => relays.bind(100, handle, client, NOTHING))
      client.push('in')
      t.equal(await read(peer, 2), 'in')
      peer.write('out')
      await until(() => written.length > 0)
      t.same(written, ['out'])
      client.destroy(new Error('broken'))
      await over(peer)
      t.same(await stage.next(), ['ended', 100])
    })
  })
}

t.test('a data connection ends when one side breaks while the other one is being shut down', async (t) => {
  for (const direction of [FROM_CLIENT, TO_CLIENT]) {
    const stage = new RelayStage(t, BOTH[0])
    const [one, other] = [await stage.client(), await stage.client()]
    let isHeld = true
    const throttled = new Set<Flow>()
    const ended = new Promise<void>((onEnded) => {
      const admit = () => !isHeld
      const memory = new FlowMemory()
      const sides = { client: one.client, peer: other.client, rest: NOTHING, throttled, memory, onEnded }
      new DataConnection({ ...sides, admitFromClient: admit, admitToClient: admit })
    })
    const [source, sink] = direction === FROM_CLIENT ? [one, other] : [other, one]
    source.far.end('held')
    await until(() => throttled.size === 1 && source.client.readableEnded)
    // Where Node reads from sockets, too, closing comes next: a shutdown that begins now is done in the turn after it.
    await new Promise((resolve) => setImmediate(resolve))
    isHeld = false
    for (const flow of throttled) flow.retry()
    t.ok(sink.client.writableEnded, 'the end is on its way')
    // In the same turn, as a write that fails does it.
    source.client.destroy(new Error('broken'))
    await withDeadline(ended, EVENT_MILLISECONDS_MAX, () => 'the pair is still there')
    t.ok(sink.client.closed)
    await over(sink.far)
  }
})

async function bound(t: Test, stage: RelayStage, rest: Uint8Array = NOTHING): Promise<Pair> {
  const { peer, handle } = await stage.arrive(await stage.openRelay(1))
  const { client, far } = await stage.client()
  stage.call((relays) => relays.bind(100, handle, client, rest))
  t.teardown(() => stage.relays.closeDataConnection(100))
  return { far, peer, client }
}

interface Transfer {
  sent: string
  received: string
  finish(): Promise<Transfer>
}

/** Sends random bytes from one end to the other; the hashes of both. Unless `isRead`, only finish() begins to read. */
async function transfer(from: Socket, to: Socket, length: number, isRead = true): Promise<Transfer> {
  const block = randomBytes(MEBIBYTE)
  const sent = createHash('sha256')
  const received = createHash('sha256')
  for (let offset = 0; offset < length; offset += block.length) {
    sent.update(block)
    from.write(block)
  }
  const finish = async (): Promise<Transfer> => {
    let count = 0
    const all = new Promise<void>((resolve) => {
      to.on('data', (chunk: Buffer) => {
        received.update(chunk)
        count += chunk.length
        if (count === length) resolve()
      })
    })
    to.resume()
    await withDeadline(all, TRANSFER_MILLISECONDS_MAX, () => `${length} bytes, but ${count}`)
    return { sent: sent.digest('hex'), received: received.digest('hex'), finish }
  }
  return isRead ? finish() : { sent: '', received: '', finish }
}

/** The most that has waited in a stream at any time. */
function peakOf(stream: Duplex): { bytes: number } {
  const peak = { bytes: 0 }
  const write = stream.write.bind(stream) as (chunk: Uint8Array) => boolean
  Object.assign(stream, {
    write(chunk: Uint8Array): boolean {
      const isBelow = write(chunk)
      peak.bytes = Math.max(peak.bytes, stream.writableLength)
      return isBelow
    },
  })
  return peak
}

/** Resolves when the number has not changed for a while, and is not 0. */
async function standstill(count: () => number): Promise<void> {
  let last = -1
  let since = performance.now()
  await until(() => {
    if (count() !== last) since = performance.now()
    last = count()
    return last > 0 && performance.now() - since > 300
  }, 20_000)
}

function until(isSo: () => boolean, milliseconds = 60_000): Promise<void> {
  let timer: NodeJS.Timeout
  const so = new Promise<void>((resolve) => {
    timer = setInterval(() => isSo() && resolve(), 2)
  })
  return withDeadline(so, milliseconds, () => String(isSo)).finally(() => clearInterval(timer))
}

function tickOneSecond(stage: RelayStage): void {
  stage.now += SWEEP_MILLISECONDS
  stage.relays.tick()
}

/** Nothing is told, for longer than a round trip takes: another pair is bound, used and closed. */
async function quiet(stage: RelayStage): Promise<void> {
  const address = await stage.openRelay(9)
  const { peer, handle } = await stage.arrive(address)
  stage.call((relays) => {
    relays.closePeerConnection(100, handle)
    relays.closeTcpRelay(9)
  })
  await over(peer)
  if (stage.core.notes.items.length > 0) throw new Error(`told: ${stage.core.notes.items.join('; ')}`)
}
