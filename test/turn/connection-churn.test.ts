// Three workers on one table, whose clients, peers and operating system do what a seed says: what an engine knows of handles must agree
// with what the cores ask for, and nothing may be left when all is over.
import t from 'tap'
import * as stun from '../../src/stun/constants.js'
import { FROM_CLIENT } from '../../src/turn/bandwidth.js'
import { type SharedTables, sweepWorker } from '../../src/turn/shared-tables.js'
import { BOB, type CoreClient, writePeers } from '../support/core-client.js'
import { CoreHarness } from '../support/core-harness.js'
import { tcpClient } from '../support/core-tcp.js'
import { SeededRandom } from '../support/random.js'
import { tablesOf } from '../support/shared-stage.js'

const WORKER_COUNT = 3
const CLIENTS_PER_WORKER = 3
const STEP_COUNT = 3_000
const HOSTS = ['1.2.3.4', '1.2.3.5', '127.0.0.1']

interface Waiting {
  readonly owner: number
  readonly handle: number
  readonly username: string
}

interface Bound {
  readonly owner: number
  readonly binder: number
  isClosing: boolean
}

/** One worker, and what its engine knows. */
interface Seat {
  harness: CoreHarness
  controls: CoreClient[]
  readonly connecting: Set<number>
}

class Churn {
  readonly random: SeededRandom
  readonly tables: SharedTables = tablesOf({ workerCount: WORKER_COUNT, maxAllocations: 100 })
  readonly seats: Seat[]
  /** By id, whoever owns them: connections that nobody has bound, and pairs. */
  readonly waiting = new Map<number, Waiting>()
  readonly bound = new Map<number, Bound>()
  readonly counts = { connected: 0, accepted: 0, bound: 0, refused: 0, closed: 0, doomed: 0, died: 0, swept: 0 }
  #lastHandle = 0
  #generation = 0

  constructor(seed: number) {
    this.random = new SeededRandom(seed)
    this.seats = Array.from({ length: WORKER_COUNT }, (_, index) => this.#newSeat(index))
  }

  step(): void {
    const { random } = this
    const worker = random.nextInt(WORKER_COUNT)
    const seat = this.seats[worker]
    const control = random.pick(seat.controls)
    const kind = random.nextInt(40)
    if (kind < 10) this.#connect(control)
    else if (kind < 16) this.#answer(worker)
    else if (kind < 20) this.#accept(worker, control)
    else if (kind < 29) this.#bind(worker)
    else if (kind < 33) this.#end()
    else if (kind < 35) seat.harness.advanceTicks(random.pick([1, 1, 10, 500]))
    else if (kind === 35) this.#restart(seat, control)
    else if (kind === 36 && random.oneIn(10)) this.#die(worker)
    else if (this.bound.size > 0) this.#pass()
    this.#take()
  }

  finish(): void {
    for (const { harness } of this.seats) harness.core.deleteAllAllocations('stopped')
    this.#tickAll()
    for (const id of [...this.bound.keys()]) this.#endPair(id)
    this.#tickAll()
  }

  left(): number[] {
    return this.seats.flatMap(({ connecting, harness }) => {
      const { connections, quotas } = harness.core
      if (connections === null) throw new Error('no connections')
      const { data, peers } = connections
      return [connecting.size, peers.size, peers.slotCount, data.size, quotas.held, harness.relayPorts.claimedCount()]
    })
  }

  #tickAll(): void {
    for (const { harness } of this.seats) harness.advanceTicks(1)
    this.#take()
  }

  #newSeat(workerIndex: number): Seat {
    const seed = ++this.#generation + this.random.nextUint32()
    const harness = new CoreHarness({ tables: this.tables, workerIndex, seed, maxAllocations: 100 })
    harness.connectOutcome = () => 'pending'
    const seat: Seat = { harness, controls: [], connecting: new Set() }
    for (let count = 0; count < CLIENTS_PER_WORKER; count++) seat.controls.push(this.#newControl(harness))
    return seat
  }

  #newControl(harness: CoreHarness): CoreClient {
    const control = tcpClient(harness, this.random.oneIn(3) ? { user: BOB } : {})
    control.allocateTcp()
    control.createPermission('1.2.3.4:1')
    return control
  }

  #peer(): string {
    return `${this.random.pick(HOSTS)}:${1 + this.random.nextInt(6)}`
  }

  #connect(control: CoreClient): void {
    const peer = this.#peer()
    control.challenge()
    const request = control.encode(stun.METHOD_CONNECT, (writer) => writePeers(writer, [peer]))
    const answer = control.exchange(request)
    if (answer !== null) this.counts.refused++
    if (answer?.code === 0) throw new Error('connected already')
  }

  #answer(worker: number): void {
    const { connecting, harness } = this.seats[worker]
    if (connecting.size === 0) return
    const id = this.random.pick([...connecting])
    connecting.delete(id)
    if (this.random.oneIn(4)) {
      harness.core.handlePeerConnectFailed(id)
      return
    }
    const handle = ++this.#lastHandle
    const first = harness.output.effects.length
    harness.core.handlePeerConnected(id, handle)
    const username = this.seats[worker].controls.find((each) => each.messagesSince(first).length > 0)?.user.username
    if (username === undefined) throw new Error('no answer to a Connect that has succeeded')
    this.waiting.set(id, { owner: worker, handle, username })
    this.counts.connected++
  }

  #accept(worker: number, control: CoreClient): void {
    const { harness } = this.seats[worker]
    const handle = ++this.#lastHandle
    harness.lastHandle = handle - 1
    const peer = this.#peer()
    const id = harness.peerConnects(harness.relayOf(control).id, peer)
    if (id === 0) return
    if (!peer.startsWith('1.2.3.4:')) throw new Error(`accepted ${peer} without a permission`)
    this.waiting.set(id, { owner: worker, handle, username: control.user.username })
    this.counts.accepted++
  }

  #bind(binder: number): void {
    const { random } = this
    const [id, expected] = random.pick([...this.waiting, [random.nextUint32(), null] as const])
    const user = random.oneIn(3) ? { user: BOB } : {}
    const { harness } = this.seats[binder]
    const data = tcpClient(harness, user)
    this.#take()
    const { code } = data.connectionBind(id)
    const isRight = expected !== null && expected.username === data.user.username
    if ((code === 0) !== isRight) throw new Error(`ConnectionBind: ${code}`)
    if (!isRight || expected === null) return
    const [bind] = harness.output.of('bind-peer')
    if (bind.handle !== expected.handle || bind.connectionId !== id) throw new Error('another handle')
    this.waiting.delete(id)
    this.bound.set(id, { owner: expected.owner, binder, isClosing: false })
    this.counts.bound++
  }

  #end(): void {
    if (this.bound.size > 0) this.#endPair(this.random.pick([...this.bound.keys()]))
  }

  #endPair(id: number): void {
    const pair = this.bound.get(id)
    this.bound.delete(id)
    if (pair !== undefined) this.seats[pair.binder].harness.core.handleDataConnectionEnded(id)
  }

  #pass(): void {
    const [id, { binder }] = this.random.pick([...this.bound])
    this.seats[binder].harness.core.admitConnectionData(id, FROM_CLIENT, 1_000)
  }

  #restart(seat: Seat, control: CoreClient): void {
    seat.harness.core.handleClientClosed(control.fiveTuple)
    seat.controls[seat.controls.indexOf(control)] = this.#newControl(seat.harness)
  }

  #die(worker: number): void {
    this.#take()
    const expected = [...this.waiting].filter(([, { owner }]) => owner === worker)
    const { handles } = sweepWorker(this.tables, worker)
    t.same([...handles].sort(), expected.map(([, { handle }]) => handle).sort(), 'the handles of what waited')
    for (const [id] of expected) this.waiting.delete(id)
    for (const [id, { binder }] of this.bound) if (binder === worker) this.bound.delete(id)
    this.seats[worker] = this.#newSeat(worker)
    this.counts.died++
    this.counts.swept += handles.length
  }

  /** What the cores want of their engines. */
  #take(): void {
    for (const [worker, { connecting, harness }] of this.seats.entries()) {
      for (const effect of harness.output.take()) {
        if (effect.kind === 'connect-peer') connecting.add(effect.connectionId)
        else if (effect.kind === 'close-peer') this.#closed(worker, effect.connectionId, effect.handle)
        else if (effect.kind === 'close-data') this.#doomed(worker, effect.connectionId)
      }
    }
  }

  #closed(worker: number, id: number, handle: number): void {
    const { connecting } = this.seats[worker]
    const isKnown = handle === 0 ? connecting.delete(id) : this.waiting.get(id)?.handle === handle
    if (!isKnown) throw new Error(`closed connection ${id} with handle ${handle}, which there is not`)
    if (handle > 0) this.waiting.delete(id)
    this.counts.closed++
  }

  #doomed(worker: number, id: number): void {
    const pair = this.bound.get(id)
    if (pair === undefined || pair.binder !== worker || pair.isClosing) throw new Error(`closed pair ${id}`)
    pair.isClosing = true
    this.counts.doomed++
  }
}

t.test('peer connections of three workers, and workers that die', async (t) => {
  for (const seed of [1, 2, 3, 4]) {
    t.test(`seed ${seed}: every handle is closed or bound once, and nothing is left`, async (t) => {
      const churn = new Churn(seed)
      for (let step = 0; step < STEP_COUNT; step++) churn.step()
      churn.finish()
      t.comment(JSON.stringify(churn.counts))
      for (const [name, count] of Object.entries(churn.counts)) t.ok(count > 0, name)
      t.same([churn.waiting.size, churn.bound.size], [0, 0])
      t.same(churn.left(), new Array(churn.left().length).fill(0))
    })
  }
})
