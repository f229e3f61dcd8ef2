// Runs checks side by side, each after those that it needs and within a deadline. Where one of those found a fault this one is not made: its
// finding names that cause instead of a symptom.
import { setMaxListeners } from 'node:events'
import { ClientError } from '../client/client-error.js'
import { DOCTOR_ANSWER_COUNT_MAX, DOCTOR_WORK_MILLISECONDS_MAX } from '../limits/doctor.js'
import { type Check, type Finding, type Judgement, notChecked } from './check.js'

/** How long a run may take whose checks wait for an answer as long as this. */
export function runMillisecondsMax(patienceMs: number): number {
  return DOCTOR_WORK_MILLISECONDS_MAX + DOCTOR_ANSWER_COUNT_MAX * patienceMs
}

/**
 * The findings in the order of the checks. A check that needs another one stands after it.
 * @param millisecondsMax for all of them: what is not done by then is not checked
 */
export async function runChecks<Scene>(
  checks: readonly Check<Scene>[],
  scene: Scene,
  subject: string,
  millisecondsMax: number,
): Promise<Finding[]> {
  const ending = new AbortController()
  // Every check waits for it, and whatever it opens.
  setMaxListeners(0, ending.signal)
  const timer = setTimeout(() => ending.abort(), millisecondsMax)
  const running = new Map<string, Promise<readonly Judgement[]>>()
  for (const check of checks) running.set(check.id, runAfter(check, scene, running, ending.signal))
  try {
    const results = await Promise.all(
      [...running].map(async ([id, judgements]) => (await judgements).map((one) => ({ id, subject, ...one }))),
    )
    return results.flat()
  } finally {
    clearTimeout(timer)
    ending.abort()
  }
}

async function runAfter<Scene>(
  check: Check<Scene>,
  scene: Scene,
  running: ReadonlyMap<string, Promise<readonly Judgement[]>>,
  signal: AbortSignal,
): Promise<readonly Judgement[]> {
  const needed = await Promise.all(check.needs.map((id) => running.get(id) ?? []))
  const obstacle = needed.flat().find(({ verdict }) => verdict === 'fault' || verdict === 'not-checked')
  if (obstacle !== undefined) return [notChecked(reasonOf(obstacle))]
  try {
    const judged = await Promise.race([check.run(scene, signal), lateness(signal)])
    return Array.isArray(judged) ? judged : [judged as Judgement]
  } catch (error) {
    // What a server did not answer, or with what.
    if (error instanceof ClientError) return [notChecked(error.message)]
    return [notChecked(`the check itself failed: ${error instanceof Error ? error.message : String(error)}`)]
  }
}

/** What was not checked for a cause hands that cause on. */
function reasonOf({ cause, text, verdict }: Judgement): string {
  return verdict === 'fault' ? cause : text
}

function lateness(signal: AbortSignal): Promise<Judgement> {
  const late = () => notChecked('there was no time left for it: a larger --timeout makes the whole run longer')
  if (signal.aborted) return Promise.resolve(late())
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(late()), { once: true }))
}
