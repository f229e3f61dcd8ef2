// How a worker answers: at once, or in slices between its rounds, while allocations come and go.
import t from 'tap'
import {
  CHANNELS_OF_DETAIL_COUNT_MAX,
  CLIENTS_OF_SLICE_COUNT_MAX,
  PERMISSIONS_OF_DETAIL_COUNT_MAX,
  PERMISSIONS_OF_SLICE_COUNT_MAX,
} from '../../../src/limits/reports.js'
import { Answers } from '../../../src/server/worker/answers.js'
import type { Answer, AnswerParts } from '../../../src/server/worker/questions.js'
import type { WorkerCaptures } from '../../../src/server/worker/worker-captures.js'
import { METHOD_ALLOCATE } from '../../../src/stun/constants.js'
import type { Allocation } from '../../../src/turn/allocation.js'
import { deleteAllocation } from '../../../src/turn/lifecycle.js'
import { requestUdp } from '../../support/core-client.js'
import { CoreHarness, type CoreHarnessOptions } from '../../support/core-harness.js'
import { addressOf } from '../../support/turn-address.js'

const CLIENT_COUNT = 2 * CLIENTS_OF_SLICE_COUNT_MAX + 50
const PEER_COUNT = 3 * PERMISSIONS_OF_DETAIL_COUNT_MAX

function setUp(clientCount: number, options: CoreHarnessOptions = {}) {
  const harness = new CoreHarness(options)
  const { core } = harness
  for (let count = 0; count < clientCount; count++) harness.client().allocate()
  const posted: Answer[] = []
  let roundsRequested = 0
  const answers = new Answers({
    ...{ core, workerIndex: 3, endCount: 0, temporaryUsers: null },
    captures: null as unknown as WorkerCaptures,
    post: (answer) => void posted.push(answer),
    requestRound: () => void roundsRequested++,
  })
  const allocations = [...core.allocations.values()]
  const listed = () => posted.flatMap(({ part }) => part as AnswerParts['clients'])
  return { allocations, answers, core, harness, listed, posted, rounds: () => roundsRequested }
}

/** So many peers, with a channel for each. */
function fill(allocation: Allocation, count: number): void {
  for (let index = 0; index < count; index++) {
    const peer = addressOf(`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}:6000`)
    allocation.addChannel(0x4000 + index, allocation.installPermission(peer, 0), 6000).expiresAt = 1000
  }
}

t.test('a list of clients', async (t) => {
  t.test('is told in slices, one a round', async (t) => {
    const { answers, listed, posted, rounds } = setUp(CLIENT_COUNT)
    answers.handle(7, { kind: 'clients' })
    t.same([answers.isBusy, posted.length, rounds()], [true, 0, 1])
    while (answers.isBusy) answers.advance()
    t.same(
      posted.map(({ id, isLast, part }) => [id, isLast, (part as AnswerParts['clients']).length]),
      [
        [7, false, CLIENTS_OF_SLICE_COUNT_MAX],
        [7, false, CLIENTS_OF_SLICE_COUNT_MAX],
        [7, true, 50],
      ],
    )
    t.equal(rounds(), posted.length, 'each but the last asks for the next')
    t.equal(new Set(listed().map(({ id }) => id)).size, CLIENT_COUNT)
    for (const { id } of listed().slice(0, 3)) t.match(id, /^3-\d+$/)
  })

  t.test('leaves out who goes meanwhile, and has nobody who comes', async (t) => {
    const { allocations, answers, core, harness, listed } = setUp(CLIENT_COUNT)
    answers.handle(7, { kind: 'clients' })
    answers.advance()
    const gone = allocations.slice(-20)
    for (const allocation of gone) deleteAllocation(core, allocation, 'expired')
    harness.client().allocate()
    while (answers.isBusy) answers.advance()
    t.equal(listed().length, CLIENT_COUNT - gone.length)
    const names = new Set(listed().map(({ client }) => client))
    for (const { fiveTuple } of gone) t.notOk(names.has(String(fiveTuple.client)))
  })

  t.test('of nobody has one part, which is empty', async (t) => {
    const { answers, posted } = setUp(0)
    answers.handle(7, { kind: 'clients' })
    answers.advance()
    t.same(posted, [{ kind: 'answer', id: 7, part: [], isLast: true }])
    t.equal(answers.isBusy, false)
  })

  t.test('has smaller slices where clients have many permissions', async (t) => {
    const { allocations, answers, posted } = setUp(20)
    for (const allocation of allocations) fill(allocation, PERMISSIONS_OF_SLICE_COUNT_MAX / 10)
    answers.handle(7, { kind: 'clients' })
    answers.advance()
    t.equal((posted[0].part as AnswerParts['clients']).length, 5, 'half of them are channels')
  })
})

t.test('a client in detail has the first of very many permissions and channels, and their number', async (t) => {
  const { allocations, answers, posted } = setUp(1)
  fill(allocations[0], PEER_COUNT)
  answers.handle(7, { kind: 'client', number: allocations[0].relays()[0].id })
  const detail = posted[0].part as AnswerParts['client']
  t.match(detail, { permissionCount: PEER_COUNT, channelCount: PEER_COUNT })
  t.equal(detail?.permissions.length, PERMISSIONS_OF_DETAIL_COUNT_MAX)
  t.equal(detail?.channels.length, CHANNELS_OF_DETAIL_COUNT_MAX)
})

t.test('a client that is still being answered is nobody yet', async (t) => {
  const { answers, core, harness, posted } = setUp(0)
  harness.openOutcome = () => 'pending'
  harness.client().request(METHOD_ALLOCATE, requestUdp)
  const [opening] = core.allocations.values()
  t.equal(opening?.isOpening, true)
  answers.handle(1, { kind: 'clients' })
  answers.advance()
  answers.handle(2, { kind: 'kick', number: opening?.relays()[0].id ?? 0 })
  t.same(
    posted.map(({ part }) => part),
    [[], false],
  )
})
