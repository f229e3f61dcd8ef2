// `npm run bench`: runs the benches that are asked for, one after the other, and prints tables; see docs/performance.md.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describeHost, type HostFacts, hostFacts } from './host.js'
import { microTable, runMicroBench } from './micro.js'
import { type BenchName, type BenchOptions, parseOptions, USAGE } from './options.js'
import type { ServerCommand } from './relay/server-process.js'
import { formatTable } from './table.js'

/** What one bench has to say: tables for people, data for programs. */
interface Report {
  readonly tables: readonly string[]
  readonly data: unknown
}

const ROOT = new URL('../../', import.meta.url)
const TURND = fileURLToPath(new URL('../src/turnd.js', import.meta.url))

function progress(line: string): void {
  process.stderr.write(`${line}\n`)
}

async function runBench(name: BenchName, options: BenchOptions): Promise<Report> {
  if (name === 'relay') return runRelay(options)
  progress(`${name}: each operation for ${options.seconds} s`)
  const measurements = await runMicroBench(name, options.seconds)
  return { tables: [formatTable(microTable(measurements))], data: measurements }
}

async function runRelay(options: BenchOptions): Promise<Report> {
  if (process.platform !== 'linux')
    throw new Error('bench relay needs Linux: its load generator makes its system calls')
  // Here, because koffi and these calls exist only where this bench can run.
  const { coturnCommand, turndCommand } = await import('./relay/server-process.js')
  const { ratioTable, relayTable, runRelayBench } = await import('./relay.js')
  const turnd = turndCommand(options.turnd ?? TURND, options.engine)
  const coturn = findCoturn(options.coturn, coturnCommand)
  const comparisons = await runRelayBench({ ...options, turnd, coturn: coturn?.command ?? null }, progress)
  const tables = [formatTable(relayTable(comparisons)), formatTable(ratioTable(comparisons))]
  const servers = `turnd: engine ${options.engine}; coturn: ${coturn?.version ?? 'none'}`
  return { tables: [servers, ...tables], data: { servers, comparisons } }
}

function findCoturn(
  program: string,
  command: (program: string) => ServerCommand,
): { command: ServerCommand; version: string } | null {
  if (program === 'none') return null
  const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' })
  if (status === 0) return { command: command(program), version: stdout.trim().split('\n')[0] }
  progress(
    `coturn (${program}) does not run here, so there is nothing to compare with: apt install coturn, or --coturn PATH`,
  )
  return null
}

function save(name: BenchName, host: HostFacts, report: Report): void {
  mkdirSync(new URL('docs/performance/', ROOT), { recursive: true })
  writeJson(fileURLToPath(new URL(`docs/performance/${name}.json`, ROOT)), host, { [name]: report.data })
  const page = new URL('docs/performance.md', ROOT)
  const section = new RegExp(`(<!-- bench ${name} -->\n)[^]*?(<!-- end -->)`)
  const text = readFileSync(page, 'utf8')
  if (!section.test(text)) throw new Error(`docs/performance.md has no section for bench ${name}`)
  const content = [`${describeHost(host)}.`, ...report.tables].join('\n\n')
  writeFileSync(
    page,
    text.replace(section, (_, start: string, end: string) => `${start}\n${content}\n\n${end}`),
  )
}

function writeJson(path: string, host: HostFacts, results: Record<string, unknown>): void {
  writeFileSync(path, `${JSON.stringify({ host, ...results }, null, 2)}\n`)
}

async function main(options: BenchOptions): Promise<void> {
  const host = hostFacts()
  const results: Record<string, unknown> = {}
  for (const name of options.benches) {
    const report = await runBench(name, options)
    results[name] = report.data
    process.stdout.write(`\n${name} (${describeHost(host)})\n\n${report.tables.join('\n\n')}\n\n`)
    if (options.save) save(name, host, report)
  }
  if (options.json !== null) writeJson(options.json, host, results)
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
  await main(options).catch((error: Error) => {
    progress(`bench: ${error.message}`)
    process.exitCode = 1
  })
}
