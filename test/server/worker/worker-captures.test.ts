// The captures of one worker: while there are none the core stands where it stood, and what is not read is bounded.
import t from 'tap'
import {
  CAPTURE_BATCH_BYTES,
  CAPTURE_BATCH_UNREAD_COUNT_MAX,
  CAPTURED_LENGTH_MAX,
} from '../../../src/limits/captures.js'
import { Statistics, WORD_CAPTURES_READ } from '../../../src/server/statistics.js'
import { type CapturedPackets, readRecords } from '../../../src/server/worker/capture-records.js'
import { WorkerCaptures } from '../../../src/server/worker/worker-captures.js'
import type { Allocation } from '../../../src/turn/allocation.js'
import { CoreHarness, PEER } from '../../support/core-harness.js'
import { addressOf } from '../../support/turn-address.js'

const FIRST = 1
const SECOND = 2

function setUp() {
  const harness = new CoreHarness()
  const { core } = harness
  const client = harness.client()
  client.allocate()
  const [allocation] = core.allocations.values() as IterableIterator<Allocation>
  const places: { clients: unknown; peers: unknown }[] = []
  const posted: CapturedPackets[] = []
  const rounds: number[] = []
  const statistics = new Statistics()
  const captures = new WorkerCaptures({
    core,
    workerIndex: 0,
    sources: {
      handTo: (clients, peers) => void places.push({ clients, peers }),
      localAddressOf: () => addressOf('192.0.2.1:3478'),
    },
    statistics,
    post: (packets) => void posted.push(packets),
    requestRound: () => void rounds.push(rounds.length),
  })
  return { rounds, allocation, captures, client, core, harness, places, posted, statistics }
}

t.test('a worker without captures', async (t) => {
  t.test('has the core and its output where they were, before and after one', async (t) => {
    const { allocation, captures, core, places } = setUp()
    const { output } = core
    t.equal(captures.isRunning, false)
    t.same(places, [], 'nobody stands before the core')

    captures.start(FIRST, allocation, null)
    captures.start(SECOND, allocation, null)
    t.equal(captures.isRunning, true)
    t.not(core.output, output)
    t.equal(places.length, 1, 'one tap is enough')
    t.equal(places[0].clients, core.output)
    t.equal(places[0].peers, core.output)

    t.equal(captures.stop(FIRST), true)
    t.not(core.output, output)
    t.equal(captures.stop(SECOND), true)
    t.equal(core.output, output)
    t.equal(places.at(-1)?.clients, core)
    t.equal(places.at(-1)?.peers, core)
    t.equal(captures.stop(SECOND), false)
    t.equal(captures.isRunning, false)
  })

  t.test('is so again when the client has gone', async (t) => {
    const { allocation, captures, client, core, places, posted } = setUp()
    const { output } = core
    captures.start(FIRST, allocation, null)
    client.refresh(0)
    captures.advance()
    t.equal(core.output, output)
    t.equal(places.at(-1)?.clients, core)
    t.match(posted, [{ capture: FIRST, isGone: true }])
  })
})

t.test('captures that overlap ask for one round at a time', async (t) => {
  const { allocation, captures, rounds } = setUp()
  captures.start(FIRST, allocation, null)
  captures.start(SECOND, allocation, null)
  t.equal(rounds.length, 1)
  captures.advance()
  t.equal(rounds.length, 2)
  captures.stop(FIRST)
  captures.start(FIRST, allocation, null)
  t.equal(rounds.length, 2)
  captures.stop(FIRST)
  captures.stop(SECOND)
  captures.advance()
  t.equal(rounds.length, 2, 'and for none when they have ended')
  captures.start(FIRST, allocation, null)
  t.equal(rounds.length, 3)
})

t.test('what a worker has captured', async (t) => {
  t.test('is posted as it was, in order', async (t) => {
    const { allocation, captures, core, posted } = setUp()
    captures.start(FIRST, allocation, null)
    const relay = allocation.relays()[0]
    core.output.sendToPeer(relay.id, addressOf(PEER), Buffer.from('xxoutxx'), 2, 5, false)
    core.output.sendChannelData(allocation.fiveTuple, 0x4001, Buffer.from('four'), 0, 4)
    core.output.sendDataIndication(allocation.fiveTuple, Buffer.from('head....'), 4, Buffer.from('abcde'), 0, 5)
    captures.stop(FIRST)
    const packets = [...readRecords(posted[0].records)]
    t.same(
      packets.map(({ bytes }) => Buffer.from(bytes).toString('latin1')),
      ['out', '\x40\x01\x00\x04four', 'headabcde\0\0\0'],
    )
    t.same(
      packets.map(({ isInbound, isOfPeer, remote }) => [isInbound, isOfPeer, String(remote)]),
      [
        [false, true, PEER],
        [false, false, String(allocation.fiveTuple.client)],
        [false, false, String(allocation.fiveTuple.client)],
      ],
    )
  })

  t.test('is bounded while the main thread does not read, and what is lost is counted', async (t) => {
    const { allocation, captures, core, posted, statistics } = setUp()
    captures.start(FIRST, allocation, null)
    const relay = allocation.relays()[0]
    const payload = new Uint8Array(CAPTURED_LENGTH_MAX)
    const send = () => core.output.sendToPeer(relay.id, addressOf(PEER), payload, 0, payload.length, false)
    const countMax = ((CAPTURE_BATCH_UNREAD_COUNT_MAX + 1) * CAPTURE_BATCH_BYTES) / CAPTURED_LENGTH_MAX
    const sentCount = 2 * Math.ceil(countMax)
    for (let count = 0; count < sentCount; count++) send()
    captures.advance()
    t.equal(posted.length, CAPTURE_BATCH_UNREAD_COUNT_MAX)
    t.ok(
      posted.every(({ lostCount, records }) => lostCount === 0 && records.length <= CAPTURE_BATCH_BYTES),
      'each of them is bounded',
    )
    statistics.words[WORD_CAPTURES_READ] += posted.length
    send()
    captures.stop(FIRST)
    const keptCount = posted.reduce((sum, { records }) => sum + [...readRecords(records)].length, 0)
    t.equal(posted.at(-1)?.lostCount, sentCount + 1 - keptCount, 'none is missing that is not counted')
    t.ok(keptCount > CAPTURE_BATCH_UNREAD_COUNT_MAX)
  })
})
