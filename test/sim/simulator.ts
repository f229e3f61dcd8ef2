// One run of the simulator: a seed makes a world, the world acts step by step, and at the end everything must have gone.
//
//   actions ─► network ─► rim ─► core ─► effects ─► judge, invariants ─► rim ─► network ─► client, peer, or another relay
import { SeededRandom } from '../support/random.js'
import { actAsClient, actAsNestedClient, actAsPeer, randomIdentity } from './actions.js'
import { Coverage } from './coverage.js'
import { passToExpiry } from './expiry-probe.js'
import { checkEmpty } from './invariants.js'
import { makeRim } from './make-rim.js'
import type { Rim, RimName } from './rim.js'
import { makeScenario } from './scenario.js'
import { SimClient } from './sim-client.js'
import { World } from './world.js'

export const STEP_COUNT_DEFAULT = 400

/** Longer than any lifetime and any message under way. */
const END_TICKS = 500_000
const LONG_JUMPS: readonly number[] = [3_100, 3_100, 12_000, 31_000, 61_000, 400_000]

export class SimRunFailure extends Error {
  override name = 'SimRunFailure'
  readonly seed: number
  readonly step: number

  constructor(seed: number, step: number, cause: unknown) {
    super(`seed ${seed}, step ${step}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.seed = seed
    this.step = step
  }
}

export interface SimReport {
  readonly coverage: Coverage
  readonly inputCount: number
}

/** Runs one seed. Rejects with a SimRunFailure for the first thing that is not as it must be. */
export async function simulate(
  seed: number,
  rimName: RimName = 'bare',
  stepCount = STEP_COUNT_DEFAULT,
): Promise<SimReport> {
  const random = new SeededRandom(seed)
  const coverage = new Coverage()
  const scenario = makeScenario(random, stepCount)
  const rim = await makeRim(rimName, scenario, random, seed, coverage)
  let step = 0
  try {
    const world = new World(scenario, random, coverage, rim)
    addClients(world, rim)
    for (; step < stepCount; step++) {
      if (step === scenario.drainStep) world.driver.drain()
      act(world)
      passTime(world)
    }
    end(world)
    rim.checkEnd()
    return { coverage, inputCount: world.driver.inputCount }
  } catch (error) {
    throw new SimRunFailure(seed, step, error)
  } finally {
    rim.close()
  }
}

function addClients(world: World, rim: Rim): void {
  const { scenario, random } = world
  for (let index = 0; index < scenario.clientCount; index++) {
    // Pairs share an address and port, at two listeners.
    const address = index % 4 < 2 ? `198.18.0.7:${50_000 + (index >> 1)}` : `[2a00:9::7]:${50_000 + (index >> 1)}`
    world.clients.push(new SimClient(address, index & 1, false, scenario.link, randomIdentity(world)))
  }
  if (!rim.carriesStreams) return
  for (let index = 0; index < scenario.streamClientCount; index++) {
    const address = `198.18.0.8:${51_000 + random.nextInt(2)}`
    world.clients.push(new SimClient(address, 2 + index, true, scenario.link, randomIdentity(world)))
  }
}

function act(world: World): void {
  const { random } = world
  const kind = random.nextInt(100)
  if (kind < 12) actAsPeer(world)
  else if (kind < 14) actAsNestedClient(world, random.pick(world.clients))
  else actAsClient(world, random.pick(world.clients))
}

function passTime(world: World): void {
  const { random, network } = world
  const kind = random.nextInt(200)
  if (kind < 160) {
    world.advance(network.time + random.nextInt(40))
  } else if (kind < 192) {
    world.advance(network.time + random.nextInt(400))
  } else if (kind < 196) {
    passToExpiry(world)
  } else if (kind < 197) {
    world.advance(network.time + random.pick(LONG_JUMPS))
  } else if (kind < 198) {
    world.coverage.count('time: paused')
    world.pause(network.time + random.pick(LONG_JUMPS))
  }
}

/** Everybody falls silent, and everything expires. */
function end(world: World): void {
  world.isQuiet = true
  if (world.scenario.endsStopped) world.driver.stop()
  world.driver.drain()
  world.advance(world.network.time + END_TICKS)
  world.advance(world.network.time + END_TICKS)
  checkEmpty(world.driver.core, world.driver.model)
}
