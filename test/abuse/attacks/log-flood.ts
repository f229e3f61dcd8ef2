// Row "logs": hostile user names never break a line, and a reader of the log that does not read stops nothing.
import { until } from '../../command/until.js'
import type { ServerProcess } from '../../support/server-process.js'
import type { TurnClient } from '../../support/turn-client.js'
import type { Attack, AttackReport } from '../attack.js'
import { type Ground, MALLORY } from '../ground.js'
import { storm, stormReport } from '../storm.js'

const CLIENT_COUNT = 20
const HOSTILE_NAMES: readonly string[] = [
  'line\nbreak',
  'return\r\n{"event":"ready"}',
  'quote"} {"level":"fatal"',
  '\u001b[2J\u001b]0;title\u0007',
  '\u0000nul',
  '\u2028separator\u2029',
  '\u202egnp.exe',
  'back\\slash\\',
  `$\{jndi:ldap://127.0.0.1/a}`,
  '%s%n%x'.repeat(60),
]
const QUIET_MILLISECONDS_MAX = 20_000

/** A line of the log for each allocation, for each deletion, and for refusals, as many as are let through. */
async function logFlood(ground: Ground): Promise<AttackReport> {
  const froms = Array.from({ length: CLIENT_COUNT }, (_, index) => `127.30.1.${1 + index}`)
  const clients = await Promise.all(froms.map((from) => ground.client(MALLORY, from)))
  const request = async (client: TurnClient, index: number) => {
    const allocated = await client.allocate()
    if (allocated.code !== 0) return allocated
    // Past the budget of failures it goes unanswered: nobody waits for it.
    const username = HOSTILE_NAMES[index % HOSTILE_NAMES.length]
    client.transport.send(client.message(0x004, () => {}, { username, password: 'wrong' }))
    return client.refresh({ lifetimeSeconds: 0 })
  }
  const { milliseconds } = await storm({ clients, depth: 1, milliseconds: ground.milliseconds, request })
  return stormReport(ground, milliseconds, [])
}

function watch(server: ServerProcess): () => Promise<readonly string[]> {
  const [textBefore, linesBefore] = [server.output.length, server.logLines.length]
  server.pauseOutput()
  return async () => {
    server.resumeOutput()
    let length = -1
    await until(
      () => {
        const isQuiet = length === server.output.length
        length = server.output.length
        return isQuiet
      },
      'the log has been read',
      QUIET_MILLISECONDS_MAX,
    )
    const lineCount = server.output.slice(textBefore).split('\n').length - 1
    const parsedCount = server.logLines.length - linesBefore
    const failures: string[] = []
    if (parsedCount !== lineCount) failures.push(`${lineCount - parsedCount} of ${lineCount} lines are no JSON`)
    if (server.linesOf('ready').length !== 1) failures.push('a user name has become a line')
    if (!server.linesOf('refusal').some(({ user }) => HOSTILE_NAMES.includes(String(user))))
      failures.push('no refusal of a hostile name was logged')
    return failures
  }
}

export const LOG_FLOOD: readonly Attack[] = [
  {
    name: 'log-flood',
    title: 'hostile user names and many allocations, while nobody reads the log',
    threat: 'logs',
    seconds: 3,
    shortSeconds: 0.5,
    // Lines that wait are up to 4 MiB, which Node holds as text and as bytes; and thousands of allocations come and go meanwhile.
    rules: { growthBytesMax: 48 * 1024 * 1024, remainingBytesMax: 48 * 1024 * 1024 },
    run: logFlood,
    watch,
  },
]
