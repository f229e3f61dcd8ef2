// docs/interop.md as text: the table of outcomes, and what its signs stand for.
import { type Cell, FAMILIES, type MatrixClient, MESSAGE_COUNT, type Outcome, TRANSPORTS } from './contract.js'

const SIGNS: Readonly<Record<Outcome['verdict'], string>> = { passed: '✓', none: '–', explained: '✗', failed: '✗' }

/** Where it was run, in one line, such as `Debian GNU/Linux 12 (bookworm), x64, Node.js 20.20.2`. */
export interface Machine {
  readonly text: string
}

/** By the client's id. */
export type Versions = Readonly<Record<string, string>>

/** @param outcomes of all cells of these clients, in any order */
export function interopPage(machine: Machine, versions: Versions, outcomes: readonly Outcome[]): string {
  const notes = notesOf(outcomes)
  const clients = [...new Set(outcomes.map(({ cell }) => cell.client))]
  const lines = [
    '# Which clients were seen to work',
    '',
    '<!-- Written by `npm run interop`: do not edit. -->',
    '',
    'Real clients called through a turnd of this version, over each transport that they have to the server, on both engines. ✓ is a call between two sides that may use relayed candidates only:',
    `${MESSAGE_COUNT} messages each way, all of which arrived unchanged and in order (of coturn’s client: counted; browsers: audio and video besides), by a pair of two relays; and by the server's log both sides had an allocation over that transport`,
    'and family, and nothing was refused. – is a transport that the client does not have. ✗ is a call that did not succeed. The numbers say why, below. IPv4 and IPv6 are how the client reaches the server; of these clients only',
    'coturn’s asks for IPv6 relays. Engines: [architecture.md](architecture.md#threads).',
    '',
    ...tableOf(clients, versions, outcomes, notes),
    '',
    `Run on ${machine.text}, client and server on loopback. \`npm run interop\` runs all of it again and writes this page (\`--help\` says how to run a part of it); every test run calls once with each client`,
    'and compares this page with what the code says of them (`test/interop/matrix.test.ts`).',
    '',
    '## Why not',
    '',
    ...notes.map((why, index) => `${index + 1}. ${why}`),
    '',
    '## What those who use them should know',
    '',
    ...clients.flatMap(({ name, remarks }) => remarks.map((remark) => `- ${name}: ${remark}`)),
    '',
    '## How each is driven',
    '',
    ...clients.map(({ name, how }) => `- ${name}: ${how}.`),
  ]
  return `${lines.join('\n')}\n`
}

/** The table alone, for a terminal. */
export function interopTable(versions: Versions, outcomes: readonly Outcome[]): string {
  const clients = [...new Set(outcomes.map(({ cell }) => cell.client))]
  const notes = notesOf(outcomes)
  return [
    ...tableOf(clients, versions, outcomes, notes),
    '',
    ...notes.map((why, index) => `${index + 1}. ${why}`),
  ].join('\n')
}

/** Each reason once, in the order of the table. */
function notesOf(outcomes: readonly Outcome[]): string[] {
  return [...new Set(outcomes.filter(({ verdict }) => verdict !== 'passed').map(({ why }) => why))]
}

function tableOf(
  clients: readonly MatrixClient[],
  versions: Versions,
  outcomes: readonly Outcome[],
  notes: readonly string[],
): string[] {
  const columns = TRANSPORTS.flatMap((transport) => FAMILIES.map((family) => ({ transport, family }))).filter(
    ({ transport, family }) => outcomes.some(({ cell }) => cell.transport === transport && cell.family === family),
  )
  const engines = [...new Set(outcomes.map(({ cell }) => cell.engine.name))]
  const signOf = (wanted: Pick<Cell, 'transport' | 'family'>, client: MatrixClient, engine: string) => {
    const outcome = outcomes.find(
      ({ cell }) =>
        cell.client === client &&
        cell.engine.name === engine &&
        cell.transport === wanted.transport &&
        cell.family === wanted.family,
    )
    if (outcome === undefined) return ''
    const sign = SIGNS[outcome.verdict]
    return outcome.verdict === 'passed' ? sign : `${sign} ${notes.indexOf(outcome.why) + 1}`
  }
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [
    row(['client', 'engine', ...columns.map(({ transport, family }) => `${transport.toUpperCase()} ${family}`)]),
    row(['---', '---', ...columns.map(() => ':-:')]),
    ...clients.flatMap((client) =>
      engines.map((engine) =>
        row([
          `${client.name} ${versions[client.id]}`,
          engine,
          ...columns.map((column) => signOf(column, client, engine)),
        ]),
      ),
    ),
  ]
}

/** What the page says of machine and versions, or null for a page of another shape. */
export function readPage(
  text: string,
  clients: readonly MatrixClient[],
): { machine: Machine; versions: Versions } | null {
  const [, machine] = /^Run on (.*), client and server on loopback\./m.exec(text) ?? []
  const versions: Record<string, string> = {}
  for (const { id, name } of clients) {
    const start = `| ${name} `
    const line = text.split('\n').find((candidate) => candidate.startsWith(start))
    const version = line?.slice(start.length).split(' |')[0]
    if (version === undefined) return null
    versions[id] = version
  }
  return machine === undefined ? null : { machine: { text: machine }, versions }
}
