// `turnd probe` against Debian's coturn and against turnd, over UDP, TCP, TLS and DTLS: the same table; and what it says when something is wrong.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { runProbeCommand } from '../../src/commands/probe.js'
import { createTurnServer } from '../../src/index.js'
import { runTurnd } from '../command/run-turnd.js'
import { makeCertificate, testCertificate } from '../support/certificate.js'
import { startCoturn } from '../support/coturn-server.js'
import { DGRAM, withoutDtls } from '../support/engines.js'
import { closedPort } from '../support/http-stage.js'
import { peerOrSkip } from '../support/peers.js'
import { type ServerProcess, startServer } from '../support/server-process.js'
import { UCLIENT_PASSWORD, UCLIENT_USER } from '../support/uclient.js'

const HOST = '127.0.0.1'
const USER = ['--user', `${UCLIENT_USER}:${UCLIENT_PASSWORD}`]
/** Some packets of each kind: whether it works, not how well. */
const SHORT = ['--count', '8', '--seconds', '0.1', '--rate', '800k', '--timeout', '3']
const SECRET = 'north by northwest'
const TRANSPORTS = ['udp', 'tcp', 'tls', ...(withoutDtls ? [] : ['dtls'])]

interface Report {
  readonly uri: string
  readonly transport: string
  readonly outcome: string
  readonly realm: string
  readonly path: string
  readonly lifetimeSeconds: number
  readonly roundTrips: { readonly receivedCount: number; readonly times: Readonly<Record<string, number>> }
  readonly throughput: { readonly receivedCount: number }
  readonly failure: { readonly stage: string; readonly code: string; readonly message: string } | null
}

/** The command within this process: a start takes longer than what most of these do. */
async function probe(args: readonly string[], input = '') {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  stdin.end(input)
  const io = { stdin, stdout, stderr, once: () => {}, off: () => {} }
  const code = await runProbeCommand([...args, ...SHORT, '--json'], io)
  const [output, errors] = [stdout, stderr].map((stream) => String(stream.read() ?? ''))
  const reports: Report[] = output === '' ? [] : JSON.parse(output).targets
  return { code, reports, stderr: errors, stdout: output }
}

function startTurnd(t: Test): Promise<ServerProcess> {
  const { certPath, keyPath } = testCertificate()
  return startServer(t, [
    ...TRANSPORTS.flatMap((transport) => ['--listen', `${transport}:${HOST}:0`]),
    ...['--cert', certPath, '--key', keyPath, '--relay-ip', HOST, '--realm', 'turnuser', ...USER],
    ...['--min-port', '20200', '--max-port', '20249', '--workers', '1', '--stream-workers', '1'],
  ])
}

/** A server that makes no second allocation for a user: its relays have no other relay as their peer. */
async function startFrugalServer(t: Test): Promise<number> {
  const server = createTurnServer({
    ...{ listen: `udp:${HOST}:0`, relayIp: HOST, minPort: 20_250, maxPort: 20_299, ...DGRAM.options },
    ...{ authSecret: SECRET, userQuota: 1, allowPeer: '127.0.0.0/8' },
  })
  t.teardown(() => server.stop())
  await server.start()
  return server.address()[0].port
}

/** A line without its numbers and addresses, and without what aligns it. */
function shapeOf(line: string): string {
  return line
    .replaceAll(/\b(Coturn-.*|\d+(?:\.\d+)*)/g, (text) => (text.startsWith('Coturn') ? text : '#'))
    .replaceAll(/ +/g, ' ')
    .trim()
}

t.test('turnd probe', async (t) => {
  const ca = ['--ca', testCertificate().certPath]
  const directory = t.testdir()
  const secretFile = join(directory, 'secret')
  writeFileSync(secretFile, `# of the web service\n${SECRET}\n`)
  const [server, frugalPort] = await Promise.all([startTurnd(t), startFrugalServer(t)])
  const uris = (ports: (transport: string) => number) =>
    TRANSPORTS.map((transport) => {
      const scheme = transport === 'tls' || transport === 'dtls' ? 'turns' : 'turn'
      const carrier = transport === 'udp' || transport === 'dtls' ? 'udp' : 'tcp'
      return `${scheme}:${HOST}:${ports(transport)}?transport=${carrier}`
    })
  const ownUris = uris((transport) => server.port('', transport as 'udp'))

  t.test('measures every transport of turnd, and of coturn, in the same table', async (t) => {
    const skip = peerOrSkip('turnserver')
    const coturn = skip ? null : await startCoturn(t, testCertificate(), { first: 20_300, last: 20_399 })
    const theirs = uris((transport) => coturn?.port(transport === 'udp' ? 'tcp' : (transport as 'tls')) ?? 0)
    const both = [...ownUris, ...(coturn === null ? [] : theirs)]
    const { code, reports, stderr } = await probe([...both, ...USER, ...ca])
    t.equal(code, 0, stderr)
    t.same(
      reports.map(({ transport }) => transport),
      both.length === TRANSPORTS.length ? TRANSPORTS : [...TRANSPORTS, ...TRANSPORTS],
    )
    for (const report of reports) {
      t.match(report, { outcome: 'works', realm: 'turnuser', lifetimeSeconds: 600, path: 'relay-to-relay' }, report.uri)
      // How many and how fast is the machine's affair: it may be busy.
      t.ok(report.roundTrips.receivedCount >= 1, report.uri)
      t.ok(report.throughput.receivedCount >= 1, report.uri)
    }
    if (coturn === null) return
    // The command as its own process, once: the lines of the two differ in nothing but numbers, addresses and what coturn calls itself.
    const args = ['probe', ownUris[0], theirs[0], ...USER, ...SHORT]
    const { code: exitCode, stdout } = await runTurnd(args, { cwd: directory })
    t.equal(exitCode, 0)
    const lines = stdout.trimEnd().split('\n').map(shapeOf)
    t.equal(lines.length, 7, stdout)
    t.match(lines[0], /^result connect answer RTT min median p95 max jitter loss throughput loss/)
    t.match(lines[1], /^UDP # works – # ms # ms # ms # ms # ms # ms # % # Mbit\/s # %$/)
    t.equal(lines[1], lines[2])
    // Nobody was asked for permission to reach this machine at ours: 403. Coturn was.
    t.equal(lines[5], 'UDP # #:# #:# #:# # s relay-to-relay # turnuser –')
    t.match(lines[6], /^UDP # #:# #:# #:# # s relay-to-relay both ways turnuser Coturn-/)
  })

  t.test('makes TURN REST credentials, and takes a socket of its own where there is no second relay', async (t) => {
    const uri = `turn:${HOST}:${frugalPort}?transport=udp`
    const { code, reports, stderr } = await probe([uri, '--auth-secret-file', secretFile, '--user', 'alice'])
    t.equal(code, 0, stderr)
    t.match(reports, [{ outcome: 'works', path: 'relay-to-socket', reach: { toPeer: true, fromPeer: true } }])
    const wrong = join(directory, 'wrong')
    writeFileSync(wrong, 'south\n')
    const refused = await probe([uri, '--auth-secret-file', wrong])
    t.equal(refused.code, 1)
    t.match(refused.reports, [{ failure: { stage: 'allocate', code: 'stun-error', number: 401 } }])
    t.match(refused.stderr, /401.*compare the user name, the password or the secret, and the clocks/)
    t.notMatch(refused.stderr + refused.stdout, /south/)
  })

  t.test('reads a password from standard input or a file, and says what is wrong with it', async (t) => {
    const right = await probe([ownUris[0], '--user', UCLIENT_USER], `${UCLIENT_PASSWORD}\n`)
    t.equal(right.code, 0, right.stderr)
    const passwordFile = join(directory, 'password')
    writeFileSync(passwordFile, 'wrong\n')
    const wrong = await probe([ownUris[1], '--user', UCLIENT_USER, '--password-file', passwordFile])
    t.equal(wrong.code, 1)
    t.match(wrong.reports, [{ failure: { stage: 'allocate', number: 401 } }])
    t.match((await probe([ownUris[0]])).stderr, /wants a user name and a password: give --user NAME:PASSWORD/)
    const missing = await probe([ownUris[0], '--user', 'x', '--password-file', '/nowhere/at/all'])
    t.equal(missing.code, 2)
    t.match(missing.stderr, /--password-file \/nowhere\/at\/all: no such file/)
  })

  t.test('names a port where nobody is, a certificate that nobody knows, and a port without TLS', async (t) => {
    const port = await closedPort()
    const refused = await probe([`turn:${HOST}:${port}?transport=udp`, `turn:${HOST}:${port}?transport=tcp`, ...USER])
    t.equal(refused.code, 1)
    t.match(refused.reports, [
      { failure: { stage: 'binding', code: 'connection-refused' } },
      { failure: { stage: 'connect', code: 'connection-refused' } },
    ])
    t.match(refused.stderr, new RegExp(`nothing listens there: start the server, let it listen on UDP port ${port}`))
    const strange = makeCertificate('turn.test')
    const untrusted = await probe([...ownUris.slice(2), ...USER, '--ca', strange.certPath])
    t.equal(untrusted.code, 1)
    for (const report of untrusted.reports) {
      t.match(report, { failure: { stage: 'certificate', code: 'bad-certificate' }, relayed: null }, report.uri)
    }
    t.match(untrusted.stderr, /--ca FILE trusts another authority/)
    const clear = await probe([`turns:${HOST}:${server.port('', 'tcp')}?transport=tcp`, ...USER])
    t.match(clear.reports, [{ failure: { code: 'tls-failed' } }])
  })

  t.test('of turns:HOST, TLS has to work, and DTLS may be missing', async (t) => {
    const { code, reports } = await probe([`turns:${HOST}:${server.port('', 'tls')}`, ...USER, ...ca])
    t.equal(code, 0)
    t.match(reports, [
      { outcome: 'works', transport: 'tls' },
      { outcome: 'absent', transport: 'dtls' },
    ])
  })
})
