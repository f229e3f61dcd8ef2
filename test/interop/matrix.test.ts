// Every client of the matrix calls through a real server: once here, together over every transport and both families; over all that it has
// and on both engines in the long run. And docs/interop.md says what the code says of them.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ENGINES, ENGINES_IN_TIME, MAIN_ENGINE, withoutDtls } from '../support/engines.js'
import { peerOrSkip } from '../support/peers.js'
import { projectRoot } from '../support/project-root.js'
import { CLIENTS, cellsOf } from './matrix/catalogue.js'
import { type Cell, type Family, type Outcome, supportOf, TRANSPORTS, type Transport } from './matrix/contract.js'
import { startGround } from './matrix/ground.js'
import { interopPage, readPage } from './matrix/page.js'
import { runCell } from './matrix/run-cell.js'

const isLong = process.env.TURND_TEST_LONG === '1'

/** The short run: what a client has of its own, and each transport and family by one of them. */
const ONCE: Readonly<Record<string, readonly [Transport, Family]>> = {
  chromium: ['tcp', 'IPv6'],
  firefox: ['tls', 'IPv4'],
  wrtc: ['udp', 'IPv4'],
  werift: ['tcp', 'IPv4'],
  libnice: ['udp', 'IPv6'],
  aioice: ['tls', 'IPv6'],
  coturn: ['dtls', 'IPv4'],
}

const TABLE_ENGINES = [...ENGINES].reverse()

t.setTimeout(isLong ? 1_800_000 : 240_000)

t.test('docs/interop.md', async (t) => {
  const text = readFileSync(join(projectRoot, 'docs', 'interop.md'), 'utf8')
  const known = readPage(text, CLIENTS)

  t.test('names a version of every client, and a machine', async (t) => t.not(known, null))

  t.test('has every cell, and a reason for each that is no call: npm run interop writes it', async (t) => {
    const outcomes = cellsOf(CLIENTS, TRANSPORTS, TABLE_ENGINES).map(expectedOutcome)
    t.same(text.split('\n'), known && interopPage(known.machine, known.versions, outcomes).split('\n'))
  })

  t.test('would not be the same if a cell had failed without an explanation', async (t) => {
    const cells = cellsOf(CLIENTS, TRANSPORTS, TABLE_ENGINES)
    for (const broken of [cells[0], cells.at(-1)]) {
      const outcomes = cells.map((cell): Outcome => {
        const expected = expectedOutcome(cell)
        return cell === broken ? { cell, verdict: 'failed', why: 'nobody knows' } : expected
      })
      t.not(known && interopPage(known.machine, known.versions, outcomes), text)
    }
  })
})

for (const engine of ENGINES_IN_TIME) {
  const cells = cellsOf(CLIENTS, TRANSPORTS, [engine]).filter((cell) => isLong || isChosen(cell))
  const skip = engine.skip || peerOrSkip('IPv6 loopback', 'openssl')

  // A browser that starts waits for its disk as long as it computes, and the others wait for their timers.
  t.test(`calls of real clients, ${engine.name} engine`, { skip, jobs: isLong ? 1 : 3 }, async (t) => {
    const ground = await startGround(t, engine, cells)
    for (const cell of cells) {
      const { client, family, transport } = cell
      const support = supportOf(cell)
      if (support.kind === 'none') continue
      const lacking = peerOrSkip(...client.needs) || (transport === 'dtls' && withoutDtls)
      const what = support.kind === 'has' ? 'loses nothing between two relays' : 'fails for the reason that is known'
      t.test(
        `${client.name} over ${transport.toUpperCase()} and ${family} ${what}`,
        { skip: lacking, buffered: true },
        async (t) => {
          const { verdict, why } = await runCell(cell, ground)
          t.equal(verdict, support.kind === 'has' ? 'passed' : 'explained', why)
        },
      )
    }
  })
}

t.test('the short run has every client, transport and family', { skip: isLong }, async (t) => {
  const chosen = cellsOf(CLIENTS, TRANSPORTS, [MAIN_ENGINE]).filter(isChosen)
  t.same(new Set(chosen.map(({ client }) => client)), new Set(CLIENTS))
  t.same(new Set(chosen.map(({ transport }) => transport)), new Set(TRANSPORTS))
  t.same(new Set(chosen.map(({ family }) => family)), new Set(['IPv4', 'IPv6']))
  for (const cell of chosen) t.equal(supportOf(cell).kind, 'has')
})

function isChosen({ client, transport, family }: Cell): boolean {
  const [ofTransport, ofFamily] = ONCE[client.id] ?? []
  return transport === ofTransport && family === ofFamily
}

function expectedOutcome(cell: Cell): Outcome {
  const support = supportOf(cell)
  if (support.kind === 'has') return { cell, verdict: 'passed', why: '' }
  return { cell, verdict: support.kind === 'none' ? 'none' : 'explained', why: support.why }
}
