// A real server with --auth-webhook and a web service of the test's own: users by key and by password, refusals, and a service that lies, is down, is slow,
// or is asked by too many, while a call goes on and other users get in.
import { hash } from 'node:crypto'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { runWhyCommand } from '../../src/commands/why.js'
import { PARKED_OF_SOURCE_COUNT_MAX } from '../../src/limits/outside.js'
import { connectClient, localArguments } from '../command/local-server.js'
import { until } from '../command/until.js'
import { temporaryDirectory } from '../support/certificate.js'
import { withDeadline } from '../support/deadline.js'
import { ENGINES_ALONE_IN_TIME } from '../support/engines.js'
import { type ServerProcess, startServer } from '../support/server-process.js'
import { connectTcp } from '../support/stream-client.js'
import { TurnClient } from '../support/turn-client.js'
import { UdpPeer } from '../support/udp-peer.js'
import { type Answering, json, startWebService, type WebService } from '../support/web-service.js'

const MIN_PORT = 33_700
const REALM = 'example.org'
const PASSWORD = 'hunter2-of-the-user'
const TOKENS = ['hunter2-first-token', 'hunter2-second-token']
const PROXIED = '198.51.100.77'
/** Names at once from one address. */
const CROWD_COUNT = 500
/** What no buffer of a socket loses. */
const BATCH_COUNT = 50
const PACKET_COUNT = 50

t.setTimeout(240_000)

const keyOf = (user: string) => hash('md5', `${user}:${REALM}:${PASSWORD}`, 'hex')

/** What it is when nothing is wrong with it: names tell what becomes of them. */
const honest: Answering = (response, { body: { realm, user } }) => {
  const name = String(user)
  if (name.startsWith('key')) json(response, 200, { user, realm, key: keyOf(name) })
  else if (name.startsWith('password')) json(response, 200, { user, realm, password: PASSWORD })
  else if (name.startsWith('once')) json(response, 200, { key: keyOf(name), ttl: 0 })
  else if (name.startsWith('unpaid')) json(response, 403, { refused: 'the month is not paid' })
  else response.writeHead(404).end()
}

/** Wants the token, as it is now. */
const wanting =
  (token: string, answering: Answering): Answering =>
  (response, asked) =>
    asked.headers.authorization === `Bearer ${token}` ? answering(response, asked) : json(response, 401, {})

/** Each would let somebody in, if it was believed. */
const LIES: [name: string, answering: Answering][] = [
  ['another user', (response) => json(response, 200, { user: 'key-other', key: keyOf('liar') })],
  ['another realm', (response) => json(response, 200, { realm: 'other', key: keyOf('liar') })],
  ['key and password', (response) => json(response, 200, { key: keyOf('liar'), password: PASSWORD })],
  ['key and refusal', (response) => json(response, 200, { key: keyOf('liar'), refused: 'no' })],
  ['a key that failed', (response) => json(response, 500, { key: keyOf('liar') })],
  [
    'a key by a redirect',
    (response) => response.writeHead(302, { Location: '/key' }).end(`{"key":"${keyOf('liar')}"}`),
  ],
  ['a page', (response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end(`{"key":"${keyOf('liar')}"}`)],
  ['a key that is cut off', (response) => json(response, 200, { key: keyOf('liar').slice(1) })],
]

interface Stage {
  readonly server: ServerProcess
  readonly service: WebService
  readonly stateDirectory: string
  /** Other options of the file, and the token. */
  reload(token: string, lookupTimeout: number): Promise<void>
}

async function startStage(t: Test, engineArguments: readonly string[]): Promise<Stage> {
  const service = await startWebService(t, wanting(TOKENS[0], honest))
  const stateDirectory = temporaryDirectory()
  const paths = { config: join(stateDirectory, 'turnd.json'), token: join(stateDirectory, 'token') }
  const write = (path: string, text: string) => {
    writeFileSync(`${path}.new`, text, { mode: 0o600 })
    renameSync(`${path}.new`, path)
  }
  const writeOptions = (token: string, lookupTimeout: number) => {
    const options = { 'auth-webhook': service.url, 'auth-webhook-token-file': paths.token }
    write(paths.config, JSON.stringify({ ...options, realm: REALM, 'lookup-timeout': lookupTimeout }))
    write(paths.token, `${token}\n`)
  }
  writeOptions(TOKENS[0], 1)
  const server = await startServer(
    t,
    [
      ...[...localArguments(MIN_PORT), ...engineArguments, '--config', paths.config, '--user', `static:${PASSWORD}`],
      ...['--listen', 'udp:127.0.0.1:0', '--listen', 'tcp:127.0.0.1:0', '--proxy-protocol-from', '127.0.0.1'],
    ],
    { stateDirectory },
  )
  t.teardown(async () => {
    await server.stop()
    for (const secret of [PASSWORD, ...TOKENS, keyOf('key')]) {
      if (server.output.includes(secret)) throw new Error(`the output shows ${secret}`)
    }
  })
  const reload = async (token: string, lookupTimeout: number) => {
    writeOptions(token, lookupTimeout)
    const known = server.logLines.length
    process.kill(server.pid, 'SIGHUP')
    await server.waitForLog((line) => line.event === 'reload' && server.logLines.indexOf(line) >= known)
  }
  return { server, service, stateDirectory, reload }
}

/** A call of the user over the server: each packet comes back. */
async function startCall(t: Test, server: ServerProcess, username: string) {
  const client = await connectClient(t, server, username, PASSWORD)
  const peer = await UdpPeer.open(t)
  t.equal((await client.allocate()).code, 0)
  t.equal((await client.createPermission(peer.address)).code, 0)
  /** Rejects where one is lost. */
  const talk = async () => {
    for (let index = 0; index < PACKET_COUNT; index++) {
      client.sendTo(peer.address, `there ${index}`)
      const { source, text } = await peer.inbox.next()
      t.equal(text, `there ${index}`)
      peer.send(source, `back ${index}`)
      t.equal((await client.nextData()).text, `back ${index}`)
    }
  }
  return { client, talk }
}

async function why(stateDirectory: string, user: string): Promise<string> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  await runWhyCommand(['--state-dir', stateDirectory, '--user', user], { stdout, stderr, env: {} })
  return String(stdout.read() ?? '')
}

for (const engine of ENGINES_ALONE_IN_TIME) {
  t.test(`users from a web service with the ${engine.name} engine`, { skip: engine.skip }, async (t) => {
    const stage = await startStage(t, engine.args)
    const { server, service } = stage
    /** The code of a new client's Allocate; the relay is given back. */
    const allocate = async (user: string, password = PASSWORD) => {
      const client = await connectClient(t, server, user, password)
      const { code } = await client.allocate()
      if (code === 0) await client.refresh({ lifetimeSeconds: 0 })
      return code
    }
    /** Until the service is asked: what a worker was told a moment ago it believes. */
    const askedAllocate = async (user: string) => {
      let code = -1
      await until(async () => {
        const { length } = service.asked
        code = await allocate(user)
        return service.asked.slice(length).some(({ body }) => body.user === user)
      }, `${user} is asked for`)
      return code
    }
    /** Of whom nobody could say anything is asked for again a second later. */
    const getsIn = (user: string) => until(async () => (await allocate(user)) === 0, `${user} gets in`, 60_000)
    let upCount = 0
    const isUp = async () => {
      service.answering = wanting(TOKENS[0], honest)
      await getsIn(`key-up-${upCount++}`)
    }

    t.test('get in by key and by password, and with no other password', async (t) => {
      t.equal(await allocate('key'), 0)
      t.equal(await allocate('password'), 0)
      t.equal(await allocate('key', 'wrong'), 401)
      t.equal(await allocate('nobody'), 401)
      t.match(service.asked.slice(0, 2), [
        { headers: { authorization: `Bearer ${TOKENS[0]}` }, path: '/turn' },
        { method: 'POST' },
      ])
      t.same(service.asked[0].body, { user: 'key', realm: REALM, source: '127.0.0.1' })
      const count = service.asked.length
      t.equal(await allocate('key'), 0)
      t.equal(await allocate('static'), 0)
      t.equal(service.asked.length, count, 'nobody is asked about who is known')
    })

    t.test('have the address that a proxy tells', async (t) => {
      const transport = await connectTcp('127.0.0.1', server.port('', 'tcp'))
      transport.sendBytes(Buffer.from(`PROXY TCP4 ${PROXIED} 127.0.0.1 5000 3478\r\n`))
      const client = TurnClient.on(t, transport, { username: 'key-proxied', password: PASSWORD })
      t.equal((await client.allocate()).code, 0)
      t.match(service.asked.at(-1)?.body, { user: 'key-proxied', source: PROXIED })
    })

    t.test('are refused with the reason of the service, which is told the operator alone', async (t) => {
      const client = await connectClient(t, server, 'unpaid', PASSWORD)
      const answer = await client.allocate()
      t.equal(answer.code, 401)
      t.notMatch(answer.bytes.toString('latin1'), 'paid')
      await server.waitForLog(({ reason, user, msg }) => {
        return reason === 'refused-by-store' && user === 'unpaid' && String(msg).includes('the month is not paid')
      })
      t.match(await why(stage.stateDirectory, 'unpaid'), 'the month is not paid')
    })

    t.test('are nobody when the service lies, and nothing is down for one lie', async (t) => {
      for (const [what, answering] of LIES) {
        service.answering = answering
        t.equal(await allocate('liar'), 500, what)
        service.answering = wanting(TOKENS[0], honest)
        t.equal(await allocate(`key-after-${what}`), 0, `after ${what}`)
      }
      t.same(server.linesOf('user-store-down'), [])
    })

    t.test(
      'go on while the service is down, if they are known; others are refused at once, with what is wrong',
      async (t) => {
        t.equal(await allocate('once'), 0)
        service.answering = (response) => void response.socket?.resetAndDestroy()
        for (const user of ['key-new-1', 'key-new-2']) t.equal(await allocate(user), 500, user)
        service.answering = (response) => json(response, 500, {})
        t.equal(await allocate('key-new-3'), 500)
        const down = await server.waitForLog(({ event }) => event === 'user-store-down')
        t.match(down, {
          level: 40,
          store: `--auth-webhook ${service.url}`,
          problem: /^the service (answered 500 \(Internal Server Error\)|has cut the connection)/,
        })
        t.equal(await allocate('once'), 0, 'who has to be asked for each time')
        t.equal(await allocate('static'), 0)
        t.equal(await allocate('key-new-4'), 500)
        t.match(await why(stage.stateDirectory, 'key-new-4'), /answered 500/)
        await isUp()
        await server.waitForLog(({ event }) => event === 'user-store-up')
        await getsIn('key-new-4')
      },
    )

    t.test(
      'of a service that is slow are refused in time, or known; a call and other users notice nothing',
      async (t) => {
        const { talk } = await startCall(t, server, 'key-caller')
        const hanging: (() => void)[] = []
        service.answering = (response, asked) => void hanging.push(() => honest(response, asked))
        const slow = [allocate('key-slow'), askedAllocate('once')]
        await until(() => hanging.length === 2, 'both are asked for')
        await talk()
        t.equal(await allocate('static'), 0)
        t.equal(await allocate('key'), 0)
        t.same(await Promise.all(slow), [500, 0])
        await isUp()
        for (const answer of hanging) answer()
        await getsIn('key-slow')
      },
    )

    t.test('are asked for by so many at once and no more, however many names come from one address', async (t) => {
      const { talk } = await startCall(t, server, 'key-caller')
      const clients = await Promise.all(
        Array.from({ length: CROWD_COUNT }, (_, index) => connectClient(t, server, `stranger-${index}`, PASSWORD)),
      )
      for (let start = 0; start < CROWD_COUNT; start += BATCH_COUNT) {
        await Promise.all(clients.slice(start, start + BATCH_COUNT).map((client) => client.learnChallenge()))
      }
      const hanging: (() => void)[] = []
      service.answering = (response) => void hanging.push(() => response.writeHead(404).end())
      const codes = clients.map((client) => client.allocate().then(({ code }) => code))
      await until(() => hanging.length > 0, 'somebody is asked for')
      await talk()
      t.same(new Set(await withDeadline(Promise.all(codes), 60_000, () => 'answers')), new Set([500]))
      t.ok(hanging.length <= PARKED_OF_SOURCE_COUNT_MAX * engine.workerCount, `${hanging.length} requests`)
      for (const answer of hanging) answer()
      await isUp()
      t.equal(await allocate('static'), 0)
    })

    t.test('are asked for with another token after a reload, and the old one is nobody’s any more', async (t) => {
      service.answering = wanting(TOKENS[1], honest)
      await stage.reload(TOKENS[1], 10)
      t.equal(await allocate('key-reloaded'), 0)
      t.match(
        server.linesOf('reload-change').map(({ setting }) => setting),
        ['--lookup-timeout', 'how outside stores are asked'],
      )
    })

    t.test('keep nobody waiting, and not from stopping the server, whatever hangs', async (t) => {
      service.answering = () => {}
      const count = service.asked.length
      const { talk } = await startCall(t, server, 'static')
      const client = await connectClient(t, server, 'key-last', PASSWORD)
      let isAnswered = false
      void client.allocate().then(
        () => (isAnswered = true),
        () => {},
      )
      await until(() => service.asked.length === count + 1, 'it is asked')
      await talk()
      t.equal(await allocate('static'), 0)
      t.equal(isAnswered, false, 'nor the call and others, who need not wait for the 10 s of a look-up')
      t.equal(await server.stop(), 0)
      await until(() => service.sockets.size === 0, 'its connections are closed')
    })
  })
}
