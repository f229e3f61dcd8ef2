// A worker dies while every call sends and receives without a pause: the calls of the other one lose not a packet, a successor takes over
// soon, and all that the dead one held can be had again.
import t from 'tap'
import { until } from '../command/until.js'
import { NATIVE } from '../support/engines.js'
import { openFileCount, openFileCountAtRest } from '../support/process-memory.js'
import type { LogLine } from '../support/server-process.js'
import { startServerOn } from '../support/server-process.js'
import type { Call } from './call.js'
import { SoakLoad } from './soak-load.js'

const USER = { username: 'soak', password: 'soak' } as const
const VICTIM = 0
/**
 * As many as there are relay ports and places of the licence: what the dead worker held must be free to open them all again. So few that
 * what is under way to the dead one leaves the others room to go on (IN_FLIGHT_MAX of the load).
 */
const CALL_COUNT = 24
const FIRST_PORT = 16_000
const PACKETS_PER_SECOND = 4000
const CRASH_AFTER_MILLISECONDS = 1000
const RUN_MILLISECONDS = 3000
/** Where time is short, other tests have the processors as well. */
const RESTART_MILLISECONDS_MAX = process.env.TURND_TEST_LONG === '1' ? 1000 : 60_000

const ARGS = [
  ...['--user', `${USER.username}:${USER.password}`, '--relay-ip', '127.0.0.1', '--allow-peer', '127.0.0.0/8'],
  ...['--min-port', String(FIRST_PORT), '--max-port', String(FIRST_PORT + CALL_COUNT - 1)],
  ...['--max-allocations', String(CALL_COUNT), '--user-quota', String(CALL_COUNT)],
]

t.setTimeout(240_000)

t.test('a worker that dies under load', { skip: NATIVE.skip }, async (t) => {
  const server = await startServerOn(t, NATIVE, ARGS, { prefix: ['env', `TURND_TEST_CRASH_WORKER=${VICTIM}`] })
  const { pid } = server
  const filesBefore = await openFileCountAtRest(pid)
  const options = { serverPort: server.port(), user: USER, callCount: CALL_COUNT, churnPerSecond: 0 }
  const load = new SoakLoad({ ...options, packetsPerSecond: PACKETS_PER_SECOND })
  await load.open()

  const workerOf = async (call: Call) => {
    const client = `127.0.0.1:${call.socket.port}`
    const line = await server.waitForLog((line) => line.event === 'allocation' && line.client === client)
    return Number(line.worker)
  }
  const workers = await Promise.all(load.openCalls.map(workerOf))
  const lost = load.openCalls.filter((_, index) => workers[index] === VICTIM)
  const kept = load.openCalls.filter((_, index) => workers[index] !== VICTIM)
  t.ok(lost.length > 0 && kept.length > 0, `${lost.length} calls on the worker that dies, ${kept.length} on the other`)

  let returnedAtCrash = -1
  const returnedOf = (calls: readonly Call[]) => calls.reduce((sum, { returned }) => sum + returned, 0)
  await load.run(RUN_MILLISECONDS, (elapsed) => {
    if (returnedAtCrash >= 0 || elapsed < CRASH_AFTER_MILLISECONDS) return
    returnedAtCrash = returnedOf(kept)
    process.kill(pid, 'SIGUSR2')
  })
  await load.settle(kept)

  t.test('costs the calls of the other worker nothing', async (t) => {
    for (const { flow, returned, sent } of kept) if (returned !== sent) t.fail(`call ${flow}: ${returned} of ${sent}`)
    t.ok(returnedOf(kept) > returnedAtCrash + 1000, `${returnedOf(kept) - returnedAtCrash} payloads since then`)
    const { crossed, damaged, outOfOrder } = load.faults
    t.same({ crossed, damaged, outOfOrder }, { crossed: 0, damaged: 0, outOfOrder: 0 })
  })

  t.test('is logged, and soon over', async (t) => {
    // The others may be done before it works.
    await server.waitForLog(({ event }) => event === 'worker-restarted')
    const [died, restarted] = [server.linesOf('worker-died'), server.linesOf('worker-restarted')]
    t.match(died, [{ worker: VICTIM, allocations: lost.length }])
    t.match(restarted, [{ worker: VICTIM }])
    const milliseconds = timeOf(restarted[0]) - timeOf(died[0])
    t.ok(milliseconds < RESTART_MILLISECONDS_MAX, `${milliseconds} ms`)
  })

  t.test('leaves its ports, its places of the licence and the user’s quota to new calls', async (t) => {
    for (const call of lost) {
      t.ok(call.returned < call.sent, 'its calls are gone')
      load.abandon(call)
    }
    await load.open()
    const [before, newcomers] = [returnedOf(kept), load.openCalls.filter((call) => !kept.includes(call))]
    t.equal(newcomers.length, lost.length)
    await load.run(500, () => {})
    await load.settle(load.openCalls)
    for (const { flow, returned, sent } of load.openCalls) {
      if (returned !== sent || sent === 0) t.fail(`call ${flow}: ${returned} of ${sent}`)
    }
    t.ok(returnedOf(kept) > before)
    await load.end()
    t.same(server.linesOf('refusal'), [])
    await until(() => openFileCount(pid) <= filesBefore, `${filesBefore} open files as before`)
  })
})

function timeOf(line: LogLine): number {
  return Date.parse(String(line.time))
}
