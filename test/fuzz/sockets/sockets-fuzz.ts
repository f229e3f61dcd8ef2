// Fuzzes the whole server over real sockets: batches of conversations, each of which is made from the batch’s seed, and after each batch what must
// hold whatever was sent. Batch k of a run has the seed of the run plus k, so that it can be repeated alone.
import { availableParallelism } from 'node:os'
import type { EngineUnderTest } from '../../support/engines.js'
import { SeededRandom } from '../../support/random.js'
import { FuzzFailure, type FuzzOptions, type FuzzReport, RunClock } from '../target.js'
import { type Conversation, corpusConversations } from './corpus-batches.js'
import { hostileDtlsHandshake, hostileDtlsRecords, hostileTlsRecords, hostileTlsWire } from './handshakes.js'
import { hostileSession } from './hostile-sessions.js'
import { Innocents } from './innocents.js'
import { type Problem, SocketsStage } from './stage.js'
import { hostileDatagrams, hostileHttp, hostileProxyHeader, hostileStream } from './strangers.js'
import { hostileTcpRelay } from './tcp-relay-sessions.js'

/** Those in the list more than once come more often. */
const CONVERSATIONS: readonly Conversation[] = [
  ...[hostileSession, hostileSession, hostileSession, hostileSession, hostileTcpRelay, hostileTcpRelay],
  ...[hostileDatagrams, hostileDatagrams, hostileStream, hostileStream, hostileHttp, hostileProxyHeader],
  ...[hostileTlsRecords, hostileTlsWire, hostileDtlsRecords, hostileDtlsHandshake],
]
const CONVERSATIONS_PER_BATCH = 6 * availableParallelism()
/** A conversation that goes on for longer waits for something that never comes. */
const BATCH_MILLISECONDS_MAX = 60_000
const DAMAGED_COUNT_DEFAULT = 400
const SEEDS = 0x1_0000_0000

export interface SocketsFuzzOptions extends FuzzOptions {
  /** Damaged requests of the beginning. */
  readonly damagedCount?: number
  /** Only every count-th conversation with the corpus. */
  readonly corpusPart?: { readonly index: number; readonly count: number }
}

export async function fuzzSockets(options: SocketsFuzzOptions, engine: EngineUnderTest): Promise<FuzzReport> {
  const stage = await SocketsStage.open(engine)
  const innocents = new Innocents(stage)
  const clock = new RunClock(options)
  let summary: string
  try {
    await startFromCorpus(stage, innocents, options)
    for (let index = 0; !clock.isOver; index++) {
      const seed = (options.seed + index) % SEEDS
      const random = new SeededRandom(seed)
      const conversations = Array.from({ length: CONVERSATIONS_PER_BATCH }, () => random.pick(CONVERSATIONS))
      await runBatch(stage, innocents, conversations, random, seed)
      clock.count()
      clock.look()
    }
    summary = `${stage.depth}; ${stage.memory()}`
    await innocents.close()
  } finally {
    await stage.close()
  }
  throwProblem(stage, options.seed)
  return { ...clock.progress(), summary }
}

async function startFromCorpus(stage: SocketsStage, innocents: Innocents, options: SocketsFuzzOptions): Promise<void> {
  const { corpusPart = { index: 0, count: 1 }, damagedCount = DAMAGED_COUNT_DEFAULT, seed } = options
  const random = new SeededRandom(seed)
  const all = corpusConversations(damagedCount).filter((_, index) => index % corpusPart.count === corpusPart.index)
  for (let at = 0; at < all.length; at += 2 * CONVERSATIONS_PER_BATCH) {
    await runBatch(stage, innocents, all.slice(at, at + 2 * CONVERSATIONS_PER_BATCH), random, seed)
  }
}

/** At once, each with random numbers of its own; then the innocents and the server are looked at. Throws FuzzFailure. */
async function runBatch(
  stage: SocketsStage,
  innocents: Innocents,
  conversations: readonly Conversation[],
  random: SeededRandom,
  seed: number,
): Promise<void> {
  stage.transcripts.length = 0
  const seeds = conversations.map(() => random.nextUint32())
  const timer = setTimeout(() => stage.report('a batch does not end', null), BATCH_MILLISECONDS_MAX)
  const runs = conversations.map((converse, index) => {
    return converse(stage, new SeededRandom(seeds[index])).catch((error) => {
      stage.report(`${converse.name || 'a conversation'} failed: ${error instanceof Error ? error.stack : error}`, null)
    })
  })
  await Promise.all(runs)
  clearTimeout(timer)
  stage.checkServer()
  if (stage.problems.length === 0) await innocents.check(random)
  throwProblem(stage, seed)
}

function throwProblem({ problems, transcripts }: SocketsStage, seed: number): void {
  if (problems.length === 0) return
  const [first] = problems
  // Without a connection that is known to be it, it was one of them.
  const suspects = first.transcript === null ? transcripts : [first.transcript]
  throw new FuzzFailure(
    seed,
    0,
    suspects.map((transcript) => transcript.toInput()),
    new Error(textOf(problems)),
  )
}

function textOf(problems: readonly Problem[]): string {
  return problems
    .slice(0, 5)
    .map(({ text, transcript }) => (transcript === null ? text : `${transcript.about}: ${text}`))
    .join('\n')
}
