// Rows "ports" and "concurrent Allocates": exactly as many allocations as there are ports, licences and places of a user, then 508 or 486; what
// exists goes on, and what is deleted is there again. And an Allocate that is sent for ever.
import { setTimeout as delay } from 'node:timers/promises'
import { ATTRIBUTE_RESERVATION_TOKEN } from '../../../src/stun/constants.js'
import { withoutKoffi } from '../../support/engines.js'
import type { TurnClient } from '../../support/turn-client.js'
import type { Attack, AttackReport } from '../attack.js'
import { Flood, floodReport, floodSource } from '../flood.js'
import { ACCOMPLICES, type Credentials, type Ground, MALLORY } from '../ground.js'
import { BUSY_MEMORY_RULES } from '../judge.js'
import { LICENCE_COUNT, LIMITED_SERVER_ARGS, QUOTA } from '../limited-server.js'
import { codeFailures, storm, stormReport } from '../storm.js'

const PORT_COUNT = 40
const RACER_COUNT = 200
const EXHAUSTER_COUNT = 120
const INNOCENT_COUNT = 1
const TAKE_MILLISECONDS_MAX = 20_000
const PER_SECOND = 5_000
const INSUFFICIENT_CAPACITY = 508
const QUOTA_REACHED = 486

/** Takes all there is, again and again; newcomers of the moment leave soon. */
async function exhaust(ground: Ground, capacity: number): Promise<AttackReport> {
  const flood = new Flood(ground, ground.port())
  const clients = sources(flood, 22_000, EXHAUSTER_COUNT, [MALLORY, ...ACCOMPLICES])
  const expected = capacity - INNOCENT_COUNT
  const failures: string[] = []
  const start = performance.now()
  let rounds = 0
  do {
    const holders = await takeAll(clients, expected)
    if (holders.length !== expected) failures.push(`${holders.length} allocations in round ${rounds}, not ${expected}`)
    const refused = await Promise.all(others(clients, holders).map((client) => client.allocate()))
    const wrong = refused.filter(({ code }) => code !== INSUFFICIENT_CAPACITY && code !== QUOTA_REACHED)
    if (wrong.length > 0) failures.push(`${wrong.length} more were answered otherwise: ${wrong[0].code}`)
    if (!refused.some(({ code }) => code === INSUFFICIENT_CAPACITY)) failures.push('no answer was 508')
    await Promise.all(holders.map((client) => client.refresh({ lifetimeSeconds: 0 })))
    rounds++
  } while (performance.now() - start < ground.milliseconds && failures.length === 0)
  const report = floodReport(performance.now() - start, flood)
  return { ...report, failures, notes: [`${rounds} rounds, ${expected} allocations in each`] }
}

async function takeAll(clients: readonly TurnClient[], expected: number): Promise<TurnClient[]> {
  const holders: TurnClient[] = []
  const end = performance.now() + TAKE_MILLISECONDS_MAX
  while (holders.length < expected && performance.now() < end) {
    const waiting = others(clients, holders)
    const codes = await Promise.all(waiting.map(async (client) => (await client.allocate()).code))
    holders.push(...waiting.filter((_, index) => codes[index] === 0))
    if (holders.length < expected) await delay(20)
  }
  return holders
}

function others(clients: readonly TurnClient[], holders: readonly TurnClient[]): TurnClient[] {
  return clients.filter((client) => !holders.includes(client))
}

/** Of these users in turn. */
function sources(flood: Flood, first: number, count: number, users: readonly Credentials[]): TurnClient[] {
  return Array.from({ length: count }, (_, index) =>
    flood.client(users[index % users.length], floodSource(first + index)),
  )
}

/** All at once, over all workers. */
async function quotaRace(ground: Ground): Promise<AttackReport> {
  const flood = new Flood(ground, ground.port())
  const clients = sources(flood, 22_000, RACER_COUNT, [MALLORY])
  await Promise.all(clients.map((client) => client.learnChallenge()))
  const failures: string[] = []
  const start = performance.now()
  let rounds = 0
  do {
    const codes = await Promise.all(clients.map(async (client) => (await client.allocate()).code))
    const holders = clients.filter((_, index) => codes[index] === 0)
    if (holders.length !== QUOTA)
      failures.push(`${holders.length} of ${RACER_COUNT} got an allocation in round ${rounds}`)
    const wrong = codes.filter((code) => code !== 0 && code !== QUOTA_REACHED)
    if (wrong.length > 0) failures.push(`${wrong.length} answers ${wrong[0]}`)
    await Promise.all(holders.map((client) => client.refresh({ lifetimeSeconds: 0 })))
    rounds++
  } while (performance.now() - start < ground.milliseconds && failures.length === 0)
  return { ...floodReport(performance.now() - start, flood), failures, notes: [`${rounds} rounds`] }
}

/** Pairs of ports: reserve, claim, delete both. Whatever leaked would use up the quota within a few rounds. */
async function evenPortLoops(ground: Ground): Promise<AttackReport> {
  const pairs = [
    await Promise.all([ground.client(), ground.client()]),
    await Promise.all([ground.client(), ground.client()]),
  ]
  // A reserved port is not bound: another process of this machine may have it by then.
  let takenCount = 0
  const leaders = new Map(pairs.map(([first, second]) => [first, second]))
  const request = async (first: TurnClient) => {
    const second = leaders.get(first) as TurnClient
    const reserved = await first.allocate({ evenPort: 'pair' })
    if (reserved.code !== 0) return reserved
    const claimed = await second.allocate({ token: reserved.value(ATTRIBUTE_RESERVATION_TOKEN) })
    if (claimed.code === INSUFFICIENT_CAPACITY) takenCount++
    else if (claimed.code !== 0) return claimed
    else await second.refresh({ lifetimeSeconds: 0 })
    return first.refresh({ lifetimeSeconds: 0 })
  }
  const plan = {
    clients: [...leaders.keys()],
    depth: 1,
    milliseconds: ground.milliseconds,
    countMin: 2 * QUOTA,
    request,
  }
  const result = await storm(plan)
  const failures = codeFailures(result, { 0: 'some' })
  if (takenCount > 0.1 * result.count) failures.push(`${takenCount} of ${result.count} ports could not be claimed`)
  if (result.count <= QUOTA) failures.push(`only ${result.count} rounds`)
  return { ...stormReport(ground, result.milliseconds, failures), notes: [`${result.count} pairs of ports`] }
}

/** Reservations that nobody claims hold their place in the quota, and nothing beyond it. */
async function unclaimedPairs(ground: Ground): Promise<AttackReport> {
  const client = await ground.client()
  const start = performance.now()
  const codes: number[] = []
  while (codes.at(-1) !== QUOTA_REACHED && codes.length <= 2 * QUOTA) {
    const { code } = await client.allocate({ evenPort: 'pair' })
    codes.push(code)
    if (code === 0) await client.refresh({ lifetimeSeconds: 0 })
  }
  const reservedCount = codes.filter((code) => code === 0).length
  // The last allocation itself needs a place beside its reservation.
  const failures = reservedCount === QUOTA - 1 ? [] : [`${reservedCount} reservations with a quota of ${QUOTA}`]
  return stormReport(ground, performance.now() - start, failures)
}

/** The same transaction again and again, as if no answer arrived: one allocation, one answer. */
async function retransmissions(ground: Ground): Promise<AttackReport> {
  const flood = new Flood(ground, ground.port())
  const from = floodSource(23_000)
  const client = flood.client(MALLORY, from)
  await client.learnChallenge()
  const message = Buffer.from(client.message(0x003, (writer) => writer.writeUint32(0x0019, 17 << 24)))
  const answers = new Set<string>()
  flood.onReply = (bytes) => answers.add(bytes.toString('hex', 0, 2) + bytes.toString('hex', 20, 44))
  const fill = (slot: Buffer) => message.copy(slot)
  const plan = { perSecond: PER_SECOND, milliseconds: ground.milliseconds, source: () => from }
  const { milliseconds } = await flood.run({ ...plan, fill })
  flood.onReply = null
  const report = floodReport(milliseconds, flood)
  const failures = answers.size === 1 ? [] : [`${answers.size} different answers`]
  const { code } = await client.refresh({ lifetimeSeconds: 0 })
  if (code !== 0) failures.push(`the allocation is not there: ${code}`)
  return { ...report, repliesMax: report.sent + 1, failures }
}

export const EXHAUSTION: readonly Attack[] = [
  {
    name: 'licence-exhaustion',
    title: 'every allocation that the licence has, again and again',
    threat: 'ports',
    serverArgs: LIMITED_SERVER_ARGS,
    seconds: 4,
    shortSeconds: 0.3,
    skip: withoutKoffi,
    rules: { ...BUSY_MEMORY_RULES, servesNewcomers: false },
    run: (ground) => exhaust(ground, LICENCE_COUNT),
  },
  {
    name: 'port-exhaustion',
    title: 'every port that there is, again and again',
    threat: 'ports',
    isLongOnly: true,
    serverArgs: ['--min-port', '10000', '--max-port', String(10_000 + PORT_COUNT - 1)],
    seconds: 4,
    shortSeconds: 0.3,
    skip: withoutKoffi,
    rules: { ...BUSY_MEMORY_RULES, servesNewcomers: false },
    run: (ground) => exhaust(ground, PORT_COUNT),
  },
  {
    name: 'quota-race',
    title: '200 Allocates of a user at once, whose quota is 10',
    threat: 'concurrent Allocates',
    serverArgs: LIMITED_SERVER_ARGS,
    seconds: 4,
    shortSeconds: 0.3,
    skip: withoutKoffi,
    rules: BUSY_MEMORY_RULES,
    run: quotaRace,
  },
  {
    name: 'even-port-loops',
    title: 'pairs of ports that are reserved, claimed and deleted',
    threat: 'ports',
    serverArgs: LIMITED_SERVER_ARGS,
    seconds: 4,
    shortSeconds: 0.3,
    rules: BUSY_MEMORY_RULES,
    run: evenPortLoops,
  },
  {
    name: 'unclaimed-pairs',
    title: 'reservations that nobody claims',
    threat: 'ports',
    serverArgs: LIMITED_SERVER_ARGS,
    seconds: 1,
    shortSeconds: 0.1,
    rules: BUSY_MEMORY_RULES,
    run: unclaimedPairs,
  },
  {
    name: 'retransmissions',
    title: 'one Allocate, sent again and again',
    threat: 'concurrent Allocates',
    seconds: 4,
    shortSeconds: 0.3,
    skip: withoutKoffi,
    rules: BUSY_MEMORY_RULES,
    run: retransmissions,
  },
]
