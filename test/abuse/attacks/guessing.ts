// Rows "guessing", "user enumeration" and "hijack" (foreign nonces): who asks with wrong credentials gets 200 answers per 10 s and source, and
// keeps nobody with right ones out.
import { randomBytes } from 'node:crypto'
import { CLASS_REQUEST, METHOD_ALLOCATE, METHOD_REFRESH } from '../../../src/stun/constants.js'
import { withoutKoffi } from '../../support/engines.js'
import type { RequestOptions } from '../../support/turn-requests.js'
import type { Attack, AttackReport } from '../attack.js'
import { filling, messageOf } from '../datagrams.js'
import { Flood, floodReport, floodSource, manySources } from '../flood.js'
import { ALICE, type Ground, MALLORY } from '../ground.js'
import { BUSY_MEMORY_RULES } from '../judge.js'
import { silenceFailures } from './unauthenticated-floods.js'

const PER_SECOND = 10_000
/** Each attack has a budget of its own. */
const GUESSER = floodSource(21_000)
const ENUMERATOR = floodSource(21_001)
const REPLAYER = floodSource(21_002)
/** Failures that are answered at once, and in each second. */
const FAILURE_BURST = 200
const FAILURES_PER_SECOND = 20
const COUNT_MIN = 2_000
const SERVED_MILLISECONDS_MAX = 10_000
/** Of a user who has answers sent elsewhere: each is about as long as its request. */
const STALE_AMPLIFICATION_MAX = 1.2

/** What one source may have been told in so long about its wrong credentials; others are challenges. */
function failuresMax(milliseconds: number, challenges: number): number {
  return challenges + FAILURE_BURST + FAILURES_PER_SECOND * (milliseconds / 1000 + 1)
}

/** Requests with these credentials from one source. Then whoever has the right ones comes, from the same source and port. */
async function guess(ground: Ground, from: number, credentials: RequestOptions): Promise<AttackReport> {
  const flood = new Flood(ground, ground.port())
  const guesser = flood.client(ALICE, from)
  await guesser.learnChallenge()
  const wrong = Buffer.from(guesser.message(METHOD_REFRESH, () => {}, credentials))
  const lengths = new Set<number>()
  flood.onReply = (bytes) => lengths.add(bytes.length)
  const plan = { perSecond: PER_SECOND, milliseconds: ground.milliseconds, countMin: COUNT_MIN, source: () => from }
  const { milliseconds } = await flood.run({ ...plan, fill: filling(wrong) })
  flood.onReply = null
  const report = floodReport(milliseconds, flood)
  const start = performance.now()
  const { code } = await guesser.allocate()
  const waited = performance.now() - start
  const failures: string[] = []
  if (code !== 0) failures.push(`the right password was answered with ${code}`)
  if (waited > SERVED_MILLISECONDS_MAX) failures.push(`the right password waited ${Math.round(waited)} ms`)
  // The same words for an unknown user and for a wrong password.
  if (lengths.size > 1) failures.push(`answers of ${[...lengths].join(', ')} bytes`)
  await guesser.refresh({ lifetimeSeconds: 0 })
  const notes = [`the right password was served after ${waited.toFixed(0)} ms`]
  return { ...report, repliesMax: failuresMax(milliseconds, 1), failures, notes }
}

/** A nonce that was given to somebody else, without any password. */
async function foreignNonces(ground: Ground): Promise<AttackReport> {
  const overheard = await ground.client()
  await overheard.learnChallenge()
  const flood = new Flood(ground, ground.port())
  const wrong = Buffer.from(overheard.message(METHOD_ALLOCATE, () => {}, { password: 'unknown' }))
  const plan = { perSecond: PER_SECOND, milliseconds: ground.milliseconds, countMin: COUNT_MIN, source: () => REPLAYER }
  const { milliseconds } = await flood.run({ ...plan, fill: filling(wrong) })
  return { ...floodReport(milliseconds, flood), repliesMax: failuresMax(milliseconds, 0), failures: [] }
}

/** A user with a password has answers sent to 10,000 addresses. */
async function staleNonces(ground: Ground): Promise<AttackReport> {
  const user = await ground.client()
  await user.learnChallenge()
  const flood = new Flood(ground, ground.port())
  const fill = (slot: Buffer) => {
    // The integrity covers the transaction id, so that it stays what it was.
    stale.copy(slot)
    return stale.length
  }
  const stale = Buffer.from(user.message(METHOD_REFRESH, () => {}))
  const plan = { perSecond: PER_SECOND / 2, milliseconds: ground.milliseconds, source: manySources }
  const { milliseconds } = await flood.run({ ...plan, fill })
  const failures = silenceFailures(flood)
  if (flood.replyBytes > STALE_AMPLIFICATION_MAX * flood.sentBytes) failures.push('more came back than was sent')
  return { ...floodReport(milliseconds, flood), failures }
}

/** What looks like credentials and is not: every attribute there, nothing in it true. */
async function forgedCredentials(ground: Ground): Promise<AttackReport> {
  const flood = new Flood(ground, ground.port())
  const forged = messageOf(METHOD_ALLOCATE, CLASS_REQUEST, (writer) => {
    writer.writeText(0x0006, 'a'.repeat(500))
    writer.writeText(0x0014, 'b'.repeat(500))
    writer.writeText(0x0015, 'c'.repeat(500))
    writer.writeMessageIntegrity(randomBytes(16))
  })
  const plan = { perSecond: PER_SECOND, milliseconds: ground.milliseconds, source: manySources }
  const { milliseconds } = await flood.run({ ...plan, fill: filling(forged) })
  const failures = silenceFailures(flood)
  if (flood.replyBytes > flood.sentBytes) failures.push('more came back than was sent')
  return { ...floodReport(milliseconds, flood), failures }
}

export const GUESSING: readonly Attack[] = [
  {
    name: 'wrong-passwords',
    title: 'wrong passwords of one source, then the right one',
    threat: 'guessing',
    seconds: 5,
    shortSeconds: 0.3,
    skip: withoutKoffi,
    drops: ['failure-budget'],
    run: (ground) => guess(ground, GUESSER, { password: 'wrong' }),
  },
  {
    name: 'unknown-users',
    title: 'users that do not exist, of one source',
    threat: 'user enumeration, timing',
    seconds: 5,
    shortSeconds: 0.3,
    skip: withoutKoffi,
    drops: ['failure-budget'],
    run: (ground) => guess(ground, ENUMERATOR, { username: 'nobody', password: 'wrong' }),
  },
  {
    name: 'foreign-nonces',
    title: 'an overheard nonce, replayed without the password',
    threat: 'hijack',
    seconds: 4,
    shortSeconds: 0.3,
    skip: withoutKoffi,
    drops: ['failure-budget'],
    run: foreignNonces,
  },
  {
    name: 'stale-nonces',
    title: `requests of a user (${MALLORY.username}) in the names of 10,000 others`,
    rules: BUSY_MEMORY_RULES,
    threat: 'reflection',
    seconds: 4,
    shortSeconds: 0.3,
    skip: withoutKoffi,
    run: staleNonces,
  },
  {
    name: 'forged-credentials',
    title: 'long false credentials from 10,000 addresses',
    rules: BUSY_MEMORY_RULES,
    threat: 'unauthenticated floods',
    seconds: 4,
    shortSeconds: 0.3,
    skip: withoutKoffi,
    run: forgedCredentials,
  },
]
