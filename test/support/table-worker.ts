// A worker thread on shared tables: does one job, given as workerData, and posts what came of it. For test/turn/shared-tables.test.ts.

import { parentPort, workerData } from 'node:worker_threads'
import { BANDWIDTH_BUCKET_TICKS } from '../../src/limits/turn.js'
import { ConnectionSlots } from '../../src/turn/connection-slots.js'
import { connectionTableOf, lockOfWorker, type SharedTables } from '../../src/turn/shared-tables.js'
import { UserBandwidth } from '../../src/turn/user-bandwidth.js'
import { type StageWorker, workerOn } from './shared-stage.js'

export interface TableJob {
  readonly name: 'grab' | 'churn' | 'trade' | 'lease' | 'die' | 'take' | 'connect'
  readonly tables: SharedTables
  readonly workerIndex: number
  readonly userQuota: number
  readonly users: readonly string[]
  /** All workers start when the first word is as many as they are; the second one is the clock of 'lease'. */
  readonly gate: SharedArrayBuffer
  readonly workerCount: number
  /**
   * 'trade': tokens that are on offer, eight bytes each, zeros where there is none; and how often each was claimed. 'connect': ids of
   * peer connections, in eight bytes each, and how often each was claimed or withdrawn.
   */
  readonly tokens: SharedArrayBuffer
  readonly claims: SharedArrayBuffer
}

export interface TableResult {
  /** Places held at the end. */
  readonly held: number
  /** The most places that this worker ever saw held. */
  readonly heldMax: number
  readonly operationCount: number
}

const CHURN_COUNT = 5_000
const LEASE_TICKS = 100_000

const job = workerData as TableJob
const worker = workerOn(job.tables, job.workerIndex, job.userQuota)
const result = { held: 0, heldMax: 0, operationCount: 0 }

function note(): void {
  result.operationCount++
  result.heldMax = Math.max(result.heldMax, worker.quotas.held)
}

/** Takes places until nobody gets one any more. */
function grab({ quotas, relayPorts, random }: StageWorker): void {
  for (let refusals = 0; refusals < 50; ) {
    if (quotas.take(random.pick(job.users)) === null) {
      result.held++
      if (relayPorts.claim(0) === 0) throw new Error('no port for a place')
    } else {
      refusals++
    }
    note()
  }
}

/** Takes and gives places and ports at random, and gives all back. */
function churn({ quotas, relayPorts, random }: StageWorker): void {
  const held: { user: string; port: number }[] = []
  const give = () => {
    const { user, port } = held.splice(random.nextInt(held.length), 1)[0]
    relayPorts.release(0, port)
    quotas.give(user)
  }
  // Ports that others take and free behind a scan may all escape it, so that a place does not promise one.
  const hold = (user: string) => {
    const port = relayPorts.claim(0)
    if (port > 0) held.push({ user, port })
    else quotas.give(user)
  }
  for (let step = 0; step < CHURN_COUNT; step++) {
    const user = random.pick(job.users)
    if (random.oneIn(2) && held.length > 0) give()
    else if (quotas.take(user) === null) hold(user)
    note()
  }
  while (held.length > 0) give()
}

/** Makes reservations for others and claims theirs; each token must be claimed once. */
function trade({ quotas, relayPorts, reservations, random }: StageWorker): void {
  const tokens = new Uint8Array(job.tokens)
  const claims = new Int32Array(job.claims)
  const perWorker = claims.length / job.workerCount
  const user = job.users[0]
  for (let index = 0; index < perWorker; index++) {
    if (quotas.take(user, 2) !== null) throw new Error('no place')
    const port = relayPorts.claimEven(0, true)
    const token = reservations.add(user, 0, port + 1, 1000, random)
    tokens.set(token, (job.workerIndex * perWorker + index) * 8)
    result.held++
  }
  meet(2)
  const order = Array.from({ length: claims.length }, (_, index) => index)
  for (let step = 0; step < 2 * claims.length; step++) {
    const index = random.pick(order)
    const reservation = reservations.claim(tokens.slice(index * 8, index * 8 + 8), user, 0)
    if (reservation === null) continue
    if (!relayPorts.claimReserved(0, reservation.port)) throw new Error('the port was another’s')
    Atomics.add(claims, index, 1)
    result.held++
  }
}

/** Spends the bandwidth of one user byte by byte, a bucket at a time: their clock goes on when it is empty. */
function lease({ quotas, random }: StageWorker): void {
  const user = new UserBandwidth(1, quotas.bandwidthBucketOf(job.users[0]), 0, random)
  const clock = new Int32Array(job.gate, 4)
  for (let now = 0; now < LEASE_TICKS; now = Atomics.load(clock, 0)) {
    while (user.admit(0, 1, now)) result.held++
    Atomics.compareExchange(clock, 0, now, now + BANDWIDTH_BUCKET_TICKS)
  }
}

/** Publishes peer connections, claims those of all, and withdraws its own: each must be had once. */
function connect({ random }: StageWorker): void {
  const table = connectionTableOf(job.tables, job.workerIndex)
  const slots = new ConnectionSlots(table, random)
  const ids = new Uint32Array(job.tokens)
  const counts = new Int32Array(job.claims)
  const perWorker = counts.length / job.workerCount
  const own: { readonly slot: number; readonly at: number }[] = []
  for (let index = 0; index < perWorker; index++) {
    const at = job.workerIndex * perWorker + index
    const slot = slots.reserve(-1, 0)
    own.push({ slot, at })
    ids[at * 2] = table.idOf(slot)
  }
  meet(2)
  for (const { slot } of own) table.publish(slot, 1, 2, slot + 1, 50_000)
  for (let step = 0; step < 6 * counts.length; step++) {
    const { slot, at } = random.pick(own)
    if (random.oneIn(4) && table.withdraw(slot)) {
      Atomics.add(counts, at, 1)
      result.operationCount++
    }
    const wanted = random.nextInt(counts.length)
    const claimed = table.claim(ids[wanted * 2], 1, 2)
    if (claimed < 0) continue
    if (table.handleOf(claimed) !== claimed + 1) throw new Error('the handle of another')
    table.end(claimed)
    Atomics.add(counts, wanted, 1)
    result.held++
  }
}

/** Waits until all workers have come here `times` times. */
function meet(times: number): void {
  const gate = new Int32Array(job.gate)
  Atomics.add(gate, 0, 1)
  Atomics.notify(gate, 0)
  for (let here = 0; here < times * job.workerCount; here = Atomics.load(gate, 0)) Atomics.wait(gate, 0, here, 1000)
}

meet(1)
if (job.name === 'grab') grab(worker)
if (job.name === 'churn') churn(worker)
if (job.name === 'trade') trade(worker)
if (job.name === 'lease') lease(worker)
if (job.name === 'connect') connect(worker)
if (job.name === 'take' && worker.quotas.take(job.users[0]) === null) result.held++
if (job.name === 'die') {
  worker.quotas.take(job.users[0], 2)
  worker.relayPorts.claim(0)
  // In the midst of a change, as far as anybody can tell.
  lockOfWorker(job.tables, job.workerIndex).hold(() => process.exit())
}
parentPort?.postMessage(result satisfies TableResult)
