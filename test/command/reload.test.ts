// SIGHUP to the command: its config file is read again, with the arguments as they were at the start, and the log says what came of it.
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { temporaryDirectory } from '../support/certificate.js'
import { ENGINES_IN_TIME, type EngineUnderTest } from '../support/engines.js'
import type { LogLine, ServerProcess, ServerProcessOptions } from '../support/server-process.js'
import { UdpPeer } from '../support/udp-peer.js'
import { allocateCode, connectClient, startLocalServer } from './local-server.js'
import { until } from './until.js'

const MIN_PORT = 33_600
const PASSWORD = 'hunter2'

t.setTimeout(240_000)

/** A server whose options of a file can be written anew. */
class Configured {
  readonly server: ServerProcess
  readonly #path: string

  private constructor(server: ServerProcess, path: string) {
    this.server = server
    this.#path = path
  }

  static async start(t: Test, engine: EngineUnderTest, options: ServerProcessOptions = {}): Promise<Configured> {
    // A long path is cut short in the sentences that are looked for.
    const path = join(temporaryDirectory(), 'turnd.json')
    writeFileSync(path, textOf({}))
    const server = await startLocalServer(t, MIN_PORT, [...engine.args, '--config', path], [PASSWORD], options)
    return new Configured(server, path)
  }

  /** Writes the file and reloads. Resolves with the lines of that reload, the last of them about the whole. */
  async reload(text: string): Promise<LogLine[]> {
    const { server } = this
    writeFileSync(`${this.#path}.new`, text)
    renameSync(`${this.#path}.new`, this.#path)
    const known = server.logLines.length
    process.kill(server.pid, 'SIGHUP')
    await server.waitForLog((line) => line.event === 'reload' && server.logLines.indexOf(line) >= known)
    return server.logLines.slice(known).filter(({ event }) => event === 'reload' || event === 'reload-change')
  }
}

const withUser = (options: object = {}) => ({ user: [`alice:${PASSWORD}`], ...options })
const textOf = (options: object) => JSON.stringify(withUser(options))

for (const engine of ENGINES_IN_TIME) {
  t.test(`SIGHUP with the ${engine.name} engine`, { skip: engine.skip }, async (t) => {
    const configured = await Configured.start(t, engine)
    const { server } = configured

    t.test('says in a line each what is different now, and what needs a restart', async (t) => {
      const users = [`alice:${PASSWORD}`, `bob:${PASSWORD}`]
      const lines = await configured.reload(textOf({ user: users, 'max-bps': 5000, realm: 'other' }))
      t.match(lines, [
        {
          level: 40,
          event: 'reload-change',
          setting: '--realm',
          effect: 'restart',
          msg: /needs a restart: the keys of/,
        },
        { level: 30, setting: '--user', from: '1 user', to: '2 users', effect: 'live', note: /^1 added/ },
        { level: 30, setting: '--max-bps', from: '0', to: '5000', msg: /^--max-bps: 0 → 5000/ },
        { level: 30, event: 'reload', applied: true, changes: 2, refused: 1 },
      ])
      t.equal(lines.length, 4)
      t.equal(await allocateCode(t, server, 'bob', PASSWORD), 0)
      t.match(await configured.reload(textOf({ user: users, 'max-bps': 5000 })), [
        { changes: 0, msg: /nothing is different/ },
      ])
    })

    t.test('names the file and the place of what is wrong, and changes nothing', async (t) => {
      const client = await connectClient(t, server, 'alice', PASSWORD)
      t.equal((await client.allocate()).code, 0)
      const broken: [string, RegExp][] = [
        ['{ "max-bps": 1,', /turnd\.json is not JSON: see line 1, column \d+/],
        [textOf({ 'max-bsp': 1 }), /turnd\.json: "max-bsp" is not an option: did you mean "max-bps"\?/],
        [textOf({ 'max-bps': 'many' }), /turnd\.json: "max-bps": "many" is not/],
        [textOf({ 'user-quota': 1, cert: '/none', key: '/none' }), /--cert \/none cannot be read/],
        [textOf({ 'user-quota': 1, 'auth-secret-file': '/none' }), /--auth-secret-file \/none/],
        [JSON.stringify({ 'user-quota': 1, user: [], 'users-file': '/none' }), /--users-file \/none/],
      ]
      for (const [text, sentence] of broken) {
        const [line, ...others] = await configured.reload(text)
        t.match(line, { level: 50, event: 'reload', applied: false, errors: [sentence], msg: sentence })
        t.same(others, [])
      }
      t.equal((await client.refresh()).code, 0)
      t.equal(await allocateCode(t, server, 'alice', PASSWORD), 0)
    })

    t.test('takes over the level of the log', async (t) => {
      await configured.reload(textOf({ 'log-level': 'warn' }))
      const [before, refusals] = [server.linesOf('allocation').length, server.linesOf('refusal').length]
      t.equal(await allocateCode(t, server, 'alice', PASSWORD), 0)
      t.equal(await allocateCode(t, server, 'nobody', PASSWORD), 401)
      await until(() => server.linesOf('refusal').length > refusals, 'the refusal is said')
      t.equal(server.linesOf('allocation').length, before, 'allocations are said at a lower level')
    })

    t.test(
      'is taken over by the successor of a worker that dies, too',
      { skip: engine.name === 'dgram' },
      async (t) => {
        const configured = await Configured.start(t, engine, { prefix: ['env', 'TURND_TEST_CRASH_WORKER=0'] })
        const { server } = configured
        const user = [`bob:${PASSWORD}`]
        const [line] = await configured.reload(JSON.stringify({ user, 'channels-max': 1, 'deny-peer': ['127.0.0.9'] }))
        t.equal(line.event, 'reload-change')
        process.kill(server.pid, 'SIGUSR2')
        await server.waitForLog(({ event }) => event === 'worker-restarted')
        // On both workers: the kernel chooses.
        for (let count = 0; count < 12; count++) {
          const client = await connectClient(t, server, 'bob', PASSWORD)
          t.equal((await client.allocate()).code, 0)
          const denied = await UdpPeer.open(t, '127.0.0.9')
          t.equal((await client.createPermission(denied.address)).code, 403)
        }
        t.equal(await allocateCode(t, server, 'alice', PASSWORD), 401)
      },
    )
  })
}
