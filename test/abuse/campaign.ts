// Many attacks, one after the other: those that can share a server do where that is asked for. Used by the command and by abuse.test.ts.
import type { EngineUnderTest } from '../support/engines.js'
import type { Attack, Outcome, Rules } from './attack.js'
import { counterFailures, dropFailures } from './judge.js'
import { inOwnNetwork } from './own-network.js'
import { Stage } from './stage.js'

export interface CampaignOptions {
  readonly engine: EngineUnderTest
  readonly attacks: readonly Attack[]
  /** How long an attack lasts. */
  readonly seconds: (attack: Attack) => number
  readonly sharesServers: boolean
  readonly warmUpSeconds: number
  readonly settleMilliseconds: number
  /** What attacks are held to that say nothing else. */
  readonly usualRules: Rules
  /** Before each attack; when it is over; and when its server has ended, which may add failures. */
  readonly onAttack?: (attack: Attack) => void
  readonly onMeasured?: (outcome: Outcome) => void
  readonly onOutcome?: (outcome: Outcome) => void
}

const NOTHING = { sent: 0, sentBytes: 0, milliseconds: 0, replies: 0, replyBytes: 0, failures: [] }

export async function runCampaign(options: CampaignOptions): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const { engine } = options
  const attacks = options.attacks.filter(({ engines }) => engines?.includes(engine.name) ?? true)
  for (const group of groupsOf({ ...options, attacks })) outcomes.push(...(await runGroup(options, group)))
  return outcomes
}

async function runGroup(options: CampaignOptions, group: readonly Attack[]): Promise<Outcome[]> {
  const { engine, onOutcome } = options
  const outcomes: Outcome[] = []
  const made: Attack[] = []
  for (const attack of group) {
    const reason = engine.skip || attack.skip?.(engine.name) || null
    if (reason === null) made.push(attack)
    else outcomes.push(nothing(engine, attack, reason, []))
  }
  const inNetwork = made[0]?.usesOwnNetwork === true ? inOwnNetwork : here
  if (made.length > 0) outcomes.push(...(await inNetwork((isOwn) => makeAll(options, made, isOwn))))
  for (const outcome of outcomes) onOutcome?.(outcome)
  return outcomes
}

function here<Value>(act: (isOwnNetwork: boolean) => Promise<Value>): Promise<Value> {
  return act(false)
}

/** On one server. */
async function makeAll(
  options: CampaignOptions,
  attacks: readonly Attack[],
  isOwnNetwork: boolean,
): Promise<Outcome[]> {
  const { engine, onAttack, onMeasured, seconds } = options
  const [{ schemes = [], serverArgs = [] }] = attacks
  let stage: Stage
  try {
    stage = await Stage.open({ ...options, schemes, serverArgs, isOwnNetwork })
  } catch (error) {
    const failure = `the server could not be attacked: ${(error as Error).message}`
    const failed = attacks.map((attack) => nothing(engine, attack, null, [failure]))
    for (const outcome of failed) onMeasured?.(outcome)
    return failed
  }
  const outcomes: Outcome[] = []
  try {
    for (const attack of attacks) {
      onAttack?.(attack)
      const outcome = await stage.run(attack, seconds(attack))
      outcomes.push(outcome)
      onMeasured?.(outcome)
    }
  } finally {
    const { drops, engine: counters } = await stage.close()
    for (const [index, outcome] of outcomes.entries()) {
      outcome.failures.push(
        ...dropFailures(attacks[index], drops as Record<string, number>),
        ...counterFailures(attacks[index], engine.name, counters as Record<string, number>),
      )
    }
  }
  return outcomes
}

/** In the order of the catalogue; attacks that need the same server stand together. */
function groupsOf({ attacks, sharesServers }: CampaignOptions): Attack[][] {
  if (!sharesServers) return attacks.map((attack) => [attack])
  const groups = new Map<string, Attack[]>()
  for (const attack of attacks) {
    const key = JSON.stringify([attack.serverArgs ?? [], attack.schemes ?? [], attack.usesOwnNetwork ?? false])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [attack])
    else group.push(attack)
  }
  return [...groups.values()]
}

function nothing(engine: EngineUnderTest, attack: Attack, skipped: string | null, failures: string[]): Outcome {
  const { name, threat, title } = attack
  return {
    ...{ attack: name, title, threat, engine: engine.name, skipped, report: NOTHING, failures },
    flow: { sent: 0, lost: 0, last: { sent: 0, lost: 0 }, p50: 0, p99: 0, failures: [] },
    newcomers: { count: 0, served: 0, worstMilliseconds: 0, failures: [] },
    memory: { before: 0, peak: 0, after: 0 },
    overflowCount: 0,
  }
}
