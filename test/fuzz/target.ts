// What every fuzz target is: a function that runs until its time or its iterations are over, and throws FuzzFailure with what reproduces it.
// fuzzLoop is the loop of a target whose input is bytes; run.ts is the command line over all of them.
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
  readonly fuzz: (options: FuzzOptions) => FuzzReport
}

export class FuzzFailure extends Error {
  readonly seed: number
  readonly iteration: number
  readonly inputHex: string

  constructor(seed: number, iteration: number, input: Uint8Array, cause: unknown) {
    super(`iteration ${iteration} of seed ${seed}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
    this.name = 'FuzzFailure'
    this.seed = seed
    this.iteration = iteration
    this.inputHex = Buffer.from(input).toString('hex')
  }
}

const ITERATIONS_PER_LOOK_AT_THE_CLOCK = 64

/** Makes inputs and checks them until the end of the run. `check` throws when the input shows a mistake. */
export function fuzzLoop(
  options: FuzzOptions,
  makeInput: (random: SeededRandom) => Uint8Array,
  check: (input: Uint8Array, random: SeededRandom) => void,
): FuzzProgress {
  const random = new SeededRandom(options.seed)
  const iterationCountMax = options.iterations ?? Number.POSITIVE_INFINITY
  const secondsMax = options.seconds ?? (options.iterations === undefined ? 1 : Number.POSITIVE_INFINITY)
  const startMs = performance.now()
  let iterationCount = 0
  let elapsedSeconds = 0
  while (iterationCount < iterationCountMax && elapsedSeconds < secondsMax) {
    const input = makeInput(random)
    try {
      check(input, random)
    } catch (cause) {
      throw new FuzzFailure(options.seed, iterationCount, input, cause)
    }
    iterationCount++
    if (iterationCount % ITERATIONS_PER_LOOK_AT_THE_CLOCK === 0) {
      elapsedSeconds = (performance.now() - startMs) / 1000
      options.onProgress?.({ iterationCount, elapsedSeconds })
    }
  }
  return { iterationCount, elapsedSeconds: (performance.now() - startMs) / 1000 }
}
