// The abuse suite in short: every attack on the main engine, about a second each, and a few on the other one; with TURND_TEST_LONG=1 all of
// them in full on both. `npm run abuse` does the same for people.
import t, { type Test } from 'tap'
import { ENGINES, type EngineUnderTest, MAIN_ENGINE } from '../support/engines.js'
import type { Attack, Outcome } from './attack.js'
import { runCampaign } from './campaign.js'
import { ATTACKS } from './catalogue.js'
import { USUAL_RULES } from './judge.js'
import { outcomeLine } from './report.js'

const isLong = process.env.TURND_TEST_LONG === '1'
const SETTLE_MILLISECONDS = isLong ? 4_000 : 300
const WARM_UP_SECONDS = isLong ? 1.2 : 0.5

t.setTimeout(isLong ? 1_800_000 : 240_000)

for (const engine of ENGINES) {
  const attacks = ATTACKS.filter((attack) => isLong || isInShort(attack, engine))
  t.test(`abuse, ${engine.name} engine`, { skip: engine.skip }, (t) => abuse(t, engine, attacks))
}

/** The main engine gets nearly all of them. */
function isInShort({ isLongOnly, onBothEngines }: Attack, engine: EngineUnderTest): boolean {
  return isLongOnly !== true && (engine === MAIN_ENGINE || onBothEngines === true)
}

async function abuse(t: Test, engine: EngineUnderTest, attacks: readonly Attack[]): Promise<void> {
  await runCampaign({
    engine,
    attacks,
    seconds: (attack) => (isLong ? attack.seconds : attack.shortSeconds),
    sharesServers: !isLong,
    usualRules: USUAL_RULES,
    warmUpSeconds: WARM_UP_SECONDS,
    settleMilliseconds: SETTLE_MILLISECONDS,
    onOutcome: (outcome) => judged(t, outcome),
  })
}

function judged(t: Test, outcome: Outcome): void {
  const { attack, failures, skipped, title } = outcome
  if (skipped !== null && process.env.CI === 'true') {
    t.fail(`with CI=true ${attack} is not skipped: ${skipped}`)
    return
  }
  t.test(`${attack}: ${title}`, { skip: skipped ?? false }, async (t) => {
    t.comment(outcomeLine(outcome))
    t.same(failures, [])
  })
}
