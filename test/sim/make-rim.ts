// The rim of a run by its name.
import type { SeededRandom } from '../support/random.js'
import { BareRim } from './bare-rim.js'
import type { Coverage } from './coverage.js'
import { DgramRim } from './dgram-rim.js'
import { NativeRim } from './native-rim.js'
import type { Rim, RimName } from './rim.js'
import type { Scenario } from './scenario.js'

export async function makeRim(
  name: RimName,
  scenario: Scenario,
  random: SeededRandom,
  seed: number,
  coverage: Coverage,
): Promise<Rim> {
  if (name === 'native') return new NativeRim(scenario, seed, coverage)
  if (name === 'dgram') return await DgramRim.open(scenario, seed, coverage)
  return new BareRim(scenario, random)
}
