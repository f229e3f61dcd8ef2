// The command `npm run abuse`: the attacks that are asked for, a line of progress for each, and tables in the end. Exit code 1 when a rule
// was broken.
import { writeFileSync } from 'node:fs'
import { formatTable } from '../../bench/table.js'
import { amplificationFailures, amplificationTable, type Measured } from './amplification.js'
import { measureCoturn, measureTurnd } from './amplification-servers.js'
import type { Outcome } from './attack.js'
import { runCampaign } from './campaign.js'
import { ATTACKS } from './catalogue.js'
import { type AbuseOptions, parseOptions, USAGE } from './command-line.js'
import { IDLE_MACHINE_RULES, USUAL_RULES } from './judge.js'
import { outcomeLine, outcomeTable, skipFailures, summaryOf } from './report.js'

/** After an attack, and before the next one on the same server. */
const SETTLE_MILLISECONDS = 2_000
const QUICK_SETTLE_MILLISECONDS = 1_000
const WARM_UP_SECONDS = 1.2
const QUICK_WARM_UP_SECONDS = 0.5

const start = performance.now()

function progress(line: string): void {
  process.stderr.write(`${String(Math.round((performance.now() - start) / 1000)).padStart(4)} s  ${line}\n`)
}

async function run(options: AbuseOptions): Promise<void> {
  const outcomes: Outcome[] = []
  const usualRules = options.isQuick ? USUAL_RULES : IDLE_MACHINE_RULES
  for (const engine of options.engines) {
    outcomes.push(
      ...(await runCampaign({
        engine,
        attacks: options.attacks,
        seconds: (attack) => options.seconds ?? (options.isQuick ? attack.shortSeconds : attack.seconds),
        sharesServers: options.isQuick,
        usualRules,
        warmUpSeconds: options.isQuick ? QUICK_WARM_UP_SECONDS : WARM_UP_SECONDS,
        settleMilliseconds: options.isQuick ? QUICK_SETTLE_MILLISECONDS : SETTLE_MILLISECONDS,
        onAttack: ({ name, title }) => progress(`${engine.name}: ${name} (${title}) …`),
        onMeasured: (outcome) => progress(outcomeLine(outcome)),
      })),
    )
  }
  const amplification = await measureAmplification(options)
  const sections = [formatTable(outcomeTable(outcomes)), 'Amplification', amplification.table]
  const skips = skipFailures(outcomes, process.env.CI === 'true').map((failure) => `FAIL: ${failure}`)
  const failures = [...outcomes.flatMap(failureLines), ...amplification.failures, ...skips]
  const p99 = `the innocent’s p99 may be ${usualRules.p99MillisecondsMax} ms`
  const summary = `${summaryOf(outcomes)}; ${failures.length} broken rules; ${p99}`
  const text = `${[...sections, summary, ...failures].join('\n\n')}\n`
  process.stdout.write(`\n${text}`)
  if (options.markdown !== null) writeFileSync(options.markdown, text)
  if (options.json !== null) {
    writeFileSync(options.json, `${JSON.stringify({ outcomes, amplification: amplification.servers }, null, 2)}\n`)
  }
  if (failures.length > 0) process.exitCode = 1
}

function failureLines({ attack, engine, failures }: Outcome): string[] {
  return failures.map((failure) => `FAIL: ${attack}, ${engine}: ${failure}`)
}

async function measureAmplification({ engines }: AbuseOptions) {
  const servers: Measured[] = []
  const failures: string[] = []
  for (const engine of engines.filter(({ skip }) => skip === false)) {
    const measured = await measureTurnd(engine)
    servers.push(measured)
    failures.push(
      ...amplificationFailures(measured).map((failure) => `FAIL: amplification, ${engine.name}: ${failure}`),
    )
  }
  const coturn = await measureCoturn()
  if (coturn === null) progress('coturn is not installed: its figures are left out')
  else servers.push(coturn)
  return { servers, failures, table: amplificationTable(servers) }
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
