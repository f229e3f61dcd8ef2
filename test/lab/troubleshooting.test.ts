// What goes wrong in practice, row by row (docs/troubleshooting.md): the deployment of the lab is broken in that way, and shows the sentence by which an
// operator knows it. One lab and one browser for all; needs root.
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Response } from 'playwright-core'
import t, { type Test } from 'tap'
import { type Run, runTurnd } from '../command/run-turnd.js'
import { launchBrowser } from '../support/browser.js'
import { temporaryDirectory } from '../support/certificate.js'
import { type Daemon, startDaemon } from '../support/daemon.js'
import { FILES_DIRECTORY } from '../support/leftovers.js'
import { createNamespace } from '../support/namespace.js'
import { findCommand, peerOrSkip } from '../support/peers.js'
import { type LogLine, startServer } from '../support/server-process.js'
import { type DissectedPacket, dissect } from '../support/tshark.js'
import { askCmsApi, type Deployment, deploy } from './deployment.js'
import { edgeArgs, makeEdgeCertificate } from './edge.js'
import { Guest } from './guest.js'
import { startStandIn } from './stand-in.js'
import {
  CALL_ID,
  CLIENT,
  CMS,
  CMS_INSIDE_NAME,
  EDGE_INSIDE,
  EDGE_INSIDE_NAME,
  EDGE_NAME,
  EDGE_OUTSIDE,
  HTTPS_PORT,
  OUTSIDE_NETWORK,
  PUBLIC,
  RELAY_PORTS,
  TURN_PASSWORD,
  TURN_PORT,
  TURN_USER,
  WEB_NAME,
  withoutLab,
} from './topology.js'

/** Of a guest whose media cannot come: as long as it takes until the page gives up. */
const CONNECT_SECONDS = 10
/** Of a processor that many share, which is farther away than any network. */
const TIMEOUT = ['--timeout', '3']
const FRAMES = 10
const WRONG = 'not-cisco'
const PROFILE = { profile: 'expressway-x8.9' } as const
/** Clients of the lab have private addresses; those of others are peers anyway. */
const PEERS = { 'allow-peer': [OUTSIDE_NETWORK] } as const

t.setTimeout(240_000)

t.test(
  'what goes wrong in practice',
  { skip: withoutLab() || peerOrSkip('chromium', 'nginx', 'tshark') },
  async (t) => {
    const deployment = startScene(t)
    // Who waits for it is told below.
    deployment.catch(() => {})

    t.test('port 443 is taken: the start names who has it, and what to do', (t) => takenPort(t))
    t.test("the certificate has not the web bridge's name: said at the start", (t) => missingName(t))

    const scene = await deployment
    t.test('the password is wrong at the call bridge; and a name is, and the relay range is closed', (t) =>
      wrongPassword(t, scene),
    )
    t.test('relay to relay, through a public address that the firewall does not turn back', (t) => hairpin(t, scene))
    t.test('a link has the internal name of the web bridge', (t) => internalName(t, scene))
    t.test('the web bridge does not trust the call bridge: no Join button', (t) => noTrust(t, scene))
    t.test('the edge does not know its public address: turnd doctor says it from outside', (t) =>
      missingExternalAddress(t, scene),
    )
  },
)

interface Scene extends Deployment {
  readonly browser: Browser
  readonly stateDirectory: string
  /** Takes these options over, beside those of the command line. */
  reload(options: object): Promise<void>
  /** `turnd doctor` where the external client is. */
  doctor(...args: readonly string[]): Promise<Report>
  why(...args: readonly string[]): Promise<string>
}

interface Report {
  readonly diagnosis: string
  readonly findings: readonly { readonly id: string; readonly verdict: string; readonly text: string }[]
}

async function startScene(t: Test): Promise<Scene> {
  const directory = temporaryDirectory()
  const [stateDirectory, config] = [join(directory, 'state'), join(directory, 'turnd.json')]
  mkdirSync(stateDirectory, { mode: 0o700 })
  writeFileSync(config, JSON.stringify({ ...PROFILE, ...PEERS }))
  const lab = await deploy(t, {
    edge: { stateDirectory, args: ['--config', config, '--http-name', WEB_NAME] },
    standIn: ['--connect-seconds', String(CONNECT_SECONDS)],
  })
  const { outside, server } = lab
  // Outside nobody knows the internal name: this client does, as if somebody had helped himself.
  appendFileSync(join(FILES_DIRECTORY, outside.name, 'hosts'), `${PUBLIC} ${CMS_INSIDE_NAME}\n`)
  const browser = await launchBrowser(t, null, outside.prefix)
  return {
    ...{ ...lab, browser, stateDirectory },
    async reload(options) {
      writeFileSync(config, JSON.stringify(options))
      const { length } = server.linesOf('reload')
      process.kill(server.pid, 'SIGHUP')
      await server.waitForLog(() => server.linesOf('reload').length > length)
    },
    async doctor(...args) {
      const run = await runTurnd(['doctor', '--json', ...args, ...TIMEOUT], { cwd: directory, prefix: outside.prefix })
      if (run.stdout === '') throw new Error(run.stderr)
      return JSON.parse(run.stdout)
    },
    why: async (...args) =>
      (await runTurnd(['why', '--state-dir', stateDirectory, ...args], { cwd: directory })).stdout,
  }
}

/** The edge's machine with nothing else of the lab. */
function edgeAlone(t: Test) {
  const { prefix } = createNamespace(t, [`${EDGE_INSIDE}/32`, `${EDGE_OUTSIDE}/32`])
  const cwd = temporaryDirectory()
  const run = (...args: readonly string[]): Promise<Run> => runTurnd(args, { cwd, prefix })
  return { cwd, prefix, run }
}

async function takenPort(t: Test): Promise<void> {
  const [{ prefix, run }, certificate] = [edgeAlone(t), await makeEdgeCertificate()]
  const nginx = await startNginx(t, prefix)
  const args = edgeArgs(certificate)
  const [start, own] = await Promise.all([run(...args), run(...args, '--admin-listen', '*:443')])
  // Afterwards: it opens the ports for a moment.
  const doctor = await run('doctor', ...args, ...TIMEOUT)
  const holder = `nginx \\(process ${nginx.pid}\\)`
  t.equal(start.code, 2)
  t.match(
    start.stderr,
    new RegExp(
      `^turnd: --listen tls:${EDGE_INSIDE}:443: ${holder} listens on TCP ${EDGE_INSIDE}:443; stop it, or move it to another port \\(a web server can stand behind this one: --http-upstream\\), or choose another port\\n$`,
    ),
  )
  t.equal(doctor.code, 1)
  t.match(doctor.stdout, new RegExp(`TCP port 443 is taken by ${holder}: stop nginx`), 'the doctor before a start')
  t.equal(own.code, 2)
  t.equal(
    own.stderr,
    `turnd: --admin-listen *:443 takes TCP port 443, which --listen tls:${EDGE_INSIDE}:443 has: move the status page to another port, such as --admin-listen *:445\n`,
    'its own web administration',
  )
}

/** As a web administration, on port 443 of every address. */
async function startNginx(t: Test, prefix: readonly string[]): Promise<Daemon> {
  const directory = temporaryDirectory()
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${directory};`)
  writeFileSync(
    join(directory, 'nginx.conf'),
    `daemon off; master_process off; pid ${directory}/pid; error_log stderr notice; user root; events {}
    http { access_log off; ${paths.join(' ')} server { listen 443; } }`,
  )
  const nginx = [findCommand('nginx') ?? 'nginx', '-c', join(directory, 'nginx.conf'), '-p', directory]
  return startDaemon(t, [...prefix, ...nginx, '-e', 'stderr'], { ready: /: OS: / })
}

async function missingName(t: Test): Promise<void> {
  const { cwd, prefix, run } = edgeAlone(t)
  const certificate = await makeEdgeCertificate([EDGE_NAME, EDGE_INSIDE_NAME])
  const args = [
    ...['--listen', `tls:${EDGE_OUTSIDE}:${HTTPS_PORT}`, '--cert', certificate.certPath, '--key', certificate.keyPath],
    ...['--relay-ip', EDGE_OUTSIDE, '--public-name', EDGE_NAME, '--user', `${TURN_USER}:${TURN_PASSWORD}`],
    ...['--http-upstream', `http://${EDGE_INSIDE}:8080`, '--http-name', WEB_NAME],
  ]
  const [server, doctor] = await Promise.all([
    startServer(t, args, { prefix, stateDirectory: join(cwd, 'state') }),
    run('doctor', ...args, ...TIMEOUT),
  ])
  const names = `${EDGE_NAME} and ${EDGE_INSIDE_NAME}`
  t.match(server.linesOf('warning'), [
    {
      msg: `the certificate ${certificate.certPath} does not name ${WEB_NAME} (it names ${names}): browsers will refuse https://${WEB_NAME} (--http-name); make one that does, such as with turnd cert --name ${EDGE_NAME} --name ${WEB_NAME}`,
    },
  ])
  t.equal(doctor.code, 1)
  t.match(
    doctor.stdout,
    new RegExp(`The certificate does not name ${WEB_NAME.replaceAll('.', '\\.')}: get a certificate`),
  )
}

/** Beside it runs what needs the same lab and is not disturbed: the range that is closed, and a wrong name. */
async function wrongPassword(t: Test, scene: Scene): Promise<void> {
  const { firewall, server, standIn, turnServerPath } = scene
  await askCmsApi(scene, scene.admin, 'PUT', turnServerPath, { password: WRONG })
  firewall.open({ relayRange: false })
  const range = ['--min-port', String(RELAY_PORTS.min), '--max-port', String(RELAY_PORTS.max)]
  const [capture, closedRange, wrongUser] = await Promise.all([
    captureCall(t, scene),
    scene.doctor(`turn:${PUBLIC}`, '--as', `${TURN_USER}:${TURN_PASSWORD}`, '--outside', ...range),
    scene.doctor(`turn:${PUBLIC}`, '--as', 'turnusr:cisco'),
  ]).finally(() => firewall.open({ relayRange: true }))

  t.test('the guest joins, never connects, and times out', async (t) => {
    t.equal(capture.call.state, 'failed')
    t.equal(capture.call.problem, `The call could not be connected: timed out, no media after ${CONNECT_SECONDS} s.`)
    t.same(capture.call.candidates, [], 'the browser got no relay either')
    t.ok(
      capture.call.errors.some(({ errorCode }) => errorCode === 431),
      'Chromium is told 431',
      { errors: capture.call.errors },
    )
  })

  t.test('the log of the call bridge says ICE failure 4', async (t) => {
    t.match(standIn.log, [/^call 6: incoming guest call/, 'call 6: ICE failure 4 (unauthorized - check credentials)'])
    t.match(standIn.log, [/./, /./, /^call 6: ended; timed out$/])
  })

  t.test('the edge says which user, from where, and why', async (t) => {
    for (const host of [CMS, CLIENT]) {
      const line = await server.waitForLog(isRefusal(host, 'bad-password'))
      t.match(line, { user: TURN_USER, code: 431, method: 'Allocate', remedy: /^set the same password/ })
      t.equal(
        line.msg,
        `refused Allocate of "${TURN_USER}" at ${line.source}: the user exists, but the message integrity does not match its password`,
      )
    }
    const text = await scene.why('--user', TURN_USER)
    t.match(text, /bad-password: the user exists, but the message integrity does not match its password/)
    for (const host of [CMS, CLIENT])
      t.match(text, new RegExp(`"${TURN_USER}" from ${host} \\(last port \\d+\\): Allocate → 431`))
  })

  t.test("the CMS API says it in the server's status", async (t) => {
    const { body } = await askCmsApi(scene, scene.admin, 'GET', `${turnServerPath}/status`)
    t.match(body, '<status>unauthorized</status>')
    t.match(body, '<reachable>true</reachable>')
  })

  t.test('Wireshark reads 431 Integrity Check Failure, with what the request said', async (t) => {
    const failures = capture.packets.filter(
      ({ stunError, stunUsername }) => stunError === '31' && stunUsername === TURN_USER,
    )
    t.ok(failures.length >= 2, 'of the browser and of the call bridge', { packets: capture.packets })
    for (const failure of failures) {
      t.match(failure, { malformed: '', stunReason: 'Integrity Check Failure' })
      const request = capture.packets.find(({ info, stunId }) => stunId === failure.stunId && info.includes('Request'))
      for (const field of ['stunUsername', 'stunRealm', 'stunNonce'] as const) {
        t.not(failure[field], '', field)
        t.equal(failure[field], request?.[field], `${field} is that of the request`)
      }
      t.match(failure, { stunUsername: TURN_USER, stunRealm: 'turnuser' })
    }
  })

  t.test('a user name that is wrong is another reason, and as clear', async (t) => {
    t.match(wrongUser.diagnosis, /^The user name or the password of "turnusr" is wrong/)
    const line = await server.waitForLog(isRefusal(CLIENT, 'unknown-user'))
    t.equal(line.msg, `refused Allocate of "turnusr" at ${line.source}: no configured user has this name`)
    t.match(await scene.why('--user', 'turnusr'), /unknown-user: no configured user has this name/)
  })

  t.test('3478 is open and 24000-29999 is not: turnd doctor finds it from outside', async (t) => {
    t.same(faultsOf(closedRange), ['relay-range'])
    t.equal(closedRange.diagnosis, `The relay range 24000-29999 is firewalled: open UDP 24000-29999 to ${PUBLIC}.`)
  })
}

/** A guest's call, and what went over both cards of the edge meanwhile. */
async function captureCall(t: Test, { browser, edge }: Scene) {
  const file = join(temporaryDirectory(), 'edge.pcapng')
  const dumpcap = findCommand('dumpcap') ?? 'dumpcap'
  const cards = ['-i', 'lan1', '-i', 'lan2', '-f', `udp port ${TURN_PORT}`]
  const capture = await startDaemon(t, [...edge.prefix, dumpcap, '-q', ...cards, '-w', file], { ready: /^File: / })
  const guest = await openGuest(t, browser)
  const call = await guest.join(CALL_ID)
  await guest.close()
  await capture.stop()
  return { call, packets: dissect(readFileSync(file)) as readonly DissectedPacket[] }
}

async function hairpin(t: Test, scene: Scene): Promise<void> {
  const { browser, firewall, server, turnServerPath } = scene
  await askCmsApi(scene, scene.admin, 'PUT', turnServerPath, { password: TURN_PASSWORD })

  t.test('the call is connected, and the firewall has turned nothing back', async (t) => {
    const guest = await openGuest(t, browser)
    t.match(await guest.join(CALL_ID), { state: 'connected', problem: '' })
    const { pair } = await guest.media(FRAMES)
    t.match(pair, { local: 'relay', remote: 'relay' })
    for (const address of [pair?.localAddress, pair?.remoteAddress]) t.match(address, new RegExp(`^${PUBLIC}:2\\d{4}$`))
    await guest.leave()
    await guest.close()
    t.match(firewall.counts(), { reflected: 0 })
  })

  // The same reload shows what the default profile says of a wrong password.
  t.test('a rule against the public address does not part relays of one server', async (t) => {
    await scene.reload({ ...PEERS, 'deny-peer': [PUBLIC] })
    const [right, wrong] = await Promise.all([
      scene.doctor(`turn:${PUBLIC}`, '--as', `${TURN_USER}:${TURN_PASSWORD}`),
      scene.doctor(`turn:${PUBLIC}`, '--as', `${TURN_USER}:${WRONG}`),
    ])
    t.match(findingOf(right, 'hairpin'), { verdict: 'ok' })
    t.match(wrong.diagnosis, /^The user name or the password of "turnuser" is wrong/)
    const is401 = isRefusal(CLIENT, 'bad-password')
    const line = await server.waitForLog((line) => is401(line) && line.code === 401)
    t.match(line.msg, /^refused Allocate of "turnuser" at .*: the user exists, but the message integrity/)
    await scene.reload({ ...PEERS, ...PROFILE })
  })
}

async function internalName(t: Test, { browser, server, why }: Scene): Promise<void> {
  const page = await browser.newPage()
  const response = (await page.goto(`https://${CMS_INSIDE_NAME}/`)) as Response
  t.equal(response.status(), 400)
  t.equal(await page.textContent('body'), `Bad request: this server has no page of that name, ask for ${WEB_NAME}.\n`)
  await page.close()
  const line = await server.waitForLog(({ reason }) => reason === 'http-host')
  t.match(line, { received: CMS_INSIDE_NAME, expected: WEB_NAME, remedy: /the external name, not the internal one/ })
  const detail = `Host "${CMS_INSIDE_NAME}" instead of ${WEB_NAME}`
  t.equal(
    line.msg,
    `closed a connection of ${line.source}: a page was asked for by a name that is not one of --http-name: ${detail}`,
  )
  t.match(line.source, new RegExp(`^${CLIENT}:`))
  t.match(await why('--reason', 'http-host'), new RegExp(`${CLIENT} \\(last port \\d+\\): ${detail}\n`))
}

async function noTrust(t: Test, { browser, cms, standIn }: Scene): Promise<void> {
  const { host } = new URL(standIn.url)
  await standIn.stop()
  const files = ['--api-password-file', '/dev/null', '--store', '/dev/null']
  const distrustful = await startStandIn(t, ['--listen', host, ...files, '--no-trust'], { prefix: cms.prefix })
  const guest = await openGuest(t, browser)
  t.match(await guest.call(), { state: 'closed' })
  t.equal(await guest.joinButton.isVisible(), false)
  t.match(
    await guest.page.textContent('body'),
    'You cannot join a meeting from here: this web bridge does not trust the call bridge.',
  )
  await guest.close()
  t.same(distrustful.log, [
    'webbridge: the certificate of the call bridge is not in the trust bundle: guests cannot join',
  ])
}

async function missingExternalAddress(t: Test, scene: Scene): Promise<void> {
  await scene.server.stop()
  const args = edgeArgs(scene.certificate, { args: ['--allow-peer', OUTSIDE_NETWORK] })
  const index = args.indexOf('--external-ip')
  const other = await startServer(t, [...args.slice(0, index), ...args.slice(index + 2)], {
    prefix: scene.edge.prefix,
  })
  const report = await scene.doctor(`turn:${PUBLIC}`, '--as', `${TURN_USER}:${TURN_PASSWORD}`)
  t.same(faultsOf(report), ['external-address'])
  t.match(
    report.diagnosis,
    new RegExp(
      `^The external address is wrong \\(${EDGE_OUTSIDE} instead of ${PUBLIC}\\): start turnd with --external-ip ${PUBLIC}/`,
    ),
  )
  await other.stop()
}

/** Somebody new in the browser that runs already. */
function openGuest(t: Test, browser: Browser): Promise<Guest> {
  return Guest.open(t, { browser, url: `https://${WEB_NAME}/` })
}

function isRefusal(host: string, reason: string): (line: LogLine) => boolean {
  return (line) => line.event === 'refusal' && line.reason === reason && String(line.source).startsWith(`${host}:`)
}

function faultsOf({ findings }: Report): string[] {
  return [...new Set(findings.filter(({ verdict }) => verdict === 'fault').map(({ id }) => id))]
}

function findingOf({ findings }: Report, id: string) {
  return findings.find((finding) => finding.id === id)
}
