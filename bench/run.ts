// `npm run bench`: runs the cases that are asked for, one after the other, and prints tables; see docs/performance.md.
import { writeFileSync } from 'node:fs'
import { runAdmin } from './cases/admin.js'
import { runAllocations } from './cases/allocations.js'
import { runAuthentications } from './cases/authentications.js'
import { runCalls } from './cases/calls.js'
import { runHandshakes } from './cases/handshakes.js'
import { runLatency } from './cases/latency.js'
import { runMemory } from './cases/memory.js'
import { runCodec, runCore } from './cases/micro-cases.js'
import { runMixed } from './cases/mixed.js'
import { runProfile } from './cases/profile.js'
import { runRelay } from './cases/relay.js'
import { runStart } from './cases/start.js'
import { runStreams } from './cases/streams.js'
import { BenchContext } from './context.js'
import { describeHost, hostFacts } from './host.js'
import { isInNamespace, runInNamespace } from './namespace.js'
import { type BenchOptions, type CaseName, parseOptions, USAGE } from './options.js'
import { type Report, targetTable } from './report.js'
import { formatSection, saveCase, saveSummary, toJson } from './saved.js'
import { formatTable } from './table.js'

const CASES: Readonly<Record<CaseName, (context: BenchContext) => Promise<Report>>> = {
  core: runCore,
  codec: runCodec,
  start: runStart,
  memory: runMemory,
  allocations: runAllocations,
  authentications: runAuthentications,
  relay: runRelay,
  latency: runLatency,
  mixed: runMixed,
  streams: runStreams,
  handshakes: runHandshakes,
  admin: runAdmin,
  calls: runCalls,
  profile: runProfile,
}
/** They need no sockets. */
const PORTABLE_CASES: readonly CaseName[] = ['core', 'codec']

const start = performance.now()

function progress(line: string): void {
  const seconds = Math.round((performance.now() - start) / 1000)
  process.stderr.write(`${String(seconds).padStart(4)} s  ${line}\n`)
}

async function runCases(options: BenchOptions): Promise<void> {
  const host = hostFacts()
  const context = new BenchContext(options, isInNamespace(), progress)
  if (!isInNamespace())
    progress('no network namespace here: single packets leave by ordinary sockets, and fewer of them')
  const reports = new Map<CaseName, Report>()
  for (const name of options.cases) {
    if (process.platform !== 'linux' && !PORTABLE_CASES.includes(name)) throw new Error(`bench ${name} needs Linux`)
    const report = await CASES[name](context)
    reports.set(name, report)
    process.stdout.write(`\n${name} (${describeHost(host)})\n\n${report.sections.map(formatSection).join('\n\n')}\n\n`)
    if (options.save && name !== 'profile') saveCase(name, host, report)
  }
  const targets = [...reports.values()].flatMap((report) => report.targets)
  if (targets.length > 0) process.stdout.write(`\nTargets\n\n${formatTable(targetTable(targets))}\n\n`)
  if (options.save) saveSummary()
  if (options.json !== null) writeFileSync(options.json, toJson({ host, cases: Object.fromEntries(reports) }))
}

function optionsOrUsage(args: readonly string[]): BenchOptions | null {
  try {
    const options = parseOptions(args)
    if (!options.help) return options
    process.stdout.write(`${USAGE}\n`)
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\n\n${USAGE}\n`)
    process.exitCode = 2
  }
  return null
}

const options = optionsOrUsage(process.argv.slice(2))
if (options !== null) {
  const code = await runInNamespace(import.meta.url, process.argv.slice(2))
  if (code !== null) process.exitCode = code
  else {
    await runCases(options).catch((error: Error) => {
      progress(`bench: ${error.message}`)
      process.exitCode = 1
    })
  }
}
