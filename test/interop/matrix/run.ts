// The command `npm run interop`: a line of progress for each cell, the table in the end, and docs/interop.md after a whole run. Exit code 1
// when a cell failed that nobody has explained.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ClosingList } from '../../support/closing.js'
import type { EngineUnderTest } from '../../support/engines.js'
import { peerOrSkip } from '../../support/peers.js'
import { projectRoot } from '../../support/project-root.js'
import { CLIENTS, cellsOf } from './catalogue.js'
import { type InteropOptions, parseOptions, USAGE } from './command-line.js'
import { type Cell, type MatrixClient, nameOf, type Outcome } from './contract.js'
import { startGround } from './ground.js'
import { interopPage, interopTable, type Versions } from './page.js'
import { runCell } from './run-cell.js'

const start = performance.now()

function progress(line: string): void {
  process.stderr.write(`${String(Math.round((performance.now() - start) / 1000)).padStart(4)} s  ${line}\n`)
}

async function run({ clients, transports, engines, isWhole }: InteropOptions): Promise<void> {
  const missing = [...clients.flatMap(({ needs }) => needs), 'IPv6 loopback' as const].map((peer) => peerOrSkip(peer))
  const reasons = [...missing, ...engines.map(({ skip }) => skip)].filter((reason) => reason !== false)
  if (reasons.length > 0) throw new Error([...new Set(reasons)].join('; '))
  const versions = await versionsOf(clients)
  const outcomes: Outcome[] = []
  for (const engine of engines) outcomes.push(...(await runEngine(engine, cellsOf(clients, transports, [engine]))))
  process.stdout.write(`\n${interopTable(versions, outcomes)}\n`)
  const failed = outcomes.filter(({ verdict }) => verdict === 'failed')
  for (const { cell, why } of failed) process.stdout.write(`\nFAIL: ${nameOf(cell)}: ${why}\n`)
  if (failed.length > 0) process.exitCode = 1
  else if (isWhole) writePage(versions, outcomes)
}

async function runEngine(engine: EngineUnderTest, cells: readonly Cell[]): Promise<Outcome[]> {
  const closing = new ClosingList()
  const outcomes: Outcome[] = []
  try {
    const ground = await startGround(closing, engine, cells)
    for (const cell of cells) {
      const outcome = await runCell(cell, ground)
      outcomes.push(outcome)
      const reason = outcome.verdict === 'failed' ? `: ${outcome.why}` : ''
      if (outcome.verdict !== 'none') progress(`${nameOf(cell)}: ${outcome.verdict}${reason}`)
    }
  } finally {
    await closing.close()
  }
  return outcomes
}

async function versionsOf(clients: readonly MatrixClient[]): Promise<Versions> {
  const pairs = clients.map(async (client) => [client.id, await client.version()] as const)
  return Object.fromEntries(await Promise.all(pairs))
}

function writePage(versions: Versions, outcomes: readonly Outcome[]): void {
  const page = join(projectRoot, 'docs', 'interop.md')
  const machine = { text: `${systemName()}, ${process.arch}, Node.js ${process.versions.node}` }
  writeFileSync(page, interopPage(machine, versions, outcomes))
  process.stdout.write(`\nwrote ${page}\n`)
}

function systemName(): string {
  return /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? process.platform
}

function list(): void {
  const width = Math.max(...CLIENTS.map(({ id }) => id.length))
  for (const { id, name, how } of CLIENTS) process.stdout.write(`${id.padEnd(width)}  ${name}: ${how}\n`)
}

function optionsOrUsage(args: readonly string[]): InteropOptions | null {
  try {
    return parseOptions(args)
  } catch (error) {
    process.stderr.write(`interop: ${(error as Error).message}\n\n${USAGE}\n`)
    process.exitCode = 2
    return null
  }
}

const options = optionsOrUsage(process.argv.slice(2))
if (options?.action === 'help') process.stdout.write(`${USAGE}\n`)
else if (options?.action === 'list') list()
else if (options !== null) {
  await run(options).catch((error: Error) => {
    process.stderr.write(`interop: ${error.message}\n`)
    process.exitCode = 1
  })
}
