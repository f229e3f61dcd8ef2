// A server whose users and TURN REST secrets are in Debian's redis-server, where coturn's turnadmin has written them: they log in, changes are seen,
// and Redis goes down, comes back and hangs while clients are served.
import { hash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { runTurnd } from '../command/run-turnd.js'
import { temporaryDirectory } from '../support/certificate.js'
import { connectUdp } from '../support/client-transport.js'
import { ENGINES_ALONE_IN_TIME } from '../support/engines.js'
import { peerOrSkip } from '../support/peers.js'
import { TestRedis } from '../support/redis-server.js'
import { restCredential } from '../support/rest-credential.js'
import { type ServerProcess, startServerOn } from '../support/server-process.js'
import { TurnClient } from '../support/turn-client.js'
import { runUclient } from '../support/uclient.js'

const REALM = 'north.gov'
const DEADLINE_MILLISECONDS = 60_000
const STORE_DOWN = 500
/** coturn's client has peers of this machine, and channels of RFC 5766. */
const CLIENT_OPTIONS = ['--allow-peer', '127.0.0.1', '--channel-range', 'rfc5766']

interface Login {
  readonly username: string
  readonly password: string
}

async function clientOf(t: Test, server: ServerProcess, login: Login): Promise<TurnClient> {
  return TurnClient.on(t, await connectUdp('127.0.0.1', server.port()), login)
}

/** The code of the answer to the Allocate of a new client. */
async function codeOf(t: Test, server: ServerProcess, login: Login): Promise<number> {
  const client = await clientOf(t, server, login)
  const { code } = await client.allocate()
  if (code === 0) await client.refresh({ lifetimeSeconds: 0 })
  return code
}

/** Asks again until the answer has this code. */
async function untilCode(t: Test, server: ServerProcess, login: Login, code: number): Promise<void> {
  const deadline = performance.now() + DEADLINE_MILLISECONDS
  for (;;) {
    const last = await codeOf(t, server, login)
    if (last === code) return
    if (performance.now() > deadline) throw new Error(`${login.username} still gets ${last}, not ${code}`)
    await pause(100)
  }
}

/** Clients that refresh, and allocate again, without pause, until they are told to end: every code that they got. */
class Load {
  readonly codes = new Set<number>()
  count = 0
  #isEnded = false
  readonly #ended: Promise<unknown>

  constructor(t: Test, server: ServerProcess, logins: readonly Login[]) {
    this.#ended = Promise.all(logins.map((login) => this.#run(t, server, login)))
    // Whoever ends it hears of it.
    this.#ended.catch(() => {})
  }

  async more(count: number): Promise<void> {
    const enough = this.count + count
    const deadline = performance.now() + DEADLINE_MILLISECONDS
    while (this.count < enough) {
      if (performance.now() > deadline) throw new Error(`only ${this.count} of ${enough} answers`)
      await pause(20)
    }
  }

  async end(): Promise<void> {
    this.#isEnded = true
    await this.#ended
  }

  async #run(t: Test, server: ServerProcess, login: Login): Promise<void> {
    const held = await clientOf(t, server, login)
    this.#note((await held.allocate()).code)
    while (!this.#isEnded) {
      this.#note((await held.refresh()).code)
      this.#note(await codeOf(t, server, login))
      await pause(10)
    }
  }

  #note(code: number): void {
    this.codes.add(code)
    this.count++
  }
}

t.setTimeout(240_000)

for (const engine of ENGINES_ALONE_IN_TIME) {
  t.test(`users in Redis, ${engine.name} engine`, { skip: engine.skip || peerOrSkip('redis-server') }, async (t) => {
    const redis = await TestRedis.start(t, { database: 2 })
    const gorst = { username: 'gorst', password: 'hero' }
    const whirrun = { username: 'whirrun', password: 'blade7' }
    const ninefingers = { username: 'ninefingers', password: 'axe-axe' }
    const stranger = { username: 'stranger', password: 'civilization' }
    const add = ({ password, username }: Login) => redis.turnadmin(`-a -u ${username} -r ${REALM} -p ${password}`)
    await redis.stop()
    const stateDirectory = temporaryDirectory()
    const config = join(stateDirectory, 'turnd.json')
    const configure = (url: string) => writeFileSync(config, JSON.stringify({ redis: url }), { mode: 0o600 })
    configure(redis.url)
    const options = [
      '--config',
      config,
      '--lookup-ttl',
      '1',
      ...CLIENT_OPTIONS,
      '--min-port',
      '18400',
      '--max-port',
      '18499',
    ]
    const server = await startServerOn(t, engine, ['--realm', REALM, ...options], { stateDirectory })

    t.test(
      'a server starts without Redis, says so, refuses with 500, and lets users in when Redis is there',
      async (t) => {
        const { problem } = await server.waitForLog(({ event }) => event === 'redis-problem')
        t.match(problem, /^Redis refuses connections: start it/)
        t.equal(await codeOf(t, server, gorst), STORE_DOWN)
        await redis.start()
        for (const login of [gorst, whirrun, ninefingers]) await add(login)
        await redis.turnadmin(`-s logen -r ${REALM}`)
        await untilCode(t, server, gorst, 0)
      },
    )

    t.test('log in with the password that they have there, and nobody else does', async (t) => {
      for (const login of [whirrun, ninefingers]) t.equal(await codeOf(t, server, login), 0)
      t.equal(await codeOf(t, server, { ...whirrun, password: 'hero' }), 401)
      t.equal(await codeOf(t, server, stranger), 401)
      t.equal(await codeOf(t, server, { username: '*', password: 'x' }), 401)
      const flags = ['-y', '-n', '20', '-m', '1', '-z', '5', '-c', '-L', '127.0.0.1']
      const report = await runUclient({
        host: '127.0.0.1',
        port: server.port(),
        ...{ user: 'whirrun', password: 'blade7' },
        flags,
      })
      t.match({ exitCode: 0, lost: 0 }, { exitCode: report.exitCode, lost: report.lost }, report.output)
    })

    t.test('may have names of TURN REST, by each secret that is there', async (t) => {
      await untilCode(t, server, restCredential('logen', 'alice'), 0)
      t.equal(await codeOf(t, server, restCredential('bloody9', 'alice')), 401)
      await redis.turnadmin(`-s bloody9 -r ${REALM}`)
      await untilCode(t, server, restCredential('bloody9', 'alice'), 0)
      t.equal(await codeOf(t, server, restCredential('logen', 'alice')), 0)
      await redis.turnadmin(`-X logen -r ${REALM}`)
      await untilCode(t, server, restCredential('logen', 'bob'), 401)
      t.equal(await codeOf(t, server, restCredential('bloody9', 'bob')), 0)
    })

    t.test('have another password within 5 s, and are gone within --lookup-ttl', async (t) => {
      const changed = { ...ninefingers, password: 'father' }
      await add(changed)
      await untilCode(t, server, changed, 0)
      t.equal(await codeOf(t, server, ninefingers), 401)
      await redis.turnadmin(`-d -u ninefingers -r ${REALM}`)
      await untilCode(t, server, changed, 401)
    })

    t.test('are those of another database after a reload, and no others', async (t) => {
      const key = `turn/realm/${REALM}/user/dow/key`
      await redis.command('-n', '3', 'SET', key, hash('md5', `dow:${REALM}:black`, 'hex'))
      const reload = async (url: string) => {
        const count = server.linesOf('reload').length
        configure(url)
        process.kill(server.pid, 'SIGHUP')
        await server.waitForLog(({ event }) => event === 'reload' && server.linesOf('reload').length > count)
      }
      const dow = { username: 'dow', password: 'black' }
      t.equal(await codeOf(t, server, dow), 401)
      await reload(redis.url.replace(/2$/, '3'))
      t.equal(await codeOf(t, server, whirrun), 401, 'what the other database has said is forgotten')
      t.equal(await codeOf(t, server, dow), 0)
      await untilCode(t, server, restCredential('bloody9', 'dave'), 401)
      await reload(redis.url)
      t.equal(await codeOf(t, server, whirrun), 0)
      t.equal(await codeOf(t, server, dow), 401)
      await untilCode(t, server, restCredential('bloody9', 'dave'), 0)
    })

    t.test('go on while Redis is down; who is not known is refused fast, and told why', async (t) => {
      const load = new Load(t, server, [gorst, whirrun, gorst, whirrun, restCredential('bloody9', 'carol')])
      await load.more(50)
      await redis.stop()
      await load.more(50)
      t.equal(await codeOf(t, server, stranger), STORE_DOWN)
      await untilCode(t, server, restCredential('bloody9', 'newcomer'), 0)
      const { problem, store } = await server.waitForLog(
        ({ event }) => event === 'user-store-down',
        DEADLINE_MILLISECONDS,
      )
      t.match(problem, /^Redis (?:has closed the connection|refuses connections): /)
      t.equal(store, `--redis redis://127.0.0.1:${redis.port}/2`)
      const { stdout } = await runTurnd(['why', '--user', 'stranger', '--state-dir', stateDirectory], {
        cwd: stateDirectory,
      })
      t.match(stdout, /store-unavailable: .*\n +once +"stranger" .* → 500[\s\S]*look at the log line user-store-down/)

      await redis.start()
      await add(stranger)
      await untilCode(t, server, stranger, 0)
      await load.more(50)
      await load.end()
      t.same([...load.codes], [0], `${load.count} answers: no refresh was lost, no allocation refused`)
      await server.waitForLog(({ event }) => event === 'redis-well', DEADLINE_MILLISECONDS)
      await server.waitForLog(({ event }) => event === 'user-store-up', DEADLINE_MILLISECONDS)
    })

    t.test('go on while Redis hangs, and the server ends at once', async (t) => {
      const load = new Load(t, server, [gorst, whirrun])
      await load.more(20)
      redis.hang()
      t.equal(await codeOf(t, server, { username: 'nobody', password: 'x' }), STORE_DOWN)
      await load.more(20)
      await load.end()
      t.same([...load.codes], [0])
      t.equal(await server.stop(20_000), 0)
      t.notOk(/hero|blade7|bloody9|logen|7da2270c/.test(server.output), 'nothing secret is logged')
      t.same(
        server.logLines.filter(({ level }) => Number(level) >= 50 || level === 'error'),
        [],
      )
    })
  })
}
