// Users of a running server: the users file edited under it, and TURN REST credentials (draft-uberti-behave-turn-rest-00).
import { createHmac } from 'node:crypto'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { temporaryDirectory } from '../support/certificate.js'
import { connectUdp } from '../support/client-transport.js'
import type { ServerProcess } from '../support/server-process.js'
import { connectTcp } from '../support/stream-client.js'
import { TurnClient } from '../support/turn-client.js'
import { allocateCode, connectClient, startLocalServer } from './local-server.js'
import { runTurnd } from './run-turnd.js'
import { until } from './until.js'

const MIN_PORT = 32_300
const REALM = 'example.org'

t.setTimeout(240_000)

t.test('a users file that is edited while the server runs', async (t) => {
  const cwd = t.testdir({ users: '# people\n' })
  const path = join(cwd, 'users')
  const options = ['--users-file', path, '--realm', REALM]
  const edit = (args: string[], input = '') => runTurnd(['user', ...args, ...options], { cwd, input })
  const server = await startLocalServer(t, MIN_PORT, options, ['alices-password', 'bobs-password'])
  const codeOf = (name: string) => allocateCode(t, server, name, `${name}s-password`)
  const learns = (name: string, code: number) =>
    until(async () => (await codeOf(name)) === code, `${name} is answered with ${code}`)

  t.test('a user who is added can allocate, without a restart', async (t) => {
    t.equal(await codeOf('alice'), 401)
    t.match(await edit(['add', 'alice'], 'alices-password\n'), { code: 0 })
    await learns('alice', 0)
    t.match(await server.waitForLog(({ event }) => event === 'refusal'), { reason: 'unknown-user', user: 'alice' })
  })

  t.test('a line that breaks the file changes nothing and is named in one warning', async (t) => {
    appendFileSync(path, 'bob\n')
    const { msg } = await server.waitForLog(({ msg }) => String(msg).includes('line 3'))
    t.equal(
      msg,
      `--users-file ${path}, line 3: is neither a JSON object nor user:realm:md5 with exactly two colons; ` +
        'the users loaded before stay',
    )
    t.equal(await codeOf('alice'), 0)
  })

  t.test('turnd user will not edit the broken file either', async (t) => {
    t.match(await edit(['add', 'bob'], 'bobs-password\n'), { code: 2, stderr: /line 3/ })
  })

  t.test('the mended file is taken, and a user who is removed is refused', async (t) => {
    writeFileSync(path, '')
    t.match(await edit(['add', 'bob'], 'bobs-password\n'), { code: 0 })
    await learns('bob', 0)
    t.equal(await codeOf('alice'), 401)
    t.match(await edit(['remove', 'bob']), { code: 0 })
    await learns('bob', 401)
    t.equal(server.linesOf('warning').filter(({ msg }) => String(msg).includes('line 3')).length, 1)
  })
})

t.test('a state directory without users', async (t) => {
  const stateDirectory = temporaryDirectory()
  const user = (args: string[], input = '') =>
    runTurnd(['user', ...args, '--state-dir', stateDirectory], { cwd: '/', input })
  const server = await startLocalServer(t, MIN_PORT, [], ['alices-password', 'correct horse'], { stateDirectory })
  const codeOf = (name: string, password: string) => allocateCode(t, server, name, password)
  const generated = JSON.parse(readFileSync(join(stateDirectory, 'generated-user.json'), 'utf8'))
  const learns = (code: number) =>
    until(async () => (await codeOf('alice', 'alices-password')) === code, `alice is answered with ${code}`)

  t.test('an admin user who is added leaves the generated user, and is no TURN user', async (t) => {
    t.match(await user(['add', 'root', '--admin'], 'correct horse\n'), { code: 0 })
    t.equal(await codeOf('root', 'correct horse'), 401)
    t.equal(await codeOf(generated.user, generated.password), 0)
  })

  t.test(
    'a TURN user who is added to the running server can allocate, and the log says what of the generated one',
    async (t) => {
      t.match(await user(['add', 'alice'], 'alices-password\n'), { code: 0 })
      await learns(0)
      t.equal(await codeOf(generated.user, generated.password), 0)
      await server.waitForLog(({ msg }) =>
        /turnuser, which was generated .* serves until the next start or reload/.test(String(msg)),
      )
    },
  )

  t.test('who is disabled is refused, turnd why says so, and who is enabled again is served', async (t) => {
    t.match(await user(['disable', 'alice']), { code: 0 })
    await learns(401)
    const why = () => runTurnd(['why', '--state-dir', stateDirectory, '--user', 'alice'], { cwd: '/' })
    await until(async () => (await why()).stdout.includes('disabled-user'), 'it is told')
    t.match((await why()).stdout, 'turnd user enable NAME')
    t.match(await user(['list']), { stdout: /^alice\tturnd\tmd5,sha256\tturn\tdisabled$/m })
    t.match(await user(['enable', 'alice']), { code: 0 })
    await learns(0)
  })
})

const passwordOf = (secret: string, username: string) => createHmac('sha1', secret).update(username).digest('base64')
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds

/** The answer's code, and the reason if it is logged as a refusal. */
async function tryRest(t: Test, server: ServerProcess, secret: string, username: string): Promise<unknown> {
  const client = await connectClient(t, server, username, passwordOf(secret, username))
  const { code } = await client.allocate()
  if (code === 0) return 0
  const source = client.localAddress.toString()
  const { reason, user } = await server.waitForLog((line) => line.event === 'refusal' && line.source === source)
  return { code, reason, user }
}

t.test('TURN REST', async (t) => {
  const file = join(t.testdir({ secrets: '# the web service\nfile-secret\nnext-secret\n' }), 'secrets')
  const secrets = ['north-secret', 'file-secret', 'next-secret']
  const args = ['--auth-secret', secrets[0], '--auth-secret-file', file]
  const server = await startLocalServer(t, MIN_PORT, args, secrets)

  t.test('a name that has not expired holds, with each secret', async (t) => {
    for (const secret of secrets) {
      t.equal(await tryRest(t, server, secret, `${inSeconds(60)}:user of ${secret.slice(0, 4)}`), 0, secret)
    }
    t.equal(await tryRest(t, server, secrets[0], `${inSeconds(60)}`), 0, 'a timestamp alone')
  })

  t.test('an expired one is refused with 401, and the log says so', async (t) => {
    for (const username of [`${inSeconds(-2)}:alice`, '1000000001:alice']) {
      t.same(await tryRest(t, server, secrets[0], username), {
        code: 401,
        reason: 'expired-credential',
        user: username,
      })
    }
  })

  t.test('a password of another secret, and a name without a timestamp, are refused', async (t) => {
    const username = `${inSeconds(60)}:alice`
    t.same(await tryRest(t, server, 'south', username), { code: 401, reason: 'bad-password', user: username })
    t.same(await tryRest(t, server, secrets[0], 'alice'), { code: 401, reason: 'unknown-user', user: 'alice' })
  })

  t.test('--user goes on beside it', async (t) => {
    const both = await startLocalServer(t, MIN_PORT, [...args, '--user', 'alice:hunter2'], [...secrets, 'hunter2'])
    t.equal(await allocateCode(t, both, 'alice', 'hunter2'), 0)
    t.equal(await tryRest(t, both, 'next-secret', `${inSeconds(60)}:alice`), 0)
  })
})

t.test('TURN REST secrets that rotate under a stream of clients', async (t) => {
  const [north, south] = ['north-secret', 'south-secret']
  const directory = t.testdir({ secrets: `${north}\n` })
  const file = join(directory, 'secrets')
  const args = ['--auth-secret-file', file, '--user-quota', '1', '--listen', '127.0.0.1:0']
  const stateDirectory = temporaryDirectory()
  const server = await startLocalServer(t, MIN_PORT, args, [north, south], { stateDirectory })
  let callCount = 0
  /** One call of a user of its own: the code of its Allocate, over UDP or TCP. */
  const call = async (secret: string, hash = 'sha1') => {
    const username = `${inSeconds(60)}:user ${callCount++}`
    const password = createHmac(hash, secret).update(username).digest('base64')
    const user = { username, password }
    const transport =
      callCount % 2 === 0
        ? await connectUdp('127.0.0.1', server.port())
        : await connectTcp('127.0.0.1', server.port('', 'tcp'))
    const client = TurnClient.on(t, transport, user)
    const { code } = await client.allocate()
    if (code === 0) await client.refresh({ lifetimeSeconds: 0 })
    await transport.close()
    return code
  }
  /** Rewrites the file, and goes on with calls until the server has said that it knows. Returns the codes of those calls. */
  const rotate = async (text: string, secret: string) => {
    const before = server.linesOf('secrets-changed').length
    writeFileSync(file, text)
    const codes: number[] = []
    await until(async () => {
      codes.push(await call(secret))
      return server.linesOf('secrets-changed').length > before
    }, 'the server knows the secrets')
    return codes
  }
  const holder = await connectClient(t, server, ...holderOf(north))
  t.equal((await holder.allocate()).code, 0)

  t.test(
    'nobody with a valid name is refused: of the old secret while it is there, of the new one from then on',
    async (t) => {
      t.equal(await call(south), 401)
      const codes = await rotate(`${south}\n${north}\n`, north)
      t.same(new Set(codes), new Set([0]))
      t.match(server.linesOf('secrets-changed').at(-1), { secrets: 2, added: 1, removed: 0 })
      for (const secret of [north, south, north, south]) t.equal(await call(secret), 0, secret)
      t.equal(await call(south, 'sha256'), 0, 'by HMAC-SHA256 too')
      t.equal((await holder.refresh()).code, 0)
      t.same(new Set(await rotate(`${south}\n`, south)), new Set([0]))
    },
  )

  t.test('a secret that is gone is refused at the next request, of who holds an allocation too', async (t) => {
    t.equal(await call(north), 401)
    t.equal((await holder.refresh()).code, 401)
    t.equal(await call(south), 0)
  })

  t.test('a broken file keeps the secrets, and a warning says so once', async (t) => {
    writeFileSync(file, '# none\n')
    await server.waitForLog(({ msg }) =>
      String(msg).includes('holds no secret: write one on a line; the secrets read before stay'),
    )
    t.equal(await call(south), 0)
  })

  t.test('names of one user share the quota, whatever their time', async (t) => {
    const clients = await Promise.all(
      [60, 61].map(async (seconds) => {
        const username = `${inSeconds(seconds)}:alice`
        return connectClient(t, server, username, passwordOf(south, username))
      }),
    )
    const codes = []
    for (const client of clients) codes.push((await client.allocate()).code)
    t.same(codes, [0, 486])
  })

  t.test('an expired name is refused with by how much, in the log and by turnd why', async (t) => {
    const username = `${inSeconds(-7260)}:alice`
    const client = await connectClient(t, server, username, passwordOf(south, username))
    t.equal((await client.allocate()).code, 401)
    const said = /expired 2 h 1 min ago by this server's clock \(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ\)/
    const line = await server.waitForLog(({ event, user }) => event === 'refusal' && user === username)
    t.match(line, { reason: 'expired-credential', detail: said, msg: said })
    const why = await runTurnd(['why', '--state-dir', stateDirectory, '--user', 'alice'], { cwd: '/' })
    t.match(why.stdout, said)
    t.match(why.stdout, /TURN REST names of \d+ users in the last hour held for .* more when they were first used\./)
  })
})

function holderOf(secret: string): [username: string, password: string] {
  const username = `${inSeconds(60)}:holder`
  return [username, passwordOf(secret, username)]
}
