// What every fuzz target is: a function that runs until its time or its iterations are over, and throws FuzzFailure with what reproduces it.
// fuzzLoop is the loop of a target whose input is bytes; run.ts is the command line over all of them.
import type { EngineUnderTest } from '../support/engines.js'
import { SeededRandom } from '../support/random.js'

export interface FuzzProgress {
  readonly iterationCount: number
  readonly elapsedSeconds: number
}

/** One of `seconds` and `iterations` ends the run; with `iterations` it is the same run every time. */
export interface FuzzOptions {
  readonly seed: number
  readonly seconds?: number
  readonly iterations?: number
  readonly onProgress?: (progress: FuzzProgress) => void
}

export interface FuzzReport extends FuzzProgress {
  /** What the target has to say of the run: how much of its input got how far. */
  readonly summary: string
}

export interface FuzzTarget {
  readonly name: string
  /** For --list: what it is fed with. */
  readonly help: string
  /** Whether it has sockets of an engine, and so runs once for each. */
  readonly needsEngine: boolean
  /** What an iteration is, in the plural. */
  readonly unit: 'inputs' | 'batches'
  readonly fuzz: (options: FuzzOptions, engine: EngineUnderTest) => FuzzReport | Promise<FuzzReport>
}

/** One input of a failure, in the form of a file of corpus/. */
export interface FailureInput {
  /** Such as `stun`: the beginning of its name there. */
  readonly kind: string
  /** What it was, a line. */
  readonly about: string
  readonly bytes: Uint8Array
}

export class FuzzFailure extends Error {
  readonly seed: number
  readonly iteration: number
  /** The last one is the most suspicious. */
  readonly inputs: readonly FailureInput[]

  constructor(seed: number, iteration: number, inputs: readonly FailureInput[], cause: unknown) {
    super(`iteration ${iteration} of seed ${seed}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
    this.name = 'FuzzFailure'
    this.seed = seed
    this.iteration = iteration
    this.inputs = inputs
  }
}

/** The kind of an input of the targets that take messages. */
export function messageKind(bytes: Uint8Array): string {
  return bytes.length > 0 && bytes[0] >> 6 === 1 ? 'channel-data' : 'stun'
}

const ITERATIONS_PER_LOOK_AT_THE_CLOCK = 64

/** Makes inputs and checks them until the end of the run. `check` throws when the input shows a mistake. */
export function fuzzLoop(
  options: FuzzOptions,
  makeInput: (random: SeededRandom) => Uint8Array,
  check: (input: Uint8Array, random: SeededRandom) => void,
): FuzzProgress {
  const random = new SeededRandom(options.seed)
  const clock = new RunClock(options)
  while (!clock.isOver) {
    const input = makeInput(random)
    try {
      check(input, random)
    } catch (cause) {
      const about = `iteration ${clock.iterationCount} of seed ${options.seed}`
      throw new FuzzFailure(
        options.seed,
        clock.iterationCount,
        [{ kind: messageKind(input), about, bytes: input }],
        cause,
      )
    }
    clock.count()
    if (clock.iterationCount % ITERATIONS_PER_LOOK_AT_THE_CLOCK === 0) clock.look()
  }
  return clock.progress()
}

/** When a run is over, and how far it is. */
export class RunClock {
  iterationCount = 0
  readonly #options: FuzzOptions
  readonly #iterationCountMax: number
  readonly #secondsMax: number
  readonly #startMs = performance.now()
  #elapsedSeconds = 0

  constructor(options: FuzzOptions) {
    this.#options = options
    this.#iterationCountMax = options.iterations ?? Number.POSITIVE_INFINITY
    this.#secondsMax = options.seconds ?? (options.iterations === undefined ? 1 : Number.POSITIVE_INFINITY)
  }

  /** As of the last look. */
  get isOver(): boolean {
    return this.iterationCount >= this.#iterationCountMax || this.#elapsedSeconds >= this.#secondsMax
  }

  count(): void {
    this.iterationCount++
  }

  /** Looks at the time, and tells the progress. */
  look(): void {
    this.#elapsedSeconds = (performance.now() - this.#startMs) / 1000
    this.#options.onProgress?.({ iterationCount: this.iterationCount, elapsedSeconds: this.#elapsedSeconds })
  }

  progress(): FuzzProgress {
    return { iterationCount: this.iterationCount, elapsedSeconds: (performance.now() - this.#startMs) / 1000 }
  }
}
