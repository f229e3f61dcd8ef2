// Debian's coturn client against Debian's coturn server and against turnd on both engines, the same commands, as a table in comments:
// where the client loses nothing against its own server, it must lose nothing here. Only with `npm run test:long`.
import t, { type Test } from 'tap'
import { testCertificate } from '../support/certificate.js'
import { startCoturn } from '../support/coturn-server.js'
import { startEchoPeer } from '../support/echo-peer.js'
import { ENGINES, withoutDtls } from '../support/engines.js'
import { peerOrSkip } from '../support/peers.js'
import { startServerOn } from '../support/server-process.js'
import { runUclient, UCLIENT_PASSWORD } from '../support/uclient.js'
import { ODD_COMMANDS, STREAM_COMMANDS, type StreamCommand, streamServerArgs } from '../support/uclient-commands.js'
import { loadFlags } from '../support/uclient-load.js'

const RELAY_PORTS = {
  coturn: { first: 19_600, last: 19_699 },
  dgram: ['--min-port', '19700', '--max-port', '19799'],
  native: ['--min-port', '19800', '--max-port', '19899'],
}
const LOAD = { messages: 200, clients: 8, length: 1000 }
/** A run that has not ended by then counts as one that lost everything. */
const RUN_MILLISECONDS_MAX = 40_000
const COMMANDS = [...STREAM_COMMANDS, ...ODD_COMMANDS].filter(({ scheme }) => scheme !== 'dtls' || !withoutDtls)

/** Messages that were lost, or were never sent; null if the client did not come to an end. */
type Loss = number | null

interface Contestant {
  readonly name: string
  port(scheme: StreamCommand['scheme']): number
}

const isShort = process.env.TURND_TEST_LONG !== '1' && 'npm run test:long has it'
const skip = peerOrSkip('turnutils_uclient') || isShort

t.setTimeout(COMMANDS.length * (ENGINES.length + 1) * RUN_MILLISECONDS_MAX)

t.test('the coturn client loses nothing here where it loses nothing against coturn', { skip }, async (t) => {
  const peerPort = await startEchoPeer(t)
  const coturn = await startCoturn(t, testCertificate(), RELAY_PORTS.coturn)
  const contestants = [coturn, ...(await startEngines(t))]
  t.comment(row(['command', ...contestants.map(({ name }) => `${name} lost`)]))
  for (const command of COMMANDS) {
    const losses: Loss[][] = []
    for (const contestant of contestants) losses.push(await lossesOf(contestant, command, peerPort))
    const cells = losses.map((runs) => runs.map((loss) => loss ?? 'no end').join(', '))
    t.comment(row([command.flagsFor(peerPort).join(' '), ...cells]))
    if (!losses[0].includes(0)) continue
    for (const [index, { name }] of contestants.entries()) t.ok(losses[index].includes(0), `${command.name}, ${name}`)
  }
})

async function startEngines(t: Test): Promise<Contestant[]> {
  const contestants: Contestant[] = []
  for (const engine of ENGINES.filter(({ skip }) => skip === false)) {
    const args = [...streamServerArgs(testCertificate()), ...RELAY_PORTS[engine.name]]
    const server = await startServerOn(t, engine, args)
    contestants.push({ name: `turnd ${engine.name}`, port: (scheme) => server.port('', scheme) })
  }
  return contestants
}

/**
 * What was lost in a run, or in both when the first one lost something: the client itself loses messages that come in one TLS record,
 * which happens when anything holds up the machine.
 */
async function lossesOf(contestant: Contestant, command: StreamCommand, peerPort: number): Promise<Loss[]> {
  const first = await lossOf(contestant, command, peerPort)
  return first === 0 || ODD_COMMANDS.includes(command) ? [first] : [first, await lossOf(contestant, command, peerPort)]
}

async function lossOf(contestant: Contestant, command: StreamCommand, peerPort: number): Promise<Loss> {
  const flags = loadFlags({ ...LOAD, flags: command.flagsFor(peerPort) })
  const target = { host: '127.0.0.1', port: contestant.port(command.scheme), password: UCLIENT_PASSWORD }
  const report = await runUclient({ ...target, flags, milliseconds: RUN_MILLISECONDS_MAX })
  return report.exitCode === 0 && report.sent >= 0 ? LOAD.messages * LOAD.clients - report.received : null
}

function row([command, ...cells]: string[]): string {
  return `${command.padEnd(34)}${cells.map((cell) => cell.padStart(20)).join('')}`
}
