// Fuzzes everything that reads what strangers or operators write, beside messages: fast-check makes and shrinks the inputs, in rounds over all
// cases. A parser throws nothing but its declared error, ends, and says the same of the same, in whatever form it is written.
import fc from 'fast-check'
import { type CorpusEntry, corpusOf } from '../corpus.js'
import { FuzzFailure, type FuzzOptions, type FuzzReport, RunClock } from '../target.js'
import { credentialBytesCases, credentialCases } from './credential-cases.js'
import { hostileBytes, hostileText } from './hostile-text.js'
import { oauthBytesCases, oauthCases } from './oauth-cases.js'
import { optionCases } from './option-cases.js'
import type { Check } from './parser-case.js'
import { wireCases } from './wire-cases.js'

/** Inputs of one case before the next one has its turn. */
const INPUTS_PER_TURN = 64
/** Of one input: a parser that takes longer is stuck, or soon would be. */
const CHECK_MILLISECONDS_MAX = 5_000

interface Runnable {
  readonly name: string
  readonly isText: boolean
  readonly arbitrary: fc.Arbitrary<unknown>
  readonly check: Check<unknown>
  /** Inputs that came, and that were taken. */
  count: number
  acceptedCount: number
}

/** Seeds of neighbouring turns differ in all bits. */
const SEED_STEP = 0x9e37_79b1

export function fuzzParsers(options: FuzzOptions): FuzzReport {
  const cases = runnables()
  const clock = new RunClock(options)
  startFromCorpus(cases, options.seed)
  for (let turn = 0; !clock.isOver; turn++) {
    runTurn(cases[turn % cases.length], (options.seed + turn * SEED_STEP) | 0, options.seed, clock)
    clock.look()
  }
  return { ...clock.progress(), summary: summaryOf(cases) }
}

function runnables(): Runnable[] {
  const counts = { count: 0, acceptedCount: 0 }
  const texts = [...credentialCases(), ...oauthCases(), ...optionCases()].map(({ check, name, samples }): Runnable => {
    return { name, isText: true, arbitrary: hostileText(samples), check: check as Check<unknown>, ...counts }
  })
  const bytes = [...credentialBytesCases(), ...oauthBytesCases(), ...wireCases()].map(
    ({ check, name, samples }): Runnable => {
      return { name, isText: false, arbitrary: hostileBytes(samples), check: check as Check<unknown>, ...counts }
    },
  )
  return [...bytes, ...texts]
}

function runTurn(one: Runnable, turnSeed: number, seed: number, clock: RunClock): void {
  const property = fc.property(one.arbitrary, (input) => {
    clock.count()
    checkOne(one, input)
  })
  const result = fc.check(property, { seed: turnSeed, numRuns: INPUTS_PER_TURN })
  if (!result.failed) return
  const input = result.counterexample?.[0]
  throw failureOf(one, seed, clock.iterationCount, bytesOf(input), result.errorInstance)
}

function checkOne(one: Runnable, input: unknown): void {
  const start = performance.now()
  one.count++
  if (one.check(input)) one.acceptedCount++
  const milliseconds = performance.now() - start
  if (milliseconds > CHECK_MILLISECONDS_MAX) throw new Error(`it took ${milliseconds} ms`)
}

/** Every text goes to every case of texts, every other file to every case of bytes. */
function startFromCorpus(cases: readonly Runnable[], seed: number): void {
  for (const entry of corpusOf('text', 'proxy', 'http', 'tls', 'dtls', 'stream')) {
    for (const one of cases) if (one.isText === (entry.kind === 'text')) checkEntry(one, entry, seed)
  }
}

function checkEntry(one: Runnable, { bytes, kind, name }: CorpusEntry, seed: number): void {
  try {
    checkOne(one, kind === 'text' ? Buffer.from(bytes).toString('utf8') : bytes)
  } catch (cause) {
    throw failureOf(one, seed, 0, bytes, new Error(`corpus/${name}: ${String(cause)}`, { cause }))
  }
}

function failureOf(one: Runnable, seed: number, iteration: number, bytes: Uint8Array, cause: unknown): FuzzFailure {
  const kind = one.isText ? 'text' : kindOf(one.name)
  return new FuzzFailure(seed, iteration, [{ kind, about: one.name, bytes }], cause)
}

function kindOf(name: string): string {
  if (name.includes('PROXY')) return 'proxy'
  return name.includes('DTLS') ? 'dtls' : 'stream'
}

function bytesOf(input: unknown): Uint8Array {
  return input instanceof Uint8Array ? input : Buffer.from(String(input), 'utf8')
}

/** Cases of options are many and alike: they are one. */
function summaryOf(cases: readonly Runnable[]): string {
  const options = cases.filter(({ name }) => name.startsWith('--'))
  const sum = (list: readonly Runnable[], key: 'count' | 'acceptedCount') =>
    list.reduce((total, one) => total + one[key], 0)
  const share = (list: readonly Runnable[]) =>
    Math.round((100 * sum(list, 'acceptedCount')) / Math.max(sum(list, 'count'), 1))
  const others = cases.filter(({ name }) => !name.startsWith('--')).map((one) => `${one.name} ${share([one])} %`)
  return `taken of ${options.length} options ${share(options)} %, ${others.join(', ')}`
}
