// Commands that a worker answers: whoever has sent one waits for the answer, but neither for the dead nor for ever.
import t, { type Test } from 'tap'
import { WORD_COMMANDS } from '../../../src/server/statistics.js'
import { type SlotOwner, WorkerSlot } from '../../../src/server/worker/worker-slot.js'
import { until } from '../../command/until.js'

const NO_CHANGES = {
  removedUsernames: [],
  removedUserhashes: [],
  added: { usernames: [], userhashes: [], keys: new Uint8Array(0), present: new Uint8Array(0) },
}
/** Ready at once. It answers each change of the users when the gate has been opened as often, and ends when that is -1. */
const WORKER = `
  import { parentPort, workerData } from 'node:worker_threads'
  let count = 0
  parentPort.on('message', ({ kind }) => {
    if (kind === 'stop') process.exit(0)
    if (kind !== 'users') return
    count++
    while (Atomics.load(workerData.gate, 0) >= 0 && Atomics.load(workerData.gate, 0) < count) {
      Atomics.wait(workerData.gate, 0, count - 1, 1000)
    }
    if (Atomics.load(workerData.gate, 0) < 0) process.exit(1)
    parentPort.postMessage({ kind: 'users' })
  })
  parentPort.postMessage({ kind: 'ready', listeners: [] })
`

async function start(t: Test) {
  const gate = new Int32Array(new SharedArrayBuffer(4))
  let deathCount = 0
  const none = () => {}
  const owner: SlotOwner = {
    calls: { wake: none, closeAll: none, close: none, discardWaiting: none },
    slotCount: 1,
    startOf: () => ({ gate }) as never,
    waitingSockets: () => [],
    report: none,
    captured: none,
    lookUp: none,
    tell: none,
    ended: none,
    died: () => void deathCount++,
    restarted: none,
    warn: none,
  }
  const script = new URL(`data:text/javascript,${encodeURIComponent(WORKER)}`)
  const slot = new WorkerSlot(0, { script, name: 'test worker' }, owner)
  t.teardown(() => {
    open(gate, 1000)
    return slot.stop()
  })
  await slot.start()
  return { deathCount: () => deathCount, gate, slot }
}

function open(gate: Int32Array, count: number): void {
  Atomics.store(gate, 0, count)
  Atomics.notify(gate, 0)
}

t.test('a change of the users', async (t) => {
  t.test('is known when it has resolved, one after the other', async (t) => {
    const { gate, slot } = await start(t)
    const known: string[] = []
    const changes = ['first', 'second'].map(async (name) => {
      await slot.changeUsers(NO_CHANGES)
      known.push(name)
    })
    t.equal(slot.statistics.words[WORD_COMMANDS], 2, 'both are sent')
    await new Promise(setImmediate)
    t.same(known, [])
    open(gate, 1)
    await changes[0]
    t.same(known, ['first'])
    open(gate, 2)
    await Promise.all(changes)
    t.same(known, ['first', 'second'])
  })

  t.test('is not waited for where the worker dies: its successor starts with it', async (t) => {
    const { deathCount, gate, slot } = await start(t)
    const change = slot.changeUsers(NO_CHANGES)
    open(gate, -1)
    await change
    await until(() => deathCount() === 1, 'the death is noticed')
  })
})
