// What the CMS API finds out about TURN servers, from a real server process at real ones: itself, one that is as an Expressway is, sockets that are
// silent, ports where nobody is; and that all of it is there after a restart.
import { lookup } from 'node:dns/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { AdminPasswords } from '../../src/auth/admin-password.js'
import { addUser } from '../../src/auth/users-file-edit.js'
import { makeAdminLine } from '../../src/auth/users-file-line.js'
import { type Asked, ask } from '../admin/support/admin-stage.js'
import { temporaryDirectory, testCertificate } from '../support/certificate.js'
import { startCoturn } from '../support/coturn-server.js'
import { closedPort } from '../support/http-stage.js'
import { peerOrSkip } from '../support/peers.js'
import { type LogLine, type ServerProcess, startServer } from '../support/server-process.js'
import { UCLIENT_PASSWORD, UCLIENT_USER } from '../support/uclient.js'
import { UdpPeer } from '../support/udp-peer.js'

const RELAY_PORTS = ['--min-port', '31900', '--max-port', '31949']
const EXPRESSWAY_RELAY_PORTS = ['--min-port', '31950', '--max-port', '31999']
const COTURN_RELAY_PORTS = { first: 31_860, last: 31_899 }
const USER = ['--realm', 'turnuser', '--user', 'turnuser:cisco']
const PASSWORD = 'correct horse battery'
const PATH = '/api/v1/turnServers'

interface CallBridge {
  readonly server: ServerProcess
  /** A form, as text: `POST` to the collection without an id. */
  cms(method: string, path?: string, form?: Readonly<Record<string, string>>): Promise<string>
  create(form: Readonly<Record<string, string>>): Promise<string>
  status(id: string): Promise<string>
}

async function startCallBridge(t: Test, stateDirectory: string): Promise<CallBridge> {
  const listeners = ['--listen', 'udp:127.0.0.1:0', '--listen', 'tcp:127.0.0.1:0', '--admin-listen', '127.0.0.1:0']
  const server = await startServer(t, [...listeners, ...USER, ...RELAY_PORTS], { stateDirectory })
  const admin: Asked = { address: { host: '127.0.0.1', port: Number(new URL(`${server.ready.admin}`).port) } }
  const authorization = `Basic ${Buffer.from(`root:${PASSWORD}`).toString('base64')}`
  const question = async (method: string, path: string, form?: Readonly<Record<string, string>>) => {
    const headers = { authorization, ...(form && { 'content-type': 'application/x-www-form-urlencoded' }) }
    const answer = await ask(admin, {
      method,
      path: `${PATH}${path}`,
      headers,
      body: form && `${new URLSearchParams(form)}`,
    })
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
    return answer
  }
  return {
    server,
    cms: async (method, path = '', form) => (await question(method, path, form)).text,
    create: async (form) => `${(await question('POST', '', form)).headers.location}`.slice(PATH.length + 1),
    status: async (id) => (await question('GET', `/${id}/status`)).text,
  }
}

const statusLine = (id: string, status: string) => (line: LogLine) =>
  line.event === 'turn-server-status' && line.turnServer === id && line.status === status
/** A status, with what is nobody's to foretell as `#`: another object may be measured at the same server. */
const shapeOf = (text: string) => text.replaceAll(/<(roundTripTimeMs|mappedPortNumber|numAllocations)>\d+</g, '<$1>#<')
const working = (port: number) =>
  [
    '<?xml version="1.0"?><turnServer><status>success</status><host><address>127.0.0.1</address>',
    `<portNumber>${port}</portNumber><reachable>true</reachable><roundTripTimeMs>#</roundTripTimeMs><mappedAddress>127.0.0.1</mappedAddress>`,
    '<mappedPortNumber>#</mappedPortNumber><numAllocations>#</numAllocations></host></turnServer>',
  ].join('')
const unreachable = (status: string, port: number) =>
  `<?xml version="1.0"?><turnServer><status>${status}</status><host><address>127.0.0.1</address><portNumber>${port}</portNumber><reachable>false</reachable></host></turnServer>`

t.setTimeout(240_000)

t.test('the status of a TURN server', async (t) => {
  const stateDirectory = temporaryDirectory()
  const hash = await new AdminPasswords().hash(PASSWORD)
  await addUser(join(stateDirectory, 'users.jsonl'), makeAdminLine('root', hash))
  const [bridge, expressway] = await Promise.all([
    startCallBridge(t, stateDirectory),
    startServer(t, [...USER, ...EXPRESSWAY_RELAY_PORTS, '--profile', 'expressway-x12.6']),
  ])
  const { cms, create, server, status } = bridge
  const account = { username: 'turnuser', password: 'cisco' }
  const at = (port: number) => ({ serverAddress: `127.0.0.1:${port}`, ...account })

  t.test('is measured at request, with an allocation that is gone when the answer is there', async (t) => {
    const port = server.port()
    const id = await create(at(port))
    const text = await status(id)
    t.equal(shapeOf(text), working(port))
    t.match(text, '<numAllocations>0<', 'as this server itself counts them')
    const made = await server.waitForLog(({ event }) => event === 'allocation')
    const ended = await server.waitForLog(
      ({ client, event }) => event === 'allocation-deleted' && client === made.client,
    )
    t.match(ended, { cause: 'refresh', user: 'turnuser' })
    const line = await server.waitForLog(statusLine(id, 'success'))
    t.match(line, { level: 30, serverAddress: `127.0.0.1:${port}`, msg: /works|success/ })
  })

  const ofExpressway = await create(at(expressway.port()))
  t.test('is measured where a Binding alone is refused', async (t) => {
    t.equal(shapeOf(await status(ofExpressway)), working(expressway.port()))
    await expressway.waitForLog(({ event }) => event === 'allocation')
  })

  t.test('tells each address of a name, what refuses, what is silent, and what only TCP gets to', async (t) => {
    const silent = await UdpPeer.open(t)
    const [closed, closedTcp] = [await closedPort(), await closedPort()]
    const addresses = await lookup('localhost', { all: true })
    const tcpPort = server.port('', 'tcp')
    const [named, refused, mute, overTcp, unknown] = await Promise.all([
      create({ serverAddress: `localhost:${server.port()}`, tcpPortNumberOverride: `${closedTcp}`, ...account }),
      create({ ...at(closed), tcpPortNumberOverride: `${closedTcp}` }),
      create({ ...at(silent.address.port), tcpPortNumberOverride: `${closedTcp}` }),
      create({ ...at(silent.address.port), tcpPortNumberOverride: `${tcpPort}` }),
      create({ serverAddress: 'nobody.invalid', ...account }),
    ])
    const [ofName, ofRefused, ofMute, ofTcp, ofUnknown] = await Promise.all(
      [named, refused, mute, overTcp, unknown].map((id) => status(id)),
    )
    for (const { address } of addresses) t.match(ofName, `<host><address>${address}</address>`)
    t.equal(ofName.split('<host>').length - 1, addresses.length)
    t.match(ofName, '<status>success</status>')
    t.equal(ofRefused, unreachable('connectionFailure', closed))
    t.equal(ofMute, unreachable('timeout', silent.address.port))
    t.equal(shapeOf(ofTcp), working(tcpPort))
    t.equal(ofUnknown, '<?xml version="1.0"?><turnServer><status>dnsFailure</status></turnServer>')
    const lines = [
      [refused, 'connectionFailure', /connection refused, nothing listens there.*TCP/],
      [mute, 'timeout', /no answer.*; TCP.*open the port for this machine/],
      [overTcp, 'success', /TCP .*but not over UDP: .*no answer/],
      [unknown, 'dnsFailure', /nobody\.invalid.*check the name/],
    ] as const
    for (const [id, name, msg] of lines) t.match(await server.waitForLog(statusLine(id, name)), { msg })
    for (const id of [named, refused, mute, overTcp, unknown]) await cms('DELETE', `/${id}`)
  })

  t.test('goes on by itself, every few seconds, and says nothing twice', async (t) => {
    await expressway.waitForLog(() => expressway.linesOf('allocation').length > 1)
    const lines = server.linesOf('turn-server-status').filter(({ turnServer }) => turnServer === ofExpressway)
    const said = lines.map((line) => line.status)
    t.same(
      said,
      said.filter((each, index) => each !== said[index - 1]),
    )
    t.equal(said[0], 'success')
  })

  t.test('names a wrong password, here and at the server, and follows a change at once', async (t) => {
    for (const [at, port] of [
      [server, server.port()],
      [expressway, expressway.port()],
    ] as const) {
      const id = await create({ serverAddress: `127.0.0.1:${port}`, username: 'turnuser', password: 'wrong' })
      t.match(await status(id), /<status>unauthorized<\/status><host>.*<reachable>true<\/reachable>/)
      const code = at === server ? 401 : 431
      const line = await server.waitForLog(statusLine(id, 'unauthorized'))
      t.match(line, {
        level: 40,
        reason: new RegExp(`the server answers Allocate with ${code}`),
        msg: /as user "turnuser": UDP .*check credentials/,
      })
      const refusal = await at.waitForLog(({ event, reason }) => event === 'refusal' && reason === 'bad-password')
      t.match(refusal, { user: 'turnuser', code, source: /^127\.0\.0\.1:/ })
      await cms('PUT', `/${id}`, { password: 'cisco' })
      t.equal(shapeOf(await status(id)), working(port))
      await server.waitForLog(statusLine(id, 'success'))
      await cms('PUT', `/${id}`, { username: '' })
      t.match(await status(id), /<status>unauthorized<\/status>/)
      await cms('DELETE', `/${id}`)
      t.notMatch(JSON.stringify(server.logLines), /"wrong"|cisco/)
    }
  })

  t.test(
    'is that of coturn, too',
    { skip: process.env.TURND_TEST_LONG !== '1' || peerOrSkip('turnserver') },
    async (t) => {
      const coturn = await startCoturn(t, testCertificate(), COTURN_RELAY_PORTS)
      const form = {
        serverAddress: `127.0.0.1:${coturn.port('tcp')}`,
        username: UCLIENT_USER,
        password: UCLIENT_PASSWORD,
      }
      const id = await create(form)
      t.equal(shapeOf(await status(id)), working(coturn.port('tcp')))
      await cms('PUT', `/${id}`, { password: 'wrong' })
      t.match(await status(id), '<status>unauthorized</status>')
    },
  )

  t.test('and the objects are there after a restart, which no measurement holds up', async (t) => {
    const silent = await UdpPeer.open(t)
    await create(at(silent.address.port))
    const before = await cms('GET')
    const startedAt = performance.now()
    t.equal(await server.stop(), 0)
    // The rest is the end of the process, on a machine that may be busy.
    const millisecondsMax = process.env.TURND_TEST_LONG === '1' ? 2_000 : 20_000
    t.ok(performance.now() - startedAt < millisecondsMax, 'an answer is waited for no longer than half a second')
    const again = await startCallBridge(t, stateDirectory)
    t.equal(await again.cms('GET'), before)
    const [, id] = /id="([^"]+)"/.exec(before)!
    await again.server.waitForLog((line) => line.event === 'turn-server-status' && line.turnServer === id)
  })
})
