// Requests of clients that have credentials, many at once: each of some clients asks again as soon as it has its answer.
import type { ReceivedMessage } from '../support/received-message.js'
import type { TurnClient } from '../support/turn-client.js'
import type { AttackReport } from './attack.js'
import type { Ground } from './ground.js'

export interface StormPlan {
  readonly clients: readonly TurnClient[]
  /** Requests of each client that are on their way at a time. */
  readonly depth: number
  readonly milliseconds: number
  readonly countMax?: number
  /** At least so many, however long it takes. */
  readonly countMin?: number
  /** One request, or a few that belong together; the number counts all of them. */
  readonly request: (client: TurnClient, index: number) => Promise<ReceivedMessage>
}

export interface StormResult {
  readonly count: number
  readonly milliseconds: number
  /** How often each answer came: 0 is success. */
  readonly codes: ReadonlyMap<number, number>
}

export async function storm(plan: StormPlan): Promise<StormResult> {
  const { clients, countMax = Number.POSITIVE_INFINITY, countMin = 0, depth, milliseconds, request } = plan
  const start = performance.now()
  const codes = new Map<number, number>()
  let count = 0
  const asker = async (client: TurnClient): Promise<void> => {
    while (count < countMin || (performance.now() - start < milliseconds && count < countMax)) {
      const { code } = await request(client, count++)
      codes.set(code, (codes.get(code) ?? 0) + 1)
    }
  }
  await Promise.all(clients.flatMap((client) => Array.from({ length: depth }, () => asker(client))))
  return { count, milliseconds: performance.now() - start, codes }
}

/** What the ground's own clients have done. */
export function stormReport(ground: Ground, milliseconds: number, failures: readonly string[]): AttackReport {
  return { ...ground.traffic, unit: 'requests', milliseconds, failures }
}

/** A sentence if the answers are not these and only these; the counts where they are known. */
export function codeFailures({ codes }: StormResult, expected: Readonly<Record<number, number | 'some'>>): string[] {
  const failures: string[] = []
  for (const [code, count] of codes) {
    const wanted = expected[code]
    if (wanted === undefined) failures.push(`${count} answers ${code}`)
    else if (wanted !== 'some' && wanted !== count) failures.push(`${count} answers ${code}, not ${wanted}`)
  }
  for (const [code, wanted] of Object.entries(expected)) {
    if (!codes.has(Number(code))) failures.push(`no answer ${code}, which ${wanted} should be`)
  }
  return failures
}
