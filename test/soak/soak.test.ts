// Calls that come and go under load against the built server with the native engine: every payload reaches its own call once and in order,
// memory stays flat, and nothing is left at the end. Seconds in `npm test`; with TURND_TEST_LONG=1 five minutes at a million packets a minute.
import t from 'tap'
import { until } from '../command/until.js'
import { NATIVE } from '../support/engines.js'
import { openFileCount, openFileCountAtRest, residentBytes } from '../support/process-memory.js'
import { startServerOn } from '../support/server-process.js'
import { SoakLoad } from './soak-load.js'

const isLong = process.env.TURND_TEST_LONG === '1'
const USER = { username: 'soak', password: 'soak' } as const
const CALL_COUNT = 1800
/** In each direction: a million a minute are relayed in the long run. */
const PACKETS_PER_SECOND = isLong ? 8400 : 3000
const CHURN_PER_SECOND = 60
const WARM_UP_MILLISECONDS = isLong ? 60_000 : 3_000
const RUN_MILLISECONDS = isLong ? 300_000 : 6_000
const MINUTE = 60_000
/** Between the first and the last third: V8's heaps breathe, a leak of a few bytes a packet shows in the long run. */
const GROWTH_MAX = isLong ? 0.05 : 0.15
const GROWTH_BYTES_MAX = isLong ? 6e6 : 16e6

const SERVER_ARGS = [
  ...['--realm', 'soak', '--user', `${USER.username}:${USER.password}`],
  ...['--allow-peer', '127.0.0.0/8', '--relay-ip', '127.0.0.1', '--min-port', '12000', '--max-port', '15999'],
  ...['--max-allocations', '2000'],
]

/** Of what is offered: where time is short, the machine may have much else to do. */
const SENT_SHARE_MIN = isLong ? 0.5 : 0.1

t.setTimeout(2 * (WARM_UP_MILLISECONDS + RUN_MILLISECONDS) + 200_000)

t.test(`${CALL_COUNT} calls that come and go under load`, { skip: NATIVE.skip }, async (t) => {
  const server = await startServerOn(t, NATIVE, SERVER_ARGS)
  const { pid } = server
  const filesBefore = await openFileCountAtRest(pid)
  const options = { serverPort: server.port(), user: USER, callCount: CALL_COUNT, churnPerSecond: CHURN_PER_SECOND }
  const load = new SoakLoad({ ...options, packetsPerSecond: PACKETS_PER_SECOND })
  await load.open()
  t.ok(openFileCount(pid) >= filesBefore + CALL_COUNT, 'each call has a relay')

  await load.run(WARM_UP_MILLISECONDS, () => {})
  const samples: number[] = []
  const minutes = new Minutes(load)
  const report = (line: string) => {
    t.comment(line)
    // Comments wait for the test; who watches a long run sees its figures at once.
    if (isLong) process.stderr.write(`${line}\n`)
  }
  await load.run(RUN_MILLISECONDS, (elapsed) => {
    samples.push(residentBytes(pid))
    if (minutes.isOver(elapsed)) report(minutes.next(pid))
  })
  report(minutes.next(pid))
  await load.end()

  t.test('loses, mixes up, damages and reorders nothing', async (t) => {
    t.same(load.faults, { crossed: 0, damaged: 0, outOfOrder: 0, lost: 0 })
    t.equal(load.returned, load.sent)
    const offered = (PACKETS_PER_SECOND * RUN_MILLISECONDS) / 1000
    t.ok(load.sent > SENT_SHARE_MIN * offered, `${load.sent} payloads went out and came back`)
    t.ok(
      load.callsOpened > CALL_COUNT + SENT_SHARE_MIN * CHURN_PER_SECOND * (RUN_MILLISECONDS / 1000),
      `${load.callsOpened} calls`,
    )
  })

  t.test('stays in its memory', async (t) => {
    const third = Math.floor(samples.length / 3)
    const [first, last] = [median(samples.slice(0, third)), median(samples.slice(-third))]
    const max = first * (1 + GROWTH_MAX) + GROWTH_BYTES_MAX
    t.ok(last <= max, `${megabytes(first)} in the first third, ${megabytes(last)} in the last`)
  })

  t.test('leaves no open file', async (t) => {
    await until(() => openFileCount(pid) <= filesBefore, `${filesBefore} open files as before`)
    t.equal(await server.stop(), 0)
    const count = (event: string) => server.linesOf(event).length
    t.equal(count('allocation'), load.callsOpened)
    t.equal(count('allocation-deleted'), load.callsOpened)
    t.equal(count('refusal'), 0)
    t.match(server.linesOf('warning'), [{ msg: /^--allow-peer 127\.0\.0\.0\/8 opens loopback/ }])
    t.comment(server.linesOf('stopped')[0])
  })
})

/** Figures of one minute after the other. */
class Minutes {
  readonly #load: SoakLoad
  #count = 0
  #sent: number
  #returned: number
  #calls: number

  constructor(load: SoakLoad) {
    this.#load = load
    this.#sent = load.sent
    this.#returned = load.returned
    this.#calls = load.callsOpened
  }

  isOver(elapsed: number): boolean {
    return elapsed >= (this.#count + 1) * MINUTE
  }

  next(pid: number): string {
    const load = this.#load
    const relayed = load.sent - this.#sent + load.returned - this.#returned
    const calls = load.callsOpened - this.#calls
    this.#count++
    this.#sent = load.sent
    this.#returned = load.returned
    this.#calls = load.callsOpened
    const { crossed, damaged, lost, outOfOrder } = load.faults
    return (
      `minute ${this.#count}: ${relayed} packets relayed, ${calls} calls opened, ${load.openCount} open, ` +
      `RSS ${megabytes(residentBytes(pid))}, ${openFileCount(pid)} files; so far ${lost} lost, ${crossed} crossed, ` +
      `${damaged} damaged, ${outOfOrder} out of order`
    )
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
