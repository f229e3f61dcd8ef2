// One cell: the client's call, and what has become of it.
import { ClosingList } from '../../support/closing.js'
import { withDeadline } from '../../support/deadline.js'
import { type Cell, nameOf, type Outcome, supportOf } from './contract.js'
import type { Ground } from './ground.js'

const CELL_MILLISECONDS_MAX = 180_000

/** Never rejects: what goes wrong is an outcome. */
export async function runCell(cell: Cell, ground: Ground): Promise<Outcome> {
  const support = supportOf(cell)
  if (support.kind === 'none') return { cell, verdict: 'none', why: support.why }
  const problems = await problemsOf(cell, ground)
  if (support.kind === 'fails') return explained(cell, support, problems)
  return { cell, verdict: problems.length === 0 ? 'passed' : 'failed', why: problems.join('; ') }
}

function explained(cell: Cell, { why, shows }: { why: string; shows: RegExp }, problems: readonly string[]): Outcome {
  if (problems.some((problem) => shows.test(problem))) return { cell, verdict: 'explained', why }
  const seen = problems.length === 0 ? 'it passes' : problems.join('; ')
  const file = `test/interop/matrix/clients/${cell.client.id}.ts`
  return { cell, verdict: 'failed', why: `not what ${file} expects (${shows}): ${seen}` }
}

async function problemsOf(cell: Cell, ground: Ground): Promise<string[]> {
  const closing = new ClosingList()
  const problems = await called(cell, ground, closing).catch(messageOf)
  return [...problems, ...(await closing.close().then(() => [], messageOf))]
}

async function called(cell: Cell, ground: Ground, closing: ClosingList): Promise<string[]> {
  const call = cell.client.call(ground.target(cell), closing)
  return ground.problems(cell, await withDeadline(call, CELL_MILLISECONDS_MAX, () => nameOf(cell)))
}

function messageOf(error: unknown): string[] {
  return [error instanceof Error ? error.message : String(error)]
}
