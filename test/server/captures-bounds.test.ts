// How many captures there are, how large they may become, and what makes room: the main thread's side, with workers that are played.
import t from 'tap'
import {
  CAPTURE_BYTES_DEFAULT,
  CAPTURE_BYTES_MAX,
  CAPTURE_KEPT_COUNT_MAX,
  CAPTURE_MEMORY_BYTES_MAX,
  CAPTURE_RUNNING_COUNT_MAX,
} from '../../src/limits/captures.js'
import { Captures } from '../../src/server/captures.js'
import type { CaptureSink } from '../../src/server/relaying.js'
import { RECORD_HEADER_LENGTH, writeRecordHeader } from '../../src/server/worker/capture-records.js'
import type { CaptureTarget, Question } from '../../src/server/worker/questions.js'
import { addressOf } from '../support/turn-address.js'

const TARGET: CaptureTarget = {
  ...{ worker: 0, user: 'alice', transport: 'udp', relayTransport: 'udp' },
  ...{ client: '192.0.2.7:5000', local: '192.0.2.1:3478', relays: ['192.0.2.1:50000'] },
}
const CLIENT = '0-0'
const PACKET_LENGTH = 1000

class PlayedWorkers {
  captureSink: CaptureSink | null = null
  readonly asked: Question[] = []
  isSilent = false

  async ask(question: Question): Promise<never[]> {
    this.asked.push(question)
    if (this.isSilent) throw new Error('silent')
    return [question.kind === 'start-capture' ? TARGET : true] as never[]
  }

  /** So many packets of a capture come in. */
  send(capture: string, count: number, lostCount = 0): void {
    const length = RECORD_HEADER_LENGTH + PACKET_LENGTH
    const records = new Uint8Array(count * length)
    const view = new DataView(records.buffer)
    const client = addressOf(TARGET.client)
    for (let index = 0; index < count; index++) {
      writeRecordHeader(view, index * length, Date.now(), PACKET_LENGTH, PACKET_LENGTH, 1, client)
    }
    this.captureSink?.captured({ kind: 'captured', capture: Number(capture), records, lostCount, isGone: false })
  }
}

function setUp() {
  const workers = new PlayedWorkers()
  const captures = new Captures(workers as never, 'turnd')
  t.teardown(() => captures.close())
  return { captures, workers }
}

t.test('captures', async (t) => {
  t.test('run a few at once', async (t) => {
    const { captures } = setUp()
    const starting = Array.from({ length: CAPTURE_RUNNING_COUNT_MAX }, () => captures.start({ client: CLIENT }))
    const tooMany = { statusCode: 409, message: /4 captures are running, and no more can: stop one of them/ }
    await t.rejects(captures.start({ client: CLIENT }), tooMany, 'those that begin count')
    const [first] = await Promise.all(starting)
    await t.rejects(captures.start({ client: CLIENT }), tooMany)
    t.equal(await captures.stop(first.id), true)
    await captures.start({ client: CLIENT })
    t.equal(captures.list().length, CAPTURE_RUNNING_COUNT_MAX + 1, 'and the ended one is kept')
  })

  t.test('may take so much memory together, whatever they take now', async (t) => {
    const { captures } = setUp()
    const count = CAPTURE_MEMORY_BYTES_MAX / CAPTURE_BYTES_MAX
    for (let index = 0; index < count; index++) await captures.start({ client: CLIENT, bytes: CAPTURE_BYTES_MAX })
    const refused = { statusCode: 409, message: /may take 134217728 bytes of 134217728: ask for less, or stop one/ }
    await t.rejects(captures.start({ client: CLIENT }), refused)
  })

  t.test('make room for new ones when they have ended, the oldest first', async (t) => {
    const { captures, workers } = setUp()
    // Never the file itself: a test that fails would print it.
    const isKept = (id: string) => captures.file(id) !== null
    for (let index = 0; index < CAPTURE_KEPT_COUNT_MAX + 1; index++) {
      const { id } = await captures.start({ client: CLIENT })
      t.equal(await captures.stop(id), true)
    }
    t.equal(captures.list().length, CAPTURE_KEPT_COUNT_MAX)
    t.equal(isKept('1'), false)
    t.equal(isKept('2'), true)

    const large = await captures.start({ client: CLIENT, bytes: CAPTURE_BYTES_MAX })
    workers.send(large.id, CAPTURE_BYTES_MAX / PACKET_LENGTH)
    t.equal(captures.list()[0].endReason, 'size')
    for (let count = 0; count < 2; count++) await captures.start({ client: CLIENT, bytes: CAPTURE_BYTES_MAX / 2 })
    t.equal(isKept(large.id), true, 'there is room for all of them')
    await captures.start({ client: CLIENT, bytes: CAPTURE_BYTES_DEFAULT })
    t.equal(isKept(large.id), false, 'and there was not')
  })

  t.test('tell of lost packets, in the file too', async (t) => {
    const { captures, workers } = setUp()
    const { id } = await captures.start({ client: CLIENT })
    workers.send(id, 2)
    workers.send(id, 1, 5)
    t.match(captures.list()[0], { packets: 3, lostPackets: 5 })
    const file = Buffer.from(captures.file(id) as Uint8Array)
    // Option 5 (isb_ifdrop) of 8 bytes.
    t.not(file.indexOf(Buffer.from([5, 0, 8, 0, 5, 0, 0, 0, 0, 0, 0, 0])), -1)
  })

  t.test('take nothing that comes for one that has ended, or is none', async (t) => {
    const { captures, workers } = setUp()
    const { id } = await captures.start({ client: CLIENT })
    await captures.stop(id)
    workers.send(id, 1)
    workers.send('77', 1)
    t.equal(captures.list()[0].packets, 0)
    for (const none of ['77', '', 'x']) {
      t.equal(await captures.stop(none), false)
      t.equal(await captures.remove(none), false)
      t.equal(captures.file(none), null)
    }
  })

  t.test('leave nothing running on a worker that was silent when they began', async (t) => {
    const { captures, workers } = setUp()
    workers.isSilent = true
    await t.rejects(captures.start({ client: CLIENT }), { message: 'silent' })
    t.match(workers.asked.at(-1), { kind: 'stop-capture', capture: 1 })
    workers.isSilent = false
    for (let count = 0; count < CAPTURE_RUNNING_COUNT_MAX; count++) await captures.start({ client: CLIENT })
    t.equal(captures.list().length, CAPTURE_RUNNING_COUNT_MAX, 'and take no place')
  })
})
