// The command `npm run abuse`: the attacks that are asked for, a line of progress for each, and tables in the end. Exit code 1 when a rule
// was broken.
import { writeFileSync } from 'node:fs'
import { formatTable } from '../../bench/table.js'
import type { Outcome } from './attack.js'
import { runCampaign } from './campaign.js'
import { ATTACKS } from './catalogue.js'
import { type AbuseOptions, parseOptions, USAGE } from './command-line.js'
import { outcomeLine, outcomeTable } from './report.js'

/** After an attack, and before the next one on the same server. */
const SETTLE_MILLISECONDS = 4_000
const QUICK_SETTLE_MILLISECONDS = 1_000

const start = performance.now()

function progress(line: string): void {
  process.stderr.write(`${String(Math.round((performance.now() - start) / 1000)).padStart(4)} s  ${line}\n`)
}

async function run(options: AbuseOptions): Promise<void> {
  const outcomes: Outcome[] = []
  for (const engine of options.engines) {
    outcomes.push(
      ...(await runCampaign({
        engine,
        attacks: options.attacks,
        seconds: (attack) => options.seconds ?? (options.isQuick ? attack.shortSeconds : attack.seconds),
        sharesServers: options.isQuick,
        settleMilliseconds: options.isQuick ? QUICK_SETTLE_MILLISECONDS : SETTLE_MILLISECONDS,
        onAttack: ({ name, title }) => progress(`${engine.name}: ${name} (${title}) …`),
        onOutcome: (outcome) => progress(outcomeLine(outcome)),
      })),
    )
  }
  const table = `${formatTable(outcomeTable(outcomes))}\n`
  process.stdout.write(`\n${table}`)
  const failed = outcomes.filter(({ failures }) => failures.length > 0)
  process.stdout.write(`\n${outcomes.length} attacks, ${failed.length} failed\n`)
  if (options.markdown !== null) writeFileSync(options.markdown, table)
  if (options.json !== null) writeFileSync(options.json, `${JSON.stringify({ outcomes }, null, 2)}\n`)
  if (failed.length > 0) process.exitCode = 1
}

function list(): void {
  const width = Math.max(...ATTACKS.map(({ name }) => name.length))
  for (const { name, threat, title } of ATTACKS) {
    process.stdout.write(`${name.padEnd(width)}  ${title} [${threat}]\n`)
  }
}

function optionsOrUsage(args: readonly string[]): AbuseOptions | null {
  try {
    return parseOptions(args)
  } catch (error) {
    process.stderr.write(`abuse: ${(error as Error).message}\n\n${USAGE}\n`)
    process.exitCode = 2
    return null
  }
}

const options = optionsOrUsage(process.argv.slice(2))
if (options?.action === 'help') process.stdout.write(`${USAGE}\n`)
else if (options?.action === 'list') list()
else if (options !== null) await run(options)
